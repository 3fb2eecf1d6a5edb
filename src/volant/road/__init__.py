"""Roads: OpenDRIVE read and written, lanes as a car drives them, routes, and the built-in world.

Everything is SI in a flat ENU world; `s` runs in the direction of travel, offsets are positive to the
left. Files from outside raise InputError; what is merely wrong in them is a `Finding`.
"""

from volant.road.conflicts import (
    Meeting,
    SharedGround,
    joined_lanes,
    longest_body_m,
    shared_ground,
)
from volant.road.corridor import (
    Corridor,
    CorridorColumn,
    CorridorPoint,
    RouteLeg,
    build_corridor,
)
from volant.road.graph import build_graph, load_graph
from volant.road.guide import Guide, MustChange, Turn, make_guide
from volant.road.lanes import Lane, LaneColumn, LaneGraph, LaneId, LanePoint, PlacedSignal
from volant.road.limits import SpeedLimit
from volant.road.markings import Boundary, Markings, markings
from volant.road.model import Finding, Road, RoadNetwork, Signal
from volant.road.opendrive import load_road, parse_road
from volant.road.places import Place, find_place, places
from volant.road.report import RoadReport, check_road
from volant.road.route import follow, main_road
from volant.road.rules import Conflict, Control, Crossing, Gate, Light, TrafficRules, traffic_rules
from volant.road.strips import graph_from_strips
from volant.road.write import road_text, write_road

__all__ = [
    "Boundary",
    "Conflict",
    "Control",
    "Corridor",
    "CorridorColumn",
    "CorridorPoint",
    "Crossing",
    "Finding",
    "Gate",
    "Guide",
    "Lane",
    "LaneColumn",
    "LaneGraph",
    "LaneId",
    "LanePoint",
    "Light",
    "Markings",
    "Meeting",
    "MustChange",
    "Place",
    "PlacedSignal",
    "Road",
    "RoadNetwork",
    "RoadReport",
    "RouteLeg",
    "SharedGround",
    "Signal",
    "SpeedLimit",
    "TrafficRules",
    "Turn",
    "build_corridor",
    "build_graph",
    "check_road",
    "find_place",
    "follow",
    "graph_from_strips",
    "joined_lanes",
    "load_graph",
    "load_road",
    "longest_body_m",
    "main_road",
    "make_guide",
    "markings",
    "parse_road",
    "places",
    "road_text",
    "shared_ground",
    "traffic_rules",
    "write_road",
]
