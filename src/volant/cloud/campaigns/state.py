"""A campaign and one car's part in it, as two small records: a step reads and writes these two and nothing else.

So a store holds a lock on one row and one row, a million cars need no memory, and what a step did is all or nothing.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Self

import msgspec
from msgspec import Meta

from volant.cloud.campaigns.health import CarHealth, HealthSum
from volant.cloud.campaigns.plan import Name, Plan


class Phase(StrEnum):
    """Where a campaign is."""

    DRAFT = "draft"
    """May be changed."""
    SUBMITTED = "submitted"
    """Waits for a second person."""
    APPROVED = "approved"
    RUNNING = "running"
    PAUSED = "paused"
    """No further car is told; those that were go on."""
    HALTED = "halted"
    """It stopped itself: told cars are called back; to go on, a second person approves again."""
    STOPPED = "stopped"
    """By a person and for good; told cars are called back."""
    FINISHED = "finished"
    """No car is left to be told or to be waited for."""


class CarState(StrEnum):
    """Where one car is; of two things that a car says of one try, the later in this order holds, whichever came first."""

    WAITING = "waiting"
    TOLD = "told"
    BUSY = "busy"
    """It said that it works on it."""
    LOST = "lost"
    """Told, and then silent for too long."""
    CANCELED = "canceled"
    """It let go of it when called back."""
    REFUSED = "refused"
    """The person or the car does not want it, has no room for it, or did not come to it in time."""
    WATCHED = "watched"
    """It runs the update and has not yet proved well."""
    WELL = "well"
    AGAIN = "again"
    """It failed and may try again."""
    FAILED = "failed"
    UNWELL = "unwell"
    """It runs or ran the update and is worse off: boot loops, trouble codes."""
    HAS = "has"
    """It ran the release without our doing."""


ORDER: Final = {one: place for place, one in enumerate(CarState)}
IN_FLIGHT: Final = frozenset({CarState.TOLD, CarState.BUSY, CarState.WATCHED})
ERRORS: Final = frozenset({CarState.LOST, CarState.AGAIN, CarState.FAILED, CarState.UNWELL})
GOOD: Final = frozenset({CarState.WELL, CarState.HAS})
UNABLE: Final = frozenset({CarState.REFUSED})
"""Neither good nor bad: they count neither for a wave nor against it."""
TO_TELL: Final = frozenset({CarState.WAITING, CarState.AGAIN, CarState.CANCELED})
"""May be told, as a new try."""
OPEN: Final = frozenset({CarState.TOLD, CarState.BUSY})
"""Told, and not yet said how it went."""

Count = Annotated[int, Meta(ge=0)]


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One car's part in a campaign."""

    campaign_id: Name
    car_id: str
    wave: Count
    state: CarState = CarState.WAITING
    attempt: Count = 0
    """Tries told so far; the number of the present one."""
    due_s: float | None = None
    """When it is lost, or proved well; Unix seconds."""
    waits_until_s: float | None = None
    """So long it may go on to say that it waits; Unix seconds. None: it does not wait."""
    reason: Annotated[str, Meta(max_length=512)] = ""
    """What the car said last, for people: failures are grouped by it."""
    health: CarHealth = CarHealth()


class WaveTally(msgspec.Struct, frozen=True, kw_only=True):
    """How many cars of a wave are in which state."""

    counts: tuple[int, ...]
    """In the order of `CarState`."""
    forgiven: Count = 0
    """Errors that a second person has accepted when the campaign went on after it had stopped itself."""
    good_since_s: float | None = None
    """Since when enough of its cars are good."""

    @classmethod
    def of(cls, size: int) -> Self:
        """A wave of which no car was told."""
        return cls(counts=(size, *[0] * (len(CarState) - 1)))

    def count(self, *states: CarState) -> int:
        """Cars in one of some states."""
        return sum(self.counts[ORDER[one]] for one in states)

    @property
    def size(self) -> int:
        """All its cars."""
        return sum(self.counts)

    def moved(self, before: CarState, after: CarState) -> WaveTally:
        """With one car that went from one state to another."""
        counts = list(self.counts)
        counts[ORDER[before]] -= 1
        counts[ORDER[after]] += 1
        assert counts[ORDER[before]] >= 0, f"nobody was {before}"
        return msgspec.structs.replace(self, counts=tuple(counts))


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign, without its cars."""

    plan: Plan
    authors: Annotated[tuple[Name, ...], Meta(min_length=1)]
    """Whoever wrote or changed the plan; none of them approves it."""
    phase: Phase = Phase.DRAFT
    revision: Count = 0
    """Grows with each act of a person; who has seen an older one is told so."""
    asked_by: str = ""
    """Who submitted it."""
    approved_by: str = ""
    approved: str = ""
    """Digest of the plan that was approved."""
    wave: Count = 0
    """The last wave that is open."""
    tallies: tuple[WaveTally, ...] = ()
    health: tuple[HealthSum, ...] = ()
    """In the order of the plan's rules."""
    told: Count = 0
    """Tries told, ever."""
    late: Count = 0
    """Cars that turned bad, or ran it all the same, after they had counted as good or gone."""
    reason: str = ""
    """Why it is in this phase, for people."""

    def count(self, *states: CarState) -> int:
        """Cars of all waves in one of some states."""
        return sum(one.count(*states) for one in self.tallies)

    @property
    def in_flight(self) -> int:
        """Cars that are told and not known to be well."""
        return self.count(*IN_FLIGHT)

    @property
    def errors(self) -> int:
        """Cars in error, those forgiven too."""
        return self.count(*ERRORS)

    @property
    def most_errors(self) -> int:
        """The promise: with every image bad, no more cars than this come to harm before it has stopped itself.

        Cars are told while each open wave has fewer errors than stop it, and fewer than `concurrency` are in flight.
        """
        open_waves = zip(self.plan.waves, self.tallies[: self.wave + 1], strict=False)
        allowed = sum(
            tally.forgiven + wave.errors_limit(tally.size) - 1 for wave, tally in open_waves
        )
        return allowed + self.plan.concurrency + self.late

    @property
    def recalls(self) -> bool:
        """Whether cars that are told must let go of it: it has begun, and neither runs nor is paused."""
        return bool(self.tallies) and self.phase not in {Phase.RUNNING, Phase.PAUSED}

    @property
    def is_over(self) -> bool:
        """Whether it never goes on."""
        return self.phase in {Phase.STOPPED, Phase.FINISHED}

    @property
    def has_room(self) -> bool:
        """Whether another car may be at it."""
        return self.in_flight < self.plan.concurrency
