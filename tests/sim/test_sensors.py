"""Sensors against their own table: fields, ranges, noise, misses, delay, and what hides what."""

import math

import numpy as np
import pytest

from tests.sim.places import cars, ego_at, straight
from volant.core.chance import Chance
from volant.core.clock import PILOT_TICK_NS
from volant.core.messages import Indicator, ObjectClass, ObjectReturn
from volant.sim.columns import Actor, BodyClass, Index
from volant.sim.place_sensors import PLACE_LEVELS, make_place_sensors, sense_place
from volant.sim.sensors import (
    CLASS_OF_BODY,
    DEGRADED,
    LEVELS,
    TYPICAL,
    Sensor,
    deliver,
    make_object_sensors,
    measure,
)
from volant.sim.sensors_kernels import missed_share, points_in_sight, ray_meets
from volant.sim.traffic import Traffic


def frames(
    traffic: Traffic, sensor: str, count: int, seed: int = 1, ego_s: float = 500.0
) -> list[tuple[ObjectReturn, ...]]:
    """What one sensor of the typical car returns in `count` frames of a frozen scene."""
    ego = ego_at(traffic.graph, 1, ego_s, 20.0)
    state = make_object_sensors("typical", Chance.of(seed, "s"), len(traffic.actor_f))
    found = []
    for tick in range((count + 4) * by_name(sensor).every_ticks):
        measure(state, traffic.actor_f, traffic.actor_i, ego, tick * PILOT_TICK_NS)
        ready = deliver(state, tick * PILOT_TICK_NS)
        found.extend(frame.objects for frame in ready if frame.sensor == sensor)
    return found[:count]


def known(objects: tuple[ObjectReturn, ...]) -> list[ObjectReturn]:
    """Returns of real cars; a false one has exactly the size of a usual car."""
    return [seen for seen in objects if (seen.length_m, seen.width_m) != (4.5, 1.8)]


def by_name(name: str) -> Sensor:
    return next(sensor for sensor in TYPICAL if sensor.name == name)


@pytest.mark.parametrize("name", ["radar_front", "camera_front"])
def test_noise_has_the_sigma_of_the_table(name: str) -> None:
    sensor = by_name(name)
    traffic = cars(straight(), (1, 560.0, 15.0))
    seen = [one for objects in frames(traffic, name, 3000) for one in known(objects)]
    distance = 60.0 - sensor.x_m
    along = np.array([one.x_m for one in seen])
    across = np.array([one.y_m for one in seen])
    speeds = np.array([one.velocity_x_mps for one in seen])
    spread = sensor.range_sigma_m + sensor.range_sigma_part * distance
    assert len(seen) > 2500
    assert along.mean() == pytest.approx(60.0, abs=0.2)
    assert along.std() == pytest.approx(spread, rel=0.08)
    assert across.std() == pytest.approx(sensor.angle_sigma_rad * distance, rel=0.08)
    assert speeds.mean() == pytest.approx(15.0, abs=0.1)
    assert speeds.std() == pytest.approx(sensor.radial_sigma_mps, rel=0.08)
    # White: neighbouring frames are not correlated.
    centred = along - along.mean()
    assert abs((centred[1:] * centred[:-1]).mean()) < 0.1 * centred.var()


def test_misses_come_in_bursts_with_the_share_of_the_table() -> None:
    traffic = cars(straight(), (1, 560.0, 15.0))
    seen, bursts, length = 0, [], 0
    for seed in range(4):
        for objects in frames(traffic, "camera_front", 6000, seed):
            if known(objects):
                seen += 1
                if length:
                    bursts.append(length)
                length = 0
            else:
                length += 1
    missed = 1.0 - seen / 24000
    assert missed == pytest.approx(by_name("camera_front").miss_share, rel=0.3)
    assert min(bursts) >= 4  # 0.2 s of 50 ms frames
    assert np.mean(bursts) == pytest.approx(12.5, rel=0.2)


def test_detection_falls_towards_the_end_of_the_range_and_stops_behind_it() -> None:
    assert missed_share(100.0, 250.0, 0.03) == pytest.approx(0.03)
    assert missed_share(200.0, 250.0, 0.03) == pytest.approx(0.03 + 0.25)
    assert missed_share(250.0, 250.0, 0.03) == pytest.approx(0.03 + 0.5)
    near = sum(
        bool(known(o)) for o in frames(cars(straight(), (1, 560.0, 0.0)), "radar_front", 2000)
    )
    edge = sum(
        bool(known(o)) for o in frames(cars(straight(), (1, 745.0, 0.0)), "radar_front", 2000)
    )
    beyond = frames(cars(straight(), (1, 760.0, 0.0)), "radar_front", 200)
    assert 0.3 < edge / 2000 < 0.75 < near / 2000
    assert not any(known(objects) for objects in beyond)


