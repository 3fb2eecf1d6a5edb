"""The road as the pilot drives it: a stretch of it around the car, laid anew as the car goes on.

Everything static that every step asks for stands here as plain arrays, so that no step walks the lane
graph: limits, the lanes beside, where the lane has no marks, where the way ends. The reference is the
middle of one chain of lanes and never changes lanes itself: a lane change is a move across it, and when
the car is over the line the course is laid anew on the new lane.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from volant.pilot.course_kernels import offsets_of
from volant.pilot.crossings import Across, lie_across
from volant.pilot.way import Leave, Way, chain, chain_behind, must_leave, onward
from volant.road import (
    Corridor,
    CorridorColumn,
    Lane,
    LaneColumn,
    LaneGraph,
    RouteLeg,
    build_corridor,
)

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

UNLIMITED_MPS: Final = 130.0 / 3.6
"""Driven where no limit holds: the advisory speed of German motorways (Autobahn-Richtgeschwindigkeits-V)."""
AHEAD_M: Final = 900.0
"""Laid ahead: v^2/2a at 40 m/s and 0.9 m/s2 is 890 m."""
BEHIND_M: Final = 60.0
"""Laid behind, for those who follow."""
EXTEND_M: Final = 560.0
"""Laid anew when less than this is left: v^2/6 + 30 m of stop path at 40 m/s, and the 400 m planned on."""
EXTEND_SHARE: Final = 0.2
"""But not before this share of the course was driven: a small loop offers no more."""
BEHIND_GOAL_M: Final = 5.0
"""A place on the course may fall this far behind when it is laid anew: localisation jumps that far."""
NEW_GOAL_M: Final = 0.5
"""A place that is new to the car and lies further behind it than this is come to by going round."""
NARROW_M: Final = 2.4
"""A lane narrower than this is no longer driven (1.82 m of car and room for control)."""
BESIDE_M: Final = 2.4
"""A lane beside that is narrower than this is not there yet, or no longer."""


@dataclass(frozen=True, slots=True)
class Course:
    """The road around the car; rows are `step_m` apart."""

    table: Array
    """[n, 13], columns by `volant.road.CorridorColumn`."""
    step_m: float
    length_m: float
    """Where the table ends."""
    open: bool
    """The road goes on beyond the table."""
    end_m: float
    """Station where the road or the lane ends, inf where it goes on."""
    limit_mps: Array
    """[n], the limit at each row, `UNLIMITED_MPS` where there is none."""
    default_limit: Flags
    """[n], the limit is only a default by road type."""
    centre_m: Array
    """[n], where the middle of the row's lane lies beside the reference, left positive."""
    unmarked: Flags
    """[n], the lane has no marks to see, as inside junctions."""
    lane_names: dict[int, str]
    """Readable id of each lane on the course."""
    left_m: Array
    """[n], where the middle of the lane to the left lies, NaN where there is none."""
    right_m: Array
    left_open: Flags
    """[n], the marks allow to change to the left."""
    right_open: Flags
    begun_m: float = 0.0
    """Station of the car when it was laid."""
    destination_m: float | None = None
    """Station to arrive at, where it lies on the course."""
    via_m: float | None = None
    """Station of the next place to pass, where it lies on the course."""
    leave: Leave | None = None
    """How the lane must be left; `room_m` is a station here."""
    legs: tuple[RouteLeg, ...] = ()
    across: Across = field(default_factory=Across)
    """Gates, shared ground and crossings on it."""
    loops: bool = field(default=False)

    @property
    def known(self) -> bool:
        """There is a road in it; `nowhere` has none."""
        return bool(self.lane_names)

    def row(self, station_m: float) -> int:
        """The table row at or before a station."""
        return min(max(int(station_m / self.step_m), 0), len(self.limit_mps) - 1)

    def lane_index_at(self, station_m: float) -> int:
        """Index of the lane at a station."""
        return int(self.table[self.row(station_m), CorridorColumn.LANE])

    def lane_at(self, station_m: float) -> str:
        """Readable id of the lane at a station."""
        return self.lane_names.get(self.lane_index_at(station_m), "")

    def lane_s_at(self, station_m: float) -> float:
        """Place on its lane of a station."""
        row = self.row(station_m)
        past_m = station_m - float(self.table[row, CorridorColumn.S])
        return float(self.table[row, CorridorColumn.LANE_S]) + past_m

    def away_m(self, station_m: float, offset_m: float) -> float:
        """How far left of the middle of the nearest lane a place is, of our lane and those beside."""
        row = self.row(station_m)
        middles = (self.centre_m[row], self.left_m[row], self.right_m[row])
        known = [offset_m - float(one) for one in middles if math.isfinite(one)]
        return min(known, key=abs)

    def beside_m(self, station_m: float, direction: int) -> float:
        """Offset of the middle of the lane beside (+1 left), NaN where there is none."""
        return float((self.left_m if direction > 0 else self.right_m)[self.row(station_m)])


