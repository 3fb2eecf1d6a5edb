"""The guard: the last check of every command before the actuators, and the permission to drive.

Each control tick it decides who drives (driver, pilot, emergency braking, or its own safe stop), holds
the command to the rows of that source, and lets the driver win within the same tick. It derives the
source itself: a command cannot claim one. A command or a car state that is late or broken is data: the
last good one serves for `stale_s`, then the guard stops the car along the last trusted stop path by
wheels and IMU, holds it, and ends the permission. It never raises, and trusts nobody.
"""

from __future__ import annotations

import enum
import math
from typing import Final

import msgspec

from volant.core.clock import CONTROL_TICK_NS, nanoseconds, seconds
from volant.core.messages import (
    CarState,
    Command,
    CommandSource,
    DriverControls,
    DriverRequest,
    Gear,
    GuardDecision,
    Indicator,
    RequestKind,
    StopPath,
)
from volant.safety import driver, limits, stop
from volant.safety.driver import STANDSTILL_MPS, DriverTuning, Touch
from volant.safety.limits import AcrossRows, AlongRows, Bounded, LimitTable, Motion
from volant.safety.stop import Place, StopTuning, TrustedPath


class GuardSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The car's geometry (handed over from its spec), the table of limits, and the guard's times."""

    wheelbase_m: float
    steering_ratio: float
    """Steering wheel angle per road wheel angle."""
    max_curvature_per_m: float = 0.2
    max_steer_rate_rps: float = 0.5
    """Of the road wheels, by the actuator."""
    limits: LimitTable = limits.TABLE
    driver: DriverTuning = DriverTuning()
    stop: StopTuning = StopTuning()
    stale_s: float = 0.05
    """Five control ticks: at 30 m/s the car drives 1.5 m on an old command."""
    engage_wait_s: float = 0.2
    """A press of the button counts this long, for a pilot that answers at its own slower tick."""
    path_age_s: float = 1.0
    """An older trusted path is still followed, but said: twenty pilot ticks."""
    hold_s: float = 1.0
    """At standstill after the guard's own stop, before the permission ends."""


class GuardInput(msgspec.Struct, frozen=True):
    """Everything the guard sees at one control tick; latest messages, None where there was none yet."""

    stamp_ns: int
    car: CarState | None
    command: Command | None
    aeb: Command | None = None
    stop_path: StopPath | None = None
    requests: tuple[DriverRequest, ...] = ()
    minimal_risk: bool = False
    """The pilot says that it makes a minimal-risk manoeuvre."""
    pilot_off: bool = False
    """The pilot says that it is off or only ready; then its command means nothing."""


class Permission(enum.Enum):
    """Who may drive."""

    DRIVER = "driver"
    PILOT = "pilot"
    STOPPING = "stopping"
    """The guard itself, until the car stands."""


class GuardState(msgspec.Struct, frozen=True, kw_only=True):
    """What the guard remembers from one tick to the next."""

    permission: Permission = Permission.DRIVER
    stamp_ns: int = -CONTROL_TICK_NS
    car: CarState | None = None
    """The last good one."""
    command: Command | None = None
    """The pilot's last good one."""
    broken: str = ""
    """Why what came after the last good command or car state was not taken."""
    accel_mps2: float = 0.0
    """Last output."""
    curvature_per_m: float = 0.0
    hold: bool = False
    indicator: Indicator = Indicator.OFF
    accels: tuple[float, ...] = ()
    """Outputs of the last second, oldest first; for the mean of jerk."""
    laterals: tuple[float, ...] = ()
    """Speed squared times output curvature of the last half second."""
    speed_mps: float = 0.0
    """By the wheels; by the commanded acceleration while they are silent."""
    places: tuple[Place, ...] = ()
    """Of the last half second, to place a path that was planned a little earlier."""
    seen_path_ns: int = -1
    """Stamp of the last stop path judged."""
    path_fault: str = ""
    """What was wrong with it."""
    trusted: TrustedPath | None = None
    stop_reason: str = ""
    stood_s: float = 0.0
    engage_until_ns: int = -1


