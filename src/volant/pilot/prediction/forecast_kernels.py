"""Compiled forecast of other road users: modes with weights, in the world and on the course."""

from __future__ import annotations

import math

import numpy as np

from volant.core.kernels import kernel
from volant.pilot.prediction.ways_kernels import (
    MOST_FITS,
    MOST_LANES,
    lanes_under,
    onto_course,
    roll_free,
    roll_way,
    ways_onward,
)

# Columns of tracks, as in perception.track.TrackColumn.
_VX, _VY, _AX, _AY, _HEADING, _YAW_RATE = 2, 3, 4, 5, 6, 7
_LENGTH, _WIDTH, _INDICATOR, _ID, _CLASS = 8, 9, 17, 18, 19
_ON, _STATION, _OFFSET, _RATE, _SIDE_RATE, _ACCEL, _TURN = 28, 29, 30, 31, 32, 33, 34
_WORLD_X, _WORLD_Y, _WORLD_YAW = 35, 36, 37
# Columns of modes, as in forecast.ModeColumn.
_M_WEIGHT, _M_CUT_IN, _M_HALF_LENGTH, _M_HALF_WIDTH, _M_ID, _M_CLASS, _M_TRACK = range(7)
_M_KIND, _M_LANE = 7, 8
_MODES = 9
# Columns of points, as in forecast.PointColumn.
_P_STATION, _P_OFFSET, _P_RATE, _P_ACCEL, _P_SIDE_RATE, _P_HALF_LENGTH, _P_HALF_WIDTH = range(7)
POINTS = 7
# Tuning row.
_T_HOLD_S, _T_FADE_S, _T_SIDE_FADE_S, _T_LOOK_S, _T_START, _T_BAND, _T_LAMP = 0, 1, 2, 3, 4, 5, 6
_T_BEHIND, _T_AHEAD, _T_ASIDE, _T_DOUBT, _T_STEP_MPS, _T_STEP_S, _T_STEP_M = 7, 8, 9, 10, 11, 12, 13
_T_PULL, _T_HEADING = 14, 15
_LEFT, _RIGHT = 1.0, 2.0
_CYCLIST, _PEDESTRIAN, _OBSTACLE = 4.0, 5.0, 6.0
KEEP, CUT_IN, TURN, STEP_OUT, FREE = 0.0, 1.0, 2.0, 3.0, 4.0
_MOST_MODES = 4  # of one road user


@kernel("f8(f8[::1], f8[:, ::1], f8)")
def side_doubt(track, cov, heading):  # type: ignore[no-untyped-def]
    """Standard deviation of a track's speed across the course; heading: of the course's own direction."""
    angle = track[_HEADING] - track[_TURN]  # of the course, in the odometry frame
    c, s = math.cos(angle), math.sin(angle)
    turned = heading * track[_RATE]
    own = cov[2, 2] * s * s - 2.0 * cov[2, 3] * s * c + cov[3, 3] * c * c
    return math.sqrt(max(own, 0.0) + turned * turned)


@kernel("f8(f8[::1], f8, f8[::1])")
def cut_in_weight(track, doubt, tuning):  # type: ignore[no-untyped-def]
    """How likely it is, 0 to 1, that a road user beside the course is moving into it.

    Its lateral velocity, carried on for a while, is set against the room left between its side and the
    band that the own car sweeps; what may be noise (doubt: its standard deviation) does not count. An
    indicator towards us adds to it.
    """
    offset = track[_OFFSET]
    side = 1.0 if offset > 0.0 else -1.0
    half = 0.5 * (track[_WIDTH] * abs(math.cos(track[_TURN])))
    room = abs(offset) - half - tuning[_T_BAND]
    if room <= 0.0 or track[_RATE] < 0.5:
        return 0.0
    toward = -side * track[_SIDE_RATE]
    need = max(room, 0.3) / tuning[_T_LOOK_S]
    weight = (toward / need - tuning[_T_START]) / (1.0 - tuning[_T_START])
    if doubt > 0.0:
        clear = (toward - tuning[_T_START] * need) / doubt - tuning[_T_DOUBT]
        weight *= min(max(clear, 0.0), 1.0)
    lamp = _RIGHT if side > 0.0 else _LEFT
    if track[_INDICATOR] == lamp and toward > -0.1 and abs(offset) < 5.5:
        weight = max(weight, 0.0) + tuning[_T_LAMP]
    return min(max(weight, 0.0), 1.0)


