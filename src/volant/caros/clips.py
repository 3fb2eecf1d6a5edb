"""The last two minutes in memory, and which part of them an event is worth. Pure: no clock, no disk.

What a live car says is kept in a ring. An event (a contact, emergency braking, the end of what the pilot
can do) opens a clip: the seconds before it from the ring, and what follows until it has been quiet.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from volant.core import topics
from volant.core.clock import NS_PER_S
from volant.core.messages import (
    AebState,
    BrakeStage,
    CommandSource,
    Engagement,
    GuardDecision,
    Message,
    PilotState,
)
from volant.core.topics import Topic

ROW_BYTES: Final = 64
"""Counted for each record besides its content: its frame and index in a file."""
MIB: Final = 1024 * 1024


class Row(NamedTuple):
    """One encoded record of the journal."""

    at_ns: int
    """When it came to the recorder: other clocks do not decide what is kept."""
    topic: Topic
    stamp_ns: int
    payload: bytes

    @property
    def size(self) -> int:
        """Bytes that are counted for it."""
        return len(self.payload) + ROW_BYTES


class Ring:
    """The last records, bounded by time and by bytes."""

    def __init__(self, keep_ns: int = 120 * NS_PER_S, most_bytes: int = 192 * MIB) -> None:
        self._rows: deque[Row] = deque()
        self._keep_ns, self._most_bytes = keep_ns, most_bytes
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, row: Row) -> None:
        """One more; what is too old or too much falls out."""
        self._rows.append(row)
        self.bytes += row.size
        oldest_ns = row.at_ns - self._keep_ns
        while self._rows and (self.bytes > self._most_bytes or self._rows[0].at_ns < oldest_ns):
            self.bytes -= self._rows.popleft().size

    def clip(self, from_ns: int, most_bytes: int) -> deque[Row]:
        """The newest rows since a moment, in order, as far as they fit."""
        found: deque[Row] = deque()
        size = 0
        for row in reversed(self._rows):
            size += row.size
            if row.at_ns < from_ns or size > most_bytes:
                break
            found.appendleft(row)
        return found


_ENDED: Final = {Engagement.TAKEOVER: "takeover", Engagement.MINIMAL_RISK: "minimal_risk"}
_PILOT: Final = frozenset(_ENDED.values())


class Events:
    """Which events begin, and which go on."""

    def __init__(self) -> None:
        self.on: set[str] = set()
        """Those that go on; a contact is over at once."""

    def look(self, topic: Topic, message: Message) -> str:
        """The name of the event that begins with this message; empty where none does."""
        if topic is topics.WORLD_CONTACT:
            return "contact"
        before = frozenset(self.on)
        if isinstance(message, AebState):
            self._set("aeb", message.stage in (BrakeStage.PARTIAL, BrakeStage.FULL))
        elif isinstance(message, PilotState):
            now = _ENDED.get(message.engagement)
            for name in _PILOT:
                self._set(name, name == now)
        elif isinstance(message, GuardDecision):
            self._set("guard_stop", message.source is CommandSource.MINIMAL_RISK)
        return min(self.on - before, default="")

    def _set(self, name: str, on: bool) -> None:
        if on:
            self.on.add(name)
        else:
            self.on.discard(name)


@dataclass(frozen=True, slots=True)
class ClipSettings:
    """How much of an event is kept."""

    before_ns: int = 30 * NS_PER_S
    after_ns: int = 5 * NS_PER_S
    """Without any event, until the clip ends."""
    longest_ns: int = 60 * NS_PER_S
    """After the first event, whatever goes on."""
    before_most_bytes: int = 24_000_000
    """Not compressed: the event itself must fit behind it."""
    file_most_bytes: int = 32_000_000
    """On the disk; so much is asked of the budget for each clip."""
    waiting_most_bytes: int = 96_000_000
    """Not compressed, in memory, for a disk that is slower than what comes; what comes then is lost to the clip."""


@dataclass(slots=True)
class Clip:
    """One event that is being kept."""

    began_ns: int
    ends_ns: int
    events: list[str]
    rows: deque[Row] = field(default_factory=deque)
    """Not written yet."""
    waiting_bytes: int = 0
    """Of those rows."""
    lost: int = 0
    """Records that found no room to wait in."""

    def put(self, row: Row, most_bytes: int) -> None:
        """One more record, where it fits."""
        if self.waiting_bytes + row.size > most_bytes:
            self.lost += 1
            return
        self.rows.append(row)
        self.waiting_bytes += row.size

    def pop(self, count: int) -> list[Row]:
        """The oldest records that wait."""
        rows = [self.rows.popleft() for _ in range(min(count, len(self.rows)))]
        self.waiting_bytes -= sum(row.size for row in rows)
        return rows


class Clipper:
    """The ring, and the clip that takes in what comes, if there is one."""

    def __init__(self, settings: ClipSettings, ring: Ring | None = None) -> None:
        self.settings, self.ring = settings, ring or Ring()
        self.clip: Clip | None = None
        self._events = Events()

    def take(self, row: Row, message: Message) -> str:
        """Keep one record; the name of the event that begins with it, else empty."""
        self.ring.add(row)
        event = self._events.look(row.topic, message)
        clip = self.clip
        if clip is not None and row.at_ns < clip.ends_ns:
            clip.put(row, self.settings.waiting_most_bytes)
            if event and event not in clip.events:
                clip.events.append(event)
            if event or self._events.on:
                latest_ns = clip.began_ns + self.settings.longest_ns
                clip.ends_ns = min(row.at_ns + self.settings.after_ns, latest_ns)
        return event

    def open(self, event: str, now_ns: int) -> Clip:
        """Begin a clip with what lies before the event, the event included."""
        held = self.settings
        rows = self.ring.clip(now_ns - held.before_ns, held.before_most_bytes)
        waiting = sum(row.size for row in rows)
        self.clip = Clip(now_ns, now_ns + held.after_ns, [event], rows, waiting)
        return self.clip
