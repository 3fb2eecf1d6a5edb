"""The guard: the last check of every command before the actuators, and the permission to drive.

Each control tick it decides who drives (driver, pilot, emergency braking, or its own safe stop), holds
the command to the rows of that source, and lets the driver win within the same tick. It derives the
source itself: a command cannot claim one. A command or a car state that is late or broken is data: the
last good one serves for `stale_s`, then the guard stops the car along the last trusted stop path by
wheels, IMU and the camera's lane, holds it, and ends the permission. It never raises, and it trusts nobody.

Reasons, limits and rules are documented in docs/reference/guard.md.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

from volant.core.clock import CONTROL_TICK_NS, nanoseconds, seconds
from volant.core.messages import (
    CarState,
    Command,
    CommandSource,
    DriverControls,
    Gear,
    GuardDecision,
    Indicator,
)
from volant.safety import driver, lane, limits, stop
from volant.safety.driver import STANDSTILL_MPS, Touch
from volant.safety.intake import controls_of, fault_of_command, take_in
from volant.safety.lane import LaneHold
from volant.safety.limits import AcrossRows, AlongRows, Bounded, Motion
from volant.safety.permit import permit
from volant.safety.state import GuardInput, GuardSettings, GuardState, Permission
from volant.safety.stop import TrustedPath

__all__ = ["GuardInput", "GuardSettings", "GuardState", "Permission", "check", "start"]


class _Tick(msgspec.Struct, frozen=True):
    """What every step of one check reads."""

    state: GuardState
    given: GuardInput
    settings: GuardSettings
    car: CarState
    """The last good one."""
    controls: DriverControls
    touch: Touch
    motion: Motion


class _Wish(msgspec.Struct, frozen=True, gc=False):
    """A command, who asks for it, and what became of it."""

    command: Command
    source: CommandSource
    reason: str
    along: tuple[str, ...] = ()
    """Rows of acceleration that bound."""
    across: tuple[str, ...] = ()
    """Rows of steering that bound, and `gear`."""
    replaced: bool = False
    """Not the pilot's command of this tick at all."""
    trusted: TrustedPath | None = None
    """After a step along it."""
    lane: LaneHold = LaneHold()
    """What the camera said of it."""
    assist_mps2: float = 0.0
    """Of the steering, what lane keeping adds."""


def start() -> GuardState:
    """The state at boot: the driver drives."""
    return GuardState()


def check(
    state: GuardState, given: GuardInput, settings: GuardSettings
) -> tuple[GuardState, GuardDecision]:
    """One control tick: who drives, and the command that may go to the actuators."""
    span_s = min(max(seconds(given.stamp_ns - state.stamp_ns), 0.0), _MOST_SPAN_S)
    state = take_in(state, given, settings, span_s)
    car = state.car
    if car is None:
        return state, _parked(given.stamp_ns)
    controls = controls_of(car, given, settings)
    touch = driver.touch_of(controls, settings.driver)
    state, handover = permit(state, car, given, touch, settings)
    motion = Motion(
        speed_mps=abs(state.speed_mps),
        dt_s=span_s,
        wheelbase_m=settings.wheelbase_m,
        max_curvature_per_m=settings.max_curvature_per_m,
        max_steer_rate_rps=settings.max_steer_rate_rps,
    )
    tick = _Tick(state, given, settings, car, controls, touch, motion)
    if state.permission is Permission.DRIVER:
        wish = _hand_driven(tick, handover)
    elif state.permission is Permission.PILOT and state.command is not None:
        wish = _overridden(tick, _piloted(tick, state.command))
    else:
        wish = _overridden(tick, _stopping(tick))
    wish = _emergency(tick, wish)
    return _remember(tick, wish), GuardDecision(
        stamp_ns=given.stamp_ns,
        source=wish.source,
        command=wish.command,
        limited=wish.replaced or bool(wish.along or wish.across),
        limits=wish.along + wish.across,
        reason=wish.reason,
    )


def _parked(stamp_ns: int) -> GuardDecision:
    """Before the car has spoken nothing is known of it: it shall stand."""
    return GuardDecision(
        stamp_ns=stamp_ns,
        source=CommandSource.DRIVER,
        command=Command(
            stamp_ns=stamp_ns, accel_mps2=0.0, curvature_per_m=0.0, gear=Gear.PARK, hold=True
        ),
        limited=False,
        limits=(),
        reason="no_car_state",
    )


