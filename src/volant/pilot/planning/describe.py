"""A chosen motion as the message that screens, guard and journal read."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from volant.core.messages import Plan, StopPath
from volant.pilot.course import Course
from volant.pilot.perception.belief import Ego
from volant.pilot.planning.lanes import Change, Phase
from volant.pilot.planning.motion import Motion
from volant.pilot.planning.path_kernels import place_path, stop_path

STOP_STEP_M: Final = 2.0
"""Between points of a stop path; a quintic over 15 m and curves of 10 m stay true on it."""
REFERENCE_M: Final = 0.3
"""A lane's middle strays this far at most over a path for its offsets to mean something (chosen: a tenth
of a lane)."""
SOON_S: Final = 1.0
"""Going on as it does, the car is then in the one lane or the other: half of what ending the sideways
motion takes."""


def describe(motion: Motion, ego: Ego, course: Course) -> Plan:
    """The plan message of a motion."""
    placed = place_path(
        course.table, course.step_m, ego.mean, motion.path, float(motion.side[0]), motion.dt_s
    )
    x_m, y_m, yaw_rad, curvature_per_m = (tuple(column.tolist()) for column in placed.T)
    speed_mps, accel_mps2 = (tuple(motion.path[:, column].tolist()) for column in (1, 2))
    lead = motion.lead
    speed_now_mps = max(ego.speed_mps, 0.0)
    return Plan(
        stamp_ns=motion.stamp_ns,
        time_s=tuple(step * motion.dt_s for step in range(len(motion.path))),
        x_m=x_m,
        y_m=y_m,
        yaw_rad=yaw_rad,
        curvature_per_m=curvature_per_m,
        speed_mps=speed_mps,
        accel_mps2=accel_mps2,
        stop_path=describe_stop_path(ego, course, motion.change),
        target_speed_mps=motion.target_speed_mps,
        limit_mps=motion.limit_mps,
        limit_is_default=motion.limit_is_default,
        constraint=motion.constraint,
        reason=motion.reason,
        manoeuvre=motion.manoeuvre,
        lead_id=None if lead is None else lead.track_id,
        gap_m=None if lead is None else lead.gap_m,
        time_gap_s=None if lead is None or speed_now_mps < 1.0 else lead.gap_m / speed_now_mps,
        confidence=motion.confidence,
        distance_left_m=motion.distance_left_m,
        arrived=motion.arrived,
        refusals=motion.refusals,
        guidance=motion.guidance,
        light=motion.light,
        rerouted=motion.rerouted,
    )


def describe_stop_path(ego: Ego, course: Course, change: Change) -> StopPath:
    """A path of v^2/6 + 30 m and a little more, in the car frame, back to the lane's reference.

    In the midst of a lane change it ends in the lane that the car is about to be in anyway.
    """
    speed_mps = max(ego.speed_mps, 0.0)
    length_m = speed_mps**2 / 6.0 + 34.0
    count = math.ceil(length_m / STOP_STEP_M) + 1
    aim_m = _aim_m(ego, course, change, length_m)
    points = stop_path(course.table, course.step_m, ego.mean, speed_mps, count, STOP_STEP_M, aim_m)
    x_m, y_m, curvature_per_m, offset_m = (tuple(column.tolist()) for column in points.T)
    # Where the reference is not the middle of its lane, or no lane is known, an offset says nothing.
    rows = slice(course.row(ego.station_m), course.row(ego.station_m + length_m) + 1)
    middle = np.abs(course.centre_m[rows]).max() <= REFERENCE_M
    return StopPath(
        stamp_ns=ego.stamp_ns,
        step_m=STOP_STEP_M,
        x_m=x_m,
        y_m=y_m,
        curvature_per_m=curvature_per_m,
        offset_m=offset_m if middle and course.known else (),
    )


def _aim_m(ego: Ego, course: Course, change: Change, length_m: float) -> float:
    """Beside the reference: 0, or the middle of the lane that a change leads to, once that is nearer."""
    if change.phase is not Phase.MOVE or change.over:
        return 0.0
    beside = course.left_m if change.direction > 0 else course.right_m
    rows = slice(course.row(ego.station_m), course.row(ego.station_m + length_m) + 1)
    aim_m = float(beside[rows.start])
    # Of numbers only one that lasts: a lane that narrows or ends is not turned into.
    if not np.abs(beside[rows] - aim_m).max() < REFERENCE_M:
        return 0.0
    aside_mps = ego.speed_mps * math.sin(ego.heading_error_rad + ego.slip_rad)
    soon_m = ego.offset_m + aside_mps * SOON_S
    return aim_m if abs(soon_m - aim_m) < abs(soon_m) else 0.0
