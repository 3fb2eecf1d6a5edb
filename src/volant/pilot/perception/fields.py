"""What the car's own sensors should see: where each looks, so that silence means something.

A thing that one sensor tells of and another, which should see it, does not is doubted. The figures are
those of a car with five radars, cameras around and ultrasonics (notes on XPILOT 3.0 cars; sensors of
3GPP TR 22.837), drawn in by what their ranges lose at the ends. A sensor that is not in the table says
nothing by its silence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Field:
    """The core of one sensor's field, in the car frame."""

    x_m: float
    y_m: float
    yaw_rad: float
    half_rad: float
    range_m: float
    """Of cars; 0: unknown."""
    small_range_m: float
    """Of people and cycles."""

    @staticmethod
    def of(
        place: tuple[float, float], looks_deg: float, half_deg: float, reach: tuple[float, float]
    ) -> Field:
        """A field by its place (m), direction and half opening (degrees), and reach (m)."""
        return Field(*place, math.radians(looks_deg), math.radians(half_deg), *reach)

    def numbers(self) -> tuple[float, ...]:
        """The field as the kernels read it."""
        return (
            *(self.x_m, self.y_m, self.yaw_rad, self.half_rad),
            *(self.range_m, self.small_range_m),
        )


UNKNOWN_FIELD: Final = Field(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
FIELDS: Final[dict[str, Field]] = {
    "radar_front": Field.of((3.5, 0.0), 0.0, 12.0, (140.0, 55.0)),
    "radar_front_left": Field.of((3.3, 0.8), 60.0, 65.0, (45.0, 25.0)),
    "radar_front_right": Field.of((3.3, -0.8), -60.0, 65.0, (45.0, 25.0)),
    "radar_rear_left": Field.of((-0.8, 0.8), 130.0, 65.0, (45.0, 25.0)),
    "radar_rear_right": Field.of((-0.8, -0.8), -130.0, 65.0, (45.0, 25.0)),
    "camera_front": Field.of((1.9, 0.0), 0.0, 45.0, (85.0, 40.0)),
    "camera_left": Field.of((1.9, 0.9), 100.0, 48.0, (40.0, 22.0)),
    "camera_right": Field.of((1.9, -0.9), -100.0, 48.0, (40.0, 22.0)),
    "camera_rear": Field.of((-0.8, 0.0), 180.0, 48.0, (40.0, 22.0)),
}
FRONT: Final = ("radar_front", "camera_front")
"""Without both of them nobody looks ahead beyond the corner radars' 80 m."""
SIDES: Final = {
    "left": ("radar_front_left", "radar_rear_left", "camera_left"),
    "right": ("radar_front_right", "radar_rear_right", "camera_right"),
}
