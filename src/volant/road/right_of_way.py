"""Who lets whom pass where two lanes share ground (StVO sections 8, 9, 10 and 18; recalled).

Signs and kinds of roads first, then: who turns across the oncoming way lets it pass, the right goes
before the left, a ring before its entries, a main road before its ramps, a lane that goes on before
one that ends. Streams that no light shows green together have nothing to settle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from volant.core.geometry import wrap_angle_rad
from volant.road.conflicts import Meeting, SharedGround, shared_ground
from volant.road.gates import Control, Gate, Light
from volant.road.lanes import Lane, LaneColumn, LaneGraph, Span

TURN_RAD: Final = math.radians(30.0)
"""Heading change from which a way through a junction is a turn (our choice)."""
OPPOSING_RAD: Final = math.radians(135.0)
SIDE_RAD: Final = math.radians(45.0)
RING_LONGEST_M: Final = 400.0
RING_RADIUS_M: Final = 65.0
"""Roundabouts measure up to 60 m across in towns, some twice that outside (recalled)."""
RING_ROUND: Final = 0.15
"""Largest spread of the distance from the middle, by its mean: what is round enough."""
SIDE_KINDS: Final = frozenset(
    {"entry", "exit", "onRamp", "offRamp", "connectingRamp", "slipLane", "mwyEntry", "mwyExit"}
)
_ROAD_RANK: Final = {"motorway": 3, "rural": 2, "townExpressway": 2, "townArterial": 2}
_RANK: Final = {Control.GIVE_WAY: 0, Control.STOP: 0, Control.RIGHT_FIRST: 1}


@dataclass(frozen=True, slots=True)
class Conflict:
    """Ground that a lane shares with another; `yields`: it must let the other pass."""

    lane: int
    other: int
    meeting: Meeting
    own: Span
    theirs: Span
    yields: bool


def find_conflicts(
    graph: LaneGraph, gates: dict[int, Gate], lights: tuple[Light, ...], ring: frozenset[int]
) -> tuple[tuple[Conflict, ...], ...]:
    """For each lane its conflicts, with who yields; of two lanes at most one does."""
    order = _Order(graph, gates, lights, ring)
    found: list[list[Conflict]] = [[] for _ in graph.lanes]
    for rows in shared_ground(graph):
        for row in rows:
            found[row.lane].append(
                Conflict(row.lane, row.other, row.meeting, row.own, row.theirs, order.yields(row))
            )
    for one, other in _ending(graph):
        found[one.lane].append(one)
        found[other.lane].append(other)
    return tuple(tuple(rows) for rows in found)


def _ending(graph: LaneGraph) -> list[tuple[Conflict, Conflict]]:
    """Lanes that run out of width, with the neighbour that they merge into and yield to."""
    found = []
    for lane in graph.lanes:
        if not lane.ends:
            continue
        sides = [side for side in (lane.left, lane.right) if side is not None]
        beside = next((side for side in sides if not graph.lanes[side].ends), None)
        if beside is None:
            continue
        own = (0.0, lane.length_m)
        road_s = lane.samples[:, LaneColumn.ROAD_S]
        other = graph.lanes[beside]
        low, high = (other.at_road_s(float(at)) for at in (road_s[0], road_s[-1]))
        theirs = (min(low, high), max(low, high))
        found.append(
            (
                Conflict(lane.index, beside, Meeting.MERGE, own, theirs, True),
                Conflict(beside, lane.index, Meeting.MERGE, theirs, own, False),
            )
        )
    return found


class _Order:
    """Who goes first, by gates, lights and the way through the junction."""

    def __init__(
        self,
        graph: LaneGraph,
        gates: dict[int, Gate],
        lights: tuple[Light, ...],
        ring: frozenset[int],
    ) -> None:
        self._graph, self._ring = graph, ring
        self._records = {
            (pair.high, pair.low) for item in graph.network.junctions for pair in item.priorities
        }
        self._gates = [self._gate_of(lane, gates) for lane in graph.lanes]
        self._together = {
            light.signal: (light.controller, light.junction)
            for light in lights
            if light.controller is not None
        }

    def yields(self, row: SharedGround) -> bool:
        """Whether the lane must let the other pass."""
        if row.meeting is Meeting.DIVERGE:
            return False
        return self._first(row.lane, row.other, row.meeting) == row.other

    def _gate_of(self, lane: Lane, gates: dict[int, Gate]) -> Gate | None:
        """The gate through which cars come onto a lane inside a junction."""
        here = lane
        for _ in range(20):
            if here.index in gates:
                return gates[here.index]
            if here.junction is None or not here.predecessors:
                return None
            here = self._graph.lanes[here.predecessors[0]]
        return None

    def _first(self, one: int, other: int, meeting: Meeting) -> int | None:
        """Which of two lanes goes first; None where neither has to wait by a rule."""
        if (one in self._ring) != (other in self._ring):
            return one if one in self._ring else other
        roads = self._graph.lanes[one].id.road, self._graph.lanes[other].id.road
        if roads in self._records or roads[::-1] in self._records:
            return one if roads in self._records else other
        a, b = self._gates[one], self._gates[other]
        if a is None or b is None or self._graph.lanes[one].junction is None:
            return self._main(one, other)
        if a.approach == b.approach:
            return self._straighter(one, other)
        if a.control is Control.LIGHT and b.control is Control.LIGHT:
            return self._by_turn(one, other, a, b) if self._green_together(a, b) else None
        rank_a, rank_b = _RANK.get(a.control, 2), _RANK.get(b.control, 2)
        if rank_a != rank_b:
            return one if rank_a > rank_b else other
        if meeting is Meeting.MERGE and abs(self._across(a, b)) < SIDE_RAD:
            return self._main(one, other)
        return self._by_turn(one, other, a, b)

    def _green_together(self, a: Gate, b: Gate) -> bool:
        one, other = self._together.get(str(a.light)), self._together.get(str(b.light))
        if one is not None and other is not None:
            return one == other
        across = abs(self._across(a, b))
        return a.light == b.light or across < SIDE_RAD or across > OPPOSING_RAD

    def _across(self, a: Gate, b: Gate) -> float:
        """Heading of b's approach seen from a's; a quarter turn left comes from the right."""
        one, other = (
            float(self._graph.lanes[gate.approach].samples[-1, LaneColumn.HEADING])
            for gate in (a, b)
        )
        return wrap_angle_rad(other - one)

    def _by_turn(self, one: int, other: int, a: Gate, b: Gate) -> int:
        across = self._across(a, b)
        if abs(across) > OPPOSING_RAD:
            # Turning across the oncoming way waits: left in right-hand traffic.
            hand = -1.0 if self._graph.left_hand else 1.0
            turns = [hand * turn_of(self._graph, lane) > TURN_RAD for lane in (one, other)]
            if turns[0] != turns[1]:
                return other if turns[0] else one
            return self._straighter(one, other)
        if abs(across) < SIDE_RAD:
            return self._straighter(one, other)
        return other if across > 0.0 else one

    def _straighter(self, one: int, other: int) -> int:
        turns = [round(abs(turn_of(self._graph, lane)), 2) for lane in (one, other)]
        if turns[0] == turns[1]:
            return min(one, other)
        return one if turns[0] < turns[1] else other

    def _main(self, one: int, other: int) -> int:
        """Of two lanes that meet without a gate: the main road's, then the straighter."""
        keys = [self._side_road(lane) for lane in (one, other)]
        if keys[0] == keys[1]:
            return self._straighter(one, other)
        return one if keys[0] < keys[1] else other

    def _side_road(self, index: int) -> tuple[bool, int, bool]:
        """How much a lane is a side road, by its kind, its road's type, and its road's name."""
        lane = self._graph.lanes[index]
        sources = [self._graph.lanes[source] for source in lane.predecessors] or [lane]
        targets = [self._graph.lanes[target] for target in lane.successors]
        ramp = any(item.kind in SIDE_KINDS for item in (lane, *sources[:1]))
        rank = _ROAD_RANK.get(sources[0].road_type, 1)
        named = any(target.road_name == sources[0].road_name for target in targets)
        return ramp, -rank, not named


