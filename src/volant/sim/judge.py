"""Judge a drive from ground truth: interventions, and the figures of the summary.

The judge sees the plant's true motion, the true actors, the guard's decisions and the pilot's state;
never what the pilot believes. One `step` each control tick, changing its state in place (the exact
99th percentile needs every sample). What counts, and from which bound:

takeover demand: the pilot's state turns to TAKEOVER. Minimal-risk stop: it turns to MINIMAL_RISK.
Guard override: the guard stops the car itself, or changes an engaged pilot's command by more than
`override_accel_mps2` for `override_s`. Emergency braking: the guard's source is AEB, or the car brakes
harder than 5 m/s2 (UN R157: a demand beyond 5 m/s2 is an emergency manoeuvre; recalled) while no
driver acts. Road left: a corner of the body is off every drivable lane by `road_slack_m`; hard
shoulders are not drivable. Contact: any touch. Stuck: standing for more than 30 s without a car ahead
or a red light that holds it. An intervention that lasts counts once; it may come again after `rearm_s`
without it.

Besides: who is to blame for a contact and what ground truth required (`judge_danger.py`), rules of the
road (`judge_rules.py`), and needless braking: by emergency braking, or harder than comfort allows, while
ground truth required no more than 3 m/s2 within the last 3 s. Bounds of acceleration are those outside
such emergencies.
"""

from __future__ import annotations

import functools
import math
from array import array
from collections import deque
from dataclasses import dataclass, field
from typing import Final

import msgspec
import numpy as np

from volant.core.clock import CONTROL_TICK_NS, seconds
from volant.core.geometry import Box, nearest_in_band_m
from volant.core.messages import (
    Command,
    CommandSource,
    Contact,
    ContactVerdict,
    EgoTruth,
    Engagement,
    FindingKind,
    GuardDecision,
    Intervention,
    InterventionKind,
    JudgeFinding,
    LightTruth,
    PilotState,
    TruthObject,
)
from volant.road import Corridor, LaneGraph, LanePoint, TrafficRules, traffic_rules
from volant.sim import judge_danger, judge_rules
from volant.sim.judge_danger import Danger
from volant.sim.judge_entry import Ground
from volant.sim.judge_kernels import body_on_road
from volant.sim.judge_places import Spot, is_at, pass_on, spot_of
from volant.sim.judge_rules import Approaches, RuleWatch

LONGITUDINAL_TICKS = 100
"""Longitudinal jerk is the change of acceleration over 1 s (UN R157's and ISO 15622's mean)."""
LATERAL_TICKS = 50
"""Lateral jerk is the change of lateral acceleration over 0.5 s (UN R79, 5.6.2.1.3: mean over 0.5 s)."""


_BY_HAND: Final = (Engagement.OFF, Engagement.READY)
"""A driver, not the pilot, has the car: where it goes then is no intervention."""


