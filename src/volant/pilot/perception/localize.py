"""Where the car is: an extended Kalman filter in the frame of the present course.

Wheels and gyro move the belief on at every control tick. The lane sensor holds the car across the lane
and in heading, GNSS holds it along the road; each measurement is compared with what was believed at its
own stamp, so latency costs nothing but lost news. A slip angle, the gyro's bias and the slow error of
GNSS are estimated along with it: once the lane has told that error, GNSS holds the car within decimetres
where no paint is seen, in junctions and car parks.

How the pilot uses it, with a course that is built anew as the car drives (`road` is `lanes.make_map` of
the graph, made once):
- before there is a course, `move` and `fuse` with course None; `lane_of(ego)` then tells the likeliest
  lanes; build a course from the first and go on (`fuse` matches the belief to it by itself);
- every control tick `move`, with each SensorFrames `fuse`;
- when the course is built anew, or the car has crossed a line and the course goes on in the other lane:
  `ego = rebase(ego, old, new)`; mean, covariance and history stay the same in the world;
- `lane_of(ego)` names the lane of the graph that the car is in, with its weight and the others that it
  may be in. When `lanes.moved` has risen, the belief itself was put into a neighbour lane, because paint
  and GNSS say so: build the course anew from `lane_of(ego).own`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from volant.core.clock import NS_PER_S
from volant.core.geometry import wrap_angle_rad
from volant.core.messages import CarState, GnssReturn, LaneReturn, Localization, Scene
from volant.pilot.course import Course
from volant.pilot.perception.lanes import (
    LaneBelief,
    LaneTuning,
    RoadMap,
    first_lanes,
    follow_lanes,
    weigh_lanes,
)
from volant.pilot.perception.localize_kernels import (
    carry_over,
    column_at,
    correct,
    predict,
    recall,
    world_pose,
)
from volant.road import CorridorColumn
from volant.road.kernels import project_uniform

Array = NDArray[np.float64]
_ROAD_HEADING = int(CorridorColumn.HEADING)
_ROAD_CURVATURE = int(CorridorColumn.CURVATURE)
"""Plain, because numba looks the type of an IntEnum up anew at each call, which costs 50 us."""

BARE_BEHIND_M: Final = 25.0
"""So far behind a stretch without paint the place across is taken from the first paint seen."""
HISTORY: Final = 64
"""Rows of history, one a control tick: measurements up to 0.6 s late find their place."""
STATES: Final = 7
STATION, OFFSET, HEADING, _SLIP, _BIAS, _DRIFT_X, _DRIFT_Y = range(STATES)
_NOWHERE: Final = np.array([[0.0] * 13, [1e7, 1e7, *([0.0] * 11)]])
"""A straight line for odometry alone, while there is no course."""
_NOWHERE_STEP_M: Final = 1e7


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
        return float(self.mean[_BIAS])

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


def move(
    ego: Ego, car: CarState, stamp_ns: int, course: Course | None, tuning: LocalizeTuning
) -> Ego:
    """Carry the belief on to now by the car's own motion; a bad car state is ignored and the last used."""
    speed_mps, yaw_rate_rps, accel_mps2 = ego.speed_mps, ego.yaw_rate_rps, ego.accel_mps2
    car_ns = ego.car_ns
    if _believable(car, tuning) and car.stamp_ns > car_ns:
        speed_mps, yaw_rate_rps = car.speed_mps, car.yaw_rate_rps
        accel_mps2, car_ns = car.accel_mps2, car.stamp_ns
    dt_s = min(max((stamp_ns - ego.stamp_ns) / NS_PER_S, 0.0), 0.1) if ego.stamp_ns else 0.0
    table, step_m = (_NOWHERE, _NOWHERE_STEP_M) if course is None else (course.table, course.step_m)
    mean, cov, history = predict(
        *(ego.mean, ego.cov, ego.history, table, step_m),
        *(speed_mps, yaw_rate_rps, dt_s, float(stamp_ns), _noise(ego, tuning)),
    )
    if course is not None and course.loops and mean[STATION] >= course.length_m:
        mean[STATION] -= course.length_m
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
    course: Course | None,
    tuning: LocalizeTuning,
    road: RoadMap | None = None,
) -> Ego:
    """Fold in what the lane sensor and GNSS measured; NaN, old, repeated or wild returns are left out.

    Without a course only the lanes are looked for; without a map the car is in the course's lane.
    """
    if gnss is not None and (not _gnss_believable(gnss) or is_late(gnss.stamp_ns, ego, tuning)):
        gnss = None
    if lane is not None and (
        not _lane_believable(lane, tuning) or is_late(lane.stamp_ns, ego, tuning)
    ):
        lane = None
    if gnss is not None and ego.last_gnss is not None and gnss.stamp_ns <= ego.last_gnss.stamp_ns:
        gnss = None
    if lane is not None and ego.last_lane is not None and _is_frozen(lane, ego.last_lane, ego):
        lane = None
    if course is None or not ego.matched:
        return _begin(ego, lane, gnss, course, tuning, road)
    spans = _spans(ego, lane, gnss, tuning)
    if lane is not None or gnss is not None:
        ego = replace(ego, mean=ego.mean.copy(), cov=ego.cov.copy())
    if gnss is not None:
        ego = _fold_gnss(ego, gnss, course, tuning)
    if road is not None:
        ego = _follow_lanes(ego, course, road, tuning)
    ego = _fold_paint(ego, lane, course, tuning)
    if lane is not None:
        ego = _fold_lane(ego, lane, course, tuning, road)
    if road is not None and ego.lanes is not None and spans != (0.0, 0.0):
        ego = _weigh(ego, lane, course, road, spans, tuning)
    return ego


