"""One driving reference along a chain of lanes: what the pilot follows and Frenet is measured on.

Where the chain's centre jumps (a lane change, a lane that ends by width, a kink in the map) the
reference moves over by a quintic with continuous heading and curvature. Geometry is otherwise the
lanes' own; only the column CURVATURE is a mean over 6 m, because no wheel follows a jump from a
straight to an arc, and it leads such a jump by half of that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from volant.core.geometry import wrap_angle_rad
from volant.road.blend import Jump, blend_offsets
from volant.road.curve_kernels import offset_curve, zeros
from volant.road.kernels import (
    evaluate_line,
    evaluate_line_many,
    evaluate_uniform,
    project_line,
    project_uniform,
    project_uniform_many,
    world_uniform,
    world_uniform_many,
)
from volant.road.lanes import COLUMNS, LaneColumn, LaneGraph

Array = NDArray[np.float64]

STEP_M: Final = 1.0
CURVATURE_REACH_M: Final = 3
"""Rows to each side over which CURVATURE is the mean."""
KINK_RAD: Final = math.radians(0.1)
KINK_BLEND_M: Final = 30.0
MOST_SHIFT_M: Final = 10.0


class CorridorColumn(IntEnum):
    """Columns of `Corridor.table`.

    LEFT and RIGHT are distances to the lane's borders (over both lanes during a lane change), LIMIT
    in m/s holds from its row to the next, LANE_S is the place on the lane LANE.
    """

    S = 0
    X = 1
    Y = 2
    Z = 3
    HEADING = 4
    CURVATURE = 5
    CURVATURE_RATE = 6
    LEFT = 7
    RIGHT = 8
    LIMIT = 9
    GRADE = 10
    LANE = 11
    LANE_S = 12


_COLUMNS: Final = len(CorridorColumn)
_HEADING: Final = int(CorridorColumn.HEADING)
"""Plain, because looking a member up costs as much as the call."""


@dataclass(frozen=True, slots=True)
class RouteLeg:
    """A stretch of one lane; change is +1 (left), -1 (right) or 0 at its end."""

    lane: int
    s_from_m: float
    s_to_m: float
    change: int = 0


@dataclass(frozen=True, slots=True)
class CorridorPoint:
    """The reference at one s; heading wrapped, distances to the borders positive."""

    s_m: float
    x_m: float
    y_m: float
    z_m: float
    heading_rad: float
    curvature_per_m: float
    curvature_rate_per_m2: float
    left_m: float
    right_m: float
    limit_mps: float
    grade: float
    lane: int
    lane_s_m: float


@dataclass(frozen=True, slots=True)
class Corridor:
    """table [n, 13], columns by CorridorColumn, rows `step_m` apart (the last may be closer)."""

    table: Array
    step_m: float
    length_m: float
    lanes: tuple[int, ...]
    """Lanes in order; one driven twice stands twice."""
    arrives: bool
    """It is as long as was asked for; False where the road ends before."""

    def at(self, s_m: float) -> CorridorPoint:
        """The reference at s, clipped to the corridor."""
        row = np.empty(len(CorridorColumn))
        evaluate_uniform(self.table, self.step_m, s_m, row)
        held = self.table[min(max(int(s_m / self.step_m), 0), len(self.table) - 1)]
        return CorridorPoint(
            s_m=float(row[CorridorColumn.S]),
            x_m=float(row[CorridorColumn.X]),
            y_m=float(row[CorridorColumn.Y]),
            z_m=float(row[CorridorColumn.Z]),
            heading_rad=wrap_angle_rad(float(row[CorridorColumn.HEADING])),
            curvature_per_m=float(row[CorridorColumn.CURVATURE]),
            curvature_rate_per_m2=float(row[CorridorColumn.CURVATURE_RATE]),
            left_m=float(row[CorridorColumn.LEFT]),
            right_m=float(row[CorridorColumn.RIGHT]),
            limit_mps=float(held[CorridorColumn.LIMIT]),
            grade=float(row[CorridorColumn.GRADE]),
            lane=int(held[CorridorColumn.LANE]),
            lane_s_m=float(held[CorridorColumn.LANE_S])
            + max(float(row[CorridorColumn.S]) - float(held[CorridorColumn.S]), 0.0),
        )

    def heading_rad(self, s_m: float) -> float:
        """Heading of the reference at s, as in `at`, for who asks for nothing else."""
        row = np.empty(_COLUMNS)
        evaluate_uniform(self.table, self.step_m, s_m, row)
        return wrap_angle_rad(float(row[_HEADING]))

    def to_world(self, s_m: float, offset_m: float) -> tuple[float, float, float]:
        """World x, y and heading of a place (s, offset); straight on beyond the ends."""
        return world_uniform(self.table, self.step_m, s_m, offset_m)

    def project(self, x_m: float, y_m: float, hint_s_m: float | None = None) -> tuple[float, float]:
        """Place (s, offset) of a point; a hint near the answer makes it local and cheap.

        s may lie before 0 or behind the length, where the reference goes on straight.
        """
        hint = math.nan if hint_s_m is None else hint_s_m
        return project_uniform(self.table, self.step_m, x_m, y_m, hint)

    def project_many(self, points: Array, hints: Array | None = None) -> Array:
        """Places (s, offset) [n, 2] of points [n, 2], with hints [n] (nan: none)."""
        if hints is None:
            hints = np.full(len(points), math.nan)
        out = zeros(len(points), 2)
        points, hints = np.ascontiguousarray(points), np.ascontiguousarray(hints)
        project_uniform_many(self.table, self.step_m, points, hints, out)
        return out

    def to_world_many(self, places: Array) -> Array:
        """x, y, heading [n, 3] of places [n, 2] (s, offset)."""
        out = zeros(len(places), 3)
        world_uniform_many(self.table, self.step_m, np.ascontiguousarray(places), out)
        return out

    def window(self, s_from_m: float, s_to_m: float) -> Array:
        """The rows from s_from to s_to, as a view."""
        low = max(int(s_from_m / self.step_m), 0)
        return self.table[low : max(int(s_to_m / self.step_m) + 1, low)]


# Columns of the rows between lanes and table: a lane's own, then these.
_LANE, _BASE_S = COLUMNS, COLUMNS + 1


def build_corridor(
    graph: LaneGraph, legs: Sequence[RouteLeg], *, arrives: bool = True, step_m: float = STEP_M
) -> Corridor:
    """The reference along legs that follow each other by links or lane changes.

    Raises:
        ValueError: there is no leg with a length.
    """
    base, jumps = _base_rows(graph, legs)
    if len(base) < 2 or base[-1, _BASE_S] <= 0.0:
        raise ValueError("a corridor needs a leg with a length")
    offsets, extra = blend_offsets(base[:, _BASE_S], jumps)
    path = _moved_over(base, offsets)
    table = _even_rows(base, path, offsets[:, 0], extra, step_m)
    lanes = tuple(
        leg.lane
        for leg, before in zip(legs, [None, *legs[:-1]], strict=True)
        if before is None or before.lane != leg.lane or leg.s_from_m < before.s_to_m
    )
    return Corridor(table, step_m, float(table[-1, CorridorColumn.S]), lanes, arrives)


def _base_rows(graph: LaneGraph, legs: Sequence[RouteLeg]) -> tuple[Array, list[Jump]]:
    """The lanes' rows one after the other, and where they do not join smoothly.

    At a joint both lanes' rows stand, at the same base s.
    """
    blocks: list[Array] = []
    jumps: list[Jump] = []
    run_m, change, count = 0.0, 0, 0
    for leg in legs:
        across = _straight_across(graph, leg, blocks[-1][-1]) if change and blocks else leg
        block = _leg_rows(graph, across)
        if block is None:
            change = change or leg.change
            continue
        block[:, _BASE_S] = run_m + block[:, LaneColumn.S] - block[0, LaneColumn.S]
        if blocks:
            jumps.extend(_jump(blocks[-1][-1], block[0], count, change))
            block[:, LaneColumn.HEADING] += _whole_turns(blocks[-1][-1], block[0])
        jumps.extend(_kinks(block, count))
        blocks.append(block)
        count += len(block)
        run_m = float(block[-1, _BASE_S])
        change = leg.change
    return (np.concatenate(blocks) if blocks else zeros(0, COLUMNS + 2)), jumps


def _straight_across(graph: LaneGraph, leg: RouteLeg, end: Array) -> RouteLeg:
    """The leg begun exactly beside where the lane before it was left (lanes differ in length)."""
    x_m, y_m = float(end[LaneColumn.X]), float(end[LaneColumn.Y])
    s_m, _offset_m, _row = project_line(graph.lanes[leg.lane].samples, x_m, y_m, -1)
    if abs(s_m - leg.s_from_m) > MOST_SHIFT_M:
        return leg
    return replace(leg, s_from_m=s_m)


def _leg_rows(graph: LaneGraph, leg: RouteLeg) -> Array | None:
    samples = graph.lanes[leg.lane].samples
    s = samples[:, LaneColumn.S]
    low, high = max(leg.s_from_m, 0.0), min(leg.s_to_m, float(s[-1]))
    if high - low < 1e-3:
        return None
    inside = samples[(s > low + 1e-3) & (s < high - 1e-3)]
    block = zeros(len(inside) + 2, COLUMNS + 2)
    block[1:-1, :COLUMNS] = inside
    for row, at in ((0, low), (len(block) - 1, high)):
        ends = np.empty(COLUMNS)
        held = evaluate_line(samples, at, 0, ends)
        block[row, :COLUMNS] = ends
        block[row, LaneColumn.LIMIT] = samples[held, LaneColumn.LIMIT]
    block[:, _LANE] = leg.lane
    return block


def _whole_turns(before: Array, after: Array) -> float:
    turn = float(after[LaneColumn.HEADING] - before[LaneColumn.HEADING])
    return -2.0 * math.pi * round(turn / (2.0 * math.pi))


def _jump(before: Array, after: Array, row: int, change: int) -> list[Jump]:
    heading = float(before[LaneColumn.HEADING])
    dx = float(after[LaneColumn.X] - before[LaneColumn.X])
    dy = float(after[LaneColumn.Y] - before[LaneColumn.Y])
    aside_m = dy * math.cos(heading) - dx * math.sin(heading)
    turn = wrap_angle_rad(float(after[LaneColumn.HEADING]) - heading)
    if abs(aside_m) < 1e-3 and abs(turn) < KINK_RAD:
        return []
    length_m = KINK_BLEND_M
    width_before_m = width_after_m = 0.0
    if change or abs(aside_m) > 0.5:
        length_m = change_length_m(float(before[LaneColumn.LIMIT]))
        width_before_m = float(before[LaneColumn.WIDTH])
        width_after_m = float(after[LaneColumn.WIDTH])
    base_s_m = float(after[_BASE_S])
    return [Jump(row, base_s_m, aside_m, turn, length_m, width_before_m, width_after_m)]


def change_length_m(limit_mps: float) -> float:
    """Road that a lane change takes: 4.5 s at the limit, at least 30 m.

    A quintic over 3.75 m in 4.5 s peaks at 5.77 * 3.75 / 4.5^2 = 1.1 m/s2, about what ISO 21202
    drivers do (recalled).
    """
    return min(max(4.5 * limit_mps, 30.0), 200.0)


def _kinks(block: Array, first: int) -> list[Jump]:
    """Breaks of heading inside a lane: a width or offset record that starts with a slope."""
    curvature, runs = block[:, LaneColumn.CURVATURE], np.diff(block[:, LaneColumn.S])
    least = np.minimum(curvature[1:], curvature[:-1]) * runs
    most = np.maximum(curvature[1:], curvature[:-1]) * runs
    turns = np.diff(block[:, LaneColumn.HEADING])
    turns -= np.clip(turns, least, most)  # what no curvature between the two rows explains
    found = []
    for row in np.flatnonzero(np.abs(turns) > 4.0 * KINK_RAD):
        at = float(block[row + 1, _BASE_S])
        found.append(Jump(first + int(row) + 1, at, 0.0, float(turns[row]), KINK_BLEND_M, 0.0, 0.0))
    return found


def _moved_over(base: Array, offsets: Array) -> Array:
    """x, y, heading, curvature, arc length [n, 5] of the path at offsets [n, 3] from the base."""
    reference = zeros(len(base), 7)
    reference[:, 0:2] = base[:, LaneColumn.X : LaneColumn.Z]
    reference[:, 2] = base[:, LaneColumn.HEADING]
    reference[:, 3] = 1.0
    reference[:, 4] = base[:, LaneColumn.CURVATURE]
    runs = np.diff(base[:, _BASE_S])
    joined = runs > 1e-6  # not across a joint, where both rows stand at one place
    reference[:-1, 6][joined] = np.diff(base[:, LaneColumn.CURVATURE])[joined] / runs[joined]
    path = zeros(len(base), 5)
    offset_curve(reference, offsets, path)
    speed = path[:, 4].copy()
    path[0, 4] = 0.0
    path[1:, 4] = np.cumsum(0.5 * (speed[1:] + speed[:-1]) * runs)
    return path


def _even_rows(base: Array, path: Array, aside: Array, extra: Array, step_m: float) -> Array:
    """The path resampled to even rows, with everything a corridor's table holds."""
    line = zeros(len(base), 9)
    line[:, 0] = path[:, 4]
    line[:, 1:3] = path[:, 0:2]
    line[:, 3] = base[:, LaneColumn.Z]
    line[:, 4] = path[:, 2]
    line[:, 5] = path[:, 3]
    line[:, 6] = 0.5 * base[:, LaneColumn.WIDTH] - aside + extra[:, 0]
    line[:, 7] = 0.5 * base[:, LaneColumn.WIDTH] + aside + extra[:, 1]
    line[:, 8] = base[:, LaneColumn.GRADE]
    line = np.ascontiguousarray(line[np.concatenate([[True], np.diff(line[:, 0]) > 1e-6])])
    length_m = float(line[-1, 0])
    stations = np.append(np.arange(0.0, length_m - 1e-6, step_m), length_m)
    table = zeros(len(stations), len(CorridorColumn))
    rows = np.empty((len(stations), 9))
    evaluate_line_many(line, stations, rows)
    table[:, CorridorColumn.S : CorridorColumn.CURVATURE_RATE] = rows[:, :6]
    table[:, CorridorColumn.S] = stations
    table[:, [CorridorColumn.LEFT, CorridorColumn.RIGHT, CorridorColumn.GRADE]] = rows[:, 6:]
    held = np.clip(np.searchsorted(path[:, 4], stations, side="right") - 1, 0, len(base) - 1)
    table[:, CorridorColumn.LIMIT] = base[held, LaneColumn.LIMIT]
    table[:, CorridorColumn.LANE] = base[held, _LANE]
    table[:, CorridorColumn.LANE_S] = base[held, LaneColumn.S] + stations - path[held, 4]
    table[:, CorridorColumn.CURVATURE] = _mean_curvature(table)
    table[:, CorridorColumn.CURVATURE_RATE] = _slope(stations, table[:, CorridorColumn.CURVATURE])
    return table


def _mean_curvature(table: Array) -> Array:
    """Turning per metre over a few rows to both sides; exact on clothoids, calm at jumps."""
    heading, s = table[:, CorridorColumn.HEADING], table[:, CorridorColumn.S]
    places = np.arange(len(table))
    reach = np.minimum(np.minimum(places, len(table) - 1 - places), CURVATURE_REACH_M)
    if len(table) < 3:
        return table[:, CorridorColumn.CURVATURE].copy()
    reach[[0, -1]] = 1
    low, high = np.maximum(places - reach, 0), np.minimum(places + reach, len(table) - 1)
    mean: Array = (heading[high] - heading[low]) / (s[high] - s[low])
    return mean


def _slope(s: Array, values: Array) -> Array:
    slope = np.zeros(len(values))
    if len(values) >= 3:
        slope[1:-1] = (values[2:] - values[:-2]) / (s[2:] - s[:-2])
    return slope
