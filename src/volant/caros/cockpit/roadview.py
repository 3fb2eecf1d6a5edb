"""The map as the screen draws it: markings and paved ground near the car, packed once per piece.

Everything comes from the car's own map, the one that the pilot plans on. Pieces are packed when they are
first near and kept, so a frame costs no more than their references.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from volant.caros.cockpit.messages import CockpitLine, CockpitSurface

Array = NDArray[np.float64]

PIECE_M: Final = 60.0
FLAT_M: Final = 0.03
"""Points are left out while the rest stays this close to them: less than half a painted line."""
SPAN_M: Final = 20.0
"""And never further apart than this, so that hills and fog have points to work on."""


@dataclass(frozen=True, slots=True)
class RoadLine:
    """One piece of a marking; points [n, 3] in the world frame."""

    points: Array
    kind: str
    colour: str
    width_m: float
    dash_m: float
    gap_m: float
    phase_m: float
    edge: bool


@dataclass(frozen=True, slots=True)
class RoadGround:
    """One piece of ground between two polylines, each [n, 3] in the world frame."""

    kind: str
    left: Array
    right: Array


class RoadView:
    """Lines and grounds of a map; `near` gives those around a place, ready to send."""

    def __init__(self, lines: tuple[RoadLine, ...], grounds: tuple[RoadGround, ...]) -> None:
        self._lines, self._grounds = lines, grounds
        self._line_bounds = _bounds([line.points for line in lines])
        self._ground_bounds = _bounds([np.concatenate([g.left, g.right]) for g in grounds])
        self._packed_lines: dict[int, CockpitLine] = {}
        self._packed_grounds: dict[int, CockpitSurface] = {}

    def near(
        self, x_m: float, y_m: float, reach_m: float
    ) -> tuple[tuple[CockpitLine, ...], tuple[CockpitSurface, ...]]:
        """What lies within reach of a place, by ascending piece."""
        lines = tuple(self._line(i) for i in _within(self._line_bounds, x_m, y_m, reach_m))
        grounds = tuple(self._ground(i) for i in _within(self._ground_bounds, x_m, y_m, reach_m))
        return lines, grounds

    def height_m(self, x_m: float, y_m: float, reach_m: float = 40.0) -> float:
        """Height of the ground at a place, from the nearest points of its borders; 0 off the map."""
        weight = total = 0.0
        for index in _within(self._ground_bounds, x_m, y_m, reach_m):
            piece = self._grounds[index]
            for points in (piece.left, piece.right):
                away = (points[:, 0] - x_m) ** 2 + (points[:, 1] - y_m) ** 2 + 1e-3
                share = 1.0 / (away * away)
                weight += float(share.sum())
                total += float((share * points[:, 2]).sum())
        return total / weight if weight else 0.0

    def _line(self, index: int) -> CockpitLine:
        packed = self._packed_lines.get(index)
        if packed is None:
            line = self._lines[index]
            kept = thin(line.points)
            origin = line.points[kept[0]].round(2).tolist()
            packed = self._packed_lines[index] = CockpitLine(
                piece=index,
                kind=line.kind,
                colour=line.colour,
                width_m=line.width_m,
                dash_m=line.dash_m,
                gap_m=line.gap_m,
                phase_m=line.phase_m,
                edge=line.edge,
                origin_x_m=origin[0],
                origin_y_m=origin[1],
                origin_z_m=origin[2],
                points=pack(line.points[kept], origin),
            )
        return packed

    def _ground(self, index: int) -> CockpitSurface:
        packed = self._packed_grounds.get(index)
        if packed is None:
            ground = self._grounds[index]
            kept = sorted({*thin(ground.left), *thin(ground.right)})
            packed = self._packed_grounds[index] = pack_surface(
                index, ground.kind, ground.left[kept], ground.right[kept]
            )
        return packed


def pack_surface(piece: int, kind: str, left: Array, right: Array) -> CockpitSurface:
    """A surface ready to send; left and right [n, 3], world frame."""
    origin = left[0].round(2).tolist()
    return CockpitSurface(
        piece=piece,
        kind=kind,
        origin_x_m=origin[0],
        origin_y_m=origin[1],
        origin_z_m=origin[2],
        left=pack(left, origin),
        right=pack(right, origin),
    )


def pack(points: Array, origin: list[float]) -> bytes:
    """Points [n, 3] as centimetres from the origin; what is over 327 m away is cut to that."""
    centimetres = np.rint((points - np.asarray(origin)) * 100.0)
    packed: bytes = np.clip(centimetres, -32_768, 32_767).astype("<i2").tobytes()
    return packed


def thin(points: Array) -> list[int]:
    """Indices of points enough to draw the polyline within FLAT_M, ends included."""
    kept = [0]
    last = len(points) - 1
    while kept[-1] < last:
        begin = kept[-1]
        end = begin + 1
        while end < last and _chord_holds(points[begin : end + 2]):
            end += 1
        kept.append(end)
    return kept


def _chord_holds(run: Array) -> bool:
    chord = run[-1] - run[0]
    length = float(np.sqrt((chord * chord).sum()))
    if length > SPAN_M:
        return False
    inner = run[1:-1] - run[0]
    along = inner @ chord / max(length, 1e-9)
    away = (inner * inner).sum(axis=1) - along * along
    return bool((away <= FLAT_M * FLAT_M).all())


def _bounds(pieces: list[Array]) -> Array:
    """Boxes [n, 4]: lowest x, y, highest x, y."""
    if not pieces:
        return np.empty((0, 4))
    return np.array([[*p[:, :2].min(axis=0), *p[:, :2].max(axis=0)] for p in pieces])


def _within(bounds: Array, x_m: float, y_m: float, reach_m: float) -> list[int]:
    away_x = np.maximum(np.maximum(bounds[:, 0] - x_m, x_m - bounds[:, 2]), 0.0)
    away_y = np.maximum(np.maximum(bounds[:, 1] - y_m, y_m - bounds[:, 3]), 0.0)
    found: list[int] = np.flatnonzero(
        away_x * away_x + away_y * away_y <= reach_m * reach_m
    ).tolist()
    return found
