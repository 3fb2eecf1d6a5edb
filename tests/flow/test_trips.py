"""Six trips of the soak: nobody is hurt, no rule is broken, and nearly all of them arrive."""

import pytest

from volant.app import exam_trips
from volant.app.compose import plan_trip
from volant.app.drive import drive_trip
from volant.app.exam_stage import Task, Wanted
from volant.app.trip import TripWish

NUMBERS = range(6)


@pytest.mark.slow
@pytest.mark.parametrize("number", NUMBERS)
def test_a_random_trip_touches_nobody_and_keeps_to_the_rules(number: int) -> None:
    task = Task("trips", f"trip-{number:04d}", Wanted("pilot", "typical", 1))
    result = exam_trips.run(task)
    assert result.facts["at_fault"] == 0.0, result.reasons
    assert result.facts["rule_breaks"] == 0.0, result.reasons
    assert result.facts["arrived"] == 1.0, result.reasons


def test_an_exit_is_taken_at_the_speed_of_the_ramp_behind_it() -> None:
    """From 120 km/h the lane change ends just before a ramp that is driven at half of that."""
    wish = TripWish(
        car=exam_trips.CAR, road=exam_trips.ROAD, seed=3, sensors="typical", cars=0,
        start="64:0:-3@60", to="31:0:1@60",
    )  # fmt: skip
    driven = drive_trip(plan_trip(wish))
    assert driven.ending.arrived
    assert driven.summary.interventions == 0
    assert driven.summary.lateral_accel_p99_mps2 < 2.0
