"""Writes a few figures of each trip when it ends, and of the last one when the live car is stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from volant.app.say import tell
from volant.caros import trip_log
from volant.caros.flash import DataClass
from volant.caros.ledger import FlashLedger
from volant.caros.trip_tally import TripTally
from volant.core.messages import Message
from volant.core.topics import Topic

OWNER: Final = "recorder"
STOPPED: Final = "the live car was stopped"


class TripBook:
    """The record of the trip that is being driven; takes in from one thread and writes in another."""

    def __init__(
        self, folder: Path, ledger: FlashLedger, codes: Callable[[], tuple[str, ...]] = tuple
    ) -> None:
        """`codes` gives the confirmed trouble codes now."""
        self.clips = 0
        """Events kept since the trip began."""
        self.charged_bytes = 0
        """Since this book began."""
        self.refused = ""
        self._folder, self._ledger, self._codes = folder, ledger, codes
        self._lock = threading.Lock()
        self._tally = TripTally()

    def take(self, topic: Topic, message: Message) -> None:
        """One message of the car."""
        with self._lock:
            self._tally.look(topic, message)

    def turn(self) -> None:
        """Write the record of a trip that has arrived."""
        if self._tally.arrived:
            self._end("arrived")

    def close(self) -> None:
        """Write the record of the trip that was not ended."""
        self._end(STOPPED)

    def _end(self, reason: str) -> None:
        with self._lock:
            tally = self._tally
            if not tally.is_trip:
                return
            self._tally = TripTally()
        clips, self.clips = self.clips, 0
        ended = datetime.now().astimezone().isoformat(timespec="seconds")
        line = trip_log.line_of(tally.summary(ended, reason, self._codes(), clips))
        grant = self._ledger.ask(DataClass.SUMMARY, OWNER, trip_log.cost_bytes(line))
        self.charged_bytes += grant.bytes
        refused = "" if grant.verdict.granted else grant.verdict.words
        if grant.verdict.granted:
            try:
                trip_log.append(self._folder, line)
            except OSError as error:
                refused = f"cannot be written: {error.strerror or error}"
        if refused and refused != self.refused:
            tell(f"trips: the record of this trip is not kept: {refused}")
        self.refused = refused
