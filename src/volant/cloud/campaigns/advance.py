"""What follows from where the cars are: the campaign stops itself, opens its next wave, ends.

Called after every step and by the clock; doing it twice changes nothing.
"""

from __future__ import annotations

from msgspec.structs import replace

from volant.cloud.campaigns.health import in_words, is_worse
from volant.cloud.campaigns.state import (
    ERRORS,
    GOOD,
    IN_FLIGHT,
    TO_TELL,
    UNABLE,
    Campaign,
    CarState,
    Phase,
    WaveTally,
)


def advance(campaign: Campaign, now_s: float) -> Campaign:
    """Draw the conclusions, at a time in Unix seconds."""
    if campaign.phase not in {Phase.RUNNING, Phase.PAUSED}:
        return campaign
    halt = why_halt(campaign)
    if halt:
        return replace(campaign, phase=Phase.HALTED, reason=halt)
    if campaign.phase is Phase.PAUSED:
        return campaign
    while campaign.phase is Phase.RUNNING:
        campaign = _mark_good(campaign, now_s)
        if not _wave_is_over(campaign, now_s):
            break
        campaign = next_wave(campaign)
    campaign = _finish(campaign, now_s)
    barren = why_barren(campaign)
    if campaign.phase is Phase.RUNNING and barren:
        return replace(campaign, phase=Phase.PAUSED, reason=barren)
    return campaign


def why_halt(campaign: Campaign) -> str:
    """Why a campaign must stop itself, for people; empty: it need not."""
    for wave, tally in zip(campaign.plan.waves, campaign.tallies, strict=True):
        errors, limit = tally.count(*ERRORS) - tally.forgiven, wave.errors_limit(tally.size)
        if errors >= limit:
            failed = tally.count(CarState.FAILED, CarState.AGAIN)
            lost = tally.count(CarState.LOST)
            unwell = tally.count(CarState.UNWELL)
            return (
                f"wave {wave.name}: {errors} of {tally.size} cars in error, limit {limit}"
                f" ({failed} failed, {lost} silent, {unwell} unwell)"
            )
    for rule, found in zip(campaign.plan.health, campaign.health, strict=True):
        if is_worse(rule, found):
            return in_words(rule, found)
    return ""


def why_barren(campaign: Campaign) -> str:
    """Why the open wave can open none although later ones have cars, for people; empty: it does, or still may."""
    tally, wave = campaign.tallies[campaign.wave], campaign.plan.waves[campaign.wave]
    name, good = wave.name, tally.count(*GOOD)
    wanted = wave.success_wanted(tally.size - tally.count(*UNABLE))
    later = sum(one.size for one in campaign.tallies[campaign.wave + 1 :])
    if not later or tally.count(*IN_FLIGHT, *TO_TELL) or (good and good >= wanted):
        return ""
    resuming = "to resume opens the next wave without proof"
    if not tally.size:
        return f"wave {name} has no car, so it proves nothing; {resuming}"
    counts = ((one, tally.count(one)) for one in CarState)
    told = ", ".join(f"{count} {one}" for one, count in counts if count)
    found = f"{good} of {wanted} cars that must be good are" if good else "no car is good"
    return f"wave {name}: {found}, and none is left that could be ({told}); {resuming}"


def _mark_good(campaign: Campaign, now_s: float) -> Campaign:
    tally = campaign.tallies[campaign.wave]
    wave = campaign.plan.waves[campaign.wave]
    able = tally.size - tally.count(*UNABLE)
    good = tally.count(*GOOD) >= wave.success_wanted(able)
    if good == (tally.good_since_s is not None):
        return campaign
    return _with_tally(campaign, replace(tally, good_since_s=now_s if good else None))


def _wave_is_over(campaign: Campaign, now_s: float) -> bool:
    since_s = campaign.tallies[campaign.wave].good_since_s
    rest_s = campaign.plan.waves[campaign.wave].rest_s
    last = campaign.wave + 1 == len(campaign.plan.waves)
    return not last and since_s is not None and now_s - since_s >= rest_s


def next_wave(campaign: Campaign) -> Campaign:
    """Open the next wave."""
    wave = campaign.plan.waves[campaign.wave]
    campaign = replace(campaign, wave=campaign.wave + 1)
    if not wave.then_pause:
        return campaign
    why = f"wave {wave.name} is good; a person decides about the next"
    return replace(campaign, phase=Phase.PAUSED, reason=why)


def _finish(campaign: Campaign, now_s: float) -> Campaign:
    if campaign.phase is not Phase.RUNNING or campaign.in_flight:
        return campaign
    ends_s = campaign.plan.ends_s
    if campaign.count(*TO_TELL):
        if ends_s is None or now_s < ends_s:
            return campaign
        why = f"its time is over; {campaign.count(*TO_TELL)} cars were not reached"
    else:
        why = "every car was told and has answered, or is lost"
    return replace(campaign, phase=Phase.FINISHED, reason=why)


def _with_tally(campaign: Campaign, tally: WaveTally) -> Campaign:
    tallies = list(campaign.tallies)
    tallies[campaign.wave] = tally
    return replace(campaign, tallies=tuple(tallies))
