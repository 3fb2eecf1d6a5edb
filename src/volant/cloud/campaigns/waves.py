"""Which car is in which wave: by group, else by a hash, so that chance decides and everybody can check it.

Cars are read twice and not kept: a million of them take 16 MB.
"""

from __future__ import annotations

import hashlib
import math
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from volant.cloud.campaigns.plan import Plan

LOTS: Final = 1 << 64


@dataclass(frozen=True, slots=True)
class Candidate:
    """A car that the filter lets through."""

    car_id: str
    groups: tuple[str, ...] = ()


def lot(campaign_id: str, car_id: str) -> int:
    """A car's lot in a campaign, 0 to 2^64 - 1: another in each, so that it is not always the same cars that go first."""
    name = f"{campaign_id}\0{car_id}".encode()
    return int.from_bytes(hashlib.sha256(name).digest()[:8], "big")


@dataclass(frozen=True, slots=True)
class Division:
    """How the lots are cut."""

    plan: Plan
    cuts: tuple[int, ...]
    """First lot that is no longer in the wave, for each wave that takes no group, ascending."""
    waves: tuple[int, ...]
    """Which wave each cut ends."""

    def wave_of(self, car: Candidate) -> int | None:
        """The wave of a car; None: it is in none."""
        grouped = _group_wave(self.plan, car)
        if grouped is not None:
            return grouped
        place = bisect_right(self.cuts, lot(self.plan.campaign_id, car.car_id))
        return self.waves[place] if place < len(self.cuts) else None

    def divide(self, cars: Iterable[Candidate]) -> Iterator[tuple[str, int]]:
        """Each car with its wave; the same cars as those that the lots were cut for."""
        for car in cars:
            wave = self.wave_of(car)
            if wave is not None:
                yield car.car_id, wave


def cut(plan: Plan, cars: Iterable[Candidate]) -> Division:
    """Look at all cars once, and say how to divide them.

    Groups come first, in the order of waves. A count or share is of all cars, and is cut from those in no group.
    """
    lots, grouped = array("Q"), 0
    for car in cars:
        if _group_wave(plan, car) is None:
            lots.append(lot(plan.campaign_id, car.car_id))
        else:
            grouped += 1
    ordered = np.array(lots, dtype=np.uint64)
    ordered.sort()
    everyone, taken = grouped + len(ordered), 0
    cuts, waves = [], []
    for place, wave in enumerate(plan.waves):
        if wave.group is not None:
            continue
        taken += _wanted(wave.count, wave.share, everyone, len(ordered) - taken)
        ends = int(ordered[taken]) if taken < len(ordered) else LOTS
        # Two cars with one lot go together, in the later wave.
        taken = int(np.searchsorted(ordered, ordered[taken])) if ends < LOTS else taken
        cuts.append(ends)
        waves.append(place)
    return Division(plan, tuple(cuts), tuple(waves))


def _wanted(count: int | None, share: float | None, everyone: int, left: int) -> int:
    if count is not None:
        return min(count, left)
    if share is not None:
        return min(math.ceil(share * everyone), left)
    return left


def _group_wave(plan: Plan, car: Candidate) -> int | None:
    for place, wave in enumerate(plan.waves):
        if wave.group is not None and wave.group in car.groups:
            return place
    return None
