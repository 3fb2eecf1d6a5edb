"""Two quarters on the ring's inner side: the harbour, and the Station quarter with its car park.

Each hangs on a half interchange. From the harbour's roundabout a street leads to the quay. At the
station, the exit ends at lights:

        entry (north)
          |
    exit- D1 ---- D2 --o   o: turning circles, at the station and at the depot
          |        |
          D3 --P---+       P: the station's car park; right before left at D3
          o
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from volant.core.geometry import Pose
from volant.road.make_car_park import PREMISES, CarPark, car_park
from volant.road.make_exit import HalfInterchange, RingPlace, half_interchange
from volant.road.make_junction import Arm, junction
from volant.road.make_plan import (
    EAST,
    NORTH,
    SOUTH,
    WEST,
    Block,
    Crossing,
    begin,
    crossings_at,
    end,
    lay_streets,
    name_place,
)
from volant.road.make_roundabout import REACH_M, roundabout
from volant.road.make_site import Site
from volant.road.make_street import Section

HARBOUR: Final = HalfInterchange(
    name="Harbour", base=70, ring=("6", "61", "62"), exit_m=845.0, entry_m=1389.0
)
STATION: Final = HalfInterchange(
    name="Station", base=80, ring=("62", "63", "64"), exit_m=2275.0, entry_m=2975.0
)
HALVES: Final = (HARBOUR, STATION)

_QUAY_HEIGHT_M: Final = -9.0
_QUIET: Final = Section()
_SIDE: Final = Section(kmh=30.0, parking_left=True)
_SLOW: Final = Section(kmh=30.0)
_PLAIN: Final = Section(parking_right=True, parking_left=True)
_LANE_IN: Final = Section(back=0, kmh=20.0, kind=PREMISES, walks=False)
_DEG: Final = math.pi / 180.0
# Where the ramps meet the harbour's roundabout, as seen from its middle.
_FROM_RING: Final = 235.0 * _DEG
_TO_RING: Final = 160.0 * _DEG

_HARBOUR_CROSSINGS: Final = {
    "circle": (-400.0, 830.0, REACH_M),
    "quay": (-110.0, 830.0, REACH_M),
}
_HARBOUR_BLOCKS: Final = (Block("90", "Harbour street", "circle", EAST, "quay", WEST, _PLAIN),)
_STATION_CROSSINGS: Final = {
    "D1": (-440.0, 2100.0, 17.0),
    "D2": (-220.0, 2100.0, 15.0),
    "D3": (-440.0, 1920.0, 15.0),
    "depot": (-440.0, 1800.0, REACH_M),
    "station": (-60.0, 2100.0, REACH_M),
    "in": (-365.0, 1920.0, 15.0),
    "out": (-310.0, 1920.0, 15.0),
    "bays": (-365.0, 1890.0, 0.0),
    "ways": (-310.0, 1890.0, 0.0),
}
_STATION_BLOCKS: Final = (
    Block("92", "Ring street", "D1", EAST, "D2", WEST, _PLAIN),
    Block("93", "Depot street", "D1", SOUTH, "D3", NORTH, _QUIET),
    Block("94", "Depot street", "D3", SOUTH, "depot", NORTH, _SLOW),
    Block("95", "Station street", "D3", EAST, "in", WEST, _SLOW),
    Block("96", "Station street", "in", EAST, "out", WEST, _SLOW),
    Block("97", "Station street", "out", EAST, "D2", SOUTH, _SIDE),
    Block("98", "Station square", "D2", EAST, "station", WEST, _QUIET),
    Block("99", "Station car park", "in", SOUTH, "bays", NORTH, _LANE_IN),
    Block("89", "Station car park", "ways", NORTH, "out", SOUTH, _LANE_IN),
)
_ORIGIN: Final = Pose(0.0, 0.0, 0.0)

RingPlaceAt = Callable[[float], RingPlace]


def build_harbour(site: Site, ring_place: RingPlaceAt) -> None:
    """Ramps, roundabout and the street to the quay."""
    crossings = crossings_at(_ORIGIN, _HARBOUR_CROSSINGS)
    circle = crossings["circle"]
    lay_streets(site, crossings, _HARBOUR_BLOCKS, _QUAY_HEIGHT_M)
    off, on = _ramps(site, HARBOUR, ring_place, (circle, _FROM_RING), (circle, _TO_RING))
    arms = ((end(off), False), (begin(on), False), (begin("90"), True))
    roundabout(site, 310, "Harbour circle", circle.centre, _QUAY_HEIGHT_M, arms)
    quay = crossings["quay"].centre
    roundabout(site, 315, "Quay", quay, _QUAY_HEIGHT_M, ((end("90"), False),))
    name_place(site, "90", "harbour", 0.9)


def build_station(site: Site, ring_place: RingPlaceAt) -> None:
    """Ramps, streets, junctions and the car park of the Station quarter."""
    crossings = crossings_at(_ORIGIN, _STATION_CROSSINGS)
    lay_streets(site, crossings, _STATION_BLOCKS, 0.0)
    arms: tuple[Arm, ...]
    first = crossings["D1"]
    off, on = _ramps(site, STATION, ring_place, (first, WEST), (first, NORTH))
    arms = (
        Arm(end=end(off), control="light", phase="ring"),
        Arm(end=begin("92"), control="light", phase="ring", crossing=True),
        Arm(end=begin("93"), control="light", phase="depot", crossing=True),
        Arm(end=begin(on)),
    )
    junction(site, 221, "Ring street junction", arms)
    arms = (
        Arm(end=end("92"), control="priority"),
        Arm(end=begin("98"), control="priority", crossing=True),
        Arm(end=end("97"), control="give_way"),
    )
    junction(site, 222, "Station square junction", arms)
    arms = (Arm(end=end("93")), Arm(end=begin("94")), Arm(end=begin("95")))
    junction(site, 223, "Depot street junction", arms)
    arms = (
        Arm(end=end("95"), control="priority"),
        Arm(end=begin("96"), control="priority"),
        Arm(end=begin("99")),
    )
    junction(site, 224, "Station car park, entrance", arms)
    arms = (
        Arm(end=end("96"), control="priority"),
        Arm(end=begin("97"), control="priority"),
        Arm(end=end("89"), control="give_way"),
    )
    junction(site, 225, "Station car park, exit", arms)
    for number, name, road in ((325, "Depot circle", "94"), (330, "Station circle", "98")):
        goal = crossings["depot" if road == "94" else "station"].centre
        roundabout(site, number, name, goal, 0.0, ((end(road), False),))
    park = CarPark(
        number=230, name="Station car park", place="station-car-park", way_in="99", way_out="89"
    )
    car_park(site, park)
    for road, place in (("94", "depot"), ("98", "station")):
        name_place(site, road, place, 0.8)


def _ramps(
    site: Site,
    plan: HalfInterchange,
    ring_place: RingPlaceAt,
    arrive: tuple[Crossing, float],
    leave: tuple[Crossing, float],
) -> tuple[str, str]:
    """The exit ramp to one side of a crossing and the entry ramp from another."""
    places = ring_place(plan.exit_m), ring_place(plan.entry_m)
    ports = arrive[0].arrive(arrive[1]), leave[0].leave(leave[1])
    z_m = 0.0 if plan is STATION else _QUAY_HEIGHT_M
    return half_interchange(site, plan, places, ports, z_m)
