"""Reference drivers: IDM, the careful human of UN R157, and four that do it wrong.

`idm`: Treiber, Hennecke, Helbing 2000, with limits and bends ahead. `cc`: the same in calm, and for what
comes close the competent and careful human of UN R157, annex 4, appendix 3: what moves over by more
than the lane wander is perceived, judged for 0.4 s and answered 0.75 s later by braking that ramps at
12.65 m/s3 to 0.774 g, once the time to contact is at most 2 s. `late`: drives on until only 5.5 m/s2
would do, then brakes at 7. `rash`: minds limits and bends, but nobody. `idle`: holds its speed. `still`:
brakes gently to a stop and stays there.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, replace
from typing import Final

from volant.core.geometry import Box, nearest_in_band_m, wrap_angle_rad
from volant.core.messages import Command, Gear, Observation, Scene, Track
from volant.road import Corridor, CorridorColumn

# IDM: Treiber and Kesting 2013, table 11.2, for motorways and towns alike.
TIME_GAP_S: Final = 1.5
STAND_GAP_M: Final = 2.0
ACCEL_MPS2: Final = 1.4
COMFORT_MPS2: Final = 2.0
HARDEST_MPS2: Final = 8.0
LATERAL_MPS2: Final = 2.0
"""In bends: most drivers stay below 2 m/s2 (recalled)."""
LOOK_M: Final = 160.0
LIMIT_LOOK_M: Final = 360.0
"""From 130 to 80 km/h by `SLOW_DOWN_MPS2`."""
SLOW_DOWN_MPS2: Final = 1.2
SURE_S: Final = 0.8
"""Slow enough this long before a limit or a bend begins."""
NO_LIMIT_MPS: Final = 36.1
# UN R157, annex 4, appendix 3 (figures of shared notes, worlds.md).
CC_DELAY_S: Final = 0.75
CC_RISK_S: Final = 0.4
CC_JERK_MPS3: Final = 12.65
CC_BRAKE_MPS2: Final = 0.774 * 9.81
CC_TTC_S: Final = 2.0
CC_WANDER_M: Final = 0.375
LATE_NEEDED_MPS2: Final = 5.5
LATE_BRAKE_MPS2: Final = 7.0
STILL_BRAKE_MPS2: Final = 1.5
PURSUIT_S: Final = 0.9
PURSUIT_LEAST_M: Final = 6.0


class Manner(enum.Enum):
    """How a reference driver minds what is ahead."""

    IDM = "idm"
    CC = "cc"
    LATE = "late"
    RASH = "rash"
    IDLE = "idle"
    STILL = "still"


MANNERS: Final = tuple(manner.value for manner in Manner)


@dataclass(frozen=True, slots=True)
class ReferenceSettings:
    """The way and the car."""

    manner: Manner
    corridor: Corridor
    length_m: float
    width_m: float
    rear_overhang_m: float
    max_curvature_per_m: float
    destination_m: float | None = None
    """Station to stand at; None to drive on."""
    set_speed_mps: float | None = None
    """As a driver's cruise speed; None: as fast as limits and bends allow."""


@dataclass(frozen=True, slots=True)
class ReferenceState:
    """What lives from tick to tick."""

    station_m: float | None = None
    accel_mps2: float = 0.0
    curvature_per_m: float = 0.0
    risk_s: float = 0.0
    """How long a danger has been there."""
    braking: bool = False


@dataclass(frozen=True, slots=True)
class _Ahead:
    """What is next in the own path: bumper to bumper, and its speed along the way."""

    gap_m: float = math.inf
    speed_mps: float = 0.0


class ReferenceDriver:
    """`core.ports.Driver`; the observation must hold a scene every 50 ms."""

    def __init__(self, settings: ReferenceSettings) -> None:
        self._settings = settings

    def start(self) -> ReferenceState:
        """The first state."""
        return ReferenceState()

    def step(
        self, state: ReferenceState, observation: Observation, stamp_ns: int
    ) -> tuple[ReferenceState, Command]:
        """One control tick; thinks when a scene is new, else holds."""
        scene, settings = observation.scene, self._settings
        speed_mps = observation.car.speed_mps
        if scene is not None:
            station_m, offset_m = settings.corridor.project(scene.x_m, scene.y_m, state.station_m)
            state = replace(
                state,
                station_m=station_m,
                curvature_per_m=_pursue(scene, station_m, speed_mps, settings),
            )
            state = _drive(state, scene, offset_m, speed_mps, settings)
        standing = abs(speed_mps) < 0.1 and state.accel_mps2 <= 0.0
        hold = standing and settings.manner is not Manner.IDLE
        return state, Command(
            stamp_ns=stamp_ns,
            accel_mps2=state.accel_mps2,
            curvature_per_m=state.curvature_per_m,
            gear=Gear.DRIVE,
            hold=hold,
        )


