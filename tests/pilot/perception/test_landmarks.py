"""What hold the belief along the road beside GNSS: lights that are seen, and ends of paint."""

import math
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from tests.pilot.world import TYPICAL, World, curvy, straight
from volant.core.clock import NS_PER_S
from volant.pilot.course import Course
from volant.pilot.perception import localize
from volant.pilot.perception.belief import STATION, Ego, LocalizeTuning
from volant.pilot.perception.landmarks import fuse_marks

TUNING = LocalizeTuning()


def wrong_by(ego: Ego, error_m: float) -> Ego:
    """The same belief, out by so much along the road, and aware of it."""
    mean, cov, history = ego.mean.copy(), ego.cov.copy(), ego.history.copy()
    mean[STATION] += error_m
    history[:, 4] += error_m
    cov[STATION, :] = cov[:, STATION] = 0.0
    cov[STATION, STATION] = error_m**2
    return msgspec.structs.replace(ego, mean=mean, cov=cov, history=history)


def settled(road: object) -> tuple[Ego, Course]:
    world = World(road, speed_mps=10.0, sensing=TYPICAL)
    world.run(5.0)
    return world.memory.ego, world.memory.course


@pytest.mark.parametrize("road", [straight, curvy])
@pytest.mark.parametrize("error_m", [-1.5, 1.5])
@pytest.mark.parametrize("ahead_m", [8.0, 15.0, 30.0])
def test_a_light_ahead_tells_where_we_are_along_the_road(
    road: object, error_m: float, ahead_m: float
) -> None:
    ego, course = settled(road())  # type: ignore[operator]
    x_m, y_m, yaw_rad = localize.world_of(ego, course)
    cos, sin = math.cos(yaw_rad), math.sin(yaw_rad)
    light = (x_m + ahead_m * cos + 3.0 * sin, y_m + ahead_m * sin - 3.0 * cos)
    found = wrong_by(ego, error_m)
    for _ in range(20):
        found = fuse_marks(found, ((*light, ahead_m, -3.0),), ego.stamp_ns, course, TUNING)
    assert abs(found.station_m - ego.station_m) < 0.3
    assert abs(found.offset_m - ego.offset_m) < 0.1


def test_a_light_that_cannot_be_where_it_is_seen_changes_nothing() -> None:
    ego, course = settled(straight())
    x_m, y_m, yaw_rad = localize.world_of(ego, course)
    light = (x_m + 20.0 * math.cos(yaw_rad), y_m + 20.0 * math.sin(yaw_rad))
    found = fuse_marks(ego, ((*light, 60.0, 30.0),), ego.stamp_ns, course, TUNING)
    assert np.array_equal(found.mean, ego.mean)


def blind(error_m: float) -> tuple[Ego, Course]:
    """No paint for 0.35 s; the map has its end `error_m` ahead of where the last of it was believed."""
    world = World(straight(), speed_mps=10.0, sensing=TYPICAL)
    world.run(5.0)
    world.lane_blind = True
    world.run(0.35)
    ego, course = world.memory.ego, world.memory.course
    assert ego.last_lane is not None
    gone_m = ego.speed_mps * (ego.stamp_ns - ego.last_lane.stamp_ns) / NS_PER_S
    # An end lies between the last row with paint and the first without.
    edge = round((ego.station_m - gone_m + error_m) / course.step_m + 0.5)
    unmarked = np.zeros(len(course.unmarked), dtype=np.bool_)
    unmarked[edge:] = True
    ego = wrong_by(ego, 1.0)
    mean, history = ego.mean.copy(), ego.history.copy()
    mean[STATION] -= 1.0
    history[:, 4] -= 1.0
    ego = msgspec.structs.replace(ego, mean=mean, history=history, paint_ns=-1)
    return ego, replace(course, unmarked=unmarked)


@pytest.mark.parametrize("error_m", [-2.0, 2.0])
def test_where_paint_ends_the_station_is_set_right_and_only_once(error_m: float) -> None:
    ego, course = blind(error_m)
    found = localize.fuse(ego, None, None, course, TUNING)
    moved_m = found.station_m - ego.station_m
    assert 0.2 < moved_m / error_m < 1.0
    assert found.sigma_along_m < ego.sigma_along_m
    again = localize.fuse(found, None, None, course, TUNING)
    assert again.station_m == found.station_m


def test_an_end_of_paint_far_from_where_it_can_be_changes_nothing() -> None:
    ego, course = blind(8.0)
    assert localize.fuse(ego, None, None, course, TUNING).station_m == ego.station_m
