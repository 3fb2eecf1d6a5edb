"""Curve logging: of a full buffer only those values are told that a line through the told ones would miss.

The line's error at every value that is left out stays within `max_error` (Core, curve logging; the way is
Ramer's, Douglas' and Peucker's). First and last of a buffer are always told; the last begins the next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from volant.caros.signals.store import Datapoint

LEAST_BUFFER: Final = 3
MOST_BUFFER: Final = 250
"""Values; reducing them takes their square in steps at the worst, some ms."""


@dataclass(frozen=True, slots=True)
class CurveLog:
    """What a filter asks for."""

    max_error: float
    """In the signal's unit; 0 leaves out only what lies on the line."""
    buffer_size: int


class Curve:
    """The values of one signal on their way into a time series."""

    def __init__(self, asked: CurveLog) -> None:
        self._asked = asked
        self._waiting: list[Datapoint] = []
        self._began = False
        """The first that waits was told already, as the last of the buffer before."""

    def take(self, point: Datapoint) -> list[Datapoint]:
        """Take a value that is a number; gives what is to be told when the buffer has become full."""
        self._waiting.append(point)
        if len(self._waiting) < self._asked.buffer_size:
            return []
        samples = [(one.stamp_ns, _number(one)) for one in self._waiting]
        kept = [self._waiting[i] for i in essential(samples, self._asked.max_error)]
        told = kept[1:] if self._began else kept
        self._waiting, self._began = [self._waiting[-1]], True
        return told


def _number(point: Datapoint) -> float:
    assert isinstance(point.value, int | float)
    return float(point.value)


def essential(samples: Sequence[tuple[int, float]], max_error: float) -> list[int]:
    """Which of samples (time in ns, value) are kept, in order.

    Between two kept ones the straight line misses none by more than `max_error`.
    """
    if not samples:
        return []
    kept = {0, len(samples) - 1}
    spans = [(0, len(samples) - 1)]
    while spans:
        first, last = spans.pop()
        worst, at = max_error, -1
        for i in range(first + 1, last):
            error = abs(samples[i][1] - line(samples[first], samples[last], samples[i][0]))
            if error > worst:
                worst, at = error, i
        if at >= 0:
            kept.add(at)
            spans += [(first, at), (at, last)]
    return sorted(kept)


def line(first: tuple[int, float], last: tuple[int, float], at_ns: int) -> float:
    """The value at a time on the line through two samples; of two at one time, the first's."""
    whole_ns = last[0] - first[0]
    if not whole_ns:
        return first[1]
    share = (at_ns - first[0]) / whole_ns
    return first[1] * (1.0 - share) + last[1] * share


__all__ = ["Curve", "CurveLog", "essential", "line"]
