"""One planning step: road ahead, lanes, proposals, roll-outs against the forecast, scores, choice, reason.

1. work out where the car must stop and which speeds the road allows ahead;
2. decide whether a lane change is wished for and may begin;
3. propose motions; 4. roll each out against the forecast; 5. score them by named costs;
6. take the cheapest, with a little loyalty to the one before; 7. say what bound it and why.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from volant.core.clock import NS_PER_S
from volant.core.messages import Constraint, Guidance, ObjectClass
from volant.core.settings import Choices
from volant.pilot.planning import causes
from volant.pilot.planning.corners import CornerTuning, slow_places
from volant.pilot.planning.junctions import JunctionMemory, JunctionTuning
from volant.pilot.planning.lanes import Change, LaneChoice, LaneTuning, Phase, choose_lane, refusal
from volant.pilot.planning.leaving import LeaveTuning, slow_to_leave
from volant.pilot.planning.motion import Lead, Motion, PlanInput, name_of
from volant.pilot.planning.profile_kernels import speed_profile
from volant.pilot.planning.propose import (
    URGENT_MPS2,
    Across,
    ProposalColumn,
    ProposeTuning,
    propose,
)
from volant.pilot.planning.rollout_kernels import FROM_BRAKE, FROM_LEAD, roll_out
from volant.pilot.planning.score import ALL_DRIVEN, TERMS, ScoreTuning, score_row, weigh
from volant.pilot.planning.stops import Stop, find_stop
from volant.pilot.planning.stops import StopTuning as StopTuning
from volant.pilot.prediction.forecast import Forecast, ModeColumn
from volant.pilot.way import turns_ahead, way_left_m
from volant.road import CorridorColumn

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PlanTuning:
    """How the car likes to drive; each with its reason or source."""

    lateral_mps2: float = 1.7
    """In curves. Comfort goal 2.0 at the 99th percentile (pilot.md section 5), less what control adds."""
    slow_decel_mps2: float = 0.9
    """For limits and curves seen long before."""
    early_s: float = 1.0
    """A lower limit is reached this long before its sign."""
    preview_s: float = 0.8
    """Speed is steered by what is allowed this far ahead."""
    gap_m: float = 3.3
    """Behind a standing car; at least 2 m is the target."""
    accel_mps2: float = 1.6
    """From rest; openpilot's cruise table: 1.6 at 0, 0.8 at 25 m/s."""
    accel_high_mps2: float = 0.8
    """From 25 m/s on (the same table)."""
    merge_accel_mps2: float = 1.8
    """On a lane that runs out, at any speed: as much as stays inside ISO 15622's 2.0 (recalled)."""
    decel_mps2: float = 1.8
    """Comfortable braking behind others."""
    ahead_s: float = 0.4
    """The law is evaluated this far ahead: delay of drive train and of noticing."""
    cool: float = 0.98
    """Weight of the constant-acceleration heuristic (Kesting, Treiber and Helbing, 2010: 0.99)."""
    soft_mps2: float = 1.4
    """How hard the car falls back into its gap when somebody has moved in at its own speed."""
    react_s: float = 0.4
    """From a lead's braking to our own deceleration: tracking 0.2 s, actuators 0.15 s, a pilot tick."""
    side_m: float = 0.25
    """Kept free beside the car when asking who stands in the way."""
    rss_own_mps2: float = 3.5
    """What the guard lets comfort braking do above 20 m/s (ISO 15622, recalled)."""
    rss_other_mps2: float = 5.0
    """Braking of a lead that a gap shall absorb: rarely exceeded outside emergencies (estimated)."""
    jerk_up_mps3: float = 1.2
    """Of roll-outs: calm, well inside 2.5 (pilot.md section 5)."""
    jerk_down_mps3: float = 2.4
    """ISO 15622: 2.5 (1 s mean) at speed, recalled."""
    sight_decel_mps2: float = 3.5
    """Must do to stop within sight."""
    horizon_m: float = 400.0
    """Most of the road that is looked at."""
    away_gap_m: float = 1.0
    """A lead must be this much farther than the standing gap before the car pulls away."""
    arrive_m: float = 0.5
    """So near to its destination a car that stands has arrived (the car park's bays are 7 m long)."""
    change_cost: float = 2.0
    """A lane change that costs this much more than keeping the lane is not begun."""
    break_off_cost: float = 60.0
    """Nor gone on with, before the line, when it costs this much more than going back."""
    dawdle_cost: float = 6.0
    """Added to going slower than allowed on a lane that runs out: it is there to become as fast as those
    beside, and the stop at its end, which costs up to 5 of comfort, is only for when nobody lets the car
    in. A second in contact or well inside a safe gap costs more."""
    urgent_s: float = 3.0
    """A sure touch so soon may be answered by urgent braking: the time within which the project's
    definition counts an emergency."""
    urgent_share: float = 0.7
    """If that leaves at most this share of the cost of contact."""
    urgent_jerk_mps3: float = 12.0
    """Its build-up in roll-outs: UN R157's careful human, 12.65."""
    ease_jerk_mps3: float = 8.0
    """Back from it to comfort: the guard's row for a single tick, 8.37."""
    built_mps2: float = -4.0
    """Harder braking than this counts only as far as the car has it already."""


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """The tuning of all parts of planning."""

    plan: PlanTuning
    stop: StopTuning
    junctions: JunctionTuning
    lanes: LaneTuning
    propose: ProposeTuning
    score: ScoreTuning
    corners: CornerTuning = field(default_factory=CornerTuning)
    leaving: LeaveTuning = field(default_factory=LeaveTuning)


