"""What is signed and carried by anybody: certificates, lists of revoked keys, leases, and the car's receipts.

Each is a fixed layout with a magic of its own, then 64 bytes of signature over all before. Who reads one checks
its shape only; `check` says whether a key has signed it. What is believed of it is decided in `car` and `phone`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final, Protocol, Self

from volant.trust.key import crypto
from volant.trust.key.binary import Reader, counted, number, signed
from volant.trust.key.codes import (
    ID_BYTES,
    LEASE_MOST_S,
    PUBLIC_BYTES,
    REVOKED_MOST,
    Code,
    KeyRefusedError,
)
from volant.trust.key.limits import LATITUDE_MOST_E7, LONGITUDE_MOST_E7, Area, Limits, Place
from volant.trust.key.roles import Role

HASH_BYTES: Final = 32
BLOB_MOST_BYTES: Final = 4 + 2 * ID_BYTES + 8 + 8 + 2 + REVOKED_MOST * ID_BYTES + 64


class _Signed(Protocol):
    @property
    def signature(self) -> bytes:
        """64 bytes."""

    def body(self) -> bytes:
        """What is signed."""


def pack(blob: _Signed) -> bytes:
    """Its bytes as they are carried."""
    return blob.body() + blob.signature


def check(blob: _Signed, public: bytes) -> None:
    """Let a blob pass that this key has signed.

    Raises:
        KeyRefusedError: it is not so signed.
    """
    crypto.verify(public, blob.body(), blob.signature)


def _begin(data: bytes, magic: bytes) -> Reader:
    reader = Reader(data)
    if len(data) > BLOB_MOST_BYTES or reader.take(4) != magic:
        raise KeyRefusedError(Code.MALFORMED)
    return reader


def _finish(reader: Reader) -> bytes:
    signature = reader.take(crypto.SIGNATURE_BYTES)
    reader.end()
    return signature


@dataclass(frozen=True, slots=True)
class Certificate:
    """A share: whose key it is, what it may do, and how it is limited. The car needs no network to believe it."""

    car_id: bytes
    issuer: bytes
    """Key id of an owner, or of the subject of the certificate before it."""
    share_id: bytes
    subject: bytes
    """Public point of the friend's key."""
    role: Role
    depth: int
    """How often it may be passed on."""
    list_version: int
    """The owner's list of revoked keys that the car must have seen."""
    limits: Limits
    signature: bytes = bytes(64)

    MAGIC = b"VKC1"

    def body(self) -> bytes:
        """What is signed."""
        limits, area = self.limits, self.limits.area
        place = area.centre if area else Place(0, 0)
        return b"".join((
            self.MAGIC, self.car_id, self.issuer, self.share_id, self.subject,
            number(self.role, 1), number(self.depth, 1), number(self.list_version, 8),
            number(limits.not_before_s, 8), number(limits.not_after_s, 8),
            number(limits.lease_s, 4), number(limits.uses, 2), number(limits.speed_most_dmps, 2),
            signed(place.latitude_e7), signed(place.longitude_e7),
            number(area.radius_m if area else 0, 4),
        ))  # fmt: skip

    def signed_by(self, key: crypto.PrivateKey) -> Self:
        """The same with a signature."""
        return replace(self, signature=crypto.sign(key, self.body()))

    @classmethod
    def read(cls, data: bytes) -> Self:
        """The certificate that bytes hold; its signature is not checked.

        Raises:
            KeyRefusedError: malformed.
        """
        reader = _begin(data, cls.MAGIC)
        car_id, issuer, share_id = (reader.take(ID_BYTES) for _ in range(3))
        subject = reader.take(PUBLIC_BYTES)
        try:
            role = Role(reader.number(1))
        except ValueError as error:
            raise KeyRefusedError(Code.MALFORMED) from error
        depth, list_version = reader.number(1), reader.number(8)
        not_before_s, not_after_s = reader.number(8), reader.number(8)
        lease_s, uses, speed_dmps = reader.few(LEASE_MOST_S, 4), reader.number(2), reader.number(2)
        area = _area(reader.signed(), reader.signed(), reader.number(4))
        limits = Limits(not_before_s, not_after_s, uses, speed_dmps, area, lease_s)
        return cls(
            car_id, issuer, share_id, subject, role, depth, list_version, limits, _finish(reader)
        )


def _area(latitude_e7: int, longitude_e7: int, radius_m: int) -> Area | None:
    """The circle, or none where the radius is 0; a place for none would be a second writing of the same."""
    bad = abs(latitude_e7) > LATITUDE_MOST_E7 or abs(longitude_e7) > LONGITUDE_MOST_E7
    if bad or (radius_m == 0 and (latitude_e7 or longitude_e7)):
        raise KeyRefusedError(Code.MALFORMED)
    return Area(Place(latitude_e7, longitude_e7), radius_m) if radius_m else None


