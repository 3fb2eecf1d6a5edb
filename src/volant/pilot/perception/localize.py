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
from typing import Final

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from volant.core.clock import NS_PER_S
from volant.core.geometry import wrap_angle_rad
from volant.core.messages import CarState, GnssReturn, LaneReturn, Localization, Scene
from volant.pilot.course import Course
from volant.pilot.perception.belief import (
    BIAS,
    HEADING,
    OFFSET,
    ROAD_HEADING,
    STATION,
    Ego,
    LocalizeTuning,
    drift_m,
    gnss_is_off,
    is_late,
    shift_history,
    start,
)
from volant.pilot.perception.first_place import begin
from volant.pilot.perception.fold import fold_gnss, fold_lane
from volant.pilot.perception.landmarks import fold_paint
from volant.pilot.perception.lanes import LaneBelief, RoadMap, first_lanes, follow_lanes
from volant.pilot.perception.localize_kernels import carry_over, column_at, predict, world_pose
from volant.pilot.perception.own_lane import keep_to_lanes, spans, weigh
from volant.road.kernels import project_uniform

__all__ = [
    "describe",
    "fuse",
    "lane_of",
    "move",
    "place",
    "rebase",
    "start",
    "world_cov",
    "world_of",
]

Array = NDArray[np.float64]

_NOWHERE: Final = np.array([[0.0] * 13, [1e7, 1e7, *([0.0] * 11)]])
"""A straight line for odometry alone, while there is no course."""
_NOWHERE_STEP_M: Final = 1e7


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
    lane_ns = ego.lane_ns
    if (
        abs(speed_mps) < tuning.still_mps
        and lane_ns >= 0
        and course is not None
        and _bare(course, mean)
    ):
        lane_ns += round(
            dt_s * NS_PER_S
        )  # who stands in a junction does not lose his lane by standing
    return replace(
        ego,
        stamp_ns=stamp_ns,
        lane_ns=lane_ns,
        mean=mean,
        cov=cov,
        history=history,
        speed_mps=speed_mps,
        yaw_rate_rps=yaw_rate_rps,
        accel_mps2=accel_mps2,
        bend_slip_rad=tuning.slip_gain * speed_mps * (yaw_rate_rps - float(mean[BIAS])),
        car_ns=car_ns,
    )


def _bare(course: Course, mean: Array) -> bool:
    """Whether no paint is to be seen where the car is."""
    return bool(course.unmarked[course.row(float(mean[STATION]))])


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
    if gnss is not None and ego.last_gnss is not None and _repeats(gnss, ego.last_gnss):
        if abs(ego.speed_mps) < tuning.gnss_still_mps:  # who stands may be told the same again
            since_ns = gnss.stamp_ns - ego.last_gnss.stamp_ns
            gnss_ns = ego.gnss_ns + since_ns if ego.gnss_ns >= 0 else ego.gnss_ns
            ego = replace(ego, last_gnss=gnss, gnss_ns=gnss_ns)
        gnss = None
    if lane is not None and ego.last_lane is not None and _is_frozen(lane, ego.last_lane, ego):
        lane = None
    if course is None or not ego.matched:
        return begin(ego, lane, gnss, course, tuning, road)
    news = spans(ego, lane, gnss, tuning)
    if lane is not None or gnss is not None:
        ego = replace(ego, mean=ego.mean.copy(), cov=ego.cov.copy())
    if gnss is not None:
        ego = fold_gnss(ego, gnss, course, tuning)
    if road is not None:
        ego = keep_to_lanes(ego, course, road, tuning)
    ego = fold_paint(ego, lane, course, tuning)
    if lane is not None:
        ego = fold_lane(ego, lane, course, tuning, road)
    if road is not None and ego.lanes is not None and news != (0.0, 0.0):
        ego = weigh(ego, lane, course, road, news, tuning)
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
    heading = column_at(course.table, course.step_m, ego.station_m, ROAD_HEADING)
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
    heading = column_at(course.table, course.step_m, station_m, ROAD_HEADING)
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
        altitude_m=None if ego.last_gnss is None else ego.last_gnss.z_m,
    )


def _noise(ego: Ego, tuning: LocalizeTuning) -> Array:
    return np.array(
        (
            *(tuning.along_density, tuning.heading_density, tuning.slip_density),
            *(tuning.bias_density, tuning.slip_return_s, tuning.slip_gain),
            # What has jumped away does not fade: it jumps back.
            *(
                drift_m(ego.last_gnss, tuning),
                1e9 if gnss_is_off(ego, tuning) else tuning.gnss_drift_s,
            ),
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


def _repeats(gnss: GnssReturn, last: GnssReturn) -> bool:
    """The very same place again: no news, and while the car moves a receiver that hangs."""
    return gnss.x_m == last.x_m and gnss.y_m == last.y_m


def _is_frozen(lane: LaneReturn, last: LaneReturn, ego: Ego) -> bool:
    """The same stamp again, or the very same numbers while the car moves: a hung camera."""
    same = lane.offset_m == last.offset_m and lane.heading_rad == last.heading_rad
    return lane.stamp_ns <= last.stamp_ns or (same and lane.offset_m != 0.0 and ego.speed_mps > 1.0)
