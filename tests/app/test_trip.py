"""Which road a trip takes, and how the wish survives a journal's header."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from tests.app.straight_road import write_straight
from tests.data_folder import data_folder
from volant.app.compose import JAM_TRIP_M, _start_speed_mps, plan_trip, world_settings
from volant.app.record import Replayable, header_of
from volant.app.trip import (
    BEYOND_M,
    END_ROOM_M,
    START_M,
    TripWish,
    choose_stretch,
    junction_ahead_m,
)
from volant.core.errors import InputError
from volant.road import CorridorColumn, load_graph


def wish(**changes: object) -> TripWish:
    values: dict[str, object] = {
        "car": "g3-520",
        "road": "volant-world",
        "seed": 1,
        "sensors": "typical",
        "cars": None,
        "distance_m": 4000.0,
    }
    return TripWish(**{**values, **changes})  # type: ignore[arg-type]


def test_the_default_trip_is_four_kilometres_of_motorway_with_a_jam() -> None:
    trip = plan_trip(wish())
    stretch, corridor = trip.stretch, trip.stretch.corridor
    assert stretch.whole
    assert stretch.destination_m - stretch.start_m == pytest.approx(4000.0)
    assert corridor.length_m == pytest.approx(START_M + 4000.0 + BEYOND_M)
    assert {trip.graph.lanes[lane].road_type for lane in corridor.lanes} == {"motorway"}
    limits = corridor.window(stretch.start_m, stretch.destination_m)[:, CorridorColumn.LIMIT]
    assert len(set(limits.tolist())) >= 3
    assert trip.cars > 40
    (jam,) = world_settings(trip).jams
    assert stretch.start_m < jam.start_m < jam.start_m + jam.length_m < stretch.destination_m
    assert jam.from_s < jam.to_s


@pytest.mark.parametrize("changes", [{"distance_m": JAM_TRIP_M - 1.0}, {"cars": 0}])
def test_a_short_or_empty_trip_has_no_jam(changes: dict[str, object]) -> None:
    assert world_settings(plan_trip(wish(**changes))).jams == ()


def test_a_short_trip_begins_as_slowly_as_it_can_stop_in_comfort() -> None:
    def start_mps(distance_m: float) -> float:
        return _start_speed_mps(plan_trip(wish(distance_m=distance_m)))

    for distance_m in (50.0, 60.0, 150.0):
        assert start_mps(distance_m) ** 2 / (2.0 * distance_m) < 1.2
    assert 3.0 < start_mps(50.0) < start_mps(60.0) < start_mps(150.0) < start_mps(4000.0)
    assert start_mps(300.0) == start_mps(4000.0)


def test_a_road_that_ends_leaves_room_to_stand_before_its_end(tmp_path: Path) -> None:
    road = write_straight(tmp_path / "straight.xodr", 400.0)
    stretch = choose_stretch(load_graph(road), 4000.0, road)
    assert not stretch.whole
    assert stretch.destination_m == pytest.approx(400.0 - END_ROOM_M)


def test_a_wish_for_less_than_the_road_ends_where_it_says(tmp_path: Path) -> None:
    road = write_straight(tmp_path / "straight.xodr", 400.0)
    stretch = choose_stretch(load_graph(road), 100.0, road)
    assert stretch.whole
    assert stretch.destination_m == START_M + 100.0


def test_the_longest_way_is_taken_even_across_junctions() -> None:
    road = data_folder() / "roads" / "esmini" / "fabriksgatan.xodr"
    graph = load_graph(road)
    stretch = choose_stretch(graph, 4000.0, road)
    longest_lane_m = max(lane.length_m for lane in graph.lanes)
    assert stretch.corridor.length_m > longest_lane_m
    assert graph.lanes[stretch.corridor.lanes[0]].junction is None


def test_the_first_junction_on_the_way_is_found() -> None:
    road = data_folder() / "roads" / "esmini" / "fabriksgatan.xodr"
    graph = load_graph(road)
    stretch = choose_stretch(graph, 4000.0, road)
    ahead_m = junction_ahead_m(graph, stretch)
    assert ahead_m is not None
    on, before = (stretch.corridor.at(stretch.start_m + ahead_m + d).lane for d in (1.0, -1.0))
    assert graph.lanes[on].junction is not None
    assert graph.lanes[before].junction is None
    near = replace(stretch, destination_m=stretch.start_m + ahead_m - 5.0)
    assert junction_ahead_m(graph, near) is None


def test_the_built_in_way_crosses_no_junction() -> None:
    trip = plan_trip(wish())
    assert junction_ahead_m(trip.graph, trip.stretch) is None


def test_the_wish_survives_the_header() -> None:
    trip = plan_trip(wish(seed=2**53 - 1, cars=7, distance_m=123.25))
    header = msgspec.json.decode(msgspec.json.encode(header_of(trip)))
    held = msgspec.convert(header["settings"], Replayable)
    assert msgspec.convert(held.trip, TripWish) == trip.wish
    assert len(held.road_sha256) == len(held.car_sha256) == 64


@pytest.mark.parametrize(
    "changes", [{"seed": -1}, {"seed": 2**53}, {"cars": 501}, {"distance_m": 10.0}]
)
def test_a_wish_out_of_bounds_does_not_decode(changes: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(msgspec.to_builtins(wish(**changes)), TripWish)


def test_an_unknown_level_of_sensors_is_refused() -> None:
    with pytest.raises(InputError, match="nearest: perfect"):
        plan_trip(wish(sensors="perfct"))
