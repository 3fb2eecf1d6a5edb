"""A campaign with its cars in memory, as a store would hold them, and what must hold of them at any moment."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from volant.cloud.campaigns import (
    Answer,
    Campaign,
    CarFacts,
    CarHealth,
    CarState,
    Outcome,
    Phase,
    Plan,
    Report,
    Said,
    Task,
    Wave,
    advance,
    approve,
    ask,
    draft,
    hear,
    hear_health,
    overdue,
    resume,
    start,
    submit,
)
from volant.cloud.campaigns.state import IN_FLIGHT

NOW_S = 1_800_000_000.0


def plan_of(**changes: Any) -> Plan:
    fields: dict[str, Any] = {
        "campaign_id": "spring",
        "title": "Spring update",
        "release": "2.0",
        "waves": (Wave(name="all", errors_stop=2),),
        "concurrency": 3,
    }
    return Plan(**{**fields, **changes})


@dataclass
class Fleet:
    """Everything that a store holds of one campaign."""

    plan: Plan
    sizes: Sequence[int]
    now_s: float = NOW_S
    campaign: Campaign = field(init=False)
    tasks: dict[str, Task] = field(default_factory=dict)
    told: Counter[tuple[str, int]] = field(default_factory=Counter)
    """How often each try of each car was told first: with a step that changed the records."""
    stale: int = 0

    def __post_init__(self) -> None:
        for wave, size in enumerate(self.sizes):
            for place in range(size):
                name = f"car-{wave}-{place}"
                self.tasks[name] = Task(campaign_id=self.plan.campaign_id, car_id=name, wave=wave)
        found = approve(submit(draft(self.plan, "ann"), "ann", 0), self.plan.digest, "bob", 1)
        self.campaign = start(found, self.sizes, "ann", 2, now_s=self.now_s)

    def keep(self, found: Outcome) -> Outcome:
        before = self.tasks[found.task.car_id]
        if found.answer is Answer.UPDATE and found.task.attempt != before.attempt:
            self.told[found.task.car_id, found.task.attempt] += 1
            assert self.campaign.phase is Phase.RUNNING
        if found.answer is Answer.UPDATE and before.state not in IN_FLIGHT:
            assert not self.campaign.recalls
            assert found.campaign.in_flight <= self.plan.concurrency
        self.stale += found.stale
        self.campaign, self.tasks[found.task.car_id] = found.campaign, found.task
        self.check()
        return found

    def ask(self, car: str, **facts: Any) -> Answer:
        found = ask(self.campaign, self.tasks[car], CarFacts(**facts), self.now_s)
        return self.keep(found).answer

    def say(
        self,
        car: str,
        said: Said,
        attempt: int | None = None,
        reason: str = "",
        *,
        called_back: bool = False,
    ) -> Outcome:
        task = self.tasks[car]
        number = task.attempt if attempt is None else attempt
        report = Report(attempt=number, said=said, reason=reason, called_back=called_back)
        found = hear(self.campaign, task, report, self.now_s)
        if number != task.attempt or not number:
            assert found == Outcome(self.campaign, task, stale=True)
        return self.keep(found)

    def health(self, car: str, attempt: int | None = None, **counted: Any) -> Outcome:
        task = self.tasks[car]
        number = task.attempt if attempt is None else attempt
        found = hear_health(self.campaign, task, number, CarHealth(**counted), self.now_s)
        return self.keep(found)

    def later(self, span_s: float) -> None:
        self.now_s += span_s
        for car in list(self.tasks):
            self.keep(overdue(self.campaign, self.tasks[car], self.now_s))
        self.campaign = advance(self.campaign, self.now_s)

    def resume(self) -> None:
        """A person lets it go on after a pause."""
        found = resume(self.campaign, "ann", self.campaign.revision, now_s=self.now_s)
        self.campaign = found

    def go_on(self) -> None:
        """A second person lets it go on after it has stopped itself."""
        found = resume(self.campaign, "ann", self.campaign.revision, now_s=self.now_s)
        found = approve(found, self.plan.digest, "bob", found.revision)
        self.campaign = start(found, (), "ann", found.revision, now_s=self.now_s)

    def count(self, *states: CarState) -> int:
        return sum(one.state in states for one in self.tasks.values())

    def check(self) -> None:
        for wave, tally in enumerate(self.campaign.tallies):
            mine = [one for one in self.tasks.values() if one.wave == wave]
            assert tally.size == len(mine) == self.sizes[wave]
            for state in CarState:
                assert tally.count(state) == sum(one.state is state for one in mine)
        assert all(count == 1 for count in self.told.values())
        assert self.campaign.told == len(self.told)
        assert self.campaign.errors + self.campaign.in_flight <= self.campaign.most_errors
        for one in self.tasks.values():
            assert (one.attempt == 0) or all(
                (one.car_id, number) in self.told for number in range(1, one.attempt + 1)
            )
        if self.campaign.phase is Phase.RUNNING:
            for wave, tally in zip(self.plan.waves, self.campaign.tallies, strict=True):
                errors = tally.count(
                    CarState.LOST, CarState.AGAIN, CarState.FAILED, CarState.UNWELL
                )
                assert errors - tally.forgiven < wave.errors_limit(tally.size)
