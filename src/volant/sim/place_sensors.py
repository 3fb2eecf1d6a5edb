"""The lane sensor and the satellite receiver: where the car is, as it could know.

The lane sensor stands for the front camera's lane detection: offset, heading, curvature and width of
the own lane at the car, its marks as they are painted, and how many lanes of our direction lie to the
left and right, with white noise and one constant bias for each drive. It has nothing to say where the
lane has no marks on either side (in junctions, in car parks), or where the car is not on a lane. Maps
without any paint are taken for roads whose edges can be seen.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Final, TypeVar

from msgspec.structs import replace

from volant.core.chance import Chance
from volant.core.clock import seconds
from volant.core.geometry import wrap_angle_rad
from volant.core.messages import EgoTruth, GnssReturn, LaneReturn, MarkKind
from volant.road import LaneGraph, LanePoint
from volant.road.borders import LaneBorders, lane_borders
from volant.sim.sensors_faults import FaultKind, SensorFault, fault_of

_R = TypeVar("_R", LaneReturn, GnssReturn)


@dataclass(frozen=True, slots=True)
class PlaceSensor:
    """Figures of the lane sensor and the receiver at one level."""

    lane_sigma_m: float
    lane_bias_m: float
    """Largest constant bias, drawn once for each drive."""
    heading_sigma_rad: float
    curvature_sigma_per_m: float
    width_sigma_m: float
    lane_miss_share: float
    lane_reach_m: float
    """Further from the lane's centre the lane is lost."""
    lane_latency_ticks: int
    gnss_drift_sigma_m: float
    gnss_drift_time_s: float
    gnss_white_sigma_m: float
    gnss_yaw_sigma_rad: float
    gnss_every_ticks: int
    source: str
    mark_wrong_share: float = 0.0
    """Share of half seconds in which broken and solid are mistaken."""
    count_wrong_share: float = 0.0
    """Share of seconds in which one lane more or less is counted on a side."""
    count_none_share: float = 0.0
    """Share of seconds in which the lanes beside cannot be counted."""


PERFECT: Final = PlaceSensor(
    lane_sigma_m=0.0,
    lane_bias_m=0.0,
    heading_sigma_rad=0.0,
    curvature_sigma_per_m=0.0,
    width_sigma_m=0.0,
    lane_miss_share=0.0,
    lane_reach_m=3.0,
    lane_latency_ticks=0,
    gnss_drift_sigma_m=0.0,
    gnss_drift_time_s=1.0,
    gnss_white_sigma_m=0.0,
    gnss_yaw_sigma_rad=0.0,
    gnss_every_ticks=1,
    source="by definition",
)
TYPICAL: Final = PlaceSensor(
    lane_sigma_m=0.05,
    lane_bias_m=0.05,
    heading_sigma_rad=math.radians(0.3),
    curvature_sigma_per_m=2e-4,
    width_sigma_m=0.05,
    lane_miss_share=0.02,
    lane_reach_m=2.5,
    lane_latency_ticks=1,
    gnss_drift_sigma_m=0.9,
    gnss_drift_time_s=60.0,
    gnss_white_sigma_m=0.4,
    gnss_yaw_sigma_rad=math.radians(0.5),
    gnss_every_ticks=2,
    source=(
        "0.05 m sigma and bias: the project's own figure; GNSS 1 to 2 m: notes/vehicle.md, section 6"
        " (recalled); heading, curvature, misses, drift time, marks and counts estimated"
    ),
    mark_wrong_share=0.03,
    count_wrong_share=0.05,
    count_none_share=0.2,
)
DEGRADED: Final = PlaceSensor(
    lane_sigma_m=0.08,
    lane_bias_m=0.05,
    heading_sigma_rad=math.radians(0.5),
    curvature_sigma_per_m=4e-4,
    width_sigma_m=0.1,
    lane_miss_share=0.06,
    lane_reach_m=2.5,
    lane_latency_ticks=1,
    gnss_drift_sigma_m=0.9,
    gnss_drift_time_s=60.0,
    gnss_white_sigma_m=0.4,
    gnss_yaw_sigma_rad=math.radians(0.5),
    gnss_every_ticks=2,
    source="typical with three times the lane misses (notes/vehicle.md, section 6); noise estimated",
    mark_wrong_share=0.08,
    count_wrong_share=0.1,
    count_none_share=0.4,
)
PLACE_LEVELS: Final[dict[str, PlaceSensor]] = {
    "perfect": PERFECT,
    "typical": TYPICAL,
    "degraded": DEGRADED,
}
_BURST_TICKS: Final = (4, 20)
_TICK_S: Final = 0.05
_MARK_TICKS: Final = 10
_COUNT_TICKS: Final = 20
_MOST_COUNT: Final = 3
"""More lanes beside are not counted: they lie too flat to the camera."""
_LATE_TICKS: Final = 8
_NOISY_M: Final = 0.5
_BESIDE_M: Final = 0.9
_JUMP_M: Final = 15.0


