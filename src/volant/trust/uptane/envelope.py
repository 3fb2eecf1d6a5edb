"""Signed statements that are not TUF metadata: DSSE envelopes (secure-systems-lab/dsse 1.0) with Ed25519 keys.

The signature is over the bytes as they are and over their kind, so that nothing has to be written canonically and a
statement of one kind is never taken for another.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Final, TypeVar

import msgspec
from msgspec import Meta

from volant.core.errors import InputError, TrustError
from volant.trust.keys import PublicKey, SigningKey

SIGNATURES_MOST: Final = 8
T = TypeVar("T")


class Sig(msgspec.Struct, frozen=True, kw_only=True):
    """One signature of an envelope."""

    keyid: Annotated[str, Meta(max_length=128)] = ""
    """A hint, not a proof."""
    sig: Annotated[str, Meta(max_length=128)]
    """Base64."""


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """A statement with whoever vouches for it."""

    payload: str
    """Base64."""
    payload_type: Annotated[str, Meta(max_length=128)] = msgspec.field(name="payloadType")
    signatures: Annotated[tuple[Sig, ...], Meta(min_length=1, max_length=SIGNATURES_MOST)]


def seal(statement: msgspec.Struct, kind: str, key: SigningKey) -> bytes:
    """Write a statement down and sign it."""
    payload = msgspec.json.encode(statement)
    signature = Sig(keyid=key.public.key_id, sig=_to_text(key.sign(_signed_bytes(kind, payload))))
    envelope = Envelope(payload=_to_text(payload), payload_type=kind, signatures=(signature,))
    return msgspec.json.encode(envelope)


def unseal(data: bytes, statement: type[T], kind: str, key: PublicKey, most_bytes: int) -> T:
    """The statement that the holder of a key has signed.

    Raises:
        InputError: no envelope of this kind.
        TrustError: signed by somebody else.
    """
    if len(data) > most_bytes:
        raise InputError(f"{len(data)} bytes of {kind}, at most {most_bytes}")
    try:
        envelope = msgspec.json.decode(data, type=Envelope)
        payload = _from_text(envelope.payload)
        signatures = [_from_text(one.sig) for one in envelope.signatures]
    except (msgspec.MsgspecError, UnicodeDecodeError, binascii.Error, ValueError) as error:
        raise InputError(f"no envelope: {error}") from error
    if envelope.payload_type != kind:
        raise InputError(f"found {envelope.payload_type!r}, expected {kind!r}")
    signed = _signed_bytes(kind, payload)
    if not any(_is_from(key, signed, one) for one in signatures[:-1]):
        key.check(signed, signatures[-1])
    try:
        return msgspec.json.decode(payload, type=statement)
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
        raise InputError(f"signed, and yet no {kind}: {error}") from error


def _is_from(key: PublicKey, signed: bytes, signature: bytes) -> bool:
    try:
        key.check(signed, signature)
    except TrustError:
        return False
    return True


def _signed_bytes(kind: str, payload: bytes) -> bytes:
    """The pre-authentication encoding of DSSE 1.0."""
    name = kind.encode()
    return b"DSSEv1 %d %b %d %b" % (len(name), name, len(payload), payload)


def _to_text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _from_text(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
