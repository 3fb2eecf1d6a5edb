"""Where others go first: lights, signs, right of way, roundabouts, crossings.

At each gate the car waits until it may go and the way is free: nobody who goes first will be on shared
ground while we are, by the forecast with margins, and there is room to leave behind it. Once past the
line, or too near to stop with comfort when it was free, it goes on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from volant.core.clock import NS_PER_S
from volant.core.messages import LightState
from volant.pilot.crossings import CourseCrossing, CourseGate, SharedGround
from volant.pilot.planning import causes
from volant.pilot.planning.junction_kernels import (
    held_back,
    people_on,
    queue_end,
    visits,
)
from volant.pilot.prediction.forecast import PointColumn, WorldColumn
from volant.road import Control

if TYPE_CHECKING:
    from volant.pilot.planning.motion import PlanInput

CLEAR_WORDS: Final = "Keeping junction clear"
ONCOMING_WORDS: Final = "Letting oncoming pass"


@dataclass(frozen=True, slots=True)
class JunctionTuning:
    """How junctions are driven."""

    reach_m: float = 150.0
    """Gates farther away are not looked at: stopping from 50 km/h at 1 m/s2 takes 97 m."""
    hardest_mps2: float = 3.0
    """A light that turns amber is stopped at if this is enough (issue: else go on)."""
    courtesy_mps2: float = 2.0
    """To keep a junction clear the car does not brake harder than this: nobody is hurt by waiting in it."""
    accel_mps2: float = 1.5
    """Our own acceleration across."""
    lateral_mps2: float = 1.7
    """And speed in its bends."""
    before_s: float = 0.8
    """Time between their leaving and our coming."""
    after_s: float = 1.8
    """Between our leaving and their coming: they need not brake."""
    merge_s: float = 2.2
    """Where we stay in their way, they come so much later, and"""
    merge_decel_mps2: float = 1.8
    """need not brake harder than this: with our own 2 to 3 s a gap of 7 to 8 s at 50 km/h."""
    patience_s: float = 8.0
    """Who has stood for longer takes smaller gaps, and"""
    impatience_s: float = 20.0
    """so long after that the smallest:"""
    least_merge_s: float = 1.5
    """a gap of about 6 s (Highway Capacity Manual 2010, critical headway 6.2 s, recalled),"""
    least_merge_decel_mps2: float = 2.2
    """less than what counts as forced (3.0)."""
    going_part: float = 0.7
    """Who found the way free takes this part of the margins, as long as stopping would be felt:"""
    felt_mps2: float = 0.8
    """braking for what is only a little nearer than it was comes late, and hard (estimated)."""
    sure_s: float = 6.0
    """Beyond this nobody knows whether the way will be free, and there is time to see."""
    decide_m: float = 10.0
    """Nearer to the line than this there is not: wide junctions take longer from rest."""
    stop_room_m: float = 0.7
    """The front bumper stands so far before the line."""
    sign_room_m: float = 3.0
    """Standing so near to the line counts as having stopped at the sign."""
    leave_m: float = 1.5
    """Room behind the car when it has left the shared ground."""
    inside_room_m: float = 1.0
    """Waiting for oncoming traffic at green the front bumper stands so far before its way,"""
    inside_least_m: float = 3.0
    """and so far past the line, or at the line."""
    behind_m: float = 3.0
    """So far behind who is ahead of us on the way through we come at least,"""
    in_way_m: float = 1.0
    """if he is nearer than this, and half of his own half width, to our middle."""
    slow_mps: float = 2.0
    """Who is slower than this may be the end of a queue."""
    crossing_room_m: float = 1.5
    """The front bumper stands so far before a crossing,"""
    crossing_least_m: float = 0.6
    """or this, rather than harder than the courtesy above,"""
    begin_s: float = 0.2
    """where braking begins so late."""
    near_m: float = 2.6
    """Nearer than this to our middle a person on a crossing is in our way."""
    stands_near_m: float = 1.7
    """The same for people when car and people have both stood for `people_s`: they let us go first."""
    people_s: float = 4.0
    """Who has not begun to cross by then waits for us (estimated)."""
    far_m: float = 6.5
    """And within this when coming nearer."""
    clears_m: float = 60.0
    """Junctions farther away may clear until we come."""
    well_on_m: float = 1.5
    """Who has come so far onto our way does not wait for us any more."""
    lights_seen_m: float = 55.0
    """So near, a light that was not made out is taken for red."""


@dataclass(frozen=True, slots=True)
class JunctionMemory:
    """What of a junction lives to the next tick."""

    committed: int = -1
    """Connecting lane that is entered: no more waiting at its gate."""
    stopped: int = -1
    """Connecting lane at whose stop sign the car has stood."""
    inside: int = -1
    """Connecting lane, with a light, in which the car waits for oncoming traffic past the line."""
    going: int = -1
    """Connecting lane whose way was free at the last tick."""
    stood_ns: int = -1
    """Since when the car stands, -1 while it drives."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Where the front bumper shall stand, and why."""

    station_m: float
    cause: int
    words: str = ""
    inside: bool = False
    """Past the line, within the junction."""
    courtesy: bool = False
    """To keep the junction clear."""
    red: bool = False
    """However late it is seen."""