def nowhere() -> Course:
    """A course of nothing, for a car that does not know where it is."""
    table = np.zeros((2, len(CorridorColumn)))
    table[1, CorridorColumn.S] = table[1, CorridorColumn.X] = 1.0
    table[:, CorridorColumn.LANE] = -1.0
    no, none = np.zeros(2, dtype=np.bool_), np.full(2, math.nan)
    return Course(
        table=table,
        step_m=1.0,
        length_m=1.0,
        open=True,
        end_m=math.inf,
        limit_mps=np.full(2, UNLIMITED_MPS),
        default_limit=no,
        centre_m=np.zeros(2),
        unmarked=np.ones(2, dtype=np.bool_),
        lane_names={},
        left_m=none,
        right_m=none,
        left_open=no,
        right_open=no,
    )


def lay(
    way: Way,
    lane: int,
    s_m: float,
    before: Course | None = None,
    at_m: float = 0.0,
    *,
    passes: bool = False,
) -> Course:
    """The course for a car at a place on a lane.

    before, at_m: the course until now and the car's station on it, whose legs behind are kept where
    they lead to the lane. passes: the car has passed the next place of that course.
    """
    past_m = s_m - way.graph.lanes[lane].length_m
    following = onward(way, lane) if past_m > -0.05 else None
    if following is not None:
        lane, s_m = following, max(past_m, 0.05)
    behind = _legs_behind(before, at_m, lane) if before is not None else []
    if not behind:
        held = way.graph.lanes[lane]
        beside = [one for one in (held.left, held.right) if one is not None]
        if before is not None:
            beside += [leg.lane for leg in before.legs]
        behind = chain_behind(way, lane, s_m, BEHIND_M, beside)
    ahead, goes_on = chain(way, lane, s_m, AHEAD_M)
    first = RouteLeg(lane, behind[-1].s_from_m, ahead[0].s_to_m)
    legs = [*behind[:-1], first, *ahead[1:]]
    corridor = build_corridor(way.graph, legs, arrives=goes_on)
    begun_m = sum(leg.s_to_m - leg.s_from_m for leg in behind[:-1]) + s_m - first.s_from_m
    near = before is not None and (before.via_m is not None or before.destination_m is not None)
    behind_m = BEHIND_GOAL_M if near and not passes else NEW_GOAL_M
    return prepare(corridor, way, tuple(legs), begun_m, goes_on=goes_on, behind_m=behind_m)


def must_extend(course: Course, station_m: float) -> bool:
    """The course runs short and can be laid on."""
    driven = (station_m - course.begun_m) / course.length_m
    return course.open and course.length_m - station_m < EXTEND_M and driven > EXTEND_SHARE


