"""Whether what the fleet's server knows of cars that speak Uptane agrees with what these have signed; pure.

A manifest that is forged, another car's or an old one changes nothing, and is counted with the car that it was said of.
Nothing that the server gives may ever be refused by a car's checks.
"""

from __future__ import annotations

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


def disagree(
    cars: Iterable[UptaneCar], known: Callable[[str], Known | None], *, lasting: bool = True
) -> list[str]:
    """All that does not agree, for people; none: all does.

    Args:
        cars: all that were simulated.
        known: what the server knows of one; None: it does not know it.
        lasting: one server has run all the while. One that is killed may forget refusals of the last seconds, and of
            several each knows its own.
    """
    found = []
    for car in cars:
        theirs = known(car.car_id) if car.token else None
        whys = _honest(car)
        if theirs is not None:
            whys += _runs(car, theirs)
            whys += _counted(car, theirs, lasting=lasting)
        elif car.token:
            whys.append("it has joined, and the server does not know it")
        found += [f"{car.car_id}: {why}" for why in whys]
    return found


def _honest(car: UptaneCar) -> list[str]:
    """What a server must never do to a car."""
    found = [car.out] if car.out else []
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


def _counted(car: UptaneCar, theirs: Known, *, lasting: bool) -> list[str]:
    """The first refusal of a while is written down at once, more with the car's next word that is believed."""
    refused, unsure = car.shared.refusals[car.car_id], car.shared.unsure[car.car_id]
    least = max(car.counted if lasting else 0, min(refused, 1))
    if not least <= theirs.refused <= refused + unsure:
        return [f"{theirs.refused} manifests are counted as refused, {refused} were"]
    return []
