"""The turns of a way as words for people: exits, forks, turns at junctions, roundabouts, arrival."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final, NamedTuple

from volant.core.messages import TurnKind
from volant.road.lanes import Lane, LaneColumn, LaneGraph
from volant.road.right_of_way import SIDE_KINDS, turn_of

MOST_WORDS: Final = 40
SAME_M: Final = 500.0
SLIGHT_RAD: Final = math.radians(30.0)
"""Below this a way through a junction is straight on (our choice)."""
_ORDINALS: Final = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")


class Step(NamedTuple):
    """A stretch of one lane on a way; change is +1 (left), -1 (right) or 0 at its end."""

    lane: int
    s_from_m: float
    s_to_m: float
    change: int


class Turn(NamedTuple):
    """One thing that the way asks for, so far ahead."""

    kind: TurnKind
    distance_m: float
    words: str


def turns_along(
    graph: LaneGraph, ring: frozenset[int], steps: Iterable[Step], reach_m: float
) -> tuple[Turn, ...]:
    """The turns of a way within a reach, nearest first; the last may be the arrival.

    `ring` are the lanes of roundabouts, as `ring_lanes` finds them.
    """
    found: list[Turn] = []
    way: list[Step] = []
    ahead_m: list[float] = []
    run_m, arrives = 0.0, False
    for step in steps:
        way.append(step)
        ahead_m.append(run_m)
        run_m += step.s_to_m - step.s_from_m
        if run_m > reach_m + _LOOK_M:
            break
    else:
        arrives = bool(way)
    place = 1
    while place < len(way):
        if ahead_m[place] > reach_m:
            break
        turn, place = _turn(graph, ring, way, ahead_m, place)
        if turn is not None and not _again(found, turn):
            found.append(turn)
    if arrives and run_m <= reach_m:
        found.append(Turn(TurnKind.ARRIVE, run_m, "Arrive"))
    return tuple(found)


def _again(found: list[Turn], turn: Turn) -> bool:
    """Whether a turn is told already: a ramp and the lane behind it are one merge."""
    last = found[-1] if found else None
    return (
        last is not None
        and last.kind is turn.kind is TurnKind.MERGE
        and turn.distance_m - last.distance_m < SAME_M
    )


_LOOK_M: Final = 400.0
"""Road beyond the reach that is looked at to name where a turn leads."""


def _turn(
    graph: LaneGraph, ring: frozenset[int], way: list[Step], ahead_m: list[float], place: int
) -> tuple[Turn | None, int]:
    """The turn that begins at a step, or None; and the step to look at next."""
    lane, before = graph.lanes[way[place].lane], graph.lanes[way[place - 1].lane]
    if way[place - 1].change:
        return None, place + 1
    at_m = ahead_m[place]
    if _begins_ring(graph, ring, way, place):
        last = place
        while last < len(way) and (way[last].lane in ring or _to_ring(graph, ring, way, last)):
            last += 1
        count = max(_exits(graph, ring, way[place:last]), 1)
        ordinal = _ORDINALS[min(count, len(_ORDINALS)) - 1]
        return Turn(TurnKind.ROUNDABOUT, at_m, f"Roundabout, {ordinal} exit"), last + 1
    if lane.junction is not None and before.junction != lane.junction:
        last = place
        while last < len(way) and graph.lanes[way[last].lane].junction == lane.junction:
            last += 1
        into = _road_name(graph, ring, way, last)
        return _at_junction(graph, way, place, into, at_m), max(last, place + 1)
    return _outside(graph, way, place, _road_name(graph, ring, way, place), at_m), place + 1


def _begins_ring(graph: LaneGraph, ring: frozenset[int], way: list[Step], place: int) -> bool:
    if way[place - 1].lane in ring:
        return False
    return way[place].lane in ring or _to_ring(graph, ring, way, place)


def _to_ring(graph: LaneGraph, ring: frozenset[int], way: list[Step], place: int) -> bool:
    """Whether a connecting lane leads onto the ring next."""
    if graph.lanes[way[place].lane].junction is None:
        return False
    return place + 1 < len(way) and way[place + 1].lane in ring


def _exits(graph: LaneGraph, ring: frozenset[int], steps: list[Step]) -> int:
    """Ways out of the ring along steps, the last of them taken."""
    return sum(
        any(onward not in ring for onward in graph.lanes[step.lane].successors)
        for step in steps
        if step.lane in ring
    )


def _at_junction(
    graph: LaneGraph, way: list[Step], place: int, into: str, at_m: float
) -> Turn | None:
    before = graph.lanes[way[place - 1].lane]
    ways = [lane for lane in before.successors if graph.lanes[lane].junction is not None]
    if len(ways) < 2 and not _side_choice(graph, before):
        return None
    ramp = _ramp(graph, way, place)
    if ramp is not None:
        return Turn(ramp, at_m, _words(*_VERBS[ramp], into))
    turn = turn_of(graph, way[place].lane)
    if abs(turn) < SLIGHT_RAD:
        if into == before.road_name:
            return None
        return Turn(TurnKind.STRAIGHT, at_m, _words("Straight on", "into", into))
    kind = TurnKind.LEFT if turn > 0.0 else TurnKind.RIGHT
    return Turn(kind, at_m, _words(f"Turn {kind.value}", "into", into))


_VERBS: Final = {TurnKind.EXIT: ("Exit", "to"), TurnKind.MERGE: ("Merge", "onto")}


def _ramp(graph: LaneGraph, way: list[Step], place: int) -> TurnKind | None:
    """Exit or merge, where a junction parts or joins a motorway and its ramps."""
    before = graph.lanes[way[place - 1].lane]
    after = next(
        (graph.lanes[step.lane] for step in way[place:] if graph.lanes[step.lane].junction is None),
        before,
    )
    on_ramp = before.kind in SIDE_KINDS - _EXITS
    main = before.road_type == "motorway" and not on_ramp, after.road_type == "motorway"
    if main == (True, False) or (main[0] and after.kind in SIDE_KINDS):
        return TurnKind.EXIT
    if main == (False, True):
        return TurnKind.MERGE
    return None


def _side_choice(graph: LaneGraph, lane: Lane) -> bool:
    """Whether the lanes beside lead elsewhere through the junction."""
    return any(
        graph.lanes[onward].junction is not None
        for beside in (lane.left, lane.right)
        if beside is not None
        for onward in graph.lanes[beside].successors
    )


def _outside(graph: LaneGraph, way: list[Step], place: int, into: str, at_m: float) -> Turn | None:
    """Exits, merges and forks away from junctions."""
    lane, before = graph.lanes[way[place].lane], graph.lanes[way[place - 1].lane]
    if before.kind in _EXITS and lane.id.road != before.id.road:
        return Turn(TurnKind.EXIT, at_m, _words("Exit", "to", into))
    if before.road_type != "motorway" and lane.road_type == "motorway":
        return Turn(TurnKind.MERGE, at_m, _words("Merge", "onto", into))
    if len(before.successors) > 1:
        kind = TurnKind.FORK
        side = _side(graph, before, lane)
        return Turn(kind, at_m, _words(f"Keep {side}", "to", into))
    return None


_EXITS: Final = frozenset({"exit", "mwyExit"})


def _side(graph: LaneGraph, before: Lane, lane: Lane) -> str:
    """On which side of the other ways a lane goes off a fork."""
    turn = _heading(lane)
    others = [_heading(graph.lanes[other]) for other in before.successors if other != lane.index]
    return "left" if turn >= max(others) else "right"


def _heading(lane: Lane) -> float:
    heading = lane.samples[:, LaneColumn.HEADING]
    return math.remainder(float(heading[len(heading) // 2] - heading[0]), 2.0 * math.pi)


def _road_name(graph: LaneGraph, ring: frozenset[int], way: list[Step], place: int) -> str:
    """The next road with a name from a step on, outside junctions, rings and ramps."""
    here = graph.lanes[way[min(place, len(way) - 1)].lane]
    for step in way[place:]:
        lane = graph.lanes[step.lane]
        through = lane.junction is not None or step.lane in ring or lane.kind in SIDE_KINDS
        if lane.road_name and not through:
            return lane.road_name
    return here.road_name


def _words(verb: str, link: str, name: str) -> str:
    """At most 40 characters, as a screen has room for."""
    if not name:
        return verb
    words = f"{verb} {link} {name}"
    return words if len(words) <= MOST_WORDS else words[: MOST_WORDS - 1].rstrip() + "…"
