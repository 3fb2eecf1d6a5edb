"""People at a real server: two at once, a stolen token, somebody who guesses; see docs/reference/fleet-tests.md."""

import itertools
import json
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import httpx
import pytest

from tests.cloud import rough
from tests.cloud.live import LiveFleet, free_port, until
from volant.app.fleet_folder import FleetFolder
from volant.cloud import audit
from volant.cloud.people import Role

Server = subprocess.Popen[bytes]
CARS = [f"car-{place}" for place in range(5)]


@dataclass(frozen=True)
class Desk:
    """A fleet with two servers, and people with tokens."""

    fleet: LiveFleet
    other: LiveFleet
    tokens: dict[Role, str]
    open_: ExitStack
    tries: Iterator[int] = field(default_factory=itertools.count)

    def of(self, role: Role) -> httpx.Client:
        return self.by(self.tokens[role])

    def by(self, token: str, fleet: LiveFleet | None = None) -> httpx.Client:
        return self.open_.enter_context((fleet or self.fleet).person(token))

    def name(self, word: str) -> str:
        """A name of its own for each try of a test: a second one meets what the first has left."""
        return f"{word}-{next(self.tries)}"

    def draft(self, name: str, by: httpx.Client) -> dict[str, Any]:
        """A campaign that may be submitted."""
        found = by.post("/campaigns", json=plan(name))
        assert found.status_code == 201, found.text
        view: dict[str, Any] = found.json()
        return view

    def approved(self, name: str) -> dict[str, Any]:
        """A campaign that may be started."""
        operator = self.of(Role.OPERATOR)
        view = self.draft(name, operator)
        view = act(operator, name, "submit", revision=view["revision"]).json()
        body = {"revision": view["revision"], "digest": view["digest"]}
        found = act(self.of(Role.APPROVER), name, "approve", **body)
        assert found.status_code == 200, found.text
        view = found.json()
        assert view["phase"] == "approved"
        return view

    def lines(self) -> list[dict[str, Any]]:
        """The audit log, checked."""
        with FleetFolder(self.fleet.folder) as home, home.store.read() as work:
            assert audit.check(work.lines()) == work.head()
            return [json.loads(line) for line in work.lines()]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, dict[int, Server]]]:
    """A fleet with two servers, and their processes by port."""
    folder = tmp_path_factory.mktemp("people")
    fleet = LiveFleet(folder / "fleet")
    (folder / "os.img").write_bytes(b"system")
    fleet.publish("os-2.0", folder / "os.img")
    fleet.admit(*CARS)
    tokens = {role: fleet.invite(f"the-{role}", role) for role in Role}
    other = replace(fleet, port=free_port(), people_port=free_port())
    with ExitStack() as open_:
        running = {one.port: open_.enter_context(one.serving()) for one in (fleet, other)}
        yield Desk(fleet, other, tokens, open_), running


@pytest.fixture
def desk(town: tuple[Desk, dict[int, Server]]) -> Desk:
    """Both servers answer people; one that has ended is started again, so that a second try does not meet its end."""
    found, running = town
    for one in (found.fleet, found.other):
        if running[one.port].poll() is not None:
            running[one.port] = found.open_.enter_context(one.serving())
        until(partial(hears, one.people_port))
    return found


