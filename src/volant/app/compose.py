"""Composes the car, its world and its pilot for one trip: the only place where all rooms meet.

Everything is made from a `TripWish` and the two files it names, so that the same wish gives the same
drive: live, headless, in a test or as a replay.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from volant.app import components
from volant.app.components import Machine
from volant.app.folders import data_folder
from volant.app.programs import factory, pilot_tuning
from volant.app.trip import (
    DEFAULT_M,
    Ends,
    Stretch,
    TripWish,
    check_sensors,
    choose_ends,
    choose_stretch,
    follow_from,
    lead_stretch,
)
from volant.caros.cockpit.frame import CarShape, FrameSettings, encode_route
from volant.caros.cockpit.mapview import road_view
from volant.caros.cockpit.ownlane import OwnLane
from volant.caros.cockpit.signview import SignView
from volant.core.chance import Chance
from volant.core.component import Component
from volant.core.geometry import Pose, wrap_angle_rad
from volant.core.messages import Message
from volant.core.settings import find_data
from volant.core.topics import Topic
from volant.core.units import GRAVITY_MPS2
from volant.pilot import CarGeometry, PilotSettings
from volant.road import (
    CorridorColumn,
    LaneGraph,
    TrafficRules,
    find_place,
    load_graph,
    make_guide,
    traffic_rules,
)
from volant.safety.aeb import AebSettings
from volant.safety.guard import GuardSettings
from volant.sim import Jam, JudgeSettings, World, WorldSettings
from volant.sim.scenario import RING_CARS, TOWN_PARKED, TOWN_PEOPLE
from volant.vehicle import CarSpec, CarStart, SimCar, load_spec, with_perfect_sensors
from volant.vehicle.boot.calibration import Programs
from volant.vehicle.cancar import Report, unheard
from volant.vehicle.network import CarMapping, Media, Ports
from volant.vehicle.network.simulated import NetworkUnits
from volant.vehicle.simcar import DirectUnits, UnitsStart

ROUTE_STEP_M: Final = 40.0
"""Between two points of the way on the map, at most;"""
ROUTE_TURN_RAD: Final = 0.15
"""and one wherever the way has turned this much: under a pixel off at the map's scale."""
START_CHARGE_PCT: Final = 80.0
START_SHARE: Final = 0.8
"""Of the limit, as traffic with lorries rolls."""
START_MPS: Final = 25.0
START_LATERAL_MPS2: Final = 1.0
START_LOOK_M: Final = 60.0
TOWN_TYPES: Final = frozenset(
    {
        "town",
        "townArterial",
        "townCollector",
        "townLocal",
        "townPrivate",
        "townPlayStreet",
        "lowSpeed",
    }
)
"""Types of road on which a drive begins parked (OpenDRIVE's e_roadType)."""
START_BRAKE_MPS2: Final = 1.2
"""A drive begins no faster than this braking ends it: chosen, well below the comfortable 2 m/s2."""
START_ROOM_M: Final = 25.0
"""Not counted on for that stop: the pilot takes over after half a second; chosen, one second at most."""
SLOWEST_MPS: Final = 3.0
"""Mean speed below which a trip is given up: a jam moves at 2 to 4 m/s (recalled)."""
SPARE_S: Final = 180.0

MOTORWAY_CARS: Final = RING_CARS
DEFAULT_CARS: Final = 20
JAM_AT: Final = 0.6
"""Share of the trip at which the default jam has its head."""
JAM_M: Final = 250.0
JAM_TRIP_M: Final = 2000.0
JAM_BEFORE: Final = 0.45
"""Share of the time until the car comes, after which the head stands: the queue is there by then."""
JAM_AFTER_S: Final = 60.0
FREE_MPS: Final = 36.0

Write = Callable[[Topic, int, Message], None]
Send = Callable[[bytes], object]


