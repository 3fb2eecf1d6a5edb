"""A radar whose words on speed jump is doubted: it teaches no braking and starts no track of its own."""

import math

from volant.core.clock import PILOT_TICK_NS
from volant.core.messages import DetectionFrame, ObjectClass, ObjectReturn
from volant.safety.aeb_tracks import (
    RADAR,
    Place,
    Region,
    Tracker,
    TrackTuning,
    advance,
    take_frame,
)

TUNING = TrackTuning()
WIDE = Region(reach_m=120.0, aside_m=10.0, aside_s=1.0, curvature_per_m=0.0)


def seen(x_m: float, speed_mps: float, y_m: float = 0.0) -> ObjectReturn:
    return ObjectReturn(
        x_m=x_m, y_m=y_m, yaw_rad=0.0, velocity_x_mps=speed_mps, velocity_y_mps=0.0,
        length_m=4.5, width_m=1.8, height_m=1.5,
        object_class=ObjectClass.CAR, class_confidence=0.8, existence=0.9,
    )  # fmt: skip


def drive(off_mps: float) -> Tracker:
    """A car 40 m ahead at our 20 m/s; every other word on its speed is out by so much, to either side."""
    tracker = Tracker()
    for tick in range(40):
        stamp_ns = tick * PILOT_TICK_NS
        here = Place(stamp_ns=stamp_ns, x_m=20.0 * tick * 0.05, y_m=0.0, yaw_rad=0.0)
        error = off_mps * math.sin(2.5 * tick)
        frame = DetectionFrame(
            sensor="radar_front", stamp_ns=stamp_ns, objects=(seen(40.0, 20.0 + error),)
        )
        tracker = advance(tracker, stamp_ns, here, TUNING)
        tracker = take_frame(tracker, frame, here, WIDE, TUNING)
    return tracker


def share(tracker: Tracker) -> float:
    return tracker.jumps[RADAR.bit_length() - 1]


def test_a_sound_radar_is_not_doubted_and_starts_tracks() -> None:
    tracker = drive(0.2)
    assert share(tracker) < TUNING.jump_share
    assert len(tracker.tracks) == 1


def test_a_jumping_radar_is_doubted_teaches_no_braking_and_starts_no_track() -> None:
    tracker = drive(9.0)
    assert share(tracker) > TUNING.jump_share
    assert all(abs(track.accel_mps2) < 1.0 for track in tracker.tracks)
    before = len(tracker.tracks)
    stamp_ns = 40 * PILOT_TICK_NS
    here = Place(stamp_ns=stamp_ns, x_m=40.0, y_m=0.0, yaw_rad=0.0)
    lone = DetectionFrame(sensor="radar_front", stamp_ns=stamp_ns, objects=(seen(15.0, 0.0, 3.0),))
    tracker = take_frame(advance(tracker, stamp_ns, here, TUNING), lone, here, WIDE, TUNING)
    assert len(tracker.tracks) <= before
