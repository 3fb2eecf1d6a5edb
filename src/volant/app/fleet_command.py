"""`volant fleet`: cars, releases and campaigns of a fleet that lies in a folder, and its audit log."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from volant.app.exits import Exit
from volant.app.fleet_folder import FleetFolder
from volant.app.say import answer, answer_json, table
from volant.cloud import audit
from volant.cloud.campaigns import (
    Campaign,
    CarState,
    Plan,
    approve,
    change,
    draft,
    pause,
    resume,
    stop,
    submit,
)
from volant.core.errors import InputError

VERBS: Final = ("draft", "change", "submit", "approve", "start", "pause", "resume", "stop", "show")


class CarAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What `volant fleet admit --json` prints."""

    car: str
    token: str


class PublishAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What `volant fleet publish --json` prints."""

    release: str
    version: str
    files: dict[str, str]
    """SHA-256 by name."""


class WaveAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One wave."""

    name: str
    open: bool
    size: int
    errors_limit: int
    cars: dict[str, int]
    """Cars by state; those of none are left out."""


class CampaignAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What `volant fleet campaign --json` prints."""

    campaign: str
    phase: str
    reason: str
    revision: int
    digest: str
    """Of the plan: what is approved."""
    told: int
    errors: int
    in_flight: int
    waves: tuple[WaveAnswer, ...]


class AuditAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What `volant fleet audit --json` prints."""

    lines: int
    digest: str


def admit_command(folder: Path, car: str, by: str, *, as_json: bool) -> Exit:
    """Let a car in and tell its token."""
    with FleetFolder(folder) as home:
        found = CarAnswer(car=car, token=home.admit(car, by, time.time()))
    if as_json:
        answer_json(found)
        return Exit.DONE
    answer(found.token)
    return Exit.DONE


def publish_command(
    folder: Path, release: str, files: Sequence[Path], version: str, by: str, *, as_json: bool
) -> Exit:
    """Take files in as a release."""
    with FleetFolder(folder) as home:
        chunk = home.publish(release, version, files, by, time.time())
    hashes = {one.filename: one.sha256 for one in chunk.artifacts}
    if as_json:
        answer_json(PublishAnswer(release=release, version=version, files=hashes))
        return Exit.DONE
    for name, digest in hashes.items():
        answer(f"{digest}  {name}")
    return Exit.DONE


def campaign_command(
    folder: Path,
    verb: str,
    name: str,
    *,
    by: str,
    plan: Path | None,
    digest: str,
    reason: str,
    revision: int | None,
    as_json: bool,
) -> Exit:
    """Act on a campaign, or show it."""
    if verb not in VERBS:
        raise InputError(f"{verb!r} is no verb of a campaign; there are {', '.join(VERBS)}")
    if not by and verb != "show":
        raise InputError("who acts? --by NAME")
    asked = Asked(name=name, by=by, plan=plan, digest=digest, reason=reason, revision=revision)
    with FleetFolder(folder) as home:
        found = _act(home, verb, asked, time.time())
    return _say(found, as_json=as_json)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person wants of a campaign."""

    name: str
    by: str
    plan: Path | None
    digest: str
    reason: str
    revision: int | None


def _act(home: FleetFolder, verb: str, asked: Asked, now_s: float) -> Campaign:
    name, by, reason = asked.name, asked.by, asked.reason
    if verb == "draft":
        home.fleet.add(draft(_plan(asked.plan, name), by), by, now_s)
    if verb in {"draft", "show"}:
        return _load(home, name)
    seen = _load(home, name).revision if asked.revision is None else asked.revision
    if verb == "start":
        return home.fleet.start(name, by, seen, now_s)
    steps: dict[str, Callable[[Campaign], Campaign]] = {
        "change": lambda one: change(one, _plan(asked.plan, name), by, seen),
        "submit": lambda one: submit(one, by, seen),
        "approve": lambda one: approve(one, asked.digest, by, seen),
        "pause": lambda one: pause(one, by, reason),
        "resume": lambda one: resume(one, by, seen, now_s=now_s),
        "stop": lambda one: stop(one, by, reason),
    }
    return home.fleet.act(name, verb, by, now_s, steps[verb])


def audit_command(folder: Path, *, as_json: bool) -> Exit:
    """Check the chain of the audit log."""
    with FleetFolder(folder) as home, home.store.work() as work:
        head = audit.check(work.lines())
    if as_json:
        answer_json(AuditAnswer(lines=head.count, digest=head.digest))
        return Exit.DONE
    answer(f"{head.count} lines, none changed or missing; the last has {head.digest}")
    return Exit.DONE


def _plan(path: Path | None, name: str) -> Plan:
    if path is None:
        raise InputError("a plan is needed: --plan FILE")
    try:
        found = Plan.from_bytes(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot be read: {error}", file=str(path)) from error
    if found.campaign_id != name:
        raise InputError(f"the plan of {found.campaign_id}, expected {name}", file=str(path))
    return found


def _load(home: FleetFolder, name: str) -> Campaign:
    with home.store.work() as work:
        found = work.campaign(name)
    if found is None:
        raise InputError(f"no campaign {name}")
    return found


def _say(campaign: Campaign, *, as_json: bool) -> Exit:
    tallies = [*campaign.tallies, *[None] * len(campaign.plan.waves)]
    waves = tuple(
        WaveAnswer(
            name=wave.name,
            open=bool(campaign.tallies) and place <= campaign.wave,
            size=tally.size if tally else 0,
            errors_limit=wave.errors_limit(tally.size if tally else 0),
            cars={str(one): tally.count(one) for one in CarState if tally and tally.count(one)},
        )
        for place, (wave, tally) in enumerate(zip(campaign.plan.waves, tallies, strict=False))
    )
    found = CampaignAnswer(
        campaign=campaign.plan.campaign_id,
        phase=campaign.phase,
        reason=campaign.reason,
        revision=campaign.revision,
        digest=campaign.plan.digest,
        told=campaign.told,
        errors=campaign.errors,
        in_flight=campaign.in_flight,
        waves=waves,
    )
    if as_json:
        answer_json(found)
        return Exit.DONE
    answer(f"{found.campaign}: {found.phase}, revision {found.revision} ({found.reason})")
    answer(f"plan {found.digest}")
    rows = [
        (one.name, "open" if one.open else "", str(one.size), str(one.errors_limit), _cars(one))
        for one in waves
    ]
    table("", ("wave", "", "cars", "errors stop at", "now"), rows)
    return Exit.DONE


def _cars(wave: WaveAnswer) -> str:
    return ", ".join(f"{count} {state}" for state, count in wave.cars.items())
