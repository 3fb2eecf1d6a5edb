"""Who else is there: returns of all sensors become tracks with a steady identity.

A Kalman filter of place, velocity and acceleration a track, in the odometry frame. Frames are put where
they belong by their own stamp. A track is believed (`confirmed`) once its odds of existence say so, lives
through a burst of misses when it is old, and dies fast when it is young: that is how ghosts go. Each
sensor's noise is learnt from its innovations, so good sensors are trusted at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from volant.core.clock import NS_PER_S
from volant.core.geometry import wrap_angle_rad
from volant.core.messages import (
    DetectionFrame,
    Indicator,
    ObjectClass,
    ObjectReturn,
    Scene,
    Track,
    Tracks,
)
from volant.pilot.course import Course
from volant.pilot.perception.belief import Ego
from volant.pilot.perception.fields import FIELDS, UNKNOWN_FIELD
from volant.pilot.perception.localize_kernels import recall, world_pose
from volant.pilot.perception.track_kernels import (
    coast,
    fold_frames,
    settle,
    unite,
)

Array = NDArray[np.float64]


class TrackColumn(IntEnum):
    """Columns of `Tracker.table`; metres, seconds, radians; odometry frame unless said."""

    X = 0
    Y = 1
    VX = 2
    VY = 3
    AX = 4
    AY = 5
    HEADING = 6
    YAW_RATE = 7
    LENGTH = 8
    WIDTH = 9
    HEIGHT = 10
    ODDS = 11  # logarithm of the odds that it exists
    CONFIRMED = 12
    FIRST_S = 13
    SEEN_S = 14
    HITS = 15
    BRAKE = 16
    INDICATOR = 17
    ID = 18
    CLASS = 19
    VOTES = 20  # eight columns, one a class
    ON = 28  # 1 where it is beside or on the corridor
    STATION = 29
    OFFSET = 30
    RATE = 31  # along the corridor, m/s of station
    SIDE_RATE = 32  # across it, left positive
    ACCEL = 33  # along it
    TURN = 34  # heading relative to it
    WORLD_X = 35
    WORLD_Y = 36
    WORLD_YAW = 37


COLUMNS: Final = 38
_CLASSES: Final = tuple(ObjectClass)
_CLASS_INDEX: Final = {kind: index for index, kind in enumerate(_CLASSES)}
_INDICATORS: Final = tuple(Indicator)
_INDICATOR_INDEX: Final = {kind: index for index, kind in enumerate(_INDICATORS)}


@dataclass(frozen=True, slots=True)
class TrackTuning:
    """Motion, gates and belief of the tracker."""

    jerk_along: float = 2.0
    """m/s3 per root Hz along the heading: cars change their acceleration by 2 to 3 m/s2 in a second."""
    jerk_across: float = 0.4
    """The same across it: lane changes stay below 1 m/s2."""
    accel_fade_s: float = 3.0
    """Acceleration dies out in this time without news (Singer, 1970)."""
    gate_m: float = 1.5
    """Added to the gate of four spreads, because boxes are cut off and jump."""
    gate_mps: float = 7.0
    """A return whose velocity differs by more is another object: closing lanes differ by less in one frame."""
    confirm_odds: float = 0.85
    """Logarithm of odds of 0.7: believed from here."""
    lose_odds: float = 0.0
    """Even odds: no longer believed."""
    drop_odds: float = -1.5
    """Odds of 0.18: forgotten."""
    cap_odds: float = 4.6
    """0.99: so that a burst of misses can end belief within reason."""
    least_hits: int = 3
    """Nothing is believed on less."""
    birth_odds: float = -1.6
    """A new return is a ghost four times in five until something speaks for it."""
    young_rate: float = 10.0
    """Loss of log odds a second, unseen, with fewer than six hits."""
    mature_rate: float = 3.5
    """Likewise later: 1.3 s unseen until no longer believed."""
    grace_s: float = 0.12
    """Unseen this long costs nothing: sensors run at 10 to 20 Hz."""
    brake_cue_mps2: float = 1.2
    """Deceleration expected at once when brake lights come on; drivers rarely touch the brake for less."""
    learn_share: float = 0.01
    """How much one innovation moves the belief about a sensor's noise."""
    noise: tuple[float, float, float, float] = (0.3, 0.2, 0.4, 0.5)
    """Of a sensor that nothing is known of yet: place (m, grows with distance) and velocity (m/s),
    along the line of sight and across it."""
    noise_least: float = 0.07
    """No sensor is believed to be better than this (m, m/s)."""
    noise_most: tuple[float, float, float, float] = (1.5, 0.6, 2.0, 1.5)
    """Nor worse; so place and velocity that disagree for long cannot talk place away."""
    wander_m2_per_s: float = 0.02
    """Place is never carried by velocity alone: a bias of 0.2 m/s costs less than 0.1 m."""
    oldest_s: float = 0.4
    """Frames older than this are not used."""
    reach_m: float = 25.0
    """Farther from the corridor than this a track is not placed on it."""
    hidden_rate: float = 0.5
    """Loss of log odds a second of an old track while another one hides it."""
    hidden_s: float = 8.0
    """But not for longer than this."""
    absent_odds: float = 0.4
    """Loss of a young track by each frame of a sensor that should see it and does not; misses come in
    bursts of ten frames, so one counts a sixth of what a single miss would."""
    absent_hits: float = 14.0
    """Until it has been seen so often."""
    unseen_frozen_frames: int = 3
    """The very same returns this often in a row while moving: a hung sensor."""


