"""A guide to a destination: from everywhere, what it costs to get there and what to do next.

Costs are seconds at the limits and a price for each lane change, settled backwards from the
destination over every lane, so that a missed exit is no special case: the place behind it has its
own answer. The guide knows no traffic and no red lights.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from volant.core.messages import TurnKind
from volant.road.corridor import RouteLeg, change_length_m
from volant.road.lanes import Lane, LaneColumn, LaneGraph
from volant.road.right_of_way import ring_lanes
from volant.road.turns import Step, Turn, turns_along

Array = NDArray[np.float64]

CHANGE_PRICE_S: Final = 10.0
"""A lane change is worth a detour of 10 s: below that, staying is calmer (our choice)."""
UNLIMITED_MPS: Final = 130.0 / 3.6
"""Where no limit holds, time is counted at the advised 130 km/h."""
FULL_WIDTH_SHARE: Final = 0.995
"""Narrower than this share of its widest, an ending lane is left (a taper has begun)."""
LATE_SHARE: Final = 0.5
"""Of a change's usual length, what must be left of the line that may be crossed to begin it still."""
FIRST_SHARE: Final = 0.5
"""Of a change's length, where its middle lies from where it may begin."""
SPREAD: Final = 0.9
MOST_STEPS: Final = 20_000


class MustChange(NamedTuple):
    """Lane changes that the way needs: +1 to the left, -1 to the right."""

    direction: int
    changes: int
    room_m: float
    """How far ahead the first of them must be done."""


@dataclass(frozen=True, slots=True)
class _Choice:
    """One way on from a lane, good until a place on it.

    The cost from s is the lane's own time from s to its end plus `beyond_s`; distances likewise.
    """

    beyond_s: float
    beyond_m: float
    until_m: float
    """Last place where it can be begun."""
    done_m: float
    """Where the first change must be done; the lane's length where there is none."""
    direction: int = 0
    count: int = 0
    onward: int = -1
    arrives: bool = False


