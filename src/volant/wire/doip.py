"""Diagnostics over IP (ISO 13400-2:2019) as bytes and objects; opens no sockets.

Headers, the payloads of both sides, and a reader that takes a stream in pieces and never holds more than one
message of the allowed length. Numbers are recalled from the standard and checked against doipclient and gallia.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from volant.core.errors import InputError

PORT: Final = 13400
HEADER: Final = 8
VERSION: Final = 0x02
"""ISO 13400-2:2012, which every tester speaks; the 2019 edition adds 0x03 with the same messages."""
KNOWN_VERSIONS: Final = frozenset({0x01, 0x02, 0x03})
ANY_VERSION: Final = 0xFF
"""Allowed in vehicle identification requests only (table 16)."""
MAX_PAYLOAD: Final = 0x40_0000
"""Largest payload of a TCP message that any of our readers may be told to take: 4 MiB."""


class Payload(enum.IntEnum):
    """Types of payload (table 17)."""

    NACK = 0x0000
    IDENTIFY = 0x0001
    IDENTIFY_EID = 0x0002
    IDENTIFY_VIN = 0x0003
    ANNOUNCEMENT = 0x0004
    ACTIVATION_REQUEST = 0x0005
    ACTIVATION_RESPONSE = 0x0006
    ALIVE_REQUEST = 0x0007
    ALIVE_RESPONSE = 0x0008
    STATUS_REQUEST = 0x4001
    STATUS_RESPONSE = 0x4002
    POWER_REQUEST = 0x4003
    POWER_RESPONSE = 0x4004
    DIAGNOSTIC = 0x8001
    DIAGNOSTIC_ACK = 0x8002
    DIAGNOSTIC_NACK = 0x8003


class Nack(enum.IntEnum):
    """Generic header's negative acknowledgement (table 19)."""

    WRONG_PATTERN = 0x00
    UNKNOWN_TYPE = 0x01
    TOO_LARGE = 0x02
    OUT_OF_MEMORY = 0x03
    WRONG_LENGTH = 0x04


CLOSING_NACKS: Final = frozenset({Nack.WRONG_PATTERN, Nack.WRONG_LENGTH})
"""After these the TCP socket is closed (DoIP-041 and DoIP-045): the stream has lost its frame."""


class Activation(enum.IntEnum):
    """Answers to a routing activation (table 49)."""

    UNKNOWN_SOURCE = 0x00
    NO_SOCKET_FREE = 0x01
    OTHER_SOURCE_HERE = 0x02
    SOURCE_ACTIVE_ELSEWHERE = 0x03
    UNKNOWN_TYPE = 0x06
    DONE = 0x10


class DiagnosticNack(enum.IntEnum):
    """Why a diagnostic message was not passed on (table 28)."""

    INVALID_SOURCE = 0x02
    UNKNOWN_TARGET = 0x03
    TOO_LARGE = 0x04
    OUT_OF_MEMORY = 0x05
    UNREACHABLE = 0x06


LENGTHS: Final[dict[int, tuple[int, int]]] = {
    Payload.NACK: (1, 1),
    Payload.IDENTIFY: (0, 0),
    Payload.IDENTIFY_EID: (6, 6),
    Payload.IDENTIFY_VIN: (17, 17),
    Payload.ANNOUNCEMENT: (32, 33),
    Payload.ACTIVATION_REQUEST: (7, 11),
    Payload.ACTIVATION_RESPONSE: (9, 13),
    Payload.ALIVE_REQUEST: (0, 0),
    Payload.ALIVE_RESPONSE: (2, 2),
    Payload.STATUS_REQUEST: (0, 0),
    Payload.STATUS_RESPONSE: (3, 7),
    Payload.POWER_REQUEST: (0, 0),
    Payload.POWER_RESPONSE: (1, 1),
    Payload.DIAGNOSTIC: (5, MAX_PAYLOAD),
    Payload.DIAGNOSTIC_ACK: (5, MAX_PAYLOAD),
    Payload.DIAGNOSTIC_NACK: (5, MAX_PAYLOAD),
}
"""Least and greatest length of each payload in bytes (clause 7)."""

_HEAD: Final = struct.Struct(">BBHI")


def message(kind: int, payload: bytes = b"", version: int = VERSION) -> bytes:
    """A whole DoIP message."""
    return _HEAD.pack(version, version ^ 0xFF, kind, len(payload)) + payload


def nack(code: Nack) -> bytes:
    """The generic refusal of a header."""
    return message(Payload.NACK, bytes((code,)))


@dataclass(frozen=True, slots=True)
class Message:
    """One message that came in whole and whose length fits its type."""

    kind: Payload
    payload: bytes


@dataclass(frozen=True, slots=True)
class Refusal:
    """A header that cannot be taken."""

    code: Nack

    @property
    def closes(self) -> bool:
        """Whether nothing after it can be understood, so that a TCP stream ends."""
        return self.code in CLOSING_NACKS


def check_header(data: bytes | bytearray, max_payload: int) -> tuple[int, int] | Refusal:
    """Type and payload length of a header of 8 bytes, or why it is refused (figure 6)."""
    version, inverse, kind, length = _HEAD.unpack_from(data)
    known = version in KNOWN_VERSIONS or (
        version == ANY_VERSION
        and kind in (Payload.IDENTIFY, Payload.IDENTIFY_EID, Payload.IDENTIFY_VIN)
    )
    if version ^ inverse != 0xFF or not known:
        return Refusal(Nack.WRONG_PATTERN)
    if kind not in LENGTHS:
        return Refusal(Nack.UNKNOWN_TYPE)
    if length > max_payload:
        return Refusal(Nack.TOO_LARGE)
    least, most = LENGTHS[kind]
    if not least <= length <= most or (
        kind == Payload.ACTIVATION_REQUEST and length not in (7, 11)
    ):
        return Refusal(Nack.WRONG_LENGTH)
    return kind, length


