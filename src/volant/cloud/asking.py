"""Many cars' requests at once: what can be read is answered beside writers, what changes something in one transaction.

A storm of cars costs few transactions, and what all of them are told waits for the disk once. A car for which there is
nothing comes back with what it may be answered from until there is news (`Rest`).
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from volant.cloud.campaigns import Answer as Told
from volant.cloud.campaigns import Campaign, CarState, Phase, Task, ask, why_not_told
from volant.cloud.campaigns.state import OPEN, TO_TELL
from volant.cloud.ddi import Answer, Device, Place, Request, handle
from volant.cloud.service import LIVE, Fleet, facts_for, is_poll
from volant.cloud.store.ports import Let, Work
from volant.core.errors import InputError, RefusedError

WORDS: Final = "text/plain;charset=UTF-8"
READS: Final = frozenset({"GET", "HEAD"})
ANYBODY: Final = "-"
"""Stands for any car where a campaign is asked whether it would tell one."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request of a car."""

    car_id: str
    digest: str
    """SHA-256 of the token that came along, in hex."""
    request: Request
    place: Place
    sleep_s: float


@dataclass(frozen=True, slots=True)
class Rest:
    """What a car may be let in by, and answered from, until there is news."""

    digest: str
    """SHA-256 of its token, in hex."""
    news: int
    """Number of the news that it is as new as."""
    line: int = 0
    """Last line of the audit log that it is as new as."""
    busy: bool = False
    """There is something for it: it is let in, but not answered from this."""
    installed: int = 0
    """Number of the action that it installed last; 0: none."""
    wants_attributes: bool = False
    waits: frozenset[str] = frozenset()
    """Campaigns that will tell it as soon as they have room."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a car is answered."""

    answer: Answer
    rest: Rest | None = None
    idle: bool = False
    """A poll that was answered by a transaction, and there was nothing for the car: another may have had its place."""


Peeked = Reply | Rest | Exception
"""A `Rest` in place of a reply: the car is let in, and its request takes a transaction that writes."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of requests in one transaction."""

    replies: tuple[Reply | Exception, ...]
    rooms: Mapping[str, int]
    """How many more cars each campaign that was asked about would tell now."""
    news: int


@dataclass(frozen=True, slots=True)
class Changes:
    """What any server of the fleet has stored since it was last asked."""

    news: int
    rooms: Mapping[str, int]
    """How many more cars each campaign that was asked about would tell now."""
    line: int
    """The last line of the audit log."""
    about: tuple[str, ...]
    """What lines since then are about: cars that were told or moved on, and others."""


def peek(fleet: Fleet, asks: Sequence[Ask], now_s: float) -> list[Peeked]:
    """Answer what can be read.

    Raises:
        LinkError: the database is away.
    """
    with fleet.store.read() as work:
        cars = work.let_in([one.car_id for one in asks])
        looking = _Looking(work, cars, work.last_number("news"), work.last_line(), now_s)
        return [looking.peek(one) for one in asks]


def take(fleet: Fleet, asks: Sequence[Ask], now_s: float, rooms: Iterable[str] = ()) -> Taken:
    """Answer requests of cars that were let in, all in one transaction; one that fails does not fail the others.

    Raises:
        LinkError: the database is away; nothing was stored.
    """
    wanted = tuple(rooms)
    try:
        with fleet.store.work() as work:
            replies: tuple[Reply | Exception, ...] = tuple(
                _taken(fleet, work, one, now_s) for one in asks
            )
            return Taken(replies, _rooms(work, wanted, now_s), work.last_number("news"))
    except (InputError, RefusedError, ValueError) as error:
        if len(asks) == 1:
            return Taken((error,), {}, 0)
    replies = tuple(reply for one in asks for reply in take(fleet, [one], now_s).replies)
    found = changes_of(fleet, None, wanted, now_s)
    return Taken(replies, found.rooms, found.news)


