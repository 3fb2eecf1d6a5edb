"""Evaluate a road's lane sections at stations: reference line, height, roll and lane borders.

Everything here is by the parameter of the reference line; lanes turn it into their own arc length.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from volant.road.curve_kernels import evaluate_cubics, evaluate_reference, zeros
from volant.road.model import (
    Arc,
    Cubic,
    Geometry,
    LaneRecord,
    LaneSection,
    Line,
    ParamPoly3,
    Poly3,
    Road,
    Spiral,
)

Array = NDArray[np.float64]

# Rows at most 2 m apart, and at most 0.1 rad of turning apart: the cubic between two rows is then
# true to 0.01 mm, at a 5.7 m corner as on a motorway.
ROW_STEP_M: Final = 2.0
ROW_TURN_RAD: Final = 0.1
# No bend of a road is sharper than 2 m; a polynomial may claim so, and would ask for endless rows.
LEAST_ROW_STEP_M: Final = 0.2
SAME_STATION_M: Final = 1e-4
ONE_SIDED: Final = 1e-6


@dataclass(frozen=True, slots=True)
class SectionSamples:
    """A lane section at 3n + 1 stations: of each piece between two rows its start, its middle and
    the place just before its end, where a record that starts there does not hold yet.

    reference [3n+1, 7] as curve_kernels says; height and roll [3n+1, 3] with two derivatives;
    borders: lane id to the outer border's t [3n+1, 3] (0: the centre line).
    """

    road: Road
    index: int
    section: LaneSection
    stations: Array
    reference: Array
    height: Array
    roll: Array
    borders: dict[int, Array]

    def middle(self, lane_id: int) -> tuple[Array, Array]:
        """Centre offset [3n+1, 3] and width [3n+1] of a lane."""
        outer, inner = self.borders[lane_id], self.borders[inner_id(self.section, lane_id)]
        return 0.5 * (outer + inner), np.abs(outer[:, 0] - inner[:, 0])

    def on_ground(self, t: Array) -> tuple[Array, Array]:
        """Offset in the plane [n, 3] and height with slope [n, 2] of a line at t in a rolled road.

        OpenDRIVE turns the cross section about the reference line (1.8, 10.4.1).
        """
        if not self.road.superelevations:
            return t, self.height[:, :2].copy()
        plane, ground = np.empty_like(t), zeros(len(t), 2)
        for i, ((t0, t1, t2), (r0, r1, r2)) in enumerate(
            zip(t.tolist(), self.roll.tolist(), strict=True)
        ):
            cos, sin = math.cos(r0), math.sin(r0)
            plane[i, 0] = t0 * cos
            plane[i, 1] = t1 * cos - t0 * r1 * sin
            plane[i, 2] = t2 * cos - 2.0 * t1 * r1 * sin - t0 * (r2 * sin + r1 * r1 * cos)
            ground[i, 0] = self.height[i, 0] + t0 * sin
            ground[i, 1] = self.height[i, 1] + t1 * sin + t0 * r1 * cos
        return plane, ground


def inner_id(section: LaneSection, lane_id: int) -> int:
    """The id of the next lane (or 0) on the way to the centre line."""
    sign = 1 if lane_id > 0 else -1
    closer = [lane.id for lane in section.lanes if 0 < sign * lane.id < sign * lane_id]
    return (max(closer) if sign > 0 else min(closer)) if closer else 0


def sample_sections(road: Road) -> list[SectionSamples]:
    """Every lane section of a road, evaluated."""
    pieces = piece_rows(road.geometries)
    return [_sample(road, index, section, pieces) for index, section in enumerate(road.sections)]


def _sample(road: Road, index: int, section: LaneSection, pieces: Array) -> SectionSamples:
    stations = _stations(road, section, pieces)
    reference = zeros(len(stations), 7)
    evaluate_reference(pieces, stations, reference)
    height = _cubics(road.elevations, stations)
    roll = _cubics(road.superelevations, stations)
    centre = _cubics(road.lane_offsets, stations)
    borders = {0: centre}
    local = stations - section.s_m
    for sign in (1, -1):
        edge = centre
        for lane in sorted(
            (x for x in section.lanes if x.id * sign > 0), key=lambda x: x.id * sign
        ):
            edge = _outer_border(lane, sign, centre, edge, local)
            borders[lane.id] = edge
    return SectionSamples(road, index, section, stations, reference, height, roll, borders)


def _outer_border(lane: LaneRecord, sign: int, centre: Array, inner: Array, local: Array) -> Array:
    if lane.widths or not lane.borders:
        width = _cubics(lane.widths, local)
        width[width[:, 0] < 0.0] = 0.0  # a width below nothing is nothing
        return inner + sign * width
    # A border is the outer edge's t from lane 0; files write it signed or as a distance.
    border = _cubics(lane.borders, local)
    flip = np.where(border[:, :1] * sign < 0.0, -1.0, 1.0)
    return centre + border * flip


def _cubics(records: tuple[Cubic, ...], stations: Array) -> Array:
    out = zeros(len(stations), 3)
    rows = zeros(len(records), 5)
    for row, record in zip(rows, records, strict=True):
        row[:] = (record.s_m, record.a, record.b, record.c, record.d)
    if len(records):
        evaluate_cubics(rows, stations, out)
    return out


def _stations(road: Road, section: LaneSection, pieces: Array) -> Array:
    begin, end = section.s_m, section.s_m + section.length_m
    cuts: list[float] = [begin, end]
    cuts.extend(piece.s_m for piece in road.geometries)
    for records in (road.elevations, road.superelevations, road.lane_offsets):
        cuts.extend(record.s_m for record in records)
    for lane in section.lanes:
        for group in (lane.widths, lane.borders, lane.speeds):
            cuts.extend(begin + record.s_m for record in group)
    cuts.extend(record.s_m for record in road.types)
    cuts.extend(signal.s_m for signal in road.signals if signal.value is not None)
    kept = _distinct(cut for cut in cuts if begin <= cut <= end)
    # A section that is shorter than two stations can be apart still gets two rows.
    kept[-1] = end = max(end, begin + SAME_STATION_M)
    found: list[float] = []
    for low, high in itertools.pairwise(kept):
        step_m = _row_step_m(pieces, low, high)
        count = max(1, math.ceil((high - low) / step_m))
        for piece in range(count):
            first = low + (high - low) * (piece / count)
            last = low + (high - low) * ((piece + 1) / count)
            found += (first, 0.5 * (first + last), last - ONE_SIDED * (last - first))
    found.append(end)
    return np.array(found)


def _distinct(cuts: Iterable[float]) -> list[float]:
    kept: list[float] = []
    for cut in sorted(cuts):
        if not kept or cut - kept[-1] > SAME_STATION_M:
            kept.append(cut)
    return kept if len(kept) > 1 else kept * 2


def _row_step_m(pieces: Array, low: float, high: float) -> float:
    """Row distance between two cuts, within one piece, from its sharpest curvature."""
    probe = np.array([low, 0.75 * low + 0.25 * high, 0.5 * (low + high), high - 1e-7])
    out = zeros(len(probe), 7)
    evaluate_reference(pieces, probe, out)
    sharpest = max(float(np.abs(out[:, 4]).max()), 1e-9)
    return max(min(ROW_STEP_M, ROW_TURN_RAD / sharpest), LEAST_ROW_STEP_M)


def piece_rows(geometries: tuple[Geometry, ...]) -> Array:
    """The pieces of a reference line as rows for the kernels, [k, 16]."""
    rows = zeros(len(geometries), 16)
    for row, piece in zip(rows, geometries, strict=True):
        row[:5] = (piece.s_m, piece.x_m, piece.y_m, piece.heading_rad, piece.length_m)
        match piece.shape:
            case Line():
                pass
            case Arc(curvature):
                row[5:7] = (1.0, curvature)
            case Spiral(start, end):
                row[5:8] = (2.0, start, (end - start) / piece.length_m)
            case Poly3(a, b, c, d):
                row[5:10] = (3.0, a, b, c, d)
            case ParamPoly3(u, v, normalized):
                row[5] = 4.0
                row[6:10], row[10:14] = u, v
                row[14] = 1.0 / piece.length_m if normalized else 1.0
    return rows
