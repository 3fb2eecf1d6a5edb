"""Makes one CockpitFrame of the latest messages: a pure step, like everything in the loop.

It reads what the car believes (CarState, Localization, Tracks, Plan, PilotState, Alert, GuardDecision)
and the car's own map. It is never given the world's truth, so what a screen shows is what the pilot
would act on, mistakes included.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from volant.caros.cockpit import stopview
from volant.caros.cockpit.alerts import GUARD_GONE, foremost, merge
from volant.caros.cockpit.messages import (
    SCHEMA_HASH,
    CockpitAeb,
    CockpitCar,
    CockpitCharge,
    CockpitCodes,
    CockpitEgo,
    CockpitEnergy,
    CockpitFrame,
    CockpitGuard,
    CockpitLight,
    CockpitPilot,
    CockpitPlan,
    CockpitReplay,
    CockpitRoad,
    CockpitRoute,
    CockpitSurface,
    CockpitTrack,
)
from volant.caros.cockpit.ownlane import OwnLane
from volant.caros.cockpit.roadview import RoadView, pack_surface
from volant.caros.cockpit.signview import SignView
from volant.caros.cockpit.stopview import StopState
from volant.core import topics
from volant.core.body import BodyState
from volant.core.clock import nanoseconds, seconds
from volant.core.component import Inputs
from volant.core.messages import (
    AebState,
    Alert,
    AlertLevel,
    CarState,
    EnergyState,
    GuardDecision,
    LightFrame,
    Localization,
    PilotState,
    Plan,
    SensorFrames,
    Track,
    Tracks,
    TroubleCodes,
)
from volant.core.topics import Topic
from volant.road import Corridor, CorridorColumn

REACH_M: Final = 320.0
"""How far the map is sent; beyond, the screen's haze hides it."""
RENEW_M: Final = 15.0
"""The window of the map is chosen anew after this way."""
ROAD_FIRST: Final = 4
"""A new window of the map comes with so many frames, of which a slow screen drops some."""
ROAD_EVERY: Final = 15
"""And then with every so many, twice a second, for a screen that opens late."""
LANE_AHEAD_M: Final = 140.0
LANE_STEP: Final = 4
"""Rows of the corridor (1 m each) between two points of the own lane that is sent."""
LIGHT_AGE_S: Final = 0.6
"""A light not seen for longer is shown as unknown: the shortest phase (red and amber) lasts 1 s."""
NO_LIMIT_MPS: Final = 100.0
"""A limit above this stands for none (Plan.limit_mps is bounded at 120)."""
ENERGY_NS: Final = nanoseconds(8.0)
"""What is expected of the charge is older only when nobody looks ahead any more."""
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
    topics.AEB_STATE,
    topics.SENSOR_FRAMES,
    topics.ALERT,
    topics.CAR_CODES,
    topics.ENERGY_STATE,
    topics.BODY_STATE,
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
    signs: SignView | None = None
    own_lane: OwnLane | None = None
    """Finds the lane ahead; without it the corridor's is shown."""
    route: bytes = b""
    """The way to go, by `encode_route`."""


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest message of each input; None where nothing has come yet."""

    car: CarState | None = None
    localization: Localization | None = None
    tracks: Tracks | None = None
    plan: Plan | None = None
    pilot: PilotState | None = None
    guard: GuardDecision | None = None
    aeb: AebState | None = None
    lights: LightFrame | None = None
    """Newly seen."""
    alerts: tuple[Alert, ...] = ()
    """New since the last frame."""
    codes: TroubleCodes | None = None
    energy: EnergyState | None = None
    body: BodyState | None = None


@dataclass(frozen=True, slots=True)
class FrameState:
    """What lives to the next frame."""

    sequence: int = 0
    alerts: tuple[Alert, ...] = ()
    window_x_m: float = math.inf
    window_y_m: float = math.inf
    road_window: int = 0
    road: bytes = b""
    road_since: int = 0
    """Sequence of the first frame of the window."""
    lights: LightFrame | None = None
    stop: StopState = field(default_factory=StopState)


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
        aeb=held[topics.AEB_STATE.name],
        lights=newest_lights(inputs.new[topics.SENSOR_FRAMES.name]),
        alerts=inputs.new[topics.ALERT.name],
        codes=held[topics.CAR_CODES.name],
        energy=held[topics.ENERGY_STATE.name],
        body=held[topics.BODY_STATE.name],
    )


def newest_lights(frames: Iterable[SensorFrames]) -> LightFrame | None:
    """The last traffic lights that were seen, of some frames of sensors."""
    seen = [one.lights for one in frames if one.lights is not None]
    return seen[-1] if seen else None


def build(
    state: FrameState,
    latest: Latest,
    stamp_ns: int,
    settings: FrameSettings,
    replay: CockpitReplay | None = None,
) -> tuple[FrameState, CockpitFrame]:
    """The next frame; the same inputs give the same frame."""
    gone = any(
        one.alert_id == GUARD_GONE and one.level is AlertLevel.CRITICAL
        for one in merge(state.alerts, latest.alerts, stamp_ns)
    )
    stop = stopview.step(
        state.stop, latest.car, latest.guard, latest.pilot, stamp_ns, guard_gone=gone
    )
    stop, new_alerts = stopview.hold_back(stop, state.alerts, latest.alerts)
    state = replace(
        state,
        sequence=state.sequence + 1,
        stop=stop,
        alerts=merge(state.alerts, new_alerts, stamp_ns),
        lights=_young(latest.lights or state.lights, stamp_ns),
    )
    here = latest.localization
    if here is not None:
        state = _with_window(state, here, settings)
    # A way that was found anew on the road is not known here, and an old one is not shown for it.
    found_anew = latest.plan is not None and latest.plan.rerouted > 0
    shown_route = b"" if found_anew else settings.route
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
        stop=stopview.view(stop),
        alert=stopview.alert(stop, foremost(state.alerts)),
        road_window=state.road_window,
        road=state.road if _road_is_due(state) else b"",
        lights=_lights(state.lights, here, settings.signs),
        aeb=None if latest.aeb is None else _aeb(latest.aeb),
        route_number=1 if shown_route else 0,
        route=shown_route,
        codes=None if latest.codes is None else _codes(latest.codes),
        energy=_energy(latest.energy, stamp_ns),
        charge=None if latest.body is None else _charge(latest.body, stamp_ns),
        replay=replay,
    )
    return state, frame


def encode(frame: CockpitFrame) -> bytes:
    """A frame as it goes to the server and on to every screen."""
    return msgspec.msgpack.encode(frame)


def _age_s(stamp_ns: int, part: CarState | Localization | Tracks | Plan | None) -> float:
    """Age of a part in seconds; 0 where none ever came, which the screen sees by its absence."""
    return 0.0 if part is None else max(seconds(stamp_ns - part.stamp_ns), 0.0)


def _road_is_due(state: FrameState) -> bool:
    """The map near the car is most of a frame, in town a hundred kilobytes: not in every one."""
    fresh = state.sequence - state.road_since < ROAD_FIRST
    return fresh or state.sequence % ROAD_EVERY == 0


def _with_window(state: FrameState, here: Localization, settings: FrameSettings) -> FrameState:
    moved_m = math.hypot(here.x_m - state.window_x_m, here.y_m - state.window_y_m)
    if not here.valid or moved_m < RENEW_M:
        return state
    lines, surfaces = settings.view.near(here.x_m, here.y_m, REACH_M)
    signs = settings.signs
    posts, bars, zebras = ((), (), ()) if signs is None else signs.near(here.x_m, here.y_m, REACH_M)
    road = CockpitRoad(
        lines=lines,
        surfaces=surfaces,
        left_hand=settings.left_hand,
        posts=posts,
        bars=bars,
        zebras=zebras,
    )
    return replace(
        state,
        window_x_m=here.x_m,
        window_y_m=here.y_m,
        road_window=state.road_window + 1,
        road_since=state.sequence,
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
        accelerator=_share(car.driver.accelerator),
        brake=_share(car.driver.brake),
        hands_on=car.driver.hands_on,
        eyes_on=car.driver.eyes_on,
        valid=car.valid,
    )


def _share(value: float) -> float:
    return min(max(value, 0.0), 1.0) if math.isfinite(value) else 0.0


def _ego(here: Localization, settings: FrameSettings) -> CockpitEgo:
    height_m, grade = 0.0, 0.0
    if settings.corridor is not None:
        point = settings.corridor.at(_station_m(here, settings.corridor))
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
        hints = _station_m(here, corridor) + (places - np.array([here.x_m, here.y_m])) @ ahead
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
        lane=None if here is None else _own_lane(here, settings),
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
        guidance=plan.guidance,
        rerouted=plan.rerouted,
    )


def _station_m(here: Localization, corridor: Corridor) -> float:
    """Along the trip's corridor; the pilot's own stations are those of the course it lays."""
    return corridor.project(here.x_m, here.y_m)[0]


def _own_lane(here: Localization, settings: FrameSettings) -> CockpitSurface | None:
    corridor = settings.corridor
    if settings.own_lane is not None and here.valid:
        return settings.own_lane.ahead(here.lane, here.x_m, here.y_m, LANE_AHEAD_M)
    if corridor is None or not here.valid:
        return None
    station_m = _station_m(here, corridor)
    rows = corridor.window(station_m - 12.0, station_m + LANE_AHEAD_M)[::LANE_STEP]
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
        blocker_words=pilot.blocker_words,
        switched_off=pilot.switched_off,
        escalation=pilot.escalation,
        departure=pilot.departure,
        blind_spot_left=pilot.blind_spot_left,
        blind_spot_right=pilot.blind_spot_right,
    )


def _guard(decision: GuardDecision) -> CockpitGuard:
    return CockpitGuard(source=decision.source, limited=decision.limited, reason=decision.reason)


def _codes(codes: TroubleCodes) -> CockpitCodes:
    return CockpitCodes(
        number=codes.number,
        count=codes.count,
        codes=codes.codes,
        may_clear=codes.may_clear,
        refused=codes.refused,
    )


def _energy(energy: EnergyState | None, stamp_ns: int) -> CockpitEnergy | None:
    """What was expected last; nothing once it is old."""
    if energy is None or stamp_ns - energy.stamp_ns > ENERGY_NS:
        return None
    arrival = energy.arrival
    return CockpitEnergy(
        range_m=energy.range_m,
        arrival_pct=None if arrival is None else arrival.charge_pct,
        arrival_low_pct=None if arrival is None else arrival.low_pct,
        arrival_high_pct=None if arrival is None else arrival.high_pct,
        reaches=energy.reaches,
        advice=energy.advice,
    )


def _charge(body: BodyState, stamp_ns: int) -> CockpitCharge:
    charge, conditioning = body.charge, body.conditioning
    starts_s = None if charge.start_s is None else max(0.0, charge.start_s - seconds(stamp_ns))
    return CockpitCharge(
        station=charge.station,
        power_w=charge.power_w,
        limit_pct=charge.limit_pct,
        left_s=charge.left_s,
        starts_s=starts_s,
        why=charge.why,
        cabin=conditioning.cabin_active,
        battery=conditioning.heater_w > 0.0,
    )


def _aeb(aeb: AebState) -> CockpitAeb:
    return CockpitAeb(
        stage=aeb.stage,
        words=aeb.words,
        object_class=aeb.object_class,
        time_to_contact_s=aeb.time_to_contact_s,
    )


def _young(lights: LightFrame | None, stamp_ns: int) -> LightFrame | None:
    """Lights that were seen a moment ago; older ones may have changed."""
    old = lights is None or stamp_ns - lights.stamp_ns > nanoseconds(LIGHT_AGE_S)
    return None if old else lights


def _lights(
    seen: LightFrame | None, here: Localization | None, signs: SignView | None
) -> tuple[CockpitLight, ...]:
    """What the camera sees, in the world; on the post of the map that is near it, if there is one."""
    if seen is None or here is None or not here.valid:
        return ()
    back_s = seconds(here.stamp_ns - seen.stamp_ns)
    yaw_rad = here.yaw_rad - back_s * here.yaw_rate_rps
    cos, sin = math.cos(yaw_rad), math.sin(yaw_rad)
    from_x_m = here.x_m - back_s * here.speed_mps * cos
    from_y_m = here.y_m - back_s * here.speed_mps * sin
    found = []
    for light in seen.lights:
        if not math.isfinite(light.x_m + light.y_m + light.z_m):
            continue
        place = (
            from_x_m + cos * light.x_m - sin * light.y_m,
            from_y_m + sin * light.x_m + cos * light.y_m,
            light.z_m,
        )
        x_m, y_m, z_m = place if signs is None else signs.post_near(*place)
        found.append(CockpitLight(x_m=x_m, y_m=y_m, z_m=z_m, state=light.state))
    return tuple(found)


def encode_route(route: tuple[tuple[float, float], ...]) -> bytes:
    """The way to go as the screen decodes it; empty where there is none."""
    if len(route) < 2:
        return b""
    x_m, y_m = zip(*route, strict=True)
    return msgspec.msgpack.encode(CockpitRoute(x_m=x_m, y_m=y_m))
