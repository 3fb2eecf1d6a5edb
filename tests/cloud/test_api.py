"""The door for people over HTTP: every route, what it answers when something is wrong, and what nobody gets out of it."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.cloud.campaigns.fleet import plan_of
from tests.cloud.office import Office
from volant.cloud import api_guard, api_upload, looking, views
from volant.core.errors import LinkError

VERSIONED = "/api/v1"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.close()


def test_every_route_is_described_with_what_it_answers(office: Office) -> None:
    with office.client() as client:
        schema = client.get("/api/schema/openapi.json").json()
    assert client.get("/api/schema").json() == schema
    routes = {(method, path) for path, item in schema["paths"].items() for method in item}
    assert len(routes) == 27
    assert all(path.startswith(f"{VERSIONED}/") for _, path in routes)
    for path, item in schema["paths"].items():
        for method, said in item.items():
            place = f"{method} {path}"
            assert said["summary"], place
            assert said["description"], place
            good = [code for code in said["responses"] if code.startswith("2")]
            assert len(good) == 1, place
            assert {"400", "401", "403", "404", "409", "503"} <= set(said["responses"]), place
            for code, answer in said["responses"].items():
                if code == "204":
                    continue
                (content,) = answer["content"].values()
                assert "$ref" in str(content["schema"]), f"{place} {code}"
            for one in said.get("parameters", ()):
                assert one["schema"], place
    assert schema["security"] == [{"token": []}]


def test_a_campaign_over_http(office: Office) -> None:
    olga, adam, root = (office.bearer(name) for name in ("olga", "adam", "root"))
    data = b"system" * 100_000
    with office.client() as client:
        file = client.put(f"{VERSIONED}/releases/new/files/os.swu", content=data, headers=olga)
        assert file.json() == {
            "name": "os.swu", "length": len(data), "hardware": "", "units": [],
            "sha256": hashlib.sha256(data).hexdigest(),
        }  # fmt: skip
        body = {"version": "2.0", "files": [{"name": "os.swu", "sha256": file.json()["sha256"]}]}
        made = client.put(f"{VERSIONED}/releases/2.0", json=body, headers=olga)
        assert made.json()["by"] == "olga"
        car = client.post(f"{VERSIONED}/cars", json={"car": "CAR1"}, headers=root)
        assert (car.status_code, car.json()["name"]) == (201, "CAR1")
        groups = client.put(f"{VERSIONED}/cars/CAR1/groups", json={"groups": ["eu"]}, headers=root)
        assert groups.json()["groups"] == ["eu"]
        plan = msgspec.to_builtins(plan_of())
        drafted = client.post(f"{VERSIONED}/campaigns", json=plan, headers=olga)
        assert (drafted.status_code, drafted.json()["phase"]) == (201, "draft")
        plan["title"] = "Another"
        path = f"{VERSIONED}/campaigns/spring"
        changed = client.put(f"{path}/plan?revision=0", json=plan, headers=olga).json()
        assert changed["title"] == "Another"
        client.post(f"{path}/submit", json={"revision": 1}, headers=olga)
        said = {"digest": changed["digest"]}
        assert client.post(f"{path}/approve", json=said, headers=adam).json()["phase"] == "approved"
        found = client.post(f"{path}/start", headers=olga)
        assert (found.status_code, found.json()["phase"]) == (200, "running")
        page = client.get(f"{path}/cars?state=waiting&wave=all", headers=olga).json()
        assert [one["car"] for one in page["tasks"]] == ["CAR1"]
        report = client.get(f"{path}/report", headers=olga).json()
        assert msgspec.convert(report, views.ReportView).campaign.asked_by == "olga"
        assert client.get(f"{VERSIONED}/fleet", headers=olga).json()["campaigns"] == {"running": 1}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        ("GET", "/campaigns/none", None, 404, "no campaign none"),
        ("POST", "/campaigns/none/stop", None, 404, "no campaign none"),
        ("POST", "/campaigns/none/dance", None, 400, "no verb of a campaign"),
        ("POST", "/campaigns", b'{"campaign_id": 1}', 400, "campaign_id"),
        ("POST", "/campaigns", b"[" * 100_000, 400, ""),
        ("POST", "/campaigns", b"\xff\xfe", 400, ""),
        ("POST", "/campaigns", b" " * (512 * 1024 + 1), 413, ""),
        ("POST", "/cars", b'{"car": "a b"}', 400, "car"),
        ("POST", "/cars", b'{"car": "CAR1", "more": 1}', 400, "more"),
        ("GET", "/cars?filter=a+%3D+b", None, 400, "filter, character"),
        ("GET", "/cars?limit=100000", None, 400, "limit"),
        ("GET", "/cars?after=" + "x" * 200, None, 400, "after"),
        ("DELETE", "/cars/none", None, 404, "no car none"),
        ("PUT", "/cars/none/groups", b'{"groups": []}', 404, "no car none"),
        ("GET", "/releases/none/fit", None, 404, "no release none"),
        ("PUT", "/releases/a%20b", b'{"files": []}', 400, ""),
        ("PUT", "/releases/new/files/..%2Fx", b"x", 404, ""),
        ("PUT", "/releases/new/files/.hidden", b"x", 400, "no name of an artifact"),
        ("POST", "/people", b'{"name": "x", "role": "king"}', 400, "role"),
        ("DELETE", "/people/none", None, 404, "nobody of the name"),
        ("GET", "/audit?before=x", None, 400, "before"),
        ("PATCH", "/me", None, 405, ""),
        ("GET", "/none", None, 404, ""),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_told(
    office: Office, method: str, path: str, body: bytes | None, status: int, words: str
) -> None:
    headers = {**office.bearer("root"), "content-type": "application/json"}
    before = office.desk.overview(office.local)
    with office.client() as client:
        found = client.request(method, VERSIONED + path, content=body, headers=headers)
    assert found.status_code == status, found.text
    assert words in found.json()["error"]
    assert office.desk.overview(office.local) == before


@pytest.mark.parametrize("said", ["", "Bearer", "Bearer ", "Basic abc", "Bearer " + "x" * 300, "x"])
def test_without_a_good_token_there_is_nothing(office: Office, said: str) -> None:
    with office.client() as client:
        found = client.get(f"{VERSIONED}/me", headers={"authorization": said})
    assert (found.status_code, found.headers["www-authenticate"]) == (401, "Bearer")


def test_a_token_that_was_taken_back_is_out_with_the_next_request(office: Office) -> None:
    with office.client() as client:
        assert client.get(f"{VERSIONED}/me", headers=office.bearer("olga")).status_code == 200
        # As another server of the same database does it.
        office.desk.uninvite(office.local, "olga")
        assert client.get(f"{VERSIONED}/me", headers=office.bearer("olga")).status_code == 401


def test_who_guesses_tokens_is_slowed_down_and_nobody_else(office: Office) -> None:
    with office.client() as client:
        good = office.bearer("vera")
        assert client.get(f"{VERSIONED}/me", headers=good).status_code == 200
        bad = {"authorization": "Bearer wrong"}
        codes = [client.get(f"{VERSIONED}/me", headers=bad).status_code for _ in range(15)]
        assert codes == [401] * api_guard.WRONG_MOST + [429] * (15 - api_guard.WRONG_MOST)
        assert client.get(f"{VERSIONED}/me", headers=good).status_code == 200
        office.now_s -= 3600.0
        assert client.get(f"{VERSIONED}/me", headers=bad).status_code == 429
        office.now_s += 3600.0 + api_guard.WRONG_EVERY_S
        assert client.get(f"{VERSIONED}/me", headers=bad).status_code == 401


def test_addresses_that_guess_are_forgotten_before_memory_fills() -> None:
    wrong = api_guard.WrongTokens()
    for place in range(api_guard.ADDRESSES_MOST + 10):
        wrong.count(str(place), 1.0)
    assert len(wrong.spent) == api_guard.ADDRESSES_MOST


def test_a_database_that_is_away_is_told_so(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise LinkError("the database is away")

    with office.client() as client:
        monkeypatch.setattr(office.desk, "overview", away)
        found = client.get(f"{VERSIONED}/fleet", headers=office.bearer("vera"))
    assert (found.status_code, found.headers["retry-after"]) == (503, "5")


def test_who_comes_when_too_many_wait_is_asked_to_come_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_guard, "WAITING_MOST", 0)
    with office.client() as client:
        found = client.get(f"{VERSIONED}/me", headers=office.bearer("vera"))
    assert (found.status_code, found.headers["retry-after"]) == (503, "5")


def test_a_fleet_of_many_is_counted_after_the_answer(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "HEARD_CARS", -1)
    with office.client() as client:

        def heard() -> int | None:
            found = client.get(f"{VERSIONED}/fleet", headers=office.bearer("vera")).json()
            hour: int | None = found["heard_hour"]
            return hour

        assert heard() is None, "nobody waits for the first count"
        assert heard() == 0
        with office.desk.fleet.store.work() as work:
            work.seen([("CAR1", office.now_s)])
        assert heard() == 0
        office.now_s += looking.HEARD_S
        heard()
        assert heard() == 1


def test_a_fault_of_ours_says_nothing_of_the_inside(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret")

    with office.client() as client:
        monkeypatch.setattr(office.desk, "overview", broken)
        found = client.get(f"{VERSIONED}/fleet", headers=office.bearer("vera"))
    assert found.status_code == 500
    assert "secret" not in found.text


def test_a_file_that_is_too_long_leaves_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_upload, "FILE_MOST_BYTES", 1000)
    path = f"{VERSIONED}/releases/new/files/os.swu"
    with office.client() as client:
        found = client.put(path, content=b"x" * 1001, headers=office.bearer("olga"))
        assert (found.status_code, "at most 1000" in found.text) == (400, True)
        assert client.put(path, content=b"x", headers=office.bearer("vera")).status_code == 403
    assert not [one for one in office.folder.rglob("*") if one.name.endswith(".part")]
    assert not list((office.folder / "artifacts").iterdir())


def test_a_file_that_is_another_or_breaks_off_leaves_nothing(office: Office) -> None:
    path = f"{VERSIONED}/releases/new/files/os.swu"
    olga = office.bearer("olga")
    digest = hashlib.sha256(b"system").hexdigest()
    with office.client() as client:
        found = client.put(f"{path}?sha256={digest}", content=b"other", headers=olga)
        assert (found.status_code, "expected" in found.text) == (400, True)
        short = client.put(path, content=b"sys", headers={**olga, "content-length": "6"})
        assert (short.status_code, "3 bytes came, 6 were to come" in short.text) == (503, True)
        assert not list((office.folder / "artifacts").iterdir())
        assert client.get(f"{VERSIONED}/files/{digest}", headers=olga).status_code == 404
        assert client.get(f"{VERSIONED}/files/..%2Ffleet.db", headers=olga).status_code == 404
        client.put(f"{path}?sha256={digest}", content=b"system", headers=olga)
        there = client.get(f"{VERSIONED}/files/{digest}", headers=olga)
        assert (there.json()["length"], there.json()["sha256"]) == (6, digest)


def test_a_file_that_says_for_which_units_it_is_is_told_back_so(office: Office) -> None:
    office.desk.recognise = lambda file: ("BR", (file.read_bytes().decode(),))
    path = f"{VERSIONED}/releases/new/files/brake.img"
    with office.client() as client:
        found = client.put(path, content=b"brake", headers=office.bearer("olga")).json()
    assert (found["hardware"], found["units"]) == ("BR", ["brake"])


def test_whether_a_release_can_be_made_is_told_before_its_files_are_sent(office: Office) -> None:
    office.publish("2.0")
    with office.client() as client:
        taken, free = (
            client.get(f"{VERSIONED}/releases/{one}/ready", headers=office.bearer("olga")).json()
            for one in ("2.0", "3.0")
        )
    assert (taken["free"], free["free"]) == (False, True)
    assert "no keys of Uptane repositories are here" in free["unsigned"]


def test_the_console_lies_beside_the_api(office: Office) -> None:
    folder = office.folder / "console"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<p>console</p>")
    (folder / "assets" / "page.js").write_text("1")
    (office.folder / "secret").write_text("treasure")
    with office.client(folder) as client:
        page = client.get("/")
        assert page.text == "<p>console</p>"
        assert "default-src 'self'" in page.headers["content-security-policy"]
        assert client.get("/assets/page.js").headers["x-content-type-options"] == "nosniff"
        for path in ("/../secret", "/%2e%2e/secret", "/assets/..%2f..%2fsecret", "//secret"):
            assert "treasure" not in client.get(path).text
        assert client.get(f"{VERSIONED}/me").status_code == 401
    with office.client() as client:
        assert "is not built here" in client.get("/").text