class StreamReader:
    """Cuts a TCP stream into messages and holds at most one of them.

    What is refused without closing is skipped byte for byte as it comes, so that a length of 4 GiB costs
    no memory.
    """

    def __init__(self, max_payload: int) -> None:
        if not 0 < max_payload <= MAX_PAYLOAD:
            raise ValueError(f"found {max_payload}, expected 1 to {MAX_PAYLOAD}")
        self._max_payload = max_payload
        self._buffer = bytearray()
        self._skip = 0
        self._dead = False

    @property
    def held(self) -> int:
        """Bytes that wait for the rest of their message."""
        return len(self._buffer)

    def feed(self, data: bytes) -> Iterator[Message | Refusal]:
        """Take what came; gives what is whole by now. After a closing refusal nothing comes any more."""
        if self._skip:
            skipped = min(self._skip, len(data))
            self._skip -= skipped
            data = data[skipped:]
        if self._dead or not data:
            return
        self._buffer += data
        at = 0
        try:
            while len(self._buffer) - at >= HEADER:
                found = check_header(
                    memoryview(self._buffer)[at : at + HEADER].tobytes(), self._max_payload
                )
                if isinstance(found, Refusal):
                    if found.closes:
                        self._dead = True
                        at = len(self._buffer)
                    else:
                        at = self._skip_payload(at)
                    yield found
                    continue
                kind, length = found
                end = at + HEADER + length
                if len(self._buffer) < end:
                    return
                payload = bytes(self._buffer[at + HEADER : end])
                at = end
                yield Message(Payload(kind), payload)
        finally:
            del self._buffer[:at]

    def _skip_payload(self, at: int) -> int:
        length = int.from_bytes(self._buffer[at + 4 : at + HEADER], "big")
        end = min(at + HEADER + length, len(self._buffer))
        self._skip = at + HEADER + length - end
        return end


def read_datagram(data: bytes, max_payload: int) -> Message | Refusal:
    """The one message of a UDP datagram; trailing or missing bytes are a wrong length."""
    if len(data) < HEADER:
        return Refusal(Nack.WRONG_PATTERN)
    found = check_header(data[:HEADER], max_payload)
    if isinstance(found, Refusal):
        return found
    kind, length = found
    if len(data) != HEADER + length:
        return Refusal(Nack.WRONG_LENGTH)
    return Message(Payload(kind), data[HEADER:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """Who an entity is (table 5). `further_action` 0: none is needed."""

    vin: bytes
    address: int
    eid: bytes
    gid: bytes
    further_action: int = 0
    synchronised: int = 0

    def pack(self) -> bytes:
        """The payload; the VIN is cut or filled with zeros to 17 bytes."""
        head = self.vin[:17].ljust(17, b"\0") + struct.pack(">H", self.address)
        return head + self.eid + self.gid + bytes((self.further_action, self.synchronised))

    @classmethod
    def unpack(cls, payload: bytes) -> Announcement:
        """Read a payload.

        Raises:
            InputError: it is not 32 or 33 bytes long.
        """
        if len(payload) not in (32, 33):
            raise InputError(f"found {len(payload)} bytes, expected an announcement of 32 or 33")
        return cls(
            vin=payload[:17],
            address=int.from_bytes(payload[17:19], "big"),
            eid=payload[19:25],
            gid=payload[25:31],
            further_action=payload[31],
            synchronised=payload[32] if len(payload) == 33 else 0,
        )


def activation_request(source: int, kind: int = 0) -> bytes:
    """A whole routing activation request (table 46)."""
    return message(Payload.ACTIVATION_REQUEST, struct.pack(">HBI", source, kind, 0))


def activation_response(tester: int, entity: int, code: Activation) -> bytes:
    """A whole routing activation response (table 48)."""
    return message(Payload.ACTIVATION_RESPONSE, struct.pack(">HHBI", tester, entity, code, 0))


_DIAGNOSTIC_HEAD: Final = struct.Struct(">BBHIHH")


def diagnostic(source: int, target: int, data: bytes) -> bytes:
    """A whole diagnostic message (table 21)."""
    head = _DIAGNOSTIC_HEAD.pack(
        VERSION, VERSION ^ 0xFF, Payload.DIAGNOSTIC, 4 + len(data), source, target
    )
    return head + data


def diagnostic_ack(source: int, target: int) -> bytes:
    """A whole positive acknowledgement: the message was handed to its target (table 23)."""
    return message(Payload.DIAGNOSTIC_ACK, struct.pack(">HHB", source, target, 0))


def diagnostic_nack(source: int, target: int, code: DiagnosticNack) -> bytes:
    """A whole negative acknowledgement (table 26)."""
    return message(Payload.DIAGNOSTIC_NACK, struct.pack(">HHB", source, target, code))


def entity_status(max_sockets: int, open_sockets: int, max_payload: int) -> bytes:
    """A whole entity status response of a gateway (table 11)."""
    payload = struct.pack(">BBBI", 0, max_sockets, open_sockets, max_payload)
    return message(Payload.STATUS_RESPONSE, payload)


def power_mode(*, ready: bool) -> bytes:
    """A whole answer to the question for the diagnostic power mode (table 9)."""
    return message(Payload.POWER_RESPONSE, bytes((1 if ready else 0,)))
