"""New programs on trial, and trouble codes that come at its end."""

from dataclasses import replace
from itertools import pairwise

import pytest

from tests.ota.car import PARKED, SECOND, TUNING, Car, driving
from volant.core.updates import UpdateEnd, UpdatePhase
from volant.ota.health import HealthTuning
from volant.ota.record import Decision
from volant.ota.trial import KEEP_S

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


def test_a_drive_is_written_down_each_half_minute_and_once_when_it_was_long_enough() -> None:
    tuning = replace(TUNING, health=HealthTuning(settle_s=2.0, drive_s=3 * KEEP_S))
    car = Car(tuning=tuning, units=("body", "brake")).update()
    car.until(lambda car: car.state.phase is UpdatePhase.TRIAL and car.machine.has_settled)
    car.facts, car.health = driving(), replace(car.health, driving=True)
    kept: list[float] = []
    while car.machine.driven_s < 5 * KEEP_S:
        car.turn()
        now = car.record.open
        assert now is not None
        if now.driven_s not in kept:
            kept.append(now.driven_s)
    assert all(late - soon >= KEEP_S for soon, late in pairwise(kept[:-1]))
    assert kept[-1] >= 3 * KEEP_S
    assert len(kept) == 4, "what is long enough is not written down again"
    car.facts, car.health = PARKED, replace(car.health, driving=False)
    car.rest()
    assert car.history[-1].end is UpdateEnd.INSTALLED
