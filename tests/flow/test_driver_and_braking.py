"""The driver against emergency braking, in every state of pilot and guard, and a pilot that is locked.

The policy is in docs/reference/aeb.md: steering is always the driver's; along, whoever brakes more wins,
and only a kicked-down accelerator ends emergency braking (any accelerator ends its hold).
"""

from itertools import product

import msgspec
import pytest

from tests.flow.test_any_world import BRAKING
from tests.flow.test_driver_wins import NOT_DRIVING, SETTINGS, STATES, driven, pilot_in, seen, watch
from tests.pilot.world import CAR
from volant.core.clock import CONTROL_TICK_NS
from volant.core.messages import (
    BrakeStage,
    CarState,
    CommandSource,
    DriverControls,
    DriverRequest,
    Engagement,
    GuardDecision,
    ObjectClass,
    Observation,
    RequestKind,
)
from volant.pilot import PilotMemory, step
from volant.safety import aeb, driver
from volant.safety.aeb import AebInput, AebMemory
from volant.safety.aeb_threat import Threat
from volant.safety.guard import GuardState, Permission
from volant.safety.limits import LIMITS

PARTIAL, FULL, HOLD = BrakeStage.PARTIAL, BrakeStage.FULL, BrakeStage.HOLD
DEMAND_MPS2 = {PARTIAL: 4.5, FULL: 9.0, HOLD: 0.0}
RUNNING = [(PARTIAL, 8.0), (PARTIAL, 30.0), (FULL, 8.0), (FULL, 30.0), (HOLD, 0.0)]
JERK_MPS3 = next(one.value for one in LIMITS if one.name == "aeb_jerk")
WHEEL = DriverControls(wheel_torque_nm=6.0, wheel_angle_rad=0.3)
LIGHT, HARD = DriverControls(brake=0.1), DriverControls(brake=1.0)
SOME, KICK = DriverControls(accelerator=0.5), DriverControls(accelerator=0.95)


def braking(stage: BrakeStage, stamp_ns: int) -> AebMemory:
    """Emergency braking that has just looked, and is at a stage for a reason that is still there."""
    threat = Threat(1, ObjectClass.CAR, "lead_standing", 20.0, 0.0, 1.0, 8.0, stage)
    return AebMemory(
        stamp_ns=stamp_ns - CONTROL_TICK_NS,
        frames_ns=stamp_ns - CONTROL_TICK_NS,
        threat=None if stage is HOLD else threat,
        threat_ns=stamp_ns - CONTROL_TICK_NS,
        agreed=5,
        stage=stage,
        since_ns=stamp_ns - CONTROL_TICK_NS,
    )


def car_of(
    stage: BrakeStage, speed_mps: float, controls: DriverControls, stamp_ns: int
) -> CarState:
    """The car of that drive, or standing while it is held."""
    car = msgspec.structs.replace(seen(speed_mps).car, stamp_ns=stamp_ns, driver=controls)
    if stage is HOLD:
        car = msgspec.structs.replace(car, speed_mps=0.0, yaw_rate_rps=0.0, accel_mps2=0.0)
    return car


def tick(
    stage: BrakeStage,
    speed_mps: float,
    before: tuple[Engagement, Permission, bool],
    controls: DriverControls,
    press: RequestKind | None = None,
) -> tuple[AebMemory, PilotMemory, GuardState, GuardDecision]:
    """One control tick of pilot, emergency braking and guard, braking as it does since a while."""
    world, watched = driven(speed_mps)
    stamp_ns = world.stamp_ns
    requests = () if press is None else (DriverRequest(stamp_ns=stamp_ns, kind=press),)
    car = car_of(stage, speed_mps, controls, stamp_ns)
    observation = Observation(stamp_ns=stamp_ns, car=car, requests=requests)
    memory, output = step(
        pilot_in(world.memory, before[0], steers=before[2]), observation, world.settings
    )
    given = AebInput(stamp_ns, car, None, requests)
    look, asked = aeb.step(braking(stage, stamp_ns), given, BRAKING)
    state = msgspec.structs.replace(
        watched,
        permission=before[1],
        stop_reason="stale_command",
        accel_mps2=-DEMAND_MPS2[stage],
        hold=stage is HOLD,
    )
    engagement = memory.engage.engagement
    state, decision = watch(state, observation, output, engagement, requests, asked.command)
    return look, memory, state, decision


ALL = [(*running, before) for running, before in product(RUNNING, STATES)]


def test_hands_steer_while_it_brakes_on() -> None:
    bend = driver.wheel_curvature(WHEEL, CAR.steering_ratio, CAR.wheelbase_m)
    for stage, speed_mps, before in ALL:
        look, _, _, decision = tick(stage, speed_mps, before, WHEEL)
        told = (stage, speed_mps, before, decision)
        assert decision.command.curvature_per_m == pytest.approx(bend), told
        assert look.stage is stage, told
        assert decision.command.accel_mps2 <= -DEMAND_MPS2[stage] + 1e-9, told


