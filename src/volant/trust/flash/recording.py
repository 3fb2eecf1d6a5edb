"""What a power cut may leave: a device that notes every write, and all states that are legal after a cut.

Until a flush returns, a device may have done any part of what it was asked (the model of ALICE, Pillai 2014,
and of CrashMonkey, Mohan 2018, for blocks instead of files). After the last flush, for each number of
operations begun: all of them; each one torn at 512 bytes and at pages, or with a page of undefined bytes;
each one lost while later ones were done; overlapping pairs in the other order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from volant.trust.flash.device import ERASED, Geometry, MemoryFlash

SECTOR_BYTES: Final = 512


@dataclass(frozen=True, slots=True)
class Operation:
    """One write, or one erase of a block: bytes that come to stand somewhere."""

    offset: int
    data: bytes
    erases: bool


@dataclass(frozen=True, slots=True)
class CrashState:
    """A device after a cut."""

    content: bytes
    words: str
    """Which cut, for people."""


class RecordingFlash(MemoryFlash):
    """A device in memory that notes what was asked of it."""

    def __init__(self, geometry: Geometry, content: bytes | None = None) -> None:
        super().__init__(geometry, content)
        self.first = self.content
        self.epochs: list[list[Operation]] = [[]]
        """Operations between flushes."""

    def write(self, offset: int, data: bytes) -> None:
        """Program whole pages."""
        super().write(offset, data)
        self.epochs[-1].append(Operation(offset, bytes(data), erases=False))

    def erase(self, offset: int, length: int) -> None:
        """Set whole blocks to 0xFF; each is an operation of its own."""
        super().erase(offset, length)
        block = self.geometry.erase_bytes
        for at in range(offset, offset + length, block):
            self.epochs[-1].append(Operation(at, bytes([ERASED]) * block, erases=True))

    def flush(self) -> None:
        """Begin a new epoch."""
        self.epochs.append([])

    def crash_states(self) -> Iterator[CrashState]:
        """Each state that a cut may leave, equal ones once."""
        seen: set[bytes] = set()
        sure = bytearray(self.first)
        for number, operations in enumerate(self.epochs):
            for state in _epoch_states(bytes(sure), operations, number, self.geometry):
                digest = hashlib.blake2b(state.content, digest_size=16).digest()
                if digest not in seen:
                    seen.add(digest)
                    yield state
            for one in operations:
                _do(sure, one)


def check_states(recorded: RecordingFlash, check: Callable[[MemoryFlash, CrashState], None]) -> int:
    """Call `check` with a device in each state; how many there were."""
    count = 0
    for state in recorded.crash_states():
        check(MemoryFlash(recorded.geometry, state.content), state)
        count += 1
    return count


def _epoch_states(
    sure: bytes, operations: Sequence[Operation], number: int, geometry: Geometry
) -> Iterator[CrashState]:
    before = bytearray(sure)
    yield CrashState(sure, f"after flush {number}")
    for last, one in enumerate(operations):
        place = f"flush {number} + {last + 1}"
        for words, torn in _torn(before, one, geometry):
            yield CrashState(_with(before, torn), f"{place}: {words}")
        _do(before, one)
        yield CrashState(bytes(before), f"{place}: done")
        for lost in range(last):
            kept = [*operations[:lost], *operations[lost + 1 : last + 1]]
            yield CrashState(_after(sure, kept), f"{place}: operation {lost + 1} lost")
            if _overlap(operations[lost], one):
                turned = [*operations[:lost], one, *operations[lost:last]]
                yield CrashState(_after(sure, turned), f"{place}: before operation {lost + 1}")


def _torn(before: bytearray, one: Operation, geometry: Geometry) -> Iterator[tuple[str, Operation]]:
    """Parts of an operation that a cut may leave."""
    length = len(one.data)
    steps = {SECTOR_BYTES, geometry.page_bytes}
    cuts = sorted({at for step in steps for at in range(step, length, step)})
    for at in cuts:
        yield f"torn at {at}", Operation(one.offset, one.data[:at], one.erases)
        if geometry.overwrites:
            # Sectors of managed flash may come in any order: the end without the beginning.
            yield f"torn before {at}", Operation(one.offset + at, one.data[at:], one.erases)
    undefined = geometry.erase_bytes if one.erases else geometry.page_bytes
    for at in range(0, length, undefined):
        end = min(at + undefined, length)
        noise = _undefined(one.data[at:end], before[one.offset + at : one.offset + end])
        yield f"undefined from {at}", Operation(one.offset, one.data[:at] + noise, one.erases)


def _undefined(wanted: bytes, there: bytearray) -> bytes:
    """Bytes between those wanted and those there: each bit from one or the other, by a fixed pattern."""
    mask = hashlib.shake_128(wanted + bytes(there)).digest(len(wanted))
    return bytes(
        new & pick | old & ~pick & 0xFF for new, old, pick in zip(wanted, there, mask, strict=True)
    )


def _overlap(one: Operation, two: Operation) -> bool:
    return one.offset < two.offset + len(two.data) and two.offset < one.offset + len(one.data)


def _do(content: bytearray, one: Operation) -> None:
    content[one.offset : one.offset + len(one.data)] = one.data


def _with(content: bytearray, one: Operation) -> bytes:
    return b"".join((content[: one.offset], one.data, content[one.offset + len(one.data) :]))


def _after(sure: bytes, operations: Sequence[Operation]) -> bytes:
    content = bytearray(sure)
    for one in operations:
        _do(content, one)
    return bytes(content)
