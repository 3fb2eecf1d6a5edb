"""Words of unified diagnostic services (ISO 14229-1:2020) as tables and plain codecs.

Both sides build on it: the server in `vehicle/uds_server.py` and the small client. Holds no state and opens
nothing. Numbers are recalled from the standard and were checked against the peers udsoncan and gallia.
"""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass
from typing import Final

from volant.core.errors import InputError

POSITIVE: Final = 0x40
"""A positive response's first byte is the service plus this (clause 8.2)."""
NEGATIVE: Final = 0x7F
SUPPRESS: Final = 0x80
"""Bit of the sub-function that asks for no positive response (clause 8.2.2)."""
ALL_DTCS: Final = 0xFF_FF_FF
"""Group of all trouble codes (annex D.1)."""


class Sid(enum.IntEnum):
    """Services that Volant's servers know (clause 9 to 15)."""

    SESSION = 0x10
    RESET = 0x11
    CLEAR_DTC = 0x14
    READ_DTC = 0x19
    READ_DATA = 0x22
    SECURITY = 0x27
    COMMUNICATION = 0x28
    WRITE_DATA = 0x2E
    ROUTINE = 0x31
    DOWNLOAD = 0x34
    TRANSFER = 0x36
    TRANSFER_EXIT = 0x37
    TESTER_PRESENT = 0x3E
    DTC_SETTING = 0x85


class Nrc(enum.IntEnum):
    """Negative response codes (annex A.1); named as the standard names them."""

    GENERAL_REJECT = 0x10
    SERVICE_NOT_SUPPORTED = 0x11
    SUB_FUNCTION_NOT_SUPPORTED = 0x12
    INCORRECT_LENGTH = 0x13
    RESPONSE_TOO_LONG = 0x14
    BUSY_REPEAT_REQUEST = 0x21
    CONDITIONS_NOT_CORRECT = 0x22
    REQUEST_SEQUENCE_ERROR = 0x24
    REQUEST_OUT_OF_RANGE = 0x31
    SECURITY_ACCESS_DENIED = 0x33
    INVALID_KEY = 0x35
    EXCEEDED_ATTEMPTS = 0x36
    DELAY_NOT_EXPIRED = 0x37
    UPLOAD_DOWNLOAD_NOT_ACCEPTED = 0x70
    TRANSFER_SUSPENDED = 0x71
    PROGRAMMING_FAILURE = 0x72
    WRONG_BLOCK_COUNTER = 0x73
    RESPONSE_PENDING = 0x78
    SUB_FUNCTION_NOT_IN_SESSION = 0x7E
    SERVICE_NOT_IN_SESSION = 0x7F
    VOLTAGE_TOO_HIGH = 0x92
    VOLTAGE_TOO_LOW = 0x93


SILENT_WHEN_FUNCTIONAL: Final = frozenset(
    {
        Nrc.SERVICE_NOT_SUPPORTED,
        Nrc.SUB_FUNCTION_NOT_SUPPORTED,
        Nrc.REQUEST_OUT_OF_RANGE,
        Nrc.SUB_FUNCTION_NOT_IN_SESSION,
        Nrc.SERVICE_NOT_IN_SESSION,
    }
)
"""Not sent when all servers were asked at once (clause 7.5.4, table 5)."""


class Session(enum.IntEnum):
    """Diagnostic sessions (table 25)."""

    DEFAULT = 0x01
    PROGRAMMING = 0x02
    EXTENDED = 0x03


class Reset(enum.IntEnum):
    """Kinds of reset (table 34)."""

    HARD = 0x01
    KEY_OFF_ON = 0x02
    SOFT = 0x03


class RoutineStep(enum.IntEnum):
    """What is asked of a routine (table 426 of the 2020 edition)."""

    START = 0x01
    STOP = 0x02
    RESULTS = 0x03


class DtcReport(enum.IntEnum):
    """Sub-functions of 0x19 that are answered (table 317)."""

    COUNT_BY_MASK = 0x01
    CODES_BY_MASK = 0x02
    SNAPSHOT_LIST = 0x03
    SNAPSHOT_BY_CODE = 0x04
    EXTENDED_BY_CODE = 0x06
    SUPPORTED = 0x0A


