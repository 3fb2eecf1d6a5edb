"""Lanes as a car drives them: sampled in the direction of travel, linked, with a Frenet frame.

Lane 0 of a file is its centre line and never a lane. Only lanes that any car may drive are here:
no hard shoulders, bus, taxi, cycle or tram lanes. Lengths are measured in the plane (x, y).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from volant.core.geometry import wrap_angle_rad
from volant.road.grid_kernels import LaneGrid
from volant.road.kernels import evaluate_line, project_line
from volant.road.limits import SpeedLimit
from volant.road.model import Finding, RoadNetwork, Signal

Array = NDArray[np.float64]
Span = tuple[float, float]

DRIVABLE_KINDS: Final = frozenset(
    {
        "driving",
        "entry",
        "exit",
        "onRamp",
        "offRamp",
        "connectingRamp",
        "slipLane",
        "bidirectional",
        "mwyEntry",
        "mwyExit",
    }
)


class LaneId(NamedTuple):
    """Where a lane stands in its file; `str()` gives `road:section:lane`."""

    road: str
    section: int
    lane: int

    def __str__(self) -> str:
        return f"{self.road}:{self.section}:{self.lane}"


class LaneColumn(IntEnum):
    """Columns of `Lane.samples` and `LaneGraph.table`.

    HEADING in the direction of travel, unwrapped within a lane; CURVATURE of the lane's centre,
    exact; LIMIT in m/s holds from its row to the next; GRADE is dz/ds; ROAD_S the s of the road.
    """

    S = 0
    X = 1
    Y = 2
    Z = 3
    HEADING = 4
    CURVATURE = 5
    WIDTH = 6
    GRADE = 7
    LIMIT = 8
    ROAD_S = 9


COLUMNS: Final = len(LaneColumn)


@dataclass(frozen=True, slots=True)
class Lane:
    """One lane of one lane section. samples: [n, 10], columns by LaneColumn, rows at most 2 m apart."""

    index: int
    id: LaneId
    kind: str
    road_name: str
    road_type: str
    junction: str | None
    along: bool
    """Travels with rising road s."""
    length_m: float
    samples: Array
    successors: tuple[int, ...]
    predecessors: tuple[int, ...]
    left: int | None
    right: int | None
    opposite: int | None
    left_changes: tuple[Span, ...]
    right_changes: tuple[Span, ...]
    limits: tuple[SpeedLimit, ...]
    ends: bool
    """Its width runs out at its end: merge before."""

    def limit_at(self, s_m: float) -> float:
        """The speed limit at s in m/s; inf where none holds."""
        place = bisect_right(self.limits, s_m, key=lambda limit: limit.s_m)
        return self.limits[max(place - 1, 0)].limit_mps

    def at_road_s(self, road_s_m: float) -> float:
        """The lane's own s straight across from a place on its road's reference line."""
        road_s, own_s = self.samples[:, LaneColumn.ROAD_S], self.samples[:, LaneColumn.S]
        if self.along:
            return float(np.interp(road_s_m, road_s, own_s))
        return float(np.interp(road_s_m, road_s[::-1], own_s[::-1]))

    def may_change_left(self, s_m: float) -> bool:
        """Whether the marks allow to cross to the left neighbour at s."""
        return any(low <= s_m <= high for low, high in self.left_changes)

    def may_change_right(self, s_m: float) -> bool:
        """Whether the marks allow to cross to the right neighbour at s."""
        return any(low <= s_m <= high for low, high in self.right_changes)


@dataclass(frozen=True, slots=True)
class LanePoint:
    """A place on a lane: (s, offset) and its world point; heading and curvature are the lane's."""

    lane: int
    s_m: float
    offset_m: float
    x_m: float
    y_m: float
    z_m: float
    heading_rad: float
    curvature_per_m: float
    width_m: float
    grade: float
    limit_mps: float


