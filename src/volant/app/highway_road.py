"""The roads of highway-env as strips: links, neighbours, ranks, and what the package leaves open.

Its slip lanes at roundabouts end metres away from the ring, because its cars steer to the nearest lane;
here they are led onto it.
"""

from __future__ import annotations

import math
from typing import Any, Final

from volant.core.messages import LaneStrip
from volant.sim.external import bridge

POINT_M: Final = 1.0
BEYOND_M: Final = 1000.0
"""The package's cars drive on behind the end of the last lane, and so do ours."""
JOINT_M: Final = 1.0
SLIP_M: Final = 8.0
"""The package's slip lanes end metres away from the ring: from so far before, they are led onto it."""
_CLOSED: Final = (2, 3)
"""LineType.CONTINUOUS and CONTINUOUS_LINE."""

Index = tuple[str, str, int]


class HighwayRoad:
    """A road network of the package."""

    def __init__(self, graph: dict[str, dict[str, list[Any]]]) -> None:
        self._graph = graph
        self._lanes: dict[Index, Any] = {
            (begin, end, k): lane
            for begin, ends in graph.items()
            for end, beside in ends.items()
            for k, lane in enumerate(beside)
        }

    def strips(self) -> tuple[LaneStrip, ...]:
        """Every lane, y mirrored."""
        return tuple(self._strip(index) for index in self._lanes)

    def _strip(self, index: Index) -> LaneStrip:
        """A lane with its links, its neighbours and its rank."""
        lane, (begin, end, k) = self._lanes[index], index
        count = 1 if type(lane).__name__ == "StraightLane" else math.ceil(lane.length / POINT_M)
        points = [lane.position(lane.length * j / count, 0.0) for j in range(count + 1)]
        follow = [one for one in self._lanes if self._leads(index, one)]
        if _slips(lane):  # it ends short of the ring, and begins away from it
            before = [one for one in self._lanes if self._leads(one, index)]
            low, high = min(SLIP_M, 0.3 * lane.length), max(lane.length - SLIP_M, 0.7 * lane.length)
            points = [lane.position(low + (high - low) * j / count, 0.0) for j in range(count + 1)]
            for one in before[:1]:
                held = self._lanes[one]
                points[:0] = bridge(*_pose(held, held.length), *_pose(lane, low), POINT_M)
            for one in follow[:1]:
                points += bridge(*_pose(lane, high), *_pose(self._lanes[one], 0.0), POINT_M)
        if not set(self._graph.get(end, {})) - {begin}:
            points.append(lane.position(lane.length + BEYOND_M, 0.0))
        left, right = self._lanes.get((begin, end, k - 1)), self._lanes.get((begin, end, k + 1))
        return LaneStrip(
            lane=name_of(index),
            x_m=tuple(float(x) for x, _ in points),
            y_m=tuple(-float(y) for _, y in points),
            width_m=4.0,
            limit_mps=float(lane.speed_limit or 25.0),
            successors=tuple(name_of(one) for one in follow),
            left=name_of((begin, end, k - 1)) if left else None,
            right=name_of((begin, end, k + 1)) if right else None,
            may_change_left=left is not None and self._open(left, lane, (end, begin, k - 1)),
            may_change_right=right is not None and self._open(lane, right, (end, begin, k + 1)),
            # Who joins by a curved slip lane gives way to those on the ring.
            rank=2 * int(lane.priority) - _slips(lane),
        )

    def _leads(self, index: Index, to: Index) -> bool:
        """Whether a lane goes on in another: it begins there, or is the nearest to a slip lane."""
        if index[1] != to[0] or index[0] == to[1]:
            return False
        lane, other = self._lanes[index], self._lanes[to]
        gap_m = _gap_m(lane, other)
        if gap_m < JOINT_M or not (_slips(lane) or _slips(other)):
            return gap_m < JOINT_M
        graph = self._graph
        nearest = min(_gap_m(lane, one) for one in graph[to[0]][to[1]])
        return gap_m == min(nearest, *(_gap_m(one, other) for one in graph[index[0]][index[1]]))

    def _open(self, left: Any, right: Any, against: Index) -> bool:
        """Whether the line between two lanes may be crossed, and nobody comes the other way there."""
        closed = left.line_types[1] in _CLOSED or right.line_types[0] in _CLOSED
        return not closed and against not in self._lanes


def name_of(index: Index) -> str:
    """What a lane of the package is called here."""
    return f"{index[0]}>{index[1]}#{index[2]}"


def _slips(lane: Any) -> bool:
    return type(lane).__name__ == "SineLane"


def _pose(lane: Any, at_m: float) -> tuple[tuple[float, float], float]:
    return lane.position(at_m, 0.0), lane.heading_at(at_m)


def _gap_m(lane: Any, other: Any) -> float:
    return math.dist(lane.position(lane.length, 0.0), other.position(0.0, 0.0))
