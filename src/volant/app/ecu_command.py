"""`volant ecu list`, `scan`, `read` and `clear`: asks control units by UDS over DoIP."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from volant.app.exits import Exit
from volant.app.say import answer_json, table, tell
from volant.caros.diagnostics import DoipTester, NegativeResponseError, UnknownUnitError
from volant.core.errors import InputError
from volant.vehicle.boot.flashing import PROGRAMMING_DIDS, RELEASE
from volant.vehicle.ecus import CIRCUMSTANCES, ECUS, KNOWN_DIDS, EcuSpec, LiveValue
from volant.wire.uds import (
    Did,
    DtcReport,
    DtcStatus,
    Nrc,
    Sid,
    dtc_name,
    read_dtc_records,
)

SHOWN_STATUS = DtcStatus.TEST_FAILED | DtcStatus.PENDING | DtcStatus.CONFIRMED
"""A code counts as present when any of these bits is set."""


NAMES: Final = {**KNOWN_DIDS, **PROGRAMMING_DIDS}
FUNCTIONAL: Final = range(0xE400, 0xF000)
"""DoIP addresses of groups of units (ISO 13400-2, table 13, recalled)."""


@dataclass(frozen=True, slots=True)
class Door:
    """Where to ask, and as whom."""

    host: str
    port: int
    source: str

    def open(self) -> DoipTester:
        """Connect and activate routing."""
        return DoipTester(self.host, self.port, source=_number("--source", self.source))


class UnitRow(msgspec.Struct, frozen=True, kw_only=True):
    """One unit of the table."""

    name: str
    title: str
    address: str
    bus: str
    can_request: str
    can_response: str
    values: tuple[str, ...]
    codes: tuple[str, ...]


class FoundRow(msgspec.Struct, frozen=True, kw_only=True):
    """One unit that answered; `name` is empty where our table does not know it."""

    name: str
    address: str
    vin: str
    software: str
    services: tuple[str, ...]
    codes: int | None
    """Trouble codes present; null: the unit does not tell."""


class ValueRow(msgspec.Struct, frozen=True, kw_only=True):
    """One data identifier; `value` is null where only bytes are known or nothing is available."""

    did: str
    name: str
    data: str
    value: float | str | None


class CodeRow(msgspec.Struct, frozen=True, kw_only=True):
    """One trouble code that is present."""

    code: str
    name: str
    description: str
    status: tuple[str, ...]
    frame: tuple[ValueRow, ...]
    """Circumstances of the latest failure."""


class ReadAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What `volant ecu read` found."""

    name: str
    address: str
    values: tuple[ValueRow, ...]
    codes: tuple[CodeRow, ...]


def list_command(*, as_json: bool) -> Exit:
    """Run `volant ecu list`."""
    rows = [
        UnitRow(
            name=spec.name,
            title=spec.title,
            address=f"{spec.address:04X}",
            bus=spec.bus,
            can_request=f"{spec.can_request:03X}",
            can_response=f"{spec.can_response:03X}",
            values=tuple(value.name for value in (*CIRCUMSTANCES, *spec.values)),
            codes=tuple(f"{dtc_name(fault.code)} {fault.name}" for fault in spec.faults),
        )
        for spec in ECUS
    ]
    if as_json:
        answer_json({"units": rows})
        return Exit.DONE
    headings = ("unit", "what", "DoIP", "bus", "CAN asks", "CAN answers", "codes")
    shown = [
        (r.name, r.title, r.address, r.bus, r.can_request, r.can_response, str(len(r.codes)))
        for r in rows
    ]
    table("Control units", headings, shown)
    tell("over DoIP: volant up, volant ecu serve; over CAN: volant up --bus with a bus outside")
    return Exit.DONE


def scan_command(door: Door, first: str, last: str, *, as_json: bool) -> Exit:
    """Run `volant ecu scan`."""
    addresses = range(_number("--first", first), _number("--last", last) + 1)
    if not addresses:
        raise InputError(f"--first {first} is above --last {last}")
    found = []
    with door.open() as tester:
        for address in addresses:
            if address in FUNCTIONAL:
                continue  # of groups, which do not answer for what nobody knows
            try:
                found.append(_look_at(tester, address))
            except UnknownUnitError:
                continue
    if as_json:
        answer_json({"units": found})
        return Exit.DONE
    shown = [
        (
            row.name or "?",
            row.address,
            row.vin,
            row.software,
            " ".join(row.services),
            "-" if row.codes is None else str(row.codes),
        )
        for row in found
    ]
    table("Units found", ("unit", "DoIP", "VIN", "software", "services", "codes"), shown)
    return Exit.DONE


def read_command(door: Door, unit: str, dids: Sequence[str], *, as_json: bool) -> Exit:
    """Run `volant ecu read`."""
    address, spec = unit_of(unit)
    values = {value.did: value for value in (*CIRCUMSTANCES, *(spec.values if spec else ()))}
    wanted = [_number("--did", did) for did in dids] or [*NAMES, *values]
    with door.open() as tester:
        answer = ReadAnswer(
            name=spec.name if spec else "",
            address=f"{address:04X}",
            values=tuple(
                row
                for did in wanted
                if (row := _value(tester, address, did, values, must=bool(dids))) is not None
            ),
            codes=() if dids else _codes(tester, address, spec, values),
        )
    if as_json:
        answer_json(answer)
    else:
        _show(answer)
    return Exit.DONE


