"""Programs of the car's units: what they left the factory with, what they can run by, and the pilot's tuning."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Final

from volant.core.errors import RefusedError
from volant.pilot.settings import Tuning
from volant.vehicle.boot import Bootloader, Identity, Image, Tables
from volant.vehicle.boot.calibration import (
    HARDWARE,
    VERSION,
    Programs,
    accepts,
    factory_programs,
    factory_tables,
)
from volant.vehicle.boot.device import in_memory
from volant.vehicle.parameters import plant_spec
from volant.vehicle.spec import CarSpec

PILOT: Final = "pilot"


def tables_of(unit: str, car: CarSpec) -> Tables:
    """What a unit of a car leaves the factory with."""
    if unit == PILOT:
        return Tables(calibration=dict(_flat(Tuning())))
    return factory_tables(unit, plant_spec(car))


def fits(image: Image) -> bool:
    """Whether a unit of the simulated car can run by an image."""
    if image.unit != PILOT:
        return accepts(image)
    told, usual = image.tables.calibration, dict(_flat(Tuning()))
    if set(told) != set(usual) or image.tables.behaviour:
        return False
    return all(_alike(told[name], value) for name, value in usual.items())


def factory(car: CarSpec) -> Programs:
    """What all units of a car run as it leaves the factory, each booted from a flash in memory."""
    pilot = in_memory(Identity(PILOT, HARDWARE), VERSION, tables_of(PILOT, car), fits)
    image = None if pilot.running is None else pilot.running.image
    return {**factory_programs(plant_spec(car)), PILOT: image}


def pilot_tuning(programs: Programs) -> Tuning:
    """The tuning that the pilot's unit has booted.

    Raises:
        RefusedError: it has booted none, so there is no pilot.
    """
    image = programs[PILOT]
    if image is None:
        raise RefusedError(
            "the unit pilot has no program that boots: `volant ecu flash pilot FILE`"
        )
    tuning: Tuning = _deep(Tuning(), image.tables.calibration, "")
    return tuning


def booted(boots: Mapping[str, Bootloader]) -> Programs:
    """What runs, by unit."""
    return {
        name: None if boot.running is None else boot.running.image for name, boot in boots.items()
    }


def _flat(tuning: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Each number of a tree of tunings, under the names that lead to it."""
    for field in dataclasses.fields(tuning):
        value = getattr(tuning, field.name)
        if dataclasses.is_dataclass(value):
            yield from _flat(value, f"{before}{field.name}.")
        elif not isinstance(value, tuple) or all(isinstance(one, float) for one in value):
            yield before + field.name, value


def _deep(tuning: Any, told: Any, before: str) -> Any:
    """A tree of tunings with its numbers replaced."""
    changed = {}
    for field in dataclasses.fields(tuning):
        value, name = getattr(tuning, field.name), before + field.name
        if dataclasses.is_dataclass(value):
            changed[field.name] = _deep(value, told, name + ".")
        elif name in told:
            changed[field.name] = told[name]
    return dataclasses.replace(tuning, **changed)


def _alike(value: Any, usual: Any) -> bool:
    """Of the same kind and sign: a pilot that was told to brake forwards is none."""
    if isinstance(usual, tuple):
        if not isinstance(value, tuple) or len(value) != len(usual):
            return False
        return all(_alike(one, other) for one, other in zip(value, usual, strict=True))
    if isinstance(usual, bool) or isinstance(value, bool | tuple):
        return type(value) is type(usual)
    if isinstance(usual, int) and not isinstance(value, int):
        return False
    return bool(value == usual or usual == 0 or value * usual > 0)