@dataclass(frozen=True, slots=True)
class _Outlook:
    """What one tick has worked out before it chooses."""

    stop: Stop
    speeds: Array
    causes: NDArray[np.int64]
    law: Array
    lane: LaneChoice
    proposals: Array
    costs: Array
    paths: Array
    starts: Array


GUIDANCE_NS: Final = NS_PER_S // 2
GUIDANCE_M: Final = 2000.0
REROUTED_M: Final = 80.0
"""A way that becomes this much longer at once is another one."""
_TOUCH: Final = 6
"""Column of `starts`: time of the first touch of a vehicle that likely goes our way."""
_BESIDE: Final = 7
"""Column of `starts`: it comes into our side."""
_SWING_BACK: Final = 2.0 / 3.0
"""Share of the front's reach behind a place where the bend is read: turning adds up by the distance that is
left to the front, and the middle of those weights lies there."""
_SWING_ROWS: Final = 80
"""Tight bends are driven slowly: what lies farther off than this is looked at again in time
(chosen: 80 m at rows 1 m apart)."""
_KINDS: Final = tuple(ObjectClass)
"""By the codes of tracks and forecast."""


def plan(given: PlanInput, settings: PlanSettings) -> Motion:
    """Choose the next motion."""
    before, tuning = given.before, settings.plan
    change = before.change if before is not None else Change()
    memory = before.junctions if before is not None else JunctionMemory()
    stop, memory = find_stop(given, memory, settings.stop, settings.junctions)
    hidden = slow_places(given, settings.corners)
    if len(hidden):
        stop = replace(stop, slow=np.concatenate((stop.slow, hidden)))
    leave = given.course.leave
    brisk = leave is not None and leave.ends
    law = law_of(given.choices, given.may_speed_up, stop, tuning, brisk=brisk)
    speeds, binds = _profile(given, stop, change, settings)
    lane = choose_lane(given, change, speeds, law, settings.lanes, settings.propose)
    if lane.stop_m - given.car.front_m < stop.station_m:
        stop = replace(
            stop,
            station_m=lane.stop_m - given.car.front_m,
            cause=causes.MERGE,
            decel_mps2=settings.stop.merge_decel_mps2,
        )
        law = law_of(given.choices, given.may_speed_up, stop, tuning, brisk=brisk)
        speeds, binds = _profile(given, stop, change, settings)
    across = _across(given, lane)
    steps = given.forecast.points.shape[1] - 1
    proposals, laterals = propose(settings.propose, across, given.forecast.dt_s, steps)
    costs, paths, starts = roll_out(
        proposals,
        laterals,
        given.forecast.modes,
        given.forecast.points,
        _own(given, tuning),
        speeds,
        _swing(given, len(speeds)),
        given.course.step_m,
        stop.station_m,
        given.forecast.dt_s,
        _jerks(given.speed_mps, lane.most_mps2, tuning),
        law,
        # What is added later for dawdling may turn the order round: then all are driven to the end.
        ALL_DRIVEN if _lane_ends(given, stop) else score_row(settings.score),
    )
    view = _Outlook(stop, speeds, binds, law, lane, proposals, costs, paths, starts)
    best, lane = _choose(given, view, settings)
    best = _urgent(view, best, tuning)
    if lane is not view.lane:
        view = replace(view, lane=lane)
    return _motion(given, view, best, memory, settings)


