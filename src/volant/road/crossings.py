"""Where people on foot cross: from objects of type `crosswalk`, else from signals that mark one."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from volant.road.curve_kernels import evaluate_reference, zeros
from volant.road.gates import Control, Gate
from volant.road.lanes import Lane, LaneColumn, LaneGraph, Span
from volant.road.model import Road, RoadObject
from volant.road.sampling import piece_rows

Array = NDArray[np.float64]
Point = tuple[float, float]

MARKED: Final = frozenset({"293", "1000003"})
"""Zebra (StVO sign 293) and OpenDRIVE's own crosswalk, where no object draws it."""
DEPTH_M: Final = 4.0
"""A zebra's stripes are 4 m long, 3 m at least (R-FGUe; recalled)."""
BESIDE_M: Final = 1.0
SAME_M: Final = 6.0
"""A signal nearer to an object than this speaks of the same crossing."""
STEP_M: Final = 0.25
HEIGHT_M: Final = 3.0
"""A lane this far above or below passes on a bridge."""
LIGHT_ROOM_M: Final = 15.0


@dataclass(frozen=True, slots=True)
class Crossing:
    """Ground on which people cross; they go first unless it has a light.

    `light` is the one for cars: people walk while it is red; who turns in over the crossing from
    another approach still lets them pass (StVO section 9(3); recalled).
    """

    name: str
    corners: tuple[Point, ...]
    lanes: tuple[tuple[int, Span], ...]
    light: str | None


def find_crossings(graph: LaneGraph, gates: dict[int, Gate]) -> tuple[Crossing, ...]:
    """Every crossing of a file that at least one lane runs over, in file order."""
    found: list[Crossing] = []
    for road in graph.network.roads:
        drawn: list[float] = []
        for item in road.objects:
            if item.kind == "crosswalk":
                corners, s_m, z_m = _outline(road, item)
                drawn.append(s_m)
                name = item.place or item.name or f"{road.id}:{item.id}"
                found.extend(_crossing(graph, gates, name, corners, z_m))
        for signal in road.signals:
            if signal.kind not in MARKED or any(abs(signal.s_m - s) < SAME_M for s in drawn):
                continue
            drawn.append(signal.s_m)
            depth_m = signal.value or DEPTH_M
            corners, z_m = _across(graph, road, signal.s_m, depth_m)
            found.extend(_crossing(graph, gates, f"{road.id}:{signal.id}", corners, z_m))
    return tuple(found)


def _crossing(
    graph: LaneGraph, gates: dict[int, Gate], name: str, corners: tuple[Point, ...], z_m: float
) -> Iterable[Crossing]:
    if len(corners) < 3:
        return
    lanes = tuple(
        (lane.index, span)
        for lane in graph.lanes
        if (span := _over(lane, np.array(corners), z_m)) is not None
    )
    if lanes:
        yield Crossing(name, corners, lanes, _light(graph, gates, lanes))


def _over(lane: Lane, corners: Array, z_m: float) -> Span | None:
    """The stretch of a lane's centre that lies on the ground between corners."""
    samples = lane.samples
    low, high = corners.min(axis=0), corners.max(axis=0)
    places = samples[:, LaneColumn.X : LaneColumn.Z]
    margin = 3.0  # rows are at most 2 m apart
    near = ((places > low - margin) & (places < high + margin)).all(axis=1)
    near &= np.abs(samples[:, LaneColumn.Z] - z_m) < HEIGHT_M
    if not near.any():
        return None
    s = samples[:, LaneColumn.S]
    rows = np.flatnonzero(near)
    at = np.arange(float(s[rows[0]]), float(s[rows[-1]]) + STEP_M, STEP_M)
    at = at[at <= float(s[-1])]
    x, y = (np.interp(at, s, samples[:, column]) for column in (LaneColumn.X, LaneColumn.Y))
    inside = at[_within(corners, x, y)]
    if len(inside) < 2:  # it touches where the lane begins or ends: the next lane's business
        return None
    return float(inside[0]), float(inside[-1])


def _within(corners: Array, x: Array, y: Array) -> NDArray[np.bool_]:
    """Which points lie inside a polygon, by the even number of borders to their right."""
    inside = np.zeros(len(x), dtype=np.bool_)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y0 == y1:
            continue
        spans = (y0 > y) != (y1 > y)
        inside ^= spans & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    return inside


