"""What the fleet's management API answers, its console shows and `volant fleet --json` prints: one set of shapes for all.

Times are Unix seconds. Lists come in pages: `next` is what to hand in as `after`; empty: there is no more.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from volant.cloud.campaigns.plan import Name, Plan
from volant.cloud.campaigns.state import CarState, Phase
from volant.cloud.people import Role


class View(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all."""


class MeView(View, frozen=True, kw_only=True):
    """Who asks."""

    name: str
    role: str
    rights: tuple[str, ...]


class FleetView(View, frozen=True, kw_only=True):
    """The whole fleet in a few numbers."""

    cars: int
    heard_hour: int | None
    """Cars that were heard within an hour; nothing while they are being counted for the first time."""
    heard_day: int | None
    releases: int
    campaigns: dict[Phase, int]
    audit_lines: int
    audit_digest: str


class WaveView(View, frozen=True, kw_only=True):
    """One wave, as it is now."""

    name: str
    open: bool
    size: int
    errors: int
    """Not forgiven ones: those that count."""
    errors_limit: int
    """So many stop the campaign."""
    good: int
    good_wanted: int
    """So many open the next wave."""
    rest_until_s: float | None
    """It is good and rests until then."""
    cars: dict[CarState, int]
    """Those of none are left out."""


class HealthView(View, frozen=True, kw_only=True):
    """One rule of health."""

    signal: str
    per: str
    usual_rate: float
    rate: float
    """Found among cars that run the release."""
    events: float
    amount: float
    """Kilometres or hours."""
    evidence_share: float
    """1.0 stops the campaign; 0.0: none."""


class VerbView(View, frozen=True, kw_only=True):
    """One thing that the person who asks may do with a campaign, or why not."""

    verb: str
    why_not: str
    """Empty: it can be done now."""


class CampaignLine(View, frozen=True, kw_only=True):
    """A campaign in a list."""

    campaign: str
    title: str
    release: str
    phase: Phase
    reason: str
    revision: int
    cars: int
    good: int
    errors: int
    in_flight: int
    wave: str


class CampaignView(CampaignLine, frozen=True, kw_only=True):
    """A campaign, whole."""

    digest: str
    """Of the plan: what is approved."""
    plan: Plan
    authors: tuple[str, ...]
    asked_by: str
    approved_by: str
    told: int
    late: int
    most_errors: int
    """No more cars than this come to harm, however bad the release is."""
    waves: tuple[WaveView, ...]
    health: tuple[HealthView, ...]
    verbs: tuple[VerbView, ...]


class FailureView(View, frozen=True, kw_only=True):
    """Cars of a campaign with one reason."""

    state: CarState
    reason: str
    cars: int
    examples: tuple[str, ...]


class TaskView(View, frozen=True, kw_only=True):
    """One car's part in a campaign."""

    campaign: str
    car: str
    wave: str
    state: CarState
    attempt: int
    reason: str
    due_s: float | None


class TasksPage(View, frozen=True, kw_only=True):
    """Cars of a campaign."""

    tasks: tuple[TaskView, ...]
    next: str


class CarLine(View, frozen=True, kw_only=True):
    """A car in a list."""

    car: str
    groups: tuple[str, ...]
    attributes: dict[str, str]
    seen_s: float | None
    protocol: str
    """`ddi` or `uptane`."""
    runs: dict[str, str]
    """Version or image by control unit; `os` for a device of hawkBit's."""


class CarsPage(View, frozen=True, kw_only=True):
    """Cars."""

    cars: tuple[CarLine, ...]
    next: str
    total: int
    """Of the whole fleet."""


class ChangeView(View, frozen=True, kw_only=True):
    """A program of a car that came or went."""

    at_s: float
    unit: str
    before: str
    after: str


class CarView(CarLine, frozen=True, kw_only=True):
    """A car, whole."""

    tasks: tuple[TaskView, ...]
    history: tuple[ChangeView, ...]
    """The newest first."""
    attacks: dict[str, str]
    """Noticed by its units."""
    refused: int
    """Manifests that were not believed."""
    why_refused: str


class FileView(View, frozen=True, kw_only=True):
    """One file of a release."""

    name: str
    length: int
    sha256: str
    hardware: str
    """Empty: of a device of hawkBit's."""
    units: tuple[str, ...] = ()
    """Of an image for control units: only for these of that hardware; none: for all."""


