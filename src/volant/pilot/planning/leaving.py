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
from volant.pilot.planning.profile_kernels import hold_to_bends
from volant.pilot.prediction.forecast import ModeColumn, PointColumn

if TYPE_CHECKING:
    from volant.pilot.planning.motion import PlanInput

Array = NDArray[np.float64]
_ON_FOOT = 5  # class of people in rows of modes


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
    stop_mps2: float = 1.0
    """Of the stop at a destination that is reached by a change just before (planning.stops)."""
    least_mps: float = 3.0
    """In town the car may creep until it is let in."""
    beside_m: tuple[float, float] = (1.8, 5.5)
    """Who drives so far aside of our course is on the lane to change to."""
    queue_m: float = 80.0
    """Beyond where we would stop this much of a queue beside us is looked at."""


def slow_to_leave(
    given: PlanInput,
    change: Change,
    speeds: Array,
    binds: NDArray[np.int64],
    lateral_mps2: float,
    tuning: LeaveTuning,
    end_room_m: float,
) -> tuple[Array, NDArray[np.int64]]:
    """The profile of speeds [n] and what binds there [n], held down to what leaving this lane asks for.

    lateral_mps2: for curves; end_room_m: so far before a lane's end the car would stop.
    """
    course, station_m = given.course, given.ego.station_m
    leave, guide = course.leave, given.way.guide
    if leave is None or guide is None or leave.room_m - station_m > tuning.reach_m:
        return speeds, binds
    step_m, count = course.step_m, len(speeds)
    squares = np.full(count, math.inf)
    _hold_to_curves(given, squares, lateral_mps2, tuning)
    _hold_to_goal(given, squares, tuning)
    waits = change.phase is not Phase.MOVE
    if waits and not leave.ends:
        _hold_to_window(given, squares, tuning)
    speeds, binds = _held_down(speeds, binds, squares, causes.CURVE, step_m, tuning)
    if waits and leave.ends:
        squares = np.full(count, math.inf)
        _hold_to_slow_lane(given, squares, end_room_m + given.car.front_m, tuning)
        speeds, binds = _held_down(speeds, binds, squares, causes.MERGE, step_m, tuning)
    return speeds, binds


def _held_down(
    speeds: Array,
    binds: NDArray[np.int64],
    squares: Array,
    cause: int,
    step_m: float,
    tuning: LeaveTuning,
) -> tuple[Array, NDArray[np.int64]]:
    """A profile [n] below the bounds in `squares` [n] (by `_bound`), and what binds then."""
    ahead = np.minimum.accumulate(squares[::-1])[::-1]
    run = 2.0 * tuning.brake_mps2 * step_m * np.arange(len(speeds))
    bound = np.sqrt(np.maximum(ahead - run, 0.0))
    lower = bound < speeds
    return np.where(lower, bound, speeds), np.where(lower, cause, binds)


def _hold_to_curves(
    given: PlanInput, squares: Array, lateral_mps2: float, tuning: LeaveTuning
) -> None:
    """Bound the squares of speeds by the bends along the guide's way."""
    guide, course, station_m = given.way.guide, given.course, given.ego.station_m
    assert guide is not None
    ahead_m = 0.0
    for step in guide.steps(course.lane_index_at(station_m), course.lane_s_at(station_m)):
        hold_to_bends(
            given.way.graph.lanes[step.lane].samples,
            step.s_from_m,
            step.s_to_m,
            ahead_m,
            lateral_mps2,
            tuning.brake_mps2,
            course.step_m,
            squares,
        )
        ahead_m += step.s_to_m - step.s_from_m
        if ahead_m > tuning.reach_m:
            break


