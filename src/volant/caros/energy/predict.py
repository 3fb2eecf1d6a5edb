"""What the rest of a route will use: the learned car driven along it by the learned driver.

The way is driven three times: with as many stops as this driver makes, without any, and a little faster. The
second tells what stops cost, the third what a wrong belief of the speed would. The band is made of that, of the
learner's covariance, of the chance of lights, and of what no model knows.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from volant.caros.energy import balance
from volant.caros.energy.balance import BASE, CLIMATE, COUNT, EAST, NORTH
from volant.caros.energy.facts import Facts
from volant.caros.energy.learn import Learned
from volant.caros.energy.profile import Floats, RouteProfile
from volant.vehicle import consumption
from volant.vehicle.cell import energy_j as cell_energy_j
from volant.vehicle.consumption import Consumption

BAND_SIGMAS: Final = 1.645
"""Nine of ten true values lie within, if errors are normal."""
MODEL_SHARE: Final = 0.015
"""What no model knows, by energy (estimated)."""
WAIT_VARIES: Final = 0.4
"""Of a stop's cost, by how long it takes (estimated)."""
CRUISE_M: Final = 150.0
FINE_M: Final = 15.0
NEAR_M: Final = 200.0
"""Steps are fine so near to a stop or a change of the limit."""
MOST_STEPS: Final = 20_000
POINT_SHARE: Final = 0.01
POINT_M: Final = 500.0
CREEP_MPS: Final = 1.0
"""The least mean speed of a step."""


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
    fan: float = 0.4
    """0 to 1."""
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
    """The first at the begin, the last at the end, at least 500 m or 1 % of the way apart."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """The grid of a way; `incline` and `heading_rad` of the step from each point to the next."""

    at_m: Floats
    limit_mps: Floats
    incline: Floats
    """Rise by distance, taken for the sine of the slope: so a step lifts the car by its rise and no less."""
    heading_rad: Floats
    stops: tuple[int, ...]
    """Points where one may have to stop."""


@dataclass(frozen=True, slots=True)
class _Driven:
    """One pass along a plan, at each point: sums since the begin."""

    time_s: Floats
    energy_j: Floats
    used: Floats
    spread_j: Floats
    """By one unit of each factor, one row a point."""


def forecast(
    profile: RouteProfile, at_m: float, facts: Facts, learned: Learned, conditions: Conditions
) -> Forecast:
    """What the rest of the route uses, from `at_m` to its end; nothing beyond the end."""
    at_m = min(max(0.0, at_m), profile.length_m)
    if profile.length_m - at_m < 1.0:
        here = Point(at_m, 0.0, 0.0, *(conditions.charge,) * 3)
        return _told(0.0, (here, here))
    plan = _plan(profile, at_m)
    pace, share = learned.style.pace, learned.style.stop_share
    stands = _stands(plan.stops, share)
    mean = _drive(plan, facts, learned, conditions, pace, stands)
    free = _drive(plan, facts, learned, conditions, pace, ()) if stands else mean
    sigma = max(learned.style.pace_sigma, 0.005)
    fast = _drive(plan, facts, learned, conditions, pace + sigma, stands)
    energy_j, used, time_s = mean.energy_j, mean.used, mean.time_s
    chance_j2 = _chance_j2(plan, learned, mean.energy_j - free.energy_j, stands)
    matrix = np.array(learned.covariance)
    factors_j2 = np.einsum("ij,jk,ik->i", mean.spread_j, matrix, mean.spread_j)
    pace_j2 = (fast.energy_j - mean.energy_j) ** 2
    sigma_j = np.sqrt(factors_j2 + pace_j2 + chance_j2 + (MODEL_SHARE * energy_j) ** 2)
    by_charge = np.divide(used, energy_j, out=np.zeros_like(used), where=np.abs(energy_j) > 1.0)
    full_j = facts.usable_j * learned.capacity
    sigma_used = np.hypot(
        sigma_j * np.where(by_charge > 0.0, by_charge, 1.0 / full_j),
        used * learned.capacity_sigma / learned.capacity,
    )
    points = [
        Point(
            float(plan.at_m[i]), float(time_s[i]), float(energy_j[i]),
            conditions.charge - float(used[i]),
            conditions.charge - float(used[i] + BAND_SIGMAS * sigma_used[i]),
            conditions.charge - float(used[i] - BAND_SIGMAS * sigma_used[i]),
        )
        for i in _shown(plan.at_m)
    ]  # fmt: skip
    return _told(profile.length_m - at_m, tuple(points))


def _told(distance_m: float, points: tuple[Point, ...]) -> Forecast:
    begin, end = points[0], points[-1]
    return Forecast(
        distance_m=distance_m,
        time_s=end.time_s,
        energy_j=end.energy_j,
        charge_used=begin.charge - end.charge,
        charge_at_end=end.charge,
        charge_low=end.charge_low,
        charge_high=end.charge_high,
        points=points,
    )


def _shown(at_m: Floats) -> list[int]:
    apart_m = max(POINT_M, POINT_SHARE * float(at_m[-1] - at_m[0]))
    shown = [0]
    for index in range(1, len(at_m) - 1):
        if at_m[index] - at_m[shown[-1]] >= apart_m and at_m[-1] - at_m[index] >= 0.5 * apart_m:
            shown.append(index)
    return [*shown, len(at_m) - 1]


def _plan(profile: RouteProfile, from_m: float) -> _Plan:
    """A grid that is fine where speed changes."""
    end_m, way_m = profile.length_m, profile.distance_m
    stops_m = np.array([one for one in profile.stops if from_m < one < end_m])
    changes = np.flatnonzero(np.diff(profile.limit_mps)) + 1
    events_m = np.concatenate(([from_m, end_m], stops_m, way_m[changes]))
    events_m = np.unique(events_m[(events_m >= from_m) & (events_m <= end_m)])
    cruise_m = max(CRUISE_M, (end_m - from_m) * 2.0 / MOST_STEPS)
    fine_m = max(FINE_M, len(events_m) * 2.0 * NEAR_M * 2.0 / MOST_STEPS)
    parts = [np.arange(from_m, end_m, cruise_m), events_m]
    reach_m = np.arange(-NEAR_M, NEAR_M + 1.0, fine_m)
    parts.append((events_m[:, None] + reach_m).ravel())
    raw_m = np.concatenate(parts)
    raw_m = np.unique(raw_m[(raw_m >= from_m) & (raw_m <= end_m)])
    keep = np.isin(raw_m, events_m)
    keep[1:] |= np.diff(raw_m) >= 0.4 * fine_m
    at_m = raw_m[keep]
    middle_m = 0.5 * (at_m[1:] + at_m[:-1])
    index = np.clip(np.searchsorted(way_m, middle_m, side="right") - 1, 0, len(way_m) - 2)
    height_m = np.interp(at_m, way_m, profile.height_m)
    stops = tuple(int(one) for one in np.searchsorted(at_m, stops_m))
    return _Plan(
        at_m,
        profile.limit_mps[index],
        np.diff(height_m) / np.diff(at_m),
        profile.heading_rad[index],
        stops,
    )


def _stands(stops: tuple[int, ...], share: float) -> tuple[int, ...]:
    """As many of the stops as this driver stands at, spread evenly over the way."""
    return tuple(
        place
        for count, place in enumerate(stops)
        if int(0.5 + share * (count + 1)) > int(0.5 + share * count)
    )


def _speeds(
    plan: _Plan, pace: float, from_mps: float, push: float, brake: float, top_mps: float,
    stands: tuple[int, ...],
) -> Floats:  # fmt: skip
    """Speed at each point: as fast as is expected, within what the driver pushes and brakes."""
    wished = np.minimum(plan.limit_mps * pace, top_mps)
    square = np.empty(len(plan.at_m))
    square[0], square[-1] = wished[0], 0.0
    square[1:-1] = np.minimum(wished[1:], wished[:-1])
    square **= 2
    square[list(stands)] = 0.0
    length_m = np.diff(plan.at_m)
    values, lengths = square.tolist(), length_m.tolist()
    for i in range(len(lengths) - 1, -1, -1):
        most = values[i + 1] + 2.0 * brake * lengths[i]
        if values[i] > most:
            values[i] = most
    values[0] = min(values[0], max(from_mps, 0.0) ** 2)
    for i, length in enumerate(lengths):
        most = values[i] + 2.0 * push * length
        if values[i + 1] > most:
            values[i + 1] = most
    return np.asarray(np.sqrt(np.array(values)), dtype=np.float64)


def _drive(
    plan: _Plan, facts: Facts, learned: Learned, conditions: Conditions, pace: float,
    stands: tuple[int, ...],
) -> _Driven:  # fmt: skip
    """Drive the way once, step by step, with battery and cabin following."""
    spec, driver, factors = facts.plant, learned.style, learned.factors
    speed = _speeds(
        plan, pace, conditions.speed_mps, driver.push_mps2, driver.brake_mps2,
        0.98 * spec.max_speed_mps, stands,
    ).tolist()  # fmt: skip
    ambient_k = conditions.ambient_k
    battery_k = ambient_k if conditions.battery_k is None else conditions.battery_k
    cabin_k = ambient_k if conditions.cabin_k is None else conditions.cabin_k
    charge, capacity_c = conditions.charge, facts.plant.capacity_c * learned.capacity
    count = len(plan.at_m)
    time_s, energy_j, used = np.zeros(count), np.zeros(count), np.zeros(count)
    spread = np.zeros((count, COUNT))
    gusts = _gusts_n(learned, facts)
    jacobian, sums = [0.0] * COUNT, [0.0] * COUNT
    clock_s = total_j = 0.0
    at_m, incline, heading = plan.at_m.tolist(), plan.incline.tolist(), plan.heading_rad.tolist()
    waits = frozenset(stands)
    for i in range(count - 1):
        next_mps = max(speed[i + 1], CREEP_MPS - speed[i])
        mean_mps = 0.5 * (speed[i] + next_mps)
        dt_s = (at_m[i + 1] - at_m[i]) / mean_mps
        regen_w = balance.regen_w(charge, battery_k, spec)
        drive_w = balance.drawn_w(
            factors, speed[i], next_mps, dt_s, incline[i], heading[i], regen_w, spec, jacobian
        )
        drive_w += gusts * mean_mps
        if i + 1 in waits:
            # Standing costs what the car takes at rest; the drive's power is spread over both.
            moving_s, dt_s = dt_s, dt_s + driver.wait_s
            drive_w *= moving_s / dt_s
            for k in range(COUNT):
                jacobian[k] *= moving_s / dt_s
        most_w, walls_w = balance.climate_w(
            ambient_k,
            cabin_k,
            conditions.wished_k,
            conditions.fan,
            conditions.climate_on,
            spec,
        )
        jacobian[BASE], jacobian[CLIMATE] = 1.0, walls_w
        power_w = drive_w + factors[BASE] + most_w + factors[CLIMATE] * walls_w
        cabin_k = balance.cabin_k(
            cabin_k, ambient_k, conditions.wished_k, most_w + walls_w, dt_s, spec
        )
        current_a = balance.cell_current_a(charge, battery_k, power_w, spec)
        loss_w = current_a * current_a * balance.resistance(battery_k, spec)
        cooled_w = spec.cooling_wpk * (battery_k - ambient_k)
        battery_k += (loss_w - cooled_w) * dt_s / spec.heat_capacity_jpk
        charge -= current_a * dt_s / capacity_c
        clock_s += dt_s
        total_j += (power_w + loss_w) * dt_s
        time_s[i + 1], energy_j[i + 1], used[i + 1] = clock_s, total_j, conditions.charge - charge
        for k in range(COUNT):
            sums[k] += jacobian[k] * dt_s
        spread[i + 1] = sums
    return _Driven(time_s, energy_j, used, spread)


def _gusts_n(learned: Learned, facts: Facts) -> float:
    """Mean force of a wind that is not known, at the battery: its square does not cancel out."""
    variance = 0.75 * (learned.covariance[EAST][EAST] + learned.covariance[NORTH][NORTH])
    return facts.plant.air_n_per_mps2 * variance * 1.1


def _chance_j2(plan: _Plan, learned: Learned, stands_j: Floats, stands: tuple[int, ...]) -> Floats:
    """Variance by which stops there is a stand: of each light's throw, and of how often at all."""
    style = learned.style
    share = style.stop_share
    places = np.arange(len(plan.at_m))
    passed = np.searchsorted(np.array(plan.stops, dtype=np.float64), places, side="right")
    stood = np.searchsorted(np.array(stands, dtype=np.float64), places, side="right")
    each_j = stands_j / np.maximum(stood, 1)
    throws = share * (1.0 - share) * passed
    unsure = share * (1.0 - share) / (style.passed + 1.0) * passed**2
    waits = passed * share * WAIT_VARIES**2
    return np.asarray(each_j**2 * (throws + unsure + waits), dtype=np.float64)


