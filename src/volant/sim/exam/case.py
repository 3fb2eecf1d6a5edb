"""A case of a suite, and the words that all suites share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from volant.core.chance import Chance
from volant.road import LaneGraph
from volant.sim.exam.roads import Piece, carriageway
from volant.sim.scene import Bound, Scene

KMH: Final = 1.0 / 3.6
"""Scenes are named and laid out by round speeds in km/h, as road signs are."""
FRONT_M: Final = 3.55
"""From the rear axle to the front bumper of the car that scenes are laid out for (G3, 4.45 m long)."""
HALF_M: Final = 2.25
"""Half a car of the cast."""

SAFE: Final = (
    Bound("contacts_at_fault", most=0, why="nobody is hurt"),
    Bound("rule_breaks", most=0, why="the rules of the road hold"),
    Bound("needless_brakings", most=0, why="a needless emergency braking is a failure"),
)
CALM: Final = (
    *SAFE,
    Bound("accel_min_mps2", least=-3.5, why="ISO 15622: comfort braking"),
    Bound("accel_max_mps2", most=2.1, why="ISO 15622: 2.0 m/s2, and 0.1 for the plant"),
    Bound("jerk_p99_mps3", most=2.5, why="comfort"),
)
NO_HANDOVER: Final = (
    Bound("takeovers", most=0, why="inside its domain"),
    Bound("minimal_risk", most=0, why="inside its domain"),
    Bound("road_left", most=0, why="stays on the road"),
)


@dataclass(frozen=True, slots=True)
class Case:
    """One case: its name, what it is about, and the scene that a seed makes of it."""

    name: str
    kind: str
    make: Callable[[int], Scene]


def stream(seed: int, *words: str | int) -> Chance:
    """The chance of a scene."""
    return Chance.of(seed, "scene", *words)


def about(chance: Chance, counter: int, value: float, part: float = 0.05) -> float:
    """A value varied evenly by a part of itself."""
    return value * chance.uniform(counter, 1.0 - part, 1.0 + part)


def road_for(kmh: float, *, lanes: int = 1, bend_per_m: float = 0.0) -> LaneGraph:
    """A long road of the kind on which one drives so fast; the limit is that speed."""
    kind = "town" if kmh <= 60 else "rural" if kmh <= 100 else "motorway"
    pieces: tuple[Piece, ...] = (Piece(3000.0),)
    if bend_per_m:
        pieces = (Piece(250.0), Piece(min(600.0, 2.5 / abs(bend_per_m)), bend_per_m), Piece(1500.0))
    one_way = kind == "motorway" or lanes > 1
    return carriageway(
        kind,
        lanes=lanes,
        oncoming=0 if one_way else 1,
        pieces=pieces,
        limits_mps=((0.0, round(kmh * KMH, 3)),),
    )
