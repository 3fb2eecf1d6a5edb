"""A frame, and the port through which a unit meets its bus; sockets and threads live above."""

from __future__ import annotations

from typing import Final, Protocol

import msgspec

QUEUE_FRAMES: Final = 256
"""Kept by a port between two looks; a full bus of 500 kbit/s brings 45 frames in 10 ms."""


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One data frame of a CAN bus."""

    can_id: int
    data: bytes
    extended: bool = False


class FramePort(Protocol):
    """A unit's way to one bus. Neither call waits."""

    lost: int
    """Frames that did not fit into the port's queue, since the start."""

    def send(self, frame: Frame) -> bool:
        """Hand a frame to the bus; False: it was not taken (bus off, cable cut, queue full)."""

    def receive(self) -> list[Frame]:
        """Frames of others since the last call, oldest first, at most `QUEUE_FRAMES`."""


class Ports(Protocol):
    """Gives a unit its port to a bus."""

    def __call__(self, bus: str, unit: str, ids: frozenset[int] | None) -> FramePort:
        """A port that hears these ids, or all where None."""
