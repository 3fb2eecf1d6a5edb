"""Streets of the built-in town: a cross section along a line from one junction's mouth to another.

Lane widths follow the German guideline RASt 06 in kind, figures from memory (recalled): 3.25 m
lanes, 2.2 m parking lanes, 2.5 m footways; marks after RMS (recalled): broken lines 3 m on 6 m in
town, solid for the last stretch before a junction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from volant.core.geometry import Pose
from volant.road.make_connect import connect
from volant.road.make_parts import CENTRE_SOLID, COUNTRY_EDGE, lane, speed_types
from volant.road.model import Cubic, LaneRecord, LaneSection, Road, RoadMark
from volant.road.trace import draw, rise

TOWN_LANE_M: Final = 3.25
PARKING_M: Final = 2.2
WALK_M: Final = 2.5
# Solid lines before a junction (RMS, recalled: at least 10 m in town; three cars' lengths here).
SOLID_M: Final = 20.0
_WIDEST_M: Final = 40.0

TOWN_BROKEN: Final = RoadMark(
    0.0, "broken", colour="white", width_m=0.12, lane_change="both", dash_m=3.0, gap_m=6.0
)
TOWN_DOUBLE: Final = RoadMark(0.0, "solid solid", colour="white", width_m=0.12, lane_change="none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What a street looks like across: lanes along (forth) and against (back) its line."""

    forth: int = 1
    back: int = 1
    lane_m: float = TOWN_LANE_M
    kmh: float = 50.0
    kind: str = "town"
    parking_right: bool = False
    parking_left: bool = False
    walks: bool = True


def street(road_id: str, name: str, start: Pose, goal: Pose, section: Section, z_m: float) -> Road:
    """A level street; its links, signs and crossings come from the junctions at its ends."""
    strokes = connect(start, goal, _WIDEST_M)
    pieces, _end = draw(start, strokes)
    length_m = pieces[-1].s_m + pieces[-1].length_m
    return Road(
        id=road_id,
        name=name,
        length_m=length_m,
        junction=None,
        left_hand=False,
        predecessor=None,
        successor=None,
        types=speed_types(section.kind, ((0.0, section.kmh),)),
        geometries=pieces,
        elevations=rise(((0.0, z_m, 0.0), (length_m, z_m, 0.0))),
        superelevations=(),
        lane_offsets=() if section.back else (Cubic(0.0, 0.5 * section.forth * section.lane_m),),
        sections=(LaneSection(0.0, length_m, _lanes(section, length_m)),),
    )


def _lanes(section: Section, length_m: float) -> tuple[LaneRecord, ...]:
    left = _side(section, section.back, section.parking_left, length_m, against=True)
    right = _side(section, section.forth, section.parking_right, length_m, against=False)
    return (*reversed(left), LaneRecord(0, "none", marks=_centre(section, length_m)), *right)


def _side(
    section: Section, count: int, parking: bool, length_m: float, *, against: bool
) -> list[LaneRecord]:
    """The lanes of one side, from the centre line out."""
    found = []
    for k in range(1, count + 1):
        marks: tuple[RoadMark, ...] = (COUNTRY_EDGE,)
        if k < count:
            marks = _before_junction(TOWN_BROKEN, length_m, start=against, end=not against)
        record = lane(-k, "driving", section.lane_m)
        found.append(replace(record, marks=marks))
    beside = [("parking", PARKING_M)] if parking and count else []
    if section.walks:
        beside.append(("sidewalk", WALK_M))
    found.extend(lane(-count - 1 - k, kind, width) for k, (kind, width) in enumerate(beside))
    return [replace(record, id=-record.id) for record in found] if against else found


def _centre(section: Section, length_m: float) -> tuple[RoadMark, ...]:
    if not section.back:
        return (COUNTRY_EDGE,)
    if section.forth > 1 or section.back > 1:
        return (TOWN_DOUBLE,)
    return _before_junction(TOWN_BROKEN, length_m, start=True, end=True)


def _before_junction(
    mark: RoadMark, length_m: float, *, start: bool, end: bool
) -> tuple[RoadMark, ...]:
    """A broken line that is solid near the ends that are named."""
    if length_m < 3.0 * SOLID_M:
        return (CENTRE_SOLID,)
    marks = [CENTRE_SOLID, replace(mark, s_m=SOLID_M)] if start else [mark]
    if end:
        marks.append(replace(CENTRE_SOLID, s_m=length_m - SOLID_M))
    return tuple(marks)
