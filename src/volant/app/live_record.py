"""What the live car's recorder does with what it hears: clips of events, the whole journal, or nothing.

Clips lie in `clips/` of the journal's folder. Each is written as it happens and has its name and its bytes on
the disk as soon as it ends, within the day's budget of flash, whose counts lie beside them.
"""

from __future__ import annotations

import contextlib
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

import msgspec

from volant.app.compose import Trip
from volant.app.record import Recording, free_path, header_of, names_a_file, open_recording
from volant.app.say import tell
from volant.caros import flash
from volant.caros.clips import Clip, Clipper, ClipSettings, Row
from volant.caros.flash import DAY_MOST_BYTES, MB, DataClass, FlashSettings, FlashState
from volant.core.errors import InputError
from volant.core.messages import Message
from volant.core.topics import Topic
from volant.wire.journal import JournalHeader, JournalWriter

OWNER: Final = "recorder"
COUNTS: Final = "flash.json"
COUNTS_BYTES: Final = 32 * 1024
"""Counted for the file of counts, which each clip writes twice; the recorder is alone in it."""
ROWS_A_TURN: Final = 2000
CHUNK_ROOM: Final = 3 * MB
"""What a file may grow by after its last record: the open chunk (1 MiB), indexes and the end."""
CAPACITY_BYTES: Final = 8e9
CYCLES: Final = 3000.0
AMPLIFICATION: Final = 4.0
"""The flash that `years left` is told for: 8 GB of 3000 cycles (MCUv1, recalled), amplification assumed."""


class Recorder(Protocol):
    """Takes all messages of the live car."""

    note: str

    @property
    def busy(self) -> str:
        """What it has open that has an end of its own; empty: nothing."""

    def take(self, now_ns: int, topic: Topic, message: Message) -> None:
        """One message."""

    def turn(self, now_ns: int) -> None:
        """A piece of the work that may wait."""

    def close(self) -> None:
        """Bring all that is open to its end."""


