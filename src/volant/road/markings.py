"""The lines that a screen draws: lane borders with their paint, road edges, barriers.

Everything is computed once; a window query then costs some microseconds, so a screen may ask 30
times a second. Nothing here decides what may be crossed: see `marks`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from volant.road.curve_kernels import offset_curve, zeros
from volant.road.lanes import DRIVABLE_KINDS, LaneGraph
from volant.road.model import LaneRecord, Road, RoadMark, RoadObject
from volant.road.sampling import SectionSamples, inner_id, sample_sections

Array = NDArray[np.float64]

PIECE_M: Final = 60.0
CHORD_ERROR_M: Final = 0.01
# OpenDRIVE leaves the widths of weights to the application; these are common line widths (RMS,
# recalled): narrow 0.12 m, broad 0.25 m.
WEIGHT_WIDTH_M: Final = {"standard": 0.12, "bold": 0.25}
# Dash and gap where the file gives none (RMS, recalled): motorways 6 m on 12 m, else 4 m on 8 m.
MOTORWAY_DASH_M: Final = (6.0, 12.0)
OTHER_DASH_M: Final = (4.0, 8.0)
_KINDS: Final = {
    "solid": "solid",
    "broken": "broken",
    "solid solid": "solid_solid",
    "solid broken": "solid_broken",
    "broken solid": "broken_solid",
    "broken broken": "broken_broken",
    "botts dots": "botts",
    "curb": "curb",
    "edge": "edge",
    "grass": "edge",
    "custom": "solid",
}
_PAVED: Final = DRIVABLE_KINDS | {
    "stop",
    "shoulder",
    "border",
    "parking",
    "biking",
    "bus",
    "taxi",
    "HOV",
    "restricted",
    "roadWorks",
    "shared",
    "median",
}
_BARRIERS: Final = frozenset({"barrier", "railing", "guardRail", "wall"})


@dataclass(frozen=True, slots=True)
class Boundary:
    """A line to draw, at most 60 m long. points: [n, 3], close enough for 1 cm in bends.

    Of a double line the first word is its left side, seen along the points. Dashes begin at phase_m
    (at or below 0) from the first point and repeat every dash_m + gap_m.
    """

    points: Array
    kind: str
    colour: str
    width_m: float
    dash_m: float = 0.0
    gap_m: float = 0.0
    phase_m: float = 0.0
    edge: bool = False
    """The outer edge of the paved road, whatever is painted on it."""


@dataclass(frozen=True, slots=True)
class Markings:
    """All lines of a network; boxes [n, 4] (least x, least y, most x, most y) find the near ones."""

    boundaries: tuple[Boundary, ...]
    boxes: Array

    def window(self, x_m: float, y_m: float, reach_m: float) -> tuple[int, ...]:
        """Indices of the boundaries that come within reach (as a square) of a point."""
        low, high = self.boxes[:, :2], self.boxes[:, 2:]
        here = np.array([x_m, y_m])
        near = ((low <= here + reach_m) & (high >= here - reach_m)).all(axis=1)
        return tuple(np.flatnonzero(near).tolist())


def markings(graph: LaneGraph) -> Markings:
    """The lines of every road of a graph's network."""
    found: list[Boundary] = []
    for road in graph.network.roads:
        for section in sample_sections(road):
            found.extend(_section_lines(section))
            found.extend(_barrier_lines(section))
    boxes = np.array(
        [[*b.points[:, :2].min(axis=0), *b.points[:, :2].max(axis=0)] for b in found]
    ).reshape(-1, 4)
    return Markings(tuple(found), boxes)


def _section_lines(section: SectionSamples) -> Iterator[Boundary]:
    edges = _edge_ids(section)
    for lane in section.section.lanes:
        shown = np.ones(len(section.stations), dtype=bool)
        if lane.id != 0:
            inner = section.borders[inner_id(section.section, lane.id)]
            shown = np.abs(section.borders[lane.id][:, 0] - inner[:, 0]) > CHORD_ERROR_M
        line = _line_points(section, section.borders[lane.id])
        for low, high, mark in _stretches(section, lane):
            kind = _KINDS.get(mark.kind, "none" if mark.kind == "none" else "solid")
            edge = lane.id in edges
            if kind == "none":
                if not edge:
                    continue
                kind = "edge"
            rows = np.flatnonzero(
                (section.stations[::3] >= low - 1e-6)
                & (section.stations[::3] <= high + 1e-6)
                & shown[::3]
            )
            yield from _pieces(line, rows, _paint(section.road, lane, mark, kind, low), edge)


def _edge_ids(section: SectionSamples) -> set[int]:
    """Lanes whose outer border ends the pavement, at most one each side."""
    found = set()
    for sign in (1, -1):
        last = 0
        for lane in sorted((x for x in section.section.lanes if x.id * sign > 0), key=_distance):
            if lane.kind not in _PAVED:
                break
            last = lane.id
        found.add(last)
    return found


def _distance(lane: LaneRecord) -> int:
    return abs(lane.id)


