"""People on foot, one step: they walk, wait at the kerb, look at each lane, and cross.

Nobody steps before a car that could not stop. At zebras and lights cars are made to wait by walls in
their lanes; a careless person between parked cars still leaves a car room to brake with 3.5 m/s2.
"""

from __future__ import annotations

import math

import numpy as np

from volant.core.kernels import kernel
from volant.sim.arrays import (  # noqa: F401 - in signatures
    Entries,
    Ground,
    Lamps,
    People,
    Roads,
    Sites,
)
from volant.sim.columns import (
    PEOPLE_SLOTS,
    Actor,
    Entry,
    EntryIndex,
    EntryKind,
    Index,
    Lamp,
    Site,
    SiteIndex,
    SiteKind,
    SiteLane,
    Walk,
    WalkIndex,
)
from volant.sim.driver_kernels import uniform
from volant.sim.lane_kernels import look_behind, place_body

_SLOTS = PEOPLE_SLOTS
_X, _Y, _Z, _YAW, _SPEED, _ACCEL, _YAW_RATE = (
    int(Actor.X),
    int(Actor.Y),
    int(Actor.Z),
    int(Actor.YAW),
    int(Actor.SPEED),
    int(Actor.ACCEL),
    int(Actor.YAW_RATE),
)
_BEFORE_X, _BEFORE_Y, _BEFORE_YAW = (
    int(Actor.BEFORE_X),
    int(Actor.BEFORE_Y),
    int(Actor.BEFORE_YAW),
)
_LONG, _WIDE, _ALIVE = int(Actor.LENGTH), int(Actor.WIDTH), int(Index.ALIVE)
_E_S, _E_SPEED, _E_HALF = int(Entry.S), int(Entry.SPEED), int(Entry.HALF_LENGTH)
_E_LANE, _E_KIND = int(EntryIndex.LANE), int(EntryIndex.KIND)
_BODY, _EGO, _WALL = int(EntryKind.BODY), int(EntryKind.EGO), int(EntryKind.WALL)
_RED = int(Lamp.RED)
_KIND, _LIGHT, _LANES, _WALLS = (
    int(SiteIndex.KIND),
    int(SiteIndex.LIGHT),
    int(SiteIndex.LANES),
    int(SiteIndex.WALL),
)
_ZEBRA, _LIT, _FREE, _BESIDE = (
    int(SiteKind.ZEBRA),
    int(SiteKind.LIGHT),
    int(SiteKind.FREE),
    int(SiteKind.WALK),
)
_FROM, _TO, _BEGIN, _END = (
    int(SiteLane.FROM),
    int(SiteLane.TO),
    int(SiteLane.BEGIN),
    int(SiteLane.END),
)
_AT, _PACE, _WALKS, _WAIT = int(Walk.AT), int(Walk.PACE), int(Walk.SPEED), int(Walk.WAIT)
_HELD = int(Walk.HELD)
_SITE, _SIGN, _CARELESS, _COUNTER = (
    int(WalkIndex.SITE),
    int(WalkIndex.SIGN),
    int(WalkIndex.CARELESS),
    int(WalkIndex.COUNTER),
)
_Z_SITE = int(Site.Z)

_LOOK_M = 90.0
_KERB_M = 0.25  # where at the kerb people stand
_WISH_M = 2.0  # so near the kerb drivers take it that somebody wants to cross
_BESIDE_CAR_M = 0.6
_TAKES_M = 0.9  # of a crossing people take its middle
_MARGIN_S = 1.5
_YIELD_MPS2 = 2.5  # a driver who would have to brake harder is let pass
_CARELESS_MPS2 = 3.5
_ON_MPS2 = 4.5  # of those on the crossing already: who cannot stop with this is let pass
_START_MPS2 = 1.5  # how a standing car may pull away
_PACE_MPS2 = 2.0
_AHEAD_S = 1.2  # drivers see where a person will be
_WALL_M = 0.5  # the wall stands in the crossing, so that cars stop about 1.5 m before it
_HELD_MOST_S = 4.0  # who cannot go on for longer goes back
_TURN_RPS = 4.0
_TWO_PI = 2.0 * math.pi


