"""The world around a simulated car: traffic, sensors, touches and ground, as the Surroundings port.

Traffic moves at 20 Hz, one step ahead of what is shown; between two steps every car lies on the
straight line between its two poses, so that touches are found at 100 Hz. The first `advance` fills
the road around the car.
"""

from __future__ import annotations

import math
from operator import attrgetter
from typing import Annotated, Final

import msgspec
import numpy as np
from msgspec import Meta

from volant.core.chance import Chance
from volant.core.clock import PILOT_TICK_NS, seconds
from volant.core.geometry import Box, boxes_overlap, wrap_angle_rad
from volant.core.messages import Contact, EgoTruth, LightTruth, SensorFrames, TruthObject
from volant.road import Corridor, LaneColumn, LaneGraph, LanePoint, TrafficRules
from volant.road.kernels import evaluate_line, project_line
from volant.sim.cast import Cast
from volant.sim.columns import Actor, Index
from volant.sim.drivers import DriverMix
from volant.sim.jams import Jam, jam_rows
from volant.sim.parked import COLUMNS as PARKED_COLUMNS
from volant.sim.parked import make_kerbside, parked_cars, show_parked
from volant.sim.people import gather, join, make_crowd, make_sites, no_sites, step_crowd
from volant.sim.place_sensors import make_place_sensors, sense_place
from volant.sim.sensors import (
    CLASS_OF_BODY,
    INDICATORS,
    LEVELS,
    deliver,
    make_object_sensors,
    measure,
)
from volant.sim.sensors_faults import SensorFault
from volant.sim.sensors_landmarks import make_landmark_sensor, sense_landmarks
from volant.sim.sensors_lights import make_light_sensor, sense_lights
from volant.sim.signals import Shows
from volant.sim.touch_kernels import near_rows, touchable
from volant.sim.traffic import (
    LIGHT_STATES,
    STEP_S,
    Centre,
    enter_cast,
    enter_ego,
    enter_walls,
    make_traffic,
    populate,
    recycle,
    step,
)
from volant.sim.traffic_kernels import poses_between

TRUTH_REACH_M: Final = 300.0
"""Only cars nearer than this are told to the judge and the journal."""
_TOUCH_REACH_M: Final = 40.0
_LEVEL_APART_M: Final = 3.0
_RECYCLE_TICKS: Final = 5
_PARKED_TICKS: Final = 20
_FIRST_PEOPLE_M: Final = 15.0
_LOCATE_REACH_M: Final = 15.0
PARKED_FIRST_ID: Final = 3_000_001
PEOPLE_FIRST_ID: Final = 2_000_001
LIGHT_REACH_M: Final = 250.0
"""Lights nearer than this are told to the judge and the journal."""
CAST_FIRST_ID: Final = 1_000_001
"""Public id of the first actor of a cast; the next ones count on from it."""


class WorldSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is in a world."""

    cars: Annotated[int, Meta(ge=0, le=2000)] = 20
    """In the bubble of 420 m around the own car; fewer where the road has no room."""
    mix: DriverMix = DriverMix()
    sensors: str = "typical"
    """`perfect`, `typical` or `degraded` (rain)."""
    jams: tuple[Jam, ...] = ()
    oncoming_share: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.25
    """Share of cars born on roads of the other direction."""
    faults: tuple[SensorFault, ...] = ()
    """Sensors that are broken for a while."""
    people: Annotated[int, Meta(ge=0, le=500)] = 0
    """On foot near the own car, where there are streets or crossings."""
    parked: Annotated[int, Meta(ge=0, le=500)] = 0
    """Most parked cars near the own car, in the parking spaces of the map."""

    def __post_init__(self) -> None:
        """Raise ValueError for an unknown sensor level."""
        if self.sensors not in LEVELS:
            raise ValueError(f"sensor level {self.sensors!r}: expected one of {', '.join(LEVELS)}")


class World:
    """A world for one drive; implements core.ports.Surroundings."""

    def __init__(
        self,
        graph: LaneGraph,
        settings: WorldSettings | None = None,
        seed: int = 0,
        corridor: Corridor | None = None,
        cast: Cast | None = None,
        rules: TrafficRules | None = None,
        shows: tuple[Shows, ...] = (),
    ) -> None:
        """Lay out the world; the cars are placed around the own car by the first `advance`."""
        self.settings = settings or WorldSettings()
        self.cast = cast or Cast(())
        self.graph = graph
        chance = Chance.of(seed, "world")
        self.traffic = make_traffic(
            graph,
            self.settings.cars,
            self.settings.mix,
            chance.child("traffic"),
            self.settings.oncoming_share,
            self.cast.count,
            rules,
            shows,
        )
        self._join_rows(chance.child("people"))
        level = self.settings.sensors
        faults = self.settings.faults
        self._objects = make_object_sensors(
            level, chance.child("sensors"), len(self._actor_f), faults
        )
        self._place = make_place_sensors(level, graph, chance.child("place"), faults)
        self._light_sensor = make_light_sensor(level, graph, chance.child("lights"), faults)
        self._landmarks = make_landmark_sensor(level, graph, chance.child("landmarks"), faults)
        self._jams = (
            [(jam, jam_rows(graph, corridor, jam)) for jam in self.settings.jams]
            if corridor is not None
            else []
        )
        self._active: tuple[int, ...] = ()
        self._step_ns = -1
        self._lane: int | None = None
        self._row = -1
        self._ground = np.zeros(len(LaneColumn))
        self._poses = np.zeros((len(self._actor_f), 3))
        self._near = np.zeros(len(self._actor_f), dtype=np.int64)
        self._touching: frozenset[int] = frozenset()
        self._contacts: tuple[Contact, ...] = ()
        self._sensed_ns = -1
        self._ego: EgoTruth | None = None
        self._lights: tuple[LightTruth, ...] | None = None
        """What `lights` found since the last advance."""
        lights = self.traffic.rules.lights
        self._lamp_rows = sorted(range(len(lights)), key=lambda row: lights[row].signal)
        self._lamp_places = np.array(
            [(lights[row].x_m, lights[row].y_m) for row in self._lamp_rows]
        ).reshape(-1, 2)

    def _join_rows(self, chance: Chance) -> None:
        """Rows of the traffic first, then cast and people, in one array that all who look read."""
        traffic, count, cast = self.traffic, self.settings.cars, self.cast.count
        walkers = count + cast + self.settings.people
        rows = walkers + self.settings.parked
        self._actor_f = np.zeros((rows, len(Actor)))
        self._actor_i = np.zeros((rows, len(Index)), dtype=np.int64)
        traffic.actor_f, traffic.actor_i = self._actor_f[:count], self._actor_i[:count]
        self._cast_f = self._actor_f[count : count + cast]
        self._cast_i = self._actor_i[count : count + cast]
        walk = slice(count + cast, walkers)
        rules = traffic.rules
        lights = {light.signal: row for row, light in enumerate(rules.lights)}
        places = (self.graph, traffic.roads, traffic.ground, rules.crossings, lights)
        stands = np.zeros((0, PARKED_COLUMNS))
        if self.settings.parked:
            stands = parked_cars(self.graph, traffic.roads, traffic.ground, chance.child("parked"))
        self.kerbside = make_kerbside(stands, self._actor_f[walkers:], self._actor_i[walkers:])
        in_the_way = np.ascontiguousarray(stands[:, (0, 1, 3, 4, 5)])
        sites = make_sites(*places, in_the_way) if self.settings.people else no_sites()
        self.crowd = make_crowd(sites, self._actor_f[walk], self._actor_i[walk], chance)
        join(self.crowd, traffic)

    def _id(self, slot: int, life: int) -> int:
        """The public id of the actor in a slot; a car or a person who comes anew has another one."""
        own = slot - self.settings.cars
        if own < 0:
            return (life - 1) * self.settings.cars + slot + 1
        if own < self.cast.count:
            return CAST_FIRST_ID + own
        stands = own - self.cast.count - self.settings.people
        if stands >= 0:
            return PARKED_FIRST_ID + int(self.kerbside.held[stands])
        lives = (life - 1) * self.settings.people
        return PEOPLE_FIRST_ID + lives + own - self.cast.count

    def advance(self, ego: EgoTruth, stamp_ns: int) -> None:
        """Move every actor on to this time (see core.ports)."""
        self._ego, self._lights = ego, None
        if self._step_ns < 0:
            self.cast.start(self._cast_f, self._cast_i)
            enter_cast(self.traffic, self._cast_f)
            populate(self.traffic, _centre(ego))
            gather(self.crowd, ego.x_m, ego.y_m, 0, _FIRST_PEOPLE_M)
            show_parked(self.kerbside, ego.x_m, ego.y_m)
            self._lane = self._locate(ego)
            self._step_ns = stamp_ns
        while stamp_ns > self._step_ns:
            self._step(ego)
        part = 1.0 - (self._step_ns - stamp_ns) / PILOT_TICK_NS
        poses_between(self._actor_f, min(max(part, 0.0), 1.0), self._poses)
        self._contacts = self._touches(ego, stamp_ns)

    def _step(self, ego: EgoTruth) -> None:
        traffic = self.traffic
        now_s = seconds(self._step_ns)
        active = tuple(i for i, (jam, _) in enumerate(self._jams) if jam.from_s <= now_s < jam.to_s)
        if active != self._active:
            self._active = active
            self._set_jams()
        enter_ego(traffic, ego)
        step(traffic, STEP_S)
        step_crowd(self.crowd, traffic, STEP_S)
        self.cast.step(ego, self._step_ns + PILOT_TICK_NS, self._cast_f, self._cast_i)
        enter_cast(traffic, self._cast_f)
        if traffic.tick % _PARKED_TICKS == 0:
            show_parked(self.kerbside, ego.x_m, ego.y_m)
        if traffic.tick % _RECYCLE_TICKS == 0:
            recycle(traffic, _centre(ego))
            gather(self.crowd, ego.x_m, ego.y_m, traffic.tick)
        self._lane = self._locate(ego)
        self._step_ns += PILOT_TICK_NS

    def _set_jams(self) -> None:
        walls: list[tuple[int, float, float]] = []
        zones: list[tuple[int, float, float, float]] = []
        for index in self._active:
            rows = self._jams[index][1]
            walls.extend(rows.walls)
            zones.extend(rows.zones)
        enter_walls(self.traffic, walls)
        self.traffic.zone_f = np.array([row[1:] for row in zones], dtype=np.float64).reshape(-1, 3)
        self.traffic.zone_i = np.array([row[:1] for row in zones], dtype=np.int64).reshape(-1, 1)

    def _locate(self, ego: EgoTruth) -> int | None:
        at = self.graph.locate(ego.x_m, ego.y_m, ego.yaw_rad, self._lane, _LOCATE_REACH_M)
        lane = at.lane if at is not None else None
        if lane != self._lane:
            self._row = -1
        return lane

    def _touches(self, ego: EgoTruth, stamp_ns: int) -> tuple[Contact, ...]:
        """Touches that begin now; one that lasts is told once."""
        actor_f, actor_i = self._actor_f, self._actor_i
        where = (ego.x_m, ego.y_m, ego.z_m)
        count = near_rows(
            *(actor_f, actor_i, self._poses, *where), _TOUCH_REACH_M, _LEVEL_APART_M, self._near
        )
        ahead_m = 0.5 * ego.length_m - ego.rear_overhang_m
        cos, sin = math.cos(ego.yaw_rad), math.sin(ego.yaw_rad)
        x_m, y_m = ego.x_m + ahead_m * cos, ego.y_m + ahead_m * sin
        size_m = ego.length_m + ego.width_m
        count = touchable(actor_f, self._poses, x_m, y_m, size_m, count, self._near)
        if count == 0:
            self._touching = frozenset()
            return ()
        body = Box(x_m, y_m, ego.yaw_rad, ego.length_m, ego.width_m)
        touching, begun = set(), []
        for slot in self._near[:count].tolist():
            ox_m, oy_m, yaw = self._poses[slot].tolist()
            long, wide = float(actor_f[slot, Actor.LENGTH]), float(actor_f[slot, Actor.WIDTH])
            if not boxes_overlap(body, Box(ox_m, oy_m, yaw, long, wide)):
                continue
            public = self._id(slot, int(actor_i[slot, Index.LIFE]))
            touching.add(public)
            if public in self._touching:
                continue
            speed = float(actor_f[slot, Actor.SPEED])
            closing = _closing_mps(ego, (ox_m - x_m, oy_m - y_m), speed, yaw)
            along = (ox_m - x_m) * cos + (oy_m - y_m) * sin
            across = (oy_m - y_m) * cos - (ox_m - x_m) * sin
            behind = along < -0.5 * ego.length_m and abs(across) < 0.5 * (ego.width_m + wide)
            forward = speed * math.cos(yaw - ego.yaw_rad)
            begun.append(
                Contact(
                    stamp_ns=stamp_ns,
                    actor_id=public,
                    object_class=CLASS_OF_BODY[int(actor_i[slot, Index.CLASS])],
                    closing_mps=closing,
                    struck_from_behind=behind and forward > ego.speed_mps,
                )
            )
        self._touching = frozenset(touching)
        return tuple(sorted(begun, key=lambda contact: contact.actor_id))

    def sense(self, ego: EgoTruth, stamp_ns: int) -> SensorFrames | None:
        """What the sensors deliver at this time; None between two pilot ticks (see core.ports)."""
        if stamp_ns % PILOT_TICK_NS or stamp_ns == self._sensed_ns:
            return None
        self._sensed_ns = stamp_ns
        measure(self._objects, self._actor_f, self._actor_i, ego, stamp_ns)
        lane, gnss = sense_place(self._place, ego, self._at(ego), stamp_ns)
        return SensorFrames(
            stamp_ns=stamp_ns,
            detections=deliver(self._objects, stamp_ns),
            lane=lane,
            gnss=gnss,
            lights=sense_lights(
                *(self._light_sensor, self.lights(), (self._actor_f, self._actor_i)),
                *(ego, stamp_ns),
            ),
            landmarks=sense_landmarks(self._landmarks, self._actor_f, self._actor_i, ego, stamp_ns),
        )

    def _at(self, ego: EgoTruth) -> LanePoint | None:
        """The car's true place on its lane; the corridor's lane where several lie over each other."""
        if self._lane is None:
            self._lane = self._locate(ego)
        if self._lane is None:
            return None
        return self.graph.project(self._lane, ego.x_m, ego.y_m)

    def contacts(self) -> tuple[Contact, ...]:
        """Touches that began during the last `advance`."""
        return self._contacts

    def lights(self) -> tuple[LightTruth, ...]:
        """What the traffic lights within 250 m of the own car show, by ascending name."""
        if self._ego is None:
            return ()
        if self._lights is None:
            x_m, y_m, shown = self._ego.x_m, self._ego.y_m, self.traffic.lamps.shown
            lights = self.traffic.rules.lights
            away = np.abs(self._lamp_places - (x_m, y_m)).max(axis=1, initial=0.0)
            self._lights = tuple(
                LightTruth(signal=lights[row].signal, state=LIGHT_STATES[int(shown[row])])
                for row in (self._lamp_rows[k] for k in np.flatnonzero(away < LIGHT_REACH_M))
                if math.hypot(lights[row].x_m - x_m, lights[row].y_m - y_m) < LIGHT_REACH_M
            )
        return self._lights

    def truth(self) -> tuple[TruthObject, ...]:
        """True states of the cars within 300 m of the own car, by ascending id."""
        if self._ego is None:
            return ()
        actor_f, actor_i = self._actor_f, self._actor_i
        where = (self._ego.x_m, self._ego.y_m, 0.0)
        count = near_rows(
            *(actor_f, actor_i, self._poses, *where), TRUTH_REACH_M, math.inf, self._near
        )
        rows = self._near[:count]
        values, told = actor_f[rows][:, _TRUTH_F].tolist(), actor_i[rows][:, _TRUTH_I].tolist()
        public = self._id
        found = [
            TruthObject(
                actor_id=public(slot, life),
                object_class=CLASS_OF_BODY[body],
                x_m=x_m,
                y_m=y_m,
                z_m=z_m,
                yaw_rad=wrap_angle_rad(yaw),
                speed_mps=speed,
                accel_mps2=accel,
                yaw_rate_rps=yaw_rate,
                length_m=length,
                width_m=width,
                height_m=height,
                brake_lights=bool(braking),
                indicator=INDICATORS[direction],
            )
            for slot, (x_m, y_m, yaw), (z_m, speed, accel, yaw_rate, length, width, height), (
                body,
                braking,
                direction,
                life,
            ) in zip(rows.tolist(), self._poses[rows].tolist(), values, told, strict=True)
        ]
        found.sort(key=_actor_id)
        return tuple(found)

    def height(self, x_m: float, y_m: float) -> tuple[float, float, float]:
        """Ground height (m), grade along the own lane's direction (rad), and bank (rad, always 0).

        Simplified: superelevation raises the lane's height but does not tilt the car. Away from
        every lane the ground is flat at the last height.
        """
        if self._lane is None:
            at = self.graph.locate(x_m, y_m)
            if at is None:
                return float(self._ground[LaneColumn.Z]), 0.0, 0.0
            self._lane = at.lane
        samples = self.graph.lanes[self._lane].samples
        s_m, _offset, self._row = project_line(samples, x_m, y_m, self._row)
        evaluate_line(samples, s_m, self._row, self._ground)
        grade = math.atan(float(self._ground[LaneColumn.GRADE]))
        return float(self._ground[LaneColumn.Z]), grade, 0.0


_TRUTH_F: Final = [
    int(column)
    for column in (
        *(Actor.Z, Actor.SPEED, Actor.ACCEL, Actor.YAW_RATE),
        *(Actor.LENGTH, Actor.WIDTH, Actor.HEIGHT),
    )
]
_TRUTH_I: Final = [
    *(int(Index.CLASS), int(Index.BRAKING), int(Index.DIRECTION), int(Index.LIFE)),
]
_actor_id = attrgetter("actor_id")


def _centre(ego: EgoTruth) -> Centre:
    return Centre(ego.x_m, ego.y_m, ego.yaw_rad, ego.speed_mps)


def _closing_mps(
    ego: EgoTruth, apart_m: tuple[float, float], speed_mps: float, yaw_rad: float
) -> float:
    """Speed at which the two centres come closer; 0 where they move apart."""
    distance_m = math.hypot(*apart_m)
    if distance_m < 1e-6:
        return abs(ego.speed_mps - speed_mps)
    vx = ego.speed_mps * math.cos(ego.yaw_rad) - speed_mps * math.cos(yaw_rad)
    vy = ego.speed_mps * math.sin(ego.yaw_rad) - speed_mps * math.sin(yaw_rad)
    return max(0.0, (vx * apart_m[0] + vy * apart_m[1]) / distance_m)
