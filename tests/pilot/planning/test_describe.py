import math
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from tests.pilot.world import World, straight
from volant.core.messages import StopPath
from volant.pilot.course import Course
from volant.pilot.perception.belief import HEADING, OFFSET, Ego
from volant.pilot.planning.describe import describe_stop_path
from volant.pilot.planning.lanes import Change, Phase
from volant.safety import stop

LANE_M = 3.6
TO_THE_LEFT = Change(direction=1, phase=Phase.MOVE)


def driving(speed_mps: float = 33.0) -> tuple[Ego, Course]:
    """A belief and a course with a lane to the left, at this speed."""
    world = World(straight(), speed_mps=speed_mps, station_m=100.0)
    world.run(0.5)
    memory = world.memory
    course = replace(memory.course, left_m=np.full(len(memory.course.table), LANE_M))
    return memory.ego, course


def at(ego: Ego, offset_m: float, aside_mps: float) -> Ego:
    mean = ego.mean.copy()
    mean[OFFSET] = offset_m
    mean[HEADING] = math.asin(aside_mps / ego.speed_mps)
    return msgspec.structs.replace(ego, mean=mean)


def ends_m(path: StopPath) -> float:
    """Left of where the car is."""
    return path.y_m[-1]


@pytest.mark.parametrize(
    ("offset_m", "aside_mps", "goes_on"),
    [(0.1, 0.1, False), (0.6, 0.6, False), (1.0, 1.2, True), (1.7, 1.2, True), (1.5, -0.5, False)],
)
def test_in_the_midst_of_a_change_the_path_ends_in_one_lane_or_the_other(
    offset_m: float, aside_mps: float, goes_on: bool
) -> None:
    ego, course = driving()
    placed = at(ego, offset_m, aside_mps)
    path = describe_stop_path(placed, course, TO_THE_LEFT)
    assert stop.fault_of(path, placed.speed_mps, stop.StopTuning()) == ""
    assert path.offset_m[-1] == 0.0
    assert max(map(abs, path.offset_m)) <= 0.5 * LANE_M + 0.05
    slope = math.tan(float(placed.mean[HEADING]))
    length_m = (len(path.x_m) - 1) * path.step_m
    aim_m = LANE_M if goes_on else 0.0
    # In the frame of the car, which is turned against the lane.
    assert ends_m(path) == pytest.approx(aim_m - offset_m - slope * length_m, abs=0.3)


def test_who_does_not_change_or_is_over_the_line_stays() -> None:
    ego, course = driving()
    placed = at(ego, 1.7, 0.5)
    for change in (
        Change(),
        replace(TO_THE_LEFT, over=True),
        replace(TO_THE_LEFT, phase=Phase.SIGNAL),
    ):
        assert describe_stop_path(placed, course, change).offset_m[0] == pytest.approx(1.7)


def test_a_lane_that_ends_is_not_turned_into() -> None:
    ego, course = driving()
    left_m = course.left_m.copy()
    left_m[course.row(ego.station_m + 120.0) :] = math.nan
    path = describe_stop_path(at(ego, 1.7, 0.5), replace(course, left_m=left_m), TO_THE_LEFT)
    assert path.offset_m[0] == pytest.approx(1.7)


def test_where_the_reference_is_not_the_lanes_middle_no_offset_is_told() -> None:
    ego, course = driving()
    centre_m = course.centre_m.copy()
    centre_m[course.row(ego.station_m + 50.0)] = 0.6
    assert describe_stop_path(ego, replace(course, centre_m=centre_m), Change()).offset_m == ()
