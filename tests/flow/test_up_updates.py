"""Updates of a running car as a user has them: joined, checked, installed, driven, and gone on with after every death."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from scripts import kill_table
from tests.caros.apps.packages import KEY, package_bytes
from volant.app.app_make import app_store
from volant.app.cli import app as commands
from volant.app.ota_socket import OtaWish, ask_updates
from volant.app.power_socket import ask_car
from volant.app.updates_folder import UpdatesFolder
from volant.caros.power import Wish
from volant.core.errors import LinkError
from volant.core.updates import UpdateEnd, UpdatePhase, UpdateState, UpdateWish

CAR = "g3-520"
APP = "org.example.app"
BOUND_S = 90.0
UP = ("--parked", "--cars", "0", "--distance", "3000", "--no-journal", "--doip-port", "0")
SLOW_MPS = 2.0
AT_WORK = (UpdatePhase.INSTALLING, UpdatePhase.REBOOTING)


def ask(*words: str, status: int = 0) -> Any:
    done = CliRunner().invoke(commands, [*words, "--json"])
    assert done.exit_code == status, done.output
    return json.loads(done.stdout)


class Garage:
    """A repository, a state, and the live car that is up now."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.state, self.repo = folder, folder / "state", folder / "repo"
        ask("repo", "init", str(self.repo), "--vehicle", "V1", "--car", CAR, "--app", APP)
        app_store(self.state).change_trust(lambda trust: trust.with_key(KEY.public, "tests"))
        ask("ota", "join", str(self.repo), "--state", str(self.state))
        self.updates = UpdatesFolder(self.state, CAR)
        self.count = 0
        self.car: kill_table.Car | None = None

    def up(self, trial: str = "2,0") -> None:
        home = self.folder / f"up{self.count}"
        home.mkdir()
        self.count += 1
        self.car = kill_table.Car(home, [*UP, "--state", str(self.state), "--trial", trial])

    def image(self, unit: str, release: int, *changes: str) -> str:
        file = self.folder / f"{unit}-{release}.img"
        sets = [word for change in changes for word in ("--set", change)]
        ask("ecu", "image", "make", unit, str(file), "--release", str(release), *sets)
        return f"{unit}={file}"

    def offer(self, title: str, *images: str) -> None:
        ask("repo", "add", str(self.repo), *images, "--title", title, "--change", "All of it.")

    @property
    def power(self) -> Path:
        assert self.car is not None
        return Path(self.car.status()["power_socket"])

    def ask(self, wish: UpdateWish | None = None, offer: str = "") -> UpdateState:
        """As soon as the process `updates` answers, which may just have been killed."""
        end_s = time.monotonic() + BOUND_S
        while True:
            try:
                return ask_updates(self.power, OtaWish(wish=wish, offer=offer)).state
            except LinkError:
                assert time.monotonic() < end_s
                time.sleep(0.1)

    def until(self, found: Callable[[UpdateState], bool]) -> UpdateState:
        end_s = time.monotonic() + BOUND_S
        while not found(state := self.ask()):
            assert time.monotonic() < end_s, state
            time.sleep(0.02)
        return state

    def offered(self) -> UpdateState:
        self.until(lambda now: UpdateWish.CHECK in now.can)
        self.ask(UpdateWish.CHECK)
        return self.until(lambda now: now.phase is UpdatePhase.OFFERED)

    def kill(self, name: str) -> None:
        assert self.car is not None
        os.kill(self.car.pids()[name], signal.SIGKILL)

    def kill_car(self) -> None:
        assert self.car is not None
        self.car.process.kill()
        self.car.process.wait(10.0)
        self.car.close()
        self.car = None

    def heard(self) -> dict[str, str | None]:
        """What the director believes that each unit runs."""
        told = ask("repo", "status", str(self.repo))
        return {one["ecu_id"]: one["runs"] for car in told["cars"] for one in car["units"]}


@pytest.fixture
def garage(tmp_path: Path) -> Iterator[Garage]:
    made = Garage(tmp_path)
    try:
        yield made
    finally:
        if made.car is not None:
            made.car.end()