@kernel("f8(f8[::1], f8[:, ::1], f8[::1])")
def step_out_weight(track, crossings, tuning):  # type: ignore[no-untyped-def]
    """How likely it is, 0 to 1, that a person beside the course steps onto it without a sign yet.

    Near the course, turned to it, slow, at a crossing: each makes it likelier. Who already walks to it
    needs no second mode: the first leads there. crossings [c, 3]: x, y and radius of each.
    """
    offset = track[_OFFSET]
    side = 1.0 if offset > 0.0 else -1.0
    room = abs(offset) - 0.5 * track[_WIDTH] - tuning[_T_BAND]
    if room <= 0.0 or room > tuning[_T_STEP_M]:
        return 0.0
    toward = -side * track[_SIDE_RATE]
    if toward > 0.5:
        return 0.0
    near = 1.0 - room / tuning[_T_STEP_M]
    facing = max(-side * math.sin(track[_TURN]), 0.0)
    walking = min(abs(track[_RATE]) / 1.4, 1.0)
    weight = near * (0.05 + 0.2 * facing * (1.0 - 0.5 * walking))
    for i in range(crossings.shape[0]):
        dx, dy = track[_WORLD_X] - crossings[i, 0], track[_WORLD_Y] - crossings[i, 1]
        reach = crossings[i, 2] + 2.0
        if dx * dx + dy * dy < reach * reach:
            weight += (0.25 + 0.45 * facing) * (1.0 - 0.6 * walking)
            break
    return min(weight, 0.9)


@kernel("void(f8[::1], b1, f8, i8, f8[::1], f8[:, ::1])")
def _roll(track, cut_in, dt, steps, tuning, out):  # type: ignore[no-untyped-def]
    """Along the course as along a straight road; for those of whom no lane is known."""
    s, n, v, a = track[_STATION], track[_OFFSET], track[_RATE], track[_ACCEL]
    side = track[_SIDE_RATE]
    if cut_in:
        direction = -1.0 if n > 0.0 else 1.0
        side = direction * max(direction * side, 0.5)
    elif v < -1.0:  # oncoming: his lane is his, and what he drifts is mostly noise
        side *= 0.3
    sign = 1.0 if v >= 0.0 else -1.0
    cos, sin = abs(math.cos(track[_TURN])), abs(math.sin(track[_TURN]))
    along = 0.5 * (track[_LENGTH] * cos + track[_WIDTH] * sin)
    across = 0.5 * (track[_LENGTH] * max(sin - 0.1, 0.0) + track[_WIDTH] * cos)
    for k in range(steps + 1):
        out[k, _P_STATION], out[k, _P_OFFSET], out[k, _P_RATE], out[k, _P_ACCEL] = s, n, v, a
        out[k, _P_SIDE_RATE], out[k, _P_HALF_LENGTH], out[k, _P_HALF_WIDTH] = side, along, across
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


@kernel("void(f8[::1], f8, i8, f8[::1], f8[:, ::1])")
def _roll_step_out(track, dt, steps, tuning, out):  # type: ignore[no-untyped-def]
    """A person turns to the course after a moment and walks across it."""
    s, n = track[_STATION], track[_OFFSET]
    across = -1.0 if n > 0.0 else 1.0
    half = 0.5 * max(track[_LENGTH], track[_WIDTH])
    for k in range(steps + 1):
        walks = k * dt >= tuning[_T_STEP_S]
        side = across * tuning[_T_STEP_MPS] if walks else track[_SIDE_RATE]
        rate = 0.0 if walks else track[_RATE]
        out[k, _P_STATION], out[k, _P_OFFSET], out[k, _P_RATE], out[k, _P_ACCEL] = s, n, rate, 0.0
        out[k, _P_SIDE_RATE], out[k, _P_HALF_LENGTH], out[k, _P_HALF_WIDTH] = side, half, half
        s += rate * dt
        n += side * dt


