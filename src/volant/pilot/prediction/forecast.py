"""What the others will do: along their lanes, with a second mode for those who move into ours.

The corridor's own frame carries the curvature of the road, so "along the lane" is a straight line here.
Oncoming traffic keeps its way with a negative rate. Lane intentions at junctions are not told apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from volant.pilot.perception.localize import Ego
from volant.pilot.perception.track import Tracker
from volant.pilot.prediction.forecast_kernels import forecast as roll

Array = NDArray[np.float64]


class ModeColumn(IntEnum):
    """Columns of `Forecast.modes`."""

    WEIGHT = 0
    CUT_IN = 1
    HALF_LENGTH = 2  # along the corridor, m
    HALF_WIDTH = 3  # across it
    ID = 4
    CLASS = 5
    TRACK = 6  # row of the confirmed tracks


class PointColumn(IntEnum):
    """Columns of `Forecast.points`."""

    STATION = 0
    OFFSET = 1
    RATE = 2
    ACCEL = 3


@dataclass(frozen=True, slots=True)
class ForecastTuning:
    """How far present motion is believed to last."""

    dt_s: float = 0.25
    """Between points of a forecast."""
    steps: int = 32
    """8 s: long enough to stop from 28 m/s at 3.5 m/s2."""
    hold_s: float = 1.5
    """Braking lasts this long before it is expected to ease."""
    fade_s: float = 1.5
    """Then acceleration dies out in this time."""
    side_fade_s: float = 0.7
    """Lateral velocity of one who keeps his lane dies out in this time."""
    look_s: float = 2.5
    """Lateral velocity is carried on this long to see whether it reaches us."""
    start: float = 0.35
    """Share of the room between us that this must cover before a cut-in is thought of."""
    band_m: float = 1.1
    """Half of what the own car sweeps, with a hand's breadth."""
    lamp: float = 0.35
    """What an indicator towards us adds to the weight of a cut-in."""
    behind_m: float = 40.0
    """Who follows farther behind does not matter within the horizon."""
    ahead_m: float = 250.0
    """Range of a front radar."""
    aside_m: float = 14.0
    """Road users farther away than these are not forecast."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Modes of all road users near the corridor."""

    dt_s: float
    modes: Array
    """[m, 7], columns by ModeColumn."""
    points: Array
    """[m, steps + 1, 4], columns by PointColumn, from now on every dt_s."""


def foresee(tracker: Tracker, ego: Ego, tuning: ForecastTuning) -> Forecast:
    """Forecast every believed track near the corridor."""
    numbers = np.array(
        (
            *(tuning.hold_s, tuning.fade_s, tuning.side_fade_s, tuning.look_s, tuning.start),
            *(tuning.band_m, tuning.lamp, tuning.behind_m, tuning.ahead_m, tuning.aside_m),
        )
    )
    modes, points = roll(tracker.confirmed, ego.station_m, tuning.dt_s, tuning.steps, numbers)
    return Forecast(tuning.dt_s, modes, points)
