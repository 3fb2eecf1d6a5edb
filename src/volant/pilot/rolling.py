"""The course goes along with the car: laid on before it runs short, and anew when the lane changes.

Beliefs keep their place in the world meanwhile; whatever is measured along the old course is carried
over to the new one.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec

from volant.pilot.control.follow import Control
from volant.pilot.course import BEHIND_GOAL_M, NEW_GOAL_M, Course, lay, must_extend
from volant.pilot.perception import localize, track
from volant.pilot.perception.belief import Ego
from volant.pilot.perception.track import Tracker, TrackTuning
from volant.pilot.planning.lanes import Change, Phase
from volant.pilot.planning.motion import Motion
from volant.pilot.way import Way, must_leave

STANDS_MPS = 0.1
"""Slower than this the car stands."""
MISSED_M = 5.0
"""So far behind the place where the lane had to be left it is looked for another way."""
ASTRAY_M = 2.2
"""So far from the middle of its lane, without one beside, the car is on another way."""


class Carried(msgspec.Struct, frozen=True):
    """All that is measured along the course."""

    course: Course
    ego: Ego
    tracker: Tracker
    motion: Motion | None
    control: Control
    halt_m: float
    moved: int
    """How often localisation has put the car into another lane."""
    stage: int = 0
    """How many places of the way are passed."""


def roll(held: Carried, way: Way, tuning: TrackTuning) -> Carried:
    """The course for where the car is now, and everything carried over to it."""
    course, ego = held.course, held.ego
    lanes = localize.lane_of(ego)
    if lanes is None:
        return held
    own = lanes.own
    if not course.known or not ego.matched:
        if course.known and course.lane_index_at(ego.station_m) == own.lane:
            return held
        return msgspec.structs.replace(held, course=lay(way, own.lane, own.s_m), moved=lanes.moved)
    station_m = ego.station_m
    if lanes.moved != held.moved:
        laid = lay(way, own.lane, own.s_m, course, station_m)
        return msgspec.structs.replace(_carry(held, laid, tuning), moved=lanes.moved)
    away_m = ego.offset_m - float(course.centre_m[course.row(station_m)])
    side = 1 if away_m > 0.0 else -1
    beside_m = course.beside_m(station_m, side)
    here = way.graph.lanes[course.lane_index_at(station_m)]
    other = here.left if side > 0 else here.right
    if other is not None and abs(ego.offset_m - beside_m) < abs(away_m):
        x_m, y_m, _yaw = localize.world_of(ego, course)
        s_m = way.graph.project(other, x_m, y_m).s_m
        return _carry(_cross(held, side), lay(way, other, s_m, course, station_m), tuning)
    astray = abs(away_m) > ASTRAY_M and other is None and abs(own.offset_m) < abs(away_m) - 0.3
    if astray and own.lane != here.index:
        return _carry(held, lay(way, own.lane, own.s_m, course, station_m), tuning)
    passes = course.via_m is not None and station_m >= course.via_m
    if passes:
        held, way = msgspec.structs.replace(held, stage=held.stage + 1), way.beyond()
    passes = passes or _overshot(course, ego)
    if passes or must_extend(course, station_m) or _missed(course, way, station_m):
        s_m = min(course.lane_s_at(station_m), here.length_m)
        laid = lay(way, here.index, s_m, course, station_m, passes=passes)
        return _carry(held, laid, tuning)
    return held


def settle(held: Carried, before: Ego) -> Carried:
    """Where localisation has put the car into another lane: what is followed goes along with the car.

    The car has not moved, only the belief has: control keeps its place beside the car, and the course that
    is laid next leads from there to the middle of the lane that it is in.
    """
    lanes, then = localize.lane_of(held.ego), localize.lane_of(before)
    if lanes is None or then is None or lanes.moved == then.moved or not before.matched:
        return held
    aside_m = held.ego.offset_m - before.offset_m
    control, motion = held.control, held.motion
    offset_m, rate, accel = control.side
    control = msgspec.structs.replace(control, side=(offset_m + aside_m, rate, accel), shift=None)
    if motion is not None:
        path, side = motion.path.copy(), motion.side.copy()
        path[:, 3] += aside_m
        side[0] += aside_m
        change = Change(ended_ns=held.ego.stamp_ns)
        motion = replace(motion, path=path, side=side, change=change)
    return msgspec.structs.replace(held, control=control, motion=motion)


def _missed(course: Course, way: Way, station_m: float) -> bool:
    """The lane was not left where the way asked for it, and from here the way is another one."""
    leave = course.leave
    if leave is None or leave.ends or station_m < leave.room_m + MISSED_M:
        return False
    again = must_leave(way, course.lane_index_at(station_m), course.lane_s_at(station_m))
    return again is None or again.ends or again.room_m > MISSED_M


def _overshot(course: Course, ego: Ego) -> bool:
    """The destination lies behind: it is come to again by going round."""
    if course.destination_m is None:
        return False
    slack_m = NEW_GOAL_M if abs(ego.speed_mps) < STANDS_MPS else BEHIND_GOAL_M
    return ego.station_m > course.destination_m + slack_m


def _cross(held: Carried, side: int) -> Carried:
    """The car is over the line: the lane change goes on in the lane that it leads to."""
    motion, control = held.motion, held.control
    if motion is not None and motion.change.phase is Phase.MOVE and motion.change.direction == side:
        motion = replace(motion, change=replace(motion.change, over=True))
    if control.shift is not None and control.shift.direction == side:
        control = msgspec.structs.replace(control, shift=replace(control.shift, direction=0))
    elif control.shift is not None:
        control = msgspec.structs.replace(control, shift=None)
    return msgspec.structs.replace(held, motion=motion, control=control)


def _carry(held: Carried, course: Course, tuning: TrackTuning) -> Carried:
    """Everything on another course, at the same place in the world."""
    ego = localize.rebase(held.ego, held.course, course)
    along_m = ego.station_m - held.ego.station_m
    aside_m = ego.offset_m - held.ego.offset_m
    control, motion = held.control, held.motion
    offset_m, rate, accel = control.side
    control = msgspec.structs.replace(control, side=(offset_m + aside_m, rate, accel))
    if motion is not None:
        path, side = motion.path.copy(), motion.side.copy()
        path[:, 0] += along_m
        path[:, 3] += aside_m
        side[0] += aside_m
        motion = replace(motion, path=path, side=side)
    return msgspec.structs.replace(
        held,
        course=course,
        ego=ego,
        tracker=track.rebase(held.tracker, ego, course, tuning),
        motion=motion,
        control=control,
        halt_m=held.halt_m + along_m,
    )