class JudgeTuning(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds of the judge."""

    emergency_accel_mps2: float = -5.0
    """Below this it is emergency braking (UN R157: demand beyond 5.0 m/s2; recalled)."""
    emergency_s: float = 0.1
    """For this long, so that one bump of the plant does not count."""
    override_accel_mps2: float = 0.5
    """Change of the command, along or across (as v^2 times curvature), that counts as overriding.

    Chosen: above what the guard's smoothing and the rounding of its limits change in passing, far
    below a comfort brake (1.5 to 2 m/s2), so that no change an occupant could feel goes uncounted.
    """
    override_s: float = 0.2
    """A change held for this long overrides (chosen: 4 pilot ticks; shorter ones only smooth)."""
    road_slack_m: float = 0.1
    """Lanes are polylines with rows up to 2 m apart, and marks have a width."""
    stuck_s: float = 30.0
    """Standing longer with nothing that holds the car is being stuck."""
    stand_mps: float = 0.1
    """Slower than this the car stands (chosen: the resolution of a wheel sensor)."""
    queue_gap_m: float = 15.0
    """A standing or crawling car at most this far ahead holds the car."""
    queue_speed_mps: float = 2.0
    """A car ahead slower than this stands in the queue or crawls with it (chosen)."""
    arrive_m: float = 10.0
    """The destination is reached this far before it."""
    rearm_s: float = 1.0
    """The cause must be gone this long before the same kind counts again (chosen)."""
    path_reach_m: float = 250.0
    """Cars further away are not measured for the smallest gap."""
    needed_mps2: float = 3.0
    """An emergency: ground truth required more (the project's definition)."""
    needed_s: float = 3.0
    """Within this time."""
    comfort_accel_mps2: float = -3.8
    """Harder without an emergency is needless: the bound of 3.5 with what a plant adds to a command."""
    even_per_m: float = 0.008
    """Lane offset counts where the lane is straighter than this, R of 125 m (the project's target)."""
    jump_m: float = 0.5
    """A lane offset that changes by more between two looks is that of another branch of a fork."""
    change_s: float = 6.0
    """A lane change takes so long before and after its middle; offsets in it do not count."""
    level_apart_m: float = 3.0
    """Whoever is so far above or below is on a bridge or under it, not ahead."""


@dataclass(frozen=True, slots=True)
class JudgeSettings:
    """What a drive is judged against; without a corridor no gap and no arrival are measured."""

    graph: LaneGraph
    corridor: Corridor | None = None
    start_m: float = 0.0
    """Station of the start on the corridor."""
    destination_m: float | None = None
    """Station to arrive at; None: the drive has no destination."""
    place: tuple[int, float] | None = None
    """Lane and s to arrive at, for a drive without a corridor."""
    via: tuple[tuple[int, float], ...] = ()
    """Lane and s of the places to pass before, in order; a lane beside will do."""
    rules: TrafficRules | None = None
    """Of the graph; None: made from it at the first tick."""
    tuning: JudgeTuning = field(default_factory=JudgeTuning)


@dataclass(frozen=True, slots=True)
class JudgeInput:
    """What the judge sees at one control tick."""

    stamp_ns: int
    ego: EgoTruth
    objects: tuple[TruthObject, ...] | None = None
    """New true states, at pilot ticks; None in between."""
    contacts: tuple[Contact, ...] = ()
    guard: GuardDecision | None = None
    pilot: PilotState | None = None
    command: Command | None = None
    """The pilot's latest command; without it any change by the guard counts as beyond tolerance."""
    lights: tuple[LightTruth, ...] = ()
    """With the objects: what the lights near the car show."""


class DriveSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one drive; docs/reference/drive-json.md is its description."""

    arrived: bool
    """At the end it is at its destination, and has passed all places between."""
    reason: str
    distance_m: float
    duration_s: float
    contacts: int
    min_gap_m: float | None
    interventions: int
    intervention_list: tuple[Intervention, ...]
    max_lane_offset_m: float | None
    accel_min_mps2: float | None
    accel_max_mps2: float | None
    jerk_p99_mps3: float | None
    contacts_at_fault: int = 0
    contact_list: tuple[ContactVerdict, ...] = ()
    needless_brakings: int = 0
    rule_breaks: tuple[JudgeFinding, ...] = ()
    interventions_per_100_km: float | None = None
    lane_offset_rms_m: float | None = None
    lateral_accel_p99_mps2: float | None = None
    via_passed: int = 0
    """Places between that were truly passed."""
    in_queue: bool = False
    """At the end a standing or crawling car ahead holds it."""


@dataclass(slots=True)
class _Episode:
    """One kind of intervention: how long its cause holds, and whether it was told already."""

    held_ticks: int = 0
    free_ticks: int = 1 << 30
    told: bool = False


@dataclass(slots=True)
class JudgeState:
    """All that the judge remembers of a drive."""

    stamp_ns: int = -1
    first_ns: int = -1
    distance_m: float = 0.0
    station_m: float | None = None
    lead_gap_m: float | None = None
    lead_speed_mps: float = 0.0
    min_gap_m: float | None = None
    max_lane_offset_m: float | None = None
    accel_min_mps2: float = math.inf
    accel_max_mps2: float = -math.inf
    accels: deque[float] = field(default_factory=lambda: deque(maxlen=LONGITUDINAL_TICKS + 1))
    laterals: deque[float] = field(default_factory=lambda: deque(maxlen=LATERAL_TICKS + 1))
    jerks: array[float] = field(default_factory=lambda: array("d"))
    contacts: int = 0
    in_queue: bool = False
    arrived: bool = False
    """It is at its destination now."""
    passed: int = 0
    """Places between that it has been at."""
    engagement: Engagement | None = None
    episodes: dict[InterventionKind, _Episode] = field(
        default_factory=lambda: {kind: _Episode() for kind in InterventionKind}
    )
    interventions: list[Intervention] = field(default_factory=list)
    findings: list[JudgeFinding] = field(default_factory=list)
    """Needless brakings and rule breaks."""
    verdicts: list[ContactVerdict] = field(default_factory=list)
    danger: Danger = field(default_factory=Danger)
    watch: RuleWatch = field(default_factory=RuleWatch)
    ways: Approaches | None = None
    across: array[float] = field(default_factory=lambda: array("d"))
    """Size of the lateral acceleration at each tick."""
    pending: deque[tuple[int, float]] = field(default_factory=deque)
    """Stamps and lane offsets that a lane change soon may still strike out."""
    changed_ns: int = -(1 << 60)
    place: LanePoint | None = None
    """On the lane that the car was counted to at the last look."""
    squares_m2: float = 0.0
    even_count: int = 0
    needless: _Episode = field(default_factory=_Episode)
    spots: tuple[Spot, ...] = ()
    """The places between, and the one to arrive at last where there is no corridor."""
    body: np.ndarray[tuple[int], np.dtype[np.float64]] = field(default_factory=lambda: np.zeros(7))


def start() -> JudgeState:
    """A judge before the first tick."""
    return JudgeState()


Told = Intervention | JudgeFinding | ContactVerdict


def step(
    state: JudgeState, seen: JudgeInput, settings: JudgeSettings
) -> tuple[JudgeState, tuple[Told, ...]]:
    """One control tick; gives what begins now: interventions, then findings, then verdicts.

    The state is changed in place.
    """
    before = len(state.interventions)
    found, blamed = len(state.findings), len(state.verdicts)
    if seen.objects is not None:
        _judge_rules(state, seen, settings)
        rules = None if state.ways is None else state.ways.rules
        ground = None if rules is None else Ground(settings.graph, rules, state.watch.place)
        needed_mps2 = settings.tuning.needed_mps2
        judge_danger.look(state.danger, seen.ego, seen.objects, needed_mps2, ground)
    _measure_motion(state, seen, settings.tuning)
    _measure_place(state, seen, settings)
    if seen.objects is not None:
        _measure_gap(state, seen, settings)
    _judge_pilot(state, seen)
    _judge_guard(state, seen, settings.tuning)
    _judge_braking(state, seen, settings.tuning)
    _judge_standing(state, seen, settings.tuning)
    _judge_needless(state, seen, settings.tuning)
    for contact in seen.contacts:
        state.contacts += 1
        state.verdicts.append(judge_danger.verdict(state.danger, contact, seen.ego))
        side = "from behind" if contact.struck_from_behind else "ahead or aside"
        words = f"touched actor {contact.actor_id} {side} at {contact.closing_mps:.1f} m/s"
        _tell(state, seen.stamp_ns, InterventionKind.CONTACT, words)
    state.stamp_ns = seen.stamp_ns
    return state, (
        *state.interventions[before:],
        *state.findings[found:],
        *state.verdicts[blamed:],
    )


def summary(state: JudgeState, reason: str | None = None) -> DriveSummary:
    """The figures so far; reason: why the drive ended, default by whether it arrived."""
    driven = state.stamp_ns >= 0
    late = [offset_m * offset_m for _stamp, offset_m in state.pending]
    even, squares_m2 = state.even_count + len(late), state.squares_m2 + math.fsum(late)
    needless = [one for one in state.findings if one.kind is FindingKind.NEEDLESS_BRAKING]
    return DriveSummary(
        arrived=state.arrived,
        reason=reason or ("arrived" if state.arrived else "ended"),
        distance_m=state.distance_m,
        duration_s=seconds(state.stamp_ns - state.first_ns) if driven else 0.0,
        contacts=state.contacts,
        min_gap_m=state.min_gap_m,
        interventions=len(state.interventions),
        intervention_list=tuple(state.interventions),
        max_lane_offset_m=state.max_lane_offset_m,
        accel_min_mps2=state.accel_min_mps2 if math.isfinite(state.accel_min_mps2) else None,
        accel_max_mps2=state.accel_max_mps2 if math.isfinite(state.accel_max_mps2) else None,
        jerk_p99_mps3=_p99(state.jerks),
        contacts_at_fault=sum(one.at_fault for one in state.verdicts),
        contact_list=tuple(state.verdicts),
        needless_brakings=len(needless),
        rule_breaks=tuple(one for one in state.findings if one not in needless),
        interventions_per_100_km=(
            len(state.interventions) * 1e5 / state.distance_m if state.distance_m > 1.0 else None
        ),
        lane_offset_rms_m=math.sqrt(squares_m2 / even) if even else None,
        lateral_accel_p99_mps2=_p99(state.across),
        via_passed=state.passed,
        in_queue=state.in_queue,
    )


def _p99(values: array[float]) -> float | None:
    if not values:
        return None
    ordered = np.sort(np.frombuffer(values, dtype=np.float64))
    return float(ordered[min(math.ceil(0.99 * len(ordered)) - 1, len(ordered) - 1)])


def _is_emergency(state: JudgeState, stamp_ns: int, tuning: JudgeTuning) -> bool:
    """Whether ground truth required hard braking a moment ago."""
    since = state.danger.emergency_ns
    return since >= 0 and seconds(stamp_ns - since) <= tuning.needed_s


def _measure_motion(state: JudgeState, seen: JudgeInput, tuning: JudgeTuning) -> None:
    """Distance, accelerations, jerks: the larger of |longitudinal| and |lateral| at each tick."""
    ego = seen.ego
    if state.first_ns < 0:
        state.first_ns = seen.stamp_ns
    else:
        span_s = seconds(seen.stamp_ns - state.stamp_ns)
        state.distance_m += math.hypot(ego.speed_mps, ego.lateral_speed_mps) * span_s
    if not _is_emergency(state, seen.stamp_ns, tuning):
        state.accel_min_mps2 = min(state.accel_min_mps2, ego.accel_mps2)
        state.accel_max_mps2 = max(state.accel_max_mps2, ego.accel_mps2)
    state.across.append(abs(ego.lateral_accel_mps2))
    state.accels.append(ego.accel_mps2)
    state.laterals.append(ego.lateral_accel_mps2)
    if len(state.accels) <= LONGITUDINAL_TICKS:
        return
    tick_s = seconds(CONTROL_TICK_NS)
    along = (state.accels[-1] - state.accels[0]) / (LONGITUDINAL_TICKS * tick_s)
    across = (state.laterals[-1] - state.laterals[0]) / (LATERAL_TICKS * tick_s)
    state.jerks.append(max(abs(along), abs(across)))


def _measure_place(state: JudgeState, seen: JudgeInput, settings: JudgeSettings) -> None:
    """Lane offset, corners off the road, station and arrival.

    The offset is the rear axle's from the corridor: the centre of the lane to be driven, and the
    blend from lane to lane where the corridor changes. A car in the wrong lane is a lane's width off.
    Without a corridor it is from the middle of the lane that the car keeps to (`_judge_rules`).
    """
    ego, grid, tuning = seen.ego, settings.graph.grid, settings.tuning
    state.body[:] = (
        ego.x_m,
        ego.y_m,
        ego.z_m,
        ego.yaw_rad,
        ego.length_m,
        ego.width_m,
        ego.rear_overhang_m,
    )
    off, _aside_m = body_on_road(
        settings.graph.table,
        grid.starts,
        grid.rows,
        grid.x_m,
        grid.y_m,
        grid.cell_m,
        grid.columns,
        grid.lines,
        state.body,
        tuning.road_slack_m,
    )
    by_hand = seen.pilot is not None and seen.pilot.engagement in _BY_HAND
    cause = off > 0 and not by_hand
    words = f"corners of the body off the road: {off}" if cause else ""
    _hold(state, seen.stamp_ns, InterventionKind.ROAD_LEFT, cause, 1, words, tuning.rearm_s)
    _judge_places(state, seen, settings)
    if settings.corridor is None:
        return
    hint = settings.start_m if state.station_m is None else state.station_m
    state.station_m, offset_m = settings.corridor.project(ego.x_m, ego.y_m, hint)
    if 0.0 <= state.station_m <= settings.corridor.length_m:
        _widen_offset(state, abs(offset_m))
    if settings.destination_m is not None:
        beyond_m = state.station_m - settings.destination_m
        near = abs(beyond_m) <= tuning.arrive_m and abs(offset_m) <= tuning.arrive_m
        state.arrived = near and state.passed == len(settings.via)


def _judge_places(state: JudgeState, seen: JudgeInput, settings: JudgeSettings) -> None:
    """Places passed, and arrival at a lane and s for a drive without a corridor."""
    graph, tuning, count = settings.graph, settings.tuning, len(settings.via)
    if state.first_ns == seen.stamp_ns:
        between = tuple(spot_of(graph, one, beside=True) for one in settings.via)
        last = () if settings.place is None else (spot_of(graph, settings.place),)
        state.spots = (*between, *last)
    near = tuning.arrive_m, tuning.level_apart_m
    state.passed = pass_on(state.passed, state.spots[:count], seen.ego, *near)
    if settings.corridor is None and len(state.spots) > count:
        state.arrived = state.passed == count and is_at(state.spots[count], seen.ego, *near)


def _judge_rules(state: JudgeState, seen: JudgeInput, settings: JudgeSettings) -> None:
    """Rules of the road, and the offset from the middle of whatever lane the car keeps to."""
    if seen.objects is None:
        return
    if state.ways is None:
        rules = settings.rules or traffic_rules(settings.graph)
        state.ways = judge_rules.approaches(rules)
    watch, tuning = state.watch, settings.tuning
    state.findings.extend(
        judge_rules.look(watch, seen.ego, seen.objects, seen.lights, settings.graph, state.ways)
    )
    span_ns = round(1e9 * tuning.change_s)
    place = watch.place
    if watch.changed or _jumped(state.place, place, tuning):
        state.changed_ns = seen.stamp_ns
        state.pending.clear()
    state.place = place
    settled = seen.stamp_ns - state.changed_ns > span_ns
    even = place is not None and abs(place.curvature_per_m) <= tuning.even_per_m
    if place is not None and even and settled and seen.ego.speed_mps > 1.0:
        inside = settings.graph.lanes[place.lane].junction is not None
        state.pending.extend([] if inside else [(seen.stamp_ns, place.offset_m)])
    while state.pending and seen.stamp_ns - state.pending[0][0] > span_ns:
        _stamp, offset_m = state.pending.popleft()
        state.squares_m2 += offset_m * offset_m
        state.even_count += 1
        if settings.corridor is None:
            _widen_offset(state, abs(offset_m))


def _jumped(before: LanePoint | None, now: LanePoint | None, tuning: JudgeTuning) -> bool:
    """The lane that the car was counted to lay aside of its way: another branch of a fork."""
    if before is None or now is None or before.lane == now.lane:
        return False
    return abs(now.offset_m - before.offset_m) > tuning.jump_m


def _judge_needless(state: JudgeState, seen: JudgeInput, tuning: JudgeTuning) -> None:
    """Emergency braking, or braking harder than comfort, that ground truth did not require."""
    guard = seen.guard
    source = None if guard is None else guard.source
    asked = guard is not None and guard.command.accel_mps2 < _ASKED_MPS2
    automatic = source is CommandSource.AEB and asked and seen.ego.speed_mps > tuning.stand_mps
    hard = seen.ego.accel_mps2 < tuning.comfort_accel_mps2 and source is not CommandSource.DRIVER
    moving = seen.ego.speed_mps > tuning.stand_mps
    cause = (automatic or (hard and moving)) and not _is_emergency(state, seen.stamp_ns, tuning)
    if _rises(state.needless, cause, _ticks(tuning.emergency_s), tuning.rearm_s):
        kind = FindingKind.NEEDLESS_BRAKING
        who = "emergency braking" if automatic else f"braked at {seen.ego.accel_mps2:.1f} m/s2"
        words = f"{who}, {state.danger.required_mps2:.1f} m/s2 required"
        state.findings.append(JudgeFinding(stamp_ns=seen.stamp_ns, kind=kind, words=words))


def _widen_offset(state: JudgeState, aside_m: float) -> None:
    if math.isfinite(aside_m):
        state.max_lane_offset_m = max(state.max_lane_offset_m or 0.0, aside_m)


def _measure_gap(state: JudgeState, seen: JudgeInput, settings: JudgeSettings) -> None:
    """Bumper to bumper to the car ahead whose body overlaps the own path."""
    corridor, ego = settings.corridor, seen.ego
    state.lead_gap_m = None
    if corridor is None:
        danger = state.danger
        state.lead_gap_m, state.lead_speed_mps = danger.lead_gap_m, danger.lead_speed_mps
        if state.lead_gap_m is not None and state.lead_gap_m <= settings.tuning.path_reach_m:
            held = math.inf if state.min_gap_m is None else state.min_gap_m
            state.min_gap_m = min(held, state.lead_gap_m)
        return
    if state.station_m is None or seen.objects is None:
        return
    cos, sin = math.cos(ego.yaw_rad), math.sin(ego.yaw_rad)
    _station, own_offset = corridor.project(ego.x_m, ego.y_m, state.station_m)
    front_m = state.station_m + ego.length_m - ego.rear_overhang_m
    reach_m = settings.tuning.path_reach_m
    for other in seen.objects:
        dx, dy = other.x_m - ego.x_m, other.y_m - ego.y_m
        if dx * dx + dy * dy > reach_m * reach_m or cos * dx + sin * dy < 0.0:
            continue
        if abs(other.z_m - ego.z_m) > settings.tuning.level_apart_m:
            continue
        station, offset = corridor.project(
            other.x_m, other.y_m, state.station_m + math.hypot(dx, dy)
        )
        if station <= state.station_m:
            continue
        yaw_rad = other.yaw_rad - corridor.heading_rad(station)
        body = Box(station, offset - own_offset, yaw_rad, other.length_m, other.width_m)
        tail_m = nearest_in_band_m(body, 0.5 * ego.width_m)
        if tail_m is None:
            continue
        gap_m = tail_m - front_m
        if state.lead_gap_m is None or gap_m < state.lead_gap_m:
            state.lead_gap_m = gap_m
            state.lead_speed_mps = other.speed_mps
    if state.lead_gap_m is not None:
        held = math.inf if state.min_gap_m is None else state.min_gap_m
        state.min_gap_m = min(held, state.lead_gap_m)


def _judge_pilot(state: JudgeState, seen: JudgeInput) -> None:
    if seen.pilot is None:
        return
    now, before = seen.pilot.engagement, state.engagement
    state.engagement = now
    if now is before:
        return
    if now is Engagement.TAKEOVER:
        _tell(state, seen.stamp_ns, InterventionKind.TAKEOVER, f"takeover: {seen.pilot.code}")
    elif now is Engagement.MINIMAL_RISK:
        _tell(state, seen.stamp_ns, InterventionKind.MINIMAL_RISK, f"stopped: {seen.pilot.code}")


def _judge_guard(state: JudgeState, seen: JudgeInput, tuning: JudgeTuning) -> None:
    guard = seen.guard
    if guard is None:
        return
    stops = guard.source is CommandSource.MINIMAL_RISK
    own_stop = stops and state.engagement is not Engagement.MINIMAL_RISK
    changed = (
        guard.limited
        and guard.source is CommandSource.COMFORT
        and state.engagement is Engagement.ENGAGED
        and _change_mps2(guard, seen) > tuning.override_accel_mps2
    )
    ticks = 1 if own_stop else _ticks(tuning.override_s)
    words = f"guard: {guard.reason}"
    _hold(
        state,
        seen.stamp_ns,
        InterventionKind.GUARD,
        own_stop or changed,
        ticks,
        words,
        tuning.rearm_s,
    )


def _change_mps2(guard: GuardDecision, seen: JudgeInput) -> float:
    """How much the guard changed the command, along or across, whichever is more."""
    if seen.command is None:
        return math.inf
    along = abs(guard.command.accel_mps2 - seen.command.accel_mps2)
    across = abs(guard.command.curvature_per_m - seen.command.curvature_per_m)
    return max(along, across * seen.ego.speed_mps * seen.ego.speed_mps)


def _judge_braking(state: JudgeState, seen: JudgeInput, tuning: JudgeTuning) -> None:
    source = seen.guard.source if seen.guard is not None else None
    hard = (
        seen.ego.accel_mps2 < tuning.emergency_accel_mps2
        and seen.ego.speed_mps > tuning.stand_mps
        and source is not CommandSource.DRIVER
    )
    automatic = source is CommandSource.AEB
    ticks = 1 if automatic else _ticks(tuning.emergency_s)
    words = "emergency brake"
    if hard and not automatic:
        words = f"braked at {seen.ego.accel_mps2:.1f} m/s2"
    kind = InterventionKind.EMERGENCY_BRAKING
    _hold(state, seen.stamp_ns, kind, hard or automatic, ticks, words, tuning.rearm_s)


def _judge_standing(state: JudgeState, seen: JudgeInput, tuning: JudgeTuning) -> None:
    """Stuck: standing with neither a car ahead nor a red light that holds it."""
    queue = (
        state.lead_gap_m is not None
        and state.lead_gap_m < tuning.queue_gap_m
        and state.lead_speed_mps < tuning.queue_speed_mps
    )
    state.in_queue = queue and abs(seen.ego.speed_mps) < tuning.queue_speed_mps
    standing = abs(seen.ego.speed_mps) < tuning.stand_mps and not queue
    standing = standing and not state.arrived and not state.watch.waits
    words = f"stood {tuning.stuck_s:.0f} s with nothing ahead" if standing else ""
    ticks = _ticks(tuning.stuck_s) + 1
    _hold(state, seen.stamp_ns, InterventionKind.STUCK, standing, ticks, words, tuning.rearm_s)


@functools.lru_cache(maxsize=32)
def _ticks(span_s: float) -> int:
    return max(1, round(span_s / seconds(CONTROL_TICK_NS)))


def _hold(
    state: JudgeState,
    stamp_ns: int,
    kind: InterventionKind,
    cause: bool,
    ticks: int,
    words: str,
    rearm_s: float,
) -> None:
    """Count how long a cause holds; tell it once when it has held for `ticks`."""
    if _rises(state.episodes[kind], cause, ticks, rearm_s):
        _tell(state, stamp_ns, kind, words)


def _rises(episode: _Episode, cause: bool, ticks: int, rearm_s: float) -> bool:
    """Whether a cause has held for so long just now, and is not told yet."""
    if not cause:
        episode.held_ticks = 0
        episode.free_ticks += 1
        if episode.free_ticks >= _ticks(rearm_s):
            episode.told = False
        return False
    episode.held_ticks += 1
    episode.free_ticks = 0
    if episode.told or episode.held_ticks < ticks:
        return False
    episode.told = True
    return True


def _tell(state: JudgeState, stamp_ns: int, kind: InterventionKind, words: str) -> None:
    state.interventions.append(Intervention(stamp_ns=stamp_ns, kind=kind, words=words))


_ASKED_MPS2 = -0.5
"""Emergency braking that asks for less only holds or lets go."""