def clear_command(door: Door, unit: str, *, as_json: bool) -> Exit:
    """Run `volant ecu clear`."""
    targets = [spec.address for spec in ECUS] if unit == "all" else [unit_of(unit)[0]]
    with door.open() as tester:
        for address in targets:
            tester.ask(address, bytes((Sid.CLEAR_DTC, 0xFF, 0xFF, 0xFF)))
    cleared = [f"{address:04X}" for address in targets]
    if as_json:
        answer_json({"cleared": cleared})
    else:
        table("Trouble codes cleared", ("DoIP",), [(address,) for address in cleared])
    return Exit.DONE


def _number(option: str, text: str) -> int:
    try:
        number = int(text, 16)
    except ValueError:
        number = -1
    if not 0 <= number <= 0xFFFF:
        raise InputError(f"{option}: found {text!r}, expected hex from 0 to FFFF")
    return number


def unit_of(text: str) -> tuple[int, EcuSpec | None]:
    """Address of a unit, and its row where our table knows it."""
    by_name = {spec.name: spec for spec in ECUS}
    if text in by_name:
        return by_name[text].address, by_name[text]
    try:
        address = _number("unit", text)
    except InputError:
        names = ", ".join(by_name)
        raise InputError(f"no unit {text!r}; there are: {names}, or an address in hex") from None
    return address, next((spec for spec in ECUS if spec.address == address), None)


def _look_at(tester: DoipTester, address: int) -> FoundRow:
    services = tuple(f"{sid:02X}" for sid in Sid if _supports(tester, address, sid))
    spec = next((one for one in ECUS if one.address == address), None)
    return FoundRow(
        name=spec.name if spec else "",
        address=f"{address:04X}",
        vin=_text(tester, address, Did.VIN),
        software=_text(tester, address, Did.SOFTWARE_VERSION),
        services=services,
        codes=len(_present(tester, address)) if f"{Sid.READ_DTC:02X}" in services else None,
    )


def _supports(tester: DoipTester, address: int, sid: Sid) -> bool:
    """Asked with its first byte only, no service does anything."""
    try:
        tester.ask(address, bytes((sid,)))
    except NegativeResponseError as refusal:
        return refusal.nrc != Nrc.SERVICE_NOT_SUPPORTED
    return True


def _text(tester: DoipTester, address: int, did: int) -> str:
    try:
        return _printable(tester.read_data(address, did))
    except NegativeResponseError:
        return ""


def _printable(data: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in data.rstrip(b"\0"))


def _value(
    tester: DoipTester, address: int, did: int, values: dict[int, LiveValue], *, must: bool
) -> ValueRow | None:
    """One data identifier; None where the unit has none and nobody asked for just this one."""
    try:
        return _row(did, tester.read_data(address, did), values)
    except NegativeResponseError:
        if must:
            raise
        return None


def _row(did: int, data: bytes, values: dict[int, LiveValue]) -> ValueRow:
    value: float | str | None = None
    name = NAMES.get(did, "")
    if did in values:
        name = values[did].name
        number = values[did].decode(data)
        words = values[did].words
        if not math.isnan(number):
            known = words and number < len(words)
            value = words[int(number)] if known else round(number, 6)
    elif did == Did.ACTIVE_SESSION:
        value = float(data[0]) if data else None
    elif did == RELEASE:
        value = None if data == b"\xff" * 4 else float(int.from_bytes(data, "big"))
    elif name and did not in PROGRAMMING_DIDS:
        value = _printable(data)
    return ValueRow(did=f"{did:04X}", name=name, data=data.hex(), value=value)


def _present(tester: DoipTester, address: int) -> list[tuple[int, DtcStatus]]:
    request = bytes((Sid.READ_DTC, DtcReport.CODES_BY_MASK, SHOWN_STATUS))
    records = read_dtc_records(tester.ask(address, request))
    return [(record.code, record.status) for record in records]


def _codes(
    tester: DoipTester, address: int, spec: EcuSpec | None, values: dict[int, LiveValue]
) -> tuple[CodeRow, ...]:
    known = {fault.code: fault for fault in spec.faults} if spec else {}
    try:
        present = _present(tester, address)
    except NegativeResponseError:
        return ()
    rows = []
    for code, status in present:
        fault = known.get(code)
        rows.append(
            CodeRow(
                code=dtc_name(code),
                name=fault.name if fault else "",
                description=fault.description if fault else "",
                status=tuple((bit.name or "").lower() for bit in DtcStatus if bit in status),
                frame=_frame(tester, address, code, values),
            )
        )
    return tuple(rows)


def _frame(
    tester: DoipTester, address: int, code: int, values: dict[int, LiveValue]
) -> tuple[ValueRow, ...]:
    """The freeze frame of the latest failure, as far as the lengths of its values are known."""
    head = bytes((Sid.READ_DTC, DtcReport.SNAPSHOT_BY_CODE))
    try:
        answer = tester.ask(address, head + code.to_bytes(3, "big") + b"\x02")
    except NegativeResponseError:
        return ()
    rows, at = [], 8
    while at + 2 <= len(answer):
        did = int.from_bytes(answer[at : at + 2], "big")
        if did not in values:
            break
        end = at + 2 + values[did].width
        rows.append(_row(did, answer[at + 2 : end], values))
        at = end
    return tuple(rows)


def _show(answer: ReadAnswer) -> None:
    shown = [
        (row.did, row.name, "-" if row.value is None else str(row.value), row.data)
        for row in answer.values
    ]
    table(f"Unit {answer.name or answer.address}", ("DID", "what", "value", "bytes"), shown)
    codes = [
        (
            row.code,
            row.description or row.name,
            ", ".join(row.status).replace("_", " "),
            ", ".join(f"{one.name} {one.value}" for one in row.frame if one.value is not None),
        )
        for row in answer.codes
    ]
    if codes:
        table("Trouble codes", ("code", "what", "status", "when it failed last"), codes)
