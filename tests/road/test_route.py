"""The way that a guide leads: the right roads, changes where marks allow them, honest failure."""

import math
from dataclasses import dataclass

import pytest

from tests.road.roads import WORLD, graph, road, section
from volant.road import CorridorColumn, LaneId, build_corridor, load_graph, make_guide


@dataclass(frozen=True)
class Plan:
    legs: tuple
    length_m: float
    time_s: float


def plan_route(graph, start, goal):
    """The way of a guide from a start; None where there is none."""
    guide = make_guide(graph, goal)
    if guide.cost_s(*start) == math.inf:
        return None
    return Plan(guide.legs(*start), guide.distance_m(*start), guide.cost_s(*start))


WIDTH = '<width sOffset="0" a="3" b="0" c="0" d="0"/>'


@pytest.fixture(scope="module")
def world():
    return load_graph(WORLD)


def at(world, road_id, section_index, lane_id, s_m=0.0):
    return world.by_id(LaneId(road_id, section_index, lane_id)).index, s_m


def names(world, plan):
    found = []
    for leg in plan.legs:
        name = world.lanes[leg.lane].road_name
        if not found or found[-1] != name:
            found.append(name)
    return found


def test_a_goal_ahead_on_the_same_lane_is_one_leg(world):
    plan = plan_route(world, at(world, "2", 1, -1, 100.0), at(world, "2", 1, -1, 1100.0))
    assert [(leg.s_from_m, leg.s_to_m, leg.change) for leg in plan.legs] == [(100.0, 1100.0, 0)]
    assert plan.length_m == 1000.0
    assert plan.time_s > 1000.0 / (120 / 3.6)


def test_a_goal_behind_on_the_same_lane_leads_round_the_ring(world):
    plan = plan_route(world, at(world, "2", 1, -1, 1100.0), at(world, "2", 1, -1, 1000.0))
    assert names(world, plan) == ["Ring counter-clockwise"]
    assert 7_500.0 < plan.length_m < 8_300.0


def test_from_the_ring_to_the_country_road_it_changes_lanes_and_takes_the_exit(world):
    plan = plan_route(world, at(world, "2", 1, -1), at(world, "31", 0, 1, 500.0))
    assert names(world, plan) == [
        "Ring counter-clockwise",
        "Interchange North, ramp off counter-clockwise",
        "Country road",
    ]
    assert [leg.change for leg in plan.legs if leg.change] == [-1, -1, -1]
    for leg in plan.legs:
        lane = world.lanes[leg.lane]
        if leg.change == -1:
            assert lane.may_change_right(leg.s_to_m)


def test_a_route_merges_from_a_ramp_and_gives_a_smooth_corridor(world):
    plan = plan_route(world, at(world, "31", 0, -1), at(world, "4", 1, -1, 1500.0))
    corridor = build_corridor(world, plan.legs)
    assert "Interchange North, ramp on counter-clockwise" in names(world, plan)
    table = corridor.table
    assert abs(corridor.length_m - plan.length_m) < 5.0
    assert max(abs(table[1:, 4] - table[:-1, 4])) < 0.03
    assert max(abs(table[1:, 5] - table[:-1, 5])) < 2e-3
    assert table[:, [CorridorColumn.LEFT, CorridorColumn.RIGHT]].min() > 1.0
    assert corridor.lanes[-1] == plan.legs[-1].lane


def test_every_lane_of_the_world_can_be_reached_from_every_road(world):
    goals = [lane for lane in world.lanes if lane.length_m > 200.0]
    start = at(world, "1", 0, -2, 10.0)
    for goal in goals:
        plan = plan_route(world, start, (goal.index, goal.length_m - 5.0))
        assert plan is not None, str(goal.id)
        assert plan.legs[-1].lane == goal.index


def test_legs_join_by_links_or_by_neighbours(world):
    plan = plan_route(world, at(world, "14", 0, -1), at(world, "24", 0, -1, 100.0))
    for leg, onward in zip(plan.legs, plan.legs[1:], strict=False):
        lane = world.lanes[leg.lane]
        beside = {1: lane.left, -1: lane.right}.get(leg.change)
        assert onward.lane == beside if leg.change else onward.lane in lane.successors
        assert leg.s_from_m <= leg.s_to_m <= lane.length_m + 1e-9


def two_lanes(mark: str, rule: str):
    lane = '<lane id="{0}" type="driving">' + WIDTH + "{1}</lane>"
    right = lane.format(-1, f'<roadMark sOffset="0" type="{mark}"/>') + lane.format(-2, "")
    lanes = f'<center><lane id="0" type="none"/></center><right>{right}</right>'
    return graph(road(sections=section(lanes), rule=rule))


@pytest.mark.parametrize(("rule", "change"), [("RHT", -1), ("LHT", 1)])
def test_changing_outwards_is_to_the_right_in_right_hand_traffic(rule, change):
    built = two_lanes("broken", rule)
    plan = plan_route(built, (0, 0.0), (1, 99.0))
    assert [leg.change for leg in plan.legs] == [change, 0]


def test_a_solid_line_is_not_crossed():
    assert plan_route(two_lanes("solid", "RHT"), (0, 0.0), (1, 99.0)) is None


def test_the_opposite_lane_is_no_way():
    assert plan_route(graph(road()), (1, 0.0), (0, 50.0)) is None


def test_the_same_question_has_the_same_answer(world):
    question = at(world, "30", 1, 1), at(world, "7", 0, -1, 100.0)
    assert plan_route(world, *question) == plan_route(world, *question)
