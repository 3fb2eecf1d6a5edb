"""One planning step: road ahead, proposals, roll-outs against the forecast, scores, choice, reason.

1. work out which speeds the road allows ahead (limits, curves, set speed, sight, ends);
2. propose motions; 3. roll each out against the forecast; 4. score them by named costs;
5. take the cheapest, with a little loyalty to the one before; 6. say what bound it and why.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from volant.core.messages import Constraint, ObjectClass
from volant.core.settings import Choices
from volant.pilot.course import Course
from volant.pilot.geometry import CarGeometry
from volant.pilot.perception.localize import Ego
from volant.pilot.planning.profile_kernels import speed_profile
from volant.pilot.planning.propose import ProposalColumn, ProposeTuning, propose
from volant.pilot.planning.rollout_kernels import FROM_BRAKE, FROM_LEAD, roll_out
from volant.pilot.planning.score import ScoreTuning, weigh
from volant.pilot.prediction.forecast import Forecast, ModeColumn

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PlanTuning:
    """How the car likes to drive; each with its reason or source."""

    lateral_mps2: float = 1.7
    """In curves. Comfort goal 2.0 at the 99th percentile (pilot.md section 5), less what control adds."""
    slow_decel_mps2: float = 0.9
    """For limits and curves seen long before."""
    stop_decel_mps2: float = 1.0
    """For the end of the way."""
    risk_decel_mps2: float = 2.0
    """For a minimal-risk stop: half of what UN R157 allows (4.0, recalled)."""
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
    end_margin_m: float = 2.0
    """Between the front bumper and the end of the road."""
    horizon_m: float = 400.0
    """Most of the road that is looked at."""
    away_gap_m: float = 1.0
    """A lead must be this much farther than the standing gap before the car pulls away."""


@dataclass(frozen=True, slots=True)
class PlanInput:
    """What a planning step is given beside the forecast."""

    accel_mps2: float
    """Commanded now; plans go on from it."""
    side: Array
    """[3] offset, rate and acceleration of the path that control follows now."""
    sight_m: float
    """How far the sensors can be relied on now."""
    halt_m: float
    """Station of a stop the pilot wants of itself, inf for none."""
    holding: bool
    """The car is held at standstill."""
    may_speed_up: bool = True
    """Not while the driver is asked to take over."""


@dataclass(frozen=True, slots=True)
class Lead:
    """The road user ahead in our band."""

    track_id: int
    gap_m: float
    speed_mps: float
    cuts_in: bool
    kind: ObjectClass = ObjectClass.UNKNOWN
    """The majority of what the sensors took it for, which one wrong frame does not change."""


@dataclass(frozen=True, slots=True)
class Motion:
    """The chosen plan, inside the pilot."""

    stamp_ns: int
    proposal: int
    accel_mps2: float
    """Wanted now; control goes there within its limits of jerk."""
    aside_m: float
    hold: bool
    """Stand still."""
    path: Array
    """[n, 5] every dt_s: station, speed, acceleration, offset, offset rate."""
    side: Array
    """[3] where the path's offset began."""
    dt_s: float
    lead: Lead | None
    constraint: Constraint
    reason: str
    target_speed_mps: float
    limit_mps: float
    limit_is_default: bool
    confidence: float
    distance_left_m: float | None
    arrived: bool
    costs: Array
    """[8] of the chosen proposal, by score.Cost, before weights."""


_CAUSES: Final = (
    (Constraint.NONE, "Road is free"),
    (Constraint.SET_SPEED, "At set speed"),
    (Constraint.SPEED_LIMIT, "Speed limit"),
    (Constraint.CURVE, "Curve ahead"),
    (Constraint.ROAD_END, "Road ends ahead"),
    (Constraint.DESTINATION, "Arriving"),
    (Constraint.SIGHT, "Limited sight"),
    (Constraint.TAKEOVER, "Stopping safely"),
)
"""By the codes of `profile_kernels`."""

_KINDS: Final = tuple(ObjectClass)
"""By the codes of tracks and forecast."""


def plan(
    ego: Ego,
    forecast: Forecast,
    given: PlanInput,
    before: Motion | None,
    course: Course,
    choices: Choices,
    car: CarGeometry,
    destination_m: float | None,
    tuning: PlanTuning,
    grid: ProposeTuning,
    weights: ScoreTuning,
) -> Motion:
    """Choose the next motion."""
    end_m = _end_m(course, destination_m, car, tuning)
    speeds, causes = _profile(ego, given, course, choices, destination_m, end_m, tuning)
    proposals = propose(grid)
    stop_m = min(end_m, given.halt_m)
    speed_mps = max(ego.speed_mps, 0.0)
    own = np.array(
        (
            *(ego.station_m, speed_mps, given.accel_mps2),
            *(car.front_m, car.rear_overhang_m, 0.5 * car.width_m),
        )
    )
    law = _law(choices, given, tuning)
    jerk_down = tuning.jerk_down_mps3 * (1.0 if speed_mps > 20.0 else 2.0 - speed_mps / 20.0)
    costs, paths, starts = roll_out(
        *(proposals, forecast.modes, forecast.points, own, given.side, speeds, course.step_m),
        *(stop_m, forecast.dt_s, tuning.jerk_up_mps3, jerk_down, law),
    )
    totals = weigh(costs, proposals, before.proposal if before else 0, weights)
    best = int(np.argmin(totals))
    start = starts[best].tolist()
    lead = _lead(start, forecast)
    cause = int(causes[min(int(speed_mps * tuning.preview_s / course.step_m) + 1, len(causes) - 1)])
    left_m = None if destination_m is None else destination_m - ego.station_m
    arrived = left_m is not None and left_m < 3.0 and speed_mps < 0.1
    hold = speed_mps < 0.15 and _stays(start[0], lead, stop_m - ego.station_m, given, tuning)
    constraint, reason = _explain(start, lead, hold, cause, proposals[best], forecast)
    row = course.row(ego.station_m)
    pace = proposals[best, ProposalColumn.PACE]
    return Motion(
        stamp_ns=ego.stamp_ns,
        proposal=best,
        accel_mps2=start[0],
        aside_m=float(proposals[best, ProposalColumn.ASIDE]),
        hold=hold,
        path=paths[best],
        side=given.side,
        dt_s=forecast.dt_s,
        lead=lead,
        constraint=constraint,
        reason="Arrived" if arrived else reason,
        target_speed_mps=float(speeds[min(10, len(speeds) - 1)] * pace),
        limit_mps=float(course.limit_mps[row]),
        limit_is_default=bool(course.default_limit[row]),
        confidence=_confidence(ego, costs[best]),
        distance_left_m=left_m,
        arrived=arrived,
        costs=costs[best],
    )


