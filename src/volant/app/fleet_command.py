"""`volant fleet`: cars, releases, campaigns, people and the audit log of a fleet, in a folder or behind a server."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from volant.app import fleet_tables as tables
from volant.app.exits import Exit
from volant.app.fleet_images import ImageWish, image_of
from volant.app.fleet_open import AnyDesk, Where, open_desk
from volant.app.fleet_report import say_report, write_html
from volant.app.fleet_sending import Sending
from volant.app.say import answer, answer_json, tell
from volant.cloud import views
from volant.cloud.audit import HEAD_MOST_BYTES
from volant.cloud.audit_check import PLAIN
from volant.cloud.campaigns import Plan
from volant.cloud.people import Person, Role
from volant.core.errors import InputError, RefusedError

VERBS: Final = (
    "draft", "change", "submit", "approve", "start", "pause", "resume", "stop", "retry", "show",
)  # fmt: skip
FIRST: Final = "1"
"""Version of a release for which nobody named one."""
DAY_S: Final = 86_400.0


def dismiss_command(where: Where, car: str, *, as_json: bool) -> Exit:
    """Let a car out."""
    with open_desk(where) as (desk, person):
        desk.dismiss(person, car)
    if as_json:
        answer_json({"car": car, "dismissed": True})
    return Exit.DONE


def cars_command(
    where: Where, car: str, *, wanted: str, after: str, limit: int, as_json: bool
) -> Exit:
    """Show one car, or a page of those that a filter lets through."""
    with open_desk(where) as (desk, person):
        if car:
            one = desk.car(person, car)
            return _say(one, tables.say_car, as_json=as_json)
        page = desk.cars(person, wanted=wanted, after=after, limit=limit)
        found = list(page.cars)
        # With a filter a page may be short and yet have a next one; a person wants it full.
        while page.next and len(found) < limit:
            page = desk.cars(person, wanted=wanted, after=page.next, limit=limit - len(found))
            found += page.cars
    whole = views.CarsPage(cars=tuple(found), next=page.next, total=page.total)
    return _say(whole, tables.say_cars, as_json=as_json)


def groups_command(where: Where, car: str, groups: Sequence[str], *, as_json: bool) -> Exit:
    """Put a car into groups, and out of all others."""
    with open_desk(where) as (desk, person):
        found = desk.put_groups(person, car, tuple(groups))
    return _say(found, tables.say_car, as_json=as_json)


@dataclass(frozen=True, slots=True)
class PublishWish:
    """What becomes a release."""

    release: str
    version: str
    files: Sequence[Path] = ()
    """For devices of hawkBit's."""
    images: Sequence[str] = ()
    """For control units, as `fleet_images` reads them."""


def publish_command(where: Where, wish: PublishWish, *, as_json: bool) -> Exit:
    """Take files in as a release."""
    if not wish.files and not wish.images:
        raise InputError(
            "a release needs at least one file: FILE for devices of hawkBit's, or --image"
        )
    wanted = [ImageWish(one, "") for one in wish.files] + [image_of(one) for one in wish.images]
    with open_desk(where, make=True) as (desk, person):
        _check_ready(desk.ready(person, wish.release), images=bool(wish.images))
        with Sending(sum(_size(one.file) for one in wanted)) as sending:
            taken = [
                desk.take_file(person, one.file.name, one.file, told=sending.told) for one in wanted
            ]
        bodies = tuple(
            views.FileBody(
                name=found.name, sha256=found.sha256, hardware=one.hardware, units=one.units
            )
            for one, found in zip(wanted, taken, strict=True)
        )
        body = views.ReleaseBody(version=wish.version or FIRST, files=bodies)
        found = desk.publish(person, wish.release, body)
    if as_json:
        answer_json(found)
        return Exit.DONE
    for one in found.files:
        answer(f"{one.sha256}  {one.name}")
    if not wish.version:
        tell(f"cars are told version {FIRST}; --version says another")
    return Exit.DONE


def _check_ready(ready: views.ReadyView, *, images: bool) -> None:
    """Before anything is sent."""
    if not ready.free:
        raise RefusedError(f"there is a release {ready.release}; a release is not changed")
    if images and ready.unsigned:
        raise RefusedError(ready.unsigned)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=str(file)) from error


def releases_command(where: Where, *, as_json: bool) -> Exit:
    """Show all releases."""
    with open_desk(where) as (desk, person):
        found = desk.releases(person)
    return _say(found, tables.say_releases, as_json=as_json)


def fit_command(where: Where, release: str, wanted: str, *, as_json: bool) -> Exit:
    """Show how a release fits cars."""
    with open_desk(where) as (desk, person):
        found = desk.fit(person, release, wanted)
    return _say(found, tables.say_fit, as_json=as_json)


