"""The traction battery: one source with open-circuit voltage, resistance, heat and power limits.

A lumped equivalent circuit (OCV and one resistance; no diffusion, no ageing). Charge counts from the
lower to the upper end of the usable window.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

from volant.vehicle.cell import open_circuit_v
from volant.vehicle.parameters import PlantSpec

WARM_K: Final = 298.15
"""Temperature at which the resistance holds and no limit acts."""
COLD_SPAN_K: Final = 35.0
"""Resistance rises by 1/COLD_SPAN_K a kelvin below WARM_K: it doubles at -10 degrees Celsius
(estimated; NMC cells show a factor of 2 to 3)."""
EMPTY_TAPER: Final = 0.03
"""Below this charge the discharge limit falls, to EMPTY_LIMIT of its size (estimated)."""
EMPTY_LIMIT: Final = 0.3
FULL_TAPER: Final = 0.90
"""Above this charge the charge limit falls linearly to nothing at full (estimated)."""
FREEZING_K: Final = 263.15
"""At and below it the battery takes no charge; full acceptance 25 K above (estimated, lithium plating)."""


class BatteryState(msgspec.Struct, frozen=True, gc=False):
    """Charge, heat and what flowed in the last step."""

    charge: float
    """Share of the usable window, 0 to 1."""
    temperature_k: float
    voltage_v: float
    """At the terminals."""
    power_w: float
    """At the terminals, out of the battery."""
    loss_w: float
    """Heat in the resistance."""


def start(charge: float, temperature_k: float, spec: PlantSpec) -> BatteryState:
    """A battery at rest."""
    charge = min(1.0, max(0.0, charge))
    voltage_v = open_circuit_v(charge, spec.cells_in_series)
    return BatteryState(charge, temperature_k, voltage_v, 0.0, 0.0)


def discharge_limit_w(state: BatteryState, spec: PlantSpec) -> float:
    """Greatest power out at this charge; nothing from an empty battery."""
    charge, limit_w = state.charge, spec.discharge_w
    if charge >= EMPTY_TAPER:
        return limit_w
    if charge <= 0.0:
        return 0.0
    return limit_w * (EMPTY_LIMIT + (1.0 - EMPTY_LIMIT) * charge / EMPTY_TAPER)


def charge_limit_w(state: BatteryState, spec: PlantSpec) -> float:
    """Greatest power in by braking at this charge and temperature; stations: `charging.py`."""
    charge, temperature_k, limit_w = state.charge, state.temperature_k, spec.charge_w
    if charge > FULL_TAPER:
        limit_w *= max(0.0, 1.0 - charge) / (1.0 - FULL_TAPER)
    if temperature_k < FREEZING_K + 25.0:
        limit_w *= max(0.0, temperature_k - FREEZING_K) / 25.0
    return limit_w


def step(
    state: BatteryState,
    power_w: float,
    ambient_k: float,
    spec: PlantSpec,
    dt_s: float,
    heat_w: float = 0.0,
) -> BatteryState:
    """Draw a power at the terminals for a while; what the battery cannot give is not given.

    `heat_w` comes from its heater, whose power is part of what is drawn.

    Solves P = (V - R I) I for the current; above V^2/4R the battery gives that. Charge stays in 0 to 1.
    """
    charge, temperature_k = state.charge, state.temperature_k
    open_v = open_circuit_v(charge, spec.cells_in_series)
    resistance_ohm = spec.resistance_ohm
    if temperature_k < WARM_K:
        resistance_ohm *= 1.0 + (WARM_K - temperature_k) / COLD_SPAN_K
    if resistance_ohm > 0.0:
        root_v2 = open_v * open_v - 4.0 * resistance_ohm * power_w
        current_a = (
            (open_v - math.sqrt(root_v2)) / (2.0 * resistance_ohm)
            if root_v2 > 0.0
            else open_v / (2.0 * resistance_ohm)
        )
    else:
        current_a = power_w / open_v
    charge_next = charge - current_a * dt_s / spec.capacity_c
    if charge_next < 0.0 or charge_next > 1.0:
        bound = 0.0 if charge_next < 0.0 else 1.0
        current_a = (charge - bound) * spec.capacity_c / dt_s
        charge_next = bound
    loss_w = current_a * current_a * resistance_ohm
    voltage_v = open_v - current_a * resistance_ohm
    warmer_k = (
        (loss_w + heat_w - spec.cooling_wpk * (temperature_k - ambient_k))
        * dt_s
        / spec.heat_capacity_jpk
    )
    return BatteryState(
        charge_next, temperature_k + warmer_k, voltage_v, voltage_v * current_a, loss_w
    )
