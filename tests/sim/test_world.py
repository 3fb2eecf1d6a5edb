"""The world as the Surroundings port: contacts, truth, ground, jams, determinism."""

import math

import numpy as np
import pytest

from tests.sim.places import ego_at, straight
from volant.core.clock import CONTROL_TICK_NS, PILOT_TICK_NS
from volant.core.messages import EgoTruth
from volant.core.ports import Surroundings
from volant.road import LaneId, build_graph, follow
from volant.road.make import build_world
from volant.sim import DriverMix, Jam, World, WorldSettings, default_world
from volant.sim.columns import Actor, DriverKind, Index
from volant.sim.driver_kernels import idm
from volant.sim.jams import jam_rows
from volant.sim.traffic import reindex

CALM = DriverMix(**dict.fromkeys(DriverMix.__struct_fields__, 0.0))


def alone_with(world: World, lane: int, s: float, speed: float) -> int:
    """Leave one car in the world, at a place; gives its slot."""
    traffic = world.traffic
    traffic.actor_i[1:, Index.ALIVE] = 0
    row, index = traffic.actor_f[0], traffic.actor_i[0]
    index[Index.LANE], index[Index.ROW], index[Index.OLD_LANE] = lane, 0, -1
    index[Index.ALIVE], index[Index.MODE] = 1, 0
    row[Actor.S], row[Actor.SPEED], row[Actor.ACCEL], row[Actor.WANDER] = s, speed, 0.0, 0.0
    at = world.graph.position(lane, s)
    row[Actor.X], row[Actor.Y], row[Actor.YAW] = at.x_m, at.y_m, at.heading_rad
    row[Actor.BEFORE_X], row[Actor.BEFORE_Y], row[Actor.BEFORE_YAW] = row[[4, 5, 6]]
    row[Actor.LENGTH], row[Actor.WIDTH] = 4.5, 1.8
    reindex(traffic)
    return 0


def tick(world: World, ego: EgoTruth, count: int) -> int:
    stamp_ns = count * CONTROL_TICK_NS
    world.advance(ego, stamp_ns)
    return stamp_ns


def test_a_world_is_surroundings() -> None:
    world: Surroundings = World(straight(), WorldSettings(cars=3), 1)
    assert world.truth() == ()
    assert world.contacts() == ()


def test_driving_into_a_slower_car_is_one_contact_with_its_closing_speed() -> None:
    graph = straight(1)
    world = World(graph, WorldSettings(cars=1, mix=CALM), 1)
    tick(world, ego_at(graph, 0, 500.0, 25.0), 0)
    slot = alone_with(world, 0, 530.0, 5.0)
    world.traffic.actor_f[slot, Actor.TOP_SPEED] = 5.0
    told = []
    for k in range(1, 200):
        tick(world, ego_at(graph, 0, 500.0 + 25.0 * 0.01 * k, 25.0), k)
        told += [(k, contact) for contact in world.contacts()]
    assert len(told) == 1
    k, contact = told[0]
    assert contact.closing_mps == pytest.approx(20.0, abs=0.3)
    assert not contact.struck_from_behind
    # Front bumper at 503.55 + 25 t meets the rear bumper at 527.75 + 5 t: found within one tick.
    assert k * 0.01 == pytest.approx((527.75 - 503.55) / 20.0, abs=0.03)


def test_being_run_into_is_struck_from_behind_and_touching_aside_is_not() -> None:
    graph = straight(2)
    world = World(graph, WorldSettings(cars=1, mix=CALM), 1)
    tick(world, ego_at(graph, 1, 500.0, 2.0), 0)
    alone_with(world, 1, 490.0, 20.0)
    told = []
    for k in range(1, 60):
        tick(world, ego_at(graph, 1, 500.0, 0.0), k)
        told += world.contacts()
    assert [contact.struck_from_behind for contact in told] == [True]
    world = World(graph, WorldSettings(cars=1, mix=CALM), 1)
    tick(world, ego_at(graph, 1, 500.0, 20.0), 0)
    alone_with(world, 0, 501.3, 20.0)
    told = []
    for k in range(1, 100):
        beside = ego_at(graph, 1, 500.0 + 0.2 * k, 20.0, offset_m=0.03 * k)
        tick(world, beside, k)
        told += world.contacts()
    assert len(told) == 1
    assert not told[0].struck_from_behind