def lane_of(ego: Ego) -> LaneBelief | None:
    """The lanes that the car may be in, the own one first; None while nothing is known."""
    return ego.lanes


def rebase(ego: Ego, old: Course, new: Course) -> Ego:
    """The same belief on another course: mean, covariance and history keep their place in the world.

    The new course must run past the car, with some 30 m behind it for the history.
    """
    if not ego.matched:
        return ego
    mean, cov, history = carry_over(
        *(ego.mean, ego.cov, ego.history, old.table, old.step_m, new.table, new.step_m)
    )
    return replace(ego, mean=mean, cov=cov, history=history)


def world_of(ego: Ego, course: Course) -> tuple[float, float, float]:
    """x, y and yaw in the world of a belief on its course."""
    pose: tuple[float, float, float] = world_pose(course.table, course.step_m, ego.mean)
    return pose


def world_cov(ego: Ego, course: Course) -> Array:
    """[3, 3] covariance of x, y and yaw in the world."""
    heading = column_at(course.table, course.step_m, ego.station_m, _ROAD_HEADING)
    cos, sin = math.cos(heading), math.sin(heading)
    turn = np.array(((cos, -sin, 0.0), (sin, cos, 0.0), (0.0, 0.0, 1.0)))
    cov: Array = turn @ ego.cov[:3, :3] @ turn.T
    return cov


