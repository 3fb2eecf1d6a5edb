"""The country road of the built-in world: two lanes, winding, with grades, between interchanges."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from volant.core.geometry import Pose
from volant.road.make_interchange import COUNTRY_HEIGHT_M, COUNTRY_ROAD, Interchange
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
from volant.road.trace import Stroke, draw, length_of, rise, stretch_to, turn

# At each interchange the road has a lane more each way: full for 130 m, then a 60 m taper.
WIDE_M: Final = 130.0
TAPER_M: Final = 60.0

_DEG: Final = math.pi / 180.0
_EXIT_M: Final = 210.0
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
    ((200.0,), 100.0),
    ((100.0, 120.0, 55.0), 60.0),
    ((60.0,), 80.0),  # fitted
    ((-25.0, 300.0, 80.0), 80.0),
    ((_EXIT_M,), 70.0),
)


def country_road(south: Interchange, north: Interchange) -> Road:
    """The road from the southern to the northern interchange."""
    start, goal = south.country_pose(leaving=True), north.country_pose(leaving=False)
    strokes, limits = _strokes(start, goal)
    pieces, _end = draw(start, strokes)
    total = pieces[-1].s_m + pieces[-1].length_m
    edge_m = COUNTRY_LANE_M + VERGE_M + 1.0
    return Road(
        id=COUNTRY_ROAD,
        name="Country road",
        length_m=total,
        junction=None,
        left_hand=False,
        predecessor=RoadLink("junction", south.country_junction),
        successor=RoadLink("junction", north.country_junction),
        types=speed_types("rural", limits),
        geometries=pieces,
        elevations=_heights(total),
        superelevations=(),
        lane_offsets=(),
        sections=_sections(total),
        signals=_signs(limits, total, edge_m),
    )


def _strokes(start: Pose, goal: Pose) -> tuple[list[Stroke], list[tuple[float, float]]]:
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
    return strokes, limits


def _heights(total: float) -> tuple[Cubic, ...]:
    """Level ends, then hills; a cubic's steepest place has 1.5 times its mean grade, up to 6 %."""
    hills = (
        (0.0, 2.5),
        (0.10, 2.5),
        (0.28, 19.0),
        (0.45, 9.0),
        (0.66, 27.0),
        (0.90, 2.5),
        (1.0, 2.5),
    )
    assert hills[0][1] == COUNTRY_HEIGHT_M
    return rise([(share * total, z_m, 0.0) for share, z_m in hills])


def _signs(
    limits: Sequence[tuple[float, float]], total: float, edge_m: float
) -> tuple[Signal, ...]:
    """Signs for both ways: the other way meets each limit at the end of its stretch."""
    forth = speed_signs(COUNTRY_ROAD, limits, ((-edge_m, "+"),))
    ends = [s_m for s_m, _ in limits[1:]] + [total]
    back = [(end, kmh) for end, (_, kmh) in zip(ends, limits, strict=True)]
    return forth + speed_signs(f"{COUNTRY_ROAD}9", back, ((edge_m, "-"),))


def _sections(total: float) -> tuple[LaneSection, ...]:
    wide = WIDE_M + TAPER_M
    plain = total - 2.0 * wide
    return (
        LaneSection(0.0, wide, _wide_lanes(at_start=True)),
        LaneSection(wide, plain, _plain_lanes(plain)),
        LaneSection(total - wide, wide, _wide_lanes(at_start=False)),
    )


def _plain_lanes(length_m: float) -> tuple[LaneRecord, ...]:
    centre = (
        CENTRE_SOLID,
        replace(COUNTRY_CENTRE, s_m=30.0),
        replace(CENTRE_SOLID, s_m=length_m - 30.0),
    )
    return (
        lane(2, "shoulder", VERGE_M, before=3, after=3),
        lane(1, "driving", COUNTRY_LANE_M, COUNTRY_EDGE, before=1, after=1),
        LaneRecord(0, "none", marks=centre),
        lane(-1, "driving", COUNTRY_LANE_M, COUNTRY_EDGE, before=-1, after=-1),
        lane(-2, "shoulder", VERGE_M, before=-3, after=-3),
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
