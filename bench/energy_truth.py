"""Trips of a car whose true mass, capacity, wind and driver only this file knows; what it shows are signals.

The car is the plant's longitudinal model in steps of 0.25 s. What the forecast is given of it: values of the
tree's paths once a second, as coarse as the car's buses carry them, and the route with a map's errors.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, Final

import numpy as np

from volant.caros.energy import sample as signal_paths
from volant.caros.energy.profile import RouteProfile, profile_of
from volant.caros.signals.mapping import fit
from volant.caros.signals.sources import BODY, CAR, PLACE
from volant.core.settings import find_data
from volant.core.units import ZERO_CELSIUS_K
from volant.vehicle import battery, longitudinal
from volant.vehicle.body import heat
from volant.vehicle.longitudinal import Around
from volant.vehicle.parameters import PlantSpec
from volant.wire.vss import read_catalogue

KINDS: Final = ("town", "country", "motorway", "mixed")
STEP_S: Final = 0.25
GRID_M: Final = 25.0
ENVELOPE_M: Final = 5.0
TRAFFIC_SIGMA, TRAFFIC_S, TRAFFIC_LAG_S = 0.03, 60.0, 8.0
"""Speed on a free road wanders by so much, for so long, and no quicker than a foot follows."""
NEAR_M, CREEP_MPS = 1.5, 0.8
"""A driver stands so near to the line, and comes to it no slower than this."""
GUST_MPS, GUST_S = 0.8, 15.0
MAP_M, MAP_ALONG_M = 0.5, 300.0
"""Errors of the map's heights, and how far they are alike."""
CHARGE_QUANTUM_PCT: Final = 0.01
POWER_QUANTUM_W: Final = 10.0
"""As the car's buses carry them (cars/network/powertrain.dbc)."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of one trip and told to nobody."""

    seed: int
    kind: str
    mass: float
    """Of kerb mass and driver."""
    capacity: float
    """Of the new battery's."""
    wind_east_mps: float
    wind_north_mps: float
    """Where the air moves to."""
    rolling: float
    base: float
    walls: float
    """Factors on the file's figures: tyres, base load, the cabin's conductance."""
    ambient_k: float
    soaked: bool
    """Battery and cabin begin as cold or hot as the air outside; else from a garage."""
    charge: float
    pace: float
    pace_by_class: tuple[float, float, float]
    """Added up to 60, up to 100 km/h and above."""
    push_mps2: float
    brake_mps2: float
    stop_share: float
    wait_s: float


def truth_of(seed: int, kind: str, **known: Any) -> Truth:
    """Draw a truth: mass +-10 %, capacity 0 to -10 %, wind up to 5 m/s from anywhere, -10 to 35 degrees."""
    rng = np.random.default_rng([seed, KINDS.index(kind), 1])
    wind_mps, wind_rad = rng.uniform(0.0, 5.0), rng.uniform(0.0, 2.0 * math.pi)
    truth = Truth(
        seed=seed,
        kind=kind,
        mass=rng.uniform(0.9, 1.1),
        capacity=rng.uniform(0.9, 1.0),
        wind_east_mps=wind_mps * math.cos(wind_rad),
        wind_north_mps=wind_mps * math.sin(wind_rad),
        rolling=rng.uniform(0.95, 1.05),
        base=rng.uniform(0.8, 1.2),
        walls=rng.uniform(0.85, 1.15),
        ambient_k=ZERO_CELSIUS_K + rng.uniform(-10.0, 35.0),
        soaked=bool(rng.random() < 0.5),
        charge=rng.uniform(0.85, 1.0),
        pace=rng.uniform(0.9, 1.1),
        pace_by_class=tuple(rng.normal(0.0, 0.015, 3).tolist()),
        push_mps2=rng.uniform(0.8, 2.0),
        brake_mps2=rng.uniform(1.0, 2.2),
        stop_share=rng.uniform(0.3, 0.7),
        wait_s=rng.uniform(10.0, 30.0),
    )
    return replace(truth, **known)


