"""What localisation believes of the own car: the state of its filter, and the figures it is tuned by."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from volant.core.clock import NS_PER_S
from volant.core.messages import GnssReturn, LaneReturn
from volant.pilot.perception.lanes import LaneBelief, LaneTuning
from volant.road import CorridorColumn

Array = NDArray[np.float64]
ROAD_HEADING = int(CorridorColumn.HEADING)
ROAD_CURVATURE = int(CorridorColumn.CURVATURE)
"""Plain, because numba looks the type of an IntEnum up anew at each call, which costs 50 us."""

HISTORY: Final = 64
"""Rows of history, one a control tick: measurements up to 0.6 s late find their place."""
STATES: Final = 7
STATION, OFFSET, HEADING, _SLIP, BIAS, DRIFT_X, DRIFT_Y = range(STATES)
ROW_STATION: Final = np.array((1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0))
ROW_OFFSET: Final = np.array((0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0))
ROW_HEADING: Final = np.array((0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0))


@dataclass(frozen=True, slots=True)
class LocalizeTuning:
    """Noise and gates of the filter; spreads are standard deviations."""

    along_density: float = 0.02
    """m/sqrt(m): wheels are out by 2 m on 10 km (radius changes slowly; GNSS holds the rest)."""
    heading_density: float = 0.001
    """rad/sqrt(s): noise of an automotive gyro, about 0.06 deg/sqrt(s) (recalled)."""
    slip_gain: float = -0.005
    """rad per m/s2 of lateral acceleration: of the rear axle of a passenger car (estimated; 1700 kg on
    a rear cornering stiffness of 150 kN/rad). The filter takes up the rest."""
    slip_density: float = 0.004
    """rad/sqrt(s): what that leaves (bank, load, tyres) changes by some milliradians in a second."""
    slip_return_s: float = 4.0
    """And dies out in this time without news."""
    bias_density: float = 0.0001
    """rad/s/sqrt(s): drift of the gyro's bias."""
    lane_offset_sigma_m: float = 0.05
    """Of the lane sensor (issue 2: 0.05 m)."""
    lane_heading_sigma_rad: float = 0.01
    """Of the lane sensor, half a degree."""
    gnss_white: float = 0.6
    """Part of the stated spread that changes from fix to fix (estimated)."""
    gnss_drift: float = 0.92
    """Part that stays for a while: satellites, atmosphere, reflections (estimated)."""
    gnss_drift_s: float = 60.0
    """For about so long (estimated)."""
    gnss_heading_sigma_rad: float = 0.05
    """Of a receiver with two antennas, three degrees."""
    gnss_doubt_s: float = 2.0
    """After so long a contradiction along the road the own belief is doubted."""
    gnss_jump_m: float = 3.0
    """A fix that is off by more at once, after one that was believed, has jumped: wheels and gyro cannot
    (within a second they err by a hand's breadth; chosen: five times a good receiver's white part)."""
    gnss_far: float = 5.0
    """A slow error of so many of its spreads is none: the receiver is wrong."""
    gnss_still_mps: float = 0.3
    """Slower than this a place that is told again may be right."""
    gnss_least_m: float = 0.02
    """No receiver is believed to be better than this."""
    gate: float = 5.0
    """Standard deviations beyond which a measurement is not believed."""
    lane_gate_m: float = 0.8
    """A lane offset this far from a sure belief is another lane's line."""
    lane_gate_most_m: float = 1.2
    """And this far from any belief: half a lane is 1.75 m."""
    first_lane_gate_m: float = 3.2
    """Before any lane return was believed: GNSS (sigma 1 m and drifting, vehicle.md 6) cannot tell
    lanes apart, so the car is taken to be in the lane that its way begins in; three sigma."""
    lane_gate_alone_m: float = 2.2
    """And so far to a side where no lane of ours lies, once no paint was seen for a while: behind a turn
    the error along the road before it has become one across."""
    unsure_m: float = 0.1
    """Spread across from which on that is so; with paint in sight it is a fifth of this."""
    mark_range_part: float = 0.08
    """Of a landmark's distance, and"""
    mark_angle_rad: float = 0.012
    """of its direction: twice what the camera is out by, since frames that follow err alike (estimated)."""
    paint_sigma_m: float = 0.5
    """Where paint ends or begins is known so well along the road: rows of a metre, and frames,"""
    paint_sigma_s: float = 0.04
    """which miss a part of what is driven between two of them."""
    paint_wait_s: float = 0.3
    """So long nothing is seen until paint has ended: cameras miss a few frames at a time."""
    paint_gap_s: float = 1.0
    """Paint that was not seen for so long begins anew."""
    lane_conflict_mps: float = 5.0
    """Slower than this a contradiction of the lane counts by the way driven instead of by time."""
    still_mps: float = 0.1
    """Slower than this the car stands."""
    lane_relearn_s: float = 15.0
    """After so long a conflict, when the takeover (10 s) is over, the lane is looked for anew."""
    lane_confidence: float = 0.3
    """Lane returns below this confidence are not used."""
    oldest_s: float = 0.5
    """Measurements older than this are not used."""
    speed_gate_mps: float = 120.0
    """A car state beyond this is broken (the bound of the message)."""
    yaw_rate_gate_rps: float = 3.0
    """Likewise; a car that spins turns at about 2 rad/s (estimated)."""
    match_gate_m: float = 10.0
    """A first position this far from the course is not on it."""
    lanes: LaneTuning = field(default_factory=LaneTuning)
    """Of the hypotheses over lanes."""


