"""Trouble codes of all control units over many drives: their memories, their file, and words for people.

The file outlives processes and the power: it is written whole beside its place, synced and moved there. One
that is damaged begins anew and says so; a disk that takes nothing costs only what would have been kept.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from volant.caros.flash import DataClass
from volant.caros.ledger import FlashLedger
from volant.caros.trip_log import cost_bytes
from volant.core.clock import STAMP_LIMIT_NS
from volant.core.errors import InputError
from volant.core.messages import CodeFrame, CodeStatus, TroubleCode
from volant.vehicle.ecus import CHARGE, ECUS, ODOMETER, SPEED, SUPPLY, LiveValue
from volant.vehicle.faults import (
    FIRST_RECORD,
    LATEST_RECORD,
    Fault,
    FaultMemory,
    FaultSpec,
    FreezeFrame,
)
from volant.wire.uds import DtcStatus, dtc_name

OWNER: Final = "diagnostics"
"""Who writes them, in the counts of flash."""
FILE: Final = "trouble-codes.msgpack"
FILE_MOST_BYTES: Final = 1 << 20
"""A longer one is none of ours, and what is read of it is no file."""
MORE_MOST: Final = 512
"""Codes of a unit beyond its own table, as a car with an own network mapping has them."""
PRESENT: Final = DtcStatus.TEST_FAILED | DtcStatus.PENDING | DtcStatus.CONFIRMED
"""A code counts as present when any of these bits is set."""
Memories = Mapping[str, FaultMemory]
More = Mapping[str, tuple[FaultSpec, ...]]


class _File(msgspec.Struct, frozen=True):
    """The file's content."""

    memories: dict[str, bytes]
    more: dict[str, tuple[FaultSpec, ...]] = {}


class Codes:
    """The memories of all units by name, and their file."""

    def __init__(
        self, folder: Path, more: More | None = None, ledger: FlashLedger | None = None
    ) -> None:
        """Take what was kept in a folder; a folder that does not exist holds nothing.

        Args:
            folder: of the file.
            more: codes of units beyond those of `ecus.ECUS`, such as `network_faults` gives.
            ledger: asked before the file is written; None: it does not lie on the car's flash.
        """
        self._ledger = ledger
        self.said: tuple[str, ...] = ()
        """What went wrong with the file, in words; the newest last."""
        self.folder = folder
        self._path = folder / FILE
        stored = self._read()
        self._more = _joined(stored.more, more or {})
        self.memories = fresh_memories(self._more)
        for name, kept in stored.memories.items():
            if name in self.memories:
                self._restore(name, kept)
        self._kept = self._now()

    def begin_drive(self) -> None:
        """Begin an operation cycle of every unit (ISO 14229-1, annex D), and keep that it began."""
        for memory in self.memories.values():
            memory.next_cycle()
        self.keep()

    @property
    def changed(self) -> bool:
        """Whether there is something new to keep."""
        return self._now() != self._kept

    def keep(self) -> bool:
        """Write what has changed; false: the disk or the flash's budget did not take it, said once for each cause.

        It stays changed then, so that the next call tries again.
        """
        now = self._now()
        if now == self._kept:
            return True
        data = msgspec.msgpack.encode(now)
        if self._ledger is not None:
            verdict = self._ledger.ask(DataClass.EVENT, OWNER, cost_bytes(data)).verdict
            if not verdict.granted:
                self._say(f"trouble codes are not kept: {verdict.words}")
                return False
        draft = self._path.with_suffix(".part")
        try:
            with draft.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)
        except OSError as error:
            self._say(f"trouble codes are not kept: {error.strerror or error}")
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
            return False
        self._kept = now
        return True

    def confirmed(self) -> str:
        """Names of the confirmed codes, such as `pilot:pilot_lost`, with commas between."""
        return ", ".join(
            f"{name}:{fault.spec.name}"
            for name, memory in self.memories.items()
            for fault in memory.faults(DtcStatus.CONFIRMED)
        )

    def _now(self) -> _File:
        memories = {name: memory.to_bytes() for name, memory in self.memories.items()}
        return _File(memories, dict(self._more))

    def _read(self) -> _File:
        try:
            with self._path.open("rb") as file:
                return msgspec.msgpack.decode(file.read(FILE_MOST_BYTES), type=_File)
        except FileNotFoundError:
            pass
        except OSError as error:
            self._say(f"{self._path} cannot be read: {error.strerror or error}")
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            self._say(f"{self._path} is damaged, trouble codes begin anew: {error}")
        return _File({})

    def _restore(self, name: str, kept: bytes) -> None:
        try:
            self.memories[name].restore(kept)
        except InputError as error:
            self._say(f"{self._path} is damaged, trouble codes of {name} begin anew: {error}")

    def _say(self, words: str) -> None:
        if words not in self.said:
            self.said = (*self.said, words)[-8:]


