"""The downloads of one update: a delta where one fits, else the whole image; and how far they are.

A delta is only a shorter way: when it is not there, broken, or made from another program, the image comes instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from volant.app.updates_fetch import Wanted, download
from volant.app.updates_folder import UpdatesFolder
from volant.app.updates_source import UpdateSource
from volant.ota.events import Event, Fetching
from volant.ota.fitting import FittingDelta
from volant.ota.ports import Artifact, UnitNow
from volant.ota.record import UnitPlan
from volant.trust.uptane import Attack, Limits, RejectedError

FORGED: Final = (Attack.ARBITRARY, Attack.ROLLBACK, Attack.MIX_AND_MATCH, Attack.ENDLESS)
"""What is told is not to be believed; the others say that nothing, or nothing new, comes."""


@dataclass(slots=True)
class Coming:
    """All that is to come, one file after the other."""

    folder: UpdatesFolder
    source: UpdateSource
    limits: Limits
    tell: Callable[[Event], object]
    total: int
    """Bytes."""
    done: int = 0
    forged: list[RejectedError] = field(default_factory=list)
    """Deltas that were not what was signed."""

    def take(self, one: Wanted) -> Artifact:
        """Have a file in the car; raises as `download`."""

        def told(done: int, _of: int) -> None:
            self.tell(Fetching(self.done + done, self.total))

        found = download(self.folder, self.source, one, self.limits, told)
        self.done += one.length
        return found

    def take_instead(self, one: Wanted, delta: Wanted) -> Artifact:
        """Have the image in place of a delta; raises as `download`."""
        self.total += one.length - delta.length
        return self.take(one)

    def came(self, plan: UnitPlan, one: Wanted) -> bool:
        """Have what a unit needs; false: it is a delta that does not come, or not from what the unit runs.

        Raises:
            RejectedError: an image does not come; or a delta comes too slowly, which goes on later.
            RefusedError: the disk has no room, or refuses.
        """
        if one.hashes == plan.target.hashes:
            self.take(one)
            return True
        before = self.done
        try:
            found = self.take(one)
        except RejectedError as error:
            if error.attack is Attack.SLOW:
                raise
            if error.attack in FORGED:
                self.forged.append(error)
            return False
        if FittingDelta.of(found, UnitNow(runs=plan.before, version=""), plan.target) is not None:
            return True
        self.done = before
        return False
