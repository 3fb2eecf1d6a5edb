"""The exams: seconds that each model takes for the whole cut-in grid, and what they make of it.

The car's own rows are samples, because its whole chain takes about half a second a pass and minutes a
trip; a whole table is `volant exam run SUITE`, for the grid with `--driver pilot --sensors perfect`.
"""

from __future__ import annotations

import time

from bench.rows import Row, at_most, skipped
from volant.app import exam_cut_in
from volant.app.exam_stage import Task, Wanted
from volant.app.exam_suites import suite_named
from volant.core.errors import VolantError
from volant.sim.cut_in_models import MODELS

SAMPLE = 33
PASS_S = 0.5
CASES = {"basics": 4, "aeb": 6, "trips": 1, "highway": 2}
"""How many cases of the other suites are run, typical sensors, seed 1."""
PUBLISHED = {"cc": 332, "r157": 227, "rss": 122, "fsm": 130, "idm": 126}
"""Crashes of the 1 320 in the published study of the grid, other code (docs/guides/exam.md)."""


def _driven(driver: str, count: int) -> tuple[dict[str, float], float, int]:
    names = exam_cut_in.names(count)
    wanted = Wanted(driver, "perfect", 1)
    began_s = time.perf_counter()
    results = [exam_cut_in.run(Task("cut_in", name, wanted)) for name in names]
    return exam_cut_in.table(results), time.perf_counter() - began_s, len(names)


def rows() -> list[Row]:
    """Each model over the whole grid, the car's chain over a sample."""
    found = []
    for name in MODELS:
        table, took_s, count = _driven(name, 0)
        note = (
            f"{table['crashes']:.0f} crashes of {count} (published {PUBLISHED[name]}),"
            f" {table['crashes_where_cc_avoids']:.0f} where CC avoids,"
            f" {table['needless_brakings_below_4']:.0f} needless below -4 m/s2"
        )
        found.append(Row(f"exam/cut_in/{name}", took_s, "s", note=note))
    _driven("pilot", 1)  # the first pass loads and compiles
    table, took_s, count = _driven("pilot", SAMPLE)
    note = (
        f"{table['crashes']:.0f} crashes of {count}, CC {table['cc_crashes']:.0f};"
        f" {table['needless_brakings_below_4']:.0f} needless below -4 m/s2,"
        f" CC {table['cc_needless_brakings_below_4']:.0f}"
    )
    found.append(at_most("exam/cut_in/pilot/pass", took_s / count, PASS_S, "s", note))
    return found + [_sample(name, count) for name, count in CASES.items()]


def _sample(name: str, count: int) -> Row:
    """A few cases of a suite, driven as `volant exam run` drives them."""
    suite = suite_named(name)
    wanted = Wanted(suite.drivers[0], "typical", 1)
    what = f"exam/{name}/{wanted.driver}/case"
    began_s = time.perf_counter()
    try:
        results = [suite.run(Task(name, case, wanted)) for case in suite.names(count)[:count]]
    except (ImportError, VolantError) as error:
        return skipped(what, f"not measured: {error}")
    took_s = (time.perf_counter() - began_s) / len(results)
    failed = [one.name for one in results if not one.passed]
    note = f"{len(results) - len(failed)} of {len(results)} pass"
    return Row(what, took_s, "s", note=f"{note}; failed: {', '.join(failed)}" if failed else note)
