"""The car's map as the cockpit draws it: markings as lines, lanes as ground.

The only place that knows both the lane graph's markings and the cockpit's pieces.
"""

from __future__ import annotations

import itertools
import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from volant.caros.cockpit.roadview import PIECE_M, RoadGround, RoadLine, RoadView
from volant.road import Lane, LaneColumn, LaneGraph, markings

Array = NDArray[np.float64]

STEP_M: Final = 4.0
"""Rows of a lane are at most 2 m apart; every second one holds the ground to a centimetre or so."""


def road_view(graph: LaneGraph) -> RoadView:
    """Everything of a map that a screen may draw."""
    lines = tuple(
        RoadLine(
            points=line.points,
            kind=line.kind,
            colour=line.colour,
            width_m=line.width_m,
            dash_m=line.dash_m,
            gap_m=line.gap_m,
            phase_m=line.phase_m,
            edge=line.edge,
        )
        for line in markings(graph).boundaries
    )
    grounds = tuple(ground for lane in graph.lanes for ground in _grounds(lane))
    return RoadView(lines, grounds)


def _grounds(lane: Lane) -> list[RoadGround]:
    """A lane cut into pieces of at most `PIECE_M`, neighbours sharing a row."""
    rows = _thinned(lane.samples)
    left, right = (_border(rows, side) for side in (0.5, -0.5))
    cuts = [0]
    for row in range(1, len(rows)):
        far = rows[row, LaneColumn.S] - rows[cuts[-1], LaneColumn.S] >= PIECE_M
        if far or row == len(rows) - 1:
            cuts.append(row)
    return [
        RoadGround("road", left[begin : end + 1], right[begin : end + 1])
        for begin, end in itertools.pairwise(cuts)
    ]


def _thinned(samples: Array) -> Array:
    kept, last_m = [0], 0.0
    for row in range(1, len(samples)):
        if samples[row, LaneColumn.S] - last_m >= STEP_M or row == len(samples) - 1:
            kept.append(row)
            last_m = samples[row, LaneColumn.S]
    return samples[kept]


def _border(rows: Array, share: float) -> Array:
    """One border of a lane, [n, 3]; `share` of its width to the left."""
    points = np.empty((len(rows), 3))
    for at, row in enumerate(rows):
        heading_rad, offset_m = row[LaneColumn.HEADING], share * row[LaneColumn.WIDTH]
        points[at, 0] = row[LaneColumn.X] - math.sin(heading_rad) * offset_m
        points[at, 1] = row[LaneColumn.Y] + math.cos(heading_rad) * offset_m
        points[at, 2] = row[LaneColumn.Z]
    return points
