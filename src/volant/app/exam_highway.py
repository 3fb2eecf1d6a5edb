"""The suite `highway`: highway-env's own environments, fifty seeds each, with a driver of ours."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final

from volant.app.exam_stage import Task
from volant.app.external_pilot import External, make_pilot
from volant.app.highway_world import LENGTH_M, WORLDS, HighwayWorld
from volant.core.ports import Driver
from volant.road import follow, graph_from_strips
from volant.sim.exam import CaseResult
from volant.sim.external import ExternalBody, ExternalView, drive_external
from volant.sim.reference import Manner, ReferenceDriver, ReferenceSettings

SEEDS: Final = 50
FIRST_SEED: Final = 7000
ROUTE_M: Final = 400.0
DRIVERS: Final = ("pilot", "idm", "cc", "late", "idle")
STUCK_S: Final = 30.0
"""Standing so long at the end is being stuck; the environments' own runs last 10 to 40 s."""


def names(count: int) -> tuple[str, ...]:
    """Every environment with its seeds; a count is of seeds."""
    return tuple(f"{world}#{FIRST_SEED + k}" for world in WORLDS for k in range(count or SEEDS))


def run(task: Task) -> CaseResult:
    """One run."""
    began_s = time.monotonic()
    name, _hash, seed = task.case.partition("#")
    world = HighwayWorld(name, int(seed))

    def make(body: ExternalBody, view: ExternalView) -> Driver[Any]:
        if task.wanted.driver == "pilot":
            return make_pilot(body, view, LENGTH_M)
        corridor = follow(graph_from_strips((view.route,)), 0, 0.0, ROUTE_M)
        outline = (body.length_m, body.width_m, body.rear_overhang_m, body.max_curvature_per_m)
        return ReferenceDriver(ReferenceSettings(Manner(task.wanted.driver), corridor, *outline))

    drive = drive_external(world, make, LENGTH_M)
    handed = isinstance(drive.state, External) and drive.state.handed_back
    stuck = drive.stood_s >= STUCK_S
    told = {"crashed": world.crashed, "stuck": stuck, "handed_back": handed}
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
            "arrived": float(world.arrived),
        },
    )


def table(results: Sequence[CaseResult]) -> dict[str, float]:
    """By environment: shares of crashes, stuck, standing at the end and arrived, and mean speed.

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
        if goal:
            rows[f"{world} arrived_pct"] = share * sum(one.facts["arrived"] or 0.0 for one in held)
        speeds = [one.facts["mean_speed_mps"] or 0.0 for one in held]
        rows[f"{world} mean_speed_mps"] = sum(speeds) / len(held)
    return rows
