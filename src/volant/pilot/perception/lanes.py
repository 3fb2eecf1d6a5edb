"""Which lane the car is in: hypotheses over the lanes of the graph, with weights.

GNSS tells lanes apart only by its slow error (0.9 m typical, a minute long): the farther a lane lies
from what GNSS says, the less likely is that error. Paint at the borders and the number of lanes seen
to the left and right decide the rest within some seconds. Each hypothesis is a sideways shift of the
filter's pose, so odometry and lane offsets carry all of them along; a lane that ends, forks or is left
over a line hands its hypothesis to the lane that follows. Lanes of other levels or directions are
never neighbours here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from volant.core.geometry import wrap_angle_rad
from volant.core.messages import LaneReturn, MarkKind
from volant.road import LanePoint
from volant.road.borders import LaneBorders, lane_borders
from volant.road.kernels import project_line
from volant.road.lanes import LaneColumn, LaneGraph

Array = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LaneTuning:
    """How fast what is seen decides on the lane."""

    mark_wrong: float = 0.1
    """How often a camera mistakes broken and solid (estimated; worn paint, shadows)."""
    count_wrong: float = 0.12
    """How often it counts the lanes beside wrongly (estimated)."""
    news_s: float = 0.6
    """Frames nearer in time than this say the same once: what hides a line stays for a while."""
    least: float = 1e-4
    """No lane beside is ruled out beyond this, so that a wrong belief can be mended."""
    sure: float = 0.85
    """A lane beside is taken for the own one from this weight on."""
    reach_m: float = 12.0
    """Lanes farther from a first position than this are not thought of (R: GNSS 1 to 2 m; ten sigma)."""
    turn_rad: float = 0.9
    """Nor lanes that head elsewhere by more (50 degrees)."""
    beyond_m: float = 2.5
    """Beyond the lane's border by more than this the lane is not the own one."""


class LaneGuess(msgspec.Struct, frozen=True):
    """One lane that the car may be in."""

    lane: int
    s_m: float
    offset_m: float
    """Of the car's origin from the lane's middle, left positive, if this is the lane."""
    shift_m: float
    """How far to the left of the filter's pose the car stands, if this is the lane."""
    weight: float


class LaneBelief(msgspec.Struct, frozen=True):
    """All lanes that the car may be in, the one that the filter's pose stands for first."""

    guesses: tuple[LaneGuess, ...]
    moved: int = 0
    """How often the pose was put into another lane, because that fitted better."""

    @property
    def own(self) -> LaneGuess:
        """The lane that the filter's pose stands for."""
        return self.guesses[0]

    @property
    def weight(self) -> float:
        """How sure the own lane is, 0 to 1."""
        return self.guesses[0].weight


@dataclass(frozen=True, slots=True)
class LaneWays:
    """The graph as the compiled forecast walks it."""

    table: Array
    """[rows, 10], columns by LaneColumn."""
    starts: Integers
    lane_of_row: Integers
    grid: Array
    """x, y, cell size, columns and lines of the grid."""
    cells: Integers
    rows: Integers
    onward_starts: Integers
    onward: Integers
    """Successors of lane i: onward[onward_starts[i]:onward_starts[i + 1]]."""
    shape: Array
    """[lanes, 3] length, turn from start to end, sharpest curvature."""


@dataclass(frozen=True, slots=True)
class RoadMap:
    """The lane graph with what perception and prediction ask of it, made once at the start."""

    graph: LaneGraph
    borders: LaneBorders
    left: tuple[int, ...]
    """Of each lane: lanes of the same direction to its left."""
    right: tuple[int, ...]
    ways: LaneWays


def make_map(graph: LaneGraph) -> RoadMap:
    """Prepare a graph; once at the start, it walks every lane."""
    counts: list[list[int]] = [[], []]
    for lane in graph.lanes:
        for side, found in enumerate(counts):
            count, at, seen = 0, lane.left if side == 0 else lane.right, {lane.index}
            while at is not None and at not in seen:
                count += 1
                seen.add(at)
                at = graph.lanes[at].left if side == 0 else graph.lanes[at].right
            found.append(count)
    return RoadMap(
        graph, lane_borders(graph), tuple(counts[0]), tuple(counts[1]), _lane_ways(graph)
    )


def _lane_ways(graph: LaneGraph) -> LaneWays:
    grid, onward = graph.grid, [lane.successors for lane in graph.lanes]
    shape = np.zeros((len(graph.lanes), 3))
    for lane, row in zip(graph.lanes, shape, strict=True):
        heading = lane.samples[:, LaneColumn.HEADING]
        row[0], row[1] = lane.length_m, float(heading[-1] - heading[0])
        row[2] = float(np.abs(lane.samples[:, LaneColumn.CURVATURE]).max())
    return LaneWays(
        table=graph.table,
        starts=graph.starts,
        lane_of_row=grid.lane_of_row,
        grid=np.array((grid.x_m, grid.y_m, grid.cell_m, float(grid.columns), float(grid.lines))),
        cells=grid.starts,
        rows=grid.rows,
        onward_starts=np.cumsum([0, *map(len, onward)]).astype(np.int64),
        onward=np.array([lane for ones in onward for lane in ones], dtype=np.int64),
        shape=shape,
    )


