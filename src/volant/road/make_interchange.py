"""Trumpet interchanges of the built-in world.

In an interchange's own frame the motorway runs along x (clockwise traffic towards +x on the side of
-y, the other way at +y) and the country road comes from -y. Four one-way ramps:

- off clockwise: from the motorway, a right turn to the country road
- on clockwise: from the country road, a right turn to the motorway
- on counter-clockwise: over the bridge, left round the loop, to the motorway
- off counter-clockwise: a loop to the right, over the bridge, to the country road
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from volant.core.geometry import Pose
from volant.road.make_parts import (
    COUNTRY_EDGE,
    COUNTRY_LANE_M,
    MOTORWAY_LANE_M,
    SHOULDER_M,
    barrier,
    lane,
    speed_signs,
    speed_types,
)
from volant.road.model import (
    Connection,
    Cubic,
    Junction,
    LaneRecord,
    LaneSection,
    Road,
    RoadLink,
    RoadObject,
    Structure,
)
from volant.road.trace import Stroke, draw, length_of, rise, taper, turn

# The outer edge of the motorway's third lane, and where the country road ends, from its axis.
EDGE_M: Final = 2.5 + 3 * MOTORWAY_LANE_M
COUNTRY_END_M: Final = -180.0
COUNTRY_HEIGHT_M: Final = 2.5
# Bridge: 4.7 m clearance and 1.8 m of deck over |y| <= 30 m.
BRIDGE_HEIGHT_M: Final = 6.5
BRIDGE_REACH_M: Final = 30.0
LEVEL_M: Final = 40.0
# The first and last metres of a ramp hardly bend yet: there a higher limit holds.
EASED_M: Final = 25.0

_QUARTER: Final = 0.5 * math.pi
_SIDE: Final = (100.0, 60.0)  # radius and clothoid of the right turns
_LOOP: Final = (60.0, 50.0)
_OUTER: Final = (85.0, 60.0)
_RETURN: Final = (200.0, 80.0)
_OVERSHOOT: Final = math.radians(40.0)
_OUTER_START_M: Final = 280.0


@dataclass(frozen=True, slots=True)
class Carriageway:
    """One direction of the ring: strokes from its own start, heights and limits along them."""

    name: str
    strokes: Sequence[Stroke]
    heights: Sequence[Cubic]
    limits: Sequence[tuple[float, float]]

    @property
    def heading_rad(self) -> float:
        """Heading at the ring's start: the clockwise way leaves it backwards."""
        return math.pi if self.name.endswith(" clockwise") else 0.0

    def limit_kmh(self, s_m: float) -> float:
        """The limit at a place along the carriageway."""
        return next(kmh for place, kmh in reversed(self.limits) if place <= s_m + 1e-6)


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a carriageway is cut into roads: a ramp leaves or merges at x."""

    clockwise: bool
    merges: bool
    x_m: float
    junction: str
    ramp: str
    next_road: str
    before_road: str


@dataclass(frozen=True, slots=True)
class Interchange:
    """Place (x along clockwise travel), cuts of the ring, ramp roads and junctions."""

    name: str
    place: Pose
    country_junction: str
    cuts: tuple[Cut, ...]
    ramps: tuple[Road, ...]
    junctions: tuple[Junction, ...]

    def country_pose(self, *, leaving: bool) -> Pose:
        """Where the country road's reference line starts (leaving) or ends, in the world."""
        return self.place @ Pose(0.0, COUNTRY_END_M, -_QUARTER if leaving else _QUARTER)


# Roads of the ring after a cut, by interchange: (south, north); see `Cut`.
_RING_ROADS: Final = {
    # clockwise, merges: (road before, road after)
    (False, False): (("4", "1"), ("2", "3")),
    (False, True): (("1", "2"), ("3", "4")),
    (True, False): (("8", "5"), ("64", "7")),
    (True, True): (("5", "6"), ("7", "8")),
}
COUNTRY_ROAD: Final = "30"
NORTH_ROAD: Final = "31"


def trumpet(name: str, place: Pose, number: int) -> Interchange:
    """The interchange with number 0 (at the country road's start) or 1 (at its end)."""
    base = 10 * (number + 1)
    lines = _ramp_lines()
    junctions = tuple(str(100 + base + k) for k in range(5))
    cuts, ramps = [], []
    for k, line in enumerate(lines):
        before, after = _RING_ROADS[line.clockwise, line.merges][number]
        ramp_id = str(base + k + 1)
        cuts.append(
            Cut(line.clockwise, line.merges, line.ring_x_m, junctions[k], ramp_id, after, before)
        )
        ramps.append(ramp_road(name, place, line, ramp_id, junctions[k], junctions[4]))
    crossings = [ring_junction(name, cut_) for cut_ in cuts]
    crossings.append(_country_junction(name, junctions[4], ramps, at_start=number == 0))
    return Interchange(name, place, junctions[4], tuple(cuts), tuple(ramps), tuple(crossings))


