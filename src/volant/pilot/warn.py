"""Warnings while a person steers: leaving the lane, a gentle steer back into it, who is in the blind spot.

Needs the camera's lane, wheels and gyro, and the tracks; no map, so it works where the pilot does not.
The correction is small, ends with the driver's own torque in the same tick, and is never asked for with
the indicator set.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import msgspec
from msgspec.structs import replace

from volant.core.clock import NS_PER_S
from volant.core.messages import CarState, Indicator, LaneReturn, LaneWarning, MarkKind, Tracks
from volant.pilot.geometry import CarGeometry


@dataclass(frozen=True, slots=True)
class WarnTuning:
    """Times and distances of the warnings."""

    line_s: float = 0.8
    """Lane departure is told this long before the front wheel is on the line. ISO 17361 wants it between
    1.5 m before and 0.3 m after the line (recalled)."""
    line_m: float = 0.05
    """Nearer than this it is told in any case, unless the car is on its way back."""
    drift_mps: float = 0.1
    """Slower than this nobody leaves a lane; the camera's noise stays below it (estimated)."""
    hold_s: float = 1.0
    """A warning lasts at least so long (hmi notes 9.5)."""
    lane_age_s: float = 0.5
    """Without the lane for longer nothing is known of it."""
    confidence: float = 0.5
    """Least of a lane return."""
    gain: float = 0.35
    """Share of what a lane return says anew; the rest is carried on by wheels and gyro."""
    keep_s: float = 1.2
    """The steer back begins this long before the line (chosen, before the warning)."""
    keep_m: float = 0.35
    """It ends when the wheel is this far inside the line and the car no longer drifts out (chosen)."""
    keep_mps: float = 0.25
    """Drift back into the lane that it aims at (chosen)."""
    keep_gain_per_s: float = 2.0
    """Across: acceleration per drift that is wrong (chosen)."""
    keep_mps2: float = 1.5
    """Most that it adds; ISO 11270 allows 3.0 (read in opendbc)."""
    keep_mps3: float = 2.5
    """Its jerk; ISO 11270 allows 5.0 (read in opendbc)."""
    torque_nm: float = 3.0
    """Hands that steer end the correction (safety/driver.py has the same)."""
    side_m: float = 3.0
    """The blind spot reaches this far out from the car's side (ISO 17387, recalled)."""
    near_m: float = 0.2
    """Nearer than this it is a touch and no neighbour (chosen)."""
    behind_m: float = 3.0
    """And this far back from the rear bumper (ISO 17387, recalled)."""
    mirror_m: float = 2.0
    """And forward to the driver's eyes, ahead of the rear axle (estimated)."""
    closing_s: float = 3.5
    """Who comes up beside us within this time counts; told at 2.5 s at the latest (pilot.md section 5)."""
    closing_m: float = 70.0
    """And from no farther than this (ISO 17387, type C, recalled)."""
    moving_mps: float = 1.0
    """Slower than this it is parked or waits, and is not told."""
    along_rad: float = 0.8
    """Who goes our way: heading within 45 degrees."""
    clear_s: float = 0.3
    """The lamp stays on this long after the last sight."""


class WarnInput(msgspec.Struct, frozen=True):
    """What a control tick brings."""

    stamp_ns: int
    car: CarState
    lane: LaneReturn | None
    """Newly arrived."""
    tracks: Tracks | None
    """Newly made, in the world frame of `x_m`, `y_m`, `yaw_rad`."""
    x_m: float
    y_m: float
    yaw_rad: float
    departure: bool
    """Lane departure warning may act."""
    keeping: bool
    """Lane keeping may act: the driver steers."""
    blind_spot: bool
    """Blind spot detection may act."""


class Lines(msgspec.Struct, frozen=True):
    """The own lane, carried on from the last return."""

    stamp_ns: int = -1
    seen_ns: int = -1
    offset_m: float = 0.0
    """Of the rear axle's middle from the lane's, left positive."""
    heading_rad: float = 0.0
    curvature_per_m: float = 0.0
    width_m: float = 0.0
    left: bool = False
    """There is a line on the left."""
    right: bool = False


class WarnState(msgspec.Struct, frozen=True):
    """What is told, and what it follows from."""

    lines: Lines = msgspec.field(default_factory=Lines)
    departure: LaneWarning = LaneWarning.NONE
    departure_ns: int = 0
    keeping: LaneWarning = LaneWarning.NONE
    """The side that the car is kept from."""
    keep_mps2: float = 0.0
    """Asked for across, left positive."""
    left_ns: int = -1
    """Last sight of somebody in the left blind spot, -1 for none."""
    right_ns: int = -1
    blind_left: bool = False
    blind_right: bool = False


def step(state: WarnState, given: WarnInput, car: CarGeometry, tuning: WarnTuning) -> WarnState:
    """One control tick."""
    lines = _carry_on(state.lines, given, tuning)
    side = _leaving(lines, given, car, tuning.line_s, tuning.line_m, tuning)
    state = replace(state, lines=lines)
    state = _departure(state, side if given.departure else LaneWarning.NONE, given, tuning)
    state = _keep(state, given, car, tuning)
    return _blind_spot(state, given, car, tuning)


