"""Limits of a share: time, area, speed and uses; what is narrower than what, and where the car is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

EARTH_RADIUS_M: Final = 6_371_008.8
"""Mean radius (WGS 84, IUGG R1)."""
LATITUDE_MOST_E7: Final = 900_000_000
LONGITUDE_MOST_E7: Final = 1_800_000_000


@dataclass(frozen=True, slots=True)
class Place:
    """A point on the earth, in units of 1e-7 degrees (0.011 m or less)."""

    latitude_e7: int
    longitude_e7: int

    def distance_m(self, other: Place) -> float:
        """Along the sphere (haversine)."""
        ours, theirs = (math.radians(one.latitude_e7 / 1e7) for one in (self, other))
        turn = math.radians((other.longitude_e7 - self.longitude_e7) / 1e7)
        chord = (
            math.sin((theirs - ours) / 2) ** 2
            + math.cos(ours) * math.cos(theirs) * math.sin(turn / 2) ** 2
        )
        return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(chord)))


@dataclass(frozen=True, slots=True)
class Area:
    """A circle."""

    centre: Place
    radius_m: int

    def holds(self, place: Place) -> bool:
        """Whether a place is inside or on its edge."""
        return self.centre.distance_m(place) <= self.radius_m

    def within(self, other: Area) -> bool:
        """Whether the whole circle lies inside another. Said on whole metres, so rounding never says yes too much."""
        gap_m = math.ceil(self.centre.distance_m(other.centre))
        return gap_m + self.radius_m <= other.radius_m


@dataclass(frozen=True, slots=True)
class Limits:
    """What a share is limited to; times are seconds since 1970 by the car's clock."""

    not_before_s: int
    not_after_s: int
    """The first second in which it no longer holds."""
    uses: int = 0
    """How often it opens the car; 0: as often as wanted."""
    speed_most_dmps: int = 0
    """Tenths of m/s; 0: none."""
    area: Area | None = None
    lease_s: int = 0
    """It must be renewed by its owner after so long; 0: never."""

    def within(self, other: Limits) -> bool:
        """Whether this allows nothing that the other does not."""
        return (
            other.not_before_s <= self.not_before_s
            and self.not_after_s <= other.not_after_s
            and _bounded(self.uses, other.uses)
            and _bounded(self.speed_most_dmps, other.speed_most_dmps)
            and _bounded(self.lease_s, other.lease_s)
            and (other.area is None or (self.area is not None and self.area.within(other.area)))
        )


def _bounded(own: int, other: int) -> bool:
    """As bounds where 0 stands for none."""
    return other == 0 or 0 < own <= other
