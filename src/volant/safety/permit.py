"""The permission to drive: granted by the driver's button, ended by the driver or by the guard's own stop."""

from __future__ import annotations

import msgspec

from volant.core.clock import nanoseconds
from volant.core.messages import RequestKind
from volant.safety.driver import STANDSTILL_MPS, Touch
from volant.safety.state import GuardInput, GuardSettings, GuardState, Permission


def _late(state: GuardState, given: GuardInput, settings: GuardSettings) -> str:
    """Why the pilot may not drive on; empty when it may."""
    stale_ns = nanoseconds(settings.stale_s)
    if state.car is None or given.stamp_ns - state.car.stamp_ns > stale_ns:
        return state.broken if state.broken.startswith("car") else "car_state_stale"
    if state.command is None or given.stamp_ns - state.command.stamp_ns > stale_ns:
        return state.broken or "stale_command"
    return "pilot_off" if given.pilot_off else ""


def permit(
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
    well = not late and not state.broken and _is_seated(state)
    if well and given.stamp_ns <= state.engage_until_ns:
        return replace(state, permission=Permission.PILOT, engage_until_ns=-1, stop_reason=""), ""
    if state.permission is Permission.STOPPING and state.stood_s >= settings.hold_s:
        return replace(state, permission=Permission.DRIVER, stop_reason=""), "stopped"
    return state, ""


def _is_seated(state: GuardState) -> bool:
    controls = state.car.driver if state.car is not None else None
    return controls is not None and controls.belted and controls.door_closed