@pytest.mark.parametrize(
    ("sensor", "lane", "s", "inside"),
    [
        ("radar_front", 1, 540.0, True),
        ("radar_front", 1, 470.0, False),
        ("radar_front_left", 0, 505.0, True),
        ("radar_front_left", 2, 505.0, False),
        ("radar_front_right", 2, 505.0, True),
        ("radar_rear_left", 0, 490.0, True),
        ("camera_rear", 1, 470.0, True),
        ("camera_rear", 1, 540.0, False),
        ("camera_left", 0, 502.0, True),
        ("camera_right", 0, 502.0, False),
    ],
)
def test_a_sensor_looks_where_it_points(sensor: str, lane: int, s: float, inside: bool) -> None:
    found = frames(cars(straight(), (lane, s, 20.0)), sensor, 60)
    assert any(known(objects) for objects in found) is inside


def test_a_lorry_ahead_hides_the_car_before_it_and_not_one_beside() -> None:
    traffic = cars(straight(), (1, 530.0, 20.0), (1, 560.0, 20.0), (0, 540.0, 20.0))
    traffic.actor_f[0, Actor.LENGTH], traffic.actor_f[0, Actor.WIDTH] = 16.0, 2.55
    at = (503.5, traffic.actor_f[0, Actor.Y])
    assert points_in_sight(traffic.actor_f, traffic.actor_i, 0, *at) == 5
    assert points_in_sight(traffic.actor_f, traffic.actor_i, 1, *at) == 0
    assert points_in_sight(traffic.actor_f, traffic.actor_i, 2, *at) >= 3
    traffic.actor_i[0, Index.ALIVE] = 0
    assert points_in_sight(traffic.actor_f, traffic.actor_i, 1, *at) == 5


def test_a_ray_meets_a_turned_box_where_geometry_says() -> None:
    row = np.zeros(len(Actor))
    row[Actor.X], row[Actor.Y], row[Actor.YAW] = 10.0, 0.0, math.pi / 4
    row[Actor.LENGTH], row[Actor.WIDTH] = 4.0, 2.0
    half = 0.5 * (4.0 + 2.0) * math.sqrt(0.5)  # half extent of the turned box along y
    assert ray_meets(row, 0.0, half - 0.1, 20.0, half - 0.1)
    assert not ray_meets(row, 0.0, half + 0.1, 20.0, half + 0.1)
    assert not ray_meets(row, 0.0, 0.0, 6.0, 0.0)


def test_frames_come_late_by_the_latency_with_the_stamp_of_the_measurement() -> None:
    traffic = cars(straight(), (1, 560.0, 15.0))
    ego = ego_at(traffic.graph, 1, 500.0, 20.0)
    state = make_object_sensors("typical", Chance.of(1, "s"), 1)
    latency = {sensor.name: sensor.latency_ns for sensor in TYPICAL}
    seen = set()
    for tick in range(10):
        now_ns = tick * PILOT_TICK_NS
        measure(state, traffic.actor_f, traffic.actor_i, ego, now_ns)
        for frame in deliver(state, now_ns):
            assert now_ns - frame.stamp_ns == latency[frame.sensor]
            seen.add(frame.sensor)
    assert seen == set(latency)
    assert latency["radar_front"] == 50_000_000
    assert latency["camera_front"] == 100_000_000


def test_perfect_sensors_give_the_truth_at_once_even_behind_a_lorry() -> None:
    traffic = cars(
        straight(), (1, 530.0, 20.0), (1, 560.0, 17.0), (0, 400.0, 30.0), (1, 760.0, 1.0)
    )
    traffic.actor_f[0, Actor.LENGTH] = 16.0
    ego = ego_at(traffic.graph, 1, 500.0, 20.0, turn_rad=0.02)
    state = make_object_sensors("perfect", Chance.of(1, "s"), 4)
    measure(state, traffic.actor_f, traffic.actor_i, ego, 0)
    (frame,) = deliver(state, 0)
    assert len(frame.objects) == 3  # the fourth is 260 m away
    second = frame.objects[1]
    assert second.x_m == pytest.approx(60.0 * math.cos(0.02), abs=1e-9)
    assert second.y_m == pytest.approx(-60.0 * math.sin(0.02), abs=1e-9)
    assert second.velocity_x_mps == pytest.approx(17.0 * math.cos(0.02))
    assert second.yaw_rad == pytest.approx(-0.02)


