"""What stands in the database as people are shown it: records to views. No database, no clock."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec

from volant.cloud import views
from volant.cloud.audit import Entry
from volant.cloud.campaigns import acts
from volant.cloud.campaigns.cars import RETRIED
from volant.cloud.campaigns.health import HealthSum, evidence
from volant.cloud.campaigns.plan import HealthRule
from volant.cloud.campaigns.state import ERRORS, GOOD, UNABLE, Campaign, CarState, Phase, Task
from volant.cloud.ddi.device import Device, groups_of
from volant.cloud.people import RIGHTS, Person, Right, may_not
from volant.cloud.store.ports import CarRow, DeltaJob, FailureRow, StoredRelease
from volant.core.errors import InputError, RefusedError

VERBS: Final[Mapping[str, Right]] = {
    "change": Right.RUN, "submit": Right.RUN, "approve": Right.APPROVE, "start": Right.RUN,
    "pause": Right.HOLD, "resume": Right.RUN, "stop": Right.HOLD, "retry": Right.RUN,
}  # fmt: skip
"""What people do with a campaign that is there, and the right that it takes."""
RETRY_IN: Final = frozenset({Phase.RUNNING, Phase.PAUSED, Phase.HALTED})


def me(person: Person) -> views.MeView:
    """Who asks."""
    rights = tuple(str(one) for one in Right if one in RIGHTS[person.role])
    return views.MeView(name=person.name, role=person.role, rights=rights)


def line(campaign: Campaign) -> views.CampaignLine:
    """A campaign in a list."""
    return views.CampaignLine(**_line(campaign))


def whole(campaign: Campaign, person: Person, now_s: float) -> views.CampaignView:
    """A campaign, and what somebody may do with it at a time in Unix seconds."""
    begun = bool(campaign.tallies)
    return views.CampaignView(
        **_line(campaign),
        digest=campaign.plan.digest,
        plan=campaign.plan,
        authors=campaign.authors,
        asked_by=campaign.asked_by,
        approved_by=campaign.approved_by,
        told=campaign.told,
        late=campaign.late,
        most_errors=campaign.most_errors if begun else 0,
        waves=tuple(_wave(campaign, place) for place in range(len(campaign.plan.waves))),
        health=tuple(
            _health(rule, found)
            for rule, found in zip(campaign.plan.health, campaign.health, strict=False)
        ),
        verbs=tuple(
            views.VerbView(verb=verb, why_not=why_not(campaign, verb, person, now_s))
            for verb in VERBS
        ),
    )


def why_not(campaign: Campaign, verb: str, person: Person, now_s: float) -> str:
    """Why somebody may not do something with a campaign now; empty: they may."""
    if VERBS[verb] not in RIGHTS[person.role]:
        return may_not(person, VERBS[verb])
    try:
        after = _tries(campaign, person.name, now_s)[verb]()
    except RefusedError as error:
        return str(error)
    if after is campaign:
        return f"it is {campaign.phase} already"
    return ""


def _tries(campaign: Campaign, by: str, now_s: float) -> Mapping[str, Callable[[], object]]:
    """Each verb done for trial: the reason is the one that doing it would give."""
    plan, seen = campaign.plan, campaign.revision
    sizes = [1] * len(plan.waves)
    return {
        "change": lambda: acts.change(campaign, plan, by, seen),
        "submit": lambda: acts.submit(campaign, by, seen),
        "approve": lambda: acts.approve(campaign, plan.digest, by, seen),
        "start": lambda: acts.start(campaign, sizes, by, seen, now_s=now_s),
        "pause": lambda: acts.pause(campaign, by),
        "resume": lambda: acts.resume(campaign, by, seen, now_s=now_s),
        "stop": lambda: acts.stop(campaign, by),
        "retry": lambda: check_retry(campaign),
    }


def check_retry(campaign: Campaign) -> None:
    """Whether any car of a campaign may try again.

    Raises:
        RefusedError: the campaign is over or has not begun, or no car failed.
    """
    if campaign.phase not in RETRY_IN:
        wanted = "running, paused or halted"
        raise RefusedError(f"it is {campaign.phase}; for cars to try again it must be {wanted}")
    if not campaign.count(*RETRIED):
        raise RefusedError("no car failed, is lost, is unwell or did not want")


def _line(campaign: Campaign) -> dict[str, Any]:
    plan = campaign.plan
    return {
        "campaign": plan.campaign_id,
        "title": plan.title,
        "release": plan.release,
        "phase": campaign.phase,
        "reason": campaign.reason,
        "revision": campaign.revision,
        "cars": sum(one.size for one in campaign.tallies),
        "good": campaign.count(*GOOD),
        "errors": campaign.errors,
        "in_flight": campaign.in_flight,
        "wave": plan.waves[campaign.wave].name if campaign.tallies else "",
    }


def _wave(campaign: Campaign, place: int) -> views.WaveView:
    wave = campaign.plan.waves[place]
    if not campaign.tallies:
        return views.WaveView(
            name=wave.name, open=False, size=0, errors=0, errors_limit=wave.errors_limit(0),
            good=0, good_wanted=0, rest_until_s=None, cars={},
        )  # fmt: skip
    tally = campaign.tallies[place]
    waits = place == campaign.wave and place + 1 < len(campaign.plan.waves)
    since_s = tally.good_since_s if waits else None
    return views.WaveView(
        name=wave.name,
        open=place <= campaign.wave,
        size=tally.size,
        errors=max(0, tally.count(*ERRORS) - tally.forgiven),
        errors_limit=wave.errors_limit(tally.size),
        good=tally.count(*GOOD),
        good_wanted=wave.success_wanted(tally.size - tally.count(*UNABLE)) if tally.size else 0,
        rest_until_s=None if since_s is None else since_s + wave.rest_s,
        cars={one: tally.count(one) for one in CarState if tally.count(one)},
    )


def _health(rule: HealthRule, found: HealthSum) -> views.HealthView:
    share = evidence(rule, found) / -math.log(rule.false_stop)
    return views.HealthView(
        signal=rule.signal,
        per=rule.per,
        usual_rate=rule.usual_rate,
        rate=found.events / found.exposure if found.exposure else 0.0,
        events=found.events,
        amount=found.exposure,
        evidence_share=min(max(share, 0.0), 1.0),
    )


def failure(row: FailureRow) -> views.FailureView:
    """Cars with one reason."""
    return views.FailureView(
        state=row.state, reason=row.reason, cars=row.cars, examples=row.examples
    )


def task(found: Task, wave: str) -> views.TaskView:
    """A car's part in a campaign, in the wave of a name."""
    return views.TaskView(
        campaign=found.campaign_id,
        car=found.car_id,
        wave=wave,
        state=found.state,
        attempt=found.attempt,
        reason=found.reason,
        due_s=found.due_s,
    )