@dataclass(slots=True)
class PlaceSensors:
    """State of both: chance, drift, a run of misses, and what is under way."""

    figures: PlaceSensor
    graph: LaneGraph
    chance: Chance
    bias_m: float
    borders: LaneBorders
    painted: bool
    """The map knows of any paint at all."""
    mark_chance: Chance
    count_chances: tuple[Chance, Chance]
    """To the left and to the right."""
    faults: tuple[SensorFault, ...] = ()
    drift_x_m: float = 0.0
    drift_y_m: float = 0.0
    missing_until: int = -1
    tick: int = 0
    lanes_late: deque[LaneReturn | None] = field(default_factory=deque)
    gnss_late: deque[GnssReturn | None] = field(default_factory=deque)
    lane_held: LaneReturn | None = None
    gnss_held: GnssReturn | None = None


def make_place_sensors(
    level: str, graph: LaneGraph, chance: Chance, faults: tuple[SensorFault, ...] = ()
) -> PlaceSensors:
    """Lane sensor and receiver of a level (`PLACE_LEVELS`)."""
    borders = lane_borders(graph)
    nothing = (MarkKind.NONE, MarkKind.NONE)
    figures = PLACE_LEVELS[level]
    sigma = figures.gnss_drift_sigma_m
    return PlaceSensors(
        figures=figures,
        graph=graph,
        chance=chance,
        bias_m=chance.uniform(0, -figures.lane_bias_m, figures.lane_bias_m),
        borders=borders,
        painted=any(pair != nothing for pairs in borders.pairs for pair in pairs),
        mark_chance=chance.child("marks"),
        count_chances=(chance.child("count", 0), chance.child("count", 1)),
        faults=faults,
        drift_x_m=chance.normal(1, 0.0, sigma),
        drift_y_m=chance.normal(2, 0.0, sigma),
    )


def sense_place(
    state: PlaceSensors, ego: EgoTruth, at: LanePoint | None, stamp_ns: int
) -> tuple[LaneReturn | None, GnssReturn | None]:
    """One tick of both sensors; `at`: the car's true place on its lane."""
    now_s = seconds(stamp_ns)
    lane_fault = fault_of(state.faults, "lane", now_s)
    gnss_fault = fault_of(state.faults, "gnss", now_s)
    late = state.figures.lane_latency_ticks
    late += _LATE_TICKS if lane_fault is FaultKind.DELAYED else 0
    lane = _after(
        state.lanes_late,
        _broken_lane(state, _lane_return(state, ego, at, stamp_ns), lane_fault),
        late,
    )
    late = _LATE_TICKS if gnss_fault is FaultKind.DELAYED else 0
    gnss = _after(
        state.gnss_late, _broken_gnss(state, _gnss_return(state, ego, stamp_ns), gnss_fault), late
    )
    state.tick += 1
    return lane, gnss


def _after(waiting: deque[_R | None], seen: _R | None, ticks: int) -> _R | None:
    """What was seen so many ticks ago."""
    waiting.append(seen)
    ready = None
    while len(waiting) > ticks:
        ready = waiting.popleft() or ready
    return ready


def _broken_lane(
    state: PlaceSensors, seen: LaneReturn | None, kind: FaultKind | None
) -> LaneReturn | None:
    """What a broken lane sensor tells instead."""
    if kind is not FaultKind.FROZEN:
        state.lane_held = seen or state.lane_held
    if kind is None or seen is None:
        return seen
    if kind is FaultKind.LOST:
        return None
    if kind is FaultKind.FROZEN and state.lane_held is not None:
        return replace(state.lane_held, stamp_ns=seen.stamp_ns)
    if kind is FaultKind.NOISY:
        noise_m = state.chance.child("noisy", state.tick).normal(0, 0.0, _NOISY_M)
        return replace(seen, offset_m=seen.offset_m + noise_m)
    if kind is FaultKind.GHOSTS:
        return replace(seen, offset_m=seen.offset_m + _BESIDE_M)
    return seen


def _broken_gnss(
    state: PlaceSensors, seen: GnssReturn | None, kind: FaultKind | None
) -> GnssReturn | None:
    """What a broken receiver tells instead."""
    if kind is not FaultKind.FROZEN:
        state.gnss_held = seen or state.gnss_held
    if kind is None or seen is None:
        return seen
    if kind is FaultKind.LOST:
        return None
    if kind is FaultKind.FROZEN and state.gnss_held is not None:
        return replace(state.gnss_held, stamp_ns=seen.stamp_ns)
    if kind is FaultKind.NOISY:
        noise = state.chance.child("noisy", state.tick)
        shift = (noise.normal(1, 0.0, 10.0 * _NOISY_M), noise.normal(2, 0.0, 10.0 * _NOISY_M))
        return replace(seen, x_m=seen.x_m + shift[0], y_m=seen.y_m + shift[1])
    if kind is FaultKind.GHOSTS:
        return replace(seen, x_m=seen.x_m + _JUMP_M)
    return seen


