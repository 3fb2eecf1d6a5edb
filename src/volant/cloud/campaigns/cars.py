"""One car and its campaign, step by step: it asks, it reports, it is silent, it is unwell, it may try again.

Each step takes both records and gives both back; whoever stores them does so in one transaction and answers the car
only then. So a car is told once for each try, whatever dies: told and not answered, it asks again and gets the same
answer. What a car says may come doubled, late or in another order: of one try the worst counts, and an old try is stale.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from volant.cloud.campaigns.advance import advance
from volant.cloud.campaigns.health import CarHealth
from volant.cloud.campaigns.state import (
    ERRORS,
    IN_FLIGHT,
    OPEN,
    ORDER,
    TO_TELL,
    Campaign,
    CarState,
    Phase,
    Task,
)
from volant.cloud.campaigns.windows import open_at
from volant.core.errors import RefusedError

REASON_MOST: Final = 512
INSTALLED: Final = frozenset({CarState.WATCHED, CarState.WELL})
AGREEING: Final = frozenset({CarState.WAITING, CarState.REFUSED, CarState.LOST})
"""Whoever is there may agree to a try that has no place any more."""
RETRIED: Final = frozenset({CarState.FAILED, CarState.LOST, CarState.REFUSED, CarState.UNWELL})


class Answer(StrEnum):
    """What a car is told when it asks."""

    NOTHING = "nothing"
    UPDATE = "update"
    CALL_BACK = "call back"


class Said(StrEnum):
    """What a car says of a try."""

    BUSY = "busy"
    WAITING = "waiting"
    """It has not begun, and why: no room, nobody agrees, never parked."""
    INSTALLED = "installed"
    FAILED = "failed"
    REFUSED = "refused"
    CANCELED = "canceled"
    AGREED = "agreed"
    """Somebody in it agrees to the try, perhaps after a no."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a car says."""

    attempt: Annotated[int, Meta(ge=0)]
    said: Said
    reason: str = ""
    called_back: bool = False
    """It was asked to let go of it, and did."""


@dataclass(frozen=True, slots=True)
class CarFacts:
    """What its manifest says, when it asks."""

    runs: bool = False
    """It runs the release."""
    left: bool = False
    """It ran the release, by an earlier manifest, and no longer does."""
    unable: str = ""
    """Why the release is not for it; empty: it is."""
    agreed: bool = False
    """It holds its last try, which it had let go of and then agreed to: that one goes on, as soon as there is room."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Both records after a step."""

    campaign: Campaign
    task: Task
    answer: Answer = Answer.NOTHING
    stale: bool = False
    """It spoke of a try that is over, and nothing has changed."""


def ask(campaign: Campaign, task: Task, facts: CarFacts, now_s: float) -> Outcome:
    """A car asks whether there is something for it."""
    campaign, task = _hear_facts(campaign, task, facts, now_s)
    lost = task.state is CarState.LOST
    if task.state in OPEN or lost:
        if campaign.recalls or (lost and not campaign.has_room):
            return Outcome(campaign, task, Answer.CALL_BACK)
        if lost:
            campaign, task = _move(campaign, task, CarState.TOLD, now_s)
        return Outcome(advance(campaign, now_s), task, Answer.UPDATE)
    if why_not_told(campaign, task, now_s):
        return Outcome(campaign, task)
    if facts.unable:
        refused = replace(task, reason=facts.unable[:REASON_MOST])
        campaign, task = _move(campaign, refused, CarState.REFUSED, now_s)
        return Outcome(advance(campaign, now_s), task)
    if facts.agreed:
        campaign, task = _move(campaign, task, CarState.BUSY, now_s, telling=True)
        return Outcome(campaign, task, Answer.UPDATE)
    fresh = replace(task, attempt=task.attempt + 1, health=CarHealth(), reason="")
    campaign, task = _move(campaign, fresh, CarState.TOLD, now_s, before=task.state, telling=True)
    return Outcome(replace(campaign, told=campaign.told + 1), task, Answer.UPDATE)