@dataclass(frozen=True, slots=True)
class Guide:
    """togo_s [L]: seconds from each lane's start, inf where no way leads on; onward [L]: the best
    successor, -1 where there is none that leads there.
    """

    graph: LaneGraph
    destination: tuple[int, float]
    togo_s: Array
    onward: NDArray[np.int64]
    goals: dict[int, float]
    """By lane where it counts as arrived: the destination, and with `beside` the lanes next to it."""
    _choices: tuple[tuple[_Choice, ...], ...]
    _ring: frozenset[int]
    """Lanes of roundabouts."""

    def cost_s(self, lane: int, s_m: float) -> float:
        """Seconds to the destination from s on a lane; inf where no way leads there."""
        choice = self._best(lane, s_m)
        if choice is None:
            return math.inf
        held = self.graph.lanes[lane]
        return max(time_s(held, s_m, held.length_m) + choice.beyond_s, 0.0)

    def distance_m(self, lane: int, s_m: float) -> float:
        """Metres to the destination along the best way; inf where no way leads there."""
        choice = self._best(lane, s_m)
        if choice is None:
            return math.inf
        return max(self.graph.lanes[lane].length_m - s_m + choice.beyond_m, 0.0)

    def must_change(self, lane: int, s_m: float) -> MustChange | None:
        """The lane changes that the best way needs before it leaves the lanes beside this one.

        Looks along the lane's own successors, for as long as they are the way; None where it is
        enough to drive on.
        """
        ahead_m = -s_m
        for _ in range(len(self.graph.lanes)):
            choice = self._best(lane, s_m)
            if choice is None or (choice.arrives and not choice.count):
                return None
            if choice.count:
                room_m = max(ahead_m + choice.done_m, 0.0)
                return MustChange(choice.direction, choice.count, room_m)
            ahead_m += self.graph.lanes[lane].length_m
            lane, s_m = choice.onward, 0.0
        return None

    def steps(self, lane: int, s_m: float) -> Iterator[Step]:
        """Lane after lane along the best way, to the destination; nothing where there is none."""
        share = FIRST_SHARE
        for _ in range(MOST_STEPS):
            choice = self._best(lane, s_m)
            if choice is None:
                return
            held = self.graph.lanes[lane]
            if choice.count:
                leave_m = self._change_place(held, s_m, choice, share)
                share = 1.0
                yield Step(lane, s_m, leave_m, choice.direction)
                beside = held.left if choice.direction > 0 else held.right
                if beside is None:
                    return
                lane, s_m = beside, beside_s(self.graph, lane, beside, leave_m)
            elif choice.arrives:
                yield Step(lane, s_m, max(self.goals[lane], s_m), 0)
                return
            else:
                yield Step(lane, s_m, held.length_m, 0)
                lane, s_m, share = choice.onward, 0.0, FIRST_SHARE

    def legs(self, lane: int, s_m: float) -> tuple[RouteLeg, ...]:
        """The way as legs for a corridor; empty where there is none."""
        return tuple(RouteLeg(*step) for step in self.steps(lane, s_m))

    def turns(self, lane: int, s_m: float, reach_m: float) -> tuple[Turn, ...]:
        """What the way asks for within a reach, for people: (kind, distance ahead, words)."""
        return turns_along(self.graph, self._ring, self.steps(lane, s_m), reach_m)

    def _best(self, lane: int, s_m: float) -> _Choice | None:
        open_ = [choice for choice in self._choices[lane] if s_m <= choice.until_m + 1e-6]
        return min(open_, key=lambda choice: choice.beyond_s, default=None)

    def _change_place(self, lane: Lane, s_m: float, choice: _Choice, share: float) -> float:
        """The first place to have changed by half: a share of a change's length on, where marks allow."""
        room_m = change_length_m(lane.limit_at(s_m))
        wanted_m = s_m + min(share * room_m, SPREAD * max(choice.until_m - s_m, 0.0))
        for low, high in _spans(self.graph, lane, choice.direction):
            if high >= wanted_m and max(low, wanted_m) <= choice.until_m:
                return max(low, wanted_m)
        return s_m


def make_guide(graph: LaneGraph, destination: tuple[int, float], *, beside: bool = False) -> Guide:
    """The guide to (lane, s); beside: the lanes next to it will do as well, as for passing a place.

    Raises:
        ValueError: there is no such place.
    """
    lane, s_m = destination
    if not 0 <= lane < len(graph.lanes) or not 0.0 <= s_m <= graph.lanes[lane].length_m + 1e-6:
        raise ValueError(f"no place {s_m:.1f} m along lane {lane}")
    return _Settling(graph, destination, beside=beside).guide()


