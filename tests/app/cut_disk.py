"""A disk that is cut at the n-th call, and what may stand on it then: nothing is sure before it was synced."""

import os
import stat
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

Files = dict[str, bytes | None]
"""Content by name; None: no such file."""


class CutError(BaseException):
    """The power is gone."""


class CutDisk:
    """Counts the calls that change files, and breaks off at one of them."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.left = 0
        self._synced: dict[int, bytes] = {}
        self._unsure: dict[Path, bytes | None] = {}
        """What a name stood for before it was given to another file, until its folder is synced."""
        sync, replace, write, make = os.fsync, Path.replace, os.pwrite, os.open

        def fsync(file: int) -> None:
            self._count()
            sync(file)
            found = os.fstat(file)
            if stat.S_ISDIR(found.st_mode):
                self._unsure.clear()
            else:
                self._synced[found.st_ino] = Path(f"/proc/self/fd/{file}").read_bytes()

        def rename(source: Path, target: Path) -> Path:
            self._count()
            self._unsure.setdefault(target, target.read_bytes() if target.exists() else None)
            return replace(source, target)

        def pwrite(file: int, data: bytes, offset: int) -> int:
            self._count()
            write(file, data[: len(data) // 2], offset)
            self._count()
            return write(file, data, offset)

        def opened(path: Path, flags: int, *more: int) -> int:
            if flags & os.O_CREAT:
                self._count()
            return make(path, flags, *more)

        patch.setattr(os, "fsync", fsync)
        patch.setattr(Path, "replace", rename)
        patch.setattr(os, "pwrite", pwrite)
        patch.setattr(os, "open", opened)

    def cut_after(self, calls: int) -> None:
        """Break off at this call from now on; what stands there now is sure."""
        self.left = calls
        self._synced, self._unsure = {}, {}

    def states(self, folder: Path, sure: Files) -> Iterator[Files]:
        """What may stand in the folder now.

        Args:
            folder: with all files that count.
            sure: what stood there at the beginning.
        """
        found = {path.name: path for path in folder.iterdir() if path.is_file()}
        choices = [self._choices(path, sure.get(name)) for name, path in found.items()]
        for chosen in product(*choices):
            yield dict(zip(found, chosen, strict=True))

    def _choices(self, path: Path, before: bytes | None) -> list[bytes | None]:
        now = path.read_bytes()
        wanted: list[bytes | None] = [now]
        if now != before and self._synced.get(path.stat().st_ino) != now:
            wanted += [b"", now[: len(now) // 2], bytes(len(now))]
        if path in self._unsure:
            wanted.append(self._unsure[path])
        return wanted

    def _count(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise CutError
