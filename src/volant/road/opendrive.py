"""Read an OpenDRIVE file (ASAM OpenDRIVE 1.4 to 1.8) into frozen records.

It never half-loads: what cannot be a road (malformed XML, numbers, geometry) is an InputError with
file, line, road and element. What is merely wrong, such as a dangling link, is a finding.
Not read: railways, lateral shape and crossfall (a finding says so), surfaces, junction elevation
grids.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from volant.core.errors import InputError
from volant.road.check_links import control_findings, link_findings
from volant.road.check_widths import width_findings
from volant.road.model import (
    Connection,
    Controller,
    Finding,
    Junction,
    Priority,
    Road,
    RoadLink,
    RoadNetwork,
    Structure,
    TypeRecord,
)
from volant.road.read_beside import read_objects, read_signals
from volant.road.read_lanes import read_lane_offsets, read_sections, speed_limit
from volant.road.read_line import read_cubics, read_geometries
from volant.road.xmltree import MAX_BYTES, Element, Reader, parse_xml

# A lane graph keeps a row every 2 m: this bounds what one file can make us compute.
MAX_TOTAL_LENGTH_M: Final = 1_000_000.0
LENGTH_TOLERANCE_M: Final = 0.01


def load_road(path: str | Path) -> RoadNetwork:
    """Read an OpenDRIVE file.

    Raises:
        InputError: it cannot be opened, is no OpenDRIVE, or a record in it is malformed.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise InputError(f"{size} bytes, at most {MAX_BYTES} are read", file=str(path))
        data = path.read_bytes()
    except OSError as error:
        raise InputError(error.strerror or "cannot be read", file=str(path)) from error
    return parse_road(data, str(path))


def parse_road(data: bytes, file: str = "road") -> RoadNetwork:
    """Read the bytes of an OpenDRIVE file; `file` is only what errors call it.

    Raises:
        InputError: it is no OpenDRIVE, or a record in it is malformed.
    """
    root = parse_xml(data, file)
    reader = Reader(file)
    if root.tag != "OpenDRIVE":
        raise reader.error(root, f"found <{root.tag}>, expected <OpenDRIVE>")
    findings: list[Finding] = []
    roads = tuple(_read_road(reader, element, findings) for element in root.all("road"))
    if not roads:
        raise reader.error(root, "it holds no road")
    _refuse_twins(reader, root, "road")
    _refuse_twins(reader, root, "junction")
    total_m = sum(road.length_m * max(1, _most_lanes(road)) for road in roads)
    if total_m > MAX_TOTAL_LENGTH_M:
        raise reader.error(root, f"{total_m:.3g} m of lanes, at most {MAX_TOTAL_LENGTH_M:g} m")
    junctions = tuple(_read_junction(reader, element) for element in root.all("junction"))
    header = root.first("header")
    name, version, geo_reference = _read_header(reader, header)
    controllers = tuple(_read_controller(reader, element) for element in root.all("controller"))
    findings.extend(link_findings(roads, junctions))
    findings.extend(control_findings(roads, junctions, controllers))
    findings.extend(width_findings(roads))
    return RoadNetwork(
        file, name, version, roads, junctions, geo_reference, tuple(findings), controllers
    )


def _most_lanes(road: Road) -> int:
    return max(len(section.lanes) for section in road.sections)


def _refuse_twins(reader: Reader, root: Element, tag: str) -> None:
    seen: set[str] = set()
    for element in root.all(tag):
        name = reader.text(element, "id")
        if name in seen:
            raise reader.error(element, f'id="{name}" is used twice')
        seen.add(name)


def _read_header(reader: Reader, header: Element | None) -> tuple[str, tuple[int, int], str]:
    if header is None:
        return "", (1, 4), ""
    version = tuple(
        int(reader.length(header, name, default))
        for name, default in (("revMajor", 1.0), ("revMinor", 4.0))
    )
    place = header.first("geoReference")
    words = place.text.strip() if place is not None else ""
    return reader.text(header, "name", ""), (version[0], version[1]), words


