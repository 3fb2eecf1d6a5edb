"""When a car may be updated."""

from dataclasses import replace

import pytest

from tests.ota.car import PARKED, driving
from volant.core.messages import CarPower, Gear, PowerState
from volant.ota.conditions import (
    FRESH_NS,
    CarFacts,
    ConditionTuning,
    car_facts,
    may_touch,
    reasons_against,
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


def test_what_is_not_known_is_a_reason_unless_units_are_being_written() -> None:
    assert len(reasons_against(CarFacts(), TUNING)) == 6
    assert reasons_against(CarFacts(), TUNING, strict=False) == ()
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