class Tracker(msgspec.Struct, frozen=True):
    """All tracks, and what was learnt of the sensors."""

    table: Array
    """[n, 38], columns by TrackColumn, by ascending id."""
    cov: Array
    """[n, 6, 6] of x, y, vx, vy, ax, ay."""
    stamp_ns: int
    next_id: int
    sensors: tuple[str, ...]
    noise: Array
    """[sensors, 4] standard deviations of place and velocity, along the line of sight and across."""
    last: tuple[DetectionFrame, ...]
    """For each sensor its last frame."""
    frozen: tuple[int, ...]
    """For each sensor: frames in a row with the very same returns."""
    frame_ns: int
    """Stamp of the newest frame that was believed, -1 for none."""
    heard_ns: tuple[int, ...] = ()
    """For each sensor: when its last new frame came."""
    lag_s: tuple[float, ...] = ()
    """For each sensor: how old that frame was then."""

    @property
    def confirmed(self) -> Array:
        """[m, 38] the tracks that are believed."""
        return self.table[self.table[:, TrackColumn.CONFIRMED] > 0.0]


def start() -> Tracker:
    """No tracks yet."""
    return Tracker(
        *(np.zeros((0, COLUMNS)), np.zeros((0, 6, 6)), 0, 1, (), np.zeros((0, 4)), (), ()),
        frame_ns=-1,
    )


def observe(
    tracker: Tracker, ego: Ego, frames: tuple[DetectionFrame, ...], tuning: TrackTuning
) -> Tracker:
    """Carry the tracks on to now and fold in the frames that arrived."""
    numbers = _numbers(tuning)
    now_s = ego.stamp_ns / NS_PER_S
    dt_s = min(max((ego.stamp_ns - tracker.stamp_ns) / NS_PER_S, 0.0), 1.0)
    at_x_m, at_y_m = ego.history[0, 1:3].tolist()
    table, cov = coast(tracker.table, tracker.cov, dt_s, now_s, at_x_m, at_y_m, numbers)
    tracker = replace(tracker, table=table, cov=cov, stamp_ns=ego.stamp_ns)
    if frames:
        tracker = _fold(tracker, ego, sorted(frames, key=_order), numbers, tuning)
    if len(tracker.table) > 1:
        table, cov = unite(tracker.table, tracker.cov)
        tracker = replace(tracker, table=table, cov=cov)
    return tracker


def place(tracker: Tracker, ego: Ego, course: Course, tuning: TrackTuning) -> Tracker:
    """Put the tracks into the world and on the corridor by where the car is believed to be."""
    if not len(tracker.table) or not ego.matched:
        return tracker
    world = np.array(world_pose(course.table, course.step_m, ego.mean))
    table = settle(
        *(tracker.table, ego.history[0, 1:4].copy(), world, course.table, course.step_m),
        *(ego.station_m, float(course.table[-1, 0])),
        *(course.length_m if course.loops else 0.0, tuning.reach_m),
    )
    return replace(tracker, table=table)


def rebase(tracker: Tracker, ego: Ego, new: Course, tuning: TrackTuning) -> Tracker:
    """The same tracks on another course; `ego` is the belief already rebased on it."""
    table = tracker.table.copy()
    table[:, TrackColumn.ON] = 0.0  # stations of the old course are no hints on the new one
    return place(replace(tracker, table=table), ego, new, tuning)


