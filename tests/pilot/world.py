"""A small world for the pilot's tests: one road, a car with late actuators, scripted others, sensors.

Independent of the simulator on purpose. The car is a single track whose rear axle slips with lateral
acceleration; steering and drive have dead time and lag (vehicle.md section 3).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache

import msgspec
import numpy as np

from volant.core.chance import Chance
from volant.core.clock import CONTROL_TICK_NS, NS_PER_S
from volant.core.geometry import wrap_angle_rad
from volant.core.messages import (
    CarState,
    Command,
    DetectionFrame,
    DriverControls,
    DriverRequest,
    Engagement,
    Gear,
    GnssReturn,
    Indicator,
    LaneReturn,
    MarkKind,
    ObjectClass,
    ObjectReturn,
    Observation,
    PilotState,
    Plan,
    RequestKind,
    SensorFrames,
)
from volant.core.settings import Choices
from volant.pilot import CarGeometry, PilotMemory, PilotOutput, PilotSettings, start, step
from volant.pilot.course import Course, lay
from volant.pilot.way import Way
from volant.road import (
    Corridor,
    CorridorPoint,
    LaneGraph,
    LaneId,
    RoadNetwork,
    RouteLeg,
    build_corridor,
    build_graph,
    make_guide,
)
from volant.road import model as network
from volant.road.model import (
    Arc,
    Cubic,
    Geometry,
    LaneRecord,
    LaneSection,
    Line,
    RoadLink,
    RoadMark,
    Spiral,
    TypeRecord,
)

CAR = CarGeometry(
    length_m=4.45, width_m=1.82, rear_overhang_m=0.92, wheelbase_m=2.625, max_curvature_per_m=0.18
)


@dataclass(frozen=True)
class Road:
    """A lane graph of one road, and the lane that the tests drive on."""

    graph: LaneGraph
    corridor: Corridor
    marks: tuple[MarkKind, MarkKind] = (MarkKind.SOLID, MarkKind.SOLID)
    """Of the lane that is driven on, left and right."""
    lane: int = 1
    lanes: int = 1
    width_m: float = 3.6

    @property
    def table(self) -> np.ndarray:
        return self.corridor.table

    @property
    def length_m(self) -> float:
        return self.corridor.length_m

    def at(self, s_m: float) -> CorridorPoint:
        return self.corridor.at(s_m)

    def to_world(self, s_m: float, offset_m: float) -> tuple[float, float, float]:
        return self.corridor.to_world(s_m, offset_m)

    def project(self, x_m: float, y_m: float, hint_m: float | None = None) -> tuple[float, float]:
        return self.corridor.project(x_m, y_m, hint_m)

    def course(self, station_m: float = 20.0) -> Course:
        """The course of a car that stands there."""
        lane = self.corridor.at(station_m).lane
        return lay(Way(self.graph), lane, self.corridor.at(station_m).lane_s_m)


def corridor(
    pieces: Sequence[tuple[float, float, float]],
    limits: Sequence[tuple[float, float]] = ((0.0, 120 / 3.6),),
    width_m: float = 3.6,
    lanes: int = 1,
    lane: int = 1,
    kind: str = "motorway",
    loops: bool = False,
    ends_m: float | None = None,
) -> Road:
    """A road of pieces (length, curvature at the begin, curvature at the end); limits are (from s, m/s).

    `lane` of `lanes` counts from the left. With ends_m the rightmost lane closes there within 60 m.
    """
    geometries, s_m, x_m, y_m, heading = [], 0.0, 0.0, 0.0, 0.0
    for length_m, first, last in pieces:
        shape: Line | Arc | Spiral = Spiral(first, last)
        if first == last:
            shape = Line() if first == 0.0 else Arc(first)
        geometries.append(Geometry(s_m, x_m, y_m, heading, length_m, shape))
        steps = 2000
        for i in range(steps):
            at = (i + 0.5) / steps
            here = heading + length_m * at * (first + 0.5 * at * (last - first))
            x_m += math.cos(here) * length_m / steps
            y_m += math.sin(here) * length_m / steps
        heading += 0.5 * length_m * (first + last)
        s_m += length_m
    broken, solid = RoadMark(0.0, "broken", lane_change="both"), RoadMark(0.0, "solid")
    records = [LaneRecord(0, "none", marks=(solid,))]
    for number in range(1, lanes + 1):
        widths: tuple[Cubic, ...] = (Cubic(0.0, width_m),)
        if ends_m is not None and number == lanes:
            widths = (*widths, Cubic(ends_m, width_m, -width_m / 60.0), Cubic(ends_m + 60.0, 0.0))
        link = (-number,) if loops else ()
        records.append(
            LaneRecord(
                -number,
                "driving",
                predecessors=link,
                successors=link,
                widths=widths,
                marks=(solid if number == lanes else broken,),
            )
        )
    join = RoadLink("road", "1", "start") if loops else None
    back = RoadLink("road", "1", "end") if loops else None
    road = network.Road(
        id="1",
        name="test",
        length_m=s_m,
        junction=None,
        left_hand=False,
        predecessor=back,
        successor=join,
        types=tuple(TypeRecord(at_m, kind, limit) for at_m, limit in limits),
        geometries=tuple(geometries),
        elevations=(),
        superelevations=(),
        lane_offsets=(),
        sections=(LaneSection(0.0, s_m, tuple(records)),),
    )
    graph = build_graph(RoadNetwork("test", "test", (1, 7), (road,), ()))
    index = graph.ids[LaneId("1", 0, -lane)]
    left = MarkKind.SOLID if lane == 1 else MarkKind.BROKEN
    right = MarkKind.SOLID if lane == lanes else MarkKind.BROKEN
    return Road(
        graph,
        build_corridor(graph, [RouteLeg(index, 0.0, s_m)]),
        (left, right),
        lane,
        lanes,
        width_m,
    )


@cache
def straight(length_m: float = 3000.0, limit_mps: float = 120 / 3.6) -> Road:
    return corridor([(length_m, 0.0, 0.0)], [(0.0, limit_mps)])


@cache
def curvy() -> Road:
    """Bends of 500, 250 and 125 m with clothoids between, the limit never in the way of them."""
    pieces = [(200.0, 0.0, 0.0)]
    for radius in (500.0, -250.0, 125.0, -125.0):
        ramp = 60.0
        pieces += [
            (ramp, 0.0, 1 / radius),
            (150.0, 1 / radius, 1 / radius),
            (ramp, 1 / radius, 0.0),
        ]
        pieces += [(80.0, 0.0, 0.0)]
    return corridor([*pieces, (300.0, 0.0, 0.0)], [(0.0, 100 / 3.6)])


@dataclass
class Actor:
    """Another road user on the corridor; `drive(actor, time_s)` gives (acceleration, lateral speed)."""

    station_m: float
    speed_mps: float
    offset_m: float = 0.0
    drive: Callable[[Actor, float], tuple[float, float]] = lambda actor, t: (0.0, 0.0)
    length_m: float = 4.5
    width_m: float = 1.8
    kind: ObjectClass = ObjectClass.CAR
    accel_mps2: float = 0.0
    side_mps: float = 0.0

    def move(self, time_s: float, dt_s: float) -> None:
        accel, self.side_mps = self.drive(self, time_s)
        before = self.speed_mps
        self.speed_mps = max(self.speed_mps + accel * dt_s, 0.0)
        self.accel_mps2 = (self.speed_mps - before) / dt_s
        self.station_m += 0.5 * (before + self.speed_mps) * dt_s
        self.offset_m += self.side_mps * dt_s


@dataclass(frozen=True)
class Sensing:
    """Noise of the sensors; the default is perfect."""

    latency_s: float = 0.0
    place_m: float = 0.0
    speed_mps: float = 0.0
    lane_m: float = 0.0
    lane_bias_m: float = 0.0
    lane_rad: float = 0.0
    gnss_m: float = 0.0
    miss: float = 0.0
    ghosts: float = 0.0
    existence: float = 0.98
    gyro_bias_rps: float = 0.0


PERFECT = Sensing()
TYPICAL = Sensing(
    latency_s=0.08,
    place_m=0.25,
    speed_mps=0.2,
    lane_m=0.05,
    lane_bias_m=0.04,
    lane_rad=0.005,
    gnss_m=1.0,
    miss=0.08,
    ghosts=0.05,
    existence=0.85,
    gyro_bias_rps=0.002,
)


@dataclass
class Log:
    """What happened, one row a control tick."""

    time_s: list[float] = field(default_factory=list)
    station_m: list[float] = field(default_factory=list)
    offset_m: list[float] = field(default_factory=list)
    speed_mps: list[float] = field(default_factory=list)
    accel_mps2: list[float] = field(default_factory=list)
    lateral_mps2: list[float] = field(default_factory=list)
    command_mps2: list[float] = field(default_factory=list)
    gap_m: list[float] = field(default_factory=list)
    engagement: list[Engagement] = field(default_factory=list)

    def array(self, name: str) -> np.ndarray:
        return np.array(getattr(self, name))

    def jerk(self) -> np.ndarray:
        """Longitudinal jerk as the issue defines it: mean over one second of the true acceleration."""
        accel = self.array("accel_mps2")
        return (accel[100:] - accel[:-100]) / 1.0


class World:
    """The pilot in its loop."""

    def __init__(
        self,
        road: Road,
        *,
        speed_mps: float = 0.0,
        station_m: float = 20.0,
        offset_m: float = 0.0,
        actors: Sequence[Actor] = (),
        sensing: Sensing = PERFECT,
        seed: int = 1,
        choices: Choices | None = None,
        destination_m: float | None = None,
        engaged: bool = True,
        tamper: Callable[[Observation], Observation] | None = None,
    ) -> None:
        self.road, self.actors, self.sensing = road, list(actors), sensing
        guide = None
        if destination_m is not None:
            place = road.at(destination_m)
            guide = make_guide(road.graph, (place.lane, place.lane_s_m))
        self.settings = PilotSettings(road.graph, None, guide, CAR, choices or Choices())
        self.memory: PilotMemory = start(self.settings)
        self.chance = Chance.of(seed, "pilot-test")
        self.draws = 0
        x, y, yaw = road.to_world(station_m, offset_m)
        self.x_m, self.y_m, self.yaw_rad = x, y, yaw
        self.speed_mps, self.accel_mps2, self.bend = speed_mps, 0.0, 0.0
        self.bend = road.at(station_m).curvature_per_m
        self.station_m, self.offset_m = station_m, offset_m
        self.hold = False
        self.tick = 0
        self.commands: deque[Command] = deque()
        self.frames: deque[tuple[int, SensorFrames]] = deque()
        self.requests: list[DriverRequest] = []
        self.controls = DriverControls()
        self.engage_at = 30 if engaged else -1
        self.tamper = tamper
        self.log = Log()
        self.output: PilotOutput | None = None
        self.plan: Plan | None = None
        self.state: PilotState | None = None
        self.contact = False
        self.blind = False
        """No object frames."""
        self.lane_blind = False
        self.alerts: list[str] = []

    # --- chance -----------------------------------------------------------------------------------

    def normal(self, sigma: float) -> float:
        self.draws += 1
        return self.chance.normal(self.draws, 0.0, sigma) if sigma else 0.0

    def uniform(self) -> float:
        self.draws += 1
        return self.chance.uniform(self.draws)

    # --- one tick ---------------------------------------------------------------------------------

    @property
    def stamp_ns(self) -> int:
        return self.tick * CONTROL_TICK_NS

    @property
    def time_s(self) -> float:
        return self.stamp_ns / NS_PER_S

    def request(self, kind: RequestKind, value: float | None = None) -> None:
        self.requests.append(DriverRequest(stamp_ns=self.stamp_ns, kind=kind, value=value))

    def run(self, span_s: float) -> Log:
        for _ in range(round(span_s * 100)):
            self.advance()
        return self.log

    def advance(self) -> PilotOutput:
        if self.tick == self.engage_at:
            self.request(RequestKind.ENGAGE)
        self._move()
        observation = self._observe()
        if self.tamper is not None:
            observation = self.tamper(observation)
        self.memory, output = step(self.memory, observation, self.settings)
        assert math.isfinite(output.command.accel_mps2)
        assert math.isfinite(output.command.curvature_per_m)
        self.output = output
        self.plan = output.plan or self.plan
        self.state = output.state or self.state
        self.alerts += [alert.alert_id for alert in output.alerts]
        self.commands.append(output.command)
        self.requests = []
        self._note(output.command)
        self.tick += 1
        return output

    def _move(self) -> None:
        dt = 0.005
        engaged = self.memory.engage.driving
        for _ in range(2):
            old = self.commands[-5] if len(self.commands) >= 5 and engaged else None
            want, bend = 0.0, self.road.at(self.station_m).curvature_per_m
            if old is not None:
                want, bend, self.hold = old.accel_mps2, old.curvature_per_m, old.hold
            if self.controls.brake > 0.0:
                want = -9.0 * self.controls.brake
            self.accel_mps2 += (want - self.accel_mps2) * dt / 0.08
            self.bend += (bend - self.bend) * dt / 0.08
            if self.hold and self.speed_mps < 0.2:
                self.speed_mps, self.accel_mps2 = 0.0, 0.0
            before = self.speed_mps
            self.speed_mps = max(before + self.accel_mps2 * dt, 0.0)
            if before == 0.0 and self.speed_mps == 0.0:
                self.accel_mps2 = max(self.accel_mps2, 0.0) if want > 0 else 0.0
            slip = -0.006 * self.speed_mps**2 * self.bend
            course = self.yaw_rad + slip
            self.x_m += self.speed_mps * dt * math.cos(course)
            self.y_m += self.speed_mps * dt * math.sin(course)
            self.yaw_rad += self.speed_mps * self.bend * dt
        self.station_m, self.offset_m = self.road.project(self.x_m, self.y_m, self.station_m)
        for actor in self.actors:
            actor.move(self.time_s, 0.01)

    def _observe(self) -> Observation:
        stamp = self.stamp_ns
        if self.tick % 5 == 0:
            self.frames.append((stamp + round(self.sensing.latency_s * NS_PER_S), self._sense()))
        sensors = None
        while self.frames and self.frames[0][0] <= stamp:
            sensors = self.frames.popleft()[1]
        car = CarState(
            stamp_ns=stamp,
            speed_mps=self.speed_mps,
            accel_mps2=self.accel_mps2,
            lateral_accel_mps2=self.speed_mps**2 * self.bend,
            yaw_rate_rps=self.speed_mps * self.bend + self.sensing.gyro_bias_rps,
            steer_rad=math.atan(self.bend * CAR.wheelbase_m),
            gear=Gear.DRIVE,
            indicator=Indicator.OFF,
            hold=self.hold,
            brake_lights=self.accel_mps2 < -0.5,
            charge_pct=80.0,
            range_m=300e3,
            battery_power_w=0.0,
            battery_voltage_v=350.0,
            battery_temperature_k=300.0,
            odometer_m=0.0,
            driver=self.controls,
        )
        return Observation(stamp_ns=stamp, car=car, sensors=sensors, requests=tuple(self.requests))

    def _sense(self) -> SensorFrames:
        noise, stamp = self.sensing, self.stamp_ns
        heading = self.road.to_world(self.station_m, self.offset_m)[2]
        detections = (
            ()
            if self.blind
            else (DetectionFrame(sensor="front", stamp_ns=stamp, objects=tuple(self._returns())),)
        )
        lane = (
            None
            if self.lane_blind
            else LaneReturn(
                stamp_ns=stamp,
                offset_m=self.offset_m + noise.lane_bias_m + self.normal(noise.lane_m),
                heading_rad=wrap_angle_rad(self.yaw_rad - heading) + self.normal(noise.lane_rad),
                curvature_per_m=self.road.at(self.station_m).curvature_per_m,
                width_m=3.6,
                left_mark=self.road.marks[0],
                right_mark=self.road.marks[1],
                confidence=0.95,
            )
        )
        gnss = GnssReturn(
            stamp_ns=stamp,
            x_m=self.x_m + self.normal(noise.gnss_m),
            y_m=self.y_m + self.normal(noise.gnss_m),
            z_m=0.0,
            yaw_rad=wrap_angle_rad(self.yaw_rad + self.normal(0.01 if noise.gnss_m else 0.0)),
            sigma_m=max(noise.gnss_m, 0.02),
        )
        return SensorFrames(
            stamp_ns=stamp, detections=detections, lane=self._own_lane(lane), gnss=gnss
        )

    def _own_lane(self, lane: LaneReturn | None) -> LaneReturn | None:
        """The camera tells the lane that the car is in, not the one that it began in."""
        road = self.road
        over = min(max(round(self.offset_m / road.width_m), road.lane - road.lanes), road.lane - 1)
        if lane is None or over == 0:
            return lane
        here = road.lane - over
        return msgspec.structs.replace(
            lane,
            offset_m=lane.offset_m - over * road.width_m,
            left_mark=MarkKind.SOLID if here == 1 else MarkKind.BROKEN,
            right_mark=MarkKind.SOLID if here == road.lanes else MarkKind.BROKEN,
        )

    def _returns(self) -> list[ObjectReturn]:
        noise, found = self.sensing, []
        for actor in self.actors:
            x, y, heading = self.road.to_world(actor.station_m, actor.offset_m)
            cos, sin = math.cos(self.yaw_rad), math.sin(self.yaw_rad)
            dx, dy = x - self.x_m, y - self.y_m
            turn = heading - self.yaw_rad
            if math.hypot(dx, dy) > 180.0 or (noise.miss and self.uniform() < noise.miss):
                continue
            vx = actor.speed_mps * math.cos(turn) - actor.side_mps * math.sin(turn)
            vy = actor.speed_mps * math.sin(turn) + actor.side_mps * math.cos(turn)
            found.append(
                self._return(
                    cos * dx + sin * dy, -sin * dx + cos * dy, vx, vy, wrap_angle_rad(turn), actor
                )
            )
        if noise.ghosts and self.uniform() < noise.ghosts:
            where = 10.0 + 100.0 * self.uniform()
            found.append(self._return(where, 0.0, 0.0, 0.0, 0.0, Actor(0.0, 0.0)))
        return found

    def _return(
        self, x: float, y: float, vx: float, vy: float, yaw: float, actor: Actor
    ) -> ObjectReturn:
        noise = self.sensing
        return ObjectReturn(
            x_m=x + self.normal(noise.place_m),
            y_m=y + self.normal(0.5 * noise.place_m),
            yaw_rad=yaw + self.normal(0.05 if noise.place_m else 0.0),
            velocity_x_mps=vx + self.normal(noise.speed_mps),
            velocity_y_mps=vy + self.normal(noise.speed_mps),
            length_m=actor.length_m,
            width_m=actor.width_m,
            height_m=1.5,
            object_class=actor.kind,
            class_confidence=0.9,
            existence=noise.existence,
            brake_lights=actor.accel_mps2 < -0.5,
        )

    def _note(self, command: Command) -> None:
        log = self.log
        log.time_s.append(self.time_s)
        log.station_m.append(self.station_m)
        log.offset_m.append(self.offset_m)
        log.speed_mps.append(self.speed_mps)
        log.accel_mps2.append(self.accel_mps2)
        log.lateral_mps2.append(self.speed_mps**2 * self.bend)
        log.command_mps2.append(command.accel_mps2)
        log.engagement.append(self.memory.engage.engagement)
        gap = math.inf
        front, rear = self.station_m + CAR.front_m, self.station_m - CAR.rear_overhang_m
        for actor in self.actors:
            aside = abs(actor.offset_m - self.offset_m) < 0.5 * (actor.width_m + CAR.width_m)
            back, nose = (
                actor.station_m - 0.5 * actor.length_m,
                actor.station_m + 0.5 * actor.length_m,
            )
            if aside and nose > rear:
                gap = min(gap, back - front)
        self.contact = self.contact or gap <= 0.0
        log.gap_m.append(gap)
