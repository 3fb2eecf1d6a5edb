"""Landmarks: things whose place the map knows, seen from the car, hold the belief along the road.

GNSS alone leaves one to two metres there. A traffic light that was matched to the map's tells distance
and direction at once, and the nearer it is the better.
"""

from __future__ import annotations

import math

import numpy as np
from msgspec.structs import replace

from volant.core.clock import NS_PER_S
from volant.core.geometry import wrap_angle_rad
from volant.core.messages import LaneReturn
from volant.pilot.course import Course
from volant.pilot.perception.belief import (
    HEADING,
    OFFSET,
    ROW_STATION,
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


def fold_paint(ego: Ego, lane: LaneReturn | None, course: Course, tuning: LocalizeTuning) -> Ego:
    """Where paint ends before a junction, and begins behind it, tells the station."""
    last = ego.last_lane
    if last is None:
        return ego
    if lane is None:
        ends, stamp_ns = True, last.stamp_ns
        waited_s = (ego.stamp_ns - stamp_ns) / NS_PER_S
        if waited_s < tuning.paint_wait_s or ego.paint_ns == stamp_ns:
            return ego
        ego = replace(ego, paint_ns=stamp_ns)
    else:
        ends, stamp_ns = False, lane.stamp_ns
        if (stamp_ns - last.stamp_ns) / NS_PER_S < tuning.paint_gap_s:
            return ego
    if is_late(stamp_ns, ego, tuning):
        return ego
    then = np.empty(7)
    recall(ego.history, float(stamp_ns), then)
    reach_m = max(3.0 * ego.sigma_along_m, 1.0)
    low, high = course.row(then[4] - reach_m), course.row(then[4] + reach_m)
    bare = course.unmarked[low : high + 1].astype(np.int8)
    edges = np.flatnonzero(np.diff(bare) == (1 if ends else -1))
    if not len(edges):
        return ego
    places = course.step_m * (low + edges + 0.5)
    miss_m = float(places[np.argmin(np.abs(places - then[4]))]) - float(then[4])
    sigma_m = tuning.paint_sigma_m + tuning.paint_sigma_s * ego.speed_mps
    ego = replace(ego, mean=ego.mean.copy(), cov=ego.cov.copy())
    before = ego.mean.copy()
    correct(ego.mean, ego.cov, ROW_STATION, miss_m, sigma_m**2, 3.0)
    return replace(ego, history=shift_history(ego.history, ego.mean - before))
