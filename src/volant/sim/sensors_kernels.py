"""What one sensor sees of all actors: field of view, sight by rays, misses, noise."""

from __future__ import annotations

import math

import numpy as np

from volant.core.kernels import kernel
from volant.sim.columns import Actor, Index
from volant.sim.driver_kernels import normal, uniform

RETURN_COLUMNS = 14
"""slot, x, y, yaw, vx, vy, length, width, height, class confidence, existence,
1 where the class is mistaken, 1 where brake lights are seen on, indicator seen on (+1 left, -1 right)."""
_X, _Y, _Z, _YAW, _SPEED = (
    int(Actor.X),
    int(Actor.Y),
    int(Actor.Z),
    int(Actor.YAW),
    int(Actor.SPEED),
)
_LONG, _WIDE, _HIGH = int(Actor.LENGTH), int(Actor.WIDTH), int(Actor.HEIGHT)
_YAW_RATE = int(Actor.YAW_RATE)
_ALIVE, _LIFE = int(Index.ALIVE), int(Index.LIFE)
_BRAKING, _DIRECTION = int(Index.BRAKING), int(Index.DIRECTION)
_OTHER_LEVEL_M = 4.5  # a car on a bridge above or under it is not in sight
_EDGE = 0.6  # detection falls from full at this part of the range to half at its end (notes)
_EDGE_MISS = 0.5
_MOST_MISS = 0.6
_BURST_LOW_S, _BURST_HIGH_S = 0.2, 1.0
_DRAWS = 16  # chance counters that one frame may use
_TWO_PI = 2.0 * math.pi


@kernel("b1(f8[::1], f8, f8, f8, f8)")
def ray_meets(me, x, y, to_x, to_y):  # type: ignore[no-untyped-def]
    """Whether the segment (x, y)-(to_x, to_y) crosses an actor's box (slab test in its frame)."""
    cos, sin = math.cos(me[_YAW]), math.sin(me[_YAW])
    ax, ay = x - me[_X], y - me[_Y]
    bx, by = to_x - me[_X], to_y - me[_Y]
    px, py = cos * ax + sin * ay, cos * ay - sin * ax
    dx, dy = cos * bx + sin * by - px, cos * by - sin * bx - py
    low, high = 0.0, 1.0
    for axis in range(2):
        start, run = (px, dx) if axis == 0 else (py, dy)
        half = 0.5 * (me[_LONG] if axis == 0 else me[_WIDE])
        if abs(run) < 1e-12:
            if abs(start) > half:
                return False
            continue
        one, other = (-half - start) / run, (half - start) / run
        low, high = max(low, min(one, other)), min(high, max(one, other))
        if low > high:
            return False
    return True


@kernel("i8(f8[:, ::1], i8[:, ::1], i8, f8, f8)")
def points_in_sight(actor_f, actor_i, target, x, y):  # type: ignore[no-untyped-def]
    """How many of five points of a box (centre, corners drawn in by a tenth) no other box hides."""
    me = actor_f[target]
    cos, sin = math.cos(me[_YAW]), math.sin(me[_YAW])
    away = math.sqrt((me[_X] - x) ** 2 + (me[_Y] - y) ** 2)
    reach = away + me[_LONG]
    ux, uy = (me[_X] - x) / max(away, 0.1), (me[_Y] - y) / max(away, 0.1)
    # Only who stands near the line of sight can hide anything.
    near = np.empty(actor_f.shape[0], dtype=np.int64)
    count = 0
    for other in range(actor_f.shape[0]):
        if other == target or actor_i[other, _ALIVE] == 0:
            continue
        if abs(actor_f[other, _Z] - me[_Z]) > _OTHER_LEVEL_M:
            continue
        dx, dy = actor_f[other, _X] - x, actor_f[other, _Y] - y
        if dx * dx + dy * dy > reach * reach:
            continue
        room = 0.6 * (actor_f[other, _LONG] + actor_f[other, _WIDE] + me[_LONG] + me[_WIDE])
        if abs(ux * dy - uy * dx) > room or ux * dx + uy * dy < -room:
            continue
        near[count] = other
        count += 1
    if count == 0:
        return 5
    seen = 0
    for point in range(5):
        along = across = 0.0
        if point > 0:
            along = 0.45 * me[_LONG] * (1.0 if point < 3 else -1.0)
            across = 0.45 * me[_WIDE] * (1.0 if point % 2 == 0 else -1.0)
        to_x = me[_X] + cos * along - sin * across
        to_y = me[_Y] + sin * along + cos * across
        hidden = False
        for k in range(count):
            if ray_meets(actor_f[near[k]], x, y, to_x, to_y):
                hidden = True
                break
        if not hidden:
            seen += 1
    return seen