def _stretches(
    section: SectionSamples, lane: LaneRecord
) -> Iterator[tuple[float, float, RoadMark]]:
    begin, length = section.section.s_m, section.section.length_m
    marks = [mark for mark in lane.marks if mark.s_m < length] or [RoadMark(0.0, "none")]
    if marks[0].s_m > 0.0:
        marks.insert(0, RoadMark(0.0, "none"))
    ends = [mark.s_m for mark in marks[1:]] + [length]
    for mark, end in zip(marks, ends, strict=True):
        if end > mark.s_m:
            yield begin + mark.s_m, begin + end, mark


def _line_points(section: SectionSamples, t: Array) -> Array:
    """x, y, z, heading and run [n, 5] of a line at the section's rows."""
    plane, ground = section.on_ground(t)
    curve = zeros(len(t), 5)
    offset_curve(section.reference, plane, curve)
    rows = zeros(len(curve[::3]), 5)
    rows[:, 0:2], rows[:, 2], rows[:, 3] = curve[::3, :2], ground[::3, 0], curve[::3, 2]
    runs = np.sqrt((np.diff(rows[:, :2], axis=0) ** 2).sum(axis=1))
    rows[1:, 4] = np.cumsum(runs)
    return rows


def _paint(road: Road, lane: LaneRecord, mark: RoadMark, kind: str, s_m: float) -> Boundary:
    """A boundary without points yet: how this mark is drawn."""
    colour = "white" if mark.colour == "standard" else mark.colour
    if kind in ("edge", "curb"):
        colour = "grey" if mark.colour == "standard" else mark.colour
    # Written from the centre outwards; along rising s that is left to right only on the right.
    if lane.id > 0 and kind in ("solid_broken", "broken_solid"):
        kind = "_".join(reversed(kind.split("_")))
    width_m = mark.width_m or WEIGHT_WIDTH_M.get(mark.weight, WEIGHT_WIDTH_M["standard"])
    dash_m = gap_m = 0.0
    if "broken" in kind:
        held = road.type_at(s_m)
        motorway = held is not None and held.kind == "motorway"
        dash_m, gap_m = MOTORWAY_DASH_M if motorway else OTHER_DASH_M
        if mark.dash_m > 0.0 and mark.gap_m > 0.0:
            dash_m, gap_m = mark.dash_m, mark.gap_m
    return Boundary(np.zeros((0, 3)), kind, colour, width_m, dash_m, gap_m)


def _pieces(
    line: Array, rows: NDArray[np.int64], paint: Boundary, edge: bool
) -> Iterator[Boundary]:
    """Cut a line into pieces, without the points that a straight chord replaces."""
    begin_m = float(line[rows[0], 4]) if len(rows) else 0.0
    for run in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1):
        at = 0
        while at < len(run) - 1:
            stop = at + 1
            while stop < len(run) - 1 and line[run[stop], 4] - line[run[at], 4] < PIECE_M - 2.0:
                stop += 1
            kept = _kept(line, run[at : stop + 1])
            period = paint.dash_m + paint.gap_m
            phase_m = -math.fmod(float(line[run[at], 4]) - begin_m, period) if period else 0.0
            yield Boundary(
                np.ascontiguousarray(line[kept, :3]),
                paint.kind,
                paint.colour,
                paint.width_m,
                paint.dash_m,
                paint.gap_m,
                phase_m,
                edge,
            )
            at = stop


def _kept(line: Array, run: NDArray[np.int64]) -> list[int]:
    kept = [int(run[0])]
    for row, following in itertools.pairwise(run[1:].tolist()):
        last = kept[-1]
        chord = line[following, 4] - line[last, 4]
        turned = abs(line[following, 3] - line[last, 3])
        middle = line[last, 2] + (line[following, 2] - line[last, 2]) * (
            (line[row, 4] - line[last, 4]) / max(chord, 1e-9)
        )
        if chord * turned / 8.0 > CHORD_ERROR_M or abs(middle - line[row, 2]) > CHORD_ERROR_M:
            kept.append(row)
    kept.append(int(run[-1]))
    return kept


def _barrier_lines(section: SectionSamples) -> Iterator[Boundary]:
    begin = section.section.s_m
    end = begin + section.section.length_m
    for item in section.road.objects:
        if item.kind not in _BARRIERS:
            continue
        for low, high, t_low, t_high in _barrier_spans(item):
            if high <= begin or low >= end or high - low < 1e-6:
                continue
            t = zeros(len(section.stations), 3)
            slope = (t_high - t_low) / (high - low)
            t[:, 0], t[:, 1] = t_low + slope * (section.stations - low), slope
            rows = np.flatnonzero((section.stations[::3] >= low) & (section.stations[::3] <= high))
            paint = Boundary(np.zeros((0, 3)), "barrier", "grey", item.width_m or 0.3)
            yield from _pieces(_line_points(section, t), rows, paint, False)


def _barrier_spans(item: RoadObject) -> Iterator[tuple[float, float, float, float]]:
    for repeat in item.repeats:
        if repeat.distance_m == 0.0:
            yield repeat.s_m, repeat.s_m + repeat.length_m, repeat.t_start_m, repeat.t_end_m
    if not item.repeats and item.length_m > 0.0 and not item.outlines:
        yield (
            item.s_m - 0.5 * item.length_m,
            item.s_m + 0.5 * item.length_m,
            item.t_m,
            item.t_m,
        )
