"""The tracker's arithmetic against its textbook: prediction, gates, Kalman corrections, belief."""

import math
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.core.messages import DetectionFrame, ObjectClass, ObjectReturn
from volant.safety import aeb_tracks
from volant.safety.aeb_tracks import (
    CAMERA,
    RADAR,
    Region,
    Track,
    Tracker,
    TrackTuning,
)
from volant.safety.stop import Place

TUNING = TrackTuning()
NOW_NS = 5_000_000_000
TURNED = Place(NOW_NS, 30.0, -20.0, 0.7)
"""A car that has come some way and has turned."""
WIDE = Region(reach_m=120.0, aside_m=10.0, aside_s=1.0, curvature_per_m=0.0)


def track(**changes: Any) -> Track:
    plain: dict[str, Any] = {
        "track_id": 7, "x_m": 60.0, "y_m": 5.0, "vx_mps": 4.0, "vy_mps": 3.0, "accel_mps2": 0.0,
        "yaw_rad": 0.5, "length_m": 4.0, "width_m": 1.8, "height_m": 1.5,
        "along_pp": 0.5, "along_pv": 0.2, "along_vv": 0.8,
        "across_pp": 0.3, "across_pv": 0.1, "across_vv": 0.4,
        "person": 0.0, "evidence": 5.0, "sensors": CAMERA, "frames": 3, "moved": False,
        "seen_ns": NOW_NS, "object_class": ObjectClass.CAR,
    }  # fmt: skip
    return Track(**{**plain, **changes})


def seen(x_m: float, y_m: float, **changes: Any) -> ObjectReturn:
    plain: dict[str, Any] = {
        "yaw_rad": 0.0, "velocity_x_mps": 0.0, "velocity_y_mps": 0.0, "length_m": 4.0,
        "width_m": 1.8, "height_m": 1.5, "object_class": ObjectClass.CAR,
        "class_confidence": 0.9, "existence": 0.9, **changes,
    }  # fmt: skip
    return ObjectReturn(x_m=x_m, y_m=y_m, **plain)


def take(
    tracker: Tracker, sensor: str, *objects: ObjectReturn, late_ns: int = 0, region: Region = WIDE
) -> Tracker:
    frame = DetectionFrame(sensor=sensor, stamp_ns=tracker.stamp_ns - late_ns, objects=objects)
    return aeb_tracks.take_frame(tracker, frame, TURNED, region, TUNING)


def in_car(place: Place, x_m: float, y_m: float) -> tuple[float, float]:
    """A point of the odometry frame as the car at a place sees it."""
    cos, sin = math.cos(place.yaw_rad), math.sin(place.yaw_rad)
    dx_m, dy_m = x_m - place.x_m, y_m - place.y_m
    return cos * dx_m + sin * dy_m, cos * dy_m - sin * dx_m


# --- prediction -----------------------------------------------------------------------------------


def test_a_track_goes_on_with_its_speed_and_its_uncertainty_grows_by_the_textbook() -> None:
    before = track()
    tracker = Tracker(stamp_ns=NOW_NS - 100_000_000, tracks=(before,))
    (after,) = aeb_tracks.advance(tracker, NOW_NS, TURNED, TUNING).tracks
    assert (after.x_m, after.y_m) == pytest.approx((60.4, 5.3))
    step = np.array([[1.0, 0.1], [0.0, 1.0]])
    for name, drive in (("along", TUNING.radial_drive), ("across", TUNING.across_drive)):
        held = [
            np.array([[getattr(one, f"{name}_pp"), getattr(one, f"{name}_pv")],
                      [getattr(one, f"{name}_pv"), getattr(one, f"{name}_vv")]])
            for one in (before, after)
        ]  # fmt: skip
        grown = step @ held[0] @ step.T + np.diag([0.0, 0.1 * drive])
        assert held[1] == pytest.approx(grown)