def wait_at(
    given: PlanInput, memory: JunctionMemory, tuning: JunctionTuning
) -> tuple[Wait | None, JunctionMemory, LightState | None, int]:
    """The nearest place to wait at, what the next light shows, and the indicator for a turn."""
    now_ns = given.ego.stamp_ns
    if given.speed_mps > 1.0:
        memory = memory if memory.stood_ns == -1 else replace(memory, stood_ns=-1)
    elif memory.stood_ns < 0:
        memory = replace(memory, stood_ns=now_ns)
    tuning = _patient(tuning, memory, now_ns)
    stood_s = 0.0 if memory.stood_ns < 0 else (now_ns - memory.stood_ns) / NS_PER_S
    patient = stood_s > tuning.people_s
    front_m = given.ego.station_m + given.car.front_m
    across = given.course.across
    lights = {name: state for name, state, _ in given.lights}
    waits: list[Wait] = []
    shown: LightState | None = None
    lit = 0
    for gate in across.gates:
        to_line_m = gate.stop_m - front_m
        if to_line_m > tuning.reach_m:
            break
        inside = front_m < gate.clear_m + given.car.length_m
        if abs(gate.turn_rad) > 0.5 and to_line_m < max(4.0 * given.speed_mps, 25.0) and inside:
            lit = lit or (1 if gate.turn_rad > 0.0 else 2)
        past = to_line_m < (0.6 if memory.inside == gate.lane else -1.0)
        if not past:
            if gate.light is not None and shown is None:
                shown = lights.get(gate.light)
            memory = _note_stop(given, gate, to_line_m, memory, tuning)
        if past or memory.committed == gate.lane:
            wait, memory = _past_line(given, gate, front_m, memory, tuning)
        else:
            wait, memory = _approach(given, gate, to_line_m, lights, memory, tuning)
        if wait is not None:
            waits.append(wait)
            break
    for crossing in across.crossings:
        if crossing.from_m - front_m > tuning.reach_m:
            break
        held = _before_crossing(given, crossing, front_m, lights, tuning, patient)
        if held is not None:
            waits.append(held)
            break
    for gate in () if patient else across.gates:
        if gate.stop_m - front_m > tuning.clears_m:
            break
        held = _before_crossed(given, gate, front_m, tuning)
        if held is not None:
            waits.append(held)
            break
    best = min(waits, key=lambda one: one.station_m, default=None)
    return best, memory, shown, lit


