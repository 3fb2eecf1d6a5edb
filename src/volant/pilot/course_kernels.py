"""Compiled part of laying a course."""

from __future__ import annotations

import math

import numpy as np

from volant.core.kernels import kernel

_X, _Y, _HEADING = 1, 2, 4


@kernel("f8[::1](f8[:, ::1], f8[::1], f8[::1])")
def offsets_of(rows, x, y):  # type: ignore[no-untyped-def]
    """How far to the left of each row of a course's table a point lies [n]."""
    out = np.empty(rows.shape[0])
    for i in range(rows.shape[0]):
        heading = rows[i, _HEADING]
        dx, dy = x[i] - rows[i, _X], y[i] - rows[i, _Y]
        out[i] = dy * math.cos(heading) - dx * math.sin(heading)
    return out
