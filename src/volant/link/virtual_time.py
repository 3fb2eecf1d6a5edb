"""A loop of events whose clock jumps to the next event instead of waiting for it.

For tests and benchmarks of one process: seconds on the air take no time, and the same chance gives the same times.
Sockets and threads have no place in it.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class _Jumping(selectors.SelectSelector):
    """Never waits: what would have been waited for is added to the clock."""

    jump: Callable[[float], None]

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if found:
            return found
        if timeout is None:
            raise RuntimeError("nothing is left to happen, and somebody still waits")
        self.jump(timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Begins at 0 s."""

    def __init__(self) -> None:
        self._now_s = 0.0
        selector = _Jumping()
        selector.jump = self._jump
        super().__init__(selector)

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self._now_s

    def _jump(self, by_s: float) -> None:
        self._now_s += max(0.0, by_s)


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run work to its end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)