class DtcStatus(enum.IntFlag):
    """Bits of a trouble code's status (annex D.2)."""

    TEST_FAILED = 0x01
    FAILED_THIS_CYCLE = 0x02
    PENDING = 0x04
    CONFIRMED = 0x08
    NOT_COMPLETED_SINCE_CLEAR = 0x10
    FAILED_SINCE_CLEAR = 0x20
    NOT_COMPLETED_THIS_CYCLE = 0x40
    WARNING_REQUESTED = 0x80


class Did(enum.IntEnum):
    """Data identifiers that the standard gives a meaning (annex C.1)."""

    ACTIVE_SESSION = 0xF186
    SOFTWARE_NUMBER = 0xF188
    SOFTWARE_VERSION = 0xF189
    ECU_SERIAL = 0xF18C
    VIN = 0xF190
    HARDWARE_NUMBER = 0xF191
    SUPPLIER_SOFTWARE_VERSION = 0xF195
    SYSTEM_NAME = 0xF197


FORMAT_SAE_J2012_DA: Final = 0x00
"""Format of trouble codes in answers to 0x19: two bytes of code, one of failure type (table 321)."""


def negative(sid: int, nrc: Nrc) -> bytes:
    """A negative response (clause 8.7)."""
    return bytes((NEGATIVE, sid, nrc))


def dtc_name(code: int) -> str:
    """A three-byte trouble code as workshops write it, such as `U0100-87` (SAE J2012-DA)."""
    letter = "PCBU"[code >> 22 & 0x03]
    return f"{letter}{code >> 20 & 0x03:X}{code >> 8 & 0xFFF:03X}-{code & 0xFF:02X}"


def dtc_code(name: str) -> int:
    """The three bytes of a trouble code by its name.

    Raises:
        InputError: the name is not of the form `U0100-87`.
    """
    head, _, kind = name.partition("-")
    try:
        if len(head) != 5 or len(kind) != 2 or head[1] not in "0123":
            raise ValueError(name)  # noqa: TRY301 - one message for every way to be wrong
        system = "PCBU".index(head[0])
        return system << 22 | int(head[1:], 16) << 8 | int(kind, 16)
    except ValueError:
        raise InputError(f"found {name!r}, expected a trouble code such as U0100-87") from None


@dataclass(frozen=True, slots=True)
class DtcRecord:
    """A trouble code as a server reports it."""

    code: int
    status: DtcStatus


def read_dtc_records(response: bytes) -> tuple[DtcRecord, ...]:
    """The codes of a positive answer to 0x19 02 or 0A.

    Raises:
        InputError: the answer is cut or of another kind.
    """
    if len(response) < 3 or response[0] != Sid.READ_DTC + POSITIVE or (len(response) - 3) % 4:
        raise InputError(f"found {response[:8].hex(' ')}, expected an answer with trouble codes")
    return tuple(
        DtcRecord(int.from_bytes(response[at : at + 3], "big"), DtcStatus(response[at + 3]))
        for at in range(3, len(response), 4)
    )


def session_response(session: int, p2_ms: int, p2_star_ms: int) -> bytes:
    """Positive answer to 0x10; P2 counts milliseconds, P2* tens of them (table 28)."""
    return struct.pack(">BBHH", Sid.SESSION + POSITIVE, session, p2_ms, p2_star_ms // 10)


def download_request(address: int, size: int, form: int = 0) -> bytes:
    """A request 0x34 with four bytes each of address and size; form 00 is neither packed nor ciphered."""
    return struct.pack(">BBBII", Sid.DOWNLOAD, form, 0x44, address, size)


def read_block_length(response: bytes) -> int:
    """Largest 0x36 message, counted with service and counter, that an answer to 0x34 allows.

    Raises:
        InputError: the answer is cut or of another kind.
    """
    width = response[1] >> 4 if len(response) > 1 else 0
    if not width or response[0] != Sid.DOWNLOAD + POSITIVE or len(response) != 2 + width:
        raise InputError(f"found {response[:8].hex(' ')}, expected an answer to a download")
    return int.from_bytes(response[2:], "big")