def test_ghosts_appear_at_about_their_rate_and_doubt_themselves() -> None:
    traffic = cars(straight())
    begun, before = 0, 0
    for seed in range(2):
        for objects in frames(traffic, "radar_front", 9000, seed):
            begun += len(objects) > before
            before = len(objects)
            assert all(0.25 <= ghost.existence <= 0.6 for ghost in objects)
    expected = 2 * 7.5 * by_name("radar_front").ghosts_per_min
    assert begun == pytest.approx(expected, rel=0.6)


def test_only_cameras_tell_classes_and_mistake_them_as_often_as_the_table_says() -> None:
    traffic = cars(straight(), (1, 540.0, 15.0))
    for body, taken_for in (
        (BodyClass.CAR, ObjectClass.LORRY),
        (BodyClass.MOTORCYCLE, ObjectClass.CAR),
    ):
        traffic.actor_i[0, Index.CLASS] = body
        radar = [one for objects in frames(traffic, "radar_front", 200) for one in known(objects)]
        assert {one.object_class for one in radar} == {ObjectClass.UNKNOWN}
        told = [one for objects in frames(traffic, "camera_front", 4000) for one in known(objects)]
        assert {one.object_class for one in told} == {CLASS_OF_BODY[body], taken_for}
        mistaken = sum(one.object_class is taken_for for one in told) / len(told)
        assert mistaken == pytest.approx(by_name("camera_front").class_wrong, rel=0.35)


def lamps(traffic: Traffic, sensor: str, count: int = 400) -> tuple[float, float, float]:
    """Shares of returns that tell brake lights, a left and a right indicator."""
    told = [one for objects in frames(traffic, sensor, count) for one in known(objects)]
    assert len(told) > 0.7 * count
    brakes = sum(one.brake_lights for one in told) / len(told)
    left = sum(one.indicator is Indicator.LEFT for one in told) / len(told)
    return brakes, left, sum(one.indicator is Indicator.RIGHT for one in told) / len(told)


@pytest.mark.parametrize(
    ("sensor", "lane", "s", "direction", "brakes", "indicator"),
    [
        ("camera_front", 1, 540.0, 1, True, True),
        ("camera_front", 1, 540.0, -1, True, True),
        ("radar_front", 1, 540.0, 1, False, False),  # a radar sees no lamps
        ("camera_front", 1, 590.0, 1, False, False),  # beyond 80 m
        ("camera_rear", 1, 470.0, 1, False, True),  # its face, not its rear
        ("camera_left", 0, 502.0, -1, False, True),  # the side turned to the own car
        ("camera_left", 0, 502.0, 1, False, False),
        ("camera_right", 2, 502.0, 1, False, True),
    ],
)
def test_lamps_are_told_where_a_camera_has_them_in_sight(
    sensor: str, lane: int, s: float, direction: int, brakes: bool, indicator: bool
) -> None:
    traffic = cars(straight(), (lane, s, 15.0))
    assert lamps(traffic, sensor) == (0.0, 0.0, 0.0)
    traffic.actor_i[0, Index.BRAKING], traffic.actor_i[0, Index.DIRECTION] = 1, direction
    braking, left, right = lamps(traffic, sensor, 1500)
    lit, other = (left, right) if direction > 0 else (right, left)
    share = 1.0 - by_name(sensor).lamp_miss
    assert braking == pytest.approx(share if brakes else 0.0, abs=0.02)
    assert lit == pytest.approx(share if indicator else 0.0, abs=0.02)
    assert other == 0.0


@pytest.mark.parametrize("name", ["radar_front", "camera_front"])
def test_existence_falls_with_the_distance(name: str) -> None:
    sensor, told = by_name(name), []
    for s in (520.0, 560.0, 630.0):
        seen = [o for f in frames(cars(straight(), (1, s, 15.0)), name, 60) for o in known(f)]
        distance = s - 500.0 - sensor.x_m
        span = sensor.existence_far - sensor.existence_near
        expected = sensor.existence_near + distance / sensor.range_m * span
        assert {round(one.existence, 6) for one in seen} == {round(expected, 6)}
        told.append(expected)
    assert 0.97 > told[0] > told[1] > told[2] > 0.6


