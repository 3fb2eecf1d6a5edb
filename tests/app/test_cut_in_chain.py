"""The car's whole chain on an even sample of the cut-in grid, beside the reference models."""

from functools import cache

from volant.app.exam_cut_in import names, run, table
from volant.app.exam_stage import Task, Wanted
from volant.sim.exam import CaseResult

COUNT = 24
"""Of 1 320; both speed classes, every third harmless: about 6 s of CPU."""


@cache
def driven(driver: str) -> tuple[CaseResult, ...]:
    wanted = Wanted(driver, "perfect", 1)
    return tuple(run(Task("cut_in", name, wanted)) for name in names(COUNT))


def test_the_chain_crashes_no_more_than_rss_and_never_where_a_careful_human_would_not() -> None:
    ours, rss = table(driven("pilot")), table(driven("rss"))
    assert ours["crashes_where_cc_avoids"] == 0.0
    assert ours["crashes"] <= rss["crashes"]
    assert ours["crashes"] <= ours["cc_crashes"]


def test_the_chain_brakes_for_nothing_no_more_often_than_the_careful_human() -> None:
    told = table(driven("pilot"))
    assert told["needless_brakings_below_4"] <= told["cc_needless_brakings_below_4"]
    assert told["harmless_passes"] >= 4.0


def test_the_sample_has_cases_that_can_be_failed() -> None:
    """Somebody crashes in it, and the chain had to brake."""
    rows = driven("pilot")
    assert table(rows)["cc_crashes"] >= 2.0
    assert min(row.facts["hardest_mps2"] or 0.0 for row in rows) < -4.0
