"""What the guard takes in at a tick: good messages only, where the car is by now, which path to trust.

A car state or a command that is broken or late is left out; the last good one stays and its age is
judged in `permit.py`. While the wheels are silent the speed follows the commanded acceleration.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

from volant.core.clock import nanoseconds
from volant.core.messages import (
    CarState,
    Command,
    DriverControls,
    DriverRequest,
    Indicator,
    RequestKind,
    StopPath,
)
from volant.safety import driver, gyro, stop
from volant.safety.state import GuardInput, GuardSettings, GuardState, Permission
from volant.safety.stop import Place, TrustedPath


def take_in(
    state: GuardState, given: GuardInput, settings: GuardSettings, span_s: float
) -> GuardState:
    """The newest good car state, command and stop path, and where the car is by now."""
    now_ns, car, command = given.stamp_ns, given.car, given.command
    car_fault = _fault_of_car(car, now_ns, settings)
    if car is not None and not car_fault:
        speed_mps, yaw_rate_rps = car.speed_mps, car.yaw_rate_rps - state.gyro.rate_rps
    else:
        car = state.car
        speed_mps = max(state.speed_mps + state.accel_mps2 * span_s, 0.0)
        yaw_rate_rps = speed_mps * state.curvature_per_m
    before = state.places[-1] if state.places else Place(now_ns, 0.0, 0.0, 0.0)
    slip_rad = -settings.rear_slip_rad_per_mps2 * speed_mps * yaw_rate_rps
    place = stop.move(before, speed_mps, yaw_rate_rps, span_s, now_ns, slip_rad)
    places = (*state.places, place)[-_PLACES:]
    command_fault = fault_of_command(command, now_ns)
    seen_ns, path_fault, trusted = _judge_path(state, given.stop_path, places, speed_mps, settings)
    zero = state.gyro
    if trusted is not None and trusted is not state.trusted:
        zero = gyro.learn(zero, trusted, settings.gyro)
    return msgspec.structs.replace(
        state,
        stamp_ns=now_ns,
        car=car,
        command=state.command if command_fault else command,
        broken=car_fault or command_fault,
        speed_mps=speed_mps,
        places=places,
        seen_path_ns=seen_ns,
        path_fault=path_fault,
        trusted=trusted,
        gyro=zero,
        slip_rad=slip_rad,
        indicator=_indicated(given.requests, state.indicator),
        engage_until_ns=_engage_until(state, given, settings),
    )


def _fault_of_car(car: CarState | None, now_ns: int, settings: GuardSettings) -> str:
    """Why a car state is not taken; empty when it is."""
    if car is None or not 0 <= now_ns - car.stamp_ns <= nanoseconds(settings.stale_s):
        return "car_state_stale"
    measured = car.speed_mps + car.yaw_rate_rps + car.accel_mps2
    if not car.valid or not math.isfinite(measured) or not driver.is_finite(car.driver):
        return "car_state_invalid"
    if abs(car.speed_mps) > MOST_SPEED_MPS or abs(car.yaw_rate_rps) > MOST_YAW_RATE_RPS:
        return "car_state_invalid"
    return ""


def fault_of_command(command: Command | None, now_ns: int) -> str:
    """Why a command is not taken; empty when it is. Its age is judged later, on the last good one."""
    if command is None:
        return "stale_command"
    absurd = not (
        abs(command.accel_mps2) <= _MOST_ACCEL_MPS2
        and abs(command.curvature_per_m) <= _MOST_CURVATURE_PER_M
    )
    return "invalid_command" if absurd or command.stamp_ns > now_ns else ""


def _judge_path(
    state: GuardState,
    path: StopPath | None,
    places: tuple[Place, ...],
    speed_mps: float,
    settings: GuardSettings,
) -> tuple[int, str, TrustedPath | None]:
    """Stamp and fault of the last path judged, and the path trusted; none is taken while stopping."""
    if (
        path is None
        or path.stamp_ns == state.seen_path_ns
        or state.permission is Permission.STOPPING
    ):
        return state.seen_path_ns, state.path_fault, state.trusted
    origin = stop.place_at(places, path.stamp_ns)
    if origin is None:
        return path.stamp_ns, "path_stamp", state.trusted
    fault = stop.fault_of(path, abs(speed_mps), settings.stop)
    return path.stamp_ns, fault, state.trusted if fault else TrustedPath(path, origin)


def _indicated(requests: tuple[DriverRequest, ...], indicator: Indicator) -> Indicator:
    for request in requests:
        if request.kind is RequestKind.INDICATE and request.indicator is not None:
            indicator = request.indicator
    return indicator


def _engage_until(state: GuardState, given: GuardInput, settings: GuardSettings) -> int:
    if any(request.kind is RequestKind.ENGAGE for request in given.requests):
        return given.stamp_ns + nanoseconds(settings.engage_wait_s)
    return state.engage_until_ns


def controls_of(car: CarState, given: GuardInput, settings: GuardSettings) -> DriverControls:
    """What the driver's hands and feet do, believed even where the rest of the car state is not valid.

    Once the controls are older than `stale_s`, a brake stays pressed and the wheel stays where it was,
    but nobody accelerates or steers on their word: a frozen pedal must not hold up a stop.

    Args:
        car: the last good car state.
        given: the tick's inputs.
        settings: the guard's.
    """
    held = car.driver
    if not _is_young(car, given, settings):
        held = DriverControls(brake=held.brake, wheel_angle_rad=held.wheel_angle_rad)
    newest = given.car
    if newest is None or not _is_young(newest, given, settings):
        return held
    return newest.driver if driver.is_finite(newest.driver) else _believed(newest.driver, held)


def _is_young(car: CarState, given: GuardInput, settings: GuardSettings) -> bool:
    return 0 <= given.stamp_ns - car.stamp_ns <= nanoseconds(settings.stale_s)


def _believed(controls: DriverControls, held: DriverControls) -> DriverControls:
    """Each control for itself: one sensor that reads no number does not silence the others."""
    return DriverControls(
        accelerator=_finite(controls.accelerator, held.accelerator),
        brake=_finite(controls.brake, held.brake),
        wheel_torque_nm=_finite(controls.wheel_torque_nm, held.wheel_torque_nm),
        wheel_angle_rad=_finite(controls.wheel_angle_rad, held.wheel_angle_rad),
    )


def _finite(value: float, otherwise: float) -> float:
    return value if math.isfinite(value) else otherwise


_PLACES: Final = 50
"""Half a second of places: ten pilot ticks."""
_MOST_ACCEL_MPS2: Final = 20.0
"""No car asks for two g: an absurd number, not a wish to be limited."""
_MOST_CURVATURE_PER_M: Final = 1.0
"""No car turns around a lamp post."""
MOST_SPEED_MPS: Final = 120.0
"""The bound of `Speed` in core.messages."""
MOST_YAW_RATE_RPS: Final = 3.0
"""A spinning car; an IMU's range is about 300 deg/s, more is a fault (estimated)."""
