"""State of the update machine, and one turn of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgspec

from volant.core.updates import UpdateEnd, UpdatePhase, UpdateResult
from volant.core.words import plain
from volant.ota.conditions import FRESH_NS, CarFacts, ConditionTuning
from volant.ota.events import Action, Check, Do, Fetch, Moment, Note, Save
from volant.ota.health import HealthFacts, HealthTuning
from volant.ota.record import Decision, Offer, Record
from volant.ota.transaction import Known

SECOND_NS: Final = 1_000_000_000
SAID_NS: Final = 30 * SECOND_NS
"""How long words of an answer stand (chosen)."""
WHY_MOST: Final = 400
"""Letters of a reason that the record keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateTuning:
    """All of the machine."""

    conditions: ConditionTuning = field(default_factory=ConditionTuning)
    health: HealthTuning = field(default_factory=HealthTuning)
    first_check_s: float = 10.0
    """After the start (chosen: other processes come first)."""
    check_every_s: float = 4 * 3600.0
    """Between checks that nobody asked for (chosen)."""
    check_again_s: float = 600.0
    """After one that did not work (chosen)."""
    sure_s: float = 600.0
    """So long the answer of a check is new enough to begin by; UN R156 7.2.2.5 checks again at execution (chosen)."""
    ask_again_s: float = 60.0
    """After a check that did not work, where an agreed update waits for nothing else (chosen)."""
    hold_s: float = 1.0
    """From when the car is told to be locked until that is sure (chosen: several of its power machine's periods)."""
    look_s: float = 2.0
    """Between two looks at units on trial (chosen)."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Where a phase that can be measured began."""

    phase: UpdatePhase
    since_ns: int
    done: float
    """Of it, at that moment."""


@dataclass(frozen=True, slots=True)
class Stuck:
    """What is offered and does not come into the car."""

    offer: str
    """Its name."""
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """State of the machine: the record, and what a cut may take."""

    record: Record
    tuning: UpdateTuning = field(default_factory=UpdateTuning)
    busy: Check | Fetch | Do | None = None
    """What the shell does now."""
    done: float = 0.0
    """Of it."""
    coming: Offer | None = None
    """What is being fetched."""
    asked: bool = False
    """A person asked for the check that is under way."""
    check_ns: int | None = None
    """When to check by itself."""
    sure_ns: int | None = None
    """When the repositories last said that the offer is as it lies here."""
    ask_ns: int = 0
    """Before that they are not asked again for an agreed update."""
    unsure: str = ""
    """Why they could not be asked."""
    stuck: Stuck | None = None
    """What is offered and cannot be had."""
    pace: Pace | None = None
    known: Mapping[str, Known] = field(default_factory=dict)
    serial: int = 0
    """Of the last deed that ended."""
    last_deed: int = 0
    """What was heard before this serial is stale."""
    car: CarFacts = field(default_factory=CarFacts)
    car_ns: int | None = None
    """When that was seen."""
    health: HealthFacts = field(default_factory=HealthFacts)
    codes_ns: Mapping[str, int] = field(default_factory=dict)
    """Since when trouble codes are there."""
    driven_s: float = 0.0
    """Of a trial; the record knows it a bit later."""
    settled_ns: int | None = None
    """Since when all units on trial run what they should."""
    leaving: bool = False
    """The trial is passed; only the car must be held before that is decided."""
    looked_ns: int = 0
    """When a unit on trial was last asked for."""
    held_ns: int | None = None
    """Since when the car is told to be locked."""
    waits: tuple[str, ...] = ()
    """Why it does not go on now."""
    said: str = ""
    """Words for a person who asked for something."""
    said_ns: int = 0
    refused: bool = False
    """They say that a wish was not taken."""

    def facts(self, now_ns: int) -> CarFacts:
        """The car as it was seen a moment ago; nothing where that is too long ago."""
        fresh = self.car_ns is not None and now_ns - self.car_ns <= FRESH_NS
        return self.car if fresh else CarFacts()

    @property
    def locked(self) -> bool:
        """The car may not be driven now."""
        now = self.record.open
        if now is None:
            return False
        if now.decision is Decision.STAGE:
            return now.locked
        return now.decision is not Decision.TRIAL or self.leaving or not self.has_settled

    @property
    def has_settled(self) -> bool:
        """Whether units on trial have run for a while what they should."""
        if self.settled_ns is None or self.car_ns is None:
            return False
        return self.car_ns - self.settled_ns >= self.tuning.health.settle_s * SECOND_NS


@dataclass(frozen=True, slots=True)
class Step:
    """What comes of an event."""

    machine: Machine
    actions: tuple[Action, ...]
    """To be done in this order; at most one `Check`, `Fetch` or `Do` is under way at a time."""


class Turn:
    """One turn in the making."""

    def __init__(self, machine: Machine, moment: Moment) -> None:
        self.machine, self.moment = machine, moment
        self.actions: list[Action] = []

    def set(self, **changes: Any) -> None:
        """Change what a cut may take."""
        self.machine = replace(self.machine, **changes)

    def save(self, record: Record) -> None:
        """Change what survives."""
        if record != self.machine.record:
            self.set(record=record)
            self.actions.append(Save(record))

    def ask(self, action: Check | Fetch | Do) -> None:
        """Give the shell something to do; it is not busy now."""
        self.set(busy=action, done=0.0)
        self.actions.append(action)

    def say(self, words: str, *, refused: bool = False) -> None:
        """Tell a person something for a while."""
        self.set(said=plain(words)[:WHY_MOST], said_ns=self.moment.ns, refused=refused)

    def note(self, result: UpdateResult) -> None:
        """Put a result that is saved into the history, for sure at least once."""
        self.actions.append(Note(result))
        self.save(msgspec.structs.replace(self.machine.record, noted=True))

    def result(self, end: UpdateEnd, why: str, offer: Offer | None) -> UpdateResult:
        """How something ended."""
        units = offer.units if offer else ()
        return UpdateResult(
            end=end,
            title=offer.title if offer else "",
            at_s=max(0.0, self.moment.unix_s),
            why=plain(why)[:WHY_MOST],
            changes=offer.changes if offer else (),
            units=tuple(
                f"{one.unit} {one.version_before or '-'} -> {one.version or '-'}" for one in units
            ),
        )
