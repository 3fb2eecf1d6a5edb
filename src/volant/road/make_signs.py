"""What stands and lies at a road's end before a junction: signs, lights, stop lines, crossings.

Numbers are those of the German catalogue (StVO Anlage 2 and 3; traffic lights 1000001 and the wait
line 341 as OpenDRIVE editors write them; recalled).
"""

from __future__ import annotations

from typing import Final

from volant.road.lanes import DRIVABLE_KINDS
from volant.road.make_site import End, Site, half_width_m, mouths
from volant.road.model import Corner, Outline, Road, RoadObject, Signal

LIGHT: Final = "1000001"
GIVE_WAY: Final = "205"
STOP: Final = "206"
ROUNDABOUT: Final = "215"
RIGHT_OF_WAY_ONCE: Final = "301"
PRIORITY_ROAD: Final = "306"
ZEBRA: Final = "293"
ZEBRA_SIGN: Final = "350"
STOP_LINE: Final = "294"
WAIT_LINE: Final = "341"
_NAMES: Final = {
    LIGHT: "Traffic light",
    GIVE_WAY: "Give way",
    STOP: "Stop",
    ROUNDABOUT: "Roundabout",
    RIGHT_OF_WAY_ONCE: "Right of way",
    PRIORITY_ROAD: "Priority road",
    ZEBRA: "Pedestrian crossing",
    ZEBRA_SIGN: "Pedestrian crossing ahead",
    STOP_LINE: "Stop line",
    WAIT_LINE: "Wait line",
}

# A crossing is this wide (R-FGUe: at least 3 m; recalled). Under lights it lies at the mouth, and the
# stop line a metre before it (RMS, recalled); else one car has room between crossing and mouth.
CROSSING_WIDE_M: Final = 4.0
CROSSING_UNDER_LIGHTS_M: Final = 1.0
CROSSING_FROM_M: Final = 6.0
LINE_BEFORE_M: Final = 1.0
# A stop line lies at least 2.5, better 3.5 m before its light, so that who waits there sees it (RMS;
# recalled).
LIGHT_BEHIND_LINE_M: Final = 3.5
_POST_BESIDE_M: Final = 0.7
_PAVED: Final = DRIVABLE_KINDS | {"parking", "shoulder"}
_SIGN_M: Final = 0.6
_LIGHT_M: Final = (0.9, 0.3)


def station_m(road: Road, end: End, before_m: float) -> float:
    """The s that lies so far before a road's end at a junction."""
    return road.length_m - before_m if end.at_end else before_m


def line_before_m(*, crossing: bool, lights: bool) -> float:
    """How far before the mouth those who wait stand."""
    if not lights:
        return LINE_BEFORE_M
    if crossing:
        return CROSSING_UNDER_LIGHTS_M + CROSSING_WIDE_M + LINE_BEFORE_M
    return LIGHT_BEHIND_LINE_M + LINE_BEFORE_M


def at_mouth(
    site: Site,
    end: End,
    kind: str,
    before_m: float,
    *,
    subtype: str = "",
    lanes: tuple[int, ...] = (),
    higher_m: float = 0.0,
) -> str:
    """Put a signal for those who come into a junction; its id."""
    road = site.roads[end.road]
    painted = kind in (STOP_LINE, WAIT_LINE)
    reach = half_width_m(road, end, left=not end.at_end, kinds=_PAVED)
    t_m = 0.5 * reach if painted else reach + _POST_BESIDE_M
    height, width = (0.0, 0.5) if painted else _LIGHT_M if kind == LIGHT else (_SIGN_M, _SIGN_M)
    signal = Signal(
        id=f"{road.id}-{len(road.signals) + 1}",
        name=_NAMES[kind],
        s_m=station_m(road, end, before_m),
        t_m=-t_m if end.at_end else t_m,
        kind=kind,
        subtype=subtype,
        country="DE",
        orientation="+" if end.at_end else "-",
        dynamic=kind == LIGHT,
        z_offset_m=0.0 if painted else 2.2 + higher_m,
        height_m=height,
        width_m=width,
        lanes=tuple((lane, lane) for lane in lanes),
    )
    site.furnish(road.id, (signal,))
    return signal.id


def crossing(site: Site, end: End, name: str, from_m: float = CROSSING_FROM_M) -> None:
    """A pedestrian crossing over a road's end, from kerb to kerb."""
    road = site.roads[end.road]
    near = station_m(road, end, from_m)
    far = station_m(road, end, from_m + CROSSING_WIDE_M)
    crossing_between(site, road.id, name, min(near, far), max(near, far), end)


def zebra(site: Site, road_id: str, name: str, at_m: float) -> None:
    """A crossing in the middle of a street, with a sign for each way."""
    begin, end = End(road_id, at_end=False), End(road_id, at_end=True)
    half = 0.5 * CROSSING_WIDE_M
    crossing_between(site, road_id, name, at_m - half, at_m + half, end)
    length_m = site.roads[road_id].length_m
    at_mouth(site, end, ZEBRA_SIGN, length_m - at_m + half)
    at_mouth(site, begin, ZEBRA_SIGN, at_m + half)


def crossing_between(
    site: Site, road_id: str, name: str, from_m: float, to_m: float, end: End
) -> None:
    """A pedestrian crossing between two s of a road that is as wide there as at an end."""
    road = site.roads[road_id]
    left = half_width_m(road, end, left=True, kinds=_PAVED)
    right = -half_width_m(road, end, left=False, kinds=_PAVED)
    corners = ((from_m, right), (to_m, right), (to_m, left), (from_m, left))
    middle = 0.5 * (from_m + to_m)
    item = RoadObject(
        id=f"{road_id}-x{len(road.objects) + 1}",
        name=name,
        kind="crosswalk",
        s_m=middle,
        t_m=0.5 * (left + right),
        length_m=to_m - from_m,
        width_m=left - right,
        outlines=(Outline(tuple(Corner(s, t, 0.0, 0.0) for s, t in corners), local=False),),
    )
    paint = Signal(
        id=f"{road_id}-{len(road.signals) + 1}",
        name=_NAMES[ZEBRA],
        s_m=middle,
        t_m=0.5 * (left + right),
        kind=ZEBRA,
        country="DE",
        orientation="none",
        height_m=0.0,
        width_m=to_m - from_m,
    )
    site.furnish(road_id, (paint,), (item,))


def lanes_into(site: Site, end: End) -> tuple[int, ...]:
    """Ids of the lanes that come into a junction at a road's end, inner first."""
    return tuple(m.lane for m in mouths(site.roads[end.road], end, incoming=True))
