"""A grid over all lanes' pieces, so that the lane under a point is found without asking every lane."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from volant.core.kernels import kernel

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

CELL_M: Final = 20.0
MAX_CELLS: Final = 1_000_000
# How much worse, in metres, a lane is for a wrong heading (half a turn: 8 m, two lanes) and for not
# being linked to the hint; both only weigh lanes against each other.
_HEADING_WEIGHT_M = 4.0
_HINT_WEIGHT_M = 1.0
_X, _Y, _HEADING, _WIDTH = 1, 2, 4, 6


@kernel("void(f8[:, ::1], i8[::1], f8, f8, f8, i8, i8, i8[::1], i8[::1])")
def _fill_cells(
    table: Array,
    lane_of_row: Integers,
    x0: float,
    y0: float,
    cell: float,
    nx: int,
    ny: int,
    counts: Integers,
    rows: Integers,
) -> None:
    """Count pieces per cell where rows is empty, else put them at counts (which then move on)."""
    put = rows.shape[0] > 0
    for row in range(table.shape[0] - 1):
        if lane_of_row[row] != lane_of_row[row + 1]:
            continue
        ax, bx = table[row, _X], table[row + 1, _X]
        ay, by = table[row, _Y], table[row + 1, _Y]
        i0, i1 = int((min(ax, bx) - x0) / cell), int((max(ax, bx) - x0) / cell)
        j0, j1 = int((min(ay, by) - y0) / cell), int((max(ay, by) - y0) / cell)
        for j in range(max(j0, 0), min(j1, ny - 1) + 1):
            for i in range(max(i0, 0), min(i1, nx - 1) + 1):
                at = j * nx + i
                if put:
                    rows[counts[at]] = row
                counts[at] += 1


@kernel("i8(f8[:, ::1], i8[::1], i8[::1], i8[::1], f8, f8, f8, i8, i8, f8, f8, f8, i8[::1], f8)")
def _nearest_piece(
    table: Array,
    lane_of_row: Integers,
    starts: Integers,
    rows: Integers,
    x0: float,
    y0: float,
    cell: float,
    nx: int,
    ny: int,
    x: float,
    y: float,
    heading: float,
    wanted: Integers,
    radius: float,
) -> int:
    """The best piece within the radius, or -1."""
    i0, i1 = math.floor((x - radius - x0) / cell), math.floor((x + radius - x0) / cell)
    j0, j1 = math.floor((y - radius - y0) / cell), math.floor((y + radius - y0) / cell)
    best = -1
    least = math.inf
    for j in range(max(j0, 0), min(j1, ny - 1) + 1):
        for i in range(max(i0, 0), min(i1, nx - 1) + 1):
            for k in range(starts[j * nx + i], starts[j * nx + i + 1]):
                row = rows[k]
                a, b = table[row], table[row + 1]
                dx, dy = b[_X] - a[_X], b[_Y] - a[_Y]
                square = max(dx * dx + dy * dy, 1e-12)
                u = ((x - a[_X]) * dx + (y - a[_Y]) * dy) / square
                u = min(max(u, 0.0), 1.0)
                px, py = x - a[_X] - u * dx, y - a[_Y] - u * dy
                gap = math.sqrt(px * px + py * py)
                if gap > radius:
                    continue
                half = 0.5 * (a[_WIDTH] + u * (b[_WIDTH] - a[_WIDTH]))
                cost = max(gap - half, 0.0) + 0.2 * gap
                if heading == heading:
                    cost += _HEADING_WEIGHT_M * (1.0 - math.cos(heading - a[_HEADING]))
                if wanted.shape[0] > 0:
                    linked = False
                    for lane in wanted:
                        if lane == lane_of_row[row]:
                            linked = True
                    if not linked:
                        cost += _HINT_WEIGHT_M
                if cost < least:
                    least = cost
                    best = row
    return best


@dataclass(frozen=True, slots=True)
class LaneGrid:
    """Cells of equal size, each with the rows of the pieces that touch it (compressed rows)."""

    x_m: float
    y_m: float
    cell_m: float
    columns: int
    lines: int
    starts: Integers
    rows: Integers
    lane_of_row: Integers

    def nearest(
        self,
        table: Array,
        x_m: float,
        y_m: float,
        heading_rad: float,
        wanted: Sequence[int],
        reach_m: float,
    ) -> int:
        """The row of the best piece within reach, or -1; heading nan: any; wanted: lanes preferred."""
        preferred = np.array(wanted, dtype=np.int64)
        radius = min(8.0, reach_m)
        while math.isfinite(x_m) and math.isfinite(y_m):
            row = _nearest_piece(
                table,
                self.lane_of_row,
                self.starts,
                self.rows,
                self.x_m,
                self.y_m,
                self.cell_m,
                self.columns,
                self.lines,
                x_m,
                y_m,
                heading_rad,
                preferred,
                radius,
            )
            if row >= 0 or radius >= reach_m:
                return int(row)
            radius = min(4.0 * radius, reach_m)
        return -1


def make_grid(table: Array, lane_of_row: Integers) -> LaneGrid:
    """Index every piece between two rows of the same lane; the cell grows for a vast network."""
    low = table[:, [_X, _Y]].min(axis=0) if len(table) else np.zeros(2)
    high = table[:, [_X, _Y]].max(axis=0) if len(table) else np.zeros(2)
    width, height = (high - low).tolist()
    cell = max(CELL_M, math.sqrt(width * height / MAX_CELLS), max(width, height) / MAX_CELLS)
    nx, ny = int(width / cell) + 1, int(height / cell) + 1
    counts = np.zeros(nx * ny, dtype=np.int64)
    x0, y0 = low.tolist()
    none = np.zeros(0, dtype=np.int64)
    _fill_cells(table, lane_of_row, x0, y0, cell, nx, ny, counts, none)
    starts = np.zeros(nx * ny + 1, dtype=np.int64)
    np.cumsum(counts, out=starts[1:])
    rows = np.zeros(int(starts[-1]), dtype=np.int64)
    if len(rows):
        _fill_cells(table, lane_of_row, x0, y0, cell, nx, ny, starts[:-1].copy(), rows)
    return LaneGrid(x0, y0, cell, nx, ny, starts, rows, lane_of_row)
