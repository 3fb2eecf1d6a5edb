"""The thread on which the update machine's work is done: whatever takes time, one thing after the other."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator

from volant.app.updates_work import Work
from volant.core.errors import VolantError
from volant.core.words import plain
from volant.ota.events import Check, Do, Event, Fetch


class WorkThread:
    """Does one thing after the other, beside the heartbeat."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._asked: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._came: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._count = 0
        self._failed: Exception | None = None
        self.clock_changed = False
        threading.Thread(target=self._run, name="updates", daemon=True).start()

    @property
    def busy(self) -> bool:
        """Something is in hand."""
        return self._count > 0

    def ask(self, action: Check | Fetch | Do) -> None:
        """Do it; what comes of it is among the `events`."""

        def act() -> None:
            event = self._work.do(action, self._came.put)
            self.clock_changed = True
            self._came.put(event)

        self._put(act)

    def report(self, told: Callable[[str], None]) -> None:
        """Tell the director; `told` hears why it did not hear us."""

        def act() -> None:
            try:
                self._work.report()
                self._work.silent = ""
            except (VolantError, OSError) as error:
                self._work.silent = plain(f"the director was not told: {error}")
            told(self._work.silent)

        self._put(act)

    def events(self) -> Iterator[Event]:
        """What came by now; what our own code did wrong ends the process, and the next one goes on."""
        if self._failed is not None:
            raise self._failed
        while True:
            try:
                yield self._came.get_nowait()
            except queue.Empty:
                return

    def _put(self, act: Callable[[], None]) -> None:
        self._count += 1
        self._asked.put(act)

    def _run(self) -> None:
        while True:
            act = self._asked.get()
            try:
                act()
            except Exception as error:  # noqa: BLE001 - it is raised where the process ends by it
                self._failed = error
                return
            self._count -= 1
