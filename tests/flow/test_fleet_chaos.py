"""Two servers on PostgreSQL and S3, killed (SIGKILL) at random while cars of both protocols are updated; see
docs/reference/fleet-tests.md."""

from __future__ import annotations

import hashlib
import json
import random
import secrets
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
import pytest

from tests.cloud import postgres as databases
from tests.cloud.bucket import KEYS, bucket, settings
from tests.cloud.live import ROOT, LiveFleet, free_port
from tests.cloud.uptane.town import Car, image
from volant.app.fleet_folder import FleetFolder
from volant.app.fleet_keys import FleetKeys
from volant.app.fleet_uptane import uptane_command
from volant.cloud import audit
from volant.cloud.campaigns import CarState, Phase, Wave
from volant.cloud.ddi import Answer
from volant.cloud.desk import Desk
from volant.cloud.views import FileBody, ReleaseBody
from volant.trust.uptane import Ended

DEVICES = [f"car-{place}" for place in range(8)]
VEHICLES = [f"VIN-{place}" for place in range(6)]
AT_ONCE = 3
STOPS_AT = 2
PATIENCE_S = 120.0
KILL_EACH_S = (0.2, 1.5)


@dataclass
class Out:
    """The fleet as cars see it from outside: whichever server answers. Stands for a town of the Uptane tests."""

    ports: list[int]
    dice: random.Random

    @property
    def now_s(self) -> float:
        """A car's clock."""
        return time.time()

    @property
    def door(self) -> Out:
        """The same."""
        return self

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """Ask until there is an answer that is not `come again`."""
        found = self.ask(method, f"/uptane{path}", headers, body)
        return Answer(found.status_code, found.content, "")

    def ask(
        self, method: str, path: str, headers: dict[str, str], body: bytes = b""
    ) -> httpx.Response:
        """Ask one server after the other."""
        ends_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < ends_s:
            port = self.dice.choice(self.ports)
            with suppress(httpx.TransportError):
                found = httpx.request(
                    method,
                    f"http://127.0.0.1:{port}{path}",
                    headers=headers,
                    content=body,
                    timeout=30.0,
                )
                if found.status_code != 503:
                    return found
            Event().wait(0.05)
        raise AssertionError(f"nobody answers {path}")


@dataclass
class World:
    """What is right, and what cars saw."""

    out: Out
    tokens: dict[str, str]
    data: dict[str, bytes]
    """Files by name."""
    seen: dict[str, set[str]] = field(default_factory=dict)
    """Offers that each car saw."""
    wrong: list[str] = field(default_factory=list)

    def saw(self, car: str, offer: str) -> None:
        """Note an offer."""
        self.seen.setdefault(car, set()).add(offer)

    def fetch(self, path: str, name: str, headers: dict[str, str]) -> None:
        """Load a file, and look at it."""
        found = self.out.ask("GET", path, headers)
        if found.status_code == 200 and found.content != self.data[name]:
            self.wrong.append(f"{name}: {len(found.content)} bytes that are others")


def visit_device(world: World, car: str, *, bad: bool) -> None:
    """A hawkBit device asks, loads and says how it went."""
    headers = {
        "authorization": f"TargetToken {world.tokens[car]}",
        "content-type": "application/json",
    }
    links = world.out.ask("GET", f"{ROOT}/{car}", headers).json().get("_links", {})
    if "cancelAction" in links:
        href = httpx.URL(links["cancelAction"]["href"]).path
        body = {"status": {"execution": "closed", "result": {"finished": "success"}}}
        world.out.ask("POST", f"{href}/feedback", headers, json.dumps(body).encode())
    elif "deploymentBase" in links:
        href = httpx.URL(links["deploymentBase"]["href"]).path
        world.saw(car, href)
        told = world.out.ask("GET", href, headers)
        if told.status_code == 200:
            (file,) = told.json()["deployment"]["chunks"][0]["artifacts"]
            path = httpx.URL(file["_links"]["download-http"]["href"]).path
            world.fetch(path, file["filename"], headers)
        said = "failure" if bad else "success"
        body = {"status": {"execution": "closed", "result": {"finished": said}}}
        world.out.ask("POST", f"{href}/feedback", headers, json.dumps(body).encode())


