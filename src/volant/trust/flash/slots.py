"""Two slots for an image, which one boots, and an update of the other that survives every cut.

A new image is tried: it has so many boots to be confirmed, then the old one is back. A slot boots only with
the bytes that its hash names, so an image that was not finished or was changed never runs. Progress is kept
per segment; after a cut the update goes on from the segment that was not finished.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec

from volant.core.errors import InputError, RefusedError
from volant.trust.delta import Header, Piece
from volant.trust.flash.device import Flash, Geometry
from volant.trust.flash.records import Area, Records

TRIES: Final = 2
"""Boots of a new image without a confirmation; then the old one is back (goal: at most 2)."""
READ_BYTES: Final = 1 << 16
_Hash = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
_Count = Annotated[int, msgspec.Meta(ge=0)]


class Image(msgspec.Struct, frozen=True, array_like=True):
    """What should stand in a slot."""

    length: _Count
    sha256: _Hash


class Switch(msgspec.Struct, frozen=True, array_like=True):
    """Which slot boots: the value of the switch record."""

    active: Annotated[int, msgspec.Meta(ge=0, le=1)]
    images: tuple[Image | None, Image | None]
    tries_left: _Count | None = None
    """Of a slot on trial; None once it is confirmed."""


class Progress(msgspec.Struct, frozen=True, array_like=True):
    """How far an update is: the value of the journal."""

    image: Image
    """What it will be."""
    delta: _Hash
    """Hash of the delta's header: another delta has other segments."""
    segments_done: _Count


@dataclass(frozen=True, slots=True)
class Layout:
    """Where what lies; slots begin at blocks."""

    switch: Area
    journal: Area
    slots: tuple[Area, Area]


@dataclass(frozen=True, slots=True)
class Booted:
    """What runs now."""

    slot: int
    image: Image
    on_trial: bool
    rolled_back: bool
    """The slot that should have run did not: its trial was over or its bytes were wrong."""


def _check(layout: Layout, geometry: Geometry) -> None:
    areas = sorted((layout.switch, layout.journal, *layout.slots), key=lambda area: area.offset)
    end = 0
    for area in areas:
        if (
            area.offset < end
            or area.offset % geometry.erase_bytes
            or area.length % geometry.erase_bytes
        ):
            raise ValueError(f"{area} overlaps another area or is not whole blocks")
        end = area.offset + area.length
    if end > geometry.size_bytes:
        raise ValueError(f"areas end at {end}, the device at {geometry.size_bytes}")


