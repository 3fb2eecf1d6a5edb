"""Where the pilot believes it is, against a drive whose truth is known."""

import math
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from tests.pilot.world import TYPICAL, Sensing, World, corridor, curvy, straight
from volant.core.clock import CONTROL_TICK_NS, NS_PER_S
from volant.core.messages import GnssReturn
from volant.pilot.perception import localize
from volant.pilot.perception.belief import LocalizeTuning
from volant.pilot.perception.localize_kernels import predict, recall
from volant.road import CorridorColumn


def errors(world: World, span_s: float) -> np.ndarray:
    """[n, 2] errors of station and offset after three seconds."""
    rows = []
    for tick in range(round(span_s * 100)):
        world.advance()
        ego = world.memory.ego
        if tick > 300:
            x_m, y_m, _yaw = localize.world_of(ego, world.memory.course)
            station_m, offset_m = world.road.project(x_m, y_m, world.station_m)
            rows.append((station_m - world.station_m, offset_m - world.offset_m))
    return np.array(rows)


def test_perfect_sensors_give_the_truth_in_bends_too() -> None:
    missed = errors(World(curvy(), speed_mps=20.0), 40.0)
    assert np.abs(missed[:, 0]).max() < 0.1
    assert np.abs(missed[:, 1]).max() < 0.02


def test_noisy_sensors_give_a_place_ten_times_better_than_gnss() -> None:
    sensing = replace(TYPICAL, lane_bias_m=0.0)
    missed = errors(World(curvy(), speed_mps=20.0, sensing=sensing), 40.0)
    assert math.sqrt((missed[:, 1] ** 2).mean()) < 0.03
    assert math.sqrt((missed[:, 0] ** 2).mean()) < 0.3


def test_latency_is_compensated_by_the_stamp() -> None:
    late = errors(World(curvy(), speed_mps=20.0, sensing=Sensing(latency_s=0.2)), 25.0)
    assert np.abs(late[:, 1]).max() < 0.05
    assert np.abs(late[:, 0]).max() < 0.3


def test_the_gyros_bias_is_found() -> None:
    world = World(straight(), speed_mps=20.0, sensing=Sensing(gyro_bias_rps=0.005))
    world.run(30.0)
    assert world.memory.ego.yaw_bias_rps == pytest.approx(0.005, abs=0.001)


def test_doubt_grows_without_lane_and_shrinks_with_it() -> None:
    world = World(straight(), speed_mps=20.0, sensing=TYPICAL)
    world.run(5.0)
    sure_m = world.memory.ego.sigma_across_m
    world.lane_blind = True
    world.run(4.0)
    doubt_m = world.memory.ego.sigma_across_m
    world.lane_blind = False
    world.run(2.0)
    assert sure_m < 0.05 < 3.0 * sure_m < doubt_m
    assert world.memory.ego.sigma_across_m < 1.2 * sure_m


def test_a_first_position_off_the_corridor_is_not_matched() -> None:
    world = World(straight())
    world.advance()
    course, tuning = straight().course(), LocalizeTuning()
    gnss = world.memory.ego.last_gnss
    assert gnss is not None
    far = msgspec.structs.replace(gnss, y_m=60.0)
    assert not localize.fuse(localize.start(), None, far, course, tuning).matched
    across = msgspec.structs.replace(gnss, yaw_rad=1.6)
    assert not localize.fuse(localize.start(), None, across, course, tuning).matched
    assert localize.fuse(localize.start(), None, gnss, course, tuning).matched


def test_history_is_recalled_between_its_rows_and_held_at_its_ends() -> None:
    history = np.zeros((4, 7))
    history[:, 0], history[:, 4] = (40.0, 30.0, 20.0, 10.0), (4.0, 3.0, 2.0, 1.0)
    out = np.empty(7)
    for stamp, station in ((25.0, 2.5), (50.0, 4.0), (0.0, 1.0), (40.0, 4.0), (10.0, 1.0)):
        recall(history, stamp, out)
        assert out[4] == pytest.approx(station)


def shifted(world: World, aside_m: float, span_s: float) -> None:
    """Fold in lane returns that stand aside of what is believed."""
    course, tuning = straight().course(), LocalizeTuning()
    ego = world.memory.ego
    lane = ego.last_lane
    assert lane is not None
    for tick in range(1, round(span_s * 20) + 1):
        stamp_ns = world.memory.ego.stamp_ns + tick * 50_000_000
        ego = msgspec.structs.replace(ego, stamp_ns=stamp_ns)
        # Its last digit flickers, as a real one's does: the very same numbers mean a hung camera.
        seen = msgspec.structs.replace(
            lane, stamp_ns=stamp_ns, offset_m=aside_m + 1e-6 * tick, heading_rad=0.0
        )
        ego = localize.fuse(ego, seen, None, course, tuning)
    world.memory = msgspec.structs.replace(world.memory, ego=ego)