@kernel("Tuple((f8, f8, f8))(f8[::1])")
def way_lengths(site):  # type: ignore[no-untyped-def]
    """Lengths of the three straight pieces of a site's way (m)."""
    return (
        math.hypot(site[2] - site[0], site[3] - site[1]),
        math.hypot(site[4] - site[2], site[5] - site[3]),
        math.hypot(site[6] - site[4], site[7] - site[5]),
    )


@kernel("Tuple((f8, f8, f8))(f8[::1], f8)")
def way_point(site, at):  # type: ignore[no-untyped-def]
    """World x, y and heading (from START to END) of a place along a site's way."""
    left, piece = at, 0
    lengths = way_lengths(site)
    for k in range(2):
        if left > lengths[k]:
            left -= lengths[k]
            piece = k + 1
        else:
            break
    ax, ay = site[2 * piece], site[2 * piece + 1]
    bx, by = site[2 * piece + 2], site[2 * piece + 3]
    part = left / max(math.hypot(bx - ax, by - ay), 1e-6)
    return ax + part * (bx - ax), ay + part * (by - ay), math.atan2(by - ay, bx - ax)


@kernel("b1(Entries, i8, f8[::1])")
def is_taken(entries, lane, stretch):  # type: ignore[no-untyped-def]
    """Whether a car stands or drives where people would walk in a lane."""
    middle = 0.5 * (stretch[_FROM] + stretch[_TO])
    low, high = max(stretch[_FROM], middle - _TAKES_M), min(stretch[_TO], middle + _TAKES_M)
    for k in range(entries.first[lane], entries.first[lane + 1]):
        slot = entries.order[k]
        if entries.i[slot, _E_KIND] != _BODY and entries.i[slot, _E_KIND] != _EGO:
            continue
        half = entries.f[slot, _E_HALF]
        if half < 0.6:
            continue  # people do not stop for people
        half += _BESIDE_CAR_M
        if entries.f[slot, _E_S] + half > low and entries.f[slot, _E_S] - half < high:
            return True
    return False


@kernel("b1(Roads, Entries, i8, f8[::1], f8, f8)")
def lane_is_safe(roads, entries, lane, stretch, leave_s, brake):  # type: ignore[no-untyped-def]
    """Whether a person may be in this lane's stretch until leave_s from now.

    brake: how hard a driver may have to brake for it (m/s2); 0: not at all.
    """
    if is_taken(entries, lane, stretch):
        return False
    gap, speed, slot = look_behind(roads, entries, -1, lane, stretch[_FROM], 0.0, _LOOK_M)
    if slot < 0:
        return True
    if speed < 0.5 and gap > (-2.0 if brake > 0.0 else 0.3):
        return True  # it stands at the wall, off the middle, or lets us pass
    arrives_s = gap / max(speed, 0.1)
    if speed < 3.0:
        arrives_s = min(arrives_s, math.sqrt(2.0 * max(gap, 0.0) / _START_MPS2))
    if arrives_s > leave_s + _MARGIN_S:
        return True
    if brake <= 0.0 or gap <= 1.0:
        return False
    return 0.5 * speed * speed / (gap - 0.8) < brake


@kernel("b1(Roads, Entries, Sites, i8, f8, i8, f8, f8, b1)")
def _may_go_on(roads, entries, sites, site, at, sign, pace, brake, whole):  # type: ignore[no-untyped-def]
    """Whether every lane ahead of a place on the crossing (or the next one only) is safe."""
    for k in range(sites.i[site, _LANES], sites.i[site + 1, _LANES]):
        stretch = sites.lane_f[k]
        into = (stretch[_BEGIN] - at) if sign > 0 else (at - stretch[_END])
        out = (stretch[_END] - at) if sign > 0 else (at - stretch[_BEGIN])
        if into < -0.05 or (not whole and into > 0.4):
            continue  # in it already, or past it, or not next
        if not lane_is_safe(roads, entries, sites.lane_i[k], stretch, out / pace, brake):
            return False
    return True


