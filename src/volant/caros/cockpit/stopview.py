"""What the screen says while the car is stopped by itself: by the guard, or by actuators without commands.

That the actuators stop it is told by the supervisor, or seen by hazard lights without a guard.

The pilot's own words do not count then: one that has just come back says that it is ready, while the car still
brakes for the one that died. The stop is told until the car stands, and then what the driver can do, until
somebody drives. A pure step.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from volant.caros.cockpit.messages import CockpitStop
from volant.core.clock import NS_PER_S, nanoseconds
from volant.core.messages import (
    Alert,
    AlertLevel,
    CarState,
    CommandSource,
    Engagement,
    GuardDecision,
    Indicator,
    PilotState,
)

SILENT_NS: Final = nanoseconds(0.15)
"""A guard that is not heard for so long is gone: it speaks at 100 Hz, and actuators wait for 0.09 s."""
STANDS_MPS: Final = 0.1
"""As the actuators have it (vehicle/silence.py)."""
MOVES_MPS: Final = 0.5
"""Somebody drives again (vehicle/ecus.py counts the car as moving from here)."""
WHY: Final = {
    "stale_command": "The pilot fell silent",
    "invalid_command": "The pilot made no sense",
    "pilot_off": "The pilot went off",
    "no_car_state": "The car fell silent",
}
"""Reasons of the guard's stop, at most 30 characters."""
OTHER: Final = "The guard stops the car"
UNHEARD: Final = "Driving computer failed"
BY_HAND: Final = "Brake or steer to take over"
ONWARDS: Final = "Drive on by hand, or pilot on"
HOLD_ON: Final = "Brake, and hold the wheel"
"""Without the guard nobody hears the wheel, and the actuators hold it."""
_OVERRIDES: Final = frozenset({"driver_accelerator", "driver_wheel"})
"""Reasons under which the guard lets the driver's pedal or wheel win and goes on stopping when it is let go."""


@dataclass(frozen=True, slots=True)
class StopState:
    """What lives to the next frame."""

    stopping: bool = False
    stands: bool = False
    why: str = ""
    unheard: bool = False
    """The actuators stop the car: they do so until it stands, whoever is back before."""
    since_ns: int = 0
    held: tuple[Alert, ...] = ()
    """Alerts that would take back the word of a failure; they wait until the car stands."""


def step(
    state: StopState,
    car: CarState | None,
    guard: GuardDecision | None,
    pilot: PilotState | None,
    stamp_ns: int,
    *,
    guard_gone: bool = False,
) -> StopState:
    """How the stop stands at a frame; `guard_gone`: the supervisor says so, and has not taken it back."""
    if guard_gone and (car is None or abs(car.speed_mps) > STANDS_MPS):
        since_ns = state.since_ns if state.stopping else stamp_ns
        return StopState(True, False, UNHEARD, True, since_ns, state.held)
    if car is None or guard is None:
        return state
    unheard = stamp_ns - guard.stamp_ns > SILENT_NS and car.indicator is Indicator.HAZARD
    own_stop = pilot is not None and pilot.engagement is Engagement.MINIMAL_RISK
    by_guard = guard.source is CommandSource.MINIMAL_RISK and not own_stop
    moves = abs(car.speed_mps) > STANDS_MPS
    if not state.stopping:
        if moves and (by_guard or unheard):
            why = UNHEARD if unheard else WHY.get(guard.reason, OTHER)
            return StopState(True, False, why, unheard, stamp_ns, state.held)
        drives = abs(car.speed_mps) > MOVES_MPS or _driven_on(guard)
        return replace(state, stands=state.stands and not drives)
    if unheard and not state.unheard:
        return replace(state, unheard=True, why=UNHEARD)
    if not moves:
        return replace(state, stopping=False, stands=True)
    by_hand = guard.source is CommandSource.DRIVER and guard.reason not in _OVERRIDES
    driven = by_hand or guard.source is CommandSource.COMFORT or own_stop
    return replace(state, stopping=state.unheard or not driven)


def _driven_on(guard: GuardDecision) -> bool:
    """Somebody drives again, though the car has not moved yet."""
    return guard.source is CommandSource.COMFORT or guard.command.accel_mps2 > 0.0


def hold_back(
    state: StopState, shown: tuple[Alert, ...], new: tuple[Alert, ...]
) -> tuple[StopState, tuple[Alert, ...]]:
    """New alerts to show now: while the car is being stopped, none takes back that something failed."""
    if not state.stopping:
        return replace(state, held=()), (*state.held, *new)
    grave = {one.alert_id for one in shown if one.level is AlertLevel.CRITICAL}
    waits = tuple(one for one in new if one.alert_id in grave and one.level < AlertLevel.CRITICAL)
    return replace(state, held=(*state.held, *waits)[-8:]), tuple(
        one for one in new if one not in waits
    )


def view(state: StopState) -> CockpitStop | None:
    """What is shown in the place that says who drives; None: it is the pilot's own word."""
    if state.stopping:
        return CockpitStop(stands=False, words="Car stops", reason=state.why)
    if state.stands:
        return CockpitStop(stands=True, words="Car stands", reason=ONWARDS)
    return None


def alert(state: StopState, foremost: Alert | None) -> Alert | None:
    """The alert on show: that the car stops, unless one as grave says why."""
    if not state.stopping or (foremost is not None and foremost.level is AlertLevel.CRITICAL):
        return foremost
    return Alert(
        stamp_ns=state.since_ns,
        alert_id="guard_stop",
        level=AlertLevel.CRITICAL,
        words="Car stops",
        cause=state.why,
        action=HOLD_ON if state.unheard else BY_HAND,
        until_ns=state.since_ns + NS_PER_S,
    )