def _pursue(scene: Scene, station_m: float, speed_mps: float, settings: ReferenceSettings) -> float:
    """Pure pursuit (Coulter 1992) of the way, from the rear axle."""
    reach_m = max(PURSUIT_LEAST_M, PURSUIT_S * speed_mps)
    x_m, y_m, _heading = settings.corridor.to_world(station_m + reach_m, 0.0)
    dx, dy = x_m - scene.x_m, y_m - scene.y_m
    aside_m = dy * math.cos(scene.yaw_rad) - dx * math.sin(scene.yaw_rad)
    bend = 2.0 * aside_m / max(dx * dx + dy * dy, 1.0)
    most = settings.max_curvature_per_m
    return max(-most, min(most, bend))


def _drive(
    state: ReferenceState,
    scene: Scene,
    offset_m: float,
    speed_mps: float,
    settings: ReferenceSettings,
) -> ReferenceState:
    if settings.manner is Manner.IDLE:
        return replace(state, accel_mps2=0.0)
    if settings.manner is Manner.STILL:
        return replace(state, accel_mps2=-STILL_BRAKE_MPS2)
    station_m = state.station_m or 0.0
    wanted_mps = _wanted_mps(station_m, settings)
    if settings.manner is Manner.RASH:
        free = idm_accel_mps2(speed_mps, wanted_mps, math.inf, 0.0)
        return replace(state, accel_mps2=max(-HARDEST_MPS2, free))
    ahead = _ahead(scene, station_m, offset_m, settings, wander_m=None)
    if settings.manner is Manner.LATE:
        return _late(state, ahead, speed_mps, wanted_mps)
    calm = idm_accel_mps2(speed_mps, wanted_mps, ahead.gap_m, ahead.speed_mps)
    if settings.destination_m is not None:
        front_m = station_m
        calm = min(
            calm, idm_accel_mps2(speed_mps, wanted_mps, settings.destination_m - front_m + 2, 0)
        )
    state = replace(state, accel_mps2=max(-HARDEST_MPS2, min(ACCEL_MPS2, calm)))
    if settings.manner is Manner.CC:
        danger = _ahead(scene, station_m, offset_m, settings, wander_m=CC_WANDER_M)
        return _careful(state, danger, speed_mps)
    return state


def idm_accel_mps2(speed_mps: float, wanted_mps: float, gap_m: float, lead_mps: float) -> float:
    """The Intelligent Driver Model; braking may be as hard as it asks."""
    free = 1.0 - (speed_mps / max(wanted_mps, 0.1)) ** 4
    if speed_mps > wanted_mps:
        free = max(wanted_mps - speed_mps, -COMFORT_MPS2) / ACCEL_MPS2
    if gap_m == math.inf:
        return ACCEL_MPS2 * free
    root = 2.0 * math.sqrt(ACCEL_MPS2 * COMFORT_MPS2)
    wanted_m = STAND_GAP_M + max(
        0.0, speed_mps * TIME_GAP_S + speed_mps * (speed_mps - lead_mps) / root
    )
    return ACCEL_MPS2 * (free - (wanted_m / max(gap_m, 0.1)) ** 2)


def _wanted_mps(station_m: float, settings: ReferenceSettings) -> float:
    """What limits and bends allow here, and what they will ahead by gentle braking."""
    rows = settings.corridor.window(max(station_m, 0.0), station_m + LIMIT_LOOK_M)[::3]
    most = settings.set_speed_mps or NO_LIMIT_MPS
    comfort = 0.85 * LATERAL_MPS2
    for row in rows.tolist():
        bend = abs(row[CorridorColumn.CURVATURE])
        here = min(row[CorridorColumn.LIMIT], NO_LIMIT_MPS)
        if bend > 1e-4:
            here = min(here, math.sqrt(comfort / bend))
        before_m = max(0.0, row[CorridorColumn.S] - station_m - SURE_S * most)
        most = min(most, math.sqrt(here * here + 2.0 * SLOW_DOWN_MPS2 * before_m))
    return most


