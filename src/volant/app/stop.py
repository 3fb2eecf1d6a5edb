"""Ctrl-C, SIGTERM and SIGHUP as a flag that the drive reads between two ticks.

A second signal of the same kind does what it does elsewhere, so a drive that hangs can be ended.
"""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Self

from volant.app.exits import Exit

_ASKED: dict[int, tuple[Exit, str]] = {
    signal.SIGINT: (Exit.INTERRUPTED, "interrupted by Ctrl-C"),
    signal.SIGTERM: (Exit.TERMINATED, "asked to end (SIGTERM)"),
    signal.SIGHUP: (Exit.HANGUP, "the terminal closed"),
}


class StopSignals:
    """While it is open, these signals only set a flag."""

    def __init__(self) -> None:
        self.asked: tuple[Exit, str] | None = None
        """Exit status and reason, once a signal came."""
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        for number in _ASKED:
            if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number in self._before:
            self._restore(number)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.asked = self.asked or _ASKED[number]
        self._restore(number)

    def _restore(self, number: int) -> None:
        before = self._before[number]
        signal.signal(number, before if before is not None else signal.SIG_DFL)  # type: ignore[arg-type]
