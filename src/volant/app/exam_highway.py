"""The suite `highway`: highway-env's own environments, fifty seeds each, with a driver of ours."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from volant.app.exam_stage import Task
from volant.app.highway_world import LENGTH_M, WORLDS, HighwayWorld
from volant.road import follow, graph_from_strips
from volant.sim.exam import CaseResult
from volant.sim.external import ExternalBody, ExternalView, drive_external
from volant.sim.reference import Manner, ReferenceDriver, ReferenceSettings

SEEDS: Final = 50
FIRST_SEED: Final = 7000
ROUTE_M: Final = 400.0
DRIVERS: Final = ("idm", "cc", "late", "idle")


def names(count: int) -> tuple[str, ...]:
    """Every environment with its seeds; a count is of seeds."""
    return tuple(f"{world}#{FIRST_SEED + k}" for world in WORLDS for k in range(count or SEEDS))


def run(task: Task) -> CaseResult:
    """One run."""
    began_s = time.monotonic()
    name, _hash, seed = task.case.partition("#")
    world = HighwayWorld(name, int(seed))

    def make(body: ExternalBody, view: ExternalView) -> ReferenceDriver:
        corridor = follow(graph_from_strips((view.route,)), 0, 0.0, ROUTE_M)
        outline = (body.length_m, body.width_m, body.rear_overhang_m, body.max_curvature_per_m)
        return ReferenceDriver(ReferenceSettings(Manner(task.wanted.driver), corridor, *outline))

    steps = drive_external(world, make, LENGTH_M)
    reasons = ("crashed",) if world.crashed else ()
    return CaseResult(
        name=task.case,
        kind=name,
        passed=not reasons,
        reasons=reasons,
        figures=None,
        wall_s=time.monotonic() - began_s,
        facts={"at_fault": float(world.crashed), "steps": float(steps)},
    )


def table(results: Sequence[CaseResult]) -> dict[str, float]:
    """Share of crashes by environment, in percent."""
    held = {world: [r.passed for r in results if r.kind == world] for world in WORLDS}
    return {
        f"{world} crashes_pct": 100.0 * passed.count(False) / len(passed)
        for world, passed in held.items()
        if passed
    }
