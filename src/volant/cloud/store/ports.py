"""What the fleet's server wants of a database: all that one step reads and writes, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Annotated, Any, Protocol

import msgspec
from msgspec import Meta

from volant.cloud.audit import Head
from volant.cloud.campaigns.filters import Facts, Filter
from volant.cloud.campaigns.plan import Name
from volant.cloud.campaigns.state import Campaign, CarState, Task
from volant.cloud.campaigns.waves import Candidate
from volant.cloud.ddi.device import Chunk, Device
from volant.cloud.inventory import CarRecord, ReleaseImage
from volant.cloud.people import Person


class StoredRelease(msgspec.Struct, frozen=True, kw_only=True):
    """A release as both protocols have it: chunks for hawkBit's devices, images for cars that speak Uptane."""

    name: Name
    version: Annotated[str, Meta(max_length=128)] = ""
    made_s: float = 0.0
    by: str = ""
    chunks: tuple[Chunk, ...] = ()
    images: Annotated[tuple[ReleaseImage, ...], Meta(max_length=256)] = ()


class FailureRow(msgspec.Struct, frozen=True, kw_only=True):
    """Cars of a campaign that are in one state for one reason."""

    state: CarState
    reason: str
    cars: int
    examples: tuple[str, ...]
    """Ids of a few of them."""


class CarRow(msgspec.Struct, frozen=True, kw_only=True):
    """A car in a list: what both protocols know of it."""

    car_id: str
    seen_s: float | None = None
    """When it was heard last, Unix seconds; None: never."""
    device: Device | None = None
    record: CarRecord | None = None


def facts_of(device: Device | None, record: CarRecord | None) -> Facts:
    """What a filter may ask of a car, by both protocols."""
    found: dict[str, tuple[str, ...]] = {} if device is None else dict(device.facts)
    if record is not None:
        groups = found.get("group", ())
        found.update(record.facts)
        found["group"] = tuple(dict.fromkeys((*groups, *record.groups)))
    return found


class Let(msgspec.Struct, frozen=True, kw_only=True):
    """A car with a token, as it is let in."""

    digest: str
    """SHA-256 of its token, in hex."""
    device: Device | None
    has_tasks: bool
    """It is in some campaign, or was."""


class DeltaJob(msgspec.Struct, frozen=True, kw_only=True):
    """A delta that is made, or was, in the background."""

    base: str
    """SHA-256 of the image that cars run, in hex."""
    target: str
    """SHA-256 of the image that it leads to."""
    cars: int = 0
    """How many ran the base when it was ordered: the most first."""
    state: Annotated[str, Meta(pattern="^(waiting|making|made|useless|failed)$")] = "waiting"
    """`useless`: no smaller than the image itself."""
    share: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.0
    """How far it is."""
    until_s: float | None = None
    """Whoever makes it has it until then; another takes it over afterwards."""
    name: str = ""
    length: int = 0
    sha256: str = ""
    reason: str = ""