def _past_line(
    given: PlanInput,
    gate: CourseGate,
    front_m: float,
    memory: JunctionMemory,
    tuning: JunctionTuning,
) -> tuple[Wait | None, JunctionMemory]:
    """Where to wait once the line is passed, or is not stopped at any more."""
    if memory.inside == gate.lane:
        wait = _before_oncoming(given, gate, front_m, tuning)
        if wait is not None:
            return wait, memory
        memory = replace(memory, inside=-1, committed=gate.lane)
    return _short_of_shared(given, gate, front_m, tuning), memory


def _approach(
    given: PlanInput,
    gate: CourseGate,
    to_line_m: float,
    lights: dict[str, LightState],
    memory: JunctionMemory,
    tuning: JunctionTuning,
) -> tuple[Wait | None, JunctionMemory]:
    """Where to wait at a gate that is still ahead, and what becomes of having found it free."""
    need = 0.5 * given.speed_mps**2 / max(to_line_m, 0.1)
    goes = memory.going == gate.lane and need > tuning.felt_mps2
    wait = _before_gate(
        given, gate, to_line_m, lights, memory, _narrower(tuning) if goes else tuning
    )
    gives_way = wait is not None and wait.cause == causes.GIVE_WAY and not wait.courtesy
    if goes and gives_way and need > tuning.courtesy_mps2:  # rather over the line than hard
        beyond = _short_of_shared(given, gate, gate.stop_m - to_line_m, tuning)
        if beyond is not None and not beyond.station_m < gate.stop_m:
            return beyond, replace(memory, going=-1, committed=gate.lane)
    into = gate.lane if wait is not None and wait.inside else -1
    memory = memory if memory.inside == into else replace(memory, inside=into)
    if wait is None:
        memory = replace(memory, going=gate.lane)
        goes_over = to_line_m < 0.6 and given.speed_mps > 0.5
        if goes_over or (need > tuning.hardest_mps2 and given.speed_mps > 1.0):
            memory = replace(memory, committed=gate.lane)
        return None, memory
    memory = replace(memory, going=-1)
    bound = tuning.courtesy_mps2 if wait.courtesy else tuning.hardest_mps2 + 0.5
    late = need > bound and given.speed_mps > 2.0 and not wait.inside
    if late and not wait.red:
        return None, replace(memory, committed=gate.lane)
    return wait, memory


def _narrower(tuning: JunctionTuning) -> JunctionTuning:
    """The margins for going on where the way was free."""
    part = tuning.going_part
    return replace(
        tuning,
        before_s=part * tuning.before_s,
        after_s=part * tuning.after_s,
        merge_s=part * tuning.merge_s,
    )


def _patient(tuning: JunctionTuning, memory: JunctionMemory, now_ns: int) -> JunctionTuning:
    """The gaps asked for after having stood so long."""
    if memory.stood_ns < 0:
        return tuning
    over_s = (now_ns - memory.stood_ns) / NS_PER_S - tuning.patience_s
    part = min(max(over_s / tuning.impatience_s, 0.0), 1.0)
    if part == 0.0:
        return tuning
    least_s, least_mps2 = tuning.least_merge_s, tuning.least_merge_decel_mps2
    return replace(
        tuning,
        merge_s=tuning.merge_s + part * (least_s - tuning.merge_s),
        merge_decel_mps2=tuning.merge_decel_mps2 + part * (least_mps2 - tuning.merge_decel_mps2),
    )


def _note_stop(
    given: PlanInput,
    gate: CourseGate,
    to_line_m: float,
    memory: JunctionMemory,
    tuning: JunctionTuning,
) -> JunctionMemory:
    stands = given.speed_mps < 0.15 and to_line_m < tuning.sign_room_m
    return replace(memory, stopped=gate.lane) if stands else memory


