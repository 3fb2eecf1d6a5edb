"""Findings about links that point to roads, junctions or lanes which are not there."""

from __future__ import annotations

from volant.road.model import Controller, Finding, Junction, LaneSection, Road, RoadLink


def link_findings(roads: tuple[Road, ...], junctions: tuple[Junction, ...]) -> list[Finding]:
    """Every dangling link of the file, in file order."""
    by_id = {road.id: road for road in roads}
    crossings = {junction.id: junction for junction in junctions}
    findings: list[Finding] = []
    for road in roads:
        for side, link in (("predecessor", road.predecessor), ("successor", road.successor)):
            if link is None:
                continue
            known = by_id if link.element == "road" else crossings
            if link.id not in known:
                words = f"its {side} {link.element} {link.id} is missing"
                findings.append(Finding(road.id, "", "dangling-road", words, "error"))
        if road.junction is not None and road.junction not in crossings:
            words = f"its junction {road.junction} is missing"
            findings.append(Finding(road.id, "", "dangling-junction", words, "error"))
        findings.extend(_lane_findings(road, by_id))
    for junction in junctions:
        findings.extend(_junction_findings(junction, by_id))
    return findings


def control_findings(
    roads: tuple[Road, ...],
    junctions: tuple[Junction, ...],
    controllers: tuple[Controller, ...],
) -> list[Finding]:
    """Signals, controllers and priority roads that are named but are not in the file."""
    signals = {signal.id for road in roads for signal in road.signals}
    known = {controller.id for controller in controllers}
    findings = []
    for controller in controllers:
        for name in controller.signals:
            if name not in signals:
                words = f"controller {controller.id}: its signal {name} is missing"
                findings.append(Finding("", "", "dangling-signal", words, "warning"))
    names = {road.id for road in roads}
    for junction in junctions:
        for name in junction.controllers:
            if name not in known:
                words = f"junction {junction.id}: its controller {name} is missing"
                findings.append(Finding("", "", "dangling-controller", words, "warning"))
        for pair in junction.priorities:
            for road in (pair.high, pair.low):
                if road and road not in names:
                    words = f"junction {junction.id}, priority: road {road} is missing"
                    findings.append(Finding(road, "", "dangling-priority", words, "warning"))
    return findings


def contact_section(road: Road, contact: str | None) -> LaneSection:
    """The lane section at the end that a link touches."""
    return road.sections[0] if contact == "start" else road.sections[-1]


def _lane_findings(road: Road, by_id: dict[str, Road]) -> list[Finding]:
    findings = []
    last = len(road.sections) - 1
    for index, section in enumerate(road.sections):
        before = road.sections[index - 1] if index else _linked(road.predecessor, by_id)
        after = road.sections[index + 1] if index < last else _linked(road.successor, by_id)
        for lane in section.lanes:
            for side, targets, other in (
                ("predecessor", lane.predecessors, before),
                ("successor", lane.successors, after),
            ):
                for target in targets:
                    if other is None or lane.id == 0 or other.lane(target) is not None:
                        continue
                    words = f"its {side} lane {target} is missing"
                    name = f"{index}:{lane.id}"
                    findings.append(Finding(road.id, name, "dangling-lane", words, "error"))
    return findings


def _linked(link: RoadLink | None, by_id: dict[str, Road]) -> LaneSection | None:
    if link is None or link.element != "road" or link.id not in by_id:
        return None
    return contact_section(by_id[link.id], link.contact)


def _junction_findings(junction: Junction, by_id: dict[str, Road]) -> list[Finding]:
    findings = []
    for connection in junction.connections:
        where = f"junction {junction.id}, connection {connection.id}"
        for role, name in (("incoming", connection.incoming), ("connecting", connection.road)):
            if name not in by_id:
                words = f"{where}: {role} road {name} is missing"
                findings.append(Finding(name, "", "dangling-connection", words, "error"))
        if connection.incoming not in by_id or connection.road not in by_id:
            continue
        section = contact_section(by_id[connection.road], connection.contact)
        findings.extend(
            Finding(
                connection.road,
                str(target),
                "dangling-lane",
                f"{where}: its lane {target} is missing",
                "error",
            )
            for _source, target in connection.links
            if section.lane(target) is None
        )
    return findings