def _hold_to_goal(given: PlanInput, squares: Array, tuning: LeaveTuning) -> None:
    """Bound the square of the speed before a destination that lies on a lane beside this one."""
    left_m = _goal_beside_m(given)
    if left_m is None:
        return
    least_mps = _least_mps(given, tuning)
    rest_m = least_mps**2 / (2.0 * tuning.stop_mps2)  # from the least speed to a stop, calmly
    ahead_m = max(left_m - rest_m, 0.0)
    if ahead_m > tuning.reach_m:
        return
    _bound(squares, ahead_m, least_mps, given.course.step_m, tuning)


def _goal_beside_m(given: PlanInput) -> float | None:
    """How far ahead on a lane beside the destination lies; None where it does not."""
    lanes, station_m = given.way.graph.lanes, given.ego.station_m
    here, s_m = given.course.lane_index_at(station_m), given.course.lane_s_at(station_m)
    for leftwards in (True, False):
        at: int | None = here
        while at is not None:
            goal_m = given.way.guides[-1].goals.get(at)
            if goal_m is not None and len(given.way.guides) == 1:
                part = lanes[at].length_m / max(lanes[here].length_m, 1.0)
                left_m = goal_m - s_m * part
                return left_m if left_m > 0.0 else None  # behind us it is come to by going round
            at = lanes[at].left if leftwards else lanes[at].right
    return None


def _hold_to_window(given: PlanInput, squares: Array, tuning: LeaveTuning) -> None:
    """Bound the square of the speed where the change can begin, so that it fits in what is left."""
    course, station_m = given.course, given.ego.station_m
    leave = course.leave
    assert leave is not None
    low, high = course.row(station_m), course.row(max(leave.room_m, station_m))
    beside = course.left_m if leave.direction > 0 else course.right_m
    marks = course.left_open if leave.direction > 0 else course.right_open
    free = np.flatnonzero(np.isfinite(beside[low : high + 1]) & marks[low : high + 1])
    if not len(free):
        return
    room_m = len(free) * course.step_m
    window_mps = room_m / (tuning.change_s * max(leave.count, 1))
    most_mps = max(window_mps, _least_mps(given, tuning))
    ahead_m = float(free[0]) * course.step_m
    _bound(squares, ahead_m, most_mps, course.step_m, tuning)


def _bound(
    squares: Array, ahead_m: float, most_mps: float, step_m: float, tuning: LeaveTuning
) -> None:
    """Note a bound so far ahead as the square of the speed from which braking until there suffices."""
    row = min(int(ahead_m / step_m), len(squares) - 1)
    squares[row] = min(squares[row], most_mps**2 + 2.0 * tuning.brake_mps2 * ahead_m)


def _hold_to_slow_lane(
    given: PlanInput, squares: Array, end_room_m: float, tuning: LeaveTuning
) -> None:
    """Bound the square of the speed before a lane's end by that of the slowest beside it, ahead of us."""
    course, station_m = given.course, given.ego.station_m
    leave, points = course.leave, given.forecast.points
    assert leave is not None
    if not len(points):
        return
    now, modes = points[:, 0], given.forecast.modes
    ahead_m = now[:, PointColumn.STATION] - station_m
    aside_m = leave.direction * now[:, PointColumn.OFFSET]
    left_m = leave.room_m - station_m - end_room_m
    drives = modes[:, ModeColumn.CLASS] != _ON_FOOT
    beside = (tuning.beside_m[0] < aside_m) & (aside_m < tuning.beside_m[1])
    near = (ahead_m > 0.0) & (ahead_m < left_m + tuning.queue_m)
    rates = now[drives & beside & near, PointColumn.RATE]
    rates = rates[rates > -1.0]
    if not len(rates) or left_m <= 0.0:
        return
    _bound(squares, left_m, float(rates.min()), course.step_m, tuning)


def _least_mps(given: PlanInput, tuning: LeaveTuning) -> float:
    """Nobody slows down below this to change lanes."""
    limit_mps = float(given.course.limit_mps[given.course.row(given.ego.station_m)])
    return tuning.fast_part * limit_mps if limit_mps > tuning.fast_mps else tuning.least_mps
