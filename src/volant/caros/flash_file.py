"""Flash in a file, for the simulated car and for desks: the rules of a device, kept on a real file system.

A flush is an fsync. Made whole before it takes its name, so that a device is there or not.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Self

from volant.core.errors import InputError
from volant.trust.flash import Geometry
from volant.trust.flash.device import ERASED, check_span, is_erased


class FileFlash:
    """A device whose bytes are those of a file; one process at a time holds it."""

    def __init__(self, path: Path, geometry: Geometry) -> None:
        """Open a device.

        Raises:
            InputError: the file lacks, or has another length than the device.
        """
        self._geometry = geometry
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            raise InputError(error.strerror or str(error), file=str(path)) from error
        size = os.fstat(self._file).st_size
        if size != geometry.size_bytes:
            os.close(self._file)
            raise InputError(f"{size} bytes, the device has {geometry.size_bytes}", file=str(path))

    @classmethod
    def create(cls, path: Path, geometry: Geometry) -> Self:
        """An erased device in a new file; one that was there is gone."""
        draft = path.with_name(path.name + ".part")
        block = bytes([ERASED]) * geometry.erase_bytes
        with draft.open("wb") as file:
            for _ in range(geometry.size_bytes // geometry.erase_bytes):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        return cls(path, geometry)

    def fileno(self) -> int:
        """Descriptor of its file, for a process that shall keep it over a fork."""
        return self._file

    def close(self) -> None:
        """Let the file go."""
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def geometry(self) -> Geometry:
        """How it is divided."""
        return self._geometry

    def read(self, offset: int, length: int) -> bytes:
        """Bytes as they are now."""
        check_span(self._geometry, offset, length, 1)
        return os.pread(self._file, length, offset)

    def write(self, offset: int, data: bytes) -> None:
        """Program whole pages; raw flash must have been erased there."""
        check_span(self._geometry, offset, len(data), self._geometry.page_bytes)
        if not self._geometry.overwrites and not is_erased(self.read(offset, len(data))):
            raise ValueError(f"pages from {offset} on are not erased")
        self._put(offset, data)

    def erase(self, offset: int, length: int) -> None:
        """Set whole blocks to 0xFF."""
        check_span(self._geometry, offset, length, self._geometry.erase_bytes)
        self._put(offset, bytes([ERASED]) * length)

    def flush(self) -> None:
        """Return when the disk has it."""
        os.fsync(self._file)

    def _put(self, offset: int, data: bytes) -> None:
        view = memoryview(data)
        while view:
            count = os.pwrite(self._file, view, offset)
            view, offset = view[count:], offset + count
