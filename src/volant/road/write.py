"""Write a network as OpenDRIVE 1.8. Reading it back gives the same records.

Numbers are written with as many digits as it takes to read the same float, so a file is a function
of its network alone. Not written, because not kept: surfaces, other people's userData.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from volant.road.model import (
    Arc,
    Controller,
    Cubic,
    Geometry,
    Junction,
    LaneRecord,
    LaneSection,
    Line,
    Outline,
    ParamPoly3,
    Poly3,
    Repeat,
    Road,
    RoadLink,
    RoadMark,
    RoadNetwork,
    RoadObject,
    Signal,
    Spiral,
)
from volant.road.read_beside import PLACE_CODE

Value = str | float | int | None


def write_road(network: RoadNetwork, path: str | Path) -> None:
    """Write a network to a file, which appears under its name only when it is whole."""
    path = Path(path)
    part = path.with_name(path.name + ".part")
    part.write_text(road_text(network), encoding="utf-8")
    part.replace(path)


def road_text(network: RoadNetwork) -> str:
    """A network as the text of an OpenDRIVE file."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<OpenDRIVE>"]
    lines.extend(_indented(_body(network)))
    lines.append("</OpenDRIVE>")
    return "\n".join(lines) + "\n"


def _body(network: RoadNetwork) -> Iterator[str]:
    major, minor = network.version
    header = _open("header", revMajor=major, revMinor=minor, name=network.name or None)
    if network.geo_reference:
        place = f"  <geoReference>{escape(network.geo_reference)}</geoReference>"
        yield from (header, place, "</header>")
    else:
        yield _closed(header)
    for road in network.roads:
        yield from _road(road)
    for controller in network.controllers:
        yield from _controller(controller)
    for junction in network.junctions:
        yield from _junction(junction)


def _open(tag: str, **values: Value) -> str:
    parts = [tag]
    for name, value in values.items():
        if value is None:
            continue
        text = value if isinstance(value, str) else _number(value)
        parts.append(f"{name.rstrip('_')}={quoteattr(text)}")
    return f"<{' '.join(parts)}>"


def _closed(opened: str) -> str:
    return opened[:-1] + "/>"


def _leaf(tag: str, **values: Value) -> str:
    return _closed(_open(tag, **values))


def _number(value: float) -> str:
    if isinstance(value, int) or (value == int(value) and abs(value) < 1e15):
        return str(int(value))
    return repr(float(value))


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)


def _group(tag: str, lines: Iterable[str], **values: Value) -> Iterator[str]:
    """An element around lines; nothing at all where it would have neither."""
    inside = list(_indented(lines))
    if inside:
        yield _open(tag, **values)
        yield from inside
        yield f"</{tag}>"
    elif values:
        yield _leaf(tag, **values)


def _road(road: Road) -> Iterator[str]:
    def body() -> Iterator[str]:
        yield from _group("link", _links(road))
        for record in road.types:
            speed = _speed(record.limit_mps) if record.limit_mps is not None else ()
            kind, country = record.kind, record.country or None
            yield from _group("type", speed, s=record.s_m, type=kind, country=country)
        yield from _group("planView", (line for g in road.geometries for line in _geometry(g)))
        yield from _group("elevationProfile", _cubics("elevation", "s", road.elevations))
        tilt = _cubics("superelevation", "s", road.superelevations)
        yield from _group("lateralProfile", tilt)
        yield from _group("lanes", _lanes(road))
        yield from _group("objects", _objects(road))
        yield from _group("signals", (line for s in road.signals for line in _signal(s)))

    yield from _group(
        "road",
        body(),
        name=road.name,
        length=road.length_m,
        id=road.id,
        junction=road.junction or "-1",
        rule="LHT" if road.left_hand else "RHT",
    )


def _links(road: Road) -> Iterator[str]:
    ends: tuple[tuple[str, RoadLink | None], ...] = (
        ("predecessor", road.predecessor),
        ("successor", road.successor),
    )
    for tag, link in ends:
        if link is not None:
            yield _leaf(tag, elementType=link.element, elementId=link.id, contactPoint=link.contact)


def _speed(limit_mps: float, **values: Value) -> Iterator[str]:
    if math.isinf(limit_mps):
        yield _leaf("speed", **values, max="no limit")
    else:
        yield _leaf("speed", **values, max=limit_mps, unit="m/s")


def _geometry(piece: Geometry) -> Iterator[str]:
    match piece.shape:
        case Line():
            shape = _leaf("line")
        case Arc(curvature):
            shape = _leaf("arc", curvature=curvature)
        case Spiral(start, end):
            shape = _leaf("spiral", curvStart=start, curvEnd=end)
        case Poly3(a, b, c, d):
            shape = _leaf("poly3", a=a, b=b, c=c, d=d)
        case ParamPoly3(u, v, normalized):
            names = {f"{name}U": value for name, value in zip("abcd", u, strict=True)}
            names |= {f"{name}V": value for name, value in zip("abcd", v, strict=True)}
            shape = _leaf("paramPoly3", pRange="normalized" if normalized else "arcLength", **names)
    yield from _group(
        "geometry",
        (shape,),
        s=piece.s_m,
        x=piece.x_m,
        y=piece.y_m,
        hdg=piece.heading_rad,
        length=piece.length_m,
    )


def _cubics(tag: str, start: str, records: Iterable[Cubic]) -> Iterator[str]:
    for record in records:
        yield _leaf(tag, **{start: record.s_m}, a=record.a, b=record.b, c=record.c, d=record.d)


def _lanes(road: Road) -> Iterator[str]:
    yield from _cubics("laneOffset", "s", road.lane_offsets)
    for section in road.sections:
        single = "true" if section.single_side else None
        yield from _group("laneSection", _sides(section), s=section.s_m, singleSide=single)


