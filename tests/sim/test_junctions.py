"""Traffic at junctions: red lights, right of way, roundabouts, the own car; it flows and never touches."""

import math
from functools import cache
from itertools import cycle, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data_folder import data_folder
from tests.marks import soaked
from tests.sim.places import cars, ego_at
from tests.sim.test_people import box, walked_into
from volant.core.clock import PILOT_TICK_NS
from volant.core.geometry import Box, boxes_overlap
from volant.core.messages import EgoTruth
from volant.road import Control, LaneGraph, build_graph, find_place, load_graph
from volant.road.make import build_world
from volant.sim import World, WorldSettings
from volant.sim.columns import Actor, BodyClass, Index, Lamp
from volant.sim.lane_kernels import pick_onward
from volant.sim.squeeze_kernels import gets_by, touches
from volant.sim.traffic import STEP_S, Traffic, enter_ego, step

LONGEST_STAND_S = 120.0


@cache
def built_in() -> LaneGraph:
    return build_graph(build_world())


def esmini(name: str) -> LaneGraph:
    return load_graph(data_folder() / f"roads/esmini/{name}.xodr")


def touching(world: World) -> list[tuple[int, int]]:
    rows, index = world._actor_f, world._actor_i
    alive = np.flatnonzero(
        (index[:, Index.ALIVE] == 1) & (index[:, Index.CLASS] != BodyClass.PEDESTRIAN)
    ).tolist()
    found = []
    for place, one in enumerate(alive):
        for other in alive[place + 1 :]:
            a, b = rows[one], rows[other]
            near = abs(a[Actor.X] - b[Actor.X]) < 18.0 and abs(a[Actor.Y] - b[Actor.Y]) < 18.0
            level = abs(a[Actor.Z] - b[Actor.Z]) < 3.0
            if near and level and boxes_overlap(box(a), box(b)):
                found.append((one, other))
    return found


def soak(graph: LaneGraph, place: tuple[int, float], settings: WorldSettings, seed: int) -> float:
    """Drive a world for SPAN_S around a place; gives the mean speed of its cars.

    The own car is far below the ground, so that it is in nobody's way.
    """
    world = World(graph, settings, seed)
    at = ego_at(graph, *place, 0.0)
    ego = type(at)(**{**{f: getattr(at, f) for f in at.__struct_fields__}, "z_m": -50.0})
    stood = np.zeros(settings.cars)
    driven, steps = 0.0, round(SPAN_S / STEP_S)
    for k in range(steps):
        world.advance(ego, k * PILOT_TICK_NS)
        speeds = world.traffic.actor_f[:, Actor.SPEED]
        stands = (world.traffic.actor_i[:, Index.ALIVE] == 1) & (speeds < 0.2)
        stood = np.where(stands, stood + STEP_S, 0.0)
        assert stood.max() < LONGEST_STAND_S, int(stood.argmax())
        driven += float(speeds.mean())
        if k % 4 == 0:
            assert touching(world) == [], k * STEP_S
            assert walked_into(world) == 0, k * STEP_S
    return driven / steps


SPAN_S = 150.0
BUSY = WorldSettings(cars=40, people=14, sensors="perfect")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "seed"), soaked(product(["roundabout", "Market street", "School street"], range(3)))
)
def test_traffic_flows_in_the_town_and_nobody_touches(name: str, seed: int) -> None:
    found = find_place(built_in(), name)
    assert soak(built_in(), (found.lane, found.s_m), BUSY, seed) > 2.0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "seed"), soaked(product(["fabriksgatan", "multi_intersections"], range(2)))
)
def test_traffic_flows_on_shared_roads_with_junctions(name: str, seed: int) -> None:
    graph = esmini(name)
    settings = WorldSettings(cars=24, people=10, sensors="perfect")
    assert soak(graph, (0, 60.0), settings, seed) > 2.0


