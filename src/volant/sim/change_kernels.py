"""Lane changes: MOBIL's wish and safety, lane ends, cutting in before the own car.

A change is wanted, shown by the indicator, looked at once more, and then driven. From its first
moment the car belongs to the new lane and still stands in the old one until its body has left it.
"""

from __future__ import annotations

import math

from volant.core.kernels import kernel
from volant.road.kernels import project_line
from volant.sim.arrays import Actors, Entries, Moment, Roads  # noqa: F401 - in signatures
from volant.sim.columns import (
    SLOTS,
    Actor,
    DriverKind,
    Entry,
    EntryIndex,
    EntryKind,
    Index,
    LaneFloat,
    LaneIndex,
    Mode,
)
from volant.sim.driver_kernels import closing_brake, idm, mobil_gain, stopping_brake, uniform
from volant.sim.lane_kernels import look_ahead, look_behind

_SLOTS = SLOTS
_S, _SPEED, _ACCEL, _X, _Y, _Z = (
    int(Actor.S),
    int(Actor.SPEED),
    int(Actor.ACCEL),
    int(Actor.X),
    int(Actor.Y),
    int(Actor.Z),
)
_LONG, _WIDE, _FACTOR, _TOP = (
    int(Actor.LENGTH),
    int(Actor.WIDTH),
    int(Actor.FACTOR),
    int(Actor.TOP_SPEED),
)
_TIME_GAP, _STAND_GAP = int(Actor.TIME_GAP), int(Actor.STAND_GAP)
_ACCEL_MAX, _COMFORT, _POLITE = (
    int(Actor.ACCEL_MAX),
    int(Actor.BRAKE_COMFORT),
    int(Actor.POLITENESS),
)
_THRESHOLD, _SAFE, _EXIT_SHARE = (
    int(Actor.THRESHOLD),
    int(Actor.BRAKE_SAFE),
    int(Actor.EXIT_SHARE),
)
_WANTED, _CUT_GAP = int(Actor.WANTED), int(Actor.CUT_GAP)
_NEXT = int(Index.NEXT)
_LANE, _ROW, _KIND, _CROSSINGS, _GRANT = (
    int(Index.LANE),
    int(Index.ROW),
    int(Index.KIND),
    int(Index.CROSSINGS),
    int(Index.GRANT),
)
_MODE = int(Index.MODE)
_CHANGE = int(Mode.CHANGE)
_E_S, _E_SPEED, _E_HALF = int(Entry.S), int(Entry.SPEED), int(Entry.HALF_LENGTH)
_E_LANE, _E_KIND, _EGO = int(EntryIndex.LANE), int(EntryIndex.KIND), int(EntryKind.EGO)
_LEFT, _RIGHT, _ROWS = int(LaneIndex.LEFT), int(LaneIndex.RIGHT), int(LaneIndex.ROWS)
_LANE_KIND, _CONFLICTS = int(LaneIndex.KIND), int(LaneIndex.CONFLICTS)
_LEFT_SPANS, _RIGHT_SPANS = int(LaneIndex.LEFT_SPANS), int(LaneIndex.RIGHT_SPANS)
_LENGTH, _END = int(LaneFloat.LENGTH), int(LaneFloat.END)
_LORRY, _CUTTING = int(DriverKind.LORRY), int(DriverKind.CUTTING_IN)

MUST_SIGHT_M = 450.0  # how far ahead a lane's end is acted on
_AVOID_END_M = 500.0  # nobody moves over to a lane that ends within this
_KEEP_SIDE_MPS2 = 0.15  # bias to the slow side (Kesting's asymmetric rule, a_bias)
_EXIT_DRAWS = 1 << 41
_EXIT_GAIN_MPS2 = 3.0
_EGO_TIME_GAP, _EGO_ACCEL, _EGO_BRAKE = 1.0, 1.5, 2.0  # the own car as others guess it
_CUT_CLOSING_MPS = 2.0
_CUT_BRAKE_MPS2 = 1.5


