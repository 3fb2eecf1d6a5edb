"""How far forecasts of charge are off on seeded trips, what a forecast and a sample cost."""

from __future__ import annotations

import itertools
import statistics

from bench.energy_score import conditions_of, facts, score
from bench.energy_truth import KINDS, as_mapped, drive, route_of, truth_of
from bench.rows import Row, at_most, best_cpu_s, percentile
from volant.caros.energy import learn
from volant.caros.energy.predict import forecast
from volant.caros.energy.sample import sample_of

SEEDS = range(2000, 2005)


def rows() -> list[Row]:
    """Means are held to the goals; p90 and worst are told beside them."""
    scores = [score(seed, kind) for seed in SEEDS for kind in KINDS]
    found: list[Row] = []
    for km, words, goal in ((0, "at the start", 8.0), (20, "after 20 km", 3.0)):
        errors = [100.0 * abs(one.errors[km]) for one in scores if km in one.errors]
        note = (
            f"{len(errors)} trips; median {statistics.median(errors):.1f}, p90"
            f" {percentile(errors, 0.9):.1f}, worst {max(errors):.1f}"
        )
        mean = statistics.fmean(errors)
        found.append(at_most(f"energy/mean error {words}", mean, goal, "%", note))
    return [*found, *costs()]


def costs() -> list[Row]:
    """CPU time of one forecast over a long way and of taking in one second."""
    route, truth = route_of(2000, "motorway"), truth_of(2000, "motorway")
    mapped, learned = as_mapped(route, 2000), learn.start(facts())
    seconds = list(itertools.islice(drive(route, truth, facts().plant), 300))
    samples = [sample_of(one.values, one.stamp_ns, mapped, one.at_m, one.at_m) for one in seconds]
    known = [one for one in samples if one is not None]
    now = conditions_of(known[-1])

    def learning() -> None:
        state = learned
        for one in known:
            state = learn.step(state, one, facts())

    def foretelling() -> None:
        forecast(mapped, 0.0, facts(), learned, now)

    by_100_km = 100_000.0 / mapped.length_m
    return [
        at_most(
            "energy/forecast of 100 km", 1000.0 * best_cpu_s(foretelling) * by_100_km, 50.0, "ms"
        ),
        at_most("energy/one sample", 1e6 * best_cpu_s(learning) / len(known), 500.0, "us"),
    ]
