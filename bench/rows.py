"""One measured figure, and the small tools that every benchmark shares."""

from __future__ import annotations

import gc
import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of a benchmark; a ratio is measured against a peer in the same run."""

    name: str
    """What was measured, such as `drive/real time factor`."""
    value: float
    unit: str = ""
    target: str = ""
    """The target as words, such as `>= 20`; empty for a figure without one."""
    ok: bool | None = None
    """Whether the target is met; None without a target, or where it could not be measured."""
    peer: str = ""
    """Who stands beside us, with version, such as `highway-env 1.10.1`."""
    peer_value: float | None = None
    ratio: float | None = None
    """Ours by the peer's, larger is better."""
    note: str = ""


def at_least(name: str, value: float, bound: float, unit: str = "", note: str = "") -> Row:
    """A row that is met when the value is not below its bound."""
    return Row(name, value, unit, f">= {bound:g}", value >= bound, note=note)


def at_most(name: str, value: float, bound: float, unit: str = "", note: str = "") -> Row:
    """A row that is met when the value is not above its bound."""
    return Row(name, value, unit, f"<= {bound:g}", value <= bound, note=note)


def beside(
    name: str, value: float, peer: str, peer_value: float, bound: float, unit: str = ""
) -> Row:
    """A row that is met when ours is at least `bound` times the peer's."""
    ratio = value / peer_value if peer_value else math.inf
    return Row(name, value, unit, f">= {bound:g} x", ratio >= bound, peer, peer_value, ratio)


def skipped(name: str, why: str) -> Row:
    """A row that could not be measured here."""
    return Row(name, math.nan, note=why)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which a share (0 to 1) of the values lies, by the nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, math.ceil(share * len(ordered)) - 1))]


def best_cpu_s(work: Callable[[], object], repeats: int = 3) -> float:
    """Least CPU seconds of this process that a piece of work takes, over some repeats."""
    return min(_cpu_s(work) for _ in range(repeats))


def median_cpu_s(work: Callable[[], object], repeats: int = 5) -> float:
    """Median CPU seconds of this process that a piece of work takes."""
    return statistics.median(_cpu_s(work) for _ in range(repeats))


def _cpu_s(work: Callable[[], object]) -> float:
    gc.collect()
    began_s = time.process_time()
    work()
    return time.process_time() - began_s