def _before_gate(
    given: PlanInput,
    gate: CourseGate,
    to_line_m: float,
    lights: dict[str, LightState],
    memory: JunctionMemory,
    tuning: JunctionTuning,
) -> Wait | None:
    """Why to wait at a gate, None to go."""
    line_m = gate.stop_m - tuning.stop_room_m
    if gate.light is not None:
        state = lights.get(gate.light, LightState.UNKNOWN)
        if state in (LightState.RED, LightState.RED_AMBER):
            return Wait(line_m, causes.RED_LIGHT, "Red light", red=True)
        if state is LightState.AMBER:
            return Wait(line_m, causes.RED_LIGHT, "Amber light")
        if state is LightState.UNKNOWN and to_line_m < tuning.lights_seen_m:
            return Wait(line_m, causes.RED_LIGHT, "Light not seen")
    if gate.control is Control.STOP and memory.stopped != gate.lane:
        return Wait(line_m, causes.STOP_SIGN, "Stop sign")
    if _blocked(given, gate, tuning):
        return Wait(line_m, causes.GIVE_WAY, CLEAR_WORDS, courtesy=True)
    if any(not _free(given, gate, ground, tuning) for ground in gate.shared):
        inside_m = _inside_m(given, gate, tuning)
        if inside_m is not None:
            return Wait(inside_m, causes.GIVE_WAY, ONCOMING_WORDS, inside=True)
        words = ONCOMING_WORDS if gate.light is not None else "Giving way"
        return Wait(line_m, causes.GIVE_WAY, words)
    return None


def _inside_m(given: PlanInput, gate: CourseGate, tuning: JunctionTuning) -> float | None:
    """Where to wait for oncoming traffic behind the line at green; None where there is no room."""
    if gate.light is None or not gate.shared:
        return None
    wait_m = min(ground.from_m for ground in gate.shared) - tuning.inside_room_m
    rear_m = wait_m - given.car.length_m
    if wait_m < gate.stop_m + tuning.inside_least_m:
        return None
    on = any(one.to_m > rear_m and one.from_m < wait_m for one in given.course.across.crossings)
    return None if on else wait_m


def _before_oncoming(
    given: PlanInput, gate: CourseGate, front_m: float, tuning: JunctionTuning
) -> Wait | None:
    """Wait within the junction until those who come are past; also when the light has changed since."""
    wait_m = _inside_m(given, gate, tuning)
    if wait_m is None or front_m > wait_m + tuning.inside_room_m:
        return None
    if all(_free(given, gate, ground, tuning) for ground in gate.shared):
        return None
    return Wait(wait_m, causes.GIVE_WAY, ONCOMING_WORDS, inside=True)


def _short_of_shared(
    given: PlanInput, gate: CourseGate, front_m: float, tuning: JunctionTuning
) -> Wait | None:
    """Wait past the line where the way was free but no longer is, and no shared ground is reached yet."""
    if not gate.shared:
        return None
    wait_m = min(ground.from_m for ground in gate.shared) - tuning.inside_room_m
    left_m = wait_m - front_m
    if left_m < -0.5 * tuning.inside_room_m:
        return None
    need = 0.5 * given.speed_mps**2 / max(left_m, 0.1)
    if need > tuning.courtesy_mps2 and given.speed_mps > 1.0:
        return None
    rear_m = wait_m - given.car.length_m
    if any(one.to_m > rear_m and one.from_m < wait_m for one in given.course.across.crossings):
        return None
    margins = _narrower(tuning)
    if all(_free(given, gate, ground, margins) for ground in gate.shared):
        return None
    words = ONCOMING_WORDS if gate.light is not None else "Giving way"
    return Wait(wait_m, causes.GIVE_WAY, words, inside=True)


def _before_crossed(
    given: PlanInput, gate: CourseGate, front_m: float, tuning: JunctionTuning
) -> Wait | None:
    """Wait for who is on our way and should have waited: stood in his way he could not leave.

    Before the ground that he crosses; on it, if he has nearly stopped on it ahead of us, at once.
    """
    wait_m = math.inf
    soonest_m = front_m + 0.5 * given.speed_mps**2 / tuning.courtesy_mps2
    for ground in gate.crossed:
        if front_m > ground.to_m or not _stays_on(given, gate, ground, front_m, tuning):
            continue
        before_m = ground.from_m - tuning.inside_room_m
        rear_m = before_m - given.car.length_m
        crossings = given.course.across.crossings
        if any(one.to_m > rear_m and one.from_m < before_m for one in crossings):
            before_m = min(before_m, gate.stop_m - tuning.stop_room_m)
        wait_m = min(wait_m, max(before_m, soonest_m))
    if not math.isfinite(wait_m):
        return None
    return Wait(wait_m, causes.GIVE_WAY, CLEAR_WORDS, inside=wait_m > gate.stop_m)