@kernel("f8(Roads, Entries, Sites, Lamps, f8[::1], i8[::1])")
def _wanted_pace(roads, entries, sites, lamps, me, mine):  # type: ignore[no-untyped-def]
    """How fast a person goes on now: the own pace, or 0 to wait."""
    site, sign, pace = mine[_SITE], mine[_SIGN], me[_PACE]
    if me[_WAIT] > 0.0:
        return 0.0
    kind = sites.i[site, _KIND]
    if kind == _BESIDE:
        return pace
    near, across, _far = way_lengths(sites.f[site])
    at = me[_AT] - near  # from NEAR on
    brake = _YIELD_MPS2
    if kind == _FREE:
        brake = _CARELESS_MPS2 if mine[_CARELESS] == 1 else 0.0
    before = -at if sign > 0 else at - across  # metres to the kerb, below zero on the road
    if before > _KERB_M:
        return pace
    if before > 0.0:
        light = sites.i[site, _LIGHT]
        if kind == _LIT and light >= 0:
            enough = across / pace + 1.0
            if lamps.shown[light] != _RED or lamps.red_left[light] < enough:
                return 0.0
        return pace if _may_go_on(roads, entries, sites, site, at, sign, pace, brake, True) else 0.0
    if before < -across:
        return pace
    safe = _may_go_on(roads, entries, sites, site, at, sign, pace, _ON_MPS2, False)
    return pace if safe else 0.0


@kernel("void(Roads, Entries, Sites, f8[::1], i8[::1], f8, f8)")
def _turn_back(roads, entries, sites, me, mine, wanted, dt):  # type: ignore[no-untyped-def]
    """Who is held up on the road for long goes back, where that way is free."""
    near, across, _far = way_lengths(sites.f[mine[_SITE]])
    at = me[_AT] - near
    if wanted > 0.0 or me[_WAIT] > 0.0 or not 0.0 < at < across:
        me[_HELD] = 0.0
        return
    me[_HELD] += dt
    if me[_HELD] < _HELD_MOST_S:
        return
    if _may_go_on(roads, entries, sites, mine[_SITE], at, -mine[_SIGN], me[_PACE], _ON_MPS2, False):
        mine[_SIGN] = -mine[_SIGN]
        me[_HELD] = 0.0


@kernel("void(Sites, Entries, People)")
def set_walls(sites, entries, people):  # type: ignore[no-untyped-def]
    """Make cars wait before the lanes that people cross or want to cross."""
    for site in range(sites.f.shape[0]):
        wall = sites.i[site, _WALLS]
        if wall < 0:
            continue
        near, across, _far = way_lengths(sites.f[site])
        low, high = sites.i[site, _LANES], sites.i[site + 1, _LANES]
        blocked = False  # nobody can go while a queue stands on the crossing: cars need not wait
        for k in range(low, high):
            blocked = blocked or is_taken(entries, sites.lane_i[k], sites.lane_f[k])
        for k in range(low, high):
            slot = wall + k - low
            entries.i[slot, _E_LANE], entries.i[slot, _E_KIND] = -1, 0
            for person in range(people.f.shape[0]):
                if people.i[person, _SITE] != site or people.body_i[person, _ALIVE] == 0:
                    continue
                sign, at = people.i[person, _SIGN], people.f[person, _AT] - near
                left = (sites.lane_f[k, _END] - at) if sign > 0 else (at - sites.lane_f[k, _BEGIN])
                before = -at if sign > 0 else at - across
                waits = sites.i[site, _KIND] == _ZEBRA and before < _WISH_M and not blocked
                if left > -0.5 and (before < 0.0 or (waits and people.f[person, _WAIT] <= 0.0)):
                    entries.i[slot, _E_LANE], entries.i[slot, _E_KIND] = sites.lane_i[k], _WALL
                    entries.f[slot, _E_S] = sites.lane_f[k, _FROM] + _WALL_M
                    entries.f[slot, _E_SPEED] = entries.f[slot, _E_HALF] = 0.0
                    break


@kernel("b1(Roads, Ground, f8, f8, f8, f8)")
def clear_of_lanes(roads, ground, x, y, z, margin):  # type: ignore[no-untyped-def]
    """Whether a point lies outside every lane, by a margin (m)."""
    reach = 4.0 + margin
    i0 = max(math.floor((x - reach - ground.x_m) / ground.cell_m), 0)
    i1 = min(math.floor((x + reach - ground.x_m) / ground.cell_m), ground.columns - 1)
    j0 = max(math.floor((y - reach - ground.y_m) / ground.cell_m), 0)
    j1 = min(math.floor((y + reach - ground.y_m) / ground.cell_m), ground.lines - 1)
    for j in range(j0, j1 + 1):
        for i in range(i0, i1 + 1):
            at = j * ground.columns + i
            for k in range(ground.starts[at], ground.starts[at + 1]):
                row = ground.rows[k]
                if abs(roads.table[row, 3] - z) > 3.0:
                    continue
                ax, ay = roads.table[row, 1], roads.table[row, 2]
                dx, dy = roads.table[row + 1, 1] - ax, roads.table[row + 1, 2] - ay
                square = max(dx * dx + dy * dy, 1e-9)
                part = min(max(((x - ax) * dx + (y - ay) * dy) / square, 0.0), 1.0)
                away = math.hypot(x - ax - part * dx, y - ay - part * dy)
                if away < 0.5 * roads.table[row, 6] + margin:
                    return False
    return True


