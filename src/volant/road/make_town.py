"""The market town of the built-in world: a grid of streets south-east of its gate on the country road.

Rows A, B, C from north to south, columns 1 to 3 from west to east; the corners are bends:

           o
           |
    +----- A2 -----+      A: Church and School street, 30 km/h, right before left at A2
    |      |       |
    B1 === B2 ==== B3     B: Market street, two lanes each way, lights at B2 and B3
    |      |       |
    o  o - C2 --P--+      C: Mill street with the market's car park P

o: turning circles, at the hospital in the north, the town hall and the stadium.
"""

from __future__ import annotations

import math
from typing import Final

from volant.core.geometry import Pose
from volant.road import make_signs as signs
from volant.road.make_car_park import PREMISES, CarPark, car_park
from volant.road.make_country import GATE_HEIGHT_M, CountryRoad
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

_PLAIN: Final = Section(parking_right=True, parking_left=True)
_SIDE: Final = Section(kmh=30.0, parking_right=True)
_ARTERY: Final = Section(forth=2, back=2)
_QUIET: Final = Section()
_LANE_IN: Final = Section(back=0, kmh=20.0, kind=PREMISES, walks=False)
_WIDE_M: Final = 19.0
_SMALL_M: Final = 15.0
# The bays begin this far from the street's line.
_PARK_M: Final = 30.0

# Crossings: metres east and north of here, and how far from there their streets begin.
_ORIGIN: Final = Pose(480.0, 1150.0, 0.0)
_FROM_GATE: Final = math.radians(-80.0)
_CROSSINGS: Final = {
    "A2": (380.0, 170.0, _SMALL_M),
    "B1": (200.0, 0.0, _WIDE_M),
    "B2": (380.0, 0.0, _WIDE_M),
    "B3": (590.0, 0.0, _WIDE_M),
    "hospital": (380.0, 290.0, REACH_M),
    "C2": (380.0, -260.0, _SMALL_M),
    "stadium": (230.0, -260.0, REACH_M),
    "hall": (200.0, -120.0, REACH_M),
    "in": (455.0, -260.0, _SMALL_M),
    "out": (510.0, -260.0, _SMALL_M),
    "bays": (455.0, -260.0 - _PARK_M, 0.0),
    "ways": (510.0, -260.0 - _PARK_M, 0.0),
}
_BLOCKS: Final = (
    Block("40", "Gate street", "gate", _FROM_GATE, "B1", WEST, _QUIET),
    Block("41", "Market street", "B1", EAST, "B2", WEST, _ARTERY),
    Block("42", "Market street", "B2", EAST, "B3", WEST, _ARTERY),
    Block("43", "Church street", "A2", WEST, "B1", NORTH, _SIDE),
    Block("44", "School street", "A2", EAST, "B3", NORTH, _SIDE),
    Block("45", "Bridge street", "B2", NORTH, "A2", SOUTH, _QUIET),
    Block("46", "Bridge street", "B2", SOUTH, "C2", NORTH, _QUIET),
    Block("47", "Mill street", "C2", WEST, "stadium", EAST, _PLAIN),
    Block("48", "Mill street", "C2", EAST, "in", WEST, _PLAIN),
    Block("49", "Mill street", "in", EAST, "out", WEST, _QUIET),
    Block("50", "Mill street", "out", EAST, "B3", SOUTH, _PLAIN),
    Block("51", "Hospital street", "A2", NORTH, "hospital", SOUTH, _QUIET),
    Block("54", "Town hall street", "B1", SOUTH, "hall", NORTH, _QUIET),
    Block("52", "Market car park", "in", SOUTH, "bays", NORTH, _LANE_IN),
    Block("53", "Market car park", "ways", NORTH, "out", SOUTH, _LANE_IN),
)
_PLACES: Final = (
    ("41", "market-square", 0.8),
    ("54", "town-hall", 0.7),
    ("43", "church", 0.4),
    ("44", "school", 0.5),
    ("51", "hospital", 0.9),
    ("47", "stadium", 0.8),
    ("40", "roundabout", 0.1),
)


def build_town(site: Site, country: CountryRoad) -> None:
    """Streets and junctions of the market town, and its gate on the country road."""
    gate = Pose(country.gate.x_m, country.gate.y_m, 0.0)
    crossings = crossings_at(_ORIGIN, _CROSSINGS) | {"gate": Crossing(gate, REACH_M)}
    lay_streets(site, crossings, _BLOCKS, GATE_HEIGHT_M)
    arms = (
        (end(country.south.id), False),
        (begin("40"), True),
        (begin(country.north.id), False),
    )
    roundabout(site, 300, "Town gate", gate, GATE_HEIGHT_M, arms)
    circles = (
        (320, "Hospital circle", "hospital", "51"),
        (335, "Town hall", "hall", "54"),
        (340, "Stadium", "stadium", "47"),
    )
    for number, name, where, road in circles:
        centre = crossings[where].centre
        roundabout(site, number, name, centre, GATE_HEIGHT_M, ((end(road), False),))
    _market_street(site)
    _side_streets(site)
    park = CarPark(
        number=210, name="Market car park", place="market-car-park", way_in="52", way_out="53"
    )
    car_park(site, park)
    signs.zebra(site, "45", "School crossing", 0.5 * site.roads["45"].length_m)
    for road, place, share in _PLACES:
        name_place(site, road, place, share)


def _market_street(site: Site) -> None:
    """Signs at B1, lights at B2 and B3; a left-turn lane where the street goes on with one."""
    one_left = ("L", "SR")
    arms: tuple[Arm, ...]
    arms = (
        Arm(end=end("40"), control="priority", crossing=True),
        Arm(end=begin("41"), control="priority", moves=one_left),
        Arm(end=end("43"), control="give_way", crossing=True),
        Arm(end=begin("54"), control="stop", crossing=True),
    )
    junction(site, 201, "Church street junction", arms)
    arms = (
        Arm(end=end("41"), control="light", phase="street", crossing=True, moves=one_left),
        Arm(end=begin("42"), control="light", phase="street", crossing=True),
        Arm(end=begin("45"), control="light", phase="bridge", crossing=True),
        Arm(end=begin("46"), control="light", phase="bridge", crossing=True),
    )
    junction(site, 202, "Market square", arms)
    arms = (
        Arm(end=end("42"), control="light", phase="street", crossing=True, moves=("L", "R")),
        Arm(end=end("44"), control="light", phase="side", crossing=True),
        Arm(end=end("50"), control="light", phase="side"),
    )
    junction(site, 203, "School street junction", arms)


def _side_streets(site: Site) -> None:
    """Right before left at A2, signs along Mill street."""
    arms: tuple[Arm, ...]
    arms = (Arm(end=begin("43")), Arm(end=begin("44")), Arm(end=end("45")), Arm(end=begin("51")))
    junction(site, 204, "Bridge street junction", arms)
    arms = (
        Arm(end=end("46"), control="give_way", crossing=True),
        Arm(end=begin("47"), control="priority"),
        Arm(end=begin("48"), control="priority"),
    )
    junction(site, 205, "Mill street junction", arms)
    arms = (
        Arm(end=end("48"), control="priority"),
        Arm(end=begin("49"), control="priority"),
        Arm(end=begin("52")),
    )
    junction(site, 206, "Market car park, entrance", arms)
    arms = (
        Arm(end=end("49"), control="priority"),
        Arm(end=begin("50"), control="priority"),
        Arm(end=end("53"), control="give_way"),
    )
    junction(site, 207, "Market car park, exit", arms)
