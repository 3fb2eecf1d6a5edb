"""Who may drive a junction lane now: lights, priority, gaps, and no two at once on shared ground.

A driver near a junction asks for the lane he wants. He gets a grant when the light is open, the exit
has room, nobody who goes first comes too soon, and nobody holds ground that his lane shares. A grant
lasts until his rear has left the lane, but its ground is free as soon as his rear has passed it.
Simplified: intentions of others are not known (whoever comes on a way that may conflict counts); who
stands for long at an equal or lower rank is waved through, as drivers do by eye.
"""

from __future__ import annotations

import math

import numpy as np

from volant.core.kernels import kernel
from volant.road.conflicts import Meeting
from volant.sim.arrays import (  # noqa: F401 - in signatures
    Actors,
    Entries,
    Lamps,
    Moment,
    Roads,
)
from volant.sim.columns import (
    SLOTS,
    Actor,
    DriverKind,
    Entry,
    EntryIndex,
    EntryKind,
    GateKind,
    Index,
    Lamp,
    LaneFloat,
    LaneIndex,
)
from volant.sim.lane_kernels import look_behind, pick_onward

_SLOTS = SLOTS
_S, _SPEED, _LENGTH, _ACCEL_MAX = (
    int(Actor.S),
    int(Actor.SPEED),
    int(Actor.LENGTH),
    int(Actor.ACCEL_MAX),
)
_WAITED, _FACTOR, _TOP = int(Actor.WAITED), int(Actor.FACTOR), int(Actor.TOP_SPEED)
_LANE, _ALIVE, _CROSSINGS, _KIND = (
    int(Index.LANE),
    int(Index.ALIVE),
    int(Index.CROSSINGS),
    int(Index.KIND),
)
_GRANT, _REQUEST = int(Index.GRANT), int(Index.REQUEST)
_NEXT, _INSIDE = int(Index.NEXT), int(Index.INSIDE)
_E_S, _E_SPEED, _E_HALF = int(Entry.S), int(Entry.SPEED), int(Entry.HALF_LENGTH)
_E_LANE, _E_KIND = int(EntryIndex.LANE), int(EntryIndex.KIND)
_BODY, _EGO = int(EntryKind.BODY), int(EntryKind.EGO)
_RESERVED, _CONFLICTS, _ONWARD, _ROWS = (
    int(LaneIndex.RESERVED),
    int(LaneIndex.CONFLICTS),
    int(LaneIndex.ONWARD),
    int(LaneIndex.ROWS),
)
_CONTROL, _LIGHT = int(LaneIndex.CONTROL), int(LaneIndex.LIGHT)
_LANE_LENGTH, _STOP = int(LaneFloat.LENGTH), int(LaneFloat.STOP)
_DIVERGE, _MERGE = int(Meeting.DIVERGE), int(Meeting.MERGE)
_STOP_SIGN, _LIGHTS = int(GateKind.STOP), int(GateKind.LIGHT)
_GREEN, _AMBER = int(Lamp.GREEN), int(Lamp.AMBER)
_AGGRESSIVE = int(DriverKind.AGGRESSIVE)
_ASK_MOST_M = 250.0
_NOWHERE = -1.0e9
_BRAKE_MPS2 = 2.0
_AMBER_MPS2 = (
    3.0  # who would have to brake harder drives through amber (RiLSA's 3.5, less a margin)
)
_EGO_MPS2 = 4.0  # the own car that would have to brake harder for its gate is taken to drive on
_EXIT_ROOM_M = 3.0
_EXIT_SPEED_MPS = 3.0
_AREA_M = 0.5
_LOOK_M = 130.0
_MARGIN_S, _HASTY_MARGIN_S = (
    1.5,
    0.8,
)  # critical gaps of 5 to 6.5 s (HBS 2015, recalled) less the way
_STANDS_MPS = 0.5
_YIELD_TO_STANDING_S = 3.0
_IMPATIENT_S = 40.0
_IMPATIENT_MPS2 = 2.0
_STOPPED_S = 0.8
_AT_LINE_M = 8.0
_FOLLOW_MPS2 = 2.0