def test_perfect_sensors_tell_classes_and_lamps_of_every_side() -> None:
    traffic = cars(straight(), (1, 470.0, 20.0), (0, 502.0, 20.0), (1, 700.0, 20.0))
    traffic.actor_i[:, Index.CLASS] = BodyClass.BUS
    traffic.actor_i[:, Index.BRAKING], traffic.actor_i[:, Index.DIRECTION] = 1, 1
    ego = ego_at(traffic.graph, 1, 500.0, 20.0)
    state = make_object_sensors("perfect", Chance.of(1, "s"), 3)
    for tick in range(50):
        measure(state, traffic.actor_f, traffic.actor_i, ego, tick * PILOT_TICK_NS)
        (frame,) = deliver(state, tick * PILOT_TICK_NS)
        assert len(frame.objects) == 3
        for one in frame.objects:
            assert one.object_class is ObjectClass.BUS
            assert (one.brake_lights, one.indicator) == (True, Indicator.LEFT)
            assert (one.existence, one.class_confidence) == (1.0, 1.0)


def test_rain_shortens_every_range_and_triples_the_misses_of_cameras() -> None:
    for dry, wet in zip(TYPICAL, DEGRADED, strict=True):
        assert wet.range_m == pytest.approx(0.6 * dry.range_m)
        assert wet.miss_share == pytest.approx(dry.miss_share * (3 if dry.kind == "camera" else 1))


def test_every_sensor_of_every_level_names_its_source() -> None:
    assert all(len(sensor.source) > 10 for level in LEVELS.values() for sensor in level)
    assert all(len(figures.source) > 10 for figures in PLACE_LEVELS.values())
    assert LEVELS.keys() == PLACE_LEVELS.keys()


def test_a_car_on_a_bridge_overhead_is_not_seen() -> None:
    traffic = cars(straight(), (1, 530.0, 20.0))
    traffic.actor_f[0, Actor.Z] = 6.5
    assert not any(known(objects) for objects in frames(traffic, "radar_front", 40))


def test_lane_sensor_has_the_noise_and_the_bias_of_the_table() -> None:
    graph = straight()
    ego = ego_at(graph, 1, 500.0, 20.0, offset_m=0.3, turn_rad=0.01)
    at = graph.project(1, ego.x_m, ego.y_m)
    biases = []
    for seed in range(12):
        state = make_place_sensors("typical", graph, Chance.of(seed, "p"))
        seen = [sense_place(state, ego, at, tick * PILOT_TICK_NS)[0] for tick in range(800)]
        offsets = np.array([lane.offset_m for lane in seen if lane is not None])
        headings = np.array([lane.heading_rad for lane in seen if lane is not None])
        assert len(offsets) > 650
        assert offsets.std() == pytest.approx(0.05, rel=0.12)
        assert headings.mean() == pytest.approx(0.01, abs=0.001)
        assert offsets.mean() - 0.3 == pytest.approx(state.bias_m, abs=0.01)
        biases.append(state.bias_m)
    assert max(map(abs, biases)) <= 0.05
    assert max(biases) - min(biases) > 0.03


def test_what_the_lane_sensor_tells_was_measured_one_tick_before() -> None:
    graph = straight()
    for level, ticks in (("typical", 1), ("perfect", 0)):
        state = make_place_sensors(level, graph, Chance.of(3, "p"))
        errors = []
        for tick in range(400):
            # It glides aside by 0.5 m in 200 ticks and back, so that an older offset is another one.
            offset_m = 0.0025 * abs(tick % 400 - 200)
            ego = ego_at(graph, 1, 500.0, 20.0, offset_m=offset_m)
            at = graph.project(1, ego.x_m, ego.y_m)
            lane, _gnss = sense_place(state, ego, at, tick * PILOT_TICK_NS)
            if tick == 0:
                assert (lane is None) is (ticks == 1)
            if lane is None:
                continue
            assert tick * PILOT_TICK_NS - lane.stamp_ns == ticks * PILOT_TICK_NS
            then = 0.0025 * abs((tick - ticks) % 400 - 200)
            errors.append(lane.offset_m - state.bias_m - then)
        assert len(errors) > 300
        assert np.mean(errors) == pytest.approx(0.0, abs=0.01)


