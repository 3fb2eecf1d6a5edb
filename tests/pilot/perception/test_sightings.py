"""Signs, lines and mouths hold the belief along the road; what the map has wrong does no harm."""

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.pilot.perception.test_landmarks import settled, wrong_by
from tests.pilot.world import curvy, straight
from volant.core.messages import LandmarkFrame, LandmarkKind, LandmarkReturn
from volant.pilot.course import Course
from volant.pilot.perception import localize
from volant.pilot.perception.belief import Ego, LocalizeTuning
from volant.pilot.perception.sightings import (
    Landmarks,
    SightingTuning,
    landmarks_of,
    observe_landmarks,
)
from volant.road.landmarks import Landmark

TUNINGS = (LocalizeTuning(), SightingTuning())
STEP_NS = 1_000_000
"""Between the pictures of a test: the car does not move in it, and all are young."""


def around(ego: Ego, course: Course, *marks: tuple[LandmarkKind, float, float]) -> Landmarks:
    """A map that has landmarks so far ahead and to the left of the car."""
    x_m, y_m, yaw_rad = localize.world_of(ego, course)
    cos, sin = math.cos(yaw_rad), math.sin(yaw_rad)
    return landmarks_of(
        tuple(
            Landmark(kind, x_m + cos * a - sin * b, y_m + sin * a + cos * b, 0.0, yaw_rad)
            for kind, a, b in marks
        )
    )


def watch(
    marks: Landmarks,
    ego: Ego,
    course: Course,
    *seen: tuple[LandmarkKind, float, float],
    count: int = 40,
) -> Ego:
    """The belief after so many pictures; the last digits change, as with any camera."""
    for k in range(count):
        told = tuple(LandmarkReturn(kind=kind, x_m=a + 1e-6 * k, y_m=b) for kind, a, b in seen)
        frame = LandmarkFrame(stamp_ns=ego.stamp_ns - (count - k) * STEP_NS, landmarks=told)
        marks, ego = observe_landmarks(marks, ego, course, frame, TUNINGS)
    return ego


MOUTH = (LandmarkKind.MOUTH, 15.0, 0.0)
SIGN = (LandmarkKind.GIVE_WAY, 14.0, -4.0)


@pytest.mark.parametrize("road", [straight, curvy])
@pytest.mark.parametrize("error_m", [-1.6, 1.6])
@pytest.mark.parametrize("seen", [MOUTH, SIGN, (LandmarkKind.LINE, 25.0, 0.3)])
def test_a_landmark_ahead_tells_where_we_are_along_the_road(
    road: object, error_m: float, seen: tuple[LandmarkKind, float, float]
) -> None:
    ego, course = settled(road())  # type: ignore[operator]
    found = watch(around(ego, course, seen), wrong_by(ego, error_m), course, seen)
    assert abs(found.station_m - ego.station_m) < 0.4
    assert abs(found.offset_m - ego.offset_m) < 0.1
    assert abs(found.station_m - ego.station_m) < 3.0 * found.sigma_along_m


def test_a_sign_that_was_moved_far_is_not_believed_and_one_that_is_missing_changes_nothing() -> (
    None
):
    ego, course = settled(straight())
    unsure = wrong_by(ego, 0.9)
    moved = around(ego, course, (LandmarkKind.GIVE_WAY, 22.0, -4.0))
    assert np.array_equal(watch(moved, unsure, course, SIGN).mean, unsure.mean)
    aside = around(ego, course, (LandmarkKind.GIVE_WAY, 14.0, -9.0))
    assert np.array_equal(watch(aside, unsure, course, SIGN).mean, unsure.mean)
    assert np.array_equal(watch(around(ego, course), unsure, course, SIGN).mean, unsure.mean)
    other = around(ego, course, (LandmarkKind.STOP, 14.0, -4.0))
    assert np.array_equal(watch(other, unsure, course, SIGN).mean, unsure.mean)


def test_a_sign_moved_a_little_is_outweighed_by_the_paint() -> None:
    ego, course = settled(straight())
    mouth, sign = (LandmarkKind.MOUTH, 8.0, 0.0), (LandmarkKind.GIVE_WAY, 7.0, -4.0)
    marks = around(ego, course, mouth, (LandmarkKind.GIVE_WAY, 10.0, -4.0))
    found = watch(marks, wrong_by(ego, 0.9), course, sign, mouth)
    assert abs(found.station_m - ego.station_m) < 0.4


def test_the_map_itself_may_be_out_so_nobody_becomes_surer_than_that() -> None:
    ego, course = settled(straight())
    found = watch(around(ego, course, SIGN), wrong_by(ego, 0.9), course, SIGN, count=20)
    assert found.sigma_along_m > 0.25


def test_one_of_two_alike_is_left_out() -> None:
    ego, course = settled(straight())
    unsure = wrong_by(ego, 0.9)
    twice = around(ego, course, SIGN, (LandmarkKind.GIVE_WAY, 15.5, -4.0))
    assert np.array_equal(watch(twice, unsure, course, SIGN).mean, unsure.mean)


def test_frames_that_hang_come_late_or_again_and_wild_ones_are_left_out() -> None:
    ego, course = settled(straight())
    marks, unsure = around(ego, course, MOUTH), wrong_by(ego, 0.9)
    told = (LandmarkReturn(kind=LandmarkKind.MOUTH, x_m=15.0, y_m=0.0),)
    frame = LandmarkFrame(stamp_ns=unsure.stamp_ns, landmarks=told)
    marks, once = observe_landmarks(marks, unsure, course, frame, TUNINGS)
    assert marks.used == 1
    assert observe_landmarks(marks, once, course, frame, TUNINGS)[1] is once
    later = replace_stamp(frame, 10)
    assert observe_landmarks(marks, once, course, later, TUNINGS)[1] is once
    for x_m in (math.nan, math.inf, -15.0):
        wild = (LandmarkReturn(kind=LandmarkKind.MOUTH, x_m=x_m, y_m=0.0),)
        frame = LandmarkFrame(stamp_ns=unsure.stamp_ns, landmarks=wild)
        fresh = around(ego, course, MOUTH)
        assert observe_landmarks(fresh, unsure, course, frame, TUNINGS)[1] is unsure
    old = LandmarkFrame(stamp_ns=unsure.stamp_ns - 10**9, landmarks=told)
    assert observe_landmarks(around(ego, course, MOUTH), unsure, course, old, TUNINGS)[1] is unsure


def replace_stamp(frame: LandmarkFrame, by_ns: int) -> LandmarkFrame:
    return LandmarkFrame(stamp_ns=frame.stamp_ns + by_ns, landmarks=frame.landmarks)


def test_a_tuning_without_trust_in_the_map_hardly_moves() -> None:
    ego, course = settled(straight())
    wary = replace(TUNINGS[1], paint_place_m=5.0)
    unsure, told = wrong_by(ego, 0.9), LandmarkReturn(kind=LandmarkKind.MOUTH, x_m=15.0, y_m=0.0)
    frame = LandmarkFrame(stamp_ns=unsure.stamp_ns, landmarks=(told,))
    found = observe_landmarks(
        around(ego, course, MOUTH), unsure, course, frame, (TUNINGS[0], wary)
    )[1]
    assert abs(found.station_m - unsure.station_m) < 0.1