def range_m(
    facts: Facts,
    learned: Learned,
    conditions: Conditions,
    *,
    profile: RouteProfile | None = None,
    at_m: float = 0.0,
) -> float:
    """Distance to an empty battery: along the route, and beyond it at the consumption of late."""
    spec, charge, way_m = facts.plant, conditions.charge, 0.0
    if profile is not None and at_m < profile.length_m:
        points = forecast(profile, at_m, facts, learned, conditions).points
        for before, after in itertools.pairwise(points):
            if after.charge <= 0.0 < before.charge:
                part = before.charge / (before.charge - after.charge)
                return before.at_m + part * (after.at_m - before.at_m) - at_m
        charge, way_m = points[-1].charge, points[-1].at_m - at_m
    if charge <= 0.0:
        return way_m
    left_j = cell_energy_j(charge, spec.capacity_c * learned.capacity, spec.cells_in_series)
    recent = Consumption(learned.recent_j_per_m)
    return way_m + consumption.range_m(recent, left_j, facts.usual_j_per_m)


def at_charge(conditions: Conditions, charge: float) -> Conditions:
    """The same moment with another charge, for a leg that begins after charging."""
    return replace(conditions, charge=charge)


__all__ = ["Conditions", "Forecast", "Point", "at_charge", "forecast", "range_m"]
