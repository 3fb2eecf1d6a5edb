"""What people do with a fleet and see of it, each by somebody who may: one place for the API and the command line.

Lists are read beside what is written, in transactions of their own, and come in pages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from volant.cloud import views
from volant.cloud.campaigns import CarState, Plan
from volant.cloud.people import Person, Role
from volant.cloud.service import Fleet
from volant.core.errors import InputError, RefusedError

PAGE: Final = 100
PAGE_MOST: Final = 1000


class ForbiddenError(RefusedError):
    """Somebody's role does not let them."""


class MissingError(InputError):
    """There is no such campaign, car, release or person."""


@dataclass
class Desk:
    """All that people do. Every method raises ForbiddenError when the role of `person` does not let them."""

    fleet: Fleet
    artifacts: Path
    """Files of releases."""
    clock_s: Callable[[], float]
    """Unix seconds."""

    def who(self, token: str) -> Person:
        """Whose token it is.

        Raises:
            TrustError: nobody's, or it was taken back or is over.
        """
        raise NotImplementedError

    @staticmethod
    def local(name: str) -> Person:
        """Somebody who may write to the fleet's folder, and so may do anything."""
        return Person(name=name, role=Role.ADMIN, digest="")

    def me(self, person: Person) -> views.MeView:
        """Who asks."""
        raise NotImplementedError

    def overview(self, person: Person) -> views.FleetView:
        """The whole fleet in a few numbers."""
        raise NotImplementedError

    def campaigns(self, person: Person) -> list[views.CampaignLine]:
        """All campaigns, the newest first."""
        raise NotImplementedError

    def campaign(self, person: Person, campaign: str) -> views.CampaignView:
        """One campaign."""
        raise NotImplementedError

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
        """A page of a campaign's cars."""
        raise NotImplementedError

    def failures(self, person: Person, campaign: str) -> list[views.FailureView]:
        """Cars in error or not able, grouped by reason."""
        raise NotImplementedError

    def report(self, person: Person, campaign: str) -> views.ReportView:
        """A campaign as a record for others."""
        raise NotImplementedError

    def cars(
        self, person: Person, *, wanted: str = "", after: str = "", limit: int = PAGE
    ) -> views.CarsPage:
        """A page of cars that a filter lets through; a page may be short, even empty, and yet have a next one."""
        raise NotImplementedError

    def car(self, person: Person, car: str) -> views.CarView:
        """One car."""
        raise NotImplementedError

    def releases(self, person: Person) -> list[views.ReleaseView]:
        """All releases, the newest first."""
        raise NotImplementedError

    def fit(self, person: Person, release: str, wanted: str = "") -> views.FitView:
        """How a release fits the cars of a filter."""
        raise NotImplementedError

    def deltas(self, person: Person) -> list[views.DeltaView]:
        """Deltas in the making, and made ones."""
        raise NotImplementedError

    def people(self, person: Person) -> list[views.PersonView]:
        """Everybody with a token."""
        raise NotImplementedError

    def audit(
        self, person: Person, *, before: int | None = None, limit: int = PAGE
    ) -> list[views.AuditLine]:
        """Lines of the audit log, the newest first."""
        raise NotImplementedError

    def check_audit(self, person: Person) -> views.AuditCheckView:
        """Read the whole audit log."""
        raise NotImplementedError

    def draft(self, person: Person, plan: Plan) -> views.CampaignView:
        """Write a new campaign."""
        raise NotImplementedError

    def change(
        self, person: Person, campaign: str, plan: Plan, revision: int | None = None
    ) -> views.CampaignView:
        """Put another plan in place."""
        raise NotImplementedError

    def act(
        self, person: Person, campaign: str, verb: str, body: views.ActBody
    ) -> views.CampaignView:
        """Submit, approve, start, pause, resume, stop or retry."""
        raise NotImplementedError

    def admit(self, person: Person, car: str) -> views.TokenView:
        """Let a car in by a new token; an older one is no longer good."""
        raise NotImplementedError

    def dismiss(self, person: Person, car: str) -> None:
        """Let a car out: its token is no longer good, and no campaign waits for it."""
        raise NotImplementedError

    def put_groups(self, person: Person, car: str, groups: tuple[str, ...]) -> views.CarView:
        """Put a car into groups, and out of others."""
        raise NotImplementedError

    def take_file(self, person: Person, name: str, file: Path) -> views.FileView:
        """Take a file in, for a release to come."""
        raise NotImplementedError

    def publish(self, person: Person, release: str, body: views.ReleaseBody) -> views.ReleaseView:
        """Make a release of files that were taken in."""
        raise NotImplementedError

    def invite(
        self, person: Person, name: str, role: Role, expires_s: float | None = None
    ) -> views.TokenView:
        """Give somebody a token."""
        raise NotImplementedError

    def uninvite(self, person: Person, name: str) -> views.PersonView:
        """Take somebody's token back."""
        raise NotImplementedError
