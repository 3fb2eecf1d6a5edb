"""The bootloader: it alone decides what a control unit runs, and it stays whatever happens to the program.

A step machine over a flash device: erase block by block, take bytes, check, activate, boot. What it must know after
a cut stands in one record (`trust.flash.Records`). With two slots the running program stays until the new one is
sound, and a new one is tried; with one slot the bootloader waits without a program until one has come whole. A
transfer that was cut goes on at the block that was not finished.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec

from volant.core.errors import InputError
from volant.trust.flash import Flash, Records
from volant.trust.flash.device import is_erased
from volant.vehicle.boot.image import Image, Verify, read_image
from volant.vehicle.boot.parts import (
    TRIES,
    Accepts,
    Identity,
    Job,
    Layout,
    Program,
    Record,
    Stored,
    Verdict,
    check_layout,
    read_record,
    stored,
)
from volant.vehicle.boot.trusting import UnitTrust


class Bootloader:
    """The bootloader of one unit. Not safe for threads; misuse by our own code is a ValueError."""

    def __init__(
        self,
        flash: Flash,
        layout: Layout,
        identity: Identity,
        *,
        verify: Verify | None = None,
        accepts: Accepts | None = None,
        trust: UnitTrust | None = None,
    ) -> None:
        """A bootloader on a device.

        Args:
            flash: the device.
            layout: where what lies on it.
            identity: whose programs it takes.
            verify: checks signatures; without one none is asked for.
            accepts: whether the unit can run by tables; without one it can by all.
            trust: what the unit itself believes of a director; the program of the factory needs none.
        """
        check_layout(layout, flash.geometry)
        self._flash, self._layout, self.identity = flash, layout, identity
        self._verify, self._accepts, self.trust = verify, accepts, trust
        self._records = Records(flash, layout.record)
        self.running: Program | None = None
        """What was booted; None: the bootloader runs alone."""
        self._erase_at: int | None = None
        self._at = 0
        self._tail = bytearray()
        """Bytes that do not fill a page yet."""

    # --- what there is ---------------------------------------------------------------------------

    @property
    def flash(self) -> Flash:
        """Its device."""
        return self._flash

    @property
    def slot_bytes(self) -> int:
        """Longest image."""
        return self._layout.slots[0].length

    @property
    def fingerprint(self) -> bytes:
        """Who programmed it last."""
        return self._record.fingerprint

    @property
    def resumes_at(self) -> tuple[int, int]:
        """Bytes of a transfer that survive a cut, and of all of it; (0, 0): none is under way."""
        job = self._record.job
        return (0, 0) if job is None else (job.written, job.size)

    @property
    def resumes_hash(self) -> bytes:
        """SHA-256 of the bytes that survive: a tester goes on only with the image that they are of."""
        job = self._record.job
        length = 0 if job is None else job.written
        return hashlib.sha256(self._read(self._target, length)).digest()

    @property
    def staged(self) -> Image | None:
        """A program that came whole and was found sound, and waits to be activated."""
        job = self._record.job
        if job is None or self._record.images[job.slot] is None:
            return None
        return self._holds(job.slot)

    @property
    def activated(self) -> Image | None:
        """A program that runs after the next reset and does not yet."""
        now, running = self._record, self.running
        found = now.images[now.active]
        if now.tries_left == 0 or found is None or (now.job and now.job.slot == now.active):
            return None
        if running is not None and running.slot == now.active and running.sha256 == found.sha256:
            return None
        return self._holds(now.active)

    @property
    def coming(self) -> int:
        """Release that will run after the next reset; -1: none."""
        image = self.activated or self.staged or (self.running.image if self.running else None)
        return -1 if image is None else image.release

    @property
    def two_slots(self) -> bool:
        """Whether the old program stays while a new one is written."""
        return len(self._layout.slots) == 2

    def program(self, slot: int) -> tuple[bytes, Stored | None]:
        """The bytes of the program that should stand in a slot, and what is kept of it."""
        found = self._record.images[slot]
        return (b"" if found is None else self._read(slot, found.length)), found

    @property
    def next_slot(self) -> int:
        """The slot of what is staged or activated."""
        job = self._record.job
        return self._record.active if job is None else job.slot

    @property
    def on_trial(self) -> bool:
        """Whether what is active must still be confirmed."""
        return self._record.tries_left is not None

    # --- running ---------------------------------------------------------------------------------

    def boot(self) -> Program | None:
        """As after power-on: choose what runs; None: nothing is sound, the bootloader stays."""
        self._erase_at, self._at = None, 0
        self._tail.clear()
        if self.trust is not None:
            self.trust.reset()
        now = self._record
        order = [now.active, *(n for n in range(len(now.images)) if n != now.active)]
        if now.job is not None and now.job.slot != now.active:
            order.remove(now.job.slot)  # what is being programmed there was not activated
        if now.tries_left == 0:
            order.reverse()
        self.running = None
        for slot in order:
            image = self._holds(slot)
            if image is not None:
                self.running = self._run(now, slot, image)
                break
        return self.running

    def again(self) -> Bootloader:
        """The same unit as another process sees it: read anew, and running what was booted without a boot."""
        seen = Bootloader(
            *(self._flash, self._layout, self.identity),
            verify=self._verify,
            accepts=self._accepts,
            trust=self.trust.again() if self.trust else None,
        )
        now = seen._record
        slot = now.active
        if now.tries_left == TRIES:  # activated, but not booted yet
            slot = 1 - slot
        image = seen._holds(slot)
        if image is not None:
            trial = now.tries_left is not None and slot == now.active
            seen.running = Program(image, slot, seen._sha256(slot), on_trial=trial)
        return seen

    def provision(self, data: bytes) -> None:
        """Put the first program in, as the factory does, and forget all else.

        Raises:
            InputError: the unit would not run it.
        """
        verdict, _ = self._judged(data)
        if verdict is not Verdict.SOUND or len(data) > self.slot_bytes:
            raise InputError(f"{self.identity.unit}: not provisioned: {verdict.name.lower()}")
        none = (None,) * len(self._layout.slots)
        self._put(Record(0, none))
        area, page = self._layout.slots[0], self._flash.geometry.page_bytes
        self._flash.erase(area.offset, area.length)
        self._flash.flush()
        self._flash.write(area.offset, data + b"\xff" * (-len(data) % page))
        self._flash.flush()
        self._put(Record(0, (stored(data), *none[1:])))

    def confirm(self) -> bool:
        """What runs is good and stays; false: nothing runs."""
        if self.running is None:
            return False
        if self._record.tries_left is not None:
            self._change(tries_left=None)
        return True

    def revert(self) -> bool:
        """Give up a trial: the next boot runs the old program; false: none is on trial."""
        if self._record.tries_left is None:
            return False
        self._change(tries_left=0)
        return True

    # --- programming -----------------------------------------------------------------------------

    def sign_in(self, fingerprint: bytes) -> None:
        """Keep who programs; asked for before an erase."""
        self._change(fingerprint=fingerprint)

    def begin_erase(self) -> bool:
        """Give up what is in the slot to be programmed; false: a trial must end first.

        That it is given up must be sure before its bytes change.
        """
        if self.on_trial:
            return False
        images = list(self._record.images)
        slot = self._target
        images[slot] = None
        self._change(images=tuple(images), job=None)
        self._erase_at = 0
        return True

    def erase_step(self) -> bool:
        """Erase one block; true: all are, and a transfer may begin."""
        if self._erase_at is None:
            raise ValueError("no erase was begun")
        area, block = self._layout.slots[self._target], self._flash.geometry.erase_bytes
        if self._erase_at < area.length:
            self._flash.erase(area.offset + self._erase_at, block)
            self._flash.flush()
            self._erase_at += block
        if self._erase_at < area.length:
            return False
        self._erase_at = None
        self._change(job=Job(self._target))
        return True

    def fits(self, offset: int, size: int) -> bool:
        """Whether a transfer lies inside a slot."""
        return offset >= 0 and size > 0 and offset + size <= self.slot_bytes

    def begin(self, offset: int, size: int) -> bool:
        """Begin a transfer into an erased slot, or go on where `resumes_at` says; false: neither fits."""
        job = self._record.job
        if job is None or not self.fits(offset, size):
            return False
        if job.size and (offset, offset + size) != (job.written, job.size):
            return False
        if not job.size and offset:
            return False
        if job.written == job.size and job.size:
            return False
        if not job.size:
            self._change(job=Job(job.slot, size))
        self._clean_from(job.slot, job.written)
        self._at = job.written
        self._tail.clear()
        return True

    def write(self, data: bytes) -> None:
        """Take the next bytes; whole pages go to the device, whole blocks are sure."""
        job, geometry = self._record.job, self._flash.geometry
        if job is None or self._at + len(self._tail) + len(data) > job.size:
            raise ValueError("more bytes than were announced")
        self._tail += data
        area, block = self._layout.slots[job.slot], geometry.erase_bytes
        while len(self._tail) >= geometry.page_bytes:
            room = block - self._at % block
            length = min(room, len(self._tail) // geometry.page_bytes * geometry.page_bytes)
            self._flash.write(area.offset + self._at, bytes(self._tail[:length]))
            del self._tail[:length]
            self._at += length
            if self._at % block == 0:
                self._flash.flush()
                self._change(job=Job(job.slot, job.size, self._at))

    def finish(self) -> bool:
        """End a transfer; false: bytes are missing."""
        job = self._record.job
        if job is None or self._at + len(self._tail) != job.size:
            return False
        if self._tail:
            page = self._flash.geometry.page_bytes
            padded = bytes(self._tail) + b"\xff" * (-len(self._tail) % page)
            self._flash.write(self._layout.slots[job.slot].offset + self._at, padded)
            self._at += len(self._tail)
            self._tail.clear()
        self._flash.flush()
        self._change(job=Job(job.slot, job.size, job.size))
        return True

    def check(self) -> Verdict:
        """Judge what was transferred, as it stands on the device."""
        job = self._record.job
        if job is None or not job.size or job.written != job.size:
            return Verdict.NOT_WHOLE
        data = self._read(job.slot, job.size)
        verdict, image = self._judged(data)
        if image is None:
            return verdict
        if self.running is not None and image.release < self.running.image.release:
            return Verdict.OLDER
        named = None
        if self.trust is not None and self.trust.joined:
            named = self.trust.named(data)
            if named is None:
                return Verdict.NOT_NAMED
        images = list(self._record.images)
        images[job.slot] = stored(data, named)
        self._change(images=tuple(images))
        return verdict

    def activate(self, releases: Mapping[str, int]) -> Verdict:
        """Let the staged program run from the next boot on, if the others fit it.

        Args:
            releases: what other units will run, by name (`coming`).
        """
        job, staged = self._record.job, self.staged
        if job is None or staged is None:
            return Verdict.NOT_WHOLE
        if any(releases.get(name, -1) < least for name, least in staged.tables.needs.items()):
            return Verdict.NEEDS_OTHERS
        tried = job.slot != self._record.active
        self._change(active=job.slot, tries_left=TRIES if tried else None, job=None)
        return Verdict.SOUND

    # --- inside ----------------------------------------------------------------------------------

    @property
    def _record(self) -> Record:
        return read_record(self._records.value, len(self._layout.slots))

    @property
    def _target(self) -> int:
        """The slot to be programmed: the idle one, or the only one."""
        job = self._record.job
        if job is not None:
            return job.slot
        active = self._record.active
        if self.running is not None:
            active = self.running.slot
        return active if len(self._layout.slots) == 1 else 1 - active

    def _run(self, now: Record, slot: int, image: Image) -> Program:
        if slot != now.active:
            self._change(active=slot, tries_left=None)
            return Program(image, slot, self._sha256(slot), rolled_back=True)
        if now.tries_left is None:
            return Program(image, slot, self._sha256(slot))
        self._change(tries_left=max(0, now.tries_left - 1))
        return Program(image, slot, self._sha256(slot), on_trial=True)

    def _sha256(self, slot: int) -> bytes:
        found = self._record.images[slot]
        return b"" if found is None else found.sha256

    def _holds(self, slot: int) -> Image | None:
        """The program in a slot if it is the one that should stand there."""
        found = self._record.images[slot]
        if found is None or found.length > self.slot_bytes:
            return None
        data = self._read(slot, found.length)
        if hashlib.sha256(data).digest() != found.sha256:
            return None
        return self._judged(data)[1]

    def _judged(self, data: bytes) -> tuple[Verdict, Image | None]:
        try:
            image = read_image(data)
        except InputError:
            return Verdict.BROKEN, None
        if image.unit != self.identity.unit:
            return Verdict.OTHER_UNIT, None
        if image.hardware != self.identity.hardware:
            return Verdict.OTHER_HARDWARE, None
        if self._verify is not None and not self._verify(image.sha256, image.signature):
            return Verdict.NOT_SIGNED, None
        if self._accepts is not None and not self._accepts(image):
            return Verdict.WRONG_TABLES, None
        return Verdict.SOUND, image

    def _clean_from(self, slot: int, offset: int) -> None:
        """Blocks that a cut left half written are erased once more."""
        area, block = self._layout.slots[slot], self._flash.geometry.erase_bytes
        for at in range(area.offset + offset // block * block, area.offset + area.length, block):
            if not is_erased(self._flash.read(at, block)):
                self._flash.erase(at, block)
                self._flash.flush()

    def _read(self, slot: int, length: int) -> bytes:
        area = self._layout.slots[slot]
        return self._flash.read(area.offset, min(length, area.length))

    def _change(self, **changes: object) -> None:
        self._put(msgspec.structs.replace(self._record, **changes))

    def _put(self, record: Record) -> None:
        self._records.put(msgspec.msgpack.encode(record))
