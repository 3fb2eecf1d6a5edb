"""Compiled parts of the tracker: coasting, association, update, births, placing on the corridor.

Tracks live in the odometry frame, which is smooth: a correction of the car's own place does not shake
them. Columns are those of `track.TrackColumn`; returns have the columns of `track.ReturnColumn`. All
kernels give new arrays and leave their inputs as they were.
"""

from __future__ import annotations

import math

import numpy as np

from volant.core.kernels import kernel
from volant.road.kernels import project_uniform

# The same order as TrackColumn; a kernel cannot read an IntEnum.
_X, _Y, _VX, _VY, _AX, _AY = 0, 1, 2, 3, 4, 5
_HEADING, _YAW_RATE, _LENGTH, _WIDTH, _HEIGHT = 6, 7, 8, 9, 10
_ODDS, _CONFIRMED, _FIRST_S, _SEEN_S, _HITS = 11, 12, 13, 14, 15
_BRAKE, _INDICATOR, _ID, _CLASS, _VOTES = 16, 17, 18, 19, 20
_ON, _STATION, _OFFSET, _RATE, _SIDE_RATE, _ACCEL, _TURN = 28, 29, 30, 31, 32, 33, 34
_WORLD_X, _WORLD_Y, _WORLD_YAW = 35, 36, 37
_COLUMNS = 38
# Returns.
_R_YAW, _R_LENGTH, _R_WIDTH, _R_HEIGHT, _R_CLASS, _R_SURE = 4, 5, 6, 7, 8, 9
_R_EXISTENCE, _R_BRAKE, _R_INDICATOR = 10, 11, 12
# Added to a return once it is in the odometry frame.
_S_COS, _S_SIN, _S_GROWTH = 13, 14, 15
_SEEN = 16
# Tuning row.
_T_JERK_ALONG, _T_JERK_ACROSS, _T_ACCEL_FADE, _T_GATE_M, _T_GATE_MPS = 0, 1, 2, 3, 4
_T_CONFIRM, _T_LOSE, _T_DROP, _T_CAP, _T_BIRTH = 5, 6, 7, 8, 9
_T_YOUNG, _T_MATURE, _T_GRACE_S, _T_CUE, _T_LEARN, _T_HITS = 10, 11, 12, 13, 14, 15
_T_LEAST, _T_WANDER, _T_MOST = 16, 17, 18
_T_HIDDEN, _T_HIDDEN_S, _T_ABSENT, _T_ABSENT_HITS = 22, 23, 24, 25
_CLASSES = 8
_UNKNOWN = 7
_SMALL_M = 1.2
# Columns of a frame: first and last return, pose then (3), lag, stamp, row of noise, then the field.
_F_NOISE, _F_X, _F_Y, _F_YAW, _F_HALF, _F_RANGE, _F_SMALL = 7, 8, 9, 10, 11, 12, 13


@kernel("f8(f8)")
def _wrap(angle):  # type: ignore[no-untyped-def]
    return angle - 2.0 * math.pi * math.floor((angle + math.pi) / (2.0 * math.pi))


@kernel("void(f8[:, ::1], f8, f8, f8, f8, f8, f8)")
def _spread(cov, dt, fade, along, across, cos, sin):  # type: ignore[no-untyped-def]
    """Cov of (x, y, vx, vy, ax, ay) moved on in place by dt, with jerk noise along and across."""
    for half in range(2):  # rows, then columns: F P, then (F P) F'
        for i in range(6):
            for j in range(2):
                p, v, a = j, 2 + j, 4 + j
                if half == 0:
                    cov[p, i] += dt * cov[v, i] + 0.5 * dt * dt * cov[a, i]
                    cov[v, i] += dt * cov[a, i]
                    cov[a, i] *= fade
                else:
                    cov[i, p] += dt * cov[i, v] + 0.5 * dt * dt * cov[i, a]
                    cov[i, v] += dt * cov[i, a]
                    cov[i, a] *= fade
    qa, qc = along * along, across * across
    xx, yy = qa * cos * cos + qc * sin * sin, qa * sin * sin + qc * cos * cos
    xy = (qa - qc) * sin * cos
    for j in range(2):
        own = xx if j == 0 else yy
        for k in range(2):
            q = own if j == k else xy
            cov[j, k] += q * dt**5 / 20.0
            cov[2 + j, 2 + k] += q * dt**3 / 3.0
            cov[4 + j, 4 + k] += q * dt
            cov[j, 2 + k] += q * dt**4 / 8.0
            cov[2 + k, j] += q * dt**4 / 8.0
            cov[j, 4 + k] += q * dt**3 / 6.0
            cov[4 + k, j] += q * dt**3 / 6.0
            cov[2 + j, 4 + k] += q * dt * dt / 2.0
            cov[4 + k, 2 + j] += q * dt * dt / 2.0


