"""`volant up --bus`: killed here and there as without buses, and nodes on buses outside."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import can
import pytest

from scripts import kill_table
from volant.app.canbus import load_network
from volant.app.live_replay import replay_live
from volant.app.signal_line import SignalClient
from volant.core.errors import LinkError
from volant.core.messages import CanFrames, CommandSource, LiveStep
from volant.vehicle.ecus import ECUS, SPEED
from volant.wire.isotp import IsoTpLink
from volant.wire.journal import read_journal

DRIVE = {spec.name: spec for spec in ECUS}["drive"]
TRIP = ("--distance", "12000", "--cars", "20")
OUTSIDE = "239.74.163.77"
"""A group of python-can's udp_multicast, the one interface that crosses processes without a kernel's CAN."""


UP = {"ready", "waiting"}
"""The garage waits for a parked car."""


def until_driving(car: kill_table.Car) -> None:
    """Until the pilot drives and a screen sees it; a busy machine lets that wait."""
    comfort = CommandSource.COMFORT.value
    car.wait(40.0, lambda: bool(car.screen.seen) and car.screen.seen[-1].source == comfort)
    car.wait(3.0)
    car.wait(20.0, lambda: all(one["phase"] in UP for one in car.status()["processes"]))


@pytest.mark.slow
def test_over_its_buses_the_car_stops_for_its_pilot_and_replays(tmp_path: Path) -> None:
    journal = tmp_path / "live.mcap"
    with kill_table.live_car([*TRIP, "--bus", "--journal", str(journal)]) as car:
        until_driving(car)
        pilot = kill_table.kill(car, ("pilot",), stops=True)
        ended = car.end()
    assert ended["bus"] == "inline"
    assert pilot.told_s is not None
    assert pilot.hazard_s is not None
    assert pilot.stood_s is not None
    assert pilot.hardest_mps2 is not None
    assert pilot.hardest_mps2 < 4.5
    assert pilot.contacts_at_fault == 0
    again = replay_live(journal)
    assert again.agrees, again.first_difference
    assert any(isinstance(one.message, CanFrames) for one in read_journal(journal))


@pytest.mark.slow
def test_units_stop_a_car_whose_vehicle_process_is_killed_and_it_replays(tmp_path: Path) -> None:
    journal = tmp_path / "live.mcap"
    with kill_table.live_car([*TRIP, "--bus", "--journal", str(journal)]) as car:
        until_driving(car)
        found = kill_table.kill(car, ("vehicle",), stops=True)
        car.end()
    assert found.told_s is not None
    assert found.hazard_s is not None
    assert found.stood_s is not None
    assert found.hardest_mps2 is not None
    assert found.hardest_mps2 < 4.5
    assert "vehicle" in found.back_s
    again = replay_live(journal)
    assert again.agrees, again.first_difference
    steps = [one.message for one in read_journal(journal) if isinstance(one.message, LiveStep)]
    assert {one.incarnation for one in steps if one.component == "vehicle"} == {0, 1}


@pytest.mark.slow
def test_a_screen_says_that_the_car_stops_until_it_stands_whoever_else_died() -> None:
    with kill_table.live_car([*TRIP, "--bus", "--no-journal"]) as car:
        until_driving(car)
        found = kill_table.kill(car, ("vehicle", "pilot"), stops=True)
        seen = car.screen.seen
    assert found.told_s is not None
    assert found.stood_s is not None
    told = next(number for number, one in enumerate(seen) if "failed" in one.alert)
    moving = [one for one in seen[told:] if abs(one.speed_mps) > 0.5]
    assert {one.alert for one in moving} <= {"Vehicle failed: car stops", "Pilot failed: car stops"}


@pytest.mark.slow
def test_the_body_is_on_the_tree_by_frames(tmp_path: Path) -> None:
    window = "Vehicle.Cabin.Door.Row1.PassengerSide.Window.Position"
    words = [*TRIP, "--bus", "--no-journal", "--state", str(tmp_path)]
    with kill_table.live_car(words) as car:

        def asked(**request: object) -> object:
            with contextlib.suppress(LinkError), SignalClient(Path(str(car.process.pid))) as client:
                return client.ask(**request)
            return None

        def at(position: int) -> bool:
            told = asked(do="get", paths=[window])
            return isinstance(told, dict) and (told[window] or [None])[0] == position

        car.wait(60.0, lambda: at(0))
        assert at(0)
        car.wait(30.0, lambda: asked(do="set", values={window: 60}) is not None)
        car.wait(30.0, lambda: at(60))
        assert at(60)


@contextlib.contextmanager
def outside() -> Iterator[can.BusABC]:
    """A node of python-can on the same group as the car."""
    try:
        bus = can.Bus(ignore_config=True, interface="udp_multicast", channel=OUTSIDE)
    except (OSError, can.CanError) as error:
        pytest.skip(f"no multicast here: {error}")
    with bus:
        yield bus


@pytest.mark.slow
def test_a_node_outside_hears_the_car_and_cannot_speak_for_it(tmp_path: Path) -> None:
    journal = tmp_path / "live.mcap"
    words = [*TRIP, "--bus", f"udp_multicast:{OUTSIDE}", "--journal", str(journal)]
    speed = load_network().heard["BRK_Speed"]
    heard: set[int] = set()
    with outside() as node, kill_table.live_car(words) as car:
        until_s = time.monotonic() + 30.0
        while time.monotonic() < until_s and len(heard) < 40:
            frame = node.recv(1.0)
            if frame is not None:
                heard.add(frame.arbitration_id)
            forged = can.Message(arbitration_id=speed.can_id, data=bytes(6), is_extended_id=False)
            stranger = can.Message(arbitration_id=0x6FF, data=b"\xff" * 8, is_extended_id=False)
            with contextlib.suppress(can.CanError):
                node.send(forged)
                node.send(stranger)
        car.wait(20.0, lambda: bool(car.screen.seen))
        bridge = kill_table.kill(car, ("can",), stops=False)
        ended = car.end()
    assert speed.can_id in heard
    assert len(heard) >= 40
    assert "can" in bridge.back_s
    assert ended["judged"]["contacts_at_fault"] == 0
    foreign = [
        frame
        for one in read_journal(journal)
        if isinstance(one.message, CanFrames)
        for frame in one.message.frames
        if frame.can_id == 0x6FF
    ]
    assert foreign
    assert replay_live(journal).agrees


@pytest.mark.slow
def test_a_tester_on_a_bus_outside_is_answered(tmp_path: Path) -> None:
    words = [*TRIP, "--bus", f"udp_multicast:{OUTSIDE}", "--no-journal", "--state", str(tmp_path)]
    with outside() as node, kill_table.live_car(words):
        assert ask(node, b"\x22\xf1\x90") == b"\x62\xf1\x90VOLANTSIM00000001"
        read_speed = b"\x22" + SPEED.did.to_bytes(2, "big")
        until_s = time.monotonic() + 60.0
        while time.monotonic() < until_s:
            speed_mps = SPEED.decode(ask(node, read_speed)[3:])
            if speed_mps > 5.0:  # not a number until the unit has heard one
                break
        assert speed_mps > 5.0


def ask(node: can.BusABC, request: bytes) -> bytes:
    """The whole answer of the unit `drive`, by ISO-TP; asked anew where a busy car lets it wait."""
    until_s = time.monotonic() + 60.0
    while time.monotonic() < until_s:
        link = IsoTpLink()
        frames, again_s = link.send(request, 0).frames, time.monotonic() + 5.0
        while time.monotonic() < again_s:
            for data in frames:
                node.send(
                    can.Message(arbitration_id=DRIVE.can_request, data=data, is_extended_id=False)
                )
            frames, heard = (), node.recv(1.0)
            if heard is not None and heard.arbitration_id == DRIVE.can_response:
                out = link.frame(bytes(heard.data), 0)
                frames = out.frames
                if out.messages:
                    return out.messages[0]
    pytest.fail("the unit does not answer")