@kernel("b1(Roads, Entries, u8, i8, i8, f8)")
def _has_room(roads, entries, key, crossings, lane, length):  # type: ignore[no-untyped-def]
    """Whether a car of this length fits behind the last one on its way after the junction.

    One who drives off counts as gone where all who are on that lane have room on it standing.
    """
    base, needed = 0.0, length + _EXIT_ROOM_M
    at = lane
    for _ in range(4):
        first, stored = -1, 0.0
        for k in range(entries.first[at], entries.first[at + 1]):
            slot = entries.order[k]
            if entries.i[slot, _E_KIND] != _BODY and entries.i[slot, _E_KIND] != _EGO:
                continue
            first = slot if first < 0 else first
            stored += 2.0 * entries.f[slot, _E_HALF] + _EXIT_ROOM_M
        if first >= 0:
            room = base + entries.f[first, _E_S] - entries.f[first, _E_HALF]
            leaves = entries.f[first, _E_SPEED] > _EXIT_SPEED_MPS
            return room > needed or (leaves and stored + needed < roads.lane_f[at, _LANE_LENGTH])
        base += roads.lane_f[at, _LANE_LENGTH]
        if base > needed:
            return True
        at = pick_onward(roads, key, crossings, at)
        if at < 0:
            return True
        crossings += 1
    return True


@kernel("b1(Roads, i8)")
def _keeps_clear(roads, onto):  # type: ignore[no-untyped-def]
    """Whether who stands on a lane is in the way of others who could go; in a ring nobody could."""
    for k in range(roads.lane_i[onto, _CONFLICTS], roads.lane_i[onto + 1, _CONFLICTS]):
        if roads.conflicts[k, 1] != _DIVERGE and (
            roads.conflicts[k, 1] != _MERGE or roads.conflicts[k, 2] == 1
        ):
            return True
    return False


@kernel("f8(Roads, Entries, i8, i8)")
def _queue_before_us(roads, entries, onto, last):  # type: ignore[no-untyped-def]
    """Metres that those need who are on a lane, or on one that runs into its end, and go on before us."""
    taken = 0.0
    for k in range(roads.lane_i[onto, _CONFLICTS] - 1, roads.lane_i[onto + 1, _CONFLICTS]):
        lane = onto  # first the lane itself
        if k >= roads.lane_i[onto, _CONFLICTS]:
            if roads.conflicts[k, 1] != _MERGE:
                continue
            lane = roads.conflicts[k, 0]
        for j in range(entries.first[lane], entries.first[lane + 1]):
            slot = entries.order[j]
            kind = entries.i[slot, _E_KIND]
            if (kind == _BODY and slot < last) or (kind == _EGO and entries.f[slot, _E_HALF] > 0.6):
                taken += 2.0 * entries.f[slot, _E_HALF] + _EXIT_ROOM_M
    return taken


@kernel("Tuple((i8, i8, f8))(Roads, Actors, i8)")
def _next_gate(roads, actors, actor):  # type: ignore[no-untyped-def]
    """The next lane that needs a grant (-1: none near), the hops and the metres to it."""
    mine = actors.i[actor]
    lane, crossings = mine[_LANE], mine[_CROSSINGS]
    left = roads.lane_f[lane, _LANE_LENGTH] - actors.f[actor, _S]
    for hop in range(6):
        onto = pick_onward(roads, actors.keys[actor], crossings + hop, lane)
        if onto < 0 or onto == mine[_GRANT] or left > _ASK_MOST_M:
            return -1, 0, 0.0
        if roads.lane_i[onto, _RESERVED] == 1:
            return onto, hop, left
        left += roads.lane_f[onto, _LANE_LENGTH]
        lane = onto
    return -1, 0, 0.0