def why_not_told(campaign: Campaign, task: Task, now_s: float) -> str:
    """Why a car is not told now, for people; empty: it is."""
    plan = campaign.plan
    if task.state not in TO_TELL:
        return f"the car is {task.state}"
    if campaign.phase is not Phase.RUNNING:
        return f"the campaign is {campaign.phase}"
    if task.wave > campaign.wave:
        return f"wave {plan.waves[task.wave].name} is not open"
    if now_s < plan.begins_s or (plan.ends_s is not None and now_s >= plan.ends_s):
        return "it is not the time of the campaign"
    if not open_at(plan.windows, now_s):
        return "no window is open"
    if not campaign.has_room:
        return f"{campaign.in_flight} cars are at it or watched, at most {plan.concurrency}"
    return ""


def hear(campaign: Campaign, task: Task, report: Report, now_s: float) -> Outcome:
    """A car reports. Stale: it speaks of another try than the present one.

    The answer counts for `Said.AGREED` only: whether it may begin now.
    """
    if not task.attempt or report.attempt != task.attempt:
        return Outcome(campaign, task, stale=True)
    if report.said is Said.AGREED:
        return _agrees(campaign, task, report.reason, now_s)
    if report.said is Said.WAITING:
        return _waits(campaign, task, report.reason, now_s)
    wanted = _state_for(report.said, task, campaign, called_back=report.called_back)
    if ORDER[wanted] < ORDER[task.state]:
        return Outcome(campaign, task)
    campaign, task = _move(
        campaign,
        replace(task, reason=report.reason[:REASON_MOST] or task.reason),
        wanted,
        now_s,
        renew=wanted is CarState.BUSY,
    )
    return Outcome(advance(campaign, now_s), task)


def _agrees(campaign: Campaign, task: Task, why: str, now_s: float) -> Outcome:
    """Somebody in a car agrees. One that had let go of its place waits for another, like any that waits."""
    if campaign.recalls:
        return Outcome(campaign, task, Answer.CALL_BACK)
    if task.state not in OPEN | AGREEING:
        return Outcome(campaign, task)
    agreed = replace(task, reason=why[:REASON_MOST])
    if task.state in OPEN:
        campaign, task = _move(campaign, agreed, CarState.BUSY, now_s, renew=True)
        return Outcome(advance(campaign, now_s), task, Answer.UPDATE)
    campaign, task = _move(campaign, agreed, CarState.WAITING, now_s)
    return ask(campaign, task, CarFacts(agreed=True), now_s)


def _waits(campaign: Campaign, task: Task, why: str, now_s: float) -> Outcome:
    """A car has not begun. Once it has said so for as long as the plan has patience, it is let go of.

    It has come to no harm, so it is no error; but others wait for its place.
    """
    if task.state not in OPEN:
        return Outcome(campaign, task)
    until_s = task.waits_until_s
    if until_s is None:
        until_s = now_s + campaign.plan.patience_s
    wanted = CarState.BUSY if now_s < until_s else CarState.REFUSED
    waits = replace(task, reason=why[:REASON_MOST])
    campaign, task = _move(campaign, waits, wanted, now_s, renew=wanted is CarState.BUSY)
    if task.state is CarState.BUSY:
        task = replace(task, waits_until_s=until_s)
    return Outcome(advance(campaign, now_s), task)


def hear_health(
    campaign: Campaign, task: Task, attempt: int, health: CarHealth, now_s: float
) -> Outcome:
    """A car tells how it is since it runs the update; numbers from its first start with it on."""
    if not task.attempt or attempt != task.attempt:
        return Outcome(campaign, task, stale=True)
    after = task.health.joined(health)
    sums = tuple(
        found.moved(rule, task.health, after)
        for rule, found in zip(campaign.plan.health, campaign.health, strict=True)
    )
    campaign, task = replace(campaign, health=sums), replace(task, health=after)
    bad = [one for one in campaign.plan.unwell if after.events.get(one)]
    if bad and task.state is not CarState.HAS:
        found = ", ".join(f"{one} {after.events[one]}" for one in bad)[:REASON_MOST]
        campaign, task = _move(campaign, replace(task, reason=found), CarState.UNWELL, now_s)
    return Outcome(advance(campaign, now_s), task)


def overdue(campaign: Campaign, task: Task, now_s: float) -> Outcome:
    """Time goes by: a silent car is lost, a watched one is well."""
    if task.due_s is None or now_s < task.due_s:
        return Outcome(campaign, task)
    wanted = CarState.WELL if task.state is CarState.WATCHED else CarState.LOST
    campaign, task = _move(campaign, task, wanted, now_s)
    return Outcome(advance(campaign, now_s), task)


