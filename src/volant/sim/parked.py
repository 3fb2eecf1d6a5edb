"""Parked cars: which parking spaces are taken, and the rows of those near the own car.

A space is taken or free for a whole drive, by its own stream of chance. Spaces that a lane runs into (a
car park's bays) stay free, so that nobody finds the destination taken. Parked cars hide what is behind
them; they stand off every lane, so that nobody has to drive round them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from volant.core.chance import Chance
from volant.road import LaneGraph
from volant.road.curve_kernels import evaluate_reference, zeros
from volant.road.model import Road, RoadObject
from volant.road.sampling import piece_rows
from volant.sim.arrays import Ground, Roads
from volant.sim.columns import Actor, BodyClass, Index
from volant.sim.people_kernels import clear_of_lanes

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

TAKEN_SHARE: Final = 0.6
NEAR_M: Final = 160.0
LEAVE_M: Final = 200.0
_LEAST_LENGTH_M: Final = 4.4
_MARGIN_M: Final = 0.05
COLUMNS: Final = 7
"""Of a parked car: x, y, z, heading, length, width, height."""


def parked_cars(graph: LaneGraph, roads: Roads, ground: Ground, chance: Chance) -> Array:
    """Every parked car of a network, [n, 7]: x, y, z, heading, length, width, height."""
    rows = []
    for road in graph.network.roads:
        for item in road.objects:
            if item.kind != "parkingSpace" or item.length_m < _LEAST_LENGTH_M:
                continue
            drawn = chance.child(road.id, item.id)
            if drawn.uniform(0) >= TAKEN_SHARE:
                continue
            x_m, y_m, z_m, heading = _place(road, item)
            long = min(drawn.uniform(1, 3.8, 4.9), item.length_m - 0.8)
            wide = min(drawn.uniform(2, 1.68, 1.9), item.width_m - 0.2)
            high = drawn.uniform(3, 1.42, 1.75)
            heading += math.pi if drawn.uniform(4) < 0.1 else 0.0
            row = (x_m, y_m, z_m, heading, long, wide, high)
            if all(clear_of_lanes(roads, ground, x, y, z_m, _MARGIN_M) for x, y in _outline(row)):
                rows.append(row)
    return np.array(rows, dtype=np.float64).reshape(-1, COLUMNS)


def _place(road: Road, item: RoadObject) -> tuple[float, float, float, float]:
    at = zeros(1, 7)
    station = np.array([min(max(item.s_m, 0.0), road.length_m)], dtype=np.float64)
    evaluate_reference(piece_rows(road.geometries), station, at)
    heading, z_m = float(at[0, 2]), 0.0
    for record in road.elevations:
        if record.s_m <= item.s_m + 1e-9:
            ds = item.s_m - record.s_m
            z_m = record.a + ds * (record.b + ds * (record.c + ds * record.d))
    x_m = float(at[0, 0]) - item.t_m * math.sin(heading)
    y_m = float(at[0, 1]) + item.t_m * math.cos(heading)
    return x_m, y_m, z_m, heading + item.heading_rad


def _outline(row: tuple[float, ...]) -> list[tuple[float, float]]:
    x_m, y_m, _z, heading, long, wide, _high = row
    cos, sin = math.cos(heading), math.sin(heading)
    return [
        (
            x_m + 0.5 * (a * long * cos - b * wide * sin),
            y_m + 0.5 * (a * long * sin + b * wide * cos),
        )
        for a in (-1.0, 0.0, 1.0)
        for b in (-1.0, 1.0)
    ]


@dataclass(slots=True)
class Kerbside:
    """The parked cars of one world: all of them, and which stands in which row."""

    cars: Array
    body_f: Array
    body_i: Integers
    held: Integers
    """[rows]: index of the parked car in a row, or -1."""


def make_kerbside(cars: Array, body_f: Array, body_i: Integers) -> Kerbside:
    """Rows for parked cars, none of them filled yet."""
    return Kerbside(cars, body_f, body_i, np.full(len(body_f), -1, dtype=np.int64))


def show_parked(kerbside: Kerbside, x_m: float, y_m: float) -> None:
    """Fill the rows with the parked cars nearest to a place."""
    cars, held = kerbside.cars, kerbside.held
    if len(cars) == 0 or len(held) == 0:
        return
    dx, dy = cars[:, 0] - x_m, cars[:, 1] - y_m
    square = dx * dx + dy * dy
    for row in np.flatnonzero(held >= 0).tolist():
        if square[held[row]] > LEAVE_M * LEAVE_M:
            held[row] = -1
            kerbside.body_i[row, Index.ALIVE] = 0
    shown = set(held.tolist())
    near = [k for k in np.argsort(square, kind="stable").tolist() if square[k] < NEAR_M * NEAR_M]
    waiting = [k for k in near if k not in shown]
    for row, car in zip(np.flatnonzero(held < 0).tolist(), waiting, strict=False):
        _fill(kerbside, row, car)


def _fill(kerbside: Kerbside, row: int, car: int) -> None:
    body, index = kerbside.body_f[row], kerbside.body_i[row]
    body[:], index[:] = 0.0, 0
    x_m, y_m, z_m, heading, long, wide, high = kerbside.cars[car].tolist()
    yaw = math.remainder(heading, 2.0 * math.pi)
    body[Actor.X], body[Actor.Y], body[Actor.Z], body[Actor.YAW] = x_m, y_m, z_m, yaw
    body[Actor.BEFORE_X], body[Actor.BEFORE_Y], body[Actor.BEFORE_YAW] = x_m, y_m, yaw
    body[Actor.LENGTH], body[Actor.WIDTH], body[Actor.HEIGHT] = long, wide, high
    body[Actor.GAP] = math.inf
    index[Index.LANE] = index[Index.OLD_LANE] = index[Index.LEADER] = -1
    index[Index.CLASS], index[Index.ALIVE], index[Index.LIFE] = BodyClass.CAR, 1, 1
    kerbside.held[row] = car
