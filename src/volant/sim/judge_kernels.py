"""Where the own body is on the drivable surface: corners off it, and the nearest lane's centre."""

from __future__ import annotations

import math

from volant.core.kernels import kernel

_X, _Y, _Z, _HEADING, _WIDTH = 1, 2, 3, 4, 6
_OTHER_LEVEL_M = 3.0


@kernel("Tuple((f8, f8))(f8[:, ::1], i8[::1], i8[::1], f8, f8, f8, i8, i8, f8, f8, f8, f8)")
def nearest_surface(  # type: ignore[no-untyped-def]
    table, cell_starts, cell_rows, x0, y0, cell, nx, ny, x, y, z, yaw
):
    """How far a point lies outside all lanes (m, 0: on one), and from the nearest centre.

    The centre is that of a lane in the own direction, within 60 degrees of yaw (yaw nan: of any).
    Lanes more than 3 m above or below are others' levels.
    """
    outside, aside = math.inf, math.inf
    i0, i1 = math.floor((x - 6.0 - x0) / cell), math.floor((x + 6.0 - x0) / cell)
    j0, j1 = math.floor((y - 6.0 - y0) / cell), math.floor((y + 6.0 - y0) / cell)
    for j in range(max(j0, 0), min(j1, ny - 1) + 1):
        for i in range(max(i0, 0), min(i1, nx - 1) + 1):
            for k in range(cell_starts[j * nx + i], cell_starts[j * nx + i + 1]):
                row = cell_rows[k]
                if abs(table[row, _Z] - z) > _OTHER_LEVEL_M:
                    continue
                ax, ay = table[row, _X], table[row, _Y]
                dx, dy = table[row + 1, _X] - ax, table[row + 1, _Y] - ay
                square = max(dx * dx + dy * dy, 1e-12)
                part = ((x - ax) * dx + (y - ay) * dy) / square
                held = min(max(part, 0.0), 1.0)
                px, py = x - ax - held * dx, y - ay - held * dy
                gap = math.sqrt(px * px + py * py)
                half = 0.5 * (
                    table[row, _WIDTH] + held * (table[row + 1, _WIDTH] - table[row, _WIDTH])
                )
                outside = min(outside, max(gap - half, 0.0))
                if yaw != yaw or math.cos(yaw - table[row, _HEADING]) > 0.5:
                    aside = min(aside, gap)
    return outside, aside


@kernel("Tuple((i8, f8))(f8[:, ::1], i8[::1], i8[::1], f8, f8, f8, i8, i8, f8[::1], f8)")
def body_on_road(  # type: ignore[no-untyped-def]
    table, cell_starts, cell_rows, x0, y0, cell, nx, ny, body, slack
):
    """Corners more than `slack` metres off the surface, and the rear axle's distance to a lane's centre.

    body: rear axle x, y, z, yaw, length, width, rear overhang.
    """
    cos, sin = math.cos(body[3]), math.sin(body[3])
    off = 0
    for corner in range(4):
        along = body[4] - body[6] if corner < 2 else -body[6]
        across = 0.5 * body[5] if corner % 2 == 0 else -0.5 * body[5]
        x = body[0] + cos * along - sin * across
        y = body[1] + sin * along + cos * across
        outside, _aside = nearest_surface(
            table,
            cell_starts,
            cell_rows,
            x0,
            y0,
            cell,
            nx,
            ny,
            x,
            y,
            body[2],
            math.nan,
        )
        if outside > slack:
            off += 1
    _outside, aside = nearest_surface(
        table,
        cell_starts,
        cell_rows,
        x0,
        y0,
        cell,
        nx,
        ny,
        body[0],
        body[1],
        body[2],
        body[3],
    )
    return off, aside
