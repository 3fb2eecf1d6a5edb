"""The live car over its buses, tick by tick in one process: the same wiring, components and frames."""

import math
from collections.abc import Iterator

import msgspec
import pytest

from tests.flow.test_bus_drive import apart_m, drive, path
from tests.flow.test_drive import wish
from volant.app import components
from volant.app.compose import Trip, pilot_settings, plan_trip
from volant.app.live_station import Stepper
from volant.app.live_wiring import check_bus, vehicle_part, wired, world_part
from volant.app.up import PROCESSES
from volant.caros.livebus import LiveBus, Wiring
from volant.caros.supervise import load_table
from volant.core import topics
from volant.core.errors import InputError, LinkError
from volant.core.messages import (
    CanFrame,
    CanFrames,
    DriverRequest,
    EgoTruth,
    Indicator,
    RequestKind,
    Trouble,
)
from volant.vehicle.network.mapping import code_of

TICK_NS = 10_000_000
HALF_NS = TICK_NS // 2


class Car:
    """World, vehicle and pilot of a live car in lock step; a fourth node may speak on the buses."""

    def __init__(self, trip: Trip) -> None:
        self.trip = trip
        table = wired(load_table(PROCESSES), trip.wish.bus)
        bad = table.row("diagnostics")
        babbler = msgspec.structs.replace(bad, name="babbler", reads=(), writes=("can/frames",))
        self.wiring = Wiring(type(table)(process=(*table.process, babbler)))
        self.buses = {
            name: LiveBus(self.wiring.seat(name))
            for name in ("world", "vehicle", "pilot", "judge", "screens", "diagnostics", "babbler")
        }
        self.parts = {
            "world": self.stepper("world"),
            "vehicle": self.stepper("vehicle"),
            "pilot": self.stepper("pilot"),
        }
        self.troubles: list[Trouble] = []
        self.path: list[EgoTruth] = []
        self.stamp_ns = 0
        self._ego = self.buses["judge"].subscribe(topics.WORLD_EGO)
        self._trouble = self.buses["diagnostics"].subscribe(topics.CAR_TROUBLE)

    def stepper(self, name: str, incarnation: int = 0) -> Stepper:
        make = {
            "world": lambda: world_part(self.trip),
            "vehicle": lambda: vehicle_part(self.trip),
            "pilot": lambda: components.pilot(pilot_settings(self.trip)),
        }
        stepper = Stepper(make[name](), self.buses[name], incarnation)
        stepper.start()
        return stepper

    def step(self, name: str, stamp_ns: int) -> None:
        if name in self.parts:
            self.buses[name].drain()
            self.parts[name].step(stamp_ns)

    def run(self, span_s: float) -> None:
        for _ in range(round(span_s * 100)):
            now_ns = self.stamp_ns
            self.step("world", now_ns)
            self.step("vehicle", now_ns)
            self.step("pilot", now_ns)
            self.step("vehicle", now_ns + HALF_NS)
            if now_ns == 500_000_000:
                press = DriverRequest(stamp_ns=now_ns, kind=RequestKind.ENGAGE)
                self.buses["screens"].publish(topics.DRIVER_REQUEST, press)
            for name in ("judge", "diagnostics"):
                self.buses[name].drain()
            self.path += self._ego.take()
            self.troubles += self._trouble.take()
            self.stamp_ns += TICK_NS

    @property
    def hazard(self) -> bool:
        return self.path[-1].indicator is Indicator.HAZARD

    @property
    def codes(self) -> set[int]:
        return {one.code for one in self.troubles}


@pytest.fixture(scope="module")
def trip() -> Trip:
    return plan_trip(wish("volant-world", cars=1, distance_m=4000.0, bus="inline"))


@pytest.fixture
def car(trip: Trip) -> Iterator[Car]:
    made = Car(trip)
    with made.wiring:
        yield made


