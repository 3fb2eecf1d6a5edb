"""People on foot: where they walk, that cars wait for them, and that nobody walks into a car."""

import math
from functools import cache

import numpy as np
import pytest

from tests.data_folder import data_folder
from tests.sim.places import ego_at
from volant.core.clock import PILOT_TICK_NS
from volant.core.geometry import Box, boxes_overlap
from volant.core.messages import LightState
from volant.road import LaneGraph, load_graph
from volant.sim import World, WorldSettings
from volant.sim.columns import Actor, BodyClass, Index, SiteIndex, SiteKind, Walk, WalkIndex


@cache
def town() -> LaneGraph:
    return load_graph(data_folder() / "roads/esmini/multi_intersections.xodr")


def box(row: np.ndarray) -> Box:
    columns = (Actor.X, Actor.Y, Actor.YAW, Actor.LENGTH, Actor.WIDTH)
    return Box(*(float(row[column]) for column in columns))


def walked_into(world: World) -> int:
    """How many people touch a car now."""
    rows, index = world._actor_f, world._actor_i
    alive = np.flatnonzero(index[:, Index.ALIVE] == 1)
    cars = [slot for slot in alive.tolist() if index[slot, Index.CLASS] != BodyClass.PEDESTRIAN]
    found = 0
    for slot in alive.tolist():
        if index[slot, Index.CLASS] != BodyClass.PEDESTRIAN:
            continue
        away = np.hypot(*(rows[cars][:, (Actor.X, Actor.Y)] - rows[slot, [Actor.X, Actor.Y]]).T)
        near = [cars[k] for k in np.flatnonzero(away < 12.0).tolist()]
        found += any(boxes_overlap(box(rows[slot]), box(rows[car])) for car in near)
    return found


def test_people_cross_among_cars_and_nobody_walks_into_one() -> None:
    graph = town()
    world = World(graph, WorldSettings(cars=20, people=12, sensors="perfect"), 3)
    ego = ego_at(graph, 0, 60.0, 0.0)
    crossed = set()
    for k in range(round(90.0 * 20)):
        world.advance(ego, k * PILOT_TICK_NS)
        people, sites = world.crowd.people, world.crowd.sites
        for person in np.flatnonzero(people.body_i[:, Index.ALIVE] == 1).tolist():
            site = int(people.i[person, WalkIndex.SITE])
            near, across = np.hypot(*np.diff(sites.f[site, :8].reshape(4, 2), axis=0).T)[:2]
            if near + 2.0 < people.f[person, Walk.AT] < near + across - 2.0:
                crossed.add((person, int(sites.i[site, SiteIndex.KIND])))
        if k % 4 == 0:
            assert walked_into(world) == 0, k
    assert len(crossed) > 4
    told = {one.object_class.value for one in world.truth()}
    assert "pedestrian" in told


def test_people_wait_at_a_light_until_the_cars_have_red() -> None:
    graph = town()
    world = World(graph, WorldSettings(cars=0, people=30, sensors="perfect"), 5)
    ego = ego_at(graph, 0, 80.0, 0.0)
    began = 0
    before = np.zeros(30)
    for k in range(round(120.0 * 20)):
        world.advance(ego, k * PILOT_TICK_NS)
        people, sites = world.crowd.people, world.crowd.sites
        shown = {light.signal: light.state for light in world.lights()}
        for person in range(30):
            site = int(people.i[person, WalkIndex.SITE])
            at = float(people.f[person, Walk.AT])
            points = sites.f[site, :8].reshape(4, 2)
            near, across = np.hypot(*np.diff(points, axis=0).T)[:2]
            inside, was = near < at < near + across, near < before[person] < near + across
            if sites.i[site, SiteIndex.KIND] == SiteKind.LIGHT and inside and not was:
                light = world.traffic.rules.lights[int(sites.i[site, SiteIndex.LIGHT])]
                if abs(at - before[person]) < 0.2 and light.signal in shown:
                    began += 1
                    assert shown[light.signal] is LightState.RED
            before[person] = at
    assert began > 5


def test_one_seed_gives_one_crowd_and_more_cars_leave_it_as_it_was() -> None:
    graph = town()
    ego = ego_at(graph, 0, 60.0, 0.0)
    rows = []
    for seed in (3, 3, 4):
        world = World(graph, WorldSettings(cars=4, people=6, sensors="perfect"), seed)
        for k in range(200):
            world.advance(ego, k * PILOT_TICK_NS)
        rows.append(world.crowd.people.body_f.copy())
    assert np.array_equal(rows[0], rows[1])
    assert not np.array_equal(rows[0], rows[2])


@pytest.mark.parametrize("seed", range(2))
def test_people_appear_away_from_the_own_car(seed: int) -> None:
    graph = town()
    world = World(graph, WorldSettings(cars=0, people=10, sensors="perfect"), seed)
    lives = np.zeros(10, dtype=np.int64)
    for k in range(1200):
        ego = ego_at(graph, 0, min(0.2 * k, 100.0), 4.0)
        world.advance(ego, k * PILOT_TICK_NS)
        now = world.crowd.people.body_i[:, Index.LIFE].copy()
        for person in np.flatnonzero(now > lives).tolist():
            row = world.crowd.people.body_f[person]
            away = math.hypot(row[Actor.X] - ego.x_m, row[Actor.Y] - ego.y_m)
            assert away > (10.0 if k == 0 else 40.0)
        lives = now
