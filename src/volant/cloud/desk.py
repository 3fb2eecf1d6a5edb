"""What people do with a fleet, each by somebody who may: one place for the API and the command line.

What is done stands in the audit log, in the same transaction, with the name of the person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from volant.cloud import showing, views
from volant.cloud.campaigns import Campaign, Plan, acts, leave, parse_filter
from volant.cloud.campaigns.cars import RETRIED
from volant.cloud.campaigns.plan import Name
from volant.cloud.ddi.device import Device
from volant.cloud.looking import ForbiddenError, MissingError, known, known_car
from volant.cloud.people import Person, Right, Role, check_name, digest_of, new_token
from volant.cloud.publishing import Publishing, checked
from volant.cloud.store.ports import Work
from volant.cloud.uptane.joining import admit
from volant.core.errors import InputError, RefusedError

__all__ = ["Desk", "ForbiddenError", "MissingError"]

RETRY_AT_ONCE: Final = 200
"""Cars of one transaction; polls go on between them. Each car has a line in the audit log besides."""
LET_OUT: Final = "let out of the fleet"


class Desk(Publishing):
    """All that people do and see. Every method raises ForbiddenError when the role of `person` does not let them."""

    @staticmethod
    def local(name: str) -> Person:
        """Somebody who may write to the fleet's folder, and so may do anything.

        Raises:
            InputError: it is no name.
        """
        checked(name, Name, "name of a person")
        check_name(name)
        return Person(name=name, role=Role.ADMIN, digest="")

    def draft(self, person: Person, plan: Plan) -> views.CampaignView:
        """Write a new campaign.

        Raises:
            InputError: its release or its filter is none.
            RefusedError: there is one of that name.
        """
        self.check(person, Right.RUN)
        self.fleet.add(acts.draft(plan, person.name), person.name, self.clock_s())
        return self.campaign(person, plan.campaign_id)

    def change(
        self, person: Person, campaign: str, plan: Plan, revision: int | None = None
    ) -> views.CampaignView:
        """Put another plan in place.

        Raises:
            InputError: its release or its filter is none.
            RefusedError: the campaign has begun, or somebody has acted since the revision.
        """
        self.check(person, Right.RUN)
        parse_filter(plan.cars)
        with self.fleet.store.read() as work:
            known(work, campaign)
            if work.release(plan.release) is None:
                raise InputError(f"no release {plan.release}")

        def step(one: Campaign) -> Campaign:
            seen = one.revision if revision is None else revision
            return acts.change(one, plan, person.name, seen)

        return self._stepped(person, campaign, "change", step)

    def act(
        self, person: Person, campaign: str, verb: str, body: views.ActBody
    ) -> views.CampaignView:
        """Submit, approve, start, pause, resume, stop or retry.

        Raises:
            InputError: there is no such verb.
            RefusedError: not now, or not by this person.
        """
        if verb not in showing.VERBS or verb == "change":
            words = ", ".join(one for one in showing.VERBS if one != "change")
            raise InputError(f"{verb!r} is no verb of a campaign; there are {words}")
        self.check(person, showing.VERBS[verb])
        with self.fleet.store.read() as work:
            found = known(work, campaign)
        seen = found.revision if body.revision is None else body.revision
        now_s = self.clock_s()
        if verb == "start":
            self.fleet.start(campaign, person.name, seen, now_s)
            return self.campaign(person, campaign)
        if verb == "retry":
            self._retry(person, found, body, seen)
            return self.campaign(person, campaign)
        step = _step(person.name, verb, body, seen, now_s)
        return self._stepped(person, campaign, verb, step, body.reason)

    def admit(self, person: Person, car: str) -> views.TokenView:
        """Let a car in by a new token, which is told once; an older one is no longer good.

        Raises:
            InputError: the car's id is none.
        """
        self.check(person, Right.ADMIT)
        checked(car, Name, "id of a car")
        token = new_token()
        with self.fleet.store.work() as work:
            before = work.token(car)
            work.put_token(car, digest_of(token))
            if work.car(car) is None:
                work.put_device(Device(controller_id=car))
            again = {} if before is None else {"again": True}
            self._log(work, person, "token", car, **again)
            if before is not None:
                work.tell_news()  # no server lets it in by the old one; of a new car none remembers anything
        return views.TokenView(name=car, token=token, again=before is not None)

    def admit_uptane(self, person: Person, car: str) -> views.TokenView:
        """Let a car in that speaks Uptane, by a code for its joining that is told once and good once.

        Raises:
            InputError: the car's id is none.
            RefusedError: the fleet has no Uptane repositories, or their keys are elsewhere.
        """
        self.check(person, Right.ADMIT)
        with self.fleet.store.work() as work:
            before = work.token(car)
            code = admit(work, self._authority(), car, person.name, self.clock_s())
            if before is not None:
                work.tell_news()
        return views.TokenView(name=car, token=code, again=before is not None)

    def dismiss(self, person: Person, car: str) -> None:
        """Let a car out: its token is no longer good, and no campaign waits for it.

        Raises:
            MissingError: there is none of that id.
        """
        self.check(person, Right.ADMIT)
        with self.fleet.store.work() as work:
            known_car(work, car)
            now_s = self.clock_s()
            for task in work.tasks_of(car):
                before = known(work, task.campaign_id)
                if before.phase not in acts.ENDED:
                    self.fleet.step(work, before, task, leave(before, task, LET_OUT, now_s), now_s)
            work.remove_car(car)
            self._log(work, person, "dismiss", car)
            work.tell_news()

    def put_groups(self, person: Person, car: str, groups: Sequence[str]) -> views.CarView:
        """Put a car into these groups, and out of all others.

        Raises:
            InputError: one is no name.
            MissingError: there is no such car.
        """
        self.check(person, Right.ADMIT)
        named = tuple(dict.fromkeys(checked(one, Name, "name of a group") for one in groups))
        with self.fleet.store.work() as work:
            row = known_car(work, car)
            if row.device is not None:
                work.put_device(replace(row.device, groups=named))
            if row.record is not None:
                work.put_record(replace(row.record, groups=named))
            self._log(work, person, "groups", car, groups=list(named))
        return self.car(person, car)

    def invite(
        self, person: Person, name: str, role: Role, expires_s: float | None = None
    ) -> views.TokenView:
        """Give somebody a token, which is told once; it is over at a time in Unix seconds.

        Raises:
            InputError: the name is none, or the time is past.
            RefusedError: somebody of that name has a token that is good.
        """
        self.check(person, Right.PEOPLE)
        checked(name, Name, "name of a person")
        check_name(name)
        now_s = self.clock_s()
        if expires_s is not None and expires_s <= now_s:
            raise InputError(f"a token that was over {now_s - expires_s:.0f} s ago")
        token = new_token()
        made = Person(
            name=name, role=role, digest=digest_of(token), made_s=now_s, expires_s=expires_s
        )
        with self.fleet.store.work() as work:
            before = work.person(name)
            if before is not None and _is_good(before, now_s):
                raise RefusedError(f"{name} has a token that is good; take it back first")
            work.put_person(made)
            self._log(work, person, "invite", name, role=str(role), expires_s=expires_s)
        return views.TokenView(name=name, token=token)

    def uninvite(self, person: Person, name: str) -> views.PersonView:
        """Take somebody's token back: no server takes it from then on.

        Raises:
            MissingError: there is nobody of that name.
        """
        self.check(person, Right.PEOPLE)
        with self.fleet.store.work() as work:
            before = work.person(name)
            if before is None:
                raise MissingError(f"nobody of the name {name}")
            if before.revoked_s is not None:
                return showing.person(before)
            after = replace(before, revoked_s=self.clock_s())
            work.put_person(after)
            self._log(work, person, "uninvite", name)
        return showing.person(after)

    def _stepped(
        self,
        person: Person,
        campaign: str,
        verb: str,
        step: Callable[[Campaign], Campaign],
        reason: str = "",
    ) -> views.CampaignView:
        self.fleet.act(campaign, verb, person.name, self.clock_s(), step, reason)
        return self.campaign(person, campaign)

    def _retry(self, person: Person, found: Campaign, body: views.ActBody, seen: int) -> None:
        """Let cars try again, some hundred in each transaction."""
        self._check_in(found.plan.campaign_id, body.cars)
        showing.check_retry(found)
        if seen != found.revision:
            raise RefusedError(
                f"somebody has acted meanwhile: revision {found.revision}, you saw {seen}"
            )
        campaign_id, now_s = found.plan.campaign_id, self.clock_s()
        for cars in self._to_retry(campaign_id, body.cars):
            with self.fleet.store.work() as work:
                done = [one for one in cars if self._again(work, campaign_id, one, now_s, body)]
                if done:
                    self._log(work, person, "retry", campaign_id, cars=len(done))
                    work.tell_news()

    def _check_in(self, campaign: str, named: Sequence[str]) -> None:
        """Whether cars that somebody named are in a campaign at all."""
        with self.fleet.store.read() as work:
            for car in named:
                if work.task(campaign, car) is None:
                    raise MissingError(f"car {car} is not in {campaign}")

    def _again(
        self, work: Work, campaign_id: str, car: str, now_s: float, body: views.ActBody
    ) -> bool:
        """Let one car try again; of those that nobody has named only if it still may."""
        campaign, task = known(work, campaign_id), work.task(campaign_id, car)
        here = work.car(car) is not None
        if task is None or (body.cars and not here):
            raise MissingError(f"car {car} is not in {campaign_id}, or no longer in the fleet")
        if not body.cars and (task.state not in RETRIED or not here):
            return False
        self.fleet.retry(work, campaign, task, now_s)
        return True

    def _to_retry(self, campaign: str, named: Sequence[str]) -> Iterator[list[str]]:
        for place in range(0, len(named), RETRY_AT_ONCE):
            yield list(named[place : place + RETRY_AT_ONCE])
        if named:
            return
        for state in sorted(RETRIED):
            after = ""
            while True:
                with self.fleet.store.read() as work:
                    page = work.tasks_page(campaign, state=state, after=after, most=RETRY_AT_ONCE)
                if not page:
                    break
                after = page[-1].car_id
                yield [one.car_id for one in page]


def _step(
    by: str, verb: str, body: views.ActBody, seen: int, now_s: float
) -> Callable[[Campaign], Campaign]:
    steps: dict[str, Callable[[Campaign], Campaign]] = {
        "submit": lambda one: acts.submit(one, by, seen),
        "approve": lambda one: acts.approve(one, body.digest, by, seen),
        "pause": lambda one: acts.pause(one, by, body.reason),
        "resume": lambda one: acts.resume(one, by, seen, now_s=now_s, reason=body.reason),
        "stop": lambda one: acts.stop(one, by, body.reason),
    }
    return steps[verb]


def _is_good(person: Person, now_s: float) -> bool:
    try:
        person.check(Right.READ, now_s)
    except RefusedError:
        return False
    return True
