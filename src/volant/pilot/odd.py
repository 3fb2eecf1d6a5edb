"""The operating domain: what must hold for the pilot to drive, each breach as code and words.

Ages of what was last believed decide, so a frame that is late, broken, frozen or contradictory counts
as one that did not come.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import msgspec

from volant.core.clock import NS_PER_S
from volant.core.messages import CarState, Gear
from volant.pilot.course import Course
from volant.pilot.engage import Demand
from volant.pilot.perception.belief import Ego
from volant.pilot.perception.health import Watch
from volant.pilot.perception.track import Tracker


@dataclass(frozen=True, slots=True)
class DomainTuning:
    """Ages and bounds of the domain."""

    car_age_s: float = 0.1
    """Without wheels and gyro for longer the car is blind to itself."""
    lane_age_s: float = 2.0
    """Without a lane for longer the driver is asked: cameras miss marks for up to a second."""
    unmarked_age_s: float = 90.0
    """Likewise where the map says that there is nothing to see, as in junctions and car parks: there the
    doubt decides, which GNSS holds."""
    marked_m: float = 30.0
    """Marks are looked for over this much road before they are missed."""
    lane_conflict_s: float = 1.0
    """A whole burst of misread marks."""
    position_age_s: float = 30.0
    """Odometry and lanes carry on this long without GNSS (a tunnel of 600 m at 20 m/s)."""
    position_conflict_s: float = 5.0
    """GNSS among high buildings recovers within seconds (estimated)."""
    frame_age_s: float = 0.7
    """Without any frame of objects for longer the driver is asked."""
    frame_urgent_s: float = 2.0
    """And for longer than this a stop begins: 40 m at 20 m/s."""
    sigma_across_m: float = 0.5
    """Doubt at which 2 sigma fill the room left in a lane of 3.5 m."""
    unmarked_across_m: float = 1.0
    """Likewise in a junction, where no line is to be seen and it becomes sure again behind it."""
    sigma_along_m: float = 12.0
    """Doubt at which curves and limits come at the wrong place."""
    offset_m: float = 2.0
    """Farther than this from the middle of its lane, and of those beside, the car is in no lane."""
    heading_rad: float = 0.5
    """Nearly 30 degrees: the car stands across the lane."""
    least_mps: float = -0.5
    """Rolling back faster than a hill start does."""
    most_mps: float = 40.3
    """145 km/h, the most that opendbc lets cruise control be set to."""
    camera_age_s: float = 10.0
    """Without the front camera for longer, wherever it is, the driver is asked: the radar knows no people."""
    lights_m: float = 120.0
    """Traffic lights so near ahead need the camera: 97 m are needed to stop from 50 km/h at 1 m/s2."""
    sight_fade_s: float = 5.0
    """Without frames sight runs out in this time."""
    road_end_s: float = 12.0
    """Before the road ends without a destination the driver is asked this early."""


class Domain(msgspec.Struct, frozen=True):
    """Whether the pilot may drive here and now."""

    valid: bool
    """The place is known well enough to follow the lane."""
    blockers: tuple[Demand, ...]
    """Why it may not be engaged."""
    demand: Demand | None
    """Why it may not go on."""
    sight_m: float


def assess(
    ego: Ego,
    tracker: Tracker,
    car: CarState,
    course: Course,
    watch: Watch,
    tuning: DomainTuning,
    *,
    steers: bool = True,
) -> Domain:
    """Judge the domain at one control tick.

    A pilot that does not steer need not know its lane to the centimetre: the driver does.
    """
    now_ns = ego.stamp_ns
    frame_age_s = _age_s(now_ns, tracker.frame_ns)
    breaches = (
        *_breaches_of_place(ego, course, now_ns, tuning),
        *_breaches_of_motion(ego, now_ns, tuning),
        *_breaches_of_sensors(frame_age_s, tuning),
        *_breaches_of_health(watch, ego, course, tuning),
        *_breaches_of_road(ego, course, tuning),
        *_breaches_of_driver(car),
    )
    blockers = (*breaches, *_blockers(ego, car, tuning))
    stale_s = max(frame_age_s - 0.25, 0.0)
    sight_m = watch.sight_m * max(1.0 - stale_s / tuning.sight_fade_s, 0.0)
    if not breaches:
        return Domain(True, blockers, None, sight_m)
    if not steers:
        breaches = tuple(one for one in breaches if one.code not in _OF_STEERING)
        blockers = (*breaches, *_blockers(ego, car, tuning))
    worst = next((one for one in breaches if one.urgent), None)
    place_codes = ("no_position", "lost_lane", "lost_position", "car_state_lost")
    return Domain(
        valid=not any(one.code in place_codes for one in breaches),
        blockers=blockers,
        demand=worst or (breaches[0] if breaches else None),
        sight_m=sight_m,
    )


_OF_STEERING: Final = ("lost_lane", "lane_conflict", "off_lane")
"""Breaches that only concern who steers."""


def _age_s(now_ns: int, stamp_ns: int) -> float:
    return math.inf if stamp_ns < 0 else (now_ns - stamp_ns) / NS_PER_S


def _breaches_of_place(
    ego: Ego, course: Course, now_ns: int, tuning: DomainTuning
) -> tuple[Demand, ...]:
    if not ego.matched:
        return (Demand("no_position", "Position not known", urgent=True),)
    found = []
    lane_age_s, doubtful = _age_s(now_ns, ego.lane_ns), ego.sigma_across_m > tuning.sigma_across_m
    if doubtful or lane_age_s > min(tuning.lane_age_s, tuning.unmarked_age_s):
        patience_s = _patience_s(ego, course, tuning)
        if patience_s > tuning.lane_age_s:
            doubtful = ego.sigma_across_m > tuning.unmarked_across_m
        if doubtful or lane_age_s > patience_s:
            # Wheels, gyro and GNSS hold the lane for a while: no stop begins while they surely do.
            urgent = lane_age_s > 3.0 * patience_s and doubtful
            found.append(Demand("lost_lane", "Lane not seen", urgent=urgent))
    if ego.lane_conflict_s > tuning.lane_conflict_s:
        found.append(Demand("lane_conflict", "Lane does not fit the map"))
    late = _age_s(now_ns, ego.gnss_ns) > tuning.position_age_s
    if late or ego.sigma_along_m > tuning.sigma_along_m:
        found.append(Demand("lost_position", "Position is uncertain"))
    if ego.gnss_conflict_s > tuning.position_conflict_s:
        found.append(Demand("position_conflict", "Position contradicts itself"))
    if _strays(ego, course, tuning):
        found.append(Demand("off_lane", "Not in the lane"))
    return tuple(found)


def _strays(ego: Ego, course: Course, tuning: DomainTuning) -> bool:
    """The car is in no lane: neither in its own, which is asked first, nor in one beside."""
    station_m, offset_m = ego.station_m, ego.offset_m
    if abs(offset_m - float(course.centre_m[course.row(station_m)])) <= tuning.offset_m:
        return False
    return abs(course.away_m(station_m, offset_m)) > tuning.offset_m


def _patience_s(ego: Ego, course: Course, tuning: DomainTuning) -> float:
    """For how long the lane may go unseen here."""
    # Paint must have been there for a while before its absence means anything.
    since_m = ego.station_m - max(2.0 * ego.speed_mps, tuning.marked_m)
    low, high = course.row(since_m), course.row(ego.station_m)
    unmarked = bool(course.unmarked[low : high + 1].any())
    return tuning.unmarked_age_s if unmarked else tuning.lane_age_s


def _breaches_of_motion(ego: Ego, now_ns: int, tuning: DomainTuning) -> tuple[Demand, ...]:
    if _age_s(now_ns, ego.car_ns) > tuning.car_age_s:
        return (Demand("car_state_lost", "Car does not report", urgent=True),)
    if ego.speed_mps > tuning.most_mps:
        return (Demand("too_fast", "Too fast for the pilot"),)
    return ()


def _breaches_of_sensors(frame_age_s: float, tuning: DomainTuning) -> tuple[Demand, ...]:
    if frame_age_s <= tuning.frame_age_s:
        return ()
    urgent = frame_age_s > tuning.frame_urgent_s
    return (Demand("sensors_lost", "Sensors see nothing", urgent=urgent),)


def _breaches_of_health(
    watch: Watch, ego: Ego, course: Course, tuning: DomainTuning
) -> tuple[Demand, ...]:
    """What broken sensors leave blind; one of many that the others make up for is no breach."""
    health, found = watch.health, []
    if not health.broken:
        return ()
    if health.front_blind:
        urgent = watch.blind_s > tuning.frame_urgent_s
        found.append(Demand("front_blind", "Sees nothing ahead", urgent=urgent))
    found.extend(
        Demand(f"{side}_blind", f"Sees nothing to the {side}")
        for side in ("left", "right")
        if health.side_blind(side)
    )
    if watch.camera_s > 0.0:
        here_m = ego.station_m
        lit = any(
            gate.light is not None and here_m - 1.0 < gate.stop_m < here_m + tuning.lights_m
            for gate in course.across.gates
        )
        if lit:
            found.append(Demand("lights_blind", "Cannot see traffic lights"))
        elif watch.camera_s > tuning.camera_age_s:
            found.append(Demand("camera_front_lost", "Front camera lost"))
    return tuple(found)


def _breaches_of_road(ego: Ego, course: Course, tuning: DomainTuning) -> tuple[Demand, ...]:
    if course.destination_m is not None or course.leave is not None or not ego.matched:
        return ()
    left_m = course.end_m - ego.station_m
    speed_mps = max(ego.speed_mps, 0.0)
    if left_m > speed_mps * tuning.road_end_s + 10.0:
        return ()
    return (Demand("road_ends", "Road ends ahead"),)


def _breaches_of_driver(car: CarState) -> tuple[Demand, ...]:
    if not car.driver.belted:
        return (Demand("unbelted", "Fasten your belt"),)
    if not car.driver.door_closed:
        return (Demand("door_open", "A door is open"),)
    if car.plugged:
        return (Demand("plugged", "Unplug the charging cable"),)
    return ()


def _blockers(ego: Ego, car: CarState, tuning: DomainTuning) -> tuple[Demand, ...]:
    """What hinders switching on, but not going on."""
    found = []
    if car.gear is Gear.REVERSE:
        found.append(Demand("reverse", "Reverse is engaged"))
    if ego.speed_mps < tuning.least_mps:
        found.append(Demand("rolling_back", "Rolling backwards"))
    if abs(ego.heading_error_rad) > tuning.heading_rad:
        found.append(Demand("across_lane", "Not along the lane"))
    return tuple(found)