def test_acceleration_acts_along_the_sight_and_ends_at_standstill() -> None:
    ahead = track(x_m=TURNED.x_m + 3.0, y_m=TURNED.y_m + 4.0, vx_mps=3.0, vy_mps=4.0)
    braked = msgspec.structs.replace(ahead, accel_mps2=-2.0)
    tracker = Tracker(stamp_ns=NOW_NS - 500_000_000, tracks=(braked,))
    (after,) = aeb_tracks.advance(tracker, NOW_NS, TURNED, TUNING).tracks
    assert (after.vx_mps, after.vy_mps) == pytest.approx((2.4, 3.2))
    assert after.x_m == pytest.approx(ahead.x_m + 0.5 * 0.5 * (3.0 + 2.4))
    assert after.y_m == pytest.approx(ahead.y_m + 0.5 * 0.5 * (4.0 + 3.2))
    stops = msgspec.structs.replace(ahead, accel_mps2=-20.0)
    (after,) = aeb_tracks.advance(
        Tracker(stamp_ns=NOW_NS - 500_000_000, tracks=(stops,)), NOW_NS, TURNED, TUNING
    ).tracks
    assert (after.vx_mps, after.vy_mps) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("ahead_m", "aside_m", "length_m", "kept"),
    [(-4.9, 3.0, 4.0, True), (-5.1, 3.0, 4.0, False), (-5.9, -3.0, 6.0, True), (9.0, 4.0, 4.0, True)],
)  # fmt: skip
def test_what_lies_behind_the_car_is_left_out(
    ahead_m: float, aside_m: float, length_m: float, kept: bool
) -> None:
    cos, sin = math.cos(TURNED.yaw_rad), math.sin(TURNED.yaw_rad)
    x_m = TURNED.x_m + cos * ahead_m - sin * aside_m
    y_m = TURNED.y_m + sin * ahead_m + cos * aside_m
    one = track(x_m=x_m, y_m=y_m, length_m=length_m, vx_mps=0.0, vy_mps=0.0)
    tracker = Tracker(stamp_ns=NOW_NS, tracks=(one,))
    assert (len(aeb_tracks.advance(tracker, NOW_NS, TURNED, TUNING).tracks) == 1) is kept


def test_what_was_not_seen_for_long_is_forgotten() -> None:
    for age_ns, kept in ((600_000_000, 1), (601_000_000, 0)):
        tracker = Tracker(stamp_ns=NOW_NS, tracks=(track(seen_ns=NOW_NS - age_ns),))
        assert len(aeb_tracks.advance(tracker, NOW_NS, TURNED, TUNING).tracks) == kept


# --- from detection to track ----------------------------------------------------------------------


def test_a_detection_is_placed_where_the_car_was_and_carried_on_to_now() -> None:
    thing = seen(40.0, -3.0, velocity_x_mps=5.0, velocity_y_mps=2.0, yaw_rad=0.2)
    (born,) = take(Tracker(stamp_ns=NOW_NS), "radar_front", thing, late_ns=100_000_000).tracks
    ahead_m, aside_m = in_car(TURNED, born.x_m, born.y_m)
    assert (ahead_m, aside_m) == pytest.approx((40.5, -2.8))
    cos, sin = math.cos(0.7), math.sin(0.7)
    assert born.vx_mps == pytest.approx(5.0 * cos - 2.0 * sin)
    assert born.vy_mps == pytest.approx(5.0 * sin + 2.0 * cos)
    assert born.yaw_rad == pytest.approx(0.9)
    reach_m = math.hypot(40.0, 3.0)
    noise = TUNING.radar
    assert born.along_pp == pytest.approx(noise.range_m**2)
    assert born.across_pp == pytest.approx((0.05 + noise.angle_rad * reach_m) ** 2)
    assert born.along_vv == pytest.approx(noise.radial_mps**2)
    assert born.across_vv == pytest.approx(noise.across_mps**2)
    assert (born.along_pv, born.across_pv, born.accel_mps2) == (0.0, 0.0, 0.0)
    assert (born.frames, born.sensors, born.moved, born.person) == (1, RADAR, False, -1.0)
    (far,) = take(Tracker(stamp_ns=NOW_NS), "camera_front", seen(80.0, 0.0)).tracks
    assert far.along_pp == pytest.approx((0.25 + 0.03 * 80.0) ** 2)


def test_every_new_thing_gets_a_number_of_its_own() -> None:
    tracker = take(
        Tracker(stamp_ns=NOW_NS, next_id=4), "camera_front", seen(20.0, 0.0), seen(50.0, 0.0)
    )
    assert [one.track_id for one in tracker.tracks] == [4, 5]
    assert tracker.next_id == 6


def test_two_detections_go_to_two_tracks_and_each_to_the_nearer() -> None:
    tracker = take(Tracker(stamp_ns=NOW_NS), "camera_front", seen(30.0, 1.0), seen(30.0, 0.0))
    again = take(tracker, "camera_front", seen(30.0, 0.1), seen(30.0, 0.9))
    assert len(again.tracks) == 2
    asides = [in_car(TURNED, one.x_m, one.y_m)[1] for one in again.tracks]
    assert asides[0] == pytest.approx(0.9, abs=0.1)
    assert asides[1] == pytest.approx(0.1, abs=0.1)
    once = take(tracker, "camera_front", seen(30.0, 0.9), seen(30.0, 0.95), seen(30.0, 1.0))
    assert len(once.tracks) == 3


SIGHT = Place(NOW_NS, 10.0, -5.0, 0.0)


