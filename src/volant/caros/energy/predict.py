"""What the rest of a route will use: the learned car driven along it by the learned driver."""

from __future__ import annotations

from dataclasses import dataclass

from volant.caros.energy.facts import Facts
from volant.caros.energy.learn import Learned
from volant.caros.energy.profile import RouteProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """The car and the weather at the moment of a forecast; all of it is on the tree."""

    charge: float
    """0 to 1."""
    speed_mps: float = 0.0
    ambient_k: float = 293.15
    battery_k: float | None = None
    """None: as outside."""
    cabin_k: float | None = None
    """None: as outside."""
    wished_k: float = 293.15
    climate_on: bool = True


@dataclass(frozen=True, slots=True)
class Point:
    """The car's state along the way."""

    at_m: float
    time_s: float
    energy_j: float
    """Used since the begin of the forecast, out of the cells."""
    charge: float
    """Below 0 where it does not last."""
    charge_low: float
    charge_high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a route from a place to its end will use. The band holds 9 of 10 true values."""

    distance_m: float
    time_s: float
    energy_j: float
    """Out of the cells, their own loss included."""
    charge_used: float
    """Share of the usable part."""
    charge_at_end: float
    """Below 0: it does not last."""
    charge_low: float
    charge_high: float
    points: tuple[Point, ...]
    """The first at the begin, the last at the end, about 1 % of the way or 500 m apart."""


def forecast(
    profile: RouteProfile, at_m: float, facts: Facts, learned: Learned, conditions: Conditions
) -> Forecast:
    """What the rest of the route uses, from `at_m` to its end."""
    raise NotImplementedError


def range_m(
    facts: Facts,
    learned: Learned,
    conditions: Conditions,
    *,
    profile: RouteProfile | None = None,
    at_m: float = 0.0,
) -> float:
    """Distance to an empty battery: along the route, and beyond it as of late."""
    raise NotImplementedError


__all__ = ["Conditions", "Forecast", "Point", "forecast", "range_m"]