@dataclass(frozen=True)
class Trip:
    """A wish with what it stands for."""

    wish: TripWish
    car_file: Path
    road_file: Path
    spec: CarSpec
    graph: LaneGraph
    stretch: Stretch
    ends: Ends | None = None
    """The places it leads from and to; None: it is a distance along a road."""
    programs: Programs | None = None
    """What the car's units have booted; None: what they left the factory with."""

    @cached_property
    def rules(self) -> TrafficRules:
        """Rules of the graph, worked out once for pilot, judge, world and screen."""
        return traffic_rules(self.graph)

    @property
    def destination(self) -> tuple[int, float]:
        """Lane and place on it to arrive at."""
        place = self.stretch.corridor.at(self.stretch.destination_m)
        return place.lane, place.lane_s_m

    @property
    def via_count(self) -> int:
        """Places to pass on the way."""
        return 0 if self.ends is None else len(self.ends.via)

    @property
    def limit_s(self) -> float:
        """Virtual time after which the trip is given up."""
        length_m = self.stretch.destination_m - self.stretch.start_m
        return SPARE_S + length_m / SLOWEST_MPS

    @property
    def cars(self) -> int:
        """Other cars near ours: as asked for, else dense traffic on a motorway and some elsewhere."""
        if self.wish.cars is not None:
            return self.wish.cars
        rows = self.stretch.corridor.window(self.stretch.start_m, self.stretch.destination_m)
        lanes = [self.graph.lanes[int(row)] for row in rows[:, CorridorColumn.LANE]]
        motorway = sum(lane.road_type == "motorway" for lane in lanes)
        return MOTORWAY_CARS if 2 * motorway > len(lanes) else DEFAULT_CARS


def plan_trip(wish: TripWish, boot: Callable[[CarSpec], Programs] | None = None) -> Trip:
    """Find and read the files of a wish, and choose its road.

    Args:
        wish: what a user asks for.
        boot: gives what the units of a car run; None: what they left the factory with.

    Raises:
        InputError: a name is unknown, a file is wrong, or the road cannot be driven.
    """
    check_sensors(wish.sensors)
    car_file = find_data("cars", wish.car, data_folder())
    road_file = find_data("maps", wish.road, data_folder())
    spec = load_spec(car_file)
    graph = load_graph(road_file)
    ends = choose_ends(graph, wish)
    if ends is not None:
        stretch = lead_stretch(graph, ends)
    elif wish.start is not None:
        stretch = follow_from(graph, find_place(graph, wish.start), wish.distance_m or DEFAULT_M)
    else:
        stretch = choose_stretch(graph, wish.distance_m or DEFAULT_M, road_file)
    return Trip(wish, car_file, road_file, spec, graph, stretch, ends, boot and boot(spec))


def compose(
    trip: Trip,
    *,
    write: Write | None = None,
    send: Send | None = None,
    network: Network | None = None,
) -> tuple[Component, ...]:
    """The components of a trip in the order of one control tick.

    A trip over a bus without a network is driven over buses within the process, as a replay is.
    """
    parts = [
        components.world(lambda: make_machine(trip, network)),
        components.pilot(pilot_settings(trip)),
        components.vehicle(guard_settings(trip.spec), aeb_settings(trip.spec)),
        components.judge(judge_settings(trip)),
    ]
    if send is not None:
        parts.append(components.cockpit(frame_settings(trip), send))
    if write is not None:
        parts.append(components.recorder(write, parts))
    return tuple(parts)


def pilot_settings(trip: Trip) -> PilotSettings:
    """What the pilot is given: its road, its car and its destination."""
    spec, graph = trip.spec, trip.graph
    between = () if trip.ends is None else trip.ends.via
    return PilotSettings(
        graph=graph,
        rules=trip.rules,
        guide=make_guide(graph, trip.destination),
        car=CarGeometry(
            length_m=spec.length_m,
            width_m=spec.width_m,
            rear_overhang_m=spec.rear_overhang_m,
            wheelbase_m=spec.wheelbase_m,
            max_curvature_per_m=spec.max_curvature_per_m,
            steering_ratio=spec.steering_ratio,
        ),
        berth=_berth(trip),
        via=tuple(make_guide(graph, (one.lane, one.s_m), beside=True) for one in between),
        tuning=pilot_tuning(trip.programs or factory(spec)),
    )