@dataclass(frozen=True, slots=True)
class PlacedSignal:
    """A signal with its world place; heading is the way that a driver who obeys it looks."""

    road: str
    signal: Signal
    x_m: float
    y_m: float
    z_m: float
    heading_rad: float
    limit_mps: float | None


@dataclass(frozen=True, slots=True)
class LaneGraph:
    """Every drivable lane of a network. Lane i is `table[starts[i]:starts[i + 1]]`."""

    network: RoadNetwork
    lanes: tuple[Lane, ...]
    table: Array
    starts: NDArray[np.int64]
    findings: tuple[Finding, ...]
    signals: tuple[PlacedSignal, ...]
    left_hand: bool
    ids: dict[LaneId, int]
    grid: LaneGrid

    def by_id(self, lane_id: LaneId) -> Lane:
        """The lane with this id. Raises KeyError where it is no drivable lane."""
        return self.lanes[self.ids[lane_id]]

    def position(self, lane: int, s_m: float, offset_m: float = 0.0) -> LanePoint:
        """The world point at s (clipped to the lane) and an offset to its left."""
        row = np.empty(COLUMNS)
        evaluate_line(self.lanes[lane].samples, s_m, 0, row)
        return self._point(lane, row, offset_m)

    def project(self, lane: int, x_m: float, y_m: float) -> LanePoint:
        """The foot of a point on one lane; s is clipped to the lane."""
        s_m, offset_m, _row = project_line(self.lanes[lane].samples, x_m, y_m, -1)
        return self.position(lane, s_m, offset_m)

    def locate(
        self,
        x_m: float,
        y_m: float,
        heading_rad: float | None = None,
        hint: int | None = None,
        reach_m: float = 50.0,
    ) -> LanePoint | None:
        """The lane a point is on: nearest by distance and heading, the hint and its links preferred.

        In a junction, where lanes lie over each other, the heading or the hint decides.
        """
        wanted: Sequence[int] = ()
        if hint is not None:
            held = self.lanes[hint]
            wanted = (hint, *held.successors, *held.predecessors)
        heading = math.nan if heading_rad is None else heading_rad
        row = self.grid.nearest(self.table, x_m, y_m, heading, wanted, reach_m)
        if row < 0:
            return None
        lane = int(self.grid.lane_of_row[row])
        near = row - int(self.starts[lane])
        s_m, offset_m, _row = project_line(self.lanes[lane].samples, x_m, y_m, near)
        return self.position(lane, s_m, offset_m)

    def advance(self, lane: int, s_m: float, distance_m: float) -> tuple[int, float] | None:
        """The place a distance ahead along the main successors; None where the road ends before."""
        s_m += distance_m
        while s_m > self.lanes[lane].length_m:
            onward = self.main_successor(lane)
            if onward is None:
                return None
            s_m -= self.lanes[lane].length_m
            lane = onward
        return lane, s_m

    def main_successor(self, lane: int) -> int | None:
        """The lane that keeps to the main road: same road type first, then the least turning."""
        held = self.lanes[lane]
        if not held.successors:
            return None
        return min(held.successors, key=lambda onward: self._turning(held, self.lanes[onward]))

    def _turning(self, held: Lane, onward: Lane) -> tuple[bool, bool, float, int]:
        away = held.road_name != onward.road_name and not onward.junction
        heading = onward.samples[:, LaneColumn.HEADING]
        turn = abs(float(heading[-1] - heading[0])) / max(onward.length_m, 20.0)
        return held.road_type != onward.road_type, away, turn, onward.index

    def _point(self, lane: int, row: Array, offset_m: float) -> LanePoint:
        s_m, x_m, y_m, z_m, heading, curvature, width_m, grade, _limit, _road_s = row.tolist()
        return LanePoint(
            lane,
            s_m,
            offset_m,
            x_m - offset_m * math.sin(heading),
            y_m + offset_m * math.cos(heading),
            z_m,
            wrap_angle_rad(heading),
            curvature,
            width_m,
            grade,
            self.lanes[lane].limit_at(s_m),
        )
