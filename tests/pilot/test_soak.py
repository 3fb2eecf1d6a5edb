"""A soak of the pilot's step in worlds that lie: it never raises, and its commands stay calm and finite."""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from tests.marks import soaked
from tests.pilot.test_faults import is_finite
from tests.pilot.world import PERFECT, TYPICAL, Actor, Road, World, corridor, curvy, straight
from volant.core.chance import Chance
from volant.core.clock import NS_PER_S
from volant.core.messages import (
    DriverRequest,
    Engagement,
    Function,
    Indicator,
    Observation,
    RequestKind,
    SensorFrames,
)
from volant.pilot import start
from volant.pilot.pipeline import PilotOutput
from volant.road import LaneGraph, RouteLeg

with_ = msgspec.structs.replace
WILD = (math.nan, math.inf, -math.inf, 1e300, -1e300, 1e9, -1.0, 0.0, 3.6)
HARDEST_MPS2, BRISKEST_MPS2, JERK_MPS3 = -5.0, 4.0, 8.37
"""What the guard lets comfort do at most, at low speed (safety/limits.py)."""
URGENT_MPS2, URGENT_JERK_MPS3 = -10.0, 50.0
"""What it lets urgent braking do, which it holds to the rows of emergency braking."""


class Liar:
    """Breaks what is observed, another way every second or two."""

    def __init__(self, seed: int) -> None:
        self.chance = Chance.of(seed, "soak")
        self.late: deque[SensorFrames] = deque()
        self.held: SensorFrames | None = None
        self.tick = 0
        self.until = 200
        self.lies: list[Callable[[Observation], Observation]] = []
        self.all = (
            *(self.wild_car, self.wild_lane, self.wild_gnss, self.wild_objects, self.nothing),
            *(self.frozen, self.delayed, self.other_lane, self.other_place, self.teleported),
            *(self.crowded, self.doubled, self.from_the_future, self.silent_some, self.pressed),
        )

    def __call__(self, seen: Observation) -> Observation:
        self.tick += 1
        if self.tick >= self.until:
            draw = self.chance.child("lies", self.tick)
            count = draw.integer(0, 0, 4)
            self.lies = [self.all[draw.integer(1 + k, 0, len(self.all))] for k in range(count)]
            self.until = self.tick + draw.integer(9, 20, 200)
            self.held = None
        if seen.sensors is not None:
            self.late.append(seen.sensors)
        for lie in self.lies:
            seen = lie(seen)
        return seen

    def draw(self, key: int, low: float, high: float) -> float:
        return self.chance.child(self.tick).uniform(key, low, high)

    def number(self, key: int) -> float:
        return WILD[self.chance.child("wild", self.tick).integer(key, 0, len(WILD))]

    def wild_car(self, seen: Observation) -> Observation:
        if self.draw(0, 0.0, 1.0) < 0.5:
            return seen
        numbers = {"speed_mps": self.number(1), "yaw_rate_rps": self.number(2)}
        return with_(seen, car=with_(seen.car, **numbers, accel_mps2=self.number(3)))

    def wild_lane(self, seen: Observation) -> Observation:
        if seen.sensors is None or seen.sensors.lane is None:
            return seen
        lane = with_(seen.sensors.lane, offset_m=self.number(4), heading_rad=self.number(5))
        lane = with_(lane, width_m=self.number(6), curvature_per_m=self.number(7))
        return with_(seen, sensors=with_(seen.sensors, lane=lane))

    def wild_gnss(self, seen: Observation) -> Observation:
        if seen.sensors is None or seen.sensors.gnss is None:
            return seen
        gnss = with_(seen.sensors.gnss, x_m=self.number(8), yaw_rad=self.number(9))
        return with_(seen, sensors=with_(seen.sensors, gnss=with_(gnss, sigma_m=self.number(10))))

    def change(self, seen: Observation, **values: Callable[[int], float]) -> Observation:
        """Every object with some numbers of its own."""
        if seen.sensors is None:
            return seen
        frames = tuple(
            with_(
                frame,
                objects=tuple(
                    with_(one, **{name: value(k) for name, value in values.items()})
                    for k, one in enumerate(frame.objects)
                ),
            )
            for frame in seen.sensors.detections
        )
        return with_(seen, sensors=with_(seen.sensors, detections=frames))

    def wild_objects(self, seen: Observation) -> Observation:
        names = ("x_m", "velocity_x_mps", "length_m", "existence", "yaw_rad")
        numbers = {
            name: (lambda k, n=n: self.number(20 + 7 * n + k)) for n, name in enumerate(names)
        }
        return self.change(seen, **numbers)

    def teleported(self, seen: Observation) -> Observation:
        return self.change(
            seen,
            x_m=lambda k: self.draw(60 + k, -50.0, 120.0),
            y_m=lambda k: self.draw(70 + k, -6.0, 6.0),
        )

    def nothing(self, seen: Observation) -> Observation:
        return with_(seen, sensors=None)

    def frozen(self, seen: Observation) -> Observation:
        if seen.sensors is None:
            return seen
        self.held = held = self.held or seen.sensors
        stamp_ns = seen.sensors.stamp_ns
        frames = tuple(with_(frame, stamp_ns=stamp_ns) for frame in held.detections)
        lane = None if held.lane is None else with_(held.lane, stamp_ns=stamp_ns)
        gnss = None if held.gnss is None else with_(held.gnss, stamp_ns=stamp_ns)
        told = with_(held, stamp_ns=stamp_ns, detections=frames, lane=lane, gnss=gnss)
        return with_(seen, sensors=told)

    def delayed(self, seen: Observation) -> Observation:
        return with_(seen, sensors=self.late[max(len(self.late) - 9, 0)] if self.late else None)

    def other_lane(self, seen: Observation) -> Observation:
        if seen.sensors is None or seen.sensors.lane is None:
            return seen
        lane = with_(seen.sensors.lane, offset_m=seen.sensors.lane.offset_m + 1.8)
        return with_(seen, sensors=with_(seen.sensors, lane=lane))

    def other_place(self, seen: Observation) -> Observation:
        if seen.sensors is None or seen.sensors.gnss is None:
            return seen
        gnss = with_(seen.sensors.gnss, x_m=seen.sensors.gnss.x_m + 15.0)
        return with_(seen, sensors=with_(seen.sensors, gnss=gnss))

    def crowded(self, seen: Observation) -> Observation:
        """Each object forty times, strewn about."""
        if seen.sensors is None:
            return seen
        frames = tuple(
            with_(
                frame,
                objects=tuple(
                    with_(one, y_m=one.y_m + 0.7 * k - 14.0, x_m=one.x_m + (k % 5))
                    for one in frame.objects
                    for k in range(40)
                ),
            )
            for frame in seen.sensors.detections
        )
        return with_(seen, sensors=with_(seen.sensors, detections=frames))

    def doubled(self, seen: Observation) -> Observation:
        if seen.sensors is None:
            return seen
        frames = (*seen.sensors.detections, *seen.sensors.detections)
        return with_(seen, sensors=with_(seen.sensors, detections=frames))

    def from_the_future(self, seen: Observation) -> Observation:
        if seen.sensors is None:
            return seen
        frames = tuple(
            with_(one, stamp_ns=one.stamp_ns + 3 * NS_PER_S) for one in seen.sensors.detections
        )
        return with_(seen, sensors=with_(seen.sensors, detections=frames))

    def silent_some(self, seen: Observation) -> Observation:
        if seen.sensors is None:
            return seen
        return with_(seen, sensors=with_(seen.sensors, detections=(), gnss=None))

    def pressed(self, seen: Observation) -> Observation:
        kinds, sides = tuple(RequestKind), tuple(Indicator)
        request = DriverRequest(
            stamp_ns=seen.stamp_ns,
            kind=kinds[int(self.draw(11, 0.0, len(kinds) - 0.01))],
            value=self.number(12),
            indicator=sides[int(self.draw(13, 0.0, len(sides) - 0.01))],
            function=Function.LCC,
        )
        return with_(seen, requests=(request,)) if self.draw(14, 0.0, 1.0) < 0.1 else seen


