"""Whether new programs are good: what is new since they run, and a reason to roll back.

Judged: units that are back, boots, trouble codes that are new, the pilot's faults and disengagements.
"""

from __future__ import annotations

from dataclasses import dataclass

from volant.core.messages import PilotState, TroubleCodes


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthTuning:
    """How long new programs are watched, and what is too much."""

    settle_s: float = 20.0
    """Every unit must answer and run its target that long after a boot (chosen)."""
    drive_s: float = 300.0
    """Driven while on trial, unless the second boot comes first; 0: they stay once they settled (chosen)."""
    silent_s: float = 30.0
    """A unit may be silent that long (chosen: three boots of a unit with a watchdog)."""
    disengagements_most: int = 1
    """By the pilot's own fault; one more, and they go (chosen)."""
    faults_most: int = 0
    """Faults of the pilot (chosen)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthFacts:
    """What the car says of itself since this process began."""

    codes: frozenset[str] = frozenset()
    """Trouble codes that are active and warn, as `unit code`."""
    disengagements: int = 0
    """By the pilot's own doing, not the driver's."""
    faults: int = 0
    """Times that the pilot became unable."""
    driving: bool = False


class HealthWatch:
    """Counts what the topics tell; a fold without a clock."""

    def codes(self, codes: TroubleCodes) -> None:
        """Take the newest trouble codes."""
        raise NotImplementedError

    def pilot(self, pilot: PilotState) -> None:
        """Take the newest state of the pilot."""
        raise NotImplementedError

    def facts(self, *, driving: bool) -> HealthFacts:
        """What there is by now."""
        raise NotImplementedError