def prepare(
    corridor: Corridor,
    way: Way,
    legs: tuple[RouteLeg, ...],
    begun_m: float,
    *,
    goes_on: bool,
    behind_m: float = NEW_GOAL_M,
) -> Course:
    """Work out what the steps need of a corridor that was laid along legs.

    behind_m: so far behind the car the next place still counts as being on it.
    """
    graph = way.graph
    table = np.ascontiguousarray(corridor.table, dtype=np.float64)
    limits = table[:, CorridorColumn.LIMIT].copy()
    limits[~np.isfinite(limits) | (limits <= 0.0)] = UNLIMITED_MPS
    rows = _rows_of_lanes(table)
    left_m, left_open = _lanes_beside(graph, table, rows, 1)
    right_m, right_open = _lanes_beside(graph, table, rows, -1)
    via_m, destination_m = _goals_m(way, table, rows, begun_m - behind_m)
    course = Course(
        table=table,
        step_m=corridor.step_m,
        length_m=corridor.length_m,
        open=goes_on,
        end_m=math.inf if goes_on else _end_m(table, corridor.length_m, begun_m),
        limit_mps=np.minimum(limits, UNLIMITED_MPS),
        default_limit=_default_rows(graph, table, rows),
        centre_m=_centres(graph, table, rows),
        unmarked=_unmarked_rows(graph, table, rows),
        lane_names={lane: str(graph.lanes[lane].id) for lane, _ in rows},
        left_m=left_m,
        right_m=right_m,
        left_open=left_open,
        right_open=right_open,
        begun_m=begun_m,
        destination_m=destination_m,
        via_m=via_m,
        across=lie_across(way, table, rows),
        legs=legs,
    )
    return _with_leave(course, way)


def _with_leave(course: Course, way: Way) -> Course:
    lane, s_m = course.lane_index_at(course.begun_m), course.lane_s_at(course.begun_m)
    leave = must_leave(way, lane, s_m)
    if leave is None:
        return course
    return replace(course, leave=replace(leave, room_m=leave.room_m + course.begun_m))


def _legs_behind(before: Course, at_m: float, lane: int) -> list[RouteLeg]:
    """The legs of the last metres of a course, where they lead to the lane; else none."""
    row = before.row(at_m)
    if int(before.table[row, CorridorColumn.LANE]) != lane:
        return []
    low = before.row(at_m - BEHIND_M)
    legs: list[RouteLeg] = []
    for index, s_m in before.table[
        low : row + 1, CorridorColumn.LANE : CorridorColumn.LANE_S + 1
    ].tolist():
        if legs and legs[-1].lane == int(index) and s_m >= legs[-1].s_to_m:
            legs[-1] = RouteLeg(int(index), legs[-1].s_from_m, s_m)
            continue
        legs.append(RouteLeg(int(index), s_m if not legs else 0.0, s_m))
    return legs


def _rows_of_lanes(table: Array) -> list[tuple[int, slice]]:
    """Each lane of the table with its rows, in order; on a road that closes a lane comes again each lap."""
    lanes = table[:, CorridorColumn.LANE].astype(np.int64)
    again = np.diff(table[:, CorridorColumn.LANE_S]) < 0.0
    cuts = [0, *(np.flatnonzero((np.diff(lanes) != 0) | again) + 1).tolist(), len(lanes)]
    return [(int(lanes[low]), slice(low, high)) for low, high in pairwise(cuts)]


def _end_m(table: Array, length_m: float, begun_m: float) -> float:
    """Where the road ends, or the lane becomes too narrow before."""
    width = table[:, CorridorColumn.LEFT] + table[:, CorridorColumn.RIGHT]
    narrow = np.flatnonzero((width < NARROW_M) & (table[:, CorridorColumn.S] > begun_m))
    usual = float(np.median(width)) >= NARROW_M
    return float(table[narrow[0], CorridorColumn.S]) if len(narrow) and usual else length_m


def _default_rows(graph: LaneGraph, table: Array, rows: list[tuple[int, slice]]) -> Flags:
    """Which rows have a limit only by the default of their road's type."""
    flags = np.zeros(len(table), dtype=np.bool_)
    for lane, span in rows:
        limits = graph.lanes[lane].limits
        s_m = table[span, CorridorColumn.LANE_S]
        place = np.searchsorted([limit.s_m for limit in limits], s_m, side="right") - 1
        defaults = np.array([limit.source == "default" for limit in limits])
        flags[span] = defaults[np.maximum(place, 0)]
    return flags


