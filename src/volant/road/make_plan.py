"""A town's plan as a table: crossings, streets between them, what stands beside, and named places."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from volant.core.geometry import Pose
from volant.road.make_junction import port
from volant.road.make_parts import speed_signs
from volant.road.make_site import End, Site
from volant.road.make_street import PARKING_M, Section, street
from volant.road.model import RoadObject

EAST: Final = 0.0
NORTH: Final = 0.5 * math.pi
WEST: Final = math.pi
SOUTH: Final = -0.5 * math.pi

# Kerbside places (RASt 06, recalled): 2 m by 5.5 m with room to steer in; none near a junction.
_SPACE_M: Final = (5.5, 2.0)
_PITCH_M: Final = 6.5
_CLEAR_M: Final = 25.0


@dataclass(frozen=True, slots=True)
class Block:
    """A street of the plan: from a crossing in a direction, to a crossing from its side."""

    road: str
    name: str
    start: str
    leaving: float
    goal: str
    arriving: float
    section: Section


@dataclass(frozen=True, slots=True)
class Crossing:
    """A crossing's centre and how far from it the streets begin."""

    centre: Pose
    reach_m: float

    def leave(self, heading_rad: float) -> Pose:
        """Where a street that leaves that way begins."""
        return port(self.centre, self.reach_m, heading_rad)

    def arrive(self, from_rad: float) -> Pose:
        """Where a street that comes from that side ends."""
        away = self.leave(from_rad)
        return Pose(away.x_m, away.y_m, from_rad + math.pi)


def crossings_at(
    origin: Pose, table: Mapping[str, tuple[float, float, float]]
) -> dict[str, Crossing]:
    """Crossings from metres east and north of an origin, and reach."""
    return {
        name: Crossing(Pose(origin.x_m + east, origin.y_m + north, 0.0), reach_m)
        for name, (east, north, reach_m) in table.items()
    }


def lay_streets(
    site: Site, crossings: Mapping[str, Crossing], blocks: Sequence[Block], z_m: float
) -> None:
    """Build the streets of a plan, with kerbside places and signs of slow ones."""
    for block in blocks:
        begin = crossings[block.start].leave(block.leaving)
        goal = crossings[block.goal].arrive(block.arriving)
        site.add(street(block.road, block.name, begin, goal, block.section, z_m))
        _park_beside(site, block.road, block.section)
        if block.section.kmh != 50.0:
            _sign_limit(site, block.road, block.section)


def name_place(site: Site, road_id: str, place: str, share: float, *, left: bool = False) -> None:
    """Give a place beside a road a name that a driver can ask for."""
    road = site.roads[road_id]
    side = 1.0 if left else -1.0
    item = RoadObject(
        id=f"{road_id}-p{len(road.objects) + 1}",
        name=place,
        kind="none",
        s_m=round(share * road.length_m, 2),
        t_m=side * 7.0,
        place=place,
    )
    site.furnish(road_id, objects=(item,))


def _park_beside(site: Site, road_id: str, section: Section) -> None:
    road = site.roads[road_id]
    sides = (
        (section.parking_right, -1.0, section.forth),
        (section.parking_left, 1.0, section.back),
    )
    found: list[RoadObject] = []
    for wanted, side, lanes in sides:
        count = int((road.length_m - 2.0 * _CLEAR_M) / _PITCH_M) if wanted else 0
        t_m = side * (lanes * section.lane_m + 0.5 * PARKING_M)
        for _ in range(count):
            k = sum(item.t_m == t_m for item in found)
            found.append(
                RoadObject(
                    id=f"{road_id}-k{len(found) + 1}",
                    name="",
                    kind="parkingSpace",
                    s_m=_CLEAR_M + (k + 0.5) * _PITCH_M,
                    t_m=t_m,
                    heading_rad=0.0 if side < 0.0 else math.pi,
                    length_m=_SPACE_M[0],
                    width_m=_SPACE_M[1],
                    orientation="+" if side < 0.0 else "-",
                    parking_access="all",
                )
            )
    site.furnish(road_id, objects=found)


def _sign_limit(site: Site, road_id: str, section: Section) -> None:
    road = site.roads[road_id]
    reach = section.lane_m + PARKING_M + 1.0
    forth = speed_signs(f"{road_id}-", ((0.0, section.kmh),), ((-reach, "+"),))
    back = speed_signs(f"{road_id}-9", ((road.length_m, section.kmh),), ((reach, "-"),))
    if not section.back:
        back = ()
    site.furnish(road_id, [replace(sign, name="Speed limit") for sign in (*forth, *back)])


def begin(road: str) -> End:
    """The start of a road as an arm."""
    return End(road, at_end=False)


def end(road: str) -> End:
    """The end of a road as an arm."""
    return End(road, at_end=True)
