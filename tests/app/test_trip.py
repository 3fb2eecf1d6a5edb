"""Which road a trip takes, and how the wish survives a journal's header."""

from pathlib import Path

import msgspec
import pytest

from tests.app.straight_road import write_straight
from tests.data_folder import data_folder
from volant.app.compose import JAM_TRIP_M, _start_speed_mps, plan_trip, world_settings
from volant.app.record import Replayable, header_of
from volant.app.trip import (
    BEYOND_M,
    DEFAULT_START,
    DEFAULT_TO,
    END_ROOM_M,
    START_M,
    TripWish,
    choose_stretch,
)
from volant.core.errors import InputError
from volant.road import CorridorColumn, load_graph, make_guide


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


def test_a_distance_of_four_kilometres_is_motorway_with_a_jam() -> None:
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
    with pytest.raises(InputError, match="there are: perfect"):
        plan_trip(wish(sensors="perfct"))


def test_without_a_wish_the_built_in_world_is_crossed_from_car_park_to_car_park() -> None:
    trip = plan_trip(wish(distance_m=None))
    assert trip.ends is not None
    assert (trip.ends.begin.name, trip.ends.goal.name) == (DEFAULT_START, DEFAULT_TO)
    stretch, graph = trip.stretch, trip.graph
    types = {graph.lanes[lane].road_type for lane in stretch.corridor.lanes}
    assert {"motorway", "rural", "town"} <= types
    guide = make_guide(graph, (trip.ends.goal.lane, trip.ends.goal.s_m))
    assert 300.0 < guide.cost_s(trip.ends.begin.lane, trip.ends.begin.s_m) < 480.0
    arrival = stretch.corridor.at(stretch.destination_m)
    assert graph.lanes[arrival.lane].id == graph.lanes[trip.ends.goal.lane].id
    assert arrival.lane_s_m == pytest.approx(trip.ends.goal.s_m, abs=1.0)
    assert _start_speed_mps(trip) == 0.0


def test_a_trip_passes_the_places_between_in_order() -> None:
    trip = plan_trip(
        wish(distance_m=None, start="hospital", to="harbour", via=("town-hall", "church"))
    )
    assert trip.ends is not None
    stations = []
    for place in trip.ends.via:
        at = trip.graph.position(place.lane, place.s_m)
        stations.append(trip.stretch.corridor.project(at.x_m, at.y_m)[0])
    assert trip.stretch.start_m < stations[0] < stations[1] < trip.stretch.destination_m


def test_from_a_place_a_distance_can_be_driven() -> None:
    trip = plan_trip(wish(distance_m=500.0, start="30:1:1@100"))
    assert trip.stretch.destination_m - trip.stretch.start_m == pytest.approx(500.0)
    begin = trip.stretch.corridor.at(trip.stretch.start_m)
    assert str(trip.graph.lanes[begin.lane].id) == "30:1:1"
    assert begin.lane_s_m == pytest.approx(100.0, abs=0.5)


def test_a_road_without_a_usual_start_begins_where_the_place_is_reached_from() -> None:
    road = data_folder() / "roads" / "esmini" / "fabriksgatan.xodr"
    trip = plan_trip(wish(road=str(road), distance_m=None, to="0:0:-1@30"))
    assert trip.stretch.destination_m - trip.stretch.start_m > 50.0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"to": "harbor-town"}, "no place named 'harbor-town'; nearest: "),
        ({"to": "harbour", "distance_m": 100.0}, "found both"),
        ({"via": ("harbour",), "distance_m": 500.0}, "give --to"),
        ({"start": "30:1:1@100", "to": "30:1:1@120"}, "lie 20 m apart"),
    ],
)
def test_a_trip_that_is_none_is_refused_in_words(changes: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        plan_trip(wish(**{"distance_m": None, **changes}))
