"""Gates: where lanes enter junctions, where to wait there, and what controls the entry.

Signs and lights are read by their numbers in the German catalogue (StVO) and by OpenDRIVE's own
1000001; a sign holds for the lanes and the direction that its record says. Without any, geometry and
kinds of roads decide: a roundabout's ring goes before its entries, premises give way to roads (StVO
section 10; recalled), else the right goes before the left.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from volant.road.lanes import Lane, LaneColumn, LaneGraph
from volant.road.model import Signal

LIGHT_KINDS: Final = frozenset({"1000001", "1000009", "1000011"})
"""Three lamps, two lamps, arrows (OpenDRIVE signal catalogue; recalled). 1000002 is for people on foot."""
STOP_LINE: Final = "294"
LIGHT_REACH_M: Final = 30.0
"""Lights stand at the stop line, that at most this far before the junction (our choice)."""
SIGN_REACH_M: Final = 60.0
"""Signs 205, 206 and 301 stand directly before a junction, in towns at most 50 m (VwV-StVO; recalled)."""
PRIORITY_REACH_M: Final = 150.0
"""Sign 306 opens a priority road and holds on; it is repeated behind junctions (recalled)."""
INSIDE_REACH_M: Final = 10.0
"""A stop line on the connecting road itself lies at its begin."""
PREMISES: Final = frozenset({"townPrivate", "townPlayStreet", "pedestrian"})


class Control(Enum):
    """How the entry into a connecting lane is controlled."""

    NONE = "none"
    PRIORITY = "priority"
    GIVE_WAY = "give_way"
    STOP = "stop"
    LIGHT = "light"
    RIGHT_FIRST = "right_first"


SIGN_CONTROL: Final = {
    "205": Control.GIVE_WAY,
    "206": Control.STOP,
    "301": Control.PRIORITY,
    "306": Control.PRIORITY,
}


@dataclass(frozen=True, slots=True)
class Gate:
    """The entry into a connecting lane, or a light along a lane (then `approach` is `lane`)."""

    lane: int
    """The first lane inside the junction."""
    approach: int
    """The lane before it."""
    stop_s_m: float
    """Where the front bumper waits, by the approach's own s: a stop line, else the approach's end.

    Below 0 where the line stands on the lane before the approach; above its length inside."""
    control: Control
    light: str | None
    """Name of the light (`road:signal`) that holds here."""


@dataclass(frozen=True, slots=True)
class Light:
    """A traffic light; heading is the way that a driver who obeys it looks."""

    signal: str
    x_m: float
    y_m: float
    z_m: float
    heading_rad: float
    controller: str | None
    gates: tuple[int, ...]
    """Lanes of the gates it holds for."""
    junction: str | None = None
    """The junction that it guards; None: a crossing away from junctions."""


def find_gates(graph: LaneGraph, ring: frozenset[int]) -> dict[int, Gate]:
    """Every entry into a junction, by its first connecting lane, then lights along lanes."""
    signs = _Signs(graph)
    gates = {
        lane.index: signs.gate(lane, graph.lanes[source])
        for lane in graph.lanes
        for source in _entries(graph, lane)
    }
    by_junction: dict[str, list[int]] = defaultdict(list)
    for index in gates:
        by_junction[str(graph.lanes[index].junction)].append(index)
    for junction, members in by_junction.items():
        _settle(graph, junction, members, gates, ring)
    signs.add_lights_along(gates)
    return gates


def _entries(graph: LaneGraph, lane: Lane) -> tuple[int, ...]:
    """The lane from outside that leads onto this junction lane; the first, where there are more."""
    if lane.junction is None:
        return ()
    outside = [
        source for source in lane.predecessors if graph.lanes[source].junction != lane.junction
    ]
    return tuple(outside[:1])


def _settle(
    graph: LaneGraph,
    junction: str,
    members: list[int],
    gates: dict[int, Gate],
    ring: frozenset[int],
) -> None:
    """Give the entries that no sign speaks for what the rest of the junction implies."""
    marked = {gates[index].control for index in members} - {Control.NONE}
    ranks = _file_ranks(graph, junction, members, gates)
    types = {graph.lanes[gates[index].approach].road_type for index in members}
    for index in members:
        gate = gates[index]
        if gate.control is not Control.NONE:
            continue
        premises = graph.lanes[gate.approach].road_type in PREMISES
        if index in ranks:
            control = ranks[index]
        elif any(other in ring for other in members) or gate.approach in ring:
            in_ring = gate.approach in ring or index in ring
            control = Control.PRIORITY if in_ring else Control.GIVE_WAY
        elif marked & {Control.GIVE_WAY, Control.STOP}:
            control = Control.PRIORITY
        elif Control.PRIORITY in marked:
            control = Control.GIVE_WAY
        elif types & PREMISES and types - PREMISES:
            control = Control.GIVE_WAY if premises else Control.PRIORITY
        else:
            control = Control.RIGHT_FIRST
        gates[index] = replace(gate, control=control)


def _file_ranks(
    graph: LaneGraph, junction: str, members: list[int], gates: dict[int, Gate]
) -> dict[int, Control]:
    """What the junction's own `<priority>` records say of entries; incoming or connecting roads."""
    record = next((item for item in graph.network.junctions if item.id == junction), None)
    if record is None or not record.priorities:
        return {}
    incoming = {
        road: graph.lanes[gates[index].approach].id.road
        for index in members
        for road in (graph.lanes[index].id.road, graph.lanes[gates[index].approach].id.road)
    }
    high = {incoming.get(pair.high, pair.high) for pair in record.priorities}
    low = {incoming.get(pair.low, pair.low) for pair in record.priorities} - high
    found = {}
    for index in members:
        road = graph.lanes[gates[index].approach].id.road
        if road in low:
            found[index] = Control.GIVE_WAY
        elif road in high:
            found[index] = Control.PRIORITY
    return found


