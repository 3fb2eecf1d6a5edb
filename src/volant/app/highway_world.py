"""highway-env 1.12 behind the external-world port, as one more world to drive in.

The package's y axis points right of x, ours left: it is mirrored here. Needs the extra `[highway]`.
"""

from __future__ import annotations

import importlib
import itertools
import math
import os
from collections.abc import Sequence
from typing import Any, Final

from volant.core.errors import InputError
from volant.core.messages import LaneStrip, ObjectClass, Track
from volant.sim.external import ExternalBody, ExternalEgo, ExternalView

WORLDS: Final = {
    "merge-v1": "d",
    "highway-v0": "",
    "two-way-v0": "b",
    "exit-v1": "exit",
    "roundabout-v1": "nxr",
    "intersection-v2": "o1",
    "u-turn-v1": "d",
}
"""Environments, and the node that the car is to reach; empty: drive on."""
LENGTH_M: Final = 5.0
STEP_HZ: Final = 15
HARDEST_MPS2: Final = 9.0
STEER_RAD: Final = math.pi / 4.0
POINT_M: Final = 2.0


class HighwayWorld:
    """One environment of highway-env with our driver in its car."""

    def __init__(self, name: str, seed: int) -> None:
        os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
        try:
            gymnasium = importlib.import_module("gymnasium")
            importlib.import_module("highway_env")
        except ImportError as error:
            words = "the suite highway needs the extra: pip install 'volant[highway]'"
            raise InputError(words) from error
        action = {
            "type": "ContinuousAction",
            "acceleration_range": [-HARDEST_MPS2, HARDEST_MPS2],
            "steering_range": [-STEER_RAD, STEER_RAD],
        }
        config = {
            "action": action,
            "simulation_frequency": STEP_HZ,
            "policy_frequency": STEP_HZ,
            "observation": {"type": "Kinematics"},
        }
        spec = gymnasium.spec(name)
        module, _colon, kind = str(spec.entry_point).partition(":")
        blank = {"_reward": lambda _env, _action: 0.0, "_rewards": lambda _env, _action: {}}
        plain = type(kind, (getattr(importlib.import_module(module), kind),), blank)
        self._env: Any = plain(config={**spec.kwargs.get("config", {}), **config})
        self._goal, self._steps, self._over = WORLDS[name], 0, False
        self._env.reset(seed=seed)
        self._car.speed_index, self._car.target_speeds = 0, [0.0]
        self._route = self._strip("route", self._way())

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

    def observe(self) -> ExternalView:
        """The car, what is near it, and the way."""
        car, yaw = self._car, -float(self._car.heading)
        rear_x = float(car.position[0]) - 0.5 * LENGTH_M * math.cos(yaw)
        rear_y = -float(car.position[1]) - 0.5 * LENGTH_M * math.sin(yaw)
        ego = ExternalEgo(
            rear_x,
            rear_y,
            math.remainder(yaw, 2.0 * math.pi),
            float(car.speed),
            float(car.action["acceleration"]),
        )
        others = [other for other in self._env.road.vehicles if other is not car]
        tracks = tuple(_track(number, other) for number, other in enumerate(others))
        stamp_ns = round(1e9 * self._steps / STEP_HZ)
        return ExternalView(stamp_ns, ego, (self._route,), self._route, tracks)

    def act(self, accel_mps2: float, steer_rad: float) -> None:
        """One step; the package's slip angle model is met at the rear axle."""
        share = max(-1.0, min(1.0, -steer_rad / STEER_RAD))
        push = max(-1.0, min(1.0, accel_mps2 / HARDEST_MPS2))
        if self._car.speed <= 0.0 and push < 0.0:
            push = -float(self._car.speed) * STEP_HZ / HARDEST_MPS2
        _seen, _reward, ended, cut, _info = self._env.step([push, share])
        self._steps += 1
        self._over = bool(ended or cut) or self._steps > 60 * STEP_HZ

    def _way(self) -> list[Any]:
        """Lanes from the car's own to the goal, one after the other."""
        network, index = self._env.road.network, self._car.lane_index
        lanes = [network.get_lane(index)]
        path: list[str] = []
        if self._goal:
            path = network.shortest_path(index[1], self._goal) or []
        for begin, end in itertools.pairwise(path):
            beside = network.graph[begin][end]
            lanes.append(beside[min(index[2], len(beside) - 1)])
        return lanes

    def _strip(self, name: str, lanes: Sequence[Any]) -> LaneStrip:
        points: list[tuple[float, float]] = []
        for lane in lanes:
            count = max(2, round(min(lane.length, 2000.0) / POINT_M))
            for k in range(count + 1):
                x, y = lane.position(lane.length * k / count, 0.0)
                if not points or math.hypot(x - points[-1][0], -y - points[-1][1]) > 0.5:
                    points.append((float(x), -float(y)))
        limit = float(getattr(lanes[0], "speed_limit", None) or 25.0)
        return LaneStrip(
            lane=name,
            x_m=tuple(x for x, _ in points),
            y_m=tuple(y for _, y in points),
            width_m=4.0,
            limit_mps=limit,
        )


def _track(number: int, other: Any) -> Track:
    return Track(
        track_id=number,
        object_class=ObjectClass.CAR,
        x_m=float(other.position[0]),
        y_m=-float(other.position[1]),
        yaw_rad=math.remainder(-float(other.heading), 2.0 * math.pi),
        speed_mps=float(other.speed),
        accel_mps2=0.0,
        yaw_rate_rps=0.0,
        length_m=float(other.LENGTH),
        width_m=float(other.WIDTH),
        height_m=1.5,
        existence=1.0,
        age_s=10.0,
        unseen_s=0.0,
    )
