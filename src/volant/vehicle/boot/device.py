"""The flash of a simulated unit: how it is divided, and a device in memory with its first program."""

from __future__ import annotations

from typing import Final

from volant.trust.flash import Area, Flash, Geometry, MemoryFlash
from volant.vehicle.boot.image import Image, Tables, make_image
from volant.vehicle.boot.loader import Bootloader
from volant.vehicle.boot.parts import Accepts, Identity, Layout
from volant.vehicle.boot.trusting import TrustLayout, UnitTrust

BLOCK_BYTES: Final = 1024
RECORD: Final = Area(0, 8 * BLOCK_BYTES)
SLOT_BYTES: Final = 32 * BLOCK_BYTES
LAYOUT: Final = Layout(
    RECORD,
    (Area(RECORD.length, SLOT_BYTES), Area(RECORD.length + SLOT_BYTES, SLOT_BYTES)),
)
SIZE_BYTES: Final = RECORD.length + 2 * SLOT_BYTES
"""Of record and slots; the unit's trust lies behind them."""
BANK_BYTES: Final = 64 * BLOCK_BYTES
TRUST: Final = TrustLayout(
    Area(SIZE_BYTES, 8 * BLOCK_BYTES),
    (
        Area(SIZE_BYTES + 8 * BLOCK_BYTES, BANK_BYTES),
        Area(SIZE_BYTES + 8 * BLOCK_BYTES + BANK_BYTES, BANK_BYTES),
    ),
)
GEOMETRY: Final = Geometry(
    size_bytes=SIZE_BYTES + 8 * BLOCK_BYTES + 2 * BANK_BYTES,
    erase_bytes=BLOCK_BYTES,
    page_bytes=64,
)
"""Small blocks and pages, as data flash of microcontrollers has them (chosen)."""


def bootloader(flash: Flash, identity: Identity, accepts: Accepts | None = None) -> Bootloader:
    """The bootloader of a unit on its device; `boot` is the caller's."""
    return Bootloader(flash, LAYOUT, identity, accepts=accepts, trust=UnitTrust(flash, TRUST))


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
