"""Compiled forecast of other road users along the corridor."""

from __future__ import annotations

import math

import numpy as np

from volant.core.kernels import kernel

# Columns of tracks, as in perception.track.TrackColumn.
_LENGTH, _WIDTH, _INDICATOR, _ID, _CLASS = 8, 9, 17, 18, 19
_ON, _STATION, _OFFSET, _RATE, _SIDE_RATE, _ACCEL, _TURN = 28, 29, 30, 31, 32, 33, 34
# Columns of modes, as in forecast.ModeColumn.
_M_WEIGHT, _M_CUT_IN, _M_HALF_LENGTH, _M_HALF_WIDTH, _M_ID, _M_CLASS, _M_TRACK = 0, 1, 2, 3, 4, 5, 6
_MODES = 7
# Columns of points, as in forecast.PointColumn.
_P_STATION, _P_OFFSET, _P_RATE, _P_ACCEL = 0, 1, 2, 3
# Tuning row.
_T_HOLD_S, _T_FADE_S, _T_SIDE_FADE_S, _T_LOOK_S, _T_START, _T_BAND, _T_LAMP = 0, 1, 2, 3, 4, 5, 6
_T_BEHIND, _T_AHEAD, _T_ASIDE = 7, 8, 9
_LEFT, _RIGHT = 1.0, 2.0


@kernel("f8(f8[::1], f8[::1])")
def cut_in_weight(track, tuning):  # type: ignore[no-untyped-def]
    """How likely it is, 0 to 1, that a road user beside the corridor is moving into it.

    Its lateral velocity, carried on for a while, is set against the room left between its side and the
    band that the own car sweeps; an indicator towards us adds to it.
    """
    offset = track[_OFFSET]
    side = 1.0 if offset > 0.0 else -1.0
    half = 0.5 * (track[_WIDTH] * abs(math.cos(track[_TURN])))
    room = abs(offset) - half - tuning[_T_BAND]
    if room <= 0.0 or track[_RATE] < 0.5:
        return 0.0
    toward = -side * track[_SIDE_RATE]
    share = toward * tuning[_T_LOOK_S] / max(room, 0.3)
    weight = (share - tuning[_T_START]) / (1.0 - tuning[_T_START])
    lamp = _RIGHT if side > 0.0 else _LEFT
    if track[_INDICATOR] == lamp and toward > -0.1 and abs(offset) < 5.5:
        weight += tuning[_T_LAMP]
    return min(max(weight, 0.0), 1.0)


@kernel("void(f8[::1], b1, f8, i8, f8[::1], f8[:, ::1])")
def _roll(track, cut_in, dt, steps, tuning, out):  # type: ignore[no-untyped-def]
    s, n, v, a = track[_STATION], track[_OFFSET], track[_RATE], track[_ACCEL]
    side = track[_SIDE_RATE]
    if cut_in:
        direction = -1.0 if n > 0.0 else 1.0
        side = direction * max(direction * side, 0.5)
    elif v < -1.0:  # oncoming: his lane is his, and what he drifts is mostly noise
        side *= 0.3
    sign = 1.0 if v >= 0.0 else -1.0
    for k in range(steps + 1):
        out[k, _P_STATION], out[k, _P_OFFSET], out[k, _P_RATE], out[k, _P_ACCEL] = s, n, v, a
        change = a * dt
        if sign * (v + change) < 0.0:  # comes to rest within the step
            change = -v
            a = 0.0
        s += dt * (v + 0.5 * change)
        v += change
        if k * dt >= tuning[_T_HOLD_S] or a > 0.0:
            a *= max(1.0 - dt / tuning[_T_FADE_S], 0.0)
        if cut_in:
            if abs(n) < abs(side) * dt:
                n, side = 0.0, 0.0
            n += side * dt
        else:
            n += side * dt
            side *= max(1.0 - dt / tuning[_T_SIDE_FADE_S], 0.0)


@kernel("Tuple((f8[:, ::1], f8[:, :, ::1]))(f8[:, ::1], f8, f8, i8, f8[::1])")
def forecast(tracks, station, dt, steps, tuning):  # type: ignore[no-untyped-def]
    """Modes [m, 7] of the tracks near the corridor and their points [m, steps + 1, 4] from now on.

    Along: the acceleration holds for a while, then fades; nobody goes into reverse. Across: the lateral
    velocity fades (it keeps its lane), or, as a second mode, carries it into the corridor.
    """
    count = tracks.shape[0]
    modes = np.zeros((2 * count, _MODES))
    points = np.zeros((2 * count, steps + 1, 4))
    found = 0
    for i in range(count):
        track = tracks[i]
        ahead = track[_STATION] - station
        beyond = ahead < -tuning[_T_BEHIND] or ahead > tuning[_T_AHEAD]
        if track[_ON] == 0.0 or beyond or abs(track[_OFFSET]) > tuning[_T_ASIDE]:
            continue
        weight = cut_in_weight(track, tuning)
        cos, sin = abs(math.cos(track[_TURN])), abs(math.sin(track[_TURN]))
        for cut_in in range(2):
            share = weight if cut_in == 1 else 1.0 - weight
            if share < 0.02:
                continue
            mode = modes[found]
            mode[_M_WEIGHT] = share
            mode[_M_CUT_IN] = cut_in
            mode[_M_HALF_LENGTH] = 0.5 * (track[_LENGTH] * cos + track[_WIDTH] * sin)
            # A few degrees of heading are the sensor's noise, not a car that stands across.
            mode[_M_HALF_WIDTH] = 0.5 * (track[_LENGTH] * max(sin - 0.1, 0.0) + track[_WIDTH] * cos)
            mode[_M_ID] = track[_ID]
            mode[_M_CLASS] = track[_CLASS]
            mode[_M_TRACK] = i
            _roll(track, cut_in == 1, dt, steps, tuning, points[found])
            found += 1
    return modes[:found].copy(), points[:found].copy()
