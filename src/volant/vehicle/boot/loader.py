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

from volant.core.errors import InputError, RefusedError
from volant.trust.delta import Header
from volant.trust.flash import Flash, Records
from volant.vehicle.boot.image import Image, Verify
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
    activated,
    check_layout,
    judged,
    read_record,
    stored,
)
from volant.vehicle.boot.transfer import DeltaTransfer, WholeTransfer, clean_from
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
        self._transfer: WholeTransfer | DeltaTransfer | None = None

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
    def transferring(self) -> bool:
        """Whether the next bytes of something are waited for."""
        return self._transfer is not None

    @property
    def delta_done(self) -> tuple[int, bytes]:
        """Segments of a delta that survive a cut, and the SHA-256 of its header; (0, b""): none is under way."""
        job = self._record.job
        return (0, b"") if job is None else (job.segments, job.delta)

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
        now = self._record
        return self._holds(now.active) if activated(now, self.running) else None

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
        self._erase_at = self._transfer = None
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
        self._erase_at, self._transfer = 0, None
        return True

    def erase_step(self) -> bool:
        """Erase a step; true: all are, and a transfer may begin."""
        if self._erase_at is None:
            raise ValueError("no erase was begun")
        area = self._layout.slots[self._target]
        step = min(self._step_bytes, area.length - self._erase_at)
        if step:
            self._flash.erase(area.offset + self._erase_at, step)
            self._flash.flush()
            self._erase_at += step
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
        if not job.size or job.delta:  # what a delta made is as good as what came
            self._change(job=Job(job.slot, offset + size, job.written))
        clean_from(self._flash, self._layout.slots[job.slot], job.written)
        span = (job.written, size + offset, self._step_bytes)
        self._transfer = WholeTransfer(
            self._flash, self._layout.slots[job.slot], span, self._written
        )
        return True

    def begin_delta(self) -> bool:
        """Begin to take a delta into an erased slot, or go on with it; false: no slot is erased, or nothing runs."""
        job, running = self._record.job, self.running
        if job is None or running is None or running.slot == job.slot:
            return False
        source = self._record.images[running.slot]
        if source is None:
            return False
        area, slot = self._layout.slots[running.slot], self._layout.slots[job.slot]
        self._transfer = DeltaTransfer(
            self._flash, slot, (area, source), self._accept_delta, self._written
        )
        return True

    def write(self, data: bytes) -> None:
        """Take the next bytes of what was begun; errors as `DeltaTransfer.write`, after which it is over."""
        transfer, self._transfer = self._transfer, None
        if transfer is None:
            raise ValueError("no transfer was begun")
        transfer.write(data)
        self._transfer = transfer

    def finish(self) -> bool:
        """End a transfer; false: bytes are missing."""
        return self._transfer is not None and self._transfer.finish()

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
    def _step_bytes(self) -> int:
        return self._layout.step_bytes or self._flash.geometry.erase_bytes

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
        return judged(data, self.identity, self._verify, self._accepts)

    def _written(self, count: int) -> None:
        job = self._record.job
        assert job is not None
        segments = job.segments + 1 if job.delta else 0
        self._change(job=msgspec.structs.replace(job, written=count, segments=segments))

    def _accept_delta(self, header: Header) -> int:
        job = self._record.job
        assert job is not None
        if job.delta != header.sha256:
            if job.size:
                raise RefusedError("the slot holds a part of something else")
            job = Job(job.slot, header.target_bytes, 0, header.sha256)
            self._change(job=job)
        clean_from(self._flash, self._layout.slots[job.slot], job.written)
        return job.segments

    def _read(self, slot: int, length: int) -> bytes:
        area = self._layout.slots[slot]
        return self._flash.read(area.offset, min(length, area.length))

    def _change(self, **changes: object) -> None:
        self._put(msgspec.structs.replace(self._record, **changes))

    def _put(self, record: Record) -> None:
        self._records.put(msgspec.msgpack.encode(record))
