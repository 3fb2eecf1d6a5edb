"""The driver always wins within one control tick: every state of pilot and guard meets every input."""

import math
from functools import cache
from itertools import product

import msgspec
import pytest

from tests.pilot.world import CAR, World, straight
from volant.core.clock import CONTROL_TICK_NS
from volant.core.messages import (
    Command,
    CommandSource,
    DriverControls,
    DriverRequest,
    Engagement,
    Function,
    GuardDecision,
    Observation,
    RequestKind,
)
from volant.pilot import PilotMemory, PilotOutput, step
from volant.pilot.assist import Assist
from volant.pilot.engage import EngageState
from volant.pilot.functions import Acting
from volant.safety import driver, guard
from volant.safety.guard import GuardInput, GuardSettings, GuardState, Permission

SETTINGS = GuardSettings(wheelbase_m=CAR.wheelbase_m, steering_ratio=CAR.steering_ratio)
PEDALS = (0.0, 0.01, 0.3, 1.0)
TORQUES_NM = (-6.0, 0.0, 2.0, 6.0)
ANGLES_RAD = (-0.3, 0.0, 0.3)
PRESSES = (None, *RequestKind)
BROKEN = (None, "accelerator", "brake", "wheel_torque_nm", "wheel_angle_rad")
SPEEDS_MPS = (0.0, 8.0, 30.0)
NOT_DRIVING = (Engagement.OFF, Engagement.READY)


@cache
def driven(speed_mps: float) -> tuple[World, GuardState]:
    """A car that the pilot drives, and a guard that has watched it."""
    world, state = World(straight(), speed_mps=speed_mps), guard.start()
    for _ in range(100):
        asked = tuple(world.requests)
        if world.tick == world.engage_at:
            asked = (DriverRequest(stamp_ns=world.stamp_ns, kind=RequestKind.ENGAGE),)
        observation = world._observe()
        output = world.advance()
        state, _ = watch(state, observation, output, Engagement.ENGAGED, asked)
    return world, state


def watch(
    state: GuardState,
    observation: Observation,
    output: PilotOutput,
    engagement: Engagement,
    requests: tuple[DriverRequest, ...],
    aeb: Command | None = None,
) -> tuple[GuardState, GuardDecision]:
    """The guard's tick after the pilot's, as `app.components.vehicle` makes it."""
    given = GuardInput(
        stamp_ns=observation.stamp_ns,
        car=observation.car,
        command=output.command,
        aeb=aeb,
        stop_path=None if output.plan is None else output.plan.stop_path,
        requests=requests,
        minimal_risk=engagement is Engagement.MINIMAL_RISK,
        pilot_off=engagement in NOT_DRIVING,
    )
    return guard.check(state, given, SETTINGS)


def pilot_in(memory: PilotMemory, engagement: Engagement, *, steers: bool) -> PilotMemory:
    at_risk = engagement is Engagement.MINIMAL_RISK
    demanded = memory.stamp_ns if engagement is Engagement.TAKEOVER or at_risk else -1
    off = frozenset() if steers else frozenset({Function.LCC, Function.TJA})
    return msgspec.structs.replace(
        memory,
        engage=EngageState(engagement, "code", "words", -1, demanded, demanded, at_risk),
        assist=Assist(off=off, acting=Acting(off=off)),
    )


def tick(
    speed_mps: float,
    engagement: Engagement,
    permission: Permission,
    controls: DriverControls,
    press: RequestKind | None,
    *,
    steers: bool = True,
) -> tuple[PilotMemory, GuardState, GuardDecision]:
    """One control tick of pilot and guard from a state that is set."""
    world, watched = driven(speed_mps)
    stamp_ns = world.stamp_ns
    requests = () if press is None else (DriverRequest(stamp_ns=stamp_ns, kind=press),)
    car = msgspec.structs.replace(seen(speed_mps).car, stamp_ns=stamp_ns, driver=controls)
    observation = Observation(stamp_ns=stamp_ns, car=car, requests=requests)
    memory = pilot_in(world.memory, engagement, steers=steers)
    memory, output = step(memory, observation, world.settings)
    state = msgspec.structs.replace(watched, permission=permission, stop_reason="stale_command")
    state, decision = watch(state, observation, output, memory.engage.engagement, requests)
    return memory, state, decision


@cache
def seen(speed_mps: float) -> Observation:
    return driven(speed_mps)[0]._observe()


STATES = [
    (engagement, permission, steers)
    for engagement, permission, steers in product(Engagement, Permission, (True, False))
]
HANDS = [
    DriverControls(
        accelerator=accelerator, brake=brake, wheel_torque_nm=torque, wheel_angle_rad=angle
    )
    for accelerator, brake, torque, angle in product(PEDALS, PEDALS, TORQUES_NM, ANGLES_RAD)
]


