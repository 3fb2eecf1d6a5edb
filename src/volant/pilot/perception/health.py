"""Which sensors are broken, as codes: what the tracker noticed of its frames, and what that leaves blind.

Only a sensor that was heard before can be missed. `odd` decides what a code means for the drive; one
lost sensor of many is told and driven on with.
"""

from __future__ import annotations

from dataclasses import dataclass

from volant.core.clock import NS_PER_S
from volant.pilot.perception.fields import FRONT, SIDES
from volant.pilot.perception.track import Tracker


@dataclass(frozen=True, slots=True)
class HealthTuning:
    """When a sensor counts as broken."""

    lost_s: float = 0.6
    """Silent for longer: twelve frames of a fast sensor, six of a slow one."""
    late_s: float = 0.3
    """Frames that are older than this when they arrive tell too little (chain target 0.2 s)."""
    noisy_m: tuple[float, float] = (1.0, 0.55)
    """Learnt spread of place along and across the line of sight that no sound sensor has."""
    frozen_frames: int = 3
    """The very same returns this often in a row while moving: a hung sensor."""


@dataclass(frozen=True, slots=True)
class SensorHealth:
    """The broken ones among the sensors that were heard before."""

    lost: tuple[str, ...] = ()
    frozen: tuple[str, ...] = ()
    late: tuple[str, ...] = ()
    noisy: tuple[str, ...] = ()
    known: tuple[str, ...] = ()

    @property
    def broken(self) -> frozenset[str]:
        """All that cannot be relied on."""
        return frozenset((*self.lost, *self.frozen, *self.late))

    @property
    def front_blind(self) -> bool:
        """Nobody looks ahead any more."""
        return self._all_broken(FRONT)

    def side_blind(self, side: str) -> bool:
        """Nobody looks to the side (`left` or `right`) any more."""
        return self._all_broken(SIDES[side])

    def codes(self) -> tuple[tuple[str, str], ...]:
        """Codes and words (at most 30 characters), the gravest first."""
        found = []
        if self.front_blind:
            found.append(("front_blind", "Sees nothing ahead"))
        blind = [side for side in SIDES if self.side_blind(side)]
        found.extend((f"{side}_blind", f"Sees nothing to the {side}") for side in blind)
        for code, names in (
            ("lost", self.lost),
            ("frozen", self.frozen),
            ("late", self.late),
            ("noisy", self.noisy),
        ):
            found.extend((f"{name}_{code}", f"{name} {code}"[:30]) for name in names)
        return tuple(found)

    def _all_broken(self, names: tuple[str, ...]) -> bool:
        known = [name for name in names if name in self.known]
        return bool(known) and all(name in self.broken for name in known)


def sensor_health(tracker: Tracker, now_ns: int, tuning: HealthTuning) -> SensorHealth:
    """What the tracker's memory of its frames says about each sensor."""
    lost, frozen, late, noisy = [], [], [], []
    for index, name in enumerate(tracker.sensors):
        if (now_ns - tracker.heard_ns[index]) / NS_PER_S > tuning.lost_s:
            lost.append(name)
        elif tracker.frozen[index] >= tuning.frozen_frames:
            frozen.append(name)
        elif tracker.lag_s[index] > tuning.late_s:
            late.append(name)
        along_m, across_m = tracker.noise[index, :2].tolist()
        if along_m > tuning.noisy_m[0] and across_m > tuning.noisy_m[1]:
            noisy.append(name)
    return SensorHealth(tuple(lost), tuple(frozen), tuple(late), tuple(noisy), tracker.sensors)
