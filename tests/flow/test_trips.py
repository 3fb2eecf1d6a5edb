"""Six trips of the soak: nobody is hurt, no rule is broken, and nearly all of them arrive."""

from collections.abc import Callable

import pytest

from volant.app import exam_trips
from volant.app.compose import plan_trip
from volant.app.drive import drive_trip
from volant.app.exam_stage import Task, Wanted
from volant.app.exits import Exit
from volant.app.trip import TripWish
from volant.core import topics
from volant.core.bus import Bus
from volant.core.messages import FindingKind

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


@pytest.mark.parametrize("seed", [1439466305, 5, 6])
def test_a_motorway_is_entered_nearly_as_fast_as_it_is_driven_and_nobody_is_made_to_brake(
    seed: int,
) -> None:
    wish = TripWish(
        car=exam_trips.CAR, road=exam_trips.ROAD, seed=seed, sensors="typical", cars=20,
        start="14:0:-1@138.2", to="94:0:1@45.2",
    )  # fmt: skip
    entered_mps: list[float] = []

    def watch(bus: Bus) -> Callable[[int], None]:
        ego, plan = bus.subscribe(topics.WORLD_EGO), bus.subscribe(topics.PILOT_PLAN)

        def look(_stamp_ns: int) -> None:
            if plan.latest is not None and plan.latest.manoeuvre == "change_left":
                entered_mps.append(ego.latest.speed_mps)

        return look

    ticks = iter(range(2800))
    driven = drive_trip(
        plan_trip(wish),
        watch=watch,
        asked_to_end=lambda: None if next(ticks, None) is not None else (Exit.DONE, "seen"),
    )
    assert entered_mps[-1] > 17.0
    broken = [one.kind for one in driven.summary.rule_breaks]
    assert FindingKind.RIGHT_OF_WAY not in broken
    assert driven.summary.contacts == 0


@pytest.mark.parametrize(
    ("start", "to"), [("42:0:-1@2", "42:0:-2@120"), ("42:0:2@2", "42:0:1@150")]
)
def test_a_destination_on_the_lane_beside_is_stopped_at_calmly(start: str, to: str) -> None:
    """The stop is known before the change is over, or it would be made within the last metres."""
    wish = TripWish(
        car=exam_trips.CAR, road=exam_trips.ROAD, seed=4, sensors="typical", cars=0,
        start=start, to=to,
    )  # fmt: skip
    driven = drive_trip(plan_trip(wish))
    assert driven.ending.arrived
    assert driven.summary.distance_m < 200.0
    assert driven.summary.accel_min_mps2 > -2.0


@pytest.mark.parametrize("number", [4, 6])
def test_a_trip_that_begins_rolling_in_a_bend_begins_along_it(number: int) -> None:
    """Nobody at the wheel for the first half second: 0.5 m beside the middle, before it was held."""
    task = Task("trips", f"trip-{number:04d}", Wanted("pilot", "typical", 510))
    ticks = iter(range(600))
    driven = drive_trip(
        plan_trip(exam_trips.wish_of(task)),
        asked_to_end=lambda: None if next(ticks, None) is not None else (Exit.DONE, "seen"),
    )
    assert driven.summary.lane_offset_rms_m is not None
    assert driven.summary.lane_offset_rms_m < 0.1