@dataclass(frozen=True, slots=True)
class RampLine:
    """A ramp's reference line in the interchange's frame, and what it carries."""

    name: str
    clockwise: bool
    merges: bool
    ring_x_m: float
    start: Pose
    strokes: tuple[Stroke, ...]
    nodes: tuple[tuple[float, float, float], ...]
    slow_kmh: float
    bridge_m: float | None = None


def _ramp_lines() -> tuple[RampLine, ...]:
    """The four ramps; each a chain of turns whose straights are fitted in closed form."""
    return (_off_counter(), _on_counter(), _off_clockwise(), _on_clockwise())


def _ends(strokes: Sequence[Stroke], heading_rad: float) -> Pose:
    return draw(Pose(0.0, 0.0, heading_rad), strokes)[1]


def _off_clockwise() -> RampLine:
    bend = turn(-_QUARTER, *_SIDE)
    end = _ends(bend, 0.0)
    straight = Stroke(end.y_m - EDGE_M - COUNTRY_END_M)
    start = Pose(-COUNTRY_LANE_M - end.x_m, -EDGE_M, 0.0)
    strokes = (*bend, straight)
    total = length_of(strokes)
    nodes = ((0.0, 0.0, 0.0), (LEVEL_M, 0.0, 0.0), (total, COUNTRY_HEIGHT_M, 0.0))
    return RampLine("off clockwise", True, False, start.x_m, start, strokes, nodes, 50.0)


def _on_clockwise() -> RampLine:
    bend = turn(-_QUARTER, *_SIDE)
    end = _ends(bend, _QUARTER)
    start = Pose(COUNTRY_LANE_M, COUNTRY_END_M, _QUARTER)
    strokes = (Stroke(-EDGE_M - COUNTRY_END_M - end.y_m), *bend)
    total = length_of(strokes)
    nodes = ((0.0, COUNTRY_HEIGHT_M, 0.0), (total - LEVEL_M, 0.0, 0.0), (total, 0.0, 0.0))
    return RampLine("on clockwise", True, True, start.x_m + end.x_m, start, strokes, nodes, 50.0)


def _on_counter() -> RampLine:
    start = Pose(0.0, COUNTRY_END_M, _QUARTER)
    rise_, back = turn(_QUARTER + _OVERSHOOT, *_OUTER), turn(-_OVERSHOOT, *_RETURN)
    short = _ends((Stroke(_OUTER_START_M), *rise_, *back), _QUARTER)
    down_m = COUNTRY_END_M + short.y_m - EDGE_M
    strokes = (
        Stroke(_OUTER_START_M),
        *rise_,
        Stroke(down_m / math.sin(_OVERSHOOT)),
        *back,
    )
    total = length_of(strokes)
    bridge_m = -BRIDGE_REACH_M - COUNTRY_END_M
    nodes = (
        (0.0, COUNTRY_HEIGHT_M, 0.0),
        (bridge_m, BRIDGE_HEIGHT_M, 0.0),
        (bridge_m + 2.0 * BRIDGE_REACH_M, BRIDGE_HEIGHT_M, 0.0),
        (total - LEVEL_M, 0.0, 0.0),
        (total, 0.0, 0.0),
    )
    x_m = _ends(strokes, _QUARTER).x_m
    return RampLine("on counter-clockwise", False, True, x_m, start, strokes, nodes, 50.0, bridge_m)


def _off_counter() -> RampLine:
    loop = turn(-3.0 * _QUARTER, *_LOOP)
    end = _ends(loop, math.pi)
    start = Pose(-end.x_m, EDGE_M, math.pi)
    strokes = (*loop, Stroke(EDGE_M + end.y_m - COUNTRY_END_M))
    total = length_of(strokes)
    bridge_m = total - (BRIDGE_REACH_M - COUNTRY_END_M)
    nodes = (
        (0.0, 0.0, 0.0),
        (LEVEL_M, 0.0, 0.0),
        (bridge_m, BRIDGE_HEIGHT_M, 0.0),
        (bridge_m + 2.0 * BRIDGE_REACH_M, BRIDGE_HEIGHT_M, 0.0),
        (total, COUNTRY_HEIGHT_M, 0.0),
    )
    return RampLine(
        "off counter-clockwise", False, False, start.x_m, start, strokes, nodes, 40.0, bridge_m
    )


