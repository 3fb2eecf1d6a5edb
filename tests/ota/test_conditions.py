"""When a car may be updated."""

from dataclasses import replace

import msgspec
import pytest

from tests.caros.motorway import Drive
from tests.ota.car import PARKED, driving
from tests.vehicle.body.test_body import Bench
from volant.core.body import BodyState
from volant.core.messages import CarPower, Gear, PowerState
from volant.ota.conditions import (
    FRESH_NS,
    CarFacts,
    ConditionTuning,
    car_facts,
    may_touch,
    reasons_against,
    reasons_to_wait,
)

TUNING = ConditionTuning()


def test_a_parked_car_with_charge_may_be_updated() -> None:
    assert reasons_against(PARKED, TUNING) == ()
    assert may_touch(PARKED)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"speed_mps": 0.1}, "moves"),
        ({"speed_mps": -0.1}, "moves"),
        ({"gear": Gear.DRIVE}, "park"),
        ({"power": PowerState.READY}, "switched on"),
        ({"charge_pct": 19.9}, "20 %"),
        ({"supply_v": 11.7}, "12 V"),
        ({"supply_v": 15.6}, "12 V"),
        ({"doors_open": False}, "inside"),
    ],
)
def test_each_condition_has_its_reason(changed: dict[str, object], words: str) -> None:
    (reason,) = reasons_against(replace(PARKED, **changed), TUNING)  # type: ignore[arg-type]
    assert words in reason


def test_what_is_not_known_is_a_reason_until_it_cannot_be_left_any_more() -> None:
    assert len(reasons_against(CarFacts(), TUNING)) == 6
    silent = CarFacts(power=PowerState.PARKED)
    assert reasons_to_wait(silent, TUNING) == ()
    assert reasons_to_wait(replace(silent, charge_pct=1.0, doors_open=False), TUNING) == ()
    assert len(reasons_to_wait(replace(driving(), supply_v=11.0), TUNING)) == 2
    assert not may_touch(CarFacts())
    assert may_touch(CarFacts(power=PowerState.PARKED))
    assert not may_touch(driving())
    assert not may_touch(replace(PARKED, speed_mps=1.0))


def test_power_counts_as_what_it_is_about_to_be_and_not_when_it_is_old() -> None:
    power = CarPower(stamp_ns=5, state=PowerState.PARKED, to=PowerState.READY, supply_v=13.0)
    facts = car_facts(5, None, None, power)
    assert facts.power is PowerState.READY
    assert facts.supply_v == 13.0
    assert facts.speed_mps is None
    assert car_facts(6 + FRESH_NS, None, None, power) == CarFacts()


def body(*, child_locks: tuple[int, ...] = (), seated: tuple[int, ...] = ()) -> BodyState:
    told = Bench().run(0.1)
    doors = tuple(
        msgspec.structs.replace(one, child_locked=number in child_locks)
        for number, one in enumerate(told.doors)
    )
    seats = tuple(
        msgspec.structs.replace(one, occupied=number in seated)
        for number, one in enumerate(told.seats)
    )
    return msgspec.structs.replace(told, doors=doors, seats=seats)


@pytest.mark.parametrize(
    ("child_locks", "seated", "can"),
    [
        ((), (), True),
        ((2, 3), (), True),
        ((2, 3), (0, 2), True),
        ((2, 3), (2,), False),
        ((3,), (2,), True),
        ((0,), (), False),
    ],
)
def test_nobody_is_left_alone_behind_a_child_lock(
    child_locks: tuple[int, ...], seated: tuple[int, ...], can: bool
) -> None:
    told = body(child_locks=child_locks, seated=seated)
    assert car_facts(told.stamp_ns, None, told, None).doors_open is can


def test_a_car_that_does_not_know_itself_tells_nothing() -> None:
    car = Drive().latest(0.0).car
    assert car is not None
    known = car_facts(car.stamp_ns, car, None, None)
    assert (known.gear, known.charge_pct) == (car.gear, car.charge_pct)
    unsure = msgspec.structs.replace(car, valid=False)
    assert car_facts(car.stamp_ns, unsure, None, None) == CarFacts()