def _light(
    graph: LaneGraph, gates: dict[int, Gate], lanes: tuple[tuple[int, Span], ...]
) -> str | None:
    """The light whose stop line lies before the crossing, on one of its own lanes."""
    spans = dict(lanes)
    for gate in gates.values():
        if gate.control is not Control.LIGHT:
            continue
        if gate.approach in spans:
            room_m = spans[gate.approach][0] - gate.stop_s_m
            if -DEPTH_M <= room_m <= LIGHT_ROOM_M:
                return gate.light
        if gate.lane in spans and gate.lane != gate.approach:
            before_m = graph.lanes[gate.approach].length_m - gate.stop_s_m
            if spans[gate.lane][0] + before_m <= LIGHT_ROOM_M:
                return gate.light
    return None


def _outline(road: Road, item: RoadObject) -> tuple[tuple[Point, ...], float, float]:
    """World corners of an object, its middle's s, and its height."""
    corners = item.outlines[0].corners if item.outlines else ()
    x_m, y_m, heading, z_m = _place(road, item.s_m, item.t_m)
    turn = heading + item.heading_rad
    if item.outlines and not item.outlines[0].local:
        s_m = sum(corner.along_m for corner in corners) / len(corners)
        if len(corners) == 2:  # a line across the road: stripes of the usual length along it
            half = 0.5 * DEPTH_M
            (one, other) = corners
            places = [
                (one.along_m - half, one.across_m),
                (other.along_m - half, other.across_m),
                (other.along_m + half, other.across_m),
                (one.along_m + half, one.across_m),
            ]
        else:
            places = [(corner.along_m, corner.across_m) for corner in corners]
        points = tuple(_place(road, *place)[:2] for place in places)
        return points, s_m, _place(road, s_m, 0.0)[3]
    local = [(corner.along_m, corner.across_m) for corner in corners]
    if len(local) < 3:
        u, v = 0.5 * item.length_m, 0.5 * item.width_m
        local = [(u, v), (-u, v), (-u, -v), (u, -v)]
    cos, sin = math.cos(turn), math.sin(turn)
    points = tuple((x_m + u * cos - v * sin, y_m + u * sin + v * cos) for u, v in local)
    return points, item.s_m, z_m


def _across(
    graph: LaneGraph, road: Road, s_m: float, depth_m: float
) -> tuple[tuple[Point, ...], float]:
    """A crossing over all drivable lanes of a road at s."""
    low, high, z_m = math.inf, -math.inf, 0.0
    here = _place(road, s_m, 0.0)
    for lane in graph.lanes:
        road_s = lane.samples[:, LaneColumn.ROAD_S]
        if lane.id.road != road.id or not road_s.min() - 1e-3 <= s_m <= road_s.max() + 1e-3:
            continue
        at = graph.position(lane.index, lane.at_road_s(s_m))
        t_m = (at.y_m - here[1]) * math.cos(here[2]) - (at.x_m - here[0]) * math.sin(here[2])
        low, high = min(low, t_m - 0.5 * at.width_m), max(high, t_m + 0.5 * at.width_m)
        z_m = at.z_m
    if low > high:
        return (), 0.0
    half = 0.5 * depth_m
    along = min(max(s_m, half), max(road.length_m - half, half))
    places = (
        (along - half, low - BESIDE_M),
        (along + half, low - BESIDE_M),
        (along + half, high + BESIDE_M),
        (along - half, high + BESIDE_M),
    )
    return tuple(_place(road, *place)[:2] for place in places), z_m


def _place(road: Road, s_m: float, t_m: float) -> tuple[float, float, float, float]:
    """World x, y, heading and height of (s, t); heights by the elevation alone."""
    at = zeros(1, 7)
    station = np.array([min(max(s_m, 0.0), road.length_m)], dtype=np.float64)
    evaluate_reference(piece_rows(road.geometries), station, at)
    x_m, y_m, heading = (float(at[0, column]) for column in range(3))
    z_m = 0.0
    for record in road.elevations:
        if record.s_m <= s_m + 1e-9:
            ds = s_m - record.s_m
            z_m = record.a + ds * (record.b + ds * (record.c + ds * record.d))
    return x_m - t_m * math.sin(heading), y_m + t_m * math.cos(heading), heading, z_m
