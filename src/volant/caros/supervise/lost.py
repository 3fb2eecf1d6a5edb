"""What the supervisor tells the driver of driving processes that are gone: a pure machine.

It says so again and again, since a screen that comes back has heard nothing. That one is back is not said while
the actuators still stop the car for the process that commands them: they do so until the car stands.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from volant.caros.cockpit.alerts import GUARD_GONE
from volant.caros.supervise.machine import Say
from volant.core.clock import NS_PER_S, nanoseconds
from volant.core.messages import Alert, AlertLevel, CarState
from volant.vehicle.silence import SILENT_NS, STANDS_MPS

GONE: Final = ("died", "hung", "quarantined")
AGAIN_NS: Final = nanoseconds(0.5)
LOST_NS: Final = 3600 * NS_PER_S
"""A lost process is told of until it is back."""
BACK_NS: Final = 2 * NS_PER_S


class Lost:
    """The driving processes that are gone, and those that are back while the car is still being stopped."""

    def __init__(self, guard: str) -> None:
        """Nothing is lost; `guard` is the process that commands the actuators."""
        self._guard = guard
        self._gone: dict[str, Alert] = {}
        self._back: set[str] = set()
        self._stands = True
        self._told_ns = 0

    def take(self, said: Say, stamp_ns: int) -> None:
        """The supervisor says something of a driving process."""
        if said.what in GONE:
            self._gone[said.name] = self._alert(said, stamp_ns)
            self._back.discard(said.name)
            self._told_ns = stamp_ns - AGAIN_NS
            if said.name == self._guard:
                self._stands = False
        elif said.name in self._gone:
            self._back.add(said.name)

    def turn(self, states: Iterable[CarState], stamp_ns: int) -> tuple[Alert, ...]:
        """What is to be told now; `states` are those of the car since the last call."""
        guard = self._gone.get(self._guard)
        if guard is not None and not self._stands:
            since_ns = guard.stamp_ns + SILENT_NS
            self._stands = any(
                one.stamp_ns > since_ns and one.valid and abs(one.speed_mps) < STANDS_MPS
                for one in states
            )
        told: list[Alert] = []
        if guard is None or (self._stands and self._guard in self._back):
            told = [_back(self._gone.pop(name), name, stamp_ns) for name in sorted(self._back)]
            self._back.clear()
        if self._gone and stamp_ns - self._told_ns >= AGAIN_NS:
            self._told_ns = stamp_ns
            told.extend(self._gone.values())
        return tuple(told)

    def _alert(self, said: Say, stamp_ns: int) -> Alert:
        """The word of a death. Said again it is the same, with its first time."""
        return Alert(
            stamp_ns=stamp_ns,
            alert_id=GUARD_GONE if said.name == self._guard else f"process_{said.name}",
            level=AlertLevel.CRITICAL,
            words=f"{said.name.capitalize()} failed: car stops",
            cause=f"the process {said.name} {said.what} {said.detail}".strip(),
            action="be ready to take over",
            until_ns=stamp_ns + LOST_NS,
        )


def _back(gone: Alert, name: str, stamp_ns: int) -> Alert:
    return Alert(
        stamp_ns=stamp_ns,
        alert_id=gone.alert_id,
        level=AlertLevel.STATUS,
        words=f"{name.capitalize()} is back",
        cause=f"the process {name} ready",
        action="",
        until_ns=stamp_ns + BACK_NS,
    )
