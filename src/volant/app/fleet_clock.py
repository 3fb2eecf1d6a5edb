"""What a fleet's server does from time to time: it notices what others stored, lets time go by, wakes cars."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from volant.cloud.door import Door
from volant.cloud.limits import TURN_S, Seldom
from volant.cloud.service import Fleet
from volant.cloud.steady import Beat, Beats, mind_the_gap
from volant.cloud.wake import WAKE_STEP_S
from volant.core.errors import InputError, LinkError

REFRESH_S: Final = 0.5
"""How soon a campaign that another process has changed is noticed; a stop reaches every later poll within it."""
SEEN_AT_ONCE: Final = 5000

_log = logging.getLogger(__name__)


@dataclass
class Ticking:
    """A server's clock."""

    door: Door
    beats: Beats
    _unseen: dict[str, float] = field(default_factory=dict)
    """Cars that were heard and are not stored yet."""
    _seldom: Seldom = field(default_factory=Seldom)

    async def begin(self) -> None:
        """Look after time once, before anybody is answered; while the database is away, nobody is.

        And hear of the news: who asks first is then remembered at once.
        """
        await self._guarded(self._tick)
        await self._guarded(self.door.refresh)

    @contextlib.asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        """Go on beside the server."""
        running = [
            asyncio.create_task(self._every(REFRESH_S, self.door.refresh)),
            asyncio.create_task(self._every(WAKE_STEP_S, self.door.wake)),
            asyncio.create_task(self._every(TURN_S, self._turn)),
        ]
        try:
            yield
        finally:
            for one in running:
                one.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def store_seen(self) -> None:
        """Store which cars were heard."""
        self._turn_counts()
        await self._guarded(self._store_seen)

    def _turn_counts(self) -> None:
        heard = dict.fromkeys(self.door.counts.turn(), self.door.clock.now_s())
        self._unseen.update(heard | self.door.fleet.take_seen())

    async def _turn(self) -> None:
        self._turn_counts()
        self.door.hub.turn()
        await self._tick()
        await self._store_seen()

    async def _tick(self) -> None:
        wall_s, clock = self.door.clock.wall_s(), self.door.clock
        gap_s, whose, moved = await self.door.hands.acts(
            partial(tick, self.door.fleet, self.beats, wall_s)
        )
        if whose is Beat.UNSURE:
            self._tell("clock_unsure", "clock_unsure gap_s=%.0f: is another server there?", gap_s)
            return
        if whose is Beat.THEIRS:
            clock.follow(wall_s - gap_s)
            self._tell(
                "clock_differs",
                "this machine's clock differs by %.0f s from that of another server of the fleet;"
                " that one's time holds, here too",
                gap_s,
            )
        else:
            clock.believe()
            if gap_s:
                _log.warning(
                    "clock_gap gap_s=%.0f cars=%d: nobody listened meanwhile, or the clock was moved;"
                    " what was due is moved along, so no car is lost by it",
                    gap_s,
                    moved,
                )
        self.door.ready = True

    async def _store_seen(self) -> None:
        while self._unseen:
            some = list(self._unseen.items())[:SEEN_AT_ONCE]
            await self.door.hands.acts(partial(_store, self.door.fleet, some))
            for car_id, _ in some:
                del self._unseen[car_id]

    async def _every(self, period_s: float, act: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(period_s)
            await self._guarded(act)

    async def _guarded(self, act: Callable[[], Awaitable[None]]) -> None:
        try:
            await act()
        except LinkError as error:
            self._tell("database_away", "database_away error=%s", error)
        except InputError:
            _log.exception("clock_failed")

    def _tell(self, kind: str, words: str, *values: object) -> None:
        if self._seldom.lets(kind, asyncio.get_running_loop().time()):
            _log.warning(words, *values)


def tick(fleet: Fleet, beats: Beats, now_s: float) -> tuple[float, Beat, int]:
    """Let time go by: how much was a gap, whose time holds, and for how many cars a gap counted."""
    with fleet.store.work() as work:
        gap_s, whose = beats.check(work, now_s)
        if whose is not Beat.OURS:
            return gap_s, whose, 0
        moved = mind_the_gap(work, gap_s, now_s) if gap_s else 0
        fleet.let_pass(work, now_s)
    return gap_s, whose, moved


def _store(fleet: Fleet, seen: list[tuple[str, float]]) -> None:
    with fleet.store.work() as work:
        work.seen(seen)
