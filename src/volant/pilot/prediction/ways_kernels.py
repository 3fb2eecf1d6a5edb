"""Compiled ways of other road users over the lane graph, and their projection onto the course."""

from __future__ import annotations

import math

import numpy as np

from volant.core.kernels import kernel

# Columns of the lane table, as in road.LaneColumn, and of the course, as in road.CorridorColumn.
_S, _X, _Y, _HEADING, _CURVATURE, _WIDTH = 0, 1, 2, 4, 5, 6
_STEPS_AHEAD = 8  # rows that a walk along a lane may skip at a time
MOST_LANES = 10
MOST_FITS = 4
_TWO_PI = 2.0 * math.pi


@kernel("f8(f8)")
def wrap(angle):  # type: ignore[no-untyped-def]
    """An angle in [-pi, pi)."""
    return angle - _TWO_PI * math.floor((angle + math.pi) / _TWO_PI)


@kernel("i8(f8[:, ::1], i8[::1], f8[::1], i8[::1], i8[::1], f8, f8, f8, f8, f8[:, ::1])")
def lanes_under(table, lane_of_row, grid, cells, rows, x, y, yaw, reach, out):  # type: ignore[no-untyped-def]
    """The lanes that a pose may be driving on, best first, into out [4, 5]; gives their number.

    Columns: lane, table row, place on the piece (0 to 1), offset to the left, heading relative to it.
    grid: x, y, cell size, columns, lines of the grid; reach: farthest offset from a lane's middle.
    """
    found = 0
    x0, y0, cell, nx, ny = grid[0], grid[1], grid[2], int(grid[3]), int(grid[4])
    i0, i1 = math.floor((x - reach - x0) / cell), math.floor((x + reach - x0) / cell)
    j0, j1 = math.floor((y - reach - y0) / cell), math.floor((y + reach - y0) / cell)
    costs = np.full(MOST_FITS, math.inf)
    for j in range(max(j0, 0), min(j1, ny - 1) + 1):
        for i in range(max(i0, 0), min(i1, nx - 1) + 1):
            for k in range(cells[j * nx + i], cells[j * nx + i + 1]):
                row = rows[k]
                ax, ay = table[row, _X], table[row, _Y]
                if abs(x - ax) > reach + 4.0 or abs(y - ay) > reach + 4.0:
                    continue
                turn = wrap(yaw - table[row, _HEADING])
                if abs(turn) > 0.7:
                    continue
                bx, by = table[row + 1, _X] - ax, table[row + 1, _Y] - ay
                square = max(bx * bx + by * by, 1e-12)
                u = ((x - ax) * bx + (y - ay) * by) / square
                if u < -0.05 or u > 1.05:
                    continue
                u = min(max(u, 0.0), 1.0)
                aside = ((y - ay) * bx - (x - ax) * by) / math.sqrt(square)
                if abs(aside) > min(reach, 0.5 * table[row, _WIDTH] + 0.4):
                    continue
                cost = aside * aside + 12.0 * turn * turn
                lane = lane_of_row[row]
                place = -1
                for m in range(found):
                    if int(out[m, 0]) == lane:
                        place = m
                if place >= 0:
                    if cost >= costs[place]:
                        continue
                    for m in range(place, found - 1):
                        costs[m] = costs[m + 1]
                        out[m] = out[m + 1]
                    found -= 1
                elif found == MOST_FITS:
                    if cost >= costs[found - 1]:
                        continue
                    found -= 1
                place = found
                while place > 0 and costs[place - 1] > cost:
                    costs[place] = costs[place - 1]
                    out[place] = out[place - 1]
                    place -= 1
                costs[place] = cost
                out[place, 0], out[place, 1], out[place, 2] = lane, row, u
                out[place, 3], out[place, 4] = aside, turn
                found += 1
    return found


@kernel("i8(i8, f8, f8, i8[::1], i8[::1], f8[:, ::1], i8[:, ::1], f8[::1])")
def ways_onward(lane, left, reach, onward_starts, onward, shape, ways, weights):  # type: ignore[no-untyped-def]
    """Chains of lanes from one lane on, into ways [4, 10] (-1 behind the last); gives their number.

    left: metres to the lane's end; reach: how far to look. The first fork within reach is told apart in
    up to four ways, later ones go on the way that turns least. shape [L, 3]: length, turn, sharpest
    curvature. weights [4] are set to one.
    """
    ways[:] = -1
    ways[0, 0] = lane
    count, forked = 1, False
    ends = np.full(4, left)
    for k in range(1, MOST_LANES):
        now = count
        for w in range(now):
            before = ways[w, k - 1]
            if before < 0 or ends[w] > reach:
                continue
            first, last = onward_starts[before], onward_starts[before + 1]
            if first == last:
                continue
            best = onward[first]
            for m in range(first, last):
                if abs(shape[onward[m], 1]) < abs(shape[best, 1]):
                    best = onward[m]
            if last - first > 1 and not forked:
                for m in range(first, last):
                    if onward[m] == best or count == 4:
                        continue
                    ways[count] = ways[w]
                    ways[count, k] = onward[m]
                    ends[count] = ends[w] + shape[onward[m], 0]
                    count += 1
                forked = True
            ways[w, k] = best
            ends[w] += shape[best, 0]
    weights[:count] = 1.0
    return count


