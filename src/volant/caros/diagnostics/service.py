"""A server that serves in a thread of its own until it is closed: what all doors of diagnostics share."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self


class Service:
    """Use it as a context manager, or call `start` and `close`; a subclass brings `run`."""

    thread_name = "service"

    def __init__(self) -> None:
        self._stopped = False
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def start(self) -> None:
        """Serve in a thread of its own."""
        self._thread = threading.Thread(target=self.run, name=self.thread_name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving, and give back what is our own."""
        self._stopped = True
        self._wake_up()
        if self._thread is not None:
            self._thread.join()

    def run(self) -> None:
        """Serve until `close` is called."""
        raise NotImplementedError

    def _wake_up(self) -> None:
        """Let `run` see at once that it shall end; by default it looks often enough by itself."""
