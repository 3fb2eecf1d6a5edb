"""The lane graph as flat arrays for the traffic kernels: links, speed profile, shared ground."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from volant.road import (
    Conflict,
    Control,
    Lane,
    LaneColumn,
    LaneGraph,
    Meeting,
    TrafficRules,
    joined_lanes,
)
from volant.sim.arrays import Roads
from volant.sim.columns import APPROACH_BRAKE_MPS2, GateKind, LaneFloat, LaneIndex

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

TOP_SPEED_MPS: Final = 37.5
"""Where no limit holds: 135 km/h, a common free speed on unlimited German motorways (recalled)."""
LATERAL_ACCEL_MPS2: Final = 2.0
"""What drivers accept in curves; 1.8 to 2.5 in AASHTO comfort data at speed (recalled)."""
RAPID_MPS: Final = 70.5 / 3.6
END_SIGHT_M: Final = 1500.0
NARROW_M: Final = 2.6
"""No car is placed on a lane that is narrower, and one that runs out is left before: a car's width and 0.4 m
to each side (chosen)."""
_GATES: Final = {
    Control.NONE: GateKind.NONE,
    Control.PRIORITY: GateKind.PRIORITY,
    Control.GIVE_WAY: GateKind.GIVE_WAY,
    Control.STOP: GateKind.STOP,
    Control.LIGHT: GateKind.LIGHT,
    Control.RIGHT_FIRST: GateKind.RIGHT_FIRST,
}
_WAITING: Final = (GateKind.GIVE_WAY, GateKind.STOP, GateKind.LIGHT, GateKind.RIGHT_FIRST)
MAIN_SHARE: Final = 0.85
"""Share of cars that keep to the main road at a fork outside junctions."""
PRIVATE: Final = frozenset({"townPrivate", "townPlayStreet"})
"""Road types of ground that nobody drives through without a reason to be there."""


def lane_arrays(graph: LaneGraph, rules: TrafficRules) -> Roads:
    """Flatten a lane graph and who goes first on it for the kernels."""
    lanes = graph.lanes
    onward = joined_lanes(graph)
    back: list[list[int]] = [[] for _ in lanes]
    for source, targets in enumerate(onward):
        for target in targets:
            back[target].append(source)
    pairs = [_pairs(graph.lanes[lane], rows) for lane, rows in enumerate(rules.conflicts)]
    lane_i = np.zeros((len(lanes) + 1, len(LaneIndex)), dtype=np.int64)
    for lane in lanes:
        lane_i[lane.index, : LaneIndex.ROWS] = _flags(lane, onward[lane.index], pairs[lane.index])
    _reserve_merges(graph, lane_i, pairs, back)
    lane_f = np.zeros((len(lanes), len(LaneFloat)))
    lane_f[:, LaneFloat.LENGTH] = [lane.length_m for lane in lanes]
    _set_gates(graph, rules, lane_i, lane_f)
    for lane in lanes:
        fastest = float(lane.samples[:, LaneColumn.LIMIT].max())
        lane_i[lane.index, LaneIndex.RAPID] = int(fastest > RAPID_MPS)
    lane_i[:, LaneIndex.ROWS] = graph.starts
    lane_i[1:, LaneIndex.ONWARD] = np.cumsum([len(targets) for targets in onward])
    lane_i[1:, LaneIndex.BACK] = np.cumsum([len(sources) for sources in back])
    lane_i[1:, LaneIndex.LEFT_SPANS] = np.cumsum([len(lane.left_changes) for lane in lanes])
    lefts = int(lane_i[-1, LaneIndex.LEFT_SPANS])
    lane_i[0, LaneIndex.RIGHT_SPANS] = lefts
    lane_i[1:, LaneIndex.RIGHT_SPANS] = lefts + np.cumsum(
        [len(lane.right_changes) for lane in lanes]
    )
    lane_i[1:, LaneIndex.CONFLICTS] = np.cumsum([len(rows) for rows in pairs])
    spans = [span for lane in lanes for span in lane.left_changes]
    spans += [span for lane in lanes for span in lane.right_changes]
    shared = np.array([row for rows in pairs for row in rows], dtype=np.float64).reshape(-1, 7)
    lane_f[:, LaneFloat.TAPER] = _tapers(lanes, lane_i)
    lane_f[:, LaneFloat.END] = _ends(lanes, onward, lane_i, lane_f[:, LaneFloat.TAPER].tolist())
    return Roads(
        table=graph.table,
        speeds=np.concatenate([_speeds(lane) for lane in lanes]),
        lane_i=lane_i,
        lane_f=lane_f,
        onward=np.array([t for targets in onward for t in targets], dtype=np.int64),
        share=np.array([p for lane in lanes for p in _shares(graph, lane, onward[lane.index])]),
        back=np.array([s for sources in back for s in sources], dtype=np.int64),
        spans=np.array(spans, dtype=np.float64).reshape(-1, 2),
        conflicts=np.ascontiguousarray(shared[:, :3]).astype(np.int64),
        conflict_spans=np.ascontiguousarray(shared[:, 3:]),
    )


def _pairs(lane: Lane, rows: tuple[Conflict, ...]) -> list[tuple[float, ...]]:
    """Rows (other, meeting, yields, own from, own to, theirs from, theirs to).

    A lane that runs out beside its neighbour is left by a lane change, not over a junction's ground.
    """
    return [
        (row.other, row.meeting, float(row.yields), *row.own, *row.theirs)
        for row in rows
        if row.other not in (lane.left, lane.right)
    ]


def _set_gates(graph: LaneGraph, rules: TrafficRules, lane_i: Integers, lane_f: Array) -> None:
    """Who has to wait at a gate asks for a grant; so does who drives where others may cross."""
    lane_i[:, LaneIndex.LIGHT] = -1
    lights = {light.signal: row for row, light in enumerate(rules.lights)}
    for lane, gate in rules.gates.items():
        if gate.approach == lane:
            continue  # a light along a lane: a wall in it (traffic.along_walls)
        kind = _GATES[gate.control]
        lane_i[lane, LaneIndex.CONTROL] = kind
        lane_f[lane, LaneFloat.STOP] = graph.lanes[gate.approach].length_m - gate.stop_s_m
        if gate.light is not None:
            lane_i[lane, LaneIndex.LIGHT] = lights.get(gate.light, -1)
        yields = any(row.yields for row in rules.conflicts[lane])
        if (kind in _WAITING and yields) or kind in (GateKind.LIGHT, GateKind.STOP):
            lane_i[lane, LaneIndex.RESERVED] = 1


def _tapers(lanes: tuple[Lane, ...], lane_i: Integers) -> list[float]:
    """Of lanes that run out: from where they are too narrow for a car to their end."""
    found = []
    for lane in lanes:
        wide = np.flatnonzero(lane.samples[:, LaneColumn.WIDTH] >= NARROW_M)
        runs_out = lane_i[lane.index, LaneIndex.ENDS] and len(wide)
        last_m = float(lane.samples[wide[-1], LaneColumn.S]) if runs_out else lane.length_m
        found.append(lane.length_m - last_m)
    return found


def _ends(
    lanes: tuple[Lane, ...],
    onward: tuple[tuple[int, ...], ...],
    lane_i: Integers,
    tapers: list[float],
) -> list[float]:
    """From each lane's start to where its chain runs out, looked for END_SIGHT_M ahead."""
    found = []
    for lane in lanes:
        total, at = 0.0, lane.index
        while total < END_SIGHT_M:
            total += lanes[at].length_m
            if lane_i[at, LaneIndex.ENDS] or len(onward[at]) != 1:
                break
            at = onward[at][0]
        found.append(total - tapers[at] if lane_i[at, LaneIndex.ENDS] else math.inf)
    return found