def _unmarked_rows(graph: LaneGraph, table: Array, rows: list[tuple[int, slice]]) -> Flags:
    """Which rows have no paint: inside junctions, and on lanes without marks."""
    flags = np.zeros(len(table), dtype=np.bool_)
    for lane, span in rows:
        held = graph.lanes[lane]
        flags[span] = held.junction is not None or not _is_marked(graph, held)
    return flags


def _is_marked(graph: LaneGraph, lane: Lane) -> bool:
    road = graph.network.road(lane.id.road)
    if road is None:
        return True
    beside = lane.id.lane - (1 if lane.id.lane > 0 else -1)
    records = road.sections[lane.id.section].lanes
    marks = [mark.kind for one in records if one.id in (lane.id.lane, beside) for mark in one.marks]
    return any(kind not in ("none", "curb", "grass") for kind in marks) or not marks


def _aside_m(table: Array, span: slice, lane: Lane, s_m: Array) -> Array:
    """Offsets from the rows' reference of places on a lane."""
    samples = lane.samples
    x_m = np.interp(s_m, samples[:, LaneColumn.S], samples[:, LaneColumn.X])
    y_m = np.interp(s_m, samples[:, LaneColumn.S], samples[:, LaneColumn.Y])
    aside: Array = offsets_of(table[span], x_m, y_m)
    return aside


def _centres(graph: LaneGraph, table: Array, rows: list[tuple[int, slice]]) -> Array:
    """Offset of the lanes' own middle from the reference; they part where the lane's middle jumps."""
    centres = np.zeros(len(table))
    for lane, span in rows:
        centres[span] = _aside_m(table, span, graph.lanes[lane], table[span, CorridorColumn.LANE_S])
    return centres


def _lanes_beside(
    graph: LaneGraph, table: Array, rows: list[tuple[int, slice]], direction: int
) -> tuple[Array, Flags]:
    """Offsets of the middle of the lanes to one side, and where the marks let one cross."""
    aside_m = np.full(len(table), math.nan)
    may = np.zeros(len(table), dtype=np.bool_)
    for lane, span in rows:
        held = graph.lanes[lane]
        other = held.left if direction > 0 else held.right
        if other is None:
            continue
        beside = graph.lanes[other].samples
        s_m = table[span, CorridorColumn.LANE_S]
        own = held.samples
        road_s = np.interp(s_m, own[:, LaneColumn.S], own[:, LaneColumn.ROAD_S])
        order = 1 if graph.lanes[other].along else -1
        there = np.interp(road_s, beside[::order, LaneColumn.ROAD_S], beside[::order, LaneColumn.S])
        wide = np.interp(there, beside[:, LaneColumn.S], beside[:, LaneColumn.WIDTH]) >= BESIDE_M
        aside_m[span] = np.where(wide, _aside_m(table, span, graph.lanes[other], there), math.nan)
        for low, high in held.left_changes if direction > 0 else held.right_changes:
            may[span] |= (s_m >= low) & (s_m <= high) & wide
    return aside_m, may


def _goals_m(
    way: Way, table: Array, rows: list[tuple[int, slice]], from_m: float
) -> tuple[float | None, float | None]:
    """Stations of the next place to pass and of the destination, where they lie on the course.

    The destination does only behind all places that are to be passed before.
    """
    via_m: float | None = None
    for place, guide in enumerate(way.guides):
        station_m = _station_of(guide.goals, table, rows, from_m)
        if station_m is None:
            return via_m, None
        if place == len(way.guides) - 1:
            return via_m, station_m
        via_m = station_m if via_m is None else via_m
        from_m = station_m
    return None, None


def _station_of(
    goals: dict[int, float], table: Array, rows: list[tuple[int, slice]], from_m: float
) -> float | None:
    """The first station of a place, not before one."""
    for here, span in rows:
        s_m = goals.get(here)
        places = table[span, CorridorColumn.LANE_S]
        if s_m is None or s_m > places[-1] + 1.5 or s_m < places[0] - 1.5:
            continue
        station_m = float(table[span.start, CorridorColumn.S]) + s_m - float(places[0])
        if station_m > from_m:
            return station_m
    return None
