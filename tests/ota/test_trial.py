"""What a trial writes down while the car is driven."""

from dataclasses import replace

from tests.ota.car import PARKED, TUNING, Car, driving
from volant.core.updates import UpdateEnd, UpdatePhase
from volant.ota.health import HealthTuning
from volant.ota.trial import KEEP_S


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
    assert all(late - soon >= KEEP_S for soon, late in zip(kept, kept[1:-1], strict=False))
    assert kept[-1] >= 3 * KEEP_S
    assert len(kept) == 4, "what is long enough is not written down again"
    car.facts, car.health = PARKED, replace(car.health, driving=False)
    car.rest()
    assert car.history[-1].end is UpdateEnd.INSTALLED
