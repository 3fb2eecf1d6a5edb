"""Junctions of the built-in world: from arms and what their lanes may do to connecting roads.

A junction is told its arms in any order, which movements each incoming lane has (L, S, R), and how
each arm is controlled; ways through it, stop lines, signs, lights, priorities and controllers follow.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from volant.core.geometry import Pose, wrap_angle_rad
from volant.road import make_signs as signs
from volant.road.make_connect import connect
from volant.road.make_parts import speed_types
from volant.road.make_site import End, Mouth, Site, mouths
from volant.road.model import (
    Connection,
    Controller,
    Cubic,
    Junction,
    LaneRecord,
    LaneSection,
    Priority,
    Road,
    RoadLink,
)
from volant.road.trace import Stroke, draw, length_of, rise, taper

# Below this a way through a junction goes straight on.
STRAIGHT_RAD: Final = math.radians(40.0)
_WIDEST_M: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """A road's end at a junction.

    control: `priority`, `give_way`, `stop`, `light` or nothing. moves: for each incoming lane,
    inner first, its letters out of L, S, R; empty: every lane may do what its place allows.
    phase: of a light, the name of those it is green with. left_phase: the inner lane's own.
    """

    end: End
    control: str = ""
    moves: tuple[str, ...] = ()
    crossing: bool = False
    phase: str = ""
    left_phase: str = ""


def junction(site: Site, number: int, name: str, arms: Sequence[Arm]) -> None:
    """Build a junction; its connecting roads are numbered from 100 times its number on."""
    junction_id = str(number)
    ways = list(_ways(site, arms))
    roads, connections = [], []
    for k, (source, out_arm, mouth, goal) in enumerate(ways):
        road_id = str(100 * number + k)
        roads.append(
            way(site, road_id, junction_id, name, (source.end, mouth), (out_arm.end, goal))
        )
        links = ((mouth.lane, -1),)
        connections.append(Connection(str(k), source.end.road, road_id, "start", links))
    for arm in arms:
        site.link(arm.end, junction_id)
        _furnish(site, arm, name)
    controllers = _controllers(site, number, name, arms)
    site.add(*roads)
    site.controllers.extend(controllers)
    site.junctions.append(
        Junction(
            junction_id,
            name,
            "default",
            tuple(connections),
            tuple(_priorities(ways, roads)),
            tuple(controller.id for controller in controllers),
        )
    )


Way = tuple[Arm, Arm, Mouth, Mouth]


def _ways(site: Site, arms: Sequence[Arm]) -> Iterator[Way]:
    """Every way through: arm in, arm out, and their lanes."""
    for arm in arms:
        entering = mouths(site.roads[arm.end.road], arm.end, incoming=True)
        if not entering:
            continue
        moves = arm.moves or _usual_moves(len(entering))
        for other in arms:
            leaving = mouths(site.roads[other.end.road], other.end, incoming=False)
            if other is arm or not leaving:
                continue
            turned = wrap_angle_rad(leaving[0].pose.yaw_rad - entering[0].pose.yaw_rad)
            letter = "S" if abs(turned) < STRAIGHT_RAD else "L" if turned > 0.0 else "R"
            allowed = [m for m, letters in zip(entering, moves, strict=True) if letter in letters]
            for mouth, goal in _pairs(letter, allowed, leaving):
                yield arm, other, mouth, goal


def _usual_moves(count: int) -> tuple[str, ...]:
    if count == 1:
        return ("LSR",)
    return ("LS", *("S" for _ in range(count - 2)), "SR")


def _pairs(
    letter: str, entering: Sequence[Mouth], leaving: Sequence[Mouth]
) -> Iterator[tuple[Mouth, Mouth]]:
    """Which lane goes into which: turns keep to their side, straight on a lone lane may choose."""
    if letter == "R":
        yield from zip(reversed(entering), reversed(leaving), strict=False)
    elif letter == "L" or len(entering) > 1:
        yield from zip(entering, leaving, strict=False)
    elif entering:
        # A lone lane beside a turning one is the outer one and stays there.
        lone = entering[0]
        for goal in leaving if abs(lone.lane) == 1 else leaving[-1:]:
            yield lone, goal


def way(
    site: Site,
    road_id: str,
    junction_id: str,
    name: str,
    source: tuple[End, Mouth],
    target: tuple[End, Mouth],
    *,
    strokes: Sequence[Stroke] = (),
    kmh: float | None = None,
) -> Road:
    """A connecting road of one lane, its reference line in the lane's middle."""
    (in_end, begin), (out_end, end) = source, target
    drawn = list(strokes) or connect(begin.pose, end.pose, _WIDEST_M)
    pieces, _pose = draw(begin.pose, drawn)
    total = length_of(drawn)
    if begin.width_m == end.width_m:
        width, middle = Cubic(0.0, begin.width_m), Cubic(0.0, 0.5 * begin.width_m)
    else:
        width = taper(0.0, total, begin.width_m, end.width_m)
        middle = taper(0.0, total, 0.5 * begin.width_m, 0.5 * end.width_m)
    lane = LaneRecord(-1, "driving", (begin.lane,), (end.lane,), (width,))
    limit = kmh if kmh is not None else _least_kmh(site, in_end, out_end)
    return Road(
        id=road_id,
        name=name,
        length_m=pieces[-1].s_m + pieces[-1].length_m,
        junction=junction_id,
        left_hand=False,
        predecessor=RoadLink("road", in_end.road, in_end.contact),
        successor=RoadLink("road", out_end.road, out_end.contact),
        types=speed_types("town", ((0.0, limit),)),
        geometries=pieces,
        elevations=rise(((0.0, begin.z_m, begin.grade), (total, end.z_m, end.grade))),
        superelevations=(),
        lane_offsets=(middle,),
        sections=(LaneSection(0.0, total, (LaneRecord(0, "none"), lane)),),
    )


