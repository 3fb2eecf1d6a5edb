"""The route of a trip as a profile: read off the road network, and as it stands on the signal tree.

On the tree it is a handful of arrays of one length, so that whoever predicts needs no map: an app, another
program, or our own process `energy`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from volant.caros.energy.profile import Charger, RouteProfile, profile_of
from volant.core.units import kmh_from_mps, mps_from_kmh
from volant.road import Control, Corridor, CorridorColumn, Gate

Floats = NDArray[np.float64]

STEP_M: Final = 20.0
"""Between two points, at most; longer on routes that would have more than `MOST_POINTS`."""
MOST_POINTS: Final = 1000
"""And as many more where limits change: all four arrays fit a packet of an app's socket."""
LATERAL_MPS2: Final = 1.7
"""Expected in a curve: what the pilot drives with (`pilot.planning.plan.PlanTuning`)."""
UNLIMITED_MPS: Final = 130.0 / 3.6
"""Expected where no limit holds."""
SLOWEST_MPS: Final = 1.0
BESIDE_M: Final = 100.0
"""A charger that stands further from the route is not on it."""
MAY_STOP: Final = (Control.LIGHT, Control.STOP, Control.GIVE_WAY, Control.RIGHT_FIRST)

_R: Final = "Vehicle.ADAS.Pilot.Route."
LENGTH: Final = _R + "Length"
POSITION: Final = _R + "Position"
DISTANCE: Final = _R + "Distance"
HEIGHT: Final = _R + "Height"
SPEED: Final = _R + "ExpectedSpeed"
HEADING: Final = _R + "Heading"
STOPS: Final = _R + "Stops"
NAMES: Final = _R + "Charger.Names"
PLACES: Final = _R + "Charger.Places"
POWERS: Final = _R + "Charger.Powers"
ARRAYS: Final = (DISTANCE, HEIGHT, SPEED, HEADING, STOPS, NAMES, PLACES, POWERS)
PATHS: Final = (LENGTH, POSITION, *ARRAYS)
"""Every signal of the route."""


@dataclass(frozen=True, slots=True)
class Post:
    """A charger in the world."""

    name: str
    x_m: float
    y_m: float
    power_w: float


def route_of(
    corridor: Corridor,
    from_m: float,
    to_m: float,
    gates: Mapping[int, Gate] | None = None,
    posts: Sequence[Post] = (),
) -> RouteProfile:
    """The profile of a stretch of a corridor.

    Args:
        corridor: that is driven.
        from_m: station on it where the route begins.
        to_m: where it ends.
        gates: entries of junctions by their lane, for places where one may have to stop.
        posts: chargers; those beside the route are on it, without a word on the way from it and back.

    Raises:
        ValueError: the stretch is no longer than a metre.
    """
    table = corridor.table
    rows = table[(table[:, CorridorColumn.S] >= from_m) & (table[:, CorridorColumn.S] <= to_m)]
    if len(rows) < 3:
        raise ValueError("a route of no length")
    distance_m = rows[:, CorridorColumn.S] - rows[0, CorridorColumn.S]
    expected_mps = _expected(rows)
    chosen = _chosen(distance_m, rows[:, CorridorColumn.LIMIT])
    slowest_mps: Floats = np.minimum.reduceat(expected_mps, chosen)
    return profile_of(
        np.round(distance_m[chosen], 1),
        np.round(rows[chosen, CorridorColumn.Z], 2),
        np.round(slowest_mps, 3),
        rows[chosen, CorridorColumn.HEADING],
        stops=_stops(rows, distance_m, gates or {}),
        chargers=_beside(rows, distance_m, posts),
    )


def _expected(rows: Floats) -> Floats:
    """Speed by limit and curve at each row."""
    limit_mps = rows[:, CorridorColumn.LIMIT]
    free = ~np.isfinite(limit_mps) | (limit_mps <= 0.0)
    limit_mps = np.minimum(np.where(free, UNLIMITED_MPS, limit_mps), UNLIMITED_MPS)
    bend = np.maximum(np.abs(rows[:, CorridorColumn.CURVATURE]), 1e-6)
    return np.maximum(np.minimum(limit_mps, np.sqrt(LATERAL_MPS2 / bend)), SLOWEST_MPS)