def campaigns_command(where: Where, *, as_json: bool) -> Exit:
    """Show all campaigns."""
    with open_desk(where) as (desk, person):
        found = desk.campaigns(person)
    return _say(found, tables.say_campaigns, as_json=as_json)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person wants of a campaign."""

    verb: str
    name: str
    plan: Path | None = None
    digest: str = ""
    reason: str = ""
    revision: int | None = None
    cars: tuple[str, ...] = ()


def campaign_command(where: Where, asked: Asked, *, as_json: bool) -> Exit:
    """Act on a campaign, or show it."""
    if asked.verb not in VERBS:
        raise InputError(f"{asked.verb!r} is no verb of a campaign; there are {', '.join(VERBS)}")
    with open_desk(where) as (desk, person):
        found = _act(desk, person, asked)
        failures = desk.failures(person, asked.name) if asked.verb == "show" else []
    if as_json:
        answer_json(found)
        return Exit.DONE
    tables.say_campaign(found, failures)
    return Exit.DONE


def _act(desk: AnyDesk, person: Person, asked: Asked) -> views.CampaignView:
    if asked.verb == "show":
        return desk.campaign(person, asked.name)
    if asked.verb == "draft":
        return desk.draft(person, _plan(asked.plan, asked.name))
    if asked.verb == "change":
        plan = _plan(asked.plan, asked.name)
        return desk.change(person, asked.name, plan, asked.revision)
    if asked.verb == "approve" and not asked.digest:
        verbs = desk.campaign(person, asked.name).verbs
        why_not = next((one.why_not for one in verbs if one.verb == "approve"), "")
        if why_not:
            raise RefusedError(why_not)
        raise InputError("approved is one plan: --digest DIGEST, as `show` tells it")
    said = {
        "revision": asked.revision, "digest": asked.digest, "reason": asked.reason,
        "cars": asked.cars,
    }  # fmt: skip
    try:
        body = msgspec.convert(said, views.ActBody)
    except msgspec.ValidationError as error:
        raise InputError(str(error)) from error
    return desk.act(person, asked.name, asked.verb, body)


def report_command(where: Where, campaign: str, html: Path | None, *, as_json: bool) -> Exit:
    """Show a campaign as a record for others."""
    with open_desk(where) as (desk, person):
        found = desk.report(person, campaign)
    if html is not None:
        write_html(html, found)
    if as_json:
        answer_json(found)
        return Exit.DONE
    say_report(found)
    return Exit.DONE


def people_command(where: Where, *, as_json: bool) -> Exit:
    """Show everybody with a token."""
    with open_desk(where) as (desk, person):
        found = desk.people(person)
    return _say(found, tables.say_people, as_json=as_json)


def token_command(
    where: Where, name: str, role: str, days: float | None, *, revoke: bool, as_json: bool
) -> Exit:
    """Give somebody a token, or take it back."""
    with open_desk(where, make=not revoke) as (desk, person):
        if revoke:
            gone = desk.uninvite(person, name)
            return _say([gone], tables.say_people, as_json=as_json)
        if role not in set(Role):
            raise InputError(f"{role!r} is no role; there are {', '.join(Role)}")
        expires_s = None if days is None else time.time() + days * DAY_S
        found = desk.invite(person, name, Role(role), expires_s)
    return _say_token(found, as_json=as_json)


def audit_command(where: Where, lines: int, holds: str = "", *, as_json: bool) -> Exit:
    """Check the chain of the audit log, or show its last lines."""
    kept = _kept(holds)
    with open_desk(where) as (desk, person):
        if lines:
            shown = desk.audit(person, limit=lines)
            return _say(shown, tables.say_audit, as_json=as_json)
        head = desk.check_audit(person, kept)
    if as_json:
        answer_json(head)
        return Exit.DONE
    answer(f"{head.lines} lines, none changed or missing; the last has {head.digest}")
    if kept:
        answer("it holds what was kept")
    else:
        answer(
            f"to find later whether its end was cut off, keep: --holds {head.lines}:{head.digest}"
        )
    return Exit.DONE


def _kept(holds: str) -> str:
    """What `--holds` says: a head itself, a file with one, or a report with one.

    Raises:
        InputError: it is none of these.
    """
    if not holds or PLAIN.match(holds):
        return holds
    path = Path(holds)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        wanted = "expected LINES:HASH or a file"
        raise InputError(f"cannot be read: {error.strerror}; {wanted}", file=holds) from error
    except UnicodeDecodeError as error:
        raise InputError("no report and no head of an audit log", file=holds) from error
    try:
        report = msgspec.json.decode(text, type=_Kept)
    except msgspec.MsgspecError:
        report = _Kept()
    if report.sealed_head or report.audit_digest:
        return report.sealed_head or f"{report.audit_lines}:{report.audit_digest}"
    if len(text) > HEAD_MOST_BYTES:
        raise InputError("no report and no head of an audit log", file=holds)
    return text.strip()


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What a report says of the audit log."""

    audit_lines: int = 0
    audit_digest: str = ""
    sealed_head: str = ""


def _say(found: Any, in_words: Any, *, as_json: bool) -> Exit:
    if as_json:
        answer_json(found)
    else:
        in_words(found)
    return Exit.DONE


def _say_token(found: views.TokenView, *, as_json: bool) -> Exit:
    if as_json:
        answer_json(found)
    else:
        answer(found.token)
    return Exit.DONE


def _plan(path: Path | None, name: str) -> Plan:
    if path is None:
        raise InputError("a plan is needed: --plan FILE")
    try:
        found = Plan.from_bytes(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=str(path)) from error
    except InputError as error:
        raise InputError(error.message, file=str(path), where=error.where) from error
    if found.campaign_id != name:
        raise InputError(f"the plan of {found.campaign_id}, expected {name}", file=str(path))
    return found
