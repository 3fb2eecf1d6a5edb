"""What a bootloader works with: whose programs it takes, where they lie, what it finds, and what survives a cut."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec

from volant.core.errors import InputError
from volant.trust.flash import Area, Geometry
from volant.vehicle.boot.image import Image, Verify, read_image

TRIES: Final = 2
"""Boots of a new program without a confirmation; then the old one is back (ota.md section 10)."""
FINGERPRINT_MOST_BYTES: Final = 64
_Count = Annotated[int, msgspec.Meta(ge=0)]
_Hash = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]


class Verdict(enum.IntEnum):
    """What a check found; also the byte that a routine answers with."""

    SOUND = 0x00
    NOT_WHOLE = 0x01
    """Nothing was transferred to its end."""
    BROKEN = 0x02
    """No image, or not the bytes that its hash names."""
    OTHER_UNIT = 0x03
    OTHER_HARDWARE = 0x04
    NOT_SIGNED = 0x05
    OLDER = 0x06
    """A lower release than the running one."""
    NEEDS_OTHERS = 0x07
    """Another unit's program is too old for it."""
    WRONG_TABLES = 0x08
    """Tables that the unit cannot run by."""
    NOT_NAMED = 0x09
    """The director's targets, which this unit believes, name other bytes for it."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose programs a bootloader takes."""

    unit: str
    hardware: str


@dataclass(frozen=True, slots=True)
class Layout:
    """Where what lies on a device; slots begin at blocks."""

    record: Area
    slots: tuple[Area, ...]
    """One or two, of the same length."""
    step_bytes: int = 0
    """What is erased at once, and what of a transfer is kept at once: whole blocks; 0: one block."""


@dataclass(frozen=True, slots=True)
class Program:
    """What runs."""

    image: Image
    slot: int
    sha256: bytes
    """Of all its bytes."""
    on_trial: bool = False
    rolled_back: bool = False
    """Another slot should have run and did not."""


@dataclass(frozen=True, slots=True)
class Named:
    """What the director calls an image."""

    name: str
    counter: int
    """Release counter."""
    kinds: tuple[str, ...]
    """Of the hashes that it lists."""


Accepts = Callable[[Image], bool]
"""Whether a unit can run by an image's tables."""


class Stored(msgspec.Struct, frozen=True, array_like=True):
    """What should stand in a slot."""

    length: _Count
    sha256: _Hash
    """Of all bytes, signature included."""
    name: Annotated[str, msgspec.Meta(max_length=255)] = ""
    """As the director called it; empty: nobody did."""
    counter: _Count = 0
    kinds: Annotated[tuple[str, ...], msgspec.Meta(max_length=4)] = ()


class Job(msgspec.Struct, frozen=True, array_like=True):
    """A programming under way, in a slot that is erased."""

    slot: _Count
    size: _Count = 0
    """Bytes that will come; 0: not told yet."""
    written: _Count = 0
    """Bytes that survive a cut."""
    delta: Annotated[bytes, msgspec.Meta(max_length=32)] = b""
    """SHA-256 of the header of the delta that makes them; empty: they come as they are."""
    segments: _Count = 0
    """Of the delta, that survive a cut."""


class Record(msgspec.Struct, frozen=True, array_like=True):
    """What survives a cut."""

    active: _Count
    images: tuple[Stored | None, ...]
    tries_left: _Count | None = None
    """Of a program on trial; None once it is confirmed."""
    job: Job | None = None
    fingerprint: Annotated[bytes, msgspec.Meta(max_length=FINGERPRINT_MOST_BYTES)] = b""
    last: Stored | None = None
    """The program that was confirmed last: it is always taken back, though it be older or no longer named."""


def read_record(value: bytes | None, slots: int) -> Record:
    """A record as it stands on flash; a unit that was never provisioned has an empty one."""
    if value is not None:
        try:
            found = msgspec.msgpack.decode(value, type=Record)
        except msgspec.MsgspecError:
            found = None
        if (
            found is not None
            and len(found.images) == slots
            and found.active < slots
            and (found.job is None or found.job.slot < slots)
        ):
            return found
    return Record(0, (None,) * slots)


def activated(now: Record, running: Program | None) -> bool:
    """Whether the next boot runs another program than this one."""
    found = now.images[now.active]
    if now.tries_left == 0 or found is None or (now.job and now.job.slot == now.active):
        return False
    here = running is not None and running.slot == now.active
    return not (here and running is not None and running.sha256 == found.sha256)


def judged(
    data: bytes, identity: Identity, verify: Verify | None, accepts: Accepts | None
) -> tuple[Verdict, Image | None]:
    """Whether bytes are a program that a unit takes, and the program."""
    try:
        image = read_image(data)
    except InputError:
        return Verdict.BROKEN, None
    if image.unit != identity.unit:
        return Verdict.OTHER_UNIT, None
    if image.hardware != identity.hardware:
        return Verdict.OTHER_HARDWARE, None
    if verify is not None and not verify(image.sha256, image.signature):
        return Verdict.NOT_SIGNED, None
    if accepts is not None and not accepts(image):
        return Verdict.WRONG_TABLES, None
    return Verdict.SOUND, image


def stored(data: bytes, named: Named | None = None) -> Stored:
    """What should stand in a slot."""
    digest = hashlib.sha256(data).digest()
    if named is None:
        return Stored(len(data), digest)
    return Stored(len(data), digest, named.name, named.counter, named.kinds)


def check_layout(layout: Layout, geometry: Geometry) -> None:
    """Let a layout pass that lies on a device.

    Raises:
        ValueError: it does not.
    """
    if not 1 <= len(layout.slots) <= 2 or len({slot.length for slot in layout.slots}) != 1:
        raise ValueError("one slot, or two of the same length")
    end = 0
    for area in sorted((layout.record, *layout.slots), key=lambda area: area.offset):
        whole = not (area.offset % geometry.erase_bytes or area.length % geometry.erase_bytes)
        if area.offset < end or not whole:
            raise ValueError(f"{area} overlaps another area or is not whole blocks")
        end = area.offset + area.length
    if end > geometry.size_bytes:
        raise ValueError(f"areas end at {end}, the device at {geometry.size_bytes}")
