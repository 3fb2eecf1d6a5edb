"""What the others will do: along the lanes they are on, each way at a junction, into ours, onto the road.

`foresee(tracker, ego, tuning)` alone takes the course for a straight road without lanes. With the course
and the map (`lanes.make_map`) vehicles go along the lanes of the graph, at a fork each way with its own
weight (indicator, speed); people go on as they walk, and who stands near the road may step onto it. Each
mode stands on the course and in the world, so that any other course can be checked against it
(`onto`). A cut-in is told by lateral speed against the room that is left, and only as far as that speed
is more than noise.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from volant.pilot.course import Course
from volant.pilot.perception.belief import Ego
from volant.pilot.perception.lanes import LaneWays, RoadMap
from volant.pilot.perception.track import TrackColumn, Tracker
from volant.pilot.prediction.forecast_kernels import forecast as roll
from volant.pilot.prediction.ways_kernels import onto_course
from volant.road.crossings import Crossing
from volant.road.kernels import project_uniform

Array = NDArray[np.float64]
MOST_TURN_RAD: Final = 0.01
"""Spread of the own heading that is counted at most: of the lane sensor alone, half a degree."""
NO_CROSSINGS: Final = np.zeros((0, 3))
_NO_TABLE: Final = np.array([[0.0] * 13, [1e6, 1e6, *([0.0] * 11)]])
_NOTHING: Final = np.zeros(0, dtype=np.int64)
_NO_WAYS: Final = LaneWays(
    *(np.zeros((0, 10)), _NOTHING, _NOTHING, np.zeros(5), _NOTHING, _NOTHING),
    *(_NOTHING, _NOTHING, np.zeros((0, 3))),
)


class ModeColumn(IntEnum):
    """Columns of `Forecast.modes`."""

    WEIGHT = 0
    CUT_IN = 1
    HALF_LENGTH = 2  # along the corridor, m
    HALF_WIDTH = 3  # across it
    ID = 4
    CLASS = 5
    TRACK = 6  # row of the confirmed tracks
    KIND = 7  # ModeKind
    LANE = 8  # lane of the graph that tells a way apart, -1 without one


class ModeKind(IntEnum):
    """What a mode stands for."""

    KEEP = 0
    CUT_IN = 1
    TURN = 2
    """One of several ways at a junction or fork."""
    STEP_OUT = 3
    """A person steps onto the road."""
    FREE = 4
    """On as now, off any lane."""


class PointColumn(IntEnum):
    """Columns of `Forecast.points`: of the box's middle, and half of what the box covers there."""

    STATION = 0
    OFFSET = 1
    RATE = 2
    ACCEL = 3
    SIDE_RATE = 4
    HALF_LENGTH = 5
    HALF_WIDTH = 6


class WorldColumn(IntEnum):
    """Columns of `Forecast.worlds`."""

    X = 0
    Y = 1
    HEADING = 2
    SPEED = 3
    ACCEL = 4
    SIDE_RATE = 5


@dataclass(frozen=True, slots=True)
class ForecastTuning:
    """How far present motion is believed to last."""

    dt_s: float = 0.25
    """Between points of a forecast."""
    steps: int = 32
    """8 s: long enough to stop from 28 m/s at 3.5 m/s2."""
    hold_s: float = 1.5
    """Braking lasts this long before it is expected to ease."""
    fade_s: float = 1.5
    """Then acceleration dies out in this time."""
    side_fade_s: float = 0.7
    """Lateral velocity of one who keeps his lane dies out in this time."""
    look_s: float = 2.5
    """Lateral velocity is carried on this long to see whether it reaches us."""
    start: float = 0.35
    """Share of the room between us that this must cover before a cut-in is thought of."""
    band_m: float = 1.1
    """Half of what the own car sweeps, with a hand's breadth."""
    lamp: float = 0.35
    """What an indicator towards us adds to the weight of a cut-in."""
    behind_m: float = 80.0
    """Range of rear radars: 15 m/s slower a car needs 70 m behind it to change lanes."""
    ahead_m: float = 250.0
    """Range of a front radar."""
    aside_m: float = 14.0
    """Road users farther away than these are not forecast; with a map: whose ways stay farther away."""
    doubt: float = 1.0
    """Standard deviations of lateral speed that do not count as a cut-in."""
    step_mps: float = 1.6
    """How fast a person steps out: a brisk walk (recalled: 5 to 6 km/h)."""
    step_s: float = 0.4
    """A person needs this long to turn."""
    step_m: float = 4.0
    """Farther from what we sweep than this nobody steps out at once."""
    bend_mps2: float = 4.0
    """Lateral acceleration that others turn with at most (recalled: nearly all stay below; who is thought
    slower than he is, is driven in front of)."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Modes of all road users near the corridor."""

    dt_s: float
    modes: Array
    """[m, 9], columns by ModeColumn; weights of one road user sum to one less what stays far away."""
    points: Array
    """[m, steps + 1, 7], columns by PointColumn, on the course, from now on every dt_s."""
    worlds: Array
    """[m, steps + 1, 6], columns by WorldColumn."""