class Ego(msgspec.Struct, frozen=True):
    """What the pilot believes of the own car, and the filter that believes it."""

    stamp_ns: int
    mean: Array
    """[7] station, offset, heading error, slip, gyro bias, slow error of GNSS in x and y."""
    cov: Array
    """[7, 7] of the mean."""
    history: Array
    """[64, 7] newest first: stamp, odometry x, y, yaw, station, offset, heading error."""
    speed_mps: float
    yaw_rate_rps: float
    accel_mps2: float
    bend_slip_rad: float
    """The part of slip that lateral acceleration explains."""
    matched: bool
    """A place on the course was found."""
    car_ns: int
    """Stamp of the last believable car state."""
    lane_ns: int
    """Stamp of the last lane return that was believed, -1 for none."""
    gnss_ns: int
    """Likewise of GNSS."""
    lane_conflict_s: float = 0.0
    """For how long lane returns have contradicted the belief."""
    gnss_conflict_s: float = 0.0
    last_lane: LaneReturn | None = None
    paint_ns: int = -1
    """Stamp of the last lane return that paint ended with, and that told where we are."""
    last_gnss: GnssReturn | None = None
    lanes: LaneBelief | None = None
    """Which lane of the graph the car is in; None without a map or before the first position."""

    @property
    def station_m(self) -> float:
        """Along the course."""
        return float(self.mean[STATION])

    @property
    def offset_m(self) -> float:
        """Left of the course's reference."""
        return float(self.mean[OFFSET])

    @property
    def heading_error_rad(self) -> float:
        """Relative to the course's reference."""
        return float(self.mean[HEADING])

    @property
    def slip_rad(self) -> float:
        """Course relative to heading at the rear axle."""
        return float(self.mean[_SLIP]) + self.bend_slip_rad

    @property
    def yaw_bias_rps(self) -> float:
        """What the gyro shows at rest."""
        return float(self.mean[BIAS])

    @property
    def sigma_along_m(self) -> float:
        """Standard deviation of the station."""
        return math.sqrt(max(float(self.cov[STATION, STATION]), 0.0))

    @property
    def sigma_heading_rad(self) -> float:
        """Standard deviation of the heading on the course."""
        return math.sqrt(max(float(self.cov[HEADING, HEADING]), 0.0))

    @property
    def sigma_across_m(self) -> float:
        """Standard deviation of the offset."""
        return math.sqrt(max(float(self.cov[OFFSET, OFFSET]), 0.0))


def start() -> Ego:
    """A belief of nothing."""
    return Ego(
        stamp_ns=0,
        mean=np.zeros(STATES),
        cov=np.diag(np.array([100.0, 4.0, 0.05, 1e-4, 1e-5, 1.0, 1.0])),
        history=np.zeros((HISTORY, 7)),
        speed_mps=0.0,
        yaw_rate_rps=0.0,
        accel_mps2=0.0,
        bend_slip_rad=0.0,
        matched=False,
        car_ns=-1,
        lane_ns=-1,
        gnss_ns=-1,
    )


def gnss_is_off(ego: Ego, tuning: LocalizeTuning) -> bool:
    """The receiver tells places that the car was never at: it has jumped, and not back."""
    off_m = math.hypot(float(ego.mean[DRIFT_X]), float(ego.mean[DRIFT_Y]))
    return off_m > max(tuning.gnss_far * drift_m(ego.last_gnss, tuning), tuning.gnss_jump_m)


def is_late(stamp_ns: int, ego: Ego, tuning: LocalizeTuning) -> bool:
    """Too old to be placed in the history, or from the future."""
    return not 0 <= ego.stamp_ns - stamp_ns <= tuning.oldest_s * NS_PER_S


def shift_history(history: Array, shift: Array) -> Array:
    """The history as it would have been believed with what is known now."""
    moved = history.copy()
    moved[:, 4:7] += shift[:3]
    return moved


def drift_m(gnss: GnssReturn | None, tuning: LocalizeTuning) -> float:
    """Spread of the slow error of GNSS."""
    stated_m = 1.0 if gnss is None else gnss.sigma_m
    return tuning.gnss_drift * max(stated_m, tuning.gnss_least_m)


def white_m(gnss: GnssReturn, tuning: LocalizeTuning) -> float:
    """Spread of what changes from fix to fix of GNSS."""
    return tuning.gnss_white * max(gnss.sigma_m, tuning.gnss_least_m)


def span_s(last: LaneReturn | GnssReturn | None, stamp_ns: int) -> float:
    """Time since the last return of this kind."""
    return 0.0 if last is None else min((stamp_ns - last.stamp_ns) / NS_PER_S, 0.2)
