"""Composes the car, its world and its pilot for one trip: the only place where all rooms meet.

Everything is made from a `TripWish` and the two files it names, so that the same wish gives the same
drive: live, headless, in a test or as a replay.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from volant.app import components
from volant.app.components import Machine
from volant.app.folders import data_folder
from volant.app.inbox import Inbox
from volant.app.roadview import road_view
from volant.app.trip import DEFAULT_CARS, Stretch, TripWish, check_sensors, choose_stretch
from volant.caros.cockpit.frame import CarShape, FrameSettings
from volant.core import topics
from volant.core.chance import Chance
from volant.core.clock import nanoseconds
from volant.core.component import Component
from volant.core.geometry import Pose, wrap_angle_rad
from volant.core.messages import DriverRequest, Message, RequestKind
from volant.core.settings import find_data
from volant.core.topics import Topic
from volant.pilot import CarGeometry, PilotSettings
from volant.road import LaneGraph, load_graph
from volant.safety.guard import GuardSettings
from volant.sim import Jam, World, WorldSettings
from volant.vehicle import CarSpec, CarStart, SimCar, load_spec, with_perfect_sensors

ENGAGE_AT_NS: Final = nanoseconds(0.5)
"""The app presses the button once everything has spoken."""
START_CHARGE_PCT: Final = 80.0
SLOWEST_MPS: Final = 3.0
"""Mean speed below which a trip is given up: a jam moves at 2 to 4 m/s (recalled)."""
SPARE_S: Final = 180.0

Write = Callable[[Topic, int, Message], None]
Send = Callable[[bytes], object]


@dataclass(frozen=True, slots=True)
class Trip:
    """A wish with what it stands for."""

    wish: TripWish
    car_file: Path
    road_file: Path
    spec: CarSpec
    graph: LaneGraph
    stretch: Stretch

    @property
    def limit_s(self) -> float:
        """Virtual time after which the trip is given up."""
        length_m = self.stretch.destination_m - self.stretch.start_m
        return SPARE_S + length_m / SLOWEST_MPS

    @property
    def cars(self) -> int:
        """Other cars near ours."""
        return DEFAULT_CARS if self.wish.cars is None else self.wish.cars


def plan_trip(wish: TripWish) -> Trip:
    """Find and read the files of a wish, and choose its road.

    Raises:
        InputError: a name is unknown, a file is wrong, or the road cannot be driven.
    """
    check_sensors(wish.sensors)
    car_file = find_data("cars", wish.car, data_folder())
    road_file = find_data("maps", wish.road, data_folder())
    spec = load_spec(car_file)
    graph = load_graph(road_file)
    return Trip(
        wish, car_file, road_file, spec, graph, choose_stretch(graph, wish.distance_m, road_file)
    )


def compose(
    trip: Trip, *, write: Write | None = None, send: Send | None = None
) -> tuple[Component, ...]:
    """The components of a trip in the order of one control tick."""
    parts = [
        components.world(lambda: _machine(trip)),
        components.pilot(pilot_settings(trip)),
        components.vehicle(guard_settings(trip.spec)),
        components.judge(judge_settings(trip)),
    ]
    if send is not None:
        parts.append(components.cockpit(frame_settings(trip), send))
    if write is not None:
        parts.append(components.recorder(write, parts))
    return tuple(parts)


def engage_at_start(inbox: Inbox) -> None:
    """Put the press of the button that starts a drive into the inbox."""
    press = DriverRequest(stamp_ns=ENGAGE_AT_NS, kind=RequestKind.ENGAGE)
    inbox.put(topics.DRIVER_REQUEST, press, ENGAGE_AT_NS)


def pilot_settings(trip: Trip) -> PilotSettings:
    """What the pilot is given: its road, its car and its destination."""
    spec, stretch = trip.spec, trip.stretch
    return PilotSettings(
        corridor=stretch.corridor,
        graph=trip.graph,
        car=CarGeometry(
            length_m=spec.length_m,
            width_m=spec.width_m,
            rear_overhang_m=spec.rear_overhang_m,
            wheelbase_m=spec.wheelbase_m,
            max_curvature_per_m=spec.max_curvature_per_m,
        ),
        destination_m=stretch.destination_m,
    )


def guard_settings(spec: CarSpec) -> GuardSettings:
    """What the guard is given: the car's geometry and what its actuators can do."""
    return GuardSettings(
        wheelbase_m=spec.wheelbase_m,
        steering_ratio=spec.steering_ratio,
        max_curvature_per_m=spec.max_curvature_per_m,
        max_steer_rate_rps=spec.steering.max_rate_rps.value,
    )


def frame_settings(trip: Trip) -> FrameSettings:
    """What the cockpit's frames are given: the car's shape and its own map."""
    spec = trip.spec
    return FrameSettings(
        shape=CarShape(spec.length_m, spec.width_m, spec.rear_overhang_m),
        view=road_view(trip.graph),
        corridor=trip.stretch.corridor,
        left_hand=trip.graph.left_hand,
    )


def _machine(trip: Trip) -> Machine:
    """The plant at the trip's start, in its world."""
    wish, stretch, spec = trip.wish, trip.stretch, trip.spec
    here = stretch.corridor.at(stretch.start_m)
    x_m, y_m, yaw_rad = stretch.corridor.to_world(stretch.start_m, 0.0)
    surroundings = World(trip.graph, world_settings(trip), wish.seed, stretch.corridor)
    start = CarStart(
        pose=Pose(x_m, y_m, wrap_angle_rad(yaw_rad)), z_m=here.z_m, charge_pct=START_CHARGE_PCT
    )
    if wish.sensors == "perfect":
        spec = with_perfect_sensors(spec)
    return Machine(SimCar(spec, surroundings, start, Chance.of(wish.seed, "car")), surroundings)
