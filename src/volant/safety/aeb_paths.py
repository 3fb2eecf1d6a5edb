"""Where the own car and another will be, and whether they meet: emergency braking's own prediction.

The own car goes on along the arc that it turns now; braking slows it along the same arc. Others go on
with their speed, or brake on as they brake now, and bend as our path bends where that is a road's bend
and not a turn. Everything is in the car frame at the present; only fronts are looked at: what runs into
our side is not helped by braking.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec


class Body(msgspec.Struct, frozen=True, gc=False):
    """The own car's outline."""

    length_m: float
    width_m: float
    rear_overhang_m: float


class Own(msgspec.Struct, frozen=True, gc=False):
    """The own motion now."""

    speed_mps: float
    accel_mps2: float
    """Not above zero: braking that is under way."""
    curvature_per_m: float
    body: Body


class Other(msgspec.Struct, frozen=True, gc=False):
    """Another's motion now, in the car frame."""

    x_m: float
    y_m: float
    vx_mps: float
    vy_mps: float
    accel_mps2: float
    """Along its motion, not above zero."""
    yaw_rad: float
    length_m: float
    width_m: float


class NearTuning(msgspec.Struct, frozen=True, kw_only=True):
    """When somebody ahead may call for more than comfort braking; wide on purpose."""

    needed_mps2: float = 2.5
    """Below the project's definition of an emergency (3.0), for the others may yet brake."""
    delay_s: float = 0.5
    """Until braking acts in full."""
    across_s: float = 4.0
    """Who reaches our way later than this does not count."""
    aside_m: float = 0.3
    """Who is so near to our way is in it."""
    least_mps: float = 0.1
    """Slower than this nobody comes over."""


class Meeting(msgspec.Struct, frozen=True, gc=False):
    """The first touch on a way."""

    time_s: float
    overlap_m: float
    """How much of the own front, across, the other covers."""
    side: bool
    """It comes into our side, behind the front corner."""
    closing_mps: float


def meets(
    own: Own, other: Other, delay_s: float, decel_mps2: float, margin_m: float, horizon_s: float
) -> Meeting | None:
    """The first touch if the car brakes so after a delay, None where there is none in time.

    Steps forward by the time in which the two could at most close the gap between their boxes.

    Args:
        own: the own motion.
        other: the other's.
        delay_s: until the braking acts in full; until then the car goes on as it does.
        decel_mps2: from then on; zero: never brakes more than it does now.
        margin_m: by which the other's box is lengthened along our way.
        horizon_s: how far to look.
    """
    body = own.body
    half_long, half_wide = 0.5 * body.length_m, 0.5 * body.width_m
    centre_m = half_long - body.rear_overhang_m
    other_speed = math.hypot(other.vx_mps, other.vy_mps)
    way_x, way_y = math.cos(other.yaw_rad), math.sin(other.yaw_rad)
    if other_speed > _STILL_MPS:
        way_x, way_y = other.vx_mps / other_speed, other.vy_mps / other_speed
    bend = own.curvature_per_m
    # On a road's bend others bend with it: their course turns as our arc does beneath them.
    turn_rps = 0.0 if abs(bend) > TURN_PER_M else bend * other.vx_mps
    other_long, other_wide = 0.5 * other.length_m + margin_m, 0.5 * other.width_m
    now_s = 0.0
    speed = own.speed_mps
    while now_s <= horizon_s:
        way_m, speed = _travel(own, now_s, delay_s, decel_mps2)
        turned = way_m * bend
        if abs(turned) < 1e-4:
            at_x, at_y, cos, sin = way_m, 0.5 * way_m * turned, 1.0, turned
        else:
            cos, sin = math.cos(turned), math.sin(turned)
            at_x, at_y = sin / bend, (1.0 - cos) / bend
        gone_m = _gone(other_speed, other.accel_mps2, now_s)
        half_turn = 0.5 * turn_rps * now_s
        dir_x, dir_y = way_x - half_turn * way_y, way_y + half_turn * way_x
        dx = other.x_m + gone_m * dir_x - at_x
        dy = other.y_m + gone_m * dir_y - at_y
        ahead, left = cos * dx + sin * dy - centre_m, cos * dy - sin * dx
        yaw = other.yaw_rad + 2.0 * half_turn - turned
        other_cos, other_sin = math.cos(yaw), math.sin(yaw)
        size_cos, size_sin = abs(other_cos), abs(other_sin)
        other_x = other_long * size_cos + other_wide * size_sin
        other_y = other_long * size_sin + other_wide * size_cos
        gap_x = abs(ahead) - half_long - other_x
        gap_y = abs(left) - half_wide - other_y
        own_long = half_long * size_cos + half_wide * size_sin
        own_wide = half_long * size_sin + half_wide * size_cos
        gap_long = abs(other_cos * ahead + other_sin * left) - other_long - own_long
        gap_wide = abs(other_cos * left - other_sin * ahead) - other_wide - own_wide
        gap = max(gap_x, gap_y, gap_long, gap_wide)
        if gap <= 0.0:
            side = ahead + other_x < half_long - _CORNER_M and gap_y > gap_x
            across = min(half_wide + other_y - abs(left), body.width_m)
            return Meeting(now_s, across, side, max(speed - other.vx_mps, 0.0))
        if speed == 0.0 and other_speed < _STILL_MPS:
            return None
        now_s += max(gap / (own.speed_mps + other_speed + 0.1), _LEAST_STEP_S)
    return None


