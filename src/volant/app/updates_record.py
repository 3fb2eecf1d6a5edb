"""The update machine's record in the car's folder: two files with the same words, each with a checksum.

Written one after the other, each put in its place in one move: a cut leaves one of both as it was, and a disk that
loses one has the other. A decision never falls back to the one before it, because units would not fit that.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from volant.caros.apps.store import write_whole
from volant.core.errors import InputError
from volant.ota.record import RECORD_MOST_BYTES

CRC_BYTES: Final = 8
"""Hex digits of the CRC-32 in front. It finds what a disk did, not attackers: they are kept from the folder."""


@dataclass(frozen=True, slots=True)
class FileStore:
    """A `RecordStore`."""

    path: Path

    @property
    def paths(self) -> tuple[Path, Path]:
        """Of both; the first is the newer one."""
        return self.path, self.path.with_name(self.path.name + ".copy")

    @property
    def value(self) -> bytes | None:
        """As `RecordStore`.

        Raises:
            InputError: there was one, and it is broken.
        """
        there = False
        for path in self.paths:
            try:
                with path.open("rb") as file:
                    data = file.read(CRC_BYTES + RECORD_MOST_BYTES + 1)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise InputError(error.strerror or str(error), file=str(path)) from error
            there = True
            if data[:CRC_BYTES] == _crc(data[CRC_BYTES:]):
                return data[CRC_BYTES:]
        if there:
            raise InputError("no record of updates, both files are broken", file=str(self.path))
        return None

    def put(self, data: bytes) -> None:
        """As `RecordStore`.

        Raises:
            OSError: the disk refuses.
        """
        for path in self.paths:
            write_whole(path, _crc(data) + data)

    def forget(self) -> None:
        """There is none any more."""
        for path in self.paths:
            path.unlink(missing_ok=True)


def _crc(data: bytes) -> bytes:
    return b"%08x" % zlib.crc32(data)
