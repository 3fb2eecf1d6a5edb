"""What a unit tells of its programs in one record: what runs, what waits, and in which state both are."""

from __future__ import annotations

import hashlib
from typing import Annotated, Final

import msgspec

from volant.core.errors import InputError
from volant.trust.uptane import Attack, Installed, RejectedError
from volant.trust.uptane.custom import NAME_MOST, Counter
from volant.trust.uptane.download import check_hashes
from volant.vehicle.boot.image import Image
from volant.vehicle.boot.loader import Bootloader

_Count = Annotated[int, msgspec.Meta(ge=0)]
TOLD_MOST_BYTES: Final = 4000
"""A unit on ISO-TP answers no longer."""


HASHES: Final = ("sha256", "sha512")
"""Told of an image that no director has named: those that our repositories list."""


class OneTold(msgspec.Struct, frozen=True, array_like=True):
    """One program as a unit holds it."""

    version: Annotated[str, msgspec.Meta(max_length=24)]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_MOST)]
    """Of its file, as the director named it; else made of unit and version."""
    length: _Count
    counter: Counter
    """Release counter."""
    hashes: Annotated[
        dict[str, Annotated[bytes, msgspec.Meta(max_length=64)]], msgspec.Meta(max_length=4)
    ]

    def as_installed(self, ecu_id: str) -> Installed:
        """As reports and checks have it."""
        return Installed(
            ecu_id=ecu_id,
            name=self.name,
            length=self.length,
            hashes={kind: value.hex() for kind, value in self.hashes.items()},
            release_counter=self.counter,
        )


class ProgramsTold(msgspec.Struct, frozen=True, array_like=True):
    """All programs of a unit; MessagePack, as the data identifier 0122 gives it."""

    runs: OneTold | None
    waits: OneTold | None
    """Whole and sound, and does not run yet."""
    activated: bool
    """What waits runs after the next reset."""
    on_trial: bool
    rolled_back: bool
    two_slots: bool
    slot_bytes: _Count = 0
    """Longest image; 0: it does not tell."""

    def to_bytes(self) -> bytes:
        """For the wire."""
        return msgspec.msgpack.encode(self)

    @classmethod
    def from_bytes(cls, data: bytes) -> ProgramsTold:
        """What `to_bytes` gave.

        Raises:
            InputError: it is something else.
        """
        try:
            found = msgspec.msgpack.decode(data, type=cls)
            for one in (found.runs, found.waits):
                if one is not None:
                    _check(one)
        except (msgspec.MsgspecError, UnicodeDecodeError, RejectedError) as error:
            raise InputError(f"what a unit tells of its programs: {error}") from error
        return found


def _check(one: OneTold) -> None:
    """A unit may be in foreign hands: its words go to screens, its hashes into names of files."""
    if not (one.version + one.name).isprintable():
        raise RejectedError(Attack.ARBITRARY, f"{one.name!r} {one.version!r} cannot be printed")
    check_hashes(one.name, {kind: value.hex() for kind, value in one.hashes.items()})


def programs_of(boot: Bootloader) -> ProgramsTold:
    """What a unit tells."""
    running, activated = boot.running, boot.activated
    waits = activated or boot.staged
    return ProgramsTold(
        None if running is None else _one(boot, running.image, running.slot),
        None if waits is None else _one(boot, waits, boot.next_slot),
        activated is not None,
        boot.on_trial and activated is None,
        running is not None and running.rolled_back,
        boot.two_slots,
        boot.slot_bytes,
    )


def _one(boot: Bootloader, image: Image, slot: int) -> OneTold:
    data, kept = boot.program(slot)
    kinds: tuple[str, ...]
    if kept is None or not kept.name:
        name, counter, kinds = f"{image.unit}-{image.version}.img", image.release, HASHES
    else:
        name, counter, kinds = kept.name, kept.counter, kept.kinds
    hashes = {kind: hashlib.new(kind, data).digest() for kind in kinds}
    return OneTold(image.version, name, len(data), counter, hashes)
