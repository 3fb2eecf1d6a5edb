"""Joins the buses of one process with those of others: frames of units here go out, those of others in.

A bus carries what it can and no more. Where others put more on it in a tick than fits, the lowest ids
win, as in arbitration, and what is lost is counted at every port. So a node that floods costs a bounded
amount of memory and time, whatever it sends.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from volant.core.messages import CanFrame
from volant.vehicle.network.frames import QUEUE_FRAMES, Frame
from volant.vehicle.network.medium import Media

JOIN: Final = "JOIN"
"""Name of the port that stands for all units elsewhere."""


class Join:
    """All buses of a process, as others see them."""

    def __init__(self, media: Media, buses: Iterable[str]) -> None:
        self._ports = {bus: media(bus, JOIN, None) for bus in buses}
        self._media = media
        self.unknown = 0
        """Frames for buses that this car does not have."""

    def take(self, frames: Sequence[CanFrame]) -> None:
        """Bring frames of others to the units here, in the order of sending; once a tick."""
        by_bus: dict[str, list[CanFrame]] = {}
        for frame in frames:
            if frame.bus in self._ports:
                by_bus.setdefault(frame.bus, []).append(frame)
            else:
                self.unknown += 1
        for bus, here in by_bus.items():
            medium = self._media.buses[bus]
            carried = here
            if len(here) > QUEUE_FRAMES:
                places = sorted(range(len(here)), key=lambda at: here[at].can_id)[:QUEUE_FRAMES]
                carried = [here[at] for at in sorted(places)]
                medium.lose(len(here) - QUEUE_FRAMES)
            for one in carried:
                medium.deliver(Frame(one.can_id, one.data, one.extended), self._ports[bus])

    def give(self) -> tuple[CanFrame, ...]:
        """Frames that units here have sent since the last call, bus by bus in the order of sending."""
        return tuple(
            CanFrame(bus=bus, can_id=one.can_id, data=one.data, extended=one.extended)
            for bus, port in self._ports.items()
            for one in port.receive()
        )
