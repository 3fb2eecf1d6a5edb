"""The country road of the built-in world: two lanes, winding, with grades, between interchanges.

A roundabout on it, the town's gate, cuts it into a southern and a northern road.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from volant.core.geometry import Pose
from volant.road.make_interchange import COUNTRY_HEIGHT_M, COUNTRY_ROAD, NORTH_ROAD, Interchange
from volant.road.make_parts import (
    AUXILIARY_LINE,
    CENTRE_SOLID,
    COUNTRY_CENTRE,
    COUNTRY_EDGE,
    COUNTRY_LANE_M,
    VERGE_M,
    closing,
    lane,
    opening,
    speed_signs,
    speed_types,
)
from volant.road.model import Cubic, LaneRecord, LaneSection, Road, RoadLink, RoadMark, Signal
from volant.road.trace import (
    Stroke,
    cut,
    draw,
    height_at,
    length_of,
    rise,
    stretch_to,
    turn,
)

# At each interchange the road has a lane more each way: full for 130 m, then a 60 m taper.
WIDE_M: Final = 130.0
TAPER_M: Final = 60.0

_DEG: Final = math.pi / 180.0
_EXIT_M: Final = 210.0
# The roundabout lies in the middle of this part of the plan, on level ground at this height.
_GATE: Final = 10
_LEVEL_M: Final = 45.0
GATE_HEIGHT_M: Final = 25.0
# (turn in degrees, radius, clothoid) or (length,), and the limit in km/h from there on.
# Limits keep lateral acceleration at or below 2.5 m/s2 without banking.
_PLAN: Final = (
    ((_EXIT_M,), 70.0),
    ((-60.0, 200.0, 70.0), 70.0),
    ((60.0,), 70.0),  # fitted
    ((75.0, 150.0, 60.0), 60.0),
    ((90.0,), 70.0),
    ((70.0, 80.0, 45.0), 50.0),
    ((60.0,), 50.0),
    ((-110.0, 80.0, 45.0), 50.0),
    ((120.0,), 70.0),
    ((-50.0, 250.0, 80.0), 80.0),
    ((200.0,), 50.0),  # the gate of the town
    ((100.0, 120.0, 55.0), 60.0),
    ((60.0,), 80.0),  # fitted
    ((-25.0, 300.0, 80.0), 100.0),
    ((_EXIT_M,), 70.0),
)


@dataclass(frozen=True, slots=True)
class CountryRoad:
    """Both roads, and the place of the roundabout between them, looking north along the road."""

    south: Road
    north: Road
    gate: Pose


def country_road(south: Interchange, north: Interchange, gate_reach_m: float) -> CountryRoad:
    """The road from the southern to the northern interchange, open around the gate."""
    start, goal = south.country_pose(leaving=True), north.country_pose(leaving=False)
    strokes, limits, gate_m = _strokes(start, goal)
    total = length_of(strokes)
    heights = _heights(total, gate_m)
    _pieces, gate = draw(start, cut(strokes, 0.0, gate_m))
    parts = []
    for begin, until in ((0.0, gate_m - gate_reach_m), (gate_m + gate_reach_m, total)):
        _before, pose = draw(start, cut(strokes, 0.0, begin))
        first = begin == 0.0
        junction = south.country_junction if first else north.country_junction
        link = RoadLink("junction", junction)
        road = _part(COUNTRY_ROAD if first else NORTH_ROAD, pose, cut(strokes, begin, until))
        holds = _limits_within(limits, begin, until)
        cuts = [begin, *(x.s_m for x in heights if begin < x.s_m < until), until]
        nodes = [(s_m - begin, *height_at(heights, s_m)) for s_m in cuts]
        parts.append(
            replace(
                road,
                predecessor=link if first else None,
                successor=None if first else link,
                types=speed_types("rural", holds),
                elevations=rise(nodes),
                sections=_sections(road.length_m, wide_start=first),
                signals=_signs(road.id, holds, road.length_m, COUNTRY_LANE_M + VERGE_M + 1.0),
            )
        )
    return CountryRoad(parts[0], parts[1], gate)


def _part(road_id: str, start: Pose, strokes: Sequence[Stroke]) -> Road:
    pieces, _end = draw(start, strokes)
    return Road(
        id=road_id,
        name="Country road",
        length_m=pieces[-1].s_m + pieces[-1].length_m,
        junction=None,
        left_hand=False,
        predecessor=None,
        successor=None,
        types=(),
        geometries=pieces,
        elevations=(),
        superelevations=(),
        lane_offsets=(),
        sections=(),
    )


def _limits_within(
    limits: Sequence[tuple[float, float]], begin: float, until: float
) -> list[tuple[float, float]]:
    first = [kmh for s_m, kmh in limits if s_m <= begin][-1]
    return [(0.0, first), *((s - begin, kmh) for s, kmh in limits if begin < s < until)]


def _strokes(start: Pose, goal: Pose) -> tuple[list[Stroke], list[tuple[float, float]], float]:
    """The whole line, its limits, and the place of the gate on it."""
    plain = [part for part, _ in _PLAN]
    strokes: list[Stroke] = []
    places: list[int] = []
    for part in plain:
        places.append(len(strokes))
        if len(part) == 1:
            strokes.append(Stroke(part[0]))
        else:
            strokes.extend(turn(part[0] * _DEG, part[1], part[2]))
    strokes = stretch_to(start, strokes, goal, (places[2], places[12]))
    limits: list[tuple[float, float]] = []
    for place, (_part, kmh) in zip(places, _PLAN, strict=True):
        if not limits or limits[-1][1] != kmh:
            limits.append((length_of(strokes[:place]), kmh))
    gate = places[_GATE]
    return strokes, limits, length_of(strokes[:gate]) + 0.5 * strokes[gate].length_m


def _heights(total: float, gate_m: float) -> tuple[Cubic, ...]:
    """Level ends and gate, then hills; steepest is 1.5 times the mean grade of a cubic, up to 6 %."""
    hills = (
        (0.0, COUNTRY_HEIGHT_M),
        (0.10 * total, COUNTRY_HEIGHT_M),
        (0.28 * total, 19.0),
        (0.45 * total, 9.0),
        (gate_m - _LEVEL_M, GATE_HEIGHT_M),
        (gate_m + _LEVEL_M, GATE_HEIGHT_M),
        (0.90 * total, COUNTRY_HEIGHT_M),
        (total, COUNTRY_HEIGHT_M),
    )
    return rise([(s_m, z_m, 0.0) for s_m, z_m in hills])


def _signs(
    road_id: str, limits: Sequence[tuple[float, float]], total: float, edge_m: float
) -> tuple[Signal, ...]:
    """Signs for both ways: the other way meets each limit at the end of its stretch."""
    forth = speed_signs(road_id, limits, ((-edge_m, "+"),))
    ends = [s_m for s_m, _ in limits[1:]] + [total]
    back = [(end, kmh) for end, (_, kmh) in zip(ends, limits, strict=True)]
    return forth + speed_signs(f"{road_id}9", back, ((edge_m, "-"),))


def _sections(total: float, *, wide_start: bool) -> tuple[LaneSection, ...]:
    wide = WIDE_M + TAPER_M
    plain = total - wide
    if wide_start:
        return (
            LaneSection(0.0, wide, _wide_lanes(at_start=True)),
            LaneSection(wide, plain, _plain_lanes(plain, wide_start=True)),
        )
    return (
        LaneSection(0.0, plain, _plain_lanes(plain, wide_start=False)),
        LaneSection(plain, wide, _wide_lanes(at_start=False)),
    )


def _plain_lanes(length_m: float, *, wide_start: bool) -> tuple[LaneRecord, ...]:

    def beside(
        lane_id: int, wide: int, kind: str, width_m: float, mark: RoadMark | None
    ) -> LaneRecord:
        """A lane that is `wide` in the wide stretch; the other end is the gate's."""
        before, after = (wide, None) if wide_start else (None, wide)
        return lane(lane_id, kind, width_m, mark, before=before, after=after)

    centre = (
        CENTRE_SOLID,
        replace(COUNTRY_CENTRE, s_m=30.0),
        replace(CENTRE_SOLID, s_m=length_m - 30.0),
    )
    return (
        beside(2, 3, "shoulder", VERGE_M, None),
        beside(1, 1, "driving", COUNTRY_LANE_M, COUNTRY_EDGE),
        LaneRecord(0, "none", marks=centre),
        beside(-1, -1, "driving", COUNTRY_LANE_M, COUNTRY_EDGE),
        beside(-2, -3, "shoulder", VERGE_M, None),
    )