def _sides(section: LaneSection) -> Iterator[str]:
    for side, sign in (("left", 1), ("center", 0), ("right", -1)):
        lanes = [x for x in section.lanes if (x.id > 0) - (x.id < 0) == sign]
        yield from _group(side, (line for lane in lanes for line in _lane(lane)))


def _lane(lane: LaneRecord) -> Iterator[str]:
    def body() -> Iterator[str]:
        yield from _group("link", _lane_links(lane))
        yield from _cubics("border", "sOffset", lane.borders)
        yield from _cubics("width", "sOffset", lane.widths)
        for mark in lane.marks:
            yield from _mark(mark)
        for speed in lane.speeds:
            yield from _speed(speed.limit_mps, sOffset=speed.s_m)

    yield from _group(
        "lane",
        body(),
        id=lane.id,
        type=lane.kind,
        level="true" if lane.level else "false",
        direction=lane.direction if lane.direction != "standard" else None,
    )


def _lane_links(lane: LaneRecord) -> Iterator[str]:
    for target in lane.predecessors:
        yield _leaf("predecessor", id=target)
    for target in lane.successors:
        yield _leaf("successor", id=target)


def _mark(mark: RoadMark) -> Iterator[str]:
    lines: list[str] = []
    if mark.dash_m or mark.gap_m:
        width = mark.width_m if mark.width_m is not None else 0.0
        line = _leaf(
            "line", length=mark.dash_m, space=mark.gap_m, tOffset=0, sOffset=0, width=width
        )
        lines = list(_group("type", (line,), name=mark.kind, width=width))
    yield from _group(
        "roadMark",
        lines,
        sOffset=mark.s_m,
        type=mark.kind,
        weight=mark.weight,
        color=mark.colour,
        width=mark.width_m,
        laneChange=mark.lane_change,
    )


def _objects(road: Road) -> Iterator[str]:
    for item in road.objects:
        yield from _object(item)
    for part in road.structures:
        kind = "standard" if part.kind == "tunnel" else "concrete"
        yield _leaf(
            part.kind, id=part.id, name=part.name, s=part.s_m, length=part.length_m, type=kind
        )


def _object(item: RoadObject) -> Iterator[str]:
    def body() -> Iterator[str]:
        for repeat in item.repeats:
            yield _repeat(repeat)
        yield from _group("outlines", (line for x in item.outlines for line in _outline(x)))
        if item.parking_access is not None:
            yield _leaf("parkingSpace", access=item.parking_access)
        if item.place:
            yield _leaf("userData", code=PLACE_CODE, value=item.place)

    yield from _group(
        "object",
        body(),
        id=item.id,
        name=item.name,
        type=item.kind,
        s=item.s_m,
        t=item.t_m,
        zOffset=item.z_offset_m,
        hdg=item.heading_rad,
        length=item.length_m,
        width=item.width_m,
        height=item.height_m,
        radius=item.radius_m,
        orientation=item.orientation,
    )


def _repeat(repeat: Repeat) -> str:
    return _leaf(
        "repeat",
        s=repeat.s_m,
        length=repeat.length_m,
        distance=repeat.distance_m,
        tStart=repeat.t_start_m,
        tEnd=repeat.t_end_m,
        zOffsetStart=repeat.z_start_m,
        zOffsetEnd=repeat.z_end_m,
        heightStart=repeat.height_start_m,
        heightEnd=repeat.height_end_m,
        widthStart=repeat.width_start_m,
        widthEnd=repeat.width_end_m,
        lengthStart=repeat.length_start_m,
        lengthEnd=repeat.length_end_m,
    )


def _outline(outline: Outline) -> Iterator[str]:
    tag = "cornerLocal" if outline.local else "cornerRoad"
    along, across, height = ("u", "v", "z") if outline.local else ("s", "t", "dz")
    corners = (
        _leaf(tag, **{along: c.along_m, across: c.across_m, height: c.z_m}, height=c.height_m)
        for c in outline.corners
    )
    yield from _group("outline", corners, closed="true" if outline.closed else "false")


def _signal(signal: Signal) -> Iterator[str]:
    lanes = (_leaf("validity", fromLane=low, toLane=high) for low, high in signal.lanes)
    yield from _group(
        "signal",
        lanes,
        id=signal.id,
        name=signal.name,
        s=signal.s_m,
        t=signal.t_m,
        type=signal.kind,
        subtype=signal.subtype,
        country=signal.country,
        value=signal.value,
        unit=signal.unit or None,
        orientation=signal.orientation,
        dynamic="yes" if signal.dynamic else "no",
        zOffset=signal.z_offset_m,
        height=signal.height_m,
        width=signal.width_m,
        hOffset=signal.heading_offset_rad,
    )


def _junction(junction: Junction) -> Iterator[str]:
    road_attribute = "linkedRoad" if junction.kind == "direct" else "connectingRoad"

    def body() -> Iterator[str]:
        for connection in junction.connections:
            links = (_leaf("laneLink", from_=low, to=high) for low, high in connection.links)
            values: dict[str, Value] = {
                "id": connection.id,
                "incomingRoad": connection.incoming,
                road_attribute: connection.road,
                "contactPoint": connection.contact,
            }
            yield from _group("connection", links, **values)
        for priority in junction.priorities:
            yield _leaf("priority", high=priority.high, low=priority.low)
        for controller in junction.controllers:
            yield _leaf("controller", id=controller)

    yield from _group("junction", body(), id=junction.id, name=junction.name, type=junction.kind)


def _controller(controller: Controller) -> Iterator[str]:
    signals = (_leaf("control", signalId=signal) for signal in controller.signals)
    yield from _group("controller", signals, id=controller.id, name=controller.name)
