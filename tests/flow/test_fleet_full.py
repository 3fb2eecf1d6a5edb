"""A real server on a file system that is really full (a small tmpfs); see docs/reference/fleet-tests.md."""

from __future__ import annotations

import hashlib
import json
import os
import random
import secrets
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cloud.live import LiveFleet, until
from volant.app.fleet_folder import FleetFolder
from volant.cloud import audit
from volant.cloud.campaigns import CarState
from volant.cloud.desk import Desk
from volant.cloud.people import Role
from volant.cloud.uptane.authority import PLACES
from volant.core.errors import LinkError
from volant.trust.uptane.match import IMAGE

CARS = [f"car-{place}" for place in range(12)]
SIZE = "12m"
LEFT = (0, 4096, 12_288, 40_960, 90_000, 150_000)
"""Bytes that are left: so that one thing after the other has no room."""


@contextmanager
def small_disk(place: Path) -> Iterator[Path]:
    """A file system of its own; skips where none may be mounted."""
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place)], capture_output=True
    )
    if made.returncode:
        pytest.skip("no file system may be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@contextmanager
def filled(disk: Path, left_bytes: int = 0) -> Iterator[None]:
    """Nothing but so much is free."""
    ballast = disk / "ballast"
    handle = os.open(ballast, os.O_WRONLY | os.O_CREAT)
    try:
        while os.write(handle, b"x" * 65_536):
            pass
    except OSError:
        os.truncate(ballast, max(0, ballast.stat().st_size - left_bytes))
    finally:
        os.close(handle)
    try:
        yield
    finally:
        ballast.unlink()


def cars_come(fleet: LiveFleet, dice: random.Random) -> Counter[int]:
    """Some cars ask and report; what they were answered."""
    found = Counter[int]()
    for car in dice.sample(CARS, 3):
        with fleet.client(car) as client:
            polled = client.get("")
            found[polled.status_code] += 1
            links = polled.json()["_links"] if polled.status_code == 200 else {}
            if "deploymentBase" in links:
                href = links["deploymentBase"]["href"].partition("?")[0]
                said = {"status": {"execution": "closed", "result": {"finished": "success"}}}
                found[client.post(f"{href}/feedback", json=said).status_code] += 1
    return found


def person_acts(fleet: LiveFleet, token: str, turn: int) -> list[str]:
    """A person sends a file, publishes it and writes a plan; words of what was refused."""
    name, refused = f"os-{turn}", []
    plan = {
        "campaign_id": f"next-{turn}", "title": "next", "release": "os-2.0", "concurrency": 9,
        "waves": [{"name": "all", "errors_stop": 2}],
    }  # fmt: skip
    with fleet.person(token) as person:
        sent = person.put(f"/releases/{name}/files/a.bin", content=secrets.token_bytes(50_000))
        answers = [sent]
        if sent.status_code < 300:
            file = {"name": f"{name}.bin", "sha256": sent.json()["sha256"], "hardware": "BR"}
            body = {"version": "2", "files": [file]}
            answers.append(person.put(f"/releases/{name}", json=body))
        answers.append(person.post("/campaigns", json=plan))
    for one in answers:
        assert one.status_code < 300 or one.status_code == 503, one.text
        if one.status_code == 503:
            refused.append(one.json()["error"])
    return refused


def test_a_file_system_that_is_full_again_and_again_leaves_nothing_half(tmp_path: Path) -> None:
    dice = random.Random(5)
    with small_disk(tmp_path / "disk") as disk:
        fleet = LiveFleet(disk / "fleet")
        (tmp_path / "os.img").write_bytes(secrets.token_bytes(50_000))
        subprocess.run(
            [*fleet.command("uptane"), "--by", "ann"], check=True, stdout=subprocess.DEVNULL
        )
        fleet.admit(*CARS)
        fleet.publish("os-2.0", tmp_path / "os.img")
        fleet.begin("os-2.0")
        token = fleet.invite("ann", Role.OPERATOR)
        with fleet.serving() as server:
            told, refused = Counter[int](), []
            for turn, left_bytes in enumerate(LEFT):
                with filled(disk, left_bytes):
                    told += cars_come(fleet, dice)
                    refused += person_acts(fleet, token, turn)
            assert set(told) <= {200, 503}
            assert told[503]
            assert refused
            assert all("full" in one or "No space left" in one for one in refused), refused
            assert server.poll() is None
            with fleet.client(CARS[0]) as client:
                assert until(lambda: client.get("").status_code == 200)
            assert not person_acts(fleet, token, 100)
        check(fleet)


def check(fleet: LiveFleet) -> None:
    """What is there is whole and agrees with itself."""
    with FleetFolder(fleet.folder) as home, home.store.read() as work:
        assert audit.check(work.lines()) == work.head()
        lines = [json.loads(line) for line in work.lines()]
        campaign, tasks = work.campaign("spring"), list(work.tasks_in("spring"))
        assert campaign is not None
        told = Counter(one["about"] for one in lines if one["act"] == "tell")
        assert set(told.values()) <= {1}
        assert campaign.told == len(told) == sum(one.attempt for one in tasks)
        counts = Counter(one.state for one in tasks)
        assert campaign.tallies[0].counts == tuple(counts[state] for state in CarState)
        listed = work.director_files(PLACES[IMAGE])
        for release in work.releases():
            for image in release.images:
                assert home.artifacts.size(image.hashes["sha256"]) == image.length
                assert listed is not None
                assert any(image.name.encode() in data for data in listed.values())
    files = list((fleet.folder / "artifacts").iterdir())
    assert all(hashlib.sha256(one.read_bytes()).hexdigest() == one.name for one in files)
    assert not list(fleet.folder.rglob("*.part"))


def test_a_full_file_system_is_called_full_when_a_fleet_is_opened_or_a_file_taken(
    tmp_path: Path,
) -> None:
    with small_disk(tmp_path / "disk") as disk:
        (tmp_path / "os.img").write_bytes(secrets.token_bytes(50_000))
        with FleetFolder(disk / "fleet") as home:
            home.publish("os-1", "1", [tmp_path / "os.img"], "ann", time.time())
        for left_bytes in LEFT[:3]:
            with filled(disk, left_bytes):
                with pytest.raises(LinkError, match="full"):
                    take(disk / "fleet", other(tmp_path))
                with pytest.raises(LinkError, match="full"), FleetFolder(disk / "other"):
                    pass
        with FleetFolder(disk / "fleet") as home, home.store.read() as work:
            assert [one.name for one in work.releases()] == ["os-1"]
        assert not list(disk.rglob("*.part"))


def take(folder: Path, file: Path) -> None:
    """Take a file in."""
    with FleetFolder(folder) as home:
        Desk(home.fleet, home.artifacts, time.time).take_file(Desk.local("ann"), file.name, file)


def other(folder: Path) -> Path:
    """A file that the disk has no room for."""
    file = folder / "b.bin"
    file.write_bytes(secrets.token_bytes(50_000))
    return file
