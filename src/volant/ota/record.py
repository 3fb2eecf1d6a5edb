"""What the update machine must still know after a cut: one record, replaced as a whole.

It holds decisions, never progress: what units run and hold is asked of them. A record of another form is none of ours
and is refused, so that an older program never acts on half of what a newer one decided.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Annotated, Final, Protocol

import msgspec
from msgspec import Meta

from volant.core.errors import InputError
from volant.core.updates import UpdateResult
from volant.core.words import WordEnum
from volant.trust.uptane import Installed

FORM: Final = 1
RECORD_MOST_BYTES: Final = 1 << 20
UNITS_MOST: Final = 128
_Name = Annotated[str, Meta(min_length=1, max_length=128)]
TEXT_MOST: Final = 400
_Text = Annotated[str, Meta(max_length=TEXT_MOST)]
_Texts = Annotated[tuple[_Text, ...], Meta(max_length=32)]
_Count = Annotated[int, Meta(ge=0)]
_Seconds = Annotated[float, Meta(ge=0.0)]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all parts of the record share."""


class UnitPlan(_Part, frozen=True, kw_only=True):
    """What one unit or app runs, and what it shall run."""

    unit: _Name
    target: Installed
    before: Installed | None
    """What it ran when the update was offered; None: nothing, as an app that is new."""
    version: _Text = ""
    """Of the target, for people."""
    version_before: _Text = ""
    single: bool = False
    """It has one slot: its old program must lie in the car before it is written."""
    needs: Annotated[tuple[_Name, ...], Meta(max_length=UNITS_MOST)] = ()
    """Units that must be activated before it."""


class Offer(_Part, frozen=True, kw_only=True):
    """An update as both repositories signed it, for this car."""

    name: _Name
    """Tells it from others, such as the hash of the director's targets."""
    title: _Text = ""
    changes: _Texts = ()
    unusable: _Texts = ()
    takes_s: _Seconds = 0.0
    size_bytes: _Count = 0
    attempt: _Text = ""
    """Which try of it this is, by the director's word; empty: the director counts none."""
    units: Annotated[tuple[UnitPlan, ...], Meta(min_length=1, max_length=UNITS_MOST)]

    def __post_init__(self) -> None:
        if len({one.unit for one in self.units}) != len(self.units):
            raise ValueError("a unit stands in an offer twice")

    def with_versions(self, versions: Mapping[str, str]) -> Offer:
        """Units get the versions that their programs were seen to have."""
        units = tuple(
            msgspec.structs.replace(
                one, version=(versions.get(one.unit) or one.version)[:TEXT_MOST]
            )
            for one in self.units
        )
        return msgspec.structs.replace(self, units=units)

    @property
    def programs(self) -> str:
        """Tells what it brings, however often that is signed anew: a hash of units and their targets."""
        targets = sorted(
            (one.unit, one.target.length, sorted(one.target.hashes.items())) for one in self.units
        )
        return hashlib.sha256(msgspec.json.encode(targets)).hexdigest()

    @property
    def tried(self) -> str:
        """Tells one try of these programs from another; without a name all tries are one."""
        if not self.attempt:
            return self.programs
        return hashlib.sha256(f"{self.programs} {self.attempt}".encode()).hexdigest()


class Decision(WordEnum):
    """How far the transaction is; what is decided holds after every cut."""

    STAGE = "stage"
    """Units are written; all of them still run the old program, or can have it back."""
    ACTIVATE = "activate"
    """All is written: units are switched and reset."""
    TRIAL = "trial"
    """All of them ran the new program once, and are watched."""
    FORWARD = "forward"
    """The new programs stay: a unit that fell back is written again."""
    BACK = "back"
    """The old programs come back."""


class Open(_Part, frozen=True, kw_only=True):
    """The transaction that is under way."""

    offer: Offer
    decision: Decision = Decision.STAGE
    looked: bool = False
    """All units were seen to run what they ran when it was offered: another program of theirs is our doing since."""
    locked: bool = False
    """While units are written: a unit of one slot is about to lose its program. After that decision all is locked
    but a trial that has settled."""
    switched: bool = False
    """Units may have been activated."""
    overwritten: Annotated[tuple[_Name, ...], Meta(max_length=UNITS_MOST)] = ()
    """Units of one slot whose old program may be gone."""
    why: _Text = ""
    """Of the way back."""
    wished: bool = False
    """A person wanted the old programs back."""
    starts: _Count = 0
    """Of this process since the last decision."""
    boots: _Count = 0
    """Of the units since they were switched."""
    ran: bool = False
    """All units ran the new programs."""
    driven_s: _Seconds = 0.0
    """While on trial."""
    disengagements: _Count = 0
    """Of the pilot, while on trial."""
    faults: _Count = 0
    """Of the pilot, while on trial."""
    codes_before: Annotated[tuple[_Text, ...], Meta(max_length=256)] = ()
    """Trouble codes that were there before units were written."""


class Consent(_Part, frozen=True, kw_only=True):
    """What a person agreed to."""

    offer: _Name
    at_s: _Seconds
    """By the car's secure time."""
    starts_s: _Seconds
    """When it may be installed; `at_s` for now."""
    until_s: _Seconds
    """Then the person is asked again."""


class Record(_Part, frozen=True, kw_only=True):
    """All that survives."""

    form: Annotated[int, Meta(ge=FORM, le=FORM)] = FORM
    offer: Offer | None = None
    """It lies in the car whole."""
    consent: Consent | None = None
    quiet_until_s: _Seconds = 0.0
    """A person said `later`."""
    open: Open | None = None
    failed: Annotated[tuple[_Name, ...], Meta(max_length=16)] = ()
    """`Offer.tried` that were rolled back or failed: offered again only where a person asks for a check."""
    last: UpdateResult | None = None
    last_offer: Annotated[str, Meta(max_length=128)] = ""
    """Name of the offer that `last` is about; empty: of none, or it is not known."""
    noted: bool = True
    """`last` stands in the history."""


def must_hold(record: Record) -> bool:
    """Whether the car may not be driven as long as no process of updates says otherwise."""
    now = record.open
    return now is not None and (now.locked or now.decision is not Decision.STAGE)


class RecordStore(Protocol):
    """Where a record lies; it is replaced as a whole or not at all, and sure when `put` returns."""

    @property
    def value(self) -> bytes | None:
        """The newest one; None: there is none."""

    def put(self, data: bytes) -> None:
        """Replace it."""


def load(store: RecordStore) -> Record:
    """The record as it stands; a fresh one where there is none.

    Raises:
        InputError: it is none of ours.
    """
    data = store.value
    return Record() if data is None else decode(data)


def encode(record: Record) -> bytes:
    """For a store."""
    return msgspec.json.encode(record)


def decode(data: bytes) -> Record:
    """What `encode` gave.

    Raises:
        InputError: it is something else.
    """
    if len(data) > RECORD_MOST_BYTES:
        raise InputError(f"{len(data)} bytes of record, at most {RECORD_MOST_BYTES}")
    try:
        return msgspec.json.decode(data, type=Record)
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise InputError(f"no record of updates: {error}") from error
