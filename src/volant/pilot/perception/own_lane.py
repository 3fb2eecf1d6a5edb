"""The lanes of the graph that the car may be in, followed and weighed as news comes in."""

from __future__ import annotations

import math

from msgspec.structs import replace

from volant.core.messages import GnssReturn, LaneReturn
from volant.pilot.course import Course
from volant.pilot.perception.belief import (
    DRIFT_X,
    DRIFT_Y,
    OFFSET,
    ROAD_HEADING,
    Ego,
    LocalizeTuning,
    drift_m,
    gnss_is_off,
    shift_history,
    span_s,
)
from volant.pilot.perception.lanes import (
    LaneBelief,
    RoadMap,
    first_lanes,
    follow_lanes,
    weigh_lanes,
)
from volant.pilot.perception.localize_kernels import column_at, world_pose


def keep_to_lanes(ego: Ego, course: Course, road: RoadMap, tuning: LocalizeTuning) -> Ego:
    """Follow the lanes that the car may be in to where it is now."""
    pose, lanes = world_pose(course.table, course.step_m, ego.mean), ego.lanes
    if lanes is None:
        lanes = first_lanes(road, pose, ego.sigma_across_m, None, tuning.lanes)
        if lanes is None:
            return ego
        order = sorted(lanes.guesses, key=lambda one: abs(one.shift_m))
        base = order[0].shift_m
        guesses = tuple(replace(one, shift_m=one.shift_m - base) for one in order)
        lanes = LaneBelief(guesses)
    return replace(ego, lanes=follow_lanes(lanes, road, pose, tuning.lanes))


def spans(
    ego: Ego, lane: LaneReturn | None, gnss: GnssReturn | None, tuning: LocalizeTuning
) -> tuple[float, float]:
    """How much news came: of GNSS as a part of how long its error lasts, of the lane in seconds."""
    by_gnss = 0.0 if gnss is None else span_s(ego.last_gnss, gnss.stamp_ns) / tuning.gnss_drift_s
    by_lane = 0.0 if lane is None else span_s(ego.last_lane, lane.stamp_ns)
    return by_gnss, by_lane


def weigh(
    ego: Ego,
    lane: LaneReturn | None,
    course: Course,
    road: RoadMap,
    spans: tuple[float, float],
    tuning: LocalizeTuning,
) -> Ego:
    """Weigh the lanes; where another one fits better the belief moves there, and says so."""
    if ego.lanes is None:
        return ego
    yaw_rad = ego.heading_error_rad + column_at(
        course.table, course.step_m, ego.station_m, ROAD_HEADING
    )
    sin, cos = math.sin(yaw_rad), math.cos(yaw_rad)
    aside_m = cos * float(ego.mean[DRIFT_Y]) - sin * float(ego.mean[DRIFT_X])
    if gnss_is_off(ego, tuning):
        aside_m = 0.0  # it tells nothing of lanes
    drift = (aside_m, drift_m(ego.last_gnss, tuning))
    lanes = weigh_lanes(ego.lanes, road, lane, drift, spans, tuning.lanes)
    if lanes.moved == ego.lanes.moved:
        return replace(ego, lanes=lanes)
    shift_m = next((one.shift_m for one in ego.lanes.guesses if one.lane == lanes.own.lane), 0.0)
    mean = ego.mean.copy()
    mean[OFFSET] += shift_m
    mean[DRIFT_X] += shift_m * sin
    mean[DRIFT_Y] -= shift_m * cos
    return replace(ego, mean=mean, history=shift_history(ego.history, mean - ego.mean), lanes=lanes)
