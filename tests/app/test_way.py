"""Trips whose way changes while they are driven."""

import pytest

from volant.app.compose import plan_trip
from volant.app.drive import drive_trip
from volant.app.trip import TripWish
from volant.core import topics
from volant.pilot.planning import lanes


@pytest.mark.slow
def test_a_missed_exit_is_made_up_for_by_another_way(monkeypatch: pytest.MonkeyPatch) -> None:
    wish = TripWish(
        car="g3-520",
        road="volant-world",
        seed=1,
        sensors="perfect",
        cars=0,
        start="8:1:-3@2700",
        to="13:0:-1@100",
    )
    trip = plan_trip(wish)
    assert trip.stretch.destination_m - trip.stretch.start_m < 1200.0
    blocked, plans = [True], []
    why_not = lanes._why_not
    monkeypatch.setattr(
        lanes,
        "_why_not",
        lambda *given, **how: "beside" if blocked[0] else why_not(*given, **how),
    )

    def watch(bus):
        plan = bus.subscribe(topics.PILOT_PLAN)

        def look(_stamp_ns: int) -> None:
            if plan.latest is not None:
                plans.append(plan.latest)
                blocked[0] = plan.latest.rerouted == 0
            plan.take()

        return look

    driven = drive_trip(trip, watch=watch)
    assert driven.ending.arrived
    assert driven.summary.arrived
    assert driven.summary.distance_m > 8000.0
    assert driven.summary.interventions == 0
    assert plans[-1].rerouted == 1
    before = next(k for k, one in enumerate(plans) if one.rerouted)
    assert plans[before - 1].distance_left_m < 800.0
    assert plans[before].distance_left_m > 7000.0
