"""A small device with two versions of an image and the delta between them, and the car that updates it."""

import random
from collections.abc import Callable
from typing import Final

from volant.core.errors import InputError
from volant.trust.delta import Applying, read_header
from volant.trust.delta.container import header_lengths
from volant.trust.delta.make import DeltaSettings, make_delta
from volant.trust.flash import Area, Flash, Geometry, Layout, MemoryFlash, Slots

BLOCK: Final = 2048
SEGMENT: Final = 2 * BLOCK
SLOT: Final = 12 * BLOCK
LAYOUT: Final = Layout(
    Area(0, 2 * BLOCK),
    Area(2 * BLOCK, 2 * BLOCK),
    (Area(4 * BLOCK, SLOT), Area(4 * BLOCK + SLOT, SLOT)),
)
SIZE: Final = 4 * BLOCK + 2 * SLOT
RAW: Final = Geometry(SIZE, BLOCK, 128)
MANAGED: Final = Geometry(SIZE, BLOCK, 512, overwrites=True)

_CHANCE: Final = random.Random(7)
OLD: Final = _CHANCE.randbytes(9 * BLOCK + 700)
NEW: Final = OLD[50:12000] + _CHANCE.randbytes(5000) + OLD[100:4000]
DELTA: Final = make_delta(OLD, NEW, DeltaSettings(segment_bytes=SEGMENT))
HEADER: Final = read_header(DELTA[: 16 + header_lengths(DELTA[:16])[0]])


def provisioned(geometry: Geometry) -> bytes:
    """What the factory delivers."""
    flash = MemoryFlash(geometry)
    Slots(flash, LAYOUT).provision(OLD)
    return flash.content


def image_that_runs(flash: Flash) -> bytes:
    """Boot, as the bootloader does."""
    slots = Slots(flash, LAYOUT)
    booted = slots.boot()
    slots.settle()
    return slots.read(booted.slot, 0, booted.image.length)


def update(flash: Flash, sent: Callable[[int], None] = lambda _count: None) -> None:
    """The whole update by delta: go on where it was, boot, confirm."""
    slots = Slots(flash, LAYOUT)
    done = slots.begin(HEADER)
    running, idle = slots.switch.active, slots.idle
    applying = Applying(
        lambda at, length: slots.read(running, at, length),
        lambda at, length: slots.read(idle, at, length),
        header=HEADER,
        segments_done=done,
    )
    sent(len(DELTA) - applying.resume_at)
    for piece in applying.feed(DELTA[applying.resume_at :]):
        slots.write(piece)
    applying.end()
    slots.finish()
    assert image_that_runs(flash) == NEW
    Slots(flash, LAYOUT).confirm()


def gets_on(flash: Flash) -> bytes:
    """After a cut: boot, update if the old image runs, confirm the new one; what ran at first."""
    first = image_that_runs(flash)
    if first == OLD:
        try:
            update(flash)
        except InputError:  # a hash was wrong: the update has begun anew
            update(flash)
    Slots(flash, LAYOUT).confirm()
    return first
