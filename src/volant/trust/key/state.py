"""What a car and a phone keep when they are switched off, as frozen values with one written form.

    VKCS 1 | MessagePack      a car's
    VKPS 1 | MessagePack      a phone's

Both hold private keys: who can read the file is the car, or the phone. On real hardware the secret is a handle to a
secure element; everything else stays the same. No `repr` tells a secret.
"""

from __future__ import annotations

from typing import Annotated, Final, Self, TypeVar

import msgspec
from msgspec import Meta

from volant.core.errors import InputError
from volant.trust.key import crypto
from volant.trust.key.blobs import BLOB_MOST_BYTES, HASH_BYTES, Certificate, Receipt, RevocationList
from volant.trust.key.codes import (
    CHAIN_MOST,
    ID_BYTES,
    KEYS_MOST,
    NAME_MOST_BYTES,
    OWNERS_MOST,
    PUBLIC_BYTES,
    SECRET_BYTES,
    SESSION_BYTES,
    SHARES_MOST,
    KeyRefusedError,
)
from volant.trust.key.roles import Role

STATE_MOST_BYTES: Final = 1 << 20
_CAR_MAGIC: Final = b"VKCS\x01"
_PHONE_MAGIC: Final = b"VKPS\x01"
CARS_MOST: Final = 32

Id = Annotated[bytes, Meta(min_length=ID_BYTES, max_length=ID_BYTES)]
Point = Annotated[bytes, Meta(min_length=PUBLIC_BYTES, max_length=PUBLIC_BYTES)]
Secret = Annotated[bytes, Meta(min_length=SECRET_BYTES, max_length=SECRET_BYTES)]
Session = Annotated[bytes, Meta(min_length=SESSION_BYTES, max_length=SESSION_BYTES)]
Hash = Annotated[bytes, Meta(min_length=HASH_BYTES, max_length=HASH_BYTES)]
Blob = Annotated[bytes, Meta(max_length=BLOB_MOST_BYTES)]
Name = Annotated[str, Meta(max_length=NAME_MOST_BYTES)]
Count = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
Chain = Annotated[tuple[Blob, ...], Meta(max_length=CHAIN_MOST)]
Lists = Annotated[tuple[Blob, ...], Meta(max_length=OWNERS_MOST)]


_Kept = TypeVar("_Kept")


def _read(data: bytes, magic: bytes, kind: type[_Kept]) -> _Kept:
    if len(data) > STATE_MOST_BYTES or not data.startswith(magic):
        raise InputError(f"no state of a key: {len(data)} bytes, beginning with {data[:5].hex()}")
    try:
        return msgspec.msgpack.decode(data[len(magic) :], type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"no state of a key: {error}") from error


class KeyEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key that the car knows."""

    public: Point
    role: Role
    name: Name = ""
    chain: Chain = ()
    """Certificates, the owner's first; empty for a key that was paired at the car."""

    @property
    def key_id(self) -> bytes:
        """Its name."""
        return crypto.key_id(self.public)


class ShareEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the car remembers of a share."""

    share_id: Id
    spent: Count = 0
    """Uses."""
    lease_issuer: Annotated[bytes, Meta(max_length=ID_BYTES)] = b""
    lease_issued_s: Count = 0
    lease_until_s: Count = 0
    forget_s: Count
    """From here on nothing of it matters."""


class SessionEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a fast command grows from."""

    session_id: Session
    key_id: Id
    resume: Secret

    def __repr__(self) -> str:
        return f"SessionEntry({self.key_id.hex()})"


