"""A car without a road: real units, flash and update machine; it takes a good update and gives a bad one back."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.app.test_repo_command import ask
from volant.app import park_command
from volant.app.demo_stage import CALM, CAR, STRICT, Version, make_images
from volant.app.exits import Exit
from volant.app.ota_join import JoinWish, join_command
from volant.app.park_command import GarageWish
from volant.app.parked_car import ParkedCar, ParkWish, PlaceBus, parked_car
from volant.app.parked_units import SENSORS, car_power, pilot_state
from volant.core import topics
from volant.core.errors import InputError, RefusedError
from volant.core.settings import find_data
from volant.core.updates import UpdateEnd, UpdatePhase
from volant.ota.health import HealthTuning
from volant.ota.machine import UpdateTuning
from volant.pilot.perception.health import HealthTuning as SensorTuning
from volant.vehicle import load_spec

BOUND_S = 60.0
QUICK = UpdateTuning(
    health=HealthTuning(settle_s=0.5, drive_s=0.0),
    first_check_s=0.0,
    check_every_s=2.0,
    check_again_s=0.5,
    hold_s=0.1,
    look_s=0.2,
)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    found = tmp_path / "repo"
    ask("init", str(found), "--vehicle", "V1", "--car", CAR)
    join_command(str(found), JoinWish(car=CAR), tmp_path / "state", as_json=True)
    return found


def offer(repo: Path, version: Version) -> None:
    images = make_images(repo.parent, version)
    words = [f"{unit}={path}" for unit, path in images.items()]
    ask("add", str(repo), *words, "--title", version.title, "--segment", "0")


def until(car: ParkedCar, found: Callable[[ParkedCar], bool]) -> None:
    end_s = time.monotonic() + BOUND_S
    while not found(car):
        assert time.monotonic() < end_s, car.state
        time.sleep(min(0.05, car.turn(time.monotonic())))


def ended(title: str) -> Callable[[ParkedCar], bool]:
    def found(car: ParkedCar) -> bool:
        last = car.state.last
        return car.state.phase is UpdatePhase.IDLE and last is not None and last.title == title

    return found


@pytest.mark.slow
def test_it_takes_a_good_update_and_gives_a_bad_one_back(tmp_path: Path, repo: Path) -> None:
    spec = load_spec(find_data("cars", CAR))
    with parked_car(tmp_path / "state", spec, ParkWish(QUICK, agrees=True)) as car:
        assert car.vehicle == "V1"
        offer(repo, Version(1, "Calm", "", CALM))
        until(car, ended("Calm"))
        assert car.state.last is not None
        assert car.state.last.end is UpdateEnd.INSTALLED
        offer(repo, Version(2, "Strict", "", {"pilot": STRICT}))
        until(car, ended("Strict"))
        assert car.state.last.end is UpdateEnd.ROLLED_BACK
        assert car.state.last.why.startswith("new trouble codes: ")
        until(car, lambda _: _heard(repo)["pilot"] == "pilot-1.img")
        assert _heard(repo)["brake"] == "brake-1.img"
        assert car.silent == ""


def _heard(repo: Path) -> dict[str, str | None]:
    (one,) = ask("status", str(repo))["cars"]
    return {unit["ecu_id"]: unit["runs"] for unit in one["units"]}


def test_one_that_was_not_joined_is_not_parked_and_one_has_one_place(
    tmp_path: Path, repo: Path
) -> None:
    spec = load_spec(find_data("cars", CAR))
    wish = ParkWish(QUICK)
    with (
        pytest.raises(InputError, match="volant ota join"),
        parked_car(tmp_path / "other", spec, wish),
    ):
        pass
    assert not (tmp_path / "other").exists()
    with (
        parked_car(tmp_path / "state", spec, wish),
        pytest.raises(RefusedError, match="in the hands of a live car"),
        parked_car(tmp_path / "state", spec, wish),
    ):
        pass


def test_it_waits_until_somebody_agrees(tmp_path: Path, repo: Path) -> None:
    spec = load_spec(find_data("cars", CAR))
    offer(repo, Version(1, "Calm", "", {"brake": CALM["brake"]}))
    with parked_car(tmp_path / "state", spec, ParkWish(QUICK)) as car:
        until(car, lambda one: one.state.phase is UpdatePhase.OFFERED)
        assert car.turn(time.monotonic()) <= 0.5
        assert car.state.phase is UpdatePhase.OFFERED


def test_the_command_tells_each_change_and_ends_by_a_signal(
    tmp_path: Path,
    repo: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def end(line: park_command.CarLine, *, as_json: bool) -> None:
        say(line, as_json=as_json)
        signal.raise_signal(signal.SIGTERM)

    say = park_command._say
    monkeypatch.setattr(park_command, "_say", end)
    assert threading.current_thread() is threading.main_thread()
    wish = GarageWish((tmp_path / "state",), CAR, QUICK.health, 60.0, agrees=False)
    capsys.readouterr()
    assert park_command.park_command(wish, as_json=True) is Exit.DONE
    told, said = capsys.readouterr()
    (line,) = told.splitlines()
    assert json.loads(line)["car"] == "V1"
    assert json.loads(line)["phase"] == "idle"
    assert "1 cars are parked: V1" in said
    twice = GarageWish((tmp_path / "state",) * 2, CAR, QUICK.health, 60.0, agrees=False)
    with pytest.raises(InputError, match="a state of its own"):
        park_command.park_command(twice, as_json=True)


def test_a_pilot_finds_sound_sensors_sound_unless_its_program_is_too_strict() -> None:
    assert pilot_state(1_000, SensorTuning()).degraded == ()
    strict = SensorTuning(noisy_m=(1e-6, 1e-6))
    assert set(pilot_state(1_000, strict).degraded) == {f"{one}_noisy" for one in SENSORS}


def test_its_bus_counts_what_was_sent() -> None:
    bus = PlaceBus()
    heard = bus.subscribe(topics.CAR_POWER)
    assert bus.sent(topics.CAR_POWER) == -1
    bus.publish(topics.CAR_POWER, car_power(5))
    bus.drain()
    assert (bus.sent(topics.CAR_POWER), heard.latest.stamp_ns) == (0, 5)
