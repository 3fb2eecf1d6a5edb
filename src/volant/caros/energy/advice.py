"""What to tell a driver of the charge ahead: arrival, stops to charge at, and words."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from volant.caros.energy.facts import Facts
from volant.caros.energy.learn import Learned
from volant.caros.energy.predict import Conditions, Forecast, Point, forecast
from volant.caros.energy.profile import RouteProfile
from volant.caros.energy.stops import ChargeStop, Power, StopPlan, Use, plan_stops
from volant.core.body import StationKind
from volant.vehicle.charging import charge_for, taken
from volant.vehicle.parameters import PlantSpec

RESERVE: Final = 0.1
"""Kept on arrival and at each charger, if nobody says otherwise (chosen)."""
AC_MOST_W: Final = 22_000.0
"""Stations of up to three times 32 A are AC, stronger ones DC (IEC 61851-1; recalled)."""


@dataclass(frozen=True, slots=True)
class Advice:
    """A forecast with the stops that it asks for."""

    forecast: Forecast
    """Without a stop."""
    plan: StopPlan
    low_at_end: float
    """Charge at the end with the stops, lower end of the band; what was before the last stop is known by then."""
    high_at_end: float
    points: tuple[Point, ...]
    """Along the way with the stops: two at the place of each."""


def kind_of(station_w: float) -> StationKind:
    """What a station of this power gives."""
    return StationKind.AC if station_w <= AC_MOST_W else StationKind.DC


def advise(
    profile: RouteProfile,
    at_m: float,
    facts: Facts,
    learned: Learned,
    conditions: Conditions,
    *,
    reserve: float = RESERVE,
) -> Advice:
    """Look ahead from a place on a route.

    Args:
        profile: of the route.
        at_m: on it.
        facts: of the car.
        learned: of it.
        conditions: now.
        reserve: charge that shall be left everywhere, 0 to 1.
    """
    found = forecast(profile, at_m, facts, learned, conditions)
    spec = replace(facts.plant, capacity_c=facts.plant.capacity_c * learned.capacity)
    battery_k = conditions.ambient_k if conditions.battery_k is None else conditions.battery_k
    plan = plan_stops(
        _use_of(found),
        profile.chargers,
        _power(spec, battery_k),
        facts.usable_j * learned.capacity,
        charge=conditions.charge,
        reserve=reserve,
    )
    stops = tuple(_timed(one, spec, battery_k, conditions.ambient_k) for one in plan.stops)
    longer_s = sum(b.charge_s - a.charge_s for a, b in zip(plan.stops, stops, strict=True))
    plan = replace(plan, stops=stops, stopped_s=plan.stopped_s + longer_s)
    points = _points(found, plan)
    return Advice(found, plan, points[-1].charge_low, points[-1].charge_high, points)


def _use_of(found: Forecast) -> Use:
    points = found.points
    begin = points[0].charge
    return Use(
        np.array([one.at_m for one in points]),
        np.array([begin - one.charge for one in points]),
        np.array([one.time_s for one in points]),
    )


def _power(spec: PlantSpec, battery_k: float) -> Power:
    """What the battery takes, as warm as it is now."""
    load_w = spec.base_load_w

    def power(station_w: float, charge: float) -> float:
        take = taken(charge, battery_k, spec, station_w, kind_of(station_w), load_w=load_w)
        return take.stored_w - take.heater_w - load_w

    return power


def _timed(stop: ChargeStop, spec: PlantSpec, battery_k: float, ambient_k: float) -> ChargeStop:
    """The same stop, its time with the heat that charging makes."""
    charged = charge_for(
        stop.arrive, stop.leave, battery_k, spec, stop.power_w, kind_of(stop.power_w),
        ambient_k=ambient_k,
    )  # fmt: skip
    return replace(stop, charge_s=charged.time_s) if math.isfinite(charged.time_s) else stop


def _points(found: Forecast, plan: StopPlan) -> tuple[Point, ...]:
    """The forecast's points with what the stops change: charge, time, and a band that begins anew."""
    base = found.points
    at_m = np.array([one.at_m for one in base])

    def between(place_m: float) -> Point:
        figures = (
            float(np.interp(place_m, at_m, [getattr(one, name) for one in base]))
            for name in ("time_s", "energy_j", "charge", "charge_low", "charge_high")
        )
        return Point(place_m, *figures)

    told: list[Point] = []
    gained = late_s = under = over = 0.0

    def tell(one: Point) -> None:
        charge = one.charge + gained
        below = max(one.charge - one.charge_low - under, 0.0)
        above = max(one.charge_high - one.charge - over, 0.0)
        told.append(
            Point(
                one.at_m, one.time_s + late_s, one.energy_j, charge, charge - below, charge + above
            )
        )

    rest = list(plan.stops)
    for one in base:
        while rest and rest[0].at_m <= one.at_m:
            stop = rest.pop(0)
            here = between(stop.at_m)
            tell(here)
            gained = stop.leave - here.charge
            under, over = here.charge - here.charge_low, here.charge_high - here.charge
            late_s += stop.charge_s + (plan.stopped_s - _on_cable_s(plan)) / len(plan.stops)
            tell(here)
        tell(one)
    return tuple(told)


def _on_cable_s(plan: StopPlan) -> float:
    return sum(one.charge_s for one in plan.stops)


def words_of(advice: Advice, at_m: float, reserve: float = RESERVE) -> str:
    """What a driver should know; empty: all is well."""
    plan = advice.plan
    if plan.stops:
        first = plan.stops[0]
        ahead = _far(first.at_m - at_m)
        words = f"Charge at {first.name} {ahead}, {_minutes(first.charge_s)} to {100.0 * first.leave:.0f} %"
        more = len(plan.stops) - 1
        return words + (f"; {more} more stop{'s' if more > 1 else ''}" if more else "")
    if not plan.reaches:
        if advice.forecast.charge_at_end < 0.0:
            return "The charge does not last to the destination, and no charger helps"
        return f"Arrival with {_pct(advice.forecast.charge_at_end)}, below the reserve"
    if advice.low_at_end < reserve:
        return f"May arrive with only {_pct(max(advice.low_at_end, 0.0))}"
    return ""


def _far(distance_m: float) -> str:
    if distance_m < 50.0:
        return "here"
    if distance_m < 1000.0:
        return f"in {10.0 * round(distance_m / 10.0):.0f} m"
    return (
        f"in {distance_m / 1000.0:.0f} km"
        if distance_m >= 9950.0
        else f"in {distance_m / 1000.0:.1f} km"
    )


def _minutes(seconds: float) -> str:
    return f"{max(round(seconds / 60.0), 1)} min"


def _pct(share: float) -> str:
    return f"{100.0 * share:.0f} %"


__all__ = ["RESERVE", "Advice", "advise", "kind_of", "words_of"]
