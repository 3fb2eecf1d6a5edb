"""How fast to come to the place where the way leaves this lane: slow enough to change, and for what follows.

While a car has yet to change lanes, its course runs straight on: the ramp behind the change is not part of
it. Here the guide's own way is looked along, so that the speed fits the ramp's curve before the change is
done, and fits the stretch that is left to change on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from volant.pilot.planning import causes
from volant.pilot.planning.lanes import Change, Phase
from volant.road import LaneColumn

if TYPE_CHECKING:
    from volant.pilot.planning.motion import PlanInput

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LeaveTuning:
    """How a lane is left for another way."""

    reach_m: float = 450.0
    """So far along the way is looked: from 130 to 40 km/h with the braking below takes 420 m."""
    brake_mps2: float = 1.4
    """Braking for a ramp's curve, most of it done on the lane that leads there."""
    change_s: float = 6.5
    """A signalled change takes this long: 2 s and 4.5 s (planning.lanes, planning.propose)."""
    fast_mps: float = 17.0
    """Where more than 60 km/h are allowed, to miss an exit is better than to hinder others:"""
    fast_part: float = 0.6
    """there nobody slows down below this part of the limit to change lanes."""
    least_mps: float = 3.0
    """In town the car may creep until it is let in."""


def slow_to_leave(
    given: PlanInput,
    change: Change,
    speeds: Array,
    binds: NDArray[np.int64],
    lateral_mps2: float,
    tuning: LeaveTuning,
) -> tuple[Array, NDArray[np.int64]]:
    """The profile of speeds [n] and what binds there [n], held down to what leaving this lane asks for.

    lateral_mps2: for curves.
    """
    course, station_m = given.course, given.ego.station_m
    leave, guide = course.leave, given.way.guide
    if leave is None or guide is None or leave.room_m - station_m > tuning.reach_m:
        return speeds, binds
    asked = [*_curves(given, lateral_mps2, tuning)]
    if change.phase is not Phase.MOVE and not leave.ends:
        asked += _window(given, tuning)
    if not asked:
        return speeds, binds
    step_m, count = course.step_m, len(speeds)
    squares = np.full(count, math.inf)
    for ahead_m, most_mps in asked:
        # Beyond the profile's end the place counts at its end, with what braking until there leaves.
        row = min(max(int(ahead_m / step_m), 0), count - 1)
        squares[row] = min(squares[row], most_mps**2 + 2.0 * tuning.brake_mps2 * max(ahead_m, 0.0))
    ahead = np.minimum.accumulate(squares[::-1])[::-1]
    run = 2.0 * tuning.brake_mps2 * step_m * np.arange(count)
    bound = np.sqrt(np.maximum(ahead - run, 0.0))
    lower = bound < speeds
    return np.where(lower, bound, speeds), np.where(lower, causes.CURVE, binds)


def _curves(
    given: PlanInput, lateral_mps2: float, tuning: LeaveTuning
) -> list[tuple[float, float]]:
    """Distance ahead and speed of the bends along the guide's way."""
    guide, course, station_m = given.way.guide, given.course, given.ego.station_m
    assert guide is not None
    found: list[tuple[float, float]] = []
    ahead_m = 0.0
    for leg in guide.legs(course.lane_index_at(station_m), course.lane_s_at(station_m)):
        rows = given.way.graph.lanes[leg.lane].samples
        low, high = np.searchsorted(rows[:, LaneColumn.S], (leg.s_from_m, leg.s_to_m))
        bends = np.abs(rows[low:high, LaneColumn.CURVATURE])
        for row in np.flatnonzero(bends > 1e-3).tolist():
            away_m = ahead_m + float(rows[low + row, LaneColumn.S]) - leg.s_from_m
            found.append((away_m, math.sqrt(lateral_mps2 / float(bends[row]))))
        ahead_m += leg.s_to_m - leg.s_from_m
        if ahead_m > tuning.reach_m:
            break
    return found


def _window(given: PlanInput, tuning: LeaveTuning) -> list[tuple[float, float]]:
    """Where the change can begin, and the speed with which it fits in what is left."""
    course, station_m = given.course, given.ego.station_m
    leave = course.leave
    assert leave is not None
    low, high = course.row(station_m), course.row(max(leave.room_m, station_m))
    beside = course.left_m if leave.direction > 0 else course.right_m
    marks = course.left_open if leave.direction > 0 else course.right_open
    free = np.flatnonzero(np.isfinite(beside[low : high + 1]) & marks[low : high + 1])
    if not len(free):
        return []
    room_m = len(free) * course.step_m
    limit = float(course.limit_mps[low])
    least = tuning.fast_part * limit if limit > tuning.fast_mps else tuning.least_mps
    return [
        (
            float(free[0]) * course.step_m,
            max(room_m / (tuning.change_s * max(leave.count, 1)), least),
        )
    ]