def _urgent(view: _Outlook, best: int, tuning: PlanTuning) -> int:
    """The mildest urgent braking that helps where the best calm motion surely touches; else that."""
    if view.starts[best, _TOUCH] > tuning.urgent_s:
        return best
    touch = TERMS.index("collision")
    rows = np.flatnonzero(view.proposals[:, ProposalColumn.BRAKE] < URGENT_MPS2)
    if view.starts[best, _BESIDE] > 0.0:  # braking helps only if it lets him in
        rows = rows[view.starts[rows, _TOUCH] == math.inf]
    least = float(view.costs[rows, touch].min(initial=math.inf))
    if least > tuning.urgent_share * float(view.costs[best, touch]):
        return best
    # Who asks for a little more than the least contact is still taken: softer, where it is as good.
    return int(next(row for row in rows if view.costs[row, touch] <= 1.1 * least + 0.01))


def _lane_ends(given: PlanInput, stop: Stop) -> bool:
    """Whether the next stop is the end of a lane that the car is to leave, or is leaving."""
    leave = given.course.leave
    return leave is not None and leave.ends and stop.cause in (causes.MERGE, causes.ROAD_END)


def _choose(given: PlanInput, view: _Outlook, settings: PlanSettings) -> tuple[int, LaneChoice]:
    """The cheapest proposal, and whether the lane change begins or is broken off with it."""
    lane, tuning = view.lane, settings.plan
    before = given.before.proposal if given.before is not None else 0
    totals = weigh(view.costs, view.proposals, before, settings.score)
    totals[view.proposals[:, ProposalColumn.BRAKE] < URGENT_MPS2] = math.inf
    if _lane_ends(given, view.stop):
        slower = view.proposals[:, ProposalColumn.PACE] < 1.0
        totals[slower | (view.proposals[:, ProposalColumn.BRAKE] < 0.0)] += tuning.dawdle_cost
    lateral = view.proposals[:, ProposalColumn.LATERAL]
    if lane.change.phase is Phase.MOVE:
        on, back = totals[lateral == 0.0], totals[lateral == 1.0]
        away = not lane.change.over and len(back) > 0 and given.shift is not None
        early = given.shift is not None and given.shift.share < 0.35
        if away and early and float(on.min()) > float(back.min()) + tuning.break_off_cost:
            refused = (*lane.refusals, refusal(lane.change, "would_brake"))
            lane = replace(lane, change=Change(ended_ns=given.ego.stamp_ns), refusals=refused)
            return int(np.argmin(np.where(lateral == 1.0, totals, math.inf))), lane
        return int(np.argmin(np.where(lateral == 0.0, totals, math.inf))), lane
    own = len(settings.propose.asides_m)
    keeps = int(np.argmin(np.where(lateral < own, totals, math.inf)))
    moves = np.where(lateral >= own, totals, math.inf)
    if not lane.may_move or not bool(np.isfinite(moves).any()):
        return keeps, lane
    over = int(np.argmin(moves))
    bound = tuning.change_cost * (4.0 if lane.change.cause == "route" else 1.0)
    if float(moves[over]) > float(totals[keeps]) + bound:
        return keeps, replace(lane, refusals=(refusal(lane.change, "would_brake"),))
    moving = replace(lane.change, phase=Phase.MOVE, since_ns=given.ego.stamp_ns)
    return over, replace(lane, change=moving)