def alone_before_a_light() -> tuple[Traffic, int]:
    """One car that comes to a light; gives the traffic and the lane behind the light."""
    graph = esmini("multi_intersections")
    traffic = cars(graph, (0, 20.0, 12.0), wanted_mps=13.0)
    step(traffic)
    return traffic, 0


def test_a_car_stops_at_red_before_its_line_and_goes_at_green() -> None:
    traffic, lane = alone_before_a_light()
    length = traffic.graph.lanes[lane].length_m
    gates = [g for g in traffic.rules.gates.values() if g.approach == lane]
    assert {gate.control for gate in gates} == {Control.LIGHT}
    line = min(gate.stop_s_m for gate in gates)
    passed, waited = 0, 0
    for _ in range(round(180.0 / STEP_S)):
        before = int(traffic.actor_i[0, Index.LANE])
        step(traffic)
        row = traffic.actor_f[0]
        now = int(traffic.actor_i[0, Index.LANE])
        if before == lane and now != lane:
            light = next(g.light for g in gates if g.lane == now)
            number = [one.signal for one in traffic.rules.lights].index(str(light))
            assert traffic.lamps.shown[number] in (Lamp.GREEN, Lamp.AMBER)
            passed += 1
            break
        if row[Actor.SPEED] < 0.05 and now == lane:
            waited += 1
            assert row[Actor.S] + 0.5 * row[Actor.LENGTH] < min(line, length) + 0.3
    assert passed == 1


def test_a_car_lets_the_own_car_pass_that_goes_first_and_then_drives_on() -> None:
    """Right before left on fabriksgatan: the own car comes from the right of another's way."""
    graph = esmini("fabriksgatan")
    yields = 0
    for conflicts in cars(graph, (0, 10.0, 5.0)).rules.conflicts:
        for row in conflicts:
            if not row.yields or row.meeting.name != "CROSS":
                continue
            yields += check_yields(graph, row.lane, row.other)
    assert yields >= 4


def check_yields(graph: LaneGraph, lane: int, other: int) -> bool:
    """Let a car and the own car come at once; the car must stay off the shared ground before it."""
    approach = graph.lanes[lane].predecessors[0]
    theirs = graph.lanes[other].predecessors[0]
    if approach == theirs:
        return False
    length = graph.lanes[approach].length_m
    traffic = cars(graph, (approach, length - 45.0, 8.0), wanted_mps=8.0)
    only = [lane if target == lane else -1 for target in graph.lanes[approach].successors]
    if lane not in only:
        return False
    while int(pick(traffic, approach)) != lane:
        traffic.keys[0] += 1
    their_length = graph.lanes[theirs].length_m
    if their_length < 50.0:
        return False
    for k in range(round(25.0 / STEP_S)):
        s_m = their_length - 42.0 + 8.0 * k * STEP_S
        if s_m < their_length:
            ego = ego_at(graph, theirs, s_m, 8.0)
        else:
            on = min(s_m - their_length, graph.lanes[other].length_m)
            ego = ego_at(graph, other, on, 8.0)
        if s_m - their_length > graph.lanes[other].length_m:
            break
        enter_ego(traffic, ego)
        step(traffic)
        if traffic.actor_i[0, Index.ALIVE] == 0:
            return True
        own = box(traffic.actor_f[0])
        assert not boxes_overlap(own, _body(ego)), (lane, other, k * STEP_S)
    return True


def pick(traffic: Traffic, lane: int) -> int:
    crossings = int(traffic.actor_i[0, Index.CROSSINGS])
    return int(pick_onward(traffic.roads, traffic.keys[0], crossings, lane))


