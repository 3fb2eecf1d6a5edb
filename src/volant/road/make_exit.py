"""Half interchanges of the built-in world: one exit and one entry on the ring's clockwise side.

That side is the inner one, so nothing needs a bridge; the other half's destinations are reached
round the ring.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from volant.core.geometry import Pose
from volant.road.make_connect import connect
from volant.road.make_interchange import (
    EDGE_M,
    LEVEL_M,
    Cut,
    RampLine,
    ramp_road,
    ring_junction,
)
from volant.road.make_site import Site
from volant.road.trace import Stroke, draw, length_of

# How a ramp swings away from the ring: radius of the swing beyond the ring's own, and its lengths.
_SWING_M: Final = 220.0
_EASE_M: Final = 50.0
_HOLD_M: Final = 25.0
_WIDEST_M: Final = 110.0
_OFF_KMH: Final = 60.0
_ON_KMH: Final = 50.0


@dataclass(frozen=True, slots=True)
class RingPlace:
    """A place on the clockwise carriageway: pose on the ring's line, and what holds there."""

    at_m: float
    pose: Pose
    curvature_per_m: float
    z_m: float
    grade: float

    def edge(self) -> tuple[Pose, float]:
        """Pose and curvature of the third lane's outer border."""
        bend = self.curvature_per_m / (1.0 + EDGE_M * self.curvature_per_m)
        return self.pose @ Pose(0.0, -EDGE_M, 0.0), bend


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfInterchange:
    """Names and numbers: ring roads before, between and after; ramps and junctions from `base`."""

    name: str
    base: int
    ring: tuple[str, str, str]
    exit_m: float
    entry_m: float

    def cuts(self) -> tuple[tuple[float, Cut], ...]:
        """Where the ring is cut, by metres along the clockwise carriageway."""
        before, between, after = self.ring
        first, second = str(100 + self.base), str(101 + self.base)
        ramps = str(self.base + 1), str(self.base + 2)
        leave = Cut(True, False, self.exit_m, first, ramps[0], between, before)
        enter = Cut(True, True, self.entry_m, second, ramps[1], after, between)
        return (self.exit_m, leave), (self.entry_m, enter)


def half_interchange(
    site: Site,
    plan: HalfInterchange,
    places: tuple[RingPlace, RingPlace],
    ports: tuple[Pose, Pose],
    z_m: float,
) -> tuple[str, str]:
    """Build both ramps between the ring and a town's ports (exit's end, entry's start); their ids."""
    (_, leave), (_, enter) = plan.cuts()
    pose, bend = places[0].edge()
    swing = _swing(bend)
    away = _end(pose, swing)
    strokes = (*swing, *connect(away, ports[0], _WIDEST_M))
    total = length_of(strokes)
    nodes = (
        (0.0, places[0].z_m, places[0].grade),
        (total - LEVEL_M, z_m, 0.0),
        (total, z_m, 0.0),
    )
    off = RampLine("off clockwise", True, False, 0.0, pose, strokes, nodes, _OFF_KMH)
    pose, bend = places[1].edge()
    back = _swing(-bend, mirrored=True)
    from_town = _turned(_end(_turned(pose), back))
    swing = [stroke.reversed() for stroke in reversed(back)]
    strokes = (*connect(ports[1], from_town, _WIDEST_M), *swing)
    total = length_of(strokes)
    nodes = ((0.0, z_m, 0.0), (LEVEL_M, z_m, 0.0), (total, places[1].z_m, places[1].grade))
    on = RampLine("on clockwise", True, True, 0.0, ports[1], strokes, nodes, _ON_KMH)
    here = Pose(0.0, 0.0, 0.0)
    for line, cut in ((off, leave), (on, enter)):
        site.add(ramp_road(plan.name, here, line, cut.ramp, cut.junction, ""))
        site.junctions.append(ring_junction(plan.name, cut))
    return leave.ramp, enter.ramp


def _swing(bend: float, *, mirrored: bool = False) -> list[Stroke]:
    """Away from the ring: to the right of it (mirrored: to the left of who drives it backwards)."""
    side = 1.0 if mirrored else -1.0
    most = side * (max(side * bend, 0.0) + 1.0 / _SWING_M)
    return [Stroke(_EASE_M, bend, most), Stroke(_HOLD_M, most, most), Stroke(_EASE_M, most, 0.0)]


def _end(start: Pose, strokes: list[Stroke]) -> Pose:
    return draw(start, strokes)[1]


def _turned(pose: Pose) -> Pose:
    return pose @ Pose(0.0, 0.0, math.pi)
