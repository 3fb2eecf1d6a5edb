"""A belief carried over to another course stays where it is in the world."""

import math
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from tests.pilot.world import TYPICAL, World, curvy
from volant.pilot.course import Course
from volant.pilot.perception import localize, track
from volant.pilot.perception.track import TrackColumn, TrackTuning
from volant.road import CorridorColumn


def cut(course: Course, first: int, aside_m: float) -> Course:
    """The same road from row `first` on, its reference moved to the left."""
    table = course.table[first:].copy()
    bend = 1.0 - table[:, CorridorColumn.CURVATURE] * aside_m
    table[:, CorridorColumn.X] -= aside_m * np.sin(table[:, CorridorColumn.HEADING])
    table[:, CorridorColumn.Y] += aside_m * np.cos(table[:, CorridorColumn.HEADING])
    table[:, CorridorColumn.CURVATURE] /= bend
    table[:, CorridorColumn.S] -= table[0, CorridorColumn.S]
    return replace(course, table=np.ascontiguousarray(table), length_m=float(table[-1, 0]))


@pytest.mark.parametrize(("first", "aside_m"), [(0, 0.0), (100, 0.0), (120, 3.5), (90, -3.5)])
def test_mean_doubt_and_history_stay_in_the_world(first: int, aside_m: float) -> None:
    road = curvy()
    world = World(road, speed_mps=20.0, station_m=150.0, sensing=TYPICAL)
    world.run(8.0)
    ego, old = world.memory.ego, world.memory.course
    new = cut(old, first, aside_m)
    moved = localize.rebase(ego, old, new)
    assert moved.offset_m == pytest.approx(ego.offset_m - aside_m, abs=0.02)
    assert localize.world_of(moved, new) == pytest.approx(localize.world_of(ego, old), abs=0.01)
    assert localize.world_cov(moved, new) == pytest.approx(
        localize.world_cov(ego, old), rel=0.05, abs=1e-3
    )
    for before, after in zip(ego.history, moved.history, strict=True):
        assert after[:4] == pytest.approx(before[:4])
        x, y, yaw = localize.world_of(
            msgspec.structs.replace(ego, mean=np.append(before[4:7], np.zeros(4))), old
        )
        nx, ny, nyaw = localize.world_of(
            msgspec.structs.replace(ego, mean=np.append(after[4:7], np.zeros(4))), new
        )
        assert math.hypot(nx - x, ny - y) < 0.02
        assert math.cos(nyaw - yaw) > 0.9999


def test_tracks_find_their_place_on_the_new_course() -> None:
    from tests.pilot.world import Actor

    road = curvy()
    world = World(road, speed_mps=20.0, station_m=150.0, actors=[Actor(220.0, 20.0)])
    world.run(8.0)
    old = world.memory.course
    new = cut(old, 200, 3.5)
    ego = localize.rebase(world.memory.ego, old, new)
    (before,) = world.memory.tracker.confirmed
    (after,) = track.rebase(world.memory.tracker, ego, new, TrackTuning()).confirmed
    assert after[TrackColumn.OFFSET] == pytest.approx(before[TrackColumn.OFFSET] - 3.5, abs=0.1)
    gap_m = before[TrackColumn.STATION] - world.memory.ego.station_m
    assert after[TrackColumn.STATION] - ego.station_m == pytest.approx(gap_m, rel=0.03)
    assert after[TrackColumn.WORLD_X] == pytest.approx(before[TrackColumn.WORLD_X], abs=0.01)
