"""The capsules as bytes: what is on the air, before anything is decrypted, and what stands inside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from volant.trust.key.binary import Reader, counted, number
from volant.trust.key.blobs import BLOB_MOST_BYTES, HASH_BYTES
from volant.trust.key.codes import (
    ARGUMENT_MOST_BYTES,
    ATTACHED_MOST,
    CAPSULE_MOST_BYTES,
    DATA_MOST_BYTES,
    EPOCH_BYTES,
    NEVER_VERIFIED_S,
    NONCE_BYTES,
    PUBLIC_BYTES,
    SESSION_BYTES,
    SUITE,
    VERSION,
    Code,
    KeyRefusedError,
    Kind,
)
from volant.trust.key.roles import Action

_TAPPED: Final = 1
TAKEN_MOST: Final = ATTACHED_MOST + 2
"""Something taken on or off by the command itself, and what was attached."""


def head(kind: Kind) -> bytes:
    """The two bytes that every capsule begins with."""
    return bytes((VERSION, kind))


def kind_of(data: bytes) -> Kind:
    """What a capsule says it is.

    Raises:
        KeyRefusedError: too long, of another version, or of no known kind.
    """
    if not 2 <= len(data) <= CAPSULE_MOST_BYTES:
        raise KeyRefusedError(Code.MALFORMED)
    if data[0] != VERSION:
        raise KeyRefusedError(Code.VERSION)
    try:
        return Kind(data[1])
    except ValueError as error:
        raise KeyRefusedError(Code.KIND) from error


def expect(data: bytes, kind: Kind) -> Reader:
    """A reader behind the head of a capsule of one kind.

    Raises:
        KeyRefusedError: it is another one; where it is a refusal, its code.
    """
    found = kind_of(data)
    if found is Kind.REFUSED and len(data) == 3 and data[2] in Code.__members__.values():
        raise KeyRefusedError(Code(data[2]))
    if found is not kind:
        raise KeyRefusedError(Code.KIND)
    return Reader(data[2:])


def hello(public: bytes) -> bytes:
    """Phone to car: an ephemeral key."""
    return head(Kind.HELLO) + number(SUITE, 1) + public


def read_hello(data: bytes) -> bytes:
    """Its ephemeral key."""
    reader = expect(data, Kind.HELLO)
    if reader.number(1) != SUITE:
        raise KeyRefusedError(Code.VERSION)
    public = reader.take(PUBLIC_BYTES)
    reader.end()
    return public


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a phone needs for a fast command beside the car; nothing in it is secret, and nothing is believed."""

    epoch: bytes
    nonce: bytes


def greet(greeting: Greeting) -> bytes:
    """Car to phone."""
    return head(Kind.GREET) + greeting.epoch + greeting.nonce


def read_greet(data: bytes) -> Greeting:
    """What `greet` wrote."""
    reader = expect(data, Kind.GREET)
    found = Greeting(reader.take(EPOCH_BYTES), reader.take(NONCE_BYTES))
    reader.end()
    return found


def refusal(code: Code) -> bytes:
    """Car to somebody who has shown no key: why not. Unsealed, so a phone takes it as a hint."""
    return head(Kind.REFUSED) + number(code, 1)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A fast capsule or its answer: `opening` is what is bound and in clear, `body` what is sealed."""

    session_id: bytes
    counter: int
    expiry_ms: int
    """Of a remote command, on the car's clock since boot; 0 of others."""
    opening: bytes
    body: bytes


def opening(kind: Kind, session_id: bytes, counter: int, expiry_ms: int = 0) -> bytes:
    """The clear part of a fast capsule."""
    expiry = number(expiry_ms, 8) if kind is Kind.REMOTE else b""
    return head(kind) + session_id + number(counter, 4) + expiry


def read_sealed(data: bytes, kind: Kind) -> Sealed:
    """The parts of a fast capsule."""
    reader = expect(data, kind)
    session_id, counter = reader.take(SESSION_BYTES), reader.number(4)
    expiry_ms = reader.number(8) if kind is Kind.REMOTE else 0
    body = reader.rest()
    return Sealed(session_id, counter, expiry_ms, data[: len(data) - len(body)], body)


@dataclass(frozen=True, slots=True)
class Request:
    """What a phone asks for, inside the seal."""

    action: Action
    tapped: bool = True
    """Its person asked for it just now; not so for opening by walking up."""
    verified_s: int = NEVER_VERIFIED_S
    """Seconds since the phone last checked its person; 255: never or long ago."""
    argument: bytes = b""
    attached: tuple[bytes, ...] = ()
    """Lists of revoked keys and leases that are handed over."""

    def pack(self) -> bytes:
        """Its bytes."""
        return b"".join((
            number(self.action, 2), number(_TAPPED if self.tapped else 0, 1),
            number(self.verified_s, 1), counted(self.argument), number(len(self.attached), 1),
            *(counted(one) for one in self.attached),
        ))  # fmt: skip

    @classmethod
    def read(cls, data: bytes) -> Request:
        """What `pack` wrote.

        Raises:
            KeyRefusedError: malformed.
        """
        reader = Reader(data)
        try:
            action = Action(reader.number(2))
        except ValueError as error:
            raise KeyRefusedError(Code.MALFORMED) from error
        flags, verified_s = reader.few(_TAPPED), reader.number(1)
        argument = reader.counted(ARGUMENT_MOST_BYTES)
        attached = tuple(reader.counted(BLOB_MOST_BYTES) for _ in range(reader.few(ATTACHED_MOST)))
        reader.end()
        return cls(action, flags == _TAPPED, verified_s, argument, attached)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of something attached: a code, and a receipt where it is in force."""

    code: Code
    receipt: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the car says to a key that it knows, inside the seal."""

    code: Code
    boot_ms: int
    """The car's clock since boot."""
    log_count: int
    log_head: bytes
    taken: tuple[Taken, ...] = ()
    data: bytes = b""

    def pack(self) -> bytes:
        """Its bytes."""
        return b"".join((
            number(self.code, 1), number(self.boot_ms, 8), number(self.log_count, 8),
            self.log_head, number(len(self.taken), 1),
            *(number(one.code, 1) + counted(one.receipt) for one in self.taken),
            counted(self.data),
        ))  # fmt: skip

    @classmethod
    def read(cls, data: bytes) -> Answer:
        """What `pack` wrote.

        Raises:
            KeyRefusedError: malformed.
        """
        reader = Reader(data)
        code, boot_ms, log_count = _code(reader), reader.number(8), reader.number(8)
        log_head = reader.take(HASH_BYTES)
        taken = tuple(
            Taken(_code(reader), reader.counted(BLOB_MOST_BYTES))
            for _ in range(reader.few(TAKEN_MOST))
        )
        found = reader.counted(DATA_MOST_BYTES)
        reader.end()
        return cls(code, boot_ms, log_count, log_head, taken, found)


def _code(reader: Reader) -> Code:
    try:
        return Code(reader.number(1))
    except ValueError as error:
        raise KeyRefusedError(Code.MALFORMED) from error
