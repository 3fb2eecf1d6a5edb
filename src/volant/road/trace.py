"""Draw reference lines in code: chain lines, clothoids and arcs, then cut, reverse or close them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from volant.core.geometry import Pose
from volant.road.curve_kernels import evaluate_reference, zeros
from volant.road.model import Arc, Cubic, Geometry, Line, Spiral
from volant.road.sampling import piece_rows

JOIN_M = 1e-6


@dataclass(frozen=True, slots=True)
class Stroke:
    """A length whose curvature runs linearly from start to end: line, arc or clothoid."""

    length_m: float
    start_per_m: float = 0.0
    end_per_m: float = 0.0

    def cut(self, from_m: float, to_m: float) -> Stroke:
        """The part between two places on it."""
        slope = (self.end_per_m - self.start_per_m) / self.length_m
        start, end = self.start_per_m + slope * from_m, self.start_per_m + slope * to_m
        return Stroke(to_m - from_m, start, end)

    def reversed(self) -> Stroke:
        """The same curve driven the other way."""
        return Stroke(self.length_m, -self.end_per_m, -self.start_per_m)


def turn(angle_rad: float, radius_m: float, easing_m: float) -> list[Stroke]:
    """A bend with a clothoid at both ends; positive angles turn left.

    Raises:
        ValueError: the clothoids alone already turn further.
    """
    curvature = math.copysign(1.0 / radius_m, angle_rad)
    arc_m = abs(angle_rad) * radius_m - easing_m
    if arc_m <= 0.0:
        raise ValueError(f"a turn of {angle_rad:.2f} rad is too short for {easing_m} m clothoids")
    return [
        Stroke(easing_m, 0.0, curvature),
        Stroke(arc_m, curvature, curvature),
        Stroke(easing_m, curvature, 0.0),
    ]


def draw(start: Pose, strokes: Sequence[Stroke]) -> tuple[tuple[Geometry, ...], Pose]:
    """The geometry of strokes from a pose, and the pose it ends at."""
    pieces: list[Geometry] = []
    s_m, pose = 0.0, start
    for stroke in strokes:
        shape: Line | Arc | Spiral
        if stroke.start_per_m != stroke.end_per_m:
            shape = Spiral(stroke.start_per_m, stroke.end_per_m)
        elif stroke.start_per_m != 0.0:
            shape = Arc(stroke.start_per_m)
        else:
            shape = Line()
        piece = Geometry(s_m, pose.x_m, pose.y_m, pose.yaw_rad, stroke.length_m, shape)
        pose = draw_pose(piece)
        pieces.append(piece)
        s_m += stroke.length_m
    return tuple(pieces), pose


def draw_pose(piece: Geometry) -> Pose:
    """The pose at which a piece of a reference line ends."""
    out = zeros(1, 7)
    evaluate_reference(piece_rows((piece,)), np.array([piece.s_m + piece.length_m]), out)
    return Pose(float(out[0, 0]), float(out[0, 1]), float(out[0, 2]))


def length_of(strokes: Sequence[Stroke]) -> float:
    """Length of strokes together."""
    return sum(stroke.length_m for stroke in strokes)


def cut(strokes: Sequence[Stroke], from_m: float, to_m: float) -> list[Stroke]:
    """The part of strokes between two places; to_m beyond the end goes round again (a ring)."""
    found: list[Stroke] = []
    at = 0.0
    while at < to_m - JOIN_M:
        for stroke in strokes:
            low, high = max(from_m - at, 0.0), min(to_m - at, stroke.length_m)
            if high - low > JOIN_M:
                found.append(stroke.cut(low, high))
            at += stroke.length_m
    return found


def reverse(strokes: Sequence[Stroke]) -> list[Stroke]:
    """Strokes driven the other way."""
    return [stroke.reversed() for stroke in reversed(strokes)]


def stretch_to(
    start: Pose, strokes: Sequence[Stroke], goal: Pose, stretched: tuple[int, int]
) -> list[Stroke]:
    """Lengthen two straights so that strokes from start end at the goal's place.

    Headings do not depend on the lengths of straights, so the end moves linearly with them.

    Raises:
        ValueError: the straights are parallel, would become negative, or the headings differ.
    """
    _pieces, end = draw(start, strokes)
    if abs(math.remainder(end.yaw_rad - goal.yaw_rad, 2.0 * math.pi)) > 1e-9:
        raise ValueError("the turns do not add up to the goal's heading")
    pieces, _end = draw(start, strokes)
    one, other = (pieces[index].heading_rad for index in stretched)
    dx, dy = goal.x_m - end.x_m, goal.y_m - end.y_m
    across = math.cos(one) * math.sin(other) - math.sin(one) * math.cos(other)
    if abs(across) < 1e-6:
        raise ValueError("the two straights are parallel")
    more = (
        (dx * math.sin(other) - dy * math.cos(other)) / across,
        (dy * math.cos(one) - dx * math.sin(one)) / across,
    )
    stretched_strokes = list(strokes)
    for index, extra in zip(stretched, more, strict=True):
        length_m = strokes[index].length_m + extra
        if length_m <= 0.0:
            raise ValueError(f"straight {index} would be {length_m:.1f} m long")
        stretched_strokes[index] = Stroke(length_m)
    return stretched_strokes


def rise(nodes: Sequence[tuple[float, float, float]]) -> tuple[Cubic, ...]:
    """Cubics through (s, height, grade) nodes with continuous grade."""
    cubics = []
    for (s0, z0, g0), (s1, z1, g1) in itertools.pairwise(nodes):
        run, mean = s1 - s0, (z1 - z0) / (s1 - s0)
        cubics.append(
            Cubic(s0, z0, g0, (3.0 * mean - 2.0 * g0 - g1) / run, (g0 + g1 - 2.0 * mean) / run**2)
        )
    return tuple(cubics)


def taper(s_m: float, length_m: float, from_m: float, to_m: float) -> Cubic:
    """A width that changes smoothly (no slope at either end) from s on."""
    change = to_m - from_m
    return Cubic(s_m, from_m, 0.0, 3.0 * change / length_m**2, -2.0 * change / length_m**3)


def height_at(cubics: Sequence[Cubic], s_m: float) -> tuple[float, float]:
    """Height and grade at s."""
    held = cubics[0]
    for record in cubics:
        if record.s_m <= s_m + 1e-9:
            held = record
    ds = s_m - held.s_m
    return (
        held.a + ds * (held.b + ds * (held.c + ds * held.d)),
        held.b + ds * (2.0 * held.c + 3.0 * held.d * ds),
    )
