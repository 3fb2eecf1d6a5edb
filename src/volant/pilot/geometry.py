"""The own car's outline and reach, handed over by `app` from its spec."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CarGeometry:
    """The own car as the pilot needs it, from its spec."""

    length_m: float
    width_m: float
    rear_overhang_m: float
    """From the rear axle to the rear bumper."""
    wheelbase_m: float
    max_curvature_per_m: float
    steering_ratio: float = 15.0
    """Steering wheel angle per road wheel angle (a common passenger car's, recalled)."""

    @property
    def front_m(self) -> float:
        """From the rear axle to the front bumper."""
        return self.length_m - self.rear_overhang_m
