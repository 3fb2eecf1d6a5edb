"""Curves that join one pose to another exactly: straights and clothoid bends, nothing fitted by eye.

A bend here has clothoids of a fixed share of its radius at both ends, so its shape is the same at
every size and a fit is one division.
"""

from __future__ import annotations

import math
from typing import Final

from volant.core.geometry import Pose
from volant.road.trace import JOIN_M, Stroke, draw, turn

# Clothoid length over radius; where a bend turns little, at most this share of its angle.
EASING: Final = 0.4
EASING_OF_ANGLE: Final = 0.6
_PARALLEL_RAD: Final = 1e-6


def connect(start: Pose, goal: Pose, widest_m: float = math.inf) -> list[Stroke]:
    """Strokes from a pose to a pose: a straight, a bend or a double bend, as round as there is room.

    No radius is above `widest_m`; the rest is straight.

    Raises:
        ValueError: the goal lies behind, or is turned away so far that one bend cannot do it.
    """
    dx, dy = goal.x_m - start.x_m, goal.y_m - start.y_m
    cos, sin = math.cos(start.yaw_rad), math.sin(start.yaw_rad)
    ahead, aside = dx * cos + dy * sin, dy * cos - dx * sin
    angle = math.remainder(goal.yaw_rad - start.yaw_rad, 2.0 * math.pi)
    if abs(angle) < _PARALLEL_RAD:
        return _shift(ahead, aside)
    to_goal = aside / math.sin(angle)  # from where both straights cross, to the goal
    to_bend = ahead - to_goal * math.cos(angle)
    room = min(to_bend, to_goal)
    if room <= 0.0:
        raise ValueError(
            f"no bend of {math.degrees(angle):.1f} degrees from {start} to {goal}:"
            f" {to_bend:.1f} m before it, {to_goal:.1f} m behind it"
        )
    radius = min(room / tangent_m(angle), widest_m)
    used = radius * tangent_m(angle)
    return [
        *_straight(to_bend - used),
        *_bend(angle, radius),
        *_straight(to_goal - used),
    ]


def tangent_m(angle_rad: float) -> float:
    """From a bend's start to where its tangents cross, for a radius of 1 m."""
    _pieces, end = draw(Pose(0.0, 0.0, 0.0), _bend(angle_rad, 1.0))
    return end.x_m - end.y_m / math.tan(angle_rad)


def _bend(angle_rad: float, radius_m: float) -> list[Stroke]:
    easing = min(EASING, EASING_OF_ANGLE * abs(angle_rad))
    return turn(angle_rad, radius_m, easing * radius_m)


def _straight(length_m: float) -> list[Stroke]:
    return [Stroke(length_m)] if length_m > JOIN_M else []


def _shift(ahead_m: float, aside_m: float) -> list[Stroke]:
    """To a parallel line: straight, or two equal bends against each other."""
    if ahead_m <= 0.0:
        raise ValueError(f"the goal lies {-ahead_m:.1f} m behind")
    if abs(aside_m) < JOIN_M:
        return [Stroke(ahead_m)]
    angle = 2.0 * math.atan2(aside_m, ahead_m)
    radius = ahead_m / (2.0 * (1.0 + math.cos(angle))) / tangent_m(angle)
    return [*_bend(angle, radius), *_bend(-angle, radius)]
