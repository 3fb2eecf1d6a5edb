"""What the maker knows of a car: figures of its file, never the true mass, capacity, wind or style."""

from __future__ import annotations

from dataclasses import dataclass

from volant.vehicle.parameters import PlantSpec, plant_spec
from volant.vehicle.simcar import usual_j_per_m
from volant.vehicle.spec import CarSpec


@dataclass(frozen=True, slots=True)
class Facts:
    """The nominal car: kerb mass with a driver, a new battery, published consumption."""

    name: str
    plant: PlantSpec
    usable_j: float
    """Of a new battery, at no load."""
    usual_j_per_m: float
    """Consumption that the display starts with."""


def facts_of(car: CarSpec) -> Facts:
    """The facts of a car's file."""
    return Facts(car.name, plant_spec(car), car.usable_j, usual_j_per_m(car))


__all__ = ["Facts", "facts_of"]