@kernel("b1(f8[:, ::1], i8, f8, f8, f8)")
def is_hidden(table, i, x, y, now):  # type: ignore[no-untyped-def]
    """Whether another believed track, seen just now, stands on the line from (x, y) to a track."""
    to_x, to_y = table[i, _X] - x, table[i, _Y] - y
    away = math.sqrt(to_x * to_x + to_y * to_y)
    if away < 1.0:
        return False
    ux, uy = to_x / away, to_y / away
    for j in range(table.shape[0]):
        if j == i or table[j, _CONFIRMED] == 0.0 or now - table[j, _SEEN_S] > 0.3:
            continue
        dx, dy = table[j, _X] - x, table[j, _Y] - y
        along, across = ux * dx + uy * dy, abs(ux * dy - uy * dx)
        if along <= 0.0 or along >= away - 0.3 * table[i, _LENGTH]:
            continue
        c, s = math.cos(table[j, _HEADING]), math.sin(table[j, _HEADING])
        lean = abs(ux * s - uy * c)  # sine of the angle between the box and the line of sight
        half = 0.5 * (table[j, _LENGTH] * lean + table[j, _WIDTH] * math.sqrt(1.0 - lean * lean))
        if across < half:
            return True
    return False


@kernel("Tuple((f8[:, ::1], f8[:, :, ::1]))(f8[:, ::1], f8[:, :, ::1], f8, f8, f8, f8, f8[::1])")
def coast(table, cov, dt, now, at_x, at_y, tuning):  # type: ignore[no-untyped-def]
    """Move all tracks on by dt to now (s); those that nothing has seen for long fade and drop out.

    at_x, at_y: the car; old tracks that stand behind another one from there fade slowly.
    """
    count = table.shape[0]
    out, out_cov = np.empty_like(table), np.empty_like(cov)
    kept = 0
    fade = max(1.0 - dt / tuning[_T_ACCEL_FADE], 0.0)
    for i in range(count):
        unseen = now - table[i, _SEEN_S]
        odds = table[i, _ODDS]
        if unseen > tuning[_T_GRACE_S]:
            rate = tuning[_T_YOUNG] if table[i, _HITS] < 6.0 else tuning[_T_MATURE]
            old = table[i, _CONFIRMED] > 0.0 and table[i, _HITS] >= 10.0
            if old and unseen < tuning[_T_HIDDEN_S] and is_hidden(table, i, at_x, at_y, now):
                rate = tuning[_T_HIDDEN]
            odds -= rate * min(dt, unseen - tuning[_T_GRACE_S])
        if odds < tuning[_T_DROP]:
            continue
        row = out[kept]
        row[:] = table[i]
        out_cov[kept] = cov[i]
        row[_ODDS] = odds
        if odds < tuning[_T_LOSE]:
            row[_CONFIRMED] = 0.0
        row[_X] += dt * (row[_VX] + 0.5 * dt * row[_AX])
        row[_Y] += dt * (row[_VY] + 0.5 * dt * row[_AY])
        cos, sin = math.cos(row[_HEADING]), math.sin(row[_HEADING])
        before = row[_VX] * cos + row[_VY] * sin
        row[_VX] += dt * row[_AX]
        row[_VY] += dt * row[_AY]
        after = row[_VX] * cos + row[_VY] * sin
        row[_AX] *= fade
        row[_AY] *= fade
        if before > 0.0 >= after:  # braking ends at standstill, not in reverse
            row[_VX] = row[_VY] = row[_AX] = row[_AY] = 0.0
        row[_HEADING] = _wrap(row[_HEADING] + dt * row[_YAW_RATE])
        along, across = tuning[_T_JERK_ALONG], tuning[_T_JERK_ACROSS]
        if row[_LENGTH] < _SMALL_M:  # people turn on the spot
            across = along
        _spread(out_cov[kept], dt, fade, along, across, cos, sin)
        out_cov[kept, 0, 0] += tuning[_T_WANDER] * dt
        out_cov[kept, 1, 1] += tuning[_T_WANDER] * dt
        kept += 1
    return out[:kept].copy(), out_cov[:kept].copy()


