"""How much may be written to flash: a budget of bytes a day, by class and by owner. Pure; writes nothing.

Flash wears by what is written, not by what is kept: a car that logs without a bound is worn out while its
files still fit (the MCUv1 of NHTSA PE20-010). Low classes are refused first as the day's budget nears its
end. Days are told by the caller; each has a count of its own, so a clock that jumps away and back earns
nothing.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final

import msgspec

from volant.core.errors import InputError

MB: Final = 1_000_000
DAY_MOST_BYTES: Final = 250 * MB
DAYS_KEPT: Final = 8
OWNERS_MOST: Final = 64
"""On one day; more are refused, so that a state stays small."""
STATE_MOST_BYTES: Final = 256 * 1024
NAME_MOST: Final = 64
DAYS_A_YEAR: Final = 365.25


class DataClass(enum.Enum):
    """What data are worth, best first."""

    EVENT = "event"
    """What happened around a contact, an emergency braking, a takeover."""
    SUMMARY = "summary"
    """Few bytes about a whole trip or day."""
    DETAIL = "detail"
    """All else, such as full-rate records that a person asked for."""


_SHARE: Final = {DataClass.EVENT: 1.0, DataClass.SUMMARY: 0.9, DataClass.DETAIL: 0.6}


@dataclass(frozen=True, slots=True)
class FlashSettings:
    """The budget.

    The day's default lies well below the 1.1 GB a day that 8 GB of 3000 cycles bear for 15 years at a write
    amplification of 4 (recalled figures, own arithmetic): the rest is for images and for what others write.
    """

    day_most_bytes: int = DAY_MOST_BYTES
    owner_most_bytes: int = 25 * MB
    """Of an owner that `owners` does not name, such as an app."""
    owners: Mapping[str, int] = field(default_factory=dict)
    """Bytes a day of owners by name."""


class FlashDay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was granted on one day."""

    day: int
    """Days of UTC since 1970-01-01, as the caller says."""
    owners: dict[
        Annotated[str, msgspec.Meta(max_length=NAME_MOST)], Annotated[int, msgspec.Meta(ge=0)]
    ]
    """Bytes by owner."""

    @property
    def written(self) -> int:
        """Bytes of all owners."""
        return sum(self.owners.values())


class FlashState(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The counts of the last days that something was written on, the most recently used last."""

    days: Annotated[tuple[FlashDay, ...], msgspec.Meta(max_length=DAYS_KEPT)] = ()

    def of(self, day: int) -> FlashDay:
        """The counts of a day."""
        return next((one for one in self.days if one.day == day), FlashDay(day, {}))

    def to_bytes(self) -> bytes:
        """For a file that survives a restart."""
        return msgspec.json.encode(self)


def state_from_bytes(data: bytes) -> FlashState:
    """What `to_bytes` gave.

    Raises:
        InputError: it is something else, or too long.
    """
    if len(data) > STATE_MOST_BYTES:
        raise InputError(f"{len(data)} bytes of flash counts, at most {STATE_MOST_BYTES} are read")
    try:
        state = msgspec.json.decode(data, type=FlashState)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError(f"no flash counts: {error}") from error
    if len({one.day for one in state.days}) != len(state.days):
        raise InputError("no flash counts: a day stands in them twice")
    if any(len(one.owners) > OWNERS_MOST for one in state.days):
        raise InputError(f"no flash counts: more than {OWNERS_MOST} owners on a day")
    return state


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether so much may be written."""

    granted: bool
    code: str
    """`ok`, `day_over`, `class_over`, `owner_over`, `too_many_owners`, `bad_name`; of a ledger on the disk also
    `not_counted`."""
    words: str
    """For people."""


_OK: Final = Verdict(True, "ok", "may be written")


def ask(
    state: FlashState,
    kind: DataClass,
    owner: str,
    size: int,
    day: int,
    settings: FlashSettings,
) -> tuple[FlashState, Verdict]:
    """Ask to write `size` bytes on a day; what is granted counts as written at once.

    Raises:
        ValueError: `size` is below zero.
    """
    if size < 0:
        raise ValueError(f"size must not be below zero, is {size}")
    held = state.of(day)
    refused = _refusal(held, kind, owner, size, settings)
    if refused is not None:
        return state, refused
    return _with(state, held, owner, held.owners.get(owner, 0) + size), _OK


def settle(state: FlashState, owner: str, asked: int, written: int, day: int) -> FlashState:
    """Give back what was granted on a day and not written.

    Raises:
        ValueError: more was written than asked for, or less than nothing.
    """
    if not 0 <= written <= asked:
        raise ValueError(f"{written} bytes were written, {asked} were asked for")
    held = state.of(day)
    if owner not in held.owners:
        return state
    return _with(state, held, owner, max(0, held.owners[owner] - (asked - written)))


def mean_per_day(state: FlashState) -> float:
    """Bytes a day, over the last days that something was written on; others are not counted as free."""
    return sum(one.written for one in state.days) / max(1, len(state.days))


def years_left(
    written_per_day: float, capacity_bytes: float, cycles: float, write_amplification: float
) -> float:
    """Years until a new flash is worn out at so many bytes a day from the host; infinite at none.

    Capacity times program/erase cycles is what the cells bear; each byte of the host costs
    `write_amplification` bytes there. Wear levelling is taken to be even.

    Raises:
        ValueError: a capacity, cycles or amplification that is not above zero, or bytes below zero.
    """
    if min(capacity_bytes, cycles, write_amplification) <= 0 or written_per_day < 0:
        raise ValueError("capacity, cycles and amplification must be above zero, bytes not below")
    if written_per_day == 0:
        return float("inf")
    return capacity_bytes * cycles / write_amplification / written_per_day / DAYS_A_YEAR


def _refusal(
    held: FlashDay, kind: DataClass, owner: str, size: int, settings: FlashSettings
) -> Verdict | None:
    if not 0 < len(owner) <= NAME_MOST:
        return _refused("bad_name", f"an owner's name has 1 to {NAME_MOST} characters")
    if owner not in held.owners and len(held.owners) >= OWNERS_MOST:
        return _refused("too_many_owners", f"{OWNERS_MOST} owners have written today")
    total, most = held.written + size, settings.day_most_bytes
    if total > most:
        return _refused("day_over", f"the day's {_mb(most)} of flash are used up")
    if total > most * _SHARE[kind]:
        share = round(100 * _SHARE[kind])
        return _refused("class_over", f"{kind.value} data get {share} % of the day's {_mb(most)}")
    own_most = settings.owners.get(owner, settings.owner_most_bytes)
    if held.owners.get(owner, 0) + size > own_most:
        return _refused("owner_over", f"{owner} has used up its {_mb(own_most)} of today")
    return None


def _refused(code: str, words: str) -> Verdict:
    return Verdict(False, code, words)


def _with(state: FlashState, held: FlashDay, owner: str, size: int) -> FlashState:
    """The state with a new count; the day moves to the end, the least recently used one falls out."""
    others = tuple(one for one in state.days if one.day != held.day)
    new = FlashDay(held.day, {**held.owners, owner: size})
    return FlashState((*others, new)[-DAYS_KEPT:])


def _mb(size: int) -> str:
    return f"{size / MB:g} MB"
