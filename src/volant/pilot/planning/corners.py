"""How fast to pass what may hide somebody: slow enough to stop for a person who steps out of it.

Whoever steps out needs a while from coming into sight to coming into our way; the speed is such that the
car has gone by or can stand until then. Beside a row of parked cars at arm's length that would mean to
walk, which nobody does: below a floor it is left to emergency braking, which is quicker.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from volant.pilot.planning import causes

if TYPE_CHECKING:
    from volant.pilot.planning.motion import PlanInput
    from volant.pilot.prediction.hidden import OcclusionPoint

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CornerTuning:
    """What hidden places ask of the speed."""

    brake_mps2: float = 7.0
    """That a person who steps out is braked for with: dry road, below the 9 m/s2 of emergency braking."""
    react_s: float = 0.35
    """From coming into sight to braking: two frames, actuators 0.15 s."""
    least_mps: float = 9.7
    """Not slower than 35 km/h, as careful drivers pass parked cars in a street for 50 (estimated); side
    streets have limits of their own."""
    fast_mps: float = 17.0
    """Where more than 60 km/h are allowed, nobody is expected behind a standing car."""
    slow_mps2: float = 1.5
    """What comes into sight late is not braked for harder than this: it is a prior, not a person."""
    before_m: float = 4.0
    """The speed holds this far before the front bumper is at the corner."""
    in_way_m: float = 0.1
    """With less room beside it the thing itself is in the way, and is no corner."""


def slow_places(given: PlanInput, tuning: CornerTuning) -> Array:
    """[z, 4] stretches with a lower speed: from, to, speed, cause."""
    rows = [row for point in given.hidden if (row := _slow(given, point, tuning)) is not None]
    return np.array(rows) if rows else np.zeros((0, 4))


def corner_mps(room_m: float, person_mps: float, tuning: CornerTuning) -> float:
    """Speed with which a car that has `room_m` beside it has gone by, or stands, in time.

    A car at v that is just too far away to have gone by before the person is in its way, v * room/person,
    must stand within that distance: v = 2 a (room/person - react).
    """
    spare_s = room_m / max(person_mps, 0.1) - tuning.react_s
    return max(2.0 * tuning.brake_mps2 * spare_s, tuning.least_mps)


def _slow(
    given: PlanInput, point: OcclusionPoint, tuning: CornerTuning
) -> tuple[float, float, float, float] | None:
    course, car, speed_mps = given.course, given.car, given.speed_mps
    row = course.row(point.station_m)
    if float(course.limit_mps[row]) > tuning.fast_mps:
        return None
    room_m = abs(point.aside_m - float(course.centre_m[row])) - 0.5 * car.width_m
    to_m = point.station_m - car.front_m
    from_m = to_m - tuning.before_m
    left_m = from_m - given.ego.station_m
    if room_m < tuning.in_way_m or to_m < given.ego.station_m:
        return None
    wanted_mps = corner_mps(room_m, point.speed_mps, tuning)
    calm_mps = math.sqrt(max(speed_mps**2 - 2.0 * tuning.slow_mps2 * max(left_m, 0.0), 0.0))
    return from_m, to_m, max(wanted_mps, calm_mps), float(causes.OCCLUSION)
