"""The live car's usual recorder: a ring in memory, and clips of events on the disk.

What comes is taken in by one thread, and the disk is written by another, so a slow disk costs no message.
A clip's past, its event included, is on the disk at the first turn after the event; from then on each
chunk, a second of the car's time, is synced when it is closed. It has its name once it is whole.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from volant.app.record import free_path
from volant.app.say import tell
from volant.app.trip_book import OWNER, TripBook
from volant.caros import flash
from volant.caros.clip_store import ClipFile, ClipStore, bytes_on_disk
from volant.caros.clips import Clip, Clipper, ClipSettings, Row
from volant.caros.flash import MB, DataClass, FlashDay, FlashState
from volant.caros.ledger import FlashLedger, Grant, bytes_written, sync
from volant.core.clock import nanoseconds
from volant.core.errors import InputError
from volant.core.messages import FlashUse, Message
from volant.core.topics import Topic
from volant.wire.journal import JournalHeader, JournalWriter

ROWS_A_TURN: Final = 1000
CHUNK_ROOM: Final = 3 * MB
"""What a file may grow by after its last record: the open chunk (1 MiB), indexes and the end."""
CLIPS_WAITING: Final = 4
"""Begun while the disk is still busy with the first; the next event is not kept."""
USE_EVERY_NS: Final = nanoseconds(2.0)
CAPACITY_BYTES: Final = 8e9
CYCLES: Final = 3000.0
AMPLIFICATION: Final = 4.0
"""The flash that `years left` is told for: 8 GB of 3000 cycles (MCUv1, recalled), amplification assumed."""
YEARS_MOST: Final = 1000.0


class ClipFileWriter:
    """One clip on its way to the disk."""

    def __init__(self, clip: Clip, grant: Grant, writer: JournalWriter) -> None:
        self.clip, self.grant, self.writer = clip, grant, writer
        self.on_disk_ns: int | None = None
        """After the event, when what had happened by then was known to be on the disk."""
        self._synced_bytes = -1
        self._before = bytes_written()

    def note_time(self, now_ns: int) -> None:
        """Tell the time of a turn, so that it is known when the event was safe."""
        if self._synced_bytes >= 0 and self.on_disk_ns is None:
            self.on_disk_ns = now_ns - self.clip.began_ns

    def sync(self) -> None:
        """Bring all that the file has to the disk; the first time with the open chunk and the name."""
        first = self._synced_bytes < 0
        if first:
            self.writer.flush()
        if self.writer.size == self._synced_bytes:
            return
        self._synced_bytes = self.writer.size
        with contextlib.suppress(OSError):  # a disk that refuses costs no drive
            sync(self.writer.part)
            if first:
                sync(self.writer.part.parent)

    def close(self, *, full: bool) -> tuple[Path, str]:
        """Write the end; where the clip lies, and why it is not whole or empty."""
        clip = self.clip
        end = {
            "events": clip.events,
            "began_ns": clip.began_ns,
            "on_disk_ns": self.on_disk_ns,
            "cut": full,
            "lost": clip.lost,
        }
        digest = self.writer.close(end)
        path = Path(digest.path)
        with contextlib.suppress(OSError):
            if digest.reason and digest.lost == digest.messages:
                path.unlink()  # nothing of the event is in it
            else:
                sync(path)
            sync(path.parent)
        return path, digest.reason

    def written(self, path: Path) -> int:
        """Bytes that it cost: the file's blocks, or what the kernel counted meanwhile, if that is more."""
        now = bytes_written()
        measured = 0 if now is None or self._before is None else now - self._before
        return max(bytes_on_disk(path), measured)


