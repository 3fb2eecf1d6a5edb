"""Who drives what: kinds of drivers with their parameters, and the bodies they drive.

IDM and MOBIL ranges: Treiber and Kesting, Traffic Flow Dynamics (2013), tables 11.2 and 14.1: time
gap 1.0 to 1.8 s, standstill gap 2 m, acceleration 1 to 1.5 m/s2, comfortable braking 1.5 to 2 m/s2,
politeness 0 to 0.5, threshold 0.1 m/s2, safe braking 4 m/s2. The spread of the special kinds around
them is an estimate; duration of lane changes 3 to 5 s (Toledo and Zohar 2007: mean 4.6 s; recalled).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from volant.core.chance import Chance
from volant.sim.columns import Actor, BodyClass, DriverKind

Share = Annotated[float, Meta(ge=0.0, le=1.0)]


class DriverMix(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Shares of driver kinds; what is left to 1 drives normally."""

    aggressive: Share = 0.12
    distracted: Share = 0.10
    cutting_in: Share = 0.10
    slow: Share = 0.08
    lorry: Share = 0.12
    hard_braking: Share = 0.03
    motorcycle: Share = 0.04
    cyclist: Share = 0.08
    """Where cyclists may ride; elsewhere a normal driver takes the place."""
    broken: Share = 0.01

    def __post_init__(self) -> None:
        """Raise ValueError where the shares sum to more than one."""
        if sum(share for _kind, share in shares_of(self)) > 1.0:
            raise ValueError("shares of driver kinds sum to more than 1")


def shares_of(mix: DriverMix) -> tuple[tuple[DriverKind, float], ...]:
    """Every special kind with its share, in the order of drawing."""
    return (
        (DriverKind.AGGRESSIVE, mix.aggressive),
        (DriverKind.DISTRACTED, mix.distracted),
        (DriverKind.CUTTING_IN, mix.cutting_in),
        (DriverKind.SLOW, mix.slow),
        (DriverKind.LORRY, mix.lorry),
        (DriverKind.HARD_BRAKING, mix.hard_braking),
        (DriverKind.MOTORCYCLE, mix.motorcycle),
        (DriverKind.CYCLIST, mix.cyclist),
        (DriverKind.BROKEN, mix.broken),
    )


@dataclass(frozen=True, slots=True)
class Span:
    """A range that a driver's parameter is drawn from, evenly."""

    low: float
    high: float

    def at(self, part: float) -> float:
        """The value at a part of the range, 0 to 1."""
        return self.low + part * (self.high - self.low)


# Order of draws is fixed by the order of these columns: append, never insert.
_NORMAL: Final[dict[Actor, Span]] = {
    Actor.FACTOR: Span(0.92, 1.06),
    Actor.TIME_GAP: Span(1.0, 1.8),
    Actor.STAND_GAP: Span(1.8, 2.8),
    Actor.ACCEL_MAX: Span(1.1, 1.6),
    Actor.BRAKE_COMFORT: Span(1.6, 2.2),
    Actor.POLITENESS: Span(0.1, 0.4),
    Actor.THRESHOLD: Span(0.1, 0.25),
    Actor.BRAKE_SAFE: Span(2.0, 3.0),
    Actor.CHANGE_TIME: Span(3.5, 5.0),
    Actor.SIGNAL_TIME: Span(0.8, 1.8),
    Actor.WANDER: Span(0.05, 0.2),
    Actor.WAVE: Span(150.0, 350.0),
    Actor.PHASE: Span(0.0, 6.283),
    Actor.TOP_SPEED: Span(38.0, 42.0),
    Actor.CUT_GAP: Span(50.0, 50.0),
    Actor.EXIT_SHARE: Span(0.12, 0.12),
}
_SPECIAL: Final[dict[DriverKind, dict[Actor, Span]]] = {
    DriverKind.NORMAL: {},
    DriverKind.AGGRESSIVE: {
        Actor.FACTOR: Span(1.08, 1.2),
        Actor.TIME_GAP: Span(0.7, 0.95),
        Actor.ACCEL_MAX: Span(1.8, 2.4),
        Actor.BRAKE_COMFORT: Span(2.2, 2.8),
        Actor.POLITENESS: Span(0.0, 0.0),
        Actor.THRESHOLD: Span(0.05, 0.1),
        Actor.BRAKE_SAFE: Span(3.5, 4.0),
        Actor.CHANGE_TIME: Span(3.0, 3.4),
        Actor.SIGNAL_TIME: Span(0.2, 0.5),
    },
    DriverKind.DISTRACTED: {
        Actor.FACTOR: Span(0.88, 1.0),
        Actor.TIME_GAP: Span(1.4, 2.0),
        Actor.WANDER: Span(0.2, 0.35),
        Actor.SIGNAL_TIME: Span(0.0, 0.5),
    },
    DriverKind.CUTTING_IN: {
        Actor.FACTOR: Span(1.0, 1.12),
        Actor.TIME_GAP: Span(0.9, 1.2),
        Actor.ACCEL_MAX: Span(1.6, 2.2),
        Actor.CHANGE_TIME: Span(3.0, 3.6),
        Actor.SIGNAL_TIME: Span(0.3, 0.8),
        Actor.CUT_GAP: Span(7.0, 14.0),
    },
    DriverKind.SLOW: {Actor.FACTOR: Span(0.72, 0.85), Actor.TIME_GAP: Span(1.6, 2.2)},
    DriverKind.LORRY: {
        Actor.FACTOR: Span(0.9, 1.0),
        Actor.TIME_GAP: Span(1.6, 2.2),
        Actor.STAND_GAP: Span(2.5, 3.5),
        Actor.ACCEL_MAX: Span(0.6, 0.9),
        Actor.BRAKE_COMFORT: Span(1.4, 1.8),
        Actor.CHANGE_TIME: Span(4.5, 6.0),
        Actor.TOP_SPEED: Span(22.2, 25.0),
        Actor.WANDER: Span(0.05, 0.12),
    },
    DriverKind.HARD_BRAKING: {},
    DriverKind.MOTORCYCLE: {
        Actor.FACTOR: Span(1.0, 1.12),
        Actor.ACCEL_MAX: Span(2.0, 3.0),
        Actor.WANDER: Span(0.1, 0.4),
        Actor.CHANGE_TIME: Span(3.0, 4.0),
    },
    # Cyclists in towns ride 15 to 25 km/h (notes of the issue); their accelerations are estimates.
    DriverKind.CYCLIST: {
        Actor.TOP_SPEED: Span(4.2, 6.9),
        Actor.ACCEL_MAX: Span(0.7, 1.1),
        Actor.BRAKE_COMFORT: Span(1.5, 2.0),
        Actor.TIME_GAP: Span(1.0, 1.4),
        Actor.WANDER: Span(0.05, 0.12),
        Actor.WAVE: Span(15.0, 30.0),
    },
    DriverKind.BROKEN: {},
}