def _motion(
    given: PlanInput, view: _Outlook, best: int, memory: JunctionMemory, settings: PlanSettings
) -> Motion:
    """The chosen proposal with what bound it."""
    tuning, course, speed_mps = settings.plan, given.course, given.speed_mps
    start = view.starts[best].tolist()
    lead = _lead(start, given.forecast)
    left_m = _distance_left_m(given)
    to_stop_m = view.stop.station_m - given.ego.station_m
    stands = speed_mps < 0.1
    at_end = course.destination_m is not None and (
        abs(course.destination_m - given.ego.station_m) < tuning.arrive_m
    )
    hold = speed_mps < 0.15 and _stays(start[0], lead, to_stop_m, given, tuning)
    constraint, reason = _explain(start, lead, hold, view, best, given)
    row = course.row(given.ego.station_m)
    proposal = view.proposals[best]
    return Motion(
        stamp_ns=given.ego.stamp_ns,
        proposal=best,
        accel_mps2=start[0],
        aside_m=float(proposal[ProposalColumn.ASIDE]),
        change=view.lane.change,
        junctions=memory,
        hold=hold,
        path=view.paths[best],
        side=np.array(given.side),
        dt_s=given.forecast.dt_s,
        lead=lead,
        constraint=constraint,
        reason="Arrived" if stands and at_end else reason,
        manoeuvre=_manoeuvre(view.lane.change, hold),
        refusals=view.lane.refusals,
        target_speed_mps=float(
            view.speeds[min(10, len(view.speeds) - 1)] * proposal[ProposalColumn.PACE]
        ),
        limit_mps=float(course.limit_mps[row]),
        limit_is_default=bool(course.default_limit[row]),
        confidence=_confidence(given, view.costs[best]),
        distance_left_m=left_m,
        arrived=stands and at_end,
        costs=view.costs[best],
        lit=view.lane.change.lit or view.stop.lit,
        guidance=_guidance(given),
        light=view.stop.light,
        rerouted=_rerouted(given, left_m),
        urgent=bool(proposal[ProposalColumn.BRAKE] < URGENT_MPS2),
    )


def _guidance(given: PlanInput) -> Guidance | None:
    """The next turn for people; asked of the guide twice a second, its distance runs on between."""
    before, course = given.before, given.course
    if given.way.guide is None or not course.known:
        return None
    stamp_ns = given.ego.stamp_ns
    if before is not None and before.guidance is not None and stamp_ns % GUIDANCE_NS:
        gone_m = given.speed_mps * (stamp_ns - before.stamp_ns) / NS_PER_S
        left_m = max(before.guidance.distance_m - gone_m, 0.0)
        return msgspec.structs.replace(before.guidance, distance_m=left_m)
    station_m = given.ego.station_m
    lane, s_m = course.lane_index_at(station_m), course.lane_s_at(station_m)
    turns = turns_ahead(given.way, lane, s_m, GUIDANCE_M)
    if not turns:
        return None
    kind, distance_m, words = turns[0]
    return Guidance(turn=kind, distance_m=max(distance_m, 0.0), words=words[:40])


def _rerouted(given: PlanInput, left_m: float | None) -> int:
    """How often the way jumped: an exit was missed."""
    before = given.before
    if before is None:
        return 0
    jumped = (
        left_m is not None
        and before.distance_left_m is not None
        and left_m > before.distance_left_m + REROUTED_M
    )
    return before.rerouted + int(jumped)


def _across(given: PlanInput, lane: LaneChoice) -> Across:
    """Where the proposals go across the road."""
    station_m, course = given.ego.station_m, given.course
    middle_m = float(course.centre_m[course.row(station_m)])
    side, change = np.array(given.side), lane.change
    shift_m: float | None = None
    if change.phase is Phase.MOVE and given.shift is not None:
        ahead_m = 0.5 * given.shift.left_s * given.speed_mps
        beside_m = course.beside_m(station_m + ahead_m, given.shift.direction)
        shift_m = middle_m if given.shift.direction == 0 else beside_m
        if math.isfinite(shift_m):
            return Across(side, middle_m, shift_m, given.shift.left_s, True, given.speed_mps)
        return Across(side, middle_m, speed_mps=given.speed_mps)
    if change.phase is not Phase.KEEP:
        beside_m = course.beside_m(station_m + 2.0 * given.speed_mps, change.direction)
        shift_m = beside_m if math.isfinite(beside_m) else None
        if change.phase is Phase.MOVE and shift_m is not None:
            return Across(side, middle_m, shift_m, 4.5, True, given.speed_mps)
    return Across(side, middle_m, shift_m, speed_mps=given.speed_mps)


