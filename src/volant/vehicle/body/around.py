"""What the body is told of the car at a step."""

from __future__ import annotations

from dataclasses import dataclass

from volant.core.messages import Gear


@dataclass(frozen=True, slots=True)
class Surround:
    """The car around the body, at one moment."""

    stamp_ns: int
    speed_mps: float
    gear: Gear
    ambient_k: float
    charge: float
    """0 to 1."""
    temperature_k: float
    """Of the battery."""
    odometer_m: float
    battery_w: float
    """Out of the battery."""
    loss_w: float
    motor_rps: float
    motor_nm: float
    asleep: bool = False
    """The car sleeps: nobody sits in it, and nothing runs that nobody has asked for."""


__all__ = ["Surround"]
