"""Which ends of which drivable lanes touch, as the file's links say.

A link is written from one side, from both, or inside a junction; here each becomes a joint of two
lane ends without direction. Which of them travels into the other is the graph's business.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import Final

from volant.road.lanes import LaneId
from volant.road.model import Connection, LaneRecord, Road, RoadLink, RoadNetwork

START: Final = "start"
END: Final = "end"


@dataclass(frozen=True, slots=True)
class Joint:
    """Two lane ends that touch."""

    one: LaneId
    one_side: str
    other: LaneId
    other_side: str


def find_joints(
    network: RoadNetwork, drivable: Container[LaneId]
) -> tuple[list[Joint], list[Joint]]:
    """Every joint of two drivable lanes, each once, in file order; then those of a drivable lane
    with one that nobody may drive.
    """
    roads = {road.id: road for road in network.roads}
    known = {
        LaneId(road.id, index, lane.id)
        for road in network.roads
        for index, section in enumerate(road.sections)
        for lane in section.lanes
    }
    found: dict[Joint, None] = {}
    blocked: dict[Joint, None] = {}
    for road in network.roads:
        for joint in _road_joints(road, roads):
            _keep(found, joint, drivable)
            if joint.one in drivable and joint.other in known and joint.other not in drivable:
                blocked[joint] = None
    for junction in network.junctions:
        for connection in junction.connections:
            for joint in _connection_joints(connection, roads, junction.id):
                _keep(found, joint, drivable)
    return list(found), list(blocked)


def _keep(found: dict[Joint, None], joint: Joint, drivable: Container[LaneId]) -> None:
    mirrored = Joint(joint.other, joint.other_side, joint.one, joint.one_side)
    if joint.one in drivable and joint.other in drivable and mirrored not in found:
        found[joint] = None


def _road_joints(road: Road, roads: dict[str, Road]) -> Iterator[Joint]:
    last = len(road.sections) - 1
    for index, section in enumerate(road.sections):
        for lane in section.lanes:
            one = LaneId(road.id, index, lane.id)
            for target in lane.successors:
                if index < last:
                    yield Joint(one, END, LaneId(road.id, index + 1, target), START)
                else:
                    yield from _across(one, END, road.successor, target, roads)
            for target in lane.predecessors:
                if index > 0:
                    yield Joint(one, START, LaneId(road.id, index - 1, target), END)
                else:
                    yield from _across(one, START, road.predecessor, target, roads)


def _across(
    one: LaneId, side: str, link: RoadLink | None, target: int, roads: dict[str, Road]
) -> Iterator[Joint]:
    if link is None or link.element != "road" or link.contact is None or link.id not in roads:
        return
    yield Joint(
        one, side, LaneId(link.id, _section(roads[link.id], link.contact), target), link.contact
    )


def _section(road: Road, contact: str) -> int:
    return 0 if contact == START else len(road.sections) - 1


def _connection_joints(
    connection: Connection, roads: dict[str, Road], junction: str
) -> Iterator[Joint]:
    incoming, road = roads.get(connection.incoming), roads.get(connection.road)
    if incoming is None or road is None:
        return
    index = _section(road, connection.contact)
    for side in _touching_sides(incoming, road, connection.contact, junction):
        own = _section(incoming, side)
        links = connection.links or _implied(road, index, connection.contact)
        for source, target in links:
            yield Joint(
                LaneId(incoming.id, own, source),
                side,
                LaneId(road.id, index, target),
                connection.contact,
            )


def _touching_sides(incoming: Road, road: Road, contact: str, junction: str) -> list[str]:
    """Which ends of the incoming road the connection starts from: both only for a loop."""
    link = road.predecessor if contact == START else road.successor
    if link is not None and link.element == "road" and link.id == incoming.id and link.contact:
        return [link.contact]
    return [
        side
        for side, end in ((START, incoming.predecessor), (END, incoming.successor))
        if end is not None and end.element == "junction" and end.id == junction
    ]


def _implied(road: Road, index: int, contact: str) -> list[tuple[int, int]]:
    """Lane links of a connection that writes none: those of the connecting road's own lanes."""

    def targets(lane: LaneRecord) -> tuple[int, ...]:
        return lane.predecessors if contact == START else lane.successors

    return [(target, lane.id) for lane in road.sections[index].lanes for target in targets(lane)]
