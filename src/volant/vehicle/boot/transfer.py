"""What comes for a slot: the bytes of an image, or a delta that makes them from the image that runs.

Both write whole pages into an erased slot and keep how many bytes survive a cut: of an image each flash block, of a
delta each segment. A delta is believed no more than an image: what it has made is judged like any other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from volant.core.errors import RefusedError
from volant.trust.delta import Applying, Header, Piece, read_header
from volant.trust.delta.container import PREAMBLE_BYTES, header_lengths
from volant.trust.flash import Area, Flash
from volant.trust.flash.device import is_erased
from volant.vehicle.boot.parts import Stored

HEADER_MOST_BYTES: Final = 256 * 1024
"""Of a delta's header: what a unit holds in memory beside one segment (chosen)."""
Keep = Callable[[int], None]
"""Keeps that so many bytes of the new image survive a cut."""


class WholeTransfer:
    """An image as it is."""

    def __init__(self, flash: Flash, area: Area, span: tuple[int, int, int], keep: Keep) -> None:
        """An image on its way.

        Args:
            flash: the device.
            area: the slot that it goes to.
            span: bytes that are there, of all of it, and between two that are kept: whole flash blocks.
            keep: see `Keep`.
        """
        self._flash, self._area, self._keep = flash, area, keep
        self._at, self._size, self._step = span
        self._tail = bytearray()
        """Bytes that do not fill a page yet."""

    def write(self, data: bytes) -> None:
        """Take the next bytes; whole pages go to the device, whole steps are sure."""
        page = self._flash.geometry.page_bytes
        if self._at + len(self._tail) + len(data) > self._size:
            raise ValueError("more bytes than were announced")
        self._tail += data
        while len(self._tail) >= page:
            room = self._step - self._at % self._step
            length = min(room, len(self._tail) // page * page)
            self._flash.write(self._area.offset + self._at, bytes(self._tail[:length]))
            del self._tail[:length]
            self._at += length
            if self._at % self._step == 0:
                self._flash.flush()
                self._keep(self._at)

    def finish(self) -> bool:
        """All has come; false: bytes are missing."""
        if self._at + len(self._tail) != self._size:
            return False
        if self._tail:
            page = self._flash.geometry.page_bytes
            padded = bytes(self._tail) + b"\xff" * (-len(self._tail) % page)
            self._flash.write(self._area.offset + self._at, padded)
            self._at += len(self._tail)
            self._tail.clear()
        self._flash.flush()
        self._keep(self._size)
        return True


class DeltaTransfer:
    """A delta. After a cut its header comes once more, and then the segments that are missing."""

    def __init__(
        self,
        flash: Flash,
        area: Area,
        running: tuple[Area, Stored],
        accept: Callable[[Header], int],
        keep: Keep,
    ) -> None:
        """A delta on its way.

        Args:
            flash: the device.
            area: the slot that the new image goes to.
            running: where the old one is, and what it is.
            accept: told the header; makes ready and says how many segments are done, or raises RefusedError.
            keep: see `Keep`.
        """
        self._flash, self._area, self._keep = flash, area, keep
        self._running, self._accept = running, accept
        self._head = bytearray()
        self._applying: Applying | None = None

    def write(self, data: bytes) -> None:
        """Take the next bytes; whole segments go to the device and are sure.

        Raises:
            InputError, TrustError: no delta, or one that was changed on its way.
            RefusedError: not for what runs, or not for this device.
        """
        if self._applying is None:
            self._head += data
            data = self._begin()
        if self._applying is not None and data:
            for piece in self._applying.feed(data):
                self._put(self._applying.header, piece)

    def finish(self) -> bool:
        """All has come; false: segments are missing."""
        return self._applying is not None and self._applying.done

    def _begin(self) -> bytes:
        """Read the header once it is whole; what has come behind it."""
        if len(self._head) < PREAMBLE_BYTES:
            return b""
        packed, _ = header_lengths(bytes(self._head[:PREAMBLE_BYTES]))
        end = PREAMBLE_BYTES + packed
        if end > HEADER_MOST_BYTES:
            raise RefusedError(f"a header of {end} bytes, a unit takes {HEADER_MOST_BYTES}")
        if len(self._head) < end:
            return b""
        header = read_header(bytes(self._head[:end]))
        self._check(header)
        done = self._accept(header)
        self._applying = Applying(self._old, self._new, header=header, segments_done=done)
        rest, self._head = bytes(self._head[end:]), bytearray()
        return rest

    def _check(self, header: Header) -> None:
        runs = self._running[1]
        if (header.source_bytes, header.source_sha256) != (runs.length, runs.sha256):
            raise RefusedError("the delta was made from another image than the one that runs")
        if header.target_bytes > self._area.length:
            raise RefusedError(f"an image of {header.target_bytes} bytes does not fit into a slot")
        if header.segment_bytes % self._flash.geometry.erase_bytes:
            raise RefusedError(f"segments of {header.segment_bytes} bytes end inside flash blocks")

    def _put(self, header: Header | None, piece: Piece) -> None:
        assert header is not None
        page = self._flash.geometry.page_bytes
        data = bytes(piece.data)
        self._flash.write(self._area.offset + piece.offset, data + b"\xff" * (-len(data) % page))
        self._flash.flush()
        self._keep(piece.offset + len(data))

    def _old(self, offset: int, length: int) -> bytes:
        area, runs = self._running
        return self._flash.read(area.offset + offset, max(0, min(length, runs.length - offset)))

    def _new(self, offset: int, length: int) -> bytes:
        return self._flash.read(self._area.offset + offset, length)


def clean_from(flash: Flash, area: Area, offset: int) -> None:
    """Blocks of a slot that a cut left half written are erased once more."""
    block = flash.geometry.erase_bytes
    for at in range(area.offset + offset // block * block, area.offset + area.length, block):
        if not is_erased(flash.read(at, block)):
            flash.erase(at, block)
            flash.flush()