@dataclass(frozen=True, slots=True)
class Body:
    """Outer measures of one class of vehicle."""

    body: BodyClass
    length_m: Span
    width_m: Span
    height_m: Span
    share: float


# Cars: sizes from city car to large SUV of common makes; a rigid lorry and an articulated one within
# the 2.55 m and 16.5 m of Directive 96/53/EC; all recalled.
_CARS: Final = (
    Body(BodyClass.CAR, Span(3.6, 4.1), Span(1.65, 1.78), Span(1.45, 1.55), 0.25),
    Body(BodyClass.CAR, Span(4.2, 4.6), Span(1.78, 1.86), Span(1.42, 1.62), 0.45),
    Body(BodyClass.CAR, Span(4.6, 5.0), Span(1.84, 1.96), Span(1.45, 1.75), 0.30),
)
_LORRIES: Final = (
    Body(BodyClass.LORRY, Span(7.5, 10.0), Span(2.35, 2.5), Span(3.0, 3.6), 0.4),
    Body(BodyClass.LORRY, Span(15.5, 16.5), Span(2.5, 2.55), Span(3.8, 4.0), 0.45),
    Body(BodyClass.BUS, Span(11.5, 12.5), Span(2.5, 2.55), Span(3.1, 3.5), 0.15),
)
_MOTORCYCLES: Final = (
    Body(BodyClass.MOTORCYCLE, Span(2.0, 2.3), Span(0.75, 0.9), Span(1.3, 1.5), 1.0),
)
_BICYCLES: Final = (
    Body(BodyClass.CYCLIST, Span(1.75, 1.9), Span(0.55, 0.65), Span(1.65, 1.85), 1.0),
)
_BODIES: Final = {
    DriverKind.LORRY: _LORRIES,
    DriverKind.MOTORCYCLE: _MOTORCYCLES,
    DriverKind.CYCLIST: _BICYCLES,
}


def draw_kind(mix: DriverMix, chance: Chance) -> DriverKind:
    """The kind of driver of one life, by the shares of the mix."""
    part = chance.uniform(0)
    for kind, share in shares_of(mix):
        if part < share:
            return kind
        part -= share
    return DriverKind.NORMAL


def draw_driver(kind: DriverKind, chance: Chance, row: NDArray[np.float64]) -> BodyClass:
    """Fill the parameter columns of one actor's float row; gives the class of its body."""
    special = _SPECIAL[kind]
    for counter, (column, span) in enumerate(_NORMAL.items()):
        row[column] = special.get(column, span).at(chance.uniform(1 + counter))
    bodies = _BODIES.get(kind, _CARS)
    part, chosen = chance.uniform(100), bodies[-1]
    for body in bodies:
        if part < body.share:
            chosen = body
            break
        part -= body.share
    size = chance.uniform(101)
    row[Actor.LENGTH] = chosen.length_m.at(size)
    row[Actor.WIDTH] = chosen.width_m.at(size)
    row[Actor.HEIGHT] = chosen.height_m.at(chance.uniform(102))
    return chosen.body