def place(
    ego: Ego,
    scene: Scene,
    course: Course | None,
    tuning: LocalizeTuning,
    road: RoadMap | None = None,
) -> Ego:
    """Take the pose that somebody else perceived (the scene door)."""
    if not all(map(math.isfinite, (scene.x_m, scene.y_m, scene.yaw_rad))):
        return ego
    if road is not None:
        pose, lanes = (scene.x_m, scene.y_m, scene.yaw_rad), ego.lanes
        if lanes is not None and ego.matched:
            lanes = follow_lanes(lanes, road, pose, tuning.lanes)
        else:
            lanes = first_lanes(road, pose, 0.3, None, tuning.lanes)
        ego = replace(ego, lanes=lanes)
    if course is None:
        return ego
    hint = float(ego.mean[STATION]) if ego.matched else math.nan
    station_m, offset_m = project_uniform(course.table, course.step_m, scene.x_m, scene.y_m, hint)
    if abs(offset_m) > tuning.match_gate_m:
        return ego
    mean, cov = ego.mean.copy(), np.diag(np.array([0.01, 1e-4, 1e-5, 1e-5, 1e-6, 1.0, 1.0]))
    heading = column_at(course.table, course.step_m, station_m, _ROAD_HEADING)
    mean[STATION], mean[OFFSET] = station_m, offset_m
    mean[HEADING] = wrap_angle_rad(scene.yaw_rad - heading)
    history = shift_history(ego.history, mean - ego.mean)
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


def _noise(ego: Ego, tuning: LocalizeTuning) -> Array:
    return np.array(
        (
            *(tuning.along_density, tuning.heading_density, tuning.slip_density),
            *(tuning.bias_density, tuning.slip_return_s, tuning.slip_gain),
            *(_drift_m(ego.last_gnss, tuning), tuning.gnss_drift_s),
        )
    )


def _drift_m(gnss: GnssReturn | None, tuning: LocalizeTuning) -> float:
    """Spread of the slow error of GNSS."""
    stated_m = 1.0 if gnss is None else gnss.sigma_m
    return tuning.gnss_drift * max(stated_m, tuning.gnss_least_m)


def _white_m(gnss: GnssReturn, tuning: LocalizeTuning) -> float:
    return tuning.gnss_white * max(gnss.sigma_m, tuning.gnss_least_m)


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


def is_late(stamp_ns: int, ego: Ego, tuning: LocalizeTuning) -> bool:
    """Too old to be placed in the history, or from the future."""
    return not 0 <= ego.stamp_ns - stamp_ns <= tuning.oldest_s * NS_PER_S


def _is_frozen(lane: LaneReturn, last: LaneReturn, ego: Ego) -> bool:
    """The same stamp again, or the very same numbers while the car moves: a hung camera."""
    same = lane.offset_m == last.offset_m and lane.heading_rad == last.heading_rad
    return lane.stamp_ns <= last.stamp_ns or (same and lane.offset_m != 0.0 and ego.speed_mps > 1.0)


def shift_history(history: Array, shift: Array) -> Array:
    """The history as it would have been believed with what is known now."""
    moved = history.copy()
    moved[:, 4:7] += shift[:3]
    return moved


def _begin(
    ego: Ego,
    lane: LaneReturn | None,
    gnss: GnssReturn | None,
    course: Course | None,
    tuning: LocalizeTuning,
    road: RoadMap | None,
) -> Ego:
    """The first belief: lanes that a first position may be in, then a place on the course."""
    last_gnss = gnss or ego.last_gnss
    if last_gnss is None or is_late(last_gnss.stamp_ns, ego, tuning):
        return ego
    if road is not None and (gnss is not None or ego.lanes is None):
        lag_s = (ego.stamp_ns - last_gnss.stamp_ns) / NS_PER_S
        yaw_rad, run_m = last_gnss.yaw_rad, ego.speed_mps * lag_s
        pose = (
            last_gnss.x_m + run_m * math.cos(yaw_rad),
            last_gnss.y_m + run_m * math.sin(yaw_rad),
            yaw_rad,
        )
        lanes = first_lanes(road, pose, last_gnss.sigma_m, lane or ego.last_lane, tuning.lanes)
        ego = replace(ego, lanes=lanes, last_gnss=last_gnss, last_lane=lane or ego.last_lane)
    if course is None or (gnss is None and (road is None or ego.lanes is None)):
        return ego
    return _match(ego, lane, last_gnss, course, tuning)