class Slots:
    """The two slots of one device."""

    def __init__(self, flash: Flash, layout: Layout) -> None:
        _check(layout, flash.geometry)
        self._flash, self._layout = flash, layout
        self._switch = Records(flash, layout.switch)
        self._journal = Records(flash, layout.journal)

    @property
    def switch(self) -> Switch:
        """Which slot boots.

        Raises:
            InputError: the device was never provisioned, or the record is none of ours.
        """
        value = self._switch.value
        if value is None:
            raise InputError("no switch record: the device was never provisioned")
        try:
            return msgspec.msgpack.decode(value, type=Switch)
        except msgspec.MsgspecError as error:
            raise InputError(f"no switch record: {error}") from error

    @property
    def progress(self) -> Progress | None:
        """The update under way, None where there is none."""
        value = self._journal.value
        if not value:
            return None
        try:
            return msgspec.msgpack.decode(value, type=Progress)
        except msgspec.MsgspecError as error:
            raise InputError(f"no progress of an update: {error}") from error

    @property
    def idle(self) -> int:
        """The slot that an update goes to."""
        return 1 - self.switch.active

    def provision(self, data: bytes) -> None:
        """Put the first image into slot 0, as the factory does."""
        image = Image(len(data), hashlib.sha256(data).digest())
        self._put(0, 0, data)
        self._flash.flush()
        self._switch.put(msgspec.msgpack.encode(Switch(0, (image, None))))

    def boot(self) -> Booted:
        """Choose the slot to run, and count the boot of one on trial. Called once a boot, by the bootloader.

        Raises:
            RefusedError: neither slot holds the bytes that it should.
        """
        now = self.switch
        over = now.tries_left == 0
        order = [now.active, 1 - now.active]
        if over:
            order.reverse()
        for slot in order:
            image = now.images[slot]
            if image is not None and self._holds(slot, image):
                return self._run(now, slot, image)
        raise RefusedError("neither slot holds the image that it should: the device does not boot")

    def confirm(self) -> None:
        """What runs is good: it stays."""
        now = self.switch
        if now.tries_left is not None:
            self._set(Switch(now.active, now.images))

    def begin(self, header: Header) -> int:
        """Begin the update by a delta, or go on with it; how many of its segments are done.

        Raises:
            RefusedError: the image that runs is on trial, or the new one is longer than a slot or cut into
                segments that do not begin at blocks.
        """
        self.settle()
        now = self.switch
        if now.tries_left is not None:
            raise RefusedError("the image that runs is on trial: confirm it before another update")
        image = Image(header.target_bytes, header.target_sha256)
        if image.length > self._layout.slots[self.idle].length:
            raise RefusedError(f"an image of {image.length} bytes does not fit into its slot")
        block = self._flash.geometry.erase_bytes
        if header.segment_bytes % block:
            raise RefusedError(f"segments of {header.segment_bytes} bytes on blocks of {block}")
        progress = self.progress
        if progress is not None and progress.delta == header.sha256:
            return progress.segments_done
        # From here on the idle slot is not what the switch says: that must be sure before it changes.
        if now.images[self.idle] is not None:
            images = (now.images[0], None) if now.active == 0 else (None, now.images[1])
            self._set(Switch(now.active, images))
        self._journal.put(msgspec.msgpack.encode(Progress(image, header.sha256, 0)))
        return 0

    def write(self, piece: Piece) -> None:
        """Put a finished segment into the idle slot; it is sure when this returns."""
        progress = self.progress
        if progress is None or piece.index != progress.segments_done:
            raise ValueError(f"segment {piece.index} is not the next one")
        self._put(self.idle, piece.offset, bytes(piece.data))
        self._flash.flush()
        following = msgspec.structs.replace(progress, segments_done=progress.segments_done + 1)
        self._journal.put(msgspec.msgpack.encode(following))

    def read(self, slot: int, offset: int, length: int) -> bytes:
        """Bytes of a slot, fewer at its end."""
        area = self._layout.slots[slot]
        return self._flash.read(area.offset + offset, max(0, min(length, area.length - offset)))

    def finish(self) -> None:
        """Check the new image as it stands on flash, and let it be tried at the next boot.

        Raises:
            InputError: it has another hash; the update begins anew.
        """
        progress, now, slot = self.progress, self.switch, self.idle
        if progress is None:
            raise ValueError("no update is under way")
        if not self._holds(slot, progress.image):
            self._journal.put(b"")
            raise InputError("the new image on flash has another hash than it should")
        images = (now.images[0], progress.image) if slot == 1 else (progress.image, now.images[1])
        # The switch comes first: a cut between the two leaves a journal that `settle` clears.
        self._set(Switch(slot, images, TRIES))
        self._journal.put(b"")

    def settle(self) -> None:
        """After a boot: forget the journal of an update that had been finished."""
        progress, now = self.progress, self.switch
        if progress is not None and progress.image == now.images[now.active]:
            self._journal.put(b"")

    def _run(self, now: Switch, slot: int, image: Image) -> Booted:
        if slot != now.active:
            self._set(Switch(slot, now.images))
            return Booted(slot, image, on_trial=False, rolled_back=True)
        if now.tries_left is None:
            return Booted(slot, image, on_trial=False, rolled_back=False)
        self._set(Switch(slot, now.images, max(0, now.tries_left - 1)))
        return Booted(slot, image, on_trial=True, rolled_back=False)

    def _set(self, switch: Switch) -> None:
        self._switch.put(msgspec.msgpack.encode(switch))

    def _put(self, slot: int, offset: int, data: bytes) -> None:
        """Erase the blocks of a segment and write it; its beginning lies at a block."""
        geometry, area = self._flash.geometry, self._layout.slots[slot]
        at = area.offset + offset
        if at % geometry.erase_bytes:
            raise ValueError("segments must begin at blocks: choose another segment length")
        if offset + len(data) > area.length:
            raise ValueError("a segment behind the end of its slot")
        self._flash.erase(at, -(-len(data) // geometry.erase_bytes) * geometry.erase_bytes)
        self._flash.flush()
        self._flash.write(at, data + b"\xff" * (-len(data) % geometry.page_bytes))

    def _holds(self, slot: int, image: Image) -> bool:
        if image.length > self._layout.slots[slot].length:
            return False
        digest = hashlib.sha256()
        for at in range(0, image.length, READ_BYTES):
            digest.update(self.read(slot, at, min(READ_BYTES, image.length - at)))
        return digest.digest() == image.sha256