def turn_of(graph: LaneGraph, lane: int) -> float:
    """Heading change of the way through a junction that a lane is part of; positive to the left."""
    held = graph.lanes[lane]
    total = _turning(held)
    if held.junction is None:
        return total
    for onward in (False, True):
        here = held
        for _ in range(20):
            links = here.successors if onward else here.predecessors
            inside = [link for link in links if graph.lanes[link].junction == held.junction]
            if not inside:
                break
            here = graph.lanes[inside[0]]
            total += _turning(here)
    return total


def _turning(lane: Lane) -> float:
    heading = lane.samples[:, LaneColumn.HEADING]
    return float(heading[-1] - heading[0])


def ring_lanes(graph: LaneGraph) -> frozenset[int]:
    """Lanes that form the ring of a roundabout: a round way that goes round once."""
    hand = -1.0 if graph.left_hand else 1.0
    bent = {
        lane.index
        for lane in graph.lanes
        if lane.length_m < RING_LONGEST_M
        and hand * _turning(lane) * RING_RADIUS_M > 0.5 * lane.length_m
    }
    found: set[int] = set()
    for start in sorted(bent):
        if start not in found:
            found.update(_ring_from(graph, start, bent))
    return frozenset(found)


def _ring_from(graph: LaneGraph, start: int, bent: set[int]) -> tuple[int, ...]:
    """A round cycle of bent lanes through a lane, or nothing."""
    stack: list[tuple[int, ...]] = [(start,)]
    tried = 0
    while stack and tried < 500:
        tried += 1
        way = stack.pop()
        for onward in graph.lanes[way[-1]].successors:
            if onward == start:
                if _is_round(graph, way):
                    return way
                continue
            length_m = sum(graph.lanes[lane].length_m for lane in way)
            if onward in bent and onward not in way and length_m < RING_LONGEST_M:
                stack.append((*way, onward))
    return ()


def _is_round(graph: LaneGraph, way: tuple[int, ...]) -> bool:
    turned = abs(sum(_turning(graph.lanes[lane]) for lane in way))
    if abs(turned - 2.0 * math.pi) > 0.5:
        return False
    points = np.concatenate(
        [graph.lanes[lane].samples[:, LaneColumn.X : LaneColumn.Z] for lane in way]
    )
    reach = np.sqrt(((points - points.mean(axis=0)) ** 2).sum(axis=1))
    return bool(reach.std() < RING_ROUND * reach.mean())
