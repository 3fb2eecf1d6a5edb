"""Landmarks of a map: signs, lines where they cross lanes, and mouths where paint ends."""

import math
from collections import Counter

import pytest

from volant.core.messages import LandmarkKind
from volant.road.landmarks import find_landmarks
from volant.sim.exam.roads import ARM_M, CORNER_M, LANE_M, STOP_BACK_M, carriageway, crossing


def test_a_crossing_has_a_mouth_on_each_arm_where_its_lane_enters() -> None:
    found = find_landmarks(crossing("right"))
    assert Counter(one.kind for one in found) == {LandmarkKind.MOUTH: 4}
    first = next(one for one in found if one.x_m > 5.0)
    # Traffic keeps right, so who comes in from the east does so on the north side.
    assert (first.x_m, first.y_m) == pytest.approx((CORNER_M, 0.5 * LANE_M["town"]), abs=0.01)
    assert abs(first.heading_rad) == pytest.approx(math.pi)


def test_signs_stand_on_their_posts_and_lines_lie_on_the_lanes_they_hold_for() -> None:
    graph = crossing("stop")
    found = find_landmarks(graph)
    kinds = Counter(one.kind for one in found)
    assert kinds == {
        LandmarkKind.STOP: 2,
        LandmarkKind.PRIORITY: 2,
        LandmarkKind.LINE: 4,
        LandmarkKind.MOUTH: 4,
    }
    lane = next(lane for lane in graph.lanes if (lane.id.road, lane.id.lane) == ("1", -1))
    at = graph.position(lane.index, ARM_M - STOP_BACK_M)
    lines = [one for one in found if one.kind is LandmarkKind.LINE]
    assert min(math.hypot(one.x_m - at.x_m, one.y_m - at.y_m) for one in lines) < 0.01


def test_lights_paint_and_lanes_that_go_on_are_no_landmarks() -> None:
    found = find_landmarks(crossing("light"))
    assert {one.kind for one in found} == {LandmarkKind.LINE, LandmarkKind.MOUTH}
    assert find_landmarks(carriageway("rural", zebra_m=500.0)) == ()
