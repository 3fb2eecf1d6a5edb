"""What people see of a fleet, each by somebody who may: lists in pages, read beside what is written."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from volant.cloud import audit, showing, views
from volant.cloud.artifacts import Artifacts
from volant.cloud.audit_check import check_log, kept_head
from volant.cloud.campaigns import Campaign, CarState, Phase, parse_filter
from volant.cloud.inventory import Release, check_fit
from volant.cloud.people import RIGHTS, Person, Right, digest_of, may_not
from volant.cloud.service import Fleet
from volant.cloud.store.ports import CarRow, StoredRelease, Work
from volant.cloud.uptane.authority import Authority
from volant.core.errors import InputError, RefusedError, TrustError
from volant.trust.keys import SigningKey

PAGE: Final = 100
PAGE_MOST: Final = 1000
HOUR_S: Final = 3600.0
DAY_S: Final = 24 * HOUR_S
HEARD_S: Final = 30.0
"""How old the count of cars that were heard is in a fleet of many before it is made anew; a choice of ours."""
HEARD_CARS: Final = 50_000
"""Of so many they are counted each time."""
SHA256: Final = re.compile(r"[0-9a-f]{64}\Z")
ACTS_MOST: Final = 10_000
ENDED: Final = frozenset({Phase.STOPPED, Phase.FINISHED})


class ForbiddenError(RefusedError):
    """Somebody's role does not let them."""


class MissingError(InputError):
    """There is no such campaign, car, release or person."""


@dataclass
class Looking:
    """All that people see. Every method raises ForbiddenError when the role of `person` does not let them."""

    fleet: Fleet
    artifacts: Artifacts
    """Files of releases."""
    clock_s: Callable[[], float]
    """Unix seconds."""
    scratch: Path | None = None
    """Folder for files that are coming; None: the system's for temporary ones."""
    authority: Callable[[], Authority | None] = lambda: None
    """Keys of the Uptane repositories that are here; None: none."""
    sealer: Callable[[], SigningKey | None] = lambda: None
    """The key that seals where the audit log stands; None: none is here."""
    _heard: tuple[float, int | None, int | None] = (-math.inf, None, None)
    """When cars that were heard were counted, Unix seconds, and how many: within an hour, within a day; None: not yet."""

    def who(self, token: str) -> Person:
        """Whose token it is.

        Raises:
            TrustError: nobody's, or it was taken back or is over.
        """
        with self.fleet.store.read() as work:
            found = work.person_of(digest_of(token))
        if found is None:
            raise TrustError("nobody has this token")
        try:
            found.check(Right.READ, self.clock_s())
        except RefusedError as error:
            raise TrustError(str(error)) from error
        return found

    def me(self, person: Person) -> views.MeView:
        """Who asks."""
        return showing.me(person)

    def overview(self, person: Person) -> views.FleetView:
        """The whole fleet in a few numbers."""
        with self._reading(person) as work:
            phases = [one.phase for one in work.campaigns()]
            head = work.head()
            cars = work.count_cars()
            if cars <= HEARD_CARS:
                self._heard = (-math.inf, None, None)
                self.count_heard()
            _, hour, day = self._heard
            return views.FleetView(
                cars=cars,
                heard_hour=hour,
                heard_day=day,
                releases=len(work.releases()),
                campaigns={one: phases.count(one) for one in Phase if one in phases},
                audit_lines=head.count,
                audit_digest=head.digest,
            )

    def campaigns(self, person: Person) -> list[views.CampaignLine]:
        """All campaigns, the newest first."""
        with self._reading(person) as work:
            return [showing.line(one) for one in reversed(work.campaigns())]

    def campaign(self, person: Person, campaign: str) -> views.CampaignView:
        """One campaign."""
        with self._reading(person) as work:
            return showing.whole(known(work, campaign), person, self.clock_s())

    def tasks(
        self,
        person: Person,
        campaign: str,
        *,
        state: CarState | None = None,
        wave: str = "",
        after: str = "",
        limit: int = PAGE,
    ) -> views.TasksPage:
        """A page of a campaign's cars, those of one state or in the wave of a name."""
        with self._reading(person) as work:
            names = _waves(known(work, campaign))
            if wave and wave not in names:
                raise InputError(f"no wave {wave}; there are {', '.join(names)}")
            place = names.index(wave) if wave else None
            found = work.tasks_page(campaign, state=state, wave=place, after=after, most=limit)
        tasks = tuple(showing.task(one, names[one.wave]) for one in found)
        return views.TasksPage(tasks=tasks, next=found[-1].car_id if len(found) == limit else "")

    def failures(self, person: Person, campaign: str) -> list[views.FailureView]:
        """Cars in error, not able, or that wait, grouped by reason."""
        with self._reading(person) as work:
            known(work, campaign)
            return [showing.failure(one) for one in work.failures(campaign)]

    def report(self, person: Person, campaign: str) -> views.ReportView:
        """A campaign as a record for others."""
        with self._reading(person) as work:
            found = known(work, campaign)
            release, head = work.release(found.plan.release), work.head()
            acts = [showing.audit_line(one) for one in work.lines_about(campaign, ACTS_MOST)]
            failures = tuple(showing.failure(one) for one in work.failures(campaign))
        key = self.sealer()
        begun = [one.at_s for one in acts if one.act == "start"]
        ended = [one.at_s for one in acts if one.data.get("phase") in ENDED]
        return views.ReportView(
            campaign=showing.whole(found, person, self.clock_s()),
            files=showing.release(release).files if release is not None else (),
            begun_s=begun[0] if begun else None,
            ended_s=ended[0] if ended and found.phase in ENDED else None,
            acts=tuple(acts),
            failures=failures,
            audit_lines=head.count,
            audit_digest=head.digest,
            sealed_head="" if key is None else audit.seal_head(head, key).decode(),
        )

    def cars(
        self, person: Person, *, wanted: str = "", after: str = "", limit: int = PAGE
    ) -> views.CarsPage:
        """A page of cars that a filter lets through; a page may be short, even empty, and yet have a next one."""
        chosen = parse_filter(wanted)
        with self._reading(person) as work:
            total = work.count_cars()
            if not wanted.strip():
                rows = work.cars(after=after, most=limit)
                follows = rows[-1].car_id if len(rows) == limit else ""
            else:
                rows, follows = work.search(chosen, after=after, most=limit)
        return views.CarsPage(
            cars=tuple(showing.car_line(one) for one in rows), next=follows, total=total
        )

    def car(self, person: Person, car: str) -> views.CarView:
        """One car."""
        with self._reading(person) as work:
            return _whole_car(work, car)

    def releases(self, person: Person) -> list[views.ReleaseView]:
        """All releases, the newest first."""
        with self._reading(person) as work:
            return [showing.release(one) for one in work.releases()]

    def fit(self, person: Person, release: str, wanted: str = "") -> views.FitView:
        """How a release fits the cars of a filter; looks at every car of the fleet."""
        chosen = parse_filter(wanted)
        with self._reading(person) as work:
            found = work.release(release)
            if found is None:
                raise MissingError(f"no release {release}")
            return _fit(found, work.each(chosen))

    def deltas(self, person: Person) -> list[views.DeltaView]:
        """Deltas in the making, and made ones."""
        with self._reading(person) as work:
            return [showing.delta(one) for one in work.delta_jobs()]

    def people(self, person: Person) -> list[views.PersonView]:
        """Everybody with a token."""
        with self._reading(person) as work:
            return [showing.person(one) for one in work.people()]

    def audit(
        self, person: Person, *, before: int | None = None, limit: int = PAGE
    ) -> list[views.AuditLine]:
        """Lines of the audit log, the newest first."""
        with self._reading(person) as work:
            lines = work.lines_page(before=before, most=limit)
        return [showing.audit_line(one) for one in lines]

    def check_audit(self, person: Person, holds: str = "") -> views.AuditCheckView:
        """Read the whole audit log, and hold it against what else is known of it.

        Args:
            person: who asks.
            holds: a head that was kept elsewhere, `LINES:HASH` or sealed as in a report; empty: none.

        Raises:
            InputError: a line was changed or is missing, or the head is none.
            TrustError: the log's end was cut off, or it is another log.
        """
        with self._reading(person) as work:
            head = check_log(work, kept_head(holds, self.sealer()))
        return views.AuditCheckView(lines=head.count, digest=head.digest)

    def check(self, person: Person, right: Right) -> None:
        """Whether somebody's role lets them.

        Raises:
            ForbiddenError: no.
        """
        if right not in RIGHTS[person.role]:
            raise ForbiddenError(may_not(person, right))

    def count_heard(self) -> None:
        """Count the cars that were heard anew, when that is due: it looks at every car."""
        if not self.heard_is_old:
            return
        now_s = self.clock_s()
        with self.fleet.store.read() as work:
            hour, day = work.count_seen(now_s - HOUR_S, now_s - DAY_S)
        self._heard = (now_s, hour, day)

    @property
    def heard_is_old(self) -> bool:
        """Whether that is due."""
        return not 0.0 <= self.clock_s() - self._heard[0] < HEARD_S

    @contextlib.contextmanager
    def _reading(self, person: Person) -> Iterator[Work]:
        self.check(person, Right.READ)
        with self.fleet.store.read() as work:
            yield work


