"""The energy coach against the truth: the same ways driven in the simulated car as it says, and its words compared."""

import math

import pytest

from tests.apps.test_trip import load
from tests.vehicle.flat_world import FlatWorld
from tests.vehicle.reference_car import spec_of
from volant.core.chance import Chance
from volant.core.geometry import Pose
from volant.core.messages import Command, Gear
from volant.vehicle import CarStart, SimCar

trip = load("trip-computer", "trip")
TICK_NS = 10_000_000
ACCEL_MPS2 = 1.5


def drive(car_name: str, stops_m: list[float], top_kmh: float, brake_mps2: float) -> "trip.Trip":
    """From standstill to standstill at each of the places; the signals as the tree has them, 20 a second."""
    spec = spec_of(car_name)
    start = CarStart(Pose(0.0, 0.0, 0.0), charge_pct=70.0)
    car = SimCar(spec, FlatWorld(), start, Chance.of(1, "coach"))
    area_m2 = trip.FRONT_SHARE * spec.width_m * spec.height_m
    now = trip.Trip(spec.body.kerb_mass_kg.value + 75.0, area_m2)
    todo, state = list(stops_m), car.read(0)[0]
    for tick in range(1, 100_000):
        left_m, speed_mps = todo[0] - state.odometer_m, state.speed_mps
        may_mps = math.sqrt(2.0 * brake_mps2 * max(0.0, left_m - 1.0))
        want_mps = min(top_kmh / 3.6, may_mps)
        accel = 2.0 * (want_mps - speed_mps) - (brake_mps2 if want_mps == may_mps else 0.0)
        accel = min(max(accel, -1.15 * brake_mps2), ACCEL_MPS2)
        if left_m < 3.0:
            accel = -1.0 if speed_mps > 0.1 else 0.0
            if speed_mps <= 0.1:
                todo.pop(0)
        elif speed_mps < 2.0:
            accel = max(accel, 0.7)
        if not todo:
            return now
        stamp_ns = tick * TICK_NS
        car.apply(
            Command(stamp_ns=stamp_ns, accel_mps2=accel, curvature_per_m=0.0, gear=Gear.DRIVE),
            stamp_ns,
        )
        car.advance(stamp_ns)
        if tick % 5 == 0:
            state = car.read(stamp_ns)[0]
            values = {
                "Speed": state.speed_mps * 3.6,
                "CurrentPower": -state.battery_power_w,
                "Longitudinal": state.accel_mps2,
                "TraveledDistance": state.odometer_m,
            }
            now.take(stamp_ns, values)
    return pytest.fail("it never arrives")


@pytest.mark.slow
@pytest.mark.parametrize("car_name", ["p7", "g3-520"])
def test_what_fast_driving_cost_is_right_within_a_fifth(car_name: str) -> None:
    fast, easy = (drive(car_name, [10_000.0], kmh, 1.5) for kmh in (150.0, trip.EASY_KMH))
    assert "Above 110 km/h" in fast.advice()
    assert easy.advice() == ""
    assert fast.fast_j / trip.JOULE_PER_KWH == pytest.approx(fast.net_kwh - easy.net_kwh, rel=0.2)


@pytest.mark.slow
@pytest.mark.parametrize("car_name", ["p7", "g3-520"])
@pytest.mark.parametrize(("top_kmh", "between_m"), [(60.0, 300.0), (100.0, 1000.0)])
def test_softer_braking_keeps_what_it_says_or_more(
    car_name: str, top_kmh: float, between_m: float
) -> None:
    stops_m = [between_m * (n + 1) for n in range(4)]
    hard, soft = (drive(car_name, stops_m, top_kmh, mps2) for mps2 in (6.0, 1.5))
    assert "softer braking" in hard.advice()
    assert soft.advice() == ""
    saved_kwh = hard.net_kwh - soft.net_kwh
    assert 0.5 * saved_kwh < hard.hard_j / trip.JOULE_PER_KWH < saved_kwh
