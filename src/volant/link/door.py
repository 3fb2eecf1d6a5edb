"""What a transport asks: the door decides on capsules, a transport carries them and understands none.

Bluetooth, WebSocket and MQTT give the same bytes to the same door (docs/adr/0018). A transport keeps what belongs to
carrying: how many connections, how long a stranger may stay, how much is buffered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Connection(Protocol):
    """A way back to one phone, as long as it lasts."""

    @property
    def number(self) -> int:
        """Never given twice by a transport."""
        ...

    @property
    def local(self) -> bool:
        """By radio beside the car, not over the network."""
        ...

    def send(self, capsule: bytes) -> None:
        """What was not ready when it was asked for, such as the answer to an order. Nothing happens once it is closed."""
        ...

    def drop(self) -> None:
        """End it."""
        ...


@dataclass(frozen=True, slots=True)
class Said:
    """What the door says at once."""

    capsules: tuple[bytes, ...] = ()
    known: bool = False
    """A key has shown itself on this connection; a stranger is cut off in time."""
    over: bool = False
    """Nothing more is wanted of this peer."""


class Door(Protocol):
    """What stands behind every transport of a car. Called from one thread, never at the same time."""

    def opened(self, connection: Connection, stamp_ns: int) -> Said:
        """A phone, or whoever it is, can hear; by radio it is greeted with a nonce."""
        ...

    def said(self, connection: Connection, capsule: bytes, stamp_ns: int) -> Said:
        """Whatever came, whole, of 1 to 8192 bytes; nothing else is known of it."""
        ...

    def closed(self, connection: Connection, stamp_ns: int) -> None:
        """It is gone, whoever ended it."""
        ...
