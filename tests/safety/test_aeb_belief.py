"""Which tracks are believed, which detections matter, and what each sensor is trusted with."""

import math
from typing import Any

import msgspec
import pytest

from tests.safety.test_aeb_tracks import NOW_NS, TUNING, found, seen, take, track
from volant.core.messages import ObjectClass
from volant.safety import aeb_tracks
from volant.safety.aeb_tracks import CAMERA, EXACT, LEFT, RADAR, RIGHT, Region, Tracker


def test_odds_are_those_of_the_word_and_bounded() -> None:
    assert aeb_tracks._odds(0.8, TUNING) == pytest.approx(math.log(4.0))
    assert aeb_tracks._odds(1.0, TUNING) == TUNING.best_odds
    assert aeb_tracks._odds(0.0, TUNING) == pytest.approx(math.log(0.02 / 0.98))
    base = track(evidence=15.5)
    for noise, evidence in ((TUNING.radar, 16.0), (TUNING.doubted, 15.5)):
        after = aeb_tracks._updated(
            base, found(0.0, 0.0), seen(0.0, 0.0), RADAR, noise, NOW_NS, TUNING
        )
        assert after.evidence == evidence


def test_cameras_vote_for_people_and_against_and_the_unknown_says_nothing() -> None:
    votes = [0.0]
    for kind in [ObjectClass.PEDESTRIAN] * 7 + [ObjectClass.UNKNOWN] + [ObjectClass.CAR] * 12:
        votes.append(aeb_tracks._vote(votes[-1], kind))
    assert votes[1:8] == [1.0, 2.0, 3.0, 4.0, 5.0, 5.0, 5.0]
    assert votes[8] == 5.0
    assert votes[9:] == [4.0, 3.0, 2.0, 1.0, 0.0, -1.0, -2.0, -3.0, -4.0, -5.0, -5.0, -5.0]
    assert aeb_tracks._vote(0.0, ObjectClass.CYCLIST) == 1.0
    base = track(object_class=ObjectClass.CYCLIST)
    unknown = seen(0.0, 0.0, object_class=ObjectClass.UNKNOWN)
    after = aeb_tracks._updated(base, found(0.0, 0.0), unknown, RADAR, TUNING.radar, NOW_NS, TUNING)
    assert after.object_class is ObjectClass.CYCLIST


@pytest.mark.parametrize(
    ("sensors", "evidence", "changes", "blind", "real"),
    [
        (CAMERA | RADAR, 4.0, {}, False, True),
        (CAMERA | RADAR, 3.9, {}, False, False),
        (CAMERA, 12.0, {}, False, True),
        (CAMERA, 11.9, {}, False, False),
        (RADAR, 16.0, {}, False, False),
        (RADAR, 12.0, {"moved": True}, False, True),
        (RADAR, 11.9, {"moved": True}, False, False),
        (RADAR, 16.0, {}, True, False),
        (RADAR | LEFT, 12.0, {}, True, True),
        (RADAR | LEFT, 11.9, {}, True, False),
        (RADAR | LEFT, 12.0, {}, False, False),
        (LEFT | RIGHT, 4.0, {"moved": True}, False, True),
        (EXACT, 4.0, {"frames": 2}, False, True),
        (EXACT, 4.0, {"frames": 1}, False, False),
        (EXACT, 3.9, {"frames": 2}, False, False),
        (EXACT, 16.0, {"height_m": 0.29}, False, False),
        (EXACT, 16.0, {"height_m": 0.3}, False, True),
    ],
)
def test_who_is_believed(
    sensors: int, evidence: float, changes: dict[str, Any], blind: bool, real: bool
) -> None:
    one = track(sensors=sensors, evidence=evidence, **changes)
    camera_ns = NOW_NS - (501_000_000 if blind else 499_000_000)
    tracker = Tracker(stamp_ns=NOW_NS, tracks=(one,), camera_ns=camera_ns)
    assert aeb_tracks.believed(one, tracker, TUNING) is real


@pytest.mark.parametrize(
    ("name", "bit"),
    [
        ("camera_front", CAMERA), ("camera_rear", 0), ("camera_left", 0), ("radar_front", RADAR),
        ("radar_front_left", LEFT), ("radar_front_right", RIGHT), ("radar_rear_right", 0),
        ("ultrasonic_front", 0), ("ideal", EXACT),
    ],
)  # fmt: skip
def test_names_tell_which_sensor_it_is(name: str, bit: int) -> None:
    assert aeb_tracks.sensor_bit(name) == bit


def test_each_sensor_has_its_own_noise() -> None:
    held = [aeb_tracks.noise_of(bit, TUNING) for bit in (CAMERA, RADAR, LEFT, RIGHT, EXACT)]
    assert held == [TUNING.camera, TUNING.radar, TUNING.corner, TUNING.corner, TUNING.exact]


def test_only_cameras_and_exact_sensors_are_the_cameras_word() -> None:
    tracker = Tracker(stamp_ns=NOW_NS, camera_ns=3)
    for sensor, camera_ns in (("radar_front", 3), ("camera_front", NOW_NS), ("ideal", NOW_NS)):
        assert take(tracker, sensor).camera_ns == camera_ns
    assert take(tracker, "camera_rear") is tracker


# --- what matters ---------------------------------------------------------------------------------

NARROW = Region(reach_m=50.0, aside_m=4.0, aside_s=2.5, curvature_per_m=0.01)


@pytest.mark.parametrize(
    ("x_m", "y_m", "vy_mps", "matters"),
    [
        (40.0, 8.0 + 3.9, 0.0, True), (40.0, 8.0 + 4.1, 0.0, False),
        (40.0, 8.0 - 3.9, 0.0, True), (40.0, 8.0 - 4.1, 0.0, False),
        (40.0, 8.0 + 6.4, -1.0, True), (40.0, 8.0 + 6.6, -1.0, False),
        (40.0, 8.0 - 6.4, 1.0, True), (40.0, 8.0 + 23.9, -20.0, True),
        (40.0, 8.0 + 24.1, -20.0, False),
        (49.9, 12.5, 0.0, True), (50.1, 12.5, 0.0, False), (-2.9, 0.0, 0.0, True),
        (-3.1, 0.0, 0.0, False),
    ],
)  # fmt: skip
def test_things_matter_near_the_bend_that_we_drive(
    x_m: float, y_m: float, vy_mps: float, matters: bool
) -> None:
    assert aeb_tracks._matters(seen(x_m, y_m, velocity_y_mps=vy_mps), NARROW) is matters


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    "name",
    [
        "x_m",
        "y_m",
        "velocity_x_mps",
        "velocity_y_mps",
        "yaw_rad",
        "length_m",
        "width_m",
        "existence",
    ],
)
def test_what_is_no_number_does_not_matter(name: str, value: float) -> None:
    whole = seen(20.0, 0.0)
    assert aeb_tracks._matters(whole, NARROW)
    assert not aeb_tracks._matters(msgspec.structs.replace(whole, **{name: value}), NARROW)