class _Signs:
    """The signals of each road, looked up from a lane in its direction of travel."""

    def __init__(self, graph: LaneGraph) -> None:
        self._graph = graph
        self._roads: dict[str, tuple[Signal, ...]] = {
            road.id: road.signals for road in graph.network.roads if road.signals
        }
        self._used: set[str] = set()

    def gate(self, lane: Lane, approach: Lane) -> Gate:
        """The gate from an approach onto a connecting lane, by signs and lights alone."""
        control, light, line_m, nearest_m = Control.NONE, None, 0.0, PRIORITY_REACH_M
        line_seen = False
        for signal, road, before_m in self._ahead_of(lane, approach):
            if signal.kind in LIGHT_KINDS and before_m <= LIGHT_REACH_M:
                self._used.add(light_name(road, signal))
                if light is None:
                    light = light_name(road, signal)
            elif signal.kind == STOP_LINE and before_m <= LIGHT_REACH_M and not line_seen:
                line_m, line_seen = before_m, True
            elif signal.kind in SIGN_CONTROL and before_m < nearest_m:
                reach_m = PRIORITY_REACH_M if signal.kind == "306" else SIGN_REACH_M
                if before_m <= reach_m:
                    control, nearest_m = SIGN_CONTROL[signal.kind], before_m
        if light is not None:
            control = Control.LIGHT
        return Gate(lane.index, approach.index, approach.length_m - line_m, control, light)

    def add_lights_along(self, gates: dict[int, Gate]) -> None:
        """Gates for lights that stand away from junctions: they guard a crossing."""
        for lane in self._graph.lanes:
            if lane.junction is not None or lane.index in gates:
                continue
            for signal, s_m in self._on(lane):
                name = light_name(lane.id.road, signal)
                if signal.kind not in LIGHT_KINDS or name in self._used:
                    continue
                lines = [
                    at_m
                    for other, at_m in self._on(lane)
                    if other.kind == STOP_LINE and abs(at_m - s_m) <= LIGHT_REACH_M
                ]
                stop_m = min(lines, key=lambda at_m: abs(at_m - s_m), default=s_m)
                gates[lane.index] = Gate(lane.index, lane.index, stop_m, Control.LIGHT, name)
                break

    def _ahead_of(self, lane: Lane, approach: Lane) -> Iterator[tuple[Signal, str, float]]:
        """(signal, road, distance before the junction) for all that may speak for an entry."""
        for signal, s_m in self._on(lane):
            if s_m <= INSIDE_REACH_M or signal.kind in LIGHT_KINDS:
                yield signal, lane.id.road, -s_m
        run_m, here = 0.0, approach
        while True:
            signals = [(here.length_m - s_m, signal) for signal, s_m in self._on(here)]
            for before_m, signal in sorted(signals, key=lambda item: item[0]):
                yield signal, here.id.road, run_m + before_m
            run_m += here.length_m
            if run_m > PRIORITY_REACH_M or len(here.predecessors) != 1:
                return
            here = self._graph.lanes[here.predecessors[0]]
            if here.junction is not None:
                return

    def _on(self, lane: Lane) -> list[tuple[Signal, float]]:
        """Signals that hold for a lane, with the lane's own s; those just beyond an end count."""
        road_s = lane.samples[:, LaneColumn.ROAD_S]
        low, high = sorted((float(road_s[0]), float(road_s[-1])))
        last = self._graph.network.road(lane.id.road)
        room = 1e-3 if last is None else max(last.length_m - high, 0.0)
        found = []
        for signal in self._roads.get(lane.id.road, ()):
            at_end = signal.s_m >= high and room <= 1e-3
            if not (low <= signal.s_m < high or at_end or (low <= 1e-3 and signal.s_m <= low)):
                continue
            if holds_for(signal, lane):
                found.append((signal, lane.at_road_s(signal.s_m)))
        return found


