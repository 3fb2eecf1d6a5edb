"""Compiled speed profile of the road ahead: what limits, curves, ends and sight allow at each metre."""

from __future__ import annotations

import math

import numpy as np

from volant.core.kernels import kernel

_S, _CURVATURE = 0, 5  # of corridors and of lanes
_STRAIGHT = 1e-3  # 1/m, wider bends are no reason to slow down
# What binds, as in planning.causes: order is part of the contract.
SET_SPEED, LIMIT, CURVE, SIGHT, OCCLUSION = 1, 2, 3, 4, 5
# Tuning row.
_T_LATERAL, _T_DECEL, _T_EARLY_S, _T_STOP_DECEL = 0, 1, 2, 3


@kernel(
    "Tuple((f8[::1], i8[::1]))"
    "(f8[:, ::1], f8, f8[::1], f8, i8, f8, f8, f8, f8[:, ::1], f8, i8, f8[::1])"
)
def speed_profile(  # type: ignore[no-untyped-def]
    table, step, limits, station, count, cruise, below, sight, slow, stop, stop_cause, tuning
):
    """Speeds allowed at count rows `step` apart from station on, and what binds there.

    cruise: the set speed (inf for none); below: how far under the limit to stay (<= 0); sight: speed
    from which the car can stop within what it sees; slow [z, 4]: stretches with a lower speed, as station
    from, station to, speed and what binds there; stop: station to stop at (inf for none), with what
    binds there. Slowing down is spread out backwards at a comfortable deceleration, and ends `early`
    seconds before the place that asks for it.
    """
    speeds, causes = np.empty(count), np.empty(count, dtype=np.int64)
    last = table.shape[0] - 1
    early = np.empty(count)
    for i in range(count):
        row = min(max(int((station + i * step) / step), 0), last)
        speed, cause = limits[row] + below, LIMIT
        if cruise < speed:
            speed, cause = cruise, SET_SPEED
        bend = abs(table[row, _CURVATURE])
        if bend * speed * speed > tuning[_T_LATERAL]:
            speed, cause = math.sqrt(tuning[_T_LATERAL] / bend), CURVE
        if sight < speed:
            speed, cause = sight, SIGHT
        for z in range(slow.shape[0]):
            if slow[z, 0] <= station + i * step <= slow[z, 1] and slow[z, 2] < speed:
                speed, cause = slow[z, 2], int(slow[z, 3])
        speeds[i], causes[i] = max(speed, 0.0), cause
        early[i] = speeds[i]
    # The lowest speed of the next `early` seconds holds now. A stop is met where it is.
    for i in range(count):
        reach = min(i + int(early[i] * tuning[_T_EARLY_S] / step), count - 1)
        for k in range(i + 1, reach + 1):
            if early[k] < speeds[i]:
                speeds[i], causes[i] = early[k], causes[k]
    for i in range(count - 2, -1, -1):
        reachable = math.sqrt(speeds[i + 1] * speeds[i + 1] + 2.0 * tuning[_T_DECEL] * step)
        if reachable < speeds[i]:
            speeds[i], causes[i] = reachable, causes[i + 1]
    # A stop has a braking of its own, which may be firmer.
    for i in range(count):
        left = stop - (station + i * step)
        allowed = math.sqrt(2.0 * tuning[_T_STOP_DECEL] * left) if left > 0.0 else 0.0
        if allowed < speeds[i]:
            speeds[i], causes[i] = allowed, stop_cause
    return speeds, causes


@kernel("void(f8[:, ::1], f8, f8, f8, f8, f8, f8, f8[::1])")
def hold_to_bends(samples, s_from, s_to, ahead, lateral, brake, step, squares):  # type: ignore[no-untyped-def]
    """Bound the squares of speeds [n], `step` apart, by the bends of a stretch of a lane.

    ahead: where the stretch begins; lateral, brake: accelerations allowed in a bend and before it. A
    bend beyond the last row counts there, with what braking until there leaves.
    """
    low = np.searchsorted(samples[:, _S], s_from)
    high = np.searchsorted(samples[:, _S], s_to)
    last = squares.shape[0] - 1
    for row in range(low, high):
        bend = abs(samples[row, _CURVATURE])
        if bend > _STRAIGHT:
            away = ahead + samples[row, _S] - s_from
            most = math.sqrt(lateral / bend)
            place = min(max(int(away / step), 0), last)
            squares[place] = min(squares[place], most * most + 2.0 * brake * max(away, 0.0))
