"""What emergency braking remembers from tick to tick, and when it speaks."""

import math
from typing import Any

import msgspec
import pytest

from tests.safety.builders import TICK_NS, car_state
from tests.safety.test_aeb_rules import FRONT_M, SETTINGS, WALL, Run, seen, switch
from volant.core.messages import (
    BrakeStage,
    DetectionFrame,
    DriverControls,
    Function,
    Gear,
    SensorFrames,
)
from volant.safety import aeb
from volant.safety.aeb import AebInput, AebMemory
from volant.safety.aeb_paths import Own


def test_the_car_is_followed_by_wheels_and_gyro_and_rates_are_smoothed() -> None:
    run = Run(20.0)
    for k in range(50):
        run.tick(yaw_rate_rps=0.1, steer_rad=0.3 * 0.01 * k)
    memory = run.memory
    assert memory.yaw_rate_rps == pytest.approx(0.1, rel=0.01)
    assert memory.steer_rate_rps == pytest.approx(0.3, rel=0.01)
    assert memory.steer_rad == pytest.approx(0.147)
    turned, radius_m = 0.1 * 0.5, 200.0
    assert memory.places[-1].yaw_rad == pytest.approx(turned, rel=0.02)
    assert memory.places[-1].x_m == pytest.approx(radius_m * math.sin(turned), rel=0.01)
    assert memory.places[-1].y_m == pytest.approx(radius_m * (1.0 - math.cos(turned)), rel=0.04)
    first = Run(20.0)
    first.tick()
    first.tick(yaw_rate_rps=0.1, steer_rad=0.003)
    share = 0.01 / 0.07
    assert first.memory.yaw_rate_rps == pytest.approx(0.1 * share)
    assert first.memory.steer_rate_rps == pytest.approx(0.3 * share)


def test_a_tick_at_the_same_stamp_or_after_a_gap_moves_the_car_no_further_than_two_ticks() -> None:
    memory = aeb.start()
    for stamp_ns in (0, 0, TICK_NS, 100 * TICK_NS):
        given = AebInput(stamp_ns, car_state(stamp_ns, 20.0, steer_rad=1e-9 * stamp_ns))
        memory, _ = aeb.step(memory, given, SETTINGS)
        assert math.isfinite(memory.steer_rate_rps)
    assert memory.places[-1].x_m == pytest.approx(20.0 * (0.01 + 0.01 + 0.02))


def test_a_car_state_serves_for_a_tenth_of_a_second() -> None:
    run = Run()
    run.towards(seen(WALL + 40.0), seconds=0.3)
    kept = run.memory.car
    assert kept is not None
    run.car = lambda _car: None
    for _ in range(10):
        run.tick()
        assert run.memory.car is kept
        assert (run.memory.threat, run.memory.agreed) == (None, 0)
    run.tick()
    assert run.memory.car is None
    old = car_state(run.k * TICK_NS - 110_000_000)
    run.car = lambda _car: old
    run.tick()
    assert run.memory.car is None
    ahead = car_state(run.k * TICK_NS + 1)
    run.car = lambda _car: ahead
    run.tick()
    assert run.memory.car is None


@pytest.mark.parametrize("name", ["yaw_rate_rps", "steer_rad", "accel_mps2"])
def test_a_car_state_that_is_no_number_is_left_out(name: str) -> None:
    run = Run()
    run.tick(**{name: math.nan})
    assert run.memory.car is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("speed_mps", 1e300), ("speed_mps", 121.0), ("speed_mps", -1e17),
        ("yaw_rate_rps", 1e300), ("yaw_rate_rps", -3.1), ("yaw_rate_rps", 50.0),
        ("steer_rad", 1e300), ("steer_rad", -1.6), ("accel_mps2", -1e300), ("accel_mps2", 51.0),
    ],
)  # fmt: skip
def test_one_impossible_sample_counts_as_missing_and_blinds_nobody(name: str, value: float) -> None:
    """It would spoil place, yaw rate or steering rate for good, and the wall ahead be missed."""
    run = Run()
    run.towards(seen(WALL + 30.0), seconds=0.5)
    before = run.memory
    run.car = lambda car: msgspec.structs.replace(car, **{name: value})
    run.tick()
    assert (run.memory.places, run.memory.car) == (before.places, before.car)
    assert (run.memory.yaw_rate_rps, run.memory.steer_rate_rps) == (0.0, 0.0)
    run.car = lambda car: car
    assert run.towards(seen(WALL + 30.0 - 15.0 * 0.51), seconds=3.0) is BrakeStage.FULL


