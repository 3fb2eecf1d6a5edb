"""The whole car through one short drive, in-process, every message through its codec."""

from collections import Counter
from pathlib import Path

import pytest

from tests.data_folder import data_folder
from volant.app.compose import Trip, compose, plan_trip
from volant.app.drive import Driven, drive_trip
from volant.app.exits import Exit
from volant.app.trip import TripWish
from volant.core.bus import InlineBus
from volant.core.messages import CommandSource, Engagement, Message
from volant.core.topics import TOPICS, Kind, Topic


def wish(road: str, **changes: object) -> TripWish:
    values: dict[str, object] = {
        "car": "g3-520",
        "road": road,
        "seed": 11,
        "sensors": "typical",
        "cars": 20,
        "distance_m": 400.0,
    }
    return TripWish(**{**values, **changes})  # type: ignore[arg-type]


def drive(trip: Trip) -> tuple[Driven, list[tuple[Topic, int, Message]]]:
    published: list[tuple[Topic, int, Message]] = []

    def write(topic: Topic, stamp_ns: int, message: Message) -> None:
        published.append((topic, stamp_ns, message))

    return drive_trip(trip, bus=InlineBus(checked=True), write=write), published


@pytest.fixture(scope="module")
def drive_in_traffic() -> tuple[Driven, list[tuple[Topic, int, Message]]]:
    return drive(plan_trip(wish("volant-world")))


def test_the_car_arrives_untouched(
    drive_in_traffic: tuple[Driven, list[tuple[Topic, int, Message]]],
) -> None:
    driven, _ = drive_in_traffic
    assert driven.ending.status is Exit.DONE
    summary = driven.summary
    assert summary.contacts == 0
    assert summary.interventions == 0, summary.intervention_list
    assert summary.distance_m == pytest.approx(400.0, abs=8.0)
    assert summary.max_lane_offset_m is not None
    assert summary.max_lane_offset_m < 0.5
    assert summary.min_gap_m is None or summary.min_gap_m > 2.0


def test_every_topic_keeps_its_rate(
    drive_in_traffic: tuple[Driven, list[tuple[Topic, int, Message]]],
) -> None:
    driven, published = drive_in_traffic
    counts = Counter(topic.name for topic, _, _ in published)
    for topic in TOPICS:
        if topic.period_ns is None or topic.kind is Kind.EVENT:
            continue
        wanted = driven.duration_s * 1e9 / topic.period_ns
        assert counts[topic.name] == pytest.approx(wanted, abs=12), topic.name


def test_stamps_never_go_back_and_the_order_within_a_tick_is_fixed(
    drive_in_traffic: tuple[Driven, list[tuple[Topic, int, Message]]],
) -> None:
    _, published = drive_in_traffic
    stamps = [stamp_ns for _, stamp_ns, _ in published]
    assert stamps == sorted(stamps)
    full = [topic.name for topic, stamp_ns, _ in published if stamp_ns == 10_000_000_000]
    assert full == [
        "world/ego",
        "world/truth",
        "body/state",
        "car/state",
        "sensors/frames",
        "pilot/localization",
        "pilot/tracks",
        "pilot/plan",
        "pilot/state",
        "pilot/command",
        "aeb/state",
        "guard/decision",
        "car/command",
    ]


def test_the_pilot_drives_from_the_first_second_and_the_guard_lets_it(
    drive_in_traffic: tuple[Driven, list[tuple[Topic, int, Message]]],
) -> None:
    _, published = drive_in_traffic
    states = [(at, m.engagement) for t, at, m in published if t.name == "pilot/state"]  # type: ignore[attr-defined]
    assert states[0][1] in (Engagement.OFF, Engagement.READY)
    assert all(state is Engagement.ENGAGED for at, state in states if at > 1_000_000_000)
    sources = {m.source for t, at, m in published if t.name == "guard/decision" and at > 10**9}  # type: ignore[attr-defined]
    assert sources == {CommandSource.COMFORT}


def test_the_actuators_get_what_the_guard_decided(
    drive_in_traffic: tuple[Driven, list[tuple[Topic, int, Message]]],
) -> None:
    _, published = drive_in_traffic
    decided = [m.command for t, _, m in published if t.name == "guard/decision"]  # type: ignore[attr-defined]
    applied = [m for t, _, m in published if t.name == "car/command"]
    assert decided == applied


def test_the_components_speak_over_the_bus_only() -> None:
    """Each input of a component is an output of another, or comes from outside."""
    parts = compose(plan_trip(wish("volant-world")), write=lambda *_: None, send=lambda _: None)
    given = {topic.name for part in parts for topic in part.outputs}
    wanted = {topic.name for part in parts for topic in part.inputs}
    outside = {"driver/request", "driver/controls", "body/request"}
    # Of processes that only the live car has:
    live = {"car/codes", "car/power", "energy/state", "apps/cards", "update/state"}
    assert wanted - given == outside | live
    names = [part.name for part in parts]
    assert names == ["world", "pilot", "vehicle", "judge", "cockpit", "recorder"]


@pytest.mark.slow
@pytest.mark.parametrize("sensors", ["perfect", "typical"])
@pytest.mark.parametrize(
    "road", ["e6mini", "soderleden", "jolengatan", "curves_elevation", "e6mini-lht"]
)
def test_other_peoples_roads_are_driven_in_lane_and_untouched(road: str, sensors: str) -> None:
    path: Path = data_folder() / "roads" / "esmini" / f"{road}.xodr"
    trip = plan_trip(wish(str(path), sensors=sensors, cars=None, distance_m=4000.0, seed=1))
    driven = drive_trip(trip)
    summary = driven.summary
    assert driven.ending.arrived, driven.ending.reason
    assert summary.contacts == 0
    assert summary.max_lane_offset_m is not None
    assert summary.max_lane_offset_m < 0.6, "the body would cross a mark"
    kinds = {one.kind.value for one in summary.intervention_list}
    assert not kinds & {"road_left", "stuck", "minimal_risk_stop", "takeover_demand"}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_default_trip_arrives_through_its_jam(seed: int) -> None:
    trip = plan_trip(wish("volant-world", cars=None, distance_m=4000.0, seed=seed))
    stood = [False]

    def watch(bus: InlineBus) -> object:
        from volant.core import topics

        car = bus.subscribe(topics.CAR_STATE)

        def look(stamp_ns: int) -> None:
            stood[0] = stood[0] or (stamp_ns > 30e9 and abs(car.latest.speed_mps) < 0.3)

        return look

    driven = drive_trip(trip, watch=watch)  # type: ignore[arg-type]
    assert driven.ending.arrived, driven.ending.reason
    assert driven.summary.contacts == 0
    assert stood[0], "no jam to stop in"
    assert 180.0 < driven.duration_s < 330.0
