"""When a person's consent counts: now, in the next night, or not before tomorrow."""

from __future__ import annotations

from typing import Final

from volant.core.updates import UpdateWish
from volant.ota.record import Consent

HOUR_S: Final = 3600.0
DAY_S: Final = 24 * HOUR_S
NIGHT_FROM_S, NIGHT_TO_S = 2 * HOUR_S, 5 * HOUR_S
"""Local time of the night's window (chosen: the car is needed least)."""
NOW_HOLDS_S: Final = 12 * HOUR_S
"""So long `now` waits for the car to be ready for it; then the person is asked again (chosen)."""


def next_night_s(unix_s: float, offset_s: float) -> float:
    """When the next window begins; the time itself within one.

    Args:
        unix_s: seconds since 1970, UTC.
        offset_s: local time less UTC.
    """
    into_day_s = (unix_s + offset_s) % DAY_S
    if NIGHT_FROM_S <= into_day_s < NIGHT_TO_S:
        return unix_s
    return unix_s + (NIGHT_FROM_S - into_day_s) % DAY_S


def consent_to(offer: str, wish: UpdateWish, unix_s: float, offset_s: float) -> Consent:
    """What a person agrees to with `now` or `tonight`."""
    unix_s = max(0.0, unix_s)
    if wish is UpdateWish.NOW:
        # No hour is waited for, so a clock that is set back does not hold it up.
        return Consent(offer=offer, at_s=unix_s, starts_s=0.0, until_s=unix_s + NOW_HOLDS_S)
    starts_s = next_night_s(unix_s, offset_s)
    ends_s = starts_s - (starts_s + offset_s) % DAY_S + NIGHT_TO_S
    return Consent(offer=offer, at_s=unix_s, starts_s=starts_s, until_s=ends_s)