def found(along_m: float, across_m: float, late_s: float = 0.0) -> aeb_tracks._Found:
    """What is seen off the track of `beside`, along and across a sight of 37 degrees."""
    ux, uy = 0.8, 0.6
    base = track()
    return aeb_tracks._Found(
        x_m=base.x_m + along_m * ux - across_m * uy, y_m=base.y_m + along_m * uy + across_m * ux,
        vx_mps=base.vx_mps, vy_mps=base.vy_mps, yaw_rad=base.yaw_rad, sight_x=ux, sight_y=uy,
        along_var=0.25, across_var=0.09, radial_var=0.04, lateral_var=0.16, late_s=late_s,
    )  # fmt: skip


ALONG_M = TUNING.gate_m + 3.0 * math.sqrt(0.5 + 0.25)
ACROSS_M = TUNING.gate_m + 3.0 * math.sqrt(0.3 + 0.09)


@pytest.mark.parametrize(
    ("along", "across", "fits"),
    [
        (0.98, 0.0, True), (1.02, 0.0, False), (-0.98, 0.0, True), (-1.02, 0.0, False),
        (0.0, 0.98, True), (0.0, 1.02, False), (0.0, -0.98, True), (0.0, -1.02, False),
        (0.7, 0.7, True), (0.72, 0.72, False), (-0.72, 0.72, False),
    ],
)  # fmt: skip
def test_a_detection_fits_within_three_deviations_along_and_across_the_sight(
    along: float, across: float, fits: bool
) -> None:
    there = found(along * ALONG_M, across * ACROSS_M)
    assert (aeb_tracks._nearest(there, [track()], [0], TUNING) == 0) is fits


def test_a_late_detection_is_compared_where_the_track_was() -> None:
    late = found(0.0, 0.0, late_s=1.0)
    assert aeb_tracks._nearest(late, [track()], [0], TUNING) is None
    then = msgspec.structs.replace(late, x_m=late.x_m - 4.0, y_m=late.y_m - 3.0)
    assert aeb_tracks._nearest(then, [track()], [0], TUNING) == 0


def test_only_free_tracks_are_asked_and_the_best_one_is_taken() -> None:
    near, nearer = track(x_m=60.5), track(x_m=60.1)
    here = found(0.0, 0.0)
    assert aeb_tracks._nearest(here, [near, nearer], [0, 1], TUNING) == 1
    assert aeb_tracks._nearest(here, [nearer, near], [0, 1], TUNING) == 0
    assert aeb_tracks._nearest(here, [near, nearer], [0], TUNING) == 0
    loose = track(x_m=60.0, along_pp=900.0, across_pp=900.0)
    for dx_m, dy_m, fits in (
        (-12.5, 0.0, False),
        (12.5, 0.0, False),
        (11.5, 0.0, True),
        (0.0, 12.5, False),
    ):
        off = msgspec.structs.replace(loose, x_m=60.0 + dx_m, y_m=5.0 + dy_m)
        assert (aeb_tracks._nearest(here, [off], [0], TUNING) == 0) is fits


# --- corrections ----------------------------------------------------------------------------------


@given(
    deviations=st.tuples(*[st.floats(0.05, 3.0)] * 4),
    share=st.floats(-0.9, 0.9),
    errors=st.tuples(st.floats(-5.0, 5.0), st.floats(-5.0, 5.0)),
)
def test_a_correction_is_the_kalman_filters(
    deviations: tuple[float, float, float, float], share: float, errors: tuple[float, float]
) -> None:
    p, v, place, speed = deviations
    before = np.array([[p * p, share * p * v], [share * p * v, v * v]])
    noise = np.diag([place * place, speed * speed])
    gain = before @ np.linalg.inv(before + noise)
    after = (np.eye(2) - gain) @ before
    move = gain @ np.array(errors)
    out = aeb_tracks._corrected(p * p, share * p * v, v * v, *errors, place * place, speed * speed)
    assert [out.place, out.speed] == pytest.approx(move, abs=1e-6)
    assert [out.pp, out.pv, out.vv] == pytest.approx(
        [after[0, 0], after[0, 1], after[1, 1]], abs=1e-6
    )