def _lane_return(
    state: PlaceSensors, ego: EgoTruth, at: LanePoint | None, stamp_ns: int
) -> LaneReturn | None:
    figures, tick = state.figures, state.tick
    if at is None or abs(at.offset_m) > figures.lane_reach_m or tick < state.missing_until:
        return None
    chance = state.chance.child("lane", tick)
    frames = 0.5 * (_BURST_TICKS[0] + _BURST_TICKS[1] - 1)
    share = figures.lane_miss_share
    rate = share / ((1.0 - share) * frames)
    if share > 0.0 and chance.uniform(0) < rate / (1.0 + rate):
        state.missing_until = tick + chance.integer(1, *_BURST_TICKS)
        return None
    left, right = _marks(state, at)
    if left is MarkKind.NONE and right is MarkKind.NONE:
        return None
    one_side = left is MarkKind.NONE or right is MarkKind.NONE
    heading = wrap_angle_rad(ego.yaw_rad - at.heading_rad)
    return LaneReturn(
        stamp_ns=stamp_ns,
        offset_m=at.offset_m + state.bias_m + chance.normal(2, 0.0, figures.lane_sigma_m),
        heading_rad=heading + chance.normal(3, 0.0, figures.heading_sigma_rad),
        curvature_per_m=at.curvature_per_m + chance.normal(4, 0.0, figures.curvature_sigma_per_m),
        width_m=at.width_m + chance.normal(5, 0.0, figures.width_sigma_m),
        left_mark=left,
        right_mark=right,
        confidence=0.6 if one_side else 0.95,
        lanes_left=_count(state, at, 0),
        lanes_right=_count(state, at, 1),
    )


def _marks(state: PlaceSensors, at: LanePoint) -> tuple[MarkKind, MarkKind]:
    """Marks at both borders as the camera takes them to be."""
    lane = state.graph.lanes[at.lane]
    if not state.painted:
        if lane.junction is not None:
            return MarkKind.NONE, MarkKind.NONE
        left = MarkKind.BROKEN if lane.left is not None else MarkKind.EDGE
        return left, MarkKind.BROKEN if lane.right is not None else MarkKind.EDGE
    told = list(state.borders.at(at.lane, at.s_m))
    chance, block = state.mark_chance, state.tick // _MARK_TICKS
    for side, mark in enumerate(told):
        wrong = chance.uniform(2 * block + side) < state.figures.mark_wrong_share
        if wrong and mark in (MarkKind.BROKEN, MarkKind.SOLID):
            told[side] = MarkKind.SOLID if mark is MarkKind.BROKEN else MarkKind.BROKEN
    return told[0], told[1]


def _count(state: PlaceSensors, at: LanePoint, side: int) -> int | None:
    """Lanes of our direction on one side, as counted; None where that cannot be told."""
    lane = state.graph.lanes[at.lane]
    if lane.junction is not None:
        return None
    chance, block = state.count_chances[side], state.tick // _COUNT_TICKS
    if chance.uniform(2 * block) < state.figures.count_none_share:
        return None
    count, beside, seen = 0, lane.left if side == 0 else lane.right, {lane.index}
    while beside is not None and beside not in seen and count < _MOST_COUNT:
        count += 1
        seen.add(beside)
        other = state.graph.lanes[beside]
        beside = other.left if side == 0 else other.right
    draw = chance.uniform(2 * block + 1)
    if draw < state.figures.count_wrong_share:
        count += 1 if draw < 0.5 * state.figures.count_wrong_share or count == 0 else -1
    return count


def _gnss_return(state: PlaceSensors, ego: EgoTruth, stamp_ns: int) -> GnssReturn | None:
    """A fix: white noise on a slow first-order Gauss-Markov drift."""
    figures, tick = state.figures, state.tick
    chance = state.chance.child("gnss", tick)
    sigma = figures.gnss_drift_sigma_m
    if sigma > 0.0:
        keep = 1.0 - _TICK_S / figures.gnss_drift_time_s
        push = sigma * math.sqrt(1.0 - keep * keep)
        state.drift_x_m = keep * state.drift_x_m + chance.normal(0, 0.0, push)
        state.drift_y_m = keep * state.drift_y_m + chance.normal(1, 0.0, push)
    if tick % figures.gnss_every_ticks:
        return None
    white = figures.gnss_white_sigma_m
    return GnssReturn(
        stamp_ns=stamp_ns,
        x_m=ego.x_m + state.drift_x_m + chance.normal(2, 0.0, white),
        y_m=ego.y_m + state.drift_y_m + chance.normal(3, 0.0, white),
        z_m=ego.z_m + chance.normal(4, 0.0, 1.5 * white),
        yaw_rad=wrap_angle_rad(ego.yaw_rad + chance.normal(5, 0.0, figures.gnss_yaw_sigma_rad)),
        sigma_m=math.hypot(sigma, white),
    )
