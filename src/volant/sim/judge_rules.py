"""Rules of the road broken, from ground truth: lights, stop signs, right of way, lines, speed, direction.

Works from the lane graph and its rules alone; nobody's route is asked for. Looked at 20 Hz. What is not
judged: lines that no lane lies beyond, and whether a stop was long enough.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

from volant.core.clock import PILOT_TICK_NS, seconds
from volant.core.messages import (
    EgoTruth,
    FindingKind,
    JudgeFinding,
    LightState,
    LightTruth,
    TruthObject,
)
from volant.road import Control, Gate, LaneGraph, LanePoint, TrafficRules

_REACH_M: Final = 6.0
_STOOD_MPS: Final = 0.3
"""A stop sign asks for a standstill; slower than this counts as one (chosen)."""
_STOP_ROOM_M: Final = 6.0
"""Before the line within which that standstill must be (chosen: a car's length and a bit)."""
_OVER_PART: Final = 1.1
_OVER_MPS: Final = 2.0 / 3.6
_OVER_S: Final = 2.0
"""Speeding: more than the limit by 10 % and 2 km/h for 2 s, unless braking for a lower limit."""
_SLOWING_MPS2: Final = -0.5
_WRONG_S: Final = 1.0
_FORCED_MPS2: Final = -3.0
"""Who has right of way and has to brake harder than this was forced (the project's definition)."""
_FORCED_REACH_M: Final = 50.0
_LINE_SLACK_M: Final = 3.0
"""Along the road, within which a change of marks is not told (poses are 50 ms apart)."""
_WAIT_M: Final = 25.0
"""A red light this near holds a standing car."""


@dataclass(slots=True)
class RuleWatch:
    """What is remembered from one look to the next."""

    lane: int | None = None
    front_lane: int | None = None
    front_s_m: float = 0.0
    slowest_mps: float = math.inf
    """Near the stop line ahead."""
    crossed: dict[int, bool] = field(default_factory=dict)
    """Gates whose line was crossed and whose lane was not yet reached: whether their light was red."""
    over_s: float = 0.0
    wrong_s: float = 0.0
    told_over: bool = False
    told_wrong: bool = False
    forced_lane: int | None = None
    waits: bool = False
    """Stands at a red light."""
    place: LanePoint | None = None
    changed: bool = False
    """The lane was left for the one beside it at this look."""


@dataclass(frozen=True, slots=True)
class Approaches:
    """The gates by their approach."""

    rules: TrafficRules
    by_approach: dict[int, tuple[Gate, ...]]


def approaches(rules: TrafficRules) -> Approaches:
    """Sort the gates once for a drive."""
    found: dict[int, list[Gate]] = {}
    for gate in rules.gates.values():
        found.setdefault(gate.approach, []).append(gate)
    return Approaches(rules, {lane: tuple(gates) for lane, gates in found.items()})


def look(
    watch: RuleWatch,
    ego: EgoTruth,
    objects: tuple[TruthObject, ...],
    lights: tuple[LightTruth, ...],
    graph: LaneGraph,
    ways: Approaches,
) -> list[JudgeFinding]:
    """What is broken now; `watch` is changed in place."""
    found: list[tuple[FindingKind, str]] = []
    before = watch.lane
    place = graph.locate(ego.x_m, ego.y_m, ego.yaw_rad, before, _REACH_M)
    watch.place, watch.changed = place, False
    watch.lane = None if place is None else place.lane
    if place is not None:
        found += _lines(watch, before, place, graph)
        found += _speed(watch, ego, place)
        found += _forced(watch, ego, objects, graph, ways.rules)
    found += _direction(watch, ego, graph)
    found += _lines_ahead(watch, ego, lights, graph, ways)
    return [JudgeFinding(stamp_ns=ego.stamp_ns, kind=kind, words=words) for kind, words in found]


def _lines(
    watch: RuleWatch, before: int | None, place: LanePoint, graph: LaneGraph
) -> list[tuple[FindingKind, str]]:
    """Left for the lane beside where the marks forbid it."""
    if before is None or before == place.lane:
        return []
    held = graph.lanes[before]
    if place.lane not in (held.left, held.right):
        return []
    watch.changed = True
    left = place.lane == held.left
    s_m = graph.project(before, place.x_m, place.y_m).s_m
    spans = held.left_changes if left else held.right_changes
    if any(low - _LINE_SLACK_M <= s_m <= high + _LINE_SLACK_M for low, high in spans):
        return []
    side = "left" if left else "right"
    return [(FindingKind.SOLID_LINE, f"crossed a solid line to the {side} of lane {held.id}")]


def _speed(watch: RuleWatch, ego: EgoTruth, place: LanePoint) -> list[tuple[FindingKind, str]]:
    bound = place.limit_mps * _OVER_PART + _OVER_MPS
    if ego.speed_mps <= bound:
        watch.over_s, watch.told_over = 0.0, False
        return []
    if ego.accel_mps2 < _SLOWING_MPS2:
        return []
    watch.over_s += seconds(PILOT_TICK_NS)
    if watch.over_s < _OVER_S or watch.told_over:
        return []
    watch.told_over = True
    told = f"{3.6 * ego.speed_mps:.0f} km/h where {3.6 * place.limit_mps:.0f} are allowed"
    return [(FindingKind.SPEEDING, told)]


def _direction(watch: RuleWatch, ego: EgoTruth, graph: LaneGraph) -> list[tuple[FindingKind, str]]:
    """On a lane of the other direction, and on none of the own."""
    place = watch.place
    on_own = (
        place is not None
        and abs(place.offset_m) <= 0.5 * place.width_m
        and math.cos(ego.yaw_rad - place.heading_rad) > 0.0
    )
    if on_own or ego.speed_mps < 1.0:
        watch.wrong_s, watch.told_wrong = 0.0, False
        return []
    nearest = graph.locate(ego.x_m, ego.y_m, None, None, _REACH_M)
    against = (
        nearest is not None
        and abs(nearest.offset_m) < 0.5 * nearest.width_m
        and graph.lanes[nearest.lane].junction is None
        and math.cos(ego.yaw_rad - nearest.heading_rad) < -0.5
    )
    if not against or nearest is None:
        watch.wrong_s, watch.told_wrong = 0.0, False
        return []
    watch.wrong_s += seconds(PILOT_TICK_NS)
    if watch.wrong_s < _WRONG_S or watch.told_wrong:
        return []
    watch.told_wrong = True
    told = f"drove against the direction of lane {graph.lanes[nearest.lane].id}"
    return [(FindingKind.WRONG_WAY, told)]


def _lines_ahead(
    watch: RuleWatch,
    ego: EgoTruth,
    lights: tuple[LightTruth, ...],
    graph: LaneGraph,
    ways: Approaches,
) -> list[tuple[FindingKind, str]]:
    """Stop lines: where the front is, whether it crosses one now, and what held there."""
    ahead_m = ego.length_m - ego.rear_overhang_m
    x_m = ego.x_m + ahead_m * math.cos(ego.yaw_rad)
    y_m = ego.y_m + ahead_m * math.sin(ego.yaw_rad)
    hint = watch.lane if watch.front_lane is None else watch.front_lane
    front = graph.locate(x_m, y_m, ego.yaw_rad, hint, _REACH_M)
    watch.waits = False
    if front is None:
        watch.front_lane = None
        return []
    shown = {light.signal: light.state for light in lights}
    was, was_s = watch.front_lane, watch.front_s_m
    watch.front_lane, watch.front_s_m = front.lane, front.s_m
    _near_line(watch, ego, front, shown, ways)
    if was is None:
        return []
    for gate in ways.by_approach.get(was, ()):
        if was_s < gate.stop_s_m <= _now_on(was, front, graph):
            red = gate.light is not None and shown.get(gate.light) is LightState.RED
            watch.crossed[gate.lane] = red
    gone = ways.rules.gates.get(front.lane)
    if gone is None or front.lane not in watch.crossed:
        return []
    red = watch.crossed.pop(front.lane)
    watch.crossed.clear()
    slowest, watch.slowest_mps = watch.slowest_mps, math.inf
    if red:
        return [(FindingKind.RED_LIGHT, f"crossed the line at red: {gone.light}")]
    if gone.control is Control.STOP and slowest > _STOOD_MPS:
        return [(FindingKind.STOP_SIGN, f"did not stop at the sign, slowest {slowest:.1f} m/s")]
    return []


def _now_on(was: int, front: LanePoint, graph: LaneGraph) -> float:
    """Where the front is by now, by the s of the lane that it was on."""
    if front.lane == was:
        return front.s_m
    if front.lane in graph.lanes[was].successors:
        return graph.lanes[was].length_m + front.s_m
    return -math.inf


def _near_line(
    watch: RuleWatch,
    ego: EgoTruth,
    front: LanePoint,
    shown: dict[str, LightState],
    ways: Approaches,
) -> None:
    """How slow the car has been near the line ahead, and whether a red light holds it."""
    gates = ways.by_approach.get(front.lane, ())
    if not gates:
        return
    room_m = min(gate.stop_s_m - front.s_m for gate in gates)
    if room_m > _WAIT_M:
        watch.slowest_mps = math.inf
        return
    if room_m < _STOP_ROOM_M:
        watch.slowest_mps = min(watch.slowest_mps, ego.speed_mps)
    green = (LightState.GREEN, LightState.OFF, None)
    watch.waits = any(
        gate.light is not None and shown.get(gate.light) not in green for gate in gates
    )


def _forced(
    watch: RuleWatch,
    ego: EgoTruth,
    objects: tuple[TruthObject, ...],
    graph: LaneGraph,
    rules: TrafficRules,
) -> list[tuple[FindingKind, str]]:
    """Somebody with right of way brakes hard for us while we are on ground shared with them."""
    lane = watch.lane
    if lane is None or lane == watch.forced_lane:
        return []
    watch.forced_lane = None
    theirs = {row.other for row in rules.conflicts[lane] if row.yields}
    if not theirs:
        return []
    first = {before for other in theirs for before in graph.lanes[other].predecessors}
    for other in objects:
        if other.accel_mps2 > _FORCED_MPS2:
            continue
        dx, dy = ego.x_m - other.x_m, ego.y_m - other.y_m
        reach_m = math.hypot(dx, dy)
        ahead = math.cos(other.yaw_rad) * dx + math.sin(other.yaw_rad) * dy
        gap_m = max(reach_m - 0.5 * (ego.length_m + other.length_m), 0.5)
        if reach_m > _FORCED_REACH_M or ahead < 0.0:
            continue
        if other.speed_mps * other.speed_mps / (2.0 * gap_m) < 0.5 * -_FORCED_MPS2:
            continue
        at = graph.locate(other.x_m, other.y_m, other.yaw_rad, None, _REACH_M)
        if at is not None and (at.lane in theirs or at.lane in first):
            watch.forced_lane = lane
            told = f"made {other.object_class.value} {other.actor_id} brake, who goes first"
            return [(FindingKind.RIGHT_OF_WAY, told)]
    return []