@kernel("void(f8[:, ::1], f8, f8[:, ::1], f8[:, ::1])")
def _to_world(course, step, points, out):  # type: ignore[no-untyped-def]
    """Points on the course as world x, y, heading, speed, accel, side rate (of motion)."""
    last = course.shape[0] - 2
    for k in range(points.shape[0]):
        s = points[k, _P_STATION]
        row = min(max(int(s / step), 0), last)
        part = (s - course[row, 0]) / max(course[row + 1, 0] - course[row, 0], 1e-6)
        heading = course[row, 4] + part * (course[row + 1, 4] - course[row, 4])
        x = course[row, 1] + part * (course[row + 1, 1] - course[row, 1])
        y = course[row, 2] + part * (course[row + 1, 2] - course[row, 2])
        n, v, w = points[k, _P_OFFSET], points[k, _P_RATE], points[k, _P_SIDE_RATE]
        out[k, 0], out[k, 1] = x - n * math.sin(heading), y + n * math.cos(heading)
        out[k, 2] = heading + (math.atan2(w, v) if abs(v) + abs(w) > 0.3 else 0.0)
        out[k, 3], out[k, 4], out[k, 5] = math.sqrt(v * v + w * w), points[k, _P_ACCEL], 0.0


@kernel("f8(f8[::1], f8, f8, i8[::1], f8[:, ::1], f8[::1])")
def way_weight(track, speed, left, way, shape, tuning):  # type: ignore[no-untyped-def]
    """How well one way at a fork fits the indicator and the speed; left: metres to the fork's lane."""
    weight, run = 1.0, left
    for k in range(1, way.shape[0]):
        if way[k] < 0:
            break
        turn, sharp = shape[way[k], 1], shape[way[k], 2]
        if abs(turn) > 0.5:
            lamp = _LEFT if turn > 0.0 else _RIGHT
            if track[_INDICATOR] == lamp:
                weight *= 6.0
            elif track[_INDICATOR] in (_LEFT, _RIGHT):
                weight *= 0.1
            # Too fast to turn there by braking with 2.5 m/s2 from here on: it goes straight on.
            most = math.sqrt(tuning[_T_PULL] / max(sharp, 1e-4))
            need = (speed * speed - most * most) / (2.0 * max(run, 2.0))
            if need > 2.5:
                weight *= max(1.0 - (need - 2.5) / 2.0, 0.05)
            return weight
        run += shape[way[k], 0]
    if track[_INDICATOR] in (_LEFT, _RIGHT):
        weight *= 0.4
    return 2.0 * weight


@kernel("i8(f8[::1], f8, i8, f8[::1], f8[:, :, ::1], f8[:, ::1])")
def _fill_free(track, dt, steps, tuning, world, found):  # type: ignore[no-untyped-def]
    """One mode off any lane: on as now."""
    turn = track[_WORLD_YAW] - track[_HEADING]
    c, s = math.cos(track[_HEADING]), math.sin(track[_HEADING])
    speed = track[_VX] * c + track[_VY] * s
    accel = track[_AX] * c + track[_AY] * s
    heading = track[_WORLD_YAW]
    yaw_rate = track[_YAW_RATE]
    small = track[_CLASS] == _PEDESTRIAN or track[_LENGTH] < 1.2
    fast = math.sqrt(track[_VX] ** 2 + track[_VY] ** 2)
    if small and fast > 0.3:  # people walk where they move, however they are turned
        heading = math.atan2(track[_VY], track[_VX]) + turn
        speed, accel, yaw_rate = fast, 0.0, 0.0
    elif small:
        speed, accel, yaw_rate = 0.0, 0.0, 0.0
    if speed < 0.0:
        heading, speed, accel = heading + math.pi, -speed, -accel
    law = tuning[:4].copy()
    roll_free(
        *(track[_WORLD_X], track[_WORLD_Y], heading, speed, accel, yaw_rate, dt, steps, law),
        world[0],
    )
    found[0, 0], found[0, 1], found[0, 2] = 1.0, FREE, -1.0
    return 1


