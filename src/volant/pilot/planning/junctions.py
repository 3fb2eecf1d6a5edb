"""Where others go first: lights, signs, right of way, roundabouts, crossings."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class JunctionMemory:
    """What of a junction lives to the next tick."""

    committed: int = -1
    """Connecting lane whose gate was passed or can no longer be waited at."""
    stopped: int = -1
    """Connecting lane at whose stop sign the car has stood."""
    clear_ns: int = -1
    """Since when the way is clear, -1 while it is not."""
