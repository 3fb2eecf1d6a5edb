"""What the front camera sees of signs, lines and mouths: range, field, sight, misses, mistakes, noise."""

from __future__ import annotations

import math

from volant.core.kernels import kernel
from volant.sim.columns import Actor, Index
from volant.sim.driver_kernels import normal, uniform
from volant.sim.sensors_kernels import missed_share, ray_meets

_X, _Y, _Z = int(Actor.X), int(Actor.Y), int(Actor.Z)
_LONG, _WIDE, _HIGH = int(Actor.LENGTH), int(Actor.WIDTH), int(Actor.HEIGHT)
_ALIVE = int(Index.ALIVE)
_OTHER_LEVEL_M = 8.0  # what hangs or lies on a bridge above, or under it, is not in sight
_BLOCK = 5  # frames that a miss lasts: half a second
_DRAWS = 8  # chance counters that one frame may use


@kernel("b1(f8[:, ::1], i8[:, ::1], f8, f8, f8, f8, f8, f8)")
def is_hidden(actor_f, actor_i, x, y, to_x, to_y, eye, up):  # type: ignore[no-untyped-def]
    """Whether a body reaches above the line of sight from a camera at height `eye` to what lies `up` above it."""
    run_x, run_y = to_x - x, to_y - y
    run = math.sqrt(run_x * run_x + run_y * run_y)
    for row in range(actor_f.shape[0]):
        if actor_i[row, _ALIVE] == 0:
            continue
        dx, dy = actor_f[row, _X] - x, actor_f[row, _Y] - y
        if abs(dx) > run or abs(dy) > run:
            continue
        # Only who stands near the line of sight, before its end, can hide anything.
        half = 0.5 * (actor_f[row, _LONG] + actor_f[row, _WIDE])
        if abs(run_x * dy - run_y * dx) > half * run or run_x * dx + run_y * dy < -half * run:
            continue
        away = math.sqrt(dx * dx + dy * dy)
        top = actor_f[row, _Z] + actor_f[row, _HIGH] - eye
        if away >= run or top <= up * away / run:
            continue
        if ray_meets(actor_f[row], x, y, to_x, to_y):
            return True
    return False


@kernel("i8(f8[:, ::1], u8[::1], f8[:, ::1], i8[:, ::1], f8[::1], f8[::1], i8, i8, f8[:, ::1])")
def see_landmarks(places, keys, actor_f, actor_i, ego, figures, tick, signs, out):  # type: ignore[no-untyped-def]
    """Fill out [n, 3] with kind, ahead, left of what is seen, in the car frame; gives their number.

    places: [m, 6] x, y, z, cosine and sine of the heading, kind; ego: x, y, z, yaw; figures: camera
    ahead and above the car's origin, half field, range of signs and of paint, sigma of range (fixed,
    part of it) and of angle, share of misses, of mistakes, 1 where bodies hide; kinds below `signs` are
    signs, and one may be taken for another.
    """
    cos, sin = math.cos(ego[3]), math.sin(ego[3])
    at_x, at_y, eye = ego[0] + cos * figures[0], ego[1] + sin * figures[0], ego[2] + figures[1]
    reach = max(figures[3], figures[4])
    count = 0
    for row in range(places.shape[0]):
        dx, dy = places[row, 0] - at_x, places[row, 1] - at_y
        if abs(dx) > reach or abs(dy) > reach:
            continue
        kind = int(places[row, 5])
        far = figures[3] if kind < signs else figures[4]
        distance = math.sqrt(dx * dx + dy * dy)
        ahead, aside = cos * dx + sin * dy, cos * dy - sin * dx
        if distance > far or ahead < 1.0:
            continue
        bearing = math.atan2(aside, ahead)
        if abs(bearing) > figures[2]:
            continue
        # Its face is turned to us, or the lane leads our way: within 60 degrees.
        if cos * places[row, 3] + sin * places[row, 4] < 0.5:
            continue
        up = places[row, 2] - eye
        if abs(up) > _OTHER_LEVEL_M:
            continue
        key, first = keys[row], tick * _DRAWS
        if figures[8] > 0.0:
            share = missed_share(distance, far, figures[8])
            if uniform(key, (tick // _BLOCK) * _DRAWS) < share:
                continue
        if figures[10] > 0.0 and is_hidden(
            actor_f, actor_i, at_x, at_y, places[row, 0], places[row, 1], eye, up
        ):
            continue
        if figures[9] > 0.0 and kind < signs and uniform(key, first + 1) < figures[9]:
            kind = int(signs * uniform(key, first + 2))
        if figures[6] > 0.0:
            distance += (figures[5] + figures[6] * distance) * normal(key, first + 3)
            bearing += figures[7] * normal(key, first + 4)
        out[count, 0] = kind
        out[count, 1] = figures[0] + distance * math.cos(bearing)
        out[count, 2] = distance * math.sin(bearing)
        count += 1
        if count == out.shape[0]:
            break
    return count