def _travel(own: Own, now_s: float, delay_s: float, decel_mps2: float) -> tuple[float, float]:
    """Distance and speed of the own car at a time: as now until the delay, then braking."""
    start = own.speed_mps
    if decel_mps2 <= 0.0:
        return start * now_s, start
    first_s = min(now_s, delay_s)
    if start + own.accel_mps2 * first_s <= 0.0:
        return -0.5 * start * start / own.accel_mps2, 0.0
    way_m = start * first_s + 0.5 * own.accel_mps2 * first_s * first_s
    speed = start + own.accel_mps2 * first_s
    rest_s = min(now_s - first_s, speed / decel_mps2)
    way_m += speed * rest_s - 0.5 * decel_mps2 * rest_s * rest_s
    return way_m, speed - decel_mps2 * rest_s


def _gone(speed_mps: float, accel_mps2: float, now_s: float) -> float:
    """How far another has come, until it stands."""
    if accel_mps2 >= 0.0:
        return speed_mps * now_s
    rest_s = min(now_s, -speed_mps / accel_mps2)
    return speed_mps * rest_s + 0.5 * accel_mps2 * rest_s * rest_s


def may_meet(own: Own, other: Other, horizon_s: float) -> bool:
    """A quick look whether two could come together in time at all."""
    dx_m = other.x_m - 0.5 * own.body.length_m + own.body.rear_overhang_m
    reach_m = math.hypot(dx_m, other.y_m)
    reach_m -= 0.5 * (own.body.length_m + other.length_m) + _ROUND_M
    vx_mps, vy_mps = own.speed_mps - other.vx_mps, -other.vy_mps
    closing_mps = (vx_mps * dx_m + vy_mps * other.y_m) / max(math.hypot(dx_m, other.y_m), 1.0)
    turning_mps = 0.5 * abs(own.curvature_per_m) * own.speed_mps * own.speed_mps * horizon_s
    braking_mps = -0.5 * other.accel_mps2 * horizon_s
    return reach_m < horizon_s * (max(closing_mps, 0.0) + turning_mps + braking_mps + 1.0)


def aligned_bend(own: Own, other: Other) -> float:
    """Curvature of an arc from here that ends parallel to another: where the road may lead.

    What stands beside a bend, or drives on it, tells by its heading how much the road turns until there.
    Without such a word (it stands across, or is near) the own arc.
    """
    turned = math.remainder(other.yaw_rad, math.pi)
    way_m = other.x_m
    if abs(turned) > _ALONG_RAD or way_m < _NEAR_M:
        return own.curvature_per_m
    bend = turned / way_m
    strain_mps2 = abs(bend) * own.speed_mps * own.speed_mps
    if other.vx_mps > _DRIVES_MPS and strain_mps2 > _BEND_MPS2:
        # No road bends more than we could follow now: that one comes over into our way.
        return own.curvature_per_m
    return bend