def _match(
    ego: Ego, lane: LaneReturn | None, gnss: GnssReturn, course: Course, tuning: LocalizeTuning
) -> Ego:
    """The place on the course nearest to GNSS and the likeliest lane, held across by the lane sensor.

    Where a loop closes, a car at its start could as well be at its end: the start is looked at first.
    """
    shift_m = 0.0 if ego.lanes is None else ego.lanes.own.shift_m
    x_m = gnss.x_m - shift_m * math.sin(gnss.yaw_rad)
    y_m = gnss.y_m + shift_m * math.cos(gnss.yaw_rad)
    station_m, offset_m = project_uniform(course.table, course.step_m, x_m, y_m, 0.0)
    if abs(offset_m) > 2.0 + 3.0 * gnss.sigma_m or station_m > 50.0:
        station_m, offset_m = project_uniform(course.table, course.step_m, x_m, y_m, math.nan)
    heading = column_at(course.table, course.step_m, station_m, _ROAD_HEADING)
    error_rad = wrap_angle_rad(gnss.yaw_rad - heading)
    if abs(offset_m) > tuning.match_gate_m or abs(error_rad) > 1.0:
        return ego
    mean, cov = _first_mean(gnss, heading, tuning)
    lag_s = (ego.stamp_ns - gnss.stamp_ns) / NS_PER_S
    mean[:3] = station_m + ego.speed_mps * lag_s, offset_m, error_rad
    sin, cos = math.sin(gnss.yaw_rad), math.cos(gnss.yaw_rad)
    mean[_DRIFT_X], mean[_DRIFT_Y] = shift_m * sin, -shift_m * cos
    centre_m = _centre_m(course, station_m)
    if lane is not None and abs(lane.offset_m + centre_m - offset_m) > tuning.first_lane_gate_m:
        lane = None
    if lane is not None:
        miss_m = lane.offset_m + centre_m - offset_m
        correct(mean, cov, _ROW_OFFSET, miss_m, 4.0 * tuning.lane_offset_sigma_m**2, math.inf)
        mean[HEADING] = lane.heading_rad
        cov[HEADING, :] = cov[:, HEADING] = 0.0
        cov[HEADING, HEADING] = 4.0 * tuning.lane_heading_sigma_rad**2
    lanes = ego.lanes
    if lanes is not None:
        guesses = tuple(replace(one, shift_m=one.shift_m - shift_m) for one in lanes.guesses)
        lanes = replace(lanes, guesses=guesses)
    history = shift_history(ego.history, mean - ego.mean)
    return replace(
        ego, mean=mean, cov=cov, history=history, matched=True, gnss_ns=gnss.stamp_ns,
        lane_ns=ego.lane_ns if lane is None else lane.stamp_ns, last_gnss=gnss, last_lane=lane,
        lanes=lanes,
    )  # fmt: skip


def _first_mean(gnss: GnssReturn, heading: float, tuning: LocalizeTuning) -> tuple[Array, Array]:
    """An empty mean and the covariance after one fix: the place errs as GNSS does."""
    drift, white = _drift_m(gnss, tuning) ** 2, _white_m(gnss, tuning) ** 2
    cov = np.diag(np.array([drift + white, drift + white, 0.01, 1e-5, 1e-6, drift, drift]))
    cos, sin = math.cos(heading), math.sin(heading)
    for row, (by_x, by_y) in ((STATION, (cos, sin)), (OFFSET, (-sin, cos))):
        cov[row, _DRIFT_X] = cov[_DRIFT_X, row] = -drift * by_x
        cov[row, _DRIFT_Y] = cov[_DRIFT_Y, row] = -drift * by_y
    return np.zeros(STATES), cov


def _centre_m(course: Course, station_m: float) -> float:
    """Where the middle of the lane that the camera sees lies beside the reference."""
    return float(course.centre_m[course.row(station_m)])