def check(
    output: PilotOutput, before: PilotOutput | None, bend_most: float, *, urgent: bool = False
) -> None:
    """Finite, and inside what comfort may do, or braking inside what urgent braking may."""
    command = output.command
    assert is_finite(output)
    # Urgent braking eases off as fast as comfort allows, not at once.
    hardest_mps2 = HARDEST_MPS2 if before is None and not urgent else URGENT_MPS2
    assert hardest_mps2 - 1e-6 <= command.accel_mps2 <= BRISKEST_MPS2
    assert abs(command.curvature_per_m) <= bend_most + 1e-9
    if before is not None:
        step = command.accel_mps2 - before.command.accel_mps2
        down = URGENT_JERK_MPS3 if urgent else JERK_MPS3
        assert -down * 0.01 - 1e-6 <= step <= JERK_MPS3 * 0.01 + 1e-6
    for message in (output.localization, output.tracks, output.plan, output.state, command):
        if message is not None:
            msgspec.msgpack.decode(msgspec.msgpack.encode(message), type=type(message))


def soak(road: Road, seed: int, span_s: float, **more: object) -> World:
    actors = [Actor(90.0, 17.0), Actor(60.0, 24.0, offset_m=3.5), Actor(160.0, 0.0, offset_m=-3.0)]
    world = World(
        road,
        speed_mps=18.0,
        actors=actors,
        sensing=TYPICAL,
        seed=seed,
        tamper=Liar(seed),
    )
    before: PilotOutput | None = None
    for tick in range(round(span_s * 100)):
        if tick % 1500 == 700:
            world.request(RequestKind.ENGAGE)
        driving = world.memory.engage.driving
        output = world.advance()
        # Control begins from what the car does when it takes over: no bound on that one step, nor on
        # a command that nobody follows.
        driving = driving and world.memory.engage.driving
        motion = world.memory.motion
        urgent = motion is not None and motion.urgent
        check(output, before if driving else None, 0.2 if driving else 0.5, urgent=urgent)
        before = output
    return world


