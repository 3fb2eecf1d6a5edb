"""What lies across a course: gates where to wait, ground shared with others, crossings for people."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from volant.pilot.way import Way
from volant.road import Control, CorridorColumn, LaneColumn, Meeting

Array = NDArray[np.float64]

CROSS: Final = int(Meeting.CROSS)
MERGE: Final = int(Meeting.MERGE)
VIEW_RAD: Final = 0.75
"""A light farther aside than this is not seen by the front camera (half of its 100 degrees, with room)."""
BUMPER_M: Final = 1.6
"""The front bumper is so far ahead of that camera (behind the windscreen; estimated)."""
MOST_BACK_M: Final = 8.0
"""So far before the line the car stands to see its light, and no farther."""
TURN_RAD: Final = math.radians(30.0)
"""From here on a way through a junction is a turn, and signalled."""


@dataclass(frozen=True, slots=True)
class SharedGround:
    """A stretch of the course that others, who go first, take too; stations."""

    from_m: float
    to_m: float
    other: int
    """Their lane."""
    merges: bool
    their_from_m: float = 0.0
    """Along their lane."""
    their_to_m: float = math.inf


@dataclass(frozen=True, slots=True)
class CourseGate:
    """Where to wait before a junction; stations of the front bumper."""

    lane: int
    stop_m: float
    control: Control
    light: str | None
    clear_m: float
    """Behind here nothing is blocked: the end of all shared ground, 0 length where there is none."""
    shared: tuple[SharedGround, ...]
    turn_rad: float
    """Change of heading through the junction."""
    crossed: tuple[SharedGround, ...] = ()
    """Stretches crossed by those who wait for us; who is on one already is let off it."""


@dataclass(frozen=True, slots=True)
class CourseCrossing:
    """People cross between two stations."""

    from_m: float
    to_m: float
    light: str | None


@dataclass(frozen=True, slots=True)
class Across:
    """All of a course, by rising station."""

    gates: tuple[CourseGate, ...] = ()
    crossings: tuple[CourseCrossing, ...] = ()


def lie_across(way: Way, table: Array, rows: list[tuple[int, slice]]) -> Across:
    """What lies across a course whose table has these lanes."""
    rules, graph = way.rules, way.graph
    if rules is None:
        return Across()
    begins = [
        float(table[span.start, CorridorColumn.S] - table[span.start, CorridorColumn.LANE_S])
        for _lane, span in rows
    ]
    gates: list[CourseGate] = []
    for place, (lane, _span) in enumerate(rows):
        gate = rules.gates.get(lane)
        if gate is None:
            continue
        if gate.approach == lane:
            stop_m = begins[place] + gate.stop_s_m
        else:
            stop_m = begins[place] - graph.lanes[gate.approach].length_m + gate.stop_s_m
        stop_m = _in_view_m(way, gate.light, table, stop_m)
        shared, crossed, clear_m, turn = _through(way, rows, begins, place)
        gates.append(
            CourseGate(lane, stop_m, gate.control, gate.light, clear_m, shared, turn, crossed)
        )
    crossings = [
        CourseCrossing(begins[place] + span[0], begins[place] + span[1], crossing.light)
        for crossing in rules.crossings
        for lane, span in crossing.lanes
        for place, (here, _rows) in enumerate(rows)
        if here == lane
    ]
    return Across(
        tuple(sorted(gates, key=lambda gate: gate.stop_m)),
        tuple(sorted(crossings, key=lambda one: one.from_m)),
    )


def _in_view_m(way: Way, light: str | None, table: Array, stop_m: float) -> float:
    """Where to stop so that the light is still seen: the line, or before it."""
    known = () if way.rules is None or light is None else way.rules.lights
    for one in known:
        if one.signal != light:
            continue
        row = min(max(int(stop_m), 0), len(table) - 1)
        heading = float(table[row, CorridorColumn.HEADING])
        cos, sin = math.cos(heading), math.sin(heading)
        dx = one.x_m - float(table[row, CorridorColumn.X])
        dy = one.y_m - float(table[row, CorridorColumn.Y])
        ahead_m, aside_m = cos * dx + sin * dy, abs(cos * dy - sin * dx)
        lack_m = aside_m / math.tan(VIEW_RAD) - ahead_m - BUMPER_M
        return stop_m - min(max(lack_m, 0.0), MOST_BACK_M)
    return stop_m


def _through(
    way: Way, rows: list[tuple[int, slice]], begins: list[float], place: int
) -> tuple[tuple[SharedGround, ...], tuple[SharedGround, ...], float, float]:
    """Ground shared with those who go first, crossed by others, the end of all of it, and the turn."""
    rules, graph = way.rules, way.graph
    assert rules is not None
    junction = graph.lanes[rows[place][0]].junction
    shared: list[SharedGround] = []
    crossed: list[SharedGround] = []
    clear_m, turn = begins[place], 0.0
    for index in range(place, len(rows)):
        lane = rows[index][0]
        held = graph.lanes[lane]
        other_gate = index > place and lane in rules.gates
        if held.junction != junction or other_gate:
            break
        heading = held.samples[:, LaneColumn.HEADING]
        turn += float(heading[-1] - heading[0])
        for conflict in rules.conflicts[lane]:
            to_m = begins[index] + conflict.own[1]
            merges = int(conflict.meeting) == MERGE
            if int(conflict.meeting) <= MERGE:
                clear_m = max(clear_m, to_m)
            from_m = begins[index] + conflict.own[0]
            ground = SharedGround(from_m, to_m, conflict.other, merges, *conflict.theirs)
            if conflict.yields:
                shared.append(ground)
            elif int(conflict.meeting) == CROSS:
                crossed.append(ground)
    return tuple(shared), tuple(crossed), clear_m, turn
