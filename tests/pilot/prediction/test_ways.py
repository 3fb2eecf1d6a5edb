"""Others on the built-in town's lanes: every way at a junction, people, and what stays far away."""

import functools
import math
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest

from volant.core.messages import ObjectClass
from volant.pilot.course import Course, prepare
from volant.pilot.perception import localize, track
from volant.pilot.perception.lanes import RoadMap, make_map
from volant.pilot.perception.localize_kernels import world_pose
from volant.pilot.perception.track import COLUMNS, TrackColumn, TrackTuning
from volant.pilot.prediction.forecast import (
    Forecast,
    ForecastTuning,
    ModeColumn,
    ModeKind,
    PointColumn,
    WorldColumn,
    foresee,
    onto,
)
from volant.pilot.way import Way
from volant.road import Lane, LaneGraph, RouteLeg, build_corridor, load_graph

TUNING = ForecastTuning()
WORLD = Path(__file__).parents[3] / "maps" / "volant-world.xodr"
CLASSES = list(ObjectClass)


@functools.cache
def world() -> tuple[LaneGraph, RoadMap]:
    graph = load_graph(WORLD)
    return graph, make_map(graph)


@functools.cache
def fork() -> Lane:
    """A lane outside junctions from which one may go left, straight on and right."""
    for lane in world()[0].lanes:
        turns = [turn_of(onward) for onward in lane.successors]
        if lane.junction is None and turns and min(turns) < -0.8 and max(turns) > 0.8:
            return lane
    raise AssertionError("no such lane")


def turn_of(lane: int) -> float:
    heading = world()[0].lanes[lane].samples[:, 4]
    return float(heading[-1] - heading[0])


def way(turn: int) -> int:
    """The connecting lane that turns left (1), goes on (0) or turns right (-1)."""
    return min(fork().successors, key=lambda lane: abs(turn_of(lane) - 1.5 * turn))


@functools.cache
def course(turn: int = 0) -> Course:
    graph, lane = world()[0], fork()
    first = RouteLeg(lane.index, max(lane.length_m - 80.0, 0.0), lane.length_m)
    middle = graph.lanes[way(turn)]
    after = graph.lanes[middle.successors[0]]
    legs = (first, RouteLeg(middle.index, 0.0, middle.length_m), RouteLeg(after.index, 0.0, 150.0))
    return prepare(build_corridor(graph, legs), Way(graph), legs, 0.0, goes_on=True)


def one(
    lane: int,
    s_m: float,
    offset_m: float = 0.0,
    speed_mps: float = 8.0,
    kind: ObjectClass = ObjectClass.CAR,
    turn_rad: float = 0.0,
    indicator: float = 0.0,
) -> np.ndarray:
    at = world()[0].position(lane, s_m, offset_m)
    row, heading = np.zeros(COLUMNS), at.heading_rad + turn_rad
    row[TrackColumn.X], row[TrackColumn.Y], row[TrackColumn.HEADING] = at.x_m, at.y_m, heading
    row[TrackColumn.VX], row[TrackColumn.VY] = (
        speed_mps * math.cos(heading),
        speed_mps * math.sin(heading),
    )
    person = kind is ObjectClass.PEDESTRIAN
    row[TrackColumn.LENGTH], row[TrackColumn.WIDTH] = (0.5, 0.5) if person else (4.5, 1.8)
    row[TrackColumn.CONFIRMED], row[TrackColumn.ID] = 1.0, 7.0
    row[TrackColumn.CLASS], row[TrackColumn.INDICATOR] = CLASSES.index(kind), indicator
    return row


def forecast(*rows: np.ndarray, on: Course | None = None, crossings: Sequence = ()) -> Forecast:
    """The forecast with our car 30 m before the fork, on a course straight on unless said."""
    road = world()[1]
    along = course() if on is None else on
    mean = np.zeros(7)
    mean[0] = 50.0
    history = np.zeros((64, 7))
    history[0, 1:4] = world_pose(along.table, along.step_m, mean)
    ego = msgspec.structs.replace(
        localize.start(), mean=mean, history=history, matched=True, speed_mps=8.0
    )
    tracker = msgspec.structs.replace(
        track.start(), table=np.array(rows), cov=np.tile(0.02 * np.eye(6), (len(rows), 1, 1))
    )
    tracker = track.place(tracker, ego, along, TrackTuning())
    circles = np.array(crossings, dtype=np.float64).reshape(-1, 3)
    return foresee(tracker, ego, TUNING, along, road, circles)


def best_of(found: Forecast, turn: int) -> np.ndarray:
    """World points of the mode that ends with about this turn from the fork's heading."""
    before = float(world()[0].lanes[fork().index].samples[-1, 4])
    turned = found.worlds[:, -1, WorldColumn.HEADING] - before
    place = int(np.abs(np.sin(0.5 * (turned - 1.5 * turn))).argmin())
    return np.array(found.worlds[place])


