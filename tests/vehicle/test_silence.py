"""Actuators that nobody commands: how soon they react, how hard they brake, when they obey again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.core.clock import CONTROL_TICK_NS, NS_PER_S
from volant.core.messages import Command, DriverControls, Gear, Indicator
from volant.vehicle import silence
from volant.vehicle.silence import Silence


def command(stamp_ns: int, accel_mps2: float = 1.5, curvature_per_m: float = 0.01) -> Command:
    return Command(stamp_ns=stamp_ns, accel_mps2=accel_mps2, curvature_per_m=curvature_per_m)


def ticks(count: int) -> list[int]:
    return [(1 + i) * CONTROL_TICK_NS for i in range(count)]


def test_drive_torque_is_gone_within_a_tenth_of_a_second_and_steering_held() -> None:
    state = silence.heard(Silence(), command(0), 0)
    for stamp_ns in ticks(8):
        state, own = silence.step(state, 30.0, stamp_ns)
        assert own is None
    state, own = silence.step(state, 30.0, 9 * CONTROL_TICK_NS)
    assert own is not None
    assert own.accel_mps2 <= 0.0
    assert own.curvature_per_m == 0.01
    assert own.indicator is Indicator.HAZARD


@given(st.floats(-6.0, 3.0), st.floats(0.5, 40.0))
def test_the_brakes_ramp_to_their_bound_and_never_past_what_was_asked(
    accel_mps2: float, speed_mps: float
) -> None:
    state = silence.heard(Silence(), command(0, accel_mps2), 0)
    before = max(0.0, -accel_mps2)
    for stamp_ns in ticks(200):
        state, own = silence.step(state, speed_mps, stamp_ns)
        if own is None:
            continue
        assert 0.0 <= -own.accel_mps2 <= silence.BRAKE_MPS2
        last = min(before, silence.BRAKE_MPS2)
        assert -own.accel_mps2 <= last + silence.RAMP_MPS3 * CONTROL_TICK_NS / NS_PER_S + 1e-9
        before = max(-own.accel_mps2, before if stamp_ns < 9 * CONTROL_TICK_NS else 0.0)
    assert own is not None
    assert own.accel_mps2 == -silence.BRAKE_MPS2


def test_who_comes_back_while_the_car_rolls_is_not_obeyed_until_it_stands() -> None:
    state = silence.heard(Silence(), command(0), 0)
    state, own = silence.step(state, 30.0, 10 * CONTROL_TICK_NS)
    assert own is not None
    for stamp_ns in ticks(50):
        state = silence.heard(state, command(stamp_ns), 10 * CONTROL_TICK_NS + stamp_ns)
        state, own = silence.step(state, 5.0, 10 * CONTROL_TICK_NS + stamp_ns)
        assert own is not None
    state, own = silence.step(state, 0.0, 61 * CONTROL_TICK_NS)
    assert own is None
    assert state.since_ns < 0


def test_a_car_that_stands_in_silence_is_held() -> None:
    state = silence.heard(Silence(), command(0), 0)
    _, own = silence.step(state, 0.0, NS_PER_S)
    assert own is not None
    assert own.hold
    assert own.accel_mps2 == 0.0


def test_a_car_that_rolls_backward_is_braked_too() -> None:
    state = silence.heard(Silence(), command(0, -1.0), 0)
    state, own = silence.step(state, -3.0, 10 * CONTROL_TICK_NS)
    assert own is not None
    assert own.accel_mps2 > 0.0


def test_a_car_that_was_never_commanded_is_left_alone() -> None:
    assert silence.step(Silence(), 10.0, NS_PER_S) == (Silence(), None)


@pytest.mark.parametrize(
    "pressed", [{"accelerator": 0.6}, {"brake": 0.4}, {"wheel_torque_nm": 5.0}]
)
def test_hands_that_are_gone_press_nothing(pressed: dict[str, float]) -> None:
    gone = silence.hands_gone(DriverControls(wheel_angle_rad=0.3, **pressed))
    assert gone == DriverControls(wheel_angle_rad=0.3, hands_on=False, eyes_on=False)


def test_a_car_that_nobody_commands_any_more_is_parked_after_a_while() -> None:
    state = silence.heard(Silence(), command(0, 0.0), 0)
    seen = []
    for stamp_ns in range(CONTROL_TICK_NS, 2 * silence.REST_NS, 10 * CONTROL_TICK_NS):
        state, own = silence.step(state, 0.0, stamp_ns)
        if own is not None:
            assert own.hold
            seen.append((own.gear, own.indicator))
    assert list(dict.fromkeys(seen)) == [
        (Gear.DRIVE, Indicator.HAZARD),
        (Gear.PARK, Indicator.OFF),
    ]
    _, rolling = silence.step(state, 3.0, 3 * silence.REST_NS)
    assert rolling is not None
    assert (rolling.gear, rolling.indicator) == (Gear.DRIVE, Indicator.HAZARD)
