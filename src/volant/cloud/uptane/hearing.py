"""What follows from a car's manifest: what runs on it, how it is, how its update went, and what it is to run next.

All of it is stored in one transaction, the director's files too, and only then is the car answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from tuf.api.metadata import TargetFile

from volant.cloud.campaigns import Answer, CarState, Report, Said, Task, ask, hear
from volant.cloud.campaigns.cars import INSTALLED, CarFacts, Outcome, hear_health
from volant.cloud.campaigns.health import CarHealth
from volant.cloud.campaigns.state import OPEN, TO_TELL, Campaign, Phase
from volant.cloud.director import Deltas, Tried, offers_something, targets_for, tried
from volant.cloud.inventory import CarRecord, Heard, Release, facts_for
from volant.cloud.service import LIVE, Fleet
from volant.cloud.store.ports import Work
from volant.cloud.uptane.authority import Authority
from volant.cloud.uptane.deltas import deltas_for
from volant.trust.uptane import Condition

LET_GO: Final = "called back before it was installed"
LEFT: Final = frozenset({CarState.LOST, CarState.REFUSED, CarState.CANCELED})
"""Told, and no longer waited for."""
WAITS: Final = "waits: "
"""Before what a car says that does not go on."""
NO_IMAGES: Final = "the release brings no image for a car that speaks Uptane"
TITLE_MOST: Final = 160
"""Letters that a car's screen takes."""


@dataclass(frozen=True, slots=True)
class _Given:
    """What a car is to run, for which try."""

    targets: tuple[TargetFile, ...] = ()
    words: Mapping[str, Any] | None = None


