"""The suite `highway`: highway-env's own environments, fifty seeds each, with a driver of ours."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from volant.app.exam_stage import Task
from volant.app.external_pilot import External, make_pilot
from volant.app.highway_world import LENGTH_M, WORLDS, HighwayWorld
from volant.core.clock import NS_PER_S
from volant.core.ports import Driver
from volant.road import follow, graph_from_strips
from volant.sim.exam import CaseResult
from volant.sim.external import (
    STANDS_MPS,
    ExternalBody,
    ExternalView,
    ExternalWorld,
    drive_external,
)
from volant.sim.reference import Manner, ReferenceDriver, ReferenceSettings

SEEDS: Final = 50
FIRST_SEED: Final = 7000
ROUTE_M: Final = 400.0
DRIVERS: Final = ("pilot", "idm", "cc", "late", "idle")
STUCK_S: Final = 30.0
"""Standing so long at the end is being stuck, whoever is there."""
FREE_S: Final = 2.0
"""Standing so long at the end with a free way fails too: a person starts within it (chosen); the
environments' own runs last 10 to 40 s."""
FREE_M: Final = 30.0
"""A free way: over so much of it, a junction and a car's length behind it,"""
GAP_S: Final = 7.1
"""nobody comes within this time: the critical gap of left turns from a minor road (HCM; recalled)."""
APART_M: Final = 3.0
"""Nearer to the way's middle than this a car is on it: half a lane and half a car's width (chosen)."""
_ALONG: Final = np.array([-0.5, 0.0, 0.5])
"""Of a car's length: its rear, middle and front."""
_MOMENTS_S: Final = np.arange(0.0, GAP_S + 0.125, 0.25)


def names(count: int) -> tuple[str, ...]:
    """Every environment with its seeds; a count is of seeds."""
    return tuple(f"{world}#{FIRST_SEED + k}" for world in WORLDS for k in range(count or SEEDS))


class Watched:
    """A world that is looked at on the way: since when the car stands with a free way at the end."""

    def __init__(self, world: ExternalWorld) -> None:
        self._world, self.free_s = world, 0.0
        self._since_ns: int | None = None

    @property
    def body(self) -> ExternalBody:
        """Of the world."""
        return self._world.body

    @property
    def over(self) -> bool:
        """Of the world."""
        return self._world.over

    def act(self, accel_mps2: float, steer_rad: float) -> None:
        """Of the world."""
        self._world.act(accel_mps2, steer_rad)

    def observe(self) -> ExternalView:
        """What is there now, with a look at who holds the car."""
        view = self._world.observe()
        if view.ego.speed_mps > STANDS_MPS or not way_is_free(view):
            self._since_ns, self.free_s = None, 0.0
            return view
        since_ns = view.stamp_ns if self._since_ns is None else self._since_ns
        self._since_ns, self.free_s = since_ns, (view.stamp_ns - since_ns) / NS_PER_S
        return view


def way_is_free(view: ExternalView) -> bool:
    """Whether nobody is on the way ahead, or comes over it within a gap's time at its speed."""
    x, y = np.asarray(view.route.x_m), np.asarray(view.route.y_m)
    gone = np.concatenate(([0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))))
    steps = np.arange(0.0, float(gone[-1]), 1.0)
    way_x, way_y = np.interp(steps, gone, x), np.interp(steps, gone, y)
    here = int(np.argmin(np.hypot(way_x - view.ego.x_m, way_y - view.ego.y_m)))
    ahead = slice(here + round(LENGTH_M), here + round(LENGTH_M + FREE_M))
    way_x, way_y = way_x[ahead], way_y[ahead]
    if not len(way_x):
        return False
    for other in view.objects:
        run_m = (other.speed_mps * _MOMENTS_S)[:, None] + other.length_m * _ALONG
        there_x = other.x_m + math.cos(other.yaw_rad) * run_m.ravel()
        there_y = other.y_m + math.sin(other.yaw_rad) * run_m.ravel()
        apart = np.hypot(there_x[:, None] - way_x, there_y[:, None] - way_y)
        if float(apart.min()) < APART_M:
            return False
    return True


def run(task: Task) -> CaseResult:
    """One run."""
    began_s = time.monotonic()
    name, _hash, seed = task.case.partition("#")
    world = HighwayWorld(name, int(seed))
    watched = Watched(world)

    def make(body: ExternalBody, view: ExternalView) -> Driver[Any]:
        if task.wanted.driver == "pilot":
            return make_pilot(body, view, LENGTH_M)
        corridor = follow(graph_from_strips((view.route,)), 0, 0.0, ROUTE_M)
        outline = (body.length_m, body.width_m, body.rear_overhang_m, body.max_curvature_per_m)
        return ReferenceDriver(ReferenceSettings(Manner(task.wanted.driver), corridor, *outline))

    drive = drive_external(watched, make, LENGTH_M)
    handed = isinstance(drive.state, External) and drive.state.handed_back
    stuck = drive.stood_s >= STUCK_S
    idle = watched.free_s >= FREE_S
    told = {
        "crashed": world.crashed,
        "stuck": stuck,
        "stands at the end": idle and not world.crashed,
        "handed_back": handed,
    }
    reasons = tuple(name for name, holds in told.items() if holds)
    return CaseResult(
        name=task.case,
        kind=name,
        passed=not reasons,
        reasons=reasons,
        figures=None,
        wall_s=time.monotonic() - began_s,
        facts={
            "at_fault": float(world.crashed),
            "steps": float(drive.steps),
            "mean_speed_mps": drive.distance_m / max(drive.duration_s, 1e-9),
            "stood_s": drive.stood_s,
            "free_s": watched.free_s,
            "arrived": float(world.arrived),
        },
    )


def table(results: Sequence[CaseResult]) -> dict[str, float]:
    """By environment: shares of crashes, stuck, standing at the end (and with a free way) and arrived, and mean speed.

    An over-cautious driver does not crash either: it stands, and does not arrive. Without a goal (merge,
    highway, two-way) there is no arriving.
    """
    rows: dict[str, float] = {}
    for world, goal in WORLDS.items():
        held = [one for one in results if one.kind == world]
        if not held:
            continue
        share = 100.0 / len(held)
        rows[f"{world} runs"] = len(held)
        rows[f"{world} crashes_pct"] = share * sum("crashed" in one.reasons for one in held)
        rows[f"{world} stuck_pct"] = share * sum("stuck" in one.reasons for one in held)
        stands = sum((one.facts["stood_s"] or 0.0) > 0.0 for one in held)
        rows[f"{world} stands_at_end_pct"] = share * stands
        idle = sum("stands at the end" in one.reasons for one in held)
        rows[f"{world} stands_with_free_way_pct"] = share * idle
        if goal:
            rows[f"{world} arrived_pct"] = share * sum(one.facts["arrived"] or 0.0 for one in held)
        speeds = [one.facts["mean_speed_mps"] or 0.0 for one in held]
        rows[f"{world} mean_speed_mps"] = sum(speeds) / len(held)
    return rows
