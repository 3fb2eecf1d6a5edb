"""The suite `cut_in`: the grid of sim.cut_in for reference models, and for the car's whole chain.

The chain is pilot, emergency braking and guard as in a drive (`exam_pass`), with perfect sensors as the
grid asks, or typical ones for information.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache
from typing import Final

from volant.app.exam_pass import drive_chain
from volant.app.exam_stage import Task
from volant.sim.cut_in import HARD_MPS2, CutIn, Pass, drive, grid, is_harmless
from volant.sim.cut_in_models import MODELS
from volant.sim.exam import CaseResult

DRIVERS: Final = (*MODELS, "pilot")


@cache
def _cases() -> dict[str, CutIn]:
    return {case.name: case for case in grid()}


def names(count: int) -> tuple[str, ...]:
    """All 1 320, or an even sample."""
    found = tuple(_cases())
    if not 0 < count < len(found):
        return found
    return tuple(found[k * len(found) // count] for k in range(count))


@cache
def careful(name: str) -> Pass:
    """How the careful human fares."""
    return drive(_cases()[name], MODELS["cc"](), MODELS["cc"].delay_s)


def run(task: Task) -> CaseResult:
    """One pass."""
    case, began_s = _cases()[task.case], time.monotonic()
    if task.wanted.driver == "pilot":
        held = drive_chain(case, task.wanted)
    else:
        model = MODELS[task.wanted.driver]
        held = drive(case, model(), model.delay_s)
    avoidable = not careful(task.case).crashed
    harmless = is_harmless(case)
    reasons = []
    if held.crashed and avoidable:
        reasons.append(f"crashed at {held.impact_mps:.1f} m/s where the careful human does not")
    if harmless and held.hardest_mps2 < -HARD_MPS2:
        reasons.append(f"braked at {held.hardest_mps2:.1f} m/s2 for nothing")
    return CaseResult(
        name=task.case,
        kind="low" if round(3.6 * case.ego_mps) <= 60 else "high",
        passed=not reasons,
        reasons=tuple(reasons),
        figures=None,
        wall_s=time.monotonic() - began_s,
        facts={
            "crashed": float(held.crashed),
            "at_fault": float(held.crashed and avoidable),
            "hardest_mps2": held.hardest_mps2,
            "needless": float(harmless and held.hardest_mps2 < -HARD_MPS2),
            "harmless": float(harmless),
            "cc_crashed": float(not avoidable),
        },
    )


def table(results: Sequence[CaseResult]) -> dict[str, float]:
    """Crashes, crashes where CC avoids, needless hard brakings; and CC's own on the same cases."""

    def count(fact: str) -> float:
        return float(sum(result.facts.get(fact) or 0.0 for result in results))

    own = [_cases()[result.name] for result in results if result.facts.get("harmless")]
    needless_cc = sum(careful(case.name).hardest_mps2 < -HARD_MPS2 for case in own)
    return {
        "crashes": count("crashed"),
        "crashes_where_cc_avoids": count("at_fault"),
        "needless_brakings_below_4": count("needless"),
        "cc_crashes": count("cc_crashed"),
        "cc_needless_brakings_below_4": float(needless_cc),
        "harmless_passes": count("harmless"),
    }