def _least_kmh(site: Site, *ends: End) -> float:
    found = []
    for end in ends:
        road = site.roads[end.road]
        record = road.type_at(road.length_m if end.at_end else 0.0)
        if record is not None and record.limit_mps is not None:
            found.append(record.limit_mps * 3.6)
    return round(min(found), 6)


def _furnish(site: Site, arm: Arm, name: str) -> None:
    """Crossing, stop line and signs of an arm; lights come with their controllers."""
    end = arm.end
    entering = signs.lanes_into(site, end)
    if arm.crossing:
        lit = arm.control == "light"
        from_m = signs.CROSSING_UNDER_LIGHTS_M if lit else signs.CROSSING_FROM_M
        signs.crossing(site, end, f"{name}, crossing of {site.roads[end.road].name}", from_m)
    if not entering:
        return
    line_m = signs.line_before_m(crossing=arm.crossing, lights=arm.control == "light")
    if arm.control in ("stop", "light"):
        signs.at_mouth(site, end, signs.STOP_LINE, line_m, lanes=entering)
    elif arm.control == "give_way":
        signs.at_mouth(site, end, signs.WAIT_LINE, line_m, lanes=entering)
    sign = {"priority": signs.PRIORITY_ROAD, "give_way": signs.GIVE_WAY, "stop": signs.STOP}
    if arm.control in sign:
        signs.at_mouth(site, end, sign[arm.control], line_m)


def _controllers(site: Site, number: int, name: str, arms: Sequence[Arm]) -> list[Controller]:
    """Lights of the arms, and a controller for each phase in the order of the arms."""
    phases: dict[str, list[str]] = {}
    for arm in arms:
        if arm.control != "light":
            continue
        lanes = signs.lanes_into(site, arm.end)
        post_m = signs.line_before_m(crossing=arm.crossing, lights=True) - signs.LIGHT_BEHIND_LINE_M
        parts = [(arm.phase, lanes)]
        if arm.left_phase:
            parts = [(arm.phase, lanes[1:]), (arm.left_phase, lanes[:1])]
        for k, (phase, held) in enumerate(parts):
            light = signs.at_mouth(site, arm.end, signs.LIGHT, post_m, lanes=held, higher_m=1.2 * k)
            phases.setdefault(phase, []).append(light)
    return [
        Controller(f"{number}{k}", f"{name}, {phase}", tuple(lights))
        for k, (phase, lights) in enumerate(phases.items())
    ]


def _priorities(ways: Sequence[Way], roads: Sequence[Road]) -> Iterator[Priority]:
    """Who comes from an arm with the right of way goes before who must give it."""
    for (source, _, _, _), road in zip(ways, roads, strict=True):
        if source.control != "priority":
            continue
        for (other, _, _, _), minor in zip(ways, roads, strict=True):
            if other.control in ("give_way", "stop"):
                yield Priority(road.id, minor.id)


def port(centre: Pose, reach_m: float, heading_rad: float) -> Pose:
    """Where a street leaves a junction: so far from its centre, looking away from it."""
    return Pose(centre.x_m, centre.y_m, heading_rad) @ Pose(reach_m, 0.0, 0.0)