@kernel("f8(f8, f8, f8)")
def missed_share(range_m, reach, share):  # type: ignore[no-untyped-def]
    """Stationary share of missed frames at a distance: the sensor's own, plus the range's edge."""
    edge = (range_m / reach - _EDGE) / (1.0 - _EDGE)
    return min(share + _EDGE_MISS * min(max(edge, 0.0), 1.0), _MOST_MISS)


@kernel("b1(f8[::1], i8, u8, i8, f8, f8, f8)")
def _is_missed(missing_until, slot, key, counter, now, share, frame):  # type: ignore[no-untyped-def]
    """One step of the miss process: in a burst, or one begins now with the rate of that share."""
    if now < missing_until[slot] - 1e-6:
        return True
    if share <= 0.0:
        return False
    # A burst covers ceil(length / frame) frames; from low to high evenly that is 12.5 in the mean.
    frames = 0.5 * (_BURST_LOW_S + _BURST_HIGH_S) / frame + 0.5
    rate = share / ((1.0 - share) * frames)
    if uniform(key, counter) >= rate / (1.0 + rate):
        return False
    length = _BURST_LOW_S + (_BURST_HIGH_S - _BURST_LOW_S) * uniform(key, counter + 1)
    missing_until[slot] = now + length
    return True


@kernel("Tuple((f8, f8))(f8[::1], i8[::1], f8, f8, f8, b1, f8, u8, i8)")
def lamps_seen(me, mine, x, y, reach, through, missed, key, first):  # type: ignore[no-untyped-def]
    """Brake lights (0, 1) and indicator (-1, 0, 1) of an actor as seen from (x, y).

    Brake lights are on the rear face and the indicators on the corners: seen from beside, only those
    of the near side. reach in metres; through: from every side; missed: share of frames without them.
    """
    dx, dy = x - me[_X], y - me[_Y]
    if dx * dx + dy * dy > reach * reach:
        return 0.0, 0.0
    cos, sin = math.cos(me[_YAW]), math.sin(me[_YAW])
    along, aside = cos * dx + sin * dy, cos * dy - sin * dx
    braking, direction = 0.0, float(mine[_DIRECTION])
    if mine[_BRAKING] == 1 and (through or along < -0.5 * me[_LONG]):
        braking = 1.0
    one_side = direction < 1.5  # hazard lights blink on both
    if not through and one_side and abs(along) <= 0.5 * me[_LONG] and aside * direction <= 0.0:
        direction = 0.0
    if missed > 0.0:
        if uniform(key, first) < missed:
            braking = 0.0
        if uniform(key, first + 1) < missed:
            direction = 0.0
    return braking, direction


