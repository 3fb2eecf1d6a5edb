"""The lane sensor and the satellite receiver: where the car is, as it could know.

The lane sensor stands for the front camera's lane detection: offset, heading, curvature and width of
the own lane at the car, with white noise and one constant bias for each drive. It has nothing to say
where the lane has no marks on either side (in junctions), or where the car is not on a lane.
Simplified: the kind of a mark is told from whether it may be crossed and what lies beyond.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from volant.core.chance import Chance
from volant.core.geometry import wrap_angle_rad
from volant.core.messages import EgoTruth, GnssReturn, LaneReturn, MarkKind
from volant.road import Lane, LaneGraph, LanePoint


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
        " (recalled); heading, curvature, misses, drift time estimated"
    ),
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
)
PLACE_LEVELS: Final[dict[str, PlaceSensor]] = {
    "perfect": PERFECT,
    "typical": TYPICAL,
    "degraded": DEGRADED,
}
_BURST_TICKS: Final = (4, 20)
_TICK_S: Final = 0.05


@dataclass(slots=True)
class PlaceSensors:
    """State of both: chance, drift, a run of misses, and what is under way."""

    figures: PlaceSensor
    graph: LaneGraph
    chance: Chance
    bias_m: float
    drift_x_m: float = 0.0
    drift_y_m: float = 0.0
    missing_until: int = -1
    tick: int = 0
    late: LaneReturn | None = None


def make_place_sensors(level: str, graph: LaneGraph, chance: Chance) -> PlaceSensors:
    """Lane sensor and receiver of a level (`PLACE_LEVELS`)."""
    figures = PLACE_LEVELS[level]
    sigma = figures.gnss_drift_sigma_m
    return PlaceSensors(
        figures=figures,
        graph=graph,
        chance=chance,
        bias_m=chance.uniform(0, -figures.lane_bias_m, figures.lane_bias_m),
        drift_x_m=chance.normal(1, 0.0, sigma),
        drift_y_m=chance.normal(2, 0.0, sigma),
    )


def sense_place(
    state: PlaceSensors, ego: EgoTruth, at: LanePoint | None, stamp_ns: int
) -> tuple[LaneReturn | None, GnssReturn | None]:
    """One tick of both sensors; `at`: the car's true place on its lane."""
    seen = _lane_return(state, ego, at, stamp_ns)
    lane = seen
    if state.figures.lane_latency_ticks:
        lane, state.late = state.late, seen
    gnss = _gnss_return(state, ego, stamp_ns)
    state.tick += 1
    return lane, gnss


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
    lane = state.graph.lanes[at.lane]
    left, right = marks_beside(lane, at.s_m)
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
    )


def marks_beside(lane: Lane, s_m: float) -> tuple[MarkKind, MarkKind]:
    """Marks at the lane's left and right border; NONE inside junctions."""
    if lane.junction is not None:
        return MarkKind.NONE, MarkKind.NONE
    left, right = MarkKind.SOLID, MarkKind.SOLID
    if lane.left is not None and lane.may_change_left(s_m):
        left = MarkKind.BROKEN
    if lane.right is not None and lane.may_change_right(s_m):
        right = MarkKind.BROKEN
    return left, right


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