@pytest.mark.parametrize("controls", [LIGHT, HARD])
def test_whoever_brakes_more_wins(controls: DriverControls) -> None:
    for stage, speed_mps, before in ALL:
        look, memory, state, decision = tick(stage, speed_mps, before, controls)
        told = (stage, speed_mps, before, decision)
        own_mps2 = driver.pedal_accel(
            car_of(stage, speed_mps, controls, 0), controls, SETTINGS.driver
        )
        wanted_mps2 = min(own_mps2, -DEMAND_MPS2[stage])
        assert decision.command.accel_mps2 == pytest.approx(wanted_mps2), told
        assert state.permission is Permission.DRIVER, told
        assert memory.engage.engagement in NOT_DRIVING, told
        assert look.stage is stage, told
        if own_mps2 <= -DEMAND_MPS2[stage]:
            assert decision.source is CommandSource.DRIVER, told
        if stage is HOLD:
            assert decision.command.hold, told


def test_cancel_ends_the_pilot_and_not_the_braking() -> None:
    for stage, speed_mps, before in ALL:
        look, memory, state, decision = tick(
            stage, speed_mps, before, DriverControls(), RequestKind.CANCEL
        )
        told = (stage, speed_mps, before, decision)
        assert state.permission is Permission.DRIVER, told
        assert memory.engage.engagement in NOT_DRIVING, told
        assert look.stage is stage, told
        assert decision.command.accel_mps2 <= -DEMAND_MPS2[stage] + 1e-9, told
        if stage is HOLD:
            assert decision.command.hold, told


def test_a_pressed_accelerator_ends_the_hold_and_a_kick_down_ends_all() -> None:
    for (stage, speed_mps, before), controls in product(ALL, (SOME, KICK)):
        look, _, _, decision = tick(stage, speed_mps, before, controls)
        told = (stage, speed_mps, before, controls, decision)
        own_mps2 = driver.pedal_accel(
            car_of(stage, speed_mps, controls, 0), controls, SETTINGS.driver
        )
        if controls is KICK or stage is HOLD:
            assert look.stage is BrakeStage.READY, told
            assert decision.command.accel_mps2 == pytest.approx(own_mps2), told
            assert decision.source is CommandSource.DRIVER, told
            assert not decision.command.hold, told
        else:
            assert look.stage is stage, told
            assert decision.source is CommandSource.AEB, told
            assert decision.command.accel_mps2 == pytest.approx(-DEMAND_MPS2[stage]), told


def test_braking_that_begins_builds_up_within_its_jerk_over_a_driver_who_speeds_up() -> None:
    world, watched = driven(30.0)
    stamp_ns = world.stamp_ns
    car = msgspec.structs.replace(seen(30.0).car, stamp_ns=stamp_ns, driver=SOME)
    observation = Observation(stamp_ns=stamp_ns, car=car)
    memory, output = step(world.memory, observation, world.settings)
    _, asked = aeb.step(braking(FULL, stamp_ns), AebInput(stamp_ns, car), BRAKING)
    _, decision = watch(watched, observation, output, memory.engage.engagement, (), asked.command)
    most = watched.accel_mps2 - JERK_MPS3 * 1e-9 * CONTROL_TICK_NS
    assert decision.command.accel_mps2 == pytest.approx(most)


def test_a_pilot_that_is_locked_out_takes_nothing_from_the_driver_and_is_not_engaged() -> None:
    """Whatever state it was in: hands and feet win, and a press of the button does nothing."""
    for before, speed_mps in product(STATES, (0.0, 8.0, 30.0)):
        for controls, press in (
            (DriverControls(brake=0.3), None),
            (DriverControls(accelerator=0.3), None),
            (WHEEL, None),
            (DriverControls(), RequestKind.CANCEL),
            (DriverControls(), RequestKind.ENGAGE),
        ):
            world, watched = driven(speed_mps)
            stamp_ns = world.stamp_ns
            memory = pilot_in(world.memory, before[0], steers=before[2])
            locked = msgspec.structs.replace(memory.assist.attention, locked=True)
            memory = msgspec.structs.replace(
                memory, assist=msgspec.structs.replace(memory.assist, attention=locked)
            )
            requests = () if press is None else (DriverRequest(stamp_ns=stamp_ns, kind=press),)
            car = msgspec.structs.replace(seen(speed_mps).car, stamp_ns=stamp_ns, driver=controls)
            observation = Observation(stamp_ns=stamp_ns, car=car, requests=requests)
            memory, output = step(memory, observation, world.settings)
            state = msgspec.structs.replace(
                watched, permission=before[1], stop_reason="stale_command"
            )
            engagement = memory.engage.engagement
            state, decision = watch(state, observation, output, engagement, requests)
            told = (before, speed_mps, controls, press, engagement, decision)
            touch = driver.touch_of(controls, SETTINGS.driver)
            if touch.brake or press is RequestKind.CANCEL:
                assert engagement in NOT_DRIVING, told
                assert state.permission is Permission.DRIVER, told
            elif touch.accelerator:
                wanted = driver.pedal_accel(car, controls, SETTINGS.driver)
                assert decision.command.accel_mps2 == pytest.approx(wanted), told
            elif touch.wheel:
                bend = driver.wheel_curvature(controls, CAR.steering_ratio, CAR.wheelbase_m)
                assert decision.command.curvature_per_m == pytest.approx(bend), told
            elif press is RequestKind.ENGAGE and before[0] in NOT_DRIVING:
                assert engagement in NOT_DRIVING, told
