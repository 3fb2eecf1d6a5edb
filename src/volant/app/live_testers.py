"""Testers on CAN buses outside: the way of their frames between the bridge and the live car's control units.

The two processes hold a pair of sockets; it is no part of the live bus, so diagnostics need no right to put
frames on the car's own buses. The bridge lets through what is a tester's and nothing else, and never waits.
"""

from __future__ import annotations

import contextlib
import select
import socket
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import can
import msgspec

from volant.caros.diagnostics import CanIds, CanNode, Unit
from volant.caros.diagnostics.can_node import FUNCTIONAL_ID
from volant.core.messages import CanFrame
from volant.vehicle.ecus import ECUS

HOMES: Final = {
    can_id: spec.bus for spec in ECUS for can_id in (spec.can_request, spec.can_response)
}
"""The bus on which a unit is asked and answers."""
_REQUESTS: Final = frozenset(spec.can_request for spec in ECUS)
_MOST_BYTES: Final = 512
"""Of one frame with its bus, packed."""
ANSWERS_MOST: Final = 256
"""Taken at once: units that are asked much do not keep the bridge from the car's own frames."""
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(CanFrame).decode


def asks(frame: CanFrame) -> bool:
    """Whether it is a tester's: for one unit, on the bus of that unit, or for all, on any bus.

    What is for all reaches the units of all buses, as a gateway would have it.
    """
    if frame.extended:
        return False
    if frame.can_id == FUNCTIONAL_ID:
        return True
    return frame.can_id in _REQUESTS and HOMES[frame.can_id] == frame.bus


class BridgeEnd:
    """The bridge's end."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        end.setblocking(False)

    def hand_on(self, came: Iterable[CanFrame]) -> None:
        """Give the units what is for them; what finds no room is gone, and the tester's timer ends."""
        for frame in came:
            if asks(frame):
                with contextlib.suppress(OSError):
                    self._end.send(_encode(frame), socket.MSG_NOSIGNAL)

    def answers(self) -> list[CanFrame]:
        """What the units have answered since the last call."""
        found: list[CanFrame] = []
        with contextlib.suppress(BlockingIOError):
            while len(found) < ANSWERS_MOST:
                packet = self._end.recv(_MOST_BYTES)
                if not packet:
                    break
                with contextlib.suppress(msgspec.MsgspecError):
                    found.append(_decode(packet))
        return found


class UnitsEnd(can.BusABC):
    """The units' end, as a bus of python-can, so that a `CanNode` serves it as any other."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        end.setblocking(False)
        super().__init__(channel="bridge")
        self.channel_info = "the bridge of the live car"

    def _recv_internal(self, timeout: float | None) -> tuple[can.Message | None, bool]:
        if not select.select([self._end], [], [], timeout)[0]:
            return None, False
        try:
            packet = self._end.recv(_MOST_BYTES)
        except BlockingIOError:
            return None, False
        if not packet:
            raise can.CanOperationError("the bridge is gone")
        try:
            frame = _decode(packet)
        except msgspec.MsgspecError:
            return None, False
        return _message(frame), False

    def send(self, msg: can.Message, timeout: float | None = None) -> None:  # noqa: ARG002
        """Hand a unit's frame to the bridge without waiting.

        Raises:
            OSError: there is no room.
        """
        frame = CanFrame(
            bus=HOMES[msg.arbitration_id], can_id=msg.arbitration_id, data=bytes(msg.data)
        )
        self._end.send(_encode(frame), socket.MSG_NOSIGNAL)


@contextlib.contextmanager
def units_on_can(end: socket.socket, units: Mapping[int, Unit]) -> Iterator[None]:
    """Serve all control units behind the bridge; `units` by their addresses."""
    ids = {spec.address: CanIds(spec.can_request, spec.can_response) for spec in ECUS}
    nodes = {ids[address]: unit for address, unit in units.items()}
    with UnitsEnd(end) as bus, CanNode(bus, nodes):
        yield


def _message(frame: CanFrame) -> can.Message:
    return can.Message(
        arbitration_id=frame.can_id, data=frame.data, is_extended_id=False, check=False
    )
