"""Where the car is: an extended Kalman filter in the frame of the corridor.

Wheels and gyro move the belief on at every control tick. The lane sensor holds the car across the lane
and in heading, GNSS holds it along the road; each measurement is compared with what was believed at its
own stamp, so latency costs nothing but lost news. A slip angle and the gyro's bias are estimated along
with it. GNSS says little about the place across the lane on purpose: its error is metres and slow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from volant.core.clock import NS_PER_S
from volant.core.geometry import wrap_angle_rad
from volant.core.messages import CarState, GnssReturn, LaneReturn, Localization, Scene
from volant.pilot.course import Course
from volant.pilot.perception.localize_kernels import column_at, correct, predict, recall, world_pose
from volant.road import CorridorColumn
from volant.road.kernels import project_uniform

Array = NDArray[np.float64]
_ROAD_HEADING = int(CorridorColumn.HEADING)
"""Plain, because numba looks the type of an IntEnum up anew at each call, which costs 50 us."""

HISTORY: Final = 64
"""Rows of history, one a control tick: measurements up to 0.6 s late find their place."""
_STATION, _OFFSET, _HEADING, _SLIP, _BIAS = range(5)
_ODO_X, _ODO_Y, _ODO_YAW = 1, 2, 3


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
    gnss_along_factor: float = 1.5
    """GNSS errors are not white: its stated spread counts this much more along the road."""
    gnss_across_factor: float = 6.0
    """And this much more across, where the lane sensor knows better."""
    gnss_heading_sigma_rad: float = 0.05
    """Of a receiver with two antennas, three degrees."""
    gnss_doubt_s: float = 2.0
    """After so long a contradiction along the road the own belief is doubted."""
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
    """A first position this far from the corridor is not on it."""


@dataclass(frozen=True, slots=True)
class Ego:
    """What the pilot believes of the own car, and the filter that believes it."""

    stamp_ns: int
    mean: Array
    """[5] station, offset, heading error, slip, gyro bias."""
    cov: Array
    """[5, 5] of the mean."""
    history: Array
    """[64, 7] newest first: stamp, odometry x, y, yaw, station, offset, heading error."""
    speed_mps: float
    yaw_rate_rps: float
    accel_mps2: float
    bend_slip_rad: float
    """The part of slip that lateral acceleration explains."""
    matched: bool
    """A place on the corridor was found."""
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
    last_gnss: GnssReturn | None = None

    @property
    def station_m(self) -> float:
        """Along the corridor."""
        return float(self.mean[_STATION])

    @property
    def offset_m(self) -> float:
        """Left of the corridor's reference."""
        return float(self.mean[_OFFSET])

    @property
    def heading_error_rad(self) -> float:
        """Relative to the corridor's reference."""
        return float(self.mean[_HEADING])

    @property
    def slip_rad(self) -> float:
        """Course relative to heading at the rear axle."""
        return float(self.mean[_SLIP]) + self.bend_slip_rad

    @property
    def yaw_bias_rps(self) -> float:
        """What the gyro shows at rest."""
        return float(self.mean[_BIAS])

    @property
    def sigma_along_m(self) -> float:
        """Standard deviation of the station."""
        return math.sqrt(max(float(self.cov[_STATION, _STATION]), 0.0))

    @property
    def sigma_across_m(self) -> float:
        """Standard deviation of the offset."""
        return math.sqrt(max(float(self.cov[_OFFSET, _OFFSET]), 0.0))


