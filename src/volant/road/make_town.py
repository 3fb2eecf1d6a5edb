"""The market town of the built-in world: a grid of streets east of its gate on the country road.

Rows A, B, C from north to south, columns 1 to 3 from west to east:

    A1 --- A2 --- A3      A: side streets, 30 km/h, right before left at A2
     |      |      |
    B1 === B2 === B3      B: Market street, two lanes each way; lights at B2
     |      |      |
    C1 --- C2 --- C3      C: Mill street
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from volant.core.geometry import Pose
from volant.road.make_country import GATE_HEIGHT_M, CountryRoad
from volant.road.make_junction import Arm, junction, port
from volant.road.make_roundabout import REACH_M, roundabout
from volant.road.make_site import End, Site
from volant.road.make_street import Section, street

EAST: Final = 0.0
NORTH: Final = 0.5 * math.pi
WEST: Final = math.pi
SOUTH: Final = -0.5 * math.pi

_PLAIN: Final = Section(parking_right=True, parking_left=True)
_SIDE: Final = Section(kmh=30.0, parking_right=True)
_ARTERY: Final = Section(forth=2, back=2)
_QUIET: Final = Section()
_WIDE_M: Final = 19.0
_SMALL_M: Final = 15.0


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


# Crossings: metres east and north of the gate, and how far from there their streets begin.
_CROSSINGS: Final = {
    "A2": (380.0, 170.0, _SMALL_M),
    "B1": (200.0, 0.0, _WIDE_M),
    "B2": (380.0, 0.0, _WIDE_M),
    "B3": (560.0, 0.0, _WIDE_M),
    "C2": (380.0, -180.0, _SMALL_M),
}
# The corners A1, A3, C1 and C3 are bends of the streets that meet there.
_BLOCKS: Final = (
    Block("41", "Market street", "B1", EAST, "B2", WEST, _ARTERY),
    Block("42", "Market street", "B2", EAST, "B3", WEST, _ARTERY),
    Block("43", "Church street", "A2", WEST, "B1", NORTH, _SIDE),
    Block("44", "School street", "A2", EAST, "B3", NORTH, _SIDE),
    Block("45", "Bridge street", "B2", NORTH, "A2", SOUTH, _QUIET),
    Block("46", "Bridge street", "B2", SOUTH, "C2", NORTH, _QUIET),
    Block("47", "Mill street", "C2", WEST, "B1", SOUTH, _PLAIN),
    Block("48", "Mill street", "C2", EAST, "B3", SOUTH, _PLAIN),
)


def build_town(site: Site, country: CountryRoad) -> None:
    """Streets and junctions of the market town, and its gate on the country road."""
    centres = {
        name: (Pose(country.gate.x_m + east, country.gate.y_m + north, 0.0), reach)
        for name, (east, north, reach) in _CROSSINGS.items()
    }

    def leave(name: str, heading: float) -> Pose:
        centre, reach = centres[name]
        return port(centre, reach, heading)

    gate = port(Pose(country.gate.x_m, country.gate.y_m, 0.0), REACH_M, EAST)
    first = leave("B1", WEST)
    arrive = Pose(first.x_m, first.y_m, EAST)
    site.add(street("40", "Gate street", gate, arrive, _QUIET, GATE_HEIGHT_M))
    for block in _BLOCKS:
        goal = leave(block.goal, block.arriving)
        onto = Pose(goal.x_m, goal.y_m, block.arriving + math.pi)
        begin = leave(block.start, block.leaving)
        site.add(street(block.road, block.name, begin, onto, block.section, GATE_HEIGHT_M))
    _gate(site, country)
    _junctions(site)


def _gate(site: Site, country: CountryRoad) -> None:
    arms = (
        (End(country.south.id, at_end=True), False),
        (End("40", at_end=False), True),
        (End(country.north.id, at_end=False), False),
    )
    roundabout(site, 300, "Town gate", country.gate, GATE_HEIGHT_M, arms)


def _begin(road: str) -> End:
    return End(road, at_end=False)


def _end(road: str) -> End:
    return End(road, at_end=True)


def _junctions(site: Site) -> None:
    lane_choice = ("L", "SR")
    junction(
        site,
        201,
        "Church street junction",
        (
            Arm(end=_end("40"), control="priority", crossing=True),
            Arm(end=_begin("41"), control="priority", moves=lane_choice),
            Arm(end=_end("43"), control="give_way"),
            Arm(end=_end("47"), control="stop", crossing=True),
        ),
    )
    junction(
        site,
        202,
        "Market square",
        (
            Arm(end=_end("41"), control="light", phase="street", crossing=True, moves=lane_choice),
            Arm(end=_begin("42"), control="light", phase="street", crossing=True),
            Arm(end=_begin("45"), control="light", phase="bridge", crossing=True),
            Arm(end=_begin("46"), control="light", phase="bridge", crossing=True),
        ),
    )
    junction(
        site,
        203,
        "School street junction",
        (
            Arm(end=_end("42"), control="light", phase="street", moves=("L", "R"), crossing=True),
            Arm(end=_end("44"), control="light", phase="side"),
            Arm(end=_end("48"), control="light", phase="side", crossing=True),
        ),
    )
    junction(
        site,
        204,
        "Bridge street junction",
        (Arm(end=_begin("43")), Arm(end=_begin("44")), Arm(end=_end("45"))),
    )
    junction(
        site,
        205,
        "Mill street junction",
        (
            Arm(end=_end("46"), control="give_way"),
            Arm(end=_begin("47"), control="priority"),
            Arm(end=_begin("48"), control="priority"),
        ),
    )
