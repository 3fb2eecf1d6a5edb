"""What the fleet's server does, each in one transaction: a device's request, a person's act, the passing of time.

The campaign's step, the device's state, the car's part and the line of the audit log are stored together, and only then
is anybody answered. So a server that is killed at any moment has told nobody anything that it does not know.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from volant.cloud.campaigns import Answer as Told
from volant.cloud.campaigns import (
    CarFacts,
    CarState,
    Outcome,
    Plan,
    Report,
    Said,
    Task,
    advance,
    ask,
    hear,
    overdue,
    parse_filter,
    retry,
    start,
)
from volant.cloud.campaigns.state import OPEN, TO_TELL, Campaign, Phase
from volant.cloud.ddi import (
    Action,
    Device,
    Handled,
    Place,
    Request,
    call_back,
    forget,
    go_on,
    handle,
    offer,
)
from volant.cloud.enlisting import enlist
from volant.cloud.store.ports import FleetStore, Work
from volant.core.errors import InputError, RefusedError

DUE_MOST: Final = 500
"""Cars whose time is over that one transaction takes: others wait no longer than for these."""
PIECE_CHARS: Final = 12_000
"""Of a plan, in one line of the audit log: with four bytes for each it has room."""
UNASKED: Final = "called back before anybody in the car had agreed"
LIVE: Final = frozenset({Phase.RUNNING, Phase.PAUSED, Phase.HALTED, Phase.SUBMITTED, Phase.APPROVED, Phase.STOPPED})  # fmt: skip


@dataclass
class Fleet:
    """A server's inside."""

    store: FleetStore
    _seen: dict[str, float] = field(default_factory=dict)

    def saw(self, car_id: str, now_s: float) -> None:
        """A car was heard; stored later, with many others. May be called from any thread."""
        self._seen[car_id] = now_s

    def take_seen(self) -> dict[str, float]:
        """Cars that were heard since the last time that this was asked, Unix seconds."""
        found, self._seen = self._seen, {}
        return found

    def request(
        self, car_id: str, request: Request, place: Place, *, sleep_s: float, now_s: float
    ) -> Handled:
        """Answer one request of a device that was let in."""
        with self.store.work() as work:
            return self.answer(work, car_id, request, place, sleep_s=sleep_s, now_s=now_s)

    def answer(
        self,
        work: Work,
        car_id: str,
        request: Request,
        place: Place,
        *,
        sleep_s: float,
        now_s: float,
    ) -> Handled:
        """Answer one request of a device in a transaction that may hold others too."""
        before = work.device(car_id)
        device = before or Device(controller_id=car_id)
        if is_poll(request):
            device = self._look(work, device, now_s)
        action = device.active
        found = handle(device, request, place, sleep_s=sleep_s, now_s=now_s)
        device = found.device
        if found.report is not None and action is not None:
            device = self._hear(work, device, action, found.report, now_s)
        if device != before:
            work.put_device(device)
        return dataclasses.replace(found, device=device)

    def act(
        self,
        campaign_id: str,
        verb: str,
        by: str,
        now_s: float,
        step: Callable[[Campaign], Campaign],
        reason: str = "",
    ) -> Campaign:
        """Let a person act on a campaign; why they do it stands in the audit log, as does the plan that they put in place.

        Raises:
            InputError: there is none of that name.
            RefusedError: not now, or not by this person.
        """
        with self.store.work() as work:
            before = _known(work, campaign_id)
            after = step(before)
            self._keep(work, before, after)
            planned = after.plan if after.plan != before.plan or verb == "change" else None
            log_act(work, after, by=by, act=verb, now_s=now_s, reason=reason, planned=planned)
        return after

    def add(self, campaign: Campaign, by: str, now_s: float) -> None:
        """Store a new campaign.

        Raises:
            InputError: its release or its filter is none.
            RefusedError: there is one of that name.
        """
        parse_filter(campaign.plan.cars)
        with self.store.work() as work:
            if work.campaign(campaign.plan.campaign_id) is not None:
                raise RefusedError(f"there is a campaign {campaign.plan.campaign_id}")
            if work.release(campaign.plan.release) is None:
                raise InputError(f"no release {campaign.plan.release}")
            work.put_campaign(campaign)
            log_act(work, campaign, by=by, act="draft", now_s=now_s, planned=campaign.plan)

    def start(self, campaign_id: str, by: str, seen: int, now_s: float) -> Campaign:
        """Start an approved campaign: choose its cars, divide them into waves, and let it run.

        Raises:
            InputError: there is none of that name.
            RefusedError: it is not approved, or no car is in it.
        """
        with self.store.read() as work:
            before = _known(work, campaign_id)
        # Whether it may start at all, before a million cars are looked at.
        start(before, [1] * len(before.plan.waves), by, seen, now_s=now_s)
        number, sizes = (None, ()) if before.tallies else enlist(self.store, before.plan)
        with self.store.work() as work:
            before = _known(work, campaign_id)
            if number is not None:
                work.end_enlisting(campaign_id, number)
            after = start(before, sizes, by, seen, now_s=now_s)
            self._keep(work, before, after)
            data = {
                "phase": after.phase, "revision": after.revision, "plan": after.plan.digest,
                "sizes": list(sizes),
            }  # fmt: skip
            work.log(at_s=now_s, by=by, act="start", about=campaign_id, data=data)
        return after

    def retry(self, work: Work, campaign: Campaign, task: Task, now_s: float) -> None:
        """Let a car try once more; what it still holds of the try before is called back.

        Raises:
            RefusedError: the car did not fail, or the campaign is over.
        """
        self.step(work, campaign, task, retry(campaign, task, now_s), now_s)
        before = work.device(task.car_id)
        after = None if before is None else self._settle(work, before, now_s)
        if after is not None and after != before:
            work.put_device(after)

    def tick(self, now_s: float) -> int:
        """Let time go by: silent cars are lost, watched ones are well, waves open. How many cars it took."""
        with self.store.work() as work:
            return self.let_pass(work, now_s)

    def let_pass(self, work: Work, now_s: float) -> int:
        """Let time go by in a transaction that holds more."""
        due = work.due(now_s, DUE_MOST)
        for task in due:
            before = _known(work, task.campaign_id)
            self.step(work, before, task, overdue(before, task, now_s), now_s)
        for before in work.campaigns():
            self._keep(work, before, advance(before, now_s), now_s)
        return len(due)

    def _look(self, work: Work, device: Device, now_s: float) -> Device:
        """What campaigns have for a device."""
        device = self._settle(work, device, now_s)
        for task in work.tasks_of(device.controller_id):
            before = _known(work, task.campaign_id)
            if before.phase not in LIVE:
                continue
            agreed = _holds(device, task) and device.active is not None and device.active.agreed
            if device.active is not None and task.state in TO_TELL and not agreed:
                continue  # one thing after the other
            facts = dataclasses.replace(facts_for(device, before.plan), agreed=agreed)
            found = ask(before, task, facts, now_s)
            self.step(work, before, task, found, now_s)
            if found.answer is Told.CALL_BACK and _holds(device, found.task):
                device = self._recall(work, device, found.campaign, found.task, now_s)
            elif found.answer is Told.UPDATE:
                device = _told(work, device, found)
        return device

    def _settle(self, work: Work, device: Device, now_s: float) -> Device:
        """What a device holds is called back when its campaign does not stand by it, whatever else the car is in.

        One that a campaign that is over has called back for as long as it has patience, without an end, is given up:
        it keeps nothing else away.
        """
        action = device.active
        if action is None:
            return device
        task = work.task(action.campaign_id, device.controller_id)
        campaign = work.campaign(action.campaign_id)
        if task is None or campaign is None:
            return call_back(device, now_s)
        if _stands(campaign, task, action):
            return device
        called_s = now_s if action.called_s is None else action.called_s
        if not campaign.is_over or now_s - called_s < campaign.plan.patience_s:
            return self._recall(work, device, campaign, task, now_s)
        data = {"campaign": action.campaign_id, "attempt": action.attempt}
        work.log(at_s=now_s, by="server", act="give up", about=device.controller_id, data=data)
        return forget(device)

    def _recall(
        self, work: Work, device: Device, campaign: Campaign, task: Task, now_s: float
    ) -> Device:
        """Call back what a device holds; a try that it may not even begin ends with that."""
        asked = device.active is not None and device.active.asking
        if asked and _holds(device, task):
            reason = task.reason or UNASKED
            said = Report(attempt=task.attempt, said=Said.CANCELED, reason=reason, called_back=True)
            self.step(work, campaign, task, hear(campaign, task, said, now_s), now_s)
        return call_back(device, now_s)

    def _hear(
        self, work: Work, device: Device, action: Action, report: Report, now_s: float
    ) -> Device:
        task = work.task(action.campaign_id, device.controller_id)
        if task is None:
            return device
        before = _known(work, action.campaign_id)
        found = hear(before, task, report, now_s)
        self.step(work, before, task, found, now_s)
        if found.answer is Told.CALL_BACK:
            return self._recall(work, device, found.campaign, found.task, now_s)
        return go_on(device) if found.answer is Told.UPDATE else device

    def step(self, work: Work, before: Campaign, task: Task, found: Outcome, now_s: float) -> None:
        """Store what a step made of a car and its campaign, with the audit log."""
        if found.task != task:
            work.put_task(found.task)
        if found.task.attempt != task.attempt:
            data = {"campaign": task.campaign_id, "attempt": found.task.attempt}
            work.log(at_s=now_s, by="server", act="tell", about=task.car_id, data=data)
        elif found.task.state != task.state:
            data = {"campaign": task.campaign_id, "attempt": found.task.attempt,
                "state": found.task.state, "reason": found.task.reason}  # fmt: skip
            work.log(at_s=now_s, by="server", act="car", about=task.car_id, data=data)
        self._keep(work, before, found.campaign, now_s)

    def _keep(
        self, work: Work, before: Campaign, after: Campaign, now_s: float | None = None
    ) -> None:
        """Store a campaign; what it did by itself stands in the audit log."""
        if after == before:
            return
        work.put_campaign(after)
        if (after.phase, after.wave) != (before.phase, before.wave):
            work.tell_news()
            if now_s is not None:
                data = {"phase": after.phase, "wave": after.wave, "reason": after.reason}
                about = after.plan.campaign_id
                work.log(at_s=now_s, by="server", act="advance", about=about, data=data)


