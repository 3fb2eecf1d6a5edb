"""The plant's longitudinal half in coarse steps, for range: speed prescribed, energy followed.

The same road load, drive, regeneration and battery functions as the plant; left out are what a cycle
does not show: actuator delays, steering, load transfer, the limits of the tyres.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

from volant.core.units import GRAVITY_MPS2
from volant.vehicle import battery, powertrain
from volant.vehicle.battery import BatteryState
from volant.vehicle.parameters import PlantSpec

_NO_SPEED_MPS: Final = 1e-6


class Around(msgspec.Struct, frozen=True, gc=False):
    """Slope and wind of a step, and what heating and cooling take."""

    slope: float = 0.0
    """Rise by distance."""
    headwind_mps: float = 0.0
    """Of the air against the car."""
    crosswind_mps: float = 0.0
    climate_w: float | None = None
    """None: what holding the cabin costs by the air outside."""


LEVEL: Final = Around()


class Stretch(msgspec.Struct, frozen=True, gc=False):
    """Where a step ended and where its power went, watts as means over the step."""

    speed_mps: float
    distance_m: float
    battery: BatteryState
    air_w: float
    rolling_w: float
    friction_w: float
    """Into the friction brakes."""
    drive_loss_w: float
    """In gear, motor and inverter, the calibrated loss included."""
    base_w: float


def cover(
    state: BatteryState,
    from_mps: float,
    to_mps: float,
    ambient_k: float,
    spec: PlantSpec,
    dt_s: float,
    around: Around = LEVEL,
) -> Stretch:
    """Go from one speed to another in a step; slower where the drive cannot."""
    climate_w = around.climate_w
    base_w = spec.base_load_w
    base_w += powertrain.climate_w(ambient_k, spec) if climate_w is None else climate_w
    rolling_n = spec.rolling_coefficient * spec.mass_kg * GRAVITY_MPS2
    mean_mps = 0.5 * (from_mps + to_mps)
    if mean_mps < _NO_SPEED_MPS:
        after = battery.step(state, base_w, ambient_k, spec, dt_s)
        return Stretch(0.0, 0.0, after, 0.0, 0.0, 0.0, 0.0, base_w)
    square = (from_mps * from_mps + from_mps * to_mps + to_mps * to_mps) / 3.0
    if around.headwind_mps or around.crosswind_mps:
        ahead_mps = mean_mps + around.headwind_mps
        spread = square - mean_mps * mean_mps
        square = ahead_mps * math.hypot(ahead_mps, around.crosswind_mps) + spread
    air_n = spec.air_n_per_mps2 * square
    force_n = spec.moved_mass_kg * (to_mps - from_mps) / dt_s + air_n + rolling_n
    if around.slope:
        incline = around.slope / math.sqrt(1.0 + around.slope * around.slope)
        force_n += spec.mass_kg * GRAVITY_MPS2 * incline
    friction_w = 0.0
    if force_n >= 0.0:
        given_w = battery.discharge_limit_w(state, spec) - base_w
        most_n = min(
            powertrain.force_limit_n(mean_mps, spec),
            powertrain.force_from_w(given_w, mean_mps, spec),
        )
        if force_n > most_n:
            to_mps = max(0.0, to_mps - (force_n - most_n) * dt_s / spec.moved_mass_kg)
            mean_mps, force_n = 0.5 * (from_mps + to_mps), most_n
    else:
        taken_w = battery.charge_limit_w(state, spec) + spec.base_load_w
        regen_n = min(-force_n, powertrain.regen_force_n(mean_mps, taken_w, spec))
        friction_w = (-force_n - regen_n) * mean_mps
        force_n = -regen_n
    wheel_w = force_n * mean_mps
    drive_w = powertrain.electric_w(wheel_w, spec)
    after = battery.step(state, drive_w + base_w, ambient_k, spec, dt_s)
    return Stretch(
        to_mps,
        mean_mps * dt_s,
        after,
        air_n * mean_mps,
        rolling_n * mean_mps,
        friction_w,
        drive_w - wheel_w,
        base_w,
    )


__all__ = ["LEVEL", "Around", "Stretch", "cover"]
