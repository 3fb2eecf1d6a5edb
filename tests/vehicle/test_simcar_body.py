"""The simulated car with its body: what is asked of it, what it draws, and what the driver's state says."""

from typing import Any

import pytest

from tests.vehicle.flat_world import FlatWorld
from tests.vehicle.reference_car import spec_of
from volant.core.body import BodyItem, BodyPlace, BodyRequest, BodyState
from volant.core.chance import Chance
from volant.core.geometry import Pose
from volant.core.messages import Command, Gear
from volant.vehicle import CarStart, SimCar

TICK_NS = 10_000_000
SECOND = 100 * TICK_NS


def car_at(ambient_k: float = 293.15, charge_pct: float = 60.0) -> SimCar:
    start = CarStart(Pose(0.0, 0.0, 0.0), ambient_k=ambient_k, charge_pct=charge_pct)
    return SimCar(spec_of("g3-520"), FlatWorld(), start, Chance.of(1, "car"))


def ask(car: SimCar, item: BodyItem, value: Any, place: BodyPlace | None = None) -> None:
    word = value if isinstance(value, str) else None
    number = None if isinstance(value, str) else value
    car.request(BodyRequest(stamp_ns=0, item=item, place=place, value=number, word=word))


def told(car: SimCar, stamp_ns: int) -> BodyState:
    state = car.body(stamp_ns + SECOND)
    assert state is not None
    return state


def test_the_body_reports_when_something_changes_and_once_a_second() -> None:
    car = car_at()
    stamps = []
    for stamp_ns in range(0, 3 * SECOND, TICK_NS):
        if stamp_ns == SECOND + 30 * TICK_NS:
            ask(car, BodyItem.DOME_LIGHT, 1.0)
        car.advance(stamp_ns)
        if car.body(stamp_ns) is not None:
            stamps.append(stamp_ns // TICK_NS)
    assert stamps[:2] == [0, 100]
    assert len(stamps) == 4
    assert told(car, 3 * SECOND).cabin_lights.dome


def test_an_open_door_and_an_open_belt_are_in_the_drivers_state() -> None:
    car = car_at()
    car.advance(SECOND)
    assert car.read(SECOND)[0].driver.door_closed
    ask(car, BodyItem.DOOR, 40.0, BodyPlace.REAR_RIGHT)
    ask(car, BodyItem.SEAT_BELT, 0.0, BodyPlace.FRONT_LEFT)
    car.advance(2 * SECOND)
    driver = car.read(2 * SECOND)[0].driver
    assert not driver.door_closed
    assert not driver.belted


def test_heat_is_drawn_from_the_battery() -> None:
    warm, cold = car_at(), car_at(263.15)
    for car in (warm, cold):
        car.advance(SECOND)
    base_w = warm.read(SECOND)[0].battery_power_w
    assert cold.read(SECOND)[0].battery_power_w > base_w + 1000.0
    assert base_w == pytest.approx(spec_of("g3-520").auxiliaries.base_w.value, rel=0.01)


def test_a_cable_charges_the_parked_car_to_its_limit() -> None:
    car = car_at(charge_pct=79.9)
    ask(car, BodyItem.CHARGE_FLAP, 1.0)
    ask(car, BodyItem.CHARGE_CABLE, "ac")
    car.advance(SECOND)
    assert told(car, SECOND).charge.power_w == 0.0, "within half a per cent of the limit"
    ask(car, BodyItem.CHARGE_LIMIT, 81.0)
    car.advance(2 * SECOND)
    assert told(car, 2 * SECOND).charge.power_w == pytest.approx(11_000.0)
    before = car.read(2 * SECOND)[0]
    assert before.battery_power_w < -9000.0
    car.advance(3 * SECOND)
    assert car.read(3 * SECOND)[0].charge_pct > before.charge_pct
    assert told(car, 3 * SECOND).drive.charged_j > 9000.0


def test_the_selector_moves_a_standing_car_that_is_driven_by_hand() -> None:
    """The guard hands a driver's command on with the gear that the car reports."""
    car = car_at()
    gear = Gear.PARK
    ask(car, BodyItem.GEAR, "reverse")
    for stamp_ns in range(0, SECOND, TICK_NS):
        car.advance(stamp_ns)
        gear = car.read(stamp_ns)[0].gear
        command = Command(
            stamp_ns=stamp_ns, accel_mps2=0.0, curvature_per_m=0.0, gear=gear, hold=True
        )
        car.apply(command, stamp_ns)
    assert gear is Gear.REVERSE


def test_the_same_requests_give_the_same_car() -> None:
    def run() -> list[object]:
        car = car_at(270.0)
        states: list[object] = []
        for stamp_ns in range(0, 5 * SECOND, TICK_NS):
            if stamp_ns == SECOND:
                ask(car, BodyItem.WINDOW, 50.0, BodyPlace.FRONT_LEFT)
            car.advance(stamp_ns)
            states += [car.body(stamp_ns), car.read(stamp_ns)[0]]
        return states

    assert run() == run()
