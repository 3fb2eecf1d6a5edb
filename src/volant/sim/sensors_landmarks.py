"""Signs, lines and mouths of junctions as the front camera sees them, ten times a second.

Signs are told within 60 m (0.6 m of sign fill a dozen pixels there; recalled), paint on the ground
within 40 m, where it lies flat to the camera (recalled). Noise of place and misses are those of the
camera's table; now and then one sign is taken for another. Bodies hide what is behind them: a car
hides paint, a lorry signs too.
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
from volant.core.messages import EgoTruth, LandmarkFrame, LandmarkKind, LandmarkReturn
from volant.road import LaneGraph
from volant.road.landmarks import find_landmarks
from volant.sim.landmark_kernels import see_landmarks
from volant.sim.sensors_faults import DELAY_NS, FaultKind, SensorFault, fault_of

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

KINDS: Final = tuple(LandmarkKind)
EVERY_TICKS: Final = 2
_SIGNS: Final = KINDS.index(LandmarkKind.LINE)
"""Kinds before this one are signs."""
_CAMERA_X_M: Final = 1.9
_CAMERA_Z_M: Final = 1.4
_HALF_FIELD_RAD: Final = math.radians(50.0)
_MOST_SEEN: Final = 12
"""More are not told in one frame."""
_FAR_M: Final = 4.0
_NOISY: Final = 8.0


@dataclass(frozen=True, slots=True)
class LandmarkFigures:
    """The camera's view of landmarks at one level."""

    sign_range_m: float
    paint_range_m: float
    latency_ns: int
    range_sigma_m: float
    range_sigma_part: float
    angle_sigma_rad: float
    miss_share: float
    wrong_share: float
    """Share of frames in which a sign is taken for another."""
    hidden: bool
    source: str


_SOURCE: Final = "noise and misses: camera_front in sim/sensors.py; ranges: module docstring"
LANDMARK_LEVELS: Final[dict[str, LandmarkFigures]] = {
    "perfect": LandmarkFigures(60.0, 40.0, 0, 0.0, 0.0, 0.0, 0.0, 0.0, False, "by definition"),
    "typical": LandmarkFigures(
        *(60.0, 40.0, 2 * PILOT_TICK_NS, 0.2, 0.03, math.radians(0.2), 0.04, 0.03, True, _SOURCE)
    ),
    "degraded": LandmarkFigures(
        *(36.0, 24.0, 2 * PILOT_TICK_NS, 0.2, 0.03, math.radians(0.2), 0.12, 0.03, True, _SOURCE)
    ),
}


@dataclass(slots=True)
class LandmarkSensor:
    """State of the camera's view of landmarks."""

    latency_ns: int
    places: Array
    """[m, 6] x, y, z, cosine and sine of the heading, kind."""
    keys: NDArray[np.uint64]
    """[m] one stream of chance for each."""
    figures: Array
    """What the kernel wants to know of the level."""
    faults: tuple[SensorFault, ...] = ()
    body: Array = field(default_factory=lambda: np.zeros(4))
    """x, y, z and yaw of the car, for the kernel."""
    out: Array = field(default_factory=lambda: np.zeros((_MOST_SEEN, 3)))
    under_way: deque[tuple[int, LandmarkFrame]] = field(default_factory=deque)
    held: tuple[LandmarkReturn, ...] | None = None
    tick: int = 0


def make_landmark_sensor(
    level: str, graph: LaneGraph, chance: Chance, faults: tuple[SensorFault, ...] = ()
) -> LandmarkSensor:
    """The landmarks of a graph as a level (`LANDMARK_LEVELS`) sees them."""
    known, told = find_landmarks(graph), LANDMARK_LEVELS[level]
    rows = [
        (one.x_m, one.y_m, one.z_m, math.cos(one.heading_rad), math.sin(one.heading_rad),
         KINDS.index(one.kind))
        for one in known
    ]  # fmt: skip
    figures = (
        *(_CAMERA_X_M, _CAMERA_Z_M, _HALF_FIELD_RAD, told.sign_range_m, told.paint_range_m),
        *(told.range_sigma_m, told.range_sigma_part, told.angle_sigma_rad),
        *(told.miss_share, told.wrong_share, float(told.hidden)),
    )
    keys = [chance.child(row).key for row in range(len(known))]
    return LandmarkSensor(
        latency_ns=told.latency_ns,
        places=np.array(rows, dtype=np.float64).reshape(-1, 6),
        keys=np.array(keys, dtype=np.uint64),
        figures=np.array(figures),
        faults=faults,
    )


def sense_landmarks(
    state: LandmarkSensor, actor_f: Array, actor_i: Integers, ego: EgoTruth, stamp_ns: int
) -> LandmarkFrame | None:
    """One tick of the camera; gives the frame whose latency is over now, if any."""
    tick = state.tick
    state.tick += 1
    if tick % EVERY_TICKS == 0 and len(state.places):
        kind = fault_of(state.faults, "landmarks", seconds(stamp_ns)) if state.faults else None
        if kind is not FaultKind.LOST:
            seen = _seen(state, actor_f, actor_i, ego, tick // EVERY_TICKS, kind)
            late_ns = state.latency_ns + (DELAY_NS if kind is FaultKind.DELAYED else 0)
            frame = LandmarkFrame(stamp_ns=stamp_ns, landmarks=seen)
            state.under_way.append((stamp_ns + late_ns, frame))
    ready = None
    while state.under_way and state.under_way[0][0] <= stamp_ns:
        ready = state.under_way.popleft()[1]
    return ready


def _seen(
    state: LandmarkSensor,
    actor_f: Array,
    actor_i: Integers,
    ego: EgoTruth,
    frame: int,
    kind: FaultKind | None,
) -> tuple[LandmarkReturn, ...]:
    figures = state.figures
    if kind is FaultKind.NOISY:
        figures = figures.copy()
        figures[5:8] = _NOISY * np.maximum(figures[5:8], (0.2, 0.03, 0.0035))
    body = state.body
    body[0], body[1], body[2], body[3] = ego.x_m, ego.y_m, ego.z_m, ego.yaw_rad
    count = see_landmarks(
        state.places, state.keys, actor_f, actor_i, body, figures, frame, _SIGNS, state.out
    )
    if not count and kind is None:
        state.held = None
        return ()
    far_m = _FAR_M if kind is FaultKind.GHOSTS else 0.0
    seen = tuple(
        LandmarkReturn(kind=KINDS[int(what)], x_m=ahead_m + far_m, y_m=left_m)
        for what, ahead_m, left_m in state.out[:count].tolist()
    )
    if kind is FaultKind.FROZEN:
        state.held = seen = seen if state.held is None else state.held
    else:
        state.held = None
    return seen
