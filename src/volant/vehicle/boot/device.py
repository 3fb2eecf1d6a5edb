"""The flash of a simulated unit: how it is divided, and a device in memory with its first program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from volant.trust.flash import Area, Flash, Geometry, MemoryFlash
from volant.vehicle.boot.image import Image, Tables, make_image
from volant.vehicle.boot.loader import Bootloader
from volant.vehicle.boot.parts import Accepts, Identity, Layout
from volant.vehicle.boot.trusting import TrustLayout, UnitTrust

BLOCK_BYTES: Final = 1024
RECORD: Final = Area(0, 8 * BLOCK_BYTES)
SLOT_BYTES: Final = 32 * BLOCK_BYTES
"""As units leave the factory; a unit with code has more (`resized`)."""
SLOT_MOST_BYTES: Final = 8 << 20
STEPS: Final = 128
"""A slot is erased and its transfer kept in so many steps at most: a record of each block would wear a large device."""
BANK_BYTES: Final = 128 * BLOCK_BYTES
"""A root, and the targets of a director of 100 units with a delta each (96 kB)."""
TRUST_BYTES: Final = 8 * BLOCK_BYTES + 2 * BANK_BYTES


@dataclass(frozen=True, slots=True)
class Device:
    """A unit's flash: record, two slots, the unit's trust."""

    geometry: Geometry
    """Small blocks and pages, as data flash of microcontrollers has them (chosen)."""
    layout: Layout
    trust: TrustLayout

    @classmethod
    def of(cls, slot_bytes: int = SLOT_BYTES) -> Device:
        """The device with slots of this length, whole blocks."""
        end = RECORD.length + 2 * slot_bytes
        first = end + 8 * BLOCK_BYTES
        return cls(
            Geometry(size_bytes=end + TRUST_BYTES, erase_bytes=BLOCK_BYTES, page_bytes=64),
            Layout(
                RECORD,
                tuple(Area(RECORD.length + n * slot_bytes, slot_bytes) for n in (0, 1)),
                step_bytes=max(BLOCK_BYTES, slot_bytes // STEPS // BLOCK_BYTES * BLOCK_BYTES),
            ),
            TrustLayout(
                Area(end, 8 * BLOCK_BYTES),
                (Area(first, BANK_BYTES), Area(first + BANK_BYTES, BANK_BYTES)),
            ),
        )

    @classmethod
    def of_size(cls, size_bytes: int) -> Device | None:
        """The device that is so long in all; None: none is."""
        slot_bytes, rest = divmod(size_bytes - RECORD.length - TRUST_BYTES, 2)
        if rest or slot_bytes % BLOCK_BYTES or not SLOT_BYTES <= slot_bytes <= SLOT_MOST_BYTES:
            return None
        return cls.of(slot_bytes)


USUAL: Final = Device.of()
LAYOUT, GEOMETRY, TRUST = USUAL.layout, USUAL.geometry, USUAL.trust
UNTRUSTING_BYTES: Final = GEOMETRY.size_bytes - TRUST_BYTES
"""Length of devices that were made before units had a trust of their own."""


def resized(content: bytes, slot_bytes: int) -> bytes:
    """A device's bytes on one with other slots; all that it holds stays.

    Raises:
        ValueError: the bytes are none of a device, or what it holds does not fit.
    """
    old = Device.of_size(len(content))
    if old is None or slot_bytes % BLOCK_BYTES or not SLOT_BYTES <= slot_bytes <= SLOT_MOST_BYTES:
        raise ValueError(f"no device of {len(content)} bytes, or no slots of {slot_bytes}")
    parts = [content[: RECORD.length]]
    for area in old.layout.slots:
        held = content[area.offset : area.offset + area.length]
        if held[slot_bytes:].strip(b"\xff"):
            raise ValueError(f"a slot holds more than {slot_bytes} bytes")
        parts.append(held[:slot_bytes].ljust(slot_bytes, b"\xff"))
    return b"".join((*parts, content[-TRUST_BYTES:]))


def bootloader(flash: Flash, identity: Identity, accepts: Accepts | None = None) -> Bootloader:
    """The bootloader of a unit on its device; `boot` is the caller's."""
    device = Device.of_size(flash.geometry.size_bytes)
    if device is None:
        raise ValueError(f"a device of {flash.geometry.size_bytes} bytes is no unit's")
    trust = UnitTrust(flash, device.trust)
    return Bootloader(flash, device.layout, identity, accepts=accepts, trust=trust)


def in_memory(
    identity: Identity, version: str, tables: Tables, accepts: Accepts | None = None
) -> Bootloader:
    """A running unit whose flash is forgotten with it."""
    boot = bootloader(MemoryFlash(GEOMETRY), identity, accepts)
    boot.provision(first_image(identity, version, tables))
    boot.boot()
    return boot


def first_image(identity: Identity, version: str, tables: Tables) -> bytes:
    """The program of the factory: release 0."""
    return make_image(
        Image(
            unit=identity.unit,
            hardware=identity.hardware,
            version=version[:24],
            release=0,
            tables=tables,
        )
    )
