"""A subscriber's stream: what waits in the store is written as fast as the other side reads.

`write` waits until the other side has room, so a subscriber that stops reading holds up its own task
alone; meanwhile its subscription drops the oldest. Rights that end, end the stream.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from volant.caros.kuksa.gate import Caller, Gate
from volant.caros.signals.store import SignalStore, StoreSubscription
from volant.caros.signals.values import Code, SignalError

MOST_WAITING: Final = 2_000_000
"""Values that all subscribers' buffers together may come to hold, each 100 bytes at the worst."""
TIMER_S: Final = 0.01
"""A timer of the loop may be this early against Unix time."""

Write = Callable[[StoreSubscription, dict[int, Any]], Awaitable[None]]


@dataclass(slots=True)
class Room:
    """How much the buffers of all subscribers may still come to hold."""

    left: int = MOST_WAITING

    def take(self, values: int) -> None:
        """Reserve room.

        Raises:
            SignalError: TOO_MANY.
        """
        if values > self.left:
            raise SignalError(
                Code.TOO_MANY, "", "the buffers of all subscribers are too large together"
            )
        self.left -= values


@dataclass(frozen=True, slots=True)
class Wish:
    """How a subscriber wants to hear."""

    buffer_size: int = 0
    interval_s: float = 0.0
    """Least time between two messages; what comes between them is put together."""
    duration_s: float = 0.0
    """The stream ends well after this time; 0: never."""


class Listener:
    """One stream with one or several subscriptions of the store."""

    def __init__(self, store: SignalStore, gate: Gate, room: Room, caller: Caller) -> None:
        self._store, self._gate, self._room, self._caller = store, gate, room, caller
        self._awake = asyncio.Event()
        self._subscriptions: list[StoreSubscription] = []
        self._reserved = 0

    def subscribe(self, ids: list[int], wish: Wish, what: Any = "value") -> None:
        """Hear of signals.

        Raises:
            SignalError: as the store, and TOO_MANY for the buffers.
        """
        size = len(ids) * max(1, min(wish.buffer_size, 1000))
        self._room.take(size)
        self._reserved += size
        self._subscriptions.append(
            self._store.subscribe(ids, self._caller.rights, wish.buffer_size, what, self._awake.set)
        )

    def close(self) -> None:
        """Hear no more; give the room back."""
        for subscription in self._subscriptions:
            self._store.unsubscribe(subscription)
        self._subscriptions.clear()
        self._room.left += self._reserved
        self._reserved = 0

    async def run(self, write: Write, wish: Wish) -> None:
        """Write all that comes, until the duration is over.

        Raises:
            SignalError: UNAUTHENTICATED, the rights have ended.
        """
        loop = asyncio.get_running_loop()
        ends_s = loop.time() + wish.duration_s if wish.duration_s else None
        timers = [loop.call_at(ends_s, self._awake.set)] if ends_s is not None else []
        expires_s = self._caller.rights.expires_s
        if expires_s is not None:
            left_s = expires_s - self._gate.now_ns() / 1e9
            timers.append(loop.call_later(max(0.0, left_s) + TIMER_S, self._awake.set))
        try:
            while ends_s is None or loop.time() < ends_s:
                await self._awake.wait()
                self._awake.clear()
                self._gate.check_expiry(self._caller)
                await self._write_waiting(write, merged=wish.interval_s > 0.0)
                if wish.interval_s:
                    left_s = wish.interval_s if ends_s is None else ends_s - loop.time()
                    await asyncio.sleep(min(wish.interval_s, left_s))
        finally:
            for timer in timers:
                timer.cancel()

    async def _write_waiting(self, write: Write, merged: bool) -> None:
        for subscription in self._subscriptions:
            if merged:
                everything: dict[int, Any] = {}
                for message in subscription.take():
                    everything |= message
                if everything:
                    await write(subscription, everything)
                continue
            while (oldest := subscription.pop()) is not None:
                await write(subscription, oldest)
