"""Which control units a car has: the director's book, and the primary's own (Uptane 2.1, 5.3.2.2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Self

import msgspec
from msgspec import Meta

from volant.core.errors import InputError
from volant.trust.keys import PublicKey
from volant.trust.uptane.custom import NAME_MOST, Counter, Word

ECUS_MOST = 1024
INVENTORY_MOST_BYTES = 1 << 20


class EcuEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One control unit."""

    ecu_id: Word
    """Serial number: unique in the world."""
    hardware_id: Word
    key: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    """Ed25519 public key in hex, with which its reports are checked."""
    primary: bool = False
    partial: bool = False
    """It checks only the director's targets."""

    @property
    def public(self) -> PublicKey:
        """The key itself."""
        return PublicKey.from_hex(self.key)


class Inventory(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All control units of one car."""

    vehicle_id: Word
    """VIN, or what stands for it."""
    model: Annotated[str, Meta(max_length=NAME_MOST)] = ""
    """Of a Volant car; empty: it was not told."""
    ecus: Annotated[tuple[EcuEntry, ...], Meta(min_length=1, max_length=ECUS_MOST)]

    def __post_init__(self) -> None:
        if len({one.ecu_id for one in self.ecus}) != len(self.ecus):
            raise ValueError("a control unit stands in it twice")
        if sum(one.primary for one in self.ecus) != 1:
            raise ValueError("one control unit is the primary, not none and not two")
        if any(one.primary and one.partial for one in self.ecus):
            raise ValueError("the primary checks in full (Uptane 2.1, 5.4.4)")

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """What `to_bytes` gave.

        Raises:
            InputError: it is something else.
        """
        if len(data) > INVENTORY_MOST_BYTES:
            raise InputError(f"{len(data)} bytes of inventory, at most {INVENTORY_MOST_BYTES}")
        try:
            return msgspec.json.decode(data, type=cls)
        except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
            raise InputError(f"no inventory: {error}") from error

    def to_bytes(self) -> bytes:
        """For a file."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"

    @property
    def primary(self) -> EcuEntry:
        """The unit that speaks with the repositories."""
        return next(one for one in self.ecus if one.primary)

    def find(self, ecu_id: str) -> EcuEntry | None:
        """A unit by its serial number."""
        return next((one for one in self.ecus if one.ecu_id == ecu_id), None)


class Installed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What runs on one control unit."""

    ecu_id: Word
    name: Annotated[str, Meta(min_length=1, max_length=NAME_MOST)]
    length: Annotated[int, Meta(ge=0)]
    hashes: Annotated[dict[str, str], Meta(min_length=1, max_length=4)]
    release_counter: Counter = 0


def by_ecu(installed: Iterable[Installed]) -> dict[str, Installed]:
    """What runs, by unit."""
    return {one.ecu_id: one for one in installed}
