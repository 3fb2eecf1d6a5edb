"""Smooth sideways moves of a reference where the chain of lanes under it jumps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Jump:
    """At base_s, from `row` on, the base line lies aside_m further left and is turned by turn_rad.

    length_m is the road to take for it, before and after; the widths of the lanes before and after
    are given where it is a lane change, so that both count as room meanwhile.
    """

    row: int
    base_s_m: float
    aside_m: float
    turn_rad: float
    length_m: float
    width_before_m: float
    width_after_m: float


def blend_offsets(base_s: Array, jumps: Sequence[Jump]) -> tuple[Array, Array]:
    """Offset from the base with two derivatives [n, 3], and extra room left and right [n, 2].

    Before a jump the path leaves the base towards the new one, after it it arrives: two quintics
    that meet with equal place, slope and curvature, half of the jump each. Where there is no road
    before (or after), the other half does it all.
    """
    rows = np.arange(len(base_s))
    offsets = np.zeros((len(base_s), 3))
    extra = np.zeros((len(base_s), 2))
    for jump in jumps:
        before_m = min(0.5 * jump.length_m, jump.base_s_m - float(base_s[0]))
        after_m = min(0.5 * jump.length_m, float(base_s[-1]) - jump.base_s_m)
        share = 0.5
        if before_m < 5.0:
            share, after_m = 0.0, min(jump.length_m, float(base_s[-1]) - jump.base_s_m)
        elif after_m < 5.0:
            share, before_m = 1.0, min(jump.length_m, jump.base_s_m - float(base_s[0]))
        slope = math.tan(max(-1.0, min(1.0, jump.turn_rad)))
        common = 1.875 * jump.aside_m / (before_m + after_m) if share == 0.5 else 0.0
        ahead = (rows >= jump.row) & (base_s <= jump.base_s_m + after_m)
        behind = (rows < jump.row) & (base_s >= jump.base_s_m - before_m)
        left = jump.aside_m > 0.0
        if share > 0.0:
            run = jump.base_s_m - base_s[behind]
            rise = share * jump.aside_m, -(common + share * slope)
            offsets[behind] += _quintic(run, before_m, *rise) * np.array([1.0, -1.0, 1.0])
            extra[behind, 0 if left else 1] += jump.width_after_m
        if share < 1.0:
            run = base_s[ahead] - jump.base_s_m
            rest = -(1.0 - share) * jump.aside_m, common - (1.0 - share) * slope
            offsets[ahead] += _quintic(run, after_m, *rest)
            extra[ahead, 1 if left else 0] += jump.width_before_m
    return offsets, extra


def _quintic(run: Array, length: float, value: float, slope: float) -> Array:
    """From (value, slope, 0) at run 0 to rest at run `length`: value and two derivatives [n, 3]."""
    u = run / length
    w = slope * length
    # value * (1 - 10u^3 + 15u^4 - 6u^5) + w * (u - 6u^3 + 8u^4 - 3u^5)
    out = np.empty((len(u), 3))
    out[:, 0] = value * (1.0 + u * u * u * (-10.0 + u * (15.0 - 6.0 * u)))
    out[:, 0] += w * u * (1.0 + u * u * (-6.0 + u * (8.0 - 3.0 * u)))
    out[:, 1] = value * u * u * (-30.0 + u * (60.0 - 30.0 * u))
    out[:, 1] += w * (1.0 + u * u * (-18.0 + u * (32.0 - 15.0 * u)))
    out[:, 2] = value * u * (-60.0 + u * (180.0 - 120.0 * u))
    out[:, 2] += w * u * (-36.0 + u * (96.0 - 60.0 * u))
    out[:, 1] /= length
    out[:, 2] /= length * length
    return out