@kernel("i8(f8[:, ::1], i8, i8, f8[::1], f8[:, ::1])")
def _to_odometry(returns, first, last, frame, out):  # type: ignore[no-untyped-def]
    """Returns of one frame in the odometry frame, carried on by its lag, into out; gives their number.

    Those with a NaN, an absurd number or hardly any existence are left out. Columns 13 and 14 of out:
    cosine and sine of the line of sight; 15: growth of noise with distance.
    """
    kept = 0
    x, y, yaw, lag = frame[2], frame[3], frame[4], frame[5]
    cos, sin = math.cos(yaw), math.sin(yaw)
    for i in range(first, last):
        one = returns[i]
        fine = True
        for j in range(one.shape[0]):
            fine = fine and math.isfinite(one[j])
        far = abs(one[0]) > 1e3 or abs(one[1]) > 1e3
        fast = abs(one[2]) > 120.0 or abs(one[3]) > 120.0
        if not fine or far or fast or one[_R_EXISTENCE] <= 0.05:
            continue
        if one[_R_LENGTH] <= 0.0 or one[_R_WIDTH] <= 0.0:
            continue
        row = out[kept]
        for j in range(one.shape[0]):
            row[j] = one[j]
        row[2] = cos * one[2] - sin * one[3]
        row[3] = sin * one[2] + cos * one[3]
        dx, dy = cos * one[0] - sin * one[1], sin * one[0] + cos * one[1]
        row[0] = x + dx + lag * row[2]
        row[1] = y + dy + lag * row[3]
        row[_R_YAW] = _wrap(one[_R_YAW] + yaw)
        distance = math.sqrt(dx * dx + dy * dy)
        row[_S_COS] = dx / distance if distance > 0.1 else 1.0
        row[_S_SIN] = dy / distance if distance > 0.1 else 0.0
        row[_S_GROWTH] = 1.0 + distance / 40.0
        kept += 1
    return kept


@kernel("void(f8[:, ::1], f8[:, :, ::1], i8, f8[:, ::1], i8, f8[::1], f8[::1], i8[::1])")
def _associate(table, cov, tracks, seen, count, noise, tuning, owner):  # type: ignore[no-untyped-def]
    """The track of each return, -1 for none, into owner: nearest pairs inside the gate first."""
    pairs = np.empty((tracks * count, 3))
    found = 0
    for j in range(count):
        owner[j] = -1
        one = seen[j]
        cos, sin, growth = one[_S_COS], one[_S_SIN], one[_S_GROWTH]
        for i in range(tracks):
            dx, dy = one[0] - table[i, _X], one[1] - table[i, _Y]
            if abs(dx) > 20.0 or abs(dy) > 20.0:
                continue
            dvx, dvy = one[2] - table[i, _VX], one[3] - table[i, _VY]
            rush = dvx * dvx + dvy * dvy
            if rush > tuning[_T_GATE_MPS] * tuning[_T_GATE_MPS]:
                continue
            held = 0.5 * (cov[i, 0, 0] + cov[i, 1, 1])
            along, across = cos * dx + sin * dy, -sin * dx + cos * dy
            deep = held + (noise[0] * growth) ** 2 + 0.1 * tuning[_T_GATE_M]
            wide = held + (noise[1] * growth) ** 2 + 0.1 * tuning[_T_GATE_M]
            square = along * along / deep + across * across / wide
            if square > 16.0:
                continue
            pairs[found, 0] = square + 0.3 * rush
            pairs[found, 1] = i
            pairs[found, 2] = j
            found += 1
    taken = np.zeros(tracks, dtype=np.bool_)
    for k in np.argsort(pairs[:found, 0]):
        i, j = int(pairs[k, 1]), int(pairs[k, 2])
        if owner[j] < 0 and not taken[i]:
            owner[j] = i
            taken[i] = True


