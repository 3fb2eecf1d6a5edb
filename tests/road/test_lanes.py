"""The lane graph: directions, neighbours, marks, limits, and the Frenet frame."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.road.roads import BOTH, WORLD, graph, network, road, section
from volant.core.errors import InputError
from volant.road import LaneColumn, LaneId, build_graph, load_graph

WIDTH = '<width sOffset="0" a="3" b="0" c="0" d="0"/>'


@pytest.fixture(scope="module")
def world():
    return load_graph(WORLD)


def wide(marks: dict[int, str], rule: str = "RHT"):
    """A road with two lanes each way; marks by lane id."""
    lane = '<lane id="{0}" type="driving">' + WIDTH + "{1}</lane>"
    left = "".join(lane.format(i, marks.get(i, "")) for i in (2, 1))
    right = "".join(lane.format(i, marks.get(i, "")) for i in (-1, -2))
    centre = f'<center><lane id="0" type="none">{marks.get(0, "")}</lane></center>'
    lanes = f"<left>{left}</left>{centre}<right>{right}</right>"
    return graph(road(sections=section(lanes), rule=rule))


def lane_of(built, lane_id):
    return built.by_id(LaneId("1", 0, lane_id))


def test_the_centre_lane_is_no_lane_even_where_it_is_called_driving():
    assert [lane.id.lane for lane in graph(road()).lanes] == [1, -1]


def test_a_road_without_a_drivable_lane_is_an_input_error():
    lanes = BOTH.replace("driving", "sidewalk")
    with pytest.raises(InputError, match=r"test.xodr: it holds no drivable lane"):
        build_graph(network(road(sections=section(lanes))))


@pytest.mark.parametrize(("rule", "heading"), [("RHT", 0.0), ("LHT", math.pi)])
def test_right_lanes_follow_the_road_in_right_hand_traffic_only(rule, heading):
    built = wide({}, rule)
    assert math.cos(lane_of(built, -1).samples[0, LaneColumn.HEADING] - heading) == pytest.approx(1)
    assert lane_of(built, -1).along is (rule == "RHT")
    assert built.left_hand is (rule == "LHT")


@pytest.mark.parametrize("rule", ["RHT", "LHT"])
def test_neighbours_lie_on_the_side_they_are_said_to(rule):
    built = wide({}, rule)
    for lane in built.lanes:
        for beside, side in ((lane.left, 1), (lane.right, -1), (lane.opposite, 0)):
            if beside is None:
                continue
            point = built.position(beside, 50.0)
            offset = built.project(lane.index, point.x_m, point.y_m).offset_m
            if side:
                assert offset == pytest.approx(3.0 * side)
                assert built.lanes[beside].along == lane.along
            else:
                assert offset == pytest.approx(3.0 if rule == "RHT" else -3.0)
                assert built.lanes[beside].along != lane.along
    assert lane_of(built, -1).opposite == lane_of(built, 1).index


def test_a_reversed_lane_goes_the_other_way():
    lanes = BOTH.replace('id="-1" type="driving"', 'id="-1" type="driving" direction="reversed"')
    assert [lane.along for lane in graph(road(sections=section(lanes))).lanes] == [False, False]


def mark(kind: str, s: float = 0.0, change: str | None = None) -> str:
    rule = f' laneChange="{change}"' if change else ""
    return f'<roadMark sOffset="{s}" type="{kind}"{rule}/>'


@pytest.mark.parametrize(
    ("kind", "change", "outwards", "inwards"),
    [
        ("broken", None, True, True),
        ("none", None, True, True),
        ("solid", None, False, False),
        ("solid", "both", False, False),
        ("broken", "none", False, False),
        ("solid solid", None, False, False),
        ("broken solid", None, True, False),
        ("solid broken", None, False, True),
        # increase: towards rising lane ids, which on the right is inwards
        ("broken", "increase", False, True),
        ("broken", "decrease", True, False),
    ],
)
def test_marks_say_which_way_they_may_be_crossed(kind, change, outwards, inwards):
    built = wide({-1: mark(kind, change=change)})
    assert lane_of(built, -1).may_change_right(50.0) is outwards
    assert lane_of(built, -2).may_change_left(50.0) is inwards


def test_on_the_left_side_increase_leads_outwards():
    built = wide({1: mark("broken", change="increase")})
    assert lane_of(built, 1).may_change_right(50.0) is True
    assert lane_of(built, 2).may_change_left(50.0) is False


def test_a_mark_that_changes_along_the_lane_gives_spans_in_the_lanes_own_s():
    built = wide(
        {-1: mark("broken") + mark("solid", 30.0), 1: mark("broken") + mark("solid", 30.0)}
    )
    assert lane_of(built, -1).right_changes == ((0.0, 30.0),)
    assert lane_of(built, 1).right_changes == ((70.0, 100.0),)
    assert lane_of(built, 1).may_change_right(71.0)
    assert not lane_of(built, 1).may_change_right(69.0)


def limits(built, lane_id):
    return [
        (limit.s_m, round(limit.limit_mps * 3.6, 6), limit.source)
        for limit in lane_of(built, lane_id).limits
    ]


def test_without_any_limit_a_default_holds_and_is_called_so():
    assert limits(wide({}), -1) == [(0.0, 50.0, "default")]
    motorway = graph(road(extra='<type s="0" type="motorway"/>'))
    assert limits(motorway, -1) == [(0.0, 130.0, "default")]


def test_the_lanes_own_limit_goes_before_the_roads():
    extra = '<type s="0" type="town"><speed max="50" unit="km/h"/></type>'
    speed = '<speed sOffset="60" max="30" unit="km/h"/>'
    lanes = BOTH.replace("</lane></right>", speed + "</lane></right>")
    built = graph(road(sections=section(lanes), extra=extra))
    assert limits(built, -1) == [(0.0, 50.0, "road"), (60.0, 30.0, "lane")]
    assert limits(built, 1) == [(0.0, 50.0, "road")]
    held = lane_of(built, -1)
    assert [held.limit_at(s) * 3.6 for s in (0.0, 59.9, 60.1)] == pytest.approx([50, 50, 30])
    column = held.samples[:, [LaneColumn.S, LaneColumn.LIMIT]]
    assert (column[:, 1] == np.where(column[:, 0] < 60.0, 50 / 3.6, 30 / 3.6)).all()


def sign(s: float, kmh: float, orientation: str) -> str:
    return (
        f'<signal id="{s}" s="{s}" t="0" type="274" country="DE" value="{kmh}" unit="km/h"'
        f' orientation="{orientation}"/>'
    )


def test_a_speed_sign_holds_from_its_place_in_the_direction_of_travel():
    signs = f"<signals>{sign(40, 70, '+')}{sign(40, 30, '-')}</signals>"
    built = graph(road(extra=signs))
    assert limits(built, -1) == [(0.0, 50.0, "default"), (40.0, 70.0, "sign")]
    assert limits(built, 1) == [(0.0, 50.0, "default"), (60.0, 30.0, "sign")]


def test_a_signal_stands_at_its_world_place_and_faces_its_traffic():
    placed = graph(road(extra=f"<signals>{sign(40, 70, '-')}</signals>")).signals[0]
    assert (placed.x_m, placed.y_m, placed.heading_rad) == pytest.approx((40.0, 0.0, math.pi))
    assert placed.limit_mps == pytest.approx(70 / 3.6)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(-6, 6))
def test_frenet_and_world_are_each_others_inverse(world, which, part, offset_m):
    lane = world.lanes[min(int(which * len(world.lanes)), len(world.lanes) - 1)]
    s_m = part * lane.length_m
    point = world.position(lane.index, s_m, offset_m)
    back = world.project(lane.index, point.x_m, point.y_m)
    assert back.s_m == pytest.approx(s_m, abs=1e-6)
    assert back.offset_m == pytest.approx(offset_m, abs=1e-6)
    assert (back.x_m, back.y_m) == pytest.approx((point.x_m, point.y_m), abs=1e-6)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(-1, 1))
def test_a_point_in_a_lane_with_its_heading_is_located_there(world, which, part, aside):
    lane = world.lanes[min(int(which * len(world.lanes)), len(world.lanes) - 1)]
    at = world.position(lane.index, (0.02 + 0.96 * part) * lane.length_m)
    at = world.position(lane.index, at.s_m, 0.45 * aside * at.width_m)
    found = world.locate(at.x_m, at.y_m, at.heading_rad, lane.index)
    assert found is not None
    assert found.lane == lane.index
    assert found.s_m == pytest.approx(at.s_m, abs=1e-6)


def test_where_lanes_cross_the_heading_decides_and_then_the_hint(world):
    ramp = world.by_id(LaneId("11", 0, -1))
    ring = world.by_id(LaneId("4", 2, -2))
    bridge = next(
        world.position(ramp.index, s)
        for s in np.arange(0.0, ramp.length_m, 0.5)
        if abs(world.project(ring.index, *position(world, ramp.index, s)).offset_m) < 0.3
        and 1.0 < world.project(ring.index, *position(world, ramp.index, s)).s_m < 249.0
        and s > 100.0
    )
    across = world.locate(bridge.x_m, bridge.y_m, bridge.heading_rad)
    along = world.locate(bridge.x_m, bridge.y_m, bridge.heading_rad - math.pi / 2)
    assert world.lanes[across.lane].road_name.startswith("Interchange")
    assert world.lanes[along.lane].road_name.startswith("Ring")
    hinted = world.locate(bridge.x_m, bridge.y_m, None, ring.index)
    assert hinted.lane == ring.index


def position(world, lane, s_m):
    point = world.position(lane, s_m)
    return point.x_m, point.y_m


def test_far_from_any_lane_nothing_is_located(world):
    assert world.locate(-20_000.0, 0.0) is None
    assert world.locate(math.nan, 0.0) is None
    assert world.locate(300.0, 300.0, reach_m=20.0) is None
    assert world.locate(300.0, 300.0, reach_m=500.0) is not None


def test_advancing_follows_the_main_road_across_lanes(world):
    lane = world.by_id(LaneId("2", 2, -2))
    onward = world.advance(lane.index, lane.length_m - 10.0, 30.0)
    assert world.lanes[onward[0]].id == LaneId("3", 0, -2)
    assert onward[1] == pytest.approx(20.0)
    assert graph(road()).advance(0, 50.0, 100.0) is None


def test_the_table_holds_every_lane_in_order(world):
    for lane in world.lanes:
        low, high = world.starts[lane.index], world.starts[lane.index + 1]
        assert np.shares_memory(world.table, lane.samples)
        assert (world.table[low:high] == lane.samples).all()
