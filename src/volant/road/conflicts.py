"""Where lanes share ground: the geometry of conflicts, without a word about who goes first.

Simplified: two lanes share ground where their centres come closer than the narrower of 3 m and 85 %
of their mean width, plus what a long body sweeps in a bend. Heights are not compared, so that only
lanes of one junction, or with a common end, are looked at (a bridge over a road is no crossing).
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from enum import IntEnum
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from volant.core.geometry import wrap_angle_rad
from volant.road.lanes import Lane, LaneColumn, LaneGraph, Span

Array = NDArray[np.float64]

JOIN_GAP_M: Final = 0.3
JOIN_TURN_RAD: Final = math.radians(5.0)
SHARED_GAP_M: Final = 3.0
SHARED_WIDTH: Final = 0.85
SWEEP_MOST_M: Final = 1.5
LONGEST_M: Final = 16.5
"""Articulated lorry (Directive 96/53/EC, annex I, 1.1; recalled)."""
SHORT_LORRY_M: Final = 8.0
TIGHT_RADIUS_M: Final = 30.0


class Meeting(IntEnum):
    """How two lanes that are not neighbours share ground."""

    CROSS = 1
    MERGE = 2
    DIVERGE = 3


@dataclass(frozen=True, slots=True)
class SharedGround:
    """A stretch of a lane that another lane takes too."""

    lane: int
    other: int
    meeting: Meeting
    own: Span
    theirs: Span


def joined_lanes(graph: LaneGraph) -> tuple[tuple[int, ...], ...]:
    """For each lane the successors that a car can roll onto.

    Without those where the centre jumps: a lane that opens or ends by width is beside, not ahead.
    """
    return tuple(_joined(graph, lane) for lane in graph.lanes)


def _joined(graph: LaneGraph, lane: Lane) -> tuple[int, ...]:
    if lane.ends:
        return ()
    end = lane.samples[-1]
    kept = []
    for target in lane.successors:
        begin = graph.lanes[target].samples[0]
        gap_m = math.hypot(
            float(begin[LaneColumn.X] - end[LaneColumn.X]),
            float(begin[LaneColumn.Y] - end[LaneColumn.Y]),
        )
        turn = wrap_angle_rad(float(begin[LaneColumn.HEADING] - end[LaneColumn.HEADING]))
        if gap_m <= JOIN_GAP_M and abs(turn) <= JOIN_TURN_RAD:
            kept.append(target)
    return tuple(kept)


def longest_body_m(graph: LaneGraph) -> float:
    """The longest body that these roads take without sweeping over what lies beside its lane."""
    bend = float(np.abs(graph.table[:, LaneColumn.CURVATURE]).max())
    return LONGEST_M if bend * TIGHT_RADIUS_M < 1.0 else SHORT_LORRY_M


def shared_ground(graph: LaneGraph) -> tuple[tuple[SharedGround, ...], ...]:
    """For each lane the ground it shares with others, by rising pairs of lanes."""
    onward = joined_lanes(graph)
    back: list[list[int]] = [[] for _ in graph.lanes]
    for source, targets in enumerate(onward):
        for target in targets:
            back[target].append(source)
    found: list[list[SharedGround]] = [[] for _ in graph.lanes]
    longest_m = longest_body_m(graph)
    for one, other in _pairs(graph, onward, back):
        a, b = graph.lanes[one], graph.lanes[other]
        close = close_rows(a, b, longest_m)
        if close is None:
            continue
        meeting = Meeting.CROSS
        if set(back[one]) & set(back[other]) and close[0, 0]:
            meeting = Meeting.DIVERGE
        elif set(onward[one]) & set(onward[other]) and close[-1, -1]:
            meeting = Meeting.MERGE
        own = _span(np.asarray(close.any(axis=1)), a.samples[:, LaneColumn.S], meeting)
        theirs = _span(np.asarray(close.any(axis=0)), b.samples[:, LaneColumn.S], meeting)
        found[one].append(SharedGround(one, other, meeting, own, theirs))
        found[other].append(SharedGround(other, one, meeting, theirs, own))
    return tuple(tuple(rows) for rows in found)


def _pairs(
    graph: LaneGraph, onward: tuple[tuple[int, ...], ...], back: list[list[int]]
) -> list[tuple[int, int]]:
    groups: dict[tuple[str, str | int], list[int]] = defaultdict(list)
    for lane in graph.lanes:
        if lane.junction is not None:
            groups["junction", lane.junction].append(lane.index)
        for source in back[lane.index]:
            groups["from", source].append(lane.index)
        for target in onward[lane.index]:
            groups["to", target].append(lane.index)
    pairs: dict[tuple[int, int], None] = {}
    for members in groups.values():
        for one, other in combinations(sorted(set(members)), 2):
            lane = graph.lanes[one]
            if other not in (lane.left, lane.right, lane.opposite):
                pairs[one, other] = None
    return list(pairs)


def close_rows(one: Lane, other: Lane, longest_m: float = 0.0) -> NDArray[np.bool_] | None:
    """[rows of one, rows of other]: which rows share ground; None where none do.

    longest_m: of the bodies that sweep over it in bends; 0: centres alone.
    """
    a, b = one.samples, other.samples
    dx = a[:, LaneColumn.X, None] - b[None, :, LaneColumn.X]
    dy = a[:, LaneColumn.Y, None] - b[None, :, LaneColumn.Y]
    width = 0.5 * (a[:, LaneColumn.WIDTH, None] + b[None, :, LaneColumn.WIDTH])
    # A body of half length h sweeps h^2 / 2R further out in a bend.
    half = 0.5 * longest_m
    bend = np.abs(a[:, LaneColumn.CURVATURE, None]) + np.abs(b[None, :, LaneColumn.CURVATURE])
    sweep = np.minimum(0.5 * half * half * bend, SWEEP_MOST_M)
    reach = np.minimum(SHARED_GAP_M, SHARED_WIDTH * width) + sweep
    close = np.asarray(dx * dx + dy * dy < reach * reach)
    return close if close.any() else None


def _span(close: NDArray[np.bool_], s: Array, meeting: Meeting) -> Span:
    rows = np.flatnonzero(close)
    if meeting is Meeting.DIVERGE:
        apart = np.flatnonzero(~close)
        return 0.0, float(s[apart[0] - 1]) if len(apart) else float(s[-1])
    if meeting is Meeting.MERGE:
        apart = np.flatnonzero(~close)
        return (float(s[apart[-1] + 1]) if len(apart) else 0.0), float(s[-1])
    return float(s[rows[0]]), float(s[rows[-1]])