class Work(Protocol):
    """One transaction: what is read in it stays as it is until it ends."""

    def campaign(self, campaign_id: str) -> Campaign | None:
        """A campaign."""

    def campaigns(self) -> list[Campaign]:
        """All campaigns, in the order in which they were made."""

    def put_campaign(self, campaign: Campaign) -> None:
        """Store a campaign."""

    def task(self, campaign_id: str, car_id: str) -> Task | None:
        """A car's part in a campaign."""

    def tasks_of(self, car_id: str) -> list[Task]:
        """A car's parts in all campaigns, in the order in which these were made."""

    def tasks_in(self, campaign_id: str) -> Iterator[Task]:
        """All cars of a campaign."""

    def put_task(self, task: Task) -> None:
        """Store a car's part in a campaign."""

    def add_tasks(self, tasks: Iterable[Task]) -> None:
        """Store many new ones."""

    def begin_enlisting(self, campaign_id: str) -> int:
        """Begin to put cars into a campaign that has not begun; whoever did so before can no longer go on."""

    def drop_tasks(self, campaign_id: str, most: int) -> int:
        """Take out some of the cars that were put into a campaign that has not begun; how many there were."""

    def enlist(self, campaign_id: str, number: int, cars: Sequence[tuple[str, int]]) -> None:
        """Put cars with their waves into a campaign; nobody sees them before it has begun.

        Raises:
            RefusedError: somebody else has begun to do so since.
        """

    def end_enlisting(self, campaign_id: str, number: int) -> None:
        """All are in it.

        Raises:
            RefusedError: somebody else has begun to do so since.
        """

    def due(self, now_s: float, most: int) -> list[Task]:
        """Those whose time is over, the longest first."""

    def device(self, car_id: str) -> Device | None:
        """A device."""

    def devices(self) -> Iterator[Device]:
        """All devices, one after the other."""

    def put_device(self, device: Device) -> None:
        """Store a device."""

    def record(self, car_id: str) -> CarRecord | None:
        """What a car's manifests told, if it speaks Uptane."""

    def put_record(self, record: CarRecord) -> None:
        """Store what its manifests told."""

    def records(self) -> Iterator[CarRecord]:
        """All of these, one after the other."""

    def everyone(self) -> Iterator[tuple[str, Facts]]:
        """All cars of both protocols by id, with what a filter may ask of them."""

    def chosen(self, wanted: Filter) -> Iterator[Candidate]:
        """Cars that a filter lets through, by id; the same ones in the same order as long as the transaction lasts."""

    def cars(self, *, after: str = "", most: int = 100) -> list[CarRow]:
        """A page of all cars by id, of those after one."""

    def search(
        self, wanted: Filter, *, after: str = "", most: int = 100
    ) -> tuple[list[CarRow], str]:
        """A page of the cars that a filter lets through, by id, and after which to go on; empty: there are no more.

        It looks at so many cars and no more: a page may be short, even empty, and yet have a next one.
        """

    def each(self, wanted: Filter) -> Iterator[CarRow]:
        """All cars that a filter lets through, in no order, without when they were heard."""

    def car(self, car_id: str) -> CarRow | None:
        """One of these."""

    def remove_car(self, car_id: str) -> None:
        """Forget a car: device, record, director's files, token and when it was heard; its tasks stay."""

    def count_cars(self) -> int:
        """How many cars there are."""

    def count_seen(self, *since_s: float) -> tuple[int, ...]:
        """How many were heard since each of these, Unix seconds; looks at all cars once."""

    def tasks_page(
        self,
        campaign_id: str,
        *,
        state: CarState | None = None,
        wave: int | None = None,
        after: str = "",
        most: int = 100,
    ) -> list[Task]:
        """A page of a campaign's cars by id, of those after one."""

    def failures(self, campaign_id: str, most: int = 100) -> list[FailureRow]:
        """Cars in error, not able, or that wait, grouped by state and reason, the most first."""

    def release(self, name: str) -> StoredRelease | None:
        """A release."""

    def releases(self) -> list[StoredRelease]:
        """All of them, the newest first."""

    def put_release(self, release: StoredRelease) -> None:
        """Store a release."""

    def director_files(self, car_id: str) -> dict[str, bytes] | None:
        """What the director has published for a car, by name; None: nothing yet."""

    def put_director_files(self, car_id: str, files: dict[str, bytes]) -> None:
        """Put other files in their place."""

    def delta_jobs(self) -> list[DeltaJob]:
        """All deltas, those for the most cars first."""

    def put_delta_job(self, job: DeltaJob) -> None:
        """Store one, in place of that with the same base and target."""

    def person(self, name: str) -> Person | None:
        """Somebody who may act."""

    def person_of(self, digest: str) -> Person | None:
        """Whose token has this SHA-256, in hex."""

    def people(self) -> list[Person]:
        """Everybody, by name."""

    def put_person(self, person: Person) -> None:
        """Store somebody."""

    def lines_page(self, *, before: int | None = None, most: int = 100) -> list[bytes]:
        """The last lines of the audit log, or those before a number; the newest first."""

    def lines_about(self, about: str, most: int = 1000) -> list[bytes]:
        """Lines of the audit log about one thing, in their order; of more than `most` the last ones."""

    def number(self, kind: str) -> int:
        """The next number of a kind; never given twice."""

    def last_number(self, kind: str) -> int:
        """The last number of a kind; 0: there was none. That of `news` is what `FleetStore.news` says."""

    def put_number(self, kind: str, number: int) -> None:
        """Set the last number of a kind."""

    def log(
        self, *, at_s: float, by: str, act: str, about: str = "", data: dict[str, Any] | None = None
    ) -> None:
        """Append to the audit log."""

    def head(self) -> Head:
        """Where the audit log stands."""

    def last_line(self) -> int:
        """Number of the audit log's last line; 0: there is none."""

    def about_since(self, number: int) -> Iterator[str]:
        """What lines of the audit log after one are about, each once."""

    def lines(self) -> Iterator[bytes]:
        """The audit log."""

    def token(self, car_id: str) -> str | None:
        """SHA-256 of a car's token, in hex."""

    def let_in(self, car_ids: Sequence[str]) -> dict[str, Let]:
        """Many cars at once; those without a token lack."""

    def put_token(self, car_id: str, digest: str) -> None:
        """Let a car in by a token."""

    def add_devices(self, digests: Mapping[str, str]) -> None:
        """Let many devices in at once by their tokens' SHA-256; of one that is known only the token is another."""

    def tell_news(self) -> None:
        """Let all servers look anew at cars that were quiet."""

    def seen(self, times_s: Iterable[tuple[str, float]]) -> None:
        """When cars were heard last, many at once."""


class FleetStore(Protocol):
    """A database."""

    def work(self) -> AbstractContextManager[Work]:
        """One transaction that writes: stored whole at its end, or with an error not at all."""

    def read(self) -> AbstractContextManager[Work]:
        """One transaction that only reads, beside those that write; for lists and reports."""

    def news(self) -> int:
        """A number that grows with each thing that may give work to a car that had none: a campaign's phase or wave,
        a try again, a token. Stored by `Work.tell_news`, the same for all servers of one database.
        """

    def close(self) -> None:
        """Let go of it."""
