"""Landmarks: things whose place the map knows, seen from the car, hold the belief along the road.

GNSS alone leaves one to two metres there. A traffic light that was matched to the map's tells distance
and direction at once, and the nearer it is the better.
"""

from __future__ import annotations

import math

import numpy as np
from msgspec.structs import replace

from volant.core.geometry import wrap_angle_rad
from volant.pilot.course import Course
from volant.pilot.perception.localize import (
    HEADING,
    OFFSET,
    STATES,
    STATION,
    Ego,
    LocalizeTuning,
    is_late,
    shift_history,
)
from volant.pilot.perception.localize_kernels import correct, recall, world_pose


def fuse_marks(
    ego: Ego,
    sighted: tuple[tuple[float, float, float, float], ...],
    stamp_ns: int,
    course: Course,
    tuning: LocalizeTuning,
) -> Ego:
    """Fold in landmarks: (x, y) in the map and (ahead, left) as seen at a stamp; they hold us along the road."""
    if not sighted or not ego.matched or is_late(stamp_ns, ego, tuning):
        return ego
    then = np.empty(7)
    recall(ego.history, float(stamp_ns), then)
    ego = replace(ego, mean=ego.mean.copy(), cov=ego.cov.copy())
    before = ego.mean.copy()
    for x_m, y_m, ahead_m, left_m in sighted:
        learnt = ego.mean - before
        place = np.concatenate((then[4:] + learnt[:3], np.zeros(4)))
        own_x, own_y, yaw_rad = world_pose(course.table, course.step_m, place)
        cos, sin = math.cos(yaw_rad), math.sin(yaw_rad)
        dx, dy = x_m - own_x, y_m - own_y
        ahead, left = cos * dx + sin * dy, cos * dy - sin * dx
        away = math.hypot(ahead, left)
        if ahead < 1.0 or ahead_m < 1.0:
            continue
        turn = place[2]
        cos, sin = math.cos(turn), math.sin(turn)
        # A step along or across the road, as the car sees it.
        by_s, by_d = (cos, -sin), (sin, cos)
        row = np.zeros(STATES)
        row[STATION] = -(ahead * by_s[0] + left * by_s[1]) / away
        row[OFFSET] = -(ahead * by_d[0] + left * by_d[1]) / away
        miss_m = math.hypot(ahead_m, left_m) - away
        correct(ego.mean, ego.cov, row, miss_m, (tuning.mark_range_part * away) ** 2, 3.0)
        row = np.zeros(STATES)
        row[STATION] = (left * by_s[0] - ahead * by_s[1]) / away**2
        row[OFFSET] = (left * by_d[0] - ahead * by_d[1]) / away**2
        row[HEADING] = -1.0
        aside_rad = wrap_angle_rad(math.atan2(left_m, ahead_m) - math.atan2(left, ahead))
        correct(ego.mean, ego.cov, row, aside_rad, tuning.mark_angle_rad**2, 3.0)
    return replace(ego, history=shift_history(ego.history, ego.mean - before))