@kernel("f8(f8[::1], f8[:, ::1], i8, f8, f8, f8, f8)")
def _fold(row, cov, at, cos, sin, innovation, variance):  # type: ignore[no-untyped-def]
    """One scalar measurement of the pair of states (at, at + 1) along a direction, in place.

    Gives the square of the innovation less what the track itself was unsure of.
    """
    spread = np.empty(6)
    for i in range(6):
        spread[i] = cov[i, at] * cos + cov[i, at + 1] * sin
    held = spread[at] * cos + spread[at + 1] * sin
    total = held + variance
    for i in range(6):
        row[i] += spread[i] / total * innovation
        for j in range(6):
            cov[i, j] -= spread[i] * spread[j] / total
    return innovation * innovation - held


@kernel("b1(f8[::1])")
def _tells_lamps(one):  # type: ignore[no-untyped-def]
    """Whoever cannot tell what it sees (a radar) sees no lamps either: its "off" means nothing."""
    return one[_R_CLASS] != _UNKNOWN


@kernel("void(f8[::1], f8[:, ::1], f8[::1], f8, f8[::1], f8[::1])")
def _fold_motion(row, own, one, lag, noise, tuning):  # type: ignore[no-untyped-def]
    """Place and velocity of a matched return, along the line of sight and across it, in place."""
    if _tells_lamps(one) and one[_R_BRAKE] > 0.5 and row[_BRAKE] < 0.3 and row[_HITS] > 3.0:
        # Brake lights have just come on: expect braking before the speed shows it.
        row[_AX] -= tuning[_T_CUE] * math.cos(row[_HEADING])
        row[_AY] -= tuning[_T_CUE] * math.sin(row[_HEADING])
        own[4, 4] += 1.0
        own[5, 5] += 1.0
    cos, sin, growth = one[_S_COS], one[_S_SIN], one[_S_GROWTH]
    learns = row[_HITS] > 10.0
    for k in range(4):
        c, s = (cos, sin) if k % 2 == 0 else (-sin, cos)
        at = 0 if k < 2 else 2
        scale = growth if k < 2 else 1.0
        value = (one[at] - row[at]) * c + (one[at + 1] - row[at + 1]) * s
        if k >= 2:
            value += lag * (row[_AX] * c + row[_AY] * s)
        variance = (noise[k] * scale) ** 2
        miss = _fold(row, own, at, c, s, value, variance) / (scale * scale)
        if learns:
            now = noise[k] * noise[k]
            miss = min(max(miss, 0.0), 6.0 * now)
            learnt = math.sqrt(now + tuning[_T_LEARN] * (miss - now))
            noise[k] = min(max(learnt, tuning[_T_LEAST]), tuning[_T_MOST + k])


@kernel("void(f8[::1], f8[::1], f8, f8[::1])")
def _fold_shape(row, one, now, tuning):  # type: ignore[no-untyped-def]
    """Heading, size, class, lamps and existence of a matched return, in place."""
    share = max(1.0 / (row[_HITS] + 1.0), 0.04)
    turn = _wrap(one[_R_YAW] - row[_HEADING])
    if abs(turn) > 0.5 * math.pi:  # a box looks the same from behind
        turn = _wrap(turn + math.pi)
    row[_HEADING] = _wrap(row[_HEADING] + max(share, 0.1) * turn)
    row[_YAW_RATE] = min(max(0.98 * row[_YAW_RATE] + 0.06 * turn, -1.0), 1.0)
    row[_LENGTH] += share * (one[_R_LENGTH] - row[_LENGTH])
    row[_WIDTH] += share * (one[_R_WIDTH] - row[_WIDTH])
    row[_HEIGHT] += share * (max(one[_R_HEIGHT], 0.0) - row[_HEIGHT])
    kind = min(max(int(one[_R_CLASS]), 0), _CLASSES - 1)
    best = 0
    for k in range(_CLASSES):
        row[_VOTES + k] *= 0.98
    row[_VOTES + kind] += max(one[_R_SURE], 0.05)
    for k in range(_CLASSES):
        if row[_VOTES + k] > row[_VOTES + best]:
            best = k
    row[_CLASS] = best
    if _tells_lamps(one):
        row[_BRAKE] += 0.4 * (one[_R_BRAKE] - row[_BRAKE])
        row[_INDICATOR] = one[_R_INDICATOR]
    sure = min(max(one[_R_EXISTENCE], 0.05), 0.98)
    row[_ODDS] = min(row[_ODDS] + math.log(sure / (1.0 - sure)), tuning[_T_CAP])
    row[_SEEN_S] = max(now, row[_SEEN_S])
    row[_HITS] += 1.0
    if row[_ODDS] >= tuning[_T_CONFIRM] and row[_HITS] >= tuning[_T_HITS]:
        row[_CONFIRMED] = 1.0