class _Road:
    """Grows a route piece by piece."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.limit_kmh: list[float] = []
        self.heading_rad: list[float] = []
        self.stops: list[float] = []
        self.heading = rng.uniform(0.0, 2.0 * math.pi)
        self.roughness_m: list[float] = []

    @property
    def length_m(self) -> float:
        return len(self.limit_kmh) * GRID_M

    def add(self, length_m: float, limit_kmh: float, wander: float, hills: float) -> None:
        """A piece of one limit whose heading wanders about a direction (rad), in hills of a size."""
        bend = 0.0
        for _ in range(max(1, round(length_m / GRID_M))):
            bend += (
                -bend * GRID_M / 2000.0
                + wander * math.sqrt(2.0 * GRID_M / 2000.0) * self.rng.normal()
            )
            self.limit_kmh.append(limit_kmh)
            self.heading_rad.append(self.heading + bend)
            self.roughness_m.append(hills)

    def town(self, length_m: float) -> None:
        end_m = self.length_m + length_m
        next_stop_m = self.length_m + self.rng.uniform(150.0, 500.0)
        while self.length_m < end_m:
            self.add(
                self.rng.uniform(400.0, 1500.0),
                float(self.rng.choice([30.0, 50.0, 50.0, 50.0, 70.0])), 0.1, 12.0,
            )  # fmt: skip
            if self.rng.random() < 0.4:
                self.heading += self.rng.choice([-0.5, 0.5]) * math.pi
        while next_stop_m < self.length_m - 100.0:
            self.stops.append(next_stop_m)
            next_stop_m += self.rng.uniform(250.0, 700.0)

    def country(self, length_m: float, hills_m: float) -> None:
        end_m = self.length_m + length_m
        while self.length_m < end_m:
            until_m = self.length_m + self.rng.uniform(4000.0, 9000.0)
            while self.length_m < until_m:
                limit = float(self.rng.choice([60.0, 70.0, 80.0, 100.0, 100.0]))
                self.add(self.rng.uniform(500.0, 2500.0), limit, 0.6, hills_m)
            self.stops.append(self.length_m + self.rng.uniform(100.0, 600.0))
            self.add(self.rng.uniform(800.0, 1500.0), 50.0, 0.4, hills_m)
            self.heading += self.rng.uniform(-0.8, 0.8)

    def motorway(self, length_m: float) -> None:
        end_m = self.length_m + length_m
        while self.length_m < end_m:
            limit = float(self.rng.choice([80.0, 100.0, 110.0, 120.0, 120.0, 130.0]))
            self.add(self.rng.uniform(3000.0, 12000.0), limit, 0.35, 60.0)
            self.heading += self.rng.uniform(-0.3, 0.3)

    def done(self) -> RouteProfile:
        count = len(self.limit_kmh)
        at_m = np.arange(count + 1, dtype=np.float64) * GRID_M
        height_m = np.zeros(count + 1)
        size = np.array([*self.roughness_m, self.roughness_m[-1]])
        size = np.convolve(np.pad(size, 40, mode="edge"), np.full(81, 1.0 / 81.0), mode="valid")
        for share, long_m in ((0.6, 14000.0), (0.3, 6000.0), (0.15, 2200.0), (0.06, 900.0)):
            phase, stretch = self.rng.uniform(0.0, 2.0 * math.pi), self.rng.uniform(0.8, 1.25)
            height_m += share * np.sin(2.0 * math.pi * at_m / (long_m * stretch) + phase)
        return profile_of(
            at_m,
            200.0 + size * height_m,
            np.array([*self.limit_kmh, self.limit_kmh[-1]]) / 3.6,
            np.array([*self.heading_rad, self.heading_rad[-1]]),
            stops=tuple(one for one in self.stops if 50.0 < one < at_m[-1] - 50.0),
        )


def route_of(seed: int, kind: str) -> RouteProfile:
    """A seeded route as it truly is."""
    rng = np.random.default_rng([seed, KINDS.index(kind), 2])
    road = _Road(rng)
    hills_m = rng.uniform(40.0, 160.0)
    if kind == "town":
        road.town(45_000.0)
    elif kind == "country":
        road.country(rng.uniform(60_000.0, 90_000.0), hills_m)
    elif kind == "motorway":
        road.town(rng.uniform(1000.0, 4000.0))
        road.motorway(rng.uniform(100_000.0, 140_000.0))
    else:
        road.town(rng.uniform(5000.0, 10_000.0))
        road.country(rng.uniform(15_000.0, 30_000.0), hills_m)
        road.motorway(rng.uniform(30_000.0, 60_000.0))
        road.town(rng.uniform(4000.0, 8000.0))
    return road.done()


def as_mapped(route: RouteProfile, seed: int) -> RouteProfile:
    """The route as a map has it: heights off by some decimetres, alike over some hundred metres."""
    rng = np.random.default_rng([seed, 3])
    keep = math.exp(-GRID_M / MAP_ALONG_M)
    error_m = np.empty(len(route.distance_m))
    value = rng.normal(0.0, MAP_M)
    for index in range(len(error_m)):
        error_m[index] = value
        value = keep * value + math.sqrt(1.0 - keep * keep) * rng.normal(0.0, MAP_M)
    return profile_of(
        route.distance_m,
        route.height_m + error_m,
        route.limit_mps,
        route.heading_rad,
        stops=route.stops,
    )


def true_spec(nominal: PlantSpec, truth: Truth) -> PlantSpec:
    """The nominal car with the truth of one trip."""
    rotating_kg = nominal.moved_mass_kg - nominal.mass_kg
    return replace(
        nominal,
        mass_kg=nominal.mass_kg * truth.mass,
        moved_mass_kg=nominal.mass_kg * truth.mass + rotating_kg,
        rolling_coefficient=nominal.rolling_coefficient * truth.rolling,
        capacity_c=nominal.capacity_c * truth.capacity,
        resistance_ohm=nominal.resistance_ohm / truth.capacity,
        base_load_w=nominal.base_load_w * truth.base,
        climate_w_per_k=nominal.climate_w_per_k * truth.walls,
    )


@dataclass(frozen=True, slots=True)
class Second:
    """One second of a trip."""

    stamp_ns: int
    at_m: float
    charge: float
    """True; for scoring alone."""
    values: dict[str, Any]
    """What the signals say, by path."""


def _envelope(
    route: RouteProfile, truth: Truth, rng: np.random.Generator
) -> tuple[Any, dict[int, float]]:
    """Greatest speed on a fine grid without traffic, and how long to stand at which of its points."""
    count = math.ceil(route.length_m / ENVELOPE_M)
    at_m = np.arange(count + 1) * ENVELOPE_M
    index = np.clip(np.searchsorted(route.distance_m, at_m, side="right") - 1, 0, None)
    limit = route.limit_mps[index]
    bonus = np.where(limit < 61.0 / 3.6, truth.pace_by_class[0],
                     np.where(limit < 101.0 / 3.6, truth.pace_by_class[1], truth.pace_by_class[2]))  # fmt: skip
    square = (limit * (truth.pace + bonus)) ** 2
    waits: dict[int, float] = {}
    for stop_m in route.stops:
        if rng.random() < truth.stop_share:
            place = round(stop_m / ENVELOPE_M)
            square[place] = 0.0
            waits[place] = float(rng.uniform(0.3, 1.7) * truth.wait_s)
    square[-1] = 0.0
    values = square.tolist()
    for place in range(count - 1, -1, -1):
        values[place] = min(values[place], values[place + 1] + 2.0 * truth.brake_mps2 * ENVELOPE_M)
    return np.sqrt(np.array(values)).tolist(), waits


def drive(route: RouteProfile, truth: Truth, nominal: PlantSpec) -> Iterator[Second]:
    """Drive the route to its end, or to an empty battery, one second after the other."""
    rng = np.random.default_rng([truth.seed, KINDS.index(truth.kind), 4])
    spec, ambient_k = true_spec(nominal, truth), truth.ambient_k
    envelope, waits = _envelope(route, truth, rng)
    warm_k = ambient_k if truth.soaked else min(max(ambient_k, 283.15), 298.15)
    state, cabin_k = battery.start(truth.charge, warm_k, spec), warm_k
    noise = rng.normal(size=(3, 4096)).tolist()
    speed_mps = at_m = 0.0
    busy, swayed, east, north = 0.0, 0.0, 0.0, 0.0
    wait_s, done, ticks = 5.0, -1, 0
    way_m, height_m = route.distance_m.tolist(), route.height_m.tolist()
    heading = route.heading_rad.tolist()
    yield _second(0, 0.0, 0.0, state, cabin_k, ambient_k, heading[0])
    while at_m < route.length_m - 2.0 and state.charge > 0.01:
        if ticks % 4096 == 0:
            noise = rng.normal(size=(3, 4096)).tolist()
        slot = ticks % 4096
        busy += (
            -busy * STEP_S / TRAFFIC_S
            + TRAFFIC_SIGMA * math.sqrt(2.0 * STEP_S / TRAFFIC_S) * noise[0][slot]
        )
        swayed += (busy - swayed) * STEP_S / TRAFFIC_LAG_S
        fade = math.sqrt(2.0 * STEP_S / GUST_S) * GUST_MPS
        east += -east * STEP_S / GUST_S + fade * noise[1][slot]
        north += -north * STEP_S / GUST_S + fade * noise[2][slot]
        place = int(at_m / ENVELOPE_M)
        target_mps = _target(envelope, at_m, place) * (1.0 + swayed)
        if wait_s > 0.0:
            wait_s -= STEP_S
            target_mps = 0.0
        else:
            stop = next((one for one in (place, place + 1) if one in waits and one > done), None)
            if stop is not None and stop * ENVELOPE_M - at_m < NEAR_M:
                wait_s, done, target_mps = waits[stop], stop, 0.0
            else:
                target_mps = max(target_mps, CREEP_MPS)
        next_mps = _next(speed_mps, target_mps, truth)
        cell = min(int(at_m / GRID_M), len(heading) - 2)
        slope = (height_m[cell + 1] - height_m[cell]) / (way_m[cell + 1] - way_m[cell])
        cos, sin = math.cos(heading[cell]), math.sin(heading[cell])
        air_east, air_north = truth.wind_east_mps + east, truth.wind_north_mps + north
        air = heat.cabin(
            cabin_k, ambient_k, 294.15, 0.0, on=True, recirculation=False, defrost=False, fan=0.4,
            spec=spec, dt_s=STEP_S,
        )  # fmt: skip
        cabin_k = air.cabin_k
        around = Around(
            slope if next_mps > 0.0 else 0.0,
            -(air_east * cos + air_north * sin),
            air_north * cos - air_east * sin,
            air.power_w,
        )
        stretch = longitudinal.cover(state, speed_mps, next_mps, ambient_k, spec, STEP_S, around)
        speed_mps, state = stretch.speed_mps, stretch.battery
        at_m += stretch.distance_m
        ticks += 1
        if ticks % 4 == 0:
            yield _second(ticks // 4, at_m, speed_mps, state, cabin_k, ambient_k, heading[cell])


def _target(envelope: list[float], at_m: float, place: int) -> float:
    if place + 1 >= len(envelope):
        return envelope[-1]
    low, high = envelope[place], envelope[place + 1]
    part = at_m / ENVELOPE_M - place
    return math.sqrt(low * low + part * (high * high - low * low))


def _next(speed_mps: float, target_mps: float, truth: Truth) -> float:
    """Push less the nearer the wish is; brake as the envelope asks, and a little harder to hold it."""
    gap_mps = target_mps - speed_mps
    if gap_mps > 0.0:
        return speed_mps + min(truth.push_mps2 * min(1.0, 0.15 + gap_mps / 4.0) * STEP_S, gap_mps)
    return max(0.0, speed_mps + max(gap_mps, -1.5 * truth.brake_mps2 * STEP_S))


def _second(
    second: int, at_m: float, speed_mps: float, state: battery.BatteryState, cabin_k: float,
    ambient_k: float, heading_rad: float,
) -> Second:  # fmt: skip
    car = SimpleNamespace(
        speed_mps=round(speed_mps / 0.01) * 0.01,
        battery_power_w=round(state.power_w / POWER_QUANTUM_W) * POWER_QUANTUM_W,
        battery_voltage_v=state.voltage_v,
        battery_temperature_k=state.temperature_k,
        charge_pct=round(100.0 * state.charge / CHARGE_QUANTUM_PCT) * CHARGE_QUANTUM_PCT,
        odometer_m=at_m,
    )
    air = SimpleNamespace(wished_k=294.15, fan_pct=40.0)
    climate = SimpleNamespace(ambient_k=ambient_k, cabin_k=cabin_k, left=air, right=air, on=True)
    body, place = SimpleNamespace(climate=climate), SimpleNamespace(yaw_rad=heading_rad)
    values: dict[str, Any] = {}
    for rows, message in ((CAR, car), (BODY, body), (PLACE, place)):
        for path in signal_paths.PATHS:
            if path in rows:
                values[path] = _held(path, rows[path](message))
    return Second(second * 1_000_000_000, at_m, state.charge, values)


_LEAVES: dict[str, Any] = {}


def _held(path: str, value: Any) -> Any:
    """The value as its leaf holds it: of its type, and single precision where the tree has that."""
    if not _LEAVES:
        tree = read_catalogue(find_data("cars", "g3-520").parent / "signals" / "vss.toml")
        _LEAVES.update({one: tree.get(one) for one in signal_paths.PATHS})
    leaf = _LEAVES[path]
    held: Any = fit(leaf, value)
    return float(np.float32(held)) if leaf.scalar == "float" else held
