"""Garage jobs: which one is due while the car is parked. Pure; times are seconds since 1970, as the caller says.

One job runs at a time. One that was interrupted is due at once the next time, after those that wait longer; one
that failed is tried again after an hour.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final

import msgspec

from volant.caros.supervise.table import JobRow
from volant.core.errors import InputError

AGAIN_H: Final = 1.0
"""After a failure; sooner would only wear the battery down (chosen)."""
MEMORY_MOST_BYTES: Final = 64 * 1024


class JobMemory(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of one job."""

    done_s: float = 0.0
    failed_s: float = 0.0
    tried_s: float = 0.0
    """When it last began."""
    words: str = ""
    """How it ended."""


class GarageMemory(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What outlives the garage's process."""

    jobs: Annotated[dict[str, JobMemory], msgspec.Meta(max_length=64)] = {}
    running: str = ""
    """The job that has begun; still here at a start, it took its process with it."""

    def of(self, name: str) -> JobMemory:
        """What is known of a job; nothing at first."""
        return self.jobs.get(name, JobMemory())

    def to_bytes(self) -> bytes:
        """As JSON."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2)


def memory_from_bytes(stored: bytes) -> GarageMemory:
    """Read it back.

    Raises:
        InputError: it is none, or too long.
    """
    if len(stored) > MEMORY_MOST_BYTES:
        raise InputError(f"more than {MEMORY_MOST_BYTES} bytes")
    try:
        return msgspec.json.decode(stored, type=GarageMemory)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InputError(f"no memory of garage jobs: {error}") from error


def choose(
    rows: Iterable[JobRow], memory: GarageMemory, now_s: float, supply_v: float
) -> JobRow | None:
    """The job that is due and has waited longest; None: there is none for now."""
    due = [row for row in rows if supply_v >= row.supply_v and _is_due(row, memory, now_s)]
    return min(due, key=lambda row: memory.of(row.name).tried_s, default=None)


def begun(memory: GarageMemory, name: str, now_s: float) -> GarageMemory:
    """A job begins."""
    return _with(memory, name, name, tried_s=now_s)


def done(memory: GarageMemory, name: str, now_s: float, words: str) -> GarageMemory:
    """It is done."""
    return _with(memory, name, "", done_s=now_s, failed_s=0.0, words=words)


def failed(memory: GarageMemory, name: str, now_s: float, words: str) -> GarageMemory:
    """It failed, hung or took too long."""
    return _with(memory, name, "", failed_s=now_s, words=words)


def interrupted(memory: GarageMemory, name: str) -> GarageMemory:
    """The car has something better to do."""
    return _with(memory, name, "", words="interrupted")


def found(memory: GarageMemory, now_s: float) -> GarageMemory:
    """After a start: a job that ran then hung or died."""
    if not memory.running:
        return memory
    return failed(memory, memory.running, now_s, "hung or died")


def _with(memory: GarageMemory, name: str, running: str, **changes: float | str) -> GarageMemory:
    known = msgspec.structs.replace(memory.of(name), **changes)
    return GarageMemory({**memory.jobs, name: known}, running)


def _is_due(row: JobRow, memory: GarageMemory, now_s: float) -> bool:
    """By its last end; one in the future means that the clock has jumped back."""
    known = memory.of(row.name)
    if known.failed_s:
        wait_h, last_s = min(AGAIN_H, row.every_h), known.failed_s
    else:
        wait_h, last_s = row.every_h, known.done_s
    return now_s - last_s >= wait_h * 3600.0 or now_s < last_s
