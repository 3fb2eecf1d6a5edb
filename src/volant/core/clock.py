"""The car's time: integer nanoseconds since boot, and the periods that components run at.

Nothing here asks a real clock; a step is given its time. Real clocks live in `app`.
"""

from __future__ import annotations

from typing import Final

NS_PER_S: Final = 1_000_000_000
STAMP_LIMIT_NS: Final = 1 << 53
"""Stamps stay below this so that JavaScript keeps them exact."""

PLANT_TICK_NS: Final = 5_000_000
"""200 Hz: dynamics and actuators."""
CONTROL_TICK_NS: Final = 10_000_000
"""100 Hz: control, AEB and guard. A "control tick" is this long."""
PILOT_TICK_NS: Final = 50_000_000
"""20 Hz: tracking, prediction and planning. A "pilot tick" is this long."""
SCREEN_TICK_NS: Final = 33_333_333
"""30 Hz: screens (rounded down to whole nanoseconds)."""


def seconds(span_ns: int) -> float:
    """A span of nanoseconds in seconds."""
    return span_ns / NS_PER_S


def nanoseconds(span_s: float) -> int:
    """A span of seconds, rounded to whole nanoseconds."""
    return round(span_s * NS_PER_S)