def car_line(row: CarRow) -> views.CarLine:
    """A car in a list."""
    return views.CarLine(**_car(row))


def car(row: CarRow, tasks: Iterable[views.TaskView]) -> views.CarView:
    """A car, whole."""
    record = row.record
    if record is None:
        return views.CarView(
            **_car(row), tasks=tuple(tasks), history=(), attacks={}, refused=0, why_refused=""
        )
    history = tuple(
        views.ChangeView(at_s=one.at_s, unit=one.ecu_id, before=one.before, after=one.after)
        for one in reversed(record.history)
    )
    return views.CarView(
        **_car(row),
        tasks=tuple(tasks),
        history=history,
        attacks={unit: str(one) for unit, one in record.attacks.items()},
        refused=record.refused,
        why_refused=record.why,
    )


def _car(row: CarRow) -> dict[str, Any]:
    device, record = row.device, row.record
    groups: tuple[str, ...] = ()
    attributes: dict[str, str] = {}
    runs: dict[str, str] = {}
    if device is not None:
        groups, attributes = groups_of(device), dict(device.attributes)
        runs = _device_runs(device)
    if record is not None:
        groups = tuple(dict.fromkeys((*groups, *record.groups)))
        attributes |= record.attributes
        runs |= {unit: one.name for unit, one in sorted(record.installed.items())}
    return {
        "car": row.car_id,
        "groups": groups,
        "attributes": attributes,
        "seen_s": row.seen_s,
        "protocol": "uptane" if record is not None else "ddi",
        "runs": runs,
    }


def _device_runs(device: Device) -> dict[str, str]:
    """What a device runs by its own word, or what it said to have installed."""
    if device.offline is not None:
        return {"os": " ".join(device.offline)}
    if device.installed is None:
        return {}
    return {one.part: f"{one.name} {one.version}" for one in device.installed.chunks}


def release(found: StoredRelease) -> views.ReleaseView:
    """A release; of images, those of Uptane with their hardware."""
    files = [
        views.FileView(name=one.filename, length=one.size, sha256=one.sha256, hardware="")
        for chunk in found.chunks
        for one in chunk.artifacts
    ]
    images = [
        views.FileView(
            units=one.ecu_ids,
            name=one.name,
            length=one.length,
            sha256=one.hashes.get("sha256", ""),
            hardware=one.hardware_id,
        )
        for one in found.images
    ]
    return views.ReleaseView(
        release=found.name, version=found.version, made_s=found.made_s, by=found.by,
        files=(*files, *images),
    )  # fmt: skip


def delta(job: DeltaJob) -> views.DeltaView:
    """A delta in the making."""
    return views.DeltaView(
        base=job.base, target=job.target, cars=job.cars, state=job.state, share=job.share,
        length=job.length, reason=job.reason,
    )  # fmt: skip


def person(found: Person) -> views.PersonView:
    """Somebody with a token; never the token."""
    return views.PersonView(
        name=found.name, role=found.role, made_s=found.made_s, expires_s=found.expires_s,
        revoked_s=found.revoked_s,
    )  # fmt: skip


def audit_line(data: bytes) -> views.AuditLine:
    """One line of the audit log.

    Raises:
        InputError: somebody has put something else in its place.
    """
    try:
        entry = msgspec.json.decode(data, type=Entry)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(
            "a line of the audit log was changed, it is none of ours; `volant fleet audit` says which"
        ) from error
    return views.AuditLine(
        number=entry.number, at_s=entry.at_s, by=entry.by, act=entry.act, about=entry.about,
        data=entry.data,
    )  # fmt: skip
