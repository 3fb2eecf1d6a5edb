"""One control unit that several doors (DoIP, CAN) may ask: the UDS server's state behind a lock.

A tester is named `door:address`, so that an answer that comes late finds its door again.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import replace

from volant.vehicle.uds_config import ServerConfig, UdsState
from volant.vehicle.uds_server import Outcome, next_due_ns, poll, step
from volant.wire.uds import Nrc, negative

_log = logging.getLogger(__name__)


class Unit:
    """A control unit's diagnostics. Safe to use from several threads."""

    def __init__(self, config: ServerConfig) -> None:
        self.config = config
        self.reachable = True
        """False while the unit is dead or asleep: on CAN it is silent, over DoIP the gateway says so."""
        self._state = UdsState()
        self._lock = threading.Lock()

    @property
    def state(self) -> UdsState:
        """What the server remembers now."""
        return self._state

    @property
    def working(self) -> bool:
        """Whether long work is under way, so that `poll` should be called often."""
        return self._state.pending is not None

    def next_due_ns(self) -> int | None:
        """When `poll` has something to do next."""
        return next_due_ns(self._state)

    def request(
        self, tester: str, data: bytes, now_ns: int, *, functional: bool = False
    ) -> tuple[bytes, ...]:
        """Answers to a request, in order.

        A callable of the configuration that fails is answered with GENERAL_REJECT and logged: one broken
        value must not end diagnostics of the whole car.
        """
        with self._lock:
            try:
                done = step(
                    self._state, data, self.config, now_ns, functional=functional, tester=tester
                )
            except Exception:  # noqa: BLE001 - the door stays open whatever a value does
                _log.exception("uds_request_failed sid=%02x", data[0])
                return (negative(data[0], Nrc.GENERAL_REJECT),)
            return self._keep(done)

    def poll(self, door: str, now_ns: int) -> tuple[str, tuple[bytes, ...]]:
        """Who waits at this door, and the answers that have become ready for him."""
        with self._lock:
            waits = self._state.pending
            if waits is not None and not waits.tester.startswith(f"{door}:"):
                return "", ()
            try:
                done = poll(self._state, self.config, now_ns)
            except Exception:  # noqa: BLE001 - as above
                if waits is None:  # `permit` failed; the session ends by its time
                    _log.exception("uds_poll_failed")
                    return "", ()
                _log.exception("uds_work_failed sid=%02x", waits.sid)
                self._state = replace(self._state, pending=None)
                return waits.tester, (negative(waits.sid, Nrc.GENERAL_REJECT),)
            return waits.tester if waits else "", self._keep(done)

    def _keep(self, done: Outcome) -> tuple[bytes, ...]:
        self._state = done.state
        if done.reset and self.config.on_reset is not None:
            self.config.on_reset(done.reset)
        return done.responses