@kernel(
    "i8(f8[::1], f8[:, ::1], i8[::1], i8[::1], f8[::1], i8[::1], i8[::1], i8[::1], i8[::1],"
    " f8[:, ::1], f8, i8, f8[::1], f8[:, :, ::1], f8[:, ::1])"
)
def _fill_ways(  # type: ignore[no-untyped-def]
    track, table, starts, lane_of_row, grid, cells, rows, onward_starts, onward, shape,
    dt, steps, tuning, world, found,
):  # fmt: skip
    """Modes of one vehicle along the lanes that it may be driving on; gives their number, 0 for none.

    found [4, 3]: weight, kind, first lane that tells the way apart.
    """
    fits = np.empty((MOST_FITS, 5))
    n = lanes_under(
        *(table, lane_of_row, grid, cells, rows),
        *(track[_WORLD_X], track[_WORLD_Y], track[_WORLD_YAW], 2.6, fits),
    )
    if n == 0:
        return 0
    turned = track[_WORLD_YAW] - track[_HEADING]
    speed = math.sqrt(track[_VX] ** 2 + track[_VY] ** 2)
    c, s = math.cos(track[_HEADING]), math.sin(track[_HEADING])
    if track[_VX] * c + track[_VY] * s < -0.5:
        return 0  # in reverse
    accel = track[_AX] * c + track[_AY] * s
    law = np.array((tuning[_T_HOLD_S], tuning[_T_FADE_S], tuning[_T_SIDE_FADE_S], tuning[_T_PULL]))
    ways = np.empty((4, MOST_LANES), dtype=np.int64)
    weights = np.empty(4)
    reach = speed * dt * steps + 10.0
    count, total = 0, 0.0
    for f in range(n):
        row = int(fits[f, 1])
        lane = int(fits[f, 0])
        apart = abs(fits[f, 3] - fits[0, 3])
        if f > 0 and apart > 1.5:
            continue  # the lane beside: changing over is another mode
        along = fits[f, 2] * (table[row + 1, 0] - table[row, 0])
        left = shape[lane, 0] - table[row, 0] - along
        m = ways_onward(lane, left, reach, onward_starts, onward, shape, ways, weights)
        bend = table[row, 5] * speed
        yaw = track[_YAW_RATE] - bend if speed > 3.0 else 0.0
        fit = math.exp(-0.5 * (fits[f, 3] / 0.8) ** 2 - 0.5 * (fits[f, 4] / 0.15) ** 2
                       - 0.5 * (yaw / 0.3) ** 2)  # fmt: skip
        for w in range(m):
            if count == _MOST_MODES:
                break
            weight = fit * way_weight(track, speed, left, ways[w], shape, tuning)
            heading = table[row, 4]
            vx = track[_VX] * math.cos(turned) - track[_VY] * math.sin(turned)
            vy = track[_VX] * math.sin(turned) + track[_VY] * math.cos(turned)
            side = -vx * math.sin(heading) + vy * math.cos(heading)
            ahead = max(vx * math.cos(heading) + vy * math.sin(heading), 0.0)
            roll_way(
                *(
                    table,
                    starts,
                    ways[w],
                    row,
                    along,
                    fits[f, 3],
                    side,
                    ahead,
                    accel,
                    dt,
                    steps,
                    law,
                ),
                world[count],
            )
            found[count, 0] = weight
            found[count, 2] = ways[w, 1] if ways[w, 1] >= 0 else lane
            total += weight
            count += 1
    if total <= 1e-9:
        return 0
    for k in range(count):
        found[k, 0] /= total
        found[k, 1] = TURN if count > 1 else KEEP
    return count


@kernel("void(f8[::1], f8[:, ::1], f8[::1], i8, f8, f8, f8, f8)")
def _note(mode, points, track, place, weight, cut_in, kind, lane):  # type: ignore[no-untyped-def]
    """Fill in a mode; its half sizes are those where it comes nearest to the course."""
    near = 0
    for k in range(points.shape[0]):
        if abs(points[k, _P_OFFSET]) < abs(points[near, _P_OFFSET]):
            near = k
    mode[_M_WEIGHT], mode[_M_CUT_IN] = weight, cut_in
    mode[_M_HALF_LENGTH] = points[near, _P_HALF_LENGTH]
    mode[_M_HALF_WIDTH] = points[near, _P_HALF_WIDTH]
    mode[_M_ID], mode[_M_CLASS], mode[_M_TRACK] = track[_ID], track[_CLASS], place
    mode[_M_KIND], mode[_M_LANE] = kind, lane


