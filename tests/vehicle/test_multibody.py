"""Side motion beside the multi-body model of commonroad-vehicle-models with the same parameter set."""

import pytest

from tests.vehicle.reference_car import (
    our_offsets_m,
    our_reference_car,
    ramp,
    ramp_rate,
    reference_offsets_m,
)

TIMES_S = (2.0, 2.3)
"""After the beginning and after the end of the ramp."""


def compare(speed_mps: float, accel_mps2: float, ramp_s: float, rel: float) -> None:
    car = our_reference_car()
    steer_rad = accel_mps2 * car.wheelbase_m / speed_mps**2
    ours = our_offsets_m(car, speed_mps, ramp(steer_rad, ramp_s), TIMES_S)
    theirs = reference_offsets_m(speed_mps, ramp_rate(steer_rad, ramp_s), TIMES_S)
    assert ours == pytest.approx(theirs, rel=rel)


@pytest.mark.parametrize("accel_mps2", [2.0, 4.0, 6.0, -2.0, -4.0, -6.0])
def test_a_ramp_at_20_mps_agrees_with_the_multi_body_model_within_five_per_cent(
    accel_mps2: float,
) -> None:
    compare(20.0, accel_mps2, 0.3, 0.05)


@pytest.mark.parametrize(
    ("speed_mps", "accel_mps2", "ramp_s"),
    [(10.0, 2.0, 0.3), (10.0, -4.0, 0.3), (20.0, 8.0, 0.3), (20.0, 4.0, 0.6), (30.0, 4.0, 0.3)],
)
def test_other_ramps_agree_within_five_per_cent_too(
    speed_mps: float, accel_mps2: float, ramp_s: float
) -> None:
    compare(speed_mps, accel_mps2, ramp_s, 0.05)


def test_small_ramps_at_30_mps_are_the_known_weak_spot_at_eight_per_cent() -> None:
    # No camber and no roll steer here: the multi-body model turns in 5 to 7 % more at 1 to 2 m/s2.
    compare(30.0, 1.0, 0.3, 0.08)


def test_left_and_right_are_mirror_images() -> None:
    car = our_reference_car()
    left = our_offsets_m(car, 20.0, ramp(0.03, 0.3), TIMES_S)
    right = our_offsets_m(car, 20.0, ramp(-0.03, 0.3), TIMES_S)
    assert left == [-value for value in right]