def test_the_path_is_that_of_the_direct_drive_and_nothing_is_found_wrong() -> None:
    short = wish("volant-world", cars=0, distance_m=120.0)
    car = Car(plan_trip(msgspec.structs.replace(short, bus="inline")))
    with car.wiring:
        car.run(12.0)
    assert car.troubles == []
    way_m, ours = 0.0, []
    for before, one in zip([car.path[0], *car.path], car.path, strict=False):
        way_m += math.hypot(one.x_m - before.x_m, one.y_m - before.y_m)
        ours.append((way_m, one.x_m, one.y_m))
    assert way_m > 50.0
    _, theirs = drive(short)
    assert apart_m(ours, path(theirs)) < 0.1


def test_units_stop_a_car_whose_vehicle_process_is_dead_within_a_tenth_of_a_second(
    car: Car,
) -> None:
    car.run(4.0)
    held_rad = car.path[-1].steer_rad
    del car.parts["vehicle"]
    car.run(0.1)
    assert car.hazard
    car.run(1.0)
    assert car.path[-1].accel_mps2 == pytest.approx(-4.0, abs=0.3)
    assert car.path[-1].steer_rad == pytest.approx(held_rad, abs=0.005)


def test_a_vehicle_process_that_comes_back_does_not_command_a_car_that_is_being_stopped(
    car: Car,
) -> None:
    car.run(4.0)
    del car.parts["vehicle"]
    car.run(0.4)
    held_rad = car.path[-1].steer_rad
    car.buses["vehicle"].discard()
    car.parts["vehicle"] = car.stepper("vehicle", 1)
    car.run(2.0)
    assert car.path[-1].accel_mps2 == pytest.approx(-4.0, abs=0.3)
    assert car.hazard
    assert car.path[-1].steer_rad == pytest.approx(held_rad, abs=0.005)
    car.run(6.0)
    assert car.path[-1].speed_mps == 0.0
    assert not car.hazard, "it stands, and is commanded again"
    assert car.troubles == [], "coming back is no fault of any unit"


def test_a_world_that_falls_silent_is_told_of_as_lost_units(car: Car) -> None:
    car.run(2.0)
    del car.parts["world"]
    car.run(0.5)
    assert {code_of(one) << 8 | 0x87 for one in ("U0110", "U0129", "U0131")} <= car.codes


@pytest.mark.parametrize(("can_id", "stops"), [(0x7FF, False), (0x000, True)])
def test_a_babbling_process_costs_at_most_the_drive(car: Car, can_id: int, stops: bool) -> None:
    """Ids below all others take the bus away, as on copper; ids above them take what is left."""
    flood = tuple(CanFrame(bus="chassis", can_id=can_id, data=bytes(8)) for _ in range(1000))
    car.run(3.0)
    for _ in range(300):
        told = CanFrames(stamp_ns=car.stamp_ns, frames=flood)
        car.buses["babbler"].publish(topics.CAN_FRAMES, told)
        car.run(0.01)
    flooded = code_of("U0002") << 8 | 0x08
    assert flooded in car.codes
    braked = car.path[-1].accel_mps2 < -3.5
    assert braked is stops
    assert car.hazard is stops
    car.run(0.2)
    assert [one.failed for one in car.troubles if one.code == flooded][-1] is False


def test_the_table_says_who_reads_and_writes_which_buses() -> None:
    plain = load_table(PROCESSES)
    assert wired(plain, None) is plain
    inline, outside = wired(plain, "inline"), wired(plain, "socketcan:can0")
    assert [row.name for row in inline.process] == [row.name for row in plain.process]
    assert [row.name for row in outside.process] == [*(r.name for r in plain.process), "can"]
    world, vehicle = inline.row("world"), inline.row("vehicle")
    assert "car/command" not in world.reads
    assert "car/state" not in world.writes
    assert "car/state" in vehicle.writes
    assert "car/state" not in vehicle.reads
    for row in (world, vehicle):
        assert "can/frames" in row.reads
        assert "can/frames" in row.writes


def test_a_bus_that_does_not_leave_its_process_is_refused() -> None:
    check_bus(None)
    check_bus("inline")
    with pytest.raises(LinkError, match="the live car: socketcan nocan9 cannot be opened"):
        check_bus("socketcan:nocan9")
    with pytest.raises(InputError, match="does not leave"):
        check_bus("virtual")
    with pytest.raises(InputError, match="no bus"):
        check_bus("wheels")
