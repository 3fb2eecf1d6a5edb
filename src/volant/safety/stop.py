"""The guard's own safe stop: which stop path may be trusted, where on it the car is, how to follow it.

The car is followed by wheels (speed) and IMU (yaw rate), in a frame of the guard's own, with the sideslip
of the rear axle that its lateral acceleration explains; lane.py moves the path to where the camera sees the
lane. Nothing here looks at other road users: emergency braking does.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

from volant.core.messages import StopPath


class StopTuning(msgspec.Struct, frozen=True, kw_only=True):
    """How a path is judged and how the car is stopped along it."""

    decel_mps2: float = 3.0
    """Wanted; the length of a stop path, v^2/6 + 30 m, is that of 3 m/s2 with 30 m to spare."""
    most_decel_mps2: float = 4.0
    """Where the path is short (UN R157 5.5, recalled)."""
    spare_m: float = 30.0
    """That a path is longer than its stop (DESIGN.md)."""
    end_m: float = 5.0
    """Kept free at the end of the path when the path decides how hard to brake."""
    start_m: float = 1.0
    """A path may start this far from the car that it was planned for: a quarter of a lane."""
    start_rad: float = 0.2
    """And point this far off its heading: more than a lane change at walking pace needs."""
    lateral_accel_mps2: float = 3.6
    """A path may ask for this while the car brakes along it: 3.0 and a bank of 0.06 g, as opendbc's
    safety code allows (lateral.h)."""
    most_curvature_per_m: float = 0.2
    """opendbc, MAX_CURVATURE; the car's own figure if lower."""
    bend_error_rad: float = 0.1
    """Most that heading by points and by the integral of curvature may differ anywhere."""
    bend_error: float = 0.05
    """And this share of all the turning until there, for sampling."""
    lookahead_s: float = 0.8
    """Feedback aims at this time ahead: four times the delay of a steering actuator."""
    lookahead_m: float = 5.0
    """And at least this far, about two wheelbases."""
    delay_s: float = 0.15
    """The path's own curvature is taken this far ahead, for the actuator's delay (estimated)."""
    lost_m: float = 2.0
    """Offset at which a path is given up: more than half a lane."""
    lost_sine: float = 0.5
    """And heading error: 30 degrees."""
    decay_s: float = 1.5
    """Without a path the present curvature fades in this time: a bend is left about straight on."""
    soft_decel_mps2: float = 0.4
    """Left at standstill, so that the car does not nod."""
    soft_rate_per_s: float = 1.0
    """Deceleration per speed in the last metres."""


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where the car is in the guard's own frame, by wheels and IMU since boot."""

    stamp_ns: int
    x_m: float
    y_m: float
    yaw_rad: float


class TrustedPath(msgspec.Struct, frozen=True):
    """A sane stop path, the place it starts from, and the last point that the car has passed."""

    path: StopPath
    origin: Place
    """By wheels and IMU."""
    index: int = 0
    held: Place | None = None
    """The same, as the camera's lane has it; None while that has said nothing."""

    @property
    def base(self) -> Place:
        """The place that the path is laid from."""
        return self.origin if self.held is None else self.held


class Beside(msgspec.Struct, frozen=True, gc=False):
    """Where a place lies on a path."""

    index: int
    """Of the last point passed."""
    along_m: float
    """From there."""
    offset_m: float
    """Left of the path."""
    lean_rad: float
    """Heading of the car against the straight line between the two points."""


class Follow(msgspec.Struct, frozen=True):
    """What following asks for at one tick."""

    trusted: TrustedPath
    curvature_per_m: float
    left_m: float
    """Of the path, ahead of the car."""
    lost: bool
    """The car is so far off that the path no longer says where the road goes."""


def move(
    place: Place,
    speed_mps: float,
    yaw_rate_rps: float,
    span_s: float,
    stamp_ns: int,
    slip_rad: float = 0.0,
) -> Place:
    """The place after a span at constant speed, yaw rate and slip of the rear axle (midpoint rule)."""
    way_m = speed_mps * span_s
    turn_rad = yaw_rate_rps * span_s
    middle_rad = place.yaw_rad + 0.5 * turn_rad + slip_rad
    return Place(
        stamp_ns,
        place.x_m + way_m * math.cos(middle_rad),
        place.y_m + way_m * math.sin(middle_rad),
        place.yaw_rad + turn_rad,
    )