def _berth(trip: Trip) -> tuple[float, float, float] | None:
    """Where the car was parked; a drive that begins among others does not begin parked."""
    if _start_speed_mps(trip) > 0.0:
        return None
    x_m, y_m, yaw_rad = trip.stretch.corridor.to_world(trip.stretch.start_m, 0.0)
    return x_m, y_m, wrap_angle_rad(yaw_rad)


def guard_settings(spec: CarSpec) -> GuardSettings:
    """What the guard is given: the car's geometry and what its actuators can do."""
    return GuardSettings(
        wheelbase_m=spec.wheelbase_m,
        steering_ratio=spec.steering_ratio,
        max_curvature_per_m=spec.max_curvature_per_m,
        max_steer_rate_rps=spec.steering.max_rate_rps.value,
        # Of an axle that carries the lateral force of the mass on it (stiffness is by load).
        rear_slip_rad_per_mps2=1.0 / (GRAVITY_MPS2 * spec.tyre.stiffness_rear_per_rad.value),
    )


def aeb_settings(spec: CarSpec) -> AebSettings:
    """What emergency braking is given: the car's outline."""
    return AebSettings(
        length_m=spec.length_m,
        width_m=spec.width_m,
        rear_overhang_m=spec.rear_overhang_m,
        wheelbase_m=spec.wheelbase_m,
    )


def judge_settings(trip: Trip) -> JudgeSettings:
    """What the drive is judged against: from place to place whatever way the pilot takes."""
    stretch, rules = trip.stretch, trip.rules
    if trip.ends is not None:
        via = tuple((one.lane, one.s_m) for one in trip.ends.via)
        return JudgeSettings(graph=trip.graph, place=trip.destination, via=via, rules=rules)
    return JudgeSettings(
        graph=trip.graph,
        corridor=stretch.corridor,
        start_m=stretch.start_m,
        destination_m=stretch.destination_m,
        rules=rules,
    )


def world_settings(trip: Trip) -> WorldSettings:
    """What the world is given: its traffic and people, its sensors, and a jam where there is room.

    Without cars the world is empty.
    """
    empty = trip.cars == 0
    return WorldSettings(
        cars=trip.cars,
        sensors=trip.wish.sensors,
        jams=_jams(trip),
        people=0 if empty else TOWN_PEOPLE,
        parked=0 if empty else TOWN_PARKED,
    )


def _jams(trip: Trip) -> tuple[Jam, ...]:
    """One jam on a long motorway trip: its head stands before the car comes and lets go later.

    Queues of two to three hundred metres are what a loop detector calls stop and go (recalled).
    """
    stretch = trip.stretch
    length_m = stretch.destination_m - stretch.start_m
    head_m = stretch.start_m + JAM_AT * length_m
    lane = trip.graph.lanes[stretch.corridor.at(head_m).lane]
    alone = lane.left is None and lane.right is None
    if length_m < JAM_TRIP_M or trip.cars == 0 or alone or lane.road_type != "motorway":
        return ()
    reached_s = _free_time_s(stretch, head_m - JAM_M)
    return (
        Jam(
            start_m=head_m - JAM_M,
            length_m=JAM_M,
            from_s=JAM_BEFORE * reached_s,
            to_s=reached_s + JAM_AFTER_S,
        ),
    )


def _free_time_s(stretch: Stretch, station_m: float) -> float:
    """How long the way to a station takes at the limits, once rolling."""
    corridor = stretch.corridor
    rows = corridor.window(stretch.start_m, station_m)
    limits = rows[:, CorridorColumn.LIMIT].tolist()
    return math.fsum(corridor.step_m / min(max(limit, 5.0), FREE_MPS) for limit in limits)


def frame_settings(trip: Trip) -> FrameSettings:
    """What the cockpit's frames are given: the car's shape and its own map."""
    spec = trip.spec
    return FrameSettings(
        shape=CarShape(spec.length_m, spec.width_m, spec.rear_overhang_m),
        view=road_view(trip.graph),
        corridor=trip.stretch.corridor,
        left_hand=trip.graph.left_hand,
        signs=SignView(trip.graph, trip.rules),
        own_lane=OwnLane(trip.graph, trip.stretch.corridor.lanes),
        route=encode_route(_route(trip)),
    )


