"""When cars may be told: hours of the week. No clock is asked; a time is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta

DAY_S: Final = 86_400
WEEK_S: Final = 7 * DAY_S
EPOCH_WEEKDAY: Final = 3
"""1970-01-01 was a Thursday; Monday is 0."""


class Window(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A span of some days of the week, by a clock that is a fixed time ahead of UTC."""

    days: Annotated[tuple[Annotated[int, Meta(ge=0, le=6)], ...], Meta(min_length=1, max_length=7)]
    """Monday is 0; the day on which it begins."""
    begins_min: Annotated[int, Meta(ge=0, lt=1440)]
    """Minutes after midnight."""
    length_min: Annotated[int, Meta(ge=1, le=1440)]
    """It may go on past midnight."""
    ahead_min: Annotated[int, Meta(ge=-840, le=840)] = 0
    """Of UTC; no summer time."""

    def open_at(self, now_s: float) -> bool:
        """Whether a time, Unix seconds, lies in it."""
        return self.wait_s(now_s) == 0.0

    def wait_s(self, now_s: float) -> float:
        """How long until it opens; 0: it is open."""
        at_s = (now_s + self.ahead_min * 60 + EPOCH_WEEKDAY * DAY_S) % WEEK_S
        waits = []
        for day in self.days:
            since_s = (at_s - day * DAY_S - self.begins_min * 60) % WEEK_S
            if since_s < self.length_min * 60:
                return 0.0
            waits.append(WEEK_S - since_s)
        return min(waits)


def open_at(windows: Sequence[Window], now_s: float) -> bool:
    """Whether cars may be told now; without any window they always may."""
    return not windows or any(one.open_at(now_s) for one in windows)


def wait_s(windows: Sequence[Window], now_s: float) -> float:
    """How long until they may."""
    return min((one.wait_s(now_s) for one in windows), default=0.0)