def least_length_m(speed_mps: float, tuning: StopTuning) -> float:
    """How long a stop path must be: v^2/6 + 30 m (DESIGN.md)."""
    return speed_mps * speed_mps / (2.0 * tuning.decel_mps2) + tuning.spare_m


def fault_of(path: StopPath, speed_mps: float, tuning: StopTuning) -> str:
    """Why a path may not be trusted at a speed, as a code; empty when it may.

    Codes: `path_shape` (lengths of the columns, step), `path_number` (NaN, infinite), `path_short`,
    `path_start` (begins beside the car or across its heading), `path_gap` (points not a step apart),
    `path_bend` (curvature disagrees with the points, or is more than the car can turn or may take).
    """
    count = len(path.x_m)
    if count < 2 or len(path.y_m) != count or len(path.curvature_per_m) != count:
        return "path_shape"
    if not 0.0 < path.step_m <= _MOST_STEP_M:
        return "path_shape"
    if not math.isfinite(sum(path.x_m) + sum(path.y_m) + sum(path.curvature_per_m)):
        return "path_number"
    if (count - 1) * path.step_m < least_length_m(speed_mps, tuning) - path.step_m:
        return "path_short"
    heading_rad = math.atan2(path.y_m[1] - path.y_m[0], path.x_m[1] - path.x_m[0])
    if (
        path.x_m[0] * path.x_m[0] + path.y_m[0] * path.y_m[0] > tuning.start_m * tuning.start_m
        or abs(heading_rad) > tuning.start_rad
    ):
        return "path_start"
    return _fault_along(path, speed_mps, tuning)


def _fault_along(path: StopPath, speed_mps: float, tuning: StopTuning) -> str:
    """What the points themselves say: bends, gaps, and heading against the integral of curvature."""
    step_m = path.step_m
    square, loss = speed_mps * speed_mps, 2.0 * tuning.decel_mps2 * step_m
    for bend in path.curvature_per_m:
        size = abs(bend)
        if size > tuning.most_curvature_per_m or size * square > tuning.lateral_accel_mps2:
            return "path_bend"
        square = max(square - loss, 0.0)
    near, far = 0.9 * 0.9 * step_m * step_m, 1.1 * 1.1 * step_m * step_m
    per_square = 1.0 / (step_m * step_m)
    x_m, y_m, way_x, way_y = path.x_m[0], path.y_m[0], 0.0, 0.0
    error_rad, turned_rad = 0.0, 0.0
    for next_x, next_y, bend in zip(path.x_m[1:], path.y_m[1:], path.curvature_per_m, strict=False):
        dx_m, dy_m = next_x - x_m, next_y - y_m
        if not near < dx_m * dx_m + dy_m * dy_m < far:
            return "path_gap"
        if way_x or way_y:
            turn_rad = bend * step_m
            error_rad += (way_x * dy_m - way_y * dx_m) * per_square - turn_rad
            turned_rad += abs(turn_rad)
            if abs(error_rad) > tuning.bend_error_rad + tuning.bend_error * turned_rad:
                return "path_bend"
        x_m, y_m, way_x, way_y = next_x, next_y, dx_m, dy_m
    return ""


def place_at(places: tuple[Place, ...], stamp_ns: int) -> Place | None:
    """The remembered place at a stamp, None where it is older than memory or in the future."""
    if not places or stamp_ns > places[-1].stamp_ns:
        return None
    return next((place for place in reversed(places) if place.stamp_ns <= stamp_ns), None)


def beside(path: StopPath, base: Place, index: int, place: Place) -> Beside:
    """Where a place lies on a path that is laid from `base`; `index`: a point that it has passed."""
    cos, sin = math.cos(base.yaw_rad), math.sin(base.yaw_rad)
    dx_m, dy_m = place.x_m - base.x_m, place.y_m - base.y_m
    x_m, y_m = cos * dx_m + sin * dy_m, -sin * dx_m + cos * dy_m
    index = _advance(path, index, x_m, y_m)
    way_x = path.x_m[index + 1] - path.x_m[index]
    way_y = path.y_m[index + 1] - path.y_m[index]
    off_x, off_y = x_m - path.x_m[index], y_m - path.y_m[index]
    lean_rad = place.yaw_rad - base.yaw_rad - math.atan2(way_y, way_x)
    return Beside(
        index,
        (off_x * way_x + off_y * way_y) / path.step_m,
        (way_x * off_y - way_y * off_x) / path.step_m,
        math.remainder(lean_rad, math.tau),
    )


