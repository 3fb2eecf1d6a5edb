"""Which car is in which wave: by group, else by a hash, so that chance decides and everybody can check it.

Cars are not kept: a million of them take some 20 MB.
"""

from __future__ import annotations

import hashlib
import math
from array import array
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from volant.cloud.campaigns.plan import Plan

LOTS: Final = 1 << 64
NOWHERE: Final = -1
"""In no wave."""


class Candidate(msgspec.Struct, frozen=True):
    """A car that the filter lets through."""

    car_id: str
    groups: tuple[str, ...] = ()


def lot(campaign_id: str, car_id: str) -> int:
    """A car's lot in a campaign, 0 to 2^64 - 1: another in each, so that it is not always the same cars that go first."""
    name = f"{campaign_id}\0{car_id}".encode()
    return int.from_bytes(hashlib.sha256(name).digest()[:8], "big")


def divide(plan: Plan, cars: Iterable[Candidate]) -> npt.NDArray[np.int8]:
    """Look at all cars once, and say which wave each is in, in their order; `NOWHERE`: in none.

    Groups come first, in the order of waves. A count or share is of all cars, and is cut from those in no group.
    """
    lots, waves = array("Q"), array("b")
    grouping = any(wave.group is not None for wave in plan.waves)
    campaign_id = plan.campaign_id
    for car in cars:
        grouped = _group_wave(plan, car) if grouping and car.groups else NOWHERE
        waves.append(grouped)
        if grouped == NOWHERE:
            lots.append(lot(campaign_id, car.car_id))
    found = np.array(waves, dtype=np.int8)
    drawn = np.array(lots, dtype=np.uint64)
    cuts, ends = _cut(plan, drawn, len(found))
    # The last place is for lots behind every cut.
    by_place = np.array([*ends, NOWHERE], dtype=np.int8)
    found[found == NOWHERE] = by_place[np.searchsorted(cuts, drawn, side="right")]
    return found


def _cut(
    plan: Plan, drawn: npt.NDArray[np.uint64], everyone: int
) -> tuple[npt.NDArray[np.uint64], Sequence[int]]:
    """First lots that are no longer in a wave, ascending, and the wave that each ends."""
    ordered = np.sort(drawn)
    taken = 0
    cuts: list[int] = []
    waves: list[int] = []
    for place, wave in enumerate(plan.waves):
        if wave.group is not None:
            continue
        taken += _wanted(wave.count, wave.share, everyone, len(ordered) - taken)
        waves.append(place)
        if taken == len(ordered):
            # Nothing is left: all lots that are not before a cut are in this wave.
            return np.array(cuts, dtype=np.uint64), waves
        cuts.append(int(ordered[taken]))
        # Two cars with one lot go together, in the later wave.
        taken = int(np.searchsorted(ordered, ordered[taken]))
    return np.array(cuts, dtype=np.uint64), waves


def _wanted(count: int | None, share: float | None, everyone: int, left: int) -> int:
    if count is not None:
        return min(count, left)
    if share is not None:
        return min(math.ceil(share * everyone), left)
    return left


def _group_wave(plan: Plan, car: Candidate) -> int:
    for place, wave in enumerate(plan.waves):
        if wave.group is not None and wave.group in car.groups:
            return place
    return NOWHERE
