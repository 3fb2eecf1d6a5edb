"""A route as energy sees it: height, expected speed and heading by distance, stops and chargers.

Files are our CSV or a GPX track. A CSV has a heading line and the columns `distance_m`, `height_m` and
`limit_kmh`; `heading_deg` (compass: 0 north, 90 east), `stop` (1: one may have to stop there), `charger_kw`
and `charger` (its name) may be there too.
"""

from __future__ import annotations

import contextlib
import csv
import itertools
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from volant.core.errors import InputError
from volant.core.units import mps_from_kmh
from volant.road.xmltree import Element, Reader, parse_xml

Floats = NDArray[np.float64]

MOST_BYTES: Final = 32_000_000
MOST_POINTS: Final = 200_000
LONGEST_M: Final = 5_000_000.0
HIGHEST_M: Final = 9_000.0
MOST_SLOPE: Final = 0.5
"""Over `SLOPE_M`; the steepest streets have some 0.37 (recalled), and beyond tyres slip."""
SLOPE_M: Final = 25.0
"""Nearer heights are not compared: files tell them in whole metres."""
LIMITS_KMH: Final = (1.0, 250.0)
STRONGEST_W: Final = 1e6
EARTH_M: Final = 6_371_008.8
"""Mean radius (IUGG); a distance from it is right within 0.5 %."""
GPX_LIMIT_MPS: Final = 80.0 / 3.6
"""Expected where a track tells no speed (chosen)."""
GPX_APART_M: Final = 5.0
"""Points of a track that are nearer than this are left out: their heights and headings are noise."""
GPX_SMOOTH_M: Final = 150.0
"""Heights of a track are averaged over so much; barometers and maps step by metres."""
_NEEDED: Final = ("distance_m", "height_m", "limit_kmh")
_KNOWN: Final = (*_NEEDED, "heading_deg", "stop", "charger_kw", "charger")


@dataclass(frozen=True, slots=True)
class Charger:
    """A place to charge at."""

    name: str
    at_m: float
    """Along the route."""
    power_w: float
    """That the station gives at most."""


@dataclass(frozen=True, slots=True)
class Spot:
    """One place of a route."""

    height_m: float
    slope: float
    """Rise by distance."""
    limit_mps: float
    heading_rad: float
    """NaN where the route does not tell it."""


@dataclass(frozen=True, slots=True, eq=False)
class RouteProfile:
    """A route; the arrays are of one length, at least two, and read-only.

    Raises:
        ValueError: distances do not rise from 0, lengths differ, or a value is not finite.
    """

    distance_m: Floats
    """Rising from 0."""
    height_m: Floats
    """Linear between the points."""
    limit_mps: Floats
    """Speed that a driver would expect; holds until the next point."""
    heading_rad: Floats
    """East is 0, north pi/2 (ISO 8855); holds until the next point. NaN: not known."""
    stops: tuple[float, ...] = ()
    """Distances at which one may have to stop."""
    chargers: tuple[Charger, ...] = ()
    heights_known: bool = True
    """False: its source tells none, and it is taken as flat."""

    def __post_init__(self) -> None:
        arrays = (self.distance_m, self.height_m, self.limit_mps, self.heading_rad)
        if len({len(one) for one in arrays}) != 1 or len(self.distance_m) < 2:
            raise ValueError("a profile needs arrays of one length, two points or more")
        if not all(bool(np.isfinite(one).all()) for one in arrays[:3]):
            raise ValueError("a profile's distances, heights and limits are finite")
        if self.distance_m[0] != 0.0 or not bool((np.diff(self.distance_m) > 0.0).all()):
            raise ValueError("a profile's distances rise from 0")
        if not bool((self.limit_mps > 0.0).all()):
            raise ValueError("a profile's limits are above 0")
        for one in arrays:
            one.setflags(write=False)

    @property
    def length_m(self) -> float:
        """From the first to the last point."""
        return float(self.distance_m[-1])

    def spot(self, at_m: float) -> Spot:
        """The place at a distance; beyond its ends the route goes on as it began or ended, level."""
        distance_m, height_m = self.distance_m, self.height_m
        last = len(distance_m) - 1
        index = min(max(int(np.searchsorted(distance_m, at_m, side="right")) - 1, 0), last - 1)
        length_m = float(distance_m[index + 1] - distance_m[index])
        slope = float(height_m[index + 1] - height_m[index]) / length_m
        inside = 0.0 <= at_m <= self.length_m
        return Spot(
            height_m=float(np.interp(at_m, distance_m, height_m)),
            slope=slope if inside else 0.0,
            limit_mps=float(self.limit_mps[index]),
            heading_rad=float(self.heading_rad[index]),
        )

    def slope_between(self, from_m: float, to_m: float) -> float:
        """Mean rise by distance between two places."""
        if to_m - from_m < 1e-6:
            return self.spot(from_m).slope
        low_m, high_m = np.interp((from_m, to_m), self.distance_m, self.height_m)
        return float((high_m - low_m) / (to_m - from_m))

    def stops_between(self, from_m: float, to_m: float) -> int:
        """How many stops lie after one place and not after another."""
        return sum(1 for one in self.stops if from_m < one <= to_m)


