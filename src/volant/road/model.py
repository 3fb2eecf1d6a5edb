"""What an OpenDRIVE file says, record by record, as frozen values.

Nothing is evaluated here. Names follow the standard (ASAM OpenDRIVE 1.8), units stand in the names;
speeds are already in m/s. `s` runs along a road's reference line, `t` to its left.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong or unusual in a file that does not stop it from loading."""

    road: str
    lane: str
    code: str
    words: str
    severity: str = "warning"
    """`error`: a car may be misled; `warning`: a defect; `note`: unusual or not supported."""


@dataclass(frozen=True, slots=True)
class Cubic:
    """a + b ds + c ds^2 + d ds^3 from s_m on (absolute road s, or offset in its lane section)."""

    s_m: float
    a: float
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0


@dataclass(frozen=True, slots=True)
class Line:
    """A straight piece."""


@dataclass(frozen=True, slots=True)
class Arc:
    """A circular piece."""

    curvature_per_m: float


@dataclass(frozen=True, slots=True)
class Spiral:
    """A clothoid: curvature changes linearly from start to end."""

    start_per_m: float
    end_per_m: float


@dataclass(frozen=True, slots=True)
class Poly3:
    """v(u) = a + b u + c u^2 + d u^3 in the local frame (deprecated in the standard)."""

    a: float
    b: float
    c: float
    d: float


@dataclass(frozen=True, slots=True)
class ParamPoly3:
    """u(p), v(p) as cubics; p runs over the length, or over 0..1 where normalized."""

    u: tuple[float, float, float, float]
    v: tuple[float, float, float, float]
    normalized: bool


@dataclass(frozen=True, slots=True)
class Geometry:
    """One piece of a reference line, starting at a world pose."""

    s_m: float
    x_m: float
    y_m: float
    heading_rad: float
    length_m: float
    shape: Line | Arc | Spiral | Poly3 | ParamPoly3


@dataclass(frozen=True, slots=True)
class RoadMark:
    """The mark at the outer border of a lane (or on the centre line), from `s_m` in its section."""

    s_m: float
    kind: str
    weight: str = "standard"
    colour: str = "standard"
    width_m: float | None = None
    lane_change: str | None = None
    dash_m: float = 0.0
    gap_m: float = 0.0


@dataclass(frozen=True, slots=True)
class SpeedRecord:
    """A speed limit from `s_m` in its section; inf means that none holds."""

    s_m: float
    limit_mps: float


@dataclass(frozen=True, slots=True)
class LaneRecord:
    """A lane of one section as written in the file; id 0 is the centre line and never a lane."""

    id: int
    kind: str
    predecessors: tuple[int, ...] = ()
    successors: tuple[int, ...] = ()
    widths: tuple[Cubic, ...] = ()
    borders: tuple[Cubic, ...] = ()
    marks: tuple[RoadMark, ...] = ()
    speeds: tuple[SpeedRecord, ...] = ()
    direction: str = "standard"
    level: bool = False


@dataclass(frozen=True, slots=True)
class LaneSection:
    """Lanes from `s_m` on; sorted from the leftmost (highest id) to the rightmost."""

    s_m: float
    length_m: float
    lanes: tuple[LaneRecord, ...]
    single_side: bool = False

    def lane(self, lane_id: int) -> LaneRecord | None:
        """The lane with this id, or None."""
        return next((lane for lane in self.lanes if lane.id == lane_id), None)


@dataclass(frozen=True, slots=True)
class TypeRecord:
    """The road's type from `s_m` on, with its limit where the file gives one."""

    s_m: float
    kind: str
    limit_mps: float | None = None
    country: str = ""


@dataclass(frozen=True, slots=True)
class RoadLink:
    """What a road's end touches: a road (at its contact, `start` or `end`) or a junction."""

    element: str
    id: str
    contact: str | None = None


@dataclass(frozen=True, slots=True)
class Signal:
    """A sign or light at (s, t); `orientation` "+" holds for traffic along rising s."""

    id: str
    name: str
    s_m: float
    t_m: float
    kind: str
    subtype: str = ""
    country: str = ""
    value: float | None = None
    unit: str = ""
    orientation: str = "+"
    dynamic: bool = False
    z_offset_m: float = 0.0
    height_m: float = 0.0
    width_m: float = 0.0
    heading_offset_rad: float = 0.0
    lanes: tuple[tuple[int, int], ...] = ()
    """Ranges of lane ids it holds for; empty: all."""