def check(
    controls: DriverControls,
    press: RequestKind | None,
    speed_mps: float,
    before: tuple[Engagement, Permission, bool],
) -> None:
    memory, state, decision = tick(
        speed_mps, before[0], before[1], controls, press, steers=before[2]
    )
    told = (before, controls, press, decision)
    touch = driver.touch_of(controls, SETTINGS.driver)
    car, command = seen(speed_mps).car, decision.command
    if touch.brake or press is RequestKind.CANCEL:
        assert memory.engage.engagement in NOT_DRIVING, told
        assert state.permission is Permission.DRIVER, told
        assert decision.source is CommandSource.DRIVER, told
        wanted = driver.pedal_accel(car, controls, SETTINGS.driver)
        assert command.accel_mps2 == pytest.approx(wanted), told
    elif touch.accelerator:
        wanted = driver.pedal_accel(car, controls, SETTINGS.driver)
        assert command.accel_mps2 == pytest.approx(wanted), told
        assert not command.hold, told
    if touch.wheel or state.permission is Permission.DRIVER:
        bend = driver.wheel_curvature(controls, CAR.steering_ratio, CAR.wheelbase_m)
        assert command.curvature_per_m == pytest.approx(bend), told
    if touch.accelerator or touch.wheel:
        assert memory.engage.engagement not in (Engagement.TAKEOVER, Engagement.MINIMAL_RISK) or (
            not before[2] and not touch.accelerator
        ), told
        assert decision.source is CommandSource.DRIVER, told


@pytest.mark.slow
@pytest.mark.parametrize("speed_mps", SPEEDS_MPS)
def test_hands_and_feet_win_in_every_state_in_the_same_tick(speed_mps: float) -> None:
    for before, controls in product(STATES, HANDS):
        check(controls, None, speed_mps, before)


@pytest.mark.parametrize("speed_mps", SPEEDS_MPS)
def test_every_press_with_every_single_control_in_every_state(speed_mps: float) -> None:
    alone = [
        DriverControls(),
        DriverControls(accelerator=0.3),
        DriverControls(brake=0.3),
        DriverControls(wheel_torque_nm=6.0, wheel_angle_rad=0.3),
        DriverControls(wheel_torque_nm=-6.0, wheel_angle_rad=-0.3, accelerator=1.0),
    ]
    for before, controls, press in product(STATES, alone, PRESSES):
        check(controls, press, speed_mps, before)


@pytest.mark.parametrize("broken", BROKEN[1:])
def test_a_broken_sensor_of_one_control_does_not_take_the_car_from_the_driver(broken: str) -> None:
    """Brake and cancel win though another control reads NaN; nothing that goes out is NaN."""
    for before, speed_mps in product(STATES, SPEEDS_MPS):
        for press in (None, RequestKind.CANCEL):
            plain = DriverControls(brake=0.0 if press else 0.4)
            controls = msgspec.structs.replace(plain, **{broken: math.nan})
            memory, state, decision = tick(
                speed_mps, before[0], before[1], controls, press, steers=before[2]
            )
            command = decision.command
            assert math.isfinite(command.accel_mps2 + command.curvature_per_m)
            if press is RequestKind.CANCEL or broken != "brake":
                assert memory.engage.engagement in NOT_DRIVING
                assert state.permission is Permission.DRIVER
                assert decision.source is CommandSource.DRIVER


def test_the_driver_brakes_harder_than_emergency_braking_and_kicks_it_down() -> None:
    world, watched = driven(30.0)
    stamp_ns = world.stamp_ns
    aeb = Command(stamp_ns=stamp_ns, accel_mps2=-6.0, curvature_per_m=0.0)
    for controls, wanted_mps2 in (
        (DriverControls(brake=1.0), -9.0),
        (DriverControls(accelerator=1.0), 4.0),
    ):
        car = msgspec.structs.replace(seen(30.0).car, stamp_ns=stamp_ns, driver=controls)
        observation = Observation(stamp_ns=stamp_ns, car=car)
        memory, output = step(world.memory, observation, world.settings)
        _, decision = watch(watched, observation, output, memory.engage.engagement, (), aeb)
        assert decision.command.accel_mps2 == pytest.approx(wanted_mps2)
        assert decision.source is CommandSource.DRIVER


def test_the_ticks_of_pilot_and_guard_are_one_control_tick() -> None:
    world, _ = driven(8.0)
    assert world.stamp_ns - world.memory.stamp_ns == CONTROL_TICK_NS
