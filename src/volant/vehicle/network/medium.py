"""A bus within the process, in virtual time: a frame sent is there at once, in the order of sending.

No arbitration and no transmission time: a frame of 8 bytes takes a quarter of a millisecond, a control
tick ten. What a fault does to frames is a function set from outside.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from volant.vehicle.network.frames import QUEUE_FRAMES, Frame

Tamper = Callable[[Frame], Iterable[Frame]]


class MediumPort:
    """One unit's way to a medium; implements `FramePort`."""

    __slots__ = ("_ids", "_medium", "_queue", "lost", "off")

    def __init__(self, medium: Medium, ids: frozenset[int] | None) -> None:
        self._medium, self._ids = medium, ids
        self._queue: deque[Frame] = deque()
        self.lost = 0
        self.off = False
        """Bus-off or cut: nothing goes out or comes in."""

    def send(self, frame: Frame) -> bool:
        """Deliver a frame to every other port that hears its id."""
        if self.off:
            return False
        self._medium.deliver(frame, self)
        return True

    def take(self, frame: Frame) -> None:
        """Keep a frame until it is asked for; beyond the queue it is lost, and counted."""
        if self.off or (self._ids is not None and frame.can_id not in self._ids):
            return
        if len(self._queue) < QUEUE_FRAMES:
            self._queue.append(frame)
        else:
            self.lost += 1

    def receive(self) -> list[Frame]:
        """Frames since the last call."""
        if not self._queue:
            return []
        found = list(self._queue)
        self._queue.clear()
        return found


class Medium:
    """One bus."""

    def __init__(self) -> None:
        self._ports: list[MediumPort] = []
        self._hearing: dict[int, list[MediumPort]] = {}
        self.tamper: Tamper | None = None
        """What becomes of a frame on its way: nothing, itself, or others."""
        self.sent = 0

    def port(self, ids: frozenset[int] | None = None) -> MediumPort:
        """A new port that hears these ids, or all where None."""
        port = MediumPort(self, ids)
        self._ports.append(port)
        self._hearing.clear()
        return port

    def deliver(self, frame: Frame, sender: MediumPort | None = None) -> None:
        """Bring a frame to all ports but its sender's; without a sender: from nowhere."""
        self.sent += 1
        if self.tamper is None:
            self._bring(frame, sender)
        else:
            for one in self.tamper(frame):
                self._bring(one, sender)

    def lose(self, count: int) -> None:
        """Frames that the bus could not carry: every port misses them."""
        for port in self._ports:
            port.lost += count

    def _bring(self, frame: Frame, sender: MediumPort | None) -> None:
        hearing = self._hearing.get(frame.can_id)
        if hearing is None:
            hearing = [
                port for port in self._ports if port._ids is None or frame.can_id in port._ids
            ]
            if len(self._hearing) < _KNOWN_IDS:
                self._hearing[frame.can_id] = hearing
        for port in hearing:
            if port is not sender:
                port.take(frame)


class Media:
    """All buses of a car within the process; gives its units their ports."""

    def __init__(self) -> None:
        self.buses: dict[str, Medium] = {}
        self.ports: dict[tuple[str, str], MediumPort] = {}

    def __call__(self, bus: str, unit: str, ids: frozenset[int] | None) -> MediumPort:
        """A unit's port to a bus; the bus comes to be with its first port."""
        port = self.buses.setdefault(bus, Medium()).port(ids)
        self.ports[bus, unit] = port
        return port


_KNOWN_IDS = 4096
"""Ids remembered: a babbling node with ever new ids must not fill the memory."""
