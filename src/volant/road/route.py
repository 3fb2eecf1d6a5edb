"""Which lanes to drive: a route to a place, or simply the main road ahead.

Both give legs; `build_corridor` makes the driving reference of them. Costs are seconds: travel at
the limit, and a price for each lane change.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from volant.road.corridor import (
    Corridor,
    RouteLeg,
    build_corridor,
    change_length_m,
)
from volant.road.lanes import Lane, LaneColumn, LaneGraph

# A lane change is worth a detour of 10 s: below that, staying is calmer (our choice).
CHANGE_PRICE_S: Final = 10.0
# Road to have in a lane before changing out of it, so that two changes do not run together.
CHANGE_SPACING_M: Final = 80.0
# Where no limit holds, time is counted at the advised 130 km/h.
UNLIMITED_MPS: Final = 130.0 / 3.6
# Narrower than this share of its widest, an ending lane is left (a taper has begun).
FULL_WIDTH_SHARE: Final = 0.995
MAX_LEGS: Final = 20_000


@dataclass(frozen=True, slots=True)
class RoutePlan:
    """Legs from start to goal; length along the lanes, time at the limits."""

    legs: tuple[RouteLeg, ...]
    length_m: float
    time_s: float


def plan_route(
    graph: LaneGraph, start: tuple[int, float], goal: tuple[int, float]
) -> RoutePlan | None:
    """The quickest legs from (lane, s) to (lane, s); None where there is no way.

    A goal on the start's own lane but behind it is reached by a way round, if there is one.
    """
    (first, s_m), (last, goal_s_m) = start, goal
    if first == last and s_m <= goal_s_m:
        return _plan(graph, [RouteLeg(first, s_m, goal_s_m)])
    entries: dict[int, float] = {}
    come: dict[int, tuple[int, float, int]] = {}
    queue: list[tuple[float, int, float, int, float, int]] = [(0.0, first, s_m, -1, 0.0, 0)]
    started = False
    while queue:
        cost_s, lane, entry_m, origin, left_m, change = heapq.heappop(queue)
        arrived = started and lane == last and entry_m <= goal_s_m + 1e-6
        if lane in entries and not arrived:
            continue
        if started:
            if arrived:
                return _plan(graph, _trace(come, entries, origin, left_m, change, goal, entry_m))
            come[lane] = (origin, left_m, change)
        entries[lane] = entry_m
        started = True
        for onward, onward_m, leave_m, how in _options(graph, lane, entry_m):
            spent_s = _time_s(graph.lanes[lane], entry_m, leave_m)
            price_s = cost_s + spent_s + (CHANGE_PRICE_S if how else 0.0)
            heapq.heappush(queue, (price_s, onward, onward_m, lane, leave_m, how))
    return None


def _options(graph: LaneGraph, index: int, entry_m: float) -> list[tuple[int, float, float, int]]:
    """(lane, its entry s, s left here, change) for each way on."""
    lane = graph.lanes[index]
    step = _leave_ending(graph, lane, entry_m)
    if step is not None:  # an ending lane is left in time, wherever the marks stand
        leave_m, onto, change = step
        return [(onto, beside_s(graph, index, onto, leave_m), leave_m, change)]
    options = [(onward, 0.0, lane.length_m, 0) for onward in lane.successors]
    for beside, spans, change in (
        (lane.left, lane.left_changes, 1),
        (lane.right, lane.right_changes, -1),
    ):
        if beside is None:
            continue
        place = _change_place(lane, entry_m, spans)
        if place is not None:
            options.append((beside, beside_s(graph, index, beside, place), place, change))
    return options


def _change_place(
    lane: Lane, entry_m: float, spans: tuple[tuple[float, float], ...]
) -> float | None:
    """The first place to change at: some road behind it, where the marks allow."""
    room_m = lane.length_m - entry_m
    wanted_m = entry_m + min(CHANGE_SPACING_M, 0.5 * room_m)
    for low, high in spans:
        if high > wanted_m:
            return max(low, wanted_m)
    return None


def beside_s(graph: LaneGraph, lane: int, beside: int, s_m: float) -> float:
    """The s of a neighbour lane straight across from s on a lane."""
    here = graph.lanes[lane].samples
    road_s = float(np.interp(s_m, here[:, LaneColumn.S], here[:, LaneColumn.ROAD_S]))
    return graph.lanes[beside].at_road_s(road_s)


def _time_s(lane: Lane, s_from_m: float, s_to_m: float) -> float:
    total_s = 0.0
    cuts = [limit.s_m for limit in lane.limits[1:]] + [math.inf]
    for limit, until in zip(lane.limits, cuts, strict=True):
        run_m = min(until, s_to_m) - max(limit.s_m, s_from_m)
        if run_m > 0.0:
            total_s += run_m / min(max(limit.limit_mps, 1.0), UNLIMITED_MPS)
    return total_s


def _trace(
    come: dict[int, tuple[int, float, int]],
    entries: dict[int, float],
    origin: int,
    left_m: float,
    change: int,
    goal: tuple[int, float],
    goal_entry_m: float,
) -> list[RouteLeg]:
    legs = [RouteLeg(goal[0], goal_entry_m, goal[1])]
    lane = origin
    while True:
        legs.append(RouteLeg(lane, entries[lane], left_m, change))
        if lane not in come:
            return legs[::-1]
        lane, left_m, change = come[lane]


def _plan(graph: LaneGraph, legs: list[RouteLeg]) -> RoutePlan:
    length_m = sum(leg.s_to_m - leg.s_from_m for leg in legs)
    time_s = sum(_time_s(graph.lanes[leg.lane], leg.s_from_m, leg.s_to_m) for leg in legs)
    return RoutePlan(tuple(legs), length_m, time_s)


def follow(graph: LaneGraph, lane: int, s_m: float, length_m: float) -> Corridor:
    """The main road ahead for a length, round a ring as often as needed.

    It keeps to its lane; out of a lane that ends it changes to the neighbour in time. Where the road
    itself ends, the corridor is shorter and `arrives` is False.

    Raises:
        ValueError: nothing lies ahead of s on the lane.
    """
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
    return build_corridor(graph, legs, arrives=left_m <= 1e-3)


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
        width = lane.samples[:, LaneColumn.WIDTH]
        narrow = np.flatnonzero(width < FULL_WIDTH_SHARE * float(width.max()))
        taper_m = lane.length_m
        if lane.ends and len(narrow):
            # A row before the last of full width: there the taper's own bend already counts.
            last = max(int(narrow[narrow >= int(width.argmax())][0]) - 2, 0)
            taper_m = float(lane.samples[last, LaneColumn.S])
        room_m = 0.5 * change_length_m(lane.limit_at(taper_m))
        return max(taper_m - room_m, min(s_m + room_m, taper_m), s_m), beside, change
    return None
