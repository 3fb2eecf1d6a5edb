"""Compiled looks across the course: when somebody will be on a stretch of it."""

from __future__ import annotations

import math

import numpy as np

from volant.core.kernels import kernel
from volant.road.kernels import project_line

_M_WEIGHT, _M_CLASS, _M_TRACK = 0, 5, 6
_P_STATION, _P_OFFSET, _P_RATE, _P_SIDE_RATE, _P_HALF_LENGTH, _P_HALF_WIDTH = 0, 1, 2, 4, 5, 6
_W_X, _W_Y, _W_YAW = 0, 1, 2
_PEDESTRIAN = 5


@kernel("f8[:, ::1](f8[:, ::1], f8[:, :, ::1], f8[:, :, ::1], f8[:, ::1], f8, f8, f8)")
def visits(modes, points, worlds, lane, low, high, dt):  # type: ignore[no-untyped-def]
    """When others who drive along a lane are on a stretch [low, high] of it.

    lane: samples of theirs. It is asked in the world: our course may come by the same place twice, as in
    a roundabout. Gives [v, 5]: first and last time, speed over ground then, the weight, and the row of
    the mode; a visit that lasts to the horizon ends at inf.
    """
    found = np.empty((modes.shape[0], 5))
    count = 0
    steps = worlds.shape[1]
    middle = 0
    while middle < lane.shape[0] - 1 and lane[middle, 0] < 0.5 * (low + high):
        middle += 1
    x0, y0 = lane[middle, 1], lane[middle, 2]
    for m in range(modes.shape[0]):
        if modes[m, _M_WEIGHT] < 0.08 or int(modes[m, _M_CLASS]) == _PEDESTRIAN:
            continue
        first, last, row = -1, -1, -1
        for k in range(steps):
            world = worlds[m, k]
            reach = max(points[m, k, _P_HALF_LENGTH], points[m, k, _P_HALF_WIDTH])
            span = 0.5 * (high - low) + reach + 3.0
            if abs(world[_W_X] - x0) > span or abs(world[_W_Y] - y0) > span:
                continue
            s, offset, row = project_line(lane, world[_W_X], world[_W_Y], row)
            if s + reach < low or s - reach > high or abs(offset) > 2.0:
                continue
            turn = world[_W_YAW] - lane[row, 4]
            turn -= 2.0 * math.pi * math.floor((turn + math.pi) / (2.0 * math.pi))
            if abs(turn) > 0.6:
                continue
            if first < 0:
                first = k
            last = k
        if first < 0:
            continue
        before = max(first - 1, 0)
        dx = worlds[m, first, _W_X] - worlds[m, before, _W_X]
        dy = worlds[m, first, _W_Y] - worlds[m, before, _W_Y]
        found[count, 0] = first * dt
        found[count, 1] = last * dt if last < steps - 1 else math.inf
        found[count, 2] = math.sqrt(dx * dx + dy * dy) / dt if first > 0 else 0.0
        found[count, 3], found[count, 4] = modes[m, _M_WEIGHT], m
        count += 1
    return found[:count].copy()


@kernel("b1(f8[:, ::1], f8[:, :, ::1], f8, f8, f8, f8, f8, f8)")
def people_on(modes, points, low, high, near, far, until, dt):  # type: ignore[no-untyped-def]
    """Whether somebody on foot is on a stretch of the course or about to step on it until a time.

    near: offset within which anybody counts; far: within which those count who come nearer.
    """
    for m in range(modes.shape[0]):
        if modes[m, _M_WEIGHT] < 0.15 or int(modes[m, _M_CLASS]) != _PEDESTRIAN:
            continue
        now = points[m, 0]
        if low <= now[_P_STATION] <= high:
            aside = abs(now[_P_OFFSET])
            comes = -now[_P_SIDE_RATE] * (1.0 if now[_P_OFFSET] > 0.0 else -1.0)
            if aside < near or (aside < far and comes > 0.3):
                return True
        for k in range(points.shape[1]):
            if k * dt > until:
                break
            point = points[m, k]
            if low <= point[_P_STATION] <= high and abs(point[_P_OFFSET]) < near:
                return True
    return False


@kernel("f8(f8[:, ::1], f8[:, :, ::1], f8, f8, f8)")
def queue_end(modes, points, ahead, half, slow):  # type: ignore[no-untyped-def]
    """Station of the rear of the first slow road user in our way ahead of a station, inf for none."""
    nearest = math.inf
    for m in range(modes.shape[0]):
        if modes[m, _M_WEIGHT] < 0.3 or int(modes[m, _M_CLASS]) == _PEDESTRIAN:
            continue
        point = points[m, 0]
        if abs(point[_P_OFFSET]) > half + 0.5 * point[_P_HALF_WIDTH] or point[_P_RATE] > slow:
            continue
        if point[_P_RATE] < -0.5:
            continue
        rear = point[_P_STATION] - point[_P_HALF_LENGTH]
        if rear > ahead and rear < nearest:
            nearest = rear
    return nearest


@kernel("f8[::1](f8[:, ::1], f8[:, :, ::1], f8, f8, f8, f8, f8, f8, f8)")
def held_back(modes, points, front, speed, most, accel, place, half, dt):  # type: ignore[no-untyped-def]
    """[2] time until nobody ahead of us keeps our front from a place any longer, and his speed then.

    front: station of ours; speed, most, accel: ours now, our bound, and how we speed up. Those count who
    are in our way, now or later, ahead of where we would be by then; until they leave it or their rear is
    past the place. Beyond the forecast they go on as they do at its end. (0, inf) if nobody is ahead.
    """
    latest = np.array([0.0, math.inf])
    steps = points.shape[1]
    rising = max((most - speed) / accel, 0.0)
    for m in range(modes.shape[0]):
        if modes[m, _M_WEIGHT] < 0.3 or int(modes[m, _M_CLASS]) == _PEDESTRIAN:
            continue
        if points[m, 0, _P_RATE] < -0.5:
            continue
        ahead = False
        for k in range(steps):
            point = points[m, k]
            time = k * dt
            until = min(time, rising)
            ours = front + speed * time + accel * until * (time - 0.5 * until)
            if speed > most:
                ours = front + most * time
            rear = point[_P_STATION] - point[_P_HALF_LENGTH]
            within = abs(point[_P_OFFSET]) <= half + 0.5 * point[_P_HALF_WIDTH]
            if not ahead:
                if ours > place:
                    break
                ahead = within and rear >= ours
                if not ahead:
                    continue
            if not within or rear >= place:
                break
            time += dt
            if k == steps - 1:
                time += (place - rear) / max(point[_P_RATE], 0.3)
            if time > latest[0]:
                latest[0], latest[1] = time, max(point[_P_RATE], 0.0)
    return latest