def changes_of(
    fleet: Fleet, since: int | None, campaign_ids: Iterable[str], now_s: float
) -> Changes:
    """What any server has stored.

    Args:
        fleet: whose.
        since: line of the audit log; None: only from now on.
        campaign_ids: those whose room is asked for.
        now_s: Unix seconds.

    Raises:
        LinkError: the database is away.
    """
    with fleet.store.read() as work:
        line = work.last_line()
        about = work.about_since(since) if since is not None and since < line else ()
        rooms = _rooms(work, campaign_ids, now_s)
        return Changes(work.last_number("news"), rooms, line, tuple(about))


@dataclass(frozen=True)
class _Looking:
    """What many looks in one transaction share."""

    work: Work
    cars: Mapping[str, Let]
    news: int
    line: int
    now_s: float
    campaigns: dict[str, Campaign | None] = field(default_factory=dict)

    def peek(self, one: Ask) -> Peeked:
        """Look at one of them; one that fails does not fail the others."""
        try:
            return self._look(one)
        except (InputError, RefusedError, ValueError) as error:
            return error

    def _look(self, one: Ask) -> Reply | Rest:
        let = self.cars.get(one.car_id)
        if let is None or not hmac.compare_digest(let.digest, one.digest):
            return Reply(Answer(401, b"no token of this device", WORDS))
        busy = Rest(digest=let.digest, news=self.news, line=self.line, busy=True)
        device = let.device or Device(controller_id=one.car_id)
        if not is_poll(one.request):
            reads = one.request.method in READS
            return Reply(self._handle(device, one), busy) if reads else busy
        waits = self._waits(device, let)
        if waits is None:
            return busy
        rest = Rest(
            digest=let.digest,
            news=self.news,
            line=self.line,
            installed=device.installed.action_id if device.installed else 0,
            wants_attributes=device.wants_attributes,
            waits=waits,
        )
        return Reply(self._handle(device, one), rest)

    def _handle(self, device: Device, one: Ask) -> Answer:
        request, place = one.request, one.place
        return handle(device, request, place, sleep_s=one.sleep_s, now_s=self.now_s).answer

    def _waits(self, device: Device, let: Let) -> frozenset[str] | None:
        """Campaigns that would tell a car if they had room. None: there is something to do for it now."""
        if device.active is not None:
            return None
        found = []
        for task in self.work.tasks_of(device.controller_id) if let.has_tasks else ():
            campaign = self._campaign(task.campaign_id)
            if campaign is None or campaign.phase not in LIVE:
                continue
            if _has_work(campaign, task, device, self.now_s):
                return None
            running = campaign.phase is Phase.RUNNING
            if running and task.state in TO_TELL and task.wave <= campaign.wave:
                found.append(task.campaign_id)
        return frozenset(found)

    def _campaign(self, campaign_id: str) -> Campaign | None:
        if campaign_id not in self.campaigns:
            self.campaigns[campaign_id] = self.work.campaign(campaign_id)
        return self.campaigns[campaign_id]


def _has_work(campaign: Campaign, task: Task, device: Device, now_s: float) -> bool:
    after = ask(campaign, task, facts_for(device, campaign.plan), now_s)
    if after.answer is not Told.NOTHING or after.task != task or after.campaign != campaign:
        return True
    unsettled = task.state in OPEN | {CarState.LOST}
    return unsettled and campaign.phase is Phase.RUNNING


def _taken(fleet: Fleet, work: Work, one: Ask, now_s: float) -> Reply:
    found = fleet.answer(work, one.car_id, one.request, one.place, sleep_s=one.sleep_s, now_s=now_s)
    return Reply(found.answer, idle=is_poll(one.request) and found.device.active is None)


def _rooms(work: Work, campaign_ids: Iterable[str], now_s: float) -> dict[str, int]:
    return dict(_each_room(work, campaign_ids, now_s))


def _each_room(work: Work, campaign_ids: Iterable[str], now_s: float) -> Iterator[tuple[str, int]]:
    for campaign_id in campaign_ids:
        campaign = work.campaign(campaign_id)
        if campaign is None or campaign.phase is not Phase.RUNNING:
            continue
        anybody = Task(campaign_id=campaign_id, car_id=ANYBODY, wave=0)
        if not why_not_told(campaign, anybody, now_s):
            yield campaign_id, campaign.plan.concurrency - campaign.in_flight