def is_beside(own: Own, other: Other, time_s: float) -> bool:
    """Whether a vehicle that drives along beside us will have come half alongside at a time."""
    front_m = own.body.length_m - own.body.rear_overhang_m
    apart_m = abs(other.y_m) - 0.5 * (own.body.width_m + other.width_m)
    middle_m = other.x_m + (other.vx_mps - own.speed_mps) * time_s
    return other.vx_mps > _DRIVES_MPS and middle_m < front_m and apart_m > 0.0


def halt_mps2(own: Own, other: Other, unsure_mps: float) -> float:
    """Deceleration with which somebody beside our way would stop short of it; inf for who is in it.

    Zero for who does not come nearer. `unsure_mps` is left out of its speed: nobody is held to be
    beyond stopping by noise.
    """
    turned = own.curvature_per_m * other.x_m
    left_m = other.y_m - 0.5 * turned * other.x_m
    across_mps = other.vy_mps - turned * other.vx_mps
    cos, sin = abs(math.cos(other.yaw_rad - turned)), abs(math.sin(other.yaw_rad - turned))
    half_m = 0.5 * (own.body.width_m + other.length_m * sin + other.width_m * cos)
    room_m = abs(left_m) - half_m
    if room_m <= 0.0:
        return math.inf
    nearing_mps = max(-math.copysign(across_mps, left_m * across_mps) - unsure_mps, 0.0)
    return nearing_mps * nearing_mps / (2.0 * room_m)


def needed_decel(
    own: Own, other: Other, delay_s: float, margin_m: float, horizon_s: float
) -> float:
    """Least deceleration (m/s2) after a delay that avoids the touch, by halving; 12 where none does."""
    low, high = 0.0, MOST_DECEL_MPS2
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if meets(own, other, delay_s, middle, margin_m, horizon_s) is None:
            high = middle
        else:
            low = middle
    return high


_ALONG_RAD: Final = 0.6
"""What is turned further from our heading stands across the road."""
_NEAR_M: Final = 6.0
_DRIVES_MPS: Final = 1.0
"""Faster than this along our way another drives, and does not stand or walk."""
_BEND_MPS2: Final = 4.0
"""Lateral acceleration that drivers do not exceed in bends (recalled: 85 % stay below 3)."""
_STILL_MPS: Final = 0.3
"""Slower than this a course is not told from noise."""
TURN_PER_M: Final = 0.045
"""A tighter arc than 22 m is a turn at a junction, where others do not turn with us."""
_CORNER_M: Final = 0.6
"""What touches further behind the front corner than this is a touch of the side."""
_LEAST_STEP_S: Final = 0.02
_ROUND_M: Final = 1.0
"""Half the widths of both, roughly, for the quick look."""
MOST_DECEL_MPS2: Final = 12.0
_HALVINGS: Final = 5


def may_need(own: Own, other: Other, tuning: NearTuning) -> bool:
    """Whether another in our way, or on the way into it, may call for more than comfort braking.

    Wide on purpose: it does not ask for a touch, only whether there is a reason to brake at all.
    """
    body = own.body
    front_m = body.length_m - body.rear_overhang_m
    if other.x_m < 0.5 * front_m:
        return False
    aside_m = other.y_m - 0.5 * own.curvature_per_m * other.x_m * other.x_m
    across_mps = other.vy_mps - own.curvature_per_m * own.speed_mps * other.x_m
    clear_m = abs(aside_m) - 0.5 * (body.width_m + other.width_m) - tuning.aside_m
    if clear_m > 0.0:
        toward_mps = -math.copysign(1.0, aside_m) * across_mps
        if toward_mps < max(tuning.least_mps, clear_m / tuning.across_s):
            return False
    closing_mps = own.speed_mps - other.vx_mps
    if closing_mps <= 0.0:
        return False
    gap_m = other.x_m - 0.5 * other.length_m - front_m - closing_mps * tuning.delay_s
    return closing_mps * closing_mps > 2.0 * tuning.needed_mps2 * gap_m
