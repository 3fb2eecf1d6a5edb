"""The day's counts of flash in one file that all processes of a car share. Every writer asks here first.

The counts are on the disk before what they grant is written, so a crash or a power cut at any moment counts
too much and never too little. What cannot be counted is not granted.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from volant.caros import flash
from volant.caros.flash import DataClass, FlashSettings, FlashState, Verdict
from volant.core.errors import InputError

COUNTS: Final = "flash.json"
LOCK: Final = "flash.lock"
COST_BYTES: Final = 16 * 1024
"""Counted for writing the file of counts once: its blocks, its name, and their place in the file system."""
LOCK_TRIES: Final = 50
LOCK_EVERY_S: Final = 0.02
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC).toordinal()


def utc_day() -> int:
    """Days of UTC since 1970-01-01, by the clock of the machine."""
    return datetime.now(UTC).toordinal() - _EPOCH


@dataclass(frozen=True, slots=True)
class Grant:
    """What a ledger answered."""

    verdict: Verdict
    owner: str
    bytes: int
    """Counted now; 0 where it was refused."""
    day: int


class FlashLedger:
    """Grants bytes by the budget; no method raises because of the disk."""

    def __init__(
        self, folder: Path, settings: FlashSettings, today: Callable[[], int] = utc_day
    ) -> None:
        """Nothing is read or written yet; `folder` is the car's, the same for all of its processes."""
        self.settings = settings
        self.fault = ""
        """What was wrong with the counts of before, so that they began anew; empty when nothing was."""
        self._path, self._lock = folder / COUNTS, folder / LOCK
        self._today = today
        self._last = FlashState()

    def today(self) -> int:
        """The day that is counted on now."""
        return self._today()

    def state(self) -> FlashState:
        """The counts of all processes, as they stand on the disk."""
        try:
            with self._path.open("rb") as file:
                self._last = flash.state_from_bytes(file.read(flash.STATE_MOST_BYTES + 1))
        except FileNotFoundError:
            self._last = FlashState()
        except InputError as error:
            self.fault, self._last = f"{self._path} begins anew: {error}", FlashState()
        except OSError:
            pass  # what was known last; a disk that refuses is told of by `ask`
        return self._last

    def ask(self, kind: DataClass, owner: str, size: int) -> Grant:
        """Ask to write so many bytes today; once granted they count, until `settle` gives some back.

        The counts' own bytes are asked for as well, twice: for now and for `settle`.

        Raises:
            ValueError: `size` is below zero.
        """
        if size < 0:
            raise ValueError(f"size must not be below zero, is {size}")
        asked, day = size + 2 * COST_BYTES, self._today()
        try:
            with self._alone():
                state, verdict = flash.ask(self.state(), kind, owner, asked, day, self.settings)
                if verdict.granted:
                    self._keep(state)
        except OSError as error:
            words = f"the counts of flash cannot be written: {error.strerror or error}"
            verdict = Verdict(False, "not_counted", words)
        return Grant(verdict, owner, asked if verdict.granted else 0, day)

    def settle(self, grant: Grant, written: int) -> int:
        """Give back what was granted and not written; gives what is counted in the end.

        More than was granted cannot be counted; a disk that refuses keeps all of it counted.
        """
        counted = min(grant.bytes, max(0, written) + 2 * COST_BYTES)
        try:
            with self._alone():
                self._keep(flash.settle(self.state(), grant.owner, grant.bytes, counted, grant.day))
        except OSError:
            return grant.bytes
        return counted

    def _keep(self, state: FlashState) -> None:
        draft = self._path.with_name(self._path.name + ".part")
        draft.write_bytes(state.to_bytes())
        sync(draft)
        draft.replace(self._path)
        sync(self._path.parent)
        self._last = state

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """No other process counts meanwhile; one that holds the lock for long costs the grant, not a hang."""
        self._lock.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            for left in reversed(range(LOCK_TRIES)):
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if not left:
                        raise
                    time.sleep(LOCK_EVERY_S)
            yield
        finally:
            os.close(descriptor)


def sync(path: Path) -> None:
    """Bring a file's bytes, or a folder's names, to the disk.

    Raises:
        OSError: it cannot.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def bytes_written() -> int | None:
    """Bytes that the kernel has counted as sent to disks for this process; None where it does not tell.

    `write_bytes` of proc_pid_io(5): whole pages, each time that they become dirty; 0 on a file system in
    memory. What the file system writes for itself, such as its journal, is not in it.
    """
    try:
        text = Path("/proc/self/io").read_text(encoding="ascii")
        return next(
            int(line[13:]) for line in text.splitlines() if line.startswith("write_bytes: ")
        )
    except (OSError, ValueError, StopIteration):
        return None