@pytest.mark.parametrize("seed", [1, 2])
def test_a_short_soak_of_lies_neither_raises_nor_jerks(seed: int) -> None:
    soak(straight(), seed, 12.0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", soaked(range(3, 9), first=3))
def test_a_long_soak_of_lies_neither_raises_nor_jerks(seed: int) -> None:
    three = corridor([(400.0, 0.0, 0.0), (800.0, 1 / 600, 1 / 600), (2000.0, 0.0, 0.0)], lanes=3)
    soak((three, curvy(), straight())[seed % 3], seed, 60.0)


def test_after_the_lies_the_driver_still_wins_in_one_tick() -> None:
    world = soak(straight(), 11, 8.0)
    world.controls = with_(world.controls, brake=0.4)
    world.advance()
    assert world.memory.engage.engagement in (Engagement.OFF, Engagement.READY)


class Nowhere:
    """A guide to a place that cannot be reached from anywhere."""

    def __init__(self, lanes: int, number: float = math.inf) -> None:
        self.number, self.destination, self.goals = number, (lanes - 1, 1e9), {lanes - 1: 1e9}
        self.onward = np.full(lanes, -1, dtype=np.int64)

    def cost_s(self, lane: int, s_m: float) -> float:
        return self.number

    def must_change(self, lane: int, s_m: float) -> tuple[int, int, float] | None:
        return None

    def distance_m(self, lane: int, s_m: float) -> float:
        return self.number

    def turns(self, lane: int, s_m: float, reach_m: float) -> tuple[()]:
        return ()

    def steps(self, lane: int, s_m: float) -> tuple[()]:
        return ()

    def legs(self, lane: int, s_m: float) -> tuple[RouteLeg, ...]:
        return ()


@pytest.mark.slow
@pytest.mark.parametrize("number", soaked([math.inf, math.nan, -1.0]))
def test_a_guide_to_nowhere_hands_over_before_the_road_ends(number: float) -> None:
    road = straight(700.0)
    world = World(road, speed_mps=22.0, sensing=PERFECT)
    guide = Nowhere(len(road.graph.lanes), number)
    world.settings = replace(world.settings, guide=guide)
    world.memory = start(world.settings)
    for _ in range(5000):
        output = world.advance()
        check(output, None, 0.2)
    assert Engagement.TAKEOVER in world.log.engagement
    assert world.log.speed_mps[-1] == 0.0
    assert world.station_m < road.length_m


def with_holes(graph: LaneGraph) -> LaneGraph:
    """The same roads, and nothing follows on anything."""
    lanes = tuple(replace(one, successors=(), predecessors=()) for one in graph.lanes)
    return replace(graph, lanes=lanes)


@pytest.mark.slow
def test_a_map_with_a_hole_is_driven_to_its_edge_and_no_further() -> None:
    road = corridor([(900.0, 0.0, 0.0)], lanes=2, lane=2)
    holed = replace(road, graph=with_holes(road.graph))
    world = World(holed, speed_mps=20.0, sensing=TYPICAL)
    for _ in range(6500):
        check(world.advance(), None, 0.2)
    assert Engagement.TAKEOVER in world.log.engagement
    assert world.log.speed_mps[-1] == 0.0
    assert world.station_m < road.length_m
    assert max(map(abs, world.log.offset_m)) < 0.8


@pytest.mark.slow
def test_off_the_map_altogether_it_says_so_and_stops() -> None:
    """GNSS puts the car a kilometre beside every road, and the camera sees nothing."""

    def lost(seen: Observation) -> Observation:
        sensors = seen.sensors
        if sensors is None or sensors.gnss is None or seen.stamp_ns < 5 * NS_PER_S:
            return seen
        gnss = with_(sensors.gnss, y_m=sensors.gnss.y_m + 1000.0)
        return with_(seen, sensors=with_(sensors, gnss=gnss, lane=None))

    world = World(straight(), speed_mps=20.0, sensing=TYPICAL, tamper=lost)
    for _ in range(4500):
        check(world.advance(), None, 0.2)
    assert {Engagement.TAKEOVER, Engagement.MINIMAL_RISK} <= set(world.log.engagement)
    assert world.log.speed_mps[-1] == 0.0