def test_at_a_junction_every_way_is_a_mode_and_follows_its_lane() -> None:
    found = forecast(one(fork().index, fork().length_m - 12.0))
    assert len(found.modes) == min(len(fork().successors), 4)
    assert found.modes[:, ModeColumn.WEIGHT].sum() == pytest.approx(1.0)
    assert set(found.modes[:, ModeColumn.KIND]) == {ModeKind.TURN}
    for turn in (-1, 0, 1):
        points, lane = best_of(found, turn), world()[0].lanes[way(turn)]
        inside = [
            world()[0].project(lane.index, x, y)
            for x, y in points[:, :2]
            if 2.0 < world()[0].project(lane.index, x, y).s_m < lane.length_m - 2.0
        ]
        assert len(inside) > 4
        assert max(abs(at.offset_m) for at in inside) < 0.1


@pytest.mark.parametrize(("indicator", "turn"), [(1.0, 1), (2.0, -1)])
def test_the_indicator_tells_the_way(indicator: float, turn: int) -> None:
    found = forecast(one(fork().index, fork().length_m - 12.0, indicator=indicator))
    likely = found.modes[:, ModeColumn.WEIGHT].argmax()
    assert abs(turn_of(int(found.modes[likely, ModeColumn.LANE])) - 1.5 * turn) < 0.5
    assert found.modes[likely, ModeColumn.WEIGHT] > 0.4


def test_who_is_too_fast_to_turn_goes_straight_on() -> None:
    found = forecast(one(fork().index, fork().length_m - 12.0, speed_mps=17.0))
    straight = [abs(turn_of(int(lane))) < 0.5 for lane in found.modes[:, ModeColumn.LANE]]
    assert found.modes[straight, ModeColumn.WEIGHT].sum() > 0.9


def test_one_who_crosses_stands_on_the_course_with_lateral_speed_and_its_whole_length() -> None:
    found = forecast(one(fork().index, fork().length_m - 12.0), on=course(1))
    lanes = found.modes[:, ModeColumn.LANE]
    straight = found.points[[abs(turn_of(int(lane))) < 0.2 for lane in lanes]][0]
    assert abs(straight[-1, PointColumn.SIDE_RATE]) > 6.0
    assert straight[-1, PointColumn.HALF_WIDTH] > 2.0
    assert straight[0, PointColumn.HALF_WIDTH] == pytest.approx(0.9, abs=0.05)


def test_modes_can_be_put_on_another_course() -> None:
    row = one(fork().index, fork().length_m - 12.0)
    here = forecast(row)
    tracker = msgspec.structs.replace(track.start(), table=row[None, :], cov=np.zeros((1, 6, 6)))
    there = onto(here, tracker, course(1))
    direct = forecast(row, on=course(1))
    same = [
        (a, b)
        for a, mode in zip(there.points, here.modes, strict=True)
        for b, other in zip(direct.points, direct.modes, strict=True)
        if mode[ModeColumn.LANE] == other[ModeColumn.LANE]
    ]
    assert len(same) >= 3
    for a, b in same:
        near = np.abs(b[:, PointColumn.OFFSET]) < 15.0
        assert np.abs(a[near, :2] - b[near, :2]).max() < 0.3


def test_a_person_who_waits_at_a_crossing_may_step_out_and_one_who_walks_along_hardly() -> None:
    lane, s = fork().index, fork().length_m - 15.0
    at = world()[0].position(lane, s, -2.6)
    kind = ObjectClass.PEDESTRIAN
    facing = one(lane, s, -2.6, 0.0, kind, turn_rad=1.57)
    along = one(lane, s, -2.6, 1.3, kind)

    def weight(row: np.ndarray, crossings: Sequence = ()) -> float:
        found = forecast(row, crossings=crossings)
        out = found.modes[:, ModeColumn.KIND] == ModeKind.STEP_OUT
        return float(found.modes[out, ModeColumn.WEIGHT].sum())

    crossing = [(at.x_m, at.y_m, 3.0)]
    assert weight(facing, crossing) > 0.5
    assert 0.1 < weight(facing) < 0.3
    assert weight(along) < 0.1
    assert weight(one(lane, s, -7.0, 0.0, kind, turn_rad=1.57), crossing) == 0.0
    found = forecast(facing, crossings=crossing)
    stepping = found.points[found.modes[:, ModeColumn.KIND] == ModeKind.STEP_OUT][0]
    assert stepping[0, PointColumn.OFFSET] == pytest.approx(-2.6, abs=0.05)
    assert np.abs(stepping[:, PointColumn.OFFSET]).min() < 0.3


def test_a_person_who_walks_onto_the_road_goes_on_to_the_other_side() -> None:
    lane, s = fork().index, fork().length_m - 15.0
    found = forecast(one(lane, s, -4.0, 1.4, ObjectClass.PEDESTRIAN, turn_rad=1.57))
    assert len(found.modes) == 1
    assert found.points[0, -1, PointColumn.OFFSET] == pytest.approx(-4.0 + 8 * 1.4, abs=0.2)
    assert found.points[0, 0, PointColumn.HALF_WIDTH] == pytest.approx(0.25, abs=0.05)


def test_who_never_comes_near_is_left_out() -> None:
    graph = world()[0]
    far = max(graph.lanes, key=lambda lane: abs(float(lane.samples[0, 1]) - course().table[0, 1]))
    assert len(forecast(one(far.index, 0.5 * far.length_m)).modes) == 0