def _stays_on(
    given: PlanInput, gate: CourseGate, ground: SharedGround, front_m: float, tuning: JunctionTuning
) -> bool:
    """Whether somebody well on crossed ground, ahead of us, is still on it when we come."""
    lane = given.way.graph.lanes[ground.other].samples
    low = ground.their_from_m + tuning.well_on_m
    high = min(ground.their_to_m, float(lane[-1, 0]))
    if low >= high:
        return False
    forecast = given.forecast
    found = visits(
        *(forecast.modes, forecast.points, forecast.worlds, lane, low, high, forecast.dt_s)
    )
    ours_from_s, _, _ = _times_s(given, gate, ground, tuning)
    for from_s, to_s, _speed, _weight, mode in found.tolist():
        now = forecast.points[int(mode), 0]
        ahead = now[PointColumn.STATION] - now[PointColumn.HALF_LENGTH] > front_m
        if from_s > 0.0 or not ahead:
            continue
        slow = forecast.worlds[int(mode), 0, WorldColumn.SPEED] < tuning.slow_mps
        if slow or (front_m < ground.from_m and to_s + tuning.before_s > ours_from_s):
            return True
    return False


def _blocked(given: PlanInput, gate: CourseGate, tuning: JunctionTuning) -> bool:
    """There is no room to leave the junction."""
    if gate.clear_m <= gate.stop_m + 1.0:
        return False
    forecast = given.forecast
    rear_m = queue_end(forecast.modes, forecast.points, gate.stop_m, 1.0, tuning.slow_mps)
    return bool(rear_m < gate.clear_m + given.car.length_m + tuning.leave_m)


def _free(given: PlanInput, gate: CourseGate, ground: SharedGround, tuning: JunctionTuning) -> bool:
    """Nobody who goes first is on shared ground while we are."""
    ours_from_s, ours_to_s, speed_mps = _times_s(given, gate, ground, tuning)
    to_line_m = gate.stop_m - given.ego.station_m - given.car.front_m
    if ours_from_s > tuning.sure_s and to_line_m > tuning.decide_m:
        return False
    forecast = given.forecast
    lane = given.way.graph.lanes[ground.other].samples
    found = visits(
        forecast.modes,
        forecast.points,
        forecast.worlds,
        lane,
        ground.their_from_m,
        min(ground.their_to_m, float(lane[-1, 0])),
        forecast.dt_s,
    )
    for from_s, to_s, their_mps, _weight, _mode in found.tolist():
        if to_s + tuning.before_s < ours_from_s:
            continue
        if ground.merges:
            rush = max(their_mps - speed_mps, 0.0)
            need_s = tuning.merge_s + rush / (2.0 * tuning.merge_decel_mps2)
            if from_s < ours_from_s + need_s:
                return False
        elif from_s < ours_to_s + tuning.after_s:
            return False
    return True


