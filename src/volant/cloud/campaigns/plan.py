"""What a campaign is meant to do, written down before it may begin; a second person approves exactly these bytes."""

from __future__ import annotations

import hashlib
import math
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from volant.cloud.campaigns.filters import TEXT_MOST, parse_filter
from volant.cloud.campaigns.plan_errors import plan_error
from volant.cloud.campaigns.windows import DAY_S, Window
from volant.core.errors import InputError

Name = Annotated[str, Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$")]
Share = Annotated[float, Meta(gt=0.0, le=1.0)]
CARS_MOST: Final = 100_000_000
PLAN_MOST_BYTES: Final = 256 * 1024
WAVES_MOST: Final = 64


class Wave(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Some of the cars, told after those of the waves before.

    It takes a group, a count or a share of all cars, or with none of them all that are left. Canaries are a first wave
    of a group or a count.
    """

    name: Name
    group: Name | None = None
    count: Annotated[int, Meta(ge=1, le=CARS_MOST)] | None = None
    share: Share | None = None
    success_share: Share = 1.0
    """Of its cars that can have the update: so many must run it before the next wave begins."""
    errors_stop: Annotated[int, Meta(ge=1, le=CARS_MOST)] | None = None
    """So many errors stop the campaign."""
    errors_share: Share | None = None
    """Such a share of its cars in error stops the campaign; the smaller of both counts."""
    rest_s: Annotated[float, Meta(ge=0.0, le=90.0 * DAY_S)] = 0.0
    """How long it stays good before the next wave begins."""
    then_pause: bool = False
    """Wait for a person before the next wave."""

    def __post_init__(self) -> None:
        if sum(one is not None for one in (self.group, self.count, self.share)) > 1:
            raise ValueError("a wave takes a group, a count or a share, not two of them")
        if self.errors_stop is None and self.errors_share is None:
            raise ValueError("a wave says how many errors stop the campaign")

    def errors_limit(self, size: int) -> int:
        """How many errors stop a campaign, for a wave of so many cars; at least one."""
        limits = [] if self.errors_stop is None else [self.errors_stop]
        if self.errors_share is not None:
            limits.append(math.ceil(self.errors_share * size))
        return max(1, min(limits))

    def success_wanted(self, able: int) -> int:
        """How many cars must run the update, of so many that can have it; at least one."""
        return max(1, math.ceil(self.success_share * able))


class HealthRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rate of something bad among cars that run the update, above which the campaign stops; see `health.py`."""

    signal: Name
    """As cars count it: `disengagements`, `boots_failed`, `dtc:U0121`."""
    per: Annotated[str, Meta(pattern="^(km|h)$")] = "h"
    """Counted over distance driven or over time on."""
    usual_rate: Annotated[float, Meta(gt=0.0, le=1e6)]
    """Events per kilometre or hour before the update, from the fleet's own past."""
    bad_ratio: Annotated[float, Meta(gt=1.0, le=1000.0)] = 2.0
    """How many times the usual rate is to be found out."""
    false_stop: Annotated[float, Meta(gt=0.0, lt=0.5)] = 0.01
    """Chance at most that a rate no higher than the usual one ever stops the campaign."""


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole campaign."""

    campaign_id: Name
    title: Annotated[str, Meta(min_length=1, max_length=200)]
    release: Name
    """What the cars shall run."""
    cars: Annotated[str, Meta(max_length=TEXT_MOST)] = ""
    """Filter, see `filters.py`; empty: all."""
    waves: Annotated[tuple[Wave, ...], Meta(min_length=1, max_length=WAVES_MOST)]
    concurrency: Annotated[int, Meta(ge=1, le=CARS_MOST)]
    """How many cars at most are told and not yet known to be well."""
    patience_s: Annotated[float, Meta(ge=60.0, le=90.0 * DAY_S)] = 3.0 * DAY_S
    """A told car that says nothing for so long is lost, which is an error: it may be dead."""
    watch_s: Annotated[float, Meta(ge=0.0, le=90.0 * DAY_S)] = 1.0 * DAY_S
    """How long a car that runs the update is watched before it counts as well."""
    tries: Annotated[int, Meta(ge=1, le=10)] = 1
    """How often a car may try when it fails; each failure counts as an error until a try succeeds."""
    windows: Annotated[tuple[Window, ...], Meta(max_length=64)] = ()
    """When cars may be told; none: always."""
    begins_s: Annotated[float, Meta(ge=0.0)] = 0.0
    """Unix seconds; no car is told before."""
    ends_s: Annotated[float, Meta(ge=0.0)] | None = None
    """No further car is told from then on; null: as long as it takes."""
    confirm: bool = False
    """The person in the car is asked first."""
    forced: bool = True
    """hawkBit's `forced` as against `attempt`."""
    health: Annotated[tuple[HealthRule, ...], Meta(max_length=32)] = ()
    unwell: Annotated[tuple[Name, ...], Meta(max_length=64)] = ("boot_loop",)
    """Signals of which a single one makes a car an error."""

    def __post_init__(self) -> None:
        if len({wave.name for wave in self.waves}) != len(self.waves):
            raise ValueError("two waves have one name")
        rest = [{wave.group, wave.count, wave.share} == {None} for wave in self.waves]
        if any(rest[:-1]):
            raise ValueError("only the last wave takes all cars that are left")
        if self.ends_s is not None and self.ends_s <= self.begins_s:
            raise ValueError("it ends before it begins")
        if len({one.signal for one in self.health}) != len(self.health):
            raise ValueError("two rules watch one signal")

    @classmethod
    def from_bytes(cls, data: bytes) -> Plan:
        """Read a plan, its filter too.

        Raises:
            InputError: it is none.
        """
        if len(data) > PLAN_MOST_BYTES:
            raise InputError(f"{len(data)} bytes of plan, at most {PLAN_MOST_BYTES}")
        try:
            found = msgspec.json.decode(data, type=cls)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise plan_error(data, error) from error
        parse_filter(found.cars)
        return found

    def to_bytes(self) -> bytes:
        """The one way to write it; `digest` is over these bytes."""
        # Read back once: a whole number where a float belongs is then written as the float that it is.
        found = msgspec.json.decode(msgspec.json.encode(self), type=Plan)
        return msgspec.json.encode(found, order="deterministic")

    @property
    def digest(self) -> str:
        """SHA-256 of it, in hex: what a person approves."""
        return hashlib.sha256(self.to_bytes()).hexdigest()
