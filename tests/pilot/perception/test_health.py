"""Sensors that fall silent, hang or lag are named; what another thing hides lives on; lone claims do not."""

import math

import msgspec
import numpy as np
import pytest

from volant.core.messages import DetectionFrame, ObjectClass, ObjectReturn
from volant.pilot.perception import localize, track
from volant.pilot.perception.health import HealthTuning, sensor_health
from volant.pilot.perception.track import TrackColumn, Tracker, TrackTuning

TUNING = TrackTuning()
TICK_NS = 50_000_000


def thing(
    x: float, y: float = 0.0, *, existence: float = 0.9, length: float = 4.5, speed: float = 10.0
):
    return ObjectReturn(
        x_m=x,
        y_m=y,
        yaw_rad=0.0,
        velocity_x_mps=speed,
        velocity_y_mps=0.0,
        length_m=length,
        width_m=1.8 if length > 2.0 else 0.5,
        height_m=1.5,
        object_class=ObjectClass.UNKNOWN,
        class_confidence=0.3,
        existence=existence,
    )


def look(tracker: Tracker, tick: int, frames: dict[str, list], lag_ticks: int = 1) -> Tracker:
    """One pilot tick of a standing car at the origin."""
    now_ns = (tick + 10) * TICK_NS
    history = np.zeros((64, 7))
    history[:, 0] = now_ns - 1e7 * np.arange(64)
    ego = msgspec.structs.replace(localize.start(), stamp_ns=now_ns, history=history)
    sent = tuple(
        DetectionFrame(sensor=name, stamp_ns=now_ns - lag_ticks * TICK_NS, objects=tuple(objects))
        for name, objects in frames.items()
    )
    return track.observe(tracker, ego, sent, TUNING)


def test_a_silent_a_frozen_and_a_late_sensor_are_named() -> None:
    tracker, tuning = track.start(), HealthTuning()
    for tick in range(40):
        frames = {"radar_front": [thing(50.0 + 0.1 * tick)]}
        if tick < 20:
            frames["camera_front"] = [thing(50.0 + 0.1 * tick)]
        tracker = look(tracker, tick, frames)
        tracker = look(tracker, tick, {"camera_left": []}, 7)
    health = sensor_health(tracker, tracker.stamp_ns, tuning)
    assert (health.lost, health.late) == (("camera_front",), ("camera_left",))
    assert not health.front_blind
    assert health.side_blind("left")
    assert not health.side_blind("right")
    later = sensor_health(tracker, tracker.stamp_ns + 10**9, tuning)
    assert later.front_blind
    assert later.codes()[0] == ("front_blind", "Sees nothing ahead")
    assert all(len(words) <= 30 for _, words in later.codes())


def test_one_lost_sensor_of_two_keeps_the_track_and_its_identity() -> None:
    tracker = track.start()
    for tick in range(80):
        frames = {"radar_front": [thing(40.0, speed=0.0)]}
        if tick < 30:
            frames["camera_front"] = [thing(40.0, speed=0.0)]
        tracker = look(tracker, tick, frames)
    assert len(tracker.confirmed) == 1
    assert tracker.confirmed[0, TrackColumn.ID] == 1


def test_a_track_behind_another_lives_on_and_one_in_plain_sight_does_not() -> None:
    alive = {}
    for hidden in (True, False):
        tracker = track.start()
        for tick in range(100):
            near = thing(20.0, 0.0 if hidden else 6.0, speed=0.0, length=6.0)
            far = [thing(40.0, speed=0.0)] if tick < 30 else []
            tracker = look(tracker, tick, {"radar_front_left": [near, *far]})
        alive[hidden] = len(tracker.confirmed)
    assert alive == {True: 2, False: 1}


@pytest.mark.parametrize(("camera", "believed"), [(True, False), (False, True)])
def test_what_only_one_sensor_tells_is_not_believed_where_another_should_see_it(
    camera: bool, believed: bool
) -> None:
    tracker, most = track.start(), 0
    for tick in range(12):
        frames: dict[str, list] = {"radar_front": [thing(60.0, existence=0.58)]}
        if camera:
            frames["camera_front"] = [thing(30.0, 4.0)]
        tracker = look(tracker, tick, frames)
        far = np.hypot(tracker.confirmed[:, 0] - 60.0, tracker.confirmed[:, 1]) < 9.0
        most = max(most, int(far.sum()))
    assert (most > 0) is believed


def test_two_sensors_at_both_ends_of_a_lorry_make_one_track() -> None:
    tracker = track.start()
    for tick in range(60):
        frames = {
            "radar_front": [thing(36.0, length=14.0, speed=0.0)],
            "camera_front": [thing(40.0, length=14.0, speed=0.0)],
        }
        tracker = look(tracker, tick, frames)
    assert len(tracker.confirmed) == 1


def test_a_person_who_turns_on_the_spot_is_followed() -> None:
    tracker = track.start()
    x, y = 15.0, 4.0
    for tick in range(80):
        across = tick >= 40
        speed = (0.0, -1.4) if across else (1.4, 0.0)
        x, y = x + 0.05 * speed[0], y + 0.05 * speed[1]
        seen = replace_velocity(thing(x, y, length=0.5, speed=speed[0]), speed)
        tracker = look(tracker, tick, {"camera_front": [seen]}, 0)
        if tick == 50:
            (row,) = tracker.confirmed
            assert row[TrackColumn.VY] < -0.9
            assert math.hypot(row[TrackColumn.X] - x, row[TrackColumn.Y] - y) < 0.3


def replace_velocity(one: ObjectReturn, speed: tuple[float, float]) -> ObjectReturn:
    from msgspec.structs import replace as with_

    return with_(one, velocity_x_mps=speed[0], velocity_y_mps=speed[1])
