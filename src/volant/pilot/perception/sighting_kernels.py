"""Landmarks of one frame matched to the map's and folded into the belief of localisation."""

from __future__ import annotations

import math

import numpy as np

from volant.core.kernels import kernel
from volant.pilot.perception.localize_kernels import correct, world_pose

_STATES = 7
_NEAR_M = 90.0  # no camera tells more than a glimmer farther away


@kernel("i8(f8[:, ::1], f8[::1], f8[::1], f8, f8[::1])")
def match_landmark(known, pose, seen, loose, figures):  # type: ignore[no-untyped-def]
    """The row of `known` that was seen, -1 where none or more than one may be it.

    known: [m, 5] x, y, cosine and sine of the heading, kind; pose: x, y, yaw; seen: kind, ahead, left;
    loose: by how much the belief may be out along the road; figures: as `fold_landmarks` has them.
    """
    cos, sin = math.cos(pose[2]), math.sin(pose[2])
    away = math.sqrt(seen[1] * seen[1] + seen[2] * seen[2])
    found = -1
    for row in range(known.shape[0]):
        if known[row, 4] != seen[0]:
            continue
        dx, dy = known[row, 0] - pose[0], known[row, 1] - pose[1]
        if abs(dx) > _NEAR_M or abs(dy) > _NEAR_M:
            continue
        if cos * known[row, 2] + sin * known[row, 3] < 0.3:  # it stands for others
            continue
        ahead, left = cos * dx + sin * dy, cos * dy - sin * dx
        along = (ahead * seen[1] + left * seen[2]) / away - away
        across = (seen[1] * left - seen[2] * ahead) / away
        miss = (along / (loose + figures[6] * away)) ** 2
        miss += (across / (figures[7] + figures[8] * away + 0.2 * loose)) ** 2
        if miss < 1.0:
            if found >= 0:
                return -1
            found = row
    return found


@kernel("f8(f8[:, ::1], f8[::1], f8, f8)")
def ratio_of(cov, row, innovation, variance):  # type: ignore[no-untyped-def]
    """An innovation in standard deviations."""
    total = variance
    for i in range(_STATES):
        for j in range(_STATES):
            total += row[i] * cov[i, j] * row[j]
    return abs(innovation) / math.sqrt(total)


@kernel("i8(f8[::1], f8[:, ::1], f8[::1], f8[:, ::1], f8, f8[:, ::1], f8[:, ::1], i8, f8[::1])")
def fold_landmarks(mean, cov, then, table, step, known, seen, signs, figures):  # type: ignore[no-untyped-def]
    """Fold landmarks into mean and cov in place; gives how many were believed.

    then: station, offset, heading error as believed when the picture was taken; seen: [n, 3] kind,
    ahead, left; kinds below `signs` are signs. figures: sigma of range (fixed, part of it) and of angle,
    variance that stands for the map's error of signs and of paint, gate; room of the match along (part
    of range) and across (fixed, part of range).
    """
    before = mean.copy()
    place, pose = np.empty(3), np.empty(3)
    by_range, by_angle = np.zeros(_STATES), np.zeros(_STATES)
    used = 0
    for one in range(seen.shape[0]):
        ahead_m, left_m = seen[one, 1], seen[one, 2]
        if not (ahead_m > 1.0 and abs(ahead_m) + abs(left_m) < _NEAR_M):
            continue
        for k in range(3):
            place[k] = then[k] + mean[k] - before[k]
        pose[0], pose[1], pose[2] = world_pose(table, step, place)
        loose = min(max(3.0 * math.sqrt(max(cov[0, 0], 0.0)), 1.0), 4.0)
        row = match_landmark(known, pose, seen[one], loose, figures)
        if row < 0:
            continue
        cos, sin = math.cos(pose[2]), math.sin(pose[2])
        dx, dy = known[row, 0] - pose[0], known[row, 1] - pose[1]
        ahead, left = cos * dx + sin * dy, cos * dy - sin * dx
        away = math.sqrt(ahead * ahead + left * left)
        if ahead < 1.0:
            continue
        # A step along or across the road, as the car sees it.
        cos, sin = math.cos(place[2]), math.sin(place[2])
        by_range[0] = -(ahead * cos - left * sin) / away
        by_range[1] = -(ahead * sin + left * cos) / away
        by_angle[0] = (left * cos + ahead * sin) / away**2
        by_angle[1] = (left * sin - ahead * cos) / away**2
        by_angle[2] = -1.0
        survey = figures[3] if seen[one, 0] < signs else figures[4]
        spread = figures[0] + figures[1] * away
        range_var = spread * spread + survey
        angle_var = figures[2] * figures[2] + survey / away**2
        far = math.sqrt(ahead_m * ahead_m + left_m * left_m) - away
        turn = math.atan2(left_m, ahead_m) - math.atan2(left, ahead)
        # Both must fit: what was put elsewhere fits one of them by chance only.
        if ratio_of(cov, by_range, far, range_var) > figures[5]:
            continue
        if ratio_of(cov, by_angle, turn, angle_var) > figures[5]:
            continue
        held = mean.copy()
        correct(mean, cov, by_range, far, range_var, figures[5])
        for k in range(3):
            turn -= by_angle[k] * (mean[k] - held[k])
        correct(mean, cov, by_angle, turn, angle_var, figures[5])
        used += 1
    return used