class CarState(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A car's."""

    secret: Secret
    recovery: Hash
    """SHA-256 of the code on the card that came with the car; who has the card and the car may set it back."""
    generation: Count = 0
    """Rises with every change of who is believed; the same count is kept where it cannot be set back."""
    keys: Annotated[tuple[KeyEntry, ...], Meta(max_length=KEYS_MOST)] = ()
    removed: Annotated[tuple[Id, ...], Meta(max_length=SHARES_MOST)] = ()
    """Keys that were taken off here; a certificate does not bring them back."""
    lists: Lists = ()
    """The newest list of each owner."""
    shares: Annotated[tuple[ShareEntry, ...], Meta(max_length=SHARES_MOST)] = ()
    sessions: Annotated[tuple[SessionEntry, ...], Meta(max_length=KEYS_MOST)] = ()
    log_count: Count = 0
    log_head: Hash = bytes(HASH_BYTES)
    clock_s: Count = 0
    """The latest time at which a key was used. A clock that shows much less was set back."""

    def __repr__(self) -> str:
        return f"CarState(generation={self.generation}, keys={len(self.keys)})"

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """What `to_bytes` gave.

        Raises:
            InputError: it is something else, or breaks a bound.
        """
        found = _read(data, _CAR_MAGIC, cls)
        try:
            for blob in found.lists:
                RevocationList.read(blob)
            for entry in found.keys:
                crypto.point(entry.public)
                for blob in entry.chain:
                    Certificate.read(blob)
            crypto.private_key(found.secret)
        except (KeyRefusedError, ValueError) as error:
            raise InputError(f"no state of a car: {error}") from error
        return found

    def to_bytes(self) -> bytes:
        """For a file."""
        return _CAR_MAGIC + msgspec.msgpack.encode(self)


class PhoneCar(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One car that a phone has a key of."""

    car_public: Point
    role: Role
    name: Name = ""
    chain: Chain = ()
    owners: Annotated[tuple[Point, ...], Meta(max_length=OWNERS_MOST)] = ()
    """Whose lists and leases this phone carries: the owner who shared the car, or itself."""
    session_id: Annotated[bytes, Meta(max_length=SESSION_BYTES)] = b""
    resume: Annotated[bytes, Meta(max_length=SECRET_BYTES)] = b""
    counter: Annotated[int, Meta(ge=0, le=0xFFFFFFFF)] = 0
    """The highest that was used in this session; never used again, whatever the car's boot."""
    lists: Lists = ()
    """The newest list of revoked keys of each owner that this phone has seen."""
    confirmed: Annotated[tuple[Blob, ...], Meta(max_length=OWNERS_MOST)] = ()
    """The car's receipts for lists."""
    leases: Lists = ()
    log_count: Count = 0
    log_head: Hash = bytes(HASH_BYTES)
    """As far as the log was checked."""
    said_count: Count = 0
    said_head: Hash = bytes(HASH_BYTES)
    """The longest log that the car has spoken of."""

    def __repr__(self) -> str:
        return f"PhoneCar({self.car_id.hex()}, {self.role.name})"

    @property
    def car_id(self) -> bytes:
        """Its name."""
        return crypto.key_id(self.car_public)


class PhoneState(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A phone's."""

    secret: Secret
    name: Name = ""
    cars: Annotated[tuple[PhoneCar, ...], Meta(max_length=CARS_MOST)] = ()

    def __repr__(self) -> str:
        return f"PhoneState({self.name!r}, cars={len(self.cars)})"

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """What `to_bytes` gave.

        Raises:
            InputError: it is something else, or breaks a bound.
        """
        found = _read(data, _PHONE_MAGIC, cls)
        try:
            crypto.private_key(found.secret)
            for car in found.cars:
                crypto.point(car.car_public)
                for blob in car.lists:
                    RevocationList.read(blob)
                for blob in car.confirmed:
                    Receipt.read(blob)
        except (KeyRefusedError, ValueError) as error:
            raise InputError(f"no state of a phone: {error}") from error
        return found

    def to_bytes(self) -> bytes:
        """For a file."""
        return _PHONE_MAGIC + msgspec.msgpack.encode(self)

    @property
    def public(self) -> bytes:
        """The phone's own point."""
        return crypto.public_of(crypto.private_key(self.secret))

    def car(self, car_id: bytes) -> PhoneCar:
        """What it knows of a car.

        Raises:
            InputError: nothing.
        """
        for one in self.cars:
            if one.car_id == car_id:
                return one
        raise InputError("this phone has no key of that car")

    def with_car(self, car: PhoneCar) -> Self:
        """With a car added, or changed.

        Raises:
            InputError: it has as many as it can hold.
        """
        others = tuple(one for one in self.cars if one.car_public != car.car_public)
        if len(others) >= CARS_MOST:
            raise InputError(f"this phone holds keys of {CARS_MOST} cars and takes no more")
        return msgspec.structs.replace(self, cars=(*others, car))
