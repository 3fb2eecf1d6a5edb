"""Parked cars: in the spaces of the map, off every lane, the same for one seed, near the own car."""

import math
from functools import cache

import numpy as np

from tests.sim.places import ego_at
from volant.core.chance import Chance
from volant.core.clock import PILOT_TICK_NS
from volant.road import LaneGraph, build_graph, find_place, traffic_rules
from volant.road.make import build_world
from volant.sim import World, WorldSettings
from volant.sim.columns import Actor, Index
from volant.sim.drivers import DriverMix
from volant.sim.parked import LEAVE_M, parked_cars
from volant.sim.roads import lane_arrays
from volant.sim.traffic import make_traffic


@cache
def built_in() -> LaneGraph:
    return build_graph(build_world())


def all_parked(seed: int) -> np.ndarray:
    traffic = make_traffic(built_in(), 0, DriverMix(), Chance.of(seed, "t"))
    return parked_cars(built_in(), traffic.roads, traffic.ground, Chance.of(seed, "parked"))


def test_parked_cars_stand_off_every_lane_and_one_seed_gives_one_set() -> None:
    graph = built_in()
    cars = all_parked(1)
    assert len(cars) > 10
    assert np.array_equal(cars, all_parked(1))
    assert not np.array_equal(cars, all_parked(2))
    for x, y, _z, heading, long, wide, _high in cars.tolist():
        at = graph.locate(x, y)
        if at is not None and abs(at.offset_m) < 10.0:
            turn = heading - at.heading_rad
            reach = 0.5 * (wide * abs(math.cos(turn)) + long * abs(math.sin(turn)))
            assert abs(at.offset_m) - reach > 0.5 * at.width_m - 0.05


def test_rows_hold_the_parked_cars_near_the_own_car_and_keep_their_ids() -> None:
    graph = built_in()
    world = World(graph, WorldSettings(cars=0, parked=12, sensors="perfect"), 1)
    place = find_place(graph, "Market street")
    told: dict[int, tuple[float, float]] = {}
    for k in range(400):
        s_m = min(5.0 + 0.3 * k, graph.lanes[place.lane].length_m - 1.0)
        ego = ego_at(graph, place.lane, s_m, 6.0)
        world.advance(ego, k * PILOT_TICK_NS)
        for one in world.truth():
            assert one.speed_mps == 0.0
            assert math.hypot(one.x_m - ego.x_m, one.y_m - ego.y_m) < LEAVE_M + 10.0
            assert told.setdefault(one.actor_id, (one.x_m, one.y_m)) == (one.x_m, one.y_m)
    alive = world._actor_i[:, Index.ALIVE] == 1
    assert alive.sum() == 12
    assert (world._actor_f[alive, Actor.LENGTH] > 3.0).all()


def test_the_rules_of_the_town_reach_the_arrays() -> None:
    graph = built_in()
    roads = lane_arrays(graph, traffic_rules(graph))
    assert roads.conflicts.shape[1] == 3
    assert roads.conflicts[:, 2].sum() > 20
