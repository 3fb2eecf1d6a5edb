"""Which lanes come next: by guides to places and a destination, or the main road where there is none.

A way has stages: places to pass, one after the other, and the destination last. A place is passed in
its lane or in one beside it; what follows it is looked at before it is reached.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from volant.core.messages import TurnKind
from volant.road import Lane, LaneColumn, LaneGraph, RouteLeg, TrafficRules
from volant.road.turns import Step

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
    def goals(self) -> dict[int, float]:
        """By lane the place on it that will do."""

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

    def steps(self, lane: int, s_m: float) -> Iterable[Step]:
        """The way itself, lane after lane, found as it is asked for; nothing where there is none."""

    def legs(self, lane: int, s_m: float) -> tuple[RouteLeg, ...]:
        """The way itself as a whole; empty where there is none."""


@dataclass(frozen=True, slots=True)
class Way:
    """The roads, their rules, and where to go on them."""

    graph: LaneGraph
    rules: TrafficRules | None = None
    guides: tuple[Guide, ...] = ()
    """To each place still to be passed, and to the destination last; none: drive on."""

    @property
    def guide(self) -> Guide | None:
        """To the next place."""
        return self.guides[0] if self.guides else None

    def beyond(self) -> Way:
        """The way behind the next place."""
        return Way(self.graph, self.rules, self.guides[1:])


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


def way_left_m(way: Way, lane: int, s_m: float) -> float:
    """Metres to the destination through all stages; inf where it cannot be reached, or is none."""
    if way.guide is None:
        return math.inf
    rest_m = math.fsum(
        later.distance_m(*sooner.destination) for sooner, later in pairwise(way.guides)
    )
    return way.guide.distance_m(lane, s_m) + rest_m


def turns_ahead(
    way: Way, lane: int, s_m: float, reach_m: float
) -> tuple[tuple[TurnKind, float, str], ...]:
    """What comes on the way within a reach, through all stages; arrival is told of the last alone."""
    found: list[tuple[TurnKind, float, str]] = []
    ahead_m = 0.0
    for place, guide in enumerate(way.guides):
        last = place == len(way.guides) - 1
        found += [
            (kind, ahead_m + distance_m, words)
            for kind, distance_m, words in guide.turns(lane, s_m, reach_m - ahead_m)
            if last or kind is not TurnKind.ARRIVE
        ]
        ahead_m += guide.distance_m(lane, s_m)
        if last or ahead_m >= reach_m:
            break
        lane, s_m = _arrival(guide, lane, s_m)
    return tuple(found)


def _arrival(guide: Guide, lane: int, s_m: float) -> tuple[int, float]:
    """Where the way comes to a guide's place: it may be beside the one that was named."""
    legs = guide.legs(lane, s_m)
    return (legs[-1].lane, legs[-1].s_to_m) if legs else guide.destination


def _stages_on(way: Way, lane: int, s_from_m: float, s_to_m: float) -> int:
    """How many of the next places lie on a stretch of a lane, one behind the other."""
    count = 0
    for guide in way.guides[:-1]:
        goal_m = guide.goals.get(lane)
        if goal_m is None or not s_from_m <= goal_m <= s_to_m:
            break
        s_from_m, count = goal_m, count + 1
    return count


def runs_out(lane: Lane) -> bool:
    """Nothing follows on a lane at full width."""
    return lane.ends or not lane.successors


def chain(way: Way, lane: int, s_m: float, length_m: float) -> tuple[list[RouteLeg], bool]:
    """The legs ahead, and whether the road goes on behind them.

    No lane is passed twice: a small loop gives a shorter chain, which is laid on as the car drives.
    """
    legs: list[RouteLeg] = []
    seen: set[int] = set()
    left_m = length_m
    here: int | None = lane
    while here is not None and left_m > 1e-3 and here not in seen:
        held = way.graph.lanes[here]
        run_m = min(held.length_m - s_m, left_m)
        for _ in range(_stages_on(way, here, s_m, s_m + run_m)):
            way = way.beyond()
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
    asked = _asked_change(way, lane, s_m)
    if asked is None:
        return ending
    near_end = ending is not None and ending.room_m <= asked.room_m + TAPER_M
    return replace(asked, ends=near_end)


def _asked_change(way: Way, lane: int, s_m: float) -> Leave | None:
    """The first lane change that the guides ask for, through all stages."""
    ahead_m = 0.0
    for guide in way.guides:
        asked = guide.must_change(lane, s_m)
        if asked is not None:
            direction, count, room_m = asked
            return Leave(direction, count, ahead_m + room_m)
        ahead_m += guide.distance_m(lane, s_m)
        if not math.isfinite(ahead_m):
            return None
        lane, s_m = _arrival(guide, lane, s_m)
    return None


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
