"""Where the car truly is against the places of its trip: at its destination, past the ones between."""

from __future__ import annotations

import math
from collections.abc import Sequence

from volant.core.messages import EgoTruth
from volant.road import LaneGraph, LanePoint
from volant.road.guide import beside_s

Spot = tuple[LanePoint, ...]
"""A place as one point, or as one on each lane beside each other."""


def spot_of(graph: LaneGraph, place: tuple[int, float], *, beside: bool = False) -> Spot:
    """The place (lane, s); beside: on the lanes next to it as well, as for passing it."""
    lane, s_m = place
    lanes = [lane]
    for member in lanes if beside else ():
        held = graph.lanes[member]
        lanes += [one for one in (held.left, held.right) if one is not None and one not in lanes]
    return tuple(graph.position(one, beside_s(graph, lane, one, s_m)) for one in lanes)


def is_at(spot: Spot, ego: EgoTruth, near_m: float, apart_m: float) -> bool:
    """Whether the car is at a place, faces as its lane does, and is on its level."""
    return any(
        math.hypot(one.x_m - ego.x_m, one.y_m - ego.y_m) <= near_m
        and math.cos(one.heading_rad - ego.yaw_rad) > 0.5
        and abs(one.z_m - ego.z_m) <= apart_m
        for one in spot
    )


def pass_on(
    passed: int, spots: Sequence[Spot], ego: EgoTruth, near_m: float, apart_m: float
) -> int:
    """How many places are passed by now, in their order."""
    while passed < len(spots) and is_at(spots[passed], ego, near_m, apart_m):
        passed += 1
    return passed
