"""Compiled Frenet frame of sampled lines, for hot loops.

A line is a float64 table in C order whose first columns are S, X, Y, Z, HEADING, CURVATURE (heading
unwrapped). Between two rows runs the cubic that has the rows' points and headings (Hermite), so a
1 m table of a clothoid is true to a hundredth of a millimetre. Offsets are positive to the left. Beyond its
ends a line goes on straight.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from volant.core.kernels import kernel

Array = NDArray[np.float64]

_S, _X, _Y, _Z, _HEADING = 0, 1, 2, 3, 4
_BACK, _AHEAD = 8, 24  # rows searched around a hint before the whole line is


@kernel("Tuple((f8, f8, f8, f8))(f8[:, ::1], i8, f8)")
def _between(table: Array, row: int, u: float) -> tuple[float, float, float, float]:
    """x, y and their derivatives by u in [0, 1] between row and row + 1."""
    a, b = table[row], table[row + 1]
    run = b[_S] - a[_S]
    ax, ay = run * math.cos(a[_HEADING]), run * math.sin(a[_HEADING])
    bx, by = run * math.cos(b[_HEADING]), run * math.sin(b[_HEADING])
    dx, dy = b[_X] - a[_X], b[_Y] - a[_Y]
    cx, cy = 3.0 * dx - 2.0 * ax - bx, 3.0 * dy - 2.0 * ay - by
    ex, ey = ax + bx - 2.0 * dx, ay + by - 2.0 * dy
    x = a[_X] + u * (ax + u * (cx + u * ex))
    y = a[_Y] + u * (ay + u * (cy + u * ey))
    return x, y, ax + u * (2.0 * cx + 3.0 * ex * u), ay + u * (2.0 * cy + 3.0 * ey * u)


@kernel("i8(f8[:, ::1], f8, i8)")
def find_row(table: Array, s: float, hint: int) -> int:
    """The row whose piece holds s (0 to n - 2), from a hint by walking, else by halving."""
    last: int = table.shape[0] - 2
    row = min(max(hint, 0), last)
    for _ in range(8):
        if s < table[row, _S] and row > 0:
            row -= 1
        elif s > table[row + 1, _S] and row < last:
            row += 1
        else:
            return row
    low, high = 0, last
    while low < high:
        middle = (low + high + 1) // 2
        if table[middle, _S] <= s:
            low = middle
        else:
            high = middle - 1
    return low


@kernel("void(f8[:, ::1], i8, f8, f8[::1])")
def _fill(table: Array, row: int, s: float, out: Array) -> None:
    a, b = table[row], table[row + 1]
    run = b[_S] - a[_S]
    if s < a[_S]:
        s = a[_S]
    elif s > b[_S]:
        s = b[_S]
    u = (s - a[_S]) / run
    for column in range(table.shape[1]):
        out[column] = a[column] + u * (b[column] - a[column])
    x, y, x1, y1 = _between(table, row, u)
    out[_S] = s
    out[_X] = x
    out[_Y] = y
    turn = math.atan2(y1, x1) - out[_HEADING]
    turn -= 2.0 * math.pi * math.floor((turn + math.pi) / (2.0 * math.pi))
    out[_HEADING] += turn


@kernel("i8(f8[:, ::1], f8, i8, f8[::1])")
def evaluate_line(table: Array, s: float, hint: int, out: Array) -> int:
    """Fill out with the table's columns at s (clipped to the line); gives the row, the next hint."""
    row = find_row(table, s, hint)
    _fill(table, row, s, out)
    return row


@kernel("void(f8[:, ::1], f8, f8, f8[::1])")
def evaluate_uniform(table: Array, step: float, s: float, out: Array) -> None:
    """As evaluate_line for a table with even rows `step` apart, without a search."""
    row = min(max(int(s / step), 0), table.shape[0] - 2)
    _fill(table, row, s, out)


@kernel("void(f8[:, ::1], f8, f8[::1], f8[:, ::1])")
def evaluate_uniform_many(table: Array, step: float, stations: Array, out: Array) -> None:
    """evaluate_uniform for stations[n] into out[n, columns]."""
    for i in range(stations.shape[0]):
        evaluate_uniform(table, step, stations[i], out[i])


@kernel("void(f8[:, ::1], f8[::1], f8[:, ::1])")
def evaluate_line_many(table: Array, stations: Array, out: Array) -> None:
    """evaluate_line for rising stations[n] into out[n, columns]."""
    hint = 0
    for i in range(stations.shape[0]):
        hint = evaluate_line(table, stations[i], hint, out[i])


@kernel("i8(f8[:, ::1], f8, f8, i8, i8)")
def _nearest_row(table: Array, x: float, y: float, low: int, high: int) -> int:
    """The row nearest to the point among low to high."""
    best = low
    least = math.inf
    for row in range(low, high + 1):
        dx, dy = x - table[row, _X], y - table[row, _Y]
        square = dx * dx + dy * dy
        if square < least:
            least = square
            best = row
    return best


