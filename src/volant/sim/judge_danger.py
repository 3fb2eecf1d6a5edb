"""What ground truth required: the deceleration that the others ahead asked of the own car, and fault.

Everything is measured against the arc that the car truly drives: an actor has a place along it and
beside it, and moves on with its speed along and across. A car that stays in the way asks for
v_rel^2 / (2 gap), one that brakes for the stop behind its stop, one that crosses for letting it pass
or stopping before it, whichever is less. When somebody came into the way is kept, for the verdict on a
contact: struck from behind, a cut-in beyond UN R157 5.2.5.2, or a person who came inside the physical
stopping distance are not our fault; every other contact is. They came in only if they moved there by
themselves (`judge_entry.py`); and who strikes us from behind is our fault where we moved over in front
of them closer than the same criterion allows.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from volant.core.clock import seconds
from volant.core.messages import Contact, ContactVerdict, EgoTruth, ObjectClass, TruthObject
from volant.sim.judge_entry import Ground, came_over, we_came_over

REACH_M: Final = 150.0
_HORIZON_S: Final = 4.0
"""As far as the tests of emergency braking look (notes/vehicle.md, section 5)."""
_LEVEL_APART_M: Final = 3.0
_LANE_HALF_M: Final = 1.75
"""Half a lane: whose body is nearer to our course than this has come into our lane."""
_WIDER_M: Final = 0.3
"""By which the swept path is widened for people (the project's definition of avoidable)."""
_CUT_IN_MPS2: Final = 6.0
_CUT_IN_S: Final = 0.35
"""UN R157 5.2.5.2: avoid where TTC at intrusion is above v_rel / (2 x 6.0) + 0.35 (recalled)."""
_STOP_MPS2: Final = 9.0
_STOP_S: Final = 0.35
"""Physical stop: 0.2 s dead time and half of 0.3 s build-up, then 9 m/s2."""
_KEPT_S: Final = 6.0
"""An intrusion longer ago is no longer why the cars touched (chosen: three times a TTC of 2 s)."""
_WATCH_M: Final = 8.0
"""Whose body is so near beside our course is remembered for a while, to tell who moves."""
_WATCH_BEHIND_M: Final = 40.0
"""From so far behind on: who comes from there and squeezes into our side was seen to move over (chosen)."""
_LOOKS: Final = 11
"""Half a second at 20 Hz."""
_CROSSING_MPS: Final = 0.3
_MOST_MPS2: Final = 20.0
_PEOPLE: Final = frozenset({ObjectClass.PEDESTRIAN, ObjectClass.CYCLIST})


class Near(NamedTuple):
    """An actor against our arc: bumper to bumper along it, beside it, and speeds along and across."""

    gap_m: float
    left_m: float
    along_mps: float
    across_mps: float
    long_m: float
    wide_m: float
    """Half its extent along and across the arc."""


@dataclass(frozen=True, slots=True)
class Intrusion:
    """When and how somebody came into our lane or path."""

    stamp_ns: int
    gap_m: float
    own_mps: float
    along_mps: float


@dataclass(slots=True)
class Danger:
    """What is remembered of the others; `lead_*` of the nearest in our way."""

    required_mps2: float = 0.0
    emergency_ns: int = -1
    """Last time that more than the emergency's bound was required."""
    lead_gap_m: float | None = None
    lead_speed_mps: float = 0.0
    in_lane: set[int] = field(default_factory=set)
    in_path: set[int] = field(default_factory=set)
    places: dict[int, deque[tuple[float, float]]] = field(default_factory=dict)
    """Where those near our course were within the last half second."""
    beside: set[int] = field(default_factory=set)
    """Those on whose course we are not, behind or beside us."""
    own_entries: dict[int, Intrusion] = field(default_factory=dict)
    """When we moved over before somebody: their gap and speeds, `own_mps` theirs."""
    lane_entries: dict[int, Intrusion] = field(default_factory=dict)
    path_entries: dict[int, Intrusion] = field(default_factory=dict)


def look(
    danger: Danger,
    ego: EgoTruth,
    objects: tuple[TruthObject, ...],
    emergency_mps2: float,
    ground: Ground | None = None,
) -> None:
    """Measure all actors at one stamp; `danger` is changed in place.

    Without the ground nobody is known to have come in by itself.
    """
    danger.required_mps2, danger.lead_gap_m = 0.0, None
    in_lane: set[int] = set()
    in_path: set[int] = set()
    beside: set[int] = set()
    places: dict[int, deque[tuple[float, float]]] = {}
    half_m = 0.5 * ego.width_m
    x_m, y_m, z_m = ego.x_m, ego.y_m, ego.z_m
    cos, sin = math.cos(ego.yaw_rad), math.sin(ego.yaw_rad)
    for other in objects:
        dx, dy = other.x_m - x_m, other.y_m - y_m
        if abs(dx) > REACH_M or abs(dy) > REACH_M or abs(other.z_m - z_m) > _LEVEL_APART_M:
            continue
        ahead, left = cos * dx + sin * dy, cos * dy - sin * dx
        if ahead < 0.0 and other.speed_mps > _CROSSING_MPS:
            _look_behind(danger, ego, other, left, beside, ground)
        if ahead < -_WATCH_BEHIND_M:
            continue
        near = _near(ego, other, ahead, left)
        who = other.actor_id
        inner_m = abs(near.left_m) - near.wide_m
        if inner_m < _WATCH_M:
            places[who] = danger.places.get(who) or deque(maxlen=_LOOKS)
            places[who].append((other.x_m, other.y_m))
        if ahead < -ego.length_m - other.length_m:
            continue
        if inner_m < _LANE_HALF_M:
            in_lane.add(who)
            if who not in danger.in_lane:
                _enter(danger.lane_entries, ego, other, near, places[who][0], ground)
        if inner_m < half_m + _WIDER_M:
            in_path.add(who)
            new, was = who not in danger.in_path, places[who][0]
            if new and other.object_class in _PEOPLE:
                _step_in(danger.path_entries, ego, other, near, was, ground)
            elif (
                new
                and near.gap_m < 0.0
                and who not in danger.lane_entries  # who came in ahead of us stays judged by that
                and came_over(ground, ego, other, was, near.left_m)
            ):
                # He squeezes into our side, out of a lane so narrow that he was in ours before.
                danger.lane_entries[who] = _intrusion(ego, near)
        if near.gap_m < -2.0 * near.long_m:
            continue
        if inner_m < half_m and (danger.lead_gap_m is None or near.gap_m < danger.lead_gap_m):
            danger.lead_gap_m, danger.lead_speed_mps = near.gap_m, near.along_mps
        danger.required_mps2 = max(danger.required_mps2, _required(ego, other, near, half_m))
    danger.in_lane, danger.in_path, danger.places, danger.beside = in_lane, in_path, places, beside
    if danger.required_mps2 > emergency_mps2:
        danger.emergency_ns = ego.stamp_ns


def _enter(
    entries: dict[int, Intrusion],
    ego: EgoTruth,
    other: TruthObject,
    near: Near,
    was: tuple[float, float],
    ground: Ground | None,
) -> None:
    """Keep how somebody came in by itself; whom our own way met has not come in."""
    if came_over(ground, ego, other, was, near.left_m):
        entries[other.actor_id] = _intrusion(ego, near)
    else:
        entries.pop(other.actor_id, None)


def _step_in(
    entries: dict[int, Intrusion],
    ego: EgoTruth,
    other: TruthObject,
    near: Near,
    was: tuple[float, float],
    ground: Ground | None,
) -> None:
    """The same for people: who half a second ago stood in the path that we take now has not come in.

    Then our turn swept over them. Cyclists ride along, and over, as cars do.
    """
    dx, dy = was[0] - ego.x_m, was[1] - ego.y_m
    cos, sin = math.cos(ego.yaw_rad), math.sin(ego.yaw_rad)
    then = _near(ego, other, cos * dx + sin * dy, cos * dy - sin * dx)
    if abs(then.left_m) - then.wide_m < 0.5 * ego.width_m + _WIDER_M:
        entries.pop(other.actor_id, None)
    elif other.object_class is ObjectClass.PEDESTRIAN:
        entries[other.actor_id] = _intrusion(ego, near)
    else:
        _enter(entries, ego, other, near, was, ground)


def _look_behind(
    danger: Danger,
    ego: EgoTruth,
    other: TruthObject,
    left: float,
    beside: set[int],
    ground: Ground | None,
) -> None:
    """Whether we move over onto the course of somebody behind us now, and how near before it."""
    turned = ego.yaw_rad - other.yaw_rad
    cos, sin = math.cos(other.yaw_rad), math.sin(other.yaw_rad)
    middle_m = 0.5 * ego.length_m - ego.rear_overhang_m
    dx = ego.x_m + middle_m * math.cos(ego.yaw_rad) - other.x_m
    dy = ego.y_m + middle_m * math.sin(ego.yaw_rad) - other.y_m
    ahead_m, aside_m = cos * dx + sin * dy, cos * dy - sin * dx
    bend = other.yaw_rate_rps / other.speed_mps if other.speed_mps > 1.0 else 0.0
    aside_m -= 0.5 * bend * ahead_m * ahead_m
    long_m, wide_m = _extents(ego.length_m, ego.width_m, turned)
    who = other.actor_id
    if abs(aside_m) - wide_m >= _LANE_HALF_M:
        beside.add(who)
        return
    if who not in danger.beside:
        return
    gap_m = ahead_m - long_m - 0.5 * other.length_m
    along_mps = ego.speed_mps * math.cos(turned)
    if we_came_over(ground, ego, left):
        danger.own_entries[who] = Intrusion(ego.stamp_ns, gap_m, other.speed_mps, along_mps)
    else:
        danger.own_entries.pop(who, None)


def _intrusion(ego: EgoTruth, near: Near) -> Intrusion:
    return Intrusion(ego.stamp_ns, near.gap_m, ego.speed_mps, near.along_mps)


def _near(ego: EgoTruth, other: TruthObject, ahead: float, left: float) -> Near:
    """An actor against the arc we drive, out of where it is in the car's frame."""
    bend = ego.yaw_rate_rps / ego.speed_mps if ego.speed_mps > 1.0 else 0.0
    turned = 0.0
    if abs(bend) > 1e-5:
        turned = math.atan2(ahead * bend, 1.0 - left * bend)
        reach = math.hypot(ahead, 1.0 / bend - left)
        ahead, left = turned / bend, 1.0 / bend - math.copysign(reach, bend)
    yaw = other.yaw_rad - ego.yaw_rad - turned
    cos, sin = math.cos(yaw), math.sin(yaw)
    along, across = other.speed_mps * cos, other.speed_mps * sin
    long_m, wide_m = _extents(other.length_m, other.width_m, yaw)
    front_m = ego.length_m - ego.rear_overhang_m
    return Near(ahead - front_m - long_m, left, along, across, long_m, wide_m)


def _extents(length_m: float, width_m: float, turned_rad: float) -> tuple[float, float]:
    """Half of what a turned body takes along and across."""
    cos, sin = abs(math.cos(turned_rad)), abs(math.sin(turned_rad))
    return 0.5 * (length_m * cos + width_m * sin), 0.5 * (length_m * sin + width_m * cos)


def _required(ego: EgoTruth, other: TruthObject, near: Near, half_m: float) -> float:
    """Deceleration that this one asks for; 0 where it asks for none."""
    speed = ego.speed_mps
    room_m = half_m + near.wide_m
    if abs(near.across_mps) < _CROSSING_MPS:
        if abs(near.left_m) >= room_m:
            return 0.0
        return _behind(speed, near, other.accel_mps2)
    first_s = (-math.copysign(room_m, near.across_mps) - near.left_m) / near.across_mps
    last_s = (math.copysign(room_m, near.across_mps) - near.left_m) / near.across_mps
    if last_s <= 0.0 or first_s > _HORIZON_S:
        return 0.0
    closing = speed - near.along_mps
    if closing <= 0.0:
        return 0.0
    gap_m = max(near.gap_m, 0.0)
    passed_s = (near.gap_m + 2.0 * near.long_m + ego.length_m) / closing
    if passed_s < first_s or gap_m / closing > min(last_s, _HORIZON_S):
        return 0.0
    stop = closing * closing / (2.0 * max(gap_m, 0.1))
    wait = 2.0 * (closing * last_s - gap_m) / (last_s * last_s)
    return min(stop, wait if wait * last_s <= closing else stop, _MOST_MPS2)


def _behind(speed: float, near: Near, accel_mps2: float) -> float:
    """To stay behind one in the way: by relative speed, or by where both will stand."""
    gap_m = max(near.gap_m, 0.1)
    closing = speed - near.along_mps
    need = closing * closing / (2.0 * gap_m) if closing > 0.0 else 0.0
    if closing > 0.0 and gap_m / closing > _HORIZON_S:
        need = 0.0
    if accel_mps2 < -0.5 and near.along_mps > 0.0:
        stop_m = near.along_mps * near.along_mps / (-2.0 * accel_mps2)
        need = max(need, speed * speed / (2.0 * (gap_m + stop_m)))
    return min(need, _MOST_MPS2)


def verdict(danger: Danger, contact: Contact, ego: EgoTruth) -> ContactVerdict:
    """Who is to blame for a contact."""
    code = _code(danger, contact, ego)
    who = contact.object_class.value
    words = {
        "struck_from_behind": f"struck from behind by a {who}",
        "cut_in_beyond_r157": f"a {who} cut in too close to avoid",
        "inside_stopping_distance": f"a {who} came inside the stopping distance",
        "at_fault": f"ran into a {who}",
    }[code]
    if code == "at_fault" and contact.struck_from_behind:
        words = f"moved over too close in front of a {who}"
    return ContactVerdict(
        stamp_ns=contact.stamp_ns,
        actor_id=contact.actor_id,
        object_class=contact.object_class,
        impact_mps=contact.closing_mps,
        at_fault=code == "at_fault",
        code=code,
        words=words,
    )


def _code(danger: Danger, contact: Contact, ego: EgoTruth) -> str:
    if contact.struck_from_behind:
        moved = danger.own_entries.get(contact.actor_id)
        ours = moved is not None and _young(moved, ego) and _too_close(moved)
        return "at_fault" if ours else "struck_from_behind"
    if contact.object_class in _PEOPLE:
        entry = danger.path_entries.get(contact.actor_id)
        if entry is not None and _young(entry, ego):
            own = entry.own_mps
            stop_m = own * _STOP_S + own * own / (2.0 * _STOP_MPS2)
            if entry.gap_m < stop_m:
                return "inside_stopping_distance"
        return "at_fault"
    entry = danger.lane_entries.get(contact.actor_id)
    ahead = entry is not None and entry.along_mps > 0.0 and _young(entry, ego)
    if entry is not None and ahead and _too_close(entry):
        return "cut_in_beyond_r157"
    return "at_fault"


def _too_close(entry: Intrusion) -> bool:
    """Beyond what UN R157 asks who is behind to avoid."""
    closing = entry.own_mps - entry.along_mps
    if entry.gap_m <= 0.0:
        return True
    avoidable_s = closing / (2.0 * _CUT_IN_MPS2) + _CUT_IN_S
    return closing > 0.0 and entry.gap_m / closing <= avoidable_s


def _young(entry: Intrusion, ego: EgoTruth) -> bool:
    return seconds(ego.stamp_ns - entry.stamp_ns) <= _KEPT_S