class _Settling:
    """The backward search: lanes settle in the order of their cost."""

    def __init__(self, graph: LaneGraph, destination: tuple[int, float], *, beside: bool) -> None:
        self._graph, self._destination = graph, destination
        count = len(graph.lanes)
        self._whole_s = [time_s(lane, 0.0, lane.length_m) for lane in graph.lanes]
        self._rows = _rows(graph)
        goal, goal_m = destination
        self._goals = {goal: goal_m}
        if beside:
            self._goals |= {
                other: beside_s(graph, goal, other, goal_m)
                for other in self._rows[goal]
                if other != goal
            }
        self._exit_s = [math.inf] * count
        self._exit_m = [math.inf] * count
        self._onward = [-1] * count
        self._choices: list[tuple[_Choice, ...]] = [()] * count
        self._queue: list[tuple[float, int]] = []

    def guide(self) -> Guide:
        """Settle everything."""
        togo_s = np.full(len(self._graph.lanes), math.inf)
        self._renew(self._destination[0])
        while self._queue:
            cost_s, lane = heapq.heappop(self._queue)
            if cost_s >= togo_s[lane]:
                continue
            togo_s[lane] = cost_s
            best = min(self._open(lane), key=lambda choice: choice.beyond_s)
            length_m = self._graph.lanes[lane].length_m + best.beyond_m
            for source in self._graph.lanes[lane].predecessors:
                if cost_s < self._exit_s[source]:
                    self._exit_s[source], self._exit_m[source] = cost_s, length_m
                    self._onward[source] = lane
                    self._renew(source)
        for lane in range(len(togo_s)):  # choices may have been improved since by a hair
            best_s = min((choice.beyond_s for choice in self._open(lane)), default=math.inf)
            togo_s[lane] = self._whole_s[lane] + best_s
        onward = np.array(self._onward, dtype=np.int64)
        choices = tuple(self._choices)
        return Guide(
            *(self._graph, self._destination, togo_s, onward, self._goals, choices),
            ring_lanes(self._graph),
        )

    def _open(self, lane: int) -> list[_Choice]:
        return [choice for choice in self._choices[lane] if choice.until_m >= 0.0]

    def _renew(self, lane: int) -> None:
        """Work out anew what there is to choose on a lane and on those beside it."""
        row = self._rows[lane]
        for member in row:
            self._choices[member] = self._own(member)
        for _ in range(len(row) - 1):
            before = [self._choices[member] for member in row]
            for member in row:
                self._choices[member] = _kept(
                    [*self._choices[member], *self._changes(self._graph.lanes[member])]
                )
            if before == [self._choices[member] for member in row]:
                break
        for member in row:
            open_ = self._open(member)
            if open_:
                cost_s = self._whole_s[member] + min(choice.beyond_s for choice in open_)
                heapq.heappush(self._queue, (cost_s, member))

    def _own(self, index: int) -> tuple[_Choice, ...]:
        """To drive on, and to arrive."""
        lane = self._graph.lanes[index]
        found = []
        goal_m = self._goals.get(index)
        if goal_m is not None:
            spent_s = time_s(lane, goal_m, lane.length_m)
            beyond_m = goal_m - lane.length_m
            found.append(_Choice(-spent_s, beyond_m, goal_m, goal_m, arrives=True))
        if self._exit_s[index] < math.inf and not _must_leave(self._graph, lane):
            found.append(
                _Choice(
                    beyond_s=self._exit_s[index],
                    beyond_m=self._exit_m[index],
                    until_m=lane.length_m,
                    done_m=lane.length_m,
                    onward=self._onward[index],
                )
            )
        return tuple(found)

    def _changes(self, lane: Lane) -> Iterator[_Choice]:
        for direction, beside in ((1, lane.left), (-1, lane.right)):
            if beside is None:
                continue
            spans = _spans(self._graph, lane, direction)
            other = self._graph.lanes[beside]
            for choice in self._choices[beside]:
                if choice.direction == -direction:
                    continue
                found = self._change(lane, other, direction, spans, choice)
                if found is not None:
                    yield found

    def _change(
        self,
        lane: Lane,
        other: Lane,
        direction: int,
        spans: tuple[tuple[float, float], ...],
        choice: _Choice,
    ) -> _Choice | None:
        """The change to a neighbour that makes one of its choices, or None where it is too late."""
        last_m = beside_s(self._graph, other.index, lane.index, choice.until_m)
        room_m = change_length_m(lane.limit_at(min(last_m, lane.length_m)))
        open_ = [span for span in spans if span[0] < last_m]
        if not open_:
            return None
        low, high = open_[-1]
        done_m = min(high, last_m)
        forced = _must_leave(self._graph, lane) or not lane.successors
        late_m = 0.0 if forced else LATE_SHARE * min(room_m, done_m - low)
        until_m = done_m - late_m
        across_m = beside_s(self._graph, lane.index, other.index, until_m)
        rest_s = time_s(other, across_m, other.length_m) - time_s(lane, until_m, lane.length_m)
        rest_m = (other.length_m - across_m) - (lane.length_m - until_m)
        return _Choice(
            beyond_s=choice.beyond_s + CHANGE_PRICE_S + rest_s,
            beyond_m=choice.beyond_m + rest_m,
            until_m=max(until_m, min(lane.length_m, last_m)) if forced else until_m,
            done_m=done_m,
            direction=direction,
            count=choice.count + 1,
            onward=choice.onward,
            arrives=choice.arrives,
        )


