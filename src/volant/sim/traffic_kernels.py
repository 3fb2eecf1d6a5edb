"""One traffic step over all actors in one call: entries, grants, driving, lane changes, moves."""

from __future__ import annotations

import math

from volant.core.kernels import kernel
from volant.sim.arrays import Actors, Entries, Lamps, Moment, Roads  # noqa: F401 - in signatures
from volant.sim.change_kernels import MUST_SIGHT_M, end_distance, want_change, weigh_change
from volant.sim.columns import SLOTS, Actor, Entry, EntryIndex, EntryKind, Index, LaneIndex, Mode
from volant.sim.junction_kernels import grant_junctions
from volant.sim.lane_kernels import index_entries
from volant.sim.move_kernels import drive_accel, move, roll
from volant.sim.recheck_kernels import begin_change, recheck_change

_SLOTS = SLOTS
_S, _D, _SPEED, _ACCEL, _X, _Y, _YAW = (
    int(Actor.S),
    int(Actor.D),
    int(Actor.SPEED),
    int(Actor.ACCEL),
    int(Actor.X),
    int(Actor.Y),
    int(Actor.YAW),
)
_LONG, _WIDE = int(Actor.LENGTH), int(Actor.WIDTH)
_BEFORE_X, _BEFORE_Y, _BEFORE_YAW = (
    int(Actor.BEFORE_X),
    int(Actor.BEFORE_Y),
    int(Actor.BEFORE_YAW),
)
_OLD_S, _TIMER, _COOLDOWN, _SIGNAL_TIME = (
    int(Actor.OLD_S),
    int(Actor.TIMER),
    int(Actor.COOLDOWN),
    int(Actor.SIGNAL_TIME),
)
_CHANGE_TIME, _COMFORT = int(Actor.CHANGE_TIME), int(Actor.BRAKE_COMFORT)
_LANE, _OLD, _MODE, _DIRECTION, _ALIVE, _BRAKING = (
    int(Index.LANE),
    int(Index.OLD_LANE),
    int(Index.MODE),
    int(Index.DIRECTION),
    int(Index.ALIVE),
    int(Index.BRAKING),
)
_SHIFT = int(Actor.SHIFT)
_BESIDE_M = -2.7  # with the least lane of 3 m no part of a broken-down car is in it
_CUT = int(Index.CUT)
_KEEP, _SIGNAL, _CHANGE = int(Mode.KEEP), int(Mode.SIGNAL), int(Mode.CHANGE)
_E_S, _E_SPEED, _E_HALF = int(Entry.S), int(Entry.SPEED), int(Entry.HALF_LENGTH)
_E_D, _E_SIDE, _E_ACCEL = int(Entry.D), int(Entry.HALF_WIDTH), int(Entry.ACCEL)
_E_LANE, _E_KIND = int(EntryIndex.LANE), int(EntryIndex.KIND)
_BODY, _WISH = int(EntryKind.BODY), int(EntryKind.WISH)
_LEFT, _RIGHT = int(LaneIndex.LEFT), int(LaneIndex.RIGHT)
_DECIDE_TICKS = 8  # lane changes are thought of every 0.4 s, actors spread over the ticks
_GIVE_UP_S = 4.0
_APART_M = 150.0  # two changes that begin in the same tick keep this far apart
_BRAKE_LIGHT_MPS2 = -0.7
_TWO_PI = 2.0 * math.pi


@kernel("void(Actors, Entries, Roads)")
def write_entries(actors, entries, roads):  # type: ignore[no-untyped-def]
    """Enter every actor in its lane, in the lane it leaves, and in the lane it wishes for."""
    for actor in range(actors.f.shape[0]):
        slot = actor * _SLOTS
        for k in range(_SLOTS):
            entries.i[slot + k, _E_LANE] = -1
            entries.i[slot + k, _E_KIND] = 0
            entries.f[slot + k, _E_SPEED] = actors.f[actor, _SPEED]
            entries.f[slot + k, _E_HALF] = 0.5 * actors.f[actor, _LONG]
            entries.f[slot + k, _E_SIDE] = 0.5 * actors.f[actor, _WIDE]
            entries.f[slot + k, _E_D] = actors.f[actor, _D]
            entries.f[slot + k, _E_ACCEL] = actors.f[actor, _ACCEL]
        if actors.i[actor, _ALIVE] == 0 or actors.f[actor, _SHIFT] < _BESIDE_M:
            continue  # not there, or broken down beside the road
        lane = actors.i[actor, _LANE]
        entries.i[slot, _E_LANE], entries.i[slot, _E_KIND] = lane, _BODY
        entries.f[slot, _E_S] = actors.f[actor, _S]
        if actors.i[actor, _OLD] >= 0:
            entries.i[slot + 1, _E_LANE], entries.i[slot + 1, _E_KIND] = (
                actors.i[actor, _OLD],
                _BODY,
            )
            entries.f[slot + 1, _E_S] = actors.f[actor, _OLD_S]
        if actors.i[actor, _MODE] == _SIGNAL:
            column = _LEFT if actors.i[actor, _DIRECTION] > 0 else _RIGHT
            target = roads.lane_i[lane, column]
            if target >= 0 and end_distance(roads, lane, actors.f[actor, _S]) < math.inf:
                ratio = roads.lane_f[target, 0] / max(roads.lane_f[lane, 0], 0.1)
                entries.i[slot + 2, _E_LANE], entries.i[slot + 2, _E_KIND] = target, _WISH
                entries.f[slot + 2, _E_S] = actors.f[actor, _S] * ratio