def visit_vehicle(world: World, car: Car, *, bad: bool) -> None:
    """A car that speaks Uptane says what it runs, checks what it is given, loads and installs it."""
    told = car.tell()
    if told.status != 200:
        world.wrong.append(f"{car.vehicle}: {told.status} {told.body!r}")
        return
    for one in car.check().assignments:
        found = world.out.ask(
            "GET", f"/uptane/cars/{car.vehicle}/director/metadata/timestamp.json", {}
        )
        number = found.json()["signed"]["meta"]["snapshot.json"]["version"]
        snapshot = world.out.ask(
            "GET", f"/uptane/cars/{car.vehicle}/director/metadata/{number}.snapshot.json", {}
        )
        targets = snapshot.json()["signed"]["meta"]["targets.json"]["version"]
        offer = world.out.ask(
            "GET", f"/uptane/cars/{car.vehicle}/director/metadata/{targets}.targets.json", {}
        )
        said = offer.json()["signed"]["custom"]["campaign"]
        world.saw(car.vehicle, f"{said['id']} {said['attempt']}")
        world.fetch(f"/uptane/image/targets/{one.hashes['sha256']}.{one.name}", one.name, {})
        if bad:
            digest = hashlib.sha256(offer.content).hexdigest()
            car.tell(ended=Ended(offer=digest, installed=False, why="rolled_back"))
        else:
            car.runs = replace_image(one)
            car.tell()


def replace_image(one: Any) -> Any:
    import msgspec

    return msgspec.structs.replace(
        image(one.name),
        hashes=dict(one.hashes),
        length=one.length,
        release_counter=one.release_counter,
    )


@contextmanager
def kept_up(
    fleet: LiveFleet, servers: list[LiveFleet], dice: random.Random
) -> Iterator[Counter[str]]:
    """Servers that are killed at random, each followed by another at once."""
    ended, counts = Event(), Counter[str]()

    def keep(one: LiveFleet, waits: random.Random) -> None:
        while not ended.is_set():
            with one.serving() as running:
                ended.wait(waits.uniform(*KILL_EACH_S) if counts["kills"] < 6 else None)
                if not ended.is_set():
                    running.kill()
                    counts["kills"] += 1

    threads = [
        Thread(target=keep, args=(one, random.Random(dice.random())), daemon=True)
        for one in servers
    ]
    for thread in threads:
        thread.start()
    try:
        yield counts
    finally:
        ended.set()
        for thread in threads:
            thread.join(60.0)


def publish(home: FleetFolder, name: str, data: bytes, folder: Path) -> dict[str, bytes]:
    """A release for cars of both protocols."""
    desk = Desk(home.fleet, home.artifacts, time.time, None, FleetKeys(home.path))
    ann, bodies, files = Desk.local("ann"), [], {}
    for file, content, hardware in (
        (f"{name}.swu", data, ""),
        (f"brake-{name}.bin", data[:300_000], "BR"),
    ):
        path = folder / file
        path.write_bytes(content)
        taken = desk.take_file(ann, file, path)
        bodies.append(FileBody(name=file, sha256=taken.sha256, hardware=hardware))
        files[file] = content
    desk.publish(ann, name, ReleaseBody(version=name, files=tuple(bodies)))
    return files


def drive(world: World, cars: list[Car], fleet: LiveFleet, name: str, *, bad: bool) -> None:
    """Let all cars come again and again until the campaign has ended, or has stopped itself."""
    ends_s = time.monotonic() + PATIENCE_S
    with ThreadPoolExecutor(4) as pool:
        while fleet.campaign(name).phase is Phase.RUNNING and time.monotonic() < ends_s:
            jobs = [pool.submit(visit_device, world, car, bad=bad) for car in DEVICES]
            jobs += [pool.submit(visit_vehicle, world, car, bad=bad) for car in cars]
            for one in jobs:
                one.result()


