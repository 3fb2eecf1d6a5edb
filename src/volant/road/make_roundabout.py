"""Roundabouts of the built-in world: a one-lane circle, each arm's junction cut out of it.

Between two arms the circle is a road of its own; at an arm three ways meet: on along the circle, out
to the arm, in from the arm. Who is on the circle goes first (StVO 8(1a), signs 205 and 215).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from volant.core.geometry import Pose, wrap_angle_rad
from volant.road import make_signs as signs
from volant.road.make_junction import way
from volant.road.make_parts import COUNTRY_EDGE, lane, speed_types
from volant.road.make_site import End, Site, end_pose, mouths
from volant.road.model import (
    Connection,
    Cubic,
    Junction,
    LaneRecord,
    LaneSection,
    Priority,
    Road,
)
from volant.road.trace import Stroke, draw, rise

# Lane centre's radius and half the angle an arm's junction takes: ways in and out of 14 m and more.
RADIUS_M: Final = 18.0
HALF_ANGLE_RAD: Final = math.radians(30.0)
# The arms end this far from the centre.
REACH_M: Final = 30.0
_LANE_M: Final = 4.5
_KMH: Final = 30.0


def roundabout(
    site: Site, number: int, name: str, centre: Pose, z_m: float, arms: Sequence[tuple[End, bool]]
) -> None:
    """Build a roundabout from its arms and whether people cross them.

    Numbers: junctions from `number` on, circle roads 10 times it, ways 10 times their junction's.

    Raises:
        ValueError: two arms are too close for the circle to go on between them.
    """
    ordered = sorted(arms, key=lambda arm: _angle(site, arm[0], centre) % (2.0 * math.pi))
    angles = [_angle(site, end, centre) for end, _ in ordered]
    count = len(ordered)
    circle = []
    for k in range(count):
        begin, until = angles[k] + HALF_ANGLE_RAD, angles[(k + 1) % count] - HALF_ANGLE_RAD
        turned = (until - begin) % (2.0 * math.pi)
        if turned * RADIUS_M > 1.6 * math.pi * RADIUS_M and count > 1:
            raise ValueError(f"{name}: arms {k} and {(k + 1) % count} are too close")
        circle.append(_arc(f"{10 * number + 5 + k}", name, centre, begin, turned, z_m))
    site.add(*circle)
    for k, (end, crossed) in enumerate(ordered):
        junction = number + k
        _arm_junction(site, junction, name, end, circle[k - 1], circle[k])
        _furnish(site, end, name, crossed)


def _angle(site: Site, end: End, centre: Pose) -> float:
    pose = end_pose(site.roads[end.road], at_end=end.at_end)
    return math.atan2(pose.y_m - centre.y_m, pose.x_m - centre.x_m)


def _arc(road_id: str, name: str, centre: Pose, begin: float, turned: float, z_m: float) -> Road:
    start = Pose(centre.x_m, centre.y_m, begin) @ Pose(RADIUS_M, 0.0, 0.5 * math.pi)
    pieces, _end = draw(start, [Stroke(turned * RADIUS_M, 1.0 / RADIUS_M, 1.0 / RADIUS_M)])
    length_m = pieces[-1].length_m
    lanes = (
        LaneRecord(0, "none", marks=(COUNTRY_EDGE,)),
        lane(-1, "driving", _LANE_M, COUNTRY_EDGE),
    )
    return Road(
        id=road_id,
        name=name,
        length_m=length_m,
        junction=None,
        left_hand=False,
        predecessor=None,
        successor=None,
        types=speed_types("town", ((0.0, _KMH),)),
        geometries=pieces,
        elevations=rise(((0.0, z_m, 0.0), (length_m, z_m, 0.0))),
        superelevations=(),
        lane_offsets=(Cubic(0.0, 0.5 * _LANE_M),),
        sections=(LaneSection(0.0, length_m, lanes),),
    )


def _arm_junction(site: Site, number: int, name: str, end: End, before: Road, after: Road) -> None:
    junction_id, road_id = str(number), 10 * number
    arrives, leaves = End(before.id, at_end=True), End(after.id, at_end=False)
    on_circle = mouths(before, arrives, incoming=True)[0]
    circle_on = mouths(after, leaves, incoming=False)[0]
    turned = wrap_angle_rad(circle_on.pose.yaw_rad - on_circle.pose.yaw_rad)
    arc = Stroke(turned % (2.0 * math.pi) * RADIUS_M, 1.0 / RADIUS_M, 1.0 / RADIUS_M)
    source, target = (arrives, on_circle), (leaves, circle_on)
    ahead = way(site, str(road_id), junction_id, name, source, target, strokes=(arc,), kmh=_KMH)
    roads = [ahead]
    connections = [Connection("0", before.id, ahead.id, "start", ((-1, -1),))]
    arm = site.roads[end.road]
    for mouth in mouths(arm, end, incoming=False)[:1]:
        out = way(site, str(road_id + 1), junction_id, name, source, (end, mouth), kmh=_KMH)
        roads.append(out)
        connections.append(Connection("1", before.id, out.id, "start", ((-1, -1),)))
    priorities: tuple[Priority, ...] = ()
    for mouth in mouths(arm, end, incoming=True)[:1]:
        into = way(site, str(road_id + 2), junction_id, name, (end, mouth), target, kmh=_KMH)
        roads.append(into)
        connections.append(Connection("2", end.road, into.id, "start", ((mouth.lane, -1),)))
        priorities = (Priority(ahead.id, into.id),)
    for touched in (arrives, leaves, end):
        site.link(touched, junction_id)
    site.add(*roads)
    site.junctions.append(Junction(junction_id, name, "default", tuple(connections), priorities))


def _furnish(site: Site, end: End, name: str, crossed: bool) -> None:
    if crossed:
        words = f"{name}, crossing of {site.roads[end.road].name}"
        signs.crossing(site, end, words, signs.CROSSING_FROM_M)
    if not signs.lanes_into(site, end):
        return
    signs.at_mouth(site, end, signs.WAIT_LINE, signs.LINE_BEFORE_M)
    signs.at_mouth(site, end, signs.GIVE_WAY, signs.LINE_BEFORE_M)
    signs.at_mouth(site, end, signs.ROUNDABOUT, signs.LINE_BEFORE_M, higher_m=-0.7)
    if crossed:
        far_m = signs.CROSSING_FROM_M + signs.CROSSING_WIDE_M
        signs.at_mouth(site, end, signs.ZEBRA_SIGN, far_m)
