"""Arrival and the places on the way are told by the true place, whatever the pilot says."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.app.straight_road import write_straight
from volant.app import compose
from volant.app.compose import Trip, plan_trip
from volant.app.drive import drive_trip, make_answer
from volant.app.exits import Exit
from volant.app.trip import TripWish
from volant.pilot import PilotSettings
from volant.road import make_guide

ROUND = TripWish(
    car="g3-520", road="volant-world", seed=1, sensors="perfect", cars=0,
    start="45:0:-1@10", to="43:0:-1@150", via=("51:0:-1@37.5",),
)  # fmt: skip
"""The quickest way to its end is 300 m and does not touch the place between; by it, it is 600 m."""


def test_the_place_on_the_way_is_driven_to_by_ground_truth() -> None:
    trip = plan_trip(ROUND)
    driven = drive_trip(trip)
    answer = make_answer(trip, driven, None)
    assert answer.arrived, answer.reason
    assert (answer.via, answer.via_passed) == (ROUND.via, 1)
    assert answer.distance_m > 500.0


def test_a_pilot_that_leaves_out_a_place_has_not_arrived(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = compose.pilot_settings

    def forgetful(trip: Trip) -> PilotSettings:
        return replace(whole(trip), via=())

    monkeypatch.setattr(compose, "pilot_settings", forgetful)
    trip = plan_trip(ROUND)
    driven = drive_trip(trip)
    answer = make_answer(trip, driven, None)
    assert driven.ending.status is Exit.NOT_ARRIVED
    assert not answer.arrived
    assert answer.via_passed == 0
    assert answer.reason == "not at the destination: passed 0 of 1 places on the way"


def test_a_pilot_that_says_it_is_there_elsewhere_has_not_arrived(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    whole = compose.pilot_settings

    def mistaken(trip: Trip) -> PilotSettings:
        lane, s_m = trip.destination
        return replace(whole(trip), guide=make_guide(trip.graph, (lane, s_m - 40.0)))

    monkeypatch.setattr(compose, "pilot_settings", mistaken)
    road = str(write_straight(tmp_path / "straight.xodr"))
    wish = TripWish(
        car="g3-520", road=road, seed=1, sensors="perfect", cars=0, distance_m=120.0
    )  # fmt: skip
    trip = plan_trip(wish)
    driven = drive_trip(trip)
    assert driven.ending.status is Exit.NOT_ARRIVED
    assert driven.ending.reason.startswith("not at the destination: stands elsewhere")
    assert not driven.arrived
    assert not make_answer(trip, driven, None).arrived


@pytest.mark.slow
@pytest.mark.parametrize("accel_mps2", [1.6, 0.8])
def test_near_its_destination_a_lane_is_not_left_that_the_route_asks_back_for(
    monkeypatch: pytest.MonkeyPatch, accel_mps2: float
) -> None:
    whole = compose.pilot_settings

    def tuned(trip: Trip) -> PilotSettings:
        settings = whole(trip)
        plan = replace(settings.tuning.plan, accel_mps2=accel_mps2, accel_high_mps2=accel_mps2 / 2)
        return replace(settings, tuning=replace(settings.tuning, plan=plan))

    monkeypatch.setattr(compose, "pilot_settings", tuned)
    wish = TripWish(
        car="g3-520", road="volant-world", seed=1, sensors="perfect", cars=0, distance_m=400.0
    )
    trip = plan_trip(wish)
    answer = make_answer(trip, drive_trip(trip), None)
    assert answer.arrived, answer.reason
    assert (
        answer.accel_min_mps2 > -2.0
    )  # it was -2.3 to -4.4: across, back, and hardly room to stop
    assert answer.needless_brakings == 0
