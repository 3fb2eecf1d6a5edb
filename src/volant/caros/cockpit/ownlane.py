"""The own lane ahead on the car's map: the lane that the pilot believes to be in, and where it leads."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from volant.caros.cockpit.messages import CockpitSurface
from volant.caros.cockpit.roadview import pack_surface
from volant.road import LaneColumn, LaneGraph

Array = NDArray[np.float64]

BEHIND_M: Final = 12.0


class OwnLane:
    """Lanes by their readable names; a fork goes the way of the trip, else along the main road."""

    def __init__(self, graph: LaneGraph, way: tuple[int, ...]) -> None:
        self._graph, self._way = graph, frozenset(way)
        self._by_name = {str(lane.id): lane.index for lane in graph.lanes}

    def ahead(self, name: str, x_m: float, y_m: float, reach_m: float) -> CockpitSurface | None:
        """The ground of the lane from just behind a place on; None where the lane is not known."""
        lane = self._by_name.get(name)
        if lane is None:
            return None
        s_m = self._graph.project(lane, x_m, y_m).s_m
        found: list[Array] = []
        from_m, to_m = s_m - BEHIND_M, s_m + reach_m
        passed = {lane}
        while True:
            samples = self._graph.lanes[lane].samples
            along_m = samples[:, LaneColumn.S]
            found.append(samples[(along_m >= from_m) & (along_m <= to_m)])
            length_m = self._graph.lanes[lane].length_m
            onward = self._onward(lane)
            if to_m <= length_m or onward is None or onward in passed:
                break
            passed.add(onward)
            lane, from_m, to_m = onward, -math.inf, to_m - length_m
        rows = np.concatenate(found)
        return _surface(rows) if len(rows) >= 2 else None

    def _onward(self, lane: int) -> int | None:
        on_way = [one for one in self._graph.lanes[lane].successors if one in self._way]
        return on_way[0] if on_way else self._graph.main_successor(lane)


def _surface(rows: Array) -> CockpitSurface:
    heading, half_m = rows[:, LaneColumn.HEADING].tolist(), 0.5 * rows[:, LaneColumn.WIDTH]
    # One at a time: vectorised sines differ in their last bit from machine to machine.
    across = np.array([(-math.sin(one), math.cos(one), 0.0) for one in heading])
    middle = rows[:, [LaneColumn.X, LaneColumn.Y, LaneColumn.Z]]
    away = half_m[:, None] * across
    return pack_surface(0, "lane", middle + away, middle - away)
