"""What a unit runs: the half of the bootloader that boots, tries, confirms and gives up programs."""

from __future__ import annotations

import hashlib
from typing import Self

import msgspec

from volant.core.errors import InputError
from volant.trust.flash import Flash, Records
from volant.vehicle.boot.image import Image, Verify
from volant.vehicle.boot.parts import (
    TRIES,
    Accepts,
    Identity,
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
from volant.vehicle.boot.transfer import DeltaTransfer, WholeTransfer
from volant.vehicle.boot.trusting import UnitTrust


class Running:
    """The part of a bootloader that chooses what runs, and keeps what must survive a cut."""

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
    def programming(self) -> bool:
        """Whether a slot is being programmed, or holds what waits to be activated."""
        return self._record.job is not None

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

    def again(self) -> Self:
        """The same unit as another process sees it: read anew, and running what was booted without a boot."""
        seen = type(self)(
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
        kept = stored(data)
        self._put(Record(0, (kept, *none[1:]), last=kept))

    def confirm(self) -> bool:
        """What runs is good and stays; false: nothing runs, or something else was activated meanwhile."""
        now, running = self._record, self.running
        if running is None or running.slot != now.active or activated(now, running):
            return False
        found = now.images[running.slot]
        if now.tries_left is not None or (found is not None and found != now.last):
            self._change(tries_left=None, last=found)
        return True

    def revert(self) -> bool:
        """Give up a trial: the next boot runs the old program; false: none is on trial."""
        if self._record.tries_left is None:
            return False
        self._change(tries_left=0)
        return True

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
        return judged(data, self.identity, self._verify, self._accepts)

    def _read(self, slot: int, length: int) -> bytes:
        area = self._layout.slots[slot]
        return self._flash.read(area.offset, min(length, area.length))

    def _change(self, **changes: object) -> None:
        self._put(msgspec.structs.replace(self._record, **changes))

    def _put(self, record: Record) -> None:
        self._records.put(msgspec.msgpack.encode(record))