def test_a_first_lane_is_believed_although_gnss_stands_beside_it() -> None:
    course, tuning = straight().course(), LocalizeTuning()
    world = World(straight())
    world.advance()
    first = world.memory.ego
    assert first.last_gnss is not None
    assert first.last_lane is not None
    beside = msgspec.structs.replace(first.last_gnss, y_m=first.last_gnss.y_m + 2.6, sigma_m=1.0)
    for lane in (first.last_lane, None):
        ego = localize.fuse(
            msgspec.structs.replace(localize.start(), stamp_ns=first.stamp_ns),
            lane,
            beside,
            course,
            tuning,
        )
        assert ego.matched
        later = msgspec.structs.replace(ego, stamp_ns=first.stamp_ns + 50_000_000)
        lane_later = msgspec.structs.replace(
            first.last_lane, stamp_ns=later.stamp_ns, offset_m=1e-3, heading_rad=1e-4
        )
        ego = localize.fuse(later, lane_later, None, course, tuning)
        assert abs(ego.offset_m) < 0.1
        assert ego.sigma_across_m < 0.1


def test_a_lane_that_contradicts_is_refused_first_and_looked_for_anew_at_last() -> None:
    world = World(straight(), speed_mps=20.0)
    world.run(3.0)
    shifted(world, 2.0, 10.0)
    assert abs(world.memory.ego.offset_m) < 0.5
    assert world.memory.ego.lane_conflict_s > 9.0
    shifted(world, 2.0, 7.0)
    assert world.memory.ego.offset_m == pytest.approx(2.0, abs=0.1)
    assert world.memory.ego.lane_conflict_s == 0.0


def test_gnss_beside_the_car_in_a_tight_bend_turns_no_heading() -> None:
    """Its slow error puts it where the road heads elsewhere; what it says of heading stays true."""
    road = corridor([(40.0, 0.0, 0.0), (30.0, 1 / 9.0, 1 / 9.0), (60.0, 0.0, 0.0)], [(0.0, 5.0)])
    course, tuning = road.course(), LocalizeTuning()
    x_m, y_m, yaw_rad = road.to_world(45.0, 0.0)
    first = GnssReturn(stamp_ns=10_000_000, x_m=x_m, y_m=y_m, z_m=0.0, yaw_rad=yaw_rad, sigma_m=1.0)
    ego = msgspec.structs.replace(localize.start(), stamp_ns=10_000_000)
    ego = localize.fuse(ego, None, first, course, tuning)
    mean = ego.mean.copy()
    mean[5], mean[6] = 1.4, -0.9  # learnt where paint was seen
    ego = msgspec.structs.replace(
        ego, mean=mean, cov=np.diag([0.02, 0.01, 1e-4, 1e-5, 1e-6, 0.2, 0.2])
    )
    for tick in range(2, 60):
        ego = msgspec.structs.replace(ego, stamp_ns=tick * 10_000_000)
        fix = msgspec.structs.replace(
            first, stamp_ns=ego.stamp_ns, x_m=x_m + 1.4, y_m=y_m - 0.9 + 1e-6 * tick
        )
        ego = localize.fuse(ego, None, fix, course, tuning)
    assert abs(ego.heading_error_rad) < 0.005
    assert abs(ego.offset_m) < 0.03


def test_a_straight_lane_before_a_bend_does_not_tell_the_station() -> None:
    """The curvature column is smoothed over some metres: the bend begins where the heading turns."""
    table = np.zeros((100, 13))
    table[:, CorridorColumn.S] = np.arange(100.0)
    table[50:, CorridorColumn.HEADING] = np.arange(50.0) / 12.0
    table[47:, CorridorColumn.CURVATURE] = 1.0 / 12.0
    noise = np.array((0.02, 0.001, 0.004, 0.0001, 4.0, 0.0, 0.9, 60.0))
    mean, cov = np.zeros(7), np.diag((0.81, 0.001, 1e-5, 1e-6, 1e-8, 0.8, 0.8))
    mean[0], history = 45.0, np.zeros((64, 7))
    for tick in range(1, 160):
        mean, cov, history = predict(
            mean, cov, history, table, 1.0, 5.0, 0.0, 0.01, 1e7 * tick, noise
        )
        if mean[0] < 49.9:
            assert abs(cov[2, 0]) < 1e-4
    # And there, who is a metre too far sees the lane turned by a twelfth.
    assert mean[0] > 52.0
    assert cov[2, 0] / cov[0, 0] == pytest.approx(-1.0 / 12.0, rel=0.1)


def test_who_stands_hears_one_contradiction_of_the_lane_not_many() -> None:
    world = World(straight(), speed_mps=20.0)
    world.run(3.0)
    world.memory = msgspec.structs.replace(
        world.memory, ego=msgspec.structs.replace(world.memory.ego, speed_mps=0.0)
    )
    shifted(world, 2.0, 10.0)
    assert world.memory.ego.lane_conflict_s == 0.0


@pytest.mark.parametrize(("bare", "grows"), [(True, False), (False, True)])
def test_standing_where_nothing_is_painted_does_not_lose_the_lane(bare: bool, grows: bool) -> None:
    course, tuning = straight().course(), LocalizeTuning()
    course = replace(course, unmarked=np.full(len(course.unmarked), bare))
    world = World(straight(), speed_mps=20.0)
    world.run(3.0)
    ego = msgspec.structs.replace(world.memory.ego, speed_mps=0.0)
    age_ns = ego.stamp_ns - ego.lane_ns
    still = msgspec.structs.replace(world._observe().car, speed_mps=0.0)
    for _ in range(300):
        stamp_ns = ego.stamp_ns + CONTROL_TICK_NS
        car = msgspec.structs.replace(still, stamp_ns=stamp_ns)
        ego = localize.move(ego, car, stamp_ns, course, tuning)
    assert (ego.stamp_ns - ego.lane_ns > age_ns + 2 * NS_PER_S) is grows
