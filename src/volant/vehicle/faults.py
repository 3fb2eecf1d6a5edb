"""Memory of trouble codes with their status and freeze frames (ISO 14229-1:2020, annex D).

Monitors report whether a test failed; the memory keeps the status byte, counts operation cycles, ages what is
healed and keeps the circumstances of the first and the latest failure. It knows no clock, no bus and no disk:
time comes with each report, and storage is bytes in and out. Codes are fixed at the start, so is the memory.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from volant.core.errors import InputError
from volant.wire.uds import ALL_DTCS, DtcStatus

AVAILABLE: Final = DtcStatus(0xFF)
"""Status bits that this memory keeps: all."""
CLEARED: Final = DtcStatus.NOT_COMPLETED_SINCE_CLEAR | DtcStatus.NOT_COMPLETED_THIS_CYCLE
"""Status of a code that was cleared and not tested since (annex D.2, 0x50)."""
FIRST_RECORD: Final = 0x01
"""Number of the freeze frame of the first failure since the code was cleared."""
LATEST_RECORD: Final = 0x02
"""Number of the freeze frame of the latest failure."""
COUNTER_MAX: Final = 0xFF
CYCLE_MAX: Final = (1 << 31) - 1
SNAPSHOT_MAX: Final = 64
"""Longest value of one data identifier that a freeze frame keeps, in bytes."""
_DIGEST: Final = 4
# Plain integers: a monitor reports a hundred times a second, and flags of an enum are slow.
_CLEARED: Final = int(CLEARED)
_FAILED: Final = int(DtcStatus.TEST_FAILED)
_FAILED_NOW: Final = int(DtcStatus.TEST_FAILED | DtcStatus.FAILED_THIS_CYCLE)
_FAILS: Final = _FAILED_NOW | int(DtcStatus.PENDING | DtcStatus.FAILED_SINCE_CLEAR)


@dataclass(frozen=True, slots=True)
class FaultSpec:
    """One trouble code that a control unit can have."""

    code: int
    """Three bytes: code and failure type of SAE J2012-DA."""
    name: str
    """For programs, such as `brake_frames_lost`."""
    description: str
    """For people, one line."""
    snapshot: tuple[int, ...] = ()
    """Data identifiers kept in freeze frames, in this order; what a report has beyond them is dropped."""
    confirm_cycles: int = 1
    """Operation cycles with a failure, one after the other, until the code is confirmed."""
    aging_cycles: int = 40
    """Cycles without a failure until a healed code is forgotten; 40 warm-up cycles are usual (recalled)."""
    warns: bool = False
    """Whether a confirmed code asks for a warning lamp."""


class FreezeFrame(msgspec.Struct, frozen=True, array_like=True):
    """Circumstances of one failure."""

    stamp_ns: int
    """Since the boot of its operation cycle."""
    values: tuple[tuple[int, bytes], ...]
    """Data identifiers with their bytes."""
    cycle: int = 0
    """Number of the operation cycle, counted by the memory from 0."""


class _Kept(msgspec.Struct, array_like=True):
    """What the memory knows of one code."""

    status: int = int(CLEARED)
    failed_cycles: int = 0
    healed_cycles: int = 0
    occurrences: int = 0
    first: FreezeFrame | None = None
    latest: FreezeFrame | None = None


class _Stored(msgspec.Struct, array_like=True):
    """All that outlives the power."""

    cycle: int
    kept: dict[int, _Kept]


@dataclass(frozen=True, slots=True)
class Fault:
    """One code as it stands now."""

    spec: FaultSpec
    status: DtcStatus
    occurrences: int
    """Failures that began since the code was cleared, up to 255."""
    healed_cycles: int
    """Cycles tested without a failure, counted for aging."""
    frames: Mapping[int, FreezeFrame]
    """Freeze frames by record number."""


@dataclass(slots=True)
class FaultMemory:
    """Trouble codes of one control unit."""

    specs: tuple[FaultSpec, ...]
    recording: bool = True
    """Off while a tester has switched trouble codes off (0x85): reports are ignored then."""
    cycle: int = field(default=0, init=False)
    """Operation cycles that ended since the memory was made."""
    _spec: dict[int, FaultSpec] = field(init=False, repr=False)
    _kept: dict[int, _Kept] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._spec = {spec.code: spec for spec in self.specs}
        if len(self._spec) != len(self.specs) or not all(0 < c < ALL_DTCS for c in self._spec):
            raise ValueError("trouble codes have three bytes and differ from each other")
        self._kept = {code: _Kept() for code in self._spec}

    def report(
        self,
        code: int,
        failed: bool,
        stamp_ns: int,
        snapshot: Mapping[int, bytes] | None = None,
    ) -> None:
        """Take the result of a completed test; cheap when it is as it was.

        `snapshot` gives data identifiers with their bytes; it is kept when the failure begins.

        Raises:
            ValueError: the code is none of this memory's.
        """
        kept = self._kept.get(code)
        if kept is None:
            raise ValueError(f"trouble code {code:06X} is not one of this memory's")
        if not self.recording:
            return
        was = kept.status
        if failed and was & _FAILED_NOW != _FAILED_NOW:
            self._failed(kept, self._spec[code], stamp_ns, snapshot or {})
        elif not failed and was & (_CLEARED | _FAILED):
            kept.status = was & ~(_CLEARED | _FAILED)

    def _failed(
        self, kept: _Kept, spec: FaultSpec, stamp_ns: int, snapshot: Mapping[int, bytes]
    ) -> None:
        """A failure begins, or goes on in a new cycle."""
        was = kept.status
        kept.status = was & ~_CLEARED | _FAILS
        if not was & int(DtcStatus.FAILED_THIS_CYCLE):
            kept.failed_cycles = min(kept.failed_cycles + 1, COUNTER_MAX)
            kept.healed_cycles = 0
        if kept.failed_cycles >= spec.confirm_cycles:
            kept.status |= int(DtcStatus.CONFIRMED)
            if spec.warns:
                kept.status |= int(DtcStatus.WARNING_REQUESTED)
        if not was & _FAILED:
            kept.occurrences = min(kept.occurrences + 1, COUNTER_MAX)
            frame = _freeze(spec, stamp_ns, snapshot, self.cycle)
            kept.first = kept.first or frame
            kept.latest = frame

    def next_cycle(self) -> None:
        """End an operation cycle (one drive) and begin the next: pending codes heal, healed ones age."""
        self.cycle = min(self.cycle + 1, CYCLE_MAX)
        for code, kept in self._kept.items():
            status = DtcStatus(kept.status)
            completed = not status & DtcStatus.NOT_COMPLETED_THIS_CYCLE
            if completed and not status & DtcStatus.FAILED_THIS_CYCLE:
                status &= ~DtcStatus.PENDING
                kept.failed_cycles = 0
                if status & DtcStatus.CONFIRMED:
                    kept.healed_cycles = min(kept.healed_cycles + 1, COUNTER_MAX)
                    status &= ~DtcStatus.WARNING_REQUESTED
                if kept.healed_cycles >= self._spec[code].aging_cycles:
                    status &= ~DtcStatus.CONFIRMED
                    kept.first = kept.latest = None
                    kept.occurrences = kept.healed_cycles = 0
            status &= ~DtcStatus.FAILED_THIS_CYCLE
            kept.status = int(status | DtcStatus.NOT_COMPLETED_THIS_CYCLE)

    def clear(self, group: int = ALL_DTCS) -> bool:
        """Forget one code or all, frames and counters too; false: there is no such group or code."""
        if group == ALL_DTCS:
            self._kept = {code: _Kept() for code in self._spec}
            return True
        if group not in self._kept:
            return False
        self._kept[group] = _Kept()
        return True

    def knows(self, group: int) -> bool:
        """Whether it can be cleared: one of the codes, or all of them."""
        return group == ALL_DTCS or group in self._kept

    def fault(self, code: int) -> Fault | None:
        """One code; None: there is no such code."""
        kept = self._kept.get(code)
        if kept is None:
            return None
        frames = {FIRST_RECORD: kept.first, LATEST_RECORD: kept.latest}
        return Fault(
            spec=self._spec[code],
            status=DtcStatus(kept.status),
            occurrences=kept.occurrences,
            healed_cycles=kept.healed_cycles,
            frames={number: frame for number, frame in frames.items() if frame is not None},
        )

    def faults(self, mask: DtcStatus = AVAILABLE) -> tuple[Fault, ...]:
        """Codes of which any status bit of the mask is set, in the order of their specs."""
        wanted = int(mask)
        found = (self.fault(code) for code, kept in self._kept.items() if kept.status & wanted)
        return tuple(fault for fault in found if fault is not None)

    def to_bytes(self) -> bytes:
        """All that must outlive the power, with a checksum."""
        body = msgspec.msgpack.encode(_Stored(self.cycle, self._kept))
        return zlib.crc32(body).to_bytes(_DIGEST, "big") + body

    def restore(self, stored: bytes) -> None:
        """Take what `to_bytes` gave; codes that no longer exist are dropped.

        Raises:
            InputError: the bytes are cut, changed or of something else; the memory is as it was then.
        """
        digest, body = stored[:_DIGEST], stored[_DIGEST:]
        if zlib.crc32(body).to_bytes(_DIGEST, "big") != digest:
            raise InputError("stored trouble codes: the checksum does not fit")
        try:
            stored_now = msgspec.msgpack.decode(body, type=_Stored)
        except msgspec.MsgspecError as error:
            raise InputError(f"stored trouble codes: {error}") from error
        kept = stored_now.kept
        self.cycle = min(max(stored_now.cycle, 0), CYCLE_MAX)
        self._kept = {code: _sound(kept.get(code, _Kept())) for code in self._spec}


def _sound(kept: _Kept) -> _Kept:
    kept.status &= 0xFF
    for name in ("failed_cycles", "healed_cycles", "occurrences"):
        setattr(kept, name, min(max(getattr(kept, name), 0), COUNTER_MAX))
    return kept


def _freeze(
    spec: FaultSpec, stamp_ns: int, snapshot: Mapping[int, bytes], cycle: int
) -> FreezeFrame:
    values = tuple(
        (did, bytes(snapshot[did][:SNAPSHOT_MAX])) for did in spec.snapshot if did in snapshot
    )
    return FreezeFrame(stamp_ns, values, cycle)


def by_name(specs: Iterable[FaultSpec]) -> dict[str, FaultSpec]:
    """Specs by their names, for monitors that report by name."""
    return {spec.name: spec for spec in specs}
