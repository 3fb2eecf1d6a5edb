"""Whether new programs are good: what is new since they run, and a reason to roll back.

Judged: units that run what they should, boots, trouble codes that are new, the pilot's faults and disengagements.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from volant.core.messages import CodeStatus, Engagement, PilotState, TroubleCodes
from volant.ota.record import Open

_NOT_ITS_OWN: Final = frozenset(
    {
        *("hands_off", "eyes_off", "locked_out", "acc_off", "unbelted", "door_open", "plugged"),
        *("reverse", "road_ends", "too_fast"),
    }
)
"""Codes of the pilot for what the driver did, or where the road ends: no program is to blame."""


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
    """By the pilot's own doing; one more, and they go (chosen)."""
    faults_most: int = 0
    """Minimal-risk manoeuvres of the pilot (chosen)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthFacts:
    """What the car says of itself since this process began."""

    codes: frozenset[str] = frozenset()
    """Trouble codes that are active and warn, as `unit code`."""
    disengagements: int = 0
    """The pilot asked the driver to take over."""
    faults: int = 0
    """It had to stop the car itself."""
    driving: bool = False


class HealthWatch:
    """Counts what the topics tell; a fold without a clock."""

    def __init__(self) -> None:
        self._codes: frozenset[str] = frozenset()
        self._was: Engagement | None = None
        self._disengagements = self._faults = 0

    def codes(self, codes: TroubleCodes) -> None:
        """Take the newest trouble codes."""
        self._codes = frozenset(
            f"{one.unit} {one.code}"
            for one in codes.codes
            if one.warns and one.status is CodeStatus.ACTIVE
        )

    def pilot(self, pilot: PilotState) -> None:
        """Take the newest state of the pilot."""
        if pilot.engagement is not self._was and pilot.code not in _NOT_ITS_OWN:
            self._disengagements += pilot.engagement is Engagement.TAKEOVER
            self._faults += pilot.engagement is Engagement.MINIMAL_RISK
        self._was = pilot.engagement

    def facts(self, *, driving: bool) -> HealthFacts:
        """What there is by now."""
        return HealthFacts(
            codes=self._codes,
            disengagements=self._disengagements,
            faults=self._faults,
            driving=driving,
        )


def fault_of(trial: Open, lasting: frozenset[str], tuning: HealthTuning) -> str:
    """Why the new programs must go, for people; empty: nothing speaks against them.

    Args:
        trial: what was counted in it.
        lasting: codes that have been active for as long as a boot may take.
        tuning: what is too much.
    """
    fresh = sorted(lasting - set(trial.codes_before))
    if fresh:
        return f"new trouble codes: {', '.join(fresh[:4])}"
    if trial.faults > tuning.faults_most:
        return "the pilot had to stop the car by itself"
    if trial.disengagements > tuning.disengagements_most:
        return f"the pilot gave up {trial.disengagements} times"
    return ""


def has_passed(trial: Open, tuning: HealthTuning) -> bool:
    """Whether settled programs may stay: they were driven, or have no boot left to be tried in."""
    return trial.driven_s >= tuning.drive_s or trial.boots >= 1
