"""Compiled looks at a lane: who drives ahead of us in it, and who behind."""

from __future__ import annotations

import math

import numpy as np

from volant.core.kernels import kernel

_M_WEIGHT, _M_CUT_IN, _M_HALF_LENGTH, _M_HALF_WIDTH, _M_ID = range(5)
_P_STATION, _P_OFFSET, _P_RATE, _P_ACCEL = range(4)
# Columns of what is found.
A_GAP, A_SPEED, A_ACCEL, A_ID, B_GAP, B_SPEED, B_ACCEL, B_ID, BESIDE = range(9)


@kernel("f8[::1](f8[:, ::1], f8[:, :, ::1], f8, f8, f8, f8, f8)")
def look_along(modes, points, station, front, rear, middle, half):  # type: ignore[no-untyped-def]
    """Those next ahead and behind in the lane whose middle lies at an offset, half its width `half`.

    [9]: gap, speed, acceleration and id ahead, the same behind, and the id of who is beside us; an id is
    -1 where there is nobody. Whoever will be in the lane within 2.5 s counts as in it.
    """
    out = np.zeros(9)
    out[A_GAP], out[B_GAP] = math.inf, math.inf
    out[A_ID], out[B_ID], out[BESIDE] = -1.0, -1.0, -1.0
    soon = min(10, points.shape[1] - 1)
    for m in range(modes.shape[0]):
        if modes[m, _M_WEIGHT] < 0.2:
            continue
        room = half + modes[m, _M_HALF_WIDTH] - 0.25
        now = abs(points[m, 0, _P_OFFSET] - middle)
        then = abs(points[m, soon, _P_OFFSET] - middle)
        if now >= room and then >= room:
            continue
        s, reach = points[m, 0, _P_STATION], modes[m, _M_HALF_LENGTH]
        if s - reach > station + front:
            gap = s - reach - station - front
            if gap < out[A_GAP]:
                out[A_GAP], out[A_SPEED], out[A_ACCEL] = (
                    gap,
                    points[m, 0, _P_RATE],
                    points[m, 0, _P_ACCEL],
                )
                out[A_ID] = modes[m, _M_ID]
        elif s + reach < station - rear:
            gap = station - rear - s - reach
            if gap < out[B_GAP]:
                out[B_GAP], out[B_SPEED], out[B_ACCEL] = (
                    gap,
                    points[m, 0, _P_RATE],
                    points[m, 0, _P_ACCEL],
                )
                out[B_ID] = modes[m, _M_ID]
        else:
            out[BESIDE] = modes[m, _M_ID]
    return out