@dataclass
class Hearing:
    """One car after one believed manifest, inside of one transaction."""

    fleet: Fleet
    work: Work
    heard: Heard
    now_s: float
    _files: Mapping[str, bytes] = field(default_factory=dict)
    """What the director had for the car before."""

    @property
    def car(self) -> CarRecord:
        """As it is known now."""
        return self.heard.car

    def take(self, authority: Authority) -> None:
        """Draw all conclusions, and store them."""
        car_id = self.car.car_id
        self.work.put_record(self.car)
        self._log()
        files = self.work.director_files(car_id)
        self._files = files or {}
        given = _Given()
        for task in self.work.tasks_of(car_id):
            campaign = self.work.campaign(task.campaign_id)
            if campaign is not None and campaign.phase is Phase.FINISHED:
                self._late(campaign, task)
            if campaign is None or campaign.phase not in LIVE:
                continue
            found = self._one(campaign, task, busy=bool(given.targets))
            if found is not None and found[0].answer is Answer.UPDATE:
                given = self._given(*found)
        after = authority.director_of(self.work).publish(
            files, car_id, given.targets, self.now_s, given.words
        )
        if after != files:
            self.work.put_director_files(car_id, after)

    def _one(self, campaign: Campaign, task: Task, *, busy: bool) -> tuple[Outcome, Release] | None:
        """A car's part in one campaign; None: it has nothing to say to it now."""
        campaign, task = self._ended(campaign, task)
        if busy and task.state in TO_TELL:
            return None  # one thing after the other
        stored = self.work.release(campaign.plan.release)
        if stored is None or not stored.images:
            found = ask(campaign, task, CarFacts(unable=NO_IMAGES), self.now_s)
            self.fleet.step(self.work, campaign, task, found, self.now_s)
            return None
        release = Release(name=stored.name, images=stored.images)
        facts = facts_for(release, self.car, ran_before=task.state in INSTALLED)
        found = ask(campaign, task, facts, self.now_s)
        self.fleet.step(self.work, campaign, task, found, self.now_s)
        if found.answer is Answer.CALL_BACK and not offers_something(self._files):
            # It has found nothing in place of the release since, and does not run it.
            self._let_go(found)
        elif found.answer is Answer.UPDATE and task.state in OPEN:
            found = self._at_it(found)
        elif facts.runs:
            self._health(found.campaign, found.task)
        return found, release

    def _ended(self, campaign: Campaign, task: Task) -> tuple[Campaign, Task]:
        """Hear that the try has failed; that it is installed is known from what runs."""
        ended = self.heard.ended
        mine = Tried(id=task.campaign_id, attempt=task.attempt)
        if ended is None or ended.installed or tried(self._files, ended.offer) != mine:
            return campaign, task
        if task.state not in OPEN | INSTALLED | {CarState.LOST}:
            return campaign, task
        found = self._hears(campaign, task, Said.FAILED, ended.why)
        return found.campaign, found.task

    def _late(self, campaign: Campaign, task: Task) -> None:
        """A car whose campaign has ended without it says how its try went all the same."""
        ended = self.heard.ended
        mine = Tried(id=task.campaign_id, attempt=task.attempt)
        if task.state not in LEFT or ended is None or tried(self._files, ended.offer) != mine:
            return
        self._hears(campaign, task, Said.INSTALLED if ended.installed else Said.FAILED, ended.why)

    def _let_go(self, found: Outcome) -> None:
        report = Report(
            attempt=found.task.attempt, said=Said.CANCELED, reason=LET_GO, called_back=True
        )
        after = hear(found.campaign, found.task, report, self.now_s)
        self.fleet.step(self.work, found.campaign, found.task, after, self.now_s)

    def _hears(
        self, campaign: Campaign, task: Task, said: Said, why: str, answer: Answer = Answer.NOTHING
    ) -> Outcome:
        report = Report(attempt=task.attempt, said=said, reason=why)
        found = hear(campaign, task, report, self.now_s)
        self.fleet.step(self.work, campaign, task, found, self.now_s)
        return Outcome(found.campaign, found.task, answer)

    def _at_it(self, found: Outcome) -> Outcome:
        """It is alive, and at it; or it says why not, and is let go of when it has for too long."""
        waiting = self.heard.waiting
        mine = Tried(id=found.task.campaign_id, attempt=found.task.attempt)
        if waiting is None or tried(self._files, waiting.offer) != mine:
            return self._hears(found.campaign, found.task, Said.BUSY, "", found.answer)
        why = f"{WAITS}{waiting.why}"
        after = self._hears(found.campaign, found.task, Said.WAITING, why, found.answer)
        if after.task.state in OPEN:
            return after
        return Outcome(after.campaign, after.task)

    def _health(self, campaign: Campaign, task: Task) -> None:
        """Hear how it is since it runs the release."""
        condition = self.heard.condition
        if condition is None or not task.attempt:
            return
        found = hear_health(campaign, task, task.attempt, _health(condition), self.now_s)
        self.fleet.step(self.work, campaign, task, found, self.now_s)

    def _given(self, found: Outcome, release: Release) -> _Given:
        campaign, task = found.campaign, found.task
        deltas: Deltas = deltas_for(self.work, release)
        title = "".join(one if one.isprintable() else " " for one in campaign.plan.title)
        words = {
            "update": {
                "title": title[:TITLE_MOST], "changes": [], "unusable": [], "takesS": 0,
                "attempt": f"{task.campaign_id} {task.attempt}",
            },
            "campaign": {"id": task.campaign_id, "attempt": task.attempt},
        }  # fmt: skip
        return _Given(targets_for(found.answer, release, self.car, deltas), words)

    def _log(self) -> None:
        """What came or went, and what attacks were noticed."""
        car = self.car
        if self.heard.changed:
            data: dict[str, Any] = {
                one.ecu_id: [one.before, one.after] for one in self.heard.changed
            }
            self.work.log(at_s=self.now_s, by="car", act="runs", about=car.car_id, data=data)
        if car.attacks:
            data = dict(car.attacks)
            self.work.log(at_s=self.now_s, by="car", act="attack", about=car.car_id, data=data)


def freshen(work: Work, authority: Authority, car_id: str, now_s: float) -> dict[str, bytes]:
    """A car's files without what a campaign has called back since, and signed anew where they grow old.

    Nothing is told here: whoever reads the files need not be the car.
    """
    files = work.director_files(car_id)
    assert files is not None, "there were some a moment ago"
    director = authority.director_of(work)
    if is_called_back(work, car_id):
        after = director.publish(files, car_id, (), now_s)
    else:
        after = director.renew(files, car_id, now_s)
    if after != files:
        work.put_director_files(car_id, after)
    return after


def is_called_back(work: Work, car_id: str) -> bool:
    """Whether what the director offers a car is of a campaign that lets nobody go on, or let go of this car."""
    tasks = [one for one in work.tasks_of(car_id) if one.state in OPEN | {CarState.LOST}]
    campaigns = [work.campaign(one.campaign_id) for one in tasks]
    return not any(one is not None and not one.recalls for one in campaigns)


def _health(found: Condition) -> CarHealth:
    return msgspec.convert(msgspec.to_builtins(found), CarHealth)
