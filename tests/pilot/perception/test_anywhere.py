"""Where the car believes it is on the built-in map: motorways, junctions, and without one of its senses."""

import functools
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.sim.places import ego_at
from volant.core.chance import Chance
from volant.core.clock import CONTROL_TICK_NS, NS_PER_S
from volant.core.messages import CarState, DriverControls, Gear, Indicator
from volant.pilot.course import Course, lay, must_extend
from volant.pilot.perception import localize
from volant.pilot.perception.belief import Ego, LocalizeTuning
from volant.pilot.perception.lanes import RoadMap, make_map
from volant.pilot.way import Way
from volant.road import LaneGraph, load_graph
from volant.sim.place_sensors import make_place_sensors, sense_place
from volant.sim.sensors_faults import SensorFault

WORLD = Path(__file__).parents[3] / "maps" / "volant-world.xodr"
TUNING = LocalizeTuning()
CAR = CarState(
    stamp_ns=0,
    speed_mps=0.0,
    accel_mps2=0.0,
    lateral_accel_mps2=0.0,
    yaw_rate_rps=0.0,
    steer_rad=0.0,
    gear=Gear.DRIVE,
    indicator=Indicator.OFF,
    hold=False,
    brake_lights=False,
    charge_pct=80.0,
    range_m=3e5,
    battery_power_w=0.0,
    battery_voltage_v=350.0,
    battery_temperature_k=300.0,
    odometer_m=0.0,
    driver=DriverControls(),
)


@functools.cache
def world() -> tuple[LaneGraph, RoadMap]:
    graph = load_graph(WORLD)
    return graph, make_map(graph)


@dataclass
class Result:
    """One row a pilot tick."""

    time_s: np.ndarray
    away_m: np.ndarray
    aside_m: np.ndarray
    right_lane: np.ndarray
    sigma_m: np.ndarray
    ego: Ego


def ride(
    lane: int,
    s_m: float,
    speed_mps: float,
    span_s: float,
    *,
    seed: int = 1,
    faults: tuple[SensorFault, ...] = (),
    from_lane: int | None = None,
) -> Result:
    """Drive in the middle of lanes with exact steering, and localise by typical sensors.

    from_lane: the course is laid on this one at first, as if it had been taken for the own lane.
    """
    graph, road = world()
    sensors = make_place_sensors("typical", graph, Chance.of(seed, "ride"), faults)
    ego, course = localize.start(), None
    way, moved = Way(graph), 0
    yaw_before, rows = None, []
    noise = Chance.of(seed, "gyro")
    for tick in range(1, round(span_s * 100)):
        stamp_ns = tick * CONTROL_TICK_NS
        onward = graph.advance(lane, s_m, speed_mps * 0.01)
        if onward is None:
            break
        lane, s_m = onward
        truth = ego_at(graph, lane, s_m, speed_mps, stamp_ns=stamp_ns)
        turn = 0.0 if yaw_before is None else math.remainder(truth.yaw_rad - yaw_before, math.tau)
        yaw_before = truth.yaw_rad
        car = replace_state(stamp_ns, speed_mps * 1.002, turn * 100.0 + 0.002, noise.normal(tick))
        ego = localize.move(ego, car, stamp_ns, course, TUNING)
        if tick % 5:
            continue
        at = graph.project(lane, truth.x_m, truth.y_m)
        seen, gnss = sense_place(sensors, truth, at, stamp_ns)
        ego = localize.fuse(ego, seen, gnss, course, TUNING, road)
        ego, course, moved = roll(ego, course, way, moved, from_lane)
        if course is None or not ego.matched or ego.lanes is None:
            continue
        x_m, y_m, _yaw = localize.world_of(ego, course)
        dx_m, dy_m = x_m - truth.x_m, y_m - truth.y_m
        aside_m = -dx_m * math.sin(truth.yaw_rad) + dy_m * math.cos(truth.yaw_rad)
        right = ego.lanes.own.lane == lane or abs(aside_m) < 1.0
        rows.append(
            (stamp_ns / NS_PER_S, math.hypot(dx_m, dy_m), aside_m, right, ego.sigma_across_m)
        )
    table = np.array(rows)
    return Result(table[:, 0], table[:, 1], table[:, 2], table[:, 3], table[:, 4], ego)


def replace_state(stamp_ns: int, speed_mps: float, yaw_rate: float, noise: float) -> CarState:
    from msgspec.structs import replace as with_

    return with_(CAR, stamp_ns=stamp_ns, speed_mps=speed_mps, yaw_rate_rps=yaw_rate + 0.005 * noise)


