"""The power balance of the car: what the battery gives for a motion, by what is believed of car and wind.

The same drive, regeneration and battery figures as the plant's, at the maker's nominal values, scaled by
seven factors that are learned. One place for learner and forecast, so both mean the same by a factor.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from volant.core.units import GRAVITY_MPS2
from volant.vehicle import battery, powertrain
from volant.vehicle.body import heat
from volant.vehicle.cell import open_circuit_v
from volant.vehicle.parameters import PlantSpec

MASS, ROLLING, AIR, EAST, NORTH, BASE, CLIMATE = range(7)
FACTORS: Final = ("mass", "rolling", "air", "wind_east_mps", "wind_north_mps", "base_w", "climate")
"""Factors on nominal figures, but for the wind (where the air moves to) and the base load."""
COUNT: Final = len(FACTORS)
IDLE_GAIN: Final = 1.2
"""Electric by mechanical power near no power, where the ratio of both has no meaning."""
PULLING_K: Final = 0.5
"""So far from the edge of its band the climate runs at its most."""
EDGE_K: Final = 0.15


def drawn_w(
    factors: Sequence[float],
    from_mps: float,
    to_mps: float,
    dt_s: float,
    incline: float,
    heading_rad: float,
    regen_w: float,
    spec: PlantSpec,
    jacobian: list[float],
) -> float:
    """Mean power that the drive takes from the battery over a step; base load and climate not in it.

    Args:
        factors: as `FACTORS`.
        from_mps: speed at its begin.
        to_mps: speed at its end, linear between.
        dt_s: its length.
        incline: rise by the way that is driven, the sine of the slope.
        heading_rad: east is 0; NaN: not known, so the wind is left out.
        regen_w: greatest power into the battery.
        spec: the nominal car.
        jacobian: gets what one unit of each factor adds, W; of base load and climate nothing.
    """
    mean_mps = 0.5 * (from_mps + to_mps)
    if mean_mps < 0.05:
        for index in range(COUNT):
            jacobian[index] = 0.0
        return 0.0
    mass, rolling, air, east, north = factors[:5]
    drag = spec.air_n_per_mps2
    if math.isnan(heading_rad):
        cos, sin, ahead_mps, across_mps = 0.0, 0.0, mean_mps, 0.0
    else:
        cos, sin = math.cos(heading_rad), math.sin(heading_rad)
        ahead_mps = mean_mps - east * cos - north * sin
        across_mps = north * cos - east * sin
    # The mean of the square of a speed that changes linearly.
    spread = (to_mps - from_mps) ** 2 / 12.0
    through_mps = math.hypot(ahead_mps, across_mps)
    air_n = drag * (through_mps * ahead_mps + spread)
    weight_n = spec.mass_kg * GRAVITY_MPS2
    accel_mps2 = (to_mps - from_mps) / dt_s
    by_mass_n = (
        spec.mass_kg * accel_mps2
        + weight_n * incline
        + rolling * spec.rolling_coefficient * weight_n
    )
    rotating_n = (spec.moved_mass_kg - spec.mass_kg) * accel_mps2
    force_n = mass * by_mass_n + rotating_n + air * air_n
    if force_n < 0.0:
        most_n = powertrain.regen_force_n(mean_mps, regen_w, spec)
        if force_n < -most_n:
            for index in range(COUNT):
                jacobian[index] = 0.0
            return powertrain.electric_w(-most_n * mean_mps, spec)
    wheel_w = force_n * mean_mps
    electric_w = powertrain.electric_w(wheel_w, spec)
    gain = electric_w / wheel_w if abs(wheel_w) > 200.0 else IDLE_GAIN
    push = gain * mean_mps
    jacobian[MASS] = push * by_mass_n
    jacobian[ROLLING] = push * mass * spec.rolling_coefficient * weight_n
    jacobian[AIR] = push * air_n
    along = -2.0 * push * air * drag * through_mps
    aside = push * air * drag * across_mps
    jacobian[EAST] = along * cos - aside * sin
    jacobian[NORTH] = along * sin + aside * cos
    jacobian[BASE] = jacobian[CLIMATE] = 0.0
    return electric_w


def climate_w(
    ambient_k: float, cabin_k: float, wished_k: float, fan: float, on: bool, spec: PlantSpec
) -> tuple[float, float]:
    """Heat and fans: a part that is as the maker says, and a part that scales with the cabin's walls.

    Far from the wish it runs at its most; at the edge of its band it makes good what the walls let
    through; inside the band it rests.
    """
    if not on:
        return 0.0, 0.0
    error_k = wished_k - cabin_k
    if abs(error_k) > heat.BAND_K + PULLING_K:
        return spec.climate_max_w + heat.FAN_W * fan, 0.0
    through_k = (cabin_k - ambient_k) if error_k > 0.0 else (ambient_k - cabin_k)
    if abs(error_k) < heat.BAND_K - EDGE_K or through_k <= 0.0:
        return 0.0, 0.0
    conductance_wpk = spec.climate_w_per_k * heat.CONDUCTANCE_SHARE
    return heat.FAN_W * fan, min(spec.climate_max_w, conductance_wpk * through_k)


def cabin_k(
    now_k: float, ambient_k: float, wished_k: float, power_w: float, dt_s: float, spec: PlantSpec
) -> float:
    """The cabin's temperature one step on; it never overshoots the edge of its band."""
    conductance_wpk = spec.climate_w_per_k * heat.CONDUCTANCE_SHARE
    sign = 1.0 if wished_k > now_k else -1.0
    flow_w = sign * power_w + conductance_wpk * (ambient_k - now_k)
    # Long steps: towards where heat and loss are equal, as the lump does.
    settled_k = now_k + flow_w / conductance_wpk if conductance_wpk > 0.0 else now_k
    share = 1.0 - math.exp(-conductance_wpk * dt_s / heat.CABIN_JPK)
    next_k = now_k + (settled_k - now_k) * share
    edge_k = wished_k - sign * heat.BAND_K
    if power_w > 0.0 and (edge_k - now_k) * (edge_k - next_k) <= 0.0:
        return edge_k
    return next_k


def cell_current_a(charge: float, temperature_k: float, power_w: float, spec: PlantSpec) -> float:
    """Current for a power at the terminals; charge beyond 0 to 1 counts as its bound."""
    open_v = open_circuit_v(min(1.0, max(0.0, charge)), spec.cells_in_series)
    resistance_ohm = resistance(temperature_k, spec)
    root_v2 = open_v * open_v - 4.0 * resistance_ohm * power_w
    if resistance_ohm <= 0.0:
        return power_w / open_v
    return (open_v - math.sqrt(max(0.0, root_v2))) / (2.0 * resistance_ohm)


def resistance(temperature_k: float, spec: PlantSpec) -> float:
    """Of the battery, in ohm, by its temperature."""
    cold_k = max(0.0, battery.WARM_K - temperature_k)
    return spec.resistance_ohm * (1.0 + cold_k / battery.COLD_SPAN_K)


def regen_w(charge: float, temperature_k: float, spec: PlantSpec) -> float:
    """Greatest power into the battery by its charge and temperature."""
    state = battery.BatteryState(min(1.0, max(0.0, charge)), temperature_k, 0.0, 0.0, 0.0)
    return battery.charge_limit_w(state, spec) + spec.base_load_w


__all__ = [
    "AIR", "BASE", "CLIMATE", "COUNT", "EAST", "FACTORS", "MASS", "NORTH", "ROLLING", "cabin_k",
    "cell_current_a", "climate_w", "drawn_w", "regen_w", "resistance",
]  # fmt: skip
