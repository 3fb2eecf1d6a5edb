"""The suite `aeb`: emergency braking alone, over the 2023 tables of the test data.

A robot holds the test speed by the accelerator and lets go when braking begins; no pilot drives. The
tables are other people's data, found by VOLANT_DATA, else in `../shared/data`; without them the suite
says so in one line. With typical sensors each case is driven with `SEEDS` seeds.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Any, Final

from volant.app.exam_replay import kept
from volant.app.exam_stage import Task, Wanted, run_scene
from volant.core.errors import InputError
from volant.sim.exam import CaseResult, broken_bounds
from volant.sim.exam.emergency import Row as Test
from volant.sim.exam.emergency import limit, scene_of, with_bounds

KINDS: Final = ("CCRs", "CCRm", "CCRb", "CPNA", "CPFA", "CPLA", "CBNA", "CBLA")
SUITES: Final = ("euroncap_2023_c2c", "euroncap_2023_vru")
SEEDS: Final = 5
DRIVERS: Final = ("none", "pilot")
_TABLE: Final = "tests/safety-tests.yaml"

Row = dict[str, float | None]
"""Figures of a case, or of a row of the answer."""


def _file() -> Path:
    named = os.environ.get("VOLANT_DATA")
    return (Path(named) if named else Path("..") / "shared" / "data") / _TABLE


@cache
def _rows() -> dict[str, tuple[str, Test]]:
    """Every case by its name.

    Raises:
        InputError: the tables, or the package that reads them, are not there.
    """
    file = _file()
    if not file.is_file():
        raise InputError(
            f"the suite aeb needs the test tables at {file}; set VOLANT_DATA to their folder"
        )
    try:
        import yaml  # type: ignore[import-untyped]
    except ImportError as error:
        raise InputError(
            "the suite aeb reads its tables with PyYAML: .venv/bin/pip install -e '.[exam]'"
        ) from error
    found: dict[str, tuple[str, Test]] = {}
    held: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    for suite in held["suites"]:
        if suite["id"] not in SUITES:
            continue
        for case in suite["cases"]:
            if case["id"].split("-")[0] in KINDS:
                for row in _expanded(case):
                    words = [str(case["id"]), f"{row['ego_kmh']}kmh"]
                    words += [
                        f"{key.split('_')[0]}{row[key]}"
                        for key in ("overlap_pct", "headway_m", "target_decel_mps2")
                        if key in row and len(case["grid"].get(key, ())) > 1
                    ]
                    found["-".join(words)] = (str(case["id"]), row)
    return found


def _expanded(case: dict[str, Any]) -> list[Test]:
    grid = case.get("grid", {})
    return [
        dict(zip(grid, values, strict=True))
        for values in itertools.product(*(grid[key] for key in grid))
    ]


def names(count: int) -> tuple[str, ...]:
    """All rows; a count takes an even sample. Empty where the tables are missing and none is asked."""
    found = tuple(f"{name}#{seed}" for name in _rows() for seed in range(SEEDS))
    if not 0 < count < len(found):
        return found
    return tuple(found[k * len(found) // count] for k in range(count))


def run(task: Task) -> CaseResult:
    """One test."""
    began_s = time.monotonic()
    name, _hash, extra = task.case.partition("#")
    case, row = _rows()[name]
    scene = scene_of(case, row)
    allowed = limit(scene)
    scene = with_bounds(scene, allowed)
    wanted = Wanted(task.wanted.driver, task.wanted.sensors, task.wanted.seed + int(extra or 0))
    figures, replay = run_scene(scene, wanted)
    reasons = broken_bounds(figures, scene.bounds)
    hit = figures.contacts > 0
    impact = figures.impact_mps or 0.0
    return CaseResult(
        name=task.case,
        kind=case.split("-")[0],
        passed=not reasons,
        reasons=tuple(f"{why}; impact {3.6 * impact:.1f} km/h" for why in reasons),
        figures=figures,
        wall_s=time.monotonic() - began_s,
        facts={
            "avoidable": float(allowed.avoidable),
            "hit": float(hit),
            "impact_mps": impact,
            "limit_mps": allowed.impact_mps,
            "at_fault": float(hit and allowed.avoidable),
        },
        replay=kept(task, scene, replay, passed=not reasons),
    )


def table(results: Sequence[CaseResult]) -> dict[str, float]:
    """Contacts where they could be avoided, and the hardest of them; those that could not."""
    whole = _row([result.facts for result in results if result.facts])
    return {
        "avoidable": whole["avoidable"] or 0.0,
        "avoidable_hit": whole["touched"] or 0.0,
        "avoidable_hit_pct": 100.0
        * (whole["touched"] or 0.0)
        / max(whole["avoidable"] or 0.0, 1.0),
        "worst_impact_kmh": whole["worst_impact_kmh"] or 0.0,
        "unavoidable": whole["not_avoidable"] or 0.0,
        "unavoidable_worst_over_limit_kmh": whole["worst_over_limit_kmh"] or 0.0,
    }


def rows(results: Sequence[CaseResult]) -> dict[str, Row]:
    """A row for each kind of test, and one for all: impacts beside what physics leaves of them."""
    facts = [(result.kind, result.facts) for result in results if result.facts]
    found = {kind: [held for own, held in facts if own == kind] for kind in KINDS}
    told = {kind: _row(held) for kind, held in found.items() if held}
    return {**told, "all": _row([held for _kind, held in facts])} if told else {}


def _row(facts: Sequence[Row]) -> Row:
    """Cases that could be avoided and those that could not; None where there is nothing to tell."""
    can = [held for held in facts if held.get("avoidable")]
    cannot = [held for held in facts if not held.get("avoidable")]
    hits = [_kmh(held, "impact_mps") for held in can if held.get("hit")]
    impacts = [_kmh(held, "impact_mps") for held in cannot]
    limits = [_kmh(held, "limit_mps") for held in cannot]
    over = [impact - limit for impact, limit in zip(impacts, limits, strict=True)]
    return {
        "cases": float(len(facts)),
        "avoidable": float(len(can)),
        "touched": float(len(hits)),
        "worst_impact_kmh": max(hits, default=None),
        "not_avoidable": float(len(cannot)),
        "mean_impact_kmh": fmean(impacts) if impacts else None,
        "mean_limit_kmh": fmean(limits) if limits else None,
        "hardest_impact_kmh": max(impacts, default=None),
        "hardest_limit_kmh": max(limits, default=None),
        "worst_over_limit_kmh": max(over, default=None),
    }


def _kmh(facts: Row, name: str) -> float:
    """A speed of a case; no contact is an impact at 0."""
    return 3.6 * (facts.get(name) or 0.0)