def _times_s(
    given: PlanInput, gate: CourseGate, ground: SharedGround, tuning: JunctionTuning
) -> tuple[float, float, float]:
    """When our front comes onto shared ground, our rear leaves it, and how fast we are then."""
    course, station_m = given.course, given.ego.station_m
    low, high = course.row(gate.stop_m), course.row(ground.to_m)
    bend = float(abs(course.table[low : high + 1, 5]).max())
    most = float(course.limit_mps[low])
    if bend > 1e-6:
        most = min(most, math.sqrt(tuning.lateral_mps2 / bend))
    to_m = ground.from_m - station_m - given.car.front_m
    from_m = ground.to_m - station_m + given.car.rear_overhang_m
    first_s, speed = _reach_s(to_m, given.speed_mps, most, tuning.accel_mps2)
    last_s, _ = _reach_s(from_m, given.speed_mps, most, tuning.accel_mps2)
    held_s, their_mps = _held_back(given, ground.from_m, most, tuning)
    if held_s > first_s:
        first_s, speed = held_s, min(speed, their_mps)
    held_s, _ = _held_back(given, ground.to_m + given.car.length_m, most, tuning)
    return first_s, max(last_s, held_s), speed


def _held_back(
    given: PlanInput, place_m: float, most_mps: float, tuning: JunctionTuning
) -> tuple[float, float]:
    """When our front can be at a place behind those ahead of us, and how fast they are then."""
    forecast = given.forecast
    held_s, their_mps = held_back(
        *(forecast.modes, forecast.points, given.ego.station_m + given.car.front_m),
        *(given.speed_mps, most_mps, tuning.accel_mps2, place_m + tuning.behind_m),
        *(tuning.in_way_m, forecast.dt_s),
    ).tolist()
    return held_s, their_mps


def _reach_s(
    distance_m: float, speed_mps: float, most_mps: float, accel_mps2: float
) -> tuple[float, float]:
    """Time to a distance, speeding up to a bound, with half a second to get going; speed there."""
    if distance_m <= 0.0:
        return 0.0, speed_mps
    wait_s = 0.5 if speed_mps < 1.0 else 0.0
    if speed_mps >= most_mps:
        return distance_m / max(0.5 * (speed_mps + most_mps), 0.5), most_mps
    run_m = (most_mps**2 - speed_mps**2) / (2.0 * accel_mps2)
    if distance_m <= run_m:
        there = math.sqrt(speed_mps**2 + 2.0 * accel_mps2 * distance_m)
        return wait_s + (there - speed_mps) / accel_mps2, there
    return wait_s + (most_mps - speed_mps) / accel_mps2 + (distance_m - run_m) / most_mps, most_mps


def _before_crossing(
    given: PlanInput,
    crossing: CourseCrossing,
    front_m: float,
    lights: dict[str, LightState],
    tuning: JunctionTuning,
    patient: bool,
) -> Wait | None:
    """Wait for people at a crossing, and never stand on it.

    patient: the car has stood for a while; people who do not move by now let it go first.
    """
    to_m = crossing.from_m - front_m
    if to_m < 0.0:
        return None
    need = 0.5 * given.speed_mps**2 / max(to_m - tuning.crossing_room_m, 0.1)
    if need > 5.0 and given.speed_mps > 2.0:
        return None
    forecast = given.forecast
    brake_m = 0.5 * given.speed_mps**2 / tuning.courtesy_mps2 + tuning.begin_s * given.speed_mps
    spare_m = min(max(to_m - brake_m, tuning.crossing_least_m), tuning.crossing_room_m)
    line_m = crossing.from_m - spare_m
    green = crossing.light is not None and lights.get(crossing.light) is LightState.GREEN
    far_m = tuning.near_m if green else tuning.far_m
    until_s = min(to_m / max(given.speed_mps, 2.0) + 2.0, 5.0)
    on = people_on(
        forecast.modes,
        forecast.points,
        crossing.from_m - 1.0,
        crossing.to_m + 1.0,
        tuning.stands_near_m if patient else tuning.near_m,
        far_m,
        0.0 if green or patient else until_s,
        forecast.dt_s,
    )
    if on:
        return Wait(line_m, causes.CROSSING, "People at crossing")
    rear_m = queue_end(forecast.modes, forecast.points, crossing.from_m, 1.0, tuning.slow_mps)
    if rear_m < crossing.to_m + given.car.length_m + 0.5:
        return Wait(line_m, causes.CROSSING, "Keeping crossing clear")
    return None