def holds_for(signal: Signal, lane: Lane) -> bool:
    """Whether a signal of a lane's road holds for it, by direction and lane ids."""
    if signal.orientation in ("+", "-") and (signal.orientation == "+") != lane.along:
        return False
    if not signal.lanes:
        return True
    return any(min(pair) <= lane.id.lane <= max(pair) for pair in signal.lanes)


def light_name(road: str, signal: Signal) -> str:
    """The name of a light: its road and its id."""
    return f"{road}:{signal.id}"


def find_lights(graph: LaneGraph, gates: dict[int, Gate]) -> tuple[Light, ...]:
    """Every traffic light of a file, also those that stand for no lane."""
    held: dict[str, list[int]] = defaultdict(list)
    for index, gate in gates.items():
        if gate.light is not None:
            held[gate.light].append(index)
    controllers = {signal: item.id for item in graph.network.controllers for signal in item.signals}
    # The second light of a gate (left of the street, overhead) shows what the first shows.
    twins = _twins(graph, gates)
    found: dict[str, Light] = {}
    for placed in graph.signals:
        name = light_name(placed.road, placed.signal)
        if placed.signal.kind not in LIGHT_KINDS or name in found:
            continue
        lanes = tuple(held.get(name, held.get(twins.get(name, name), [])))
        found[name] = Light(
            signal=name,
            x_m=placed.x_m,
            y_m=placed.y_m,
            z_m=placed.z_m,
            heading_rad=placed.heading_rad,
            controller=controllers.get(placed.signal.id),
            gates=lanes,
            junction=next((graph.lanes[lane].junction for lane in lanes), None),
        )
    return tuple(found.values())


def _twins(graph: LaneGraph, gates: dict[int, Gate]) -> dict[str, str]:
    """Lights of the same road and way as a gate's own, by name."""
    own = {gate.light for gate in gates.values() if gate.light is not None}
    lights = [
        (light_name(placed.road, placed.signal), (placed.road, placed.signal.orientation))
        for placed in graph.signals
        if placed.signal.kind in LIGHT_KINDS
    ]
    first: dict[tuple[str, str], str] = {}
    for name, place in lights:
        if name in own:
            first.setdefault(place, name)
    return {name: first[place] for name, place in lights if name not in own and place in first}
