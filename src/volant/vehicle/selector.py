"""The gear selector of a person who drives by hand: its word holds until the guard has heard of it.

The guard hands a driver's command on with the gear that the car reports; for a moment after the selector
was moved that is still the old one. A pilot that drives has the last word again after that moment.
"""

from __future__ import annotations

from typing import Final

import msgspec

from volant.core.clock import nanoseconds
from volant.core.messages import Command, Gear

HOLDS_NS: Final = nanoseconds(0.1)
"""Longer than a report takes to come back as a command, over buses too (chosen)."""


class Selector:
    """Remembers the last command, and the gear that was selected by hand."""

    def __init__(self, first: Command) -> None:
        self._command = first
        self._gear, self._until_ns = first.gear, -1

    def moved(self, gear: Gear, stamp_ns: int) -> Command:
        """The last command in a gear that somebody selected."""
        self._gear, self._until_ns = gear, stamp_ns + HOLDS_NS
        return self.passed(self._command, stamp_ns)

    def passed(self, command: Command, stamp_ns: int) -> Command:
        """A command on its way to the control units."""
        self._command = command
        if stamp_ns < self._until_ns and command.gear is not self._gear:
            return msgspec.structs.replace(command, gear=self._gear)
        return command


__all__ = ["Selector"]
