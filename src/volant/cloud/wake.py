"""Cars that keep a connection open: they are told to come when there is something for them, a few at a time.

Polling stays what everything rests on: a car that was not told comes by itself. The connection says one word, `come`;
what there is the car then asks as always.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

COME: Final = "come"
SEND_S: Final = 5.0
"""So long a car may take to take the word; then it is gone. A choice of ours."""
WAKE_STEP_S: Final = 0.25
"""So often some are told."""
MESSAGE_MOST: Final = 256
"""Characters or bytes of what a car says here; more is none of ours."""


class Socket(Protocol):
    """A WebSocket, as a server hands it in (RSGI)."""

    async def receive(self) -> Any:
        """The next message, with `kind` (0: closed) and `data`."""

    async def send_str(self, data: str) -> None:
        """Send a text."""


@dataclass(eq=False)
class Line:
    """One car's connection."""

    car_id: str
    digest: str
    """SHA-256 of the token that it came with, in hex."""
    socket: Socket
    ended: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Hub:
    """Who is connected, who is to be looked at, who waits for room in a campaign."""

    lines: dict[str, Line] = field(default_factory=dict)
    todo: dict[str, None] = field(default_factory=dict)
    """Cars to look at, in their order."""
    idle: dict[str, None] = field(default_factory=dict)
    """Cars that came and found nothing, maybe because another had come first: to look at with the next turn."""
    waiting: dict[str, dict[str, None]] = field(default_factory=dict)
    """By campaign, in their order."""

    def join(self, line: Line) -> None:
        """A car has connected; an older connection of it ends."""
        before = self.lines.get(line.car_id)
        if before is not None:
            before.ended.set()
        self.lines[line.car_id] = line
        self.todo[line.car_id] = None

    def leave(self, line: Line) -> None:
        """A connection is over."""
        line.ended.set()
        if self.lines.get(line.car_id) is line:
            del self.lines[line.car_id]
            for waiting in self.waiting.values():
                waiting.pop(line.car_id, None)

    def news(self, quiet: AbstractSet[str]) -> None:
        """Something has changed: all are looked at again, first those that had something to do.

        A stop so reaches those that are at it before all others.
        """
        self.waiting.clear()
        self.todo = dict.fromkeys(car_id for car_id in self.lines if car_id not in quiet)
        self.todo.update(dict.fromkeys(self.lines))

    def wait(self, car_id: str, campaigns: Iterable[str]) -> None:
        """A car is told to come when one of these has room."""
        if car_id in self.lines:
            for campaign_id in campaigns:
                self.waiting.setdefault(campaign_id, {})[car_id] = None

    def look_again(self, car_ids: Iterable[str]) -> None:
        """Of some cars something was stored, maybe by another server."""
        self.todo.update(dict.fromkeys(one for one in car_ids if one in self.lines))

    def found_nothing(self, car_id: str) -> None:
        """A car came for nothing; nobody waits for room in its name any more."""
        if car_id in self.lines:
            self.idle[car_id] = None

    def turn(self) -> None:
        """Some seconds went by: those that came for nothing are looked at, so that they wait again, or come."""
        self.look_again(self.idle)
        self.idle = {}

    def next_to_look_at(self, most: int) -> list[Line]:
        """Whom to look at now."""
        found: list[Line] = []
        while self.todo and len(found) < most:
            car_id = next(iter(self.todo))
            del self.todo[car_id]
            line = self.lines.get(car_id)
            if line is not None:
                found.append(line)
        return found

    def called(self, rooms: Mapping[str, int], most: int) -> list[Line]:
        """Cars for which a campaign has room now."""
        found: list[Line] = []
        for campaign_id, room in rooms.items():
            waiting = self.waiting.get(campaign_id, {})
            upto = min(most, len(found) + room)
            while waiting and len(found) < upto:
                car_id = next(iter(waiting))
                del waiting[car_id]
                line = self.lines.get(car_id)
                if line is not None:
                    found.append(line)
        return found

    async def wake(self, lines: Iterable[Line]) -> None:
        """Tell cars to come."""
        await asyncio.gather(*(self._wake(line) for line in lines))

    async def _wake(self, line: Line) -> None:
        try:
            await asyncio.wait_for(line.socket.send_str(COME), SEND_S)
        except Exception:  # noqa: BLE001 - whatever is wrong with it: the car comes by itself
            self.leave(line)
