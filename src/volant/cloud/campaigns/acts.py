"""What people do with a campaign. Each act names who does it; two people at once do not undo each other unseen.

An act carries the revision that its person has seen, and is refused when the campaign has changed since. Pausing and
stopping are always taken: the safe side asks for no revision.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from volant.cloud.campaigns.advance import advance, next_wave, why_barren
from volant.cloud.campaigns.health import HealthSum
from volant.cloud.campaigns.plan import Plan
from volant.cloud.campaigns.state import ERRORS, Campaign, Phase, WaveTally
from volant.core.errors import RefusedError

GOING: Final = frozenset({Phase.RUNNING, Phase.PAUSED, Phase.HALTED})
ENDED: Final = frozenset({Phase.STOPPED, Phase.FINISHED})


def draft(plan: Plan, by: str) -> Campaign:
    """A new campaign."""
    return Campaign(plan=plan, authors=(by,), health=(HealthSum(),) * len(plan.health))


def change(campaign: Campaign, plan: Plan, by: str, seen: int) -> Campaign:
    """Put another plan in place; who changes it does not approve it either.

    Raises:
        RefusedError: it has begun, or somebody else has changed it.
    """
    _check_seen(campaign, seen)
    if campaign.tallies or campaign.phase in ENDED:
        raise RefusedError("a campaign that has begun is not changed; stop it and make another")
    if plan.campaign_id != campaign.plan.campaign_id:
        raise RefusedError(f"the plan is one of {plan.campaign_id}")
    return replace(
        draft(plan, by),
        authors=tuple(dict.fromkeys((*campaign.authors, by))),
        revision=campaign.revision + 1,
    )


def submit(campaign: Campaign, by: str, seen: int) -> Campaign:
    """Ask a second person.

    Raises:
        RefusedError: it is no draft, or somebody else has changed it.
    """
    _check_seen(campaign, seen)
    _check_phase(campaign, "submitted", Phase.DRAFT)
    return _acted(campaign, Phase.SUBMITTED, by=by, asked_by=by)


def approve(campaign: Campaign, digest: str, by: str, seen: int) -> Campaign:
    """Approve exactly the plan of this digest; after a stop by itself this also forgives the errors until now.

    Raises:
        RefusedError: by somebody who wrote it or asked for it, of another plan, or nobody has asked.
    """
    _check_seen(campaign, seen)
    _check_phase(campaign, "approved", Phase.SUBMITTED)
    if by in campaign.authors or by == campaign.asked_by:
        raise RefusedError(f"{by} wrote or submitted it; a second person approves")
    if digest != campaign.plan.digest:
        raise RefusedError(f"approved is plan {digest[:16]}, this is {campaign.plan.digest[:16]}")
    tallies = tuple(
        replace(one, forgiven=max(one.forgiven, one.count(*ERRORS))) for one in campaign.tallies
    )
    found = _acted(campaign, Phase.APPROVED, by=by, approved_by=by)
    fresh = (HealthSum(),) * len(campaign.plan.health)
    return replace(found, approved=digest, tallies=tallies, health=fresh)


def start(
    campaign: Campaign, sizes: Sequence[int], by: str, seen: int, *, now_s: float
) -> Campaign:
    """Begin, or go on after a stop by itself.

    Args:
        campaign: an approved one.
        sizes: cars of each wave; not read when it goes on.
        by: who starts it.
        seen: revision that this person has seen.
        now_s: Unix seconds.

    Raises:
        RefusedError: it is not approved as it is, no car is in it, or a wave before others has none.
    """
    _check_seen(campaign, seen)
    _check_phase(campaign, "started", Phase.APPROVED)
    if campaign.approved != campaign.plan.digest:
        raise RefusedError("another plan was approved than the one that it has now")
    if not campaign.tallies:
        if len(sizes) != len(campaign.plan.waves):
            raise ValueError(f"{len(sizes)} sizes for {len(campaign.plan.waves)} waves")
        _check_sizes(campaign.plan, sizes)
        campaign = replace(campaign, tallies=tuple(WaveTally.of(one) for one in sizes))
    return advance(_acted(campaign, Phase.RUNNING, by=by, reason=f"started by {by}"), now_s)


def pause(campaign: Campaign, by: str, reason: str = "") -> Campaign:
    """Tell no further car; pausing twice is pausing once, but for another reason.

    Raises:
        RefusedError: it does not run.
    """
    if campaign.phase is Phase.PAUSED and not reason:
        return campaign
    _check_phase(campaign, "paused", Phase.RUNNING, Phase.PAUSED)
    return _acted(campaign, Phase.PAUSED, by=by, reason=reason)


def resume(campaign: Campaign, by: str, seen: int, *, now_s: float, reason: str = "") -> Campaign:
    """Go on after a pause; after a stop by itself: ask a second person to approve again.

    After a wave that proved nothing, whoever has seen that opens the next one by this.

    Raises:
        RefusedError: neither, or somebody else has acted.
    """
    _check_seen(campaign, seen)
    _check_phase(campaign, "resumed", Phase.PAUSED, Phase.HALTED)
    if campaign.phase is Phase.HALTED:
        return _acted(campaign, Phase.SUBMITTED, by=by, asked_by=by, reason=campaign.reason)
    barren = why_barren(campaign)
    unproven = bool(barren) and campaign.reason == barren
    campaign = _acted(campaign, Phase.RUNNING, by=by, reason=reason or f"resumed by {by}")
    return advance(next_wave(campaign) if unproven else campaign, now_s)


def stop(campaign: Campaign, by: str, reason: str = "") -> Campaign:
    """End it for good and call back the cars that are told; stopping twice is stopping once.

    Raises:
        RefusedError: it has finished.
    """
    if campaign.phase is Phase.STOPPED:
        return campaign
    if campaign.phase is Phase.FINISHED:
        raise RefusedError("it has finished; what its cars had not done yet is called back")
    return _acted(campaign, Phase.STOPPED, by=by, reason=reason)


def _acted(
    campaign: Campaign,
    phase: Phase,
    *,
    by: str,
    asked_by: str | None = None,
    approved_by: str | None = None,
    reason: str = "",
) -> Campaign:
    return replace(
        campaign,
        phase=phase,
        revision=campaign.revision + 1,
        asked_by=campaign.asked_by if asked_by is None else asked_by,
        approved_by=campaign.approved_by if approved_by is None else approved_by,
        reason=reason or f"{phase} by {by}",
    )


def _check_seen(campaign: Campaign, seen: int) -> None:
    if seen != campaign.revision:
        raise RefusedError(
            f"somebody has acted meanwhile: revision {campaign.revision}, you saw {seen}"
        )


def _check_sizes(plan: Plan, sizes: Sequence[int]) -> None:
    """A wave without a car proves nothing for those after it."""
    if not sum(sizes):
        raise RefusedError("no car is in it")
    for place, (wave, size) in enumerate(zip(plan.waves, sizes, strict=True)):
        if not size and any(sizes[place + 1 :]):
            whose = f"group {wave.group}" if wave.group is not None else "the cars that are left"
            raise RefusedError(
                f"wave {wave.name} has no car, so it proves nothing for the waves after it:"
                f" none of {whose} is among the cars of the campaign"
            )


def _check_phase(campaign: Campaign, verb: str, *phases: Phase) -> None:
    if campaign.phase not in phases:
        wanted = " or ".join(phases)
        raise RefusedError(f"it is {campaign.phase}; to be {verb} it must be {wanted}")