def hears(port: int) -> bool:
    """Whether somebody takes connections there."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5.0):
        return True
    return False


def plan(name: str, **changes: Any) -> dict[str, Any]:
    waves = [{"name": "all", "errors_stop": 2}]
    fields = {
        "campaign_id": name,
        "title": name,
        "release": "os-2.0",
        "waves": waves,
        "concurrency": 9,
    }
    return fields | changes


def act(client: httpx.Client, name: str, verb: str, **body: Any) -> httpx.Response:
    return client.post(f"/campaigns/{name}/{verb}", json=body)


def at_once(*calls: Any) -> list[httpx.Response]:
    with ThreadPoolExecutor(len(calls)) as pool:
        return [one.result() for one in [pool.submit(call) for call in calls]]


# Two operators at once.


def test_of_many_that_start_one_campaign_one_does(desk: Desk) -> None:
    name = desk.name("start")
    view = desk.approved(name)
    tellers = [desk.by(desk.tokens[Role.OPERATOR], one) for one in (desk.fleet, desk.other) * 3]
    answers = at_once(
        *(lambda one=one: act(one, name, "start", revision=view["revision"]) for one in tellers)
    )
    statuses = sorted(one.status_code for one in answers)
    assert statuses == [200] + [409] * (len(tellers) - 1)
    assert all(one.json()["error"] for one in answers if one.status_code == 409)
    found = desk.of(Role.VIEWER).get(f"/campaigns/{name}").json()
    assert sum(wave["size"] for wave in found["waves"]) == len(CARS)
    started = [one for one in desk.lines() if (one["act"], one["about"]) == ("start", name)]
    assert len(started) == 1


def test_of_two_changes_of_one_plan_one_is_made_and_the_other_told(desk: Desk) -> None:
    operator, admin = desk.of(Role.OPERATOR), desk.by(desk.tokens[Role.ADMIN], desk.other)
    name = desk.name("change")
    seen = desk.draft(name, operator)["revision"]
    answers = at_once(
        lambda: operator.put(
            f"/campaigns/{name}/plan?revision={seen}", json=plan(name, title="mine")
        ),
        lambda: admin.put(
            f"/campaigns/{name}/plan?revision={seen}", json=plan(name, title="yours")
        ),
    )
    assert sorted(one.status_code for one in answers) == [200, 409]
    won = next(one for one in answers if one.status_code == 200).json()
    found = operator.get(f"/campaigns/{name}").json()
    assert (found["title"], found["digest"]) == (won["title"], won["digest"])


def test_what_runs_is_what_was_approved_though_it_changes_meanwhile(desk: Desk) -> None:
    operator, approver = desk.of(Role.OPERATOR), desk.by(desk.tokens[Role.APPROVER], desk.other)
    name = desk.name("race")
    view = desk.draft(name, operator)
    view = act(operator, name, "submit", revision=view["revision"]).json()
    seen, digest = view["revision"], view["digest"]
    change = plan(name, title="another", waves=[{"name": "all", "errors_stop": 99}])
    at_once(
        lambda: act(approver, name, "approve", revision=seen, digest=digest),
        lambda: operator.put(f"/campaigns/{name}/plan?revision={seen}", json=change),
    )
    found = operator.get(f"/campaigns/{name}").json()
    assert found["phase"] != "approved" or found["digest"] == digest


def test_a_stop_beside_a_resume_is_a_stop(desk: Desk) -> None:
    name = desk.name("stop")
    view = desk.approved(name)
    operator, approver = desk.of(Role.OPERATOR), desk.by(desk.tokens[Role.APPROVER], desk.other)
    assert act(operator, name, "start", revision=view["revision"]).is_success
    paused = act(operator, name, "pause", reason="a look").json()
    answers = at_once(
        lambda: act(operator, name, "resume", revision=paused["revision"]),
        lambda: act(approver, name, "stop", reason="bad brakes"),
    )
    assert answers[1].status_code == 200
    assert operator.get(f"/campaigns/{name}").json()["phase"] == "stopped"
    late = act(operator, name, "resume", revision=paused["revision"])
    assert late.status_code == 409


# A stolen token.


def test_a_stolen_token_does_no_more_than_its_role(desk: Desk) -> None:
    thief = desk.of(Role.OPERATOR)
    name = desk.name("theft")
    view = desk.draft(name, thief)
    view = act(thief, name, "submit", revision=view["revision"]).json()
    body = {"revision": view["revision"], "digest": view["digest"]}
    assert act(thief, name, "approve", **body).status_code == 403
    assert act(thief, name, "start", revision=view["revision"]).status_code == 409
    refused = (
        ("POST", "/people", {"name": "mallory", "role": "admin"}),
        ("DELETE", "/people/the-admin", None),
        ("POST", "/cars", {"car": "mine"}),
        ("DELETE", f"/cars/{CARS[0]}", None),
        ("PUT", f"/cars/{CARS[0]}/groups", {"groups": ["staff"]}),
    )
    for method, path, given in refused:
        assert thief.request(method, path, json=given).status_code == 403, path
    assert desk.of(Role.ADMIN).get("/people").json() != []


def test_a_token_that_was_taken_back_is_out_at_every_server(desk: Desk) -> None:
    name = desk.name("stolen")
    token = desk.fleet.invite(name, Role.OPERATOR)
    here, there = desk.by(token), desk.by(token, desk.other)
    assert here.get("/me").status_code == there.get("/me").status_code == 200
    assert desk.of(Role.ADMIN).delete(f"/people/{name}").is_success
    found = [one.get("/me").status_code for one in (here, there)]
    found += [act(one, "none", "stop", reason="mine").status_code for one in (here, there)]
    assert found == [401, 401, 401, 401]
    assert any((one["act"], one["about"]) == ("uninvite", name) for one in desk.lines())


def test_a_car_s_token_is_no_person_s(desk: Desk) -> None:
    assert desk.by(desk.fleet.tokens[CARS[0]]).get("/me").status_code == 401


def test_a_person_s_token_is_no_car_s(desk: Desk) -> None:
    headers = {"Authorization": f"TargetToken {desk.tokens[Role.ADMIN]}"}
    found = httpx.get(f"{desk.fleet.url}/DEFAULT/controller/v1/{CARS[0]}", headers=headers)
    assert found.status_code == 401


def test_who_guesses_tokens_must_wait_and_keeps_nobody_out(desk: Desk) -> None:
    good = desk.of(Role.VIEWER)
    assert good.get("/me").status_code == 200
    answers = [desk.by(f"guess-{place}").get("/me") for place in range(30)]
    assert {one.status_code for one in answers} == {401, 429}
    assert all(int(one.headers["retry-after"]) > 0 for one in answers if one.status_code == 429)
    assert good.get("/me").status_code == 200


# Rough requests.

TRICKS = ("/../../etc/passwd", "/..%2f..%2f..%2fetc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd",
    "/static/../../fleet.db", "/api/v1/cars/..%2f..%2fme", "/api/v1/campaigns/%00", "/api/v1/releases/" + "a" * 5000)  # fmt: skip


@pytest.mark.parametrize("path", TRICKS)
def test_a_path_that_is_a_trick_finds_nothing(desk: Desk, path: str) -> None:
    token = f"Authorization: Bearer {desk.tokens[Role.VIEWER]}"
    data = rough.send(
        desk.fleet.people_port, rough.request("GET", path, "", token, "Connection: close")
    )
    assert b"root:" not in data
    assert b"SQLite format" not in data
    assert all(one < 500 for one in rough.statuses(data)), data[:300]


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"campaign_id":' * 10_000,
        b"\xff\xfe",
        b"{}",
        b'{"campaign_id": "x", "title": "x", "release": "os-2.0", "waves": [], "cars": "(((((("}',
        json.dumps(plan("deep", cars="(" * 5000 + "a == 1" + ")" * 5000)).encode(),
        json.dumps(plan("many", cars=" or ".join(["a == 1"] * 5000))).encode(),
        json.dumps(plan("a" * 1000)).encode(),
    ],
)  # fmt: skip
def test_a_plan_that_is_a_bomb_is_refused_in_words(desk: Desk, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    found = desk.of(Role.OPERATOR).post("/campaigns", content=body, headers=headers)
    assert found.status_code in {400, 413}, found.text[:300]
    assert found.json()["error"]


def test_a_body_that_is_too_long_is_not_read_to_its_end(desk: Desk) -> None:
    token = f"Authorization: Bearer {desk.tokens[Role.OPERATOR]}"
    head = rough.request(
        "POST",
        "/api/v1/campaigns",
        "",
        token,
        "Content-Type: application/json",
        f"Content-Length: {1 << 40}",
    )
    assert rough.pour(desk.fleet.people_port, head, most_bytes=256 << 20) < 256 << 20
    assert desk.of(Role.VIEWER).get("/me").status_code == 200


def test_people_by_the_hundred_keep_no_car_waiting(desk: Desk) -> None:
    viewer = desk.tokens[Role.VIEWER]
    with ThreadPoolExecutor(40) as pool, desk.fleet.client(CARS[0]) as car:
        asked = [pool.submit(ask_cars, desk.fleet, viewer) for _ in range(50)]
        polls = [car.get("").status_code for _ in range(20)]
        found = {one.result() for one in asked}
    assert set(polls) == {200}
    assert found <= {200, 503}


def ask_cars(fleet: LiveFleet, token: str) -> int:
    with fleet.person(token) as client:
        return client.get("/cars?filter=model%20%3D%3D%20%22ev1%22").status_code
