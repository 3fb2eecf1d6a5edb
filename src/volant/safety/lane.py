"""The lane offset straight from the car's camera: it moves the stop path to where the lane is seen.

Wheels and IMU alone leave the path by decimetres: a biased gyro, sideslip, a path planned beside the truth.
A small observer with fixed gains compares where the lane sensor has the car in its lane with where the path
has it, and shifts and turns the path about the car, slowly. The camera is not trusted either: a return that
is old, frozen, unsure, or says something else than a small error of dead reckoning (a neighbouring lane, a
mark beside the true one, a junction) is left out, and all returns together move the path by less than what
would take a car out of its lane.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

from volant.core.messages import LaneReturn
from volant.safety import stop
from volant.safety.stop import Place, TrustedPath


class LaneTuning(msgspec.Struct, frozen=True, kw_only=True):
    """Which returns of the lane sensor are believed, and how far they move a stop path."""

    least_confidence: float = 0.5
    """Of a sensor whose worst useful return, one line only, has 0.6."""
    least_width_m: float = 2.4
    """In roadworks (estimated)."""
    most_width_m: float = 5.0
    """Lanes are 2.75 to 3.75 m wide (RAL and RAA, recalled), wider in tight bends."""
    width_change_m: float = 0.4
    """Against the first return believed: where a lane widens to two its middle means nothing."""
    gate_m: float = 0.5
    """What dead reckoning may be off between two returns, with 0.1 m of noise: half a mark's distance."""
    gate_rad: float = 0.06
    """Likewise: the heading of a camera errs by 0.01 (two sigma)."""
    gain: float = 0.05
    """Of what a return says so much is taken: with 20 returns a second it is followed within 1 s."""
    most_step_m: float = 0.0125
    """At one return: 0.25 m/s, softer than a lane change by far."""
    most_step_rad: float = 0.0004
    """At one return: 0.008 rad/s is a gyro off by half a degree a second."""
    most_m: float = 0.5
    """All of them together, against dead reckoning: with its own 0.3 m a car 1.9 m wide is still within a
    lane of 3.5 m. More than that, and the lane is not believed any more in this stop."""
    most_rad: float = 0.08
    """Likewise: the heading after 10 s with a gyro off by half a degree a second."""


class LaneHold(msgspec.Struct, frozen=True, gc=False):
    """What is remembered of the lane sensor."""

    seen_ns: int = -1
    """Stamp of the last return looked at."""
    offset_m: float = math.nan
    heading_rad: float = math.nan
    width_m: float = math.nan
    """Of the first return believed in this stop; not a number before."""
    fault: str = ""
    """Why the last return was left out; empty when it was believed."""
    given_up: bool = False
    """All together were more than the bound: for the rest of this stop the lane is not believed."""


def take(
    hold: LaneHold,
    lane: LaneReturn | None,
    trusted: TrustedPath | None,
    places: tuple[Place, ...],
    tuning: LaneTuning,
) -> tuple[LaneHold, TrustedPath | None]:
    """Move the trusted path by a return of the lane sensor, where it may be believed.

    Args:
        hold: as remembered.
        lane: what came at this tick, if anything.
        trusted: the path that is followed.
        places: of the last half second, the present one last.
        tuning: see there.
    """
    if trusted is None:
        return hold, None
    if abs(_apart_m(trusted, places[-1])) > tuning.most_m:
        hold = msgspec.structs.replace(hold, fault="lane_far", given_up=True)
    if hold.given_up:
        return hold, _let_go(trusted, places[-1], tuning)
    if lane is None or lane.stamp_ns == hold.seen_ns:
        return hold, trusted
    fault, misses = _judge(hold, lane, trusted, places, tuning)
    width_m = lane.width_m if not fault and math.isnan(hold.width_m) else hold.width_m
    hold = LaneHold(lane.stamp_ns, lane.offset_m, lane.heading_rad, width_m, fault)
    if fault:
        return hold, trusted
    most_m, most_rad, gain = tuning.most_step_m, tuning.most_step_rad, tuning.gain
    turn_rad = min(max(gain * misses[1], -most_rad), most_rad)
    turned_rad = trusted.origin.yaw_rad - trusted.base.yaw_rad
    turn_rad = min(max(turn_rad, -tuning.most_rad - turned_rad), tuning.most_rad - turned_rad)
    aside_m = min(max(gain * misses[0], -most_m), most_m)
    return hold, _moved(trusted, places[-1], aside_m, turn_rad)