def name_of(kind: ObjectClass) -> str:
    """What a road user is called in words for the driver."""
    return "vehicle" if kind is ObjectClass.UNKNOWN else kind.value


def _lead(start: list[float], forecast: Forecast) -> Lead | None:
    """The road user ahead in our band, of a row of `starts`."""
    if start[2] < 0.0:
        return None
    modes = forecast.modes
    row = int(np.argmax(modes[:, ModeColumn.ID] == start[2]))
    kind = _KINDS[int(modes[row, ModeColumn.CLASS])]
    return Lead(int(start[2]), start[3], start[4], start[5] > 0.0, kind)


def _end_m(
    course: Course, destination_m: float | None, car: CarGeometry, tuning: PlanTuning
) -> float:
    """Station at which the car's origin must stand at the latest."""
    road_m = math.inf if course.loops else course.length_m - car.front_m - tuning.end_margin_m
    return road_m if destination_m is None else min(destination_m, road_m)


def _profile(
    ego: Ego,
    given: PlanInput,
    course: Course,
    choices: Choices,
    destination_m: float | None,
    end_m: float,
    tuning: PlanTuning,
) -> tuple[Array, NDArray[np.int64]]:
    """Speeds allowed from the car's station on, and what binds there."""
    speed_mps = max(ego.speed_mps, 0.0)
    far_m = min(
        0.5 * speed_mps**2 / tuning.slow_decel_mps2 + 8.0 * speed_mps + 60.0, tuning.horizon_m
    )
    cruise_mps = math.inf if choices.set_speed_mps is None else choices.set_speed_mps
    brake = tuning.sight_decel_mps2
    lag_mps = brake * tuning.react_s
    sight_mps = math.sqrt(lag_mps**2 + 2.0 * brake * max(given.sight_m, 0.0)) - lag_mps
    numbers = np.array(
        (tuning.lateral_mps2, tuning.slow_decel_mps2, tuning.early_s, _stop_decel(given, tuning))
    )
    speeds, causes = speed_profile(
        *(course.table, course.step_m, course.limit_mps, ego.station_m, int(far_m / course.step_m)),
        *(cruise_mps, choices.limit_offset_mps, sight_mps, end_m, given.halt_m),
        *(destination_m is not None and end_m >= destination_m, numbers),
    )
    return speeds, causes


def _stop_decel(given: PlanInput, tuning: PlanTuning) -> float:
    return tuning.stop_decel_mps2 if math.isinf(given.halt_m) else tuning.risk_decel_mps2


def _law(choices: Choices, given: PlanInput, tuning: PlanTuning) -> Array:
    """The car-following law as the kernel reads it."""
    return np.array(
        (
            *(choices.time_gap_s, tuning.gap_m, tuning.accel_mps2, tuning.decel_mps2),
            *(tuning.ahead_s, tuning.cool, tuning.preview_s, tuning.react_s, tuning.side_m),
            *(tuning.rss_own_mps2, tuning.rss_other_mps2, _stop_decel(given, tuning)),
            *(tuning.accel_high_mps2, tuning.soft_mps2),
            math.inf if given.may_speed_up else 0.0,
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


def _explain(
    start: list[float],
    lead: Lead | None,
    hold: bool,
    cause: int,
    proposal: Array,
    forecast: Forecast,
) -> tuple[Constraint, str]:
    """What bound the plan, and the same in at most four words."""
    accel_mps2, source = start[0], int(start[1])
    if hold and lead is not None and lead.gap_m < 15.0:
        return Constraint.STANDSTILL, f"Waiting behind {name_of(lead.kind)}"
    if source == FROM_BRAKE:
        return Constraint.LEAD, "Braking for safety"
    if source == FROM_LEAD and lead is not None:
        if lead.cuts_in:
            return Constraint.CUT_IN, f"{name_of(lead.kind).capitalize()} cutting in"
        how = "Slower" if accel_mps2 < -0.2 else "Following"
        return Constraint.LEAD, f"{how} {name_of(lead.kind)} ahead"
    if proposal[ProposalColumn.PACE] < 1.0:
        cutting = forecast.modes[:, ModeColumn.CUT_IN] > 0.0
        if bool(cutting.any()):
            return Constraint.CUT_IN, "Making room ahead"
        return Constraint.LEAD, "Keeping distance"
    return _CAUSES[cause]


def _confidence(ego: Ego, costs: Array) -> float:
    """1 with a sure place and a free way; less as either is in doubt."""
    place = 1.0 / (1.0 + (ego.sigma_across_m / 0.3) ** 2)
    way = 1.0 / (1.0 + float(costs[0]) + 0.2 * float(costs[1]))
    return min(max(place * way, 0.0), 1.0)
