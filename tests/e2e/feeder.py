"""Feeds a cockpit with frames at 30 Hz from a thread, as a drive would, while a test looks at the page."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from tests.caros.motorway import Drive
from volant.caros.cockpit import CockpitLink, spawn_cockpit
from volant.caros.cockpit.frame import encode
from volant.caros.cockpit.messages import CockpitFrame

FRAME_S = 1.0 / 30.0


class Feeder:
    """`with Feeder() as feeder:` a served drive; `pause`, `change` and `replay` are for the tests."""

    def __init__(self, *, replay: bool = False, begin_s: float = 2.0) -> None:
        self.link: CockpitLink = spawn_cockpit(0, replay=replay)
        self.make: Callable[[float], CockpitFrame | bytes] = Drive().frame
        """Gives the frame of a time; a test replaces it to show something else."""
        self.time_s = begin_s
        self.paused = threading.Event()
        self.standing = threading.Event()
        """Frames go on, the drive does not: the picture stands still."""
        self.failed: BaseException | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        try:
            due_s = time.monotonic()
            while not self._stop.wait(max(due_s - time.monotonic(), 0.0)):
                due_s = max(due_s + FRAME_S, time.monotonic() - FRAME_S)
                if self.paused.is_set():
                    continue
                if not self.standing.is_set():
                    self.time_s += FRAME_S
                made = self.make(self.time_s)
                self.link.send(made if isinstance(made, bytes) else encode(made))
        except BaseException as error:  # noqa: BLE001  (told to the test in __exit__)
            self.failed = error

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        self.link.close()
        if self.failed is not None and error is None:
            raise self.failed