class ClipRecorder:
    """Keeps a ring and writes clips of events by the budget."""

    def __init__(
        self,
        store: ClipStore,
        ledger: FlashLedger,
        header: JournalHeader,
        clips: ClipSettings | None = None,
        codes: Callable[[], tuple[str, ...]] = tuple,
    ) -> None:
        """Nothing is written yet; `codes` gives the confirmed trouble codes."""
        self._ledger, self._store, self._header = ledger, store, header
        self._clipper = Clipper(clips or ClipSettings())
        self._encode = msgspec.msgpack.Encoder().encode
        self._lock = threading.Lock()
        self._waiting: deque[Clip] = deque()
        self._file: ClipFileWriter | None = None
        self._book = TripBook(store.folder.parent, ledger, codes)
        self._refused = ""
        self._charged = 0
        self._first_written = bytes_written()
        self._use_ns = 0
        self.use = self._used(0)

    @property
    def note(self) -> str:
        """The use of flash, as JSON."""
        return msgspec.json.encode(self.use).decode()

    @property
    def busy(self) -> str:
        """Whether a clip is open."""
        return "a clip" if self._waiting else ""

    @property
    def _held(self) -> int:
        """Granted to the clip that is being written."""
        return 0 if self._file is None else self._file.grant.bytes

    # --- what comes in ---

    def take(self, now_ns: int, topic: Topic, message: Message) -> None:
        """Keep it; where an event begins, begin its clip. Does not wait for the disk."""
        row = Row(now_ns, topic, getattr(message, "stamp_ns", now_ns), self._encode(message))
        self._book.take(topic, message)
        with self._lock:
            event = self._clipper.take(row, message)
            clip = self._clipper.clip
            if not event or (clip is not None and now_ns < clip.ends_ns):
                return
            if len(self._waiting) < CLIPS_WAITING:
                self._waiting.append(self._clipper.open(event, now_ns))
                return
        self._refuse(f"{event} is not kept", "the disk is too slow")

    # --- what goes to the disk ---

    def turn(self, now_ns: int) -> bool:
        """Write a piece of what waits; whether another piece does. Another thread may take in meanwhile."""
        self._book.turn()
        if self._waiting:
            if self._file is None:
                self._file = self._begin(self._waiting[0])
            if self._file is not None:
                self._write(self._file, now_ns)
        if now_ns - self._use_ns >= USE_EVERY_NS:
            self._use_ns = now_ns
            self.use = self._used(now_ns)
        return bool(self._waiting) and len(self._waiting[0].rows) >= ROWS_A_TURN

    def close(self) -> None:
        """End the open clip and the trip now; nothing is taken in any more."""
        while self._waiting:
            self._waiting[0].ends_ns = 0
            self.turn(0)
        self._book.close()
        self.use = self._used(self.use.stamp_ns)

    def _begin(self, clip: Clip) -> ClipFileWriter | None:
        size = self._clipper.settings.file_most_bytes
        grant = self._ledger.ask(DataClass.EVENT, OWNER, size)
        if self._ledger.fault:
            tell(f"clips: {self._ledger.fault}")
            self._ledger.fault = ""
        if not grant.verdict.granted:
            self._refuse(f"{clip.events[0]} is not kept", grant.verdict.words)
            self._drop(clip)
            return None
        self._store.make_room(size)
        now = datetime.now().astimezone()
        header = msgspec.structs.replace(self._header, wall_time=now.isoformat(timespec="seconds"))
        name = f"clip-{now:%Y%m%d-%H%M%S}-{clip.events[0]}.mcap"
        writer = JournalWriter(free_path(self._store.folder / name), header)
        return ClipFileWriter(clip, grant, writer)

    def _write(self, file: ClipFileWriter, now_ns: int) -> None:
        clip, writer = file.clip, file.writer
        file.note_time(now_ns)
        most = self._clipper.settings.file_most_bytes - CHUNK_ROOM
        with self._lock:
            rows = clip.pop(ROWS_A_TURN)
            drained, over = not clip.rows, now_ns >= clip.ends_ns
        for row in rows:
            if writer.size > most:
                break
            writer.write_encoded(row.topic, row.stamp_ns, row.payload)
        full = writer.size > most
        if drained or full:
            file.sync()
        if full or writer.reason or (over and drained):
            self._end(file, full=full)

    def _end(self, file: ClipFileWriter, *, full: bool) -> None:
        path, reason = file.close(full=full)
        self._file = None
        self._drop(file.clip)
        self._charged += self._ledger.settle(file.grant, file.written(path))
        if reason:
            self._refuse(f"{file.clip.events[0]} is not whole", reason)
        else:
            self._refused = ""
            self._book.clips += 1
            tell(f"clips: {path} {bytes_on_disk(path) / MB:.1f} MB")
        self._use_ns = -USE_EVERY_NS

    def _drop(self, clip: Clip) -> None:
        """It takes in nothing more."""
        with self._lock:
            self._waiting.remove(clip)
            if self._clipper.clip is clip:
                self._clipper.clip = None

    def _refuse(self, what: str, why: str) -> None:
        """Say it, once for each reason."""
        if why != self._refused:
            tell(f"clips: {what}: {why}")
        self._refused = why
        self._use_ns = -USE_EVERY_NS

    def _used(self, now_ns: int) -> FlashUse:
        state, settings = self._ledger.state(), self._ledger.settings
        today = state.of(self._ledger.today())
        clips: tuple[ClipFile, ...] = ()
        with contextlib.suppress(InputError):
            clips = self._store.clips()
        now, first = bytes_written(), self._first_written
        return FlashUse(
            stamp_ns=max(0, now_ns),
            written_bytes=today.written,
            day_most_bytes=settings.day_most_bytes,
            owners=owners_of(today),
            counted_bytes=self._charged + self._book.charged_bytes + self._held,
            measured_bytes=None if now is None or first is None else max(0, now - first),
            left_years=left_years(state),
            budget_years=_years(settings.day_most_bytes),
            clips=len(clips),
            clips_bytes=sum(one.bytes for one in clips),
            refused=self._refused or self._book.refused,
        )


def left_years(state: FlashState) -> float:
    """At the mean of the last days, `YEARS_MOST` at most."""
    return _years(flash.mean_per_day(state))


def _years(bytes_a_day: float) -> float:
    return min(YEARS_MOST, flash.years_left(bytes_a_day, CAPACITY_BYTES, CYCLES, AMPLIFICATION))


def owners_of(day: FlashDay) -> tuple[tuple[str, int], ...]:
    """Those that have most of a day, with their bytes."""
    return tuple(sorted(day.owners.items(), key=lambda one: -one[1])[:8])
