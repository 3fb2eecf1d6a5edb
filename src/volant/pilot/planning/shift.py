"""A lane change while it is driven: a quintic towards the middle of a lane that may bend meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, replace

from volant.pilot.planning.lateral_kernels import quintic, share_rate

Side = tuple[float, float, float]
"""Offset, rate and acceleration of the path followed across the road."""


@dataclass(frozen=True, slots=True)
class Shift:
    """A lane change under way, measured from the middle of the lane that it ends in."""

    direction: int
    """+1 to the left, -1 to the right, 0 in the lane of the course itself: back, or over the line."""
    away_m: float
    """How far from that middle it began, left positive."""
    slope_m: float
    """Rate at the begin, by the share of the change."""
    bend_m: float
    duration_s: float
    share: float = 0.0
    """Done of it, 0 to 1."""

    @property
    def left_s(self) -> float:
        """Time left at full speed."""
        return self.duration_s * (1.0 - self.share)


def begin(
    side: Side, target_m: float, direction: int, duration_s: float, speed_mps: float
) -> Shift:
    """A shift from the path followed now."""
    away_m = side[0] - target_m
    pace = max(float(share_rate(away_m, duration_s, speed_mps)), 0.02)
    return Shift(direction, away_m, side[1] / pace, side[2] / (pace * pace), duration_s)


def advance(
    shift: Shift, target_m: float, speed_mps: float, dt_s: float
) -> tuple[Shift | None, Side]:
    """One control tick of it; None when it is done. A car that stands waits in the middle of it."""
    pace = float(share_rate(shift.away_m, shift.duration_s, speed_mps))
    share = shift.share + pace * dt_s
    if share >= 1.0:
        return None, (target_m, 0.0, 0.0)
    value, first, second = quintic(shift.away_m, shift.slope_m, shift.bend_m, share)
    side = (target_m + value, first * pace, second * pace * pace)
    return replace(shift, share=share), side