class _Wish(msgspec.Struct, frozen=True, gc=False):
    """A command with who asks for it and what became of it."""

    command: Command
    source: CommandSource
    reason: str
    names: tuple[str, ...] = ()
    changed: bool = False
    trusted: TrustedPath | None = None


def start() -> GuardState:
    """The state at boot: the driver drives."""
    return GuardState()


def check(
    state: GuardState, given: GuardInput, settings: GuardSettings
) -> tuple[GuardState, GuardDecision]:
    """One control tick: who drives, and the command that may go to the actuators."""
    span_s = min(max(seconds(given.stamp_ns - state.stamp_ns), 0.0), _MOST_SPAN_S)
    state = _take_in(state, given, settings, span_s)
    touch = _touch(given.car, settings)
    state, handover = _permit(state, given, touch, settings)
    wish = _wish(state, given, touch, settings, span_s, handover)
    wish = _brake_in_emergency(wish, state, given, touch, settings, span_s)
    state = _remember(state, wish, touch, span_s, settings)
    decision = GuardDecision(
        stamp_ns=given.stamp_ns,
        source=wish.source,
        command=wish.command,
        limited=wish.changed,
        limits=wish.names,
        reason=wish.reason,
    )
    return state, decision


# --- taking in ------------------------------------------------------------------------------------


def _take_in(
    state: GuardState, given: GuardInput, settings: GuardSettings, span_s: float
) -> GuardState:
    """The newest good car state, command and stop path, and where the car is by now."""
    now_ns, car, command = given.stamp_ns, given.car, given.command
    car_fault = _fault_of_car(car, now_ns, settings)
    if car is not None and not car_fault:
        speed_mps, yaw_rate_rps = car.speed_mps, car.yaw_rate_rps
    else:
        car = state.car
        speed_mps = _slower(state.speed_mps, state.accel_mps2 * span_s)
        yaw_rate_rps = speed_mps * state.curvature_per_m
    before = state.places[-1] if state.places else Place(now_ns, 0.0, 0.0, 0.0)
    place = stop.move(before, speed_mps, yaw_rate_rps, span_s, now_ns)
    places = (*state.places, place)[-_PLACES:]
    command_fault = _fault_of_command(command, now_ns)
    seen_ns, path_fault, trusted = _judge_path(state, given.stop_path, places, speed_mps, settings)
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
    if abs(car.speed_mps) > _MOST_SPEED_MPS or abs(car.yaw_rate_rps) > _MOST_YAW_RATE_RPS:
        return "car_state_invalid"
    return ""


def _fault_of_command(command: Command | None, now_ns: int) -> str:
    """Why a command is not taken; empty when it is. Its age is judged later, on the last good one."""
    if command is None:
        return "stale_command"
    absurd = not (
        abs(command.accel_mps2) <= _MOST_ACCEL_MPS2
        and abs(command.curvature_per_m) <= _MOST_CURVATURE_PER_M
    )
    return "invalid_command" if absurd or command.stamp_ns > now_ns else ""


def _slower(speed_mps: float, change_mps: float) -> float:
    """Speed by dead reckoning: braking ends at standstill."""
    return max(speed_mps + change_mps, 0.0) if speed_mps > 0.0 else 0.0


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


def _touch(car: CarState | None, settings: GuardSettings) -> Touch:
    """The driver's hands and feet, believed even where the rest of the car state is not valid."""
    if car is None or not driver.is_finite(car.driver):
        return driver.UNTOUCHED
    return driver.touch_of(car.driver, settings.driver)


# --- who drives -----------------------------------------------------------------------------------


def _late(state: GuardState, given: GuardInput, settings: GuardSettings) -> str:
    """Why the pilot may not drive on; empty when it may."""
    stale_ns = nanoseconds(settings.stale_s)
    if state.car is None or given.stamp_ns - state.car.stamp_ns > stale_ns:
        return state.broken if state.broken.startswith("car") else "car_state_stale"
    if state.command is None or given.stamp_ns - state.command.stamp_ns > stale_ns:
        return state.broken or "stale_command"
    return "pilot_off" if given.pilot_off else ""