def roll(
    ego: Ego, course: Course | None, way: Way, moved: int, from_lane: int | None
) -> tuple[Ego, Course | None, int]:
    """Lay the course on as the pilot does."""
    lanes = localize.lane_of(ego)
    if lanes is None:
        return ego, course, moved
    own = lanes.own
    if course is None:
        lane = own.lane if from_lane is None else from_lane
        return ego, lay(way, lane, own.s_m), lanes.moved
    if not ego.matched:
        return ego, course, moved
    here = course.lane_index_at(ego.station_m)
    astray = abs(course.away_m(ego.station_m, ego.offset_m)) > 1.9 and own.lane != here
    if lanes.moved != moved or astray:
        after = lay(way, own.lane, own.s_m, course, ego.station_m)
    elif must_extend(course, ego.station_m):
        s_m = min(course.lane_s_at(ego.station_m), way.graph.lanes[here].length_m)
        after = lay(way, here, s_m, course, ego.station_m)
    else:
        return ego, course, moved
    return localize.rebase(ego, course, after), after, lanes.moved


def motorway() -> list[int]:
    """Three lanes beside each other on a long motorway, from the left."""
    graph = world()[0]
    for lane in graph.lanes:
        if lane.road_type == "motorway" and lane.left is None and lane.length_m > 300.0:
            chain, at = [lane.index], lane.right
            while at is not None:
                chain.append(at)
                at = graph.lanes[at].right
            if len(chain) >= 3:
                return chain
    raise AssertionError("no such motorway")


def street() -> int:
    """A lane in town from which the way goes on through at least two junctions."""
    graph = world()[0]
    for lane in graph.lanes:
        if lane.junction is not None or lane.road_type != "town" or lane.length_m < 60.0:
            continue
        at, junctions = lane.index, 0
        for _ in range(5):
            onward = graph.main_successor(at)
            if onward is None:
                break
            at = onward
            junctions += graph.lanes[at].junction is not None
        if junctions >= 2:
            return lane.index
    raise AssertionError("no such street")


@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_lane_of_a_motorway_is_known_within_seconds(place: int) -> None:
    for seed in range(4):
        found = ride(motorway()[place], 20.0, 30.0, 9.0, seed=seed)
        late = found.time_s > 6.0
        assert found.right_lane[late].mean() > 0.95
        assert np.abs(found.aside_m[late]).max() < 0.3


def test_a_course_on_the_wrong_lane_does_not_mislead() -> None:
    lanes = motorway()
    for seed in range(6):
        found = ride(lanes[0], 20.0, 30.0, 10.0, seed=seed, from_lane=lanes[1])
        assert abs(found.aside_m[-1]) < 0.3


def test_unmarked_bends_in_town_cost_no_more_than_gnss_errs_along_the_road() -> None:
    """Where a bend begins unmarked, what GNSS errs along the road before it is an error across it."""
    for seed in range(3):
        # 5 m/s: on the ring's radius of 11 m that is 2.3 m/s2 across.
        begin_m = world()[0].lanes[street()].length_m - 100.0
        found = ride(street(), begin_m, 5.0, 60.0, seed=seed)
        late = found.time_s > 8.0
        assert np.percentile(np.abs(found.aside_m[late]), 90) < 0.3
        assert np.abs(found.aside_m[late]).max() < 1.2
        assert np.abs(found.aside_m[late] / (found.sigma_m[late] + 0.05)).max() < 8.0
        assert found.right_lane[late].mean() > 0.97


def test_gnss_lost_for_a_minute_leaves_the_lane_known_and_the_place_within_metres() -> None:
    faults = (SensorFault(sensor="gnss", from_s=10.0, to_s=70.0),)
    found = ride(motorway()[1], 20.0, 25.0, 72.0, faults=faults)
    assert np.abs(found.aside_m[found.time_s > 8.0]).max() < 0.3
    assert found.away_m.max() < 8.0


def test_the_lane_camera_lost_for_ten_seconds_in_town_leaves_half_a_metre() -> None:
    errors = []
    for seed in range(4):
        faults = (SensorFault(sensor="lane", from_s=15.0, to_s=25.0),)
        found = ride(street(), 5.0, 7.0, 30.0, seed=seed, faults=faults)
        blind = (found.time_s > 15.0) & (found.time_s < 25.2)
        errors.append(np.abs(found.aside_m[blind]).max())
        doubt = found.sigma_m[blind]
        assert doubt[-10] > 2.0 * doubt[0]
        assert abs(found.aside_m[-1]) < 0.3
    assert np.mean(errors) < 0.4
    assert max(errors) < 0.8
