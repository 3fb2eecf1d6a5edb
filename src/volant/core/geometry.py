"""Plane geometry in the car's and the world's frames; scalar `math` only, so it is reproducible.

World: ENU, metres. Car: ISO 8855, x forward, y left, origin at the middle of the rear axle on the
ground. Angles in radians, counter-clockwise, wrapped to (-pi, pi].
"""

from __future__ import annotations

import math
from dataclasses import dataclass

TAU = 2.0 * math.pi


def wrap_angle_rad(angle_rad: float) -> float:
    """The same angle in (-pi, pi]."""
    if -math.pi < angle_rad <= math.pi:
        return angle_rad
    wrapped = math.fmod(angle_rad + math.pi, TAU)
    if wrapped <= 0.0:
        wrapped += TAU
    return wrapped - math.pi


@dataclass(frozen=True, slots=True)
class Pose:
    """A place and heading in the plane; as a transform it is `outer_from_inner`."""

    x_m: float
    y_m: float
    yaw_rad: float

    def __matmul__(self, inner: Pose) -> Pose:
        """Chain two transforms: `world_from_ego @ ego_from_camera`."""
        x_m, y_m = self.apply(inner.x_m, inner.y_m)
        return Pose(x_m, y_m, wrap_angle_rad(self.yaw_rad + inner.yaw_rad))

    def apply(self, x_m: float, y_m: float) -> tuple[float, float]:
        """A point of the inner frame, seen from the outer frame, metres."""
        cos, sin = math.cos(self.yaw_rad), math.sin(self.yaw_rad)
        return self.x_m + cos * x_m - sin * y_m, self.y_m + sin * x_m + cos * y_m

    def inverse(self) -> Pose:
        """The transform the other way round."""
        cos, sin = math.cos(self.yaw_rad), math.sin(self.yaw_rad)
        return Pose(
            -(cos * self.x_m + sin * self.y_m),
            sin * self.x_m - cos * self.y_m,
            wrap_angle_rad(-self.yaw_rad),
        )


@dataclass(frozen=True, slots=True)
class Box:
    """An oriented rectangle on the ground: centre, heading, length and width in metres."""

    x_m: float
    y_m: float
    yaw_rad: float
    length_m: float
    width_m: float


def boxes_overlap(one: Box, other: Box) -> bool:
    """Whether two oriented rectangles share a point (separating axis theorem)."""
    dx_m, dy_m = other.x_m - one.x_m, other.y_m - one.y_m
    reach_m = 0.5 * (
        math.hypot(one.length_m, one.width_m) + math.hypot(other.length_m, other.width_m)
    )
    if dx_m * dx_m + dy_m * dy_m > reach_m * reach_m:
        return False
    for box in (one, other):
        cos, sin = math.cos(box.yaw_rad), math.sin(box.yaw_rad)
        for axis_x, axis_y in ((cos, sin), (-sin, cos)):
            gap_m = abs(dx_m * axis_x + dy_m * axis_y)
            if gap_m > _half_extent_m(one, axis_x, axis_y) + _half_extent_m(other, axis_x, axis_y):
                return False
    return True


def _half_extent_m(box: Box, axis_x: float, axis_y: float) -> float:
    cos, sin = math.cos(box.yaw_rad), math.sin(box.yaw_rad)
    along = abs(cos * axis_x + sin * axis_y)
    across = abs(-sin * axis_x + cos * axis_y)
    return 0.5 * (box.length_m * along + box.width_m * across)


def nearest_in_band_m(box: Box, half_width_m: float) -> float | None:
    """The least x of the part of a rectangle that lies in the band |y| <= `half_width_m`, if any."""
    cos, sin = math.cos(box.yaw_rad), math.sin(box.yaw_rad)
    along, across = 0.5 * box.length_m, 0.5 * box.width_m
    corners = [
        (box.x_m + cos * a - sin * b, box.y_m + sin * a + cos * b)
        for a, b in ((along, across), (-along, across), (-along, -across), (along, -across))
    ]
    found = [x for x, y in corners if abs(y) <= half_width_m]
    found += [
        x + (next_x - x) * (edge - y) / (next_y - y)
        for (x, y), (next_x, next_y) in zip(corners, corners[1:] + corners[:1], strict=True)
        for edge in (-half_width_m, half_width_m)
        if (y - edge) * (next_y - edge) < 0.0
    ]
    return min(found) if found else None
