"""Simulated cars of both protocols alike: made, woken, and on by one step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from volant.app.fleet_belief import Shared
from volant.app.fleet_cars import Fault, Making, SimCar, make_car
from volant.app.fleet_cars import step as step_ddi
from volant.app.fleet_cars import wake as wake_ddi
from volant.app.fleet_uptane_car import UptaneCar
from volant.app.fleet_words import Job, Reply, Want
from volant.app.updates_wake import period_s
from volant.core.chance import Chance

AnyCar: TypeAlias = SimCar | UptaneCar
VISITS_PER_S: Final = 10.0
"""All cars that speak Uptane together come so often by themselves, or less: a visit is three signatures and a
transaction of the server's, and no fleet's cars ask as often as simulated ones."""
WOKEN_PERIODS: Final = 6.0
"""A car that is called comes by itself so much less often."""
APART: Final = frozenset({Fault.OFFLINE})
"""Cars that keep no line."""


def make_cars(making: Making, cars: int) -> tuple[list[AnyCar], list[int]]:
    """All cars, and the places of those that keep a line; what each is depends on seed, place and shares alone."""
    lots = [Chance.of(making.seed, "fleet kind", place) for place in range(cars)]
    speaks = [place for place in range(cars) if lots[place].uniform(0) < making.uptane]
    shared = Shared()
    usual_s = max(making.poll_s, len(speaks) / VISITS_PER_S)
    found: list[AnyCar] = [make_car(making, place, cars) for place in range(cars)]
    for number, place in enumerate(speaks):
        after = found[speaks[(number + 1) % len(speaks)]].car_id if len(speaks) > 1 else ""
        found[place] = _speaking(found[place], shared, after, usual_s)
    lines = []
    for place, car in enumerate(found):
        if lots[place].uniform(1) < making.woken and car.fault not in APART:
            lines.append(place)
            found[place] = _woken(car, making)
    return found, lines


def _speaking(car: AnyCar, shared: Shared, neighbour: str, usual_s: float) -> UptaneCar:
    assert isinstance(car, SimCar), "it is made once"
    return UptaneCar(
        car_id=car.car_id,
        chance=car.chance.child("uptane"),
        shared=shared,
        fault=car.fault,
        work_s=car.work_s,
        period_s=period_s(car.car_id, usual_s),
        neighbour=neighbour,
    )


def _woken(car: AnyCar, making: Making) -> AnyCar:
    if isinstance(car, SimCar):
        return replace(car, sleeps_s=WOKEN_PERIODS * (making.sleeps_s or making.poll_s))
    car.period_s *= WOKEN_PERIODS
    return car


def wake(car: AnyCar, now_s: float) -> tuple[AnyCar, Job]:
    """What a car does when a pause is over, or when it is called."""
    if isinstance(car, UptaneCar):
        return car, car.wake(now_s)
    return wake_ddi(car)


def step(car: AnyCar, want: Want, reply: Reply, now_s: float) -> tuple[AnyCar, Job]:
    """What a car does after the answer to what it wanted."""
    if isinstance(car, UptaneCar):
        return car, car.step(reply, now_s)
    return step_ddi(car, want, reply)


def at_rest(car: AnyCar) -> bool:
    """Whether it has nothing in hand, and may be called."""
    return car.at_rest if isinstance(car, UptaneCar) else not car.todo


def speaking(cars: Sequence[AnyCar]) -> dict[int, UptaneCar]:
    """Those that speak Uptane, by place."""
    return {place: car for place, car in enumerate(cars) if isinstance(car, UptaneCar)}
