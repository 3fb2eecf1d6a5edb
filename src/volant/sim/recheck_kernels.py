"""A lane change that has begun, looked at again at every step: go on, turn back, or stand still.

The gaps of the moment it began in say nothing about later: in a jam the car may freeze halfway with
its indicator on while somebody else, the own car too, comes level with it in the lane it changes to.
"""

from __future__ import annotations

import math

from volant.core.kernels import kernel
from volant.road.kernels import project_line
from volant.sim.arrays import Actors, Entries, Moment, Roads  # noqa: F401 - in signatures
from volant.sim.columns import Actor, Index, LaneFloat, LaneIndex, Mode
from volant.sim.driver_kernels import closing_brake, smooth
from volant.sim.lane_kernels import look_ahead, look_behind
from volant.sim.move_kernels import HALT_S

_S, _D, _SPEED, _X, _Y = (int(Actor.S), int(Actor.D), int(Actor.SPEED), int(Actor.X), int(Actor.Y))
_LONG, _WIDE, _SAFE = int(Actor.LENGTH), int(Actor.WIDTH), int(Actor.BRAKE_SAFE)
_FROM, _PROGRESS, _OLD_S, _HELD = (
    int(Actor.CHANGE_FROM),
    int(Actor.PROGRESS),
    int(Actor.OLD_S),
    int(Actor.HELD),
)
_TIMER, _COOLDOWN = int(Actor.TIMER), int(Actor.COOLDOWN)
_NEXT, _INSIDE = int(Index.NEXT), int(Index.INSIDE)
_LANE, _ROW, _OLD, _MODE, _DIRECTION = (
    int(Index.LANE),
    int(Index.ROW),
    int(Index.OLD_LANE),
    int(Index.MODE),
    int(Index.DIRECTION),
)
_CROSSINGS, _GRANT = int(Index.CROSSINGS), int(Index.GRANT)
_CHANGE = int(Mode.CHANGE)
_ROWS, _LENGTH = int(LaneIndex.ROWS), int(LaneFloat.LENGTH)

_LEVEL_M = (
    0.5  # bumpers closer than this along the road count as level (chosen: under any queue's gap)
)
_REACH_M = 60.0
_MORE_BRAKE_MPS2 = 2.0  # on top of MOBIL's safe braking, as at full urgency in weigh_change
_PATIENCE_S = 3.0  # standing across the line longer than this, it turns back (chosen)
_LONGEST_S = 20.0  # a change not over the line by then is given up (chosen: 28 m at 1.4 m/s)
_NEXT_TRY_S = 4.0


@kernel("void(f8[::1], i8[::1], i8, f8, f8, i8)")
def begin_change(me, mine, target, s, d, row):  # type: ignore[no-untyped-def]
    """Let the actor belong to the new lane, at the same world point."""
    sway = me[_D]
    if mine[_MODE] == _CHANGE:
        part, _rate = smooth(me[_PROGRESS])
        sway -= me[_FROM] * (1.0 - part)
    mine[_NEXT] = -1
    if mine[_INSIDE] == 0:
        mine[_GRANT] = -1  # for a lane that is not on the new way
    mine[_OLD], me[_OLD_S] = mine[_LANE], me[_S]
    mine[_LANE], me[_S], mine[_ROW] = target, s, row
    me[_FROM] = d - sway
    me[_PROGRESS] = me[_TIMER] = me[_HELD] = 0.0
    me[_D] = d
    mine[_MODE] = _CHANGE


@kernel("Tuple((b1, b1))(Roads, Entries, Actors, i8, i8, f8)")
def _occupied(  # type: ignore[no-untyped-def]
    roads, entries, actors, actor, lane, s
):
    """Whether somebody is level with the actor's body in a lane, and whether somebody closes too fast."""
    me, mine = actors.f[actor], actors.i[actor]
    half, speed = 0.5 * me[_LONG], me[_SPEED]
    gap, lead_speed, _slot, _a, _b, _c = look_ahead(
        roads,
        entries,
        actors.keys[actor],
        mine[_CROSSINGS],
        mine[_GRANT],
        mine[_NEXT],
        actor,
        lane,
        s,
        half,
        0.0,
        math.inf,  # whoever is in the lane counts, wherever in it
        speed,
        _REACH_M,
        False,
        -1,
    )
    behind, follow_speed, _follower = look_behind(roads, entries, actor, lane, s, half, _REACH_M)
    level = gap < _LEVEL_M or behind < _LEVEL_M
    ahead_brake = closing_brake(speed, lead_speed, gap - _LEVEL_M) if gap < math.inf else 0.0
    behind_brake = 0.0
    if behind < math.inf:
        behind_brake = closing_brake(follow_speed, speed, behind - _LEVEL_M)
    most = me[_SAFE] + _MORE_BRAKE_MPS2
    return level, ahead_brake > most or behind_brake > most


@kernel("b1(Roads, Entries, Actors, i8, f8)")
def recheck_change(  # type: ignore[no-untyped-def]
    roads, entries, actors, actor, dt
):
    """Look again at a change under way; True: stand still, somebody is level across the line.

    Before the body is over the line a change into an occupied lane, or one that takes too long, turns
    back with the indicator off. Over the line it neither moves across nor along until the lane is
    free; after `_PATIENCE_S` it turns back where its old lane has kept its place.
    """
    me, mine = actors.f[actor], actors.i[actor]
    me[_TIMER] -= dt
    lane, side = mine[_LANE], 0.5 * me[_WIDE]
    reach = 0.5 * roads.table[roads.lane_i[lane, _ROWS] + mine[_ROW], 6]
    if abs(me[_D]) + side < reach:
        me[_HELD] = 0.0
        return False
    level, closing = _occupied(roads, entries, actors, actor, lane, me[_S])
    outside = abs(me[_D]) - side > reach
    returning = mine[_DIRECTION] == 0
    late = outside and not returning and me[_TIMER] < -_LONGEST_S
    if not (level or closing or late):
        me[_HELD] = max(min(me[_HELD], HALT_S) - dt, 0.0)
        return False
    me[_HELD] += dt
    old = mine[_OLD]
    waited = me[_HELD] > (HALT_S if outside else _PATIENCE_S)
    if waited and not returning and old >= 0:
        low, high = roads.lane_i[old, _ROWS], roads.lane_i[old + 1, _ROWS]
        hint = int(me[_OLD_S] / max(roads.lane_f[old, _LENGTH], 1.0) * (high - low - 1))
        s, d, row = project_line(roads.table[low:high], me[_X], me[_Y], hint)
        fits = 0.0 <= s <= roads.lane_f[old, _LENGTH] and abs(d) < roads.table[low + row, 6]
        taken, _closing = _occupied(roads, entries, actors, actor, old, s)
        if fits and not taken:
            begin_change(me, mine, old, s, d, row)
            mine[_DIRECTION] = 0
            me[_COOLDOWN] = _NEXT_TRY_S
            return False
    if late and waited and not level and not closing:
        me[_TIMER] = 0.0  # nowhere to turn back to: take the time it takes
    return level and not outside and me[_HELD] <= _PATIENCE_S
