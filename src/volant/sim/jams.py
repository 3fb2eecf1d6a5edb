"""Jams on purpose: a bottleneck on the road ahead for some time, and the queue before it.

From `from_s` to `to_s` a head stands across all lanes of the corridor's direction at
`start_m + length_m` and lets nothing pass (speed 0) or drags along at `speed_mps`; in the stretch
before it cars go no faster than 30 km/h, so that the queue stays dense. When it is over the queue
dissolves from its head, as queues do. Cars too close to stop gently when the head appears drive on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from volant.road import Corridor, CorridorColumn, LaneGraph

ZONE_SPEED_MPS: Final = 30.0 / 3.6
_PIECE_M: Final = 1.0


class Jam(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One jam along the corridor."""

    start_m: Annotated[float, Meta(ge=0.0)]
    length_m: Annotated[float, Meta(gt=0.0)]
    from_s: Annotated[float, Meta(ge=0.0)]
    to_s: Annotated[float, Meta(ge=0.0)]
    speed_mps: Annotated[float, Meta(ge=0.0, le=40.0)] = 0.0


@dataclass(frozen=True, slots=True)
class JamRows:
    """A jam on the lanes: heads (lane, s, speed) and slow stretches (lane, from, to, speed)."""

    walls: tuple[tuple[int, float, float], ...]
    zones: tuple[tuple[int, float, float, float], ...]


def jam_rows(graph: LaneGraph, corridor: Corridor, jam: Jam) -> JamRows:
    """Lay a jam over the corridor's lane and all lanes beside it in the same direction.

    Simplified: s of a neighbour is taken in proportion to its length, true to some metres.
    """
    end_m = min(jam.start_m + jam.length_m, corridor.length_m)
    zones: dict[int, tuple[float, float]] = {}
    for row in corridor.window(jam.start_m, end_m):
        lane, s_m = int(row[CorridorColumn.LANE]), float(row[CorridorColumn.LANE_S])
        for beside, ratio in _beside(graph, lane):
            low, high = zones.get(beside, (s_m * ratio, s_m * ratio))
            zones[beside] = (min(low, s_m * ratio), max(high, s_m * ratio))
    head = corridor.at(end_m)
    walls = tuple(
        (beside, head.lane_s_m * ratio, jam.speed_mps)
        for beside, ratio in _beside(graph, head.lane)
    )
    slow = max(ZONE_SPEED_MPS, jam.speed_mps)
    return JamRows(walls, tuple((lane, low, high, slow) for lane, (low, high) in zones.items()))


def _beside(graph: LaneGraph, lane: int) -> list[tuple[int, float]]:
    """The lane and all beside it in its direction, each with its length relative to the lane's."""
    found = [lane]
    for side in ("left", "right"):
        at: int | None = getattr(graph.lanes[lane], side)
        while at is not None:
            found.append(at)
            at = getattr(graph.lanes[at], side)
    length_m = graph.lanes[lane].length_m
    return [(other, graph.lanes[other].length_m / length_m) for other in found]
