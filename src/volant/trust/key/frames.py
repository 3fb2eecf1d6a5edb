"""Capsules over Bluetooth: two bytes of length and the capsule, cut to what one write or notification holds.

A frame begins and ends with a piece, so pieces of two frames are never taken for one. Nothing is believed of what
comes out: a capsule that was put together wrongly fails at its seal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from volant.core.errors import InputError
from volant.trust.key.codes import CAPSULE_MOST_BYTES

SERVICE_UUID: Final = "b5c0f2a4-3d0e-4f0b-9d67-6f1c58a1e201"
INBOX_UUID: Final = "b5c0f2a4-3d0e-4f0b-9d67-6f1c58a1e202"
"""Written by the phone."""
OUTBOX_UUID: Final = "b5c0f2a4-3d0e-4f0b-9d67-6f1c58a1e203"
"""Notified by the car."""
MTU: Final = 247
"""One attribute packet that fills one packet of the air with data length extension: 251 - 4 (Core 5.4, Vol 6, B 2.4)."""
ATT_HEAD_BYTES: Final = 3
"""Opcode and handle of a write or notification (Core 5.4, Vol 3, F 3.4)."""
LENGTH_BYTES: Final = 2


@dataclass(frozen=True, slots=True)
class Partial:
    """The beginning of a frame that has not come to its end; empty between frames."""

    data: bytes = b""

    @property
    def open(self) -> bool:
        """Something is missing."""
        return bool(self.data)


def cut(capsule: bytes, mtu: int = MTU) -> tuple[bytes, ...]:
    """The pieces of a frame, each fit for one write or notification.

    Raises:
        ValueError: the capsule is empty or too long.
    """
    if not 0 < len(capsule) <= CAPSULE_MOST_BYTES:
        raise ValueError(f"a capsule of {len(capsule)} bytes, from 1 to {CAPSULE_MOST_BYTES} fit")
    frame, most = len(capsule).to_bytes(LENGTH_BYTES, "big") + capsule, mtu - ATT_HEAD_BYTES
    return tuple(frame[start : start + most] for start in range(0, len(frame), most))


def take(partial: Partial, piece: bytes) -> tuple[Partial, bytes | None]:
    """One piece more; the capsule where it was the last.

    Raises:
        InputError: no length, a length that no capsule has, or more than the frame holds.
    """
    data = partial.data + piece
    if len(data) < LENGTH_BYTES:
        raise InputError(f"a frame begins with {LENGTH_BYTES} bytes of length, found {len(data)}")
    size = int.from_bytes(data[:LENGTH_BYTES], "big")
    if not 0 < size <= CAPSULE_MOST_BYTES:
        raise InputError(f"a frame of {size} bytes, expected 1 to {CAPSULE_MOST_BYTES}")
    missing = LENGTH_BYTES + size - len(data)
    if missing < 0:
        raise InputError(f"{-missing} bytes behind the end of a frame of {size} bytes")
    if missing or not piece:
        if not piece:
            raise InputError("an empty piece in a frame")
        return Partial(data), None
    return Partial(), data[LENGTH_BYTES:]
