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

from volant.caros.cockpit import instruments, stopview, surroundings
from volant.caros.cockpit.alerts import GUARD_GONE, foremost, merge
from volant.caros.cockpit.messages import (
    SCHEMA_HASH,
    CockpitFrame,
    CockpitReplay,
    CockpitRoad,
    CockpitRoute,
)
from volant.caros.cockpit.settings import CarShape, FrameSettings
from volant.caros.cockpit.stopview import StopState
from volant.caros.cockpit.updateview import update_view
from volant.core import topics
from volant.core.body import BodyState
from volant.core.clock import seconds
from volant.core.component import Inputs
from volant.core.messages import (
    AebState,
    Alert,
    AlertLevel,
    AppCard,
    CarState,
    EnergyState,
    GuardDecision,
    LightFrame,
    Localization,
    PilotState,
    Plan,
    SensorFrames,
    Tracks,
    TroubleCodes,
)
from volant.core.topics import Topic
from volant.core.updates import UpdateState

REACH_M: Final = 320.0
"""How far the map is sent; beyond, the screen's haze hides it."""
RENEW_M: Final = 15.0
"""The window of the map is chosen anew after this way."""
ROAD_FIRST: Final = 4
"""A new window of the map comes with so many frames, of which a slow screen drops some."""
ROAD_EVERY: Final = 15
"""And then with every so many, twice a second, for a screen that opens late."""

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
    topics.APP_CARDS,
    topics.BODY_STATE,
    topics.UPDATE_STATE,
)


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
    apps: tuple[AppCard, ...] = ()
    """What apps show."""
    body: BodyState | None = None
    update: UpdateState | None = None


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
        apps=() if (apps := held[topics.APP_CARDS.name]) is None else apps.cards,
        body=held[topics.BODY_STATE.name],
        update=held[topics.UPDATE_STATE.name],
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
        lights=surroundings.young(latest.lights or state.lights, stamp_ns),
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
        car=None if latest.car is None else instruments.car_view(latest.car),
        ego=None if here is None else surroundings.ego_view(here, settings),
        tracks_stamp_ns=0 if latest.tracks is None else latest.tracks.stamp_ns,
        tracks=()
        if latest.tracks is None
        else surroundings.tracks_view(latest.tracks, here, settings),
        plan=None if latest.plan is None else surroundings.plan_view(latest.plan, here, settings),
        pilot=None if latest.pilot is None else instruments.pilot_view(latest.pilot),
        guard=None if latest.guard is None else instruments.guard_view(latest.guard),
        stop=stopview.view(stop),
        alert=stopview.alert(stop, foremost(state.alerts)),
        road_window=state.road_window,
        road=state.road if _road_is_due(state) else b"",
        lights=surroundings.lights_view(state.lights, here, settings.signs),
        aeb=None if latest.aeb is None else instruments.aeb_view(latest.aeb),
        route_number=1 if shown_route else 0,
        route=shown_route,
        codes=None if latest.codes is None else instruments.codes_view(latest.codes),
        energy=instruments.energy_view(latest.energy, stamp_ns),
        apps=latest.apps,
        charge=None if latest.body is None else instruments.charge_view(latest.body, stamp_ns),
        update=None if latest.update is None else update_view(latest.update, stamp_ns),
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


def encode_route(route: tuple[tuple[float, float], ...]) -> bytes:
    """The way to go as the screen decodes it; empty where there is none."""
    if len(route) < 2:
        return b""
    x_m, y_m = zip(*route, strict=True)
    return msgspec.msgpack.encode(CockpitRoute(x_m=x_m, y_m=y_m))


__all__ = [
    "INPUTS", "CarShape", "FrameSettings", "FrameState", "Latest", "build", "encode", "encode_route", "latest_of",
    "newest_lights", "start",
]  # fmt: skip
