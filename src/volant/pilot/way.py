"""Which lanes come next: by the guide to a destination, or the main road where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from volant.core.messages import TurnKind
from volant.road import Lane, LaneColumn, LaneGraph, RouteLeg, TrafficRules

FULL_WIDTH_SHARE: Final = 0.97
"""Narrower than this share of its widest, an ending lane tapers: the change is to be over by then."""
TAPER_M: Final = 80.0
"""The guide leaves an ending lane at most this far before its full width ends."""
LOOP_ROOM_M: Final = 100.0
"""A course round a loop ends this far before it would meet itself."""
LOOK_LANES: Final = 64
"""Lanes looked through for the end of one; a motorway changes its section every few hundred metres."""


class Guide(Protocol):
    """What the way asks of a guide to a destination (`road.Guide`)."""

    @property
    def destination(self) -> tuple[int, float]:
        """Lane and place on it."""

    @property
    def onward(self) -> NDArray[np.int64]:
        """Of each lane the best that follows, -1 where none leads there."""

    def cost_s(self, lane: int, s_m: float) -> float:
        """Seconds left from a place; inf where the destination cannot be reached."""

    def must_change(self, lane: int, s_m: float) -> tuple[int, int, float] | None:
        """Direction (+1 left), number and room of the lane changes that the way asks for."""

    def distance_m(self, lane: int, s_m: float) -> float:
        """Metres left along the best way."""

    def turns(
        self, lane: int, s_m: float, reach_m: float
    ) -> tuple[tuple[TurnKind, float, str], ...]:
        """What comes on the way: kind, distance, words."""


@dataclass(frozen=True, slots=True)
class Way:
    """The roads, their rules, and where to go on them."""

    graph: LaneGraph
    rules: TrafficRules | None = None
    guide: Guide | None = None


@dataclass(frozen=True, slots=True)
class Leave:
    """The lane must be left: `count` changes to one side (+1 left) within `room_m`."""

    direction: int
    count: int
    room_m: float
    ends: bool = False
    """The lane itself ends there: it cannot be driven past."""


def onward(way: Way, lane: int) -> int | None:
    """The lane to take at a lane's end: the guide's, else the main road's."""
    if way.guide is not None:
        best = int(way.guide.onward[lane])
        if best >= 0:
            return best
    return way.graph.main_successor(lane)


def runs_out(lane: Lane) -> bool:
    """Nothing follows on a lane at full width."""
    return lane.ends or not lane.successors


def chain(way: Way, lane: int, s_m: float, length_m: float) -> tuple[list[RouteLeg], bool]:
    """The legs ahead, and whether the road goes on behind them.

    No place is passed twice: a small loop gives a shorter chain, which is laid on as the car drives.
    """
    legs: list[RouteLeg] = []
    seen: set[int] = set()
    left_m = length_m
    here: int | None = lane
    while here is not None and left_m > 1e-3 and here not in seen:
        held = way.graph.lanes[here]
        run_m = min(held.length_m - s_m, left_m)
        legs.append(RouteLeg(here, s_m, s_m + run_m))
        seen.add(here)
        left_m -= run_m
        if left_m > 1e-3:
            here, s_m = (None if held.ends else onward(way, here)), 0.0
    round_m = min(legs[0].s_from_m - LOOP_ROOM_M, left_m)
    if here == lane and left_m > 1e-3 and round_m > 1.0:
        legs.append(RouteLeg(lane, 0.0, round_m))
    return legs, here is not None


def chain_behind(
    way: Way, lane: int, s_m: float, length_m: float, beside: Sequence[int] = ()
) -> list[RouteLeg]:
    """The legs that lead to a place on a lane; of several ways those next to `beside` are taken."""
    legs = [RouteLeg(lane, max(s_m - length_m, 0.0), s_m)]
    left_m = length_m - s_m
    seen = {lane}
    while left_m > 1e-3:
        before = [one for one in way.graph.lanes[lane].predecessors if one not in seen]
        if not before:
            break
        near = [
            one
            for one in before
            if way.graph.lanes[one].left in beside or way.graph.lanes[one].right in beside
        ]
        lane = (near or before)[0]
        seen.add(lane)
        length = way.graph.lanes[lane].length_m
        legs.insert(0, RouteLeg(lane, max(length - left_m, 0.0), length))
        left_m -= length
    return legs


def must_leave(way: Way, lane: int, s_m: float) -> Leave | None:
    """Which way the lane must be left, and how far ahead at the latest."""
    ending = _before_end(way, lane, s_m)
    if way.guide is not None:
        asked = way.guide.must_change(lane, s_m)
        if asked is not None:
            direction, count, room_m = asked
            near_end = ending is not None and ending.room_m <= room_m + TAPER_M
            return Leave(direction, count, room_m, near_end)
    return ending


def _before_end(way: Way, lane: int, s_m: float) -> Leave | None:
    """The change that a lane asks for by running out beside one that goes on."""
    graph, room_m, here = way.graph, -s_m, lane
    for _ in range(LOOK_LANES):
        held = graph.lanes[here]
        if runs_out(held):
            for beside, direction in ((held.left, 1), (held.right, -1)):
                if beside is not None and not runs_out(graph.lanes[beside]):
                    return Leave(direction, 1, room_m + full_width_m(held), True)
            return None
        room_m += held.length_m
        following = onward(way, here)
        if following is None or following == lane or room_m > 2000.0:
            return None
        here = following
    return None


def full_width_m(lane: Lane) -> float:
    """Up to where an ending lane has its full width."""
    if not lane.ends:
        return lane.length_m
    width = lane.samples[:, LaneColumn.WIDTH]
    narrow = np.flatnonzero(width < FULL_WIDTH_SHARE * float(width.max()))
    narrow = narrow[narrow >= int(width.argmax())]
    return (
        float(lane.samples[max(int(narrow[0]) - 1, 0), LaneColumn.S])
        if len(narrow)
        else lane.length_m
    )