def _kept(choices: list[_Choice]) -> tuple[_Choice, ...]:
    """Choices that are the best at some place: cheaper ones that end sooner than dearer ones."""
    kept: list[_Choice] = []
    for choice in sorted(choices, key=lambda one: (one.beyond_s, -one.until_m, one.count)):
        if not kept or choice.until_m > kept[-1].until_m + 1e-9:
            kept.append(choice)
    return tuple(kept)


def _rows(graph: LaneGraph) -> list[tuple[int, ...]]:
    """For each lane all that lie beside each other with it, from the left."""
    rows: list[tuple[int, ...]] = [()] * len(graph.lanes)
    for lane in graph.lanes:
        if rows[lane.index]:
            continue
        members, seen = [lane.index], {lane.index}
        for member in members:
            for beside in (graph.lanes[member].left, graph.lanes[member].right):
                if beside is not None and beside not in seen:
                    seen.add(beside)
                    members.append(beside)
        for member in members:
            rows[member] = tuple(sorted(members))
    return rows


def _must_leave(graph: LaneGraph, lane: Lane) -> bool:
    """Whether a lane runs out, or has no way on, but a neighbour does."""
    if lane.successors and not lane.ends:
        return False
    return any(
        beside is not None and not graph.lanes[beside].ends and bool(graph.lanes[beside].successors)
        for beside in (lane.left, lane.right)
    )


def _spans(graph: LaneGraph, lane: Lane, direction: int) -> tuple[tuple[float, float], ...]:
    """Where a lane may be left to one side; an ending lane is left in time, wherever marks stand."""
    spans = lane.left_changes if direction > 0 else lane.right_changes
    if not lane.ends or not _must_leave(graph, lane):
        return spans
    taper_m = taper_s(lane)
    clipped = tuple((low, min(high, taper_m)) for low, high in spans if low < taper_m)
    return clipped or ((0.0, taper_m),)


def taper_s(lane: Lane) -> float:
    """Where an ending lane begins to narrow; its length where it has full width to the end."""
    width = lane.samples[:, LaneColumn.WIDTH]
    narrow = np.flatnonzero(width < FULL_WIDTH_SHARE * float(width.max()))
    narrow = narrow[narrow >= int(width.argmax())]
    if not len(narrow):
        return lane.length_m
    # A row before the last of full width: there the taper's own bend already counts.
    return float(lane.samples[max(int(narrow[0]) - 2, 0), LaneColumn.S])


def beside_s(graph: LaneGraph, lane: int, beside: int, s_m: float) -> float:
    """The s of a neighbour lane straight across from s on a lane."""
    here = graph.lanes[lane].samples
    road_s = float(np.interp(s_m, here[:, LaneColumn.S], here[:, LaneColumn.ROAD_S]))
    return graph.lanes[beside].at_road_s(road_s)


def time_s(lane: Lane, s_from_m: float, s_to_m: float) -> float:
    """Seconds along a lane at its limits."""
    total_s = 0.0
    cuts = [limit.s_m for limit in lane.limits[1:]] + [math.inf]
    for limit, until in zip(lane.limits, cuts, strict=True):
        run_m = min(until, s_to_m) - max(limit.s_m, s_from_m)
        if run_m > 0.0:
            total_s += run_m / min(max(limit.limit_mps, 1.0), UNLIMITED_MPS)
    return total_s


__all__ = ["Guide", "MustChange", "Turn", "TurnKind", "make_guide"]
