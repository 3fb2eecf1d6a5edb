"""Read lane sections, lanes, widths, borders, road marks and speed limits."""

from __future__ import annotations

import math
from typing import Final

from volant.road.model import (
    Cubic,
    Finding,
    LaneRecord,
    LaneSection,
    RoadMark,
    SpeedRecord,
)
from volant.road.read_line import read_cubics
from volant.road.xmltree import Element, Reader

MPS_PER_UNIT: Final = {"m/s": 1.0, "km/h": 1.0 / 3.6, "mph": 0.44704}
# "no limit" and "undefined" are the standard's words (e_maxSpeedString); nothing else is a word.
UNLIMITED_WORDS: Final = ("no limit",)
UNKNOWN_WORDS: Final = ("undefined",)
MAX_LANES: Final = 200


def speed_limit(reader: Reader, element: Element) -> float | None:
    """A limit in m/s; inf for `no limit`, None for `undefined`; without a unit it is m/s.

    Raises:
        InputError: neither a number nor one of the standard's words, or an unknown unit.
    """
    raw = reader.text(element, "max").strip()
    if raw in UNLIMITED_WORDS:
        return math.inf
    if raw in UNKNOWN_WORDS:
        return None
    unit = reader.text(element, "unit", "m/s")
    factor = MPS_PER_UNIT.get(unit)
    if factor is None:
        raise reader.error(element, f'unit="{unit}", expected one of {", ".join(MPS_PER_UNIT)}')
    value = reader.length(element, "max")
    if value == 0.0:  # some editors write 0 for "not set"; a lane is not closed this way
        return None
    return value * factor


def read_lane_offsets(reader: Reader, lanes: Element) -> tuple[Cubic, ...]:
    """How far lane 0 lies left of the reference line."""
    return read_cubics(reader, lanes.all("laneOffset"))


def read_sections(
    reader: Reader, lanes: Element, road_length_m: float, findings: list[Finding]
) -> tuple[LaneSection, ...]:
    """The lane sections in order, each ending where the next begins.

    Raises:
        InputError: none is there, they run backwards, or a lane id is used twice.
    """
    elements = list(lanes.all("laneSection"))
    if not elements:
        raise reader.error(lanes, "it holds no laneSection")
    starts = [reader.length(element, "s") for element in elements]
    if starts[0] > 1e-6:
        raise reader.error(elements[0], f's="{starts[0]:g}", expected the first to start at 0')
    for element, before, start in zip(elements[1:], starts, starts[1:], strict=False):
        if start <= before:
            raise reader.error(element, f's="{start:g}", expected more than {before:g}')
    ends = [*starts[1:], max(road_length_m, starts[-1])]
    sections = []
    for element, start, end in zip(elements, starts, ends, strict=True):
        end_m = min(end, road_length_m)
        if start >= road_length_m - 1e-9:
            road = (reader.where or "").removeprefix("road ")
            words = f"lane section at {start:g} m lies behind the road's end"
            findings.append(Finding(road, "", "section-outside", words))
            continue
        sections.append(_read_section(reader, element, start, end_m - start, findings))
    return tuple(sections)


def _read_section(
    reader: Reader, element: Element, s_m: float, length_m: float, findings: list[Finding]
) -> LaneSection:
    records: dict[int, LaneRecord] = {}
    for side, sign in (("left", 1), ("center", 0), ("right", -1)):
        for item in element.inside(side, "lane"):
            record = _read_lane(reader, item)
            if (record.id > 0) - (record.id < 0) != sign:
                raise reader.error(item, f'id="{record.id}" cannot stand on the {side} side')
            if record.id in records:
                raise reader.error(item, f'id="{record.id}" is used twice in its section')
            records[record.id] = record
    if len(records) > MAX_LANES:
        raise reader.error(element, f"{len(records)} lanes, at most {MAX_LANES}")
    lanes = tuple(records[key] for key in sorted(records, reverse=True))
    road = (reader.where or "").removeprefix("road ")
    for lane in lanes:
        name = f"{s_m:g} m: {lane.id}"
        if lane.id != 0 and not lane.widths and not lane.borders:
            findings.append(Finding(road, name, "no-width", "no width or border: taken as 0 m"))
        inner = lane.id - (1 if lane.id > 0 else -1)
        if lane.id != 0 and inner != 0 and inner not in records:
            findings.append(Finding(road, name, "lane-ids", f"lane {inner} inside it is missing"))
    single = reader.text(element, "singleSide", "false").lower() in ("true", "1")
    return LaneSection(s_m, length_m, lanes, single)


def _read_lane(reader: Reader, element: Element) -> LaneRecord:
    link = element.first("link")
    # A lane may have borders or widths; where it has both, widths hold (OpenDRIVE 1.8, 11.6.2).
    return LaneRecord(
        id=reader.integer(element, "id"),
        kind=reader.text(element, "type", "none"),
        predecessors=_lane_links(reader, link, "predecessor"),
        successors=_lane_links(reader, link, "successor"),
        widths=read_cubics(reader, element.all("width"), "sOffset"),
        borders=read_cubics(reader, element.all("border"), "sOffset"),
        marks=tuple(
            sorted((_read_mark(reader, item) for item in element.all("roadMark")), key=_start)
        ),
        speeds=tuple(
            sorted(
                (
                    SpeedRecord(reader.length(item, "sOffset"), limit_mps)
                    for item in element.all("speed")
                    if (limit_mps := speed_limit(reader, item)) is not None
                ),
                key=_start,
            )
        ),
        direction=reader.text(element, "direction", "standard"),
        level=reader.text(element, "level", "false").lower() in ("true", "1"),
    )


def _start(record: RoadMark | SpeedRecord) -> float:
    return record.s_m


def _lane_links(reader: Reader, link: Element | None, side: str) -> tuple[int, ...]:
    if link is None:
        return ()
    return tuple(reader.integer(item, "id") for item in link.all(side))


def _read_mark(reader: Reader, element: Element) -> RoadMark:
    dash_m = gap_m = 0.0
    for line in element.inside("type", "line"):
        dash_m = reader.length(line, "length", 0.0)
        gap_m = reader.length(line, "space", 0.0)
        break
    width_m = reader.length(element, "width") if element.attributes.get("width") else None
    return RoadMark(
        s_m=reader.length(element, "sOffset", 0.0),
        kind=reader.text(element, "type", "none"),
        weight=reader.text(element, "weight", "standard"),
        colour=reader.text(element, "color", "standard"),
        width_m=width_m,
        lane_change=element.attributes.get("laneChange"),
        dash_m=dash_m,
        gap_m=gap_m,
    )
