"""What a road mark allows, and how it is drawn."""

from __future__ import annotations

import itertools
from typing import Final

from volant.road.model import LaneRecord, RoadMark

# Marks that may be crossed from either side, as painted.
_OPEN: Final = frozenset({"none", "broken", "broken broken", "botts dots", "custom"})
_UNMARKED: Final = RoadMark(0.0, "none")


def mark_at(lane: LaneRecord, offset_m: float) -> RoadMark:
    """The mark at the lane's outer border, at an offset in its section."""
    held = _UNMARKED
    for mark in lane.marks:
        if mark.s_m <= offset_m + 1e-9:
            held = mark
    return held


def may_cross(mark: RoadMark, *, outward: bool, rising: bool) -> bool:
    """Whether traffic may cross, from the side towards the centre line or to a rising lane id.

    Both the attribute laneChange and the paint must allow it: exporters write laneChange="both"
    on solid lines. Of a double line the first is the inner one (OpenDRIVE 1.8, table of road mark
    types; on the centre line, the left one): who comes from its side looks at it.
    """
    allowed = mark.lane_change or "both"
    if allowed == "none" or allowed == ("decrease" if rising else "increase"):
        return False
    if mark.kind in ("solid broken", "broken solid"):
        near = mark.kind.split()[0 if outward else 1]
        return near == "broken"
    return mark.kind in _OPEN


def crossing_spans(
    lane: LaneRecord, length_m: float, *, outward: bool, rising: bool
) -> tuple[tuple[float, float], ...]:
    """Where, as offsets in the section, the outer mark of `lane` may be crossed."""
    cuts = [0.0, *(m.s_m for m in lane.marks if 0.0 < m.s_m < length_m), length_m]
    spans: list[tuple[float, float]] = []
    for low, high in itertools.pairwise(cuts):
        if not may_cross(mark_at(lane, low), outward=outward, rising=rising):
            continue
        if spans and spans[-1][1] == low:
            spans[-1] = (spans[-1][0], high)
        else:
            spans.append((low, high))
    return tuple(spans)
