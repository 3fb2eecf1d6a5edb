"""highway-env 1.12 behind the external-world port, as one more world to drive in.

The package's y axis points right of x, ours left: it is mirrored here. Needs the extra `[highway]`.
"""

from __future__ import annotations

import importlib
import itertools
import math
import os
from typing import Any, Final

from volant.app.highway_road import HighwayRoad, name_of
from volant.core.errors import InputError
from volant.core.messages import LaneStrip, ObjectClass, Track
from volant.sim.external import ExternalBody, ExternalEgo, ExternalView, route_along

WORLDS: Final = {
    "merge-v1": "",
    "highway-v0": "",
    "two-way-v0": "",
    "exit-v1": "exit",
    "roundabout-v1": "nxr",
    "intersection-v2": "o1",
    "u-turn-v1": "d",
}
"""Environments, and the node that the car is to reach; empty: drive on."""
LENGTH_M: Final = 5.0
STEP_HZ: Final = 20
"""Of the simulation and of our driver, whose plan lives 50 ms."""
HARDEST_MPS2: Final = 9.0
STEER_RAD: Final = math.pi / 4.0
LONGEST_S: Final = 40.0
"""A run that the environment does not end (its own highway-v0 lasts 40 s)."""
MANNERS: Final = {"DISTANCE_WANTED": 10.0, "COMFORT_ACC_MAX": 3.0, "COMFORT_ACC_MIN": -5.0}
"""Of the package's cars: intersection-v2 changes them for all later runs of the process."""


class HighwayWorld:
    """One environment of highway-env with our driver in its car."""

    def __init__(self, name: str, seed: int) -> None:
        os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
        try:
            gymnasium = importlib.import_module("gymnasium")
            cars = importlib.import_module("highway_env.vehicle.behavior").IDMVehicle
        except ImportError as error:
            words = "the suite highway needs the extra: .venv/bin/pip install -e '.[highway]'"
            raise InputError(words) from error
        for manner, value in MANNERS.items():
            setattr(cars, manner, value)
        action = {
            "type": "ContinuousAction",
            "acceleration_range": [-HARDEST_MPS2, HARDEST_MPS2],
            "steering_range": [-STEER_RAD, STEER_RAD],
        }
        rates = {"simulation_frequency": STEP_HZ, "policy_frequency": STEP_HZ}
        config = {"action": action, "observation": {"type": "Kinematics"}, **rates}
        spec = gymnasium.spec(name)
        module, _colon, kind = str(spec.entry_point).partition(":")
        blank = {"_reward": lambda _env, _action: 0.0, "_rewards": lambda _env, _action: {}}
        plain = type(kind, (getattr(importlib.import_module(module), kind),), blank)
        self._env: Any = plain(config={**spec.kwargs.get("config", {}), **config})
        self._steps, self._over, self._numbers = 0, False, dict[Any, int]()
        self._env.reset(seed=seed)
        self._spawns = self._env.config.get("spawn_probability", 0.0)
        self._car.speed_index, self._car.target_speeds = 0, [0.0]
        self._strips = HighwayRoad(self._env.road.network.graph).strips()
        self._route, goal = self._way(WORLDS[name])
        self._goal = goal if WORLDS[name] else None

    @property
    def _car(self) -> Any:
        return self._env.vehicle

    @property
    def body(self) -> ExternalBody:
        """The package's car: 5 by 2 m, its axles at its ends."""
        return ExternalBody(LENGTH_M, 2.0, 0.0, 0.2)

    @property
    def over(self) -> bool:
        """The environment says so."""
        return self._over

    @property
    def crashed(self) -> bool:
        """The own car touched something."""
        return bool(self._car.crashed)

    @property
    def arrived(self) -> bool:
        """The own car is on the last lane of its way."""
        return self._goal is not None and name_of(self._car.lane_index) == self._goal

    def observe(self) -> ExternalView:
        """The car, what is near it, and the way."""
        car = self._car
        yaw, slip = -float(car.heading), math.atan(0.5 * math.tan(float(car.action["steering"])))
        ego = ExternalEgo(
            x_m=float(car.position[0]) - 0.5 * LENGTH_M * math.cos(yaw),
            y_m=-float(car.position[1]) - 0.5 * LENGTH_M * math.sin(yaw),
            yaw_rad=math.remainder(yaw, 2.0 * math.pi),
            speed_mps=float(car.speed) * math.cos(slip),
            accel_mps2=float(car.action["acceleration"]),
            yaw_rate_rps=-float(car.speed) * math.sin(slip) / (0.5 * LENGTH_M),
        )
        road = self._env.road
        others = [other for other in (*road.vehicles, *road.objects) if other is not car]
        tracks = tuple(
            _track(self._numbers.setdefault(other, len(self._numbers)), other) for other in others
        )
        stamp_ns = round(1e9 * self._steps / STEP_HZ)
        return ExternalView(stamp_ns, ego, self._strips, self._route, tracks, self._goal)

    def act(self, accel_mps2: float, steer_rad: float) -> None:
        """One step; the package's slip angle model is met at the rear axle."""
        share = max(-1.0, min(1.0, -steer_rad / STEER_RAD))
        stop_mps2 = -max(float(self._car.speed), 0.0) * STEP_HZ  # it would drive backwards
        push = max(-1.0, min(1.0, max(accel_mps2, stop_mps2) / HARDEST_MPS2))
        if self._spawns:  # its traffic comes once a second, whatever the step
            self._env.config["spawn_probability"] = self._spawns * (self._steps % STEP_HZ == 0)
        _seen, _reward, ended, cut, _info = self._env.step([push, share])
        self._steps += 1
        self._over = bool(ended or cut) or self._steps >= LONGEST_S * STEP_HZ

    def _way(self, goal: str) -> tuple[LaneStrip, str]:
        """The way as one strip, and the lane that it ends on."""
        network, index = self._env.road.network, self._car.lane_index
        nodes = network.shortest_path(index[1], goal) if goal else []
        path = [index]
        for begin, end in itertools.pairwise(nodes):
            path.append((begin, end, min(index[2], len(network.graph[begin][end]) - 1)))
        held = {strip.lane: strip for strip in self._strips}
        strips = [held[name_of(one)] for one in path]
        return route_along(strips), strips[-1].lane


def _track(number: int, other: Any) -> Track:
    action = getattr(other, "action", {})
    slip = math.atan(0.5 * math.tan(float(action.get("steering", 0.0))))
    return Track(
        track_id=number,
        object_class=ObjectClass.CAR if action else ObjectClass.OBSTACLE,
        x_m=float(other.position[0]),
        y_m=-float(other.position[1]),
        yaw_rad=math.remainder(-float(other.heading), 2.0 * math.pi),
        speed_mps=float(other.speed),
        accel_mps2=float(action.get("acceleration", 0.0)),
        yaw_rate_rps=-2.0 * float(other.speed) * math.sin(slip) / float(other.LENGTH),
        length_m=float(other.LENGTH),
        width_m=float(other.WIDTH),
        height_m=1.5,
        existence=1.0,
        age_s=10.0,
        unseen_s=0.0,
    )
