"""The fleet of a server that runs elsewhere, for simulated cars: all by its management API, with a person's token."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import msgspec

from volant.app.fleet_agree import Ledger, disagreements, read_ledger
from volant.app.fleet_agree_uptane import Known, disagree
from volant.app.fleet_open import AnyDesk
from volant.app.fleet_steps import AnyCar, speaking
from volant.app.fleet_units import UNITS
from volant.app.fleet_uptane_car import UptaneCar
from volant.cloud import views
from volant.cloud.campaigns import Campaign, CarState
from volant.cloud.campaigns.state import ERRORS, Task, WaveTally
from volant.cloud.looking import MissingError
from volant.cloud.people import Person
from volant.core.errors import InputError

CARS_PORT: Final = 8770
PAGE: Final = 1000
LINES_MOST: Final = 2_000_000
"""Lines of the audit log that are read at the end; with more the log is not looked at."""


@dataclass(frozen=True, slots=True)
class FarServer:
    """A server that is not ours to start, to kill or to measure."""

    address: tuple[str, int]
    """Of the cars' door."""
    cpu_s: float = 0.0
    memory_bytes: int = 0


class FarFleet:
    """Simulated cars come to a campaign that is there: whoever simulates does not approve it."""

    def __init__(self, desk: AnyDesk, person: Person) -> None:
        self._desk, self._person = desk, person

    def admit(self, _seed: int, cars: Sequence[AnyCar]) -> list[str]:
        """Let simulated cars in, one by one, as a person does; codes for those that join.

        Raises:
            RefusedError: one speaks Uptane, and the fleet has no repositories for it.
        """
        desk, person = self._desk, self._person
        return [
            (desk.admit_uptane if isinstance(one, UptaneCar) else desk.admit)(
                person, one.car_id
            ).token
            for one in cars
        ]

    def stop(self, name: str) -> None:
        """Stop a campaign."""
        body = views.ActBody(reason="the simulation stops it")
        self._desk.act(self._person, name, "stop", body)

    def campaign(self, name: str) -> Campaign:
        """How it stands."""
        return campaign_of(self._desk.campaign(self._person, name))

    def check(
        self, name: str, cars: Sequence[AnyCar], *, killed: bool = True
    ) -> tuple[list[str], Ledger]:
        """Whether what the server shows agrees with what the cars did; nobody knows whether it was killed meanwhile."""
        campaign, lines = self.campaign(name), self._lines()
        ledger = None if lines is None else read_ledger(lines, name)
        found = disagreements(cars, campaign, self._tasks(campaign), ledger)
        found += disagree(speaking(cars).values(), self._known, lasting=not killed)
        return found, ledger or Ledger()

    def _known(self, car_id: str) -> Known | None:
        try:
            view = self._desk.car(self._person, car_id)
        except MissingError:
            return None
        runs = {unit: name for unit, name in view.runs.items() if unit in UNITS}
        return Known(runs, view.refused)

    def _tasks(self, campaign: Campaign) -> Iterator[Task]:
        waves = {wave.name: place for place, wave in enumerate(campaign.plan.waves)}
        name, after = campaign.plan.campaign_id, ""
        while True:
            page = self._desk.tasks(self._person, name, after=after, limit=PAGE)
            for one in page.tasks:
                yield Task(
                    campaign_id=name, car_id=one.car, wave=waves[one.wave], state=one.state,
                    attempt=one.attempt, reason=one.reason,
                )  # fmt: skip
            if not page.next:
                return
            after = page.next

    def _lines(self) -> list[bytes] | None:
        """The audit log from its beginning; None: it is too long."""
        found: list[bytes] = []
        before: int | None = None
        while page := self._desk.audit(self._person, before=before, limit=PAGE):
            found += [msgspec.json.encode(one) for one in page]
            if len(found) > LINES_MOST:
                return None
            before = page[-1].number
        found.reverse()
        return found


def campaign_of(view: views.CampaignView) -> Campaign:
    """A campaign as it must be for this to be shown of it."""
    tallies = []
    for wave in view.waves:
        counts = tuple(wave.cars.get(one, 0) for one in CarState)
        tally = WaveTally(counts=counts)
        tallies.append(msgspec.structs.replace(tally, forgiven=tally.count(*ERRORS) - wave.errors))
    opened = [place for place, wave in enumerate(view.waves) if wave.open]
    begun = any(wave.size for wave in view.waves)
    return Campaign(
        plan=view.plan,
        authors=view.authors,
        phase=view.phase,
        revision=view.revision,
        asked_by=view.asked_by,
        approved_by=view.approved_by,
        wave=max(opened, default=0),
        tallies=tuple(tallies) if begun else (),
        told=view.told,
        late=view.late,
        reason=view.reason,
    )


def door_of(fleet: str, door: str) -> tuple[str, int]:
    """Host and port of the cars' door.

    Args:
        fleet: URL of the people's door.
        door: URL of the cars' door; empty: `CARS_PORT` of the same machine.

    Raises:
        InputError: it is no address.
    """
    url = door or fleet
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise InputError(f"{url!r}: {error}") from error
    if parts.scheme not in {"http", "https"} or not host:
        raise InputError(f"{url!r} is no address such as http://fleet.example:8770")
    if door and parts.scheme == "https":
        raise InputError(f"{url}: simulated cars speak plain HTTP; let them in behind the proxy")
    return host, (port or 80) if door else CARS_PORT