@kernel("b1(Roads, Actors, Entries, i8, i8)")
def _is_front(roads, actors, entries, actor, hops):  # type: ignore[no-untyped-def]
    """Whether every car between an actor and the gate that many lanes on has a grant already."""
    last = actors.i.shape[0] * _SLOTS
    lane, crossings = actors.i[actor, _LANE], actors.i[actor, _CROSSINGS]
    for hop in range(hops + 1):
        for k in range(entries.first[lane + 1] - 1, entries.first[lane] - 1, -1):
            slot = entries.order[k]
            kind = entries.i[slot, _E_KIND]
            if (kind != _EGO and kind != _BODY) or entries.f[slot, _E_HALF] < 0.6:
                continue
            if slot < last and slot // _SLOTS == actor:
                break
            if hop == 0 and entries.f[slot, _E_S] < actors.f[actor, _S]:
                break
            if slot >= last:
                return False
            other = actors.i[slot // _SLOTS]
            if other[_NEXT] < 0 and (other[_GRANT] < 0 or other[_INSIDE] == 1):
                return False
        lane = pick_onward(roads, actors.keys[actor], crossings + hop, lane)
        if lane < 0:
            return True
    return True


@kernel("void(Actors, i8)")
def _release(actors, actor):  # type: ignore[no-untyped-def]
    mine = actors.i[actor]
    if mine[_ALIVE] == 0:
        mine[_GRANT] = mine[_NEXT] = mine[_REQUEST] = -1
        mine[_INSIDE] = 0
    elif mine[_GRANT] >= 0:
        if mine[_LANE] == mine[_GRANT]:
            mine[_INSIDE] = 1
        elif mine[_INSIDE] == 1 and (actors.f[actor, _S] > 0.5 * actors.f[actor, _LENGTH] + 0.5):
            mine[_GRANT], mine[_NEXT] = mine[_NEXT], -1
            mine[_INSIDE] = 1 if mine[_LANE] == mine[_GRANT] else 0
            mine[_REQUEST] = -1


@kernel("void(Roads, Actors, Lamps, i8)")
def _revoke(roads, actors, lamps, actor):  # type: ignore[no-untyped-def]
    """Take a grant back where the light has closed and the car can still stop at the line."""
    mine = actors.i[actor]
    granted = mine[_NEXT] if mine[_INSIDE] == 1 else mine[_GRANT]
    if granted < 0 or mine[_LANE] == granted:
        return
    light = roads.lane_i[granted, _LIGHT]
    if light < 0 or lamps.shown[light] == _GREEN:
        return
    me = actors.f[actor]
    if pick_onward(roads, actors.keys[actor], mine[_CROSSINGS], mine[_LANE]) != granted:
        return
    room = (
        roads.lane_f[mine[_LANE], _LANE_LENGTH] - me[_S] - roads.lane_f[granted, _STOP]
    ) - 0.5 * me[_LENGTH]
    if room > -1.0 and 0.5 * me[_SPEED] ** 2 < _AMBER_MPS2 * max(room, 0.05):
        mine[_NEXT if mine[_INSIDE] == 1 else _GRANT] = -1


@kernel("b1(Roads, Actors, Lamps, i8, i8, f8)")
def _light_allows(roads, actors, lamps, actor, onto, left):  # type: ignore[no-untyped-def]
    light = roads.lane_i[onto, _LIGHT]
    if light < 0 or lamps.shown[light] == _GREEN:
        return True
    me = actors.f[actor]
    room = left - roads.lane_f[onto, _STOP] - 0.5 * me[_LENGTH]
    if room < -1.0:
        return True  # past the line already
    if lamps.shown[light] != _AMBER:
        return False
    return 0.5 * me[_SPEED] ** 2 >= _AMBER_MPS2 * max(room, 0.05)


@kernel("f8(f8, f8, f8, f8)")
def _time_to(way, speed, accel, cap):  # type: ignore[no-untyped-def]
    """Seconds for a way from a speed with an acceleration up to a cap."""
    if way <= 0.0:
        return 0.0
    cap = max(cap, speed, 0.5)
    gather = 0.5 * (cap * cap - speed * speed) / accel
    if way <= gather:
        return (math.sqrt(speed * speed + 2.0 * accel * way) - speed) / accel
    return (cap - speed) / accel + (way - gather) / cap


@kernel("b1(Roads, Entries, i8, i8, i8)")
def _body_in_area(roads, entries, k, actor, last):  # type: ignore[no-untyped-def]
    """Whether some body stands on the other lane's part of a conflict's ground."""
    other = roads.conflicts[k, 0]
    low, high = roads.conflict_spans[k, 2], roads.conflict_spans[k, 3]
    merge = roads.conflicts[k, 1] == _MERGE
    for j in range(entries.first[other], entries.first[other + 1]):
        slot = entries.order[j]
        kind = entries.i[slot, _E_KIND]
        if (kind != _BODY and kind != _EGO) or (slot < last and slot // _SLOTS == actor):
            continue
        s, half = entries.f[slot, _E_S], entries.f[slot, _E_HALF] + _AREA_M
        if merge and s - half > low:
            continue  # to be followed like any leader
        if s + half > low and s - half < high:
            return True
    return False


@kernel("b1(Roads, Entries, i8, i8)")
def _ego_comes(roads, entries, k, ego_begin):  # type: ignore[no-untyped-def]
    """Whether the own car is inside the other lane, or too fast to wait for its gate."""
    other = roads.conflicts[k, 0]
    for slot in range(ego_begin, ego_begin + 6):
        lane = entries.i[slot, _E_LANE]
        if lane < 0 or entries.f[slot, _E_SPEED] < 1.0:
            continue
        half, speed = entries.f[slot, _E_HALF], entries.f[slot, _E_SPEED]
        if lane == other:
            if entries.f[slot, _E_S] - half < roads.conflict_spans[k, 3]:
                return True
            continue
        room = roads.lane_f[lane, _LANE_LENGTH] - entries.f[slot, _E_S] - half
        room -= roads.lane_f[other, _STOP]
        if 0.5 * speed * speed < _EGO_MPS2 * max(room, 0.3):
            continue
        for j in range(roads.lane_i[lane, _ONWARD], roads.lane_i[lane + 1, _ONWARD]):
            if roads.onward[j] == other:
                return True
    return False


@kernel("b1(Roads, Entries, Actors, Lamps, i8, i8, i8, f8)")
def _gap_is_enough(roads, entries, actors, lamps, k, actor, onto, left):  # type: ignore[no-untyped-def]
    """Whether nobody who goes first over a conflict's ground comes before this actor is off it."""
    other = roads.conflicts[k, 0]
    gap, speed, slot = look_behind(
        roads, entries, actor, other, roads.conflict_spans[k, 2], 0.0, _LOOK_M
    )
    if slot < 0:
        return True
    light = roads.lane_i[other, _LIGHT]
    outside = entries.i[slot, _E_LANE] != other
    if outside and light >= 0 and lamps.shown[light] != _GREEN and lamps.shown[light] != _AMBER:
        return True  # held by its own light
    me = actors.f[actor]
    if speed < _STANDS_MPS and outside:
        return me[_WAITED] > _YIELD_TO_STANDING_S
    cap = min(me[_TOP], me[_FACTOR] * roads.speeds[roads.lane_i[onto, _ROWS]])
    merge = roads.conflicts[k, 1] == _MERGE
    way = left + roads.conflict_spans[k, 0 if merge else 1] + 0.5 * me[_LENGTH]
    needs = _time_to(way, me[_SPEED], me[_ACCEL_MAX], cap)
    margin = _HASTY_MARGIN_S if actors.i[actor, _KIND] == _AGGRESSIVE else _MARGIN_S
    if merge:
        margin += 0.5 + max(speed - cap, 0.0) / (2.0 * _FOLLOW_MPS2)
    else:
        margin *= max(0.4, 1.0 - me[_WAITED] / 60.0)
    if gap / max(speed, 0.3) > needs + margin:
        return True
    impatient = me[_WAITED] > _IMPATIENT_S and outside
    return impatient and 0.5 * speed * speed < _IMPATIENT_MPS2 * max(gap - 8.0, 0.1)


@kernel("b1(Roads, Entries, Actors, Lamps, Moment, i8, i8, f8, i8)")
def _is_free(roads, entries, actors, lamps, moment, actor, onto, left, ego_begin):  # type: ignore[no-untyped-def]
    """Whether the ground of a lane may be taken: nobody holds it, is on it, or goes first."""
    last = actors.f.shape[0] * _SLOTS
    for k in range(roads.lane_i[onto, _CONFLICTS], roads.lane_i[onto + 1, _CONFLICTS]):
        if roads.conflicts[k, 1] == _DIVERGE:
            continue
        free_from = roads.conflict_spans[k, 2 if roads.conflicts[k, 1] == _MERGE else 3]
        if moment.held[roads.conflicts[k, 0]] < free_from + _AREA_M:
            return False
        if _body_in_area(roads, entries, k, actor, last) or _ego_comes(
            roads, entries, k, ego_begin
        ):
            return False
        if roads.conflicts[k, 2] == 1 and not _gap_is_enough(
            roads, entries, actors, lamps, k, actor, onto, left
        ):
            return False
    return True


@kernel("void(Roads, Actors, Moment, i8)")
def _hold(roads, actors, moment, actor):  # type: ignore[no-untyped-def]
    """Note how far the rear of a granted actor has come on its lanes."""
    mine = actors.i[actor]
    rear = actors.f[actor, _S] - 0.5 * actors.f[actor, _LENGTH]
    granted = mine[_GRANT]
    if granted >= 0:
        on = rear
        if mine[_LANE] != granted:
            on = rear + roads.lane_f[granted, _LANE_LENGTH] if mine[_INSIDE] == 1 else _NOWHERE
        moment.held[granted] = min(moment.held[granted], on)
    ahead = mine[_NEXT]
    if ahead >= 0:
        on = rear if mine[_LANE] == ahead else _NOWHERE
        moment.held[ahead] = min(moment.held[ahead], on)


@kernel("void(Actors, i8, f8, f8)")
def _wait(actors, actor, left, dt):  # type: ignore[no-untyped-def]
    """Count the seconds that an actor has stood at the line."""
    me = actors.f[actor]
    if me[_SPEED] > _STANDS_MPS:
        me[_WAITED] = 0.0
    elif left - 0.5 * me[_LENGTH] < _AT_LINE_M:
        me[_WAITED] += dt


@kernel("void(Roads, Actors, Entries, Moment, Lamps, i8, i8, f8)")
def grant_junctions(roads, actors, entries, moment, lamps, ego_begin, tick, dt):  # type: ignore[no-untyped-def]
    """Give and take back grants for this step; moment.held [L] is scratch."""
    moment.held[:] = math.inf
    count = actors.i.shape[0]
    asking = np.empty(count, dtype=np.int64)
    asked = 0
    last = count * _SLOTS
    for actor in range(count):
        _release(actors, actor)
        _revoke(roads, actors, lamps, actor)
        _hold(roads, actors, moment, actor)
        mine = actors.i[actor]
        if mine[_ALIVE] == 0 or mine[_NEXT] >= 0:
            continue
        if mine[_GRANT] >= 0 and mine[_INSIDE] == 0:
            continue
        onto, _hops, left = _next_gate(roads, actors, actor)
        if onto < 0:
            continue
        _wait(actors, actor, left, dt)
        speed = actors.f[actor, _SPEED]
        if left > 20.0 + 0.5 * speed * speed / _BRAKE_MPS2:
            continue
        if mine[_REQUEST] < 0:
            mine[_REQUEST] = tick
        j = asked - 1
        while j >= 0 and actors.i[asking[j], _REQUEST] > mine[_REQUEST]:
            asking[j + 1] = asking[j]
            j -= 1
        asking[j + 1] = actor
        asked += 1
    for k in range(asked):
        actor = asking[k]
        mine = actors.i[actor]
        onto, hops, left = _next_gate(roads, actors, actor)
        if not _light_allows(roads, actors, lamps, actor, onto, left):
            continue
        stopped = actors.f[actor, _WAITED] > _STOPPED_S
        if roads.lane_i[onto, _CONTROL] == _STOP_SIGN and not stopped:
            continue
        if not _is_front(roads, actors, entries, actor, hops):
            continue
        crossings = mine[_CROSSINGS] + hops + 1
        beyond = pick_onward(roads, actors.keys[actor], crossings, onto)
        if beyond >= 0 and _keeps_clear(roads, onto):
            needed = actors.f[actor, _LENGTH] + _queue_before_us(roads, entries, onto, last)
            if not _has_room(roads, entries, actors.keys[actor], crossings + 1, beyond, needed):
                continue
        if _is_free(roads, entries, actors, lamps, moment, actor, onto, left, ego_begin):
            if mine[_GRANT] >= 0:
                mine[_NEXT] = onto
            else:
                mine[_GRANT], mine[_INSIDE] = onto, 0
            moment.held[onto] = _NOWHERE
