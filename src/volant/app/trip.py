"""Which trip to drive: the wish of a user, and the lane and stretch of road that serve it.

The wish is plain data and stands in the journal's header, so that a replay composes the same drive.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from volant.core.errors import InputError
from volant.core.settings import nearest
from volant.road import Corridor, CorridorColumn, Lane, LaneGraph, follow

START_M: Final = 10.0
"""The rear axle stands this far into the corridor, so that the whole car is on it."""
BEYOND_M: Final = 600.0
"""Road kept beyond the destination: what the pilot looks ahead at 40 m/s (v^2/6 + 30 m, and room)."""
END_ROOM_M: Final = 25.0
"""Left free before a road's end: the car's front, and what is needed to stand before it."""
LEAST_TRIP_M: Final = 50.0
CANDIDATES: Final = 12
"""Lanes whose whole corridor is laid out, the most promising first."""
SENSOR_LEVELS: Final = ("perfect", "typical")


class TripWish(msgspec.Struct, frozen=True, kw_only=True):
    """What a user asks for; everything that a replay needs besides the files it names."""

    car: str
    road: str
    seed: Annotated[int, Meta(ge=0, lt=1 << 53)]
    sensors: str
    cars: Annotated[int, Meta(ge=0, le=500)] | None
    """Other cars near ours; null takes the default."""
    distance_m: Annotated[float, Meta(ge=LEAST_TRIP_M)]


@dataclass(frozen=True, slots=True)
class Stretch:
    """The road a trip takes."""

    corridor: Corridor
    start_m: float
    """Station of the rear axle at the start."""
    destination_m: float
    """Station to arrive at."""
    whole: bool
    """The road is long enough for the distance asked for."""


def check_sensors(level: str) -> None:
    """Refuse a level of sensors that there is not.

    Raises:
        InputError: with the nearest names.
    """
    if level not in SENSOR_LEVELS:
        close = ", ".join(nearest(level, SENSOR_LEVELS) or SENSOR_LEVELS)
        raise InputError(f"no sensors named {level!r}; nearest: {close}")


def choose_stretch(graph: LaneGraph, distance_m: float, file: Path) -> Stretch:
    """The longest drive along one main road, as far as the distance asked for.

    Every driving lane outside junctions is tried from its begin. What serves longest wins, then a
    motorway, then what keeps its lane longest, then a lane with a neighbour on either side, then the
    first in the file's order.

    Raises:
        InputError: the road has no lane to drive on, or none that is long enough.
    """
    lanes = [lane for lane in graph.lanes if lane.kind == "driving" and lane.length_m > 1.0]
    if not lanes:
        raise InputError("has no drivable lane", file=str(file))
    wanted_m = START_M + distance_m + BEYOND_M
    starts = [lane for lane in lanes if lane.junction is None] or lanes
    reach_m = {lane.index: _reach_m(graph, lane, wanted_m) for lane in starts}
    begins = sorted(starts, key=lambda lane: _merit(lane, reach_m[lane.index]), reverse=True)
    best, corridor = max(
        ((lane, follow(graph, lane.index, 0.0, wanted_m)) for lane in begins[:CANDIDATES]),
        key=lambda tried: (
            *_merit(tried[0], tried[1].length_m)[:2],
            -_changes(graph, tried[1]),
            *_merit(tried[0], tried[1].length_m)[2:],
        ),
    )
    if corridor.length_m < START_M + LEAST_TRIP_M + END_ROOM_M:
        words = f"the longest drive is {corridor.length_m:.0f} m on lane {best.id}, too short"
        raise InputError(words, file=str(file))
    destination_m = min(START_M + distance_m, corridor.length_m - END_ROOM_M)
    whole = destination_m >= START_M + distance_m - 1e-6
    return Stretch(corridor, START_M, destination_m, whole)


def junction_ahead_m(graph: LaneGraph, stretch: Stretch) -> float | None:
    """Distance along the trip to the first lane inside a junction, or None where there is none."""
    begin, end = stretch.start_m, stretch.destination_m
    for row in stretch.corridor.window(begin, end):
        if graph.lanes[int(row[CorridorColumn.LANE])].junction is not None:
            return max(0.0, float(row[CorridorColumn.S]) - begin)
    return None


def _merit(lane: Lane, reach_m: float) -> tuple[float, bool, int, int]:
    """How well a lane begins a trip that reaches so far; larger is better."""
    neighbours = (lane.left is not None) + (lane.right is not None)
    return round(reach_m, -1), lane.road_type == "motorway", neighbours, -lane.index


def _reach_m(graph: LaneGraph, lane: Lane, wanted_m: float) -> float:
    """How far the main road goes on from a lane's begin, up to what is wanted."""
    reach_m, here = lane.length_m, lane
    for _ in range(len(graph.lanes) * 4):
        onward = graph.main_successor(here.index)
        if onward is None or reach_m >= wanted_m:
            break
        here = graph.lanes[onward]
        reach_m += here.length_m
    return min(reach_m, wanted_m)


def _changes(graph: LaneGraph, corridor: Corridor) -> int:
    """How often the corridor moves to a neighbour lane."""
    return sum(
        later in (graph.lanes[sooner].left, graph.lanes[sooner].right)
        for sooner, later in pairwise(corridor.lanes)
    )