@kernel("void(f8[:, ::1], i8, b1[::1], f8[::1], f8, f8[::1])")
def _doubt_unseen(table, count, matched, frame, now, tuning):  # type: ignore[no-untyped-def]
    """Young tracks that a sensor should see and does not tell of lose odds, in place."""
    if frame[_F_RANGE] <= 0.0:
        return
    cos, sin = math.cos(frame[4]), math.sin(frame[4])
    x = frame[2] + cos * frame[_F_X] - sin * frame[_F_Y]
    y = frame[3] + sin * frame[_F_X] + cos * frame[_F_Y]
    for i in range(count):
        row = table[i]
        if matched[i] or row[_HITS] > tuning[_T_ABSENT_HITS]:
            continue
        dx, dy = row[_X] - x, row[_Y] - y
        small = row[_LENGTH] < 2.0 and row[_WIDTH] < 1.0
        reach = frame[_F_SMALL] if small else frame[_F_RANGE]
        away = dx * dx + dy * dy
        if away > reach * reach or away < 4.0:
            continue
        aside = abs(_wrap(math.atan2(dy, dx) - frame[4] - frame[_F_YAW]))
        if aside > frame[_F_HALF] or is_hidden(table, i, x, y, now):
            continue
        row[_ODDS] -= tuning[_T_ABSENT]


@kernel(
    "Tuple((f8[:, ::1], f8[:, :, ::1], f8[:, ::1], f8))"
    "(f8[:, ::1], f8[:, :, ::1], f8[:, ::1], f8[:, ::1], f8[:, ::1], f8, f8[::1])"
)
def fold_frames(table, cov, returns, frames, noise, next_id, tuning):  # type: ignore[no-untyped-def]
    """Fold frames in, oldest first: match, update, open tracks for the rest, learn the noise.

    returns [r, 13] of all frames; frames [f, 14]: first and last return, the car's odometry pose then,
    lag until now (s), stamp (s), row of noise, and the sensor's field (fields.Field.numbers); noise [k, 4]: standard deviations of place and velocity,
    along the line of sight and across it. Gives the new table, covariances, noise and next id.
    """
    count, most = table.shape[0], table.shape[0] + returns.shape[0]
    out, out_cov = np.zeros((most, _COLUMNS)), np.zeros((most, 6, 6))
    out[:count], out_cov[:count] = table, cov
    learnt = noise.copy()
    seen = np.empty((max(returns.shape[0], 1), _SEEN))
    owner = np.empty(max(returns.shape[0], 1), dtype=np.int64)
    matched = np.empty(max(most, 1), dtype=np.bool_)
    for f in range(frames.shape[0]):
        frame = frames[f]
        own_noise = learnt[int(frame[_F_NOISE])]
        n = _to_odometry(returns, int(frame[0]), int(frame[1]), frame, seen)
        _associate(out, out_cov, count, seen, n, own_noise, tuning, owner)
        matched[:] = False
        for j in range(n):
            if owner[j] >= 0:
                matched[owner[j]] = True
        _doubt_unseen(out, count, matched, frame, frame[6], tuning)
        for j in range(n):
            one = seen[j]
            i = owner[j]
            if i >= 0:
                _fold_motion(out[i], out_cov[i], one, frame[5], own_noise, tuning)
                _fold_shape(out[i], one, frame[6], tuning)
                continue
            row, own = out[count], out_cov[count]
            for k in range(4):
                row[k] = one[k]
            row[_HEADING] = one[_R_YAW]
            row[_LENGTH], row[_WIDTH] = one[_R_LENGTH], one[_R_WIDTH]
            row[_HEIGHT] = max(one[_R_HEIGHT], 0.0)
            row[_BRAKE] = one[_R_BRAKE]
            row[_FIRST_S] = frame[6]
            row[_ID] = next_id
            row[_ODDS] = tuning[_T_BIRTH]
            place = (max(own_noise[0], own_noise[1]) * one[_S_GROWTH]) ** 2
            speed = max(own_noise[2], own_noise[3]) ** 2
            for k in range(6):
                own[k, k] = place if k < 2 else (speed if k < 4 else 4.0)
            _fold_shape(row, one, frame[6], tuning)
            next_id += 1.0
            count += 1
    return out[:count].copy(), out_cov[:count].copy(), learnt, next_id


