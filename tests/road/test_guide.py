"""The guide leads from everywhere: costs fall along the way, changes come in time, ends are known."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data_folder import data_folder, find_data_folder
from tests.road.crossroads import crossroads
from tests.road.roads import WORLD, road_files
from volant.core.messages import TurnKind
from volant.road import LaneId, build_corridor, build_graph, load_graph, make_guide, parse_road

FILES = road_files(find_data_folder()) if find_data_folder() else [None]
SHARE = st.floats(0.0, 1.0)


@pytest.fixture(params=[WORLD, *FILES], ids=lambda path: path.stem if path else "-", scope="module")
def graph(request):
    if request.param is None:
        data_folder()
    return load_graph(request.param)


@pytest.fixture(scope="module")
def world():
    return load_graph(WORLD)


def lane(graph, *name):
    return graph.by_id(LaneId(*name)).index


def reachable(graph, goal):
    """Lanes with a way to the goal by links and neighbours, marks and room not asked."""
    found, edge = {goal}, [goal]
    while edge:
        here = graph.lanes[edge.pop()]
        beside = [other for other in (here.left, here.right) if other is not None]
        for other in (*here.predecessors, *beside):
            if other not in found:
                found.add(other)
                edge.append(other)
    return found


def drive(guide, index, s_m):
    """Follow the guide's own answers; gives the lanes entered, or raises where it is lost."""
    graph, steps = guide.graph, []
    for _ in range(5000):
        steps.append((index, s_m))
        goal, goal_m = guide.destination
        must = guide.must_change(index, s_m)
        if index == goal and s_m <= goal_m + 1e-6 and must is None:
            return steps
        held = graph.lanes[index]
        if must is not None and must.room_m <= held.length_m - s_m:
            assert must.room_m >= 0.0
            beside = held.left if must.direction > 0 else held.right
            across = graph.project(beside, *point(graph, index, s_m))
            index, s_m = beside, across.s_m
            continue
        index, s_m = int(guide.onward[index]), 0.0
        assert index >= 0, "nothing ahead, and nothing beside"
    raise AssertionError("it drives for ever")


def point(graph, index, s_m):
    at = graph.position(index, s_m)
    return at.x_m, at.y_m


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_who_follows_the_guide_arrives_and_costs_fall_all_the_way(graph, data):
    number = st.integers(0, len(graph.lanes) - 1)
    goal, start = data.draw(number), data.draw(number)
    goal_m = data.draw(SHARE) * graph.lanes[goal].length_m
    s_m = data.draw(SHARE) * graph.lanes[start].length_m
    guide = make_guide(graph, (goal, goal_m))
    cost_s = guide.cost_s(start, s_m)
    if cost_s == math.inf:
        assert guide.distance_m(start, s_m) == math.inf
        assert guide.legs(start, s_m) == ()
        return
    steps = list(guide.steps(start, s_m))
    assert (steps[-1].lane, steps[-1].s_to_m) == (goal, pytest.approx(goal_m, abs=1e-5))
    walked_m = 0.0
    for step in steps:
        onward_s = guide.cost_s(step.lane, step.s_to_m)
        assert step.s_to_m >= step.s_from_m
        assert onward_s <= cost_s + 0.1
        cost_s, walked_m = onward_s, walked_m + step.s_to_m - step.s_from_m
    assert walked_m <= guide.distance_m(start, s_m) + 0.02 * walked_m + 5.0
    drive(guide, start, s_m)


