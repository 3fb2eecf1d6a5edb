"""Flash as an interface, and a device in memory that keeps its rules. Opens nothing.

Two kinds: raw (NOR) flash is erased to 0xFF in blocks and programmed once a page; managed flash (eMMC, SSD)
overwrites its sectors. What was written is only sure after a flush.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

ERASED: Final = 0xFF


@dataclass(frozen=True, slots=True)
class Geometry:
    """How a device is divided."""

    size_bytes: int
    erase_bytes: int
    """A block, erased as a whole."""
    page_bytes: int
    """What is programmed at once: writes begin and end at its multiples."""
    overwrites: bool = False
    """Pages can be written without being erased."""

    def __post_init__(self) -> None:
        if self.erase_bytes % self.page_bytes or self.size_bytes % self.erase_bytes:
            raise ValueError("pages must fill a block, blocks the device")


class Flash(Protocol):
    """A device; misuse by our own code is a ValueError, a failing device an OSError."""

    @property
    def geometry(self) -> Geometry:
        """How it is divided."""

    def read(self, offset: int, length: int) -> bytes:
        """Bytes as they are now."""

    def write(self, offset: int, data: bytes) -> None:
        """Program whole pages."""

    def erase(self, offset: int, length: int) -> None:
        """Set whole blocks to 0xFF."""

    def flush(self) -> None:
        """Return when all that was written and erased survives a cut."""


class MemoryFlash:
    """A device in memory."""

    def __init__(self, geometry: Geometry, content: bytes | None = None) -> None:
        self._geometry = geometry
        self._bytes = bytearray(
            bytes([ERASED]) * geometry.size_bytes if content is None else content
        )
        if len(self._bytes) != geometry.size_bytes:
            raise ValueError(f"{len(self._bytes)} bytes on a device of {geometry.size_bytes}")

    @property
    def geometry(self) -> Geometry:
        """How it is divided."""
        return self._geometry

    @property
    def content(self) -> bytes:
        """All of it."""
        return bytes(self._bytes)

    def read(self, offset: int, length: int) -> bytes:
        """Bytes as they are now."""
        check_span(self._geometry, offset, length, 1)
        return bytes(self._bytes[offset : offset + length])

    def write(self, offset: int, data: bytes) -> None:
        """Program whole pages; raw flash must have been erased there."""
        check_span(self._geometry, offset, len(data), self._geometry.page_bytes)
        if not self._geometry.overwrites and not is_erased(
            self._bytes[offset : offset + len(data)]
        ):
            raise ValueError(f"pages from {offset} on are not erased")
        self._bytes[offset : offset + len(data)] = data

    def erase(self, offset: int, length: int) -> None:
        """Set whole blocks to 0xFF."""
        check_span(self._geometry, offset, length, self._geometry.erase_bytes)
        self._bytes[offset : offset + length] = bytes([ERASED]) * length

    def flush(self) -> None:
        """Nothing to wait for."""


def check_span(geometry: Geometry, offset: int, length: int, unit: int) -> None:
    """Let a stretch pass that lies on the device and begins and ends at multiples of a unit.

    Raises:
        ValueError: it does not.
    """
    if offset < 0 or length < 0 or offset + length > geometry.size_bytes:
        raise ValueError(f"{offset}+{length} lies outside {geometry.size_bytes} bytes")
    if offset % unit or length % unit:
        raise ValueError(f"{offset}+{length} is not in units of {unit} bytes")


def is_erased(data: bytes | bytearray) -> bool:
    """Whether nothing was written there."""
    return data.count(ERASED) == len(data)