@dataclass(frozen=True, slots=True)
class RevocationList:
    """Key ids and share ids that an owner no longer wants. The newest of each owner counts, and it only grows older."""

    car_id: bytes
    issuer: bytes
    version: int
    issued_s: int
    """Seconds since 1970 by the owner's phone, 0 where it has no clock."""
    revoked: tuple[bytes, ...]
    signature: bytes = bytes(64)

    MAGIC = b"VKL1"

    def body(self) -> bytes:
        """What is signed."""
        return b"".join((
            self.MAGIC, self.car_id, self.issuer, number(self.version, 8),
            number(self.issued_s, 8), number(len(self.revoked), 2), *self.revoked,
        ))  # fmt: skip

    def signed_by(self, key: crypto.PrivateKey) -> Self:
        """The same with a signature."""
        return replace(self, signature=crypto.sign(key, self.body()))

    @classmethod
    def read(cls, data: bytes) -> Self:
        """The list that bytes hold; its signature is not checked.

        Raises:
            KeyRefusedError: malformed.
        """
        reader = _begin(data, cls.MAGIC)
        car_id, issuer = reader.take(ID_BYTES), reader.take(ID_BYTES)
        version, issued_s = reader.number(8), reader.number(8)
        count = reader.few(REVOKED_MOST, 2)
        revoked = tuple(reader.take(ID_BYTES) for _ in range(count))
        return cls(car_id, issuer, version, issued_s, revoked, _finish(reader))


@dataclass(frozen=True, slots=True)
class Lease:
    """The owner lets a share live on until a time."""

    car_id: bytes
    issuer: bytes
    share_id: bytes
    issued_s: int
    until_s: int
    signature: bytes = bytes(64)

    MAGIC = b"VKS1"

    def body(self) -> bytes:
        """What is signed."""
        return b"".join((
            self.MAGIC, self.car_id, self.issuer, self.share_id,
            number(self.issued_s, 8), number(self.until_s, 8),
        ))  # fmt: skip

    def signed_by(self, key: crypto.PrivateKey) -> Self:
        """The same with a signature."""
        return replace(self, signature=crypto.sign(key, self.body()))

    @classmethod
    def read(cls, data: bytes) -> Self:
        """The lease that bytes hold; its signature is not checked.

        Raises:
            KeyRefusedError: malformed, or longer than any lease may be.
        """
        reader = _begin(data, cls.MAGIC)
        car_id, issuer, share_id = (reader.take(ID_BYTES) for _ in range(3))
        issued_s, until_s = reader.number(8), reader.number(8)
        if not issued_s <= until_s <= issued_s + LEASE_MOST_S:
            raise KeyRefusedError(Code.MALFORMED)
        return cls(car_id, issuer, share_id, issued_s, until_s, _finish(reader))


class Proof(IntEnum):
    """What a receipt is for."""

    LIST = 1
    """The list of `subject` is in force at `version`."""
    LEASE = 2
    """The share `subject` lives on until `version`, seconds since 1970."""
    REMOVED = 3
    """The key `subject` was taken off."""
    PAIRED = 4
    """The key `subject` was taken on, with the role `version`."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The car's signed word on what it took over: this is what 'confirmed by the car' means to an owner far away."""

    car_id: bytes
    proof: Proof
    subject: bytes
    version: int
    log_count: int
    log_head: bytes
    signature: bytes = bytes(64)

    MAGIC = b"VKR1"

    def body(self) -> bytes:
        """What is signed."""
        return b"".join((
            self.MAGIC, self.car_id, number(self.proof, 1), self.subject,
            number(self.version, 8), number(self.log_count, 8), self.log_head,
        ))  # fmt: skip

    def signed_by(self, key: crypto.PrivateKey) -> Self:
        """The same with a signature."""
        return replace(self, signature=crypto.sign(key, self.body()))

    @classmethod
    def read(cls, data: bytes) -> Self:
        """The receipt that bytes hold; its signature is not checked.

        Raises:
            KeyRefusedError: malformed.
        """
        reader = _begin(data, cls.MAGIC)
        car_id = reader.take(ID_BYTES)
        try:
            proof = Proof(reader.number(1))
        except ValueError as error:
            raise KeyRefusedError(Code.MALFORMED) from error
        subject, version, log_count = reader.take(ID_BYTES), reader.number(8), reader.number(8)
        return cls(
            car_id, proof, subject, version, log_count, reader.take(HASH_BYTES), _finish(reader)
        )


def pack_chain(chain: tuple[bytes, ...]) -> bytes:
    """Certificates behind each other, as they are shown to the car."""
    return number(len(chain), 1) + b"".join(counted(one) for one in chain)
