"""Compiled evaluation of reference lines and of curves offset from them.

A piece of a reference line is a row of 16 numbers: s, x, y, heading, length, kind, then its
coefficients: arc (curvature), spiral (start, slope per metre), poly3 (a, b, c, d), paramPoly3
(aU, bU, cU, dU, aV, bV, cV, dV, parameter per metre). Kinds: 0 line, 1 arc, 2 spiral, 3 poly3,
4 paramPoly3. Rows out: x, y, heading, speed of the parameter v, heading' , v', heading'' by s, so
that headings and curvatures of lanes are exact, never differences of points.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from volant.core.kernels import kernel

Array = NDArray[np.float64]

# Gauss-Legendre, 5 points on [-1, 1] (Abramowitz and Stegun, table 25.4).
_N1, _N2 = 0.5384693101056831, 0.9061798459386640
_W0, _W1, _W2 = 0.5688888888888889, 0.4786286704993665, 0.2369268850561891
_GAUSS = ((0.0, _W0), (-_N1, _W1), (_N1, _W1), (-_N2, _W2), (_N2, _W2))
"""Node and weight of each point."""


@kernel("Tuple((f8, f8))(f8, f8, f8, f8)")
def _spiral_end(heading: float, start: float, slope: float, length: float) -> tuple[float, float]:
    """x, y reached along a clothoid: cos and sin of its heading, integrated piece by piece."""
    turn = abs(start) * length + 0.5 * abs(slope) * length * length
    pieces = 1 + int(turn / 0.5)
    half = 0.5 * length / pieces
    x = 0.0
    y = 0.0
    for piece in range(pieces):
        middle = (2 * piece + 1) * half
        for node, weight in _GAUSS:
            at = middle + node * half
            angle = heading + at * (start + 0.5 * slope * at)
            x += weight * math.cos(angle)
            y += weight * math.sin(angle)
    return x * half, y * half


@kernel("f8(f8, f8, f8, f8)")
def _poly3_u(b: float, c: float, d: float, length: float) -> float:
    """The u at which v(u) has run the given arc length (Newton on a Gauss-Legendre length)."""
    u = length / math.sqrt(1.0 + b * b)
    for _ in range(30):
        pieces = 1 + int(abs(u) / 10.0)
        if pieces > 1000:
            pieces = 1000
        half = 0.5 * u / pieces
        run = 0.0
        for piece in range(pieces):
            middle = (2 * piece + 1) * half
            for node, weight in _GAUSS:
                at = middle + node * half
                slope = b + at * (2.0 * c + 3.0 * d * at)
                run += weight * half * math.sqrt(1.0 + slope * slope)
        slope = b + u * (2.0 * c + 3.0 * d * u)
        step = (length - run) / math.sqrt(1.0 + slope * slope)
        u += step
        if abs(step) < 1e-10:
            break
    return u


@kernel("Tuple((f8, f8, f8))(f8, f8, f8, f8, f8)")
def _cubic(a: float, b: float, c: float, d: float, at: float) -> tuple[float, float, float]:
    """Value, first and second derivative of a cubic."""
    value = a + at * (b + at * (c + at * d))
    return value, b + at * (2.0 * c + 3.0 * d * at), 2.0 * c + 6.0 * d * at


@kernel("Tuple((f8, f8, f8, f8, f8, f8, f8))(f8[::1], f8)")
def _along_cubics(p: Array, ds: float) -> tuple[float, float, float, float, float, float, float]:
    """u, v, heading from the piece's start, speed, heading', v', heading'' along a poly3 or paramPoly3."""
    if int(p[5]) == 3:
        q = _poly3_u(p[7], p[8], p[9], ds)
        u, u1, u2, u3 = q, 1.0, 0.0, 0.0
        v, v1, v2 = _cubic(p[6], p[7], p[8], p[9], q)
        v3 = 6.0 * p[9]
    else:
        k = p[14]
        u, u1, u2 = _cubic(p[6], p[7], p[8], p[9], ds * k)
        v, v1, v2 = _cubic(p[10], p[11], p[12], p[13], ds * k)
        u1, u2, u3 = k * u1, k * k * u2, k * k * k * 6.0 * p[9]
        v1, v2, v3 = k * v1, k * k * v2, k * k * k * 6.0 * p[13]
    square = max(u1 * u1 + v1 * v1, 1e-12)  # a polynomial may stand still at one place
    speed = math.sqrt(square)
    cross = u1 * v2 - v1 * u2
    dot = u1 * u2 + v1 * v2
    turn = cross / square
    speed_rate = dot / speed
    turn_rate = (u1 * v3 - v1 * u3) / square - 2.0 * cross * dot / (square * square)
    if int(p[5]) == 3:  # from the parameter u to arc length: u' = 1 / speed
        turn_rate = (turn_rate / speed - turn * speed_rate / square) / speed
        turn /= speed
        speed, speed_rate = 1.0, 0.0
    return u, v, math.atan2(v1, u1), speed, turn, speed_rate, turn_rate


