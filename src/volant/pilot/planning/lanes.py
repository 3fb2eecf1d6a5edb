"""Which lane: by the route, by MOBIL (Kesting, Treiber and Helbing, 2007), and by the driver's stalk.

A change is wished for, then signalled, then driven when the gaps allow it; before the line it can be
broken off. The sequence and the rear gap are those of UN R79, category C (recalled): lateral movement at
least 1 s after the indicator, the line reached 3 to 5 s after it, done within 5 s. Solid lines are never
crossed. Who must leave a lane that runs out matches the speed of a gap, and waits at its end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from volant.core.clock import NS_PER_S
from volant.core.messages import Refusal
from volant.pilot.planning.lane_kernels import (
    A_ACCEL,
    A_GAP,
    A_ID,
    A_SPEED,
    B_GAP,
    B_ID,
    B_SPEED,
    BESIDE,
    look_along,
)
from volant.pilot.planning.law_kernels import briskest, follow_accel, profile_accel
from volant.pilot.planning.propose import ProposeTuning, shift_s
from volant.pilot.way import Way, runs_out

if TYPE_CHECKING:
    from volant.pilot.planning.motion import PlanInput

Array = NDArray[np.float64]


class Phase(Enum):
    """How far a lane change has come."""

    KEEP = "keep"
    SIGNAL = "signal"
    MOVE = "move"


@dataclass(frozen=True, slots=True)
class LaneTuning:
    """When and how to change lanes."""

    advantage_mps2: float = 0.4
    """What overtaking must gain (MOBIL's threshold with its bias, 0.1 + 0.3 in the paper)."""
    content_mps2: float = 0.15
    """Back on the slow side overtaking again may gain this at most, or the car stays on the fast one."""
    polite: float = 0.3
    """Weight of what those behind lose (MOBIL: 0.2 to 0.5)."""
    lasting_s: float = 1.5
    """A wish to overtake must last."""
    right_lasting_s: float = 3.0
    """And one to go back longer."""
    rest_s: float = 8.0
    """Between two changes that nothing demands."""
    free_s: float = 15.0
    """The slow lane must be free for this long at our speed to be worth going back to."""
    overtake_least_mps: float = 16.0
    """Below 58 km/h lanes are changed for the route only."""
    signal_s: float = 2.0
    """From the indicator to the lateral move; the line is reached some 1.6 s later."""
    give_up_s: float = 5.0
    """The driver's wish ends after this (UN R79: the manoeuvre starts within 5 s)."""
    own_give_up_s: float = 9.0
    """An own wish is taken back after this."""
    route_base_m: float = 250.0
    """For the route lanes are changed from this far before the place on, and"""
    route_s: float = 25.0
    """so long before it, for each change."""
    hinder_m: float = 1200.0
    """So near before a change that the route demands nothing leads away from it."""
    detour_s: float = 25.0
    """What a lane may cost more on the way to the destination (by the guide) to be overtaken in."""
    lasts_m: float = 700.0
    """A lane that runs out sooner is not changed to."""
    rear_decel_mps2: float = 3.0
    """What who comes from behind may have to brake (UN R79)."""
    merge_decel_mps2: float = 2.0
    """The same at a lane that runs out, as long as it lasts: who comes from behind goes first (StVO
    section 18(3), recalled), and 3 m/s2 are an emergency."""
    merge_react_s: float = 1.2
    """And so late: nobody expects to be slowed down there (recalled: drivers take 0.7 to 1.5 s)."""
    last_m: float = 60.0
    """So near to the end of such a lane the smaller gap is taken."""
    rear_react_s: float = 0.4
    """And how late (likewise)."""
    rear_gap_s: float = 1.0
    """Gap that is left to him then, by our speed (likewise)."""
    front_decel_mps2: float = 2.0
    """What the change itself may make us brake."""
    front_gap_s: float = 0.5
    """Gap ahead that a change may begin with; the set gap is taken up afterwards."""
    to_line_s: float = 1.5
    """From the begin of the lateral move to the line (as in `signal_s`)."""
    least_gap_m: float = 3.0
    """Standing gap ahead and behind that a change leaves."""
    match_mps2: float = 1.5
    """Braking to match the speed of a gap."""
    half_lane_m: float = 1.75
    """Who comes nearer to a lane's middle than this and his half width is in it."""
    yield_soft_mps2: float = 0.5
    """Braking so as not to pass on the slow side."""
    pass_least_mps: float = 16.7
    """Up to 60 km/h queues may be passed on the slow side (StVO section 7(2a), recalled)."""
    end_room_m: float = 38.0
    """Where a lane runs out, stand so far before: a change from rest takes 30 m."""


@dataclass(frozen=True, slots=True)
class Change:
    """The lane change: none, wished for, signalled or under way."""

    direction: int = 0
    """+1 left, -1 right."""
    cause: str = ""
    """`route`, `overtake`, `keep_right` or `driver`."""
    phase: Phase = Phase.KEEP
    since_ns: int = 0
    """Begin of the wish or phase."""
    over: bool = False
    """Over the line: the course is that of the new lane."""
    ended_ns: int = -(10**12)
    """When the last one was done or given up."""

    @property
    def lit(self) -> int:
        """Index of the indicator: 0 off, 1 left, 2 right."""
        if self.phase is Phase.KEEP:
            return 0
        return 1 if self.direction > 0 else 2


@dataclass(frozen=True, slots=True)
class LaneChoice:
    """What a planning step does about lanes."""

    change: Change
    refusals: tuple[Refusal, ...] = ()
    may_move: bool = False
    """Gaps and time allow to begin the lateral move now."""
    most_mps2: float = math.inf
    """Acceleration that matching a gap, or not passing on the slow side, leaves."""
    stop_m: float = math.inf
    """Station of the front bumper at which the lane must have been left."""


@dataclass(frozen=True, slots=True)
class _View:
    """Own lane and the lane to one side."""

    direction: int
    own: Array
    there: Array
    middle_m: float


_WORDS: Final = {
    "no_lane": "No lane there",
    "solid_line": "Solid line",
    "beside": "Somebody beside",
    "rear_gap": "Traffic from behind",
    "front_gap": "No room ahead",
    "would_brake": "Gap too tight",
    "too_slow": "Too slow",
    "route": "Route needs this lane",
    "side_blind": "Side not seen",
}


def refusal(change: Change, code: str) -> Refusal:
    """A lane change that was not made, as code and words."""
    side = "left" if change.direction > 0 else "right"
    return Refusal(manoeuvre=f"change_{side}", code=code, words=_WORDS[code])


def choose_lane(
    given: PlanInput,
    change: Change,
    speeds: Array,
    law: Array,
    tuning: LaneTuning,
    shifts: ProposeTuning,
) -> LaneChoice:
    """The lane change of this tick, and what it asks of the speed."""
    if not given.driving:
        return LaneChoice(Change(ended_ns=given.ego.stamp_ns))
    if change.phase is Phase.MOVE:
        return _under_way(given, change, tuning)
    stop_m = _stop_m(given, tuning)
    wish = _wish(given, change, speeds, law, tuning)
    most = _not_passing(given, speeds, law, tuning)
    if wish is None:
        calm = (
            change if change.phase is Phase.KEEP else replace(change, ended_ns=given.ego.stamp_ns)
        )
        if calm.direction or calm.cause or calm.phase is not Phase.KEEP:
            calm = replace(calm, phase=Phase.KEEP, direction=0, cause="")
        return LaneChoice(calm, (), False, most, stop_m)
    change = _note(change, wish, given.ego.stamp_ns, tuning)
    if change.direction in given.blind:
        held = replace(change, phase=Phase.KEEP)
        return LaneChoice(held, (refusal(change, "side_blind"),), False, most, stop_m)
    code = _why_not(given, change, tuning, shifts)
    refusals = () if code is None else (refusal(change, code),)
    if change.phase is Phase.KEEP:
        return LaneChoice(change, refusals, False, most, stop_m)
    waited_s = (given.ego.stamp_ns - change.since_ns) / NS_PER_S
    limit_s = tuning.give_up_s if change.cause == "driver" else tuning.own_give_up_s
    if code is not None and waited_s > limit_s and change.cause != "route":
        return LaneChoice(Change(ended_ns=given.ego.stamp_ns), refusals, False, most, stop_m)
    if code is not None and change.cause == "route":
        most = min(most, _match(given, change, law, tuning))
    return LaneChoice(change, refusals, code is None and waited_s >= tuning.signal_s, most, stop_m)


def _note(change: Change, wish: tuple[int, str], now_ns: int, tuning: LaneTuning) -> Change:
    """The wish, from its begin on; signalled once it has lasted."""
    direction, cause = wish
    if (direction, cause) != (change.direction, change.cause):
        change = Change(direction, cause, Phase.KEEP, now_ns, ended_ns=change.ended_ns)
    if change.phase is Phase.SIGNAL:
        return change
    lasting_s = {"overtake": tuning.lasting_s, "keep_right": tuning.right_lasting_s}.get(cause, 0.0)
    if (now_ns - change.since_ns) / NS_PER_S < lasting_s:
        return change
    return replace(change, phase=Phase.SIGNAL, since_ns=now_ns)


def _under_way(given: PlanInput, change: Change, tuning: LaneTuning) -> LaneChoice:
    """Done, go on, or break off while the line is not reached."""
    now_ns = given.ego.stamp_ns
    if change.over and given.shift is None:
        return LaneChoice(Change(ended_ns=now_ns))
    if not change.over and given.shift is None and now_ns - change.since_ns > NS_PER_S:
        return LaneChoice(Change(ended_ns=now_ns))
    if change.over or (given.shift is not None and given.shift.share > 0.35):
        return LaneChoice(change)
    code = _why_not(given, change, tuning, None)
    if code in ("beside", "rear_gap"):
        return LaneChoice(Change(ended_ns=now_ns), (refusal(change, code),))
    return LaneChoice(change)


def _wish(
    given: PlanInput, change: Change, speeds: Array, law: Array, tuning: LaneTuning
) -> tuple[int, str] | None:
    """Which way and why."""
    asked = _asked_by_driver(given, change)
    if asked is not None:
        return asked
    leave, course = given.course.leave, given.course
    room_m = math.inf if leave is None else leave.room_m - given.ego.station_m
    if leave is not None:
        begin_m = tuning.route_base_m + leave.count * tuning.route_s * given.speed_mps
        if leave.ends or room_m < begin_m:
            beside_m = course.beside_m(given.ego.station_m, leave.direction)
            possible = math.isfinite(beside_m) and (room_m > 0.0 or leave.ends)
            if not leave.ends and not _leads_on(given, leave.direction, room_m):
                possible = False
            return (leave.direction, "route") if possible else None
    rested_s = (given.ego.stamp_ns - change.ended_ns) / NS_PER_S
    if (
        not given.overtakes
        or rested_s < tuning.rest_s
        or course.unmarked[course.row(given.ego.station_m)]
    ):
        return None
    if _goal_near(given, tuning):
        return None  # the route would ask at once for the way back
    fast = -1 if given.way.graph.left_hand else 1
    for direction, cause in ((fast, "overtake"), (-fast, "keep_right")):
        if leave is not None and room_m < tuning.hinder_m and direction != leave.direction:
            continue
        view = _view(given, direction, tuning)
        if view is None or not _worth_by_route(given, direction, tuning):
            continue
        if cause == "overtake" and _overtakes(given, view, speeds, law, tuning):
            return direction, cause
        if cause == "keep_right" and _goes_back(given, view, speeds, law, tuning):
            return direction, cause
    return None


def _goal_near(given: PlanInput, tuning: LaneTuning) -> bool:
    """A place to pass or to stop at lies on this lane, nearer than changes for the route begin."""
    begin_m = tuning.route_base_m + tuning.route_s * given.speed_mps
    goals_m = (given.course.via_m, given.course.destination_m)
    return any(one is not None and 0.0 < one - given.ego.station_m < begin_m for one in goals_m)


def _asked_by_driver(given: PlanInput, change: Change) -> tuple[int, str] | None:
    if given.indicated:
        return given.indicated, "driver"
    if change.cause == "driver" and change.phase is Phase.SIGNAL:
        return change.direction, "driver"
    return None


def _view(given: PlanInput, direction: int, tuning: LaneTuning) -> _View | None:
    """Who is in the own lane and in the lane beside; None where there is none."""
    ego, course, car = given.ego, given.course, given.car
    middle_m = course.beside_m(ego.station_m, direction)
    if not math.isfinite(middle_m):
        return None
    modes, points = given.forecast.modes, given.forecast.points
    own_m = float(course.centre_m[course.row(ego.station_m)])
    numbers = (ego.station_m, car.front_m, car.rear_overhang_m)
    own = look_along(modes, points, *numbers, own_m, tuning.half_lane_m)
    there = look_along(modes, points, *numbers, middle_m, tuning.half_lane_m)
    return _View(direction, own, there, middle_m)


def _free_mps2(given: PlanInput, speeds: Array, law: Array) -> float:
    v = given.speed_mps
    free = profile_accel(speeds, given.course.step_m, 0.0, v, 1.0, law)
    return min(float(free), float(briskest(v, law)))


def _behind_mps2(seen: Array, v: float, free: float, law: Array) -> float:
    """Acceleration behind whoever is ahead in a lane."""
    if seen[A_ID] < 0.0:
        return free
    gap, speed, accel = (float(seen[column]) for column in (A_GAP, A_SPEED, A_ACCEL))
    return float(follow_accel(v, 0.0, max(gap, 0.1), max(speed, 0.0), accel, free, 1.8, law))


def _overtakes(
    given: PlanInput, view: _View, speeds: Array, law: Array, tuning: LaneTuning
) -> bool:
    """MOBIL's incentive: what we gain, less what who comes behind loses."""
    v = given.speed_mps
    aim = float(speeds[min(10, len(speeds) - 1)])
    if view.own[A_ID] < 0.0 or max(v, aim) < tuning.overtake_least_mps or v < 0.4 * aim:
        return False
    if float(view.own[A_SPEED]) > aim - 2.0:
        return False
    free = _free_mps2(given, speeds, law)
    gain = _behind_mps2(view.there, v, free, law) - _behind_mps2(view.own, v, free, law)
    loss = 0.0
    if view.there[B_ID] >= 0.0:
        rush = max(float(view.there[B_SPEED]) - v, 0.0)
        loss = rush * rush / (2.0 * max(float(view.there[B_GAP]), 1.0))
    return gain - tuning.polite * loss > tuning.advantage_mps2


def _goes_back(
    given: PlanInput, view: _View, speeds: Array, law: Array, tuning: LaneTuning
) -> bool:
    """Keep to the slow side where it is free for a while, and nothing would call us out again."""
    v = given.speed_mps
    aim = float(speeds[min(10, len(speeds) - 1)])
    if max(v, aim) < tuning.overtake_least_mps or v < 0.6 * aim:
        return False
    ahead_m = max(8.0 * v, 100.0)
    course = given.course
    low, high = course.row(given.ego.station_m), course.row(given.ego.station_m + ahead_m)
    beside = course.left_m if view.direction > 0 else course.right_m
    if not bool(np.isfinite(beside[low : high + 1]).all()):
        return False
    if view.there[A_ID] < 0.0:
        return True
    free = _free_mps2(given, speeds, law)
    again = _behind_mps2(view.own, v, free, law) - _behind_mps2(view.there, v, free, law)
    if again > tuning.content_mps2:
        return False
    rush = max(v, aim) - float(view.there[A_SPEED])
    spare_m = float(view.there[A_GAP]) - 1.8 * v
    return spare_m > 0.0 and (rush <= 0.5 or spare_m / rush > tuning.free_s)


def _worth_by_route(given: PlanInput, direction: int, tuning: LaneTuning) -> bool:
    """The lane beside leads on: by the guide, else it does not run out soon."""
    way, ego = given.way, given.ego
    lane = given.course.lane_index_at(ego.station_m)
    held = way.graph.lanes[lane]
    other = held.left if direction > 0 else held.right
    if other is None:
        return False
    s_m = given.course.lane_s_at(ego.station_m)
    if not _lasts(way, other, held.length_m - s_m, tuning.lasts_m):
        return False
    if way.guide is not None:
        share = s_m / max(held.length_m, 1.0)
        there_s = way.guide.cost_s(other, share * way.graph.lanes[other].length_m)
        return bool(there_s <= way.guide.cost_s(lane, s_m) + tuning.detour_s)
    return True


def _leads_on(given: PlanInput, direction: int, room_m: float) -> bool:
    """The lane beside does not run out before the place where the route needs it."""
    course, station_m = given.course, given.ego.station_m
    held = given.way.graph.lanes[course.lane_index_at(station_m)]
    other = held.left if direction > 0 else held.right
    if other is None:
        return False
    left_m = held.length_m - course.lane_s_at(station_m)
    return _lasts(given.way, other, left_m, min(room_m, 600.0))


def _lasts(way: Way, lane: int, left_m: float, reach_m: float) -> bool:
    """A lane goes on for a distance."""
    here: int | None = lane
    for _ in range(16):
        if here is None or runs_out(way.graph.lanes[here]):
            return left_m > reach_m
        if left_m > reach_m:
            return True
        here = way.graph.main_successor(here)
        if here is not None:
            left_m += way.graph.lanes[here].length_m
    return True


def _why_not(
    given: PlanInput, change: Change, tuning: LaneTuning, shifts: ProposeTuning | None
) -> str | None:
    """What stands against the lateral move now: to begin it as `shifts` says, or without them to go on with it."""
    ego, course, v = given.ego, given.course, given.speed_mps
    view = _view(given, change.direction, tuning)
    if view is None:
        return "no_lane"
    if shifts is not None:
        away_m = view.middle_m - given.side[0]
        run_m = max(shift_s(away_m, shifts) * v, 9.0 * abs(away_m)) * 0.75
        low, high = course.row(ego.station_m), course.row(ego.station_m + run_m)
        beside = course.left_m if change.direction > 0 else course.right_m
        marks = course.left_open if change.direction > 0 else course.right_open
        if not bool(np.isfinite(beside[low : high + 1]).all()):
            return "no_lane"
        if not bool(marks[low : high + 1].all()):
            return "solid_line"
    there = view.there
    if there[BESIDE] >= 0.0:
        return "beside"
    share = 0.6 if shifts is None else 1.0
    need_m = _rear_need_m(v, float(there[B_SPEED]), _courtesy(given, change, tuning), tuning)
    if there[B_ID] >= 0.0 and there[B_GAP] < share * need_m:
        return "rear_gap"
    if there[A_ID] >= 0.0:
        rush = v - max(float(there[A_SPEED]), 0.0)
        need_m = tuning.least_gap_m + tuning.front_gap_s * v
        if rush > 0.0:
            need_m += rush * rush / (2.0 * tuning.front_decel_mps2)
        else:  # he draws away until we are over the line
            need_m = max(need_m + tuning.to_line_s * rush, tuning.least_gap_m)
        if there[A_GAP] < share * need_m:
            return "front_gap"
    return None


def _courtesy(given: PlanInput, change: Change, tuning: LaneTuning) -> tuple[float, float]:
    """How late who comes from behind notices a change, and what he may have to brake then."""
    leave = given.course.leave
    if change.cause != "route" or leave is None or not leave.ends:
        return tuning.rear_react_s, tuning.rear_decel_mps2
    left_m = _stop_m(given, tuning) - given.ego.station_m - given.car.front_m
    if left_m < tuning.last_m:
        return tuning.rear_react_s, tuning.rear_decel_mps2
    return tuning.merge_react_s, tuning.merge_decel_mps2


def _rear_need_m(
    v: float, rear_mps: float, courtesy: tuple[float, float], tuning: LaneTuning
) -> float:
    """Gap behind that a change needs: s_crit of UN R79, with less behind slower cars.

    courtesy: reaction in s and braking in m/s2 of who comes from behind.
    """
    rush = rear_mps - v
    if rush <= 0.0:
        return tuning.least_gap_m + 0.6 * max(v + 2.0 * rush, 0.0)
    react_s, bearable_mps2 = courtesy
    brake_m = rush * react_s + rush * rush / (2.0 * bearable_mps2)
    return max(brake_m + v * tuning.rear_gap_s, tuning.least_gap_m)


def _match(given: PlanInput, change: Change, law: Array, tuning: LaneTuning) -> float:
    """Acceleration that brings us behind whoever is in the way of the change, inf to carry on."""
    view = _view(given, change.direction, tuning)
    if view is None:
        return math.inf
    v, there = given.speed_mps, view.there
    if there[BESIDE] >= 0.0:
        rows = given.forecast.modes[:, 4] == there[BESIDE]
        speed = float(given.forecast.points[rows][0, 0, 2]) if bool(rows.any()) else v
        # Fall back beside one who is as fast; pass one who is slower.
        return max(min(speed - 2.0 - v, 0.3), -tuning.match_mps2) if speed > v - 1.5 else math.inf
    most = math.inf
    if there[A_ID] >= 0.0:
        free = float(briskest(v, law))
        most = max(_behind_mps2(there, v, free, law), -tuning.match_mps2)
    rear_mps = float(there[B_SPEED])
    leave = given.course.leave
    if leave is not None and leave.ends:  # that is what the lane is for: be as fast as they are
        return most
    if (
        there[B_ID] >= 0.0
        and there[B_GAP] < _rear_need_m(v, rear_mps, _courtesy(given, change, tuning), tuning)
        and rear_mps > v + 0.5
    ):
        return min(most, 0.0 if v > 8.0 else math.inf)
    return most


def _not_passing(given: PlanInput, speeds: Array, law: Array, tuning: LaneTuning) -> float:
    """Acceleration that keeps us from passing on the slow side above 60 km/h."""
    v = given.speed_mps
    if v < tuning.pass_least_mps:
        return math.inf
    fast = -1 if given.way.graph.left_hand else 1
    leave = given.course.leave
    if leave is not None and leave.room_m - given.ego.station_m < tuning.hinder_m:
        return math.inf
    view = _view(given, fast, tuning)
    if view is None or view.there[A_ID] < 0.0 or float(view.there[A_SPEED]) < tuning.pass_least_mps:
        return math.inf
    free = _free_mps2(given, speeds, law)
    return max(_behind_mps2(view.there, v, free, law), -tuning.yield_soft_mps2)


def _stop_m(given: PlanInput, tuning: LaneTuning) -> float:
    """Where a lane that runs out must have been left."""
    leave = given.course.leave
    if leave is None or not leave.ends:
        return math.inf
    return leave.room_m - tuning.end_room_m
