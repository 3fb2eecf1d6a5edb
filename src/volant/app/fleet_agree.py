"""Whether what the fleet's server says of a campaign agrees with what the simulated cars did; pure.

The cars' own diaries are one side. The other is the campaign, its cars' parts in it, and the audit log, as they lie in
the database when all is over. Nobody may be told twice for one try, no lie may be taken, no limit overrun.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from volant.app.fleet_words import Said, Word
from volant.cloud.campaigns import CarState, Phase
from volant.cloud.campaigns.state import IN_FLIGHT, OPEN, Campaign, Task

STOP_REACHES_S: Final = 5.0
"""After a stop no further car is told from then on; the aim of ours in docs/guides/fleet.md."""
FINDINGS_MOST: Final = 20
"""That are told one by one."""
AFTER: Final[Mapping[Said, frozenset[CarState]]] = {
    Said.SUCCESS: frozenset({CarState.WATCHED, CarState.WELL, CarState.UNWELL}),
    Said.FAILURE: frozenset({CarState.AGAIN, CarState.FAILED}),
    Said.CANCELED: frozenset({CarState.CANCELED, CarState.REFUSED, CarState.AGAIN}),
}
"""Where a car may be after a closing word that the server has taken."""
UNSAID: Final = frozenset({CarState.TOLD, CarState.BUSY, CarState.LOST})
"""Where a car may be that was told, and has closed nothing."""


class Diary(Protocol):
    """What a car has seen and said, whatever it speaks."""

    @property
    def car_id(self) -> str:
        """Whose."""

    @property
    def offers(self) -> tuple[int, ...]:
        """Actions, or numbers of tries, that it was told, in their order."""

    @property
    def words(self) -> tuple[Word, ...]:
        """What it said that matters for the end: closing words and lies."""


@dataclass(slots=True)
class Ledger:
    """What the audit log tells of one campaign."""

    tells: Counter[tuple[str, int]] = field(default_factory=Counter)
    """How often a car was told, by car and try."""
    most_in_flight: int = 0
    halted_s: float | None = None
    """When it stopped, by itself or by a person, the last time; Unix seconds."""


def read_ledger(lines: Iterable[bytes], campaign_id: str) -> Ledger:
    """Go through the audit log once."""
    found, flying = Ledger(), set[str]()
    for line in lines:
        one = json.loads(line)
        act, about, data = one["act"], one["about"], one["data"]
        if about == campaign_id and act in {"advance", "stop"}:
            if data.get("phase") in {"halted", "stopped"}:
                found.halted_s = one["at_s"]
            continue
        if data.get("campaign") != campaign_id:
            continue
        if act == "tell":
            found.tells[(about, data["attempt"])] += 1
            flying.add(about)
        elif act == "car":
            (flying.add if data["state"] in IN_FLIGHT else flying.discard)(about)
        found.most_in_flight = max(found.most_in_flight, len(flying))
    return found


def disagreements(
    cars: Sequence[Diary], campaign: Campaign, tasks: Iterable[Task], ledger: Ledger | None
) -> list[str]:
    """All that does not agree, for people; none: all does.

    Args:
        cars: all that were simulated.
        campaign: as it stands in the database.
        tasks: of all its cars.
        ledger: of the audit log; None: it was not read.
    """
    by_id = {car.car_id: car for car in cars}
    counts: list[Counter[CarState]] = [Counter() for _ in campaign.tallies]
    found, tries = [], 0
    for task in tasks:
        counts[task.wave][task.state] += 1
        tries += task.attempt
        car = by_id.get(task.car_id)
        if car is not None and (why := _about(car, task, campaign)):
            found.append(f"{task.car_id}: {why}")
        if ledger is not None:
            found += _told_once(task, ledger)
    found += [f"{car.car_id}: {why}" for car in cars if (why := _fooled(car))]
    if tries != campaign.told:
        found.append(f"the campaign counts {campaign.told} tries told, its cars {tries}")
    for wave, tally, count in zip(campaign.plan.waves, campaign.tallies, counts, strict=False):
        if tally.counts != tuple(count[state] for state in CarState):
            found.append(f"wave {wave.name}: its tally is not that of its cars")
    return found + _limits(campaign, ledger)


def _limits(campaign: Campaign, ledger: Ledger | None) -> list[str]:
    found = []
    if campaign.errors > campaign.most_errors:
        found.append(f"{campaign.errors} cars in error, promised are {campaign.most_errors}")
    if ledger is None:
        return found
    most = campaign.plan.concurrency + campaign.late
    if ledger.most_in_flight > most:
        found.append(f"{ledger.most_in_flight} cars were at it at once, at most {most} may be")
    return found


def _told_once(task: Task, ledger: Ledger) -> list[str]:
    told = {number: ledger.tells[(task.car_id, number)] for number in range(1, task.attempt + 1)}
    return [
        f"{task.car_id}: try {number} was told {count} times"
        for number, count in told.items()
        if count != 1
    ]


def _about(car: Diary, task: Task, campaign: Campaign) -> str:
    """What is wrong with one car; empty: nothing."""
    seen, tries = len(car.offers), task.attempt
    if seen > tries:
        return f"it was told {seen} actions, the server counts {tries} tries"
    if seen < tries or not seen:
        return ""  # its last answer was lost on the way, or it was never told
    said = [one for one in car.words if one.action == car.offers[-1] and not one.lie]
    taken = [one for one in said if one.taken]
    if taken:
        last = taken[-1].said
        if task.state in AFTER.get(last, frozenset(CarState)) or _too_late(campaign, task):
            return ""
        return f"it said {last}, the server has it as {task.state}"
    if any(one.unsure for one in said) or task.state in UNSAID or _let_go(task):
        return ""
    return f"it never said how it went, the server has it as {task.state}"


def _let_go(task: Task) -> bool:
    """What nobody had agreed to is taken back without a word of the car's."""
    return task.state is CarState.CANCELED


def _too_late(campaign: Campaign, task: Task) -> bool:
    """It was given up as lost, and came back when the campaign was over: nobody counts it any more."""
    return task.state is CarState.LOST and campaign.phase is Phase.FINISHED


def _fooled(car: Diary) -> str:
    lies: list[Word] = [one for one in car.words if one.lie and one.taken]
    return f"the server believed {len(lies)} of its lies" if lies else ""


def told_late(offered_s: Iterable[float], stopped_s: float) -> int:
    """How many cars were told something new although a stop was older than it may be."""
    return sum(one > stopped_s + STOP_REACHES_S for one in offered_s)


def still_open(campaign: Campaign) -> int:
    """Cars that have yet to say how it went, or to let go of it."""
    return campaign.count(*OPEN)
