"""The road as the pilot drives it: the corridor's table, prepared once at the start.

Everything static that every step asks for stands here as plain arrays, so that no step walks the lane
graph: lane names, the limit that holds at each row and whether it is only a default by road type.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from volant.road import Corridor, CorridorColumn, LaneGraph

Array = NDArray[np.float64]

UNLIMITED_MPS: Final = 130.0 / 3.6
"""Driven where no limit holds: the advisory speed of German motorways (Autobahn-Richtgeschwindigkeits-V)."""
PAST_END_M: Final = 1000.0
"""A road that loops is laid out this far beyond its end, so that no look ahead meets the seam."""


@dataclass(frozen=True, slots=True)
class Course:
    """The corridor and what was worked out about it; rows are `step_m` apart."""

    table: Array
    """[n, 13], columns by `volant.road.CorridorColumn`."""
    step_m: float
    length_m: float
    """Where the road ends; a loop's length when it loops."""
    loops: bool
    limit_mps: Array
    """[n], the limit at each row, `UNLIMITED_MPS` where there is none."""
    default_limit: NDArray[np.bool_]
    """[n], the limit is only a default by road type."""
    centre_m: Array
    """[n], where the middle of the row's lane lies beside the reference, left positive."""
    unmarked: NDArray[np.bool_]
    """[n], the lane has no marks to see, as inside junctions."""
    lane_names: dict[int, str]
    """Readable id of each lane on the corridor."""

    def row(self, station_m: float) -> int:
        """The table row at or before a station."""
        return min(max(int(station_m / self.step_m), 0), len(self.limit_mps) - 1)

    def lane_at(self, station_m: float) -> str:
        """Readable id of the lane at a station."""
        lane = int(self.table[self.row(station_m), CorridorColumn.LANE])
        return self.lane_names.get(lane, "")


def prepare(corridor: Corridor, graph: LaneGraph | None, *, loops: bool) -> Course:
    """Work out what the steps need of a corridor; `graph` names the lanes and where limits come from."""
    table = np.ascontiguousarray(corridor.table, dtype=np.float64)
    if loops:
        table = _lay_past_end(table, corridor.step_m)
    limits = table[:, CorridorColumn.LIMIT].copy()
    limits[~np.isfinite(limits) | (limits <= 0.0)] = UNLIMITED_MPS
    return Course(
        table=table,
        step_m=corridor.step_m,
        length_m=corridor.length_m,
        loops=loops,
        limit_mps=np.minimum(limits, UNLIMITED_MPS),
        default_limit=_default_rows(table, graph),
        centre_m=_centres(table, graph),
        unmarked=_unmarked_rows(table, graph),
        lane_names={} if graph is None else {i: str(graph.lanes[i].id) for i in corridor.lanes},
    )


def _lay_past_end(table: Array, step_m: float) -> Array:
    """The table of a loop with its first kilometre appended behind its end."""
    count = min(math.ceil(PAST_END_M / step_m), len(table) - 1)
    again = table[1 : count + 1].copy()
    last, first = table[-1], table[0]
    again[:, CorridorColumn.S] += last[CorridorColumn.S] - first[CorridorColumn.S]
    turn = last[CorridorColumn.HEADING] - first[CorridorColumn.HEADING]
    again[:, CorridorColumn.HEADING] += turn
    return np.ascontiguousarray(np.vstack((table, again)))


def _default_rows(table: Array, graph: LaneGraph | None) -> NDArray[np.bool_]:
    """Which rows have a limit only by the default of their road's type."""
    flags = np.zeros(len(table), dtype=np.bool_)
    if graph is None:
        return flags
    for row, (lane, lane_s_m) in enumerate(
        zip(
            table[:, CorridorColumn.LANE].tolist(),
            table[:, CorridorColumn.LANE_S].tolist(),
            strict=True,
        )
    ):
        source = "default"
        for limit in graph.lanes[int(lane)].limits:
            if limit.s_m > lane_s_m:
                break
            source = limit.source
        flags[row] = source == "default"
    return flags


def _centres(table: Array, graph: LaneGraph | None) -> Array:
    """Offset of the lanes' own middle from the reference; they part where the lane is changed."""
    if graph is None:
        return 0.5 * (table[:, CorridorColumn.LEFT] - table[:, CorridorColumn.RIGHT])
    centres = np.zeros(len(table))
    for row, (x_m, y_m, heading, lane, lane_s_m) in enumerate(
        zip(
            table[:, CorridorColumn.X].tolist(),
            table[:, CorridorColumn.Y].tolist(),
            table[:, CorridorColumn.HEADING].tolist(),
            table[:, CorridorColumn.LANE].tolist(),
            table[:, CorridorColumn.LANE_S].tolist(),
            strict=True,
        )
    ):
        point = graph.position(int(lane), lane_s_m)
        dx_m, dy_m = point.x_m - x_m, point.y_m - y_m
        centres[row] = dy_m * math.cos(heading) - dx_m * math.sin(heading)
    return centres


def _unmarked_rows(table: Array, graph: LaneGraph | None) -> NDArray[np.bool_]:
    if graph is None:
        return np.zeros(len(table), dtype=np.bool_)
    lanes = table[:, CorridorColumn.LANE].astype(np.int64).tolist()
    return np.array([graph.lanes[lane].junction is not None for lane in lanes], dtype=np.bool_)