@kernel("void(f8[:, ::1], i8[::1], i8[::1], i8, f8, f8, f8, f8, f8, f8, i8, f8[::1], f8[:, ::1])")
def roll_way(  # type: ignore[no-untyped-def]
    table, starts, way, row, along, offset, side, speed, accel, dt, steps, law, out
):
    """Drive along a chain of lanes; world x, y, heading, speed, accel, side rate into out [steps + 1, 6].

    row: table row to begin at, along: metres beyond it; law: hold, fade, side fade (s) of present
    motion, most lateral acceleration (m/s2). Beyond the chain's end it goes on straight.
    """
    place, lane = 0, int(way[0])
    last = starts[lane + 1] - 2
    n, v, a = offset, speed, accel
    for k in range(steps + 1):
        # Walk on to the piece that holds the place.
        while True:
            run = table[row + 1, _S] - table[row, _S]
            if along <= run:
                break
            if row < last:
                along -= run
                row += 1
            elif place + 1 < way.shape[0] and way[place + 1] >= 0:
                along -= run
                place += 1
                lane = int(way[place])
                row, last = starts[lane], starts[lane + 1] - 2
            else:
                break
        run = max(table[row + 1, _S] - table[row, _S], 1e-6)
        u = along / run
        held = min(u, 1.0)
        turn = wrap(table[row + 1, _HEADING] - table[row, _HEADING])
        heading = table[row, _HEADING] + held * turn
        cos, sin = math.cos(heading), math.sin(heading)
        x = table[row, _X] + held * (table[row + 1, _X] - table[row, _X])
        y = table[row, _Y] + held * (table[row + 1, _Y] - table[row, _Y])
        beyond = max(along - run, 0.0)
        out[k, 0] = x + beyond * cos - n * sin
        out[k, 1] = y + beyond * sin + n * cos
        out[k, 2] = heading
        out[k, 3], out[k, 4], out[k, 5] = v, a, side
        # Bends slow everybody down: what lies a second ahead counts.
        bend = abs(table[min(row + min(int(0.5 * v) + 1, _STEPS_AHEAD), last), _CURVATURE])
        pull = a
        if bend > 0.01:
            most = math.sqrt(law[3] / bend)
            if v > most:
                pull = min(pull, max((most - v) / 1.0, -2.5))
        change = pull * dt
        if v + change < 0.0:
            change = -v
            a = 0.0
        bent = max(1.0 - n * table[row, _CURVATURE], 0.3)
        along += dt * (v + 0.5 * change) / bent
        v += change
        if k * dt >= law[0] or a > 0.0:
            a *= max(1.0 - dt / law[1], 0.0)
        n += side * dt
        side *= max(1.0 - dt / law[2], 0.0)


@kernel("void(f8, f8, f8, f8, f8, f8, f8, i8, f8[::1], f8[:, ::1])")
def roll_free(x, y, heading, speed, accel, yaw_rate, dt, steps, law, out):  # type: ignore[no-untyped-def]
    """Go on as now, off any lane: turning dies out in the time of side motion; columns as roll_way."""
    v, a, turn = speed, accel, yaw_rate
    for k in range(steps + 1):
        out[k, 0], out[k, 1], out[k, 2], out[k, 3], out[k, 4], out[k, 5] = x, y, heading, v, a, 0.0
        change = a * dt
        if v + change < 0.0:
            change = -v
            a = 0.0
        run = dt * (v + 0.5 * change)
        x += run * math.cos(heading + 0.5 * turn * dt)
        y += run * math.sin(heading + 0.5 * turn * dt)
        heading += turn * dt
        v += change
        if k * dt >= law[0] or a > 0.0:
            a *= max(1.0 - dt / law[1], 0.0)
        turn *= max(1.0 - dt / law[2], 0.0)


@kernel("f8(f8[:, ::1], f8, f8[:, ::1], f8, f8, f8, f8[:, ::1])")
def onto_course(course, step, world, hint, length, width, out):  # type: ignore[no-untyped-def]
    """World points [n, 6] of one mode on the course, into out [n, 7]; gives the least distance aside.

    Columns: station, offset, rate, accel, side rate, half length along, half width across. Points are
    followed from row to row, each a few metres from the last; length, width: of the box.
    """
    last = course.shape[0] - 1
    row = min(max(int(hint / step), 0), last)
    least = math.inf
    turned, cos, sin = -1, 1.0, 0.0  # row whose direction this is
    for k in range(world.shape[0]):
        x, y = world[k, 0], world[k, 1]
        ahead = aside = 0.0
        for _ in range(8):
            if row != turned:
                heading = course[row, _HEADING]
                turned, cos, sin = row, math.cos(heading), math.sin(heading)
            dx, dy = x - course[row, _X], y - course[row, _Y]
            ahead, aside = cos * dx + sin * dy, cos * dy - sin * dx
            # Inside a bend the reference is longer than the way beside it.
            shrink = min(max(1.0 - aside * course[row, _CURVATURE], 0.3), 3.0)
            move = math.floor(ahead / (shrink * step) + 0.5)
            if move == 0 or (move < 0 and row == 0) or (move > 0 and row == last):
                break
            row = min(max(row + move, 0), last)
        turn = wrap(world[k, 2] - course[row, _HEADING])
        c, s = math.cos(turn), math.sin(turn)
        shrink = max(1.0 - aside * course[row, _CURVATURE], 0.3)
        point = out[k]
        point[0], point[1] = course[row, _S] + ahead, aside
        v, drift = world[k, 3], world[k, 5]
        point[2] = (v * c - drift * s) / shrink
        point[3] = world[k, 4] * c
        point[4] = v * s + drift * c
        # A few degrees of heading are the sensor's noise, not a car that stands across.
        across = max(abs(s) - 0.1, 0.0)
        point[5] = 0.5 * (length * abs(c) + width * abs(s))
        point[6] = 0.5 * (length * across + width * abs(c))
        least = min(least, abs(aside) - point[6])
    return least