def test_both_axes_of_gnss_drift_and_its_heading_has_the_noise_of_the_table() -> None:
    graph = straight()
    figures = PLACE_LEVELS["typical"]
    ego = ego_at(graph, 1, 500.0, 20.0, turn_rad=0.4)
    means, turns, steps = [], [], []
    for seed in range(120):
        state = make_place_sensors("typical", graph, Chance.of(seed, "p"))
        fixes = [sense_place(state, ego, None, k * PILOT_TICK_NS)[1] for k in range(40)]
        got = [fix for fix in fixes if fix is not None]
        errors = np.array([(fix.x_m - ego.x_m, fix.y_m - ego.y_m) for fix in got])
        means.append(errors.mean(axis=0))  # 2 s: the white noise goes, the drift stays
        steps.append(np.diff(errors, axis=0))
        turns += [fix.yaw_rad - ego.yaw_rad for fix in got]
    for axis in (0, 1):
        drift = np.array(means)[:, axis]
        assert drift.std() == pytest.approx(figures.gnss_drift_sigma_m, rel=0.2)
        assert abs(drift.mean()) < 0.3
        # From one fix to the next: twice the white noise, and next to no drift.
        white = np.concatenate(steps)[:, axis].std() / math.sqrt(2.0)
        assert white == pytest.approx(figures.gnss_white_sigma_m, rel=0.1)
    assert abs(np.corrcoef(np.array(means).T)[0, 1]) < 0.3  # each axis drifts by itself
    assert np.std(turns) == pytest.approx(figures.gnss_yaw_sigma_rad, rel=0.06)
    assert np.mean(turns) == pytest.approx(0.0, abs=6e-4)


def test_the_gnss_drift_wanders_on_along_both_axes_during_a_drive() -> None:
    graph = straight()
    ego = ego_at(graph, 1, 500.0, 20.0)
    figures = PLACE_LEVELS["typical"]
    moved = []
    for seed in range(60):
        state = make_place_sensors("typical", graph, Chance.of(seed, "p"))
        before = state.drift_x_m, state.drift_y_m
        for tick in range(400):
            sense_place(state, ego, None, tick * PILOT_TICK_NS)
        moved.append((state.drift_x_m - before[0], state.drift_y_m - before[1]))
    # A Gauss-Markov process of sigma s and time T: the change over t has 2 s^2 (1 - exp(-t / T)).
    fading = 1.0 - math.exp(-400 * 0.05 / figures.gnss_drift_time_s)
    expected = figures.gnss_drift_sigma_m * math.sqrt(2.0 * fading)
    assert np.array(moved)[:, 0].std() == pytest.approx(expected, rel=0.25)
    assert np.array(moved)[:, 1].std() == pytest.approx(expected, rel=0.25)


def test_the_lane_sensor_has_nothing_to_say_off_its_lane_or_without_one() -> None:
    graph = straight()
    state = make_place_sensors("perfect", graph, Chance.of(0, "p"))
    ego = ego_at(graph, 1, 500.0, 20.0, offset_m=3.2)
    assert sense_place(state, ego, graph.project(1, ego.x_m, ego.y_m), 0)[0] is None
    assert sense_place(state, ego, None, 0)[0] is None
    lane = sense_place(state, ego, graph.project(0, ego.x_m, ego.y_m), 0)[0]
    assert lane is not None
    assert lane.offset_m == pytest.approx(-0.3)
    assert (lane.left_mark.value, lane.right_mark.value) == ("none", "broken")


def test_gnss_wanders_slowly_around_the_truth_and_perfect_gnss_is_exact() -> None:
    graph = straight()
    ego = ego_at(graph, 1, 500.0, 20.0)
    errors = []
    for seed in range(40):
        state = make_place_sensors("typical", graph, Chance.of(seed, "p"))
        fixes = [sense_place(state, ego, None, k * PILOT_TICK_NS)[1] for k in range(400)]
        assert fixes[1] is None  # 10 Hz
        got = [fix for fix in fixes if fix is not None]
        errors.append([(fix.x_m - ego.x_m, fix.y_m - ego.y_m) for fix in got])
    spread = np.array(errors).std()
    assert spread == pytest.approx(math.hypot(0.9, 0.4), rel=0.25)
    first, second = np.array(errors)[:, 10, :], np.array(errors)[:, 12, :]
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] > 0.6  # slow drift dominates
    state = make_place_sensors("perfect", graph, Chance.of(0, "p"))
    fix = sense_place(state, ego, None, 0)[1]
    assert fix is not None
    assert (fix.x_m, fix.y_m, fix.yaw_rad, fix.sigma_m) == (ego.x_m, ego.y_m, ego.yaw_rad, 0.0)
