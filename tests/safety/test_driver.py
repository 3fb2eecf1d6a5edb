import math

import pytest

from tests.safety.builders import car_state
from volant.core.messages import Command, DriverControls, Gear, Indicator
from volant.safety import driver
from volant.safety.driver import DriverTuning, Touch, touch_of

TUNING = DriverTuning()


def by_hand(
    speed_mps: float = 10.0, *, held: bool = False, gear: Gear = Gear.DRIVE, **controls: float
) -> Command:
    hands = DriverControls(**controls)
    return driver.driver_command(
        7,
        car_state(0, speed_mps, gear=gear),
        hands,
        TUNING,
        curvature_per_m=0.01,
        held=held,
        indicator=Indicator.LEFT,
    )


def test_the_defaults_are_the_documented_ones() -> None:
    assert (
        DriverTuning(
            pressed=0.02,
            wheel_torque_nm=3.0,
            kickdown=0.9,
            accel_mps2=4.0,
            brake_mps2=9.0,
            coast_mps2=0.3,
        )
        == DriverTuning()
    )


def test_noise_on_pedals_and_wheel_is_no_touch() -> None:
    still = DriverControls(accelerator=0.02, brake=0.02, wheel_torque_nm=-3.0)
    assert touch_of(still, TUNING) == Touch(accelerator=False, brake=False, wheel=False)


def test_each_control_is_noticed_by_itself() -> None:
    assert touch_of(DriverControls(accelerator=0.03), TUNING) == Touch(True, False, False)
    assert touch_of(DriverControls(brake=0.03), TUNING) == Touch(False, True, False)
    assert touch_of(DriverControls(wheel_torque_nm=3.1), TUNING) == Touch(False, False, True)
    assert touch_of(DriverControls(wheel_torque_nm=-3.1), TUNING) == Touch(False, False, True)


@pytest.mark.parametrize("name", ["accelerator", "brake", "wheel_torque_nm", "wheel_angle_rad"])
@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_a_control_that_is_no_number_is_seen(name: str, wrong: float) -> None:
    assert driver.is_finite(DriverControls())
    assert not driver.is_finite(DriverControls(**{name: wrong}))


def test_the_pedals_ask_for_their_share() -> None:
    assert by_hand(accelerator=0.5).accel_mps2 == 2.0
    assert by_hand(brake=0.5).accel_mps2 == -4.5
    assert by_hand(brake=0.1, accelerator=1.0).accel_mps2 == pytest.approx(-0.9)
    assert by_hand().accel_mps2 == -0.3
    assert by_hand(accelerator=0.02, brake=0.02).accel_mps2 == -0.3


def test_backwards_everything_is_the_other_way_round() -> None:
    assert by_hand(-3.0, gear=Gear.REVERSE, accelerator=0.5).accel_mps2 == -2.0
    assert by_hand(-3.0, gear=Gear.REVERSE, brake=0.5).accel_mps2 == 4.5
    assert by_hand(-3.0, gear=Gear.REVERSE).accel_mps2 == 0.3


@pytest.mark.parametrize("gear", [Gear.PARK, Gear.NEUTRAL])
def test_without_a_gear_the_accelerator_does_nothing(gear: Gear) -> None:
    assert by_hand(0.0, gear=gear, accelerator=1.0).accel_mps2 == 0.0


def test_minus_zero_is_not_backwards() -> None:
    assert by_hand(-0.0, brake=1.0).accel_mps2 == -9.0
    assert by_hand(-0.1, brake=1.0).accel_mps2 == -9.0
    assert by_hand(-0.11, brake=1.0).accel_mps2 == 9.0


def test_at_standstill_a_brake_holds_the_car_until_the_accelerator_is_pressed() -> None:
    assert by_hand(0.0, brake=0.5).hold
    assert by_hand(0.0, held=True).hold
    assert not by_hand(0.0).hold
    assert by_hand(0.0).accel_mps2 == 0.0
    assert not by_hand(0.0, held=True, accelerator=0.1).hold
    assert not by_hand(0.0, brake=0.5, accelerator=0.5).hold
    assert not by_hand(0.1, held=True, brake=0.5).hold
    assert by_hand(0.099, held=True).hold
    assert by_hand(-0.099, held=True).hold
    assert not by_hand(-0.1, held=True).hold
    assert by_hand(0.1).accel_mps2 == -0.3


def test_the_rest_of_the_command_is_handed_through() -> None:
    made = by_hand(gear=Gear.NEUTRAL)
    assert (made.stamp_ns, made.gear, made.indicator) == (7, Gear.NEUTRAL, Indicator.LEFT)
    assert made.curvature_per_m == 0.01


def test_the_wheel_asks_for_the_curvature_of_its_angle() -> None:
    controls = DriverControls(wheel_angle_rad=1.5)
    assert driver.wheel_curvature(controls, 15.0, 2.5) == pytest.approx(math.tan(0.1) / 2.5)
