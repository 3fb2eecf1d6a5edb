"""Scores the forecast of charge on many seeded trips and writes down how far it was off, and why.

`python scripts/energy_table.py [--seeds FROM TO] [--kinds NAMES] [--json FILE] [--causes] [--worst N]`. An error
is the charge foretold for the rest of the route by the true one, less one.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from bench.energy_score import CAUSES, MARKS_KM, Score, score
from bench.energy_truth import KINDS
from bench.rows import percentile


def line(name: str, errors: Sequence[float]) -> str:
    """Mean, median, p90 and worst of the sizes, and the bias, in percent."""
    sizes = [abs(one) for one in errors]
    figures = (
        statistics.fmean(sizes), statistics.median(sizes), percentile(sizes, 0.9), max(sizes),
        statistics.fmean(errors),
    )  # fmt: skip
    cells = "".join(f"{100.0 * one:8.2f}" for one in figures)
    return f"{name:46}{len(errors):5}{cells}"


HEAD = f"{'':46}{'n':>5}{'mean':>8}{'median':>8}{'p90':>8}{'worst':>8}{'bias':>8}"


def show(scores: Sequence[Score], kinds: Sequence[str], worst: int) -> None:
    """The table by kind and place, and the worst trips."""
    print(HEAD)
    for km in MARKS_KM:
        for kind in (*kinds, "all"):
            errors = [
                one.errors[km]
                for one in scores
                if kind in (one.truth.kind, "all") and km in one.errors
            ]
            if errors:
                print(line(f"after {km} km, {kind}", errors))
    held = [one.held[km] for one in scores for km in one.held]
    print(f"true value in the band of nine in ten: {100.0 * statistics.fmean(held):.0f} %")
    for km in (0, 20):
        ordered = sorted(scores, key=lambda one: -abs(one.errors.get(km, 0.0)))[:worst]
        for one in ordered:
            truth = one.truth
            print(
                f"  {km} km {100.0 * one.errors[km]:+6.1f} %  {truth.kind} {truth.seed}: walls {truth.walls:.2f} base {truth.base:.2f} roll {truth.rolling:.2f} mass {truth.mass:.2f}"
                f" capacity {truth.capacity:.2f} pace {truth.pace:.2f} wind {truth.wind_east_mps:+.1f} {truth.wind_north_mps:+.1f} tail {one.tail_mps:+.1f}"
                f" {truth.ambient_k - 273.15:.0f} degC stops {truth.stop_share:.2f} | {one.words[km]}"
            )


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs=2, default=(0, 10))
    parser.add_argument("--kinds", nargs="+", default=KINDS, choices=KINDS)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--causes", action="store_true")
    parser.add_argument(
        "--memory", action="store_true", help="a former trip of car and driver first"
    )
    parser.add_argument("--worst", type=int, default=0)
    wanted = parser.parse_args()
    pairs = [(seed, kind) for seed in range(*wanted.seeds) for kind in wanted.kinds]
    scores = [score(seed, kind, memory=wanted.memory) for seed, kind in pairs]
    show(scores, wanted.kinds, wanted.worst)
    if wanted.causes:
        print("\nOnly one thing is not as the maker says:")
        print(HEAD)
        for name, known in CAUSES.items():
            alone = [score(seed, kind, known=known) for seed, kind in pairs]
            for km in (0, 20):
                print(
                    line(
                        f"{name}, after {km} km",
                        [one.errors[km] for one in alone if km in one.errors],
                    )
                )
    if wanted.json:
        rows = [
            {"seed": one.truth.seed, "kind": one.truth.kind, "errors": one.errors} for one in scores
        ]
        wanted.json.write_text(json.dumps(rows))


if __name__ == "__main__":
    main()
