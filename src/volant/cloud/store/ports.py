"""What the fleet's server wants of a database: all that one step reads and writes, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

from volant.cloud.audit import Head
from volant.cloud.campaigns.state import Campaign, Task
from volant.cloud.ddi.device import Chunk, Device


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

    def due(self, now_s: float, most: int) -> list[Task]:
        """Those whose time is over, the longest first."""

    def device(self, car_id: str) -> Device | None:
        """A device."""

    def devices(self) -> Iterator[Device]:
        """All devices, one after the other."""

    def put_device(self, device: Device) -> None:
        """Store a device."""

    def release(self, name: str) -> tuple[Chunk, ...] | None:
        """What a release consists of."""

    def put_release(self, name: str, chunks: tuple[Chunk, ...]) -> None:
        """Store a release."""

    def number(self, kind: str) -> int:
        """The next number of a kind; never given twice."""

    def log(
        self, *, at_s: float, by: str, act: str, about: str = "", data: dict[str, Any] | None = None
    ) -> None:
        """Append to the audit log."""

    def head(self) -> Head:
        """Where the audit log stands."""

    def lines(self) -> Iterator[bytes]:
        """The audit log."""

    def token(self, car_id: str) -> str | None:
        """SHA-256 of a car's token, in hex."""

    def put_token(self, car_id: str, digest: str) -> None:
        """Let a car in by a token."""

    def seen(self, times_s: Iterable[tuple[str, float]]) -> None:
        """When cars were heard last, many at once."""


class FleetStore(Protocol):
    """A database."""

    def work(self) -> AbstractContextManager[Work]:
        """One transaction that writes: stored whole at its end, or with an error not at all."""

    def changed(self) -> int:
        """A number that changes when somebody else has stored something."""

    def close(self) -> None:
        """Let go of it."""
