"""`volant repo` as its keeper has it, and a car that updates from what it serves."""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from volant.app.cli import app
from volant.app.repo_folder import RepoFolder
from volant.app.repo_serve import repo_app
from volant.core.errors import RefusedError, VolantError
from volant.trust.keys import SigningKey
from volant.trust.uptane import (
    Checker,
    EcuReport,
    Limits,
    Plan,
    RepositoryMap,
    SecureClock,
    answer_from,
    check_full,
    provision_full,
    sign_manifest,
    sign_report,
)
from volant.trust.uptane.check import fetch_image


class Client:
    """Asks a repository's server without a socket."""

    def __init__(self, folder: Path) -> None:
        self.app = repo_app(RepoFolder(folder))

    def get(self, path: str) -> httpx.Response:
        return asyncio.run(self._send("GET", path))

    def post(self, path: str, content: bytes) -> httpx.Response:
        return asyncio.run(self._send("POST", path, content))

    async def _send(self, method: str, path: str, content: bytes = b"") -> httpx.Response:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://repo") as client:
            return await client.request(method, path, content=content)


def ask(*words: str, status: int = 0) -> Any:
    done = CliRunner().invoke(app, ["repo", *words, "--json"])
    assert done.exit_code == status, done.output
    return json.loads(done.stdout)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Both repositories with an image for the brake."""
    path = tmp_path / "repo"
    ecus = ("--ecu", "gateway=gw-a", "--ecu", "brake=brk-a")
    ask("init", str(path), "--vehicle", "CAR-A", *ecus)
    (tmp_path / "brake-1.bin").write_bytes(b"brake one " * 50)
    ask("add", str(path), str(tmp_path / "brake-1.bin"), "--ecu", "brake")
    return path


class Car:
    """What a car with the factory's state checks over the server's routes."""

    def __init__(self, folder: Path, at: dict[str, dict[str, bytes]]) -> None:
        self.client = Client(folder)
        self.inventory = RepoFolder(folder).inventory()
        repository_map = RepositoryMap.of("d", "i").to_bytes()
        self.state = provision_full(at["director"], at["image"], repository_map)

    def get(self, fetch: Any) -> bytes | None:
        kind = "targets" if fetch.role == "image" else "metadata"
        reply = self.client.get(f"/{fetch.repository}/{kind}/{fetch.name}")
        return reply.content if reply.status_code == 200 else None

    def check(self) -> Plan:
        checker = Checker.of_car(self.inventory)
        state, now_s = self.state, time.time()
        steps = check_full(checker, state.director, state.image, now_s, Limits())
        return answer_from(steps, self.get)


def factory(folder: Path) -> dict[str, dict[str, bytes]]:
    """Newest metadata of both repositories."""
    repo = RepoFolder(folder)
    return {name: repo.keeper(name).trusted_files() for name in ("director", "image")}


def test_a_car_updates_from_what_is_served(folder: Path, tmp_path: Path) -> None:
    car = Car(folder, factory(folder))
    (tmp_path / "brake-2.bin").write_bytes(b"brake two " * 50)
    found = ask("add", str(folder), str(tmp_path / "brake-2.bin"), "--ecu", "brake")
    assert found["offered"] == {"brake": "brake-2.bin"}
    (one,) = car.check().assignments
    assert (one.name, one.release_counter) == ("brake-2.bin", 2)
    assert answer_from(fetch_image(one), car.get) == b"brake two " * 50


def test_two_units_may_share_an_image_but_not_a_name(folder: Path, tmp_path: Path) -> None:
    car = Car(folder, factory(folder))
    file = tmp_path / "brake-1.bin"
    found = ask("add", str(folder), str(file), "--ecu", "gateway")
    assert found["offered"] == {"brake": "brake-1.bin", "gateway": "brake-1.bin"}
    assert {one.ecu_id for one in car.check().assignments} == {"brake", "gateway"}
    file.write_bytes(b"other content")
    done = CliRunner().invoke(app, ["repo", "add", str(folder), str(file), "--ecu", "gateway"])
    assert "is offered to brake with other content" in str(done.exception)
    found = ask("add", str(folder), str(file), "--ecu", "gateway", "--name", "gateway.bin")
    assert found["offered"] == {"brake": "brake-1.bin", "gateway": "gateway.bin"}


def test_the_way_back_is_an_equal_counter(folder: Path, tmp_path: Path) -> None:
    two = tmp_path / "brake-2.bin"
    two.write_bytes(b"brake two")
    ask("add", str(folder), str(two), "--ecu", "brake")
    one = str(tmp_path / "brake-1.bin")
    ask("add", str(folder), one, "--ecu", "brake", "--counter", "2")
    (found,) = Car(folder, factory(folder)).check().assignments
    assert (found.name, found.release_counter) == ("brake-1.bin", 2)


@pytest.mark.parametrize("repository", ["director", "image"])
@pytest.mark.parametrize("role", ["root", "timestamp", "snapshot", "targets"])
def test_a_car_follows_every_change_of_keys(folder: Path, repository: str, role: str) -> None:
    car = Car(folder, factory(folder))
    before = RepoFolder(folder).key(f"{repository}-{role}")
    found = ask("rotate", str(folder), repository, role)
    assert found["versions"][repository]["root"] == 2
    assert RepoFolder(folder).key(f"{repository}-{role}") != before
    ask("sign", str(folder))
    assert [one.name for one in car.check().assignments] == ["brake-1.bin"]


def test_daily_signing_moves_timestamps(folder: Path) -> None:
    before = ask("sign", str(folder))["versions"]
    after = ask("sign", str(folder))["versions"]
    assert after["director"]["timestamp"] == before["director"]["timestamp"] + 1
    assert after["image"]["targets"] == before["image"]["targets"]


def test_daily_signing_keeps_what_is_offered_from_fading(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = time.time()
    car = Car(folder, factory(folder))
    for day in range(0, 100, 6):
        monkeypatch.setattr(time, "time", lambda day=day: now_s + day * 86_400)
        found = ask("sign", str(folder))["versions"]
        assert car.check().assignments
    assert found["director"]["targets"] == 3 + 1


def test_what_a_crash_left_behind_is_written_anew(folder: Path) -> None:
    repo = RepoFolder(folder)
    keeper = repo.keeper("director")
    version = keeper.snapshot.version + 1
    stale = repo.metadata("director") / f"{version}.snapshot.json"
    stale.write_bytes(b"{}")
    car = Car(folder, factory(folder))
    ask("sign", str(folder))
    assert stale.read_bytes() != b"{}"
    assert car.check().assignments


def test_keys_are_their_owner_s_alone_and_never_served(folder: Path) -> None:
    keys = RepoFolder(folder).keys
    assert (keys.stat().st_mode & 0o777) == 0o700
    assert {path.stat().st_mode & 0o777 for path in keys.iterdir()} == {0o600}
    client = Client(folder)
    for path in ("/keys/time.pem", "/director/metadata/../../keys/time.pem", "/inventory.json"):
        assert client.get(path).status_code == 404
    for path in ("/director/metadata/%2e%2e/%2e%2e/keys/time.pem", "/image/targets/..%2f..%2fkeys"):
        assert client.get(path).status_code == 404


def test_a_role_whose_key_is_elsewhere_cannot_be_signed(folder: Path) -> None:
    (RepoFolder(folder).keys / "director-root.pem").unlink()
    done = CliRunner().invoke(app, ["repo", "rotate", str(folder), "director", "timestamp"])
    assert isinstance(done.exception, RefusedError)
    assert "no key of role root" in str(done.exception)
    ask("sign", str(folder))
    assert Car(folder, factory(folder)).check().assignments, "the key that was to go is still there"


def test_one_signature_more(folder: Path, tmp_path: Path) -> None:
    key = SigningKey(os.urandom(32))
    (tmp_path / "second.pem").write_bytes(key.to_pem())
    root = tmp_path / "1.root.json"
    root.write_bytes((RepoFolder(folder).metadata("director") / "1.root.json").read_bytes())
    words = [
        "repo",
        "sign",
        str(folder),
        "--file",
        str(root),
        "--key",
        str(tmp_path / "second.pem"),
    ]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert len(json.loads(root.read_bytes())["signatures"]) == 2


@pytest.mark.parametrize(
    "words",
    [
        ("init", "{new}", "--vehicle", "A", "--ecu", "gateway"),
        ("init", "{new}", "--vehicle", "A", "--ecu", "a=b", "--ecu", "a=b"),
        ("init", "{new}", "--vehicle", "A", "--ecu", "a=b,partial"),
        ("init", "{folder}", "--vehicle", "A", "--ecu", "a=b"),
        ("add", "{folder}", "{folder}/none.bin", "--ecu", "brake"),
        ("add", "{folder}", "{folder}/map.json", "--ecu", "nobody"),
        ("add", "{folder}", "{folder}/map.json", "--ecu", "brake", "--name", "../x"),
        ("rotate", "{folder}", "director", "nobody"),
        ("sign", "{new}"),
        ("sign", "{folder}", "--file", "{folder}/map.json"),
    ],
)
def test_what_is_wrong_is_one_error_of_the_tree(
    words: tuple[str, ...], folder: Path, tmp_path: Path
) -> None:
    filled = [word.format(folder=folder, new=tmp_path / "new") for word in words]
    done = CliRunner().invoke(app, ["repo", *filled])
    assert isinstance(done.exception, VolantError), done.output


def test_the_director_hears_manifests_and_drops_old_ones(folder: Path) -> None:
    repo = RepoFolder(folder)
    client = Client(folder)

    def manifest(counter: int) -> bytes:
        reports = {}
        for unit in repo.inventory().ecus:
            report = EcuReport(ecu_id=unit.ecu_id, installed=None, time_s=1.0, counter=counter)
            reports[unit.ecu_id] = sign_report(report, key(f"ecu-{unit.ecu_id}"))
        return sign_manifest("CAR-A", "gateway", reports, key("ecu-gateway"))

    def key(name: str) -> SigningKey:
        found = repo.key(name)
        assert found is not None
        return found

    assert client.post("/director/manifest", content=manifest(1)).status_code == 200
    reply = client.post("/director/manifest", content=manifest(1))
    assert reply.status_code == 403
    assert "an old report" in reply.json()["error"]
    assert client.post("/director/manifest", content=b"x").status_code == 400
    assert client.post("/director/manifest", content=manifest(2)).status_code == 200


def test_the_server_attests_time(folder: Path) -> None:
    repo = RepoFolder(folder)
    client = Client(folder)
    nonce = os.urandom(16)
    source = repo.key("time")
    assert source is not None
    reply = client.post("/time", content=json.dumps({"nonces": [nonce.hex()]}).encode())
    clock = SecureClock().ask(nonce, 0).hear(reply.content, source.public, 1)
    assert clock.attested_s > 1_700_000_000
    for wrong in ({"nonces": []}, {"nonces": ["x"]}, {}):
        assert client.post("/time", content=json.dumps(wrong).encode()).status_code == 400
    (repo.keys / "time.pem").unlink()
    assert (
        client.post("/time", content=json.dumps({"nonces": [nonce.hex()]}).encode()).status_code
        == 503
    )


@pytest.mark.slow
def test_the_attack_matrix_can_be_run() -> None:
    found = ask("attacks")
    assert (len(found["cells"]), found["as_expected"]) == (154, 154)