def test_what_is_seen_moves_a_track_along_and_across_the_sight() -> None:
    base, noise = track(), TUNING.radar
    there = msgspec.structs.replace(found(0.6, -0.4), vx_mps=4.5, vy_mps=2.0)
    after = aeb_tracks._updated(base, there, seen(0.0, 0.0), RADAR, noise, NOW_NS + 1, TUNING)
    ux, uy = 0.8, 0.6
    dv_along, dv_across = 0.5 * ux - 1.0 * uy, -1.0 * ux - 0.5 * uy
    along = aeb_tracks._corrected(0.5, 0.2, 0.8, 0.6, dv_along, 0.25, 0.04)
    across = aeb_tracks._corrected(0.3, 0.1, 0.4, -0.4, dv_across, 0.09, 0.16)
    assert after.x_m == pytest.approx(base.x_m + along.place * ux - across.place * uy)
    assert after.y_m == pytest.approx(base.y_m + along.place * uy + across.place * ux)
    assert after.vx_mps == pytest.approx(base.vx_mps + along.speed * ux - across.speed * uy)
    assert after.vy_mps == pytest.approx(base.vy_mps + along.speed * uy + across.speed * ux)
    assert (after.along_pp, after.along_pv, after.along_vv) == (along.pp, along.pv, along.vv)
    assert (after.across_pp, after.across_pv, after.across_vv) == (across.pp, across.pv, across.vv)
    assert after.accel_mps2 == pytest.approx(TUNING.accel_gain_per_s * dv_along)
    assert (after.sensors, after.frames, after.seen_ns) == (CAMERA | RADAR, 4, NOW_NS + 1)


def speeds(radial_mps: float, late_s: float = 0.0) -> aeb_tracks._Found:
    there = found(0.0, 0.0, late_s)
    return msgspec.structs.replace(
        there, vx_mps=4.0 + 0.8 * radial_mps, vy_mps=3.0 + 0.6 * radial_mps
    )


@pytest.mark.parametrize(
    ("was_mps2", "error_mps", "noise", "then_mps2"),
    [
        (1.0, 0.4, TUNING.radar, 2.0),
        (1.0, -0.4, TUNING.corner, 0.0),
        (1.0, 0.4, TUNING.camera, 1.0),
        (1.0, 1.6, TUNING.radar, 1.0),
        (1.0, -1.6, TUNING.radar, 1.0),
        (9.0, 1.4, TUNING.radar, 10.0),
        (-9.0, -1.4, TUNING.radar, -10.0),
        (5.0, 0.4, TUNING.doubted, 4.0),
    ],
)
def test_sharp_sensors_teach_acceleration_and_jumps_do_not(
    was_mps2: float, error_mps: float, noise: aeb_tracks.SensorNoise, then_mps2: float
) -> None:
    base = track(accel_mps2=was_mps2)
    after = aeb_tracks._updated(
        base, speeds(error_mps), seen(0.0, 0.0), RADAR, noise, NOW_NS, TUNING
    )
    assert after.accel_mps2 == pytest.approx(then_mps2)


def test_a_late_word_on_speed_is_compared_with_the_speed_of_then() -> None:
    base = track(accel_mps2=-6.0)
    assert aeb_tracks._radial_error(base, speeds(0.6, late_s=0.1)) == pytest.approx(0.0)
    assert aeb_tracks._jumps(base, speeds(2.2, late_s=0.1), TUNING) == 1.0
    assert aeb_tracks._jumps(base, speeds(1.6, late_s=0.1), TUNING) == 0.0
    assert aeb_tracks._jumps(base, speeds(-1.0, late_s=0.1), TUNING) == 1.0


def test_outline_and_heading_settle_over_the_frames() -> None:
    base = track(frames=3)
    there = msgspec.structs.replace(found(0.0, 0.0), yaw_rad=0.5 + 2.0 * math.pi + 0.1)
    shape = seen(0.0, 0.0, length_m=8.0, width_m=2.2, height_m=2.5)
    after = aeb_tracks._updated(base, there, shape, CAMERA, TUNING.camera, NOW_NS, TUNING)
    assert after.length_m == pytest.approx(5.0)
    assert after.width_m == pytest.approx(1.9)
    assert after.height_m == pytest.approx(1.75)
    assert after.yaw_rad == pytest.approx(0.5 + (0.25 + 0.05) * 0.1)
    old = aeb_tracks._updated(
        track(frames=500), there, shape, CAMERA, TUNING.camera, NOW_NS, TUNING
    )
    assert old.length_m == pytest.approx(4.0 + 4.0 / 20.0)


@pytest.mark.parametrize(
    ("frames", "speed", "was", "moved"),
    [(5, 1.6, False, True), (5, 1.4, False, False), (4, 1.6, False, False), (1, 0.0, True, True)],
)
def test_who_was_ever_faster_has_moved(frames: int, speed: float, was: bool, moved: bool) -> None:
    base = track(frames=frames, vx_mps=0.8 * speed, vy_mps=-0.6 * speed, moved=was)
    there = msgspec.structs.replace(found(0.0, 0.0), vx_mps=0.8 * speed, vy_mps=-0.6 * speed)
    after = aeb_tracks._updated(base, there, seen(0.0, 0.0), RADAR, TUNING.radar, NOW_NS, TUNING)
    assert after.moved is moved
