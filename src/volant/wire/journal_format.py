"""What writer and reader of a journal agree on: its header, its hash, the names inside the file."""

from __future__ import annotations

import hashlib
import struct
from typing import Any, Final

import msgspec

from volant.core.clock import NS_PER_S

PROFILE: Final = "volant"
HEADER: Final = "volant.header"
SUMMARY: Final = "volant.summary"
FORMAT: Final = 1
"""Raised when an older Volant could no longer read the file."""
CHUNK_NS: Final = NS_PER_S
PART: Final = ".part"
HASHED_PARTS: Final = 1000
"""Pieces of messages that are hashed in one go."""

pack_frame: Final = struct.Struct("<HQI").pack


class JournalHeader(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is needed to drive again, and where and when it was recorded (not hashed)."""

    seed: int
    car: str
    """Name or path of the car's file."""
    road: str
    """Name or path of the map."""
    settings: dict[str, Any] = {}
    """All else that decides the drive, as plain JSON values."""
    volant: str = ""
    """Version of Volant."""
    wall_time: str = ""
    """At boot, ISO 8601 with zone."""
    host: str = ""
    argv: tuple[str, ...] = ()
    format: int = FORMAT


class JournalDigest(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a journal."""

    path: str
    """Where it lies; ends in `.part` when it is not whole."""
    sha256: str
    """Over (topic, stamp, payload) of every message published, lost ones too."""
    messages: int
    """Published."""
    bytes: int
    """On disk."""
    lost: int
    """Published but not on disk."""
    reason: str
    """Why messages were lost; empty when none was."""


class JournalHash:
    """SHA-256 over (topic, stamp, payload) in publish order, each part framed by its length."""

    def __init__(self) -> None:
        self._sha = hashlib.sha256()
        self._names: dict[str, bytes] = {}
        self._parts: list[bytes] = []
        """Not hashed yet: many small pieces cost more than one large one."""

    def add(self, topic: str, stamp_ns: int, payload: bytes) -> None:
        """One message."""
        name = self._names.get(topic)
        if name is None:
            name = self._names[topic] = topic.encode()
        parts = self._parts
        parts.append(pack_frame(len(name), stamp_ns, len(payload)))
        parts.append(name)
        parts.append(payload)
        if len(parts) > HASHED_PARTS:
            self._fold()

    def _fold(self) -> None:
        self._sha.update(b"".join(self._parts))
        self._parts.clear()

    def hexdigest(self) -> str:
        """So far."""
        self._fold()
        return self._sha.hexdigest()