def correction_per_m(state: WarnState, speed_mps: float) -> float:
    """The steer back into the lane as curvature, left positive; none at a speed that is no number."""
    if not math.isfinite(speed_mps):
        return 0.0
    speed_mps = max(speed_mps, _SLOWEST_MPS)
    return state.keep_mps2 / (speed_mps * speed_mps)  # a power would raise where this overflows


def _carry_on(lines: Lines, given: WarnInput, tuning: WarnTuning) -> Lines:
    """Where the car is between its lines by now."""
    car, lane = given.car, given.lane
    if not (car.valid and math.isfinite(car.speed_mps + car.yaw_rate_rps)):
        return Lines()
    if lines.seen_ns >= 0:
        span_s = min(max((given.stamp_ns - lines.stamp_ns) / NS_PER_S, 0.0), 0.1)
        lines = _roll(lines, car, span_s, given.stamp_ns)
    if lane is None or not _is_good(lane, given.stamp_ns, tuning):
        old_ns = round(tuning.lane_age_s * NS_PER_S)
        return lines if given.stamp_ns - lines.seen_ns <= old_ns else Lines()
    seen = Lines(
        stamp_ns=given.stamp_ns,
        seen_ns=lane.stamp_ns,
        offset_m=lane.offset_m,
        heading_rad=lane.heading_rad,
        curvature_per_m=lane.curvature_per_m,
        width_m=lane.width_m,
        left=lane.left_mark is not MarkKind.NONE,
        right=lane.right_mark is not MarkKind.NONE,
    )
    span_s = min(max((given.stamp_ns - lane.stamp_ns) / NS_PER_S, 0.0), 0.5)
    seen = _roll(seen, car, span_s, given.stamp_ns)
    apart_m = seen.offset_m - lines.offset_m
    if lines.seen_ns < 0 or abs(apart_m) > _JUMP_M:
        return seen  # the first, or another lane
    gain = tuning.gain
    return replace(
        seen,
        offset_m=lines.offset_m + gain * apart_m,
        heading_rad=lines.heading_rad + gain * (seen.heading_rad - lines.heading_rad),
    )


def _roll(lines: Lines, car: CarState, span_s: float, stamp_ns: int) -> Lines:
    speed_mps = car.speed_mps
    turn_rps = car.yaw_rate_rps - speed_mps * lines.curvature_per_m
    heading_rad = lines.heading_rad + turn_rps * span_s
    middle_rad = 0.5 * (heading_rad + lines.heading_rad)
    offset_m = lines.offset_m + speed_mps * math.sin(middle_rad) * span_s
    return replace(lines, stamp_ns=stamp_ns, offset_m=offset_m, heading_rad=heading_rad)


def _is_good(lane: LaneReturn, stamp_ns: int, tuning: WarnTuning) -> bool:
    numbers = lane.offset_m + lane.heading_rad + lane.curvature_per_m + lane.width_m
    return (
        math.isfinite(numbers)
        and lane.confidence >= tuning.confidence
        and 2.0 <= lane.width_m <= 6.0
        and abs(lane.heading_rad) < 0.5
        and abs(lane.curvature_per_m) < 0.2
        and 0 <= stamp_ns - lane.stamp_ns <= round(tuning.lane_age_s * NS_PER_S)
    )


def _rooms_m(lines: Lines, car: CarGeometry) -> tuple[float, float]:
    """From the front wheels' outer edges to the left and to the right line."""
    front_m = lines.offset_m + car.wheelbase_m * math.sin(lines.heading_rad)
    half_m = 0.5 * (lines.width_m - car.width_m)
    return half_m - front_m, half_m + front_m


def _leaving(
    lines: Lines,
    given: WarnInput,
    car: CarGeometry,
    line_s: float,
    line_m: float,
    tuning: WarnTuning,
) -> LaneWarning:
    """The side on which the car is about to leave its lane unasked."""
    if lines.seen_ns < 0 or given.car.indicator is Indicator.HAZARD:
        return LaneWarning.NONE
    left_m, right_m = _rooms_m(lines, car)
    drift_mps = given.car.speed_mps * math.sin(lines.heading_rad)
    for side, line, room_m, out_mps, lamp in (
        (LaneWarning.LEFT, lines.left, left_m, drift_mps, Indicator.LEFT),
        (LaneWarning.RIGHT, lines.right, right_m, -drift_mps, Indicator.RIGHT),
    ):
        if not line or given.car.indicator is lamp or out_mps < -tuning.drift_mps:
            continue
        drifts = out_mps > tuning.drift_mps and room_m < line_s * out_mps
        if drifts or room_m < line_m:
            return side
    return LaneWarning.NONE


def _departure(
    state: WarnState, side: LaneWarning, given: WarnInput, tuning: WarnTuning
) -> WarnState:
    if side is not LaneWarning.NONE:
        return replace(state, departure=side, departure_ns=given.stamp_ns)
    held_ns = given.stamp_ns - state.departure_ns
    if state.departure is LaneWarning.NONE:
        return state
    if given.departure and held_ns < round(tuning.hold_s * NS_PER_S):
        return state
    return replace(state, departure=LaneWarning.NONE)


