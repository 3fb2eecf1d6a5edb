"""Requests that wait their turn: as many at once as one transaction takes, and no more waiting than can be answered soon."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

from volant.core.errors import LinkError, RefusedError

SPREAD_LEAST_S: Final = 5.0
"""Who is sent away comes again after so long and more, each at a time of its own; a choice of ours."""
SPREAD_MOST_S: Final = 300.0
FRESH_SHARE: Final = 0.2
"""Of a new measurement of the pace; the rest is what was known."""
PACE_FIRST: Final = 500.0
REFUSED_FOR_S: Final = 10.0

J = TypeVar("J")
R = TypeVar("R")


class BehindError(RefusedError):
    """More is waiting than can be answered soon."""

    def __init__(self, wait_s: float) -> None:
        super().__init__("the server is behind, come again")
        self.wait_s = wait_s


class Lane(Generic[J, R]):
    """Jobs that are done in their order, several at once."""

    def __init__(
        self,
        work: Callable[[list[J]], Awaitable[Sequence[R | Exception]]],
        *,
        waiting_most: int,
        at_once: int,
    ) -> None:
        self._work, self._most, self._at_once = work, waiting_most, at_once
        self._waiting: deque[tuple[J, asyncio.Future[R]]] = deque()
        self._running: asyncio.Task[None] | None = None
        self._pace = PACE_FIRST
        self._refused, self._refused_since_s = 0, 0.0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_full(self) -> bool:
        """Whether nobody more may wait."""
        return len(self._waiting) >= self._most

    async def ask(self, job: J) -> R:
        """Have a job done.

        Raises:
            BehindError: too many wait.
        """
        if len(self._waiting) >= self._most:
            raise BehindError(self._spread_s())
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((job, future))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._go_on())
        return await future

    def _spread_s(self) -> float:
        """Over how long those that are sent away come again: so that they can then be answered."""
        now_s = asyncio.get_running_loop().time()
        if now_s - self._refused_since_s > REFUSED_FOR_S:
            self._refused, self._refused_since_s = 0, now_s
        self._refused += 1
        behind_s = (len(self._waiting) + self._refused) / self._pace
        return min(max(SPREAD_LEAST_S, 2.0 * behind_s), SPREAD_MOST_S)

    async def _go_on(self) -> None:
        while self._waiting:
            count = min(self._at_once, len(self._waiting))
            batch = [self._waiting.popleft() for _ in range(count)]
            began_s = asyncio.get_running_loop().time()
            try:
                found = await self._work([job for job, _ in batch])
            except Exception as error:  # noqa: BLE001 - whoever asked is told
                found = [error] * count
                if isinstance(error, LinkError):
                    # Who waits would wait as long for the same words.
                    batch += self._waiting
                    self._waiting.clear()
                    found = [error] * len(batch)
            took_s = max(asyncio.get_running_loop().time() - began_s, 1e-6)
            self._pace += FRESH_SHARE * (count / took_s - self._pace)
            for (_, future), one in zip(batch, found, strict=True):
                if future.done():
                    continue  # whoever asked has gone
                if isinstance(one, Exception):
                    future.set_exception(one)
                else:
                    future.set_result(one)
