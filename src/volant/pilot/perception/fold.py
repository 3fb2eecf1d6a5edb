"""What GNSS and the lane sensor measured, folded into the belief where their own stamps say."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from volant.core.clock import NS_PER_S
from volant.core.geometry import wrap_angle_rad
from volant.core.messages import GnssReturn, LaneReturn
from volant.pilot.course import Course
from volant.pilot.perception.belief import (
    DRIFT_X,
    DRIFT_Y,
    HEADING,
    OFFSET,
    ROAD_CURVATURE,
    ROAD_HEADING,
    ROW_HEADING,
    STATES,
    STATION,
    Ego,
    LocalizeTuning,
    gnss_is_off,
    shift_history,
    span_s,
    white_m,
)
from volant.pilot.perception.lanes import RoadMap
from volant.pilot.perception.localize_kernels import column_at, correct, recall, world_pose
from volant.road import CorridorColumn

Array = NDArray[np.float64]
BARE_BEHIND_M: Final = 25.0
"""So far behind a stretch without paint the place across is taken from the first paint seen."""


def fold_gnss(ego: Ego, gnss: GnssReturn, course: Course, tuning: LocalizeTuning) -> Ego:
    """Hold the belief by a fix, along the road, across it and in heading; its slow error is learnt."""
    then = np.empty(7)
    recall(ego.history, float(gnss.stamp_ns), then)
    # Compared in the world, at the place believed: GNSS itself may lie metres away, where the road
    # heads elsewhere.
    x_m, y_m, yaw_rad = world_pose(course.table, course.step_m, then[4:])
    heading = column_at(course.table, course.step_m, then[4], ROAD_HEADING)
    cos, sin = math.cos(heading), math.sin(heading)
    drift_x, drift_y = float(ego.mean[DRIFT_X]), float(ego.mean[DRIFT_Y])
    east_m, north_m = gnss.x_m - x_m - drift_x, gnss.y_m - y_m - drift_y
    variance = white_m(gnss, tuning) ** 2
    before, cov_before = ego.mean.copy(), ego.cov.copy()
    along = np.array((1.0, 0.0, 0.0, 0.0, 0.0, cos, sin))
    miss_m = cos * east_m + sin * north_m
    far = correct(ego.mean, ego.cov, along, miss_m, variance, tuning.gate)
    across = np.array((0.0, 1.0, 0.0, 0.0, 0.0, -sin, cos))
    learnt = ego.mean - before
    aside_m = cos * north_m - sin * east_m - float(across @ learnt)
    wide = correct(ego.mean, ego.cov, across, aside_m, variance, tuning.gate)
    turn = wrap_angle_rad(gnss.yaw_rad - yaw_rad - float(ego.mean[HEADING] - before[HEADING]))
    # Heading in the world: of the reference there and ours to it. In a bend it is no news of the station.
    yawing = np.array(
        (
            column_at(course.table, course.step_m, then[4], ROAD_CURVATURE),
            0.0,
            1.0,
            0.0,
            0.0,
            0.0,
            0.0,
        )
    )
    correct(
        *(ego.mean, ego.cov, yawing, turn, tuning.gnss_heading_sigma_rad**2, tuning.gate),
    )
    since_s = span_s(ego.last_gnss, gnss.stamp_ns)
    believed = far <= tuning.gate and wide <= tuning.gate
    if not believed and _has_jumped(ego, gnss, then, yaw_rad, tuning):
        ego.mean[:], ego.cov[:] = before, cov_before
        ego.mean[DRIFT_X] += east_m
        ego.mean[DRIFT_Y] += north_m
        _tie_drift(ego.cov, cos, sin, variance)
        return replace(ego, last_gnss=gnss)
    if not believed and ego.gnss_conflict_s > tuning.gnss_doubt_s:
        # Then we are wrong, or its slow error has jumped: the lane tells which, across the road.
        ego.cov[STATION, STATION] += miss_m**2
        ego.cov[DRIFT_X, DRIFT_X] += aside_m**2 * sin * sin
        ego.cov[DRIFT_Y, DRIFT_Y] += aside_m**2 * cos * cos
    return replace(
        ego,
        history=shift_history(ego.history, ego.mean - before),
        last_gnss=gnss,
        gnss_ns=gnss.stamp_ns if believed and not gnss_is_off(ego, tuning) else ego.gnss_ns,
        gnss_conflict_s=0.0 if believed else ego.gnss_conflict_s + since_s,
    )


def _has_jumped(
    ego: Ego, gnss: GnssReturn, then: Array, yaw_rad: float, tuning: LocalizeTuning
) -> bool:
    """From one fix to the next it went where wheels and gyro did not go, whatever is believed of the place.

    then: row of the history at the fix, yaw_rad: heading in the world there.
    """
    last = ego.last_gnss
    if last is None or gnss.stamp_ns - last.stamp_ns > tuning.oldest_s * NS_PER_S:
        return False
    before = np.empty(7)
    recall(ego.history, float(last.stamp_ns), before)
    turn = yaw_rad - float(then[3])
    cos, sin = math.cos(turn), math.sin(turn)
    dx, dy = float(then[1] - before[1]), float(then[2] - before[2])
    off_x_m = gnss.x_m - last.x_m - (cos * dx - sin * dy)
    off_y_m = gnss.y_m - last.y_m - (sin * dx + cos * dy)
    return math.hypot(off_x_m, off_y_m) > tuning.gnss_jump_m


def _tie_drift(cov: Array, cos: float, sin: float, variance: float) -> None:
    """The slow error of GNSS is now what the fix differs by from where the car is believed: it errs as
    that belief does, the other way, and by what changes from fix to fix. Nothing is learnt of the place.
    """
    step = np.eye(STATES)
    step[DRIFT_X, :] = step[DRIFT_Y, :] = 0.0
    step[DRIFT_X, STATION], step[DRIFT_X, OFFSET] = -cos, sin
    step[DRIFT_Y, STATION], step[DRIFT_Y, OFFSET] = -sin, -cos
    cov[:] = step @ cov @ step.T
    cov[DRIFT_X, DRIFT_X] += variance
    cov[DRIFT_Y, DRIFT_Y] += variance


def fold_lane(
    ego: Ego, lane: LaneReturn, course: Course, tuning: LocalizeTuning, road: RoadMap | None
) -> Ego:
    """Hold the belief across the road and in heading by what the camera sees of the lane."""
    then = np.empty(7)
    recall(ego.history, float(lane.stamp_ns), then)
    lag_s = (ego.stamp_ns - lane.stamp_ns) / NS_PER_S
    gate_m = min(max(tuning.lane_gate_m, 3.0 * ego.sigma_across_m), tuning.lane_gate_most_m)
    if ego.lane_ns < 0:
        gate_m = tuning.first_lane_gate_m if road is None else tuning.lane_gate_most_m
    miss_m = _lane_miss_m(ego, lane, then, course, road)
    unsure = ego.sigma_across_m > tuning.unsure_m
    if unsure and ego.lane_ns >= 0 and _is_alone(ego, course, miss_m):
        gate_m = tuning.lane_gate_alone_m
    since_s = span_s(ego.last_lane, lane.stamp_ns)
    if abs(miss_m) > gate_m:
        # Who stands sees the same again and again: that is one contradiction, not many.
        conflict_s = ego.lane_conflict_s + since_s * min(
            max(ego.speed_mps, 0.0) / tuning.lane_conflict_mps, 1.0
        )
        lane_ns = -1 if conflict_s > tuning.lane_relearn_s else ego.lane_ns
        return replace(ego, last_lane=lane, lane_ns=lane_ns, lane_conflict_s=conflict_s)
    if ego.lane_ns < 0:
        ego.cov[OFFSET, OFFSET] += miss_m**2  # the belief was wrong by so much
    before = ego.mean.copy()
    # The offset then is the offset now less what the heading has added since.
    run_m = -ego.speed_mps * lag_s
    row = np.array((0.0, 1.0, run_m, run_m, 0.0, 0.0, 0.0))
    correct(ego.mean, ego.cov, row, miss_m, tuning.lane_offset_sigma_m**2, math.inf)
    turn = wrap_angle_rad(lane.heading_rad - then[6] - (float(ego.mean[HEADING]) - before[HEADING]))
    correct(
        *(ego.mean, ego.cov, ROW_HEADING, turn, tuning.lane_heading_sigma_rad**2, tuning.gate),
    )
    return replace(
        ego,
        history=shift_history(ego.history, ego.mean - before),
        last_lane=lane,
        lane_ns=lane.stamp_ns,
        lane_conflict_s=0.0,
    )


def _is_alone(ego: Ego, course: Course, miss_m: float) -> bool:
    """Behind a junction no lane of our direction lies where the belief is wrong towards: what is seen there
    is our own.
    """
    row = course.row(ego.station_m)
    bare = course.unmarked[course.row(ego.station_m - BARE_BEHIND_M) : row + 1]
    beside = course.right_m if miss_m > 0.0 else course.left_m
    return bool(bare.any()) and not math.isfinite(float(beside[row]))


def _lane_miss_m(
    ego: Ego, lane: LaneReturn, then: Array, course: Course, road: RoadMap | None
) -> float:
    """How far the lane return is from what was believed then, in the lane that it fits best.

    While a line is crossed the camera may tell the lane on either side of it.
    """
    offset_m, station_m = float(then[5]), float(then[4])
    miss_m = lane.offset_m + centre_m_at(course, station_m) - offset_m
    if road is None or ego.lanes is None:
        return miss_m
    own = ego.lanes.own
    held = road.graph.lanes[own.lane]
    middle_m = _middle_m(ego, course, own.lane, own.offset_m)
    misses = [lane.offset_m + middle_m - offset_m]
    width_m = min(max(lane.width_m, 2.0), 5.0)
    if held.left is not None and own.offset_m > 0.0:
        misses.append(misses[0] + width_m)
    if held.right is not None and own.offset_m < 0.0:
        misses.append(misses[0] - width_m)
    return min(misses, key=abs)


def _middle_m(ego: Ego, course: Course, lane: int, offset_m: float) -> float:
    """Offset of a lane's middle from the reference; from the course's table where that is its lane."""
    row = course.row(ego.station_m)
    if int(course.table[row, CorridorColumn.LANE]) == lane:
        return float(course.centre_m[row])
    return ego.offset_m - offset_m


def centre_m_at(course: Course, station_m: float) -> float:
    """Where the middle of the lane that the camera sees lies beside the reference."""
    return float(course.centre_m[course.row(station_m)])