def _route(trip: Trip) -> tuple[tuple[float, float], ...]:
    """The way to go as the map shows it."""
    stretch = trip.stretch
    rows = stretch.corridor.window(stretch.start_m, stretch.destination_m)
    columns = [CorridorColumn.S, CorridorColumn.X, CorridorColumn.Y, CorridorColumn.HEADING]
    places: list[tuple[float, float]] = []
    last_s_m, last_rad = -math.inf, 0.0
    for s_m, x_m, y_m, heading_rad in rows[:, columns].tolist():
        turned = abs(math.remainder(heading_rad - last_rad, math.tau)) > ROUTE_TURN_RAD
        if turned or s_m - last_s_m >= ROUTE_STEP_M:
            places.append((x_m, y_m))
            last_s_m, last_rad = s_m, heading_rad
    return (*places, (float(rows[-1, CorridorColumn.X]), float(rows[-1, CorridorColumn.Y])))


def _start_speed_mps(trip: Trip) -> float:
    """A drive among others begins rolling with them: nobody stands in the lane of a motorway.

    A trip too short to stop from that speed in comfort begins slower. A trip from a named place, or
    in a town, begins parked.
    """
    first = trip.graph.lanes[trip.stretch.corridor.at(trip.stretch.start_m).lane]
    parked = trip.ends is not None and first.road_type != "motorway"
    if trip.cars == 0 or parked or first.road_type in TOWN_TYPES:
        return 0.0
    rows = trip.stretch.corridor.window(trip.stretch.start_m, trip.stretch.start_m + START_LOOK_M)
    speed_mps = float(rows[:, CorridorColumn.LIMIT].min())
    bend_per_m = float(abs(rows[:, CorridorColumn.CURVATURE]).max())
    if bend_per_m > 0.0:
        speed_mps = min(speed_mps, (START_LATERAL_MPS2 / bend_per_m) ** 0.5)
    room_m = trip.stretch.destination_m - trip.stretch.start_m - START_ROOM_M
    stopping_mps = math.sqrt(2.0 * START_BRAKE_MPS2 * max(0.0, room_m))
    return min(START_SHARE * speed_mps, START_MPS, stopping_mps)


def start_curvature_per_m(trip: Trip) -> float:
    """Of the lane where a drive begins rolling, left positive; 0 where it begins parked."""
    if _start_speed_mps(trip) == 0.0:
        return 0.0
    rows = trip.stretch.corridor.window(trip.stretch.start_m, trip.stretch.start_m + 1.0)
    return float(rows[0, CorridorColumn.CURVATURE])


@dataclass(frozen=True)
class Network:
    """What joins the car's units: its mapping, the ports to its buses and who hears of faults."""

    mapping: CarMapping
    ports: Ports
    report: Report = unheard


def _units(trip: Trip, network: Network | None) -> UnitsStart:
    if trip.wish.bus is None:
        return DirectUnits
    from volant.app.canbus import load_network

    joined = network or Network(load_network(), Media())
    return lambda spec, first, dead: NetworkUnits(
        joined.mapping, joined.ports, spec, first, joined.report, dead
    )


def make_machine(
    trip: Trip, network: Network | None = None, units: UnitsStart | None = None
) -> Machine:
    """The plant at the trip's start, in its world; `units` in place of those that the trip asks for."""
    wish, stretch, spec = trip.wish, trip.stretch, trip.spec
    here = stretch.corridor.at(stretch.start_m)
    x_m, y_m, yaw_rad = stretch.corridor.to_world(stretch.start_m, 0.0)
    surroundings = World(
        trip.graph, world_settings(trip), wish.seed, stretch.corridor, rules=trip.rules
    )
    start = CarStart(
        pose=Pose(x_m, y_m, wrap_angle_rad(yaw_rad)),
        z_m=here.z_m,
        speed_mps=_start_speed_mps(trip),
        curvature_per_m=start_curvature_per_m(trip),
        charge_pct=START_CHARGE_PCT,
    )
    if wish.sensors == "perfect":
        spec = with_perfect_sensors(spec)
    chance = Chance.of(wish.seed, "car")
    car = SimCar(
        *(spec, surroundings, start, chance, units or _units(trip, network)), trip.programs
    )
    return Machine(car, surroundings)
