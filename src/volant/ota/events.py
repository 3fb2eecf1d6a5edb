"""What the update machine is told, and what it asks its shell to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from volant.core.updates import UpdateResult, UpdateWish
from volant.core.words import WordEnum
from volant.ota.conditions import CarFacts
from volant.ota.health import HealthFacts
from volant.ota.ports import UnitNow
from volant.ota.record import Offer, Record
from volant.trust.uptane import Installed


@dataclass(frozen=True, slots=True)
class Moment:
    """When an event comes."""

    ns: int
    """Monotonic: nanoseconds since the car's boot."""
    unix_s: float
    """The car's secure time."""
    offset_s: float = 0.0
    """Local time less UTC."""
    timed: bool = True
    """Somebody signed the time since the car was switched on; else it may lie behind by as long as it was off."""


class Deed(WordEnum):
    """What may be done with a unit; after each of them it is asked what it runs and holds."""

    LOOK = "look"
    """Only ask."""
    STAGE = "stage"
    ACTIVATE = "activate"
    RESET = "reset"
    CONFIRM = "confirm"
    GO_BACK = "go_back"
    """Revert and reset."""


@dataclass(frozen=True, slots=True)
class Do:
    """Do something with a unit (action)."""

    unit: str
    deed: Deed
    wanted: Installed | None = None
    """What to stage."""


# --- told to the machine ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Woke:
    """The process starts: told once, first."""

    booted: bool
    """The car was switched on: units have booted, too."""


@dataclass(frozen=True, slots=True)
class Wished:
    """A person wishes something."""

    wish: UpdateWish
    offer: str = ""
    """Name of the offer that the person saw; who agrees must say it."""


@dataclass(frozen=True, slots=True)
class Called:
    """The fleet says that there is something: ask now, as if it were time; nobody has wished for it."""


@dataclass(frozen=True, slots=True)
class Checked:
    """The repositories have answered, or not."""

    offer: Offer | None
    """None: nothing new, or `why`."""
    why: str = ""
    """Why it did not work, for people; empty: it did."""
    rejected: bool = False
    """They told something that is not to be believed."""
    standing: bool = False
    """They did not answer, but what they signed before for `Check.agreed` has not expired."""
    name: str = ""
    """Of an offer that this car cannot take, as `why` says."""


@dataclass(frozen=True, slots=True)
class Fetching:
    """How far a download is."""

    done_bytes: int
    of_bytes: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """A download has ended."""

    why: str = ""
    """Why not all came, for people; empty: all of it lies in the car and was checked."""
    rejected: bool = False
    """What came is not what was signed."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Of what came, for people, by unit: as far as it can be read there."""


@dataclass(frozen=True, slots=True)
class Working:
    """How far a deed is."""

    unit: str
    done: float
    """0 to 1."""


@dataclass(frozen=True, slots=True)
class Did:
    """A deed has ended, and what the unit says then (`deeds.perform` makes it)."""

    do: Do
    now: UnitNow | None
    """None: it does not answer."""
    refused: str = ""
    """It said no, in words; it will again."""
    silent: str = ""
    """It did not answer, or not now, in words."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the car is like: at least once a second."""

    car: CarFacts
    health: HealthFacts


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passes: about ten times a second."""


Event = Woke | Wished | Called | Checked | Fetching | Fetched | Working | Did | Seen | Tick


# --- asked by the machine --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Save:
    """Replace the record; it must be sure before any action behind it in the list is done."""

    record: Record


@dataclass(frozen=True, slots=True)
class Check:
    """Ask the repositories; answer with `Checked`."""

    agreed: str = ""
    """Name of the offer that waits to be installed; empty: none does."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """Fetch all that an offer needs, and what its way back needs; answer with `Fetched`."""

    offer: Offer


@dataclass(frozen=True, slots=True)
class Drop:
    """Downloads are not needed any more, and old programs kept for the way back neither."""

    offer: str
    """Its name."""


@dataclass(frozen=True, slots=True)
class Note:
    """Append to the history, and report to the director what the units run."""

    result: UpdateResult


Action = Save | Check | Fetch | Drop | Note | Do