def adopt(tracker: Tracker, ego: Ego, scene: Scene, course: Course) -> Tracker:
    """Take tracks that somebody else perceived (the scene door); those with a NaN are left out."""
    odometry = ego.history[0, 1:4]
    x_m, y_m, yaw_rad = world_pose(course.table, course.step_m, ego.mean)
    turn = odometry[2] - yaw_rad
    cos, sin = math.cos(turn), math.sin(turn)
    now_s = ego.stamp_ns / NS_PER_S
    rows = []
    for track in sorted(scene.tracks, key=lambda one: one.track_id):
        numbers = (track.x_m, track.y_m, track.yaw_rad, track.speed_mps, track.accel_mps2)
        if not all(map(math.isfinite, (*numbers, track.length_m, track.width_m))):
            continue
        dx_m, dy_m = track.x_m - x_m, track.y_m - y_m
        heading = wrap_angle_rad(track.yaw_rad + turn)
        along = (math.cos(heading), math.sin(heading))
        row = np.zeros(COLUMNS)
        row[:11] = (
            *(odometry[0] + cos * dx_m - sin * dy_m, odometry[1] + sin * dx_m + cos * dy_m),
            *(track.speed_mps * along[0], track.speed_mps * along[1]),
            *(track.accel_mps2 * along[0], track.accel_mps2 * along[1]),
            *(heading, track.yaw_rate_rps if math.isfinite(track.yaw_rate_rps) else 0.0),
            *(max(track.length_m, 0.1), max(track.width_m, 0.1), track.height_m),
        )
        row[TrackColumn.ODDS], row[TrackColumn.CONFIRMED] = 4.6, 1.0
        row[TrackColumn.FIRST_S] = now_s - track.age_s
        row[TrackColumn.SEEN_S] = now_s - track.unseen_s
        row[TrackColumn.HITS], row[TrackColumn.BRAKE] = 100.0, float(track.brake_lights)
        row[TrackColumn.INDICATOR] = _INDICATOR_INDEX[track.indicator]
        row[TrackColumn.ID] = track.track_id
        row[TrackColumn.CLASS] = _CLASS_INDEX[track.object_class]
        rows.append(row)
    table = np.array(rows) if rows else np.zeros((0, COLUMNS))
    cov = np.tile(np.eye(6) * 0.01, (len(table), 1, 1))
    return replace(tracker, table=table, cov=cov, stamp_ns=ego.stamp_ns, frame_ns=scene.stamp_ns)


def describe(tracker: Tracker) -> Tracks:
    """The believed tracks as a message."""
    now_s = tracker.stamp_ns / NS_PER_S
    return Tracks(
        stamp_ns=tracker.stamp_ns,
        tracks=tuple(_describe_one(row, now_s) for row in tracker.confirmed.tolist()),
    )


def _describe_one(row: list[float], now_s: float) -> Track:
    heading = row[6]
    cos, sin = math.cos(heading), math.sin(heading)
    on = row[28] > 0.0
    return Track(
        track_id=int(row[18]),
        object_class=_CLASSES[int(row[19])],
        x_m=row[35],
        y_m=row[36],
        yaw_rad=wrap_angle_rad(row[37]),
        speed_mps=row[2] * cos + row[3] * sin,
        accel_mps2=row[4] * cos + row[5] * sin,
        yaw_rate_rps=row[7],
        length_m=row[8],
        width_m=row[9],
        height_m=row[10],
        existence=1.0 / (1.0 + math.exp(-row[11])),
        age_s=max(now_s - row[13], 0.0),
        unseen_s=max(now_s - row[14], 0.0),
        station_m=row[29] if on else None,
        offset_m=row[30] if on else None,
        brake_lights=row[16] > 0.5,
        indicator=_INDICATORS[int(row[17])],
    )


def _order(frame: DetectionFrame) -> tuple[int, str]:
    return frame.stamp_ns, frame.sensor


def _numbers(tuning: TrackTuning) -> Array:
    """The tuning as the kernels read it."""
    return np.array(
        (
            *(tuning.jerk_along, tuning.jerk_across, tuning.accel_fade_s),
            *(tuning.gate_m, tuning.gate_mps, tuning.confirm_odds, tuning.lose_odds),
            *(tuning.drop_odds, tuning.cap_odds, tuning.birth_odds, tuning.young_rate),
            *(tuning.mature_rate, tuning.grace_s, tuning.brake_cue_mps2, tuning.learn_share),
            *(tuning.least_hits, tuning.noise_least, tuning.wander_m2_per_s, *tuning.noise_most),
            *(tuning.hidden_rate, tuning.hidden_s, tuning.absent_odds, tuning.absent_hits),
        )
    )


