"""The log of what keys did: each entry holds the hash of the one before, so none can be lost or changed unseen.

The car keeps count and hash of the newest entry; the entries themselves are kept by whoever writes them to disk. No
position stands in them. A phone remembers how far it has checked and goes on from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from volant.core.errors import TrustError
from volant.trust.key import crypto
from volant.trust.key.binary import Reader, number
from volant.trust.key.codes import ID_BYTES, Code, KeyRefusedError, Tier
from volant.trust.key.roles import Action

START: Final = bytes(32)
"""Before the first entry."""
ENTRY_BYTES: Final = 8 + 8 + ID_BYTES + 2 + 1 + 1
PART_MOST: Final = 128
"""Entries in one answer."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log."""

    number: int
    """From 1."""
    unix_s: int
    """By the car's clock, 0 where it has none."""
    key_id: bytes
    action: Action
    code: Code
    tier: Tier

    def pack(self) -> bytes:
        """Its bytes."""
        return b"".join((
            number(self.number, 8), number(self.unix_s, 8), self.key_id,
            number(self.action, 2), number(self.code, 1), number(self.tier, 1),
        ))  # fmt: skip

    @classmethod
    def read(cls, data: bytes) -> Self:
        """What `pack` wrote.

        Raises:
            KeyRefusedError: malformed.
        """
        reader = Reader(data)
        place, unix_s, key_id = reader.number(8), reader.number(8), reader.take(ID_BYTES)
        try:
            action, code = Action(reader.number(2)), Code(reader.number(1))
            tier = Tier(reader.number(1))
        except ValueError as error:
            raise KeyRefusedError(Code.MALFORMED) from error
        reader.end()
        return cls(place, unix_s, key_id, action, code, tier)


@dataclass(frozen=True, slots=True)
class LogHead:
    """How long a log is, and the hash of its newest entry."""

    count: int = 0
    head: bytes = START

    def after(self, entry: Entry) -> LogHead:
        """With one entry more.

        Raises:
            ValueError: the entry does not bear the next number.
        """
        if entry.number != self.count + 1:
            raise ValueError(f"entry {entry.number} after {self.count}")
        return LogHead(entry.number, crypto.digest(self.head, entry.pack()))


def pack_entries(entries: tuple[Entry, ...]) -> bytes:
    """A stretch of the log as an answer carries it; at most `PART_MOST` entries.

    Raises:
        ValueError: more.
    """
    if len(entries) > PART_MOST:
        raise ValueError(f"{len(entries)} entries, at most {PART_MOST}")
    return b"".join(entry.pack() for entry in entries)


def read_entries(data: bytes) -> tuple[Entry, ...]:
    """What `pack_entries` wrote.

    Raises:
        KeyRefusedError: malformed.
    """
    if len(data) % ENTRY_BYTES or len(data) > PART_MOST * ENTRY_BYTES:
        raise KeyRefusedError(Code.MALFORMED)
    return tuple(Entry.read(data[at : at + ENTRY_BYTES]) for at in range(0, len(data), ENTRY_BYTES))


def follow(checked: LogHead, entries: tuple[Entry, ...], said: LogHead) -> LogHead:
    """Check a stretch of the log from where one stands, up to what the car has said.

    Raises:
        TrustError: the car's log is shorter than it was, has a gap, or is another one.
    """
    if said.count < checked.count:
        raise TrustError(f"the car's log has {said.count} entries, it had {checked.count}")
    reached = checked
    for entry in entries:
        if entry.number != reached.count + 1:
            raise TrustError(f"the car's log goes on with {entry.number} after {reached.count}")
        reached = reached.after(entry)
    if reached.count > said.count or (reached.count == said.count and reached.head != said.head):
        raise TrustError(f"the car's log is not the one it said at entry {said.count}")
    return reached
