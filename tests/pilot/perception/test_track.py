"""Returns of sensors become steady tracks: association, existence, motion, shape, place."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from tests.pilot.world import PERFECT, TYPICAL, Actor, Sensing, World, curvy, straight
from volant.core.messages import DetectionFrame, ObjectClass, Observation, Track


def tracks(world: World) -> tuple[Track, ...]:
    assert world.output is not None
    while world.output.tracks is None:
        world.advance()
    return world.output.tracks.tracks


def one_ahead(sensing: Sensing, drive=lambda actor, t: (0.0, 0.0)) -> World:
    return World(
        straight(), speed_mps=20.0, actors=[Actor(70.0, 20.0, drive=drive)], sensing=sensing
    )


@pytest.mark.parametrize("sensing", [PERFECT, TYPICAL], ids=["perfect", "typical"])
def test_one_car_is_one_track_with_one_identity(sensing: Sensing) -> None:
    world = one_ahead(replace(sensing, ghosts=0.0))
    world.run(2.0)
    first = tracks(world)
    world.run(20.0)
    last = tracks(world)
    assert len(first) == len(last) == 1
    assert first[0].track_id == last[0].track_id
    assert last[0].object_class is ObjectClass.CAR
    assert last[0].length_m == pytest.approx(4.5, abs=0.1)
    assert last[0].speed_mps == pytest.approx(world.actors[0].speed_mps, abs=0.3)
    ahead_m = last[0].station_m - world.memory.ego.station_m
    assert ahead_m == pytest.approx(world.actors[0].station_m - world.station_m, abs=0.6)


def test_heading_is_steady_and_true_in_bends() -> None:
    world = World(curvy(), speed_mps=18.0, actors=[Actor(60.0, 18.0)], sensing=TYPICAL)
    missed = []
    for tick in range(2500):
        output = world.advance()
        if tick > 300 and output.tracks is not None and output.tracks.tracks:
            actor, track = world.actors[0], output.tracks.tracks[0]
            heading = world.road.to_world(actor.station_m, 0.0)[2]
            missed.append(np.angle(np.exp(1j * (track.yaw_rad - heading))))
    assert np.sqrt(np.mean(np.square(missed))) < 0.03


def test_a_braking_car_is_known_to_brake_within_a_third_of_a_second() -> None:
    world = one_ahead(TYPICAL, lambda actor, t: (-3.0 if t > 10.0 else 0.0, 0.0))
    world.run(10.35)
    assert tracks(world)[0].accel_mps2 < -1.0


def test_a_burst_of_misses_does_not_lose_an_old_track() -> None:
    world = one_ahead(PERFECT)
    world.run(5.0)
    known = tracks(world)[0]
    world.blind = True
    world.run(0.9)
    assert [one.track_id for one in tracks(world)] == [known.track_id]
    world.blind = False
    world.run(0.5)
    assert [one.track_id for one in tracks(world)] == [known.track_id]
    assert tracks(world)[0].unseen_s < 0.1


def test_a_car_that_is_gone_is_forgotten_within_two_seconds() -> None:
    world = one_ahead(PERFECT)
    world.run(5.0)
    world.actors.clear()
    world.run(1.9)
    assert tracks(world) == ()


def test_single_false_returns_never_become_tracks() -> None:
    world = World(straight(), speed_mps=20.0, sensing=Sensing(ghosts=0.1, existence=0.8))
    for _ in range(2000):
        output = world.advance()
        assert output.tracks is None or output.tracks.tracks == ()


def two_sensors(observation: Observation) -> Observation:
    """A second, later and coarser sensor sees the same objects."""
    sensors = observation.sensors
    if sensors is None or not sensors.detections:
        return observation
    front = sensors.detections[0]
    objects = tuple(msgspec.structs.replace(one, x_m=one.x_m + 0.4) for one in front.objects)
    camera = DetectionFrame(sensor="camera", stamp_ns=front.stamp_ns, objects=objects)
    both = msgspec.structs.replace(sensors, detections=(camera, front))
    return msgspec.structs.replace(observation, sensors=both)


def test_two_sensors_see_one_car_as_one_track() -> None:
    world = World(
        straight(),
        speed_mps=20.0,
        actors=[Actor(70.0, 20.0), Actor(70.0, 20.0, offset_m=3.5)],
        tamper=two_sensors,
    )
    world.run(5.0)
    assert len(tracks(world)) == 2


def test_cars_that_pass_each_other_keep_their_identities() -> None:
    world = World(
        straight(),
        speed_mps=20.0,
        actors=[Actor(90.0, 20.0), Actor(60.0, 27.0, offset_m=3.5)],
        sensing=replace(TYPICAL, ghosts=0.0),
    )
    world.run(3.0)
    before = {one.track_id: (one.offset_m or 0.0) > 1.75 for one in tracks(world)}
    world.run(8.0)
    after = {one.track_id: (one.offset_m or 0.0) > 1.75 for one in tracks(world)}
    assert world.actors[1].station_m > world.actors[0].station_m + 10.0
    assert before == after


def test_the_noise_of_a_good_sensor_is_learnt() -> None:
    world = one_ahead(PERFECT)
    world.run(30.0)
    assert world.memory.tracker.noise.max() < 0.2
    noisy = one_ahead(replace(TYPICAL, speed_mps=0.8))
    noisy.run(30.0)
    assert noisy.memory.tracker.noise[0, 2] > 0.5


def lamps_by_camera_only(observation: Observation) -> Observation:
    """A camera sees every brake light on; a radar beside it tells neither class nor lamps."""
    sensors = observation.sensors
    if sensors is None or not sensors.detections:
        return observation
    front = sensors.detections[0]
    lit = tuple(msgspec.structs.replace(one, brake_lights=True) for one in front.objects)
    plain = tuple(
        msgspec.structs.replace(
            one, object_class=ObjectClass.UNKNOWN, class_confidence=0.1, brake_lights=False
        )
        for one in front.objects
    )
    camera = DetectionFrame(sensor="camera", stamp_ns=front.stamp_ns, objects=lit)
    radar = DetectionFrame(sensor="radar", stamp_ns=front.stamp_ns, objects=plain)
    both = msgspec.structs.replace(sensors, detections=(camera, radar, radar))
    return msgspec.structs.replace(observation, sensors=both)


def test_a_radar_that_sees_no_lamps_does_not_put_them_out() -> None:
    world = World(
        straight(),
        speed_mps=20.0,
        actors=[Actor(70.0, 20.0)],
        tamper=lamps_by_camera_only,
    )
    world.run(3.0)
    (seen,) = tracks(world)
    assert seen.brake_lights
    assert seen.object_class is ObjectClass.CAR
