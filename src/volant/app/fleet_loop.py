"""A loop whose requests begin in the thread that they come in by, and only go on in the loop if they have to wait.

Granian hands each request to the loop from a thread of its own. That wakes another thread for every poll, which costs
several times as much as the answer; and so does waking this one for every poll, so while few come, it waits for some
more. Nothing is gathered while many come, or while any takes longer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextvars import Context
from types import CoroutineType
from typing import Any, Final, TypeVarTuple

GATHER_S: Final = 0.015
"""A request waits so long for others while few come; of 50 ms that an answer may take. A choice of ours, measured."""
BETWEEN_S: Final = 0.002
"""Time for those that were gathered."""
LATE_TIMES: Final = 15.0
"""Who wakes late shares the machine with somebody busy, and then gathers more seldom: so often as long as it was late."""
MANY: Final = 16
"""So many from one wait to the next need no gathering."""
LONG_S: Final = 0.1
"""For so long after a request that is not over at once, none waits for others: a car says more, or many are met first."""

Ts = TypeVarTuple("Ts")


class Gathering:
    """Lets a request wait for more, while few come. For one thread."""

    def __init__(
        self,
        now_s: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._now_s, self._sleep = now_s, sleep
        self._free_until_s, self._count = 0.0, 0

    def wait(self) -> None:
        """Before a request begins."""
        now_s = self._now_s()
        self._count += 1
        if now_s < self._free_until_s:
            return
        many, self._count = self._count >= MANY, 0
        if many:
            self._free_until_s = now_s + GATHER_S
            return
        self._sleep(GATHER_S)
        woken_s = self._now_s()
        late_s = max(0.0, woken_s - now_s - GATHER_S)
        self._free_until_s = woken_s + BETWEEN_S + LATE_TIMES * late_s

    def hurry(self) -> None:
        """A request takes longer: those that come next do not wait."""
        self._free_until_s = max(self._free_until_s, self._now_s() + LONG_S)


class BeginsAtOnce(asyncio.SelectorEventLoop):
    """Runs coroutines that it is handed by another thread up to where they want to go on in the loop.

    They say so by a bare `yield` (`volant.cloud.quick.into_the_loop`), before anything that needs a loop. All else that
    it is handed, it does as any other loop.
    """

    def __init__(self) -> None:
        super().__init__()
        self._gathering = Gathering()
        self._over = asyncio.Handle(_nothing, (), self)

    def call_soon_threadsafe(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Let a callback run soon in the loop; not at all if it is to go on with a coroutine that has ended at once.

        Raises:
            RuntimeError: the loop is closed, or a coroutine waits for something before it is in the loop.
        """
        begun: object = next(iter(args), None)
        if isinstance(begun, CoroutineType):
            self._gathering.wait()
            if _is_over(begun):
                return self._over
            self._gathering.hurry()
        return super().call_soon_threadsafe(callback, *args, context=context)


def _is_over(coroutine: CoroutineType[Any, Any, Any]) -> bool:
    """Begin; whether that was all."""
    try:
        awaited = coroutine.send(None)
    except StopIteration:
        return True
    if awaited is not None:
        coroutine.close()
        raise RuntimeError(f"waits for {awaited!r} before it is in the loop")
    return False


def _nothing() -> None:
    pass
