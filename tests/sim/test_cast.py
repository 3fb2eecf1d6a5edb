"""The scripted actors of a scene."""

import math

from volant.core.clock import PILOT_TICK_NS
from volant.core.messages import Indicator, ObjectClass
from volant.road import follow
from volant.sim import World, WorldSettings
from volant.sim.cast import Act, Cast, Cue, FreePath, RoadPath, Role, Trigger
from volant.sim.columns import BodyClass
from volant.sim.world import CAST_FIRST_ID

from .places import ego_at, straight


def _world(*roles: Role, cars: int = 0) -> World:
    return World(straight(), WorldSettings(cars=cars, sensors="perfect"), 1, cast=Cast(roles))


def _run(world: World, seconds_: float, ego_s_m: float = 100.0, speed_mps: float = 10.0) -> None:
    for tick in range(round(seconds_ * 20) + 1):
        stamp_ns = tick * PILOT_TICK_NS
        at_m = ego_s_m + speed_mps * tick * 0.05
        world.advance(ego_at(straight(), 1, at_m, speed_mps, stamp_ns=stamp_ns), stamp_ns)


def _path(lane: int = 1) -> RoadPath:
    return RoadPath(follow(straight(), lane, 0.0, 3000.0))


def test_an_actor_keeps_its_speed_until_its_cue_and_then_brakes_as_told() -> None:
    act = Act(Trigger(Cue.TIME, 2.0), speed_mps=0.0, accel_mps2=4.0)
    world = _world(Role("lead", _path(), 200.0, 10.0, acts=(act,)))
    _run(world, 2.0)
    (other,) = world.truth()
    assert other.actor_id == CAST_FIRST_ID
    assert math.isclose(other.x_m, 220.0, abs_tol=0.1)
    _run_more = world.truth()[0].speed_mps
    assert _run_more >= 9.7
    world = _world(Role("lead", _path(), 200.0, 10.0, acts=(act,)))
    _run(world, 6.0)
    (other,) = world.truth()
    assert other.speed_mps == 0.0
    assert math.isclose(other.x_m, 220.0 + 12.5, abs_tol=0.5)


def test_an_actor_moves_over_at_the_lateral_speed_it_was_given() -> None:
    act = Act(Trigger(Cue.TIME, 0.0), offset_m=-3.5, lateral_mps=1.0, direction=-1)
    world = _world(Role("cutter", _path(0), 130.0, 10.0, acts=(act,)))
    _run(world, 2.0)
    (other,) = world.truth()
    assert 0.8 < other.speed_mps * -math.sin(other.yaw_rad) < 1.05
    assert other.indicator is Indicator.RIGHT
    _run(world, 0.0)
    world = _world(Role("cutter", _path(0), 130.0, 10.0, acts=(act,)))
    _run(world, 6.0)
    start_y = straight().position(0, 130.0).y_m
    assert math.isclose(world.truth()[0].y_m, start_y - 3.5, abs_tol=0.02)


def test_a_person_steps_out_when_the_car_is_so_many_seconds_away() -> None:
    point = (160.0, straight().position(1, 160.0).y_m)
    path = FreePath(((160.0, point[1] - 6.0), (160.0, point[1] + 6.0)))
    act = Act(Trigger(Cue.ARRIVAL, 3.0, *point), speed_mps=1.4, accel_mps2=5.0)
    role = Role("person", path, 0.0, body=BodyClass.PEDESTRIAN, acts=(act,), length_m=0.5)
    world = _world(role)
    _run(world, 2.0)
    assert world.truth()[0].speed_mps == 0.0
    world = _world(role)
    _run(world, 5.0)
    (person,) = world.truth()
    assert person.object_class is ObjectClass.PEDESTRIAN
    assert math.isclose(person.speed_mps, 1.4, abs_tol=1e-6)


def test_a_follower_stops_behind_the_own_car_without_touching_it() -> None:
    world = _world(Role("rear", _path(), 60.0, 20.0, follows=True))
    touched = 0
    for tick in range(20 * 30):
        stamp_ns = tick * PILOT_TICK_NS
        world.advance(ego_at(straight(), 1, 150.0, 0.0, stamp_ns=stamp_ns), stamp_ns)
        touched += len(world.contacts())
    (rear,) = world.truth()
    assert touched == 0
    assert rear.speed_mps < 0.3
    assert 0.5 < 150.0 - 0.9 - 2.25 - rear.x_m < 4.0


def test_sensors_and_traffic_see_the_cast() -> None:
    world = _world(Role("block", _path(), 400.0, 0.0), cars=30)
    stands = ego_at(straight(), 1, 300.0, 0.0)
    for tick in range(20 * 25):
        world.advance(stands, tick * PILOT_TICK_NS)
    frames = world.sense(stands, 20 * 25 * PILOT_TICK_NS)
    assert frames is not None
    seen = [one for frame in frames.detections for one in frame.objects]
    assert any(abs(one.x_m - 100.0) < 0.1 and one.velocity_x_mps == 0.0 for one in seen)
    block_y = straight().position(1, 400.0).y_m
    inside = [
        one
        for one in world.truth()
        if one.actor_id < CAST_FIRST_ID
        and abs(one.y_m - block_y) < 1.0
        and abs(one.x_m - 400.0) < 4.0
    ]
    assert inside == []


def test_where_a_road_ends_its_actor_leaves_the_world() -> None:
    """Standing on top of each other there, cars would hide each other from every sensor."""
    path = _path()
    roles = [Role(f"one {k}", path, path.length_m - 15.0 - 12.0 * k, 10.0) for k in range(2)]
    world = _world(*roles)
    _run(world, 1.0, path.length_m - 100.0)
    assert len(world.truth()) == 2
    _run(world, 4.0, path.length_m - 100.0)
    assert len(world.truth()) == 0
