"""The arrays of traffic as named groups, so that a kernel takes a road, its entries and its actors.

Shapes: N actors driven, L lanes, R table rows, M entries, k links, c pairs of lanes that share ground.
All are changed in place by the kernels and belong to one world.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from volant.core.kernels import struct

Array = NDArray[np.float64]
Integers = NDArray[np.int64]


@struct(
    "f8[:, ::1], f8[::1], i8[:, ::1], f8[:, ::1], i8[::1], f8[::1], i8[::1], f8[:, ::1], "
    "i8[:, ::1], f8[:, ::1]"
)
class Roads(NamedTuple):
    """What the kernels know of the roads; nothing here changes during a drive."""

    table: Array
    """[R, 10] by road.LaneColumn."""
    speeds: Array
    """[R]: what limit and curves allow, approach included (m/s)."""
    lane_i: Integers
    """[L + 1, ...] by LaneIndex."""
    lane_f: Array
    """[L, ...] by LaneFloat."""
    onward: Integers
    """[k] successors."""
    share: Array
    """[k] share of cars that take each successor, cumulated."""
    back: Integers
    """[k] predecessors."""
    spans: Array
    """[j, 2]: where the marks allow to change."""
    conflicts: Integers
    """[c, 3]: other lane, road.Meeting, 1 where this lane's driver lets the other's pass."""
    conflict_spans: Array
    """[c, 4]: own from, own to, other from, other to (m)."""


@struct("i8[:, ::1], f8[:, ::1], u8[::1]")
class Actors(NamedTuple):
    """The actors that drive along lanes."""

    i: Integers
    """[N, ...] by Index."""
    f: Array
    """[N, ...] by Actor."""
    keys: NDArray[np.uint64]
    """[N]: each actor's stream of chance."""


@struct("i8[:, ::1], f8[:, ::1], i8[::1], i8[::1]")
class Entries(NamedTuple):
    """Who is where in which lane."""

    i: Integers
    """[M, 2] by EntryIndex."""
    f: Array
    """[M, 6] by Entry."""
    order: Integers
    """[M]: slots by (lane, s)."""
    first: Integers
    """[L + 2]: where each lane begins in `order`."""


@struct("f8[:, ::1], i8[:, ::1], f8[::1], f8[::1], f8[::1], f8[::1]")
class Moment(NamedTuple):
    """What holds now beside the actors, and scratch."""

    zone_f: Array
    """[z, 3]: slow stretches, from, to, speed."""
    zone_i: Integers
    """[z, 1]: lane of a slow stretch."""
    held: Array
    """[L] scratch: how far the last rear of those with a grant for a lane has come on it (m)."""
    asked: Array
    """[N] scratch: acceleration asked for (m/s2)."""
    row_out: Array
    """[10] scratch: one row of a lane."""
    own: Array
    """[8] the own car's body (lane_kernels.place_body), far away before it is there."""


@struct("i8[::1], i8[::1], i8[::1], f8, f8, f8, i8, i8")
class Ground(NamedTuple):
    """The grid over all lanes (road.grid_kernels.LaneGrid), for finding lanes under a body."""

    lane_of_row: Integers
    starts: Integers
    rows: Integers
    x_m: float
    y_m: float
    cell_m: float
    columns: int
    lines: int


@struct("i8[:, ::1], f8[:, ::1], i8[::1], f8[:, ::1]")
class Sites(NamedTuple):
    """Where people walk and cross."""

    i: Integers
    """[n + 1, ...] by SiteIndex."""
    f: Array
    """[n, ...] by Site."""
    lane_i: Integers
    """[m]: lanes crossed."""
    lane_f: Array
    """[m, 4] by SiteLane."""


@struct("i8[:, ::1], f8[:, ::1], u8[::1], i8[:, ::1], f8[:, ::1]")
class People(NamedTuple):
    """People on foot and their rows among the actors' bodies."""

    i: Integers
    """[p, ...] by WalkIndex."""
    f: Array
    """[p, ...] by Walk."""
    keys: NDArray[np.uint64]
    body_i: Integers
    """[p, ...] by Index."""
    body_f: Array
    """[p, ...] by Actor."""


@struct("i8[::1], f8[::1]")
class Lamps(NamedTuple):
    """What the lights show now."""

    shown: Integers
    """[k] by columns.Lamp."""
    red_left: Array
    """[k]: seconds until red ends."""