def _fold_gnss(ego: Ego, gnss: GnssReturn, course: Course, tuning: LocalizeTuning) -> Ego:
    then = np.empty(7)
    recall(ego.history, float(gnss.stamp_ns), then)
    # Compared in the world, at the place believed: GNSS itself may lie metres away, where the road
    # heads elsewhere.
    x_m, y_m, yaw_rad = world_pose(course.table, course.step_m, then[4:])
    heading = column_at(course.table, course.step_m, then[4], _ROAD_HEADING)
    cos, sin = math.cos(heading), math.sin(heading)
    drift_x, drift_y = float(ego.mean[_DRIFT_X]), float(ego.mean[_DRIFT_Y])
    east_m, north_m = gnss.x_m - x_m - drift_x, gnss.y_m - y_m - drift_y
    variance = _white_m(gnss, tuning) ** 2
    before = ego.mean.copy()
    along = np.array((1.0, 0.0, 0.0, 0.0, 0.0, cos, sin))
    miss_m = cos * east_m + sin * north_m
    far = correct(ego.mean, ego.cov, along, miss_m, variance, tuning.gate)
    across = np.array((0.0, 1.0, 0.0, 0.0, 0.0, -sin, cos))
    learnt = ego.mean - before
    aside_m = cos * north_m - sin * east_m - float(across @ learnt)
    wide = correct(ego.mean, ego.cov, across, aside_m, variance, tuning.gate)
    turn = wrap_angle_rad(gnss.yaw_rad - yaw_rad - float(ego.mean[HEADING] - before[HEADING]))
    # Heading in the world: of the reference there and ours to it. In a bend it is no news of the station.
    yawing = np.array(
        (
            column_at(course.table, course.step_m, then[4], _ROAD_CURVATURE),
            0.0,
            1.0,
            0.0,
            0.0,
            0.0,
            0.0,
        )
    )
    correct(
        *(ego.mean, ego.cov, yawing, turn, tuning.gnss_heading_sigma_rad**2, tuning.gate),
    )
    span_s = _span_s(ego.last_gnss, gnss.stamp_ns)
    believed = far <= tuning.gate and wide <= tuning.gate
    if not believed and ego.gnss_conflict_s > tuning.gnss_doubt_s:
        # Then we are wrong, or its slow error has jumped: the lane tells which, across the road.
        ego.cov[STATION, STATION] += miss_m**2
        ego.cov[_DRIFT_X, _DRIFT_X] += aside_m**2 * sin * sin
        ego.cov[_DRIFT_Y, _DRIFT_Y] += aside_m**2 * cos * cos
    return replace(
        ego,
        history=shift_history(ego.history, ego.mean - before),
        last_gnss=gnss,
        gnss_ns=gnss.stamp_ns if believed else ego.gnss_ns,
        gnss_conflict_s=0.0 if believed else ego.gnss_conflict_s + span_s,
    )


