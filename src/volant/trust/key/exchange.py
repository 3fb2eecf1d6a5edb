"""The standard exchange: three agreements, one transcript. Both sides' arithmetic, without any decision.

    phone -> car   HELLO   an ephemeral key of the phone
    car -> phone   ANSWER  an ephemeral key of the car; sealed: epoch, clock          (ee, es)
    phone -> car   OPEN    sealed: who; sealed: the request                           (ee, es, then se as well)
    car -> phone   OPENED  sealed: the answer

ee: both ephemeral keys; es: phone's ephemeral, car's static; se: phone's static, car's ephemeral. The order of
messages is that of XK in the Noise framework (rev. 34, 7.5), so who the phone is shows to the true car only; the key
schedule is our own. In pairing the one-time secret enters beside se.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from volant.trust.key import crypto
from volant.trust.key.binary import Reader, counted
from volant.trust.key.capsule import expect, head
from volant.trust.key.codes import (
    CAPSULE_MOST_BYTES,
    EPOCH_BYTES,
    PUBLIC_BYTES,
    SESSION_BYTES,
    SUITE,
    Kind,
)

_NAME: Final = b"volant-key-1"


@dataclass(frozen=True, slots=True)
class Half:
    """After ANSWER: what both sides know before the phone has said who it is."""

    agreed: bytes = field(repr=False)
    """ee and es."""
    transcript: bytes


@dataclass(frozen=True, slots=True)
class Keys:
    """After OPEN."""

    request: bytes = field(repr=False)
    answer: bytes = field(repr=False)
    resume: bytes = field(repr=False)
    """Fast commands grow from it; it is kept by both."""
    session_id: bytes
    transcript: bytes


def begin(car_public: bytes, hello: bytes) -> bytes:
    """Transcript after HELLO: to which car, in which suite, from which ephemeral key."""
    start = crypto.digest(_NAME, bytes([SUITE]), car_public)
    return crypto.digest(start, hello)


def half(transcript: bytes, answer_public: bytes, agreed: bytes) -> Half:
    """What the first two agreements give."""
    return Half(agreed, crypto.digest(transcript, answer_public))


def seal_answer(found: Half, public: bytes, epoch: bytes, boot_ms: int) -> tuple[bytes, Half]:
    """The car's ANSWER."""
    key = crypto.derive(found.agreed, found.transcript, b"answer", 32)
    body = epoch + boot_ms.to_bytes(8, "big")
    sealed = crypto.seal(key, crypto.ZERO_NONCE, body, found.transcript)
    data = head(Kind.ANSWER) + public + sealed
    return data, Half(found.agreed, crypto.digest(found.transcript, sealed))


@dataclass(frozen=True, slots=True)
class Answered:
    """What an ANSWER says, known to be the car's."""

    epoch: bytes
    boot_ms: int
    half: Half
    public: bytes


def read_answer_public(data: bytes) -> bytes:
    """The car's ephemeral key, before anything is known of it."""
    return expect(data, Kind.ANSWER).take(PUBLIC_BYTES)


def unseal_answer(found: Half, data: bytes) -> Answered:
    """What the phone reads.

    Raises:
        KeyRefusedError: the car that is meant did not write it.
    """
    reader = expect(data, Kind.ANSWER)
    public, sealed = reader.take(PUBLIC_BYTES), reader.rest()
    key = crypto.derive(found.agreed, found.transcript, b"answer", 32)
    body = Reader(crypto.unseal(key, crypto.ZERO_NONCE, sealed, found.transcript))
    epoch, boot_ms = body.take(EPOCH_BYTES), body.number(8)
    body.end()
    after = Half(found.agreed, crypto.digest(found.transcript, sealed))
    return Answered(epoch, boot_ms, after, public)


def seal_identity(found: Half, identity: bytes) -> tuple[bytes, bytes]:
    """The first part of OPEN, and the transcript after it."""
    key = crypto.derive(found.agreed, found.transcript, b"identity", 32)
    sealed = crypto.seal(key, crypto.ZERO_NONCE, identity, found.transcript)
    return sealed, crypto.digest(found.transcript, sealed)


def unseal_identity(found: Half, sealed: bytes) -> tuple[bytes, bytes]:
    """The same as the car reads it."""
    key = crypto.derive(found.agreed, found.transcript, b"identity", 32)
    identity = crypto.unseal(key, crypto.ZERO_NONCE, sealed, found.transcript)
    return identity, crypto.digest(found.transcript, sealed)


def finish(agreed: bytes, se: bytes, one_time: bytes, transcript: bytes) -> Keys:
    """All that grows from the three agreements; `one_time` is empty but for pairing."""
    found = crypto.derive(agreed + se + one_time, transcript, b"session", 96 + SESSION_BYTES)
    return Keys(found[:32], found[32:64], found[64:96], found[96:], transcript)


def pack_open(sealed_identity: bytes, sealed_request: bytes) -> bytes:
    """OPEN as it is sent."""
    return head(Kind.OPEN) + counted(sealed_identity) + sealed_request


def read_open(data: bytes) -> tuple[bytes, bytes]:
    """The sealed identity and the sealed request."""
    reader = expect(data, Kind.OPEN)
    return reader.counted(CAPSULE_MOST_BYTES), reader.rest()


def seal_request(keys: Keys, request: bytes) -> bytes:
    """The second part of OPEN."""
    return crypto.seal(keys.request, crypto.ZERO_NONCE, request, keys.transcript)


def unseal_request(keys: Keys, sealed: bytes) -> bytes:
    """The same as the car reads it."""
    return crypto.unseal(keys.request, crypto.ZERO_NONCE, sealed, keys.transcript)


def seal_opened(keys: Keys, sealed_request: bytes, answer: bytes) -> bytes:
    """The car's OPENED, bound to the very request that it answers."""
    bound = crypto.digest(keys.transcript, sealed_request)
    return head(Kind.OPENED) + crypto.seal(keys.answer, crypto.ZERO_NONCE, answer, bound)


def unseal_opened(keys: Keys, sealed_request: bytes, data: bytes) -> bytes:
    """What the phone reads."""
    bound = crypto.digest(keys.transcript, sealed_request)
    return crypto.unseal(keys.answer, crypto.ZERO_NONCE, expect(data, Kind.OPENED).rest(), bound)


@dataclass(frozen=True, slots=True)
class FastKeys:
    """Keys of a session in one boot of the car."""

    to_car: bytes = field(repr=False)
    to_phone: bytes = field(repr=False)


def fast_keys(resume: bytes, epoch: bytes) -> FastKeys:
    """A new boot has new keys, so what was sealed before it opens nothing."""
    found = crypto.derive(resume, epoch, b"fast", 64)
    return FastKeys(found[:32], found[32:])


def nonce(kind: Kind, counter: int) -> bytes:
    """Of a fast capsule or of its answer: each counter is used once in each direction."""
    return bytes([kind]) + bytes(7) + counter.to_bytes(4, "big")


def bound_fast(opening: bytes, car_id: bytes, epoch: bytes, car_nonce: bytes) -> bytes:
    """What a fast capsule is bound to; `car_nonce` is empty of a remote one."""
    return opening + car_id + epoch + car_nonce


def bound_reply(opening: bytes, car_id: bytes, request: bytes) -> bytes:
    """What its answer is bound to: the whole capsule that it answers."""
    return opening + car_id + crypto.digest(request)
