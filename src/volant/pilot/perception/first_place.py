"""The first belief: which lanes a first position may be in, then a place on the course."""

from __future__ import annotations

import math

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
    ROAD_HEADING,
    ROW_OFFSET,
    STATES,
    STATION,
    Ego,
    LocalizeTuning,
    drift_m,
    is_late,
    shift_history,
    white_m,
)
from volant.pilot.perception.fold import centre_m_at
from volant.pilot.perception.lanes import RoadMap, first_lanes
from volant.pilot.perception.localize_kernels import column_at, correct
from volant.road.kernels import project_uniform

Array = NDArray[np.float64]


def begin(
    ego: Ego,
    lane: LaneReturn | None,
    gnss: GnssReturn | None,
    course: Course | None,
    tuning: LocalizeTuning,
    road: RoadMap | None,
) -> Ego:
    """The first belief: lanes that a first position may be in, then a place on the course."""
    last_gnss = gnss or ego.last_gnss
    if last_gnss is None or is_late(last_gnss.stamp_ns, ego, tuning):
        return ego
    if road is not None and (gnss is not None or ego.lanes is None):
        lag_s = (ego.stamp_ns - last_gnss.stamp_ns) / NS_PER_S
        yaw_rad, run_m = last_gnss.yaw_rad, ego.speed_mps * lag_s
        pose = (
            last_gnss.x_m + run_m * math.cos(yaw_rad),
            last_gnss.y_m + run_m * math.sin(yaw_rad),
            yaw_rad,
        )
        lanes = first_lanes(road, pose, last_gnss.sigma_m, lane or ego.last_lane, tuning.lanes)
        ego = replace(ego, lanes=lanes, last_gnss=last_gnss, last_lane=lane or ego.last_lane)
    if course is None or (gnss is None and (road is None or ego.lanes is None)):
        return ego
    return _match(ego, lane, last_gnss, course, tuning)


def _match(
    ego: Ego, lane: LaneReturn | None, gnss: GnssReturn, course: Course, tuning: LocalizeTuning
) -> Ego:
    """The place on the course nearest to GNSS and the likeliest lane, held across by the lane sensor.

    Where a loop closes, a car at its start could as well be at its end: the start is looked at first.
    """
    shift_m = 0.0 if ego.lanes is None else ego.lanes.own.shift_m
    x_m = gnss.x_m - shift_m * math.sin(gnss.yaw_rad)
    y_m = gnss.y_m + shift_m * math.cos(gnss.yaw_rad)
    station_m, offset_m = project_uniform(course.table, course.step_m, x_m, y_m, 0.0)
    if abs(offset_m) > 2.0 + 3.0 * gnss.sigma_m or station_m > 50.0:
        station_m, offset_m = project_uniform(course.table, course.step_m, x_m, y_m, math.nan)
    heading = column_at(course.table, course.step_m, station_m, ROAD_HEADING)
    error_rad = wrap_angle_rad(gnss.yaw_rad - heading)
    if abs(offset_m) > tuning.match_gate_m or abs(error_rad) > 1.0:
        return ego
    mean, cov = _first_mean(gnss, heading, tuning)
    lag_s = (ego.stamp_ns - gnss.stamp_ns) / NS_PER_S
    mean[:3] = station_m + ego.speed_mps * lag_s, offset_m, error_rad
    sin, cos = math.sin(gnss.yaw_rad), math.cos(gnss.yaw_rad)
    mean[DRIFT_X], mean[DRIFT_Y] = shift_m * sin, -shift_m * cos
    centre_m = centre_m_at(course, station_m)
    if lane is not None and abs(lane.offset_m + centre_m - offset_m) > tuning.first_lane_gate_m:
        lane = None
    if lane is not None:
        miss_m = lane.offset_m + centre_m - offset_m
        correct(mean, cov, ROW_OFFSET, miss_m, 4.0 * tuning.lane_offset_sigma_m**2, math.inf)
        mean[HEADING] = lane.heading_rad
        cov[HEADING, :] = cov[:, HEADING] = 0.0
        cov[HEADING, HEADING] = 4.0 * tuning.lane_heading_sigma_rad**2
    lanes = ego.lanes
    if lanes is not None:
        guesses = tuple(replace(one, shift_m=one.shift_m - shift_m) for one in lanes.guesses)
        lanes = replace(lanes, guesses=guesses)
    history = shift_history(ego.history, mean - ego.mean)
    return replace(
        ego, mean=mean, cov=cov, history=history, matched=True, gnss_ns=gnss.stamp_ns,
        lane_ns=ego.lane_ns if lane is None else lane.stamp_ns, last_gnss=gnss, last_lane=lane,
        lanes=lanes,
    )  # fmt: skip


def _first_mean(gnss: GnssReturn, heading: float, tuning: LocalizeTuning) -> tuple[Array, Array]:
    """An empty mean and the covariance after one fix: the place errs as GNSS does."""
    drift, white = drift_m(gnss, tuning) ** 2, white_m(gnss, tuning) ** 2
    cov = np.diag(np.array([drift + white, drift + white, 0.01, 1e-5, 1e-6, drift, drift]))
    cos, sin = math.cos(heading), math.sin(heading)
    for row, (by_x, by_y) in ((STATION, (cos, sin)), (OFFSET, (-sin, cos))):
        cov[row, DRIFT_X] = cov[DRIFT_X, row] = -drift * by_x
        cov[row, DRIFT_Y] = cov[DRIFT_Y, row] = -drift * by_y
    return np.zeros(STATES), cov
