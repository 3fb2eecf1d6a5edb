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
from typing import Any, Final

from volant.app.exam_replay import kept
from volant.app.exam_stage import Task, Wanted, run_scene
from volant.core.errors import InputError
from volant.sim.exam import CaseResult, broken_bounds
from volant.sim.exam.emergency import Row, limit, scene_of, with_bounds

KINDS: Final = ("CCRs", "CCRm", "CCRb", "CPNA", "CPFA", "CPLA", "CBNA", "CBLA")
SUITES: Final = ("euroncap_2023_c2c", "euroncap_2023_vru")
SEEDS: Final = 5
DRIVERS: Final = ("none", "pilot")
_TABLE: Final = "tests/safety-tests.yaml"


def _file() -> Path:
    named = os.environ.get("VOLANT_DATA")
    return (Path(named) if named else Path("..") / "shared" / "data") / _TABLE


@cache
def _rows() -> dict[str, tuple[str, Row]]:
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
            "the suite aeb reads its tables with PyYAML: pip install 'volant[exam]'"
        ) from error
    found: dict[str, tuple[str, Row]] = {}
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


def _expanded(case: dict[str, Any]) -> list[Row]:
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
    can = [r.facts for r in results if r.facts.get("avoidable")]
    cannot = [r.facts for r in results if r.facts and not r.facts.get("avoidable")]
    hits = [facts for facts in can if facts["hit"]]
    return {
        "avoidable": float(len(can)),
        "avoidable_hit": float(len(hits)),
        "avoidable_hit_pct": 100.0 * len(hits) / max(len(can), 1),
        "worst_impact_kmh": 3.6 * max((facts["impact_mps"] or 0.0 for facts in hits), default=0.0),
        "unavoidable": float(len(cannot)),
        "unavoidable_worst_over_limit_kmh": 3.6
        * max(((f["impact_mps"] or 0.0) - (f["limit_mps"] or 0.0) for f in cannot), default=0.0),
    }