def _fold(
    tracker: Tracker,
    ego: Ego,
    frames: list[DetectionFrame],
    numbers: Array,
    tuning: TrackTuning,
) -> Tracker:
    """Fold frames in, oldest first; frames that are late, repeated or hung are left out."""
    returns: list[tuple[float, ...]] = []
    rows: list[tuple[float, ...]] = []
    newest_ns, pose = tracker.frame_ns, np.empty(7)
    heard = _Heard(tracker, tuning)
    for frame in frames:
        lag_s = (ego.stamp_ns - frame.stamp_ns) / NS_PER_S
        if lag_s < 0.0:
            continue
        index, usable = heard.note(frame, ego, lag_s)
        if not usable or lag_s > tuning.oldest_s:
            continue
        newest_ns = max(newest_ns, frame.stamp_ns)
        first = len(returns)
        returns.extend(map(_return, frame.objects))
        field = FIELDS.get(frame.sensor, UNKNOWN_FIELD)
        if len(returns) > first or (field.range_m > 0.0 and len(tracker.table)):
            recall(ego.history, float(frame.stamp_ns), pose)
            x_m, y_m, yaw_rad = pose[1:4].tolist()
            stamp_s = frame.stamp_ns / NS_PER_S
            rows.append(
                (first, len(returns), x_m, y_m, yaw_rad, lag_s, stamp_s, index, *field.numbers())
            )
    tracker = heard.remembered(tracker, newest_ns)
    if not rows:
        return tracker
    table, cov, noise, next_id = fold_frames(
        *(tracker.table, tracker.cov, np.array(returns).reshape(-1, 13), np.array(rows)),
        tracker.noise,
        *(float(tracker.next_id), numbers),
    )
    return replace(tracker, table=table, cov=cov, noise=noise, next_id=int(next_id))


class _Heard:
    """What the tracker remembers of its sensors, while the frames of one tick are folded in."""

    def __init__(self, tracker: Tracker, tuning: TrackTuning) -> None:
        self._tuning = tuning
        self._sensors = list(tracker.sensors)
        self._noise, self._last = tracker.noise, list(tracker.last)
        self._frozen, self._heard_ns = list(tracker.frozen), list(tracker.heard_ns)
        self._lag_s = list(tracker.lag_s)

    def note(self, frame: DetectionFrame, ego: Ego, lag_s: float) -> tuple[int, bool]:
        """Remember a frame; tells the sensor's index and whether the frame says anything new."""
        if frame.sensor not in self._sensors:
            self._sensors.append(frame.sensor)
            self._noise = np.vstack((self._noise, self._tuning.noise))
            self._last.append(frame)
            self._frozen.append(0)
            self._heard_ns.append(ego.stamp_ns)
            self._lag_s.append(lag_s)
            return len(self._sensors) - 1, True
        index = self._sensors.index(frame.sensor)
        last = self._last[index]
        if frame.stamp_ns <= last.stamp_ns:
            return index, False
        same = bool(frame.objects) and ego.speed_mps > 1.0 and frame.objects == last.objects
        count = self._frozen[index] + 1 if same else 0
        self._last[index], self._frozen[index] = frame, count
        self._heard_ns[index], self._lag_s[index] = ego.stamp_ns, lag_s
        return index, count < self._tuning.unseen_frozen_frames

    def remembered(self, tracker: Tracker, frame_ns: int) -> Tracker:
        """The tracker with what was noted."""
        return replace(
            tracker,
            sensors=tuple(self._sensors),
            noise=self._noise,
            last=tuple(self._last),
            frozen=tuple(self._frozen),
            heard_ns=tuple(self._heard_ns),
            lag_s=tuple(self._lag_s),
            frame_ns=frame_ns,
        )


def _return(one: ObjectReturn) -> tuple[float, ...]:
    """A return as the kernels read it."""
    return (
        one.x_m,
        one.y_m,
        one.velocity_x_mps,
        one.velocity_y_mps,
        one.yaw_rad,
        one.length_m,
        one.width_m,
        one.height_m,
        _CLASS_INDEX[one.object_class],
        one.class_confidence,
        one.existence,
        one.brake_lights,
        _INDICATOR_INDEX[one.indicator],
    )
