"""Lane keeping while a person drives: a bounded steer on top of the driver's own, and never against it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.safety.builders import SETTINGS, Drive
from volant.core.messages import CommandSource, DriverControls, GuardDecision
from volant.safety import driver

SPEED_MPS = 20.0
RESTS = DriverControls(wheel_angle_rad=0.15, wheel_torque_nm=1.0)
BEND = driver.wheel_curvature(RESTS, SETTINGS.steering_ratio, SETTINGS.wheelbase_m)


def helped(
    drive: Drive,
    added_mps2: float,
    ticks: int = 1,
    *,
    age_ns: int = 0,
    hands: DriverControls = RESTS,
) -> GuardDecision:
    """Ticks of a car driven by hand, with a wish of lane keeping as lateral acceleration."""
    for _ in range(ticks):
        decision = drive.tick(
            controls=hands,
            assist_curvature_per_m=added_mps2 / drive.speed_mps**2,
            assist_ns=drive.stamp_ns + 10_000_000 - age_ns,
        )
    return decision


def added_mps2(drive: Drive, decision: GuardDecision) -> float:
    return (decision.command.curvature_per_m - BEND) * drive.state.speed_mps**2


def test_a_wish_of_lane_keeping_is_added_to_the_resting_hands() -> None:
    drive = Drive(speed_mps=SPEED_MPS)
    decision = helped(drive, 0.6, 60)
    assert added_mps2(drive, decision) == pytest.approx(0.6, abs=0.02)
    assert decision.source is CommandSource.DRIVER
    assert decision.reason == "lane_keeping"
    assert decision.limits == ()


def test_without_a_wish_the_driver_is_left_alone() -> None:
    decision = helped(Drive(speed_mps=SPEED_MPS), 0.0, 5)
    assert decision.command.curvature_per_m == BEND
    assert decision.reason == "driver"


def test_it_grows_and_ends_within_its_jerk_and_stays_within_its_acceleration() -> None:
    drive, last = Drive(speed_mps=SPEED_MPS), 0.0
    drive.tick()
    for wanted in [9.0] * 100 + [-9.0] * 200 + [0.0] * 100:
        decision = helped(drive, wanted)
        now = drive.state.assist_mps2
        assert abs(now - last) <= 0.05 + 1e-9
        assert abs(now) <= 3.0
        last = now
    assert last == 0.0
    assert decision.limits == ()
    assert helped(drive, 9.0).limits == ("assist_lateral_accel", "assist_lateral_jerk")


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_hands_that_steer_end_it_in_the_same_tick(sign: float) -> None:
    drive = Drive(speed_mps=SPEED_MPS)
    helped(drive, 1.5, 60)
    hands = DriverControls(wheel_angle_rad=0.15, wheel_torque_nm=3.5 * sign)
    decision = helped(drive, 1.5, hands=hands)
    assert decision.command.curvature_per_m == BEND
    assert decision.reason == "driver"
    assert drive.state.assist_mps2 == 0.0


def test_a_wish_that_has_grown_old_fades() -> None:
    drive = Drive(speed_mps=SPEED_MPS)
    helped(drive, 0.6, 60)
    assert helped(drive, 0.6, age_ns=100_000_000).limits == ()
    held = drive.state.assist_mps2
    late = helped(drive, 0.6, age_ns=110_000_000)
    assert drive.state.assist_mps2 == pytest.approx(held - 0.05)
    assert late.limits == ("assist_lateral_jerk",)
    helped(drive, 0.6, 30, age_ns=110_000_000)
    assert drive.state.assist_mps2 == 0.0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_wish_that_is_no_number_adds_nothing(value: float) -> None:
    drive = Drive(speed_mps=SPEED_MPS)
    assert helped(drive, value, 3).command.curvature_per_m == BEND


def test_a_wish_from_the_future_or_never_said_adds_nothing() -> None:
    drive = Drive(speed_mps=SPEED_MPS)
    assert helped(drive, 1.0, age_ns=-1).command.curvature_per_m == BEND
    fresh = Drive(speed_mps=SPEED_MPS)
    decision = fresh.tick(controls=RESTS, assist_curvature_per_m=0.01, assist_ns=-1)
    assert decision.command.curvature_per_m == BEND


def test_it_adds_nothing_at_town_speed() -> None:
    drive = Drive(speed_mps=7.9)
    assert helped(drive, 1.0, 5).command.curvature_per_m == BEND


def test_a_pilot_that_drives_is_not_added_to() -> None:
    drive = Drive(speed_mps=SPEED_MPS)
    drive.engage()
    decision = drive.tick(
        0.0, 0.0, assist_curvature_per_m=0.002, assist_ns=drive.stamp_ns + 10_000_000
    )
    assert decision.source is CommandSource.COMFORT
    assert decision.command.curvature_per_m == 0.0
    assert drive.state.assist_mps2 == 0.0


@given(
    wishes=st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=20),
    torque_nm=st.floats(-10.0, 10.0),
)
def test_whatever_is_wished_the_steer_stays_within_its_rows(
    wishes: list[float], torque_nm: float
) -> None:
    drive = Drive(speed_mps=SPEED_MPS)
    drive.tick()
    hands = DriverControls(wheel_angle_rad=0.15, wheel_torque_nm=torque_nm)
    for wish in wishes:
        last = drive.state.assist_mps2
        drive.tick(
            controls=hands, assist_curvature_per_m=wish, assist_ns=drive.stamp_ns + 10_000_000
        )
        now = drive.state.assist_mps2
        assert abs(now) <= 3.0
        assert now == 0.0 or abs(now - last) <= 0.05 + 1e-9
        assert abs(torque_nm) <= 3.0 or now == 0.0
