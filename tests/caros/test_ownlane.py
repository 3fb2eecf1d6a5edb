"""The own lane on the screen: the lane that the pilot names, ahead and past its end."""

import math

import numpy as np
import pytest

from volant.caros.cockpit.ownlane import BEHIND_M, OwnLane
from volant.caros.cockpit.roadview import PIECE_M
from volant.core.settings import find_data
from volant.road import LaneGraph, load_graph


@pytest.fixture(scope="module")
def graph() -> LaneGraph:
    return load_graph(find_data("maps", "volant-world"))


def places(packed: bytes, x_m: float, y_m: float) -> np.ndarray:
    points = np.frombuffer(packed, "<i2").reshape(-1, 3) / 100.0
    return points[:, :2] + np.array((x_m, y_m))


def test_the_lane_that_is_named_is_shown_as_wide_as_it_is(graph: LaneGraph) -> None:
    own = OwnLane(graph, ())
    lane = max(graph.lanes, key=lambda one: one.length_m)
    here = graph.position(lane.index, 0.5 * lane.length_m)
    shown = own.ahead(str(lane.id), here.x_m, here.y_m, 140.0)
    assert shown is not None
    left = places(shown.left, shown.origin_x_m, shown.origin_y_m)
    right = places(shown.right, shown.origin_x_m, shown.origin_y_m)
    wide_m = np.hypot(*(left - right).T)
    assert wide_m.min() > 0.8 * here.width_m
    assert wide_m.max() < 1.25 * here.width_m
    middle = 0.5 * (left + right)
    behind_m = math.hypot(middle[0, 0] - here.x_m, middle[0, 1] - here.y_m)
    ahead_m = math.hypot(middle[-1, 0] - here.x_m, middle[-1, 1] - here.y_m)
    assert behind_m <= BEHIND_M + 0.1
    assert 60.0 < ahead_m <= 141.0


def test_at_the_end_of_a_lane_it_goes_on_along_the_way(graph: LaneGraph) -> None:
    fork = next(one for one in graph.lanes if len(one.successors) > 1 and one.length_m > PIECE_M)
    here = graph.position(fork.index, fork.length_m - 10.0)
    ends = set()
    for onward in fork.successors:
        shown = OwnLane(graph, (fork.index, onward)).ahead(str(fork.id), here.x_m, here.y_m, 40.0)
        assert shown is not None
        last = places(shown.left, shown.origin_x_m, shown.origin_y_m)[-1]
        ends.add((round(float(last[0])), round(float(last[1]))))
        gaps = np.diff(places(shown.left, shown.origin_x_m, shown.origin_y_m), axis=0)
        assert np.hypot(*gaps.T).max() < 20.5
    assert len(ends) > 1


def test_an_unknown_lane_is_not_guessed(graph: LaneGraph) -> None:
    assert OwnLane(graph, ()).ahead("", 0.0, 0.0, 140.0) is None
