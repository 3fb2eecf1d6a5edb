"""Read what stands on and beside a road: signals, objects, parking spaces."""

from __future__ import annotations

from typing import Final

from volant.road.model import Corner, Outline, Repeat, RoadObject, Signal
from volant.road.xmltree import Element, Reader

PLACE_CODE: Final = "volant.place"


def read_signals(reader: Reader, road: Element) -> tuple[Signal, ...]:
    """Signs and lights of a road, in file order."""
    return tuple(_read_signal(reader, item) for item in road.inside("signals", "signal"))


def _read_signal(reader: Reader, element: Element) -> Signal:
    raw = element.attributes.get("value", "").strip()
    value = reader.number(element, "value") if raw else None
    return Signal(
        id=reader.text(element, "id", ""),
        name=reader.text(element, "name", ""),
        s_m=reader.number(element, "s"),
        t_m=reader.number(element, "t"),
        kind=reader.text(element, "type", ""),
        subtype=reader.text(element, "subtype", ""),
        country=reader.text(element, "country", ""),
        value=None if value == -1.0 else value,  # what files write for "none"
        unit=reader.text(element, "unit", ""),
        orientation=reader.text(element, "orientation", "+"),
        dynamic=reader.text(element, "dynamic", "no") == "yes",
        z_offset_m=reader.number(element, "zOffset", 0.0),
        height_m=reader.number(element, "height", 0.0),
        width_m=reader.number(element, "width", 0.0),
        heading_offset_rad=reader.number(element, "hOffset", 0.0),
        lanes=tuple(
            (reader.integer(item, "fromLane"), reader.integer(item, "toLane"))
            for item in element.all("validity")
        ),
    )


def read_objects(reader: Reader, road: Element) -> tuple[RoadObject, ...]:
    """Objects of a road, in file order."""
    return tuple(_read_object(reader, item) for item in road.inside("objects", "object"))


def _read_object(reader: Reader, element: Element) -> RoadObject:
    parking = element.first("parkingSpace")
    outlines = [*element.all("outline"), *element.inside("outlines", "outline")]
    return RoadObject(
        id=reader.text(element, "id", ""),
        name=reader.text(element, "name", ""),
        kind=reader.text(element, "type", "none"),
        s_m=reader.number(element, "s"),
        t_m=reader.number(element, "t"),
        z_offset_m=reader.number(element, "zOffset", 0.0),
        heading_rad=reader.number(element, "hdg", 0.0),
        length_m=reader.length(element, "length", 0.0),
        width_m=reader.length(element, "width", 0.0),
        height_m=reader.number(element, "height", 0.0),
        radius_m=reader.length(element, "radius") if element.attributes.get("radius") else None,
        orientation=reader.text(element, "orientation", "none"),
        repeats=tuple(_read_repeat(reader, item) for item in element.all("repeat")),
        outlines=tuple(_read_outline(reader, item) for item in outlines),
        parking_access=reader.text(parking, "access", "all") if parking is not None else None,
        place=_read_place(reader, element),
    )


def _read_place(reader: Reader, element: Element) -> str:
    """The name under which a driver finds this object, or nothing."""
    for item in element.all("userData"):
        if item.attributes.get("code") == PLACE_CODE:
            return reader.text(item, "value", "").strip()
    return ""


def _read_repeat(reader: Reader, element: Element) -> Repeat:
    def given(name: str) -> float | None:
        return reader.number(element, name) if element.attributes.get(name) else None

    return Repeat(
        s_m=reader.number(element, "s"),
        length_m=reader.length(element, "length"),
        distance_m=reader.length(element, "distance"),
        t_start_m=reader.number(element, "tStart", 0.0),
        t_end_m=reader.number(element, "tEnd", 0.0),
        z_start_m=reader.number(element, "zOffsetStart", 0.0),
        z_end_m=reader.number(element, "zOffsetEnd", 0.0),
        height_start_m=given("heightStart"),
        height_end_m=given("heightEnd"),
        width_start_m=given("widthStart"),
        width_end_m=given("widthEnd"),
        length_start_m=given("lengthStart"),
        length_end_m=given("lengthEnd"),
    )


def _read_outline(reader: Reader, element: Element) -> Outline:
    local = list(element.all("cornerLocal"))
    along, across, height = ("u", "v", "z") if local else ("s", "t", "dz")
    corners = tuple(
        Corner(
            reader.number(item, along),
            reader.number(item, across),
            reader.number(item, height, 0.0),
            reader.number(item, "height", 0.0),
        )
        for item in (local or element.all("cornerRoad"))
    )
    closed = reader.text(element, "closed", "true").lower() in ("true", "1")
    return Outline(corners, bool(local), closed)
