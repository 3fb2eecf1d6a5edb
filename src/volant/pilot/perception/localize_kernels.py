"""Compiled parts of the localisation filter.

Mean: station, offset, heading error (all to the course's reference), slip angle at the rear axle
beyond what lateral acceleration explains, bias of the yaw rate sensor, and the slow error of GNSS
along the world's x and y. History rows, newest first: stamp, odometry x, y, yaw, and station, offset,
heading error as they were believed then.
"""

from __future__ import annotations

import math

import numpy as np

from volant.core.kernels import kernel
from volant.road.kernels import project_uniform, world_uniform

_HEADING, _CURVATURE = 4, 5
_STATES = 7


@kernel("f8(f8[:, ::1], f8, f8, i8)")
def column_at(table, step, station, column):  # type: ignore[no-untyped-def]
    """One column of the corridor at a station, linear between rows, held at the ends."""
    place = station / step
    row = min(max(int(place), 0), table.shape[0] - 2)
    part = min(max(place - row, 0.0), 1.0)
    return table[row, column] + part * (table[row + 1, column] - table[row, column])


@kernel("f8(f8[:, ::1], f8, f8)")
def turning_at(table, step, station):  # type: ignore[no-untyped-def]
    """By how much the corridor's heading column changes per metre there, zero beyond its ends."""
    place = station / step
    if place < 0.0 or place > table.shape[0] - 1:
        return 0.0
    row = min(int(place), table.shape[0] - 2)
    return (table[row + 1, _HEADING] - table[row, _HEADING]) / step


@kernel("Tuple((f8, f8, f8))(f8[:, ::1], f8, f8, f8, f8)")
def bends(table, step, station, ahead, reach):  # type: ignore[no-untyped-def]
    """Curvature at a station, that around a place ahead smoothed over its reach, and its rate by way."""
    now = column_at(table, step, station, _CURVATURE)
    bend = column_at(table, step, ahead, _CURVATURE)
    later = column_at(table, step, ahead + reach, _CURVATURE)
    sooner = column_at(table, step, ahead - reach, _CURVATURE)
    rate = 0.5 * (later - sooner) / reach
    bend += column_at(table, step, ahead + -0.5 * reach, _CURVATURE)
    bend += column_at(table, step, ahead + 0.5 * reach, _CURVATURE)
    return now, 0.2 * (sooner + bend + later), rate


@kernel(
    "Tuple((f8[::1], f8[:, ::1], f8[:, ::1]))"
    "(f8[::1], f8[:, ::1], f8[:, ::1], f8[:, ::1], f8, f8, f8, f8, f8, f8[::1])"
)
def predict(mean, cov, history, table, step, speed, yaw_rate, dt, stamp, noise):  # type: ignore[no-untyped-def]
    """Move the belief on by wheels and gyro, and push it on the history; inputs stay as they were.

    noise: densities of along-track (m/sqrt(m)), heading (rad/sqrt(s)), slip (rad/sqrt(s)), bias
    (rad/s/sqrt(s)), the time in which slip returns to what is explained (s), slip per lateral
    acceleration (rad per m/s2), spread (m) and time (s) of the slow error of GNSS.
    """
    s, n, mu, slip, bias = mean[0], mean[1], mean[2], mean[3], mean[4]
    curvature = column_at(table, step, s, _CURVATURE)
    shrink = max(1.0 - curvature * n, 0.2)
    turn = yaw_rate - bias
    course = mu + slip + noise[5] * speed * turn
    along = speed * math.cos(course) / shrink
    new_mean = mean.copy()
    new_mean[0] = s + along * dt
    new_mean[1] = n + speed * math.sin(course) * dt
    # By the headings of the reference: its column of curvature is smoothed over some metres.
    bend = column_at(table, step, new_mean[0], _HEADING) - column_at(table, step, s, _HEADING)
    new_mean[2] = mu + turn * dt - bend
    new_mean[3] = slip * (1.0 - dt / noise[4])
    fade = 1.0 - dt / noise[7]
    new_mean[5], new_mean[6] = fade * mean[5], fade * mean[6]

    step_to = np.eye(_STATES)
    step_to[0, 1] = along * curvature / shrink * dt
    step_to[1, 2] = speed * dt
    step_to[1, 3] = speed * dt
    # Who errs along the road errs in heading where the road begins to bend: not before, as the column of
    # curvature has it, or a straight lane would tell the station of a bend that lies ahead.
    step_to[2, 0] = turning_at(table, step, s) - turning_at(table, step, new_mean[0])
    step_to[2, 1] = -curvature * curvature * speed * dt
    step_to[2, 4] = -dt
    step_to[3, 3] = 1.0 - dt / noise[4]
    step_to[5, 5] = step_to[6, 6] = fade
    half = np.zeros((_STATES, _STATES))
    for i in range(_STATES):
        for k in range(_STATES):
            if step_to[i, k] != 0.0:
                for j in range(_STATES):
                    half[i, j] += step_to[i, k] * cov[k, j]
    new_cov = np.zeros((_STATES, _STATES))
    for i in range(_STATES):
        for j in range(_STATES):
            total = 0.0
            for k in range(_STATES):
                total += half[i, k] * step_to[j, k]
            new_cov[i, j] = total
    new_cov[0, 0] += noise[0] * noise[0] * abs(speed) * dt
    new_cov[2, 2] += noise[1] * noise[1] * dt
    new_cov[3, 3] += noise[2] * noise[2] * dt
    new_cov[4, 4] += noise[3] * noise[3] * dt
    drift = noise[6] * noise[6] * (1.0 - fade * fade)
    new_cov[5, 5] += drift
    new_cov[6, 6] += drift

    new_history = np.empty_like(history)
    new_history[1:] = history[:-1]
    x, y, yaw = history[0, 1], history[0, 2], history[0, 3]
    middle = yaw + course - mu + 0.5 * turn * dt
    new_history[0, 0] = stamp
    new_history[0, 1] = x + speed * dt * math.cos(middle)
    new_history[0, 2] = y + speed * dt * math.sin(middle)
    new_history[0, 3] = yaw + turn * dt
    new_history[0, 4] = new_mean[0]
    new_history[0, 5] = new_mean[1]
    new_history[0, 6] = new_mean[2]
    return new_mean, new_cov, new_history