@kernel("Tuple((f8[:, ::1], f8[:, :, ::1]))(f8[:, ::1], f8[:, :, ::1])")
def unite(table, cov):  # type: ignore[no-untyped-def]
    """Drop the younger of two tracks that claim the same room."""
    count = table.shape[0]
    keep = np.ones(count, dtype=np.bool_)
    for i in range(count):
        for j in range(i):
            if not keep[j]:
                continue
            dx, dy = table[i, _X] - table[j, _X], table[i, _Y] - table[j, _Y]
            dvx, dvy = table[i, _VX] - table[j, _VX], table[i, _VY] - table[j, _VY]
            cos, sin = math.cos(table[j, _HEADING]), math.sin(table[j, _HEADING])
            along, across = abs(cos * dx + sin * dy), abs(cos * dy - sin * dx)
            size = 0.5 * (table[i, _WIDTH] + table[j, _WIDTH])
            # Of a long box different sensors see different ends.
            long = max(0.77 * size, 0.35 * min(table[i, _LENGTH] + table[j, _LENGTH], 24.0))
            if along < long and across < 0.6 * size and dvx * dvx + dvy * dvy < 16.0:
                keep[i] = False
                break
    return table[keep].copy(), cov[keep].copy()


@kernel("f8[:, ::1](f8[:, ::1], f8[::1], f8[::1], f8[:, ::1], f8, f8, f8, f8, f8)")
def settle(table, odometry, world, corridor, step, station, length, loop, reach):  # type: ignore[no-untyped-def]
    """Fill in where the tracks are in the world and on the corridor.

    odometry, world: the car's pose (x, y, yaw) in either frame; station: the car's; loop: the length
    at which the corridor closes, 0 where it does not; reach: farthest offset that counts as on it.
    """
    out = table.copy()
    turn = world[2] - odometry[2]
    cos, sin = math.cos(turn), math.sin(turn)
    ahead_cos, ahead_sin = math.cos(world[2]), math.sin(world[2])
    for i in range(out.shape[0]):
        row = out[i]
        dx, dy = row[_X] - odometry[0], row[_Y] - odometry[1]
        x = world[0] + cos * dx - sin * dy
        y = world[1] + sin * dx + cos * dy
        row[_WORLD_X], row[_WORLD_Y] = x, y
        row[_WORLD_YAW] = _wrap(row[_HEADING] + turn)
        hint = station + (x - world[0]) * ahead_cos + (y - world[1]) * ahead_sin
        if row[_ON] > 0.0 and abs(row[_STATION] - hint) < 60.0:
            hint = row[_STATION] + 0.05 * row[_RATE]
        s, n = project_uniform(corridor, step, x, y, min(max(hint, 0.0), length))
        if loop > 0.0 and s - station > 0.5 * loop:
            s -= loop
        elif loop > 0.0 and s - station < -0.5 * loop:
            s += loop
        place = min(max(int(min(max(s, 0.0), length) / step), 0), corridor.shape[0] - 2)
        part = min(max(s / step - place, 0.0), 1.0)
        heading = corridor[place, 4] + part * (corridor[place + 1, 4] - corridor[place, 4])
        shrink = max(1.0 - n * corridor[place, 5], 0.3)
        c, d = math.cos(heading - turn), math.sin(heading - turn)
        row[_ON] = 1.0 if abs(n) < reach and -30.0 < s < length + 60.0 else 0.0
        row[_STATION], row[_OFFSET] = s, n
        row[_RATE] = (row[_VX] * c + row[_VY] * d) / shrink
        row[_SIDE_RATE] = -row[_VX] * d + row[_VY] * c
        row[_ACCEL] = row[_AX] * c + row[_AY] * d
        row[_TURN] = _wrap(row[_WORLD_YAW] - heading)
        if row[_VX] ** 2 + row[_VY] ** 2 < 0.16:  # standing; what is left of speed is noise
            row[_RATE] = row[_SIDE_RATE] = 0.0
    return out