def test_who_stands_before_the_standing_own_car_goes_on_where_there_is_room_and_only_there() -> (
    None
):
    """At every sixth crossing of ways in the built-in world, the own car over the edge of it."""
    graph = built_in()
    rules = cars(graph, (0, 10.0, 0.0)).rules
    crossings = [row for held in rules.conflicts for row in held if row.meeting.name == "CROSS"]
    passed, kept = 0, 0
    for row, into_m in zip(crossings[::6], cycle((0.5, 2.0, 4.0)), strict=False):
        if graph.lanes[row.lane].length_m < 12.0:
            continue
        begin_m = max(row.own[0] - 4.0, 2.5)
        traffic = cars(graph, (row.lane, begin_m, 0.0), wanted_mps=8.0)
        ahead_m = 3.5  # of the own car's place
        s_m = row.theirs[0] + into_m - ahead_m
        if not 0.0 < s_m < graph.lanes[row.other].length_m:
            continue
        ego = ego_at(graph, row.other, s_m, 0.0)
        enter_ego(traffic, ego)
        if boxes_overlap(box(traffic.actor_f[0]), _body(ego)):
            continue
        clear = gets_by(
            *(traffic.roads, traffic.keys[0], traffic.actor_f[0], traffic.actor_i[0]),
            traffic.moment,
        )
        for _ in range(round(20.0 / STEP_S)):
            enter_ego(traffic, ego)
            step(traffic)
            if traffic.actor_i[0, Index.ALIVE] == 0 or traffic.actor_f[0, Actor.TRAVEL] > 12.0:
                break
            assert not boxes_overlap(box(traffic.actor_f[0]), _body(ego)), (row.lane, row.other)
        way_m = traffic.actor_f[0, Actor.TRAVEL]
        if clear:
            passed += 1
            assert way_m > 8.0, (row.lane, row.other, way_m)
        else:
            kept += 1
    assert passed >= 5
    assert kept >= 5


@given(
    *(st.floats(-6.0, 6.0), st.floats(-6.0, 6.0), st.floats(-4.0, 4.0), st.floats(-4.0, 4.0)),
    *(st.floats(0.2, 8.0), st.floats(0.2, 1.3)),
)
def test_bodies_touch_as_their_boxes_do(
    x_m: float, y_m: float, yaw: float, own_yaw: float, half_long_m: float, half_wide_m: float
) -> None:
    own = np.array((0.0, 0.0, 0.0, own_yaw, 0.0, 2.2, 0.9, 0.0))
    one = Box(x_m, y_m, yaw, 2.0 * half_long_m, 2.0 * half_wide_m)
    other = Box(0.0, 0.0, own_yaw, 4.4, 1.8)
    assert touches(x_m, y_m, yaw, half_long_m, half_wide_m, own) == boxes_overlap(one, other)


def _body(ego: EgoTruth) -> Box:
    ahead = 0.5 * ego.length_m - ego.rear_overhang_m
    x = ego.x_m + ahead * math.cos(ego.yaw_rad)
    y = ego.y_m + ahead * math.sin(ego.yaw_rad)
    return Box(x, y, ego.yaw_rad, ego.length_m, ego.width_m)


def test_a_tail_that_hangs_over_the_line_is_stopped_behind() -> None:
    """The own car stands just past the line on one way, another comes who goes another way."""
    graph = built_in()
    rules = cars(graph, (0, 10.0, 0.0)).rules
    seen, tried = set[int](), 0
    for lane, gate in rules.gates.items():
        length_m = graph.lanes[gate.approach].length_m
        onward = graph.lanes[gate.approach].successors
        if gate.approach in seen or gate.approach == lane or len(onward) < 2 or length_m < 50.0:
            continue
        seen.add(gate.approach)
        traffic = cars(graph, (gate.approach, length_m - 45.0, 8.0), wanted_mps=8.0)
        while int(pick(traffic, gate.approach)) == lane:
            traffic.keys[0] += 1
        traffic.actor_f[0, Actor.STAND_GAP] = 1.0
        ego = ego_at(graph, lane, 0.0, 0.0)  # its rear 0.9 m before the line
        tried += 1
        for _ in range(round(15.0 / STEP_S)):
            enter_ego(traffic, ego)
            step(traffic)
            if traffic.actor_i[0, Index.ALIVE] == 0:
                break
            assert not boxes_overlap(box(traffic.actor_f[0]), _body(ego)), (gate.approach, lane)
    assert tried >= 10