@kernel("void(Sites, People, i8, f8)")
def stand_person(sites, people, person, dt):  # type: ignore[no-untyped-def]
    """Write a person's pose into the body's row; dt 0: just born there."""
    body, site = people.body_f[person], sites.f[people.i[person, _SITE]]
    body[_BEFORE_X], body[_BEFORE_Y], body[_BEFORE_YAW] = body[_X], body[_Y], body[_YAW]
    x, y, heading = way_point(site, people.f[person, _AT])
    if people.i[person, _SIGN] < 0:
        heading += math.pi
    turn = heading - body[_YAW]
    turn -= _TWO_PI * math.floor((turn + math.pi) / _TWO_PI)
    turn = min(max(turn, -_TURN_RPS * dt), _TURN_RPS * dt)
    yaw = body[_YAW] + turn if dt > 0.0 else heading
    yaw -= _TWO_PI * math.floor((yaw + math.pi) / _TWO_PI)
    body[_X], body[_Y], body[_Z], body[_YAW] = x, y, site[_Z_SITE], yaw
    body[_YAW_RATE] = turn / dt if dt > 0.0 else 0.0
    if dt <= 0.0:
        body[_BEFORE_X], body[_BEFORE_Y], body[_BEFORE_YAW] = x, y, yaw


@kernel("void(Roads, Ground, Entries, Sites, Lamps, People, i8, f8)")
def step_people(roads, ground, entries, sites, lamps, people, begin, dt):  # type: ignore[no-untyped-def]
    """Move everybody on foot on by dt; begin: first entry slot of people.

    The entries must be in order (lane_kernels.index_entries).
    """
    out = np.empty(8)
    for person in range(people.f.shape[0]):
        if people.body_i[person, _ALIVE] == 0:
            for slot in range(begin + _SLOTS * person, begin + _SLOTS * (person + 1)):
                entries.i[slot, _E_LANE] = -1
            continue
        me, mine, body = people.f[person], people.i[person], people.body_f[person]
        me[_WAIT] = max(me[_WAIT] - dt, 0.0)
        wanted = _wanted_pace(roads, entries, sites, lamps, me, mine)
        _turn_back(roads, entries, sites, me, mine, wanted, dt)
        before = me[_WALKS]
        step = _PACE_MPS2 * dt
        speed = min(max(wanted, before - 4.0 * step), before + step)
        me[_WALKS] = speed
        me[_AT] += mine[_SIGN] * speed * dt
        one, two, three = way_lengths(sites.f[mine[_SITE]])
        whole = one + two + three
        if (mine[_SIGN] > 0 and me[_AT] >= whole) or (mine[_SIGN] < 0 and me[_AT] <= 0.0):
            me[_AT] = min(max(me[_AT], 0.0), whole)
            mine[_SIGN] = -mine[_SIGN]
            mine[_COUNTER] += 1
            me[_WAIT] = 1.0 + 9.0 * uniform(people.keys[person], mine[_COUNTER])
            me[_WALKS] = speed = 0.0
        body[_SPEED], body[_ACCEL] = speed, (speed - before) / dt
        stand_person(sites, people, person, dt)
        out[0] = body[_X] + 0.5 * _AHEAD_S * speed * math.cos(body[_YAW])
        out[1] = body[_Y] + 0.5 * _AHEAD_S * speed * math.sin(body[_YAW])
        out[2], out[3], out[4], out[7] = body[_Z], body[_YAW], speed, 0.0
        out[5] = 0.5 * (body[_LONG] + _AHEAD_S * speed)
        out[6] = 0.5 * body[_WIDE]
        place_body(roads, ground, entries, out, begin + _SLOTS * person)
