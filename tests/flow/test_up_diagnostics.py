"""Diagnostics of the live car: a tester reads it, its pilot dies, and the trouble codes tell of it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from scripts import kill_table
from volant.caros.codes import Codes, present_codes
from volant.caros.diagnostics import DoipTester, NegativeResponseError
from volant.vehicle.ecus import ECUS, SPEED
from volant.vehicle.faults import FIRST_RECORD, by_name
from volant.wire.uds import DtcStatus

UNITS = {spec.name: spec for spec in ECUS}
DRIVE, PILOT = UNITS["drive"].address, UNITS["pilot"].address
LOST = by_name(UNITS["pilot"].faults)["pilot_lost"].code.to_bytes(3, "big")


def confirmed(tester: DoipTester) -> list[bytes]:
    """Confirmed codes of the pilot's unit, by 0x19 02."""
    told = tester.ask(PILOT, bytes((0x19, 0x02, DtcStatus.CONFIRMED)))[3:]
    return [told[at : at + 3] for at in range(0, len(told), 4)]


@pytest.mark.slow
def test_the_death_of_the_pilot_is_a_trouble_code_that_outlives_its_keeper(tmp_path: Path) -> None:
    words = ["--distance", "12000", "--cars", "20", "--no-journal", "--doip-port", "0"]
    words += ["--state", str(tmp_path)]
    with kill_table.live_car(words) as car:
        car.wait(6.0)
        port = car.status()["doip_port"]
        with DoipTester(port=port) as tester:
            assert tester.read_data(DRIVE, 0xF190) == b"VOLANTSIM00000001"
            assert SPEED.decode(tester.read_data(DRIVE, SPEED.did)) > 5.0
            with pytest.raises(NegativeResponseError, match="conditions_not_correct"):
                tester.ask(DRIVE, b"\x11\x01")
            with pytest.raises(NegativeResponseError, match="conditions_not_correct"):
                tester.ask(PILOT, b"\x14\xff\xff\xff")
            assert LOST not in confirmed(tester)
        edge = kill_table.kill(car, ("diagnostics",), stops=False)
        assert edge.drive_went_on
        assert set(edge.back_s) == {"diagnostics"}
        kill_table.kill(car, ("pilot",), stops=True)
        os.kill(car.pids()["diagnostics"], signal.SIGKILL)
        car.wait(10.0, lambda: car.screen.seen[-1].source != "minimal_risk")
        with DoipTester(port=port) as tester:
            assert LOST in confirmed(tester)
            frame = tester.ask(PILOT, b"\x19\x04" + LOST + bytes((FIRST_RECORD,)))
            assert frame[6:7] == bytes((FIRST_RECORD,))
            assert frame[8:10] == SPEED.did.to_bytes(2, "big")
            assert SPEED.decode(frame[10:12]) > 5.0
            # The next incarnation must have heard first that the car stands.
            car.wait(10.0, lambda: abs(SPEED.decode(tester.read_data(DRIVE, SPEED.did))) < 0.3)
            tester.ask(DRIVE, b"\x14\xff\xff\xff")
        assert "pilot:pilot_lost" in note_of(car)
    outlived(tmp_path, drives_ago=0)
    with kill_table.live_car(words) as car:
        car.wait(30.0, lambda: "pilot:pilot_lost" in note_of(car))
        with DoipTester(port=car.status()["doip_port"]) as tester:
            assert LOST in confirmed(tester)
    outlived(tmp_path, drives_ago=1)


def note_of(car: kill_table.Car) -> str:
    """What diagnostics say in the status file, once it is there."""
    car.wait(5.0, lambda: any(one["name"] == "diagnostics" for one in car.status()["processes"]))
    found = {one["name"]: one["note"] for one in car.status()["processes"]}
    return str(found["diagnostics"])


def outlived(folder: Path, *, drives_ago: int) -> None:
    """The code stands in the state folder, with the drive in which it failed."""
    told = {one.name: one for one in present_codes(Codes(folder).memories) if one.unit == "pilot"}
    first = told["pilot_lost"].first
    assert first is not None
    assert first.drives_ago == drives_ago
    assert (first.speed_mps or 0.0) > 5.0