def profile_of(
    distance_m: Floats,
    height_m: Floats,
    limit_mps: Floats,
    heading_rad: Floats | None = None,
    *,
    stops: tuple[float, ...] = (),
    chargers: tuple[Charger, ...] = (),
    heights_known: bool = True,
) -> RouteProfile:
    """A profile from arrays, which are copied; without headings they are not known."""
    if heading_rad is None:
        heading_rad = np.full(len(distance_m), math.nan)
    at, height, limit, heading = (
        np.array(one, dtype=np.float64) for one in (distance_m, height_m, limit_mps, heading_rad)
    )
    return RouteProfile(at, height, limit, heading, stops, chargers, heights_known)


def read_profile(path: Path) -> RouteProfile:
    """Read a route from a CSV or, by its ending, a GPX file.

    Raises:
        InputError: it cannot be read, is too large, or a value is missing or out of bounds (file, line).
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        words = f"cannot be read: {error.strerror or error}"
        raise InputError(words, file=str(path)) from error
    if len(data) > MOST_BYTES:
        raise InputError(f"more than {MOST_BYTES} bytes", file=str(path))
    if path.suffix.lower() == ".gpx":
        return _from_gpx(data, str(path))
    return _from_csv(data, str(path))


def _from_csv(data: bytes, file: str) -> RouteProfile:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("not UTF-8 text", file=file) from error
    numbered = [
        (number, line)
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.startswith("#")
    ]
    if len(numbered) > MOST_POINTS + 1:
        raise InputError(f"more than {MOST_POINTS} points", file=file)
    try:
        rows = list(csv.reader(line for _number, line in numbered))
    except csv.Error as error:
        raise InputError(f"not a CSV: {error}", file=file) from error
    if len(rows) < 3 or len(rows) != len(numbered):
        raise InputError("expected a heading line and two points or more, one a line", file=file)
    names = [name.strip() for name in rows[0]]
    for mark in ";\t":
        if len(names) == 1 and mark in rows[0][0]:
            words = f"values are separated by {mark!r}, expected ','"
            raise InputError(words, file=file, line=numbered[0][0])
    for name in _NEEDED:
        if name not in names:
            raise InputError(f"column {name} is missing", file=file, line=numbered[0][0])
    for name in names:
        if name not in _KNOWN or names.count(name) > 1:
            words = f"column {name[:40]!r}, expected each of {', '.join(_KNOWN)} once"
            raise InputError(words, file=file, line=numbered[0][0])
    points = [
        _csv_point(dict(zip(names, row, strict=False)), len(row) == len(names), file, number)
        for (number, _line), row in zip(numbered[1:], rows[1:], strict=True)
    ]
    return _joined(points, file)


@dataclass(frozen=True, slots=True)
class _Point:
    line: int
    distance_m: float
    height_m: float
    limit_mps: float
    heading_rad: float
    stop: bool = False
    charger: Charger | None = None


def _csv_point(cells: dict[str, str], whole: bool, file: str, line: int) -> _Point:
    if not whole:
        raise InputError("expected a value for each column", file=file, line=line)

    def number(name: str, low: float, high: float) -> float:
        raw = cells[name].strip()
        try:
            value = float(raw)
        except ValueError:
            value = math.nan
        if not low <= value <= high or "_" in raw:
            words = f"{raw[:40]!r}, expected a number from {low:g} to {high:g}"
            raise InputError(words, file=file, line=line, where=name)
        return value

    def given(name: str) -> bool:
        return bool(cells.get(name, "").strip())

    distance_m = number("distance_m", 0.0, LONGEST_M)
    heading_rad = math.nan
    if given("heading_deg"):
        heading_rad = math.radians(90.0 - number("heading_deg", -360.0, 360.0))
    charger = None
    if given("charger_kw"):
        power_w = 1000.0 * number("charger_kw", 0.1, STRONGEST_W / 1000.0)
        name = cells.get("charger", "").strip() or f"km {distance_m / 1000.0:.1f}"
        charger = Charger(name[:80], distance_m, power_w)
    return _Point(
        line,
        distance_m,
        number("height_m", -500.0, HIGHEST_M),
        mps_from_kmh(number("limit_kmh", *LIMITS_KMH)),
        heading_rad,
        given("stop") and number("stop", 0.0, 1.0) > 0.0,
        charger,
    )


def _joined(points: list[_Point], file: str) -> RouteProfile:
    if points[0].distance_m != 0.0:
        raise InputError(
            "expected 0 at the first point", file=file, line=points[0].line, where="distance_m"
        )
    for before, after in itertools.pairwise(points):
        if after.distance_m <= before.distance_m:
            words = f"{after.distance_m:g} after {before.distance_m:g}, expected more"
            raise InputError(words, file=file, line=after.line, where="distance_m")
    distance_m = np.array([one.distance_m for one in points])
    height_m = np.array([one.height_m for one in points])
    _check_slopes(distance_m, height_m, [one.line for one in points], file)
    return profile_of(
        distance_m,
        height_m,
        np.array([one.limit_mps for one in points]),
        np.array([one.heading_rad for one in points]),
        stops=tuple(one.distance_m for one in points if one.stop),
        chargers=tuple(one.charger for one in points if one.charger is not None),
    )


def _check_slopes(distance_m: Floats, height_m: Floats, lines: list[int], file: str) -> None:
    """Refuse what no car climbs: it would count as energy that comes back on the other side."""
    rise_m = height_m - np.interp(distance_m - SLOPE_M, distance_m, height_m)
    steep = np.flatnonzero(np.abs(rise_m) > MOST_SLOPE * SLOPE_M)
    if len(steep):
        last = int(steep[0])
        slope_pct = 100.0 * float(rise_m[last]) / SLOPE_M
        words = (
            f"a slope of {slope_pct:+.0f} %, at most {100.0 * MOST_SLOPE:.0f} over {SLOPE_M:.0f} m: "
            "the steepest streets have some 37, and beyond tyres slip"
        )
        raise InputError(words, file=file, line=lines[last], where="height")


def _from_gpx(data: bytes, file: str) -> RouteProfile:
    root = parse_xml(data, file)
    if root.tag != "gpx":
        raise InputError(f"<{root.tag[:40]}>, expected <gpx>", file=file, line=root.line)
    found = [
        point
        for track in root.all("trk")
        for part in track.all("trkseg")
        for point in part.all("trkpt")
    ] or [point for route in root.all("rte") for point in route.all("rtept")]
    if len(found) > MOST_POINTS:
        raise InputError(f"more than {MOST_POINTS} points", file=file)
    reader = Reader(file)
    points = _thinned([_gpx_point(reader, one) for one in found])
    if len(points) < 2:
        raise InputError("expected a track or route of two points or more", file=file)
    distance_m = np.array([one.distance_m for one in points])
    if distance_m[-1] > LONGEST_M:
        raise InputError(f"{distance_m[-1]:.0f} m, at most {LONGEST_M:.0f}", file=file)
    height_m = np.array([one.height_m for one in points])
    told = np.isfinite(height_m)
    known = bool(told.any())
    if known:
        height_m = _smoothed(distance_m, np.interp(distance_m, distance_m[told], height_m[told]))
        _check_slopes(distance_m, height_m, [one.line for one in points], file)
    return profile_of(
        distance_m,
        height_m if known else np.zeros(len(points)),
        np.full(len(points), GPX_LIMIT_MPS),
        np.array([one.heading_rad for one in points]),
        heights_known=known,
    )


@dataclass(frozen=True, slots=True)
class _Place:
    line: int
    latitude: float
    longitude: float
    """In radians."""
    height_m: float
    """NaN: not told."""


def _gpx_point(reader: Reader, element: Element) -> _Place:
    latitude, longitude = reader.number(element, "lat"), reader.number(element, "lon")
    if abs(latitude) > 90.0 or abs(longitude) > 180.0:
        raise reader.error(element, f"{latitude:g}, {longitude:g}: no place on the earth")
    child = element.first("ele")
    height_m = math.nan
    if child is not None:
        with contextlib.suppress(ValueError):
            height_m = float(child.text)
        if not -500.0 <= height_m <= HIGHEST_M:
            words = f"{child.text[:40]!r}, expected a height from -500 to {HIGHEST_M:g} m"
            raise reader.error(child, words)
    return _Place(element.line, math.radians(latitude), math.radians(longitude), height_m)


def _thinned(places: list[_Place]) -> list[_Point]:
    """Points that are some way apart, with their distance and heading."""
    if not places:
        return []
    last = places[0]
    found = [_Point(last.line, 0.0, last.height_m, GPX_LIMIT_MPS, math.nan)]
    for one in places[1:]:
        north_m = EARTH_M * (one.latitude - last.latitude)
        turned = math.remainder(one.longitude - last.longitude, 2.0 * math.pi)
        east_m = EARTH_M * turned * math.cos(0.5 * (one.latitude + last.latitude))
        step_m = math.hypot(north_m, east_m)
        if step_m < GPX_APART_M:
            continue
        heading_rad = math.atan2(north_m, east_m)
        found[-1] = replace(found[-1], heading_rad=heading_rad)
        at_m, last = found[-1].distance_m + step_m, one
        found.append(_Point(one.line, at_m, one.height_m, GPX_LIMIT_MPS, heading_rad))
    return found


def _smoothed(distance_m: Floats, height_m: Floats) -> Floats:
    """Heights as means over a length that is centred on each point, shorter at the ends.

    A point without another in that length stays as it is: there is no noise to average, and its mean
    would cut off summits.
    """
    apart_m, rise_m = np.diff(distance_m), np.diff(height_m)
    area = np.concatenate(([0.0], np.cumsum(0.5 * (height_m[1:] + height_m[:-1]) * apart_m)))

    def area_to(at_m: Floats) -> Floats:
        """Integral of the heights, which are linear between the points: quadratic there."""
        index = np.clip(np.searchsorted(distance_m, at_m, side="right") - 1, 0, len(apart_m) - 1)
        on_m = at_m - distance_m[index]
        slope = rise_m[index] / apart_m[index]
        whole: Floats = area[index] + on_m * (height_m[index] + 0.5 * slope * on_m)
        return whole

    reach_m = np.minimum(0.5 * GPX_SMOOTH_M, np.minimum(distance_m, distance_m[-1] - distance_m))
    mean_m = (area_to(distance_m + reach_m) - area_to(distance_m - reach_m)) / np.maximum(
        2.0 * reach_m, 1e-9
    )
    far = np.concatenate(([np.inf], apart_m, [np.inf]))
    alone = np.minimum(far[:-1], far[1:]) >= reach_m
    return np.where(alone, height_m, mean_m)


__all__ = ["Charger", "RouteProfile", "Spot", "profile_of", "read_profile"]