@kernel("i8(Roads, Entries, Actors, i8, i8, i8, f8, f8, f8, b1)")
def _across(  # type: ignore[no-untyped-def]
    roads, entries, actors, actor, tick, ego_begin, dt, busy_x, busy_y, left_hand
):
    """An actor's step across the road; 1 where it begins a lane change."""
    me, mine = actors.f[actor], actors.i[actor]
    me[_COOLDOWN] -= dt
    turn = (tick + actor) % _DECIDE_TICKS
    if mine[_MODE] == _KEEP and me[_COOLDOWN] <= 0.0 and turn == 0:
        direction, urgency, cut = want_change(roads, entries, actors, actor, ego_begin, left_hand)
        if direction != 0:
            mine[_MODE], mine[_DIRECTION] = _SIGNAL, direction
            mine[_CUT] = 1 if cut else 0
            me[_TIMER] = me[_SIGNAL_TIME]
        return 0
    if mine[_MODE] != _SIGNAL:
        return 0
    me[_TIMER] -= dt
    if me[_TIMER] > 0.0 or turn % 4 != 0:
        return 0
    lane = mine[_LANE]
    target = roads.lane_i[lane, _LEFT] if mine[_DIRECTION] > 0 else roads.lane_i[lane, _RIGHT]
    left = end_distance(roads, lane, me[_S])
    must = left < MUST_SIGHT_M + 10.0
    if target < 0 or (me[_TIMER] < -_GIVE_UP_S and not must):
        mine[_MODE], mine[_DIRECTION], me[_COOLDOWN] = _KEEP, 0, 2.0
        return 0
    dx, dy = me[_X] - busy_x, me[_Y] - busy_y
    if dx * dx + dy * dy < _APART_M * _APART_M:
        return 0
    urgency = max(0.0, min(1.0, 1.0 - (left - 30.0) / 250.0)) if must else 0.0
    safe, _gain, s, d, row = weigh_change(
        roads, entries, actors, actor, mine[_DIRECTION], urgency, mine[_CUT] == 1
    )
    if not safe:
        return 0
    begin_change(me, mine, target, s, d, row)
    me[_COOLDOWN] = 45.0 if mine[_CUT] == 1 else me[_CHANGE_TIME] + 3.0
    return 1


@kernel("void(Roads, Entries, Actors, Moment, i8, i8, f8, b1)")
def _step_across(roads, entries, actors, moment, tick, ego_begin, dt, left_hand):  # type: ignore[no-untyped-def]
    """Everybody's step across the road; two changes do not begin beside each other."""
    busy_x, busy_y = math.inf, math.inf
    for actor in range(actors.f.shape[0]):
        if actors.i[actor, _ALIVE] == 0:
            continue
        if actors.i[actor, _MODE] == _CHANGE and recheck_change(roads, entries, actors, actor, dt):
            moment.asked[actor] = min(moment.asked[actor], -actors.f[actor, _COMFORT])
        began = _across(
            roads, entries, actors, actor, tick, ego_begin, dt, busy_x, busy_y, left_hand
        )
        if began == 1:
            busy_x, busy_y = actors.f[actor, _X], actors.f[actor, _Y]


@kernel("void(Roads, Entries, Actors, Moment, Lamps, i8, i8, f8, b1, b1)")
def step_traffic(  # type: ignore[no-untyped-def]
    roads, entries, actors, moment, lamps, tick, ego_begin, dt, junctions, left_hand
):
    """Move all actors on by dt. All decide on the same picture; then all move."""
    count = actors.f.shape[0]
    write_entries(actors, entries, roads)
    index_entries(entries, roads.lane_f.shape[0])
    if junctions:
        grant_junctions(roads, actors, entries, moment, lamps, ego_begin, tick, dt)
    for actor in range(count):
        if actors.i[actor, _ALIVE] == 1:
            moment.asked[actor] = drive_accel(roads, entries, actors, moment, actor, dt, ego_begin)
    _step_across(roads, entries, actors, moment, tick, ego_begin, dt, left_hand)
    for actor in range(count):
        if actors.i[actor, _ALIVE] == 1:
            me, mine = actors.f[actor], actors.i[actor]
            roll(me, moment.asked[actor], dt)
            move(roads, actors.keys[actor], me, mine, moment, dt)
            lit = me[_ACCEL] < _BRAKE_LIGHT_MPS2 or me[_SPEED] < 0.05
            mine[_BRAKING] = 1 if lit else 0


@kernel("void(f8[:, ::1], f8, f8[:, ::1])")
def poses_between(actor_f, part, out):  # type: ignore[no-untyped-def]
    """Poses (x, y, yaw) of all actors at a part (0 to 1) of the last step, into out [N, 3]."""
    for actor in range(actor_f.shape[0]):
        me = actor_f[actor]
        turn = me[_YAW] - me[_BEFORE_YAW]
        turn -= _TWO_PI * math.floor((turn + math.pi) / _TWO_PI)
        out[actor, 0] = me[_BEFORE_X] + part * (me[_X] - me[_BEFORE_X])
        out[actor, 1] = me[_BEFORE_Y] + part * (me[_Y] - me[_BEFORE_Y])
        out[actor, 2] = me[_BEFORE_YAW] + part * turn
