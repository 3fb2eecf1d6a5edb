"""Who may come from behind what stands in the way: places beside the course that nobody can see.

Behind each parked or waiting vehicle ahead a person or a child may be; the place where one would come
into sight is told, so that the plan can be slow enough there. Nobody is invented as a track.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from volant.core.clock import NS_PER_S
from volant.pilot.perception.belief import Ego
from volant.pilot.perception.track import TrackColumn, Tracker

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class OcclusionPoint:
    """A place where somebody unseen may come onto the course."""

    station_m: float
    """Of the far end of what hides it, where one would step out."""
    aside_m: float
    """From the course's reference to the hiding side, left positive."""
    speed_mps: float
    """How fast who comes may be."""
    hider: int
    """Id of the track that hides the place."""


@dataclass(frozen=True, slots=True)
class HiddenTuning:
    """What can hide somebody, and who may come."""

    standing_mps: float = 0.5
    """Slower counts as parked or waiting."""
    least_length_m: float = 2.5
    """Shorter things hide nobody."""
    ahead_m: float = 80.0
    """Farther ahead there is time enough later."""
    aside_m: float = 5.0
    """Farther aside one is seen in time: at 1.4 m/s it takes 2.5 s to the own car's side."""
    inside_m: float = 0.9
    """Nearer than this to the reference it is itself in the way."""
    person_mps: float = 1.4
    """A walking adult, 5 km/h: Euro NCAP's child from behind parked cars goes as fast (vehicle.md 5)."""
    unseen_s: float = 1.0
    """Hiders not seen for longer are left out."""


def occlusion_points(
    tracker: Tracker, ego: Ego, tuning: HiddenTuning
) -> tuple[OcclusionPoint, ...]:
    """Hidden places ahead on the course, the nearest first; the tracks must stand on the course."""
    found = []
    now_s = tracker.stamp_ns / NS_PER_S
    for row in _standing(tracker, now_s, tuning).tolist():
        offset_m = row[TrackColumn.OFFSET]
        side = 1.0 if offset_m > 0.0 else -1.0
        near_m = abs(offset_m) - 0.5 * row[TrackColumn.WIDTH]
        end_m = row[TrackColumn.STATION] + 0.5 * row[TrackColumn.LENGTH]
        if not tuning.inside_m < near_m < tuning.aside_m:
            continue
        if not 0.0 < end_m - ego.station_m < tuning.ahead_m:
            continue
        found.append(
            OcclusionPoint(end_m, side * near_m, tuning.person_mps, int(row[TrackColumn.ID]))
        )
    found.sort(key=lambda point: (point.station_m, point.hider))
    return tuple(found)


def _standing(tracker: Tracker, now_s: float, tuning: HiddenTuning) -> Array:
    """The believed tracks of standing vehicles on the course that were seen just now."""
    table = tracker.table
    stands = (table[:, TrackColumn.CONFIRMED] > 0.0) & (table[:, TrackColumn.ON] != 0.0)
    stands &= np.abs(table[:, TrackColumn.RATE]) <= tuning.standing_mps
    stands &= np.abs(table[:, TrackColumn.SIDE_RATE]) <= tuning.standing_mps
    stands &= table[:, TrackColumn.LENGTH] >= tuning.least_length_m
    stands &= now_s - table[:, TrackColumn.SEEN_S] <= tuning.unseen_s
    found: Array = table[stands]
    return found
