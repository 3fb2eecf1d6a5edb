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
from volant.road.model import Finding, Road, RoadNetwork, Signal
from volant.road.opendrive import load_road, parse_road
from volant.road.route import RoutePlan, follow, plan_route

__all__ = [
    "Corridor",
    "CorridorColumn",
    "CorridorPoint",
    "Finding",
    "Lane",
    "LaneColumn",
    "LaneGraph",
    "LaneId",
    "LanePoint",
    "PlacedSignal",
    "Road",
    "RoadNetwork",
    "RouteLeg",
    "RoutePlan",
    "Signal",
    "SpeedLimit",
    "build_corridor",
    "build_graph",
    "follow",
    "load_graph",
    "load_road",
    "parse_road",
    "plan_route",
]
