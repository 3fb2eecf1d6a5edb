"""The 12 V side of the simulated car: a lead-acid battery, what the car takes from it, and its DC/DC converter.

Pure: a step takes the time that has passed. The battery is a charge behind a resistance; sulphation, gassing and
cold are not modelled. Figures are those of a common 60 Ah AGM battery (recalled), loads are estimated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from volant.core.messages import PowerState

CAPACITY_AS: Final = 60.0 * 3600.0
EMPTY_V: Final = 11.6
FULL_V: Final = 12.85
"""At rest, without and with full charge; about straight in between (recalled)."""
RESISTANCE_OHM: Final = 0.006
CONVERTER_V: Final = 13.8
"""What the DC/DC converter holds; 13.5 to 14.7 V are common (recalled)."""
CHARGE_MOST_A: Final = 30.0
"""The converter gives the battery no more than this."""
LOAD_W: Final[Mapping[PowerState, float]] = {
    PowerState.OFF: 0.0,
    PowerState.SLEEP: 0.25,
    PowerState.WAKE: 150.0,
    PowerState.PARKED: 90.0,
    PowerState.READY: 250.0,
    PowerState.DRIVING: 350.0,
    PowerState.SHUTDOWN: 90.0,
}
"""Asleep about 20 mA, the quiescent current that makers allow (recalled); awake by our own estimate."""
FED: Final = (PowerState.READY, PowerState.DRIVING)
"""The contactors are closed, so the converter works from the traction battery."""


@dataclass(frozen=True, slots=True)
class Supply:
    """The battery's charge, 0 to 1, and the voltage at its poles."""

    charge: float
    volts_v: float


def start(charge: float) -> Supply:
    """A battery at rest.

    Raises:
        ValueError: the charge is not from 0 to 1.
    """
    if not 0.0 <= charge <= 1.0:
        raise ValueError(f"a charge is from 0 to 1, found {charge}")
    return Supply(charge, _rest_v(charge))


def step(supply: Supply, state: PowerState, dt_s: float) -> Supply:
    """Let the car be in a power state for a time, in s; the battery never leaves 0 to 1."""
    rest_v = _rest_v(supply.charge)
    if state in FED:
        into_a = min((CONVERTER_V - rest_v) / RESISTANCE_OHM, CHARGE_MOST_A)
        into_a *= 1.0 - supply.charge
        volts_v = CONVERTER_V
    else:
        into_a = -LOAD_W[state] / rest_v
        volts_v = rest_v + into_a * RESISTANCE_OHM
    charge = min(max(supply.charge + into_a * dt_s / CAPACITY_AS, 0.0), 1.0)
    return Supply(charge, volts_v)


def _rest_v(charge: float) -> float:
    return EMPTY_V + (FULL_V - EMPTY_V) * charge
