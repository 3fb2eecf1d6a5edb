"""Which trip to drive: the wish of a user, and the lane and stretch of road that serve it.

The wish is plain data and stands in the journal's header, so that a replay composes the same drive.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from volant.core.errors import InputError
from volant.road import (
    Corridor,
    Lane,
    LaneGraph,
    Place,
    RouteLeg,
    build_corridor,
    find_place,
    follow,
    main_road,
    make_guide,
    places,
)
from volant.sim.sensors import LEVELS

START_M: Final = 10.0
"""The rear axle stands this far into the corridor, so that the whole car is on it."""
BEYOND_M: Final = 600.0
"""Road kept beyond the destination: what the pilot looks ahead at 40 m/s (v^2/6 + 30 m, and room)."""
END_ROOM_M: Final = 25.0
"""Left free before a road's end: the car's front, and what is needed to stand before it."""
LEAST_TRIP_M: Final = 50.0
DEFAULT_M: Final = 4000.0
"""Driven where neither a destination nor a distance was given, and the road names no usual trip."""
DEFAULT_START: Final = "market-car-park"
DEFAULT_TO: Final = "station-car-park"
CANDIDATES: Final = 12
"""Lanes whose whole corridor is laid out, the most promising first."""


class TripWish(msgspec.Struct, frozen=True, kw_only=True):
    """What a user asks for; everything that a replay needs besides the files it names."""

    car: str
    road: str
    seed: Annotated[int, Meta(ge=0, lt=1 << 53)]
    sensors: str
    cars: Annotated[int, Meta(ge=0, le=500)] | None
    """Other cars near ours; null takes the default."""
    distance_m: Annotated[float, Meta(ge=LEAST_TRIP_M)] | None = None
    """Metres to drive along the main road; null: to `to`, else what is usual on the road."""
    start: str | None = None
    """Place to begin at, as `volant.road.find_place` takes it."""
    to: str | None = None
    """Place to arrive at."""
    via: tuple[str, ...] = ()
    """Places to pass on the way, in order."""
    bus: str | None = None
    """The car's units are joined by buses of this kind, as `app.canbus` takes it; null: directly."""


@dataclass(frozen=True, slots=True)
class Ends:
    """The places of a trip from somewhere to somewhere."""

    begin: Place
    via: tuple[Place, ...]
    goal: Place


@dataclass(frozen=True, slots=True)
class Stretch:
    """The road a trip takes."""

    corridor: Corridor
    start_m: float
    """Station of the rear axle at the start."""
    destination_m: float
    """Station to arrive at."""
    whole: bool
    """The road is long enough for the distance asked for."""


def check_sensors(level: str) -> None:
    """Refuse a level of sensors that there is not.

    Raises:
        InputError: with the names that there are.
    """
    if level not in LEVELS:
        raise InputError(f"no sensors named {level!r}; there are: {', '.join(LEVELS)}")


def choose_stretch(graph: LaneGraph, distance_m: float, file: Path) -> Stretch:
    """The longest drive along one main road, as far as the distance asked for.

    Every driving lane outside junctions is tried from its begin. What serves longest wins, then a
    motorway, then what keeps its lane longest, then a lane with a neighbour on either side, then the
    first in the file's order.

    Raises:
        InputError: the road has no lane to drive on, or none that is long enough.
    """
    lanes = [lane for lane in graph.lanes if lane.kind == "driving" and lane.length_m > 1.0]
    if not lanes:
        raise InputError("has no drivable lane", file=str(file))
    wanted_m = START_M + distance_m + BEYOND_M
    starts = [lane for lane in lanes if lane.junction is None] or lanes
    reach_m = {lane.index: _reach_m(graph, lane, wanted_m) for lane in starts}
    begins = sorted(starts, key=lambda lane: _merit(lane, reach_m[lane.index]), reverse=True)
    best, corridor = max(
        ((lane, follow(graph, lane.index, 0.0, wanted_m)) for lane in begins[:CANDIDATES]),
        key=lambda tried: (
            *_merit(tried[0], tried[1].length_m)[:2],
            -_changes(graph, tried[1]),
            *_merit(tried[0], tried[1].length_m)[2:],
        ),
    )
    if corridor.length_m < START_M + LEAST_TRIP_M + END_ROOM_M:
        words = f"the longest drive is {corridor.length_m:.0f} m on lane {best.id}, too short"
        raise InputError(words, file=str(file))
    destination_m = min(START_M + distance_m, corridor.length_m - END_ROOM_M)
    whole = destination_m >= START_M + distance_m - 1e-6
    return Stretch(corridor, START_M, destination_m, whole)


def choose_ends(graph: LaneGraph, wish: TripWish) -> Ends | None:
    """The places that a wish names, or those usual on the road; None: a distance is driven.

    Raises:
        InputError: a place is unknown, a start or via is given without a destination to go with, or a
            distance is given with a destination.
    """
    file = graph.network.file
    if wish.to is not None and wish.distance_m is not None:
        raise InputError(
            "a trip ends at a place (--to) or after a distance (--distance), found both", file=file
        )
    known = {place.name: place for place in places(graph)}
    usual = wish.distance_m is None and wish.start is None
    to = wish.to
    if to is None and usual and DEFAULT_START in known and DEFAULT_TO in known:
        to = DEFAULT_TO
    if to is None:
        if wish.via:
            raise InputError("--via needs a destination: give --to", file=file)
        return None
    goal = find_place(graph, to)
    via = tuple(find_place(graph, name) for name in wish.via)
    if wish.start is not None:
        begin = find_place(graph, wish.start)
    elif DEFAULT_START in known:
        begin = known[DEFAULT_START]
    else:
        begin = _usual_begin(graph, (*via, goal)[0])
    return Ends(begin, via, goal)