@kernel("Tuple((f8, f8, i8))(f8[:, ::1], f8, f8, i8)")
def _refine(table: Array, x: float, y: float, near: int) -> tuple[float, float, int]:
    """Place (s, offset) and row of the foot point in the pieces beside a nearest row (Newton on Hermite)."""
    last = table.shape[0] - 2
    row = min(max(near, 0), last)
    if near > 0:
        heading = table[near, _HEADING]
        ahead = (x - table[near, _X]) * math.cos(heading) + (y - table[near, _Y]) * math.sin(
            heading
        )
        if ahead < 0.0:
            row = near - 1
    u = 0.5
    best_px = best_py = best_x1 = best_y1 = 0.0
    for attempt in range(3):
        a, b = table[row], table[row + 1]
        dx, dy = b[_X] - a[_X], b[_Y] - a[_Y]
        u = ((x - a[_X]) * dx + (y - a[_Y]) * dy) / (dx * dx + dy * dy)
        u = min(max(u, -0.5), 1.5)
        bend = (b[_HEADING] - a[_HEADING]) / (b[_S] - a[_S])
        for _ in range(8):
            px, py, x1, y1 = _between(table, row, u)
            # Newton; near the centre of a curve, where the foot is not unique, its slope is kept
            # off zero.
            square = x1 * x1 + y1 * y1
            aside = ((y - py) * x1 - (x - px) * y1) / math.sqrt(square)
            slope = max(1.0 - aside * bend, 0.2)
            move = ((x - px) * x1 + (y - py) * y1) / (square * slope)
            u += move
            u = min(max(u, -0.5), 1.5)
            if abs(move) < 1e-10:
                break
        if u < -1e-9 and row > 0 and attempt < 2:
            row -= 1
        elif u > 1.0 + 1e-9 and row < last and attempt < 2:
            row += 1
        else:
            break
    beyond = 0.0
    run = table[row + 1, _S] - table[row, _S]
    if u < 0.0:
        beyond, u = -1.0, 0.0
    elif u > 1.0:
        beyond, u = 1.0, 1.0
    best_px, best_py, best_x1, best_y1 = _between(table, row, u)
    norm = math.sqrt(best_x1 * best_x1 + best_y1 * best_y1)
    tx, ty = best_x1 / norm, best_y1 / norm
    along = (x - best_px) * tx + (y - best_py) * ty
    offset = (y - best_py) * tx - (x - best_px) * ty
    s = table[row, _S] + u * run
    if (beyond < 0.0 and row == 0) or (beyond > 0.0 and row == last):
        s += along  # straight on beyond the ends
    return s, offset, row


@kernel("Tuple((f8, f8, i8))(f8[:, ::1], f8, f8, i8)")
def project_line(table: Array, x: float, y: float, hint: int) -> tuple[float, float, int]:
    """Place (s, offset) and row of the point's foot on a line; hint: a row near it, or below 0 for none.

    With a hint only rows around it are searched, unless the nearest lies at the search's edge. s may
    lie before 0 or behind the length, where the line goes on straight.
    """
    last = table.shape[0] - 1
    if hint >= 0:
        low, high = max(hint - _BACK, 0), min(hint + _AHEAD, last)
        near = _nearest_row(table, x, y, low, high)
        if (near > low or low == 0) and (near < high or high == last):
            return _refine(table, x, y, near)
    near = _nearest_row(table, x, y, 0, last)
    return _refine(table, x, y, near)


@kernel("Tuple((f8, f8))(f8[:, ::1], f8, f8, f8, f8)")
def project_uniform(
    table: Array, step: float, x: float, y: float, hint_s: float
) -> tuple[float, float]:
    """Place (s, offset) on a table with even rows; hint_s: an s near it, nan for none."""
    hint = -1
    if hint_s == hint_s:
        hint = min(max(int(hint_s / step), 0), table.shape[0] - 2)
    s, offset, _row = project_line(table, x, y, hint)
    return s, offset


@kernel("void(f8[:, ::1], f8, f8[:, ::1], f8[::1], f8[:, ::1])")
def project_uniform_many(
    table: Array, step: float, points: Array, hints: Array, out: Array
) -> None:
    """project_uniform for points[n, 2] with hints[n] (nan: none) into out[n, 2]."""
    for i in range(points.shape[0]):
        s, offset = project_uniform(table, step, points[i, 0], points[i, 1], hints[i])
        out[i, 0] = s
        out[i, 1] = offset


@kernel("Tuple((f8, f8, f8))(f8[:, ::1], f8, f8, f8)")
def world_uniform(table: Array, step: float, s: float, offset: float) -> tuple[float, float, float]:
    """x, y and heading of the line at (s, offset); straight on beyond the ends."""
    length = table[table.shape[0] - 1, _S]
    held = min(max(s, 0.0), length)
    row = min(max(int(held / step), 0), table.shape[0] - 2)
    run = table[row + 1, _S] - table[row, _S]
    x, y, x1, y1 = _between(table, row, (held - table[row, _S]) / run)
    norm = math.sqrt(x1 * x1 + y1 * y1)
    tx, ty = x1 / norm, y1 / norm
    ahead = s - held
    return x + ahead * tx - offset * ty, y + ahead * ty + offset * tx, math.atan2(ty, tx)


@kernel("void(f8[:, ::1], f8, f8[:, ::1], f8[:, ::1])")
def world_uniform_many(table: Array, step: float, points: Array, out: Array) -> None:
    """world_uniform for points[n, 2] (s, offset) into out[n, 3]."""
    for i in range(points.shape[0]):
        x, y, heading = world_uniform(table, step, points[i, 0], points[i, 1])
        out[i, 0] = x
        out[i, 1] = y
        out[i, 2] = heading