@kernel("void(f8[:, ::1], f8[::1], f8[:, ::1])")
def evaluate_reference(pieces: Array, stations: Array, out: Array) -> None:
    """Fill out[n, 7] for rising stations along pieces[k, 16]; see the module for the columns."""
    row = 0
    last = pieces.shape[0] - 1
    for i in range(stations.shape[0]):
        s = stations[i]
        while row < last and s >= pieces[row + 1, 0] - 1e-9:
            row += 1
        p = pieces[row]
        ds = s - p[0]
        if ds > p[4]:
            ds = p[4]
        elif ds < 0.0:
            ds = 0.0
        heading = p[3]
        kind = int(p[5])
        speed = 1.0
        turn = 0.0
        speed_rate = 0.0
        turn_rate = 0.0
        if kind == 0:
            x = ds * math.cos(heading)
            y = ds * math.sin(heading)
        elif kind == 1:
            turn = p[6]
            half = 0.5 * turn * ds
            chord = ds if abs(half) < 1e-9 else ds * math.sin(half) / half
            x = chord * math.cos(heading + half)
            y = chord * math.sin(heading + half)
            heading += turn * ds
        elif kind == 2:
            x, y = _spiral_end(heading, p[6], p[7], ds)
            turn = p[6] + p[7] * ds
            turn_rate = p[7]
            heading += ds * (p[6] + 0.5 * p[7] * ds)
        else:
            u, v, bend, speed, turn, speed_rate, turn_rate = _along_cubics(p, ds)
            x = u * math.cos(heading) - v * math.sin(heading)
            y = u * math.sin(heading) + v * math.cos(heading)
            heading += bend
        out[i, 0] = p[1] + x
        out[i, 1] = p[2] + y
        out[i, 2] = heading
        out[i, 3] = speed
        out[i, 4] = turn
        out[i, 5] = speed_rate
        out[i, 6] = turn_rate


@kernel("void(f8[:, ::1], f8[:, ::1], f8[:, ::1])")
def offset_curve(reference: Array, offsets: Array, out: Array) -> None:
    """Fill out[n, 5] (x, y, heading, curvature, speed) of a curve left of reference[n, 7].

    offsets[n, 3] holds the offset t, t' and t'' by the parameter of the reference. Where the curve
    does not move (speed below 1 mm/m: the centre of a curve), the reference's heading stands.
    """
    for i in range(reference.shape[0]):
        x, y, heading, speed, turn, speed_rate, turn_rate = reference[i]
        t, t1, t2 = offsets[i]
        ahead = speed - t * turn
        aside = t1
        ahead_rate = speed_rate - t1 * turn - t * turn_rate
        square = ahead * ahead + aside * aside
        out[i, 0] = x - t * math.sin(heading)
        out[i, 1] = y + t * math.cos(heading)
        if square > 1e-6 and ahead > 0.0:
            run = math.sqrt(square)
            out[i, 2] = heading + math.atan2(aside, ahead)
            out[i, 3] = (turn + (t2 * ahead - ahead_rate * aside) / square) / run
            out[i, 4] = run
        else:
            out[i, 2] = heading
            out[i, 3] = 0.0
            out[i, 4] = math.sqrt(square)


@kernel("void(f8[:, ::1], f8[::1], f8[:, ::1])")
def evaluate_cubics(records: Array, stations: Array, out: Array) -> None:
    """Fill out[n, 3] with value, first and second derivative of cubics[k, 5] at rising stations."""
    row = 0
    last = records.shape[0] - 1
    for i in range(stations.shape[0]):
        s = stations[i]
        while row < last and s >= records[row + 1, 0] - 1e-9:
            row += 1
        if last < 0 or s < records[0, 0] - 1e-9:
            out[i, 0] = 0.0
            out[i, 1] = 0.0
            out[i, 2] = 0.0
            continue
        p = records[row]
        ds = s - p[0]
        out[i, 0], out[i, 1], out[i, 2] = _cubic(p[1], p[2], p[3], p[4], ds)


def zeros(rows: int, columns: int) -> Array:
    """An empty float64 table in C order, as the kernels take it."""
    return np.zeros((rows, columns), dtype=np.float64)