def test_only_what_no_way_leads_from_costs_inf(graph):
    for goal in range(0, len(graph.lanes), max(1, len(graph.lanes) // 12)):
        guide = make_guide(graph, (goal, graph.lanes[goal].length_m))
        ways = reachable(graph, goal)
        for held in graph.lanes:
            if math.isfinite(guide.togo_s[held.index]):
                assert held.index in ways
                assert guide.cost_s(held.index, 0.0) == pytest.approx(guide.togo_s[held.index])
            else:
                assert guide.cost_s(held.index, 0.0) == math.inf
                onward = guide.onward[held.index]
                assert onward == -1 or held.index in ways


def test_every_lane_of_the_world_leads_to_every_other(world):
    for goal in range(0, len(world.lanes), 6):
        guide = make_guide(world, (goal, 0.8 * world.lanes[goal].length_m))
        assert all(math.isfinite(cost) for cost in guide.togo_s)


def test_a_missed_exit_has_an_answer_of_its_own(world):
    goal = lane(world, "30", 1, 1), 500.0
    guide = make_guide(world, goal)
    ring = lane(world, "2", 1, -3)
    must = guide.must_change(ring, 0.0)
    assert must is not None
    assert must.direction == -1
    before_s = guide.cost_s(ring, 0.0)
    behind_s = guide.cost_s(lane(world, "3", 0, -3), 100.0)
    assert behind_s > before_s
    assert math.isfinite(behind_s)
    legs = guide.legs(lane(world, "3", 0, -3), 100.0)
    assert build_corridor(world, legs).length_m > 5000.0


def test_more_changes_need_more_room(world):
    guide = make_guide(world, (lane(world, "30", 1, 1), 500.0))
    fast, slow = lane(world, "2", 1, -1), lane(world, "2", 1, -3)
    far, near = guide.must_change(fast, 0.0), guide.must_change(slow, 0.0)
    assert far.changes == near.changes + 2
    assert far.room_m < near.room_m
    assert guide.cost_s(fast, 0.0) - guide.cost_s(slow, 0.0) == pytest.approx(20.0, abs=1.0)


def test_a_place_that_does_not_exist_is_refused(world):
    with pytest.raises(ValueError, match="no place"):
        make_guide(world, (len(world.lanes), 0.0))
    with pytest.raises(ValueError, match="no place"):
        make_guide(world, (0, 1e6))


@pytest.mark.parametrize(
    ("target", "kind", "words"),
    [
        ("north", TurnKind.LEFT, "Turn left into north"),
        ("south", TurnKind.RIGHT, "Turn right into south"),
        ("east", TurnKind.STRAIGHT, "Straight on into east"),
    ],
)
def test_turns_are_told_in_words(target, kind, words):
    graph = build_graph(parse_road(crossroads()))
    arms = {(held.road_name, held.along): held.index for held in graph.lanes if not held.junction}
    guide = make_guide(graph, (arms[target, True], 100.0))
    turn, arrival = guide.turns(arms["west", False], 20.0, 500.0)
    assert (turn.kind, turn.words) == (kind, words)
    assert turn.distance_m == pytest.approx(100.0)
    assert arrival.kind is TurnKind.ARRIVE
    assert arrival.distance_m == pytest.approx(guide.distance_m(arms["west", False], 20.0))
    assert guide.turns(arms["west", False], 20.0, 50.0) == ()


def test_on_the_motorway_exits_and_merges_are_told(world):
    guide = make_guide(world, (lane(world, "30", 1, 1), 500.0))
    kinds = [turn.kind for turn in guide.turns(lane(world, "2", 1, -3), 0.0, 1e5)]
    assert kinds[0] is TurnKind.EXIT
    assert kinds[-1] is TurnKind.ARRIVE
    guide = make_guide(world, (lane(world, "4", 1, -1), 1500.0))
    kinds = [turn.kind for turn in guide.turns(lane(world, "30", 1, -1), 0.0, 1e5)]
    assert TurnKind.MERGE in kinds


def test_words_fit_the_screen(graph):
    guide = make_guide(graph, (0, 0.5 * graph.lanes[0].length_m))
    for held in graph.lanes:
        turns = guide.turns(held.index, 0.0, 1e5)
        assert all(turn.words and len(turn.words) <= 40 for turn in turns)
        assert [turn.distance_m for turn in turns] == sorted(turn.distance_m for turn in turns)
