"""Times as a person writes them: 07:30, +90m, or ISO 8601."""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

from volant.core.errors import SettingsError

_CLOCK: Final = re.compile(r"(\d{1,2}):(\d{2})", re.ASCII)
_SPAN: Final = re.compile(r"\+(\d{1,5})(s|m|h|d)", re.ASCII)
_SPANS_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
EXPECTED: Final = "expected 07:30, +90m (s, m, h, d) or 2026-11-30T07:30:00Z"


def parse_time(text: str, now: dt.datetime) -> str:
    """A time in ISO 8601, UTC; a clock time is the next such one, and times without a zone are local.

    Args:
        text: what the person wrote.
        now: with its time zone.

    Raises:
        SettingsError: it is no time.
    """
    clock, span = _CLOCK.fullmatch(text), _SPAN.fullmatch(text)
    try:
        if clock:
            hour, minute = (int(part) for part in clock.groups())
            at = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
            if at <= now:
                at += dt.timedelta(days=1)
        elif span:
            at = now + dt.timedelta(seconds=int(span[1]) * _SPANS_S[span[2]])
        else:
            at = dt.datetime.fromisoformat(text)
            if at.tzinfo is None:
                at = at.replace(tzinfo=now.tzinfo)
        return f"{at.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (ValueError, OverflowError) as error:
        raise SettingsError(f"time: {EXPECTED}; found {text[:60]!r}") from error


__all__ = ["parse_time"]