def _read_road(outer: Reader, element: Element, findings: list[Finding]) -> Road:
    road_id = outer.text(element, "id")
    reader = outer.within(f"road {road_id}")
    stated_m = reader.length(element, "length")
    geometries = read_geometries(reader, element)
    length_m = geometries[-1].s_m + geometries[-1].length_m
    if abs(length_m - stated_m) > LENGTH_TOLERANCE_M:
        findings.append(
            Finding(road_id, "", "length", f"says {stated_m:.3f} m, geometry has {length_m:.3f} m")
        )
    for profile in element.all("lateralProfile"):
        for tag in ("shape", "crossfall"):
            if profile.first(tag) is not None:
                words = f"lateral {tag} is not supported and read as flat"
                findings.append(Finding(road_id, "", f"lateral-{tag}", words, "note"))
    lanes = element.first("lanes")
    if lanes is None:
        raise reader.error(element, "it has no lanes")
    junction = reader.text(element, "junction", "-1")
    return Road(
        id=road_id,
        name=reader.text(element, "name", ""),
        length_m=length_m,
        junction=None if junction in ("-1", "") else junction,
        left_hand=reader.text(element, "rule", "RHT").upper() == "LHT",
        predecessor=_read_link(reader, element, "predecessor"),
        successor=_read_link(reader, element, "successor"),
        types=_read_types(reader, element),
        geometries=geometries,
        elevations=read_cubics(reader, element.inside("elevationProfile", "elevation")),
        superelevations=read_cubics(reader, element.inside("lateralProfile", "superelevation")),
        lane_offsets=read_lane_offsets(reader, lanes),
        sections=read_sections(reader, lanes, length_m, findings),
        signals=read_signals(reader, element),
        objects=read_objects(reader, element),
        structures=tuple(
            Structure(
                kind=tag,
                id=reader.text(item, "id", ""),
                name=reader.text(item, "name", ""),
                s_m=reader.number(item, "s"),
                length_m=reader.length(item, "length"),
            )
            for tag in ("tunnel", "bridge")
            for item in element.inside("objects", tag)
        ),
    )


def _read_types(reader: Reader, road: Element) -> tuple[TypeRecord, ...]:
    records = []
    for element in road.all("type"):
        speed = element.first("speed")
        records.append(
            TypeRecord(
                s_m=reader.length(element, "s"),
                kind=reader.text(element, "type", "unknown"),
                limit_mps=speed_limit(reader, speed) if speed is not None else None,
                country=reader.text(element, "country", ""),
            )
        )
    return tuple(sorted(records, key=lambda record: record.s_m))


def _read_link(reader: Reader, road: Element, side: str) -> RoadLink | None:
    element = next(road.inside("link", side), None)
    if element is None:
        return None
    kind = reader.text(element, "elementType", "road")
    if kind not in ("road", "junction"):
        raise reader.error(element, f'elementType="{kind}", expected road or junction')
    contact = element.attributes.get("contactPoint")
    if kind == "road" and contact not in ("start", "end"):
        raise reader.error(element, f'contactPoint="{contact}", expected start or end')
    return RoadLink(kind, reader.text(element, "elementId"), contact)


def _read_junction(outer: Reader, element: Element) -> Junction:
    junction_id = outer.text(element, "id")
    reader = outer.within(f"junction {junction_id}")
    kind = reader.text(element, "type", "default")
    connections = []
    for item in element.all("connection"):
        road = item.attributes.get("connectingRoad", item.attributes.get("linkedRoad"))
        incoming = item.attributes.get("incomingRoad")
        if road is None or incoming is None:  # a virtual connection names no roads to follow
            continue
        contact = reader.text(item, "contactPoint", "start")
        if contact not in ("start", "end"):
            raise reader.error(item, f'contactPoint="{contact}", expected start or end')
        links = tuple(
            (reader.integer(link, "from"), reader.integer(link, "to"))
            for link in item.all("laneLink")
        )
        connections.append(Connection(reader.text(item, "id", ""), incoming, road, contact, links))
    return Junction(
        id=junction_id,
        name=reader.text(element, "name", ""),
        kind=kind,
        connections=tuple(connections),
        priorities=tuple(
            Priority(high=reader.text(item, "high"), low=reader.text(item, "low"))
            for item in element.all("priority")
            if "high" in item.attributes and "low" in item.attributes
        ),
        controllers=tuple(reader.text(item, "id") for item in element.all("controller")),
    )


def _read_controller(reader: Reader, element: Element) -> Controller:
    return Controller(
        id=reader.text(element, "id"),
        name=reader.text(element, "name", ""),
        signals=tuple(reader.text(item, "signalId") for item in element.all("control")),
    )