@kernel("f8(f8[::1], f8[:, ::1], f8[::1], f8, f8, f8)")
def correct(mean, cov, row, innovation, variance, gate):  # type: ignore[no-untyped-def]
    """Fold one scalar measurement into mean and cov in place (Joseph form).

    row: how the measurement depends on the mean. Nothing changes where the innovation lies beyond
    `gate` standard deviations. Gives the innovation in standard deviations.
    """
    spread = np.zeros(_STATES)
    for i in range(_STATES):
        for j in range(_STATES):
            spread[i] += cov[i, j] * row[j]
    total = variance
    for i in range(_STATES):
        total += row[i] * spread[i]
    ratio = abs(innovation) / math.sqrt(total)
    if not ratio <= gate:
        return ratio
    gain = spread / total
    keep = np.eye(_STATES)
    for i in range(_STATES):
        mean[i] += gain[i] * innovation
        for j in range(_STATES):
            keep[i, j] -= gain[i] * row[j]
    half = np.zeros((_STATES, _STATES))
    for i in range(_STATES):
        for j in range(_STATES):
            for k in range(_STATES):
                half[i, j] += keep[i, k] * cov[k, j]
    for i in range(_STATES):
        for j in range(_STATES):
            value = variance * gain[i] * gain[j]
            for k in range(_STATES):
                value += half[i, k] * keep[j, k]
            cov[i, j] = value
    return ratio


@kernel("void(f8[:, ::1], f8, f8[::1])")
def recall(history, stamp, out):  # type: ignore[no-untyped-def]
    """Fill out with the history's columns at a stamp, linear between rows, held at its ends."""
    count = history.shape[0]
    if stamp >= history[0, 0]:
        out[:] = history[0]
        return
    for newer in range(count - 1):
        late, early = history[newer, 0], history[newer + 1, 0]
        if stamp >= early:
            part = (stamp - early) / (late - early) if late > early else 1.0
            out[:] = history[newer + 1] + part * (history[newer] - history[newer + 1])
            return
    out[:] = history[count - 1]


@kernel("Tuple((f8, f8, f8))(f8[:, ::1], f8, f8[::1])")
def world_pose(table, step, mean):  # type: ignore[no-untyped-def]
    """x, y and yaw in the world of a belief on the corridor."""
    x, y, heading = world_uniform(table, step, mean[0], mean[1])
    return x, y, heading + mean[2]


@kernel("Tuple((f8, f8, f8))(f8[:, ::1], f8, f8, f8, f8, f8)")
def on_course(table, step, x, y, yaw, hint):  # type: ignore[no-untyped-def]
    """Station, offset and heading error of a world pose on a course; hint: a station near, or nan."""
    s, n = project_uniform(table, step, x, y, hint)
    turn = yaw - column_at(table, step, s, _HEADING)
    turn -= 2.0 * math.pi * math.floor((turn + math.pi) / (2.0 * math.pi))
    return s, n, turn


@kernel(
    "Tuple((f8[::1], f8[:, ::1], f8[:, ::1]))"
    "(f8[::1], f8[:, ::1], f8[:, ::1], f8[:, ::1], f8, f8[:, ::1], f8)"
)
def carry_over(mean, cov, history, old, old_step, new, new_step):  # type: ignore[no-untyped-def]
    """Mean, covariance and history of a belief on the old course, as they read on the new one.

    The place in the world stays; station and offset are turned by the angle between the references,
    and stretched where they bend.
    """
    x, y, yaw = world_pose(old, old_step, mean)
    new_mean, new_history = mean.copy(), history.copy()
    s, n, turn = on_course(new, new_step, x, y, yaw, math.nan)
    new_mean[0], new_mean[1], new_mean[2] = s, n, turn
    angle = mean[2] - turn  # of the new reference to the old one
    cos, sin = math.cos(angle), math.sin(angle)
    wide = max(1.0 - mean[1] * column_at(old, old_step, mean[0], _CURVATURE), 0.2)
    narrow = max(1.0 - n * column_at(new, new_step, s, _CURVATURE), 0.2)
    turned = np.eye(_STATES)
    turned[0, 0], turned[0, 1] = cos * wide / narrow, -sin / narrow
    turned[1, 0], turned[1, 1] = sin * wide, cos
    half = np.zeros((_STATES, _STATES))
    new_cov = np.zeros((_STATES, _STATES))
    for i in range(_STATES):
        for j in range(_STATES):
            for k in range(_STATES):
                half[i, j] += turned[i, k] * cov[k, j]
    for i in range(_STATES):
        for j in range(_STATES):
            for k in range(_STATES):
                new_cov[i, j] += half[i, k] * turned[j, k]
    then = np.empty(3)
    for i in range(history.shape[0]):
        if history[i, 0] <= 0.0 and i > 0:  # nothing was believed then
            new_history[i, 4:7] = new_history[i - 1, 4:7]
            continue
        then[:] = history[i, 4:7]
        x, y, yaw = world_pose(old, old_step, then)
        a, b, c = on_course(new, new_step, x, y, yaw, s + history[i, 4] - mean[0])
        new_history[i, 4], new_history[i, 5], new_history[i, 6] = a, b, c
    return new_mean, new_cov, new_history
