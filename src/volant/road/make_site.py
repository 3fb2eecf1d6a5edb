"""What a place under construction holds: roads, junctions and controllers, and roads' open ends.

An arm is a road's end at a junction. Its lanes are counted from the centre line out, coming in or
going out, whichever way the road's own line runs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from volant.core.geometry import Pose
from volant.road.lanes import DRIVABLE_KINDS
from volant.road.model import (
    Controller,
    Cubic,
    Junction,
    LaneRecord,
    LaneSection,
    Road,
    RoadLink,
    RoadObject,
    Signal,
)
from volant.road.trace import draw_pose, height_at


@dataclass(slots=True)
class Site:
    """Collects what is built, in order; a road is replaced as its junctions are built."""

    roads: dict[str, Road] = field(default_factory=dict)
    junctions: list[Junction] = field(default_factory=list)
    controllers: list[Controller] = field(default_factory=list)

    def add(self, *roads: Road) -> None:
        """Add roads under new ids.

        Raises:
            ValueError: an id is taken.
        """
        for road in roads:
            if road.id in self.roads:
                raise ValueError(f"road {road.id} is there already")
            self.roads[road.id] = road

    def furnish(
        self, road: str, signals: Sequence[Signal] = (), objects: Sequence[RoadObject] = ()
    ) -> None:
        """Put signals and objects on a road."""
        held = self.roads[road]
        self.roads[road] = replace(
            held, signals=(*held.signals, *signals), objects=(*held.objects, *objects)
        )

    def link(self, end: End, junction: str) -> None:
        """Tell a road's end which junction it touches."""
        link = RoadLink("junction", junction)
        held = self.roads[end.road]
        at_end = end.at_end
        self.roads[end.road] = (
            replace(held, successor=link) if at_end else replace(held, predecessor=link)
        )


@dataclass(frozen=True, slots=True)
class End:
    """One end of a road, by the road's id."""

    road: str
    at_end: bool

    @property
    def contact(self) -> str:
        """The end's name in the file."""
        return "end" if self.at_end else "start"


@dataclass(frozen=True, slots=True)
class Mouth:
    """A lane's end in a junction: pose in the direction of travel, width, height and grade."""

    lane: int
    pose: Pose
    width_m: float
    z_m: float
    grade: float


def mouths(road: Road, end: End, *, incoming: bool) -> tuple[Mouth, ...]:
    """The drivable lanes that come into (or go out of) a junction at a road's end, inner first."""
    section = road.sections[-1 if end.at_end else 0]
    along = incoming == end.at_end  # travels with rising s
    side = sorted(
        (x for x in section.lanes if (x.id < 0 if along else x.id > 0)), key=lambda x: abs(x.id)
    )
    s_m = road.length_m if end.at_end else 0.0
    pose = end_pose(road, at_end=end.at_end)
    z_m, grade = height_at(road.elevations, s_m)
    t_m = value_at(road.lane_offsets, s_m)
    found = []
    for record in side:
        width_m = lane_width(record, section, s_m)
        centre = t_m + math.copysign(0.5 * width_m, record.id)
        t_m += math.copysign(width_m, record.id)
        if record.kind in DRIVABLE_KINDS:
            placed = pose @ Pose(0.0, centre, 0.0 if along else math.pi)
            found.append(Mouth(record.id, placed, width_m, z_m, grade if along else -grade))
    return tuple(found)


def end_pose(road: Road, *, at_end: bool) -> Pose:
    """The reference line's pose at an end, along rising s."""
    first = road.geometries[0]
    if at_end:
        return draw_pose(road.geometries[-1])
    return Pose(first.x_m, first.y_m, first.heading_rad)


def half_width_m(road: Road, end: End, *, left: bool, kinds: frozenset[str]) -> float:
    """From the reference line to the outer border of the last lane of these kinds on one side."""
    section = road.sections[-1 if end.at_end else 0]
    s_m = road.length_m if end.at_end else 0.0
    offset = value_at(road.lane_offsets, s_m)
    total = offset if left else -offset
    reach = total
    for record in sorted(section.lanes, key=lambda x: abs(x.id)):
        if record.id != 0 and (record.id > 0) == left:
            total += lane_width(record, section, s_m)
            if record.kind in kinds:
                reach = total
    return reach


def lane_width(record: LaneRecord, section: LaneSection, s_m: float) -> float:
    """A lane's width at a place of its road."""
    return value_at(record.widths, s_m - section.s_m)


def value_at(cubics: Sequence[Cubic], s_m: float) -> float:
    """What a chain of cubics says at s; 0 where there is none."""
    return height_at(cubics, s_m)[0] if cubics else 0.0