def _chosen(distance_m: Floats, limit_mps: Floats) -> NDArray[np.int64]:
    """Rows to keep: each step, wherever the limit changes, and the last."""
    length_m = float(distance_m[-1])
    step_m = max(STEP_M, length_m / MOST_POINTS)
    stepped = np.searchsorted(distance_m, np.arange(0.0, length_m, step_m))
    changed = np.flatnonzero(np.diff(limit_mps) != 0.0) + 1
    last = len(distance_m) - 1
    found = np.unique(np.concatenate([stepped, changed[:MOST_POINTS], [last]]))
    apart = np.concatenate([[True], np.diff(np.round(distance_m[found], 1)) > 0.0])
    kept: NDArray[np.int64] = found[apart].astype(np.int64)
    return kept


def _stops(rows: Floats, distance_m: Floats, gates: Mapping[int, Gate]) -> tuple[float, ...]:
    """Where a gate of a lane on the way may hold the car."""
    lanes = rows[:, CorridorColumn.LANE].astype(np.int64)
    entered = [0, *(np.flatnonzero(np.diff(lanes)) + 1).tolist()]
    found: list[float] = []
    for row in entered:
        gate = gates.get(int(lanes[row]))
        if gate is None or gate.control not in MAY_STOP:
            continue
        at_m = float(distance_m[row])
        if gate.lane == gate.approach:  # a light along the lane
            at_m += gate.stop_s_m - float(rows[row, CorridorColumn.LANE_S])
        if 0.0 < at_m <= distance_m[-1]:
            found.append(round(at_m, 1))
    return tuple(sorted(set(found)))


def _beside(rows: Floats, distance_m: Floats, posts: Sequence[Post]) -> tuple[Charger, ...]:
    found: list[Charger] = []
    for post in posts:
        away_m = np.hypot(
            rows[:, CorridorColumn.X] - post.x_m, rows[:, CorridorColumn.Y] - post.y_m
        )
        nearest = int(away_m.argmin())
        if away_m[nearest] <= BESIDE_M:
            found.append(Charger(post.name, round(float(distance_m[nearest]), 1), post.power_w))
    return tuple(sorted(found, key=lambda one: (one.at_m, one.name)))


def values_of(profile: RouteProfile | None) -> dict[str, Any]:
    """A profile as values of signals by path, without the position; none where there is no route."""
    if profile is None:
        return dict.fromkeys((LENGTH, *ARRAYS))
    known = np.isfinite(profile.heading_rad)
    degrees = np.where(known, (90.0 - np.degrees(profile.heading_rad)) % 360.0, -1.0)
    chargers = profile.chargers
    return {
        LENGTH: profile.length_m,
        DISTANCE: tuple(profile.distance_m.tolist()),
        HEIGHT: tuple(profile.height_m.tolist()),
        SPEED: tuple(np.round(kmh_from_mps(1.0) * profile.limit_mps, 2).tolist()),
        HEADING: tuple(np.round(degrees, 1).tolist()),
        STOPS: profile.stops,
        NAMES: tuple(one.name for one in chargers),
        PLACES: tuple(one.at_m for one in chargers),
        POWERS: tuple(one.power_w / 1000.0 for one in chargers),
    }


def profile_on(values: Mapping[str, Any]) -> RouteProfile | None:
    """The profile that values of signals tell; None where they tell none, or nonsense."""
    arrays = [values.get(path) for path in ARRAYS]
    if not all(isinstance(one, list | tuple) for one in arrays):
        return None
    try:
        distance_m, height_m, speed_kmh, degrees = (_floats(one) for one in arrays[:4])
        stops, places_m, powers_kw = (_floats(arrays[i]).tolist() for i in (4, 6, 7))
        names = [str(one) for one in values[NAMES]]
        heading_rad = np.where(degrees < 0.0, math.nan, np.radians(90.0 - degrees))
        return profile_of(
            distance_m,
            height_m,
            speed_kmh * mps_from_kmh(1.0),
            heading_rad,
            stops=tuple(stops),
            chargers=tuple(
                Charger(name, at_m, 1000.0 * kw)
                for name, at_m, kw in zip(names, places_m, powers_kw, strict=True)
            ),
        )
    except (TypeError, ValueError):
        return None


def _floats(values: Any) -> Floats:
    return np.array(values, dtype=np.float64)


__all__ = [
    "LENGTH", "PATHS", "POSITION", "Post", "profile_on", "route_of", "values_of",
]  # fmt: skip