class InLane(msgspec.Struct, frozen=True, gc=False):
    """Where the path itself lies in its lane."""

    offset_m: float
    heading_rad: float
    """Of the straight line between its two points, against the lane at the place."""


def planned(path: StopPath, at: Beside) -> InLane | None:
    """How the path lies in its lane there; None where it does not tell, or crosses a line."""
    index = at.index
    if len(path.offset_m) != len(path.x_m) or at.along_m < 0.0:
        return None
    here_m, rise_m = path.offset_m[index], path.offset_m[index + 1] - path.offset_m[index]
    if not abs(rise_m) < _MOST_RISE * path.step_m:  # not a number, too
        return None
    share = min(at.along_m / path.step_m, 1.0)
    # That line lies along the lane's heading half-way between the points.
    turned_rad = path.curvature_per_m[index] * (share - 0.5) * path.step_m
    return InLane(here_m + share * rise_m, math.atan2(rise_m, path.step_m) - turned_rad)


def follow(
    trusted: TrustedPath, place: Place, speed_mps: float, tuning: StopTuning, slip_rad: float = 0.0
) -> Follow:
    """Curvature that leads along a trusted path, and how much of it is left.

    The path's curvature plus feedback of the offset at a lookahead distance L, gain 2/L^2: by distance
    the offset then obeys e'' + (2/L) e' + (2/L^2) e = 0, damped at 0.71 at any speed. What must lie along
    the path is the way that the rear axle takes: heading and slip.
    """
    path = trusted.path
    at = beside(path, trusted.base, trusted.index, place)
    across = math.sin(at.lean_rad + slip_rad)
    lookahead_m = max(tuning.lookahead_m, tuning.lookahead_s * speed_mps)
    ahead = at.index + int((at.along_m + tuning.delay_s * speed_mps) / path.step_m)
    bend = path.curvature_per_m[min(max(ahead, 0), len(path.x_m) - 1)]
    feedback = 2.0 * (at.offset_m + lookahead_m * across) / (lookahead_m * lookahead_m)
    left_m = (len(path.x_m) - 1 - at.index) * path.step_m - at.along_m
    lost = abs(at.offset_m) > tuning.lost_m or abs(across) > tuning.lost_sine
    followed = msgspec.structs.replace(trusted, index=at.index)
    return Follow(followed, bend - feedback, left_m, lost)


def _advance(path: StopPath, index: int, x_m: float, y_m: float) -> int:
    """The last point that a place has passed, never going back, short of the last point."""
    while index < len(path.x_m) - 2:
        way_x = path.x_m[index + 1] - path.x_m[index]
        way_y = path.y_m[index + 1] - path.y_m[index]
        if (x_m - path.x_m[index + 1]) * way_x + (y_m - path.y_m[index + 1]) * way_y < 0.0:
            break
        index += 1
    return index


def fade(curvature_per_m: float, span_s: float, tuning: StopTuning) -> float:
    """The present curvature a tick later when there is no path to follow."""
    return curvature_per_m * max(0.0, 1.0 - span_s / tuning.decay_s)


def stop_accel(speed_mps: float, left_m: float | None, tuning: StopTuning) -> float:
    """Acceleration that stops the car softly, harder where the path would end before the stop."""
    decel_mps2 = tuning.decel_mps2
    if left_m is not None:
        needed_mps2 = speed_mps * speed_mps / (2.0 * max(left_m - tuning.end_m, 1.0))
        decel_mps2 = min(max(decel_mps2, needed_mps2), tuning.most_decel_mps2)
    return -min(decel_mps2, tuning.soft_decel_mps2 + tuning.soft_rate_per_s * speed_mps)


_MOST_STEP_M: Final = 2.5
"""A coarser path does not describe a bend."""
_MOST_RISE: Final = 0.2
"""By distance: a path whose offset in its lane changes faster is in the midst of crossing a line."""
