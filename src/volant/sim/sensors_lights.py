"""Traffic lights as the front camera sees them: near enough, turned to us, not hidden by a lorry.

What a light shows comes from the world's truth; here it is missed in bursts, now and then mistaken, and
told with the camera's noise of place. Colours are not told farther than 80 m (recalled: a lamp of 0.2 m
fills four pixels there).
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from volant.core.chance import Chance
from volant.core.clock import PILOT_TICK_NS, seconds
from volant.core.messages import EgoTruth, LightFrame, LightReturn, LightState, LightTruth
from volant.road import LaneGraph, PlacedSignal
from volant.road.gates import LIGHT_KINDS
from volant.sim.columns import Actor, Index
from volant.sim.sensors_faults import DELAY_NS, FaultKind, SensorFault, fault_of
from volant.sim.sensors_kernels import ray_meets

Array = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LightFigures:
    """The camera's view of lights at one level."""

    range_m: float
    field_rad: float
    latency_ns: int
    miss_share: float
    wrong_share: float
    """Share of frames with a wrong colour, in blocks of 0.15 s."""
    range_sigma_part: float
    angle_sigma_rad: float
    hidden: bool
    """Lorries and buses hide lights."""
    source: str


_SOURCE: Final = "range: module docstring; misses, mistakes and noise estimated as for the camera"
LIGHT_LEVELS: Final[dict[str, LightFigures]] = {
    "perfect": LightFigures(150.0, 2.0, 0, 0.0, 0.0, 0.0, 0.0, False, "by definition"),
    "typical": LightFigures(
        80.0, math.radians(100.0), 2 * PILOT_TICK_NS, 0.04, 0.004, 0.04, 0.004, True, _SOURCE
    ),
    "degraded": LightFigures(
        60.0, math.radians(100.0), 2 * PILOT_TICK_NS, 0.12, 0.01, 0.06, 0.006, True, _SOURCE
    ),
}
_CAMERA_X_M: Final = 1.9
_CAMERA_Z_M: Final = 1.4
_TURNED_COS: Final = 0.17
"""Its face is seen from 80 degrees to either side."""
_DEFAULT_HEIGHT_M: Final = 3.0
_MISS_TICKS: Final = 10
_WRONG_TICKS: Final = 3
_MISTAKEN: Final = {
    LightState.RED: LightState.AMBER,
    LightState.AMBER: LightState.RED,
    LightState.RED_AMBER: LightState.RED,
    LightState.GREEN: LightState.OFF,
    LightState.OFF: LightState.UNKNOWN,
    LightState.UNKNOWN: LightState.OFF,
}


@dataclass(slots=True)
class LightSensor:
    """State of the camera's view of lights."""

    figures: LightFigures
    lights: dict[str, PlacedSignal]
    chance: Chance
    faults: tuple[SensorFault, ...] = ()
    under_way: deque[tuple[int, LightFrame]] = field(default_factory=deque)
    held: tuple[LightReturn, ...] | None = None
    tick: int = 0


def make_light_sensor(
    level: str, graph: LaneGraph, chance: Chance, faults: tuple[SensorFault, ...] = ()
) -> LightSensor:
    """The lights of a graph as a level (`LIGHT_LEVELS`) sees them."""
    lights = {
        f"{placed.road}:{placed.signal.id}": placed
        for placed in graph.signals
        if placed.signal.kind in LIGHT_KINDS
    }
    return LightSensor(LIGHT_LEVELS[level], lights, chance, faults)


def sense_lights(
    state: LightSensor,
    truth: tuple[LightTruth, ...],
    actors: tuple[Array, Integers],
    ego: EgoTruth,
    stamp_ns: int,
) -> LightFrame | None:
    """One tick of the camera; gives the frame whose latency is over now, if any."""
    tick, now_s = state.tick, seconds(stamp_ns)
    state.tick += 1
    kind = fault_of(state.faults, "lights", now_s)
    if kind is not FaultKind.LOST and state.lights:
        seen = tuple(one for light in truth for one in _seen(state, light, actors, ego, tick, kind))
        if kind is FaultKind.FROZEN:
            state.held = seen = seen if state.held is None else state.held
        else:
            state.held = None
        late_ns = state.figures.latency_ns + (DELAY_NS if kind is FaultKind.DELAYED else 0)
        state.under_way.append((stamp_ns + late_ns, LightFrame(stamp_ns=stamp_ns, lights=seen)))
    ready = None
    while state.under_way and state.under_way[0][0] <= stamp_ns:
        ready = state.under_way.popleft()[1]
    return ready


