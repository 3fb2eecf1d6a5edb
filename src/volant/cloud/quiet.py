"""Cars for which there is nothing: what their polls are answered from without the database, in few bytes a car.

A row is good until there is news. Cars that only wait until a campaign has room for them are let through as many at a
time as it has. Any thread may ask; what is changed is changed under a lock.
"""

from __future__ import annotations

import hmac
import threading
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from volant.cloud.asking import Rest

DIGEST_BYTES: Final = 32
FLAGS: Final = 32
GROUP: Final = slice(33, 35)
INSTALLED: Final = slice(35, 42)
BUSY: Final = 1
WANTS_ATTRIBUTES: Final = 2
HAS_INSTALLED: Final = 4
NO_GROUP: Final = b"\0\0"
GROUPS_MOST: Final = 0xFFFF
JITTER_SHARE: Final = 0.1
"""Each car's own period differs by as much, so that cars that started together do not stay so; a choice of ours."""
DROPPED_AT_ONCE: Final = 20_000
"""Old rows that are let go of at a time: a million at once would keep everybody waiting."""


@dataclass
class QuietCars:
    """Rows by car: SHA-256 of its token, flags, what it waits for, what it installed last."""

    rows: dict[str, bytes] = field(default_factory=dict)
    news: int = -1
    """Number of the news that all rows are as new as."""
    before: dict[str, bytes] = field(default_factory=dict)
    """Rows from before the last news, of cars that have not come since: good for nothing but to know who is a stranger."""
    _groups: list[frozenset[str]] = field(default_factory=lambda: [frozenset()])
    _numbers: dict[frozenset[str], int] = field(default_factory=lambda: {frozenset(): 0})
    _rooms: dict[str, int] = field(default_factory=dict)
    _old: list[dict[str, bytes]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)
    """Rows and what their groups mean belong together."""

    def learn(self, news: int) -> bool:
        """Hear the number of the news. True: there are some, and all rows are forgotten."""
        if news <= self.news:
            return False
        with self._lock:
            self.news = news
            self._old.append(self.before)
            self.before, self.rows = self.rows, {}
            self._groups, self._numbers = [frozenset()], {frozenset(): 0}
            self._rooms = {}
        return True

    def drop_old(self) -> None:
        """Let go of some rows that were forgotten."""
        if not self._old:
            return
        for _ in range(min(DROPPED_AT_ONCE, len(self._old[-1]))):
            self._old[-1].popitem()
        if not self._old[-1]:
            self._old.pop()

    def put(self, car_id: str, rest: Rest) -> None:
        """Remember a car, unless there was news meanwhile."""
        if rest.news != self.news:
            return
        flags = BUSY * rest.busy | WANTS_ATTRIBUTES * rest.wants_attributes
        flags |= HAS_INSTALLED * bool(rest.installed)
        tail = rest.installed.to_bytes(7, "little") if rest.installed else b""
        with self._lock:
            group = self._number(rest.waits).to_bytes(2, "little")
            self.rows[car_id] = bytes.fromhex(rest.digest) + bytes((flags,)) + group + tail
            self.before.pop(car_id, None)

    def knew(self, car_id: str, digest: bytes) -> bool:
        """Whether a car had this token before the last news."""
        row = self.before.get(car_id)
        return row is not None and hmac.compare_digest(digest, row[:DIGEST_BYTES])

    def rest(self, car_id: str, digest: bytes) -> bytes | None:
        """Row of a car that has this token and may rest. None: it is to be looked at, maybe because a campaign has room
        for it, which then has room for one less.
        """
        with self._lock:
            row = self.rows.get(car_id)
            if (
                row is None
                or row[FLAGS] & BUSY
                or not hmac.compare_digest(digest, row[:DIGEST_BYTES])
                or (row[GROUP] != NO_GROUP and self.may_go(row))
            ):
                return None
            return row

    def rouse(self, car_id: str) -> None:
        """A car that says something is looked at anew with its next poll."""
        with self._lock:
            row = self.rows.get(car_id)
            if row is not None:
                self.rows[car_id] = row[:FLAGS] + bytes((BUSY,)) + NO_GROUP

    def make_room(self, rooms: Mapping[str, int]) -> None:
        """Hear how many more cars campaigns would tell now; those not named: none."""
        with self._lock:
            self._rooms = dict(rooms)

    def rooms(self) -> dict[str, int]:
        """Campaigns that have room."""
        return {name: count for name, count in self._rooms.items() if count > 0}

    def campaigns(self) -> frozenset[str]:
        """Those that any car waits for."""
        return frozenset().union(*self._groups)

    def may_go(self, row: bytes) -> bool:
        """Whether a car that waits is to be looked at now, because a campaign has room."""
        if not self._rooms:
            return False
        for campaign_id in self._groups[int.from_bytes(row[GROUP], "little")]:
            room = self._rooms.get(campaign_id, 0)
            if room > 0:
                self._rooms[campaign_id] = room - 1
                return True
        return False

    def _number(self, waits: frozenset[str]) -> int:
        number = self._numbers.get(waits)
        if number is None:
            if len(self._groups) > GROUPS_MOST:
                raise RuntimeError("more sets of campaigns than there can be")
            number = self._numbers[waits] = len(self._groups)
            self._groups.append(waits)
        return number


def installed_of(row: bytes) -> int:
    """Number of the action that a car installed last; 0: none."""
    return int.from_bytes(row[INSTALLED], "little")


def sleep_s(car_id: str, poll_s: float) -> int:
    """A car's own period, whole seconds."""
    lot = zlib.crc32(car_id.encode()) / 2.0**32
    return int(poll_s * (1.0 + JITTER_SHARE * (2.0 * lot - 1.0)))
