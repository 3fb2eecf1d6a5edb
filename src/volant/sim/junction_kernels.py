"""Who may drive a junction lane that others cross: one grant for a whole lane, first come, first served.

Simplified: no priority signs, no lights, no gap acceptance; the own car has every lane it is on or
comes to within 40 m. A grant is given only where the exit has room, so a queue cannot block the box.
"""

from __future__ import annotations

import numpy as np

from volant.core.kernels import kernel
from volant.road import Meeting
from volant.sim.arrays import Actors, Entries, Moment, Roads  # noqa: F401 - in signatures
from volant.sim.columns import (
    SLOTS,
    Actor,
    Entry,
    EntryIndex,
    EntryKind,
    Index,
    LaneFloat,
    LaneIndex,
)
from volant.sim.lane_kernels import pick_onward

_SLOTS = SLOTS
_S, _SPEED, _LENGTH = int(Actor.S), int(Actor.SPEED), int(Actor.LENGTH)
_LANE, _ALIVE, _CROSSINGS = int(Index.LANE), int(Index.ALIVE), int(Index.CROSSINGS)
_GRANT, _REQUEST = int(Index.GRANT), int(Index.REQUEST)
_E_S, _E_SPEED, _E_HALF = int(Entry.S), int(Entry.SPEED), int(Entry.HALF_LENGTH)
_E_LANE, _E_KIND = int(EntryIndex.LANE), int(EntryIndex.KIND)
_BODY, _EGO = int(EntryKind.BODY), int(EntryKind.EGO)
_RESERVED, _CONFLICTS, _ONWARD = (
    int(LaneIndex.RESERVED),
    int(LaneIndex.CONFLICTS),
    int(LaneIndex.ONWARD),
)
_LANE_LENGTH = int(LaneFloat.LENGTH)
_DIVERGE = int(Meeting.DIVERGE)
_ENTERED = -2  # value of REQUEST while a car is on its granted lane
_EGO_CLAIM_M = 40.0
_BRAKE_MPS2 = 2.0
_EXIT_ROOM_M = 3.0
_EXIT_SPEED_MPS = 2.0


@kernel("b1(Roads, Moment, i8)")
def _is_free(roads, moment, lane):  # type: ignore[no-untyped-def]
    for k in range(roads.lane_i[lane, _CONFLICTS], roads.lane_i[lane + 1, _CONFLICTS]):
        if roads.conflicts[k, 1] != _DIVERGE and moment.held[roads.conflicts[k, 0]] > 0:
            return False
    return True


@kernel("b1(Entries, i8, f8)")
def _has_room(entries, lane, length):  # type: ignore[no-untyped-def]
    """Whether a car of this length fits behind the last one on the lane after the junction."""
    for k in range(entries.first[lane], entries.first[lane + 1]):
        slot = entries.order[k]
        if entries.i[slot, _E_KIND] != _BODY and entries.i[slot, _E_KIND] != _EGO:
            continue
        room = entries.f[slot, _E_S] - entries.f[slot, _E_HALF]
        return room > length + _EXIT_ROOM_M or entries.f[slot, _E_SPEED] > _EXIT_SPEED_MPS
    return True


@kernel("b1(Actors, Entries, i8, i8, i8)")
def _is_front(actors, entries, lane, actor, last):  # type: ignore[no-untyped-def]
    """Whether every car ahead in the lane has a grant already; last: number of actor slots."""
    for k in range(entries.first[lane + 1] - 1, entries.first[lane] - 1, -1):
        slot = entries.order[k]
        if entries.i[slot, _E_KIND] == _EGO:
            return False
        if entries.i[slot, _E_KIND] != _BODY or slot >= last:
            continue
        if slot // _SLOTS == actor:
            return True
        if actors.i[slot // _SLOTS, _GRANT] < 0:
            return False
    return True


@kernel("void(Actors, i8)")
def _release(actors, actor):  # type: ignore[no-untyped-def]
    granted = actors.i[actor, _GRANT]
    if granted < 0:
        return
    if actors.i[actor, _ALIVE] == 0:
        actors.i[actor, _GRANT], actors.i[actor, _REQUEST] = -1, -1
    elif actors.i[actor, _LANE] == granted:
        actors.i[actor, _REQUEST] = _ENTERED
    elif (
        actors.i[actor, _REQUEST] == _ENTERED
        and actors.f[actor, _S] > 0.5 * actors.f[actor, _LENGTH] + 0.5
    ):
        actors.i[actor, _GRANT], actors.i[actor, _REQUEST] = -1, -1


@kernel("void(Roads, Actors, Entries, Moment, i8, i8)")
def grant_junctions(  # type: ignore[no-untyped-def]
    roads, actors, entries, moment, ego_begin, tick
):
    """Give and take back grants for this step; held [L] is scratch."""
    moment.held[:] = 0
    count = actors.i.shape[0]
    asking = np.empty(count, dtype=np.int64)
    asked = 0
    for slot in range(ego_begin, ego_begin + 6):
        lane = entries.i[slot, _E_LANE]
        if lane < 0:
            continue
        moment.held[lane] += 1
        if roads.lane_f[lane, _LANE_LENGTH] - entries.f[slot, _E_S] < _EGO_CLAIM_M:
            for k in range(roads.lane_i[lane, _ONWARD], roads.lane_i[lane + 1, _ONWARD]):
                moment.held[roads.onward[k]] += 1
    for actor in range(count):
        _release(actors, actor)
        if actors.i[actor, _GRANT] >= 0:
            moment.held[actors.i[actor, _GRANT]] += 1
        elif actors.i[actor, _ALIVE] == 1:
            lane = actors.i[actor, _LANE]
            onto = pick_onward(roads, actors.keys[actor], actors.i[actor, _CROSSINGS], lane)
            if onto < 0 or roads.lane_i[onto, _RESERVED] == 0:
                continue
            speed = actors.f[actor, _SPEED]
            left = roads.lane_f[lane, _LANE_LENGTH] - actors.f[actor, _S]
            if left > 20.0 + 0.5 * speed * speed / _BRAKE_MPS2:
                continue
            if actors.i[actor, _REQUEST] < 0:
                actors.i[actor, _REQUEST] = tick
            j = asked - 1
            while j >= 0 and actors.i[asking[j], _REQUEST] > actors.i[actor, _REQUEST]:
                asking[j + 1] = asking[j]
                j -= 1
            asking[j + 1] = actor
            asked += 1
    for k in range(asked):
        actor = asking[k]
        lane = actors.i[actor, _LANE]
        crossings = actors.i[actor, _CROSSINGS]
        onto = pick_onward(roads, actors.keys[actor], crossings, lane)
        beyond = pick_onward(roads, actors.keys[actor], crossings + 1, onto)
        if not _is_front(actors, entries, lane, actor, count * _SLOTS):
            continue
        if beyond >= 0 and not _has_room(entries, beyond, actors.f[actor, _LENGTH]):
            continue
        if _is_free(roads, moment, onto):
            actors.i[actor, _GRANT] = onto
        moment.held[onto] += 1  # granted, or first in line before all who ask later
