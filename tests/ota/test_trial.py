"""New programs on trial, and trouble codes that come at its end."""

from dataclasses import replace

import pytest

from tests.ota.car import SECOND, TUNING, Car
from volant.core.updates import UpdateEnd
from volant.ota.record import Decision

CODE = frozenset({"brake C0040"})


def late_in_a_trial() -> Car:
    """Just before it is over."""
    car = Car().update()
    settle_ns = round(TUNING.health.settle_s * SECOND)
    return car.until(
        lambda car: (
            car.machine.settled_ns is not None
            and car.moment.ns - car.machine.settled_ns >= settle_ns - SECOND
        )
    )


def still_on_trial(car: Car) -> bool:
    now = car.record.open
    return now is not None and now.decision is Decision.TRIAL


@pytest.mark.parametrize(
    ("goes", "end"), [(True, UpdateEnd.INSTALLED), (False, UpdateEnd.ROLLED_BACK)]
)
def test_a_trial_waits_while_a_new_code_has_neither_lasted_nor_gone(
    goes: bool, end: UpdateEnd
) -> None:
    car = late_in_a_trial()
    car.health = replace(car.health, codes=CODE)
    for _ in range(6):
        car.turn()
        assert still_on_trial(car)
    if goes:
        car.health = replace(car.health, codes=frozenset())
    car.rest()
    assert car.record.last is not None
    assert car.record.last.end is end
