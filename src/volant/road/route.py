"""The main road ahead, for who has no destination; `guide` is for who has one."""

from __future__ import annotations

from typing import Final

from volant.road.corridor import Corridor, RouteLeg, build_corridor, change_length_m
from volant.road.guide import beside_s, taper_s
from volant.road.lanes import Lane, LaneGraph

MAX_LEGS: Final = 20_000


def follow(graph: LaneGraph, lane: int, s_m: float, length_m: float) -> Corridor:
    """The main road ahead for a length, round a ring as often as needed.

    It keeps to its lane; out of a lane that ends it changes to the neighbour in time. Where the road
    itself ends, the corridor is shorter and `arrives` is False.

    Raises:
        ValueError: nothing lies ahead of s on the lane.
    """
    legs, whole = main_road(graph, lane, s_m, length_m)
    return build_corridor(graph, legs, arrives=whole)


def main_road(
    graph: LaneGraph, lane: int, s_m: float, length_m: float
) -> tuple[tuple[RouteLeg, ...], bool]:
    """The legs of the main road ahead for a length, and whether the road is as long."""
    legs: list[RouteLeg] = []
    left_m = length_m
    while left_m > 1e-3 and len(legs) < MAX_LEGS:
        held = graph.lanes[lane]
        step = _leave_ending(graph, held, s_m)
        if step is not None and step[0] - s_m <= left_m:
            leave_m, beside, change = step
            legs.append(RouteLeg(lane, s_m, leave_m, change))
            left_m -= leave_m - s_m
            s_m = beside_s(graph, lane, beside, leave_m)
            lane = beside
            continue
        run_m = min(held.length_m - s_m, left_m)
        legs.append(RouteLeg(lane, s_m, s_m + run_m))
        left_m -= run_m
        onward = graph.main_successor(lane)
        if onward is None:
            break
        lane, s_m = onward, 0.0
    return tuple(legs), left_m <= 1e-3


def _leave_ending(graph: LaneGraph, lane: Lane, s_m: float) -> tuple[float, int, int] | None:
    """(s to leave at, neighbour, change) where a lane ends but its neighbour goes on."""
    if lane.successors and not lane.ends:
        return None
    for beside, change in ((lane.left, 1), (lane.right, -1)):
        if beside is None:
            continue
        other = graph.lanes[beside]
        if other.ends or not other.successors:
            continue
        taper_m = taper_s(lane) if lane.ends else lane.length_m
        room_m = 0.5 * change_length_m(lane.limit_at(taper_m))
        return max(taper_m - room_m, min(s_m + room_m, taper_m), s_m), beside, change
    return None
