"""When the car may be updated: facts with their age, and reasons for people.

Sources: UN R156 7.2.2.1.2 (energy), 7.2.2.1.3 (a state that is safe), 7.2.2.5 (again at execution); GB 44496 (doors);
all recalled. A cable in the inlet is no hindrance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from volant.core.body import BodyState
from volant.core.messages import CarPower, CarState, Gear, PowerState

FRESH_NS: Final = 3_000_000_000
"""Older facts are not known (chosen: three of the slowest topic's periods)."""
STILL_MPS: Final = 0.05
"""Below it the car stands (chosen: half of what its wheels resolve)."""
_ON: Final = frozenset({PowerState.READY, PowerState.DRIVING})
_FRONT: Final = 2
"""Doors and seats in front come first."""
_REAR_SEATS: Final = ((2, 2), (3, 3))
"""Doors behind, each with the seat beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionTuning:
    """What an update asks for."""

    charge_least_pct: float = 20.0
    """For the update and the way back with much to spare (chosen)."""
    supply_least_v: float = 11.8
    """Flash is written from 11.5 V on (`vehicle.boot.flashing`); a bit above, for the way back (chosen)."""
    supply_most_v: float = 15.5
    """As `vehicle.boot.flashing`."""


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
    car = car if car is not None and car.valid and _fresh(car.stamp_ns, now_ns) else None
    body = body if body is not None and _fresh(body.stamp_ns, now_ns) else None
    power = power if power is not None and _fresh(power.stamp_ns, now_ns) else None
    return CarFacts(
        speed_mps=car.speed_mps if car else None,
        gear=car.gear if car else None,
        charge_pct=car.charge_pct if car else None,
        power=(power.to or power.state) if power else None,
        supply_v=power.supply_v if power else None,
        doors_open=_can_get_out(body) if body else None,
    )


def reasons_against(facts: CarFacts, tuning: ConditionTuning) -> tuple[str, ...]:
    """Why an update may not begin or go on, for people; empty: it may. What is not known is a reason, too."""
    t = tuning
    checks = (
        ("speed", facts.speed_mps, lambda v: abs(v) <= STILL_MPS, "the car moves"),
        ("gear", facts.gear, lambda v: v is Gear.PARK, "the selector is not in park"),
        ("power state", facts.power, lambda v: v not in _ON, "the car is switched on to drive"),
        (
            *("charge", facts.charge_pct, lambda v: v >= t.charge_least_pct),
            f"the battery is below {t.charge_least_pct:.0f} %",
        ),
        (
            *("12 V side", facts.supply_v, lambda v: t.supply_least_v <= v <= t.supply_most_v),
            f"the 12 V side is not between {t.supply_least_v} and {t.supply_most_v} V",
        ),
        (
            *("doors", facts.doors_open, lambda v: v),
            "a door cannot be opened from inside: undo the child lock",
        ),
    )
    found = []
    for name, value, good, words in checks:
        if value is None:
            found.append(f"not known: {name}")
        elif not good(value):
            found.append(words)
    return tuple(found)


def reasons_to_wait(facts: CarFacts, tuning: ConditionTuning) -> tuple[str, ...]:
    """Why an update that cannot simply be left any more waits, for people; empty: it goes on.

    Charge and doors were asked for before it began. To wait for them now would only hold the car longer.
    """
    found = () if may_touch(facts) else ("the car is switched on to drive",)
    low, high = tuning.supply_least_v, tuning.supply_most_v
    if facts.supply_v is not None and not low <= facts.supply_v <= high:
        found = (*found, f"the 12 V side is not between {low} and {high} V")
    return found


def may_touch(facts: CarFacts) -> bool:
    """Whether units may be written and reset at all: the car is not switched on to drive and is not seen to move.

    The power state is the system's own; it is known though every unit is silent.
    """
    if facts.power is None or facts.power in _ON:
        return False
    return facts.speed_mps is None or abs(facts.speed_mps) <= STILL_MPS


def _fresh(stamp_ns: int, now_ns: int) -> bool:
    return now_ns - stamp_ns <= FRESH_NS


def _can_get_out(body: BodyState) -> bool:
    """The doors in front open from inside; so do those beside somebody who sits behind, unless somebody sits in front."""
    if any(door.child_locked for door in body.doors[:_FRONT]):
        return False
    if any(seat.occupied for seat in body.seats[:_FRONT]):
        return True
    return not any(
        body.doors[door].child_locked and body.seats[seat].occupied for door, seat in _REAR_SEATS
    )
