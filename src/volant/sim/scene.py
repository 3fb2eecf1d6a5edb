"""A scene: a road, the own car on it, actors with parts to play, and what a good driver makes of it.

A scene is plain data made by a function of a seed; nothing in it knows which driver is put in. What is
judged are `Bound`s on figures from ground truth (`sim.exam.figures`), each with its reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from volant.core.messages import DriverControls, DriverRequest
from volant.core.settings import Choices
from volant.road import Corridor, LaneGraph, RouteLeg, build_corridor, follow, make_guide
from volant.sim.cast import RoadPath, Role
from volant.sim.sensors_faults import SensorFault
from volant.sim.signals import Shows

BEYOND_M: Final = 400.0
"""Road kept behind the last station that a scene needs, so that nobody brakes for the road's end."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A figure that must lie between two bounds; None: no bound on that side. No figure fails it."""

    figure: str
    least: float | None = None
    most: float | None = None
    why: str = ""
    most_perfect: float | None = None
    """Instead of `most` where the sensors are perfect."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the driver does at a time: a press of a button, or hands and feet from then on."""

    at_s: float
    message: DriverRequest | DriverControls


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that one case needs besides the driver and the level of sensors."""

    graph: LaneGraph
    corridor: Corridor
    """The way that the own car is to take."""
    start_m: float
    """Of the rear axle, along the corridor."""
    speed_mps: float
    duration_s: float
    """Of virtual time; the case is over then, or sooner at the destination."""
    bounds: tuple[Bound, ...]
    destination_m: float | None = None
    """Where to stand; None: drive on."""
    goal: tuple[int, float] | None = None
    """The destination as lane and distance."""
    roles: tuple[Role, ...] = ()
    said: tuple[Said, ...] = ()
    faults: tuple[SensorFault, ...] = ()
    shows: tuple[Shows, ...] = ()
    """What lights are to show from when on."""
    offset_m: float = 0.0
    set_speed_mps: float | None = None
    set_gap_s: float = Choices().time_gap_s
    """The gap to the car ahead that the driver has set."""
    cars: int = 0
    """Traffic besides the cast."""
    robot: bool = False
    """A robot holds the speed by the accelerator until braking begins, where no pilot drives."""
    seed: int = 0
    sensors: str | None = None
    """The level that the scene is about; None: as asked for."""
    lead: int | None = None
    """Number of the role whose braking starts the clock of the reaction time."""


def along(graph: LaneGraph, lane: int, from_m: float, length_m: float) -> Corridor:
    """The main road ahead, from a place on a lane."""
    return follow(graph, lane, from_m, length_m)


def way(graph: LaneGraph, start: tuple[int, float], goal: tuple[int, float]) -> Corridor:
    """The quickest way between two places, and some road behind the goal where there is one.

    Raises:
        ValueError: there is no way.
    """
    legs = list(make_guide(graph, goal).legs(*start))
    if not legs:
        raise ValueError(f"no way from {start} to {goal}")
    room_m = graph.lanes[goal[0]].length_m - goal[1]
    legs[-1] = RouteLeg(goal[0], legs[-1].s_from_m, goal[1] + min(room_m, BEYOND_M))
    return build_corridor(graph, legs)


def lane_of(graph: LaneGraph, road: str, lane: int, section: int = 0) -> int:
    """Index of a lane by its ids in the file.

    Raises:
        ValueError: there is no such lane.
    """
    for held in graph.lanes:
        if held.id == (road, section, lane):
            return held.index
    raise ValueError(f"no lane {road}:{section}:{lane}")


def on_lane(graph: LaneGraph, lane: int, length_m: float = 3000.0) -> RoadPath:
    """The path along a lane and its main successors, from the lane's begin."""
    return RoadPath(follow(graph, lane, 0.0, length_m))


__all__ = [
    "Bound",
    "Said",
    "Scene",
    "along",
    "lane_of",
    "on_lane",
    "way",
]
