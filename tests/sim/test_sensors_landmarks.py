"""Signs, lines and mouths as the front camera sees them."""

import math

import msgspec
import numpy as np
import pytest

from tests.sim.places import cars, ego_at, straight
from volant.core.chance import Chance
from volant.core.clock import PILOT_TICK_NS
from volant.core.messages import LandmarkFrame, LandmarkKind, LandmarkReturn, SensorFrames
from volant.sim.columns import Actor
from volant.sim.sensors_faults import FaultKind, SensorFault
from volant.sim.sensors_landmarks import (
    KINDS,
    LandmarkSensor,
    make_landmark_sensor,
    sense_landmarks,
)

GRAPH = straight()


def sensor(
    level: str = "typical",
    kind: LandmarkKind = LandmarkKind.STOP,
    heading_rad: float = 0.0,
    faults: tuple[SensorFault, ...] = (),
) -> LandmarkSensor:
    """The camera before one landmark at 560 m: a sign 3 m to the right of lane 1, paint on the lane."""
    state = make_landmark_sensor(level, GRAPH, Chance.of(5, "l"), faults)
    painted = kind in (LandmarkKind.LINE, LandmarkKind.MOUTH)
    at = GRAPH.position(1, 560.0, 0.0 if painted else -3.0)
    height_m = 0.0 if painted else 2.2
    row = (
        at.x_m,
        at.y_m,
        height_m,
        math.cos(heading_rad),
        math.sin(heading_rad),
        KINDS.index(kind),
    )
    state.places = np.array([row], dtype=np.float64)
    state.keys = np.array([7], dtype=np.uint64)
    return state


def seen(
    state: LandmarkSensor,
    ego_s: float = 530.0,
    count: int = 400,
    other: tuple[float, float] | None = None,
) -> list[LandmarkReturn | None]:
    """What is told in `count` ticks, frame by frame; other: s and height of a body on the lane."""
    traffic = cars(GRAPH, *([(1, other[0], 0.0)] if other else []))
    if other:
        traffic.actor_f[0, Actor.WIDTH], traffic.actor_f[0, Actor.HEIGHT] = 2.55, other[1]
    ego, told = ego_at(GRAPH, 1, ego_s, 10.0), []
    for tick in range(count):
        frame = sense_landmarks(state, traffic.actor_f, traffic.actor_i, ego, tick * PILOT_TICK_NS)
        if frame is not None:
            assert tick * PILOT_TICK_NS - frame.stamp_ns >= state.latency_ns
            told.append(frame.landmarks[0] if frame.landmarks else None)
    return told


def test_a_sign_is_told_ten_times_a_second_with_the_cameras_noise_misses_and_mistakes() -> None:
    told = seen(sensor(), count=8000)
    assert len(told) == pytest.approx(4000, abs=2)
    rows = [one for one in told if one is not None]
    assert 0.01 < 1.0 - len(rows) / len(told) < 0.1
    assert 0.005 < sum(one.kind is not LandmarkKind.STOP for one in rows) / len(rows) < 0.05
    x, y = np.array([(one.x_m, one.y_m) for one in rows]).T
    assert x.mean() == pytest.approx(30.0, abs=0.2)
    assert y.mean() == pytest.approx(-3.0, abs=0.1)
    away = np.hypot(x - 1.9, y)
    assert away.std() == pytest.approx(0.2 + 0.03 * 28.3, rel=0.15)


def test_perfect_cameras_tell_it_exactly_and_at_once() -> None:
    told = seen(sensor("perfect"), count=10)
    assert len(told) == 5
    assert all(one is not None and one.x_m == pytest.approx(30.0) for one in told)


@pytest.mark.parametrize(
    ("kind", "near_s", "far_s"),
    [(LandmarkKind.STOP, 505.0, 490.0), (LandmarkKind.MOUTH, 525.0, 505.0)],
)
def test_signs_are_told_within_60_m_and_paint_within_40(
    kind: LandmarkKind, near_s: float, far_s: float
) -> None:
    assert any(seen(sensor(kind=kind), near_s))
    assert not any(seen(sensor(kind=kind), far_s))
    assert not any(seen(sensor(kind=kind), 565.0))
    assert not any(seen(sensor(kind=kind, heading_rad=math.pi)))


def test_a_car_hides_paint_behind_it_and_a_lorry_signs_too() -> None:
    paint, sign = sensor("typical", LandmarkKind.LINE), sensor("typical")
    assert not any(seen(paint, other=(550.0, 1.5)))
    state = sensor()
    state.places[0, 1] += 3.0
    assert any(seen(state, other=(550.0, 1.5)))
    state = sensor()
    state.places[0, 1] += 3.0
    assert not any(seen(state, other=(550.0, 3.8)))
    assert any(seen(sign, other=(570.0, 3.8)))


@pytest.mark.parametrize("kind", list(FaultKind))
@pytest.mark.parametrize("name", ["landmarks", "camera_front"])
def test_a_broken_camera_breaks_them_its_own_way(kind: FaultKind, name: str) -> None:
    if name == "camera_front" and kind is FaultKind.GHOSTS:
        return  # ghosts of the camera are road users
    told = seen(sensor(faults=(SensorFault(sensor=name, kind=kind),)), count=1000)
    rows = [one for one in told if one is not None]
    if kind is FaultKind.LOST:
        assert not told
        return
    x = np.array([one.x_m for one in rows])
    if kind is FaultKind.FROZEN:
        assert len(set(x)) == 1
    elif kind is FaultKind.NOISY:
        assert x.std() > 4.0
    elif kind is FaultKind.GHOSTS:
        assert x.mean() == pytest.approx(34.0, abs=0.5)


def test_frames_from_before_there_were_landmarks_are_still_read() -> None:
    frames = SensorFrames(stamp_ns=50, landmarks=LandmarkFrame(stamp_ns=0, landmarks=()))
    old = msgspec.msgpack.decode(msgspec.msgpack.encode(frames))
    del old["landmarks"]
    assert msgspec.convert(old, SensorFrames).landmarks is None
