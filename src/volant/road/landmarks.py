"""Landmarks: what stands or lies still beside and on the road, and is told apart from a moving car.

Signs on their posts, lines that one waits at, and the mouths of junctions, where the paint of a lane
ends. Traffic lights are told elsewhere (`gates.find_lights`): what they show matters too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from volant.core.messages import LandmarkKind, MarkKind
from volant.road.borders import lane_borders
from volant.road.gates import LIGHT_KINDS
from volant.road.lanes import Lane, LaneColumn, LaneGraph, PlacedSignal

LINES: Final = ("294", "341")
"""Stop line, and the wait line as OpenDRIVE editors write it (recalled)."""
_PAINTED: Final = (*LINES, "293", "295", "296", "297", "298", "299", "340", "341")
"""Numbers of paint in the German catalogue (StVO Anlage 2, section 9; recalled): nothing stands there."""
_SIGNS: Final = {
    "205": LandmarkKind.GIVE_WAY,
    "206": LandmarkKind.STOP,
    "274": LandmarkKind.LIMIT,
    "301": LandmarkKind.PRIORITY,
    "306": LandmarkKind.PRIORITY,
    "350": LandmarkKind.CROSSING,
}
_MARGIN_M: Final = 0.1


@dataclass(frozen=True, slots=True)
class Landmark:
    """One of them; heading is the way that a driver looks for whom it stands there."""

    kind: LandmarkKind
    x_m: float
    y_m: float
    z_m: float
    heading_rad: float


def find_landmarks(graph: LaneGraph) -> tuple[Landmark, ...]:
    """Every landmark of a graph, in the order of its signals and lanes."""
    found = [_sign(placed) for placed in graph.signals if _stands(placed)]
    by_road: dict[str, list[Lane]] = {}
    for lane in graph.lanes:
        by_road.setdefault(lane.id.road, []).append(lane)
    for placed in graph.signals:
        if placed.signal.kind in LINES:
            lanes = by_road.get(placed.road, ())
            found.extend(mark for lane in lanes for mark in _line(graph, placed, lane))
    borders = lane_borders(graph)
    nothing = (MarkKind.NONE, MarkKind.NONE)
    # Maps without any paint are taken for roads whose edges can be seen, as by the lane sensor.
    painted = any(pair != nothing for pairs in borders.pairs for pair in pairs)
    for lane in graph.lanes:
        enters = any(graph.lanes[one].junction is not None for one in lane.successors)
        marks = borders.at(lane.index, lane.length_m - _MARGIN_M)
        if lane.junction is None and enters and not (painted and marks == nothing):
            found.append(_on_lane(graph, lane, lane.length_m, LandmarkKind.MOUTH))
    return tuple(found)


def _stands(placed: PlacedSignal) -> bool:
    """A sign on a post that holds for one way; what is taller than nothing, or of no stated size."""
    signal = placed.signal
    return (
        signal.kind not in LIGHT_KINDS
        and signal.kind not in _PAINTED
        and not signal.dynamic
        and signal.orientation in ("+", "-")
    )


def _sign(placed: PlacedSignal) -> Landmark:
    kind = _SIGNS.get(placed.signal.kind, LandmarkKind.SIGN)
    return Landmark(kind, placed.x_m, placed.y_m, placed.z_m, placed.heading_rad)


def _line(graph: LaneGraph, placed: PlacedSignal, lane: Lane) -> list[Landmark]:
    """Where a line lies across a lane that it holds for."""
    signal = placed.signal
    if signal.lanes and not any(low <= lane.id.lane <= high for low, high in signal.lanes):
        return []
    if lane.along != (signal.orientation == "+"):
        return []
    road_s = lane.samples[:, LaneColumn.ROAD_S]
    if not float(road_s.min()) <= signal.s_m <= float(road_s.max()):
        return []
    return [_on_lane(graph, lane, lane.at_road_s(signal.s_m), LandmarkKind.LINE)]


def _on_lane(graph: LaneGraph, lane: Lane, s_m: float, kind: LandmarkKind) -> Landmark:
    at = graph.position(lane.index, s_m)
    return Landmark(kind, at.x_m, at.y_m, at.z_m, math.remainder(at.heading_rad, 2.0 * math.pi))
