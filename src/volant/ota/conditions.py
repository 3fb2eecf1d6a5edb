"""When the car may be updated: facts with their age, and reasons for people.

Sources: UN R156 7.2.2.1.2 (energy), 7.2.2.1.3 (a state that is safe), 7.2.2.5 (again at execution); GB 44496 (doors);
all recalled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from volant.core.body import BodyState
from volant.core.messages import CarPower, CarState, Gear, PowerState

FRESH_NS: Final = 3_000_000_000
"""Older facts are not known (chosen: three of the slowest topic's periods)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionTuning:
    """What an update asks for."""

    charge_least_pct: float = 20.0
    """For the update and the way back with much to spare (chosen)."""
    supply_least_v: float = 11.8
    """Flash is written from 11.5 V on (`vehicle.boot.flashing`); a bit above, for the way back (chosen)."""
    supply_most_v: float = 15.5


@dataclass(frozen=True, slots=True, kw_only=True)
class CarFacts:
    """What counts for an update; None: not known, or too old."""

    speed_mps: float | None = None
    gear: Gear | None = None
    power: PowerState | None = None
    supply_v: float | None = None
    charge_pct: float | None = None
    doors_open: bool | None = None
    """People can get out: doors can be opened from inside."""


def car_facts(
    now_ns: int, car: CarState | None, body: BodyState | None, power: CarPower | None
) -> CarFacts:
    """Facts from the newest messages; what is older than `FRESH_NS` or not valid is not known."""
    raise NotImplementedError


def reasons_against(facts: CarFacts, tuning: ConditionTuning) -> tuple[str, ...]:
    """Why an update may not begin or go on, for people; empty: it may."""
    raise NotImplementedError


def may_touch(facts: CarFacts) -> bool:
    """Whether units may be written and reset at all: the car stands, or is locked and not switched on to drive."""
    raise NotImplementedError
