"""What an adapter of somebody's world is helped with: ways along strips, lanes led onto each other."""

import math

import pytest

from volant.core.messages import LaneStrip
from volant.sim.external import bridge, route_along


def test_a_way_along_strips_has_no_point_twice() -> None:
    first = LaneStrip(lane="a", x_m=(0.0, 10.0), y_m=(0.0, 0.0), width_m=3.5, limit_mps=10.0)
    second = LaneStrip(lane="b", x_m=(10.1, 20.0), y_m=(0.0, 5.0), width_m=4.0, limit_mps=20.0)
    route = route_along((first, second))
    assert route.x_m == (0.0, 10.0, 20.0)
    assert route.y_m == (0.0, 0.0, 5.0)
    assert (route.width_m, route.limit_mps) == (3.5, 10.0)


def test_a_bridge_leaves_and_arrives_by_the_headings_of_its_ends() -> None:
    points = bridge((0.0, 0.0), 0.0, (10.0, 10.0), math.pi / 2.0, 0.25)
    assert points[0] == (0.0, 0.0)
    assert points[-1] == pytest.approx((10.0, 10.0))
    headings = [
        math.atan2(points[k + 1][1] - points[k][1], points[k + 1][0] - points[k][0])
        for k in (0, len(points) - 2)
    ]
    assert headings == pytest.approx([0.0, math.pi / 2.0], abs=0.05)
    steps = [math.dist(points[k], points[k + 1]) for k in range(len(points) - 1)]
    assert max(steps) < 0.5