def _own(given: PlanInput, tuning: PlanTuning) -> Array:
    """The own car as the kernel reads it."""
    car = given.car
    built_mps2 = min(given.ego.accel_mps2, tuning.built_mps2)
    return np.array(
        (
            given.ego.station_m,
            given.speed_mps,
            max(given.accel_mps2, built_mps2),
            car.front_m,
            car.rear_overhang_m,
            0.5 * car.width_m,
        )
    )


def _swing(given: PlanInput, count: int) -> Array:
    """How far the front's outer corner leaves the band at rows from the car's station on, left positive.

    The origin follows the bend; a front f ahead of it on a tangent is f^2/2R farther out.
    """
    course, front_m = given.course, given.car.front_m
    back_m = _SWING_BACK * front_m  # the bend under the car when its front is there
    rows = (given.ego.station_m - back_m) / course.step_m + np.arange(min(count, _SWING_ROWS))
    rows = np.clip(rows.astype(np.int64), 0, len(course.table) - 1)
    bend: Array = course.table[rows, CorridorColumn.CURVATURE]
    return -0.5 * front_m * front_m * bend


def _jerks(speed_mps: float, most_mps2: float, tuning: PlanTuning) -> Array:
    down = tuning.jerk_down_mps3 * (1.0 if speed_mps > 20.0 else 2.0 - speed_mps / 20.0)
    urgent = (tuning.urgent_jerk_mps3, tuning.ease_jerk_mps3)
    return np.array((tuning.jerk_up_mps3, down, most_mps2, *urgent))


def _lead(start: list[float], forecast: Forecast) -> Lead | None:
    """The road user ahead in our band, of a row of `starts`."""
    if start[2] < 0.0:
        return None
    modes = forecast.modes
    row = int(np.argmax(modes[:, ModeColumn.ID] == start[2]))
    kind = _KINDS[int(modes[row, ModeColumn.CLASS])]
    return Lead(int(start[2]), start[3], start[4], start[5] > 0.0, kind)


def _distance_left_m(given: PlanInput) -> float | None:
    """Along the way to the destination."""
    course = given.course
    if course.destination_m is not None:
        return course.destination_m - given.ego.station_m
    if given.way.guide is None or not given.ego.matched:
        return None
    station_m = given.ego.station_m
    found_m = way_left_m(given.way, course.lane_index_at(station_m), course.lane_s_at(station_m))
    return found_m if math.isfinite(found_m) else None


def _profile(
    given: PlanInput, stop: Stop, change: Change, settings: PlanSettings
) -> tuple[Array, NDArray[np.int64]]:
    """Speeds allowed from the car's station on, and what binds there."""
    tuning = settings.plan
    course, choices, speed_mps = given.course, given.choices, given.speed_mps
    far_m = min(
        0.5 * speed_mps**2 / tuning.slow_decel_mps2 + 8.0 * speed_mps + 60.0, tuning.horizon_m
    )
    cruise_mps = math.inf if choices.set_speed_mps is None else choices.set_speed_mps
    brake = tuning.sight_decel_mps2
    lag_mps = brake * tuning.react_s
    sight_mps = math.sqrt(lag_mps**2 + 2.0 * brake * max(given.sight_m, 0.0)) - lag_mps
    numbers = np.array(
        (tuning.lateral_mps2, tuning.slow_decel_mps2, tuning.early_s, stop.decel_mps2)
    )
    speeds, binds = speed_profile(
        course.table,
        course.step_m,
        course.limit_mps,
        given.ego.station_m,
        int(far_m / course.step_m),
        cruise_mps,
        choices.limit_offset_mps,
        sight_mps,
        stop.slow,
        stop.station_m,
        stop.cause,
        numbers,
    )
    return slow_to_leave(
        *(given, change, speeds, binds, tuning.lateral_mps2),
        *(settings.leaving, settings.lanes.end_room_m),
    )


