"""Heat and air of the car's body: the simplest models that still have a cause and a cost.

The cabin is one lump of air and lining with one conductance to the outside; no sun, no people, no
humidity. Heating and cooling cost what the car's file says of its climate: the conductance is chosen so
that holding 20 degrees Celsius in -10 costs the file's `climate_w_per_k` times the 28 K below its comfort
band. Tyres are ideal gas that warms with speed. All constants are estimated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from volant.vehicle.parameters import PlantSpec

CABIN_JPK: Final = 100_000.0
"""Air and lining: warm after some 20 minutes."""
CONDUCTANCE_SHARE: Final = 28.0 / 30.0
BAND_K: Final = 1.05
"""So far from the wish nothing runs: at 20 degrees Celsius outside and in nothing is drawn."""
GAIN_WPK: Final = 20_000.0
"""Heat by kelvin beyond the band."""
DOOR_SHARE: Final = 3.0
WINDOW_SHARE: Final = 1.0
"""An open door, an open window multiplies the conductance by one and this."""
RECIRCULATED: Final = 0.8
"""Of the conductance, with the outside air shut off."""
FAN_W: Final = 150.0
"""Both fans at full speed."""
DEFROST_W: Final = 600.0
SCREEN_W: Final = (400.0, 250.0)
"""Front, rear."""
MIRROR_W: Final = 15.0
SEAT_W: Final = 60.0
WHEEL_W: Final = 40.0
CHARGE_AGAIN: Final = 0.005
"""Charging begins again when the charge has fallen so far below the limit."""
TYRE_PA: Final = 250_000.0
"""Gauge, cold, at TYRE_COLD_K."""
TYRE_COLD_K: Final = 293.15
AIR_PA: Final = 101_325.0
TYRE_K_PER_MPS: Final = 0.6
"""Warmer than outside by speed, when it has settled: 15 to 20 K on a motorway."""
TYRE_LAG_S: Final = 900.0


@dataclass(frozen=True, slots=True)
class Cabin:
    """What the cabin's air does in one step."""

    cabin_k: float
    power_w: float
    """Electric, of heating or cooling and the fans."""


def cabin(
    cabin_k: float, ambient_k: float, wished_k: float, openings: float, *,
    on: bool, recirculation: bool, defrost: bool, fan: float, spec: PlantSpec, dt_s: float,
) -> Cabin:  # fmt: skip
    """One step of the cabin.

    Args:
        cabin_k: air and lining.
        ambient_k: outside.
        wished_k: mean of the seats.
        openings: what open doors and windows add to the conductance, as a multiple of it.
        on: heating and cooling may run.
        recirculation: outside air is shut off.
        defrost: hot air on the windscreen.
        fan: 0 to 1, mean of the seats.
        spec: its `climate_w_per_k` and `climate_max_w`.
        dt_s: length of the step.
    """
    conductance_wpk = spec.climate_w_per_k * CONDUCTANCE_SHARE * (1.0 + openings)
    if recirculation:
        conductance_wpk *= RECIRCULATED
    error_k = wished_k - cabin_k
    beyond_k = max(0.0, abs(error_k) - BAND_K)
    heat_w = min(GAIN_WPK * beyond_k, spec.climate_max_w) if on else 0.0
    power_w = heat_w + (FAN_W * fan if heat_w > 0.0 else 0.0)
    if defrost:
        power_w += DEFROST_W
    signed_w = heat_w if error_k > 0.0 else -heat_w
    flow_w = signed_w + conductance_wpk * (ambient_k - cabin_k)
    # An open car follows the outside within a step or two; it never passes it.
    step_k = flow_w * dt_s / CABIN_JPK
    return Cabin(cabin_k + step_k, power_w)


def tyre_k(now_k: float, ambient_k: float, speed_mps: float, dt_s: float) -> float:
    """Temperature of a tyre's air one step on."""
    settled_k = ambient_k + TYRE_K_PER_MPS * abs(speed_mps)
    return now_k + (settled_k - now_k) * dt_s / (TYRE_LAG_S + dt_s)


def tyre_pa(temperature_k: float) -> float:
    """Gauge pressure of a tyre that was filled cold."""
    return (TYRE_PA + AIR_PA) * temperature_k / TYRE_COLD_K - AIR_PA


__all__ = [
    "CABIN_JPK", "CHARGE_AGAIN", "CONDUCTANCE_SHARE", "DOOR_SHARE", "MIRROR_W", "SCREEN_W", "SEAT_W",
    "WHEEL_W", "WINDOW_SHARE", "Cabin", "cabin", "tyre_k", "tyre_pa",
]  # fmt: skip