@dataclass(frozen=True, slots=True)
class Corner:
    """A corner of an outline: (s, t) on the road, or (u, v) in the object's own frame."""

    along_m: float
    across_m: float
    z_m: float
    height_m: float


@dataclass(frozen=True, slots=True)
class Outline:
    """The footprint of an object; `local`: corners are (u, v), else (s, t)."""

    corners: tuple[Corner, ...]
    local: bool
    closed: bool = True


@dataclass(frozen=True, slots=True)
class Repeat:
    """An object repeated along the road; distance 0 means one unbroken body (a barrier)."""

    s_m: float
    length_m: float
    distance_m: float
    t_start_m: float
    t_end_m: float
    z_start_m: float = 0.0
    z_end_m: float = 0.0
    height_start_m: float | None = None
    height_end_m: float | None = None
    width_start_m: float | None = None
    width_end_m: float | None = None
    length_start_m: float | None = None
    length_end_m: float | None = None


@dataclass(frozen=True, slots=True)
class RoadObject:
    """A thing on or beside the road: barrier, pole, crosswalk, parking space."""

    id: str
    name: str
    kind: str
    s_m: float
    t_m: float
    z_offset_m: float = 0.0
    heading_rad: float = 0.0
    length_m: float = 0.0
    width_m: float = 0.0
    height_m: float = 0.0
    radius_m: float | None = None
    orientation: str = "none"
    repeats: tuple[Repeat, ...] = ()
    outlines: tuple[Outline, ...] = ()
    parking_access: str | None = None
    """Of a parking space: who may park (`all`, `electric`, ...); None where nothing is said."""
    place: str = ""
    """The name of a place to drive to, from `<userData code="volant.place" value="NAME"/>`."""


@dataclass(frozen=True, slots=True)
class Structure:
    """A tunnel or bridge over part of a road."""

    kind: str
    id: str
    name: str
    s_m: float
    length_m: float


@dataclass(frozen=True, slots=True)
class Connection:
    """A way through a junction: from the incoming road onto `road` at its `contact`."""

    id: str
    incoming: str
    road: str
    contact: str
    links: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Priority:
    """Of two roads of a junction: traffic on `low` lets traffic on `high` pass."""

    high: str
    low: str


@dataclass(frozen=True, slots=True)
class Junction:
    """Kind `default`, `direct` (roads touch without connecting roads), `virtual` or `crossing`."""

    id: str
    name: str
    kind: str
    connections: tuple[Connection, ...]
    priorities: tuple[Priority, ...] = ()
    controllers: tuple[str, ...] = ()
    """Ids of the controllers that serve it, in the order of the file."""


@dataclass(frozen=True, slots=True)
class Controller:
    """Signals that show the same at the same time: one phase of a junction."""

    id: str
    name: str
    signals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Road:
    """One road: reference line, elevation, lanes, links and what stands beside it."""

    id: str
    name: str
    length_m: float
    junction: str | None
    left_hand: bool
    predecessor: RoadLink | None
    successor: RoadLink | None
    types: tuple[TypeRecord, ...]
    geometries: tuple[Geometry, ...]
    elevations: tuple[Cubic, ...]
    superelevations: tuple[Cubic, ...]
    lane_offsets: tuple[Cubic, ...]
    sections: tuple[LaneSection, ...]
    signals: tuple[Signal, ...] = ()
    objects: tuple[RoadObject, ...] = ()
    structures: tuple[Structure, ...] = ()

    def type_at(self, s_m: float) -> TypeRecord | None:
        """The type record that holds at s, or None where the file gives none."""
        held = None
        for record in self.types:
            if record.s_m <= s_m + 1e-9:
                held = record
        return held


@dataclass(frozen=True, slots=True)
class RoadNetwork:
    """A whole OpenDRIVE file."""

    file: str
    name: str
    version: tuple[int, int]
    roads: tuple[Road, ...]
    junctions: tuple[Junction, ...]
    geo_reference: str = ""
    findings: tuple[Finding, ...] = field(default=())
    controllers: tuple[Controller, ...] = ()

    def road(self, road_id: str) -> Road | None:
        """The road with this id, or None."""
        return next((road for road in self.roads if road.id == road_id), None)
