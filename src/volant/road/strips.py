"""A lane graph from polylines: other people's worlds, seen like our own roads.

Strips carry their own links and neighbours. Where strips that are not linked cross, or share ground
with different ranks, they form a junction; its priorities are those of the ranks. Strips lie in the
plane; points at most 2 m apart keep bends true.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from volant.core.errors import InputError
from volant.core.messages import LaneStrip
from volant.road.conflicts import Meeting, close_rows, shared_ground
from volant.road.grid_kernels import make_grid
from volant.road.lanes import COLUMNS, Lane, LaneColumn, LaneGraph, LaneId
from volant.road.limits import SpeedLimit
from volant.road.model import Junction, Priority, RoadNetwork

Array = NDArray[np.float64]

ROW_STEP_M: Final = 2.0
SAME_POINT_M: Final = 1e-6
LANE_NUMBER: Final = -1


def graph_from_strips(strips: Sequence[LaneStrip], *, left_hand: bool = False) -> LaneGraph:
    """The lane graph of strips, in their order; strip NAME is the lane `NAME:0:-1`.

    Raises:
        InputError: there is none, a name is used twice or not known, or a strip has no length.
    """
    places = _places(strips)
    lanes = [_lane(index, strip, places) for index, strip in enumerate(strips)]
    lanes = _beside_each_other(lanes)
    for lane in list(lanes):
        for target in lane.successors:
            back = (*lanes[target].predecessors, lane.index)
            lanes[target] = replace(lanes[target], predecessors=back)
    plain = _graph(lanes, RoadNetwork("strips", "", (1, 8), (), ()), left_hand=left_hand)
    junctions = _junctions(plain, strips)
    network = replace(plain.network, junctions=tuple(junction for junction, _ in junctions))
    for junction, members in junctions:
        for index in members:
            lanes[index] = replace(lanes[index], junction=junction.id)
    return _graph(lanes, network, left_hand=left_hand)


def _places(strips: Sequence[LaneStrip]) -> dict[str, int]:
    places = {strip.lane: index for index, strip in enumerate(strips)}
    if not strips:
        raise InputError("no strips, expected one at least")
    if len(places) < len(strips):
        raise InputError("a strip's name is used twice")
    for strip in strips:
        linked = (*strip.successors, *(name for name in (strip.left, strip.right) if name))
        unknown = [name for name in linked if name not in places]
        if unknown:
            raise InputError(f"links to {unknown[0]!r}, which is no strip", where=strip.lane)
    return places


def _lane(index: int, strip: LaneStrip, places: dict[str, int]) -> Lane:
    samples = _samples(strip)
    length_m = float(samples[-1, LaneColumn.S])
    whole = ((0.0, length_m),)
    left = places[strip.left] if strip.left is not None else None
    right = places[strip.right] if strip.right is not None else None
    return Lane(
        index=index,
        id=LaneId(strip.lane, 0, LANE_NUMBER),
        kind="driving",
        road_name="",
        road_type="unknown",
        junction=None,
        along=True,
        length_m=length_m,
        samples=samples,
        successors=tuple(places[name] for name in strip.successors),
        predecessors=(),
        left=left,
        right=right,
        opposite=None,
        left_changes=whole if left is not None and strip.may_change_left else (),
        right_changes=whole if right is not None and strip.may_change_right else (),
        limits=(SpeedLimit(0.0, strip.limit_mps, "lane"),),
        ends=False,
    )


def _samples(strip: LaneStrip) -> Array:
    """Rows [n, 10] along a polyline; heading and curvature from its turns."""
    points = np.column_stack((strip.x_m, strip.y_m)) if len(strip.x_m) == len(strip.y_m) else None
    if points is None or not np.isfinite(points).all():
        raise InputError("x and y differ in number, or are no numbers", where=strip.lane)
    runs = _runs(points)
    points = points[np.concatenate([[True], runs > SAME_POINT_M])]
    if len(points) < 2:
        raise InputError("a strip needs two points apart", where=strip.lane)
    runs = _runs(points)
    at = np.concatenate([[0.0], np.cumsum(runs)])
    pieces = [
        np.linspace(low, high, math.ceil((high - low) / ROW_STEP_M) + 1)[:-1]
        for low, high in pairwise(at.tolist())
    ]
    s = np.concatenate([*pieces, at[-1:]])
    headings = _headings(points, at, s)
    rows = np.zeros((len(s), COLUMNS))
    rows[:, LaneColumn.S] = rows[:, LaneColumn.ROAD_S] = s
    rows[:, LaneColumn.X] = np.interp(s, at, points[:, 0])
    rows[:, LaneColumn.Y] = np.interp(s, at, points[:, 1])
    rows[:, LaneColumn.HEADING] = headings
    rows[:, LaneColumn.CURVATURE] = _curvature(headings, s)
    rows[:, LaneColumn.WIDTH] = strip.width_m
    rows[:, LaneColumn.LIMIT] = strip.limit_mps
    return rows


def _runs(points: Array) -> Array:
    """Lengths of the pieces between points."""
    steps = np.diff(points, axis=0)
    runs: Array = np.sqrt(steps[:, 0] ** 2 + steps[:, 1] ** 2)
    return runs


def _headings(points: Array, at: Array, s: Array) -> Array:
    """Heading at s: along the pieces in their middles, linear between."""
    steps = np.diff(points, axis=0)
    along = np.unwrap([math.atan2(dy, dx) for dx, dy in steps.tolist()])
    middles = 0.5 * (at[:-1] + at[1:])
    headings: Array = np.interp(s, middles, along)
    if len(along) > 1:  # on to the ends with the turning of the last two pieces
        first = (along[1] - along[0]) / (middles[1] - middles[0])
        last = (along[-1] - along[-2]) / (middles[-1] - middles[-2])
        headings = np.where(s < middles[0], along[0] + first * (s - middles[0]), headings)
        headings = np.where(s > middles[-1], along[-1] + last * (s - middles[-1]), headings)
    return headings


def _curvature(headings: Array, s: Array) -> Array:
    if len(s) < 3:
        return np.full(len(s), float(headings[-1] - headings[0]) / float(s[-1] - s[0]))
    curvature: Array = np.gradient(headings, s)
    return curvature


def _beside_each_other(lanes: list[Lane]) -> list[Lane]:
    """Stretch ROAD_S so that lanes beside each other measure straight across."""
    row: dict[int, int] = {}
    for lane in lanes:
        if lane.index in row:
            continue
        edge = [lane.index]
        while edge:
            here = edge.pop()
            if here not in row:
                row[here] = lane.index
                sides = (lanes[here].left, lanes[here].right)
                edge.extend(side for side in sides if side is not None)
    for lane in lanes:
        share = lanes[row[lane.index]].length_m / lane.length_m
        lane.samples[:, LaneColumn.ROAD_S] = lane.samples[:, LaneColumn.S] * share
    return lanes


def _graph(lanes: list[Lane], network: RoadNetwork, *, left_hand: bool) -> LaneGraph:
    table = np.ascontiguousarray(np.concatenate([lane.samples for lane in lanes]))
    lengths = [len(lane.samples) for lane in lanes]
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return LaneGraph(
        network=network,
        lanes=tuple(
            replace(lane, samples=table[starts[lane.index] : starts[lane.index + 1]])
            for lane in lanes
        ),
        table=table,
        starts=starts,
        findings=(),
        signals=(),
        left_hand=left_hand,
        ids={lane.id: lane.index for lane in lanes},
        grid=make_grid(table, np.repeat(np.arange(len(lanes), dtype=np.int64), lengths)),
    )


def _junctions(
    graph: LaneGraph, strips: Sequence[LaneStrip]
) -> list[tuple[Junction, tuple[int, ...]]]:
    """Strips that cross, or meet with different ranks, and their neighbours from one approach."""
    pairs = [
        (one.index, other.index)
        for one, other in combinations(graph.lanes, 2)
        if _cross(one, other)
    ]
    pairs += [
        (row.lane, row.other)
        for rows in shared_ground(graph)
        for row in rows
        if row.meeting is Meeting.MERGE
        and row.lane < row.other
        and strips[row.lane].rank != strips[row.other].rank
    ]
    inside = {index for pair in pairs for index in pair}
    for lane in graph.lanes:  # what parts from the same approach belongs to the same junction
        if inside & set(lane.successors):
            pairs += [(lane.successors[0], other) for other in lane.successors[1:]]
    root = list(range(len(strips)))

    def find(index: int) -> int:
        while root[index] != index:
            index = root[index]
        return index

    for one, other in pairs:
        low, high = sorted((find(one), find(other)))
        root[high] = low
    ranked: dict[int, list[Priority]] = defaultdict(list)
    for one, other in pairs:
        high, low = sorted((one, other), key=lambda index: -strips[index].rank)
        if strips[high].rank > strips[low].rank:
            ranked[find(one)].append(Priority(strips[high].lane, strips[low].lane))
    members: dict[int, list[int]] = defaultdict(list)
    for index in sorted({index for pair in pairs for index in pair}):
        members[find(index)].append(index)
    return [
        (Junction(f"meeting {held}", "", "default", (), tuple(ranked[held])), tuple(lanes))
        for held, lanes in members.items()
    ]


def _cross(one: Lane, other: Lane) -> bool:
    """Whether two strips share ground without a link, a common end, or lying side by side."""
    if other.index in (one.left, one.right) or one.index in (other.left, other.right):
        return False
    if _apart(one, other):
        return False
    linked = other.index in one.successors or one.index in other.successors
    if linked or set(one.predecessors) & set(other.predecessors):
        return False
    if set(one.successors) & set(other.successors):
        return False
    near = {*one.successors, *one.predecessors} & {*other.successors, *other.predecessors}
    ends = one.samples[[0, -1], LaneColumn.X : LaneColumn.Z]
    others = other.samples[[0, -1], LaneColumn.X : LaneColumn.Z]
    touch = np.abs(ends[:, None, :] - others[None, :, :]).max(axis=2).min() < ROW_STEP_M
    return not near and not touch and close_rows(one, other) is not None


def _apart(one: Lane, other: Lane) -> bool:
    """Whether the boxes around two strips do not touch, lane width included."""
    a = one.samples[:, LaneColumn.X : LaneColumn.Z]
    b = other.samples[:, LaneColumn.X : LaneColumn.Z]
    room_m = float(one.samples[0, LaneColumn.WIDTH] + other.samples[0, LaneColumn.WIDTH])
    low, high = np.maximum(a.min(axis=0), b.min(axis=0)), np.minimum(a.max(axis=0), b.max(axis=0))
    return bool((low > high + room_m).any())
