"""The motorway ring of the built-in world: one closed centre line, two one-way carriageways.

Both carriageways use the same centre line, one of them backwards, and keep half the median away
from it. Each is cut into roads where ramps leave and join.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Final

from volant.core.geometry import Pose
from volant.road.make_exit import HalfInterchange, RingPlace
from volant.road.make_interchange import Carriageway, Interchange
from volant.road.make_parts import (
    AUXILIARY_LINE,
    EDGE,
    LANE_LINE,
    MOTORWAY_LANE_M,
    SHOULDER_M,
    STRIP_M,
    barrier,
    closing,
    lane,
    opening,
    speed_signs,
    speed_types,
)
from volant.road.model import Cubic, LaneRecord, LaneSection, Road, RoadLink, RoadObject
from volant.road.trace import (
    Stroke,
    cut,
    draw,
    height_at,
    length_of,
    reverse,
    rise,
    stretch_to,
    turn,
)

HALF_MEDIAN_M: Final = 2.5
# Acceleration and deceleration lanes: 190 m at full width and a 60 m taper (RAA, recalled).
AUXILIARY_M: Final = 190.0
TAPER_M: Final = 60.0
GORE_M: Final = 90.0

_DEG: Final = math.pi / 180.0
# (turn in degrees, radius, clothoid) or (length,); the two lengths marked are fitted to close it.
_PLAN: Final = (
    (660.0,),  # south: interchange; fitted
    (95.0, 520.0, 130.0),
    (360.0,),  # fitted
    (-35.0, 800.0, 130.0),
    (60.0,),
    (120.0, 430.0, 130.0),
    (1200.0,),  # north: interchange
    (75.0, 400.0, 120.0),
    (120.0,),
    (40.0, 1000.0, 140.0),
    (60.0,),
    (-25.0, 700.0, 130.0),
    (60.0,),
    (90.0, 460.0, 130.0),
)
_FITTED: Final = (0, 4)  # places in the list of strokes
# Limits by radius: at most 2 m/s2 of lateral acceleration without banking.
_LIMIT_BY_RADIUS_KMH: Final = ((450.0, 80.0), (750.0, 100.0))
_FREE_KMH: Final = 120.0
_SOUTH_KMH: Final = 100.0
_MARGIN_M: Final = 40.0
# How far the interchanges' axes lie behind the start of their straights.
_SOUTH_AXIS_M: Final = 180.0
_NORTH_AXIS_M: Final = 320.0


def _strokes() -> list[Stroke]:
    strokes: list[Stroke] = []
    for part in _PLAN:
        if len(part) == 1:
            strokes.append(Stroke(part[0]))
        else:
            strokes.extend(turn(part[0] * _DEG, part[1], part[2]))
    return stretch_to(Pose(0.0, 0.0, 0.0), strokes, Pose(0.0, 0.0, 0.0), _FITTED)


RING: Final = _strokes()
LENGTH_M: Final = length_of(RING)
_NORTH_START_M: Final = length_of(RING[:12])
_AXES_M: Final = (_SOUTH_AXIS_M, _NORTH_START_M + _NORTH_AXIS_M)


def interchange_places() -> tuple[Pose, Pose]:
    """The frames of both interchanges: origin on the centre line, x along clockwise travel."""
    places = []
    for axis_m in _AXES_M:
        _pieces, pose = draw(Pose(0.0, 0.0, 0.0), cut(RING, 0.0, axis_m))
        places.append(Pose(pose.x_m, pose.y_m, pose.yaw_rad + math.pi))
    return places[0], places[1]


def _heights() -> tuple[Cubic, ...]:
    """Level at the interchanges; up to 2.5 % between them."""
    south_end, north = RING[0].length_m + 100.0, _NORTH_START_M
    north_end, end = north + RING[12].length_m, LENGTH_M
    east, west = 0.5 * (south_end + north), 0.5 * (north_end + end)
    return rise(
        (
            (0.0, 0.0, 0.0),
            (south_end, 0.0, 0.0),
            (east, 14.0, 0.0),
            (north - 100.0, 0.0, 0.0),
            (north_end + 100.0, 0.0, 0.0),
            (west, -12.0, 0.0),
            (end - 100.0, 0.0, 0.0),
            (end, 0.0, 0.0),
        )
    )


def _limits() -> list[tuple[float, float]]:
    """(place on the centre line, km/h), each holding to the next."""
    zones: list[tuple[float, float, float]] = [(0.0, RING[0].length_m, _SOUTH_KMH)]
    at = 0.0
    for stroke in RING:
        if stroke.start_per_m == stroke.end_per_m != 0.0:
            radius = 1.0 / abs(stroke.start_per_m)
            kmh = next((v for r, v in _LIMIT_BY_RADIUS_KMH if radius <= r), _FREE_KMH)
            easing = 130.0 + _MARGIN_M
            zones.append((at - easing, at + stroke.length_m + easing, kmh))
        at += stroke.length_m
    marks = sorted({0.0, *(min(max(x, 0.0), LENGTH_M) for zone in zones for x in zone[:2])})
    found: list[tuple[float, float]] = []
    for low, high in itertools.pairwise(marks):
        middle = 0.5 * (low + high)
        kmh = min((v for a, b, v in zones if a <= middle <= b), default=_FREE_KMH)
        if not found or found[-1][1] != kmh:
            found.append((low, kmh))
    return found


def ring_place(at_m: float) -> RingPlace:
    """A place on the clockwise carriageway."""
    strokes = reverse(RING)
    _pieces, pose = draw(Pose(0.0, 0.0, math.pi), cut(strokes, 0.0, at_m))
    ahead = cut(strokes, at_m, at_m + 1.0)[0]
    z_m, grade = height_at(_mirrored_heights(_heights()), at_m)
    return RingPlace(at_m, pose, ahead.start_per_m, z_m, grade)


def carriageways(
    interchanges: Sequence[Interchange], halves: Sequence[HalfInterchange]
) -> list[Road]:
    """The roads of both carriageways; half interchanges cut the clockwise one."""
    forth = Carriageway("Ring counter-clockwise", RING, _heights(), _limits())
    back = Carriageway(
        "Ring clockwise",
        reverse(RING),
        _mirrored_heights(_heights()),
        _mirrored_limits(_limits()),
    )
    roads = []
    for clockwise, way in ((False, forth), (True, back)):
        cuts = []
        for interchange, axis_m in zip(interchanges, _AXES_M, strict=True):
            for cut_ in interchange.cuts:
                if cut_.clockwise == clockwise:
                    place = LENGTH_M - axis_m + cut_.x_m if clockwise else axis_m - cut_.x_m
                    cuts.append((place % LENGTH_M, cut_))
        if clockwise:
            cuts.extend(place for half in halves for place in half.cuts())
        cuts.sort(key=lambda pair: pair[0])
        for (begin, first), (end, last) in zip(cuts, [*cuts[1:], cuts[0]], strict=True):
            until = end if end > begin else end + LENGTH_M
            roads.append(
                _road(
                    way,
                    begin,
                    until,
                    road_id=first.next_road,
                    links=(
                        RoadLink("junction", first.junction),
                        RoadLink("junction", last.junction),
                    ),
                    joins=first.merges,
                    leaves=not last.merges,
                    median=not clockwise,
                )
            )
    return roads


def _mirrored_heights(heights: Sequence[Cubic]) -> tuple[Cubic, ...]:
    nodes = [(record.s_m, *height_at(heights, record.s_m)) for record in heights]
    nodes.append((LENGTH_M, *height_at(heights, LENGTH_M)))
    return rise([(LENGTH_M - s, z, -grade) for s, z, grade in reversed(nodes)])


def _mirrored_limits(limits: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    ends = [s_m for s_m, _ in limits[1:]] + [LENGTH_M]
    zones = [(LENGTH_M - end, kmh) for end, (_, kmh) in zip(ends, limits, strict=True)]
    return zones[::-1]


def _within(begin: float, until: float, places: Sequence[float]) -> list[float]:
    """Places strictly inside a stretch of the ring, as distances from its begin."""
    laps = [place + lap * LENGTH_M - begin for place in places for lap in (0, 1)]
    return sorted(x for x in laps if 1e-6 < x < until - begin - 1e-6)


def _road(
    way: Carriageway,
    begin: float,
    until: float,
    *,
    road_id: str,
    links: tuple[RoadLink, RoadLink],
    joins: bool,
    leaves: bool,
    median: bool,
) -> Road:
    _before, start = draw(Pose(0.0, 0.0, way.heading_rad), cut(way.strokes, 0.0, begin))
    pieces, _end = draw(start, cut(way.strokes, begin, until))
    length_m = until - begin
    height = [
        begin,
        *(begin + x for x in _within(begin, until, [c.s_m for c in way.heights])),
        until,
    ]
    nodes = [(s - begin, *height_at(way.heights, s % LENGTH_M)) for s in height]
    limits = [(0.0, way.limit_kmh(begin))]
    for x in _within(begin, until, [s for s, _ in way.limits]):
        kmh = way.limit_kmh((begin + x) % LENGTH_M + 1e-3)
        if kmh != limits[-1][1]:
            limits.append((x, kmh))
    sections = _sections(length_m, joins=joins, leaves=leaves)
    edge_m = -HALF_MEDIAN_M - 3 * MOTORWAY_LANE_M - SHOULDER_M
    posts = ((edge_m - 1.5, "+"), (-0.9, "+"))
    return Road(
        id=road_id,
        name=way.name,
        length_m=length_m,
        junction=None,
        left_hand=False,
        predecessor=links[0],
        successor=links[1],
        types=speed_types("motorway", limits),
        geometries=pieces,
        elevations=rise(nodes),
        superelevations=(),
        lane_offsets=(Cubic(0.0, -HALF_MEDIAN_M),),
        sections=sections,
        signals=speed_signs(road_id, limits, posts),
        objects=_barriers(road_id, length_m, edge_m, joins=joins, leaves=leaves, median=median),
    )


def _barriers(
    road_id: str, length_m: float, edge_m: float, *, joins: bool, leaves: bool, median: bool
) -> tuple[RoadObject, ...]:
    """A wall in the median and a rail along the outer edge, where no ramp is beside it."""
    found = []
    number = int(road_id) * 10
    if median:
        found.append(barrier("Median barrier", number + 1, 0.0, length_m, 0.0, 0.9))
    begin = AUXILIARY_M + TAPER_M if joins else GORE_M
    end = length_m - (AUXILIARY_M + TAPER_M if leaves else GORE_M)
    if end - begin > 10.0:
        found.append(barrier("Guard rail", number + 2, begin, end - begin, edge_m - 0.5))
    return tuple(found)


def _sections(length_m: float, *, joins: bool, leaves: bool) -> tuple[LaneSection, ...]:
    side_m = AUXILIARY_M + TAPER_M
    cuts = [0.0]
    if joins:
        cuts.append(side_m)
    if leaves:
        cuts.append(length_m - side_m)
    ends = [*cuts[1:], length_m]
    found = []
    for index, (begin, end) in enumerate(zip(cuts, ends, strict=True)):
        kind = "plain"
        if joins and index == 0:
            kind = "entry"
        elif leaves and index == len(cuts) - 1:
            kind = "exit"
        run = end - begin
        first, last = index == 0, index == len(cuts) - 1
        found.append(LaneSection(begin, run, _lanes(kind, run, first, last, joins, leaves)))
    return tuple(found)


def _lanes(
    kind: str, run: float, first: bool, last: bool, joins: bool, leaves: bool
) -> tuple[LaneRecord, ...]:
    """A cross section from the median out: strip, three lanes, auxiliary lane, hard shoulder."""

    def through(lane_id: int) -> tuple[int | None, int | None]:
        return (None if first else lane_id), (None if last else lane_id)

    lanes = [lane(1, "border", STRIP_M, before=through(1)[0], after=through(1)[1])]
    lanes.append(lane(0, "none", ()))
    lanes[-1] = LaneRecord(0, "none", marks=(EDGE,))
    for lane_id in (-1, -2, -3):
        line = LANE_LINE
        if lane_id == -3:
            line = EDGE if kind == "plain" else AUXILIARY_LINE
        before, after = through(lane_id)
        lanes.append(lane(lane_id, "driving", MOTORWAY_LANE_M, line, before=before, after=after))
    if kind == "entry":
        width = closing(AUXILIARY_M, TAPER_M, MOTORWAY_LANE_M)
        lanes.append(lane(-4, "entry", width, EDGE, after=-3))
        lanes.append(lane(-5, "stop", SHOULDER_M, after=-4))
    elif kind == "exit":
        width = opening(0.0, TAPER_M, MOTORWAY_LANE_M)
        lanes.append(lane(-4, "exit", width, EDGE))
        lanes.append(lane(-5, "stop", SHOULDER_M, before=-4))
    else:
        lanes.append(_plain_shoulder(run, first, last, joins, leaves))
    return tuple(lanes)


def _plain_shoulder(run: float, first: bool, last: bool, joins: bool, leaves: bool) -> LaneRecord:
    """The hard shoulder of a plain stretch; beside a gore it grows or shrinks with the wedge."""
    widths: tuple[Cubic, ...] = (Cubic(0.0, SHOULDER_M),)
    if first and not joins:
        widths = opening(0.0, GORE_M, SHOULDER_M)
    if last and not leaves:
        shrinking = closing(run - GORE_M, GORE_M, SHOULDER_M)[1:]
        widths = (*widths, *shrinking)
    before = -5 if not first and joins else None
    after = -5 if not last and leaves else None
    return lane(-4, "stop", widths, before=before, after=after)
