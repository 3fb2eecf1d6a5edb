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
that holds it. An intervention that lasts counts once; it may come again after `rearm_s` without it.
"""

from __future__ import annotations

import math
from array import array
from collections import deque
from dataclasses import dataclass, field

import msgspec
import numpy as np

from volant.core.clock import CONTROL_TICK_NS, seconds
from volant.core.geometry import Box, nearest_in_band_m
from volant.core.messages import (
    Command,
    CommandSource,
    Contact,
    EgoTruth,
    Engagement,
    GuardDecision,
    Intervention,
    InterventionKind,
    PilotState,
    TruthObject,
)
from volant.road import Corridor, LaneGraph
from volant.sim.judge_kernels import body_on_road

LONGITUDINAL_TICKS = 100
"""Longitudinal jerk is the change of acceleration over 1 s (UN R157's and ISO 15622's mean)."""
LATERAL_TICKS = 50
"""Lateral jerk is the change of lateral acceleration over 0.5 s (UN R79, 5.6.2.1.3: mean over 0.5 s)."""


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


class DriveSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one drive; docs/reference/drive-json.md is its description."""

    arrived: bool
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
    stand_ticks: int = 0
    arrived: bool = False
    engagement: Engagement | None = None
    episodes: dict[InterventionKind, _Episode] = field(
        default_factory=lambda: {kind: _Episode() for kind in InterventionKind}
    )
    interventions: list[Intervention] = field(default_factory=list)
    body: np.ndarray[tuple[int], np.dtype[np.float64]] = field(default_factory=lambda: np.zeros(7))


def start() -> JudgeState:
    """A judge before the first tick."""
    return JudgeState()


def step(
    state: JudgeState, seen: JudgeInput, settings: JudgeSettings
) -> tuple[JudgeState, tuple[Intervention, ...]]:
    """One control tick; gives the interventions that begin now. The state is changed in place."""
    before = len(state.interventions)
    _measure_motion(state, seen)
    _measure_place(state, seen, settings)
    if seen.objects is not None:
        _measure_gap(state, seen, settings)
    _judge_pilot(state, seen)
    _judge_guard(state, seen, settings.tuning)
    _judge_braking(state, seen, settings.tuning)
    _judge_standing(state, seen, settings.tuning)
    for contact in seen.contacts:
        state.contacts += 1
        side = "from behind" if contact.struck_from_behind else "ahead or aside"
        words = f"touched actor {contact.actor_id} {side} at {contact.closing_mps:.1f} m/s"
        _tell(state, seen.stamp_ns, InterventionKind.CONTACT, words)
    state.stamp_ns = seen.stamp_ns
    return state, tuple(state.interventions[before:])


def summary(state: JudgeState, reason: str | None = None) -> DriveSummary:
    """The figures so far; reason: why the drive ended, default by whether it arrived."""
    driven = state.stamp_ns >= 0
    jerk = None
    if state.jerks:
        ordered = np.sort(np.frombuffer(state.jerks, dtype=np.float64))
        jerk = float(ordered[min(math.ceil(0.99 * len(ordered)) - 1, len(ordered) - 1)])
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
        accel_min_mps2=state.accel_min_mps2 if driven else None,
        accel_max_mps2=state.accel_max_mps2 if driven else None,
        jerk_p99_mps3=jerk,
    )


def _measure_motion(state: JudgeState, seen: JudgeInput) -> None:
    """Distance, accelerations, jerks: the larger of |longitudinal| and |lateral| at each tick."""
    ego = seen.ego
    if state.first_ns < 0:
        state.first_ns = seen.stamp_ns
    else:
        span_s = seconds(seen.stamp_ns - state.stamp_ns)
        state.distance_m += math.hypot(ego.speed_mps, ego.lateral_speed_mps) * span_s
    state.accel_min_mps2 = min(state.accel_min_mps2, ego.accel_mps2)
    state.accel_max_mps2 = max(state.accel_max_mps2, ego.accel_mps2)
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
    Without a corridor it is from the nearest centre of a lane in the own direction.
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
    off, aside_m = body_on_road(
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
    cause = off > 0
    words = f"{off} corners of the body off the road"
    _hold(state, seen.stamp_ns, InterventionKind.ROAD_LEFT, cause, 1, words, tuning.rearm_s)
    if settings.corridor is None:
        _widen_offset(state, aside_m)
        return
    hint = settings.start_m if state.station_m is None else state.station_m
    state.station_m, offset_m = settings.corridor.project(ego.x_m, ego.y_m, hint)
    if 0.0 <= state.station_m <= settings.corridor.length_m:
        _widen_offset(state, abs(offset_m))
    if settings.destination_m is not None:
        state.arrived |= state.station_m >= settings.destination_m - tuning.arrive_m


def _widen_offset(state: JudgeState, aside_m: float) -> None:
    if math.isfinite(aside_m):
        state.max_lane_offset_m = max(state.max_lane_offset_m or 0.0, aside_m)


def _measure_gap(state: JudgeState, seen: JudgeInput, settings: JudgeSettings) -> None:
    """Bumper to bumper to the car ahead whose body overlaps the own path."""
    corridor, ego = settings.corridor, seen.ego
    state.lead_gap_m = None
    if corridor is None or state.station_m is None or seen.objects is None:
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
        yaw_rad = other.yaw_rad - corridor.at(station).heading_rad
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
    words = "emergency brake" if automatic else f"braked at {seen.ego.accel_mps2:.1f} m/s2"
    kind = InterventionKind.EMERGENCY_BRAKING
    _hold(state, seen.stamp_ns, kind, hard or automatic, ticks, words, tuning.rearm_s)


def _judge_standing(state: JudgeState, seen: JudgeInput, tuning: JudgeTuning) -> None:
    """Stuck: standing with nothing ahead that holds the car. Red lights come with their issue."""
    queue = (
        state.lead_gap_m is not None
        and state.lead_gap_m < tuning.queue_gap_m
        and state.lead_speed_mps < tuning.queue_speed_mps
    )
    standing = abs(seen.ego.speed_mps) < tuning.stand_mps and not queue and not state.arrived
    words = f"stood {tuning.stuck_s:.0f} s with nothing ahead"
    ticks = _ticks(tuning.stuck_s) + 1
    _hold(state, seen.stamp_ns, InterventionKind.STUCK, standing, ticks, words, tuning.rearm_s)


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
    episode = state.episodes[kind]
    if not cause:
        episode.held_ticks = 0
        episode.free_ticks += 1
        if episode.free_ticks >= _ticks(rearm_s):
            episode.told = False
        return
    episode.held_ticks += 1
    episode.free_ticks = 0
    if not episode.told and episode.held_ticks >= ticks:
        episode.told = True
        _tell(state, stamp_ns, kind, words)


def _tell(state: JudgeState, stamp_ns: int, kind: InterventionKind, words: str) -> None:
    state.interventions.append(Intervention(stamp_ns=stamp_ns, kind=kind, words=words))
