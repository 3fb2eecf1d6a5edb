"""The permission to drive: granted by the driver's button, ended by the driver or by the guard's own stop."""

from __future__ import annotations

import msgspec

from volant.core.clock import nanoseconds
from volant.core.messages import CarState, RequestKind
from volant.safety.driver import STANDSTILL_MPS, Touch
from volant.safety.state import GuardInput, GuardSettings, GuardState, Permission


def _late(state: GuardState, car: CarState, given: GuardInput, settings: GuardSettings) -> str:
    """Why the pilot may not drive on; empty when it may."""
    stale_ns = nanoseconds(settings.stale_s)
    if given.stamp_ns - car.stamp_ns > stale_ns:
        return state.broken
    if state.command is None or given.stamp_ns - state.command.stamp_ns > stale_ns:
        return state.broken or "stale_command"
    return "pilot_off" if given.pilot_off else ""


def permit(
    state: GuardState,
    car: CarState,
    given: GuardInput,
    touch: Touch,
    settings: GuardSettings,
) -> tuple[GuardState, str]:
    """Who may drive from this tick on, and why it was handed over to the driver, if it was.

    Args:
        state: after `take_in`.
        car: the last good car state.
        given: the tick's inputs.
        touch: which controls the driver uses.
        settings: the guard's.
    """
    replace = msgspec.structs.replace
    cancelled = any(request.kind is RequestKind.CANCEL for request in given.requests)
    if touch.brake or cancelled:
        why = "driver_brake" if touch.brake else "driver_cancel"
        handed = why if state.permission is not Permission.DRIVER else ""
        freed = replace(state, permission=Permission.DRIVER, engage_until_ns=-1, stop_reason="")
        return freed, handed
    late = _late(state, car, given, settings)
    if state.permission is Permission.PILOT:
        if not late:
            return state, ""
        if late == "pilot_off" and abs(state.speed_mps) < STANDSTILL_MPS:
            return replace(state, permission=Permission.DRIVER, hold=True), late
        stopping = replace(state, permission=Permission.STOPPING, stop_reason=late)
        return stopping, ""
    seated = car.driver.belted and car.driver.door_closed
    well = seated and not late and not state.broken
    if well and given.stamp_ns <= state.engage_until_ns:
        return replace(state, permission=Permission.PILOT, engage_until_ns=-1, stop_reason=""), ""
    if state.permission is Permission.STOPPING and state.stood_s >= settings.hold_s:
        return replace(state, permission=Permission.DRIVER, stop_reason=""), "stopped"
    return state, ""
