"""What is painted at both borders of each lane, as one sees it who drives along the lane.

Paint as the file has it: whether a line may be crossed stands in `Lane.left_changes` and
`Lane.right_changes`, which know attributes and double lines too.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import Final

import numpy as np

from volant.core.messages import MarkKind
from volant.road.lanes import Lane, LaneColumn, LaneGraph
from volant.road.marks import mark_at
from volant.road.model import LaneSection

_KINDS: Final = {kind.value.replace("_", " "): kind for kind in MarkKind} | {
    "custom": MarkKind.BROKEN,
}


@dataclass(frozen=True, slots=True)
class LaneBorders:
    """Marks of each lane of a graph, by lane and place."""

    starts: tuple[tuple[float, ...], ...]
    """Of each lane: where a pair of marks begins (m along the lane), the first at 0."""
    pairs: tuple[tuple[tuple[MarkKind, MarkKind], ...], ...]
    """Of each lane: marks at its left and right border from there on."""

    def at(self, lane: int, s_m: float) -> tuple[MarkKind, MarkKind]:
        """Marks at the left and the right border of a lane at s."""
        place = bisect_right(self.starts[lane], s_m)
        return self.pairs[lane][max(place - 1, 0)]


def lane_borders(graph: LaneGraph) -> LaneBorders:
    """The marks at the borders of every lane of a graph."""
    sections = {
        (road.id, i): s for road in graph.network.roads for i, s in enumerate(road.sections)
    }
    starts, pairs = [], []
    for lane in graph.lanes:
        section = sections.get((lane.id.road, lane.id.section))
        rows = [(0.0, (MarkKind.NONE, MarkKind.NONE))] if section is None else _rows(lane, section)
        starts.append(tuple(at for at, _ in rows))
        pairs.append(tuple(pair for _, pair in rows))
    return LaneBorders(tuple(starts), tuple(pairs))


def _rows(lane: Lane, section: LaneSection) -> list[tuple[float, tuple[MarkKind, MarkKind]]]:
    outer = section.lane(lane.id.lane)
    inner = section.lane(lane.id.lane + (1 if lane.id.lane < 0 else -1))
    records = [record for record in (outer, inner) if record is not None]
    cuts = {0.0, *(m.s_m for r in records for m in r.marks if 0.0 < m.s_m < section.length_m)}
    places = sorted(cuts, reverse=not lane.along)
    road_s, own_s = lane.samples[:, LaneColumn.ROAD_S], lane.samples[:, LaneColumn.S]
    outer_right = (lane.id.lane < 0) == lane.along
    rows: list[tuple[float, tuple[MarkKind, MarkKind]]] = []
    for place, cut in enumerate(places):
        kinds = [
            MarkKind.NONE if r is None else _KINDS.get(mark_at(r, cut).kind, MarkKind.SOLID)
            for r in (outer, inner)
        ]
        pair = (kinds[1], kinds[0]) if outer_right else (kinds[0], kinds[1])
        # Against the road's direction a mark holds from where the next one begins.
        begin = cut
        if not lane.along:
            begin = places[place - 1] if place else section.length_m
        sign = 1.0 if lane.along else -1.0
        at = float(np.interp(sign * (section.s_m + begin), sign * road_s, own_s))
        rows.append((at if rows else 0.0, pair))
    return rows