@pytest.mark.slow
def test_a_parked_car_takes_an_update_drives_by_it_and_gives_a_bad_one_back(garage: Garage) -> None:
    package = garage.folder / "app.vpk"
    package.write_bytes(package_bytes("2.0.0"))
    garage.offer(
        "A calm car",
        garage.image("drive", 1, f"max_speed_mps={SLOW_MPS}"),
        garage.image("brake", 1, "brake_rate_nps=50000"),
        f"app.{APP}={package}",
    )
    garage.up(trial="8,0")
    state = garage.offered()
    assert (state.title, state.changes) == ("A calm car", ("All of it.",))
    ask("ota", "install", "--now", "--car", str(garage.power))
    state = garage.until(lambda now: now.phase is UpdatePhase.IDLE)
    assert state.last is not None
    assert state.last.end is UpdateEnd.INSTALLED
    assert {row.id: row.version for row in app_store(garage.state).rows()} == {APP: "2.0.0"}
    garage.until(lambda _: garage.heard()["drive"] == "drive-1.img")
    assert garage.heard()["brake"] == "brake-1.img"

    garage.offer("A blind car", garage.image("pilot", 2, "health.noisy_m=0.000001,0.000001"))
    garage.offered()
    ask("ota", "install", "--now", "--car", str(garage.power))
    state = garage.until(lambda now: now.last is not None and now.last.title == "A blind car")
    assert state.last is not None
    assert (state.last.end, state.last.why[:17]) == (UpdateEnd.ROLLED_BACK, "new trouble codes")
    told = ask("ota", "history", "--state", str(garage.state), "--car", CAR)
    assert [one["end"] for one in told] == ["installed", "rolled_back"]
    garage.until(lambda _: garage.heard()["pilot"] == "pilot-factory.img")

    assert ask_car(garage.power, Wish.DRIVE, 30.0).taken
    car = garage.car
    assert car is not None
    car.wait(BOUND_S, lambda: car.status()["judged"].get("distance_m", 0.0) > 20.0)
    assert car.status()["judged"]["distance_m"] > 20.0
    assert max(one.speed_mps for one in car.screen.seen) < SLOW_MPS + 1.0


@pytest.mark.slow
def test_an_update_outlives_the_death_of_its_process_and_of_the_whole_car(garage: Garage) -> None:
    units = ("brake", "drive", "steer", "body", "pilot", "gateway")
    garage.offer("All of it", *(garage.image(unit, 1) for unit in units))
    garage.up(trial="5,0")
    garage.ask(UpdateWish.NOW, garage.offered().offer)
    garage.until(lambda now: now.phase in AT_WORK)
    garage.kill("updates")
    garage.until(lambda now: now.locked)
    garage.kill_car()
    assert garage.updates.lock_words()

    garage.up(trial="5,0")
    locked = garage.updates.lock_words()
    drives = ask_car(garage.power, Wish.DRIVE, 30.0)
    if locked and garage.updates.lock_words():
        assert (drives.taken, drives.words) == (False, locked)
    state = garage.until(lambda now: now.phase is UpdatePhase.IDLE)
    assert state.last is not None
    assert state.last.end is UpdateEnd.INSTALLED
    garage.until(lambda _: all(garage.heard()[unit] == f"{unit}-1.img" for unit in units))
    assert not garage.updates.lock_words()
    assert ask_car(garage.power, Wish.DRIVE, 30.0).taken


@pytest.mark.slow
def test_a_car_takes_an_update_from_a_stick(garage: Garage) -> None:
    garage.offer("From a stick", garage.image("brake", 1))
    ask("repo", "bundle", str(garage.repo), str(garage.folder / "stick"))
    garage.repo.rename(garage.folder / "away")
    garage.up()
    garage.until(lambda now: UpdateWish.CHECK in now.can)
    words = ("--usb", str(garage.folder / "stick"), "--car", str(garage.power))
    ask("ota", "install", "--now", *words)
    state = garage.until(lambda now: now.phase is UpdatePhase.IDLE and now.last is not None)
    assert state.last is not None
    assert state.last.end is UpdateEnd.INSTALLED