def _hand_driven(tick: _Tick, handover: str) -> _Wish:
    """The driver's hands and feet, never limited, and what lane keeping may add while they rest."""
    settings = tick.settings
    added = _assisted(tick)
    curvature_per_m = _wheel_curvature(tick)
    if added.value != 0.0:
        curvature_per_m += added.value / (tick.motion.speed_mps * tick.motion.speed_mps)
    command = driver.driver_command(
        tick.given.stamp_ns,
        tick.car,
        tick.controls,
        settings.driver,
        curvature_per_m=curvature_per_m,
        held=tick.state.hold or tick.car.hold,
        indicator=tick.state.indicator,
    )
    reason = handover or ("lane_keeping" if added.value != 0.0 else "driver")
    return _Wish(
        command, CommandSource.DRIVER, reason, across=added.limits, assist_mps2=added.value
    )


def _assisted(tick: _Tick) -> Bounded:
    """Lateral acceleration that lane keeping adds: none against the driver's hands or in reverse.

    An old or broken wish counts as none; what was added fades within its jerk then.
    """
    state, given, settings = tick.state, tick.given, tick.settings
    if tick.touch.wheel or state.speed_mps < settings.assist_least_mps:
        return _NOTHING
    young = 0 <= given.stamp_ns - given.assist_ns <= nanoseconds(settings.assist_age_s)
    wanted_mps2 = 0.0
    if young and given.assist_ns >= 0 and math.isfinite(given.assist_curvature_per_m):
        wanted_mps2 = given.assist_curvature_per_m * state.speed_mps * state.speed_mps
    if wanted_mps2 == 0.0 and state.assist_mps2 == 0.0:
        return _NOTHING
    return limits.bound_assist(wanted_mps2, state.assist_mps2, tick.motion, settings.limits.assist)


def _wheel_curvature(tick: _Tick) -> float:
    settings = tick.settings
    return driver.wheel_curvature(tick.controls, settings.steering_ratio, settings.wheelbase_m)


def _piloted(tick: _Tick, command: Command) -> _Wish:
    """The pilot's last good command, the very same object where it keeps to its rows."""
    table, minimal_risk = tick.settings.limits, tick.given.minimal_risk
    if minimal_risk:
        source, rows = CommandSource.MINIMAL_RISK, (table.stop, table.stop_across)
    else:
        source, rows = CommandSource.COMFORT, (table.comfort, table.comfort_across)
    urgent = tick.given.near and not minimal_risk and _is_urgent(command, rows[0], tick)
    if urgent:
        rows = (table.aeb, table.comfort_across)
    held, along, across = _bound(tick, command, *rows)
    if command.gear is not tick.car.gear and tick.motion.speed_mps > _SHIFT_MPS:
        across = (*across, "gear")
        held = msgspec.structs.replace(held, gear=tick.car.gear)
    broken = tick.state.broken
    if broken:
        reason = broken
    elif along or across:
        reason = "limited"
    elif urgent:
        reason = "urgent"
    else:
        reason = "minimal_risk" if minimal_risk else _path_word(tick)
    return _Wish(held, source, reason, along, across, bool(broken))


def _is_urgent(command: Command, comfort: AlongRows, tick: _Tick) -> bool:
    """Whether the pilot asks for more than comfort braking; the rows of emergency braking hold then.

    Only while emergency braking, which sees for itself, has somebody near (two keys).
    """
    return command.accel_mps2 < comfort.accel_min.at(tick.motion.speed_mps)


def _path_word(tick: _Tick) -> str:
    """`ok`, or that there is no young path to stop along."""
    trusted, settings = tick.state.trusted, tick.settings
    oldest_ns = tick.given.stamp_ns - nanoseconds(settings.path_age_s)
    return "no_stop_path" if trusted is None or trusted.path.stamp_ns < oldest_ns else "ok"


def _stopping(tick: _Tick) -> _Wish:
    """The guard's own stop: along the trusted path, or with the present bend fading; then hold."""
    state, tuning, table = tick.state, tick.settings.stop, tick.settings.limits
    speed_mps = tick.motion.speed_mps
    still = state.speed_mps < STANDSTILL_MPS
    seen, trusted = lane.take(
        state.lane, tick.given.lane, state.trusted, state.places, tick.settings.lane
    )
    left_m = None
    curvature_per_m = state.curvature_per_m
    if not still:
        curvature_per_m = stop.fade(curvature_per_m, tick.motion.dt_s, tuning)
        if trusted is not None:
            place, slip_rad = state.places[-1], state.slip_rad
            followed = stop.follow(trusted, place, speed_mps, tuning, slip_rad)
            trusted = None if followed.lost else followed.trusted
            if trusted is not None:
                curvature_per_m, left_m = followed.curvature_per_m, followed.left_m
    wanted = Command(
        stamp_ns=tick.given.stamp_ns,
        accel_mps2=0.0 if still else stop.stop_accel(speed_mps, left_m, tuning),
        curvature_per_m=curvature_per_m,
        gear=tick.car.gear,
        indicator=Indicator.HAZARD,
        hold=still,
    )
    held, along, across = _bound(tick, wanted, table.stop, table.stop_across)
    source, reason = CommandSource.MINIMAL_RISK, state.stop_reason
    return _Wish(held, source, reason, along, across, True, trusted, seen)


