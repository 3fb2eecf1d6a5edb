"""What the programs of the units that move the car hold, and what the car is by them.

The table names the numbers of `PlantSpec` that are a unit's to set. Iron sets limits that no program lifts: an
actuator is as strong and as quick as its program asks, but never more than the car's facts say. A unit without a
program does nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from volant.vehicle.boot.device import in_memory
from volant.vehicle.boot.image import Image, Tables
from volant.vehicle.boot.parts import Identity
from volant.vehicle.parameters import PlantSpec

HARDWARE: Final = "SIM-1"
"""Of all units of the simulated car."""
VERSION: Final = "factory"
REGENERATES: Final = "regenerates"
"""Behaviour of the drive unit: whether it brakes with its motor."""


@dataclass(frozen=True, slots=True)
class Limit:
    """Between what a number may lie, both ends in the unit that ends its name; what a car file may say, and less."""

    least: float
    most: float
    iron: int = 0
    """1: never above the car's fact, -1: never below, 0: the program's alone."""


CALIBRATIONS: Final[Mapping[str, Mapping[str, Limit]]] = {
    "drive": {
        "max_speed_mps": Limit(1.0, 140.0),
        "peak_torque_nm": Limit(1.0, 2e4, 1),
        "peak_power_w": Limit(100.0, 2e6, 1),
        "torque_lag_s": Limit(0.0, 5.0, -1),
        "regen_power_w": Limit(0.0, 2e6, 1),
        "regen_full_speed_mps": Limit(0.1, 140.0),
        "regen_end_speed_mps": Limit(0.0, 140.0),
    },
    "brake": {
        "brake_rate_nps": Limit(100.0, 1e8, 1),
        "max_brake_n": Limit(100.0, 1e6, 1),
        "max_decel_mps2": Limit(0.5, 20.0, 1),
        "abs_efficiency": Limit(0.1, 1.0, 1),
    },
    "steer": {
        "max_steer_rad": Limit(0.01, 1.3, 1),
        "steer_rate_rps": Limit(0.001, 100.0, 1),
        "understeer_rad_per_mps2": Limit(-0.1, 0.1),
    },
    "body": {
        "climate_max_w": Limit(0.0, 5e4, 1),
        "climate_w_per_k": Limit(0.0, 2e3),
    },
}
"""Whose what is. The greatest deceleration is asked of by the drive unit, and bounded by the brakes' program."""
BEHAVIOURS: Final[Mapping[str, tuple[str, ...]]] = {"drive": (REGENERATES,)}

Programs = Mapping[str, Image | None]
"""What each unit has booted, by name; None: nothing, it is dead."""


def factory_tables(unit: str, spec: PlantSpec) -> Tables:
    """The tables that make a unit what the car's facts say; empty for a unit that has none."""
    return Tables(
        behaviour=dict.fromkeys(BEHAVIOURS.get(unit, ()), True),
        calibration={name: getattr(spec, name) for name in CALIBRATIONS.get(unit, {})},
    )


def accepts(image: Image) -> bool:
    """Whether a unit of the car can run by an image: all numbers that it needs, each within its limits."""
    limits = CALIBRATIONS.get(image.unit, {})
    told, switches = image.tables.calibration, image.tables.behaviour
    if set(told) != set(limits) or set(switches) != set(BEHAVIOURS.get(image.unit, ())):
        return False
    for name, limit in limits.items():
        value = told[name]
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        if not limit.least <= value <= limit.most:
            return False
    full, end = told.get("regen_full_speed_mps", 1.0), told.get("regen_end_speed_mps", 0.0)
    return isinstance(full, int | float) and isinstance(end, int | float) and end < full


def factory_programs(spec: PlantSpec) -> dict[str, Image | None]:
    """What the units boot as they leave the factory, each from a flash of its own in memory."""
    booted: dict[str, Image | None] = {}
    for unit in CALIBRATIONS:
        tables = factory_tables(unit, spec)
        boot = in_memory(Identity(unit, HARDWARE), VERSION, tables, accepts)
        booted[unit] = None if boot.running is None else boot.running.image
    return booted


def programmed(spec: PlantSpec, programs: Programs) -> PlantSpec:
    """The car as its units' programs make it."""
    changed: dict[str, float] = {}
    for unit, limits in CALIBRATIONS.items():
        image = programs[unit]
        if image is None:
            continue  # the iron is as ever; whoever simulates the unit does nothing with it
        for name, limit in limits.items():
            value, fact = image.tables.calibration[name], getattr(spec, name)
            assert isinstance(value, int | float)
            bounded = {1: min(value, fact), -1: max(value, fact), 0: value}[limit.iron]
            changed[name] = float(bounded)
        if not image.tables.behaviour.get(REGENERATES, True):
            changed["regen_power_w"] = 0.0
    return replace(spec, **changed)  # type: ignore[arg-type]


def dead(programs: Programs) -> frozenset[str]:
    """Units that have booted nothing."""
    return frozenset(name for name, image in programs.items() if image is None)
