"""Messages of updates: what the car has in hand, and what a person wishes of it.

`UpdateState` is what the update machine tells the screens; `UpdateRequest` is a press of a button on one. What it did
not take stands in its next state in words.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from volant.core.messages import Message, Stamp
from volant.core.words import WordEnum

Share = Annotated[float, Meta(ge=0.0, le=1.0)]
OfferName = Annotated[str, Meta(max_length=128)]
"""Tells an offer from all others: the hash of what the director signed."""
UnixTime = Annotated[float, Meta(ge=0.0)]
"""Seconds since 1970, UTC."""
Span = Annotated[float, Meta(ge=0.0)]


class UpdatePhase(WordEnum):
    """How far an update is."""

    IDLE = "idle"
    """Nothing is in hand."""
    CHECKING = "checking"
    """The repositories are asked."""
    DOWNLOADING = "downloading"
    OFFERED = "offered"
    """All of it lies in the car and is whole: a person decides."""
    WAITING = "waiting"
    """Agreed to; waits for its hour, or for what `reasons` says."""
    INSTALLING = "installing"
    """Units are written; they still run what they ran."""
    REBOOTING = "rebooting"
    """Units start what was written."""
    TRIAL = "trial"
    """The new programs run and are watched; they stay or go."""
    CONFIRMING = "confirming"
    """They stay; there is no way back but another update."""
    REVERTING = "reverting"
    """The old programs come back."""


class UpdateWish(WordEnum):
    """What a person may wish."""

    CHECK = "check"
    NOW = "now"
    """Install as soon as the car may."""
    TONIGHT = "tonight"
    """Install in the next window."""
    LATER = "later"
    """Not now: ask again after a day."""
    ROLLBACK = "rollback"
    """Back to what ran before, while the new programs are on trial."""


class UpdateEnd(WordEnum):
    """What became of an update."""

    INSTALLED = "installed"
    ROLLED_BACK = "rolled_back"
    """The new programs ran and were not good, or a person wanted the old ones back."""
    FAILED = "failed"
    """It could not be installed; all units run what they ran."""
    REJECTED = "rejected"
    """It is not to be believed."""


class UpdateUnit(Message, frozen=True, kw_only=True):
    """One control unit or app of an update."""

    unit: str
    runs: str
    """Version that runs; empty: none."""
    gets: str
    """Version that is to come."""
    does: str
    """What happens to it now, in words; empty: nothing."""
    done: Share = 0.0


class UpdateResult(Message, frozen=True, kw_only=True):
    """How the last update ended."""

    end: UpdateEnd
    title: str
    at_s: UnixTime
    """By the car's secure time."""
    why: str
    """Empty where it was installed."""
    changes: tuple[str, ...] = ()
    units: tuple[str, ...] = ()


class UpdateState(Message, frozen=True, kw_only=True):
    """What the update machine has in hand: at each change, else once a second."""

    stamp_ns: Stamp
    phase: UpdatePhase
    offer: OfferName = ""
    """Which update is in hand: who agrees to it says this name; empty: none."""
    title: str = ""
    """Of it."""
    changes: tuple[str, ...] = ()
    """What becomes different, for people."""
    unusable: tuple[str, ...] = ()
    """What cannot be used while it is installed."""
    takes_s: Span = 0.0
    """How long installing takes, about."""
    size_bytes: Annotated[int, Meta(ge=0)] = 0
    """To be fetched."""
    units: tuple[UpdateUnit, ...] = ()
    done: Share = 0.0
    """Of this phase."""
    left_s: Span | None = None
    """Of this phase; null: not known."""
    starts_s: UnixTime | None = None
    """When it will be installed; null: no hour is set."""
    reasons: tuple[str, ...] = ()
    """Why it does not go on now, for people."""
    locked: bool = False
    """The car may not be driven now."""
    can: tuple[UpdateWish, ...] = ()
    """What a person may wish now."""
    refused: str = ""
    """Why the last wish was not taken; empty after a while."""
    last: UpdateResult | None = None


class UpdateRequest(Message, frozen=True, kw_only=True):
    """One press of a button."""

    stamp_ns: Stamp
    wish: UpdateWish
    offer: OfferName = ""
    """`UpdateState.offer` as the person saw it: `now` and `tonight` agree to that one, and to no other."""
