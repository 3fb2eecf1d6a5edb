"""Makes one CockpitFrame of the latest messages: a pure step, like everything in the loop.

It reads what the car believes (CarState, Localization, Tracks, Plan, PilotState, Alert, GuardDecision)
and the car's own map. It is never given the world's truth, so what a screen shows is what the pilot
would act on, mistakes included.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from volant.caros.cockpit.alerts import foremost, merge
from volant.caros.cockpit.messages import (
    SCHEMA_HASH,
    CockpitCar,
    CockpitEgo,
    CockpitFrame,
    CockpitGuard,
    CockpitPilot,
    CockpitPlan,
    CockpitReplay,
    CockpitRoad,
    CockpitSurface,
    CockpitTrack,
)
from volant.caros.cockpit.roadview import RoadView, pack_surface
from volant.core import topics
from volant.core.clock import seconds
from volant.core.component import Inputs
from volant.core.messages import (
    Alert,
    CarState,
    GuardDecision,
    Localization,
    PilotState,
    Plan,
    Track,
    Tracks,
)
from volant.core.topics import Topic
from volant.road import Corridor, CorridorColumn

REACH_M: Final = 320.0
"""How far the map is sent; beyond, the screen's haze hides it."""
RENEW_M: Final = 15.0
"""The window of the map is chosen anew after this way."""
LANE_AHEAD_M: Final = 140.0
LANE_STEP: Final = 4
"""Rows of the corridor (1 m each) between two points of the own lane that is sent."""
NO_LIMIT_MPS: Final = 100.0
"""A limit above this stands for none (Plan.limit_mps is bounded at 120)."""
GHOST_AGE_S: Final = 0.3
GHOST_UNSEEN_S: Final = 0.3
GHOST_EXISTENCE: Final = 0.5
"""Tracks younger, longer unseen or less sure than these are drawn as ghosts (hmi notes 9.6)."""

INPUTS: Final[tuple[Topic, ...]] = (
    topics.CAR_STATE,
    topics.PILOT_LOCALIZATION,
    topics.PILOT_TRACKS,
    topics.PILOT_PLAN,
    topics.PILOT_STATE,
    topics.GUARD_DECISION,
    topics.ALERT,
)


@dataclass(frozen=True, slots=True)
class CarShape:
    """Size of the own car, from its spec."""

    length_m: float
    width_m: float
    rear_overhang_m: float


