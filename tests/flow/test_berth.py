"""Where a pilot believes to stand when it begins: at the berth of its trip, or where it was begun anew."""

from __future__ import annotations

import msgspec
import pytest

from tests.caros.motorway import Drive
from tests.flow.test_drive import wish
from volant.app.compose import pilot_settings, plan_trip
from volant.core.messages import CarState, Observation
from volant.pilot import pipeline


def standing(odometer_m: float) -> CarState:
    car = Drive().latest(1.0).car
    assert car is not None
    return msgspec.structs.replace(
        car, speed_mps=0.0, accel_mps2=0.0, yaw_rate_rps=0.0, odometer_m=odometer_m
    )


@pytest.mark.parametrize(("odometer_m", "there"), [(0.0, True), (0.4, True), (850.0, False)])
def test_a_pilot_that_begins_anew_on_the_way_does_not_believe_to_stand_in_its_berth(
    odometer_m: float, *, there: bool
) -> None:
    settings = pilot_settings(plan_trip(wish("volant-world", distance_m=None)))
    assert settings.berth is not None
    memory = pipeline.start(settings)
    for tick in range(3):
        stamp_ns = tick * 10_000_000
        car = msgspec.structs.replace(standing(odometer_m), stamp_ns=stamp_ns)
        memory, _ = pipeline.step(memory, Observation(stamp_ns=stamp_ns, car=car), settings)
    assert memory.ego.matched is there