def known(work: Work, campaign: str) -> Campaign:
    """A campaign.

    Raises:
        MissingError: there is none of that name.
    """
    found = work.campaign(campaign)
    if found is None:
        raise MissingError(f"no campaign {campaign}")
    return found


def known_car(work: Work, car: str) -> CarRow:
    """A car.

    Raises:
        MissingError: there is none of that id.
    """
    found = work.car(car)
    if found is None:
        raise MissingError(f"no car {car}")
    return found


def _whole_car(work: Work, car: str) -> views.CarView:
    row = known_car(work, car)
    tasks = [
        showing.task(one, _waves(known(work, one.campaign_id))[one.wave])
        for one in reversed(work.tasks_of(car))
    ]
    return showing.car(row, tasks)


def _waves(campaign: Campaign) -> list[str]:
    return [one.name for one in campaign.plan.waves]


def _fit(release: StoredRelease, rows: Iterator[CarRow]) -> views.FitView:
    """Cars that speak Uptane by their control units; devices of hawkBit's by whether there is a file for them."""
    able = already = 0
    unable: dict[str, int] = {}
    images = Release(name=release.name, images=release.images) if release.images else None
    for row in rows:
        if row.record is not None and images is not None:
            fit = check_fit(images, [row.record])
            able, already = able + fit.able, already + fit.already
            for reason, count in fit.unable.items():
                unable[reason] = unable.get(reason, 0) + count
        elif row.device is None or not release.chunks:
            why = "the release has no file for a car that speaks its protocol"
            unable[why] = unable.get(why, 0) + 1
        elif row.device.offline is not None and "-".join(row.device.offline) == release.name:
            already += 1
        else:
            able += 1
    return views.FitView(able=able, already=already, unable=unable)