def log_act(
    work: Work,
    after: Campaign,
    *,
    by: str,
    act: str,
    now_s: float,
    reason: str = "",
    planned: Plan | None = None,
) -> None:
    """The line of what a person did with a campaign, and how it stands after it.

    A plan that was put in place stands in it as `text`, of which `plan` is the SHA-256; what is too long for one line
    goes on in lines `plan`. So the log alone says what was approved.
    """
    about = after.plan.campaign_id
    data = {"phase": after.phase, "revision": after.revision, "plan": after.plan.digest}
    text = "" if planned is None else planned.to_bytes().decode()
    first, *more = [text[at : at + PIECE_CHARS] for at in range(0, len(text), PIECE_CHARS)] or [""]
    data |= {"reason": reason} if reason else {}
    data |= {"text": first} if first else {}
    work.log(at_s=now_s, by=by, act=act, about=about, data=data)
    for piece in more:
        part = {"plan": after.plan.digest, "text": piece}
        work.log(at_s=now_s, by=by, act="plan", about=about, data=part)


def _told(work: Work, device: Device, found: Outcome) -> Device:
    """Put a campaign's update into the device's state."""
    plan, task = found.campaign.plan, found.task
    if device.active is not None:
        return go_on(device) if _holds(device, task) and device.active.agreed else device
    release = work.release(plan.release)
    if release is None:
        raise InputError(f"no release {plan.release}")
    action = Action(
        action_id=work.number("action"),
        campaign_id=plan.campaign_id,
        attempt=task.attempt,
        chunks=release.chunks,
        forced=plan.forced,
        asking=plan.confirm,
    )
    return offer(device, action)


def _holds(device: Device, task: Task) -> bool:
    """Whether a device's action is a car's last try in a campaign."""
    action = device.active
    if action is None:
        return False
    return (action.campaign_id, action.attempt) == (task.campaign_id, task.attempt)


def _stands(campaign: Campaign, task: Task, action: Action) -> bool:
    """Whether a campaign lets a device hold what it has: at it, or still asked without having a place."""
    if campaign.recalls or action.attempt != task.attempt:
        return False
    if task.state in OPEN or task.state is CarState.LOST:
        return True
    asked = task.state is CarState.REFUSED or (action.agreed and task.state is CarState.WAITING)
    return action.asking and asked


def is_poll(request: Request) -> bool:
    """Whether a device asks whether there is something for it."""
    return request.method == "GET" and request.path in {"", "/"}


def facts_for(device: Device, plan: Plan) -> CarFacts:
    """What a device says of a release: it may run it without our doing."""
    return CarFacts(runs=device.offline is not None and "-".join(device.offline) == plan.release)


def _known(work: Work, campaign_id: str) -> Campaign:
    found = work.campaign(campaign_id)
    if found is None:
        raise InputError(f"no campaign {campaign_id}")
    return found