def _ahead(
    scene: Scene,
    station_m: float,
    offset_m: float,
    settings: ReferenceSettings,
    wander_m: float | None,
) -> _Ahead:
    """The nearest body in the own path; with a wander, also what has begun to move over into it."""
    corridor = settings.corridor
    front_m = station_m + settings.length_m - settings.rear_overhang_m
    found = _Ahead()
    for track in scene.tracks:
        dx, dy = track.x_m - scene.x_m, track.y_m - scene.y_m
        if dx * math.cos(scene.yaw_rad) + dy * math.sin(scene.yaw_rad) < 0.0:
            continue
        reach_m = math.hypot(dx, dy)
        if reach_m > LOOK_M + 40.0:
            continue
        there_m, aside_m = corridor.project(track.x_m, track.y_m, station_m + reach_m)
        if there_m <= station_m:
            continue
        turn = wrap_angle_rad(track.yaw_rad - corridor.at(there_m).heading_rad)
        band_m = 0.5 * settings.width_m
        if wander_m is not None:
            band_m += _moved_over_m(track, aside_m - offset_m, turn, wander_m)
        box = Box(there_m, aside_m - offset_m, turn, track.length_m, track.width_m)
        tail_m = nearest_in_band_m(box, band_m)
        if tail_m is not None and tail_m - front_m < found.gap_m:
            found = _Ahead(tail_m - front_m, track.speed_mps * math.cos(turn))
    return found


def _moved_over_m(track: Track, aside_m: float, turn_rad: float, wander_m: float) -> float:
    """How much wider the own path is seen for somebody who moves into it from the next lane."""
    inward = -math.copysign(1.0, aside_m) * track.speed_mps * math.sin(turn_rad)
    return 1.6 - wander_m if inward > 0.05 else 0.0


def _careful(state: ReferenceState, ahead: _Ahead, speed_mps: float) -> ReferenceState:
    """The braking of UN R157's model driver, once its danger was judged and its delay is over."""
    closing = speed_mps - ahead.speed_mps
    danger = ahead.gap_m < math.inf and closing > 0.0 and ahead.gap_m <= CC_TTC_S * closing
    if state.braking and (closing <= 0.0 or ahead.gap_m == math.inf):
        return replace(state, braking=False, risk_s=0.0)
    risk_s = state.risk_s + 0.05 if danger or state.braking else 0.0
    if risk_s < CC_RISK_S + CC_DELAY_S:
        return replace(state, risk_s=risk_s)
    ramp = min(CC_BRAKE_MPS2, CC_JERK_MPS3 * (risk_s - CC_RISK_S - CC_DELAY_S))
    return replace(state, risk_s=risk_s, braking=True, accel_mps2=min(state.accel_mps2, -ramp))


def _late(
    state: ReferenceState, ahead: _Ahead, speed_mps: float, wanted_mps: float
) -> ReferenceState:
    free = idm_accel_mps2(speed_mps, wanted_mps, math.inf, 0.0)
    closing = speed_mps - ahead.speed_mps
    if ahead.gap_m == math.inf or (closing <= 0.0 and not state.braking):
        return replace(state, accel_mps2=max(-HARDEST_MPS2, free), braking=False)
    needed = closing * closing / (2.0 * max(ahead.gap_m - 0.5, 0.1)) if closing > 0.0 else 0.0
    braking = (state.braking and closing > 0.2) or needed >= LATE_NEEDED_MPS2
    if braking:
        return replace(state, accel_mps2=-LATE_BRAKE_MPS2, braking=True)
    follow = idm_accel_mps2(speed_mps, wanted_mps, ahead.gap_m, ahead.speed_mps)
    calm = min(free, follow) if closing < 1.0 and ahead.gap_m < 15.0 else free
    return replace(state, accel_mps2=max(-HARDEST_MPS2, calm), braking=False)
