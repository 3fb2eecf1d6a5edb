"""Who is where in which lane: the sorted index of lane entries, and looks ahead and behind along it.

Entries of one lane stand in rising s; ties go by slot. A look ahead follows the actor's own choice of
successors; it sees cars on lanes that fork from or merge into its own (shared ground) as well.
"""

from __future__ import annotations

import math

import numpy as np

from volant.core.kernels import kernel
from volant.road.conflicts import Meeting
from volant.road.kernels import project_line
from volant.sim.arrays import Entries, Ground, Roads  # noqa: F401 - in signatures
from volant.sim.columns import (
    APPROACH_BRAKE_MPS2,
    EGO_SLOTS,
    SLOTS,
    Entry,
    EntryIndex,
    EntryKind,
    LaneFloat,
    LaneIndex,
)
from volant.sim.driver_kernels import uniform

_SLOTS, _EGO_SLOTS = SLOTS, EGO_SLOTS
_E_S, _E_SPEED, _E_HALF = int(Entry.S), int(Entry.SPEED), int(Entry.HALF_LENGTH)
_E_D, _E_SIDE, _E_ACCEL = int(Entry.D), int(Entry.HALF_WIDTH), int(Entry.ACCEL)
_E_LANE, _E_KIND = int(EntryIndex.LANE), int(EntryIndex.KIND)
_BODY, _WISH, _EGO, _WALL = (
    int(EntryKind.BODY),
    int(EntryKind.WISH),
    int(EntryKind.EGO),
    int(EntryKind.WALL),
)
_ENDS, _RESERVED, _ROWS = int(LaneIndex.ENDS), int(LaneIndex.RESERVED), int(LaneIndex.ROWS)
_ONWARD, _BACK, _CONFLICTS = int(LaneIndex.ONWARD), int(LaneIndex.BACK), int(LaneIndex.CONFLICTS)
_LENGTH, _STOP, _TAPER = int(LaneFloat.LENGTH), int(LaneFloat.STOP), int(LaneFloat.TAPER)
_LONGEST_M = 12.0  # half of the longest body and some, behind which no tail reaches back
_CROSSED_SHORT_M = 0.5
_DIVERGE, _MERGE, _CROSS = int(Meeting.DIVERGE), int(Meeting.MERGE), int(Meeting.CROSS)
_SIDE_MARGIN_M = 0.3
_WALL_BRAKE_MPS2 = 3.5  # a jam's head that would need more braking than this is not stopped for
_STOP_SHORT_M = 1.5
_ON_FOOT_M = 0.32  # half width: who is narrower goes on foot
_APPROACH = APPROACH_BRAKE_MPS2
_ROUTE_DRAWS = 1 << 40  # counters of route choices lie above all others of an actor


@kernel("void(Entries, i8)")
def index_entries(entries, lanes):  # type: ignore[no-untyped-def]
    """Sort `order` [M] by (lane, s, slot) from its last state, and fill `first` [lanes + 2]."""
    count = entries.order.shape[0]
    for i in range(1, count):
        slot = entries.order[i]
        lane, s = entries.i[slot, _E_LANE], entries.f[slot, _E_S]
        if lane < 0:
            lane, s = lanes, 0.0
        j = i - 1
        while j >= 0:
            other = entries.order[j]
            other_lane, other_s = entries.i[other, _E_LANE], entries.f[other, _E_S]
            if other_lane < 0:
                other_lane, other_s = lanes, 0.0
            if other_lane < lane or (
                other_lane == lane and (other_s < s or (other_s == s and other < slot))
            ):
                break
            entries.order[j + 1] = other
            j -= 1
        entries.order[j + 1] = slot
    at = 0
    for lane in range(lanes + 1):
        entries.first[lane] = at
        while at < count and entries.i[entries.order[at], _E_LANE] == lane:
            at += 1
        if lane == lanes:
            entries.first[lane + 1] = count


@kernel("i8(Entries, i8, f8, i8)")
def place_after(entries, lane, s, slot):  # type: ignore[no-untyped-def]
    """The first place in `order` of the lane that lies behind (s, slot)."""
    low, high = entries.first[lane], entries.first[lane + 1]
    while low < high:
        middle = (low + high) // 2
        other = entries.order[middle]
        if entries.f[other, _E_S] < s or (entries.f[other, _E_S] == s and other <= slot):
            low = middle + 1
        else:
            high = middle
    return low