def _fold_lane(
    ego: Ego, lane: LaneReturn, course: Course, tuning: LocalizeTuning, road: RoadMap | None
) -> Ego:
    then = np.empty(7)
    recall(ego.history, float(lane.stamp_ns), then)
    lag_s = (ego.stamp_ns - lane.stamp_ns) / NS_PER_S
    gate_m = min(max(tuning.lane_gate_m, 3.0 * ego.sigma_across_m), tuning.lane_gate_most_m)
    if ego.lane_ns < 0:
        gate_m = tuning.first_lane_gate_m if road is None else tuning.lane_gate_most_m
    miss_m = _lane_miss_m(ego, lane, then, course, road)
    unsure = ego.sigma_across_m > tuning.unsure_m
    if unsure and ego.lane_ns >= 0 and _is_alone(ego, course, miss_m):
        gate_m = tuning.lane_gate_alone_m
    span_s = _span_s(ego.last_lane, lane.stamp_ns)
    if abs(miss_m) > gate_m:
        conflict_s = ego.lane_conflict_s + span_s
        lane_ns = -1 if conflict_s > tuning.lane_relearn_s else ego.lane_ns
        return replace(ego, last_lane=lane, lane_ns=lane_ns, lane_conflict_s=conflict_s)
    if ego.lane_ns < 0:
        ego.cov[OFFSET, OFFSET] += miss_m**2  # the belief was wrong by so much
    before = ego.mean.copy()
    # The offset then is the offset now less what the heading has added since.
    run_m = -ego.speed_mps * lag_s
    row = np.array((0.0, 1.0, run_m, run_m, 0.0, 0.0, 0.0))
    correct(ego.mean, ego.cov, row, miss_m, tuning.lane_offset_sigma_m**2, math.inf)
    turn = wrap_angle_rad(lane.heading_rad - then[6] - (float(ego.mean[HEADING]) - before[HEADING]))
    correct(
        *(ego.mean, ego.cov, _ROW_HEADING, turn, tuning.lane_heading_sigma_rad**2, tuning.gate),
    )
    return replace(
        ego,
        history=shift_history(ego.history, ego.mean - before),
        last_lane=lane,
        lane_ns=lane.stamp_ns,
        lane_conflict_s=0.0,
    )


def _fold_paint(ego: Ego, lane: LaneReturn | None, course: Course, tuning: LocalizeTuning) -> Ego:
    """Where paint ends before a junction, and begins behind it, tells the station."""
    last = ego.last_lane
    if last is None:
        return ego
    if lane is None:
        ends, stamp_ns = True, last.stamp_ns
        waited_s = (ego.stamp_ns - stamp_ns) / NS_PER_S
        if waited_s < tuning.paint_wait_s or ego.paint_ns == stamp_ns:
            return ego
        ego = replace(ego, paint_ns=stamp_ns)
    else:
        ends, stamp_ns = False, lane.stamp_ns
        if (stamp_ns - last.stamp_ns) / NS_PER_S < tuning.paint_gap_s:
            return ego
    if is_late(stamp_ns, ego, tuning):
        return ego
    then = np.empty(7)
    recall(ego.history, float(stamp_ns), then)
    reach_m = max(3.0 * ego.sigma_along_m, 1.0)
    low, high = course.row(then[4] - reach_m), course.row(then[4] + reach_m)
    bare = course.unmarked[low : high + 1].astype(np.int8)
    edges = np.flatnonzero(np.diff(bare) == (1 if ends else -1))
    if not len(edges):
        return ego
    places = course.step_m * (low + edges + 0.5)
    miss_m = float(places[np.argmin(np.abs(places - then[4]))]) - float(then[4])
    sigma_m = tuning.paint_sigma_m + tuning.paint_sigma_s * ego.speed_mps
    ego = replace(ego, mean=ego.mean.copy(), cov=ego.cov.copy())
    before = ego.mean.copy()
    correct(ego.mean, ego.cov, _ROW_STATION, miss_m, sigma_m**2, 3.0)
    return replace(ego, history=shift_history(ego.history, ego.mean - before))


def _is_alone(ego: Ego, course: Course, miss_m: float) -> bool:
    """Behind a junction no lane of our direction lies where the belief is wrong towards: what is seen there
    is our own.
    """
    row = course.row(ego.station_m)
    bare = course.unmarked[course.row(ego.station_m - BARE_BEHIND_M) : row + 1]
    beside = course.right_m if miss_m > 0.0 else course.left_m
    return bool(bare.any()) and not math.isfinite(float(beside[row]))