def _shares(graph: LaneGraph, lane: Lane, targets: tuple[int, ...]) -> list[float]:
    if not targets:
        return []
    share = [1.0 / len(targets)] * len(targets)
    main = graph.main_successor(lane.index)
    in_junction = any(graph.lanes[target].junction is not None for target in targets)
    if len(targets) > 1 and main in targets and not in_junction:
        rest = (1.0 - MAIN_SHARE) / (len(targets) - 1)
        share = [MAIN_SHARE if target == main else rest for target in targets]
    public = [not _is_private(graph, target) for target in targets]
    if any(public):
        kept = sum(part for part, open_ in zip(share, public, strict=True) if open_)
        share = [part / kept if open_ else 0.0 for part, open_ in zip(share, public, strict=True)]
    total, cumulated = 0.0, []
    for part in share:
        total += part
        cumulated.append(total)
    return [1.0 if part > 1.0 - 1e-9 else part for part in cumulated]


def _is_private(graph: LaneGraph, target: int) -> bool:
    """Whether a way leads onto private ground, such as a car park: nobody passes through it."""
    lane = graph.lanes[target]
    beyond = [graph.lanes[index].road_type for index in lane.successors]
    return lane.road_type in PRIVATE or (bool(beyond) and set(beyond) <= PRIVATE)


def _flags(lane: Lane, onward: tuple[int, ...], pairs: list[tuple[float, ...]]) -> list[int]:
    kind = {"entry": 1, "mwyEntry": 1, "exit": 2, "mwyExit": 2}
    must_merge = lane.ends or (bool(lane.successors) and not onward)
    crosses = any(int(row[1]) == Meeting.CROSS for row in pairs)
    return [
        -1 if lane.left is None else lane.left,
        -1 if lane.right is None else lane.right,
        int(must_merge),
        kind.get(lane.kind, 0),
        int(crosses),
    ]


def _reserve_merges(
    graph: LaneGraph,
    lane_i: Integers,
    pairs: list[list[tuple[float, ...]]],
    back: list[list[int]],
) -> None:
    """In a junction with crossings, lanes that merge wait for a grant too; one grant a chain."""
    crossed = {
        graph.lanes[lane].junction
        for lane in range(len(pairs))
        if lane_i[lane, LaneIndex.RESERVED] and graph.lanes[lane].junction is not None
    }
    for lane, rows in enumerate(pairs):
        merges = any(int(row[1]) == Meeting.MERGE for row in rows)
        if merges and graph.lanes[lane].junction in crossed:
            lane_i[lane, LaneIndex.RESERVED] = 1
    reserved = lane_i[:, LaneIndex.RESERVED].copy()
    for lane, sources in enumerate(back):
        if sources and all(reserved[source] for source in sources):
            lane_i[lane, LaneIndex.RESERVED] = 0


def _speeds(lane: Lane) -> Array:
    """What limit and curvature allow at each row, approached at a gentle braking; [rows]."""
    samples = lane.samples
    bend = np.maximum(np.abs(samples[:, LaneColumn.CURVATURE]), 1e-6)
    allowed = np.minimum(samples[:, LaneColumn.LIMIT], TOP_SPEED_MPS)
    allowed = np.minimum(allowed, np.sqrt(LATERAL_ACCEL_MPS2 / bend))
    s = samples[:, LaneColumn.S]
    for row in range(len(samples) - 2, -1, -1):
        ahead = allowed[row + 1] ** 2 + 2.0 * APPROACH_BRAKE_MPS2 * (s[row + 1] - s[row])
        allowed[row] = min(allowed[row], math.sqrt(ahead))
    return np.asarray(np.maximum(allowed, 2.0))
