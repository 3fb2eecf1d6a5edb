"""The world: simulated seconds per CPU second, traffic only, beside highway-env in the same run."""

from __future__ import annotations

import math
import os
import time
import warnings
from importlib.metadata import version

from bench.rows import Row, at_least, beside, best_cpu_s, skipped
from volant.core.chance import Chance
from volant.core.clock import PILOT_TICK_NS
from volant.core.messages import EgoTruth
from volant.road import LaneGraph, build_graph, find_place
from volant.road.make import build_world
from volant.sim import DriverMix, World, WorldSettings
from volant.sim.columns import Index
from volant.sim.traffic import STEP_S, Centre, Traffic, make_traffic, populate, recycle, step

SPAN_S = 60.0
COUNTS = (20, 100, 500)
RATIO = 10.0
REAL_TIME = 1000.0
TOWN_TIME = 100.0
TOWN_BELOW_M = 50.0  # the own car is in nobody's way
HIGHWAY_STEPS = 20


def crowded(graph: LaneGraph, count: int) -> tuple[Traffic, Centre]:
    """Traffic of `count` cars around a place of the ring; 500 of them need the whole ring."""
    traffic = make_traffic(graph, count, DriverMix(), Chance.of(1, "bench"))
    middle = traffic.places[len(traffic.places) // 3].tolist()
    centre = Centre(middle[2], middle[3], math.atan2(middle[5], middle[4]), 0.0)
    places = traffic.places.tolist()
    for turn in range(40):
        at = places[(len(places) * turn) // 40] if count > 200 else middle
        populate(traffic, Centre(at[2], at[3], math.atan2(at[5], at[4]), 0.0))
        if (traffic.actor_i[:, Index.ALIVE] == 1).all():
            break
    return traffic, centre


def seconds_per_cpu_s(graph: LaneGraph, count: int) -> tuple[float, int]:
    """Simulated seconds per CPU second, births included, and how many cars were alive at the end."""
    traffic, centre = crowded(graph, count)
    steps = round(SPAN_S / STEP_S)

    def drive() -> None:
        for k in range(steps):
            step(traffic)
            if count <= 200 and k % 5 == 0:
                recycle(traffic, centre)

    spent_s = best_cpu_s(drive)
    alive = int((traffic.actor_i[:, Index.ALIVE] == 1).sum())
    return SPAN_S / spent_s, alive


def town_seconds_per_cpu_s(graph: LaneGraph) -> tuple[float, int]:
    """Simulated seconds per CPU second of a whole world in town: 60 cars, 20 on foot, 20 parked.

    Traffic steps, touches, lights, births; no sensors. The own car stands at the market.
    """
    settings = WorldSettings(cars=60, people=20, parked=20, sensors="perfect")
    world = World(graph, settings, 1)
    place = find_place(graph, "Market street")
    at = graph.position(place.lane, place.s_m)
    ego = EgoTruth(
        stamp_ns=0,
        x_m=at.x_m,
        y_m=at.y_m,
        z_m=at.z_m - TOWN_BELOW_M,
        yaw_rad=at.heading_rad,
        pitch_rad=0.0,
        roll_rad=0.0,
        speed_mps=0.0,
        lateral_speed_mps=0.0,
        accel_mps2=0.0,
        lateral_accel_mps2=0.0,
        yaw_rate_rps=0.0,
        steer_rad=0.0,
        length_m=4.45,
        width_m=1.82,
        rear_overhang_m=0.9,
    )
    stamps = iter(range(0, 1 << 62, PILOT_TICK_NS))

    def drive() -> None:
        for _ in range(round(SPAN_S / STEP_S)):
            world.advance(ego, next(stamps))

    spent_s = best_cpu_s(drive)
    return SPAN_S / spent_s, len(world.truth())


def highway_seconds_per_cpu_s() -> tuple[float, str]:
    """highway-v0 with 20 cars, 15 Hz, policy 1 Hz, as its own configuration runs it."""
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import gymnasium
        import highway_env

        gymnasium.register_envs(highway_env)
        env = gymnasium.make(
            "highway-v0",
            config={
                "vehicles_count": 20,
                "simulation_frequency": 15,
                "policy_frequency": 1,
                "duration": 10_000,
            },
        )
        best = 0.0
        for seed in range(3):
            env.reset(seed=seed)
            began_s, done, steps = time.process_time(), False, 0
            while not done and steps < HIGHWAY_STEPS:
                _observed, _reward, done, _cut, _info = env.step(1)
                steps += 1
            best = max(best, steps / (time.process_time() - began_s))
        env.close()
    return best, f"highway-env {version('highway-env')}"


def rows() -> list[Row]:
    graph = build_graph(build_world())
    found = []
    ours = {count: seconds_per_cpu_s(graph, count) for count in COUNTS}
    try:
        peer, name = highway_seconds_per_cpu_s()
        row = beside("world/20 cars, step 1/20 s", ours[20][0], name, peer, RATIO, "s per CPU s")
        found.append(row)
    except ImportError as error:
        found.append(skipped("world/20 cars beside highway-env", f"a package lacks: {error}"))
    found.append(at_least("world/20 cars, real time factor", ours[20][0], REAL_TIME, "x"))
    factor, alive = town_seconds_per_cpu_s(graph)
    note = f"{alive} cars, people and parked cars about"
    found.append(at_least("world/town, 100 actors, real time", factor, TOWN_TIME, "x", note))
    for count in COUNTS[1:]:
        factor, alive = ours[count]
        found.append(
            Row(f"world/{count} cars, real time factor", factor, "x", note=f"{alive} on the road")
        )
    return found
