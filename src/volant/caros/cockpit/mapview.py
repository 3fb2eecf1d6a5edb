"""The car's map as the screen draws it: markings as lines, everything paved as ground.

Ground is what a map calls lanes, shoulders and parking; pavements for feet are another kind. What a map
does not hold is not drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from volant.caros.cockpit.roadview import PIECE_M, RoadGround, RoadLine, RoadView
from volant.road import LaneGraph, markings
from volant.road.curve_kernels import offset_curve, zeros
from volant.road.model import LaneRecord
from volant.road.sampling import SectionSamples, inner_id, sample_sections

Array = NDArray[np.float64]

WALKED: Final = frozenset({"sidewalk", "walking", "curb"})
UNPAVED: Final = frozenset({"none", "rail", "tram"})
"""Kinds of lanes by OpenDRIVE 1.8 (e_laneType); every other kind is paved for wheels."""
LEAST_M: Final = 0.05
"""A lane narrower than this all along a section has no ground."""


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
    grounds = tuple(
        ground
        for road in graph.network.roads
        for section in sample_sections(road)
        for ground in _grounds(section)
    )
    return RoadView(lines, grounds)


def _grounds(section: SectionSamples) -> Iterator[RoadGround]:
    """Neighbouring lanes of one kind make one ground; cut along the road in pieces."""
    held: tuple[str, Array, Array] | None = None
    for lane in sorted(section.section.lanes, key=lambda lane: -lane.id):
        if lane.id == 0:
            continue
        kind, (left, right) = _kind(lane), _borders(section, lane)
        if kind is None or float(np.abs(left[:, 0] - right[:, 0]).max()) < LEAST_M:
            continue
        if held is not None and held[0] == kind and held[2] is left:
            held = (kind, held[1], right)
            continue
        if held is not None:
            yield from _pieces(section, *held)
        held = (kind, left, right)
    if held is not None:
        yield from _pieces(section, *held)


def _kind(lane: LaneRecord) -> str | None:
    if lane.kind in UNPAVED:
        return None
    return "walk" if lane.kind in WALKED else "road"


def _borders(section: SectionSamples, lane: LaneRecord) -> tuple[Array, Array]:
    """Offsets of a lane's left and right border, seen along rising s."""
    outer = section.borders[lane.id]
    inner = section.borders[inner_id(section.section, lane.id)]
    return (outer, inner) if lane.id > 0 else (inner, outer)


def _pieces(section: SectionSamples, kind: str, left: Array, right: Array) -> Iterator[RoadGround]:
    sides = (_points(section, left), _points(section, right))
    begin = 0
    for row in range(1, len(section.stations)):
        far = section.stations[row] - section.stations[begin] >= PIECE_M
        if far or row == len(section.stations) - 1:
            yield RoadGround(kind, sides[0][begin : row + 1], sides[1][begin : row + 1])
            begin = row


def _points(section: SectionSamples, border: Array) -> Array:
    """World points [n, 3] of a border at the section's stations."""
    plane, ground = section.on_ground(border)
    curve = zeros(len(border), 5)
    offset_curve(section.reference, plane, curve)
    return np.column_stack([curve[:, :2], ground[:, 0]])