def _usual_begin(graph: LaneGraph, goal: Place) -> Place:
    """Where a road names no start: the begin of the longest lane from which the goal is reached."""
    guide = make_guide(graph, (goal.lane, goal.s_m))
    lanes = [
        lane
        for lane in graph.lanes
        if lane.junction is None
        and lane.kind == "driving"
        and lane.length_m > START_M
        and LEAST_TRIP_M < guide.distance_m(lane.index, START_M) < math.inf
    ]
    if not lanes:
        raise InputError(f"no lane leads to {goal.name!r}", file=graph.network.file)
    best = max(lanes, key=lambda lane: (lane.length_m, -lane.index))
    return Place(f"{best.id}@{START_M:g}", best.index, START_M, "lane")


def lead_stretch(graph: LaneGraph, ends: Ends) -> Stretch:
    """The road from place to place, by the quickest way, and some of the main road behind the last.

    Raises:
        InputError: no way leads there, or the places lie too close.
    """
    file = graph.network.file
    stops = (ends.begin, *ends.via, ends.goal)
    legs: list[RouteLeg] = []
    for one, other in pairwise(stops):
        part = make_guide(graph, (other.lane, other.s_m)).legs(one.lane, one.s_m)
        if not part:
            words = f"no way leads from {one.name!r} to {other.name!r}"
            raise InputError(words, file=file)
        legs.extend(part)
    before = _legs_before(graph, ends.begin)
    beyond, _whole = main_road(graph, ends.goal.lane, ends.goal.s_m, BEYOND_M)
    way = build_corridor(graph, [*before, *legs])
    corridor = build_corridor(graph, [*before, *legs, *beyond])
    start_m = sum(leg.s_to_m - leg.s_from_m for leg in before)
    destination_m = min(way.length_m, corridor.length_m - END_ROOM_M)
    if destination_m - start_m < LEAST_TRIP_M:
        words = (
            f"{ends.begin.name!r} and {ends.goal.name!r} lie {destination_m - start_m:.0f} m apart"
        )
        words = f"{words} on the way, expected {LEAST_TRIP_M:.0f} m or more"
        raise InputError(f"{words}; --via leads a round trip somewhere", file=file)
    return Stretch(corridor, start_m, destination_m, True)


def _legs_before(graph: LaneGraph, begin: Place) -> list[RouteLeg]:
    """Road behind the rear axle, so that the whole car is on it where there is some."""
    here_m = min(begin.s_m, START_M)
    legs = [RouteLeg(begin.lane, begin.s_m - here_m, begin.s_m)] if here_m > 0.0 else []
    sources = graph.lanes[begin.lane].predecessors
    if here_m < START_M and sources:
        source = graph.lanes[sources[0]]
        back_m = min(START_M - here_m, source.length_m)
        legs.insert(0, RouteLeg(source.index, source.length_m - back_m, source.length_m))
    return legs


def follow_from(graph: LaneGraph, begin: Place, distance_m: float) -> Stretch:
    """The main road from a place on, as far as the distance asked for.

    Raises:
        InputError: too little road lies ahead.
    """
    before = _legs_before(graph, begin)
    ahead, _whole = main_road(graph, begin.lane, begin.s_m, distance_m + BEYOND_M)
    corridor = build_corridor(graph, [*before, *ahead])
    start_m = sum(leg.s_to_m - leg.s_from_m for leg in before)
    destination_m = min(start_m + distance_m, corridor.length_m - END_ROOM_M)
    if destination_m - start_m < LEAST_TRIP_M:
        words = f"only {max(destination_m - start_m, 0.0):.0f} m of road ahead of {begin.name!r}"
        raise InputError(words, file=graph.network.file)
    whole = destination_m >= start_m + distance_m - 1e-6
    return Stretch(corridor, start_m, destination_m, whole)


def _merit(lane: Lane, reach_m: float) -> tuple[float, bool, int, int]:
    """How well a lane begins a trip that reaches so far; larger is better."""
    neighbours = (lane.left is not None) + (lane.right is not None)
    return round(reach_m, -1), lane.road_type == "motorway", neighbours, -lane.index


def _reach_m(graph: LaneGraph, lane: Lane, wanted_m: float) -> float:
    """How far the main road goes on from a lane's begin, up to what is wanted."""
    reach_m, here = lane.length_m, lane
    for _ in range(len(graph.lanes) * 4):
        onward = graph.main_successor(here.index)
        if onward is None or reach_m >= wanted_m:
            break
        here = graph.lanes[onward]
        reach_m += here.length_m
    return min(reach_m, wanted_m)


def _changes(graph: LaneGraph, corridor: Corridor) -> int:
    """How often the corridor moves to a neighbour lane."""
    return sum(
        later in (graph.lanes[sooner].left, graph.lanes[sooner].right)
        for sooner, later in pairwise(corridor.lanes)
    )