@kernel("i8(f8[:, ::1], i8[:, ::1], f8[::1], f8[::1], u8[::1], f8[::1], i8, f8, f8[:, ::1])")
def sense_objects(  # type: ignore[no-untyped-def]
    actor_f, actor_i, ego, sensor, keys, missing_until, tick, now, out
):
    """Fill out [N, 14] with one sensor's returns in the car frame; gives their number.

    ego: x, y, z, yaw; sensor: a row of ObjectSensors.numbers; now in seconds.
    """
    cos, sin = math.cos(ego[3]), math.sin(ego[3])
    at_x = ego[0] + cos * sensor[0] - sin * sensor[1]
    at_y = ego[1] + sin * sensor[0] + cos * sensor[1]
    count = 0
    for slot in range(actor_f.shape[0]):
        if actor_i[slot, _ALIVE] == 0:
            continue
        me = actor_f[slot]
        dx, dy = me[_X] - at_x, me[_Y] - at_y
        distance = math.sqrt(dx * dx + dy * dy)
        small = me[_WIDE] < 1.0 and me[_LONG] < 2.0  # a person or a cycle
        reach = sensor[20] if small else sensor[4]
        if distance - 0.5 * me[_LONG] > reach or abs(me[_Z] - ego[2]) > _OTHER_LEVEL_M:
            continue
        # In the car's axes, but from the sensor's place.
        fx, fy = cos * dx + sin * dy, cos * dy - sin * dx
        bearing = math.atan2(fy, fx)
        aside = bearing - sensor[2]
        aside -= _TWO_PI * math.floor((aside + math.pi) / _TWO_PI)
        # A box whose edge reaches into the field is seen.
        span = math.atan2(0.5 * me[_WIDE], max(distance - 0.5 * me[_LONG], 0.5))
        if abs(aside) > 0.5 * sensor[3] + span:
            continue
        needed = int(sensor[13])
        if needed > 0 and points_in_sight(actor_f, actor_i, slot, at_x, at_y) < needed:
            continue
        key = keys[slot] ^ np.uint64(actor_i[slot, _LIFE])
        first = tick * _DRAWS
        share = missed_share(distance, reach, sensor[12])
        missed = _is_missed(missing_until, slot, key, first, now, share, sensor[21])
        if missed and sensor[12] > 0.0:
            continue
        spread = sensor[5] + sensor[6] * distance
        seen_at = distance + spread * normal(key, first + 2) if spread > 0.0 else distance
        seen_to = bearing
        if sensor[7] > 0.0:
            seen_to += sensor[7] * normal(key, first + 3)
        turn = me[_YAW] - ego[3]
        turn -= _TWO_PI * math.floor((turn + math.pi) / _TWO_PI)
        vx, vy = me[_SPEED] * math.cos(turn), me[_SPEED] * math.sin(turn)
        if sensor[8] > 0.0:
            radial, lateral = sensor[8] * normal(key, first + 4), sensor[9] * normal(key, first + 5)
            ux, uy = math.cos(bearing), math.sin(bearing)
            vx, vy = vx + ux * radial - uy * lateral, vy + uy * radial + ux * lateral
        if sensor[10] > 0.0:
            turn += sensor[10] * normal(key, first + 6)
        row = out[count]
        row[0] = slot
        row[1] = sensor[0] + seen_at * math.cos(seen_to)
        row[2] = sensor[1] + seen_at * math.sin(seen_to)
        row[3] = turn
        row[4], row[5] = vx, vy
        row[6], row[7], row[8] = me[_LONG], me[_WIDE], me[_HIGH]
        if sensor[11] > 0.0:
            row[6] = max(me[_LONG] + sensor[11] * normal(key, first + 7), 0.5)
            row[7] = max(me[_WIDE] + 0.5 * sensor[11] * normal(key, first + 8), 0.3)
            row[8] = max(me[_HIGH] + 0.5 * sensor[11] * normal(key, first + 9), 0.3)
        row[9] = sensor[14]
        part = min(distance / reach, 1.0)
        row[10] = sensor[18] + part * (sensor[19] - sensor[18])
        row[11] = 1.0 if sensor[15] > 0.0 and uniform(key, first + 10) < sensor[15] else 0.0
        row[12], row[13] = 0.0, 0.0
        if sensor[16] > 0.0:
            row[12], row[13] = lamps_seen(
                me,
                actor_i[slot],
                at_x,
                at_y,
                sensor[16],
                needed == 0,
                sensor[17],
                key,
                first + 11,
            )
        count += 1
    return count