@kernel(
    "Tuple((f8[:, ::1], f8[:, :, ::1], f8[:, :, ::1]))"
    "(f8[:, ::1], f8[:, :, ::1], f8, f8[:, ::1], f8, f8[:, ::1], i8[::1], i8[::1], f8[::1], i8[::1],"
    " i8[::1], i8[::1], i8[::1], f8[:, ::1], f8[:, ::1], f8, i8, f8[::1])"
)
def forecast(  # type: ignore[no-untyped-def]
    tracks, cov, station, course, step, table, starts, lane_of_row, grid, cells, rows,
    onward_starts, onward, shape, crossings, dt, steps, tuning,
):  # fmt: skip
    """Modes [m, 9] of the tracks near the course, their points on it [m, steps + 1, 7] and in the world
    [m, steps + 1, 6] from now on.

    Vehicles go along the lanes that they may be on, at a fork each way with its weight; the acceleration
    holds for a while, then fades; nobody goes into reverse; a lateral velocity fades, or, as another
    mode, carries it into the course. People go on as they walk, or, as another mode, step out. Without
    lanes (an empty table) all go along the course. Who never comes near the course is left out.
    """
    count = tracks.shape[0]
    most = (_MOST_MODES + 1) * count
    # Not cleared: what is given back is filled in whole.
    modes = np.empty((most, _MODES))
    points = np.empty((most, steps + 1, POINTS))
    worlds = np.empty((most, steps + 1, 6))
    world = np.zeros((_MOST_MODES, steps + 1, 6))
    kinds = np.zeros((_MOST_MODES, 3))
    found = 0
    last = (course.shape[0] - 1) * step
    for i in range(count):
        track = tracks[i]
        ahead = track[_STATION] - station
        beyond = ahead < -tuning[_T_BEHIND] or ahead > tuning[_T_AHEAD]
        beside = track[_ON] == 0.0 or abs(track[_OFFSET]) > tuning[_T_ASIDE]
        person = track[_CLASS] == _PEDESTRIAN
        mapped = table.shape[0] > 1
        if beyond or (beside and not mapped):
            continue
        number = 0
        if mapped and not person and track[_CLASS] != _OBSTACLE:
            number = _fill_ways(
                *(
                    track,
                    table,
                    starts,
                    lane_of_row,
                    grid,
                    cells,
                    rows,
                    onward_starts,
                    onward,
                    shape,
                ),
                *(dt, steps, tuning, world, kinds),
            )
        if number == 0 and (mapped or person):
            number = _fill_free(track, dt, steps, tuning, world, kinds)
        along = not beside and track[_ON] > 0.0
        weight = 0.0
        if along and person:
            weight = step_out_weight(track, crossings, tuning)
        elif along:
            weight = cut_in_weight(track, side_doubt(track, cov[i], tuning[_T_HEADING]), tuning)
        if number == 0:
            number = 1
            kinds[0, 0], kinds[0, 1], kinds[0, 2] = 1.0, KEEP, -1.0
            _roll(track, False, dt, steps, tuning, points[found])
            _to_world(course, step, points[found], world[0])
            plain = True
        else:
            plain = False
        for k in range(number):
            share = (1.0 - weight) * kinds[k, 0]
            if share < 0.02:
                continue
            if not plain:
                least = onto_course(
                    *(course, step, world[k], min(max(track[_STATION], 0.0), last)),
                    *(track[_LENGTH], track[_WIDTH], points[found]),
                )
                if least > tuning[_T_ASIDE]:
                    continue
            worlds[found] = world[k]
            _note(modes[found], points[found], track, i, share, 0.0, kinds[k, 1], kinds[k, 2])
            found += 1
        if weight >= 0.02:
            if person:
                _roll_step_out(track, dt, steps, tuning, points[found])
            else:
                _roll(track, True, dt, steps, tuning, points[found])
            _to_world(course, step, points[found], worlds[found])
            kind = STEP_OUT if person else CUT_IN
            _note(modes[found], points[found], track, i, weight, 0.0 if person else 1.0, kind, -1.0)
            found += 1
    return modes[:found].copy(), points[:found].copy(), worlds[:found].copy()