def test_a_car_on_another_level_is_not_touched() -> None:
    graph = straight(1)
    world = World(graph, WorldSettings(cars=1, mix=CALM), 1)
    tick(world, ego_at(graph, 0, 500.0, 0.0), 0)
    slot = alone_with(world, 0, 501.0, 0.0)
    tick(world, ego_at(graph, 0, 500.0, 0.0), 1)
    assert len(world.contacts()) == 1
    world.traffic.actor_f[slot, Actor.Z] = 6.0
    tick(world, ego_at(graph, 0, 500.0, 0.0), 2)
    assert world.contacts() == ()
    world.traffic.actor_f[slot, Actor.Z] = 0.0
    tick(world, ego_at(graph, 0, 500.0, 0.0), 3)
    assert len(world.contacts()) == 1  # it let go and touched again


def test_between_two_traffic_steps_a_car_moves_evenly() -> None:
    graph = straight(1)
    world = World(graph, WorldSettings(cars=1, mix=CALM), 1)
    ego = ego_at(graph, 0, 500.0, 0.0)
    tick(world, ego, 0)
    slot = alone_with(world, 0, 600.0, 20.0)
    world.traffic.actor_f[slot, Actor.TOP_SPEED] = 20.0
    xs = []
    for k in range(1, 41):
        tick(world, ego, k)
        xs.append(world.truth()[0].x_m)
    assert np.diff(xs) == pytest.approx(np.full(39, 0.2), abs=0.01)


def test_truth_is_near_and_in_rising_ids() -> None:
    graph = straight()
    world = World(graph, WorldSettings(cars=30), 4)
    ego = ego_at(graph, 1, 1000.0, 20.0)
    for k in range(20):
        tick(world, ego, k)
    objects = world.truth()
    assert len(objects) > 10
    assert [one.actor_id for one in objects] == sorted({one.actor_id for one in objects})
    assert all(math.hypot(one.x_m - ego.x_m, one.y_m - ego.y_m) < 300.0 for one in objects)
    assert len(objects) < (world.traffic.actor_i[:, Index.ALIVE] == 1).sum()


def test_sensors_speak_at_pilot_ticks_only() -> None:
    graph = straight()
    world = World(graph, WorldSettings(cars=10), 4)
    spoken = []
    for k in range(31):
        ego = ego_at(graph, 1, 1000.0, 20.0)
        stamp_ns = tick(world, ego, k)
        frames = world.sense(ego, stamp_ns)
        if frames is not None:
            spoken.append(stamp_ns)
    assert spoken == [k * PILOT_TICK_NS for k in range(7)]


def drive(seed: int, cars: int = 40, seconds: int = 20) -> tuple[list[object], World]:
    graph = straight(3, 4000.0)
    world = World(graph, WorldSettings(cars=cars), seed)
    told: list[object] = []
    for k in range(seconds * 100):
        ego = ego_at(graph, 1, 800.0 + 0.22 * k, 22.0)
        stamp_ns = tick(world, ego, k)
        told.append(world.sense(ego, stamp_ns))
        if k % 5 == 0:
            told.append(world.truth())
    return told, world


def test_one_seed_gives_the_same_frames_and_truths() -> None:
    one, other, third = drive(7)[0], drive(7)[0], drive(8)[0]
    assert one == other
    assert one != third


def test_the_ground_follows_the_road_on_the_built_in_world() -> None:
    graph = build_graph(build_world())
    lane = graph.by_id(LaneId("30", 0, -1))
    world = World(graph, WorldSettings(cars=0), 1)
    for part in (0.2, 0.5, 0.8):
        at = graph.position(lane.index, part * lane.length_m, 0.4)
        ego = ego_at(graph, lane.index, part * lane.length_m, 10.0, offset_m=0.4)
        world = World(graph, WorldSettings(cars=0), 1)
        world.advance(ego, 0)
        height, grade, bank = world.height(at.x_m, at.y_m)
        assert height == pytest.approx(at.z_m, abs=0.02)
        assert grade == pytest.approx(math.atan(at.grade), abs=0.002)
        assert bank == 0.0