@kernel("i8(Roads, u8, i8, i8)")
def pick_onward(roads, key, crossings, lane):  # type: ignore[no-untyped-def]
    """The successor that an actor takes at its n-th crossing, or -1."""
    low, high = roads.lane_i[lane, _ONWARD], roads.lane_i[lane + 1, _ONWARD]
    if low == high:
        return -1
    if high - low == 1:
        return roads.onward[low]
    chance = uniform(key, _ROUTE_DRAWS + crossings)
    for k in range(low, high):
        if chance < roads.share[k]:
            return roads.onward[k]
    return roads.onward[high - 1]


@kernel("b1(Roads, Entries, i8, i8)")
def _is_crossed(roads, entries, k, past):  # type: ignore[no-untyped-def]
    """Whether somebody who keeps to no grants is on the other lane's part of a conflict's ground."""
    other = roads.conflicts[k, 0]
    for j in range(entries.first[other], entries.first[other + 1]):
        slot = entries.order[j]
        if past >= 0 and past <= slot < past + _EGO_SLOTS:
            continue
        s, long = entries.f[slot, _E_S], entries.f[slot, _E_HALF] + 0.5
        if entries.i[slot, _E_KIND] != _EGO or entries.f[slot, _E_HALF] < 0.6:
            continue
        if s + long > roads.conflict_spans[k, 2] and s - long < roads.conflict_spans[k, 3]:
            return True
    return False


