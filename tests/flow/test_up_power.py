"""A live car that is parked, goes to sleep, is woken and drives on."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scripts import kill_table
from volant.app.charge_command import PARK
from volant.app.power_socket import ask_car
from volant.app.signal_line import SignalClient
from volant.caros.power import Wish

BOUND_S = 60.0
AWAKE_IN_SLEEP = {"world", "judge"}


def until(car: kill_table.Car, found: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The first status of which it is true."""
    end_s = time.monotonic() + BOUND_S
    while time.monotonic() < end_s:
        status = car.status()
        if found(status):
            return status
        car.wait(0.1)
    raise AssertionError(f"not so within {BOUND_S} s: {car.status()['power']}")


def running(status: dict[str, Any]) -> set[str]:
    return {one["name"] for one in status["processes"] if one["pid"] is not None}


@pytest.mark.slow
def test_a_parked_car_does_its_jobs_sleeps_and_is_woken_to_drive(tmp_path: Path) -> None:
    words = ["--distance", "2000", "--cars", "0", "--parked", "--sleep-after", "3"]
    journal = tmp_path / "journals"
    with kill_table.live_car([*words, "--doip-port", "0", "--journal", str(journal)]) as car:
        asleep = until(car, lambda now: now["power"]["state"] == "sleep")
        asleep = until(car, lambda now: running(now) == AWAKE_IN_SLEEP)
        assert list((journal / "summaries").glob("*.json"))
        assert asleep["judged"].get("distance_m", 0.0) == 0.0
        line = Path(asleep["power_socket"])
        assert ask_car(line, Wish.DRIVE, 30.0).taken
        driven = until(car, lambda now: now["judged"].get("distance_m", 0.0) > 5.0)
        assert driven["power"]["state"] == "driving"
        assert driven["power"]["supply_v"] > 13.0
        assert driven["judged"]["contacts"] == 0
        refused = ask_car(line, Wish.SLEEP, 30.0)
        assert not refused.taken
        assert car.status()["power"]["state"] == "driving"
        codes = {one["name"]: one["note"] for one in driven["processes"]}["diagnostics"]
        assert "pilot_lost" not in codes
    assert not line.exists()


@pytest.mark.slow
def test_a_car_that_has_arrived_stands_in_park(tmp_path: Path) -> None:
    words = ["--distance", "60", "--cars", "0", "--no-journal", "--state", str(tmp_path)]
    with kill_table.live_car(words) as car:
        until(car, lambda now: now["judged"].get("distance_m", 0.0) > 20.0)
        until(car, lambda now: now["power"]["state"] == "parked")
        number = Path(str(car.status()["number"]))
        gear, told = "Vehicle.Powertrain.Transmission.SelectedGear", None
        end_s = time.monotonic() + BOUND_S
        while told != PARK and time.monotonic() < end_s:
            with SignalClient(number) as client:
                told = (client.ask(do="get", paths=[gear])[gear] or [None])[0]
            car.wait(0.2)
        assert told == PARK
