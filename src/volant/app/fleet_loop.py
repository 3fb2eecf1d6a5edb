"""A loop whose requests begin in the thread that they come in by, and only go on in the loop if they have to wait.

Granian hands each request to the loop from a thread of its own. That wakes another thread for every poll, which costs
several times as much as the answer: at 333 polls a second half of what the server used.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context
from types import CoroutineType
from typing import Any


class BeginsAtOnce(asyncio.SelectorEventLoop):
    """Runs coroutines that it is handed by another thread up to where they want to go on in the loop.

    They say so by a bare `yield` (`volant.cloud.quick.into_the_loop`), before anything that needs a loop. All else that
    it is handed, it does as any other loop.
    """

    def __init__(self) -> None:
        super().__init__()
        self._over = asyncio.Handle(_nothing, (), self)

    def call_soon_threadsafe(
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """Let a callback run soon in the loop; not at all if it is to go on with a coroutine that has ended at once.

        Raises:
            RuntimeError: the loop is closed, or a coroutine waits for something before it is in the loop.
        """
        if args and type(args[0]) is CoroutineType and _is_over(args[0]):
            return self._over
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