def start() -> Ego:
    """A belief of nothing."""
    return Ego(
        stamp_ns=0,
        mean=np.zeros(5),
        cov=np.diag(np.array([100.0, 4.0, 0.05, 1e-4, 1e-5])),
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


def move(ego: Ego, car: CarState, stamp_ns: int, course: Course, tuning: LocalizeTuning) -> Ego:
    """Carry the belief on to now by the car's own motion; a bad car state is ignored and the last used."""
    speed_mps, yaw_rate_rps, accel_mps2 = ego.speed_mps, ego.yaw_rate_rps, ego.accel_mps2
    car_ns = ego.car_ns
    if _believable(car, tuning) and car.stamp_ns > car_ns:
        speed_mps, yaw_rate_rps = car.speed_mps, car.yaw_rate_rps
        accel_mps2, car_ns = car.accel_mps2, car.stamp_ns
    dt_s = min(max((stamp_ns - ego.stamp_ns) / NS_PER_S, 0.0), 0.1) if ego.stamp_ns else 0.0
    noise = _noise(tuning)
    mean, cov, history = predict(
        *(ego.mean, ego.cov, ego.history, course.table, course.step_m),
        *(speed_mps, yaw_rate_rps, dt_s, float(stamp_ns), noise),
    )
    if course.loops and mean[_STATION] >= course.length_m:
        mean[_STATION] -= course.length_m
        history[:, 4] -= course.length_m
    return replace(
        ego,
        stamp_ns=stamp_ns,
        mean=mean,
        cov=cov,
        history=history,
        speed_mps=speed_mps,
        yaw_rate_rps=yaw_rate_rps,
        accel_mps2=accel_mps2,
        bend_slip_rad=tuning.slip_gain * speed_mps * (yaw_rate_rps - float(mean[_BIAS])),
        car_ns=car_ns,
    )


def fuse(
    ego: Ego,
    lane: LaneReturn | None,
    gnss: GnssReturn | None,
    course: Course,
    tuning: LocalizeTuning,
) -> Ego:
    """Fold in what the lane sensor and GNSS measured; NaN, old, repeated or wild returns are left out."""
    if gnss is not None and (not _gnss_believable(gnss) or _is_late(gnss.stamp_ns, ego, tuning)):
        gnss = None
    if lane is not None and (
        not _lane_believable(lane, tuning) or _is_late(lane.stamp_ns, ego, tuning)
    ):
        lane = None
    if gnss is not None and ego.last_gnss is not None and gnss.stamp_ns <= ego.last_gnss.stamp_ns:
        gnss = None
    if lane is not None and ego.last_lane is not None and _is_frozen(lane, ego.last_lane, ego):
        lane = None
    if not ego.matched:
        return ego if gnss is None else _match(ego, lane, gnss, course, tuning)
    if lane is None and gnss is None:
        return ego
    ego = replace(ego, mean=ego.mean.copy(), cov=ego.cov.copy())
    if gnss is not None:
        ego = _fold_gnss(ego, gnss, course, tuning)
    if lane is not None:
        ego = _fold_lane(ego, lane, course, tuning)
    return ego


def place(ego: Ego, scene: Scene, course: Course, tuning: LocalizeTuning) -> Ego:
    """Take the pose that somebody else perceived (the scene door)."""
    if not all(map(math.isfinite, (scene.x_m, scene.y_m, scene.yaw_rad))):
        return ego
    hint = float(ego.mean[_STATION]) if ego.matched else math.nan
    station_m, offset_m = project_uniform(course.table, course.step_m, scene.x_m, scene.y_m, hint)
    if abs(offset_m) > tuning.match_gate_m:
        return ego
    mean, cov = ego.mean.copy(), np.diag(np.array([0.01, 1e-4, 1e-5, 1e-5, 1e-6]))
    heading = column_at(course.table, course.step_m, station_m, _ROAD_HEADING)
    mean[_STATION], mean[_OFFSET] = station_m, offset_m
    mean[_HEADING] = wrap_angle_rad(scene.yaw_rad - heading)
    history = _rebase(ego.history, mean - ego.mean)
    stamp_ns = scene.stamp_ns
    return replace(
        ego, mean=mean, cov=cov, history=history, matched=True, lane_ns=stamp_ns, gnss_ns=stamp_ns
    )


def describe(ego: Ego, course: Course, *, valid: bool) -> Localization:
    """The belief as a message."""
    x_m, y_m, yaw_rad = world_pose(course.table, course.step_m, ego.mean)
    station_m = ego.station_m
    return Localization(
        stamp_ns=ego.stamp_ns,
        x_m=x_m,
        y_m=y_m,
        yaw_rad=wrap_angle_rad(yaw_rad),
        speed_mps=ego.speed_mps,
        yaw_rate_rps=ego.yaw_rate_rps,
        station_m=station_m,
        offset_m=ego.offset_m,
        heading_error_rad=wrap_angle_rad(ego.heading_error_rad),
        sigma_along_m=ego.sigma_along_m,
        sigma_across_m=ego.sigma_across_m,
        lane=course.lane_at(station_m) if ego.matched else "",
        valid=valid,
    )


def _noise(tuning: LocalizeTuning) -> Array:
    return np.array(
        (
            *(tuning.along_density, tuning.heading_density, tuning.slip_density),
            *(tuning.bias_density, tuning.slip_return_s, tuning.slip_gain),
        )
    )


def _believable(car: CarState, tuning: LocalizeTuning) -> bool:
    # Comparisons with NaN are false, so NaN fails here too.
    return (
        car.valid
        and abs(car.speed_mps) < tuning.speed_gate_mps
        and abs(car.yaw_rate_rps) < tuning.yaw_rate_gate_rps
        and abs(car.accel_mps2) < 50.0
    )


def _gnss_believable(gnss: GnssReturn) -> bool:
    return (
        abs(gnss.x_m) < 1e7
        and abs(gnss.y_m) < 1e7
        and abs(gnss.yaw_rad) < 10.0
        and 0.0 <= gnss.sigma_m < 50.0
    )


def _lane_believable(lane: LaneReturn, tuning: LocalizeTuning) -> bool:
    return (
        lane.confidence >= tuning.lane_confidence
        and abs(lane.offset_m) < 10.0
        and abs(lane.heading_rad) < 1.5
    )


def _is_late(stamp_ns: int, ego: Ego, tuning: LocalizeTuning) -> bool:
    """Too old to be placed in the history, or from the future."""
    return not 0 <= ego.stamp_ns - stamp_ns <= tuning.oldest_s * NS_PER_S


def _is_frozen(lane: LaneReturn, last: LaneReturn, ego: Ego) -> bool:
    """The same stamp again, or the very same numbers while the car moves: a hung camera."""
    same = lane.offset_m == last.offset_m and lane.heading_rad == last.heading_rad
    return lane.stamp_ns <= last.stamp_ns or (same and lane.offset_m != 0.0 and ego.speed_mps > 1.0)


def _rebase(history: Array, shift: Array) -> Array:
    """The history as it would have been believed with what is known now."""
    moved = history.copy()
    moved[:, 4:7] += shift[:3]
    return moved


def _match(
    ego: Ego, lane: LaneReturn | None, gnss: GnssReturn, course: Course, tuning: LocalizeTuning
) -> Ego:
    """The first belief: the place on the corridor nearest to GNSS, held across by the lane sensor.

    Where a loop closes, a car at its start could as well be at its end: the start is looked at first.
    """
    station_m, offset_m = project_uniform(course.table, course.step_m, gnss.x_m, gnss.y_m, 0.0)
    if abs(offset_m) > 2.0 + 3.0 * gnss.sigma_m or station_m > 50.0:
        station_m, offset_m = project_uniform(
            course.table, course.step_m, gnss.x_m, gnss.y_m, math.nan
        )
    heading = column_at(course.table, course.step_m, station_m, _ROAD_HEADING)
    error_rad = wrap_angle_rad(gnss.yaw_rad - heading)
    if abs(offset_m) > tuning.match_gate_m or abs(error_rad) > 1.0:
        return ego
    mean, variance = np.zeros(5), max(gnss.sigma_m, tuning.gnss_least_m) ** 2
    cov = np.diag(np.array([variance, variance, 0.01, 1e-5, 1e-6]))
    lag_s = (ego.stamp_ns - gnss.stamp_ns) / NS_PER_S
    mean[:3] = station_m + ego.speed_mps * lag_s, offset_m, error_rad
    centre_m = _centre_m(course, station_m)
    if lane is not None and abs(lane.offset_m + centre_m - offset_m) > tuning.first_lane_gate_m:
        lane = None
    if lane is not None:
        mean[_OFFSET] = lane.offset_m + centre_m
        mean[_HEADING] = lane.heading_rad
        cov[_OFFSET, _OFFSET] = 4.0 * tuning.lane_offset_sigma_m**2
        cov[_HEADING, _HEADING] = 4.0 * tuning.lane_heading_sigma_rad**2
    history = _rebase(ego.history, mean - ego.mean)
    return replace(
        ego, mean=mean, cov=cov, history=history, matched=True, gnss_ns=gnss.stamp_ns,
        lane_ns=ego.lane_ns if lane is None else lane.stamp_ns, last_gnss=gnss, last_lane=lane,
    )  # fmt: skip


def _centre_m(course: Course, station_m: float) -> float:
    """Where the middle of the lane that the camera sees lies beside the reference."""
    return float(course.centre_m[course.row(station_m)])


def _fold_gnss(ego: Ego, gnss: GnssReturn, course: Course, tuning: LocalizeTuning) -> Ego:
    then = np.empty(7)
    recall(ego.history, float(gnss.stamp_ns), then)
    station_m, offset_m = project_uniform(course.table, course.step_m, gnss.x_m, gnss.y_m, then[4])
    heading = column_at(course.table, course.step_m, station_m, _ROAD_HEADING)
    turn = wrap_angle_rad(gnss.yaw_rad - heading - then[6])
    variance = max(gnss.sigma_m, tuning.gnss_least_m) ** 2
    before = ego.mean.copy()
    far = correct(
        *(ego.mean, ego.cov, _ROW_STATION, station_m - then[4]),
        *(variance * tuning.gnss_along_factor**2, tuning.gate),
    )
    correct(
        *(ego.mean, ego.cov, _ROW_OFFSET, offset_m - then[5]),
        *(variance * tuning.gnss_across_factor**2, tuning.gate),
    )
    correct(
        *(ego.mean, ego.cov, _ROW_HEADING, turn, tuning.gnss_heading_sigma_rad**2, tuning.gate),
    )
    span_s = _span_s(ego.last_gnss, gnss.stamp_ns)
    believed = far <= tuning.gate
    if not believed and ego.gnss_conflict_s > tuning.gnss_doubt_s:
        ego.cov[_STATION, _STATION] += (station_m - then[4]) ** 2  # then we are wrong, not GNSS
    return replace(
        ego,
        history=_rebase(ego.history, ego.mean - before),
        last_gnss=gnss,
        gnss_ns=gnss.stamp_ns if believed else ego.gnss_ns,
        gnss_conflict_s=0.0 if believed else ego.gnss_conflict_s + span_s,
    )


def _fold_lane(ego: Ego, lane: LaneReturn, course: Course, tuning: LocalizeTuning) -> Ego:
    then = np.empty(7)
    recall(ego.history, float(lane.stamp_ns), then)
    lag_s = (ego.stamp_ns - lane.stamp_ns) / NS_PER_S
    miss_m = lane.offset_m + _centre_m(course, then[4]) - then[5]
    span_s = _span_s(ego.last_lane, lane.stamp_ns)
    gate_m = min(max(tuning.lane_gate_m, 3.0 * ego.sigma_across_m), tuning.lane_gate_most_m)
    if ego.lane_ns < 0:
        gate_m = tuning.first_lane_gate_m
    if abs(miss_m) > gate_m:
        conflict_s = ego.lane_conflict_s + span_s
        lane_ns = -1 if conflict_s > tuning.lane_relearn_s else ego.lane_ns
        return replace(ego, last_lane=lane, lane_ns=lane_ns, lane_conflict_s=conflict_s)
    if ego.lane_ns < 0:
        ego.cov[_OFFSET, :] = ego.cov[:, _OFFSET] = 0.0  # what GNSS said of it is worth nothing now
        ego.cov[_OFFSET, _OFFSET] = tuning.first_lane_gate_m**2
    before = ego.mean.copy()
    # The offset then is the offset now less what the heading has added since.
    row = np.array((0.0, 1.0, -ego.speed_mps * lag_s, -ego.speed_mps * lag_s, 0.0))
    correct(ego.mean, ego.cov, row, miss_m, tuning.lane_offset_sigma_m**2, math.inf)
    turn = wrap_angle_rad(
        lane.heading_rad - then[6] - (float(ego.mean[_HEADING]) - before[_HEADING])
    )
    correct(
        *(ego.mean, ego.cov, _ROW_HEADING, turn, tuning.lane_heading_sigma_rad**2, tuning.gate),
    )
    return replace(
        ego,
        history=_rebase(ego.history, ego.mean - before),
        last_lane=lane,
        lane_ns=lane.stamp_ns,
        lane_conflict_s=0.0,
    )


def _span_s(last: LaneReturn | GnssReturn | None, stamp_ns: int) -> float:
    """Time since the last return of this kind."""
    return 0.0 if last is None else min((stamp_ns - last.stamp_ns) / NS_PER_S, 0.2)


_ROW_STATION: Final = np.array((1.0, 0.0, 0.0, 0.0, 0.0))
_ROW_OFFSET: Final = np.array((0.0, 1.0, 0.0, 0.0, 0.0))
_ROW_HEADING: Final = np.array((0.0, 0.0, 1.0, 0.0, 0.0))