def test_a_jam_covers_every_lane_beside_the_corridor() -> None:
    graph = straight(3)
    corridor = follow(graph, 1, 0.0, 2500.0)
    rows = jam_rows(graph, corridor, Jam(start_m=900.0, length_m=100.0, from_s=1.0, to_s=2.0))
    assert sorted(lane for lane, _s, _speed in rows.walls) == [0, 1, 2]
    assert all(s == pytest.approx(1000.0, abs=1.5) for _lane, s, _speed in rows.walls)
    assert sorted((lane, round(low), round(high)) for lane, low, high, _ in rows.zones) == [
        (lane, 900, 1000) for lane in range(3)
    ]


def test_a_jam_stands_still_for_its_time_and_dissolves() -> None:
    graph = straight(2, 5000.0)
    corridor = follow(graph, 1, 0.0, 4500.0)
    jam = Jam(start_m=900.0, length_m=100.0, from_s=5.0, to_s=45.0)
    world = World(graph, WorldSettings(cars=20, jams=(jam,), mix=CALM), 2, corridor)
    stood, after = 0, 99
    for k in range(9000):
        tick(world, ego_at(graph, 1, 700.0, 0.0), k)
        queue = [o for o in world.truth() if 850.0 < o.x_m < 1000.5] if k % 100 == 0 else []
        if k == 4300:
            stood = sum(o.speed_mps < 0.2 for o in queue)
        if k > 7000 and k % 100 == 0:
            after = min(after, sum(o.speed_mps < 0.2 for o in queue))
    assert stood >= 3
    assert after == 0


def gap_ahead(world: World, ego: EgoTruth) -> tuple[float, float]:
    """Gap to and speed of the car ahead in the own lane of a straight road; inf without one."""
    nearest = (math.inf, 0.0)
    for one in world.truth():
        if abs(one.y_m - ego.y_m) < 0.5 * (one.width_m + ego.width_m) + 0.3 and one.x_m > ego.x_m:
            gap = one.x_m - 0.5 * one.length_m - ego.x_m - ego.length_m + ego.rear_overhang_m
            nearest = min(nearest, (gap, one.speed_mps))
    return nearest


def hard_stop(seed: int, mix: DriverMix) -> list[tuple[bool, DriverKind]]:
    """The own car follows sensibly, then brakes at 8 m/s2 to a stand, in dense traffic."""
    graph = straight(3, 6000.0)
    world = World(graph, WorldSettings(cars=60, mix=mix, oncoming_share=0.0), seed)
    s, speed, accel = 800.0, 22.0, 0.0
    told = []
    for k in range(3500):
        ego = ego_at(graph, 1, s, speed, accel_mps2=accel)
        tick(world, ego, k)
        for contact in world.contacts():
            slot = (contact.actor_id - 1) % 60
            kind = DriverKind(int(world.traffic.actor_i[slot, Index.KIND]))
            told.append((contact.struck_from_behind, kind))
        if k > 2000:
            accel = -8.0 if speed > 0.0 else 0.0
        elif k % 5 == 0:
            gap, lead_speed = gap_ahead(world, ego)
            accel = max(-6.0, idm(speed, 22.0, gap, lead_speed, 1.5, 2.5, 1.5, 2.0))
        speed = max(0.0, speed + 0.01 * accel)
        s += 0.01 * speed
    return told


@pytest.mark.parametrize("seed", range(3))
def test_nobody_attentive_runs_into_the_own_car_when_it_brakes_hard(seed: int) -> None:
    assert hard_stop(seed, DriverMix(distracted=0.0)) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 22))
def test_only_the_distracted_may_strike_a_hard_braking_car(seed: int) -> None:
    for behind, kind in hard_stop(seed, DriverMix(distracted=0.5, lorry=0.02, cyclist=0.0)):
        assert behind
        assert kind is DriverKind.DISTRACTED


def test_ready_worlds_and_bad_settings() -> None:
    assert default_world("ring").jams
    assert default_world("empty").cars == 0
    assert default_world("open", sensors="perfect").sensors == "perfect"
    with pytest.raises(ValueError, match="expected ring"):
        default_world("moon")
    with pytest.raises(ValueError, match="perfect, typical, degraded"):
        WorldSettings(sensors="lidar")
