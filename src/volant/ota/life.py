"""How the car has been since it first started with all programs that it runs now, as the director is told: a fold.

Numbers only grow, until an update brings other programs or takes them back. The director compares their rates with those
of other cars, so everything that could be a program's fault is counted, and who is to blame is left to it.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from volant.core.errors import InputError
from volant.core.updates import UpdateEnd
from volant.ota.health import HealthFacts
from volant.ota.record import Decision, Record
from volant.trust.uptane import Condition, Ended
from volant.trust.uptane.manifest import EVENT_KINDS_MOST, EVENTS_MOST, HOURS_MOST, KM_MOST

BOOT_LOOP: Final = "boot_loop"
RESTARTS: Final = "restarts"
"""Of the process of updates, without a start of the car: some process crashed it, or the supervisor lost patience."""
CODES: Final = "dtc"
DISENGAGEMENTS: Final = "disengagements"
FAULTS: Final = "faults"
LOOP_BOOTS: Final = 3
"""So many starts of which none lasted are a loop; a choice of ours."""
LASTS_S: Final = 120.0
"""A start that lasts so long was a good one; a choice of ours."""
STEP_MOST_S: Final = 10.0
STEP_MOST_KM: Final = 1.0
"""More between two sights is not counted: a clock or a counter jumped."""
CODES_MOST: Final = 256
LIFE_MOST_BYTES: Final = 64 * 1024
Text = Annotated[str, Meta(max_length=160)]


class Life(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is counted; it lies on the disk between starts."""

    programs: Text = ""
    """What the programs came with (`Offer.programs`); empty: they were there before the first update."""
    hours: Annotated[float, Meta(ge=0.0, le=HOURS_MOST)] = 0.0
    km: Annotated[float, Meta(ge=0.0, le=KM_MOST)] = 0.0
    events: Annotated[
        dict[Text, Annotated[int, Meta(ge=0, le=EVENTS_MOST)]], Meta(max_length=EVENT_KINDS_MOST)
    ] = {}
    codes: Annotated[tuple[Text, ...], Meta(max_length=CODES_MOST)] = ()
    """Trouble codes that were there before, or are counted."""
    short_boots: Annotated[int, Meta(ge=0, le=LOOP_BOOTS)] = 0
    """Starts in a row that have not lasted."""
    lasts_s: Annotated[float, Meta(ge=0.0)] = 0.0
    """How long this start has."""

    @property
    def condition(self) -> Condition:
        """As the director is told."""
        return Condition(hours=self.hours, km=self.km, events=self.events)

    def counted(self, signal: str, more: int = 1) -> Life:
        """With events; of more kinds than the director takes the first ones."""
        full = signal not in self.events and len(self.events) >= EVENT_KINDS_MOST
        if more <= 0 or full:
            return self
        number = min(EVENTS_MOST, self.events.get(signal, 0) + more)
        return replace(self, events=self.events | {signal: number})


def started(life: Life, *, booted: bool) -> Life:
    """The car was switched on, or only this program began again."""
    if not booted:
        return life.counted(RESTARTS)
    boots = life.short_boots + 1
    if boots >= LOOP_BOOTS:
        return replace(life.counted(BOOT_LOOP), short_boots=0, lasts_s=0.0)
    return replace(life, short_boots=boots, lasts_s=0.0)


def followed(life: Life, record: Record, codes: frozenset[str]) -> Life:
    """Begin anew where an update has brought other programs, or takes them back."""
    now = record.open
    if now is None or now.decision in {Decision.STAGE, Decision.ACTIVATE}:
        return life
    programs = now.offer.programs
    if now.decision is Decision.BACK:
        programs = f"before {programs}"
    if programs == life.programs:
        return life
    # Starts count on: a loop may well have begun with the first start of the new programs.
    return Life(
        programs=programs,
        codes=tuple(sorted(codes))[:CODES_MOST],
        short_boots=life.short_boots,
        lasts_s=life.lasts_s,
    )


def lived(
    life: Life, passed_s: float, passed_km: float, before: HealthFacts, after: HealthFacts
) -> Life:
    """A stretch of time went by.

    Args:
        life: until then.
        passed_s: seconds since.
        passed_km: driven since.
        before: what the car said then, since its process began.
        after: what it says now.
    """
    span_s = passed_s if 0.0 <= passed_s <= STEP_MOST_S else 0.0
    span_km = passed_km if 0.0 <= passed_km <= STEP_MOST_KM else 0.0
    lasts_s = life.lasts_s + span_s
    life = replace(
        life,
        hours=min(HOURS_MOST, life.hours + span_s / 3600.0),
        km=min(KM_MOST, life.km + span_km),
        lasts_s=lasts_s,
        short_boots=0 if lasts_s >= LASTS_S else life.short_boots,
    )
    life = life.counted(DISENGAGEMENTS, after.disengagements - before.disengagements)
    life = life.counted(FAULTS, after.faults - before.faults)
    for code in sorted(after.codes - set(life.codes)):
        if len(life.codes) >= CODES_MOST:
            break
        life = replace(life, codes=(*life.codes, code))
        life = life.counted(CODES).counted(f"{CODES}:{code.rpartition(' ')[2]}")
    return life


def ended_of(record: Record) -> Ended | None:
    """How the last update ended, as the director is told; None: there was none, or it is not known which."""
    if record.last is None or not record.last_offer:
        return None
    installed = record.last.end is UpdateEnd.INSTALLED
    ended = record.last.end.value.replace("_", " ")
    words = "" if installed else f"{ended}: {record.last.why}"
    try:
        return msgspec.convert(
            {"offer": record.last_offer, "installed": installed, "why": words[:512]}, Ended
        )
    except msgspec.ValidationError:
        return None  # an offer of another kind of source


def encode_life(life: Life) -> bytes:
    """For a file."""
    return msgspec.json.encode(life)


def decode_life(data: bytes) -> Life:
    """What `encode_life` gave.

    Raises:
        InputError: it is something else.
    """
    if len(data) > LIFE_MOST_BYTES:
        raise InputError(f"{len(data)} bytes of what a car counts, at most {LIFE_MOST_BYTES}")
    try:
        return msgspec.json.decode(data, type=Life)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"not what a car counts: {error}") from error
