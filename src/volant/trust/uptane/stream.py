"""Installing without room for a second image: the unit overwrites its program with what the primary streams to it.

Uptane 2.1, 5.4.3.3 (download of the latest image). The record is stored before each step that it names, so that
after a power cut at any byte the unit knows whether its program is whole: if not, it is written anew from the new
image, or put back from the backup that lies at the primary. It never boots a program whose hashes are not right.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from volant.core.errors import RefusedError
from volant.trust.uptane.download import ImageCheck
from volant.trust.uptane.inventory import Installed
from volant.trust.uptane.match import Assignment
from volant.trust.uptane.verdict import RejectedError


class Phase(StrEnum):
    """What the unit was doing."""

    IDLE = "idle"
    """Its program is whole."""
    BACKING_UP = "backing-up"
    """Its program is whole and goes to the primary."""
    WRITING = "writing"
    """Its program is being overwritten with the new one."""
    RESTORING = "restoring"
    """Its program is being overwritten with the backup."""


class StreamRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What a unit without staging space stores of an update; a step gives the record to store next."""

    phase: Phase = Phase.IDLE
    runs: Installed
    """What ran last, and lies at the primary while another is written."""
    target: Installed | None = None

    @property
    def may_boot(self) -> bool:
        """Whether the program is whole; a shell checks its hashes all the same."""
        return self.phase in {Phase.IDLE, Phase.BACKING_UP}

    def begin(self, one: Assignment) -> StreamRecord:
        """Metadata is verified: back up first.

        Raises:
            RefusedError: an update is under way.
        """
        self._must_be(Phase.IDLE)
        return msgspec.structs.replace(self, phase=Phase.BACKING_UP, target=one.as_installed())

    def backed_up(self, hashes: Mapping[str, str]) -> StreamRecord:
        """The primary says what it holds; only a true copy lets the program be overwritten.

        Raises:
            RefusedError: the copy is another one.
        """
        self._must_be(Phase.BACKING_UP)
        if dict(hashes) != self.runs.hashes:
            raise RefusedError(f"the backup of {self.runs.name} at the primary is not a true copy")
        return msgspec.structs.replace(self, phase=Phase.WRITING)

    def written(self, program: bytes) -> StreamRecord:
        """All was written and read back.

        Returns:
            idle with what now runs; or restoring, where the new image is not what is signed.
        """
        self._must_be(Phase.WRITING, Phase.RESTORING)
        wanted = self.wanted
        check = ImageCheck(wanted.name, wanted.length, wanted.hashes)
        try:
            check.feed(program)
            check.end()
        except RejectedError:
            return msgspec.structs.replace(self, phase=Phase.RESTORING)
        return StreamRecord(runs=wanted)

    def give_up(self) -> StreamRecord:
        """The new image does not come: put the old one back."""
        if self.may_boot:
            return StreamRecord(runs=self.runs)
        return msgspec.structs.replace(self, phase=Phase.RESTORING)

    def after_cut(self) -> StreamRecord:
        """After a power cut: a backup is begun anew, a write goes on from its start."""
        return StreamRecord(runs=self.runs) if self.may_boot else self

    @property
    def wanted(self) -> Installed:
        """What is to be streamed now."""
        if self.phase is Phase.WRITING and self.target is not None:
            return self.target
        return self.runs

    def _must_be(self, *phases: Phase) -> None:
        if self.phase not in phases:
            raise RefusedError(f"the unit is {self.phase}, not {' or '.join(phases)}")