def _keep(state: WarnState, given: WarnInput, car: CarGeometry, tuning: WarnTuning) -> WarnState:
    """Steer back softly; let go at once when the driver's hands do it."""
    torque_nm = given.car.driver.wheel_torque_nm
    free = given.keeping and abs(torque_nm) <= tuning.torque_nm  # not with NaN either
    if not free or state.lines.seen_ns < 0 or given.car.indicator is not Indicator.OFF:
        if state.keeping is LaneWarning.NONE and state.keep_mps2 == 0.0:
            return state
        return replace(state, keeping=LaneWarning.NONE, keep_mps2=0.0)
    lines = state.lines
    side = state.keeping
    if side is LaneWarning.NONE:
        side = _leaving(lines, given, car, tuning.keep_s, tuning.line_m, tuning)
    wanted_mps2 = 0.0
    if side is not LaneWarning.NONE:
        sign = 1.0 if side is LaneWarning.LEFT else -1.0
        room_m = _rooms_m(lines, car)[0 if sign > 0.0 else 1]
        out_mps = sign * given.car.speed_mps * math.sin(lines.heading_rad)
        if room_m > tuning.keep_m and out_mps < 0.5 * tuning.drift_mps:
            # Inside again: straighten out, then let go.
            wanted_mps2 = -sign * tuning.keep_gain_per_s * out_mps
            if abs(out_mps) < 0.5 * tuning.drift_mps:
                side, wanted_mps2 = LaneWarning.NONE, 0.0
        else:
            wanted_mps2 = -sign * tuning.keep_gain_per_s * (out_mps + tuning.keep_mps)
    wanted_mps2 = min(max(wanted_mps2, -tuning.keep_mps2), tuning.keep_mps2)
    most = tuning.keep_mps3 * _TICK_S
    change_mps2 = min(max(wanted_mps2 - state.keep_mps2, -most), most)
    return replace(state, keeping=side, keep_mps2=state.keep_mps2 + change_mps2)


def _blind_spot(
    state: WarnState, given: WarnInput, car: CarGeometry, tuning: WarnTuning
) -> WarnState:
    if not given.blind_spot:
        if state.left_ns < 0 and state.right_ns < 0:
            return state
        return replace(state, left_ns=-1, right_ns=-1, blind_left=False, blind_right=False)
    left_ns, right_ns = state.left_ns, state.right_ns
    if given.tracks is not None:
        left, right = _beside(given.tracks, given, car, tuning)
        left_ns = given.stamp_ns if left else left_ns
        right_ns = given.stamp_ns if right else right_ns
    elif left_ns < 0 and right_ns < 0:
        return state
    clear_ns = round(tuning.clear_s * NS_PER_S)
    return replace(
        state,
        left_ns=left_ns,
        right_ns=right_ns,
        blind_left=left_ns >= 0 and given.stamp_ns - left_ns <= clear_ns,
        blind_right=right_ns >= 0 and given.stamp_ns - right_ns <= clear_ns,
    )


def _beside(
    tracks: Tracks, given: WarnInput, car: CarGeometry, tuning: WarnTuning
) -> tuple[bool, bool]:
    """Whether somebody is, or will soon be, beside the car on the left and on the right."""
    cos, sin = math.cos(given.yaw_rad), math.sin(given.yaw_rad)
    speed_mps = given.car.speed_mps
    bend_per_m = given.car.yaw_rate_rps / speed_mps if speed_mps > 3.0 else 0.0
    left = right = False
    for track in tracks.tracks:
        turn_rad = math.remainder(track.yaw_rad - given.yaw_rad, math.tau)
        if abs(turn_rad) > tuning.along_rad or track.speed_mps < tuning.moving_mps:
            continue
        dx_m, dy_m = track.x_m - given.x_m, track.y_m - given.y_m
        ahead_m = cos * dx_m + sin * dy_m
        # Beside the road as it bends, not beside the car's own axis.
        aside_m = -sin * dx_m + cos * dy_m - 0.5 * bend_per_m * ahead_m * ahead_m
        gap_m = abs(aside_m) - 0.5 * (track.width_m + car.width_m)
        if not tuning.near_m <= gap_m <= tuning.side_m:
            continue
        rear_m = ahead_m - 0.5 * track.length_m
        front_m = ahead_m + 0.5 * track.length_m
        back_m = -car.rear_overhang_m - tuning.behind_m
        within = rear_m < tuning.mirror_m and front_m > back_m
        behind_m = -car.rear_overhang_m - front_m
        closing_mps = track.speed_mps * math.cos(turn_rad) - speed_mps
        comes = 0.0 < behind_m < min(tuning.closing_m, closing_mps * tuning.closing_s)
        if within or comes:
            left, right = left or aside_m > 0.0, right or aside_m < 0.0
    return left, right


_JUMP_M: Final = 1.0
"""A return this far from where the car is believed to be between its lines is of another lane."""
_SLOWEST_MPS: Final = 8.0
"""Below it a correction would turn the wheel too far; lane keeping begins well above."""
_TICK_S: Final = 0.01
"""A control tick."""