_RAMP_SHOULDER_M: Final = 1.5
_WEDGE_M: Final = 90.0


def ramp_road(
    place_name: str, place: Pose, line: RampLine, ramp_id: str, ring: str, country: str
) -> Road:
    """A ramp between a junction on the ring and one on the other road."""
    pieces, _end = draw(place @ line.start, line.strokes)
    total = length_of(line.strokes)
    if line.merges:
        limits = ((0.0, line.slow_kmh), (total - EASED_M, 80.0))
        ends = (country, ring)
    else:
        limits = ((0.0, 60.0), (EASED_M, line.slow_kmh))
        ends = (ring, country)
    edge_m = MOTORWAY_LANE_M + _RAMP_SHOULDER_M + 1.0
    objects: tuple[RoadObject, ...] = ()
    structures: tuple[Structure, ...] = ()
    if line.bridge_m is not None:
        run_m, number = 2.0 * BRIDGE_REACH_M, f"{ramp_id}1"
        objects = (barrier("Bridge rail", int(number), line.bridge_m, run_m, 0.3 - edge_m),)
        structures = (Structure("bridge", number, f"Bridge {place_name}", line.bridge_m, run_m),)
    return Road(
        id=ramp_id,
        name=f"Interchange {place_name}, ramp {line.name}",
        length_m=pieces[-1].s_m + pieces[-1].length_m,
        junction=None,
        left_hand=False,
        predecessor=RoadLink("junction", ends[0]),
        successor=RoadLink("junction", ends[1]),
        types=speed_types("motorway", limits),
        geometries=pieces,
        elevations=rise(line.nodes),
        superelevations=(),
        lane_offsets=(),
        sections=(LaneSection(0.0, total, _ramp_lanes(line, total)),),
        signals=speed_signs(ramp_id, limits, ((-edge_m, "+"),)),
        objects=objects,
        structures=structures,
    )


def _ramp_lanes(line: RampLine, total: float) -> tuple[LaneRecord, ...]:
    wide, narrow = MOTORWAY_LANE_M, COUNTRY_LANE_M
    begin, end = (narrow, wide) if line.merges else (wide, narrow)
    # Beside the ring the shoulder is the ring's; beside the other ramp there is none.
    far = 0.0 if line.bridge_m is not None else _RAMP_SHOULDER_M
    first, last = (far, SHOULDER_M) if line.merges else (SHOULDER_M, far)
    shoulder = (
        taper(0.0, _WEDGE_M, first, _RAMP_SHOULDER_M),
        Cubic(_WEDGE_M, _RAMP_SHOULDER_M),
        taper(total - _WEDGE_M, _WEDGE_M, _RAMP_SHOULDER_M, last),
    )
    kind = "onRamp" if line.merges else "offRamp"
    return (
        LaneRecord(0, "none", marks=(COUNTRY_EDGE,)),
        lane(-1, kind, taper(0.0, total, begin, end), COUNTRY_EDGE),
        lane(-2, "shoulder", shoulder),
    )


_THROUGH: Final = ((-1, -1), (-2, -2), (-3, -3))


def ring_junction(name: str, cut: Cut) -> Junction:
    """Where a ramp leaves or joins the ring."""
    if cut.merges:
        side = Connection("1", cut.ramp, cut.next_road, "start", ((-1, -4),))
    else:
        side = Connection("1", cut.before_road, cut.ramp, "start", ((-4, -1),))
    ahead = Connection("0", cut.before_road, cut.next_road, "start", _THROUGH)
    way = "clockwise" if cut.clockwise else "counter-clockwise"
    what = "merge" if cut.merges else "exit"
    return Junction(cut.junction, f"Interchange {name}, {what} {way}", "direct", (ahead, side))


def _country_junction(
    name: str, junction: str, ramps: Sequence[Road], *, at_start: bool
) -> Junction:
    """Where the ramps meet the country road; its lanes to the interchange are left ones at its start."""
    off_counter, on_counter, off_clockwise, on_clockwise = (ramp.id for ramp in ramps)
    to, away = (1, -1) if at_start else (-1, 1)
    contact = "start" if at_start else "end"
    country = COUNTRY_ROAD if at_start else NORTH_ROAD
    connections = (
        Connection("0", country, on_counter, "start", ((to, -1),)),
        Connection("1", country, on_clockwise, "start", ((2 * to, -1),)),
        Connection("2", off_counter, country, contact, ((-1, away),)),
        Connection("3", off_clockwise, country, contact, ((-1, 2 * away),)),
    )
    return Junction(junction, f"Interchange {name}, country road", "direct", connections)
