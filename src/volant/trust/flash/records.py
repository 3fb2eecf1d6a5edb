"""A value on flash that changes as a whole or not at all: the newest sound record of two areas counts.

Records are appended page by page with sequence number and CRC-32. When an area is full, or its next page is
not clean, the other one is erased and written first: a sound record is always left. This serves as the slot
switch (two areas, CRC, sequence) and as the journal of an update. The CRC finds torn writes, not attackers:
what is booted is checked by its hash.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Final

from volant.trust.flash.device import Flash, is_erased

_HEAD: Final = struct.Struct("<4sIHI")
"""Magic, sequence, length, CRC-32 of sequence, length and data."""
_MAGIC: Final = b"VREC"
DATA_MOST_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Area:
    """A stretch of flash."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class _Found:
    sequence: int
    data: bytes
    area: int
    end: int
    """Offset behind it."""


class Records:
    """Two areas of one length, each whole blocks, behind each other."""

    def __init__(self, flash: Flash, area: Area) -> None:
        geometry = flash.geometry
        if area.offset % geometry.erase_bytes or area.length % (2 * geometry.erase_bytes):
            raise ValueError("an area for records is two halves of whole blocks")
        self._flash = flash
        half = area.length // 2
        self._areas = (Area(area.offset, half), Area(area.offset + half, half))
        self._newest = max(
            (found for number in (0, 1) for found in self._scan(number)),
            key=lambda found: found.sequence,
            default=None,
        )

    @property
    def value(self) -> bytes | None:
        """The newest sound record; None where there is none."""
        return self._newest.data if self._newest else None

    @property
    def sequence(self) -> int:
        """Its number, 0 where there is none."""
        return self._newest.sequence if self._newest else 0

    def put(self, data: bytes) -> None:
        """Replace the value; it is sure when this returns.

        Raises:
            ValueError: the data are longer than an area or than `DATA_MOST_BYTES`.
        """
        page = self._flash.geometry.page_bytes
        if len(data) > min(DATA_MOST_BYTES, self._areas[0].length - _HEAD.size):
            raise ValueError(f"{len(data)} bytes are too long for a record")
        sequence = self.sequence + 1
        body = struct.pack("<IH", sequence, len(data)) + data
        record = _HEAD.pack(_MAGIC, sequence, len(data), zlib.crc32(body)) + data
        record += b"\xff" * (-len(record) % page)
        area, at = self._place(len(record))
        self._flash.write(at, record)
        self._flash.flush()
        self._newest = _Found(sequence, bytes(data), area, at + len(record))

    def _place(self, length: int) -> tuple[int, int]:
        """Where the next record goes: clean pages behind the newest one, else the other area, erased."""
        if self._newest is not None:
            own, at = self._areas[self._newest.area], self._newest.end
            # All behind must be clean: a torn record there would hide what follows it.
            rest = own.offset + own.length - at
            if length <= rest and is_erased(self._flash.read(at, rest)):
                return self._newest.area, at
        other = 0 if self._newest is None else 1 - self._newest.area
        area = self._areas[other]
        self._flash.erase(area.offset, area.length)
        # The erase must not be done after the write that follows it.
        self._flash.flush()
        return other, area.offset

    def _scan(self, number: int) -> list[_Found]:
        """The sound records of an area, as far as the first that is not."""
        area, page = self._areas[number], self._flash.geometry.page_bytes
        text = self._flash.read(area.offset, area.length)
        found, at = [], 0
        while at + _HEAD.size <= len(text):
            magic, sequence, length, crc = _HEAD.unpack_from(text, at)
            data = text[at + _HEAD.size : at + _HEAD.size + length]
            sound = (
                magic == _MAGIC
                and length <= DATA_MOST_BYTES
                and len(data) == length
                and zlib.crc32(struct.pack("<IH", sequence, length) + data) == crc
            )
            if not sound:
                break
            at += -(-(_HEAD.size + length) // page) * page
            found.append(_Found(sequence, data, number, area.offset + at))
        return found
