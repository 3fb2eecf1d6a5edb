"""The pilot behind its ports: the scene door, the Driver port, the purity of a step."""

import math

import msgspec
import numpy as np
import pytest

from tests.pilot.world import Actor, Road, World, corridor, straight
from volant.core.messages import (
    Constraint,
    Engagement,
    Indicator,
    ObjectClass,
    Observation,
    Scene,
    Track,
)
from volant.pilot import PilotDriver, step


def as_scene(world: World, *, broken: bool = False):
    """Hands the pilot what is true as a scene instead of sensor frames."""

    def swap(observation: Observation) -> Observation:
        if observation.sensors is None:
            return observation
        found = []
        for index, actor in enumerate(world.actors):
            x_m, y_m, yaw_rad = world.road.to_world(actor.station_m, actor.offset_m)
            found.append(
                Track(
                    track_id=index + 1,
                    object_class=ObjectClass.CAR,
                    x_m=math.nan if broken else x_m,
                    y_m=y_m,
                    yaw_rad=yaw_rad,
                    speed_mps=actor.speed_mps,
                    accel_mps2=actor.accel_mps2,
                    yaw_rate_rps=0.0,
                    length_m=actor.length_m,
                    width_m=actor.width_m,
                    height_m=1.5,
                    existence=1.0,
                    age_s=5.0,
                    unseen_s=0.0,
                    indicator=Indicator.OFF,
                )
            )
        scene = Scene(
            stamp_ns=observation.stamp_ns,
            x_m=world.x_m,
            y_m=world.y_m,
            yaw_rad=world.yaw_rad,
            tracks=tuple(found),
        )
        return msgspec.structs.replace(observation, sensors=None, scene=scene)

    return swap


def test_it_drives_by_a_scene_that_somebody_else_perceived() -> None:
    world = World(straight(), speed_mps=20.0, actors=[Actor(90.0, 15.0)])
    world.tamper = as_scene(world)
    log = world.run(40.0)
    assert log.engagement[-1] is Engagement.ENGAGED
    assert log.gap_m[-1] / log.speed_mps[-1] == pytest.approx(1.6, rel=0.05)
    assert world.plan is not None
    assert world.plan.constraint is Constraint.LEAD
    assert world.plan.lead_id == 1


def test_a_scene_with_a_nan_loses_that_track_only() -> None:
    world = World(straight(), speed_mps=20.0, actors=[Actor(90.0, 20.0)])
    world.tamper = as_scene(world, broken=True)
    world.run(2.0)
    assert world.output is not None
    assert len(world.memory.tracker.table) == 0
    assert world.memory.engage.engagement is Engagement.ENGAGED


def test_a_step_leaves_its_memory_as_it_was() -> None:
    world = World(straight(), speed_mps=20.0, actors=[Actor(60.0, 18.0)])
    world.run(2.0)
    seen: list[Observation] = []
    world.tamper = lambda observation: (seen.append(observation), observation)[1]
    memory = world.memory
    held = [memory.ego.mean.copy(), memory.ego.history.copy(), memory.tracker.table.copy()]
    world.run(0.06)
    again = memory
    for observation in seen:
        again, output = step(again, observation, world.settings)
    assert world.output is not None
    assert output.command == world.output.command
    for before, after in zip(
        held, (memory.ego.mean, memory.ego.history, memory.tracker.table), strict=True
    ):
        assert np.array_equal(before, after)


def test_the_driver_port_gives_the_same_commands() -> None:
    world = World(straight(), speed_mps=20.0)
    seen: list[Observation] = []
    world.tamper = lambda observation: (seen.append(observation), observation)[1]
    world.run(1.0)
    driver = PilotDriver(world.settings)
    state = driver.start()
    for observation in seen:
        state, command = driver.step(state, observation, observation.stamp_ns)
    assert world.output is not None
    assert command == world.output.command
    with pytest.raises(ValueError, match="tick"):
        driver.step(state, seen[-1], seen[-1].stamp_ns + 1)


def ring() -> Road:
    """A circle of about 1257 m that closes at its start."""
    radius = 200.0
    return corridor(
        [(2 * math.pi * radius, 1 / radius, 1 / radius)], [(0.0, 17.0)], kind="rural", loops=True
    )


def test_a_road_that_loops_is_driven_round_and_round() -> None:
    world = World(ring(), speed_mps=15.0, station_m=900.0)
    travelled = 0.0
    for _ in range(6000):
        world.advance()
        travelled += 0.01 * world.speed_mps
        if world.station_m > world.road.length_m - 0.5:
            world.station_m, _ = world.road.project(world.x_m, world.y_m, 0.0)
        assert world.plan is None or world.plan.constraint is not Constraint.ROAD_END
    assert travelled > 900.0
    assert world.memory.engage.engagement is Engagement.ENGAGED
    assert abs(world.memory.ego.offset_m) < 0.2
