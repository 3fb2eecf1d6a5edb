"""What the live car's recorder does with what it hears: clips of events, the whole journal, or nothing."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from volant.app.clip_recorder import ClipRecorder
from volant.app.compose import Trip
from volant.app.record import Recording, header_of, names_a_file, open_recording
from volant.app.trip_book import OWNER
from volant.caros.clip_store import FOLDER, ClipStore
from volant.caros.codes import OWNER as CODES_OWNER
from volant.caros.flash import DAY_MOST_BYTES, MB, FlashSettings
from volant.caros.ledger import FlashLedger
from volant.core.messages import FlashUse, Message
from volant.core.topics import Topic

TURN_S: Final = 0.02
SWITCH_S: Final = 0.0005
"""So long one thread keeps the interpreter from the other, which wants it after each message of the bus;
Python's own 5 ms would make it miss messages while the past of a clip is written."""
BUDGET: Final = FlashSettings(owners={OWNER: DAY_MOST_BYTES, CODES_OWNER: 50 * MB})
"""All may be the recorder's; what it leaves is for apps. Trouble codes are written a thousand times a day at most."""


class Recorder(Protocol):
    """Takes all messages of the live car."""

    @property
    def note(self) -> str:
        """A word for the status."""

    @property
    def use(self) -> FlashUse | None:
        """Of flash; None where no budget is kept."""

    @property
    def busy(self) -> str:
        """What it has open that has an end of its own; empty: nothing."""

    def take(self, now_ns: int, topic: Topic, message: Message) -> None:
        """One message; does not wait for the disk where it can help it."""

    def turn(self, now_ns: int) -> bool:
        """A piece of the work that may wait; whether more is there. Called by a thread of its own."""

    def close(self) -> None:
        """Bring all that is open to its end; nobody takes in or turns any more."""


class FullRecorder:
    """Writes every message, as `volant drive` does; without a recording it does nothing."""

    use = None

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

    def turn(self, now_ns: int) -> bool:  # noqa: ARG002 - as all recorders
        """Nothing waits."""
        return False

    def close(self) -> None:
        """Write the end."""
        if self._recording is not None:
            self._recording.close({})


class DiskThread:
    """Gives a recorder its turns beside the thread that hears the bus."""

    def __init__(self, recorder: Recorder, now_ns: Callable[[], int]) -> None:
        sys.setswitchinterval(SWITCH_S)
        self._recorder, self._now_ns = recorder, now_ns
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="disk", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """It has not failed."""
        return self._thread.is_alive()

    def close(self) -> None:
        """The last turn is over."""
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        pause_s = TURN_S
        while not self._ending.wait(pause_s):
            pause_s = 0.0 if self._recorder.turn(self._now_ns()) else TURN_S


def open_recorder(
    wanted: Path | None, state: Path, trip: Trip, codes: Callable[[], tuple[str, ...]] = tuple
) -> Recorder:
    """Clips where a folder is wanted, the whole journal where it is a file, nothing where it is None.

    Args:
        wanted: folder whose `clips/` is written to, or file.
        state: folder of the counts of flash, which all writers of the car share.
        trip: what is driven.
        codes: gives the confirmed trouble codes.
    """
    if wanted is None or names_a_file(wanted):
        return FullRecorder(open_recording(wanted, trip, live=True))
    store, ledger = ClipStore(wanted / FOLDER), FlashLedger(state, BUDGET)
    return ClipRecorder(store, ledger, header_of(trip, live=True, clip=True), codes=codes)
