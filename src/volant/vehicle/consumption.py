"""What the car has lately used by distance, and how far that lets it go."""

from __future__ import annotations

from typing import Final

import msgspec

WINDOW_M: Final = 20_000.0
"""Distance over which recent consumption fades; the range shown neither jumps nor sticks (estimated)."""
LEAST_SHARE: Final = 0.4
"""The estimate stays above this share of the usual consumption, so a long descent promises no wonders."""


class Consumption(msgspec.Struct, frozen=True, gc=False):
    """Recent consumption as a fading mean over distance."""

    recent_j_per_m: float


def after(state: Consumption, energy_j: float, distance_m: float) -> Consumption:
    """Take in what a stretch used; energy at standstill counts on the stretch before it."""
    fade = distance_m / (WINDOW_M + distance_m)
    return Consumption(state.recent_j_per_m * (1.0 - fade) + energy_j / (WINDOW_M + distance_m))


def range_m(state: Consumption, left_j: float, usual_j_per_m: float) -> float:
    """Distance left by the energy left."""
    return left_j / max(state.recent_j_per_m, LEAST_SHARE * usual_j_per_m)
