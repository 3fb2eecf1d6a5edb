"""Roads: OpenDRIVE read and written, lanes as a car drives them, routes, and the built-in world.

Everything is SI in a flat ENU world; `s` runs in the direction of travel, offsets are positive to the
left. Files from outside raise InputError; what is merely wrong in them is a `Finding`.
"""

from volant.road.corridor import (
    Corridor,
    CorridorColumn,
    CorridorPoint,
    RouteLeg,
    build_corridor,
)
from volant.road.graph import build_graph, load_graph
from volant.road.lanes import Lane, LaneColumn, LaneGraph, LaneId, LanePoint, PlacedSignal
from volant.road.limits import SpeedLimit
from volant.road.markings import Boundary, Markings, markings
from volant.road.model import Finding, Road, RoadNetwork, Signal
from volant.road.opendrive import load_road, parse_road
from volant.road.report import RoadReport, check_road
from volant.road.route import RoutePlan, follow, plan_route
from volant.road.write import road_text, write_road

__all__ = [
    "Boundary",
    "Corridor",
    "CorridorColumn",
    "CorridorPoint",
    "Finding",
    "Lane",
    "LaneColumn",
    "LaneGraph",
    "LaneId",
    "LanePoint",
    "Markings",
    "PlacedSignal",
    "Road",
    "RoadNetwork",
    "RoadReport",
    "RouteLeg",
    "RoutePlan",
    "Signal",
    "SpeedLimit",
    "build_corridor",
    "build_graph",
    "check_road",
    "follow",
    "load_graph",
    "load_road",
    "markings",
    "parse_road",
    "plan_route",
    "road_text",
    "write_road",
]