def first_lanes(
    road: RoadMap,
    pose: tuple[float, float, float],
    sigma_m: float,
    lane: LaneReturn | None,
    tuning: LaneTuning,
) -> LaneBelief | None:
    """Lanes that a first position (x, y, yaw) may be in, the likeliest first; None where there is none.

    With a lane return the car stands at its offset in each of them, else at the position's own.
    """
    x_m, y_m, yaw_rad = pose
    found: dict[int, LanePoint] = {}
    reach = int(tuning.reach_m // 1.5)
    for step in range(-reach, reach + 1):
        aside = 1.5 * step
        px, py = x_m - aside * math.sin(yaw_rad), y_m + aside * math.cos(yaw_rad)
        at = road.graph.locate(px, py, yaw_rad, None, 2.5)
        if at is None or at.lane in found:
            continue
        if abs(wrap_angle_rad(at.heading_rad - yaw_rad)) < tuning.turn_rad:
            found[at.lane] = road.graph.project(at.lane, x_m, y_m)
    guesses = []
    sigma_m = max(sigma_m, 0.3)
    for index, at in found.items():
        stand_m = min(max(at.offset_m, -0.5 * at.width_m), 0.5 * at.width_m)
        if lane is not None:
            stand_m = lane.offset_m
        shift_m = stand_m - at.offset_m
        turn = wrap_angle_rad(at.heading_rad - yaw_rad)
        odds = -0.5 * (shift_m / sigma_m) ** 2 - 0.5 * (turn / 0.2) ** 2
        guesses.append(LaneGuess(index, at.s_m, stand_m, shift_m, odds))
    if not guesses:
        return None
    return LaneBelief(_normal(sorted(guesses, key=lambda one: (-one.weight, one.lane))[:6]))


def follow_lanes(
    belief: LaneBelief, road: RoadMap, pose: tuple[float, float, float], tuning: LaneTuning
) -> LaneBelief:
    """Carry every hypothesis on to the pose (x, y, yaw) that the filter has now."""
    guesses: list[LaneGuess] = []
    for place, one in enumerate(belief.guesses):
        moved = _follow(one, road, pose, tuning)
        if moved is None and place == 0:
            moved = _look_around(one, road, pose)
        if moved is None:
            continue
        twin = next((i for i, other in enumerate(guesses) if other.lane == moved.lane), None)
        if twin is None:
            guesses.append(moved)
        else:
            total = guesses[twin].weight + moved.weight
            guesses[twin] = replace(guesses[twin], weight=total)
    if not guesses:
        return belief
    guesses.extend(_beside(guesses, road, pose, tuning))
    total = sum(one.weight for one in guesses)
    if abs(total - 1.0) > 1e-9:
        guesses = [replace(one, weight=one.weight / total) for one in guesses]
    return replace(belief, guesses=tuple(guesses))


def weigh_lanes(
    belief: LaneBelief,
    road: RoadMap,
    lane: LaneReturn | None,
    drift: tuple[float, float],
    span_s: tuple[float, float],
    tuning: LaneTuning,
) -> LaneBelief:
    """Weigh every hypothesis by what was seen.

    drift: slow error of GNSS to the left that the own lane implies, and its spread; span_s: since the
    last weighing, by GNSS as a part of how long its error lasts, and by the lane sensor in seconds.
    """
    if len(belief.guesses) == 1:
        return belief
    weighed = []
    for one in belief.guesses:
        odds = math.log(max(one.weight, tuning.least))
        miss = (drift[0] - one.shift_m) / max(drift[1], 0.1)
        odds -= 0.5 * span_s[0] * min(miss * miss, 50.0)
        if lane is not None:
            odds += min(span_s[1] / tuning.news_s, 1.0) * _fit(one, road, lane, tuning)
        weighed.append(replace(one, weight=odds))
    guesses = _normal(weighed)
    best = max(range(len(guesses)), key=lambda i: guesses[i].weight)
    if best == 0 or guesses[best].weight < tuning.sure:
        return replace(belief, guesses=guesses)
    return _move_to(belief, guesses, best)


def _fit(one: LaneGuess, road: RoadMap, lane: LaneReturn, tuning: LaneTuning) -> float:
    """Logarithm of how likely the lane sensor tells this in that lane."""
    odds = 0.0
    left, right = road.borders.at(one.lane, one.s_m)
    for told, mapped in ((lane.left_mark, left), (lane.right_mark, right)):
        if told is MarkKind.NONE or mapped is MarkKind.NONE:
            continue
        same = (told is MarkKind.BROKEN) == (mapped is MarkKind.BROKEN)
        odds += math.log(1.0 - tuning.mark_wrong if same else tuning.mark_wrong)
    for count, expected in (
        (lane.lanes_left, road.left[one.lane]),
        (lane.lanes_right, road.right[one.lane]),
    ):
        if count is not None:
            odds += math.log(1.0 - tuning.count_wrong if count == expected else tuning.count_wrong)
    return odds


def _move_to(belief: LaneBelief, guesses: tuple[LaneGuess, ...], best: int) -> LaneBelief:
    """The belief with another lane as the own one; shifts are counted from it."""
    base = guesses[best].shift_m
    order = [guesses[best], *(one for i, one in enumerate(guesses) if i != best)]
    return LaneBelief(
        tuple(replace(one, shift_m=one.shift_m - base) for one in order), belief.moved + 1
    )


def _normal(guesses: list[LaneGuess]) -> tuple[LaneGuess, ...]:
    """Logarithms in `weight` as weights that sum to one."""
    most = max(one.weight for one in guesses)
    shares = [math.exp(max(one.weight - most, -50.0)) for one in guesses]
    total = sum(shares)
    return tuple(
        replace(one, weight=share / total) for one, share in zip(guesses, shares, strict=True)
    )


def _on(road: RoadMap, lane: int, x_m: float, y_m: float, near_s_m: float) -> tuple[float, float]:
    """Place (s, offset) of a point on a lane; s beyond its ends tells that it is not on it."""
    samples = road.graph.lanes[lane].samples
    hint = -1
    if near_s_m == near_s_m:
        hint = int(near_s_m / float(samples[-1, LaneColumn.S]) * (len(samples) - 1))
        hint = min(max(hint, 0), len(samples) - 2)
    s_m, offset_m, _row = project_line(samples, x_m, y_m, hint)
    return s_m, offset_m


def _follow(
    one: LaneGuess, road: RoadMap, pose: tuple[float, float, float], tuning: LaneTuning
) -> LaneGuess | None:
    x_m = pose[0] - one.shift_m * math.sin(pose[2])
    y_m = pose[1] + one.shift_m * math.cos(pose[2])
    lane = road.graph.lanes[one.lane]
    s_m, offset_m = _on(road, one.lane, x_m, y_m, one.s_m)
    if s_m > lane.length_m or s_m < 0.0:
        ahead = s_m > lane.length_m
        best, least = None, math.inf
        for index in lane.successors if ahead else lane.predecessors:
            next_s, next_offset = _on(road, index, x_m, y_m, math.nan)
            other = road.graph.lanes[index]
            beyond = max(-next_s, next_s - other.length_m, 0.0)
            near = road.graph.position(index, next_s)
            turn = 1.0 - math.cos(near.heading_rad - pose[2])
            cost = beyond + abs(next_offset) + 4.0 * turn
            if cost < least:
                best, least = (index, next_s, next_offset), cost
        if best is None or least > 6.0:
            return None
        index, s_m, offset_m = best
        one, lane = replace(one, lane=index), road.graph.lanes[index]
    if abs(offset_m) < 1.0:
        return replace(one, s_m=s_m, offset_m=offset_m)
    half_m = 0.5 * road.graph.position(lane.index, s_m).width_m
    if abs(offset_m) > half_m:
        beside = lane.left if offset_m > 0.0 else lane.right
        if beside is not None:
            next_s, next_offset = _on(road, beside, x_m, y_m, math.nan)
            inside = 0.0 <= next_s <= road.graph.lanes[beside].length_m
            if inside and abs(next_offset) < abs(offset_m):
                return replace(one, lane=beside, s_m=next_s, offset_m=next_offset)
        if abs(offset_m) > half_m + tuning.beyond_m:
            return None
    return replace(one, s_m=s_m, offset_m=offset_m)


def _look_around(
    one: LaneGuess, road: RoadMap, pose: tuple[float, float, float]
) -> LaneGuess | None:
    """The lane nearest to the pose, where the way that was followed has ended or was left."""
    at = road.graph.locate(pose[0], pose[1], pose[2], None, 8.0)
    if at is None:
        return None
    return replace(one, lane=at.lane, s_m=at.s_m, offset_m=at.offset_m, shift_m=0.0)


def _beside(
    guesses: list[LaneGuess],
    road: RoadMap,
    pose: tuple[float, float, float],
    tuning: LaneTuning,
) -> list[LaneGuess]:
    """Neighbours of the own lane that no hypothesis stands for yet, with hardly any weight."""
    own, born = guesses[0], []
    known = {one.lane for one in guesses}
    lane = road.graph.lanes[own.lane]
    for index in (lane.left, lane.right):
        if index is None or index in known:
            continue
        s_m, offset_m = _on(road, index, pose[0], pose[1], math.nan)
        if not 0.0 <= s_m <= road.graph.lanes[index].length_m:
            continue
        if road.graph.position(index, s_m).width_m < 2.0:
            continue
        shift_m = own.offset_m - offset_m
        born.append(LaneGuess(index, s_m, own.offset_m, shift_m, tuning.least))
    return born
