"""Past the own car: whether who stands before it has room, by the bodies themselves.

Drivers reckon with lanes and stretches of them, which is coarse where ways cross at an angle. Two who
stand for each other would do so for ever; so who stands, and the own car too, looks whether he gets by.
"""

from __future__ import annotations

import math

from volant.core.kernels import kernel
from volant.road.kernels import evaluate_line
from volant.sim.arrays import Moment, Roads  # noqa: F401 - in signatures
from volant.sim.columns import Actor, Index, LaneFloat, LaneIndex
from volant.sim.lane_kernels import pick_onward

SQUEEZE_MPS = 1.2  # who gets by narrowly does so at walking pace (chosen)
_NEAR_M = 16.0
_AIR_M = 0.15  # between the bodies (chosen: a hand's breadth and a half)
_STEP_M, _STEPS = 0.5, 28  # 14 m on: past a car and clear of it
_STANDS_MPS = 0.3
_S, _D, _SPEED, _X, _Y = (int(Actor.S), int(Actor.D), int(Actor.SPEED), int(Actor.X), int(Actor.Y))
_LONG, _WIDE = int(Actor.LENGTH), int(Actor.WIDTH)
_LANE, _ROW, _OLD, _CROSSINGS = (
    int(Index.LANE),
    int(Index.ROW),
    int(Index.OLD_LANE),
    int(Index.CROSSINGS),
)
_ROWS, _LENGTH = int(LaneIndex.ROWS), int(LaneFloat.LENGTH)


@kernel("b1(f8, f8, f8, f8, f8, f8[::1])")
def touches(x, y, yaw, half_long, half_wide, body):  # type: ignore[no-untyped-def]
    """Whether a rectangle and a body (as `lane_kernels.place_body` takes it) share a point."""
    dx, dy = body[0] - x, body[1] - y
    turn = body[3] - yaw
    cos, sin = abs(math.cos(turn)), abs(math.sin(turn))
    for axis, long, wide, other_long, other_wide in (
        (yaw, half_long, half_wide, body[5], body[6]),
        (body[3], body[5], body[6], half_long, half_wide),
    ):
        along = abs(dx * math.cos(axis) + dy * math.sin(axis))
        across = abs(dy * math.cos(axis) - dx * math.sin(axis))
        if along > long + other_long * cos + other_wide * sin:
            return False
        if across > wide + other_long * sin + other_wide * cos:
            return False
    return True


@kernel("b1(Roads, u8, f8[::1], i8[::1], Moment)")
def gets_by(roads, key, me, mine, moment):  # type: ignore[no-untyped-def]
    """Whether an actor that stands by the own car, which stands too, comes past it on its way."""
    own = moment.own
    dx, dy = me[_X] - own[0], me[_Y] - own[1]
    near = dx * dx + dy * dy < _NEAR_M * _NEAR_M
    if not near or me[_SPEED] > SQUEEZE_MPS + _STANDS_MPS or abs(own[4]) > _STANDS_MPS:
        return False
    if mine[_OLD] >= 0:
        return False
    lane, s, row, crossings = mine[_LANE], me[_S], mine[_ROW], mine[_CROSSINGS]
    half_long, half_wide = 0.5 * me[_LONG] + _AIR_M, 0.5 * me[_WIDE] + _AIR_M
    for _ in range(_STEPS):
        s += _STEP_M
        if s > roads.lane_f[lane, _LENGTH]:
            s -= roads.lane_f[lane, _LENGTH]
            lane = pick_onward(roads, key, crossings, lane)
            if lane < 0:
                return True
            crossings += 1
            row = 0
        low, high = roads.lane_i[lane, _ROWS], roads.lane_i[lane + 1, _ROWS]
        row = evaluate_line(roads.table[low:high], s, row, moment.row_out)
        heading = moment.row_out[4]
        x = moment.row_out[1] - me[_D] * math.sin(heading)
        y = moment.row_out[2] + me[_D] * math.cos(heading)
        if touches(x, y, heading, half_long, half_wide, own):
            return False
    return True