@dataclass(frozen=True, slots=True)
class FrameSettings:
    """What stays the same for a drive."""

    shape: CarShape
    view: RoadView
    corridor: Corridor | None
    left_hand: bool


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest message of each input; None where nothing has come yet."""

    car: CarState | None = None
    localization: Localization | None = None
    tracks: Tracks | None = None
    plan: Plan | None = None
    pilot: PilotState | None = None
    guard: GuardDecision | None = None
    alerts: tuple[Alert, ...] = ()
    """New since the last frame."""


@dataclass(frozen=True, slots=True)
class FrameState:
    """What lives to the next frame."""

    sequence: int = 0
    alerts: tuple[Alert, ...] = ()
    window_x_m: float = math.inf
    window_y_m: float = math.inf
    road_window: int = 0
    road: bytes = b""


def start() -> FrameState:
    """The state before the first frame."""
    return FrameState()


def latest_of(inputs: Inputs) -> Latest:
    """The inputs of a component (INPUTS) by name."""
    held = inputs.latest
    return Latest(
        car=held[topics.CAR_STATE.name],
        localization=held[topics.PILOT_LOCALIZATION.name],
        tracks=held[topics.PILOT_TRACKS.name],
        plan=held[topics.PILOT_PLAN.name],
        pilot=held[topics.PILOT_STATE.name],
        guard=held[topics.GUARD_DECISION.name],
        alerts=inputs.new[topics.ALERT.name],
    )


def build(
    state: FrameState,
    latest: Latest,
    stamp_ns: int,
    settings: FrameSettings,
    replay: CockpitReplay | None = None,
) -> tuple[FrameState, CockpitFrame]:
    """The next frame; the same inputs give the same frame."""
    state = replace(
        state,
        sequence=state.sequence + 1,
        alerts=merge(state.alerts, latest.alerts, stamp_ns),
    )
    here = latest.localization
    if here is not None:
        state = _with_window(state, here, settings)
    frame = CockpitFrame(
        schema=SCHEMA_HASH,
        sequence=state.sequence,
        stamp_ns=stamp_ns,
        car_age_s=_age_s(stamp_ns, latest.car),
        pilot_age_s=max(_age_s(stamp_ns, part) for part in (here, latest.tracks, latest.plan)),
        car=None if latest.car is None else _car(latest.car),
        ego=None if here is None else _ego(here, settings),
        tracks_stamp_ns=0 if latest.tracks is None else latest.tracks.stamp_ns,
        tracks=() if latest.tracks is None else _tracks(latest.tracks, here, settings),
        plan=None if latest.plan is None else _plan(latest.plan, here, settings),
        pilot=None if latest.pilot is None else _pilot(latest.pilot),
        guard=None if latest.guard is None else _guard(latest.guard),
        alert=foremost(state.alerts),
        road_window=state.road_window,
        road=state.road,
        replay=replay,
    )
    return state, frame


def encode(frame: CockpitFrame) -> bytes:
    """A frame as it goes to the server and on to every screen."""
    return msgspec.msgpack.encode(frame)


def _age_s(stamp_ns: int, part: CarState | Localization | Tracks | Plan | None) -> float:
    """Age of a part in seconds; 0 where none ever came, which the screen sees by its absence."""
    return 0.0 if part is None else max(seconds(stamp_ns - part.stamp_ns), 0.0)


def _with_window(state: FrameState, here: Localization, settings: FrameSettings) -> FrameState:
    moved_m = math.hypot(here.x_m - state.window_x_m, here.y_m - state.window_y_m)
    if not here.valid or moved_m < RENEW_M:
        return state
    lines, surfaces = settings.view.near(here.x_m, here.y_m, REACH_M)
    road = CockpitRoad(lines=lines, surfaces=surfaces, left_hand=settings.left_hand)
    return replace(
        state,
        window_x_m=here.x_m,
        window_y_m=here.y_m,
        road_window=state.road_window + 1,
        road=msgspec.msgpack.encode(road),
    )


def _car(car: CarState) -> CockpitCar:
    return CockpitCar(
        stamp_ns=car.stamp_ns,
        speed_mps=car.speed_mps,
        accel_mps2=car.accel_mps2,
        gear=car.gear,
        indicator=car.indicator,
        brake_lights=car.brake_lights,
        hold=car.hold,
        charge_pct=car.charge_pct,
        range_m=car.range_m,
        battery_power_w=car.battery_power_w,
        steer_rad=car.steer_rad,
        valid=car.valid,
    )


def _ego(here: Localization, settings: FrameSettings) -> CockpitEgo:
    height_m, grade = 0.0, 0.0
    if settings.corridor is not None:
        point = settings.corridor.at(here.station_m)
        height_m, grade = point.z_m, point.grade
    else:
        height_m = settings.view.height_m(here.x_m, here.y_m)
    return CockpitEgo(
        stamp_ns=here.stamp_ns,
        x_m=here.x_m,
        y_m=here.y_m,
        z_m=height_m,
        yaw_rad=here.yaw_rad,
        grade=grade,
        yaw_rate_rps=here.yaw_rate_rps,
        speed_mps=here.speed_mps,
        length_m=settings.shape.length_m,
        width_m=settings.shape.width_m,
        rear_overhang_m=settings.shape.rear_overhang_m,
        valid=here.valid,
    )


def _heights_m(
    x_m: tuple[float, ...],
    y_m: tuple[float, ...],
    here: Localization | None,
    settings: FrameSettings,
) -> list[float]:
    """Height of the road at world places: along the corridor, else by the nearest ground."""
    if not x_m:
        return []
    corridor = settings.corridor
    if corridor is None:
        return [settings.view.height_m(x, y) for x, y in zip(x_m, y_m, strict=True)]
    places: NDArray[np.float64] = np.column_stack([x_m, y_m])
    hints: NDArray[np.float64] | None = None
    if here is not None and here.valid:
        # Search near where a straight road would have them, which is cheap and never far off.
        ahead = np.array([math.cos(here.yaw_rad), math.sin(here.yaw_rad)])
        hints = here.station_m + (places - np.array([here.x_m, here.y_m])) @ ahead
    stations = corridor.project_many(places, hints)[:, 0]
    rows = corridor.table
    found: list[float] = np.interp(
        stations, rows[:, CorridorColumn.S], rows[:, CorridorColumn.Z]
    ).tolist()
    return found


def _tracks(
    tracks: Tracks, here: Localization | None, settings: FrameSettings
) -> tuple[CockpitTrack, ...]:
    found = tracks.tracks
    places = (tuple(t.x_m for t in found), tuple(t.y_m for t in found))
    heights = _heights_m(*places, here, settings)
    return tuple(_track(track, z_m) for track, z_m in zip(found, heights, strict=True))


def _track(track: Track, z_m: float) -> CockpitTrack:
    return CockpitTrack(
        track_id=track.track_id,
        object_class=track.object_class,
        x_m=track.x_m,
        y_m=track.y_m,
        z_m=z_m,
        yaw_rad=track.yaw_rad,
        speed_mps=track.speed_mps,
        accel_mps2=track.accel_mps2,
        yaw_rate_rps=track.yaw_rate_rps,
        length_m=track.length_m,
        width_m=track.width_m,
        height_m=track.height_m,
        confidence=track.existence,
        brake_lights=track.brake_lights,
        indicator=track.indicator,
        ghost=track.existence < GHOST_EXISTENCE
        or track.age_s < GHOST_AGE_S
        or track.unseen_s > GHOST_UNSEEN_S,
    )


def _plan(plan: Plan, here: Localization | None, settings: FrameSettings) -> CockpitPlan:
    return CockpitPlan(
        stamp_ns=plan.stamp_ns,
        x_m=plan.x_m,
        y_m=plan.y_m,
        z_m=tuple(_heights_m(plan.x_m, plan.y_m, here, settings)),
        accel_mps2=plan.accel_mps2,
        lane=None if here is None else _own_lane(here, settings.corridor),
        target_speed_mps=plan.target_speed_mps,
        limit_mps=plan.limit_mps if plan.limit_mps < NO_LIMIT_MPS else None,
        limit_is_default=plan.limit_is_default,
        constraint=plan.constraint,
        reason=plan.reason,
        manoeuvre=plan.manoeuvre,
        lead_id=plan.lead_id,
        gap_m=plan.gap_m,
        time_gap_s=plan.time_gap_s,
        confidence=plan.confidence,
        distance_left_m=plan.distance_left_m,
        arrived=plan.arrived,
    )


def _own_lane(here: Localization, corridor: Corridor | None) -> CockpitSurface | None:
    if corridor is None or not here.valid:
        return None
    rows = corridor.window(here.station_m - 12.0, here.station_m + LANE_AHEAD_M)[::LANE_STEP]
    if len(rows) < 2:
        return None
    left, right = np.empty((len(rows), 3)), np.empty((len(rows), 3))
    for i, row in enumerate(rows.tolist()):
        x_m, y_m, z_m = row[CorridorColumn.X], row[CorridorColumn.Y], row[CorridorColumn.Z]
        cos, sin = math.cos(row[CorridorColumn.HEADING]), math.sin(row[CorridorColumn.HEADING])
        left_m, right_m = row[CorridorColumn.LEFT], row[CorridorColumn.RIGHT]
        left[i] = (x_m - left_m * sin, y_m + left_m * cos, z_m)
        right[i] = (x_m + right_m * sin, y_m - right_m * cos, z_m)
    return pack_surface(0, "lane", left, right)


def _pilot(pilot: PilotState) -> CockpitPilot:
    return CockpitPilot(
        engagement=pilot.engagement,
        code=pilot.code,
        words=pilot.words,
        set_speed_mps=pilot.set_speed_mps,
        time_gap_setting_s=pilot.time_gap_setting_s,
        functions=pilot.functions,
        ready=pilot.ready,
        blockers=pilot.blockers,
    )


def _guard(decision: GuardDecision) -> CockpitGuard:
    return CockpitGuard(source=decision.source, limited=decision.limited, reason=decision.reason)