def fresh_memories(more: More | None = None) -> dict[str, FaultMemory]:
    """Empty memories of all units by name, with more codes than those of `ecus.ECUS`."""
    extra = _joined(more or {})
    return {spec.name: FaultMemory((*spec.faults, *extra.get(spec.name, ()))) for spec in ECUS}


def network_faults(codes: Mapping[int, str]) -> tuple[FaultSpec, ...]:
    """Codes that a network mapping can tell (`cancar.codes_of`), as a unit's memory knows them."""
    like = next(spec for spec in ECUS if spec.name == "pilot").faults[0]
    return tuple(
        FaultSpec(code, name, name.replace("_", " "), like.snapshot) for code, name in codes.items()
    )


def present_codes(memories: Memories, mask: DtcStatus = PRESENT) -> tuple[TroubleCode, ...]:
    """Codes that are there, in words: what fails now first, then by unit and code."""
    found = [
        _told(name, memory, fault)
        for name, memory in memories.items()
        for fault in memory.faults(mask)
    ]
    order = list(CodeStatus)
    return tuple(sorted(found, key=lambda one: (order.index(one.status), not one.warns)))


def _told(unit: str, memory: FaultMemory, fault: Fault) -> TroubleCode:
    status = CodeStatus.STORED
    if fault.status & DtcStatus.TEST_FAILED:
        status = CodeStatus.ACTIVE
    elif not fault.status & DtcStatus.CONFIRMED:
        status = CodeStatus.PENDING
    return TroubleCode(
        unit=unit,
        unit_words=_TITLES[unit],
        code=dtc_name(fault.spec.code),
        name=fault.spec.name,
        words=fault.spec.description,
        status=status,
        warns=bool(fault.status & DtcStatus.WARNING_REQUESTED),
        occurrences=fault.occurrences,
        first=_frame(fault.frames.get(FIRST_RECORD), memory),
        latest=_frame(fault.frames.get(LATEST_RECORD), memory),
    )


def _frame(frame: FreezeFrame | None, memory: FaultMemory) -> CodeFrame | None:
    if frame is None:
        return None
    kept = dict(frame.values)

    def value(live: LiveValue) -> float | None:
        number = live.decode(kept.get(live.did, b""))
        return None if math.isnan(number) else round(number, 6)

    return CodeFrame(
        stamp_ns=min(max(frame.stamp_ns, 0), STAMP_LIMIT_NS - 1),
        drives_ago=max(memory.cycle - frame.cycle, 0),
        speed_mps=value(SPEED),
        charge_pct=value(CHARGE),
        supply_v=value(SUPPLY),
        odometer_m=value(ODOMETER),
    )


def _joined(*tables: More) -> dict[str, tuple[FaultSpec, ...]]:
    """Codes of some tables that the units do not have anyway, each once."""
    joined = {}
    for spec in ECUS:
        taken = {fault.code for fault in spec.faults}
        found = {
            fault.code: fault
            for table in tables
            for fault in table.get(spec.name, ())
            if _sound(fault) and fault.code not in taken
        }
        if found:
            joined[spec.name] = tuple(found.values())[-MORE_MOST:]
    return joined


def _sound(fault: FaultSpec) -> bool:
    return 0 < fault.code < 0xFFFFFF


def code_rows(codes: Iterable[TroubleCode]) -> list[tuple[str, str, str, str, str]]:
    """Rows for people: code, unit, what, status, and when it failed first and last."""
    return [
        (one.code, one.unit_words, one.words, one.status.value, _when(one.first, one.latest))
        for one in codes
    ]


def _when(first: CodeFrame | None, latest: CodeFrame | None) -> str:
    return ", ".join(dict.fromkeys(_moment(frame) for frame in (first, latest) if frame))


def _moment(frame: CodeFrame) -> str:
    speed = "" if frame.speed_mps is None else f" at {3.6 * frame.speed_mps:.0f} km/h"
    ago = f", {frame.drives_ago} drives ago" if frame.drives_ago else ""
    return f"{frame.stamp_ns / 1e9:.2f} s{speed}{ago}"


_TITLES: Final = {spec.name: spec.title for spec in ECUS}
