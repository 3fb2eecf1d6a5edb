"""How far files of a release are on their way to the fleet: one live line on a terminal, nothing elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

from volant.app.say import is_terminal, tell_over

EVERY_S: Final = 0.2
MB: Final = 1e6


@dataclass
class Sending:
    """Counts what went."""

    length: int
    """Bytes of all files."""
    clock_s: Callable[[], float] = time.monotonic
    sent: int = 0
    _next_s: float = 0.0
    _live: bool = False

    def __enter__(self) -> Self:
        self._live = is_terminal()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            tell_over("")

    def told(self, count: int) -> None:
        """So many bytes more."""
        self.sent += count
        now_s = self.clock_s()
        if self._live and now_s >= self._next_s:
            self._next_s = now_s + EVERY_S
            tell_over(self.line())

    def line(self) -> str:
        """For people."""
        share = 100 * self.sent // self.length if self.length else 100
        return f"sent {self.sent / MB:.1f} of {self.length / MB:.1f} MB, {share} %"