def _permit(
    state: GuardState, given: GuardInput, touch: Touch, settings: GuardSettings
) -> tuple[GuardState, str]:
    """Who may drive from this tick on, and why it was handed over, if it was."""
    replace = msgspec.structs.replace
    cancelled = any(request.kind is RequestKind.CANCEL for request in given.requests)
    if touch.brake or cancelled:
        why = "driver_brake" if touch.brake else "driver_cancel"
        handed = why if state.permission is not Permission.DRIVER else ""
        freed = replace(state, permission=Permission.DRIVER, engage_until_ns=-1, stop_reason="")
        return freed, handed
    late = _late(state, given, settings)
    if state.permission is Permission.PILOT:
        if not late:
            return state, ""
        if late == "pilot_off" and abs(state.speed_mps) < STANDSTILL_MPS:
            return replace(state, permission=Permission.DRIVER, hold=True), late
        stopping = replace(state, permission=Permission.STOPPING, stop_reason=late, stood_s=0.0)
        return stopping, ""
    if given.stamp_ns <= state.engage_until_ns and not late and _is_seated(state):
        return replace(state, permission=Permission.PILOT, engage_until_ns=-1, stop_reason=""), ""
    if state.permission is Permission.STOPPING and state.stood_s >= settings.hold_s:
        return replace(state, permission=Permission.DRIVER, stop_reason=""), "stopped"
    return state, ""


def _is_seated(state: GuardState) -> bool:
    controls = state.car.driver if state.car is not None else None
    return controls is not None and controls.belted and controls.door_closed


# --- what is asked for ----------------------------------------------------------------------------


def _wish(
    state: GuardState,
    given: GuardInput,
    touch: Touch,
    settings: GuardSettings,
    span_s: float,
    handover: str,
) -> _Wish:
    """The command of whoever drives, held to its rows."""
    if state.car is None:
        parked = Command(
            stamp_ns=given.stamp_ns,
            accel_mps2=0.0,
            curvature_per_m=0.0,
            gear=Gear.PARK,
            hold=True,
        )
        return _Wish(parked, CommandSource.DRIVER, "no_car_state")
    motion = _motion(state, settings, span_s)
    if state.permission is Permission.DRIVER:
        return _hand_driven(state, given, settings, handover)
    if state.permission is Permission.PILOT and state.command is not None:
        wish = _piloted(state, state.command, given, motion, settings)
    else:
        wish = _stopping(state, given, motion, settings)
    return _overridden(wish, state, given, touch, settings)


def _motion(state: GuardState, settings: GuardSettings, span_s: float) -> Motion:
    return Motion(
        speed_mps=abs(state.speed_mps),
        dt_s=span_s,
        wheelbase_m=settings.wheelbase_m,
        max_curvature_per_m=settings.max_curvature_per_m,
        max_steer_rate_rps=settings.max_steer_rate_rps,
    )


def _controls(state: GuardState, given: GuardInput) -> DriverControls:
    """The freshest finite controls; the driver's brake counts even where the car state is not valid."""
    if given.car is not None and driver.is_finite(given.car.driver):
        return given.car.driver
    return state.car.driver if state.car is not None else DriverControls()


def _hand_driven(
    state: GuardState, given: GuardInput, settings: GuardSettings, handover: str
) -> _Wish:
    car = state.car
    assert car is not None
    controls = _controls(state, given)
    command = driver.driver_command(
        given.stamp_ns,
        car,
        controls,
        settings.driver,
        curvature_per_m=driver.wheel_curvature(
            controls, settings.steering_ratio, settings.wheelbase_m
        ),
        held=state.hold,
        indicator=state.indicator,
    )
    return _Wish(command, CommandSource.DRIVER, handover or "driver")


