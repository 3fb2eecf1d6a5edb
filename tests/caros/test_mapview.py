"""The map as drawn: paved ground under every lane, kinds kept apart."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.data_folder import data_folder
from volant.caros.cockpit.mapview import _grounds, road_view
from volant.core.settings import find_data
from volant.road import LaneColumn, load_graph
from volant.road.sampling import sample_sections


def covers(ground, x_m: float, y_m: float) -> bool:
    """Whether a point lies in the outline of a ground (even-odd rule)."""
    ring = np.concatenate([ground.left, ground.right[::-1]])[:, :2]
    inside = False
    for (ax, ay), (bx, by) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        if (ay > y_m) != (by > y_m) and x_m < ax + (y_m - ay) * (bx - ax) / (by - ay):
            inside = not inside
    return inside


@pytest.fixture(scope="module")
def world():
    return load_graph(find_data("maps", "volant-world"))


def test_every_lane_of_the_built_in_world_lies_on_ground(world):
    grounds = [
        ground
        for road in world.network.roads
        for section in sample_sections(road)
        for ground in _grounds(section)
    ]
    for lane in world.lanes[::5]:
        row = lane.samples[len(lane.samples) // 2]
        x_m, y_m = float(row[LaneColumn.X]), float(row[LaneColumn.Y])
        near = [g for g in grounds if np.abs(g.left[:, :2] - [x_m, y_m]).max(axis=1).min() < 80.0]
        assert any(covers(ground, x_m, y_m) for ground in near), lane.id


def test_ground_reaches_over_the_shoulder(world):
    lane = next(lane for lane in world.lanes if "Ring" in lane.road_name and lane.id.lane == -3)
    row = lane.samples[40]
    heading = float(row[LaneColumn.HEADING])
    away_m = float(row[LaneColumn.WIDTH]) / 2 + 1.0
    x_m = float(row[LaneColumn.X]) + away_m * math.sin(heading)
    y_m = float(row[LaneColumn.Y]) - away_m * math.cos(heading)
    grounds = [
        ground
        for road in world.network.roads
        if road.id == lane.id.road
        for section in sample_sections(road)
        for ground in _grounds(section)
    ]
    assert any(covers(ground, x_m, y_m) for ground in grounds)


def test_the_window_of_the_world_is_small_enough_for_the_wire(world):
    view = road_view(world)
    lane = world.lanes[0]
    lines, surfaces = view.near(
        float(lane.samples[0, LaneColumn.X]), float(lane.samples[0, LaneColumn.Y]), 320.0
    )
    assert lines
    assert surfaces
    assert sum(len(line.points) for line in lines) < 40_000


@pytest.mark.parametrize("name", ["fabriksgatan", "curves_elevation", "e6mini-lht", "parking_demo"])
def test_other_peoples_maps_have_ground_and_lines(name):
    graph = load_graph(data_folder() / "roads" / "esmini" / f"{name}.xodr")
    lane = graph.lanes[0]
    lines, surfaces = road_view(graph).near(
        float(lane.samples[0, LaneColumn.X]), float(lane.samples[0, LaneColumn.Y]), 200.0
    )
    assert lines
    assert {surface.kind for surface in surfaces} <= {"road", "walk"}
    assert any(surface.kind == "road" for surface in surfaces)