@kernel("b1(Roads, i8, i8, f8, f8)")
def may_cross(roads, lane, direction, s_from, s_to):  # type: ignore[no-untyped-def]
    """Whether the marks allow to cross to this side from s_from to s_to."""
    column = _LEFT_SPANS if direction > 0 else _RIGHT_SPANS
    for k in range(roads.lane_i[lane, column], roads.lane_i[lane + 1, column]):
        if roads.spans[k, 0] <= s_from and s_to <= roads.spans[k, 1] + 0.5:
            return True
    return False


@kernel("f8(Actors, Entries, i8, i8, f8, f8)")
def _follower_accel(actors, entries, slot, last, gap, lead_speed):  # type: ignore[no-untyped-def]
    """IDM acceleration of whoever stands in a slot behind a leader at a gap."""
    speed = entries.f[slot, _E_SPEED]
    if slot >= last:
        return idm(speed, speed + 3.0, gap, lead_speed, _EGO_TIME_GAP, 2.0, _EGO_ACCEL, _EGO_BRAKE)
    row = actors.f[slot // _SLOTS]
    return idm(
        speed,
        row[_WANTED],
        gap,
        lead_speed,
        row[_TIME_GAP],
        row[_STAND_GAP],
        row[_ACCEL_MAX],
        row[_COMFORT],
    )


@kernel("Tuple((b1, f8, f8, f8, i8))(Roads, Entries, Actors, i8, i8, f8, b1)")
def weigh_change(  # type: ignore[no-untyped-def]
    roads, entries, actors, actor, direction, urgency, cut
):
    """Whether a change to this side is safe, MOBIL's gain, and s, offset and row in the new lane.

    urgency: 0 by choice to 1 at the very end of the own lane; cut: a cut-in before the own car.
    """
    lane = actors.i[actor, _LANE]
    me = actors.f[actor]
    target = roads.lane_i[lane, _LEFT] if direction > 0 else roads.lane_i[lane, _RIGHT]
    low, high = roads.lane_i[target, _ROWS], roads.lane_i[target + 1, _ROWS]
    ratio = me[_S] / max(roads.lane_f[lane, _LENGTH], 1.0)
    hint = int(ratio * (high - low - 1))
    s, d, row = project_line(roads.table[low:high], me[_X], me[_Y], hint)
    if s < 0.0 or s > roads.lane_f[target, _LENGTH] or roads.table[low + row, 6] < me[_WIDE] + 0.5:
        return False, 0.0, s, d, row
    half, speed = 0.5 * me[_LONG], me[_SPEED]
    last = actors.f.shape[0] * _SLOTS
    mine = actors.i[actor]
    crossings, grant, after = mine[_CROSSINGS], mine[_GRANT], mine[_NEXT]
    reach = max(60.0, 5.0 * speed)
    gap, lead_speed, _slot, _a, _b, _c = look_ahead(
        roads,
        entries,
        actors.keys[actor],
        crossings,
        grant,
        after,
        actor,
        target,
        s,
        half,
        0.0,
        0.5 * me[_WIDE],
        speed,
        reach,
        True,
        -1,
    )
    behind, follow_speed, follower = look_behind(roads, entries, actor, target, s, half, 120.0)
    safe = me[_SAFE] + urgency * 2.0
    margin = 1.0 + (1.0 - urgency) * (0.5 + 0.15 * speed) * me[_TIME_GAP]
    if gap < margin or behind < 1.0 + 0.25 * follow_speed * (1.0 - 0.5 * urgency):
        return False, 0.0, s, d, row
    wanted = min(me[_TOP], me[_FACTOR] * roads.speeds[low + row])
    accel = idm(
        speed, wanted, gap, lead_speed, me[_TIME_GAP], me[_STAND_GAP], me[_ACCEL_MAX], me[_COMFORT]
    )
    if closing_brake(speed, lead_speed, gap - 1.0) > 0.5 * safe:
        return False, 0.0, s, d, row
    if gap < math.inf and stopping_brake(speed, lead_speed, gap - 1.0, 7.0) > 7.0:
        return False, 0.0, s, d, row
    new_gain = 0.0
    if follower >= 0:
        if cut:
            ego_brake = closing_brake(follow_speed, speed, behind - 1.0)
            if ego_brake > _CUT_BRAKE_MPS2 or follow_speed - speed > _CUT_CLOSING_MPS:
                return False, 0.0, s, d, row
            if behind < me[_CUT_GAP]:
                return False, 0.0, s, d, row
        else:
            after = _follower_accel(actors, entries, follower, last, behind, speed)
            if after < -safe or stopping_brake(follow_speed, speed, behind - 1.0, 7.0) > 6.0:
                return False, 0.0, s, d, row
            between = behind + 2.0 * half + gap
            before = _follower_accel(actors, entries, follower, last, between, lead_speed)
            new_gain = after - before
    return True, mobil_gain(accel - me[_ACCEL], new_gain, 0.0, me[_POLITE]), s, d, row


@kernel("f8(Roads, i8, f8)")
def end_distance(roads, lane, s):  # type: ignore[no-untyped-def]
    """Metres to where the lane's chain ends by width; inf where it goes on."""
    return roads.lane_f[lane, _END] - s


@kernel("Tuple((i8, f8, b1))(Roads, Entries, Actors, i8, i8, b1)")
def want_change(  # type: ignore[no-untyped-def]
    roads, entries, actors, actor, ego_begin, left_hand
):
    """The side an actor wants to change to (0: none), the urgency, and whether it is a cut-in."""
    lane, kind = actors.i[actor, _LANE], actors.i[actor, _KIND]
    me = actors.f[actor]
    left = end_distance(roads, lane, me[_S])
    shared = roads.lane_i[lane, _CONFLICTS] != roads.lane_i[lane + 1, _CONFLICTS]
    if left == math.inf and (shared or me[_SPEED] < 1.0):
        return 0, 0.0, False
    slow_side = 1 if left_hand else -1
    must = left < MUST_SIGHT_M
    urgency = max(0.0, min(1.0, 1.0 - (left - 30.0) / 250.0)) if must else 0.0
    best, best_gain, best_cut = 0, 0.0, False
    for direction in (1, -1):
        target = roads.lane_i[lane, _LEFT] if direction > 0 else roads.lane_i[lane, _RIGHT]
        if target < 0:
            continue
        reserve = min(4.0 * me[_SPEED], 60.0) * (1.0 - urgency)
        if not may_cross(roads, lane, direction, me[_S], me[_S]):
            continue
        if not must and me[_S] + reserve > roads.lane_f[lane, _LENGTH] + 40.0:
            continue
        target_left = end_distance(roads, target, me[_S])
        if must:
            if target_left > left + 1.0:
                return direction, urgency, False
            continue
        if target_left < _AVOID_END_M or roads.lane_i[target, _LANE_KIND] == 1:
            continue
        bias = -_KEEP_SIDE_MPS2 if direction != slow_side else _KEEP_SIDE_MPS2
        if roads.lane_i[target, _LANE_KIND] == 2:
            if uniform(actors.keys[actor], _EXIT_DRAWS + target) > me[_EXIT_SHARE]:
                continue
            bias = _EXIT_GAIN_MPS2
        elif roads.lane_i[lane, _LANE_KIND] == 2:
            continue
        if kind == _LORRY and direction != slow_side:
            beside = roads.lane_i[target, _LEFT] if direction > 0 else roads.lane_i[target, _RIGHT]
            if beside < 0 or roads.lane_i[beside, _LANE_KIND] != 0:
                continue
        cut = False
        if kind == _CUTTING:
            for slot in range(ego_begin, ego_begin + 6):
                if entries.i[slot, _E_KIND] == _EGO and entries.i[slot, _E_LANE] == target:
                    room = (
                        me[_S] - 0.5 * me[_LONG] - entries.f[slot, _E_S] - entries.f[slot, _E_HALF]
                    )
                    if me[_CUT_GAP] <= room < me[_CUT_GAP] + 18.0:
                        cut = True
        safe, gain, _s, _d, _row = weigh_change(roads, entries, actors, actor, direction, 0.0, cut)
        if not safe:
            continue
        if cut:
            return direction, 0.0, True
        gain += bias
        if gain > me[_THRESHOLD] and gain > best_gain:
            best, best_gain = direction, gain
    return best, 0.0, best_cut