def _piloted(
    state: GuardState,
    command: Command,
    given: GuardInput,
    motion: Motion,
    settings: GuardSettings,
) -> _Wish:
    """The pilot's last good command, unchanged where it keeps to its rows."""
    table = settings.limits
    along, across = table.comfort, table.comfort_across
    source = CommandSource.COMFORT
    if given.minimal_risk:
        along, across, source = table.stop, table.stop_across, CommandSource.MINIMAL_RISK
    accel, bend = _bound(state, command.accel_mps2, command.curvature_per_m, motion, along, across)
    names = accel.limits + bend.limits
    gear = command.gear
    if state.car is not None and gear is not state.car.gear and motion.speed_mps > _SHIFT_MPS:
        gear, names = state.car.gear, (*names, "gear")
    if names:
        command = msgspec.structs.replace(
            command,
            stamp_ns=given.stamp_ns,
            accel_mps2=accel.value,
            curvature_per_m=bend.value,
            gear=gear,
        )
    reason = state.broken or ("limited" if names else "")
    if not reason:
        reason = "minimal_risk" if given.minimal_risk else _path_word(state, given, settings)
    return _Wish(command, source, reason, names, bool(names or state.broken))


def _path_word(state: GuardState, given: GuardInput, settings: GuardSettings) -> str:
    """`ok`, or that there is no young path to stop along."""
    trusted = state.trusted
    if trusted is None or seconds(given.stamp_ns - trusted.path.stamp_ns) > settings.path_age_s:
        return "no_stop_path"
    return "ok"


def _stopping(
    state: GuardState, given: GuardInput, motion: Motion, settings: GuardSettings
) -> _Wish:
    """The guard's own stop: along the trusted path, or with the present bend fading; then hold."""
    tuning, table = settings.stop, settings.limits
    trusted, left_m = state.trusted, None
    curvature = stop.fade(state.curvature_per_m, motion.dt_s, tuning)
    if trusted is not None:
        followed = stop.follow(trusted, state.places[-1], motion.speed_mps, tuning)
        trusted = None if followed.lost else followed.trusted
        if trusted is not None:
            curvature, left_m = followed.curvature_per_m, followed.left_m
    still = state.speed_mps < STANDSTILL_MPS
    wanted = 0.0 if still else stop.stop_accel(motion.speed_mps, left_m, tuning)
    if still:
        curvature = state.curvature_per_m
    accel, bend = _bound(state, wanted, curvature, motion, table.stop, table.stop_across)
    command = Command(
        stamp_ns=given.stamp_ns,
        accel_mps2=accel.value,
        curvature_per_m=bend.value,
        gear=state.car.gear if state.car is not None else Gear.DRIVE,
        indicator=Indicator.HAZARD,
        hold=still,
    )
    names = accel.limits + bend.limits
    return _Wish(command, CommandSource.MINIMAL_RISK, state.stop_reason, names, True, trusted)


def _bound(
    state: GuardState,
    accel_mps2: float,
    curvature_per_m: float,
    motion: Motion,
    along: AlongRows,
    across: AcrossRows,
) -> tuple[Bounded, Bounded]:
    """Both values held to their rows."""
    accel_ago = state.accels[0] if state.accels else state.accel_mps2
    square = motion.speed_mps * motion.speed_mps
    lateral_ago = state.laterals[0] if state.laterals else square * state.curvature_per_m
    return (
        limits.bound_accel(accel_mps2, state.accel_mps2, accel_ago, motion, along),
        limits.bound_curvature(curvature_per_m, state.curvature_per_m, lateral_ago, motion, across),
    )