def _lane_miss_m(
    ego: Ego, lane: LaneReturn, then: Array, course: Course, road: RoadMap | None
) -> float:
    """How far the lane return is from what was believed then, in the lane that it fits best.

    While a line is crossed the camera may tell the lane on either side of it.
    """
    offset_m, station_m = float(then[5]), float(then[4])
    miss_m = lane.offset_m + _centre_m(course, station_m) - offset_m
    if road is None or ego.lanes is None:
        return miss_m
    own = ego.lanes.own
    held = road.graph.lanes[own.lane]
    middle_m = _middle_m(ego, course, own.lane, own.offset_m)
    misses = [lane.offset_m + middle_m - offset_m]
    width_m = min(max(lane.width_m, 2.0), 5.0)
    if held.left is not None and own.offset_m > 0.0:
        misses.append(misses[0] + width_m)
    if held.right is not None and own.offset_m < 0.0:
        misses.append(misses[0] - width_m)
    return min(misses, key=abs)


def _middle_m(ego: Ego, course: Course, lane: int, offset_m: float) -> float:
    """Offset of a lane's middle from the reference; from the course's table where that is its lane."""
    row = course.row(ego.station_m)
    if int(course.table[row, CorridorColumn.LANE]) == lane:
        return float(course.centre_m[row])
    return ego.offset_m - offset_m


def _follow_lanes(ego: Ego, course: Course, road: RoadMap, tuning: LocalizeTuning) -> Ego:
    pose, lanes = world_of(ego, course), ego.lanes
    if lanes is None:
        lanes = first_lanes(road, pose, ego.sigma_across_m, None, tuning.lanes)
        if lanes is None:
            return ego
        order = sorted(lanes.guesses, key=lambda one: abs(one.shift_m))
        base = order[0].shift_m
        guesses = tuple(replace(one, shift_m=one.shift_m - base) for one in order)
        lanes = LaneBelief(guesses)
    return replace(ego, lanes=follow_lanes(lanes, road, pose, tuning.lanes))


def _spans(
    ego: Ego, lane: LaneReturn | None, gnss: GnssReturn | None, tuning: LocalizeTuning
) -> tuple[float, float]:
    """How much news came: of GNSS as a part of how long its error lasts, of the lane in seconds."""
    by_gnss = 0.0 if gnss is None else _span_s(ego.last_gnss, gnss.stamp_ns) / tuning.gnss_drift_s
    by_lane = 0.0 if lane is None else _span_s(ego.last_lane, lane.stamp_ns)
    return by_gnss, by_lane


def _weigh(
    ego: Ego,
    lane: LaneReturn | None,
    course: Course,
    road: RoadMap,
    spans: tuple[float, float],
    tuning: LocalizeTuning,
) -> Ego:
    """Weigh the lanes; where another one fits better the belief moves there, and says so."""
    if ego.lanes is None:
        return ego
    yaw_rad = ego.heading_error_rad + column_at(
        course.table, course.step_m, ego.station_m, _ROAD_HEADING
    )
    sin, cos = math.sin(yaw_rad), math.cos(yaw_rad)
    aside_m = cos * float(ego.mean[_DRIFT_Y]) - sin * float(ego.mean[_DRIFT_X])
    drift = (aside_m, _drift_m(ego.last_gnss, tuning))
    lanes = weigh_lanes(ego.lanes, road, lane, drift, spans, tuning.lanes)
    if lanes.moved == ego.lanes.moved:
        return replace(ego, lanes=lanes)
    shift_m = next((one.shift_m for one in ego.lanes.guesses if one.lane == lanes.own.lane), 0.0)
    mean = ego.mean.copy()
    mean[OFFSET] += shift_m
    mean[_DRIFT_X] += shift_m * sin
    mean[_DRIFT_Y] -= shift_m * cos
    return replace(ego, mean=mean, history=shift_history(ego.history, mean - ego.mean), lanes=lanes)


def _span_s(last: LaneReturn | GnssReturn | None, stamp_ns: int) -> float:
    """Time since the last return of this kind."""
    return 0.0 if last is None else min((stamp_ns - last.stamp_ns) / NS_PER_S, 0.2)


_ROW_STATION: Final = np.array((1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0))
_ROW_OFFSET: Final = np.array((0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0))
_ROW_HEADING: Final = np.array((0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0))
