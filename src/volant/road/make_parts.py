"""Cross sections, signs and barriers that the built-in world is put together from.

Widths and marks follow the German guidelines RAA, RAL and RMS in kind; figures from memory
(recalled): 3.75 m motorway lanes, 2.5 m hard shoulder, 3.5 m country lanes, broken lines 6 m on 12 m.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from volant.road.model import (
    Cubic,
    LaneRecord,
    Repeat,
    RoadMark,
    RoadObject,
    Signal,
    TypeRecord,
)
from volant.road.trace import taper

MOTORWAY_LANE_M: Final = 3.75
SHOULDER_M: Final = 2.5
STRIP_M: Final = 1.0
COUNTRY_LANE_M: Final = 3.5
VERGE_M: Final = 1.5
KMH: Final = 1.0 / 3.6

EDGE: Final = RoadMark(0.0, "solid", colour="white", width_m=0.3, lane_change="none")
LANE_LINE: Final = RoadMark(
    0.0, "broken", colour="white", width_m=0.15, lane_change="both", dash_m=6.0, gap_m=12.0
)
AUXILIARY_LINE: Final = RoadMark(
    0.0, "broken", "bold", colour="white", width_m=0.3, lane_change="both", dash_m=6.0, gap_m=6.0
)
COUNTRY_EDGE: Final = RoadMark(0.0, "solid", colour="white", width_m=0.12, lane_change="none")
COUNTRY_CENTRE: Final = RoadMark(
    0.0, "broken", colour="white", width_m=0.12, lane_change="both", dash_m=4.0, gap_m=8.0
)
CENTRE_SOLID: Final = RoadMark(0.0, "solid", colour="white", width_m=0.12, lane_change="none")


def lane(
    lane_id: int,
    kind: str,
    widths: Cubic | float | Sequence[Cubic],
    mark: RoadMark | None = None,
    *,
    before: int | None = None,
    after: int | None = None,
) -> LaneRecord:
    """A lane with its links inside its road (or across a joint with one road)."""
    if isinstance(widths, Cubic):
        widths = (widths,)
    elif isinstance(widths, (int, float)):
        widths = (Cubic(0.0, float(widths)),)
    return LaneRecord(
        id=lane_id,
        kind=kind,
        predecessors=() if before is None else (before,),
        successors=() if after is None else (after,),
        widths=tuple(widths),
        marks=() if mark is None else (mark,),
    )


def opening(from_m: float, length_m: float, width_m: float) -> tuple[Cubic, ...]:
    """A width that grows from nothing at from_m and then stays."""
    grown = (taper(from_m, length_m, 0.0, width_m), Cubic(from_m + length_m, width_m))
    return grown if from_m <= 0.0 else (Cubic(0.0, 0.0), *grown)


def closing(from_m: float, length_m: float, width_m: float) -> tuple[Cubic, ...]:
    """A width that stays until from_m and then shrinks to nothing."""
    return (Cubic(0.0, width_m), taper(from_m, length_m, width_m, 0.0))


def speed_types(kind: str, limits: Sequence[tuple[float, float]]) -> tuple[TypeRecord, ...]:
    """Road type records with a limit each, from (s, km/h)."""
    return tuple(TypeRecord(s_m, kind, kmh * KMH, "DE") for s_m, kmh in limits)


def speed_signs(
    road_id: str,
    limits: Sequence[tuple[float, float]],
    sides: Sequence[tuple[float, str]],
) -> tuple[Signal, ...]:
    """A sign 274 for each (s, km/h), at each (t, orientation)."""
    signs = []
    for number, (s_m, kmh) in enumerate(limits):
        for side, (t_m, orientation) in enumerate(sides):
            signs.append(
                Signal(
                    id=f"{road_id}{number:02d}{side}",
                    name=f"Speed limit {kmh:g}",
                    s_m=s_m,
                    t_m=t_m,
                    kind="274",
                    subtype=f"{kmh:g}",
                    country="DE",
                    value=float(kmh),
                    unit="km/h",
                    orientation=orientation,
                    z_offset_m=2.0,
                    height_m=0.75,
                    width_m=0.75,
                )
            )
    return tuple(signs)


def barrier(
    name: str, number: int, from_m: float, length_m: float, t_m: float, height_m: float = 0.8
) -> RoadObject:
    """An unbroken barrier along a road at one t."""
    return RoadObject(
        id=str(number),
        name=name,
        kind="barrier",
        s_m=from_m,
        t_m=t_m,
        length_m=length_m,
        width_m=0.3,
        height_m=height_m,
        repeats=(
            Repeat(
                s_m=from_m,
                length_m=length_m,
                distance_m=0.0,
                t_start_m=t_m,
                t_end_m=t_m,
                height_start_m=height_m,
                height_end_m=height_m,
                width_start_m=0.3,
                width_end_m=0.3,
            ),
        ),
    )
