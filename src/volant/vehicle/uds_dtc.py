"""Trouble codes over UDS: reading (0x19), clearing (0x14) and switching off (0x85), by ISO 14229-1:2020."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from volant.vehicle.faults import AVAILABLE, Fault, FaultMemory, FreezeFrame
from volant.vehicle.uds_config import Ask, Told, conditions, refused
from volant.wire.uds import FORMAT_SAE_J2012_DA, DtcReport, DtcStatus, Nrc, Sid

ALL_RECORDS: Final = 0xFF
OCCURRENCES: Final = 0x01
"""Number of the extended record with failures since cleared (records 01 to 8F are the maker's)."""
AGING: Final = 0x02
"""Number of the extended record with healed cycles."""
_LENGTHS: Final = {
    DtcReport.COUNT_BY_MASK: 3,
    DtcReport.CODES_BY_MASK: 3,
    DtcReport.SNAPSHOT_LIST: 2,
    DtcReport.SNAPSHOT_BY_CODE: 6,
    DtcReport.EXTENDED_BY_CODE: 6,
    DtcReport.SUPPORTED: 2,
}


def read_dtc(ask: Ask) -> Told:
    """0x19, sub-functions of `DtcReport`."""
    kind = DtcReport(ask.sub)
    if len(ask.data) != _LENGTHS[kind]:
        return refused(ask, Nrc.INCORRECT_LENGTH)
    memory = _memory(ask)
    if kind in (DtcReport.SNAPSHOT_BY_CODE, DtcReport.EXTENDED_BY_CODE):
        return _by_code(ask, memory, kind)
    head = bytes((kind,))
    if kind is DtcReport.SNAPSHOT_LIST:
        listed = (
            fault.spec.code.to_bytes(3, "big") + bytes((number,))
            for fault in memory.faults()
            for number in fault.frames
        )
        return _told(ask, head + b"".join(listed))
    head += bytes((AVAILABLE,))
    if kind is DtcReport.SUPPORTED:
        return _told(ask, head + _records(_all(memory)))
    found = memory.faults(DtcStatus(ask.data[2]))
    if kind is DtcReport.COUNT_BY_MASK:
        count = len(found).to_bytes(2, "big")
        return _told(ask, head + bytes((FORMAT_SAE_J2012_DA,)) + count)
    return _told(ask, head + _records(found))


def clear_dtc(ask: Ask) -> Told:
    """0x14: forget one code or all (figure 57).

    Conditions within the server may prevent it (conditionsNotCorrect, 0x22): see `ServerConfig.permit`.
    """
    if len(ask.data) != 4:
        return refused(ask, Nrc.INCORRECT_LENGTH)
    memory, group = _memory(ask), int.from_bytes(ask.data[1:], "big")
    if not memory.knows(group):
        return refused(ask, Nrc.REQUEST_OUT_OF_RANGE)
    if (nrc := conditions(ask, Sid.CLEAR_DTC, group)) is not None:
        return refused(ask, nrc)
    memory.clear(group)
    return Told(ask.state, b"")


def dtc_setting(ask: Ask) -> Told:
    """0x85: trouble codes on (01) or off (02) until the session ends."""
    if len(ask.data) != 2:
        return refused(ask, Nrc.INCORRECT_LENGTH)
    if (nrc := conditions(ask, Sid.DTC_SETTING, ask.sub)) is not None:
        return refused(ask, nrc)
    on = ask.sub == 1
    _memory(ask).recording = on
    return Told(replace(ask.state, records_faults=on), bytes((ask.sub,)))


def _memory(ask: Ask) -> FaultMemory:
    assert ask.config.faults is not None
    return ask.config.faults


def _all(memory: FaultMemory) -> Iterable[Fault]:
    found = (memory.fault(spec.code) for spec in memory.specs)
    return (fault for fault in found if fault is not None)


def _records(faults: Iterable[Fault]) -> bytes:
    return b"".join(_record(fault) for fault in faults)


def _record(fault: Fault) -> bytes:
    return fault.spec.code.to_bytes(3, "big") + bytes((fault.status,))


def _told(ask: Ask, answer: bytes) -> Told:
    if len(answer) + 1 > ask.config.max_response:
        return refused(ask, Nrc.RESPONSE_TOO_LONG)
    return Told(ask.state, answer)


def _by_code(ask: Ask, memory: FaultMemory, kind: DtcReport) -> Told:
    fault = memory.fault(int.from_bytes(ask.data[2:5], "big"))
    number = ask.data[5]
    if fault is None:
        return refused(ask, Nrc.REQUEST_OUT_OF_RANGE)
    if kind is DtcReport.SNAPSHOT_BY_CODE:
        known: dict[int, bytes] = {key: _frame(frame) for key, frame in fault.frames.items()}
        allowed = (0x01, 0x02)
    else:
        known = {OCCURRENCES: bytes((fault.occurrences,)), AGING: bytes((fault.healed_cycles,))}
        allowed = (OCCURRENCES, AGING)
    if number != ALL_RECORDS and number not in allowed:
        return refused(ask, Nrc.REQUEST_OUT_OF_RANGE)
    wanted = {key: value for key, value in known.items() if number in (ALL_RECORDS, key)}
    body = b"".join(bytes((key,)) + value for key, value in wanted.items())
    return _told(ask, bytes((kind,)) + _record(fault) + body)


def _frame(frame: FreezeFrame) -> bytes:
    values = b"".join(did.to_bytes(2, "big") + value for did, value in frame.values)
    return bytes((len(frame.values),)) + values
