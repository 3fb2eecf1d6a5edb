"""Control units on a CAN bus: ISO-TP and UDS over any python-can bus, physical and functional identifiers.

One thread serves all units of a bus. Frames that are none of theirs are ignored; a bus that fails is told once
and tried again.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import can

from volant.caros.diagnostics.service import Service
from volant.caros.diagnostics.unit import Unit
from volant.wire.isotp import FRAME, SINGLE_MAX, IsoTpLink, IsoTpOutput, IsoTpSettings

_log = logging.getLogger(__name__)
FUNCTIONAL_ID: Final = 0x7DF
"""Reaches all units; single frames only (ISO 15765-4, table 6)."""
ANSWERS_MAX: Final = 16
"""Answers that wait for the link of a unit; more are dropped, oldest first."""
IDLE_S: Final = 0.05
BUSY_S: Final = 0.001
RETRY_S: Final = 0.2
DOOR: Final = "can"


@dataclass(frozen=True, slots=True)
class CanIds:
    """Identifiers of one unit; above 7FF they are of 29 bits."""

    request: int
    response: int


@dataclass(slots=True)
class _Node:
    ids: CanIds
    unit: Unit
    link: IsoTpLink
    answers: deque[bytes] = field(default_factory=lambda: deque(maxlen=ANSWERS_MAX))


class CanNode(Service):
    """Units on one bus; use it as a context manager or call `start` and `close`. The bus is the caller's."""

    thread_name = "uds-can"

    def __init__(
        self,
        bus: can.BusABC,
        units: Mapping[CanIds, Unit],
        *,
        functional_id: int = FUNCTIONAL_ID,
        settings: IsoTpSettings | None = None,
    ) -> None:
        super().__init__()
        self._bus = bus
        self._functional_id = functional_id
        self._nodes = {
            ids.request: _Node(ids, unit, IsoTpLink(settings)) for ids, unit in units.items()
        }
        self._failing = False

    def run(self) -> None:
        """Serve until `close` is called."""
        while not self._stopped:
            busy = any(n.link.sending or n.answers or n.unit.working for n in self._nodes.values())
            try:
                heard = self._bus.recv(BUSY_S if busy else IDLE_S)
            except (can.CanError, OSError) as error:
                self._failed(error)
                time.sleep(RETRY_S)
                continue
            now_ns = time.monotonic_ns()
            if heard is not None and not (heard.is_error_frame or heard.is_remote_frame):
                self._heard(heard.arbitration_id, bytes(heard.data), now_ns)
            for node in self._nodes.values():
                self._poll(node, now_ns)

    def _failed(self, error: Exception) -> None:
        if not self._failing:
            _log.warning("uds_bus_failed why=%s", error)
        self._failing = True

    def _heard(self, identifier: int, data: bytes, now_ns: int) -> None:
        self._failing = False
        if identifier == self._functional_id:
            self._functional(data, now_ns)
        elif (node := self._nodes.get(identifier)) is not None and node.unit.reachable:
            self._out(node, node.link.frame(data, now_ns), now_ns)

    def _functional(self, data: bytes, now_ns: int) -> None:
        length = data[0] if data else 0
        if not 1 <= length <= SINGLE_MAX or not length < len(data) <= FRAME:
            return
        for node in self._nodes.values():
            if not node.unit.reachable:
                continue
            tester = f"{DOOR}:{node.ids.request:x}"
            request = data[1 : 1 + length]
            node.answers += node.unit.request(tester, request, now_ns, functional=True)

    def _poll(self, node: _Node, now_ns: int) -> None:
        due_ns = node.link.next_due_ns()
        if due_ns is not None and now_ns >= due_ns:
            self._out(node, node.link.poll(now_ns), now_ns)
        due_ns = node.unit.next_due_ns()
        if due_ns is not None and now_ns >= due_ns:
            node.answers += node.unit.poll(DOOR, now_ns)[1]
        if node.answers and not node.link.sending:
            self._out(node, node.link.send(node.answers.popleft(), now_ns), now_ns)

    def _out(self, node: _Node, out: IsoTpOutput, now_ns: int) -> None:
        for fault in out.faults:
            _log.info("isotp_fault id=%x what=%s", node.ids.request, fault.name)
        for frame in out.frames:
            if not self._send(node.ids.response, frame):
                break  # the other side's timer ends the message
        for message in out.messages:
            tester = f"{DOOR}:{node.ids.request:x}"
            node.answers += node.unit.request(tester, message, now_ns)

    def _send(self, identifier: int, frame: bytes) -> bool:
        message = can.Message(
            arbitration_id=identifier, data=frame, is_extended_id=identifier > 0x7FF
        )
        try:
            self._bus.send(message)
        except (can.CanError, OSError) as error:
            self._failed(error)
            return False
        return True
