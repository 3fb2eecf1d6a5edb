"""Lane widths that no lane can have: findings by the records alone, exact between stations."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Final

from volant.road.model import Cubic, Finding, LaneRecord, LaneSection, Road

# Exporters fit cubics that dip under nothing by less where a lane ends; joints may miss by as much.
NEGATIVE_M: Final = 0.01


def width_findings(roads: tuple[Road, ...]) -> tuple[Finding, ...]:
    """An error for every lane whose width falls below nothing, with the place and the least width."""
    findings = []
    for road in roads:
        for section in road.sections:
            for lane in section.lanes:
                least_m, at_m = least_width(lane, section)
                if lane.id != 0 and least_m < -NEGATIVE_M:
                    name = f"{section.s_m:g} m: {lane.id}"
                    words = f"its width is {least_m:.3g} m at {at_m:.2f} m: taken as 0 m"
                    findings.append(Finding(road.id, name, "negative-width", words, "error"))
    return tuple(findings)


def least_width(lane: LaneRecord, section: LaneSection) -> tuple[float, float]:
    """The least width of the lane's width records and the road s of it; inf where it has none."""
    least = (math.inf, section.s_m)
    if not lane.widths:
        return least
    ends = itertools.chain((record.s_m for record in lane.widths[1:]), (section.length_m,))
    for record, until_m in zip(lane.widths, ends, strict=True):
        span = max(record.s_m, 0.0), min(until_m, section.length_m)
        for along_m in _extremes(record, *span):
            ds = along_m - record.s_m
            width_m = record.a + ds * (record.b + ds * (record.c + ds * record.d))
            if width_m < least[0]:
                least = (width_m, section.s_m + along_m)
    return least


def _extremes(record: Cubic, begin_m: float, end_m: float) -> Iterator[float]:
    """Where in a span a cubic can be least: at its ends and where it is level."""
    if end_m < begin_m:
        return
    yield begin_m
    yield end_m
    a, b, c = 3.0 * record.d, 2.0 * record.c, record.b
    root2 = b * b - 4.0 * a * c
    roots: tuple[float, ...] = ()
    if a == 0.0 and b != 0.0:
        roots = (-c / b,)
    elif a != 0.0 and root2 >= 0.0:
        root = math.sqrt(root2)
        roots = ((-b - root) / (2.0 * a), (-b + root) / (2.0 * a))
    yield from (record.s_m + root for root in roots if begin_m < record.s_m + root < end_m)