def _apart_m(trusted: TrustedPath, place: Place) -> float:
    """How far left of where dead reckoning has it the car is on the path, by the lane."""
    if trusted.held is None:
        return 0.0
    seen = stop.beside(trusted.path, trusted.held, trusted.index, place)
    reckoned = stop.beside(trusted.path, trusted.origin, trusted.index, place)
    return seen.offset_m - reckoned.offset_m


def _let_go(trusted: TrustedPath, place: Place, tuning: LaneTuning) -> TrustedPath:
    """The path at most as far aside as the bound, and softly turned back to where it was headed."""
    turned_rad = trusted.origin.yaw_rad - trusted.base.yaw_rad
    most_rad = tuning.most_step_rad
    turn_rad = min(max(-turned_rad, -most_rad), most_rad)
    apart_m = _apart_m(trusted, place)
    aside_m = min(max(apart_m, -tuning.most_m), tuning.most_m) - apart_m
    return _moved(trusted, place, aside_m, turn_rad)


def _judge(
    hold: LaneHold,
    lane: LaneReturn,
    trusted: TrustedPath,
    places: tuple[Place, ...],
    tuning: LaneTuning,
) -> tuple[str, tuple[float, float]]:
    """Why a return is left out, or by how much the car is further left and turned further left than thought.

    Codes: `lane_number`, `lane_unsure`, `lane_width`, `lane_frozen`, `lane_stamp`, `lane_unknown` (the path
    tells no offset there), `lane_jump`.
    """
    nothing = (0.0, 0.0)
    told = lane.offset_m + lane.heading_rad + lane.width_m + lane.confidence
    if not math.isfinite(told):
        return "lane_number", nothing
    if lane.confidence < tuning.least_confidence:
        return "lane_unsure", nothing
    if not tuning.least_width_m <= lane.width_m <= tuning.most_width_m:
        return "lane_width", nothing
    if abs(lane.width_m - hold.width_m) > tuning.width_change_m:
        return "lane_width", nothing
    if lane.offset_m == hold.offset_m and lane.heading_rad == hold.heading_rad:
        return "lane_frozen", nothing
    then = stop.place_at(places, lane.stamp_ns)
    if then is None or lane.stamp_ns < hold.seen_ns:
        return "lane_stamp", nothing
    at = stop.beside(trusted.path, trusted.base, max(trusted.index - _BACK, 0), then)
    path = stop.planned(trusted.path, at)
    if path is None:
        return "lane_unknown", nothing
    miss_m = lane.offset_m - path.offset_m - at.offset_m
    miss_rad = math.remainder(lane.heading_rad - path.heading_rad - at.lean_rad, math.tau)
    if abs(miss_m) > tuning.gate_m or abs(miss_rad) > tuning.gate_rad:
        return "lane_jump", nothing
    return "", (miss_m, miss_rad)


def _moved(trusted: TrustedPath, place: Place, aside_m: float, turn_rad: float) -> TrustedPath:
    """The path laid so that the car is further left on it, and turned further left."""
    base = trusted.base
    seen = stop.beside(trusted.path, base, trusted.index, place)
    cos, sin = math.cos(base.yaw_rad), math.sin(base.yaw_rad)
    dx_m, dy_m = place.x_m - base.x_m, place.y_m - base.y_m
    way_rad = place.yaw_rad - base.yaw_rad - seen.lean_rad
    x_m = cos * dx_m + sin * dy_m - aside_m * math.sin(way_rad)
    y_m = -sin * dx_m + cos * dy_m + aside_m * math.cos(way_rad)
    yaw_rad = base.yaw_rad - turn_rad
    cos, sin = math.cos(yaw_rad), math.sin(yaw_rad)
    held = Place(
        base.stamp_ns,
        place.x_m - (cos * x_m - sin * y_m),
        place.y_m - (sin * x_m + cos * y_m),
        yaw_rad,
    )
    return msgspec.structs.replace(trusted, held=held)


_BACK: Final = 6
"""Points that a car passes between a picture and its return: 0.3 s at 40 m/s."""
