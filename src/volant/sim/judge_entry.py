"""Who moved when two road users came onto one course: the other, or we.

A cut-in excuses only if the other came over by itself: by its own way across our lane's direction,
while we neither moved over towards it nor stood under the duty to let it pass. The same question asked
the other way round tells whether who strikes us from behind was cut in on by us.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from volant.core.messages import EgoTruth, TruthObject
from volant.road import LaneGraph, LanePoint, TrafficRules

MOVED_M: Final = 0.1
"""Within the half second that is remembered: 0.2 m/s across. Weaving in a lane stays below it, a lane
change is at 0.5 m/s and more (3.5 m in 3 to 7 s; recalled)."""
OWN_MPS: Final = 0.3
"""We move over when faster than this across our own lane (chosen: above what keeping a lane asks for)."""
_YIELD_M: Final = 30.0
"""So far before and behind a junction's lane its duty to let others pass is counted (chosen)."""
_REACH_M: Final = 6.0
_MOST_LANES: Final = 12
_AHEAD_M: Final = 150.0


class Ground(NamedTuple):
    """What the truth of a lane is told from: the map, its rules, and where the car is on it."""

    graph: LaneGraph
    rules: TrafficRules
    place: LanePoint | None
    """None: off every lane."""


def own_across_mps(ground: Ground | None, ego: EgoTruth) -> float:
    """How fast the car moves over in its own lane, positive to the left."""
    if ground is None or ground.place is None:
        return 0.0
    turned = ego.yaw_rad - ground.place.heading_rad
    return ego.speed_mps * math.sin(turned) + ego.lateral_speed_mps * math.cos(turned)


def came_over(
    ground: Ground | None,
    ego: EgoTruth,
    other: TruthObject,
    was: tuple[float, float],
    left_m: float,
) -> bool:
    """Whether somebody came into our way by itself, and not against our duty to let it pass.

    `was` is where it was half a second ago, `left_m` where it is beside our course now.
    """
    if ground is None or ground.place is None:
        return False
    heading = _heading_there(ground.graph, ground.place, other)
    if heading is None:
        return False
    across = math.cos(heading) * (other.y_m - was[1]) - math.sin(heading) * (other.x_m - was[0])
    if across * left_m >= 0.0 or abs(across) < MOVED_M:
        return False
    if math.copysign(1.0, left_m) * own_across_mps(ground, ego) > OWN_MPS:
        return False
    return not _goes_first(ground, ground.place, other)


def _heading_there(graph: LaneGraph, place: LanePoint, other: TruthObject) -> float | None:
    """Direction of our lane, or of those that it leads to, where the other is nearest to it."""
    best, best_m = None, math.inf
    queue = [(place.lane, -place.s_m)]
    for _ in range(_MOST_LANES):
        if not queue:
            break
        lane, begins_m = queue.pop(0)
        foot = graph.project(lane, other.x_m, other.y_m)
        centre = graph.position(lane, foot.s_m)
        away_m = math.hypot(centre.x_m - other.x_m, centre.y_m - other.y_m)
        if away_m < best_m - 1e-9:
            best, best_m = centre.heading_rad, away_m
        held = graph.lanes[lane]
        ends_m = begins_m + held.length_m
        if ends_m < _AHEAD_M:
            queue += [(onward, ends_m) for onward in held.successors]
    return best


def _goes_first(ground: Ground, place: LanePoint, other: TruthObject) -> bool:
    """Whether the other is on ground where we have to let it pass: before, in or behind a junction."""
    graph, held = ground.graph, ground.graph.lanes[place.lane]
    own = {place.lane}
    if held.length_m - place.s_m < _YIELD_M:
        own.update(held.successors)
    if place.s_m < _YIELD_M:
        own.update(held.predecessors)
    theirs = {row.other for lane in own for row in ground.rules.conflicts[lane] if row.yields}
    if not theirs:
        return False
    at = graph.locate(other.x_m, other.y_m, other.yaw_rad, None, _REACH_M)
    if at is None:
        return False
    here = graph.lanes[at.lane]
    return at.lane in theirs or bool(theirs.intersection((*here.successors, *here.predecessors)))


def we_came_over(ground: Ground | None, ego: EgoTruth, left_m: float) -> bool:
    """Whether we move over towards somebody beside or behind us, who is so far to our left."""
    return math.copysign(1.0, left_m) * own_across_mps(ground, ego) > OWN_MPS


__all__ = ["Ground", "came_over", "own_across_mps", "we_came_over"]