@pytest.mark.soak
@pytest.mark.timeout(400)
def test_servers_that_are_killed_at_random_while_cars_of_both_kinds_are_updated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    databases.need()
    for key, value in KEYS.items():
        monkeypatch.setenv(key, value)
    dice = random.Random(7)
    with databases.server() as database, bucket() as port:
        fleet = LiveFleet(tmp_path / "fleet")
        fleet.folder.mkdir()
        words = f'[database]\nurl = "{database.make_database()}"\n{settings(port)}'
        (fleet.folder / "fleet.toml").write_text(words)
        uptane_command(fleet.folder, (), "ann", as_json=True)
        fleet.admit(*DEVICES)
        servers = [fleet, replace(fleet, port=free_port(), people_port=free_port())]
        world = World(Out([one.port for one in servers], dice), fleet.tokens, {})
        with FleetFolder(fleet.folder) as home:
            for name in ("good", "bad"):
                world.data |= publish(home, name, secrets.token_bytes(1_500_000), tmp_path)
            desk = Desk(home.fleet, home.artifacts, time.time, None, FleetKeys(home.path))
            codes = {one: desk.admit_uptane(Desk.local("ann"), one).token for one in VEHICLES}
        with kept_up(fleet, servers, dice) as counts:
            cars = [Car(world.out, one) for one in VEHICLES]  # type: ignore[arg-type]
            for car in cars:
                assert car.join(codes[car.vehicle]).status in {200, 403}
                if car.grant is None:  # it was let in, and the answer went with its server
                    with FleetFolder(fleet.folder) as home:
                        desk = Desk(
                            home.fleet, home.artifacts, time.time, None, FleetKeys(home.path)
                        )
                        code = desk.admit_uptane(Desk.local("ann"), car.vehicle).token
                    assert car.join(code).status == 200
            waves = (
                Wave(name="canaries", count=4, errors_stop=STOPS_AT),
                Wave(name="all", errors_stop=STOPS_AT),
            )
            more = {"waves": waves, "concurrency": AT_ONCE, "tries": 3}
            fleet.begin("good", "good", **more)
            drive(world, cars, fleet, "good", bad=False)
            fleet.begin("bad", "bad", **(more | {"tries": 1}))
            drive(world, cars, fleet, "bad", bad=True)
        assert counts["kills"] >= 2
        check(fleet, world)


def check(fleet: LiveFleet, world: World) -> None:
    """Both books agree: what cars saw, and what campaigns, tasks and audit log say."""
    assert not world.wrong
    with FleetFolder(fleet.folder) as home, home.store.read() as work:
        assert audit.check(work.lines()) == work.head()
        lines = [json.loads(line) for line in work.lines()]
        for name in ("good", "bad"):
            campaign, tasks = work.campaign(name), list(work.tasks_in(name))
            assert campaign is not None
            told = Counter(
                (one["about"], one["data"]["attempt"])
                for one in lines
                if one["act"] == "tell" and one["data"]["campaign"] == name
            )
            assert set(told.values()) == {1}, "nobody is told twice"
            assert campaign.told == len(told) == sum(one.attempt for one in tasks)
            for place, tally in enumerate(campaign.tallies):
                counts = Counter(one.state for one in tasks if one.wave == place)
                assert tally.counts == tuple(counts[state] for state in CarState)
            if name == "good":
                assert campaign.phase is Phase.FINISHED, campaign.reason
                assert {one.state for one in tasks} == {CarState.WELL}
            else:
                assert campaign.phase is Phase.HALTED
                assert len(told) <= STOPS_AT - 1 + AT_ONCE
        attempts = Counter(one["about"] for one in lines if one["act"] == "tell")
    for car, seen in world.seen.items():
        assert len(seen) <= attempts[car], f"{car} saw {seen}"
