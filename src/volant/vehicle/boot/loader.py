"""The bootloader: it alone decides what a control unit runs, and it stays whatever happens to the program.

A step machine over a flash device: erase block by block, take bytes, check, activate, boot. What it must know after
a cut stands in one record (`trust.flash.Records`). With two slots the running program stays until the new one is
sound, and a new one is tried; with one slot the bootloader waits without a program until one has come whole. A
transfer that was cut goes on at the block that was not finished.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from volant.core.errors import RefusedError
from volant.trust.delta import Header
from volant.vehicle.boot.parts import (
    TRIES,
    Job,
    Verdict,
    stored,
)
from volant.vehicle.boot.running import Running
from volant.vehicle.boot.transfer import DeltaTransfer, WholeTransfer, clean_from


class Bootloader(Running):
    """The bootloader of one unit. Not safe for threads; misuse by our own code is a ValueError."""

    def sign_in(self, fingerprint: bytes) -> None:
        """Keep who programs; asked for before an erase."""
        self._change(fingerprint=fingerprint)

    def begin_erase(self) -> bool:
        """Give up what is in the slot to be programmed; false: a trial must end first.

        That it is given up must be sure before its bytes change.
        """
        if self.on_trial:
            return False
        now, slot = self._record, self._target
        images = list(now.images)
        last = now.last or (images[self.running.slot] if self.running else None)
        images[slot] = None
        self._change(images=tuple(images), job=None, last=last)
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
        kept = self._record.last
        if kept is None or stored(data).sha256 != kept.sha256:  # the way back is always open
            if self.running is not None and image.release < self.running.image.release:
                return Verdict.OLDER
            named = None
            if self.trust is not None and self.trust.joined:
                named = self.trust.named(data)
                if named is None:
                    return Verdict.NOT_NAMED
            kept = stored(data, named)
        images = list(self._record.images)
        images[job.slot] = kept
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
    def _step_bytes(self) -> int:
        return self._layout.step_bytes or self._flash.geometry.erase_bytes

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
