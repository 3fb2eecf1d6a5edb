"""How one actor drives and moves in one traffic step: along its lane, across it, and in the world."""

from __future__ import annotations

import math

from volant.core.kernels import kernel
from volant.road.kernels import evaluate_line
from volant.sim.arrays import Actors, Entries, Moment, Roads  # noqa: F401 - in signatures
from volant.sim.columns import (
    FOR_GOOD_S,
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
from volant.sim.driver_kernels import constant_accel, cool_idm, idm, smooth, stopping_brake, uniform
from volant.sim.lane_kernels import look_ahead, pick_onward
from volant.sim.squeeze_kernels import SQUEEZE_MPS, gets_by

_SLOTS = SLOTS
_S, _D, _SPEED, _ACCEL = int(Actor.S), int(Actor.D), int(Actor.SPEED), int(Actor.ACCEL)
_X, _Y, _Z, _YAW, _YAW_RATE = (
    int(Actor.X),
    int(Actor.Y),
    int(Actor.Z),
    int(Actor.YAW),
    int(Actor.YAW_RATE),
)
_BEFORE_X, _BEFORE_Y, _BEFORE_YAW = (
    int(Actor.BEFORE_X),
    int(Actor.BEFORE_Y),
    int(Actor.BEFORE_YAW),
)
_LONG, _WIDE = int(Actor.LENGTH), int(Actor.WIDTH)
_FACTOR, _TOP, _TIME_GAP, _STAND_GAP = (
    int(Actor.FACTOR),
    int(Actor.TOP_SPEED),
    int(Actor.TIME_GAP),
    int(Actor.STAND_GAP),
)
_ACCEL_MAX, _COMFORT = int(Actor.ACCEL_MAX), int(Actor.BRAKE_COMFORT)
_CHANGE_TIME, _FROM, _PROGRESS, _OLD_S = (
    int(Actor.CHANGE_TIME),
    int(Actor.CHANGE_FROM),
    int(Actor.PROGRESS),
    int(Actor.OLD_S),
)
_WANDER, _WAVE, _PHASE, _TRAVEL, _SWAY = (
    int(Actor.WANDER),
    int(Actor.WAVE),
    int(Actor.PHASE),
    int(Actor.TRAVEL),
    int(Actor.SWAY),
)
_ATTENTION, _WANTED, _GAP, _CUT_GAP = (
    int(Actor.ATTENTION),
    int(Actor.WANTED),
    int(Actor.GAP),
    int(Actor.CUT_GAP),
)
_COOLDOWN, _HELD = int(Actor.COOLDOWN), int(Actor.HELD)
_NEXT = int(Index.NEXT)
_LANE, _ROW, _OLD, _MODE, _KIND, _ALIVE = (
    int(Index.LANE),
    int(Index.ROW),
    int(Index.OLD_LANE),
    int(Index.MODE),
    int(Index.KIND),
    int(Index.ALIVE),
)
_CROSSINGS, _GRANT, _INATTENTIVE, _COUNTER, _LEADER, _DIRECTION = (
    int(Index.CROSSINGS),
    int(Index.GRANT),
    int(Index.INATTENTIVE),
    int(Index.COUNTER),
    int(Index.LEADER),
    int(Index.DIRECTION),
)
_STARTLING, _CYCLIST, _BROKEN = (
    int(DriverKind.HARD_BRAKING),
    int(DriverKind.CYCLIST),
    int(DriverKind.BROKEN),
)
_SHIFT = int(Actor.SHIFT)
_RAPID, _LANE_KIND = int(LaneIndex.RAPID), int(LaneIndex.KIND)
_FOR_GOOD_S = FOR_GOOD_S
_HAZARD = 2  # of Index.DIRECTION
_ASIDE_M, _ASIDE_MPS = 0.4, 0.8
_EDGE_M = 0.8  # cyclists keep this far from the lane's edge (0.8 m and more are advised; recalled)
_KEEP, _CHANGE = int(Mode.KEEP), int(Mode.CHANGE)
_DISTRACTED, _CUTTING = int(DriverKind.DISTRACTED), int(DriverKind.CUTTING_IN)
_E_S, _E_SPEED, _E_HALF = int(Entry.S), int(Entry.SPEED), int(Entry.HALF_LENGTH)
_E_ACCEL = int(Entry.ACCEL)
_E_LANE, _E_KIND, _EGO = int(EntryIndex.LANE), int(EntryIndex.KIND), int(EntryKind.EGO)
_ROWS, _ENDS, _ONWARD = int(LaneIndex.ROWS), int(LaneIndex.ENDS), int(LaneIndex.ONWARD)
_LEFT, _RIGHT = int(LaneIndex.LEFT), int(LaneIndex.RIGHT)
_LENGTH = int(LaneFloat.LENGTH)

BRAKE_MOST_MPS2 = 9.0  # dry road, mu 0.95 less a margin (notes: 9.0 dry)
_JERK_UP, _JERK_DOWN = 3.0, 12.65  # m/s3; 12.65 is UN R157's reference driver, 3 its way up
_LEAD_BRAKE_MPS2 = 8.0
_BACKSTOP_MPS2 = 7.5
_SOFT_BRAKE_MPS2 = 1.5
_ALARM_BRAKE_MPS2 = 2.5
_ALARM_S = 0.6
_CHANGE_LEAST_M = 28.0  # shortest way of a lane change, so that slow cars do not slide sideways
_SWAY_M = 0.35
HALT_S = 0.2  # a change that is held stops moving across within this (chosen: no jump of the yaw)
_TWO_PI = 2.0 * math.pi


@kernel("f8(Roads, f8[::1], i8[::1], Entries, i8)")
def _overtaking_speed(roads, me, mine, entries, ego_begin):  # type: ignore[no-untyped-def]
    """Speed a cutting-in driver wants in order to come ahead of the own car; 0: no reason."""
    if me[_COOLDOWN] > 0.0 or mine[_MODE] != _KEEP:
        return 0.0
    for slot in range(ego_begin, ego_begin + 6):
        if entries.i[slot, _E_KIND] != _EGO or entries.f[slot, _E_SPEED] < 8.0:
            continue
        lane = entries.i[slot, _E_LANE]
        if lane != roads.lane_i[mine[_LANE], _LEFT] and lane != roads.lane_i[mine[_LANE], _RIGHT]:
            continue
        ahead = me[_S] - entries.f[slot, _E_S]
        if -60.0 < ahead < me[_CUT_GAP] + 12.0:
            return entries.f[slot, _E_SPEED] + 3.5
    return 0.0


@kernel("f8(f8[::1], i8[::1], u8, f8, f8, f8, f8, f8)")
def _inattentive_accel(me, mine, key, dt, accel, gap, lead_speed, lead_accel):  # type: ignore[no-untyped-def]
    """A distracted driver's acceleration: held while he looks away, until alarm or time ends it."""
    me[_ATTENTION] -= dt
    away = mine[_INATTENTIVE] == 1
    target = 0.0
    if away:
        target = _SWAY_M if uniform(key, mine[_COUNTER]) < 0.5 else -_SWAY_M
        alarm = gap < math.inf and (
            constant_accel(me[_SPEED], gap - 1.5, lead_speed, lead_accel, 0.0) < -_ALARM_BRAKE_MPS2
            or gap < 2.0 + 0.35 * me[_SPEED]
        )
        if alarm and me[_ATTENTION] > _ALARM_S:
            me[_ATTENTION] = _ALARM_S
    if me[_ATTENTION] <= 0.0:
        mine[_COUNTER] += 1
        chance = uniform(key, mine[_COUNTER])
        mine[_INATTENTIVE] = 0 if away else 1
        me[_ATTENTION] = 4.0 + 8.0 * chance if away else 0.8 + 1.7 * chance
    me[_SWAY] += (target - me[_SWAY]) * min(1.0, dt / 1.5)
    if not away:
        return accel
    return min(max(me[_ACCEL], -0.5), 0.3)


@kernel("f8(f8[::1], i8[::1], u8, f8, f8)")
def _startling_accel(me, mine, key, dt, accel):  # type: ignore[no-untyped-def]
    """Of a driver who brakes hard now and then: 3.5 to 6 m/s2 for about a second (estimate)."""
    me[_ATTENTION] -= dt
    if me[_ATTENTION] <= 0.0:
        mine[_COUNTER] += 1
        chance = uniform(key, mine[_COUNTER])
        starts = mine[_INATTENTIVE] == 0 and mine[_MODE] == _KEEP and me[_SPEED] > 5.0
        mine[_INATTENTIVE] = 1 if starts else 0
        me[_ATTENTION] = 0.7 + 0.8 * chance if starts else 15.0 + 30.0 * chance
    if mine[_INATTENTIVE] == 1:
        return min(accel, -3.5 - 2.5 * uniform(key, mine[_COUNTER] + 1))
    return accel


@kernel("f8(Roads, f8[::1], i8[::1], u8, f8, f8)")
def _broken_accel(roads, me, mine, key, dt, accel):  # type: ignore[no-untyped-def]
    """Of a car that breaks down: beside a fast road for good, in a lane of several for a while."""
    me[_ATTENTION] -= dt
    lane = mine[_LANE]
    if me[_ATTENTION] <= 0.0:
        mine[_COUNTER] += 1
        rapid = roads.lane_i[lane, _RAPID] == 1
        several = roads.lane_i[lane, _LEFT] >= 0 or roads.lane_i[lane, _RIGHT] >= 0
        outer = roads.lane_i[lane, _RIGHT] < 0 and roads.lane_i[lane, _LANE_KIND] == 0
        room = roads.lane_f[lane, _LENGTH] - me[_S] > 30.0 + 0.5 * me[_SPEED] ** 2
        calm = mine[_MODE] == _KEEP and mine[_OLD] < 0 and mine[_GRANT] < 0
        rolls = me[_SPEED] > 6.0  # a car in a queue does not come to the side
        may = room and calm and ((rapid and outer and rolls) or (several and not rapid))
        starts = mine[_INATTENTIVE] == 0 and may
        if mine[_INATTENTIVE] == 1:
            mine[_DIRECTION] = 0
        mine[_INATTENTIVE] = 1 if starts else 0
        me[_ATTENTION] = 30.0 + 30.0 * uniform(key, mine[_COUNTER]) if starts else 5.0
        if starts and rapid:
            me[_ATTENTION] = _FOR_GOOD_S
    if mine[_INATTENTIVE] == 0:
        return accel
    mine[_DIRECTION] = _HAZARD
    me[_COOLDOWN] = 5.0
    if me[_ATTENTION] > 0.5 * _FOR_GOOD_S:
        aside = 0.5 * roads.table[roads.lane_i[lane, _ROWS] + mine[_ROW], 6]
        aside += 0.5 * me[_WIDE] + _ASIDE_M
        if me[_SPEED] > 1.0:
            me[_SHIFT] = max(me[_SHIFT] - _ASIDE_MPS * dt, -aside)
        if me[_SHIFT] > -aside:
            return min(accel, -0.5 if me[_SPEED] > 6.0 else 0.5 if me[_SPEED] < 2.0 else 0.0)
    return min(accel, -2.0)


@kernel("f8(Roads, Entries, Actors, Moment, i8, f8, i8)")
def drive_accel(  # type: ignore[no-untyped-def]
    roads, entries, actors, moment, actor, dt, ego_begin
):
    """The acceleration that an actor's driver asks for now (m/s2)."""
    me, mine = actors.f[actor], actors.i[actor]
    speed, lane, s = me[_SPEED], mine[_LANE], me[_S]
    half, side = 0.5 * me[_LONG], 0.5 * me[_WIDE]
    reach = 40.0 + max(5.0 * speed, 0.5 * speed * speed)
    past = ego_begin if gets_by(roads, actors.keys[actor], me, mine, moment) else -1
    gap, lead_speed, leader, soft_gap, soft_speed, allowed = look_ahead(
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
        me[_D],
        side,
        speed,
        reach,
        True,
        past,
    )
    wanted = min(
        me[_TOP], me[_FACTOR] * min(allowed, roads.speeds[roads.lane_i[lane, _ROWS] + mine[_ROW]])
    )
    if past >= 0:
        wanted = min(wanted, SQUEEZE_MPS)
    for k in range(moment.zone_i.shape[0]):
        if moment.zone_i[k, 0] == lane and moment.zone_f[k, 0] <= s <= moment.zone_f[k, 1]:
            wanted = min(wanted, moment.zone_f[k, 2])
    if mine[_KIND] == _CUTTING:
        wanted = max(
            wanted, min(_overtaking_speed(roads, me, mine, entries, ego_begin), 1.3 * wanted)
        )
    me[_WANTED] = wanted
    me[_GAP] = gap
    mine[_LEADER] = leader
    time_gap, stand_gap, most, comfort = me[_TIME_GAP], me[_STAND_GAP], me[_ACCEL_MAX], me[_COMFORT]
    lead_accel = entries.f[leader, _E_ACCEL] if leader >= 0 else 0.0
    accel = cool_idm(speed, wanted, gap, lead_speed, lead_accel, time_gap, stand_gap, most, comfort)
    if soft_gap > 0.0 and soft_gap < math.inf:
        soft = idm(speed, wanted, soft_gap, soft_speed, time_gap, stand_gap, most, comfort)
        accel = min(accel, max(soft, -_SOFT_BRAKE_MPS2))
    old_gap, old_speed = math.inf, 0.0
    if mine[_OLD] >= 0:
        old_gap, old_speed, _slot, _a, _b, _c = look_ahead(
            roads,
            entries,
            actors.keys[actor],
            mine[_CROSSINGS],
            mine[_GRANT],
            mine[_NEXT],
            actor,
            mine[_OLD],
            me[_OLD_S],
            half,
            0.0,
            side,
            speed,
            60.0,
            False,
            -1,
        )
        if old_gap < 0.0 and mine[_DIRECTION] == 0:
            old_gap = math.inf  # turning back from somebody beside: not one to stay behind
        accel = min(
            accel, idm(speed, wanted, old_gap, old_speed, time_gap, stand_gap, most, comfort)
        )
    if mine[_KIND] == _DISTRACTED:
        accel = _inattentive_accel(
            me, mine, actors.keys[actor], dt, accel, gap, lead_speed, lead_accel
        )
        if mine[_INATTENTIVE] == 1:
            return accel
    elif mine[_KIND] == _STARTLING:
        accel = _startling_accel(me, mine, actors.keys[actor], dt, accel)
    elif mine[_KIND] == _BROKEN:
        accel = _broken_accel(roads, me, mine, actors.keys[actor], dt, accel)
    for _ in range(2):
        if gap < math.inf:
            need = stopping_brake(speed, lead_speed, gap - 0.5 - 0.1 * speed, _LEAD_BRAKE_MPS2)
            if need > _BACKSTOP_MPS2:
                accel = min(accel, -1.1 * need)
        gap, lead_speed = old_gap, old_speed
    return min(max(accel, -BRAKE_MOST_MPS2), most)


@kernel("void(f8[::1], f8, f8)")
def roll(me, accel, dt):  # type: ignore[no-untyped-def]
    """Take the asked acceleration within the jerk limits; speed never falls below zero."""
    low, high = me[_ACCEL] - _JERK_DOWN * dt, me[_ACCEL] + _JERK_UP * dt
    if me[_ACCEL] < -0.5:
        high = me[_ACCEL] + _JERK_DOWN * dt  # letting go of the brake is quick
    accel = min(max(accel, low), high)
    if me[_SPEED] <= 0.0 and accel < 0.0:
        accel = 0.0
    me[_ACCEL] = accel


@kernel("void(Roads, f8[::1], i8[::1], Moment, f8, f8)")
def place(roads, me, mine, moment, dt, way):  # type: ignore[no-untyped-def]
    """Lateral place and world pose from (lane, s); way: metres rolled in dt (dt 0: just placed)."""
    low, high = roads.lane_i[mine[_LANE], _ROWS], roads.lane_i[mine[_LANE] + 1, _ROWS]
    mine[_ROW] = evaluate_line(roads.table[low:high], me[_S], mine[_ROW], moment.row_out)
    width, heading = moment.row_out[6], moment.row_out[4]
    room = max(0.5 * (width - me[_WIDE]) - 0.1, 0.0)
    angle = _TWO_PI * me[_TRAVEL] / me[_WAVE] + me[_PHASE]
    swing = min(me[_WANDER], room)
    wander = swing * math.sin(angle)
    slope = swing * _TWO_PI / me[_WAVE] * math.cos(angle)
    d = min(max(wander + me[_SWAY] * min(1.0, me[_SPEED] / 5.0), -room), room)
    if mine[_KIND] == _CYCLIST:
        d += me[_SHIFT] * max(0.5 * width - _EDGE_M, 0.0)
    else:
        d += me[_SHIFT]
    if mine[_MODE] == _CHANGE:
        per_m = 1.0 / _CHANGE_LEAST_M
        if me[_SPEED] > 0.1:
            per_m = min(per_m, 1.0 / (me[_CHANGE_TIME] * me[_SPEED]))
        per_m *= max(1.0 - me[_HELD] / HALT_S, 0.0)
        me[_PROGRESS] += way * per_m
        part, rate = smooth(me[_PROGRESS])
        d += me[_FROM] * (1.0 - part)
        slope -= me[_FROM] * rate * per_m
        if abs(d) + 0.5 * me[_WIDE] < 0.5 * width + 0.1:
            mine[_OLD] = -1
        if me[_PROGRESS] >= 1.0:
            mine[_MODE], mine[_DIRECTION], mine[_OLD] = _KEEP, 0, -1
    me[_D] = d
    me[_X] = moment.row_out[1] - d * math.sin(heading)
    me[_Y] = moment.row_out[2] + d * math.cos(heading)
    me[_Z] = moment.row_out[3]
    yaw = heading + math.atan(slope)
    yaw -= _TWO_PI * math.floor((yaw + math.pi) / _TWO_PI)
    if dt > 0.0:
        turn = yaw - me[_BEFORE_YAW]
        turn -= _TWO_PI * math.floor((turn + math.pi) / _TWO_PI)
        me[_YAW_RATE] = turn / dt
    me[_YAW] = yaw


@kernel("void(Roads, u8, f8[::1], i8[::1], Moment, f8)")
def move(roads, key, me, mine, moment, dt):  # type: ignore[no-untyped-def]
    """Move one actor on by dt with its acceleration, onto the next lanes, and place it in the world."""
    speed, accel = me[_SPEED], me[_ACCEL]
    way = speed * dt + 0.5 * accel * dt * dt
    faster = speed + accel * dt
    if faster <= 0.0:
        way = 0.5 * speed * speed / -accel if accel < 0.0 else 0.0
        faster = 0.0
    me[_SPEED] = faster
    me[_BEFORE_X], me[_BEFORE_Y], me[_BEFORE_YAW] = me[_X], me[_Y], me[_YAW]
    lane = mine[_LANE]
    bend = roads.table[roads.lane_i[lane, _ROWS] + mine[_ROW], 5]
    s = me[_S] + way / max(1.0 - bend * me[_D], 0.5)
    me[_TRAVEL] += way
    while s > roads.lane_f[lane, _LENGTH]:
        onto = pick_onward(roads, key, mine[_CROSSINGS], lane)
        if onto < 0:
            if roads.lane_i[lane, _ENDS] == 1:
                s = roads.lane_f[lane, _LENGTH]
                me[_SPEED] = 0.0
            else:
                mine[_ALIVE] = 0
            break
        if mine[_KIND] == _CYCLIST and roads.lane_i[onto, _RAPID] == 1:
            mine[_ALIVE] = 0  # no place for cyclists
            break
        s -= roads.lane_f[lane, _LENGTH]
        mine[_CROSSINGS] += 1
        lane = onto
        mine[_ROW] = 0
    mine[_LANE], me[_S] = lane, s
    old = mine[_OLD]
    if old >= 0:
        me[_OLD_S] += way
        if me[_OLD_S] > roads.lane_f[old, _LENGTH]:
            me[_OLD_S] -= roads.lane_f[old, _LENGTH]
            mine[_OLD] = -1
            for k in range(roads.lane_i[old, _ONWARD], roads.lane_i[old + 1, _ONWARD]):
                if roads.onward[k] != lane:
                    mine[_OLD] = roads.onward[k]
                    break
    place(roads, me, mine, moment, dt, way)
