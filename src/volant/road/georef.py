"""Where on Earth a map lies: its `geoReference`, a PROJ string, and degrees of a place on it.

Transverse Mercator and UTM are read, on WGS 84 or an ellipsoid that differs from it by less than a map does.
Series of Snyder, Map Projections - A Working Manual (USGS 1395), 8-17 to 8-25 and 3-21; good to millimetres within
3 degrees of the central meridian.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

_A_M: Final = 6_378_137.0
_F: Final = 1.0 / 298.257223563
"""WGS 84: equatorial radius and flattening."""
_E2: Final = _F * (2.0 - _F)
_EP2: Final = _E2 / (1.0 - _E2)
_UTM_K: Final = 0.9996
_UTM_EAST_M: Final = 500_000.0
_UTM_SOUTH_M: Final = 10_000_000.0


@dataclass(frozen=True, slots=True)
class GeoReference:
    """A transverse Mercator projection."""

    latitude_rad: float = 0.0
    """Of the origin."""
    longitude_rad: float = 0.0
    """Of the central meridian."""
    scale: float = 1.0
    east_m: float = 0.0
    """x of the central meridian."""
    north_m: float = 0.0
    """y of the origin."""

    def degrees(self, x_m: float, y_m: float) -> tuple[float, float]:
        """Latitude and longitude of a place on the map, in degrees."""
        foot = _foot_rad(_meridian_m(self.latitude_rad) + (y_m - self.north_m) / self.scale)
        sin, cos, tan = math.sin(foot), math.cos(foot), math.tan(foot)
        c, t = _EP2 * cos**2, tan**2
        n = _A_M / math.sqrt(1.0 - _E2 * sin**2)
        r = _A_M * (1.0 - _E2) / (1.0 - _E2 * sin**2) ** 1.5
        d = (x_m - self.east_m) / (n * self.scale)
        latitude = foot - n * tan / r * (
            d**2 / 2.0
            - (5.0 + 3.0 * t + 10.0 * c - 4.0 * c**2 - 9.0 * _EP2) * d**4 / 24.0
            + (61.0 + 90.0 * t + 298.0 * c + 45.0 * t**2 - 252.0 * _EP2 - 3.0 * c**2) * d**6 / 720.0
        )
        along = (
            d
            - (1.0 + 2.0 * t + c) * d**3 / 6.0
            + (5.0 - 2.0 * c + 28.0 * t - 3.0 * c**2 + 8.0 * _EP2 + 24.0 * t**2) * d**5 / 120.0
        ) / cos
        return math.degrees(latitude), math.degrees(self.longitude_rad + along)


def read_georef(text: str) -> GeoReference | None:
    """The projection of a `geoReference`; None where it has none that is known here."""
    pairs = (word.lstrip("+").partition("=") for word in text.split())
    words = {key: value for key, _, value in pairs}
    try:
        if words.get("proj") == "utm":
            zone = int(words["zone"])
            south = _UTM_SOUTH_M if "south" in words else 0.0
            meridian = math.radians(6.0 * zone - 183.0)
            found = GeoReference(0.0, meridian, _UTM_K, _UTM_EAST_M, south)
            return found if 1 <= zone <= 60 else None
        if words.get("proj") != "tmerc":
            return None
        one = {key: float(words.get(key, 0.0)) for key in ("lat_0", "lon_0", "x_0", "y_0")}
        scale = float(words.get("k", words.get("k_0", 1.0)))
    except (KeyError, ValueError):
        return None
    good = abs(one["lat_0"]) < 90.0 and abs(one["lon_0"]) <= 180.0 and 0.5 < scale < 2.0
    if not good or not math.isfinite(one["x_0"] + one["y_0"]):
        return None
    latitude, meridian = math.radians(one["lat_0"]), math.radians(one["lon_0"])
    return GeoReference(latitude, meridian, scale, one["x_0"], one["y_0"])


def _meridian_m(latitude: float) -> float:
    """From the equator along a meridian."""
    e4, e6 = _E2**2, _E2**3
    return _A_M * (
        (1.0 - _E2 / 4.0 - 3.0 * e4 / 64.0 - 5.0 * e6 / 256.0) * latitude
        - (3.0 * _E2 / 8.0 + 3.0 * e4 / 32.0 + 45.0 * e6 / 1024.0) * math.sin(2.0 * latitude)
        + (15.0 * e4 / 256.0 + 45.0 * e6 / 1024.0) * math.sin(4.0 * latitude)
        - 35.0 * e6 / 3072.0 * math.sin(6.0 * latitude)
    )


def _foot_rad(meridian_m: float) -> float:
    """Latitude at a distance from the equator along a meridian."""
    mu = meridian_m / (_A_M * (1.0 - _E2 / 4.0 - 3.0 * _E2**2 / 64.0 - 5.0 * _E2**3 / 256.0))
    root = math.sqrt(1.0 - _E2)
    e = (1.0 - root) / (1.0 + root)
    return (
        mu
        + (1.5 * e - 27.0 * e**3 / 32.0) * math.sin(2.0 * mu)
        + (21.0 * e**2 / 16.0 - 55.0 * e**4 / 32.0) * math.sin(4.0 * mu)
        + 151.0 * e**3 / 96.0 * math.sin(6.0 * mu)
        + 1097.0 * e**4 / 512.0 * math.sin(8.0 * mu)
    )


__all__ = ["GeoReference", "read_georef"]
