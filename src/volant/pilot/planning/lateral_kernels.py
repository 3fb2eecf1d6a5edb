"""Compiled moves across the road: small offsets within the lane, and quintics to another lane's middle."""

from __future__ import annotations

import math

from volant.core.kernels import kernel

_STEEPEST = 0.22  # of a lane change: 12 degrees to the lane, for what is slow
_PEAK = 1.875  # largest slope of a quintic from 0 to 1


@kernel("void(f8[::1], f8, f8, f8, i8, f8[:, ::1])")
def side_path(start, target, most, dt, steps, out):  # type: ignore[no-untyped-def]
    """Offset, rate and acceleration over time from start towards a target, critically damped (2.5 s)."""
    n, rate, accel = start[0], start[1], start[2]
    stiff = 0.9
    for k in range(steps + 1):
        out[k, 0], out[k, 1], out[k, 2] = n, rate, accel
        for _ in range(5):
            accel = stiff * stiff * (target - n) - 2.0 * stiff * rate
            accel = min(max(accel, -most), most)
            n += rate * dt / 5.0
            rate += accel * dt / 5.0


@kernel("f8(f8, f8, f8)")
def share_rate(away, duration, speed):  # type: ignore[no-untyped-def]
    """Share of a shift over `away` metres that is done in a second: slow cars need a length, not a time."""
    if duration <= 0.0:
        return 100.0
    return min(1.0 / duration, _STEEPEST * max(speed, 0.0) / (_PEAK * max(abs(away), 0.3)))


@kernel("Tuple((f8, f8, f8))(f8, f8, f8, f8)")
def quintic(away, slope, bend, u):  # type: ignore[no-untyped-def]
    """From (away, slope, bend) at u = 0 to rest at 0 at u = 1: the value and its two derivatives by u."""
    u = min(max(u, 0.0), 1.0)
    c3 = -10.0 * away - 6.0 * slope - 1.5 * bend
    c4 = 15.0 * away + 8.0 * slope + 1.5 * bend
    c5 = -6.0 * away - 3.0 * slope - 0.5 * bend
    value = away + u * (slope + u * (0.5 * bend + u * (c3 + u * (c4 + u * c5))))
    first = slope + u * (bend + u * (3.0 * c3 + u * (4.0 * c4 + u * 5.0 * c5)))
    second = bend + u * (6.0 * c3 + u * (12.0 * c4 + u * 20.0 * c5))
    return value, first, second


@kernel("void(f8[::1], f8, f8, f8, f8, i8, f8[:, ::1])")
def shift_path(start, target, duration, speed, dt, steps, out):  # type: ignore[no-untyped-def]
    """Offset, rate and acceleration over time along a quintic from start to a target, then staying."""
    away = start[0] - target
    pace = share_rate(away, duration, speed)
    span = 1.0 / max(pace, 1e-3)
    for k in range(steps + 1):
        value, first, second = quintic(away, start[1] * span, start[2] * span * span, k * dt * pace)
        out[k, 0], out[k, 1], out[k, 2] = target + value, first * pace, second * pace * pace
        if k * dt * pace >= 1.0:
            out[k, 0], out[k, 1], out[k, 2] = target, 0.0, 0.0


@kernel("f8(f8, f8)")
def shift_time(away, most):  # type: ignore[no-untyped-def]
    """Time of a quintic over `away` metres whose acceleration peaks at `most` (5.77 d / T^2)."""
    return math.sqrt(5.77 * abs(away) / most)
