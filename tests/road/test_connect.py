"""Curves between two poses: they join exactly, and are as round as there is room."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.core.geometry import Pose
from volant.road.make_connect import connect, tangent_m
from volant.road.trace import draw

PLACE = st.floats(-500.0, 500.0)
HEADING = st.floats(-math.pi, math.pi)
ANGLE = st.floats(0.02, 2.6).flatmap(lambda angle: st.sampled_from((angle, -angle)))


def misses(start: Pose, strokes, goal: Pose) -> tuple[float, float]:
    _pieces, end = draw(start, strokes)
    turned = math.remainder(end.yaw_rad - goal.yaw_rad, math.tau)
    return math.dist((end.x_m, end.y_m), (goal.x_m, goal.y_m)), abs(turned)


@given(
    PLACE, PLACE, HEADING, ANGLE, st.floats(5.0, 200.0), st.floats(5.0, 200.0), st.floats(6.0, 80.0)
)
def test_a_bend_joins_both_poses_and_keeps_the_radius_asked_for(x, y, yaw, angle, a, b, widest):
    start = Pose(x, y, yaw)
    goal = start @ Pose(a, 0.0, angle) @ Pose(b, 0.0, 0.0)
    strokes = connect(start, goal, widest)
    gap_m, turned = misses(start, strokes, goal)
    assert gap_m < 1e-5
    assert turned < 1e-8
    tightest = max(abs(k) for s in strokes for k in (s.start_per_m, s.end_per_m))
    room = min(a, b) / tangent_m(angle)
    assert 1.0 / tightest == pytest.approx(min(room, widest), rel=1e-6)


@given(PLACE, PLACE, HEADING, st.floats(20.0, 200.0), st.floats(-6.0, 6.0))
def test_a_parallel_line_is_reached_by_two_equal_bends(x, y, yaw, ahead, aside):
    start = Pose(x, y, yaw)
    goal = start @ Pose(ahead, aside, 0.0)
    gap_m, turned = misses(start, connect(start, goal), goal)
    assert gap_m < 1e-5
    assert turned < 1e-8


@pytest.mark.parametrize("goal", [Pose(-5.0, 0.0, 0.0), Pose(-5.0, 3.0, 1.0), Pose(9.0, 3.0, -1.0)])
def test_what_lies_behind_is_refused(goal):
    with pytest.raises(ValueError, match="behind"):
        connect(Pose(0.0, 0.0, 0.0), goal)