def test_what_a_car_can_do_is_taken_in() -> None:
    run = Run(119.0)
    run.tick(yaw_rate_rps=2.9, steer_rad=1.4, accel_mps2=-49.0)
    assert run.memory.car is not None


def own(steered: bool, speed_mps: float = 15.0, **changes: Any) -> Own:
    car = car_state(0, speed_mps, **{"steer_rad": 0.1, "accel_mps2": -2.0, **changes})
    memory = AebMemory(yaw_rate_rps=0.3, steer_rate_rps=0.0)
    return aeb._own(memory, car, SETTINGS, steered=steered)


def test_our_arc_is_told_by_the_gyro_and_by_the_wheels() -> None:
    assert own(False).curvature_per_m == pytest.approx(0.3 / 15.0)
    bend = math.tan(0.1) / 2.6 / (1.0 + 0.00058 * 15.0 * 15.0)
    assert own(True).curvature_per_m == pytest.approx(bend)
    assert own(True, steer_rad=-0.1).curvature_per_m == pytest.approx(-bend)
    assert own(True, steer_rad=1.5, speed_mps=0.0).curvature_per_m == pytest.approx(
        math.tan(1.0) / 2.6
    )
    assert own(False, speed_mps=0.5).curvature_per_m == pytest.approx(0.3)
    assert own(False).accel_mps2 == -2.0
    assert own(False, accel_mps2=2.0).accel_mps2 == 0.0
    assert own(False, speed_mps=-1.0).speed_mps == 0.0


def test_wheels_that_turn_back_count_as_they_will_be_in_half_a_second() -> None:
    car = car_state(0, 5.0, steer_rad=0.3)
    memory = AebMemory(steer_rate_rps=-0.4)
    bend = math.tan(0.1) / 2.6 / (1.0 + 0.00058 * 25.0)
    assert aeb._own(memory, car, SETTINGS, steered=True).curvature_per_m == pytest.approx(bend)


def at_once(run: Run, x_m: float) -> BrakeStage:
    """One frame of an exact sensor, and the stage after it."""
    while run.k % 5:
        run.tick()
    stamp_ns = run.k * TICK_NS
    frame = DetectionFrame(sensor="ideal", stamp_ns=stamp_ns, objects=(seen(x_m),))
    run.tick(SensorFrames(stamp_ns=stamp_ns, detections=(frame,)))
    return run.memory.stage


def test_two_frames_in_a_row_must_ask_for_braking() -> None:
    run, x_m = Run(), FRONT_M + 2.0 + 16.0
    stages = []
    for _ in range(4):
        stages.append(at_once(run, x_m))
        x_m -= 15.0 * 0.05
    # The first makes the track, the second believes it, the third agrees.
    assert stages[2] is BrakeStage.FULL
    assert BrakeStage.FULL not in stages[:2]
    assert stages[1] is BrakeStage.WARNING


@pytest.mark.parametrize(
    ("torque_nm", "rate_rps", "evades"),
    [
        (4.0, 0.36, True), (-4.0, -0.36, True), (4.0, 0.34, False), (4.0, -0.34, False),
        (2.0, 0.5, False), (0.0, 0.0, False),
    ],
)  # fmt: skip
def test_a_driver_evades_with_hands_and_fast_wheels(
    torque_nm: float, rate_rps: float, evades: bool
) -> None:
    car = car_state(0, driver=DriverControls(wheel_torque_nm=torque_nm))
    assert aeb._evades(AebMemory(steer_rate_rps=rate_rps), car, SETTINGS) is evades


