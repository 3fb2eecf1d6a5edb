"""What `volant road check FILE` tells: counts, lengths, where limits come from, and findings."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import msgspec

from volant.core.errors import InputError
from volant.road.graph import build_graph
from volant.road.lanes import LaneColumn, LaneGraph
from volant.road.model import Finding, RoadNetwork
from volant.road.opendrive import load_road


class RoadReport(msgspec.Struct, frozen=True, kw_only=True):
    """A checked OpenDRIVE file; as JSON its keys are these fields."""

    file: str
    version: str
    roads: int
    road_length_m: float
    junctions: int
    lanes: int
    """Drivable ones, one for each lane section."""
    lane_length_m: float
    left_hand: bool
    road_types: tuple[str, ...]
    limit_length_m: dict[str, float]
    """Metres of drivable lane by who sets the limit: lane, road, sign, default."""
    signals: int
    objects: int
    parking_spaces: int
    box_m: tuple[float, float, float, float] | None
    """Least x, least y, most x, most y of the drivable lanes' centres."""
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> int:
        """Findings that may mislead a car."""
        return sum(finding.severity == "error" for finding in self.findings)


def check_road(path: str | Path) -> RoadReport:
    """Read a file, build its lanes and tell what is in it and what is wrong with it.

    Raises:
        InputError: it cannot be read at all. A file without a drivable lane is a finding.
    """
    network = load_road(path)
    try:
        graph = build_graph(network)
    except InputError as error:
        finding = Finding("", "", "no-drivable-lane", error.message, "error")
        return _report(network, None, (*network.findings, finding))
    return _report(network, graph, graph.findings)


def _report(
    network: RoadNetwork, graph: LaneGraph | None, findings: tuple[Finding, ...]
) -> RoadReport:
    kinds = {record.kind for road in network.roads for record in road.types}
    objects = [item for road in network.roads for item in road.objects]
    spaces = sum(
        max(1, sum(1 + int(r.length_m / r.distance_m) for r in item.repeats if r.distance_m > 0.0))
        for item in objects
        if item.kind == "parkingSpace" or item.parking_access is not None
    )
    box = None
    if graph is not None:
        places = graph.table[:, [LaneColumn.X, LaneColumn.Y]]
        low, high = places.min(axis=0).tolist(), places.max(axis=0).tolist()
        box = (low[0], low[1], high[0], high[1])
    return RoadReport(
        file=network.file,
        version=f"{network.version[0]}.{network.version[1]}",
        roads=len(network.roads),
        road_length_m=sum(road.length_m for road in network.roads),
        junctions=len(network.junctions),
        lanes=len(graph.lanes) if graph is not None else 0,
        lane_length_m=sum(lane.length_m for lane in graph.lanes) if graph is not None else 0.0,
        left_hand=graph.left_hand if graph is not None else False,
        road_types=tuple(sorted(kinds)),
        limit_length_m=_limit_lengths(graph) if graph is not None else {},
        signals=sum(len(road.signals) for road in network.roads),
        objects=len(objects),
        parking_spaces=spaces,
        box_m=box,
        findings=findings,
    )


def _limit_lengths(graph: LaneGraph) -> dict[str, float]:
    lengths: defaultdict[str, float] = defaultdict(float)
    for lane in graph.lanes:
        cuts = [*(limit.s_m for limit in lane.limits[1:]), lane.length_m]
        for limit, until in zip(lane.limits, cuts, strict=True):
            lengths[limit.source] += until - limit.s_m
    return {source: round(lengths[source], 3) for source in sorted(lengths)}