def _overridden(
    wish: _Wish, state: GuardState, given: GuardInput, touch: Touch, settings: GuardSettings
) -> _Wish:
    """The driver's accelerator and wheel win over whoever drives, each on its own axis."""
    if not (touch.accelerator or touch.wheel) or state.car is None:
        return wish
    controls, command = _controls(state, given), wish.command
    if touch.accelerator:
        accel = driver.pedal_accel(state.car, controls, settings.driver)
        command = msgspec.structs.replace(command, accel_mps2=accel, hold=False)
    if touch.wheel:
        curvature = driver.wheel_curvature(controls, settings.steering_ratio, settings.wheelbase_m)
        command = msgspec.structs.replace(command, curvature_per_m=curvature)
    reason = "driver_accelerator" if touch.accelerator else "driver_wheel"
    return _Wish(command, CommandSource.DRIVER, reason, (), False, wish.trusted)


def _brake_in_emergency(
    wish: _Wish,
    state: GuardState,
    given: GuardInput,
    touch: Touch,
    settings: GuardSettings,
    span_s: float,
) -> _Wish:
    """Emergency braking wins over everybody who brakes less, but for a kicked-down accelerator."""
    aeb = given.aeb
    if aeb is None or _fault_of_command(aeb, given.stamp_ns) or state.car is None:
        return wish
    if given.stamp_ns - aeb.stamp_ns > nanoseconds(settings.stale_s):
        return wish
    if state.speed_mps < -STANDSTILL_MPS:
        return wish
    if touch.accelerator and _controls(state, given).accelerator > settings.driver.kickdown:
        return wish
    motion = _motion(state, settings, span_s)
    accel = limits.bound_accel(
        aeb.accel_mps2, state.accel_mps2, state.accel_mps2, motion, settings.limits.aeb
    )
    if accel.value >= wish.command.accel_mps2:
        return wish
    command = msgspec.structs.replace(
        wish.command,
        stamp_ns=given.stamp_ns,
        accel_mps2=accel.value,
        hold=wish.command.hold or aeb.hold,
    )
    names = accel.limits
    return _Wish(command, CommandSource.AEB, "aeb", names, bool(names), wish.trusted)


def _remember(
    state: GuardState, wish: _Wish, touch: Touch, span_s: float, settings: GuardSettings
) -> GuardState:
    """The state for the next tick. What the driver did does not count against the pilot's means."""
    command = wish.command
    by_hand = state.permission is Permission.DRIVER
    lateral = state.speed_mps * state.speed_mps * command.curvature_per_m
    comfort, across = settings.limits.comfort, settings.limits.comfort_across
    mean = comfort.decel_jerk_mean
    accels = () if by_hand or touch.accelerator else state.accels
    laterals = () if by_hand or touch.wheel else state.laterals
    stopping = state.permission is Permission.STOPPING
    still = stopping and state.speed_mps < STANDSTILL_MPS
    return msgspec.structs.replace(
        state,
        accel_mps2=command.accel_mps2,
        curvature_per_m=command.curvature_per_m,
        hold=command.hold,
        indicator=command.indicator,
        accels=(*accels, command.accel_mps2)[-_ticks(mean.window_s if mean else 0.0) :],
        laterals=(*laterals, lateral)[-_ticks(across.lateral_jerk_mean.window_s) :],
        stood_s=state.stood_s + span_s if still else 0.0,
        trusted=wish.trusted if stopping else state.trusted,
    )


def _ticks(span_s: float) -> int:
    return max(1, nanoseconds(span_s) // CONTROL_TICK_NS)


_MOST_SPAN_S: Final = 2.0 * seconds(CONTROL_TICK_NS)
"""A stalled loop does not permit a bigger step afterwards."""
_PLACES: Final = 50
"""Half a second of places: ten pilot ticks."""
_MOST_ACCEL_MPS2: Final = 20.0
"""No car asks for two g: an absurd number, not a wish to be limited."""
_MOST_CURVATURE_PER_M: Final = 1.0
"""No car turns around a lamp post."""
_MOST_SPEED_MPS: Final = 120.0
"""The bound of `Speed` in core.messages."""
_MOST_YAW_RATE_RPS: Final = 3.0
"""A spinning car; an IMU's range is about 300 deg/s, more is a fault (estimated)."""
_SHIFT_MPS: Final = 0.5
"""The gear changes at standstill only; below this a changing gear does no harm (estimated)."""