class FullRecorder:
    """Writes every message, as `volant drive` does; without a recording it does nothing."""

    def __init__(self, recording: Recording | None) -> None:
        self._recording = recording
        self.note = "" if recording is None else str(recording.part)

    @property
    def busy(self) -> str:
        """A whole journal is closed at once."""
        return ""

    def take(self, now_ns: int, topic: Topic, message: Message) -> None:
        """Write it."""
        if self._recording is not None:
            self._recording.write(topic, getattr(message, "stamp_ns", now_ns), message)

    def turn(self, now_ns: int) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Write the end."""
        if self._recording is not None:
            self._recording.close({})


class ClipRecorder:
    """Keeps a ring and writes clips of events by the budget."""

    def __init__(
        self,
        folder: Path,
        header: JournalHeader,
        clips: ClipSettings | None = None,
        budget: FlashSettings | None = None,
    ) -> None:
        """Read the counts of the day; nothing is written yet."""
        self._budget = budget or FlashSettings(owners={OWNER: DAY_MOST_BYTES})
        self._folder, self._header = folder, header
        self._clipper = Clipper(clips or ClipSettings())
        self._encode = msgspec.msgpack.Encoder().encode
        self._flash = _read_counts(folder / COUNTS)
        self._writer: JournalWriter | None = None
        self._day = 0
        self._clips = 0
        self._refused = ""
        self.note = self._words()

    @property
    def busy(self) -> str:
        """Whether a clip is open."""
        return "" if self._clipper.clip is None else "a clip"

    @property
    def _asked(self) -> int:
        return self._clipper.settings.file_most_bytes + COUNTS_BYTES

    def take(self, now_ns: int, topic: Topic, message: Message) -> None:
        """Keep it; where an event begins, begin its clip."""
        row = Row(now_ns, topic, getattr(message, "stamp_ns", now_ns), self._encode(message))
        event = self._clipper.take(row, message)
        if not event:
            return
        while (clip := self._clipper.clip) is not None and now_ns >= clip.ends_ns:
            self.turn(now_ns)  # it is over, only not closed yet
        if self._clipper.clip is None:
            self._begin(event, now_ns)

    def turn(self, now_ns: int) -> None:
        """Write a piece of the open clip, and its end when it is over."""
        clip, writer = self._clipper.clip, self._writer
        if clip is None or writer is None:
            return
        most = self._clipper.settings.file_most_bytes - CHUNK_ROOM
        for _ in range(min(ROWS_A_TURN, len(clip.rows))):
            if writer.size > most:
                break
            row = clip.rows.popleft()
            writer.write_encoded(row.topic, row.stamp_ns, row.payload)
        full = writer.size > most
        if full or writer.reason or (now_ns >= clip.ends_ns and not clip.rows):
            self._end(clip, writer, full=full)

    def close(self) -> None:
        """End the open clip now."""
        while (clip := self._clipper.clip) is not None:
            clip.ends_ns = 0
            self.turn(0)

    def _begin(self, event: str, now_ns: int) -> None:
        self._day = _today()
        asked = flash.ask(self._flash, DataClass.EVENT, OWNER, self._asked, self._day, self._budget)
        self._flash, verdict = asked
        if not verdict.granted:
            if verdict.words != self._refused:
                tell(f"clips: {event} is not kept: {verdict.words}")
            self._refused = verdict.words
            self.note = self._words()
            return
        self._refused = ""
        self._keep_counts()  # before the first byte: a crash may count too much, never too little
        stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
        self._writer = JournalWriter(
            free_path(self._folder / f"clip-{stamp}-{event}.mcap"), self._header
        )
        self._clipper.open(event, now_ns)

    def _end(self, clip: Clip, writer: JournalWriter, *, full: bool) -> None:
        self._clipper.clip, self._writer = None, None
        digest = writer.close({"events": clip.events, "began_ns": clip.began_ns, "cut": full})
        _sync(Path(digest.path))
        written = min(self._asked, digest.bytes + COUNTS_BYTES)
        self._flash = flash.settle(self._flash, OWNER, self._asked, written, self._day)
        self._keep_counts()
        self._clips += not digest.reason
        tell(f"clips: {digest.path} {digest.reason or f'{digest.bytes / MB:.1f} MB'}")
        self.note = self._words()

    def _keep_counts(self) -> None:
        path = self._folder / COUNTS
        draft = path.with_name(path.name + ".part")
        with contextlib.suppress(OSError):  # a disk that refuses this refuses the clip too
            self._folder.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(self._flash.to_bytes())
            _sync(draft)
            draft.replace(path)

    def _words(self) -> str:
        written, most = self._flash.of(_today()).written, self._budget.day_most_bytes
        years = flash.years_left(most, CAPACITY_BYTES, CYCLES, AMPLIFICATION)
        words = f"clips: {self._clips}, {written / MB:.1f} of {most / MB:g} MB today"
        return f"{words}, {self._refused or f'{years:.0f} years left at full budget'}"


def open_recorder(wanted: Path | None, trip: Trip) -> Recorder:
    """Clips where `--journal` names a folder, the whole journal where it names a file."""
    if wanted is None or names_a_file(wanted):
        return FullRecorder(open_recording(wanted, trip, live=True))
    return ClipRecorder(wanted / "clips", header_of(trip, live=True, clip=True))


def _today() -> int:
    """Days of UTC since 1970-01-01."""
    return datetime.now(UTC).toordinal() - datetime(1970, 1, 1, tzinfo=UTC).toordinal()


def _read_counts(path: Path) -> FlashState:
    """The counts of before; none where there is no such file, and none, said, where it is wrong."""
    try:
        with path.open("rb") as file:
            return flash.state_from_bytes(file.read(flash.STATE_MOST_BYTES + 1))
    except FileNotFoundError:
        pass
    except (OSError, InputError) as error:
        tell(f"clips: {path} begins anew: {error}")
    return FlashState()


def _sync(path: Path) -> None:
    """Bring a file and its name to the disk; a disk that refuses costs no drive."""
    for one in (path, path.parent):
        with contextlib.suppress(OSError):
            descriptor = os.open(one, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
