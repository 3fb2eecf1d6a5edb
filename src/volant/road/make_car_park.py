"""Car parks of the built-in world: bays that one drives into forwards and out of forwards.

From a one-way road the ways fan out, one into each bay; at the other end they join on the one-way
road out. Every way is a lane like any other, so that a trip can begin and end in a bay.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from volant.core.geometry import Pose
from volant.road.make_connect import connect
from volant.road.make_junction import way
from volant.road.make_parts import COUNTRY_EDGE, lane, speed_types
from volant.road.make_site import End, Mouth, Site, mouths
from volant.road.model import (
    Connection,
    Cubic,
    Junction,
    LaneRecord,
    LaneSection,
    Road,
    RoadObject,
)
from volant.road.trace import Stroke, draw, rise

# A turn into a bay takes this much room aside and ahead: 8 m of radius with its clothoids.
TURN_M: Final = 10.0
PITCH_M: Final = 3.2
BAY_M: Final = 7.0
_LANE_M: Final = 3.0
_SPACE_M: Final = (5.5, 2.5)
_WIDEST_M: Final = 9.0
# Chosen: a brisk walk; car parks ask for care, not for a number.
_KMH: Final = 10.0
# Private ground: whoever leaves it gives way, and nobody drives through it without a reason.
PREMISES: Final = "townPrivate"


@dataclass(frozen=True, slots=True, kw_only=True)
class CarPark:
    """A car park between the end of a road in and the start of a road out.

    The bays lie to the left of the way in (or to the right). The way out runs back beside it.
    """

    number: int
    name: str
    place: str
    way_in: str
    way_out: str
    bays: int = 8
    left: bool = True


def car_park(site: Site, plan: CarPark) -> None:
    """Build bays, ways and both junctions; bays are named after the place, the first just so."""
    arrives, leaves = End(plan.way_in, at_end=True), End(plan.way_out, at_end=False)
    source = mouths(site.roads[plan.way_in], arrives, incoming=True)[0]
    target = mouths(site.roads[plan.way_out], leaves, incoming=False)[0]
    bays = [_bay(plan, source, k) for k in range(plan.bays)]
    site.add(*bays)
    ways_in, ways_out = [], []
    for k, bay in enumerate(bays):
        front, back = End(bay.id, at_end=False), End(bay.id, at_end=True)
        entry = mouths(bay, front, incoming=False)[0]
        leave = mouths(bay, back, incoming=True)[0]
        ways_in.append(_way(site, plan, k, 0, (arrives, source), (front, entry)))
        ways_out.append(_way(site, plan, k, 1, (back, leave), (leaves, target)))
        site.link(front, str(plan.number))
        site.link(back, str(plan.number + 1))
    site.link(arrives, str(plan.number))
    site.link(leaves, str(plan.number + 1))
    site.add(*ways_in, *ways_out)
    site.junctions.append(_junction(plan, 0, ways_in))
    site.junctions.append(_junction(plan, 1, ways_out))


def _bay(plan: CarPark, source: Mouth, k: int) -> Road:
    side = 1.0 if plan.left else -1.0
    start = source.pose @ Pose(TURN_M + (k + 1) * PITCH_M, side * TURN_M, side * 0.5 * math.pi)
    pieces, _end = draw(start, [Stroke(BAY_M)])
    place = plan.place if k == 0 else f"{plan.place}-{k + 1}"
    road_id = str(100 * plan.number + 50 + k)
    space = RoadObject(
        id=f"{road_id}-1",
        name=place,
        kind="parkingSpace",
        s_m=0.5 * BAY_M,
        t_m=0.0,
        length_m=_SPACE_M[0],
        width_m=_SPACE_M[1],
        orientation="+",
        parking_access="all",
        place=place,
    )
    lanes = (
        LaneRecord(0, "none", marks=(COUNTRY_EDGE,)),
        lane(-1, "driving", _LANE_M, COUNTRY_EDGE),
    )
    return Road(
        id=road_id,
        name=plan.name,
        length_m=BAY_M,
        junction=None,
        left_hand=False,
        predecessor=None,
        successor=None,
        types=speed_types(PREMISES, ((0.0, _KMH),)),
        geometries=pieces,
        elevations=rise(((0.0, source.z_m, 0.0), (BAY_M, source.z_m, 0.0))),
        superelevations=(),
        lane_offsets=(Cubic(0.0, 0.5 * _LANE_M),),
        sections=(LaneSection(0.0, BAY_M, lanes),),
        objects=(space,),
    )


def _way(
    site: Site,
    plan: CarPark,
    k: int,
    out: int,
    source: tuple[End, Mouth],
    target: tuple[End, Mouth],
) -> Road:
    number = plan.number + out
    strokes = connect(source[1].pose, target[1].pose, _WIDEST_M)
    road_id, junction = str(100 * number + k), str(number)
    road = way(site, road_id, junction, plan.name, source, target, strokes=strokes)
    return replace(road, types=speed_types(PREMISES, ((0.0, _KMH),)))


def _junction(plan: CarPark, out: int, ways: Sequence[Road]) -> Junction:
    connections = []
    for k, road in enumerate(ways):
        link = road.predecessor
        assert link is not None
        connections.append(Connection(str(k), link.id, road.id, "start", ((-1, -1),)))
    words = f"{plan.name}, {'way out' if out else 'way in'}"
    return Junction(str(plan.number + out), words, "default", tuple(connections))