def retry(campaign: Campaign, task: Task, now_s: float) -> Outcome:
    """A person lets a car that failed, is lost or did not want try once more; errors count until it succeeds.

    Raises:
        RefusedError: the car did not fail, or the campaign is over.
    """
    if campaign.phase not in {Phase.RUNNING, Phase.PAUSED, Phase.HALTED}:
        raise RefusedError(f"the campaign is {campaign.phase}; make another for these cars")
    if task.state not in RETRIED:
        raise RefusedError(f"car {task.car_id} is {task.state}; only failed cars try again")
    wanted = CarState.WAITING if task.state is CarState.REFUSED else CarState.AGAIN
    campaign, task = _move(campaign, task, wanted, now_s)
    return Outcome(advance(campaign, now_s), task)


def leave(campaign: Campaign, task: Task, reason: str, now_s: float) -> Outcome:
    """A car leaves the fleet: nobody waits for it, and what it has said before goes on to count."""
    if task.state not in TO_TELL | OPEN | {CarState.WATCHED}:
        return Outcome(campaign, task)
    left = replace(task, reason=reason[:REASON_MOST])
    wanted = CarState.FAILED if task.state is CarState.AGAIN else CarState.REFUSED
    campaign, task = _move(campaign, left, wanted, now_s)
    return Outcome(advance(campaign, now_s), task)


def _state_for(
    said: Said, task: Task, campaign: Campaign, *, called_back: bool = False
) -> CarState:
    if said is Said.INSTALLED:
        return CarState.WATCHED if campaign.plan.watch_s else CarState.WELL
    if said is Said.FAILED:
        return CarState.AGAIN if task.attempt < campaign.plan.tries else CarState.FAILED
    if said is Said.CANCELED and not (called_back or campaign.recalls):
        # Nobody called it back: telling it again would go on for ever.
        return CarState.REFUSED
    return CarState(said)


def _hear_facts(
    campaign: Campaign, task: Task, facts: CarFacts, now_s: float
) -> tuple[Campaign, Task]:
    """What a manifest says outranks reports: it is signed by the units, and says what runs now."""
    if facts.runs and task.state not in INSTALLED | {CarState.UNWELL, CarState.HAS}:
        ours = _state_for(Said.INSTALLED, task, campaign)
        wanted = ours if task.attempt else CarState.HAS
        task = replace(task, reason="")
    elif facts.left and task.state in INSTALLED:
        task = replace(task, reason="it no longer runs what it had installed")
        wanted = _state_for(Said.FAILED, task, campaign)
    else:
        return campaign, task
    campaign, task = _move(campaign, task, wanted, now_s)
    return advance(campaign, now_s), task


def _move(
    campaign: Campaign,
    task: Task,
    after: CarState,
    now_s: float,
    *,
    before: CarState | None = None,
    telling: bool = False,
    renew: bool = False,
) -> tuple[Campaign, Task]:
    """Bring a car to another state, and both records along."""
    before = before or task.state
    if before is after and not renew:
        return campaign, task
    late = not telling and _is_late(campaign, before, after)
    tallies = list(campaign.tallies)
    tallies[task.wave] = tallies[task.wave].moved(before, after)
    spans_s = {CarState.WATCHED: campaign.plan.watch_s}
    spans_s.update(dict.fromkeys(OPEN, campaign.plan.patience_s))
    due_s = now_s + spans_s[after] if after in spans_s else None
    campaign = replace(campaign, tallies=tuple(tallies), late=campaign.late + late)
    waits_until_s = task.waits_until_s if after is CarState.BUSY else None
    return campaign, replace(task, state=after, due_s=due_s, waits_until_s=waits_until_s)


def _is_late(campaign: Campaign, before: CarState, after: CarState) -> bool:
    """Whether a car that was out of the count turns bad, or runs it all the same."""
    exposed = IN_FLIGHT | ERRORS
    if after in exposed and before not in exposed:
        return True
    gone = TO_TELL | {CarState.REFUSED}
    back = campaign.is_over and before is CarState.LOST
    return after in INSTALLED and (back or (before in gone and before not in exposed))
