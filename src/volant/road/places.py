"""Places to drive to: names in a file, a lane and a distance, or a point of the map."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from volant.core.errors import InputError
from volant.core.settings import nearest
from volant.road.lanes import Lane, LaneColumn, LaneGraph, LaneId
from volant.road.model import Road, RoadObject

REACH_M: Final = 50.0
"""A point further than this from every lane is no place to drive to."""


_LANE: Final = re.compile(r"([^:@]+):(\d+):(-?\d+)(?:@(-?[\d.]+))?")
_POINT: Final = re.compile(r"\s*(-?[\d.]+)\s*,\s*(-?[\d.]+)\s*")


@dataclass(frozen=True, slots=True)
class Place:
    """A place on a lane; kind `place`, `parking`, `street`, `lane` or `point`."""

    name: str
    lane: int
    s_m: float
    kind: str


def places(graph: LaneGraph) -> tuple[Place, ...]:
    """All that a file names: its places, its parking spaces, then its streets, each once.

    A street stands for the middle of its longest lane. Of places with one name the first counts.
    """
    found: dict[str, Place] = {}
    for kind in ("place", "parking"):
        for road in graph.network.roads:
            for item in road.objects:
                name = item.place if kind == "place" else _parking_name(item)
                if not name or name in found:
                    continue
                at = _beside(graph, road, item)
                if at is not None:
                    found[name] = Place(name, *at, kind)
    for name, lane in _streets(graph):
        found.setdefault(name, Place(name, lane.index, 0.5 * lane.length_m, "street"))
    return tuple(found.values())


def find_place(graph: LaneGraph, text: str) -> Place:
    """The place that a text means: a name, `road:section:lane@s` with s in metres, or `x,y`.

    Raises:
        InputError: there is none; with the nearest names.
    """
    text = text.strip()
    known = {place.name: place for place in places(graph)}
    if text in known:
        return known[text]
    folded = {name.casefold(): place for name, place in known.items()}
    if text.casefold() in folded:
        return folded[text.casefold()]
    if match := _LANE.fullmatch(text):
        return _on_lane(graph, text, match)
    if match := _POINT.fullmatch(text):
        return _at_point(graph, text, match)
    close = ", ".join(nearest(text, tuple(known)) or list(known)[:5])
    words = f"nearest: {close}" if close else "the road names none"
    forms = "or give road:section:lane@s or x,y"
    raise InputError(f"no place named {text!r}; {words}; {forms}", file=graph.network.file)


def _parking_name(item: RoadObject) -> str:
    """The name of a parking space, where it is one: exporters write the type itself as a name."""
    if item.kind != "parkingSpace" or item.name.casefold() in ("", "parkingspace", "parking"):
        return ""
    return item.name


def _streets(graph: LaneGraph) -> Iterator[tuple[str, Lane]]:
    longest: dict[str, Lane] = {}
    for lane in graph.lanes:
        if lane.junction is None and lane.road_name and not lane.ends:
            held = longest.get(lane.road_name)
            if held is None or lane.length_m > held.length_m:
                longest[lane.road_name] = lane
    yield from longest.items()


def _beside(graph: LaneGraph, road: Road, item: RoadObject) -> tuple[int, float] | None:
    """The lane of a road that an object lies on or beside, and where on it."""
    best: tuple[float, int, float] | None = None
    for lane in graph.lanes:
        road_s = lane.samples[:, LaneColumn.ROAD_S]
        low, high = float(road_s.min()), float(road_s.max())
        if lane.id.road != road.id or not low - 1e-3 <= item.s_m <= high + 1e-3:
            continue
        s_m = lane.at_road_s(item.s_m)
        across_m = abs(_lane_t(graph, road, lane, item.s_m) - item.t_m)
        if best is None or across_m < best[0]:
            best = across_m, lane.index, s_m
    return None if best is None else best[1:]


def _lane_t(graph: LaneGraph, road: Road, lane: Lane, road_s_m: float) -> float:
    """About how far a lane's centre lies to the left of its road's lane 0, by the widths between."""
    step = 1 if lane.id.lane > 0 else -1
    total_m = 0.0
    for number in range(step, lane.id.lane + step, step):
        held = graph.ids.get(LaneId(road.id, lane.id.section, number))
        if held is None:
            continue
        other = graph.lanes[held]
        width_m = graph.position(held, other.at_road_s(road_s_m)).width_m
        total_m += width_m if number != lane.id.lane else 0.5 * width_m
    return step * total_m


def _on_lane(graph: LaneGraph, text: str, match: re.Match[str]) -> Place:
    wanted = LaneId(match[1], int(match[2]), int(match[3]))
    index = graph.ids.get(wanted)
    if index is None:
        known = [str(lane.id) for lane in graph.lanes]
        close = ", ".join(nearest(str(wanted), known) or known[:3])
        raise InputError(f"no lane {wanted}; nearest: {close}", file=graph.network.file)
    length_m = graph.lanes[index].length_m
    s_m = _number(match[4], graph) if match[4] is not None else 0.5 * length_m
    if not 0.0 <= s_m <= length_m:
        words = f"no place @{s_m:g} on lane {wanted}: expected @0 to @{length_m:.1f}"
        raise InputError(words, file=graph.network.file)
    return Place(text, index, s_m, "lane")


def _at_point(graph: LaneGraph, text: str, match: re.Match[str]) -> Place:
    x_m, y_m = _number(match[1], graph), _number(match[2], graph)
    point = graph.locate(x_m, y_m, reach_m=REACH_M)
    if point is None or math.hypot(point.x_m - x_m, point.y_m - y_m) > REACH_M:
        words = (
            f"no lane within {REACH_M:.0f} m of {x_m:g},{y_m:g}; {_nearest_lane(graph, x_m, y_m)}"
        )
        raise InputError(words, file=graph.network.file)
    return Place(text, point.lane, point.s_m, "point")


def _nearest_lane(graph: LaneGraph, x_m: float, y_m: float) -> str:
    """Where the road comes nearest to a point, in words."""
    rows = np.vstack([lane.samples for lane in graph.lanes])
    dx, dy = rows[:, LaneColumn.X] - x_m, rows[:, LaneColumn.Y] - y_m
    row = int((dx * dx + dy * dy).argmin())
    x, y = float(rows[row, LaneColumn.X]), float(rows[row, LaneColumn.Y])
    return f"nearest: {x:.0f},{y:.0f}, {math.hypot(x - x_m, y - y_m):.0f} m away"


def _number(text: str, graph: LaneGraph) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise InputError(f"{text!r} is no number", file=graph.network.file) from error
