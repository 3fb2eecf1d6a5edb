"""Whether what the fleet's server knows of cars that speak Uptane agrees with what these have signed; pure.

A manifest that is forged, another car's or an old one changes nothing, and is counted with the car that it was said of.
Nothing that the server gives may ever be refused by a car's checks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from volant.app.fleet_uptane_car import UptaneCar


@dataclass(frozen=True, slots=True)
class Known:
    """What the server knows of a car."""

    runs: Mapping[str, str]
    """Image by control unit."""
    refused: int
    """Manifests that it did not believe."""


def disagree(cars: Iterable[UptaneCar], known: Callable[[str], Known | None]) -> list[str]:
    """All that does not agree, for people; none: all does.

    Args:
        cars: all that were simulated.
        known: what the server knows of one; None: it does not know it.
    """
    cars = list(cars)
    refusals, unsure = Counter[str](), Counter[str]()
    for car in cars:
        refusals += car.refusals
        unsure += car.unsure
    found = []
    for car in cars:
        theirs = known(car.car_id) if car.token else None
        whys = _honest(car)
        if theirs is not None:
            whys += _runs(car, theirs)
            whys += _counted(theirs, refusals[car.car_id], unsure[car.car_id])
        elif car.token:
            whys.append("it has joined, and the server does not know it")
        found += [f"{car.car_id}: {why}" for why in whys]
    return found


def _honest(car: UptaneCar) -> list[str]:
    """What a server must never do to a car."""
    found = []
    if car.again:
        found.append(f"it was told a try {car.again} times that it had ended before")
    if car.spurned:
        found.append(f"{len(car.spurned)} honest manifests were refused: {car.spurned[0]}")
    if car.forged:
        found.append(f"it could not believe what it was given: {car.forged[0]}")
    return found


def _runs(car: UptaneCar, theirs: Known) -> list[str]:
    mine = {unit: one.name for unit, one in car.runs.items()}
    if theirs.runs in ([car.said, mine] if car.asking else [car.said]):
        return []
    return [f"it has signed that it runs {car.said}, the server has {dict(theirs.runs)}"]


def _counted(theirs: Known, refused: int, unsure: int) -> list[str]:
    """The first of a while is written down at once; more go with the next word of the car, or with a killed server."""
    if refused and not theirs.refused:
        return [f"{refused} manifests of it were refused, and none is counted"]
    if theirs.refused > refused + unsure:
        return [f"{theirs.refused} manifests are counted as refused, there were {refused}"]
    return []
