"""Charging: what a car takes from a station by charge and temperature, and how long it takes.

The curve is the car's file's: a shape over the charge and over the battery's temperature, whose height is
fitted to one published time. A DC station feeds the battery directly; from an AC station the on-board
charger takes its share. No ageing, no limit of voltage or current of the station, no station that
lowers its power while it is used.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from volant.core.body import StationKind
from volant.vehicle import battery
from volant.vehicle.cell import energy_j
from volant.vehicle.parameters import PlantSpec

CHARGE_STEP: Final = 0.005
"""`charge_for` steps by so much of the charge,"""
LONGEST_STEP_S: Final = 120.0
"""or by so much time: the battery's heat changes within an hour and more."""
LONGEST_S: Final = 7 * 86400.0
"""A charging that is not over by then is none."""


@dataclass(frozen=True, slots=True)
class Take:
    """What flows at one moment."""

    inlet_w: float
    """From the station."""
    stored_w: float
    """Into the car behind its charger: battery, heater and what the car draws."""
    heater_w: float
    """Of it, into the battery's heater."""


@dataclass(frozen=True, slots=True)
class Charged:
    """How a charging went."""

    time_s: float
    """Infinite: it does not get there."""
    charge: float
    temperature_k: float
    """Of the battery, at its end."""
    inlet_j: float
    """Out of the station."""


def accepted_w(charge: float, temperature_k: float, spec: PlantSpec) -> float:
    """Greatest power that the battery takes from a station; finite and not negative for any input."""
    curve = spec.charging
    share = _between(charge, curve.charge, curve.charge_share)
    warmth = _between(temperature_k, curve.temperature_k, curve.temperature_share)
    return curve.dc_w * share * warmth


def limit_w(
    charge: float, temperature_k: float, spec: PlantSpec, station_w: float, kind: StationKind
) -> float:
    """Greatest power at the inlet.

    Args:
        charge: 0 to 1 of the usable window.
        temperature_k: of the battery.
        spec: of the car.
        station_w: what the station gives at most.
        kind: AC or DC; none gives nothing.
    """
    efficiency, most_w = _charger(spec, kind)
    return max(0.0, min(station_w, most_w, accepted_w(charge, temperature_k, spec) / efficiency))


def taken(
    charge: float,
    temperature_k: float,
    spec: PlantSpec,
    station_w: float,
    kind: StationKind,
    *,
    load_w: float = 0.0,
    heated: bool = True,
) -> Take:
    """What flows: the car's load and its battery's heater come first, the rest charges.

    Args:
        charge: 0 to 1 of the usable window.
        temperature_k: of the battery.
        spec: of the car.
        station_w: what the station gives at most.
        kind: AC or DC.
        load_w: what else the car draws.
        heated: the heater runs where the cold limits this charging.
    """
    efficiency, most_w = _charger(spec, kind)
    most_w = max(0.0, min(station_w, most_w))
    given_w = most_w * efficiency
    takes_w = accepted_w(charge, temperature_k, spec)
    heater_w = 0.0
    if heated and temperature_k < spec.charging.warm_k and takes_w < given_w:
        heater_w = min(spec.charging.heater_w, given_w)
    stored_w = min(given_w, takes_w + heater_w + max(0.0, load_w))
    return Take(min(most_w, stored_w / efficiency), stored_w, heater_w)


def charge_for(
    charge: float,
    target: float,
    temperature_k: float,
    spec: PlantSpec,
    station_w: float,
    kind: StationKind,
    *,
    ambient_k: float = 293.15,
    load_w: float | None = None,
    heated: bool = True,
    longest_s: float = LONGEST_S,
) -> Charged:
    """Charge from here to a target; losses, heat and the car's base load included.

    Args:
        charge: at its begin, 0 to 1.
        target: at its end, 0 to 1.
        temperature_k: of the battery at its begin.
        spec: of the car.
        station_w: what the station gives at most.
        kind: AC or DC.
        ambient_k: outside.
        load_w: what the car draws meanwhile; None: its base load.
        heated: the battery's heater runs where the cold limits.
        longest_s: what takes longer than this is given up as never; it bounds the work.
    """
    load_w = spec.base_load_w if load_w is None else load_w
    state = battery.start(charge, temperature_k, spec)
    whole_j = energy_j(1.0, spec.capacity_c, spec.cells_in_series)
    target = min(1.0, target)
    time_s = inlet_j = 0.0
    while state.charge < target:
        take = taken(
            state.charge, state.temperature_k, spec, station_w, kind, load_w=load_w, heated=heated
        )
        into_w = take.stored_w - take.heater_w - load_w
        wanted_j = min(CHARGE_STEP, target - state.charge) * whole_j
        step_s = (
            min(LONGEST_STEP_S, max(1.0, wanted_j / into_w)) if into_w > 0.0 else LONGEST_STEP_S
        )
        state = battery.step(state, -into_w, ambient_k, spec, step_s, take.heater_w)
        time_s += step_s
        inlet_j += take.inlet_w * step_s
        if time_s > longest_s:
            return Charged(math.inf, state.charge, state.temperature_k, inlet_j)
    return Charged(time_s, state.charge, state.temperature_k, inlet_j)


def time_to_s(
    charge: float,
    target: float,
    temperature_k: float,
    spec: PlantSpec,
    station_w: float,
    kind: StationKind,
    *,
    ambient_k: float = 293.15,
    heated: bool = True,
) -> float:
    """Time from one charge to another, in seconds; 0: it is there, infinite: it never gets there."""
    return charge_for(
        charge, target, temperature_k, spec, station_w, kind, ambient_k=ambient_k, heated=heated
    ).time_s


def _charger(spec: PlantSpec, kind: StationKind) -> tuple[float, float]:
    """Efficiency and greatest power at the inlet of what stands between station and battery."""
    if kind is StationKind.AC:
        return spec.charging.ac_efficiency, spec.charging.ac_w
    return 1.0, math.inf if kind is StationKind.DC else 0.0


def _between(at: float, grid: Sequence[float], values: Sequence[float]) -> float:
    """Linear between the points of a grid; beyond its ends the end holds."""
    if not at > grid[0]:
        return values[0]
    if at >= grid[-1]:
        return values[-1]
    index = bisect_right(grid, at)
    low, high = grid[index - 1], grid[index]
    return values[index - 1] + (at - low) / (high - low) * (values[index] - values[index - 1])


__all__ = ["Charged", "Take", "accepted_w", "charge_for", "limit_w", "taken", "time_to_s"]