def _seen(
    state: LightSensor,
    light: LightTruth,
    actors: tuple[Array, Integers],
    ego: EgoTruth,
    tick: int,
    kind: FaultKind | None,
) -> tuple[LightReturn, ...]:
    placed, figures = state.lights.get(light.signal), state.figures
    if placed is None:
        return ()
    cos, sin = math.cos(ego.yaw_rad), math.sin(ego.yaw_rad)
    at = (ego.x_m + _CAMERA_X_M * cos, ego.y_m + _CAMERA_X_M * sin)
    dx, dy = placed.x_m - at[0], placed.y_m - at[1]
    distance = math.hypot(dx, dy)
    if not 0.5 < distance < figures.range_m:
        return ()
    ahead, aside = cos * dx + sin * dy, cos * dy - sin * dx
    bearing = math.atan2(aside, ahead)
    if abs(bearing) > 0.5 * figures.field_rad:
        return ()
    facing = dx * math.cos(placed.heading_rad) + dy * math.sin(placed.heading_rad)
    if facing < _TURNED_COS * distance:
        return ()
    height_m = placed.z_m + (placed.signal.z_offset_m or _DEFAULT_HEIGHT_M)
    up_m = height_m - (ego.z_m + _CAMERA_Z_M)
    if figures.hidden and _hidden(actors, at, (placed.x_m, placed.y_m), ego.z_m, up_m):
        return ()
    chance = state.chance.child(light.signal)
    edge = max(distance / figures.range_m - 0.6, 0.0) / 0.4
    if chance.uniform(2 * (tick // _MISS_TICKS)) < figures.miss_share * (1.0 + 4.0 * edge):
        return ()
    wrong = figures.wrong_share if kind is not FaultKind.GHOSTS else 0.5
    if kind is FaultKind.NOISY:
        wrong = 0.2
    told = light.state
    if chance.uniform(2 * (tick // _WRONG_TICKS) + 1) < wrong:
        told = _MISTAKEN[told]
    noise = chance.child("noise", tick)
    away = distance * (1.0 + noise.normal(0, 0.0, figures.range_sigma_part))
    to = bearing + noise.normal(1, 0.0, figures.angle_sigma_rad)
    return (
        LightReturn(
            x_m=_CAMERA_X_M + away * math.cos(to),
            y_m=away * math.sin(to),
            z_m=_CAMERA_Z_M + up_m * away / distance,
            state=told,
            confidence=1.0
            if figures.miss_share == 0.0
            else 0.95 - 0.35 * distance / figures.range_m,
        ),
    )


def _hidden(
    actors: tuple[Array, Integers],
    at: tuple[float, float],
    to: tuple[float, float],
    ground_m: float,
    up_m: float,
) -> bool:
    """Whether a body on the line of sight is tall enough to hide what hangs `up_m` above the camera."""
    actor_f, actor_i = actors
    if not len(actor_f):
        return False
    run = math.hypot(to[0] - at[0], to[1] - at[1])
    away = np.sqrt((actor_f[:, Actor.X] - at[0]) ** 2 + (actor_f[:, Actor.Y] - at[1]) ** 2)
    top_m = actor_f[:, Actor.HEIGHT] + actor_f[:, Actor.Z] - ground_m - _CAMERA_Z_M
    tall = (actor_i[:, Index.ALIVE] == 1) & (away < run) & (top_m > up_m * away / run)
    return any(ray_meets(actor_f[slot], *at, *to) for slot in np.flatnonzero(tall).tolist())
