"""The way through several places: each is passed in order, and what follows is seen before it is reached."""

import math
from types import SimpleNamespace

import pytest

from tests.pilot.world import corridor
from tests.road.roads import WORLD
from volant.core.messages import TurnKind
from volant.pilot.course import lay
from volant.pilot.planning.leaving import _goal_beside_m
from volant.pilot.way import Way, chain, must_leave, turns_ahead, way_left_m
from volant.road import LaneId, find_place, load_graph, make_guide, traffic_rules


@pytest.fixture(scope="module")
def graph():
    return load_graph(WORLD)


def way_through(graph, *names):
    """The way through named places; the last is the destination."""
    places = [find_place(graph, name) for name in names]
    guides = [make_guide(graph, (one.lane, one.s_m), beside=True) for one in places[:-1]]
    goal = places[-1]
    return Way(graph, traffic_rules(graph), (*guides, make_guide(graph, (goal.lane, goal.s_m))))


def begin(graph, name="hospital"):
    place = find_place(graph, name)
    return place.lane, place.s_m


def test_the_distance_left_counts_all_stages(graph):
    way = way_through(graph, "town-hall", "church", "harbour")
    here = begin(graph)
    parts = [way.guides[0].distance_m(*here)]
    parts += [way.guides[k + 1].distance_m(*way.guides[k].destination) for k in (0, 1)]
    assert way_left_m(way, *here) == pytest.approx(math.fsum(parts))
    assert way_left_m(way, *here) > way_left_m(way_through(graph, "harbour"), *here) + 100.0
    assert way_left_m(Way(graph), *here) == math.inf


def test_the_lanes_ahead_lead_through_the_place_and_on_to_the_next(graph):
    way = way_through(graph, "town-hall", "harbour")
    legs, _goes_on = chain(way, *begin(graph), 3000.0)
    lanes = [leg.lane for leg in legs]
    goal, _goal_m = way.guides[0].destination
    assert goal in lanes
    behind = way.beyond()
    onward = int(behind.guides[0].onward[goal])
    assert lanes[lanes.index(goal) + 1] == onward
    straight, _ = chain(way_through(graph, "harbour"), *begin(graph), 3000.0)
    assert goal not in [leg.lane for leg in straight]


def test_the_course_tells_where_the_place_is_passed_and_no_destination_before_it(graph):
    way = way_through(graph, "town-hall", "station-car-park")
    lane, s_m = way.guides[0].destination
    course = lay(way, lane, s_m - 30.0)
    assert course.via_m == pytest.approx(course.begun_m + 30.0, abs=1.5)
    assert course.destination_m is None
    behind = lay(way.beyond(), lane, s_m + 1.0)
    assert behind.via_m is None


def test_a_destination_before_the_place_is_driven_past(graph):
    lane, s_m = begin(graph, "town-hall")
    before, place = (lane, s_m - 20.0), (lane, s_m)
    way = Way(graph, None, (make_guide(graph, place, beside=True), make_guide(graph, before)))
    course = lay(way, lane, s_m - 40.0)
    assert course.via_m == pytest.approx(course.begun_m + 40.0, abs=1.5)
    assert course.destination_m is None
    direct = lay(Way(graph, None, (make_guide(graph, before),)), lane, s_m - 40.0)
    assert direct.destination_m == pytest.approx(direct.begun_m + 20.0, abs=1.5)


def test_a_place_is_passed_in_the_lane_beside_it_too(graph):
    held = next(
        one
        for one in graph.lanes
        if one.road_type == "motorway" and one.left is not None and one.length_m > 400.0
    )
    goal = make_guide(graph, (held.index, held.length_m - 1.0))
    way = Way(graph, None, (make_guide(graph, (held.index, 200.0), beside=True), goal))
    course = lay(way, held.left, 100.0)
    assert course.via_m == pytest.approx(course.begun_m + 100.0, abs=5.0)
    assert way.guides[0].must_change(held.left, 100.0) is None
    assert (
        Way(graph, None, (make_guide(graph, (held.index, 200.0)),))
        .guides[0]
        .must_change(held.left, 100.0)
    )