@kernel("Tuple((f8, i8))(Roads, Entries, i8, i8, i8)")
def _tail_behind(roads, entries, lane, actor, past):  # type: ignore[no-untyped-def]
    """How far the rears of those just past a lane's end stand from it (negative: before it), and whose."""
    least, whose = math.inf, -1
    for k in range(roads.lane_i[lane, _ONWARD], roads.lane_i[lane + 1, _ONWARD]):
        onto = roads.onward[k]
        for j in range(entries.first[onto], entries.first[onto + 1]):
            slot = entries.order[j]
            kind = entries.i[slot, _E_KIND]
            if kind in (_WISH, _WALL) or (actor >= 0 and slot // _SLOTS == actor):
                continue
            if past >= 0 and past <= slot < past + _EGO_SLOTS:
                continue
            if entries.f[slot, _E_S] > _LONGEST_M:
                break
            tail = entries.f[slot, _E_S] - entries.f[slot, _E_HALF]
            if tail < least:
                least, whose = tail, slot
    return least, whose


@kernel(
    "Tuple((f8, f8, i8, f8, f8, f8))(Roads, Entries, u8, i8, i8, i8, i8, i8, f8, f8, f8, f8, f8, f8, b1, i8)"
)
def look_ahead(  # type: ignore[no-untyped-def]
    roads,
    entries,
    key,
    crossings,
    grant,
    after,
    actor,
    lane,
    s,
    half,
    d,
    side,
    speed,
    reach,
    walls,
    past,
):
    """Leader gap (m, inf: none), speed and slot; gap and speed of a car that wishes in; speed allowed.

    The allowed speed holds for the lanes behind this one; walls: stop for lane ends, ungranted
    junction lanes and jam heads too; past: first slot of a free body that is left out, -1 for none.
    """
    gap, lead_speed, lead = math.inf, 0.0, -1
    soft_gap, soft_speed, allowed = math.inf, 0.0, math.inf
    base = -s  # from here to the start of the lane looked at
    at = lane
    for hop in range(16):
        place = place_after(entries, at, s, actor * _SLOTS) if hop == 0 else entries.first[at]
        for k in range(place, entries.first[at + 1]):
            slot = entries.order[k]
            if slot // _SLOTS == actor and actor >= 0:
                continue
            if past >= 0 and past <= slot < past + _EGO_SLOTS:
                continue
            kind = entries.i[slot, _E_KIND]
            room = base + entries.f[slot, _E_S] - entries.f[slot, _E_HALF] - half
            if kind == _WISH:
                if soft_gap == math.inf:
                    soft_gap, soft_speed = room, entries.f[slot, _E_SPEED]
                continue
            if kind == _EGO:
                apart = abs(entries.f[slot, _E_D] - d)
                if apart > entries.f[slot, _E_SIDE] + side + _SIDE_MARGIN_M:
                    continue
                on_foot = entries.f[slot, _E_SIDE] < _ON_FOOT_M
                if on_foot and room + 2.0 * entries.f[slot, _E_HALF] < 0.0:
                    continue  # beside us, behind our front
            elif kind == _WALL:
                over = speed * speed - entries.f[slot, _E_SPEED] ** 2
                if not walls or room < 0.0 or over > 2.0 * _WALL_BRAKE_MPS2 * room:
                    continue
            gap, lead_speed, lead = room, entries.f[slot, _E_SPEED], slot
            break
        for k in range(roads.lane_i[at, _CONFLICTS], roads.lane_i[at + 1, _CONFLICTS]):
            other, kind = roads.conflicts[k, 0], roads.conflicts[k, 1]
            if kind == _CROSS:
                block = base + roads.conflict_spans[k, 0] - half - _CROSSED_SHORT_M
                if walls and block > -1.0 and block < gap and _is_crossed(roads, entries, k, past):
                    gap, lead_speed, lead = block, 0.0, -2
                continue
            for j in range(entries.first[other], entries.first[other + 1]):
                slot = entries.order[j]
                entry = entries.i[slot, _E_KIND]
                own = slot // _SLOTS == actor and actor >= 0
                own = own or (past >= 0 and past <= slot < past + _EGO_SLOTS)
                if own or entry in (_WISH, _WALL):
                    continue
                where, long = entries.f[slot, _E_S], entries.f[slot, _E_HALF]
                hard = True
                if kind == _DIVERGE:
                    if (
                        -base > roads.conflict_spans[k, 1] + half
                        or where - long > roads.conflict_spans[k, 3]
                    ):
                        continue
                    room = base + where
                else:
                    room = base + roads.lane_f[at, _LENGTH] - roads.lane_f[other, _LENGTH] + where
                    hard = where + long > roads.conflict_spans[k, 2] - 2.0
                if room < 0.0 or (room == 0.0 and slot < actor * _SLOTS):
                    continue
                room -= long + half
                if hard:
                    if room < gap:
                        gap, lead_speed, lead = room, entries.f[slot, _E_SPEED], slot
                elif room < soft_gap:
                    soft_gap, soft_speed = room, entries.f[slot, _E_SPEED]
        to_end = base + roads.lane_f[at, _LENGTH]
        if gap < math.inf or to_end > reach:
            break
        if roads.lane_i[at, _ENDS] == 1:
            if walls:
                short = roads.lane_f[at, _TAPER] + _STOP_SHORT_M
                gap, lead_speed, lead = to_end - half - short, 0.0, -2
            break
        following = pick_onward(roads, key, crossings, at)
        if following < 0:
            break
        if (
            walls
            and roads.lane_i[following, _RESERVED] == 1
            and grant != following
            and after != following
        ):
            line = roads.lane_f[following, _STOP]
            # Up to the line, not a car's gap before it.
            gap, lead_speed, lead = to_end - line - half + _STOP_SHORT_M, 0.0, -2
            tail, tail_slot = _tail_behind(roads, entries, at, actor, past)
            if to_end + tail - half < gap:
                gap, lead = to_end + tail - half, tail_slot
                lead_speed = entries.f[tail_slot, _E_SPEED]
            break
        ahead = roads.speeds[roads.lane_i[following, _ROWS]]
        allowed = min(allowed, math.sqrt(ahead * ahead + 2.0 * _APPROACH * max(to_end, 0.0)))
        base = to_end
        at = following
        crossings += 1
    return gap, lead_speed, lead, soft_gap, soft_speed, allowed


@kernel("Tuple((f8, f8, i8))(Roads, Entries, i8, i8, f8, f8, f8)")
def look_behind(  # type: ignore[no-untyped-def]
    roads, entries, actor, lane, s, half, reach
):
    """Gap to the nearest follower (m, inf: none), his speed and slot; all predecessors are looked at."""
    gap, follow_speed, follower = math.inf, 0.0, -1
    stack_lane = np.empty(16, dtype=np.int64)
    stack_base = np.empty(16)
    stack_lane[0], stack_base[0] = lane, s
    depth = 1
    visited = 0
    while depth > 0 and visited < 24:
        depth -= 1
        visited += 1
        at, base = stack_lane[depth], stack_base[depth]
        place = entries.first[at + 1] - 1
        if visited == 1:
            place = place_after(entries, at, s, actor * _SLOTS) - 1
        found = False
        for k in range(place, entries.first[at] - 1, -1):
            slot = entries.order[k]
            kind = entries.i[slot, _E_KIND]
            if (kind != _BODY and kind != _EGO) or (slot // _SLOTS == actor and actor >= 0):
                continue
            found = True
            room = base - entries.f[slot, _E_S] - entries.f[slot, _E_HALF] - half
            if room < gap:
                gap, follow_speed, follower = room, entries.f[slot, _E_SPEED], slot
            break
        if found or base > reach:
            continue
        for k in range(roads.lane_i[at, _BACK], roads.lane_i[at + 1, _BACK]):
            if depth < 16:
                stack_lane[depth] = roads.back[k]
                stack_base[depth] = base + roads.lane_f[roads.back[k], _LENGTH]
                depth += 1
    return gap, follow_speed, follower


@kernel("i8(Roads, Ground, Entries, f8[::1], i8)")
def place_body(roads, ground, entries, body, begin):  # type: ignore[no-untyped-def]
    """Enter a free body in every lane that it reaches; gives the lane nearest, or -1.

    body: centre x, y, z, yaw, speed, half length, half width, acceleration. The six slots from
    begin on are filled.
    """
    x, y, yaw, long, side = body[0], body[1], body[3], body[5], body[6]
    end = begin + _EGO_SLOTS
    for slot in range(begin, end):
        entries.i[slot, _E_LANE] = -1
        entries.i[slot, _E_KIND] = 0
    slot = begin
    nearest, least = -1, math.inf
    i0 = max(math.floor((x - 4.0 - ground.x_m) / ground.cell_m), 0)
    i1 = min(math.floor((x + 4.0 - ground.x_m) / ground.cell_m), ground.columns - 1)
    j0 = max(math.floor((y - 4.0 - ground.y_m) / ground.cell_m), 0)
    j1 = min(math.floor((y + 4.0 - ground.y_m) / ground.cell_m), ground.lines - 1)
    for j in range(j0, j1 + 1):
        for i in range(i0, i1 + 1):
            at = j * ground.columns + i
            for k in range(ground.starts[at], ground.starts[at + 1]):
                row = ground.rows[k]
                dx, dy = x - roads.table[row, 1], y - roads.table[row, 2]
                if dx * dx + dy * dy > 36.0 or abs(roads.table[row, 3] - body[2]) > 3.0:
                    continue
                lane = ground.lane_of_row[row]
                known = False
                for other in range(begin, slot):
                    if entries.i[other, _E_LANE] == lane:
                        known = True
                if known:
                    continue
                low, high = roads.lane_i[lane, _ROWS], roads.lane_i[lane + 1, _ROWS]
                s, d, _row = project_line(roads.table[low:high], x, y, row - low)
                if s < -0.5 or s > roads.table[high - 1, 0] + 0.5:
                    continue
                turn = yaw - roads.table[row, 4]
                cos, sin = abs(math.cos(turn)), abs(math.sin(turn))
                across = side * cos + long * sin
                if abs(d) > 0.5 * roads.table[row, 6] + across:
                    continue
                cost = abs(d) + 4.0 * (1.0 - math.cos(turn))
                if cost < least:
                    least, nearest = cost, lane
                if slot < end:
                    entries.i[slot, _E_LANE] = lane
                    entries.i[slot, _E_KIND] = _EGO
                    entries.f[slot, _E_S] = min(max(s, 0.0), roads.table[high - 1, 0])
                    entries.f[slot, _E_SPEED] = body[4] * math.cos(turn)
                    entries.f[slot, _E_HALF] = long * cos + side * sin
                    entries.f[slot, _E_D] = d
                    entries.f[slot, _E_SIDE] = across
                    entries.f[slot, _E_ACCEL] = body[7] * math.cos(turn)
                    slot += 1
    return nearest
