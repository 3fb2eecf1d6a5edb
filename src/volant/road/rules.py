"""The rules of the road as a car needs them: gates, conflicts, lights, crossings.

One answer for pilot, traffic and judge, made from a lane graph alone. It says who has to wait, never
whether somebody comes.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from volant.road.conflicts import Meeting
from volant.road.crossings import Crossing, find_crossings
from volant.road.gates import Control, Gate, Light, find_gates, find_lights
from volant.road.lanes import LaneColumn, LaneGraph
from volant.road.right_of_way import Conflict, find_conflicts, ring_lanes

AXIS_RAD: Final = math.radians(45.0)


@dataclass(frozen=True, slots=True)
class TrafficRules:
    """gates by their lane; conflicts[i] are those of lane i; groups name lights green together."""

    gates: dict[int, Gate]
    conflicts: tuple[tuple[Conflict, ...], ...]
    lights: tuple[Light, ...]
    crossings: tuple[Crossing, ...]
    groups: tuple[tuple[str, ...], ...]
    """In the order in which a junction's phases follow; junction by junction."""
    ring: frozenset[int]
    """Lanes on the ring of a roundabout."""

    def light(self, name: str) -> Light | None:
        """The light with this name, or None."""
        return next((light for light in self.lights if light.signal == name), None)


def traffic_rules(graph: LaneGraph) -> TrafficRules:
    """What signs, lights and the law say on a lane graph."""
    ring = ring_lanes(graph)
    gates = find_gates(graph, ring)
    lights = find_lights(graph, gates)
    return TrafficRules(
        gates=gates,
        conflicts=find_conflicts(graph, gates, lights, ring),
        lights=lights,
        crossings=find_crossings(graph, gates),
        groups=_groups(graph, gates, lights),
        ring=ring,
    )


def _groups(
    graph: LaneGraph, gates: dict[int, Gate], lights: tuple[Light, ...]
) -> tuple[tuple[str, ...], ...]:
    by_junction: dict[str | None, list[Light]] = defaultdict(list)
    for light in lights:
        if light.gates:
            by_junction[light.junction].append(light)
    groups: list[tuple[str, ...]] = []
    orders = {item.id: item.controllers for item in graph.network.junctions}
    for junction, members in by_junction.items():
        if junction is None:
            alone: dict[int, list[str]] = defaultdict(list)
            for light in members:
                alone[light.gates[0]].append(light.signal)
            groups.extend(tuple(names) for names in alone.values())
            continue
        order = list(orders.get(junction, ()))
        phases: dict[str, list[str]] = {}
        for light in sorted(members, key=lambda light: _rank(order, light.controller)):
            key = light.controller or _axis(graph, gates[light.gates[0]], phases)
            phases.setdefault(key, []).append(light.signal)
        groups.extend(tuple(names) for names in phases.values())
    return tuple(groups)


def _rank(order: list[str], controller: str | None) -> int:
    return order.index(controller) if controller in order else len(order)


def _axis(graph: LaneGraph, gate: Gate, phases: dict[str, list[str]]) -> str:
    """A phase for lights without a controller: approaches along one axis go together."""
    heading = float(graph.lanes[gate.approach].samples[-1, LaneColumn.HEADING])
    for key in phases:
        if key.startswith("axis ") and _off_axis(heading, float(key[5:])) <= AXIS_RAD:
            return key
    return f"axis {heading!r}"


def _off_axis(one_rad: float, other_rad: float) -> float:
    return abs(math.remainder(one_rad - other_rad, math.pi))


__all__ = [
    "Conflict",
    "Control",
    "Crossing",
    "Gate",
    "Light",
    "Meeting",
    "TrafficRules",
    "traffic_rules",
]