def test_the_lane_change_behind_the_place_is_known_before_it(graph):
    held = next(
        one
        for one in graph.lanes
        if one.road_type == "motorway" and one.left is not None and one.length_m > 900.0
    )
    goal = make_guide(graph, (held.index, 850.0))
    way = Way(graph, None, (make_guide(graph, (held.left, 200.0), beside=True), goal))
    leave = must_leave(way, held.left, 100.0)
    assert leave is not None
    assert (leave.direction, leave.count) == (-1, 1)
    assert leave.room_m <= 750.0 + 1.0
    assert must_leave(way, held.index, 100.0) is None or not must_leave(way, held.index, 100.0).ends


def test_arrival_is_told_of_the_destination_alone(graph):
    way = way_through(graph, "town-hall", "harbour")
    lane, s_m = way.guides[0].destination
    kinds = [kind for kind, _m, _words in turns_ahead(way, lane, s_m - 20.0, 20_000.0)]
    assert kinds.count(TurnKind.ARRIVE) == 1
    assert kinds[-1] is TurnKind.ARRIVE
    distances = [m for _kind, m, _words in turns_ahead(way, lane, s_m - 20.0, 20_000.0)]
    assert distances == sorted(distances)


def test_a_destination_just_behind_the_car_is_come_to_by_going_round(graph):
    lane, s_m = begin(graph, "church")
    way = Way(graph, None, (make_guide(graph, (lane, s_m)),))
    course = lay(way, lane, s_m + 3.0)
    assert course.destination_m is None or course.destination_m > course.begun_m + 50.0
    assert way_left_m(way, lane, s_m + 3.0) > 100.0
    near = lay(way, lane, s_m - 3.0)
    assert near.destination_m == pytest.approx(near.begun_m + 3.0, abs=1.0)
    kept = lay(way, lane, s_m + 3.0, near, near.begun_m + 6.0)
    assert kept.destination_m == pytest.approx(kept.begun_m - 3.0, abs=1.0)


def test_where_the_car_waits_at_a_light_its_camera_sees_it(graph):
    """Of two lanes the inner one has its light 68 degrees aside at the line, and the camera sees 50."""
    rules = traffic_rules(graph)
    lights = {one.signal: one for one in rules.lights}
    seen = 0
    for lane, gate in rules.gates.items():
        if gate.light is None:
            continue
        course = lay(Way(graph, rules), lane, 0.1)
        for one in course.across.gates:
            if one.light is None or one.lane != lane:
                continue
            x_m, y_m, heading, *_rest = course.table[int(one.stop_m - 2.3), [1, 2, 4]]
            dx, dy = lights[one.light].x_m - x_m, lights[one.light].y_m - y_m
            ahead = math.cos(heading) * dx + math.sin(heading) * dy
            aside = math.cos(heading) * dy - math.sin(heading) * dx
            assert abs(math.atan2(aside, ahead)) < math.radians(49.0)
            seen += 1
    assert seen >= 10


@pytest.mark.parametrize("s_m", [10.0, 150.0, 250.0])
def test_a_destination_on_a_road_that_closes_lies_this_far_ahead(s_m: float) -> None:
    """The same lane comes again each lap: its rows are not one stretch."""
    road = corridor([(300.0, math.tau / 300.0, math.tau / 300.0)], [(0.0, 10.0)], loops=True)
    lane = road.at(20.0).lane
    way = Way(road.graph, None, (make_guide(road.graph, (lane, 260.0)),))
    course = lay(way, lane, s_m)
    assert course.destination_m is not None
    assert course.destination_m - course.begun_m == pytest.approx(260.0 - s_m, abs=1.0)


@pytest.mark.parametrize(("to_m", "left_m"), [(120.0, 70.0), (20.0, None)])
def test_a_destination_beside_is_slowed_down_for_until_it_is_passed(graph, to_m, left_m):
    here, beside = (graph.ids[LaneId("42", 0, lane)] for lane in (-1, -2))
    way = Way(graph, traffic_rules(graph), (make_guide(graph, (beside, to_m)),))
    course = lay(way, here, 50.0)
    ego = SimpleNamespace(station_m=course.begun_m)
    found = _goal_beside_m(SimpleNamespace(way=way, course=course, ego=ego))
    assert found == (None if left_m is None else pytest.approx(left_m, abs=0.5))