class ReleaseView(View, frozen=True, kw_only=True):
    """A release."""

    release: str
    version: str
    made_s: float
    by: str
    files: tuple[FileView, ...]


class ReadyView(View, frozen=True, kw_only=True):
    """Whether a release can be made, asked before its files are sent."""

    release: str
    free: bool
    """No release has this name yet."""
    unsigned: str
    """Why images for control units cannot be signed here; empty: they can."""


class FitView(View, frozen=True, kw_only=True):
    """How a release fits the cars of a filter."""

    able: int
    already: int
    unable: dict[str, int]
    """Cars by reason."""


class DeltaView(View, frozen=True, kw_only=True):
    """A delta in the making."""

    base: str
    target: str
    cars: int
    state: str
    share: float
    length: int
    reason: str


class PersonView(View, frozen=True, kw_only=True):
    """Somebody with a token."""

    name: str
    role: str
    made_s: float
    expires_s: float | None
    revoked_s: float | None


class TokenView(View, frozen=True, kw_only=True):
    """A token, told once."""

    name: str
    token: str
    again: bool = False
    """There was one before it, which is no longer good."""


class AuditLine(View, frozen=True, kw_only=True):
    """One line of the audit log."""

    number: int
    at_s: float
    by: str
    act: str
    about: str
    data: dict[str, object]


class ReportView(View, frozen=True, kw_only=True):
    """A campaign as a record for others: what, to whom, when, with which result (UN R156, 7.1.1, recalled)."""

    campaign: CampaignView
    files: tuple[FileView, ...]
    begun_s: float | None
    ended_s: float | None
    acts: tuple[AuditLine, ...]
    """Of people and of the campaign itself, in their order."""
    failures: tuple[FailureView, ...]
    audit_lines: int
    audit_digest: str
    """Of the log's last line when the report was made."""
    sealed_head: str = ""
    """Both, signed by the fleet: what `volant fleet audit --holds` is given later; empty: no key was here."""


class ErrorView(View, frozen=True, kw_only=True):
    """What was wrong, for people."""

    error: str


class AuditCheckView(View, frozen=True, kw_only=True):
    """The audit log, read from its first line to its last: none is changed or missing."""

    lines: int
    digest: str
    """Of the last line."""


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of what is asked."""


class ActBody(Body, frozen=True, kw_only=True):
    """What goes with a verb; each verb reads what it needs."""

    revision: Annotated[int, Meta(ge=0)] | None = None
    """Refused when somebody has acted since; null: not checked."""
    digest: Annotated[str, Meta(max_length=64)] = ""
    """For `approve`: of the plan."""
    reason: Annotated[str, Meta(max_length=512)] = ""
    """For `pause`, `resume` and `stop`: why, for the audit log."""
    cars: Annotated[tuple[Name, ...], Meta(max_length=1000)] = ()
    """For `retry`; none: every car that may try again."""


class CarBody(Body, frozen=True, kw_only=True):
    """A car to be let in."""

    car: Name
    uptane: bool = False
    """It speaks Uptane: the token is a code for its joining, good once."""


class GroupsBody(Body, frozen=True, kw_only=True):
    """Groups that a car is in."""

    groups: Annotated[tuple[Name, ...], Meta(max_length=64)]


class FileBody(Body, frozen=True, kw_only=True):
    """A file of a release that was sent before."""

    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,254}$")]
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    hardware: Annotated[str, Meta(max_length=128)] = ""
    """Which control units it is for; empty: it is for devices of hawkBit's."""
    release_counter: Annotated[int, Meta(ge=0)] = 0
    """Of an image for control units: a unit does not go back below what it runs; 0: one more than the last."""
    units: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=128)], ...], Meta(max_length=64)
    ] = ()
    """Of an image for control units: only for these of that hardware; none: for all."""
    needs: Annotated[dict[str, int], Meta(max_length=64)] = {}
    """Of an image for control units: least release counter on other hardware."""


class ReleaseBody(Body, frozen=True, kw_only=True):
    """A release, of files that were sent before."""

    version: Annotated[str, Meta(max_length=128)] = "1"
    files: Annotated[tuple[FileBody, ...], Meta(min_length=1, max_length=256)]


class PersonBody(Body, frozen=True, kw_only=True):
    """Somebody to be let in."""

    name: Name
    role: Role
    expires_s: Annotated[float, Meta(ge=0.0)] | None = None
    """Unix seconds; null: never."""
