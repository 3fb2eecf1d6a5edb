"""Trouble codes that the port over buses finds in a drive: told at its end, and kept for testers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from volant.app.canbus import code_words
from volant.app.say import table, tell
from volant.caros.codes import Codes, More, code_rows, fresh_memories, network_faults, present_codes
from volant.core.clock import seconds
from volant.core.messages import TroubleCode
from volant.vehicle.cancar import codes_of
from volant.vehicle.network import CarMapping

UNIT: Final = "pilot"
"""The unit that hears the buses, and whose memory keeps what is wrong there."""


def more_codes(mapping: CarMapping) -> More:
    """Codes of a mapping that the pilot's unit may not have by itself."""
    return {UNIT: network_faults(codes_of(mapping))}


class BusCodes:
    """A `cancar.Report` that remembers."""

    def __init__(self, mapping: CarMapping, kept: Codes) -> None:
        """Args:
        mapping: tells which codes there can be.
        kept: the car's memories, made with `more_codes` of the same mapping.
        """
        # What is told of this drive shall not depend on the drives before.
        self._fresh = fresh_memories(more_codes(mapping))
        self._memories = self._fresh[UNIT], kept.memories[UNIT]

    def report(self, code: int, failed: bool, stamp_ns: int, snapshot: Mapping[int, bytes]) -> None:
        """A code has failed or passed."""
        came = "" if failed else " has passed"
        tell(f"{seconds(stamp_ns):.2f} s: trouble code {code_words(code)}{came}")
        for memory in self._memories:
            memory.report(code, failed, stamp_ns, snapshot)

    def found(self) -> tuple[TroubleCode, ...]:
        """Codes of this drive with their freeze frames."""
        return present_codes(self._fresh)


def show_codes(codes: tuple[TroubleCode, ...]) -> None:
    """The table at the end of a drive; nothing where there is none."""
    if codes:
        heads = ("code", "unit", "what", "status", "failed first, last")
        table("Trouble codes of the drive", heads, code_rows(codes))
