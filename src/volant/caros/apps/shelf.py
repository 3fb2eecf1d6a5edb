"""What one app keeps on the disk, and its log: both bounded in size, and paid for with its flash of the day."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from volant.caros.flash import DataClass
from volant.caros.ledger import COST_BYTES, FlashLedger, Grant
from volant.core.errors import InputError, RefusedError

NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
NAMES_MOST: Final = 256
CHUNK_BYTES: Final = 96 * 1024
LOG_MOST_BYTES: Final = 128 * 1024
"""Of one file; there is one earlier one."""
LINE_MOST_BYTES: Final = 2048
BLOCK_BYTES: Final = 4096
"""What a flash writes at least, so many small words are not free."""
LOT_BYTES: Final = 256 * 1024


class Flash:
    """What apps may write, taken from the car's ledger in lots: a ledger's word costs a write of its own."""

    def __init__(self, ledger: FlashLedger) -> None:
        self._ledger = ledger
        self._left: dict[tuple[str, DataClass], int] = {}
        self._last: dict[tuple[str, DataClass], Grant] = {}

    def budget(self, owners: dict[str, int]) -> None:
        """Bytes a day by app."""
        self._ledger.settings = replace(self._ledger.settings, owners=owners)

    def ask(self, owner: str, kind: DataClass, size: int) -> str:
        """Ask to write; gives why not, empty where it may be."""
        key = owner, kind
        left = self._left.get(key, 0)
        for wanted in (max(LOT_BYTES, size - left), size - left):
            if size <= left:
                break
            grant = self._ledger.ask(kind, owner, wanted)
            if grant.verdict.granted:
                self._last[key] = grant
                left += grant.bytes - 2 * COST_BYTES
            elif wanted == size - left:
                return grant.verdict.words
        self._left[key] = left - size
        return ""

    def close(self) -> None:
        """Give back what was not written of the last lots; a death gives nothing back."""
        for key, grant in self._last.items():
            spare = min(self._left.get(key, 0), grant.bytes - 2 * COST_BYTES)
            self._ledger.settle(grant, grant.bytes - 2 * COST_BYTES - spare)
        self._last, self._left = {}, {}


class Shelf:
    """What one app keeps, by name."""

    def __init__(self, folder: Path, most_bytes: int, ask: Callable[[int], str]) -> None:
        """`ask` is given the bytes to be written and gives why not."""
        self._folder, self._most, self._ask = folder, most_bytes, ask

    def sizes(self) -> dict[str, int]:
        """Bytes by name."""
        try:
            return {
                path.name: path.stat().st_size
                for path in sorted(self._folder.iterdir())
                if NAME.fullmatch(path.name) and path.is_file() and not path.is_symlink()
            }
        except FileNotFoundError:
            return {}

    def keep(self, name: str, data: bytes, *, append: bool) -> None:
        """Keep bytes, in one move unless they are added.

        Raises:
            InputError: the name is none.
            RefusedError: no room, or no flash is left today.
        """
        path = self._path(name)
        sizes = self.sizes()
        if name not in sizes and len(sizes) >= NAMES_MOST:
            raise RefusedError(f"{NAMES_MOST} names are kept, at most")
        after = sum(sizes.values()) + len(data) - (0 if append else sizes.get(name, 0))
        if after > self._most:
            raise RefusedError(f"no room: {self._most} bytes may be kept")
        if why := self._ask(-(-max(len(data), 1) // BLOCK_BYTES) * BLOCK_BYTES):
            raise RefusedError(why)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if append:
            with path.open("ab") as file:
                file.write(data)
        else:
            draft = path.with_name(f"{name}~part")
            draft.write_bytes(data)
            draft.replace(path)

    def read(self, name: str, offset: int) -> tuple[int, bytes]:
        """Size of what is kept and a piece of it from an offset; size -1: nothing is.

        Raises:
            InputError: the name is none.
        """
        try:
            with self._path(name).open("rb") as file:
                size = file.seek(0, 2)
                file.seek(max(0, min(offset, size)))
                return size, file.read(CHUNK_BYTES)
        except FileNotFoundError:
            return -1, b""

    def drop(self, name: str) -> None:
        """Keep it no longer.

        Raises:
            InputError: the name is none.
        """
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise InputError(f"{name[:70]!r} is no name: small letters, digits, `.`, `_`, `-`")
        return self._folder / name


class AppLog:
    """What an app prints, in two files of bounded size."""

    def __init__(self, folder: Path, ask: Callable[[int], str]) -> None:
        self._folder, self._ask = folder, ask
        self._rest, self._full = b"", False

    @property
    def path(self) -> Path:
        """The newer file; the older one ends in `.1`."""
        return self._folder / "app.log"

    def add(self, data: bytes) -> None:
        """Take in what was printed; lines are cut, and what finds no flash is lost."""
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > LINE_MOST_BYTES:
            lines.append(self._rest)
            self._rest = b""
        self.say(*(line[:LINE_MOST_BYTES] for line in lines))

    def end(self) -> None:
        """The app is gone: its last words are a line too."""
        if self._rest:
            self.say(self._rest)
            self._rest = b""

    def say(self, *lines: bytes) -> None:
        """Add lines, with the time before each."""
        if not lines:
            return
        head = time.strftime("%Y-%m-%d %H:%M:%S ", time.gmtime()).encode()
        data = b"".join(head + line + b"\n" for line in lines)
        why = self._ask(len(data))
        if why and self._full:
            return
        self._full = bool(why)
        if why:
            data = head + f"volant: the log ends for today: {why}\n".encode()
        with contextlib.suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self.path.exists() and self.path.stat().st_size + len(data) > LOG_MOST_BYTES:
                self.path.replace(self._folder / "app.log.1")
            with self.path.open("ab") as file:
                file.write(data[-LOG_MOST_BYTES:])