def _bound(
    tick: _Tick, command: Command, along: AlongRows, across: AcrossRows
) -> tuple[Command, tuple[str, ...], tuple[str, ...]]:
    """A command held to its rows, and the names of those that bound."""
    state, motion = tick.state, tick.motion
    accel_ago = state.accels[0] if state.accels else state.accel_mps2
    square = motion.speed_mps * motion.speed_mps
    lateral_ago = state.laterals[0] if state.laterals else square * state.curvature_per_m
    accel = limits.bound_accel(command.accel_mps2, state.accel_mps2, accel_ago, motion, along)
    bend = limits.bound_curvature(
        command.curvature_per_m, state.curvature_per_m, lateral_ago, motion, across
    )
    if accel.limits or bend.limits:
        command = msgspec.structs.replace(
            command,
            stamp_ns=tick.given.stamp_ns,
            accel_mps2=accel.value,
            curvature_per_m=bend.value,
        )
    return command, accel.limits, bend.limits


def _overridden(tick: _Tick, wish: _Wish) -> _Wish:
    """The driver's accelerator and wheel win over whoever drives, each on its own axis."""
    touch = tick.touch
    command, along, across = wish.command, wish.along, wish.across
    if touch.accelerator:
        accel = driver.pedal_accel(tick.car, tick.controls, tick.settings.driver)
        command, along = msgspec.structs.replace(command, accel_mps2=accel, hold=False), ()
    if touch.wheel:
        curvature = _wheel_curvature(tick)
        command, across = msgspec.structs.replace(command, curvature_per_m=curvature), ()
    if command is wish.command:
        return wish
    reason = "driver_accelerator" if touch.accelerator else "driver_wheel"
    return _Wish(
        command, CommandSource.DRIVER, reason, along, across, False, wish.trusted, wish.lane
    )


def _emergency(tick: _Tick, wish: _Wish) -> _Wish:
    """Emergency braking wins over everybody who brakes less, but for a kicked-down accelerator.

    It acts while the driver drives, too. It does not steer, and not in reverse.
    """
    aeb, now_ns, settings = tick.given.aeb, tick.given.stamp_ns, tick.settings
    if aeb is None or fault_of_command(aeb, now_ns):
        return wish
    if now_ns - aeb.stamp_ns > nanoseconds(settings.stale_s):
        return wish
    if tick.state.speed_mps < -STANDSTILL_MPS:
        return wish
    if tick.controls.accelerator > settings.driver.kickdown:
        return wish
    last_mps2 = tick.state.accel_mps2
    accel = limits.bound_accel(
        aeb.accel_mps2, last_mps2, last_mps2, tick.motion, settings.limits.aeb
    )
    if accel.value >= wish.command.accel_mps2:
        return wish
    command = msgspec.structs.replace(
        wish.command,
        stamp_ns=now_ns,
        accel_mps2=accel.value,
        hold=wish.command.hold or aeb.hold,
    )
    return _Wish(
        command,
        CommandSource.AEB,
        "aeb",
        accel.limits,
        wish.across,
        wish.replaced,
        wish.trusted,
        wish.lane,
        wish.assist_mps2,
    )


def _remember(tick: _Tick, wish: _Wish) -> GuardState:
    """The state for the next tick. What the driver did does not count in the pilot's means."""
    state, command, table = tick.state, wish.command, tick.settings.limits
    by_hand = state.permission is Permission.DRIVER
    stopping = state.permission is Permission.STOPPING
    still = stopping and state.speed_mps < STANDSTILL_MPS
    lateral_mps2 = state.speed_mps * state.speed_mps * command.curvature_per_m
    accels = () if by_hand or tick.touch.accelerator else state.accels
    laterals = () if by_hand or tick.touch.wheel else state.laterals
    return msgspec.structs.replace(
        state,
        accel_mps2=command.accel_mps2,
        curvature_per_m=command.curvature_per_m,
        assist_mps2=wish.assist_mps2,
        hold=command.hold,
        indicator=command.indicator,
        accels=(*accels, command.accel_mps2)[-table.accel_ticks :],
        laterals=(*laterals, lateral_mps2)[-table.lateral_ticks :],
        stood_s=state.stood_s + tick.motion.dt_s if still else 0.0,
        trusted=wish.trusted if stopping else state.trusted,
        lane=wish.lane,
    )


_NOTHING: Final = Bounded(0.0, ())
_MOST_SPAN_S: Final = 2.0 * seconds(CONTROL_TICK_NS)
"""A stalled loop does not permit a bigger step afterwards."""
_SHIFT_MPS: Final = 0.5
"""The gear changes at standstill only; below this a changing gear does no harm (estimated)."""