def law_of(
    choices: Choices, may_speed_up: bool, stop: Stop, tuning: PlanTuning, *, brisk: bool = False
) -> Array:
    """The laws of driving along, as the kernels read them (law_kernels.L_*); brisk: to enter a motorway."""
    low_mps2, high_mps2 = tuning.accel_mps2, tuning.accel_high_mps2
    if brisk:
        low_mps2 = high_mps2 = tuning.merge_accel_mps2
    return np.array(
        (
            *(choices.time_gap_s, tuning.gap_m, low_mps2, tuning.decel_mps2),
            *(tuning.ahead_s, tuning.cool, tuning.preview_s, tuning.react_s, tuning.side_m),
            *(tuning.rss_own_mps2, tuning.rss_other_mps2, stop.decel_mps2),
            *(high_mps2, tuning.soft_mps2),
            math.inf if may_speed_up else 0.0,
        )
    )


def _stays(
    accel_mps2: float, lead: Lead | None, left_m: float, given: PlanInput, tuning: PlanTuning
) -> bool:
    """Whether a standing car keeps standing: it pulls away for good reason only, never creeps."""
    if left_m < 1.0 or accel_mps2 < 0.05:
        return True
    if lead is None or not given.holding:
        return False
    return lead.gap_m < tuning.gap_m + tuning.away_gap_m and lead.speed_mps < 0.5


def _manoeuvre(change: Change, hold: bool) -> str:
    if change.phase is Phase.MOVE:
        return "change_left" if change.direction > 0 else "change_right"
    return "stop" if hold else "keep_lane"


def _explain(
    start: list[float],
    lead: Lead | None,
    hold: bool,
    view: _Outlook,
    best: int,
    given: PlanInput,
) -> tuple[Constraint, str]:
    """What bound the plan, and the same in at most four words."""
    accel_mps2, source = start[0], int(start[1])
    speed_mps, step_m, binds = given.speed_mps, given.course.step_m, view.causes
    cause = int(binds[min(int(speed_mps * 0.8 / step_m) + 1, len(binds) - 1)])
    if hold and lead is not None and lead.gap_m < 15.0:
        return Constraint.STANDSTILL, f"Waiting behind {name_of(lead.kind)}"
    if source == FROM_BRAKE:
        return Constraint.LEAD, "Braking for safety"
    if source == FROM_LEAD and lead is not None:
        if lead.kind is ObjectClass.PEDESTRIAN:
            return Constraint.PERSON, "Person ahead"
        if lead.cuts_in:
            return Constraint.CUT_IN, f"{name_of(lead.kind).capitalize()} cutting in"
        how = "Slower" if accel_mps2 < -0.2 else "Following"
        return Constraint.LEAD, f"{how} {name_of(lead.kind)} ahead"
    if hold and view.stop.words and cause == view.stop.cause:
        return causes.CAUSES[cause][0], view.stop.words
    if view.proposals[best, ProposalColumn.PACE] < 1.0:
        cutting = given.forecast.modes[:, ModeColumn.CUT_IN] > 0.0
        if bool(cutting.any()):
            return Constraint.CUT_IN, "Making room ahead"
        return Constraint.LEAD, "Keeping distance"
    if view.lane.most_mps2 < math.inf and accel_mps2 >= view.lane.most_mps2 - 0.05:
        return Constraint.MERGE, "Matching a gap"
    if view.stop.words and binds.size and cause == view.stop.cause:
        return causes.CAUSES[cause][0], view.stop.words
    return causes.CAUSES[cause]


def _confidence(given: PlanInput, costs: Array) -> float:
    """1 with a sure place and a free way; less as either is in doubt."""
    place = 1.0 / (1.0 + (given.ego.sigma_across_m / 0.3) ** 2)
    way = 1.0 / (1.0 + float(costs[0]) + 0.2 * float(costs[1]))
    return min(max(place * way, 0.0), 1.0)
