"""The records of trips on the disk: one line of JSON each, synced as it is written, bounded in size.

A line that was cut by a crash costs itself alone: the next one begins on a new line, and readers leave out
what is no record.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

import msgspec

from volant.caros.ledger import sync
from volant.caros.trip_tally import TripSummary
from volant.core.errors import InputError

FILE: Final = "trips.jsonl"
OLD: Final = "trips.1.jsonl"
MOST_BYTES: Final = 1_000_000
"""Then it becomes the old one, and the old one before goes: some thousand trips stay."""
LINE_MOST: Final = 16 * 1024
BLOCK_BYTES: Final = 4096
"""A line costs a block of the file, and one for the file system's own."""


def line_of(summary: TripSummary) -> bytes:
    """What `append` writes."""
    return msgspec.json.encode(summary) + b"\n"


def cost_bytes(line: bytes) -> int:
    """What a line may wear: itself in whole blocks, and one more for names and sizes."""
    return (len(line) // BLOCK_BYTES + 3) * BLOCK_BYTES


def append(folder: Path, line: bytes) -> None:
    """Add a record and bring it to the disk.

    Raises:
        OSError: the disk refuses.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size + len(line) > MOST_BYTES:
            path.replace(folder / OLD)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    with os.fdopen(descriptor, "r+b", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        torn = size > 0 and os.pread(file.fileno(), 1, size - 1) != b"\n"
        file.write(b"\n" * torn + line)
        os.fsync(file.fileno())
    sync(folder)


def read_trips(folder: Path) -> tuple[TripSummary, ...]:
    """All records that can be read, the oldest first.

    Raises:
        InputError: a file is there and cannot be read.
    """
    found: list[TripSummary] = []
    for path in (folder / OLD, folder / FILE):
        try:
            with path.open("rb") as file:
                data = file.read(2 * MOST_BYTES)
        except FileNotFoundError:
            continue
        except OSError as error:
            words = f"cannot be read: {error.strerror or error}"
            raise InputError(words, file=str(path)) from error
        for line in data.splitlines():
            with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):
                found.append(msgspec.json.decode(line[:LINE_MOST], type=TripSummary))
    return tuple(found)