def _wide_lanes(*, at_start: bool) -> tuple[LaneRecord, ...]:
    """Two lanes each way: one for the other ramp. What leaves the interchange merges in a taper."""
    if at_start:
        width = closing(WIDE_M, TAPER_M, COUNTRY_LANE_M)
        merging, leaving = lane(-2, "driving", width, COUNTRY_EDGE, after=-1), 2
    else:
        width = opening(0.0, TAPER_M, COUNTRY_LANE_M)
        merging, leaving = lane(2, "driving", width, COUNTRY_EDGE, before=1), -2
    exit_lane = lane(leaving, "driving", width, COUNTRY_EDGE)
    pair = {merging.id: merging, exit_lane.id: exit_lane}

    def inner(
        lane_id: int, beside: int, kind: str, width_m: float, mark: RoadMark | None
    ) -> LaneRecord:
        """A lane that goes on as `beside` in the plain stretch."""
        before, after = (None, beside) if at_start else (beside, None)
        return lane(lane_id, kind, width_m, mark, before=before, after=after)

    return (
        inner(3, 2, "shoulder", VERGE_M, None),
        pair[2],
        inner(1, 1, "driving", COUNTRY_LANE_M, AUXILIARY_LINE),
        LaneRecord(0, "none", marks=(CENTRE_SOLID,)),
        inner(-1, -1, "driving", COUNTRY_LANE_M, AUXILIARY_LINE),
        pair[-2],
        inner(-3, -2, "shoulder", VERGE_M, None),
    )
