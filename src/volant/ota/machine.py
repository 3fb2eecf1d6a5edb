"""The update machine: from a check of the repositories to programs that run and stay, or to the old ones.

`step` has no I/O and no clock. Decisions go into the record and are sure (`Save`) before anything follows from them;
what units run and hold is asked of them again after every start. The transaction over all units: `transaction`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from volant.core.updates import UpdateState
from volant.ota.conditions import ConditionTuning
from volant.ota.events import Action, Event, Moment
from volant.ota.health import HealthTuning
from volant.ota.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateTuning:
    """All of the machine."""

    conditions: ConditionTuning = field(default_factory=ConditionTuning)
    health: HealthTuning = field(default_factory=HealthTuning)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """State of the machine: the record, and what a cut may take."""

    record: Record
    tuning: UpdateTuning = field(default_factory=UpdateTuning)


@dataclass(frozen=True, slots=True)
class Step:
    """What comes of an event."""

    machine: Machine
    actions: tuple[Action, ...]
    """To be done in this order; at most one `Check`, `Fetch` or `Do` is under way at a time."""


def start(record: Record, tuning: UpdateTuning | None = None) -> Machine:
    """A machine as a process starts it; its first event is `Woke`."""
    return Machine(record=record, tuning=tuning or UpdateTuning())


def step(machine: Machine, event: Event, moment: Moment) -> Step:
    """Take one event."""
    raise NotImplementedError


def tell(machine: Machine, moment: Moment) -> UpdateState:
    """What screens show now."""
    raise NotImplementedError