def test_it_speaks_at_twenty_hertz_and_at_changes() -> None:
    run, told = Run(), []
    for k in range(60):
        frames = SensorFrames(stamp_ns=k * TICK_NS, detections=())
        if k % 5 == 0:
            frame = DetectionFrame(sensor="ideal", stamp_ns=k * TICK_NS, objects=())
            frames = msgspec.structs.replace(frames, detections=(frame,))
        asked = (switch(Function.FCW, 0.0), switch(Function.AEB, 0.0)) if k == 42 else ()
        if run.tick(frames, asked).state is not None:
            told.append(k)
    assert told == [0, 5, 10, 15, 20, 25, 30, 35, 40, 42, 45, 50, 55]
    assert run.memory.told is not None
    assert run.memory.told.code == "switched_off"


def test_a_new_reason_is_told_between_two_frames() -> None:
    run = Run()
    run.towards(seen(WALL + 40.0), seconds=0.3)
    run.tick()
    assert run.decision.state is not None
    run.tick()
    assert run.decision.state is None
    run.tick(driver=DriverControls(accelerator=0.95))
    assert run.decision.state is not None
    assert run.decision.state.code == "driver_kickdown"


@pytest.mark.parametrize("function", [Function.FCW, Function.AEB])
def test_a_switch_turns_a_function_off_and_on_again(function: Function) -> None:
    run = Run()
    for value, on in ((0.0, False), (1.0, True), (0.4, False), (0.5, True)):
        run.tick(requests=(switch(function, value),))
        assert (run.memory.fcw if function is Function.FCW else run.memory.aeb) is on
    asked = msgspec.structs.replace(switch(function, 0.0), value=None)
    run.tick(requests=(asked,))
    assert run.memory.fcw
    assert run.memory.aeb


def test_silence_of_all_sensors_ends_what_was_believed() -> None:
    run = Run()
    run.towards(seen(WALL + 5.0), seconds=0.6)
    assert run.memory.near
    assert run.memory.tracker.tracks
    for _ in range(35):
        run.tick()
    assert run.memory.near
    for _ in range(6):
        run.tick()
    assert not run.memory.near
    assert (run.memory.threat, run.memory.agreed) == (None, 0)
    assert run.memory.tracker.tracks == ()
    assert run.memory.stage is BrakeStage.UNAVAILABLE


def test_somebody_near_is_told_to_the_guard_before_braking() -> None:
    run = Run()
    run.towards(seen(FRONT_M + 2.0 + 50.0), seconds=0.15)
    assert run.memory.near
    far = Run()
    far.towards(seen(FRONT_M + 2.0 + 70.0), seconds=0.15)
    assert not far.memory.near


def test_a_car_that_turns_past_it_is_not_braked_whatever_its_wheels_say() -> None:
    assert Run().towards(seen(WALL), seconds=1.2, yaw_rate_rps=0.4) is BrakeStage.READY


def test_braking_without_a_threat_keeps_the_reason_that_it_had() -> None:
    assert aeb._last_code(AebMemory()) == "clear"
    run = Run()
    run.towards(seen(WALL), seconds=1.2)
    assert run.memory.stage is BrakeStage.FULL
    run.car = lambda _car: None
    run.tick()
    assert run.memory.threat is None
    assert run.memory.stage is BrakeStage.FULL
    assert run.memory.told is not None
    assert run.memory.told.code == "lead_standing"


def test_partial_and_full_braking_demand_what_the_page_says() -> None:
    run, demands = Run(), set()
    for _ in range(70):
        run.towards(seen(WALL + 30.0 - 15.0 * 0.05 * (run.k // 5)), seconds=0.05)
        command = run.decision.command
        demands.add((run.memory.stage, None if command is None else command.accel_mps2))
        assert command is None or (command.gear is Gear.DRIVE and not command.hold)
        assert command is None or command.curvature_per_m == 0.0
    assert {
        (BrakeStage.READY, None), (BrakeStage.WARNING, None),
        (BrakeStage.PARTIAL, -4.5), (BrakeStage.FULL, -9.0),
    } <= demands  # fmt: skip