def foresee(
    tracker: Tracker,
    ego: Ego,
    tuning: ForecastTuning,
    course: Course | None = None,
    road: RoadMap | None = None,
    crossings: Array = NO_CROSSINGS,
) -> Forecast:
    """Forecast every believed track near the course.

    The tracks must stand on the course already (`track.place`). crossings [c, 3]: x, y and radius of
    the crossings for people in the world (`crossing_circles`).
    """
    believed = tracker.table[:, TrackColumn.CONFIRMED] > 0.0
    ways = _NO_WAYS if road is None or course is None else road.ways
    table, step_m = (_NO_TABLE, 1.0) if course is None else (course.table, course.step_m)
    modes, points, worlds = roll(
        *(tracker.table[believed], tracker.cov[believed], ego.station_m, table, step_m),
        *(ways.table, ways.starts, ways.lane_of_row, ways.grid, ways.cells, ways.rows),
        *(ways.onward_starts, ways.onward, ways.shape, crossings),
        *(tuning.dt_s, tuning.steps, numbers(tuning, min(ego.sigma_heading_rad, MOST_TURN_RAD))),
    )
    return Forecast(tuning.dt_s, modes, points, worlds)


def numbers(tuning: ForecastTuning, heading_sigma_rad: float = 0.0) -> Array:
    """The tuning as the kernels read it."""
    return np.array(
        (
            *(tuning.hold_s, tuning.fade_s, tuning.side_fade_s, tuning.look_s, tuning.start),
            *(tuning.band_m, tuning.lamp, tuning.behind_m, tuning.ahead_m, tuning.aside_m),
            *(tuning.doubt, tuning.step_mps, tuning.step_s, tuning.step_m, tuning.bend_mps2),
            heading_sigma_rad,
        )
    )


def onto(forecast: Forecast, tracker: Tracker, course: Course) -> Forecast:
    """The same modes on another course; half sizes and weights as they are."""
    points = np.zeros_like(forecast.points)
    believed = tracker.confirmed
    for mode, world, out in zip(forecast.modes, forecast.worlds, points, strict=True):
        row = believed[int(mode[ModeColumn.TRACK])]
        hint, _offset = project_uniform(
            course.table, course.step_m, float(world[0, 0]), float(world[0, 1]), np.nan
        )
        length, width = row[TrackColumn.LENGTH], row[TrackColumn.WIDTH]
        onto_course(course.table, course.step_m, world, hint, length, width, out)
    return Forecast(forecast.dt_s, forecast.modes, points, forecast.worlds)


def crossing_circles(crossings: Iterable[Crossing]) -> Array:
    """Middle and radius [c, 3] of crossings for people, once at the start."""
    rows = []
    for crossing in crossings:
        x_m = sum(x for x, _ in crossing.corners) / len(crossing.corners)
        y_m = sum(y for _, y in crossing.corners) / len(crossing.corners)
        far_m = max(math.hypot(x - x_m, y - y_m) for x, y in crossing.corners)
        rows.append((x_m, y_m, far_m))
    return np.array(rows) if rows else NO_CROSSINGS
