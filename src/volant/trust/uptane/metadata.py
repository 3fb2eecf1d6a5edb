"""TUF metadata (tuf's classes) read strictly: bounded, no name twice, signed by unique keys; and who may sign.

Nothing here is believed yet: `trusted.py` holds the rules of what may follow what.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Generic, TypeVar

from securesystemslib.exceptions import FormatError, UnverifiedSignatureError, VerificationError
from securesystemslib.signer import Key, Signature
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, MetaFile, Root, Signed, TargetFile, Targets
from tuf.api.serialization import DeserializationError, SerializationError

from volant.trust.uptane.verdict import Attack, RejectedError

ROOT: Final = "root"
TIMESTAMP: Final = "timestamp"
SNAPSHOT: Final = "snapshot"
TARGETS: Final = "targets"
TOP_LEVEL: Final = (ROOT, TIMESTAMP, SNAPSHOT, TARGETS)
LAST_S: Final = 253_402_300_799
"""End of the year 9999, beyond which metadata cannot say when they expire."""
MALFORMED: Final = (
    ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError,
    FormatError, DeserializationError, SerializationError, RepositoryError,
)  # fmt: skip

SignedT = TypeVar("SignedT", bound=Signed)


@dataclass(frozen=True, slots=True)
class Parsed(Generic[SignedT]):
    """Metadata as it came, with the bytes that its signatures are over."""

    data: bytes
    signed: SignedT
    payload: bytes
    signatures: Mapping[str, Signature]


def unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose names are unique: of two equal ones two readers may believe different ones.

    Raises:
        ValueError: a name comes twice.
    """
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name comes twice in one object")
    return found


def parse(kind: type[SignedT], data: bytes, *, repository: str, role: str) -> Parsed[SignedT]:
    """Read metadata of one kind.

    Raises:
        RejectedError: it is something else.
    """
    try:
        found: Metadata[Any] = Metadata.from_dict(json.loads(data, object_pairs_hook=unique_pairs))
        if found.signed.type != kind.type:
            raise ValueError(f"found {found.signed.type!r}, expected {kind.type!r}")
        return Parsed(data, found.signed, found.signed_bytes, found.signatures)
    except MALFORMED as error:
        raise RejectedError(
            Attack.ARBITRARY, f"no metadata: {error}", repository=repository, role=role
        ) from error


def is_signed(delegator: Root | Targets, role: str, found: Parsed[SignedT]) -> bool:
    """Whether a threshold of unique keys vouches for metadata, as its delegator demands.

    The same key under two ids counts once (Uptane 2.1, 5.4.4.3: *unique* keys).
    """
    try:
        entry = delegator.get_delegated_role(role)
    except ValueError:
        return False
    unique: set[tuple[str, str]] = set()
    for keyid in entry.keyids:
        signature = found.signatures.get(keyid)
        if signature is None:
            continue
        try:
            key = delegator.get_key(keyid)
            key.verify_signature(signature, found.payload)
        except (UnverifiedSignatureError, VerificationError, *MALFORMED):
            continue
        unique.add(_identity(key))
        if len(unique) >= entry.threshold:
            return True
    return False


def _identity(key: Key) -> tuple[str, str]:
    """What makes two keys the same whatever their ids and the case of their hex digits."""
    public = str(key.keyval.get("public", ""))
    words = "".join(public.split())
    return key.keytype, words.lower() if key.keytype == "ed25519" else words


def is_expired(signed: Signed, now_s: float) -> bool:
    """Whether it is past its time, by a time (Unix, UTC) that the caller has from a source it trusts."""
    return signed.is_expired(datetime.fromtimestamp(min(now_s, LAST_S), UTC))


def fits(meta: MetaFile | TargetFile, data: bytes) -> bool:
    """Whether bytes have the length and all hashes that are listed."""
    try:
        meta.verify_length_and_hashes(data)
    except MALFORMED:
        return False
    return True
