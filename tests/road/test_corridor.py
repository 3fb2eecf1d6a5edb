"""The corridor: smooth over lane changes and ends, true to its Frenet frame, even rows."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.road.roads import BOTH, WORLD, graph, road, section
from volant.road import CorridorColumn as C
from volant.road import LaneId, RouteLeg, build_corridor, follow, load_graph
from volant.road.blend import Jump, blend_offsets


@pytest.fixture(scope="module")
def world():
    return load_graph(WORLD)


@pytest.fixture(scope="module")
def ring(world):
    return follow(world, world.by_id(LaneId("2", 1, -2)).index, 0.0, 4000.0)


def is_smooth(table):
    chord = np.diff(table[:, 1:3], axis=0)
    run = np.diff(table[:, C.S])
    return (
        np.abs(np.hypot(chord[:, 0], chord[:, 1]) - run).max() < 2e-3
        and np.abs(np.diff(table[:, C.HEADING])).max() < 0.05
        and np.abs(np.diff(table[:, C.CURVATURE])).max() < 2e-3
    )


def test_rows_are_even_and_the_last_stands_at_the_length(ring):
    assert ring.arrives
    assert np.diff(ring.table[:, C.S])[:-1] == pytest.approx(ring.step_m)
    assert ring.table[-1, C.S] == ring.length_m == pytest.approx(4000.0, abs=0.5)


def test_the_corridor_is_the_lanes_own_centre(world, ring):
    for s_m in np.linspace(0.0, 3990.0, 60):
        at = ring.at(s_m)
        lane = world.position(at.lane, at.lane_s_m)
        assert (at.x_m, at.y_m, at.z_m) == pytest.approx((lane.x_m, lane.y_m, lane.z_m), abs=2e-3)
        assert at.heading_rad == pytest.approx(lane.heading_rad, abs=1e-4)
        assert at.limit_mps == lane.limit_mps
        assert (at.left_m, at.right_m) == pytest.approx((1.875, 1.875))


def test_curvature_is_that_of_the_road_away_from_where_it_changes(ring):
    bends = ring.table[:, C.CURVATURE]
    # The ring's centre line has 430 and 800 m; the middle lane lies 8.125 m outside of it.
    assert bends.max() == pytest.approx(1.0 / (430.0 + 8.125), rel=1e-3)
    assert bends.min() == pytest.approx(-1.0 / (800.0 - 8.125), rel=1e-3)


@given(st.floats(-50.0, 4050.0), st.floats(-8.0, 8.0))
def test_frenet_and_world_are_each_others_inverse(ring, s_m, offset_m):
    x_m, y_m, _heading = ring.to_world(s_m, offset_m)
    for hint in (None, s_m, s_m + 6.0, s_m - 5.0):
        assert ring.project(x_m, y_m, hint) == pytest.approx((s_m, offset_m), abs=1e-6)


@given(st.floats(0.0, 4000.0))
def test_a_wrong_hint_costs_time_and_nothing_else(ring, hint):
    x_m, y_m, _heading = ring.to_world(1234.5, 1.0)
    assert ring.project(x_m, y_m, hint) == pytest.approx((1234.5, 1.0), abs=1e-6)


def test_the_batch_forms_agree_with_the_scalar_ones(ring):
    places = np.column_stack([np.linspace(-5.0, 4005.0, 200), np.linspace(-4.0, 4.0, 200)])
    world_points = ring.to_world_many(places)
    assert [tuple(row) for row in world_points] == [ring.to_world(s, d) for s, d in places]
    back = ring.project_many(world_points[:, :2], places[:, 0])
    assert back == pytest.approx(places, abs=1e-6)
    assert ring.project_many(world_points[:, :2]) == pytest.approx(places, abs=1e-6)


def test_a_window_is_a_view_of_rows(ring):
    rows = ring.window(100.0, 120.0)
    assert np.shares_memory(rows, ring.table)
    assert rows[[0, -1], C.S].tolist() == [100.0, 120.0]
    assert len(ring.window(-10.0, -5.0)) <= 1


@pytest.mark.parametrize("side", [1, -1])
def test_a_lane_change_moves_over_smoothly_and_counts_both_lanes_as_room(world, side):
    start = world.by_id(LaneId("4", 2, -2))
    beside = start.left if side == 1 else start.right
    legs = [RouteLeg(start.index, 0.0, 120.0, side), RouteLeg(beside, 120.0, 250.0)]
    corridor = build_corridor(world, legs)
    assert is_smooth(corridor.table)
    middle = corridor.at(corridor.length_m * 120.0 / 250.0)
    assert middle.left_m + middle.right_m == pytest.approx(7.5, abs=0.01)
    assert corridor.lanes == (start.index, beside)
    last = corridor.at(corridor.length_m)
    there = world.project(beside, last.x_m, last.y_m)
    assert there.offset_m == pytest.approx(0.0, abs=0.01)
    peak = float(np.abs(corridor.table[:, C.CURVATURE]).max())
    assert peak * (100 / 3.6) ** 2 < 1.6


def test_an_acceleration_lane_is_left_before_it_narrows(world):
    entry = world.by_id(LaneId("2", 0, -4))
    corridor = follow(world, entry.index, 0.0, 600.0)
    assert corridor.arrives
    assert is_smooth(corridor.table)
    assert (corridor.table[:, C.LEFT] > 1.0).all()
    assert (corridor.table[:, C.RIGHT] > 1.0).all()
    changed = corridor.table[corridor.table[:, C.LANE] != entry.index][0, C.S]
    assert changed < 191.0


def test_a_ring_is_followed_round_more_than_once(world):
    lane = world.by_id(LaneId("2", 1, -1))
    corridor = follow(world, lane.index, 0.0, 16_500.0)
    assert corridor.arrives
    assert is_smooth(corridor.table)
    assert corridor.lanes.count(lane.index) == 3
    turned = corridor.table[-1, C.HEADING] - corridor.table[0, C.HEADING]
    assert turned > 4.0 * math.pi


def test_where_the_road_ends_the_corridor_says_so():
    corridor = follow(graph(road()), 1, 20.0, 500.0)
    assert not corridor.arrives
    assert corridor.length_m == pytest.approx(80.0)


def test_nothing_ahead_is_a_value_error():
    with pytest.raises(ValueError, match="needs a leg"):
        follow(graph(road()), 1, 100.0, 500.0)


def test_a_kink_in_a_lane_is_rounded():
    lanes = BOTH.replace(
        '<lane id="-1" type="driving"><width sOffset="0" a="3.5" b="0" c="0" d="0"/>',
        '<lane id="-1" type="driving"><width sOffset="0" a="3.5" b="0" c="0" d="0"/>'
        '<width sOffset="50" a="3.5" b="0.1" c="0" d="0"/>',
    )
    corridor = follow(graph(road(sections=section(lanes))), 1, 0.0, 100.0)
    turns = np.abs(np.diff(corridor.table[:, C.HEADING]))
    turned = corridor.table[-1, C.HEADING] - corridor.table[0, C.HEADING]
    assert turned == pytest.approx(-math.atan(0.05), abs=1e-3)
    assert turns.max() < 0.01  # the lane itself turns by 0.05 rad at one place


def test_a_jump_from_straight_to_arc_is_spread_over_six_metres():
    geometry = (
        '<geometry s="0" x="0" y="0" hdg="0" length="100"><line/></geometry>'
        '<geometry s="100" x="100" y="0" hdg="0" length="50"><arc curvature="0.02"/></geometry>'
    )
    table = follow(graph(road(geometry, length=150)), 1, 0.0, 150.0).table
    steps = np.diff(table[:, C.CURVATURE])
    assert steps.max() <= 0.02 / 6 * 1.05
    assert table[100, C.CURVATURE] == pytest.approx(0.01, rel=0.06)


@given(st.floats(-4, 4), st.floats(-0.1, 0.1), st.floats(20, 150), st.floats(0, 200), st.booleans())
def test_a_blend_closes_its_jump_and_is_smooth_elsewhere(aside, turn, length, at, wide):
    s = np.linspace(0.0, 200.0, 4001)
    place = int(np.searchsorted(s, at - 1e-9))
    jump = Jump(place, at, aside, turn, length, 3.0 * wide, 3.0 * wide)
    offsets, extra = blend_offsets(s, [jump])
    smooth = np.delete(np.diff(offsets[:, 0]), max(place - 1, 0))
    assert np.abs(smooth).max() < 0.05
    if 0 < place < len(s):
        jump = offsets[place - 1] - offsets[place]
        assert jump[0] == pytest.approx(aside, abs=0.05)
        assert jump[1] == pytest.approx(math.tan(turn), abs=0.05)
    assert (extra >= 0.0).all()
    slope = np.gradient(offsets[:, 0], s)
    inner = np.abs(s - at) > 0.2
    assert np.abs(slope - offsets[:, 1])[inner][1:-1].max(initial=0.0) < 0.02
