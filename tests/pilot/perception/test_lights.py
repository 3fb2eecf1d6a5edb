"""Beliefs about traffic lights from returns that are missed, mistaken and late."""

import math
from collections.abc import Sequence

import msgspec
import numpy as np
import pytest

from tests.pilot.world import straight
from volant.core.messages import LightFrame, LightReturn, LightState
from volant.pilot.perception import localize
from volant.pilot.perception.lights import Lights, LightTuning, observe_lights, start_lights
from volant.road.gates import Light
from volant.road.kernels import world_uniform

TUNING = LightTuning()
COURSE = straight().course(100.0)
R, A, G, RA, OFF = (
    LightState.RED,
    LightState.AMBER,
    LightState.GREEN,
    LightState.RED_AMBER,
    LightState.OFF,
)


def light(name: str, ahead_m: float, aside_m: float, turn_rad: float = 0.0) -> Light:
    """A light by its place before a car at station 100, for traffic along the road."""
    x, y, heading = world_uniform(COURSE.table, COURSE.step_m, 100.0 + ahead_m, aside_m)
    return Light(name, x, y, 0.0, heading + turn_rad, None, None, ())


def ego_at(stamp_ns: int, station_m: float = 100.0):
    mean, history = np.zeros(7), np.zeros((64, 7))
    mean[0] = station_m
    history[:, 0], history[:, 4] = stamp_ns - 1e7 * np.arange(64), station_m
    return msgspec.structs.replace(
        localize.start(), stamp_ns=stamp_ns, mean=mean, history=history, matched=True
    )


def watch(
    lights: Lights,
    told: Sequence[LightState | None],
    at: tuple[float, float] = (40.0, -3.0),
    first: int = 0,
) -> Lights:
    """Show the camera one state a frame (None: missed), 50 ms apart."""
    for k, state in enumerate(told):
        stamp_ns = (first + k) * 50_000_000
        seen = ()
        if state is not None:
            seen = (LightReturn(x_m=at[0], y_m=at[1], z_m=3.0, state=state, confidence=0.8),)
        frame = LightFrame(stamp_ns=stamp_ns, lights=seen)
        lights = observe_lights(lights, ego_at(stamp_ns + 100_000_000), COURSE, frame, TUNING)
    return lights


def state(lights: Lights, after: int, name: str = "1:1") -> LightState:
    return lights.state(name, after * 50_000_000, TUNING)


def test_red_is_believed_after_two_frames_and_green_after_four() -> None:
    none = start_lights((light("1:1", 40.0, -3.0),))
    assert state(watch(none, [R]), 1) is LightState.UNKNOWN
    red = watch(none, [R, R])
    assert state(red, 2) is R
    assert state(watch(red, [G, G, G], first=2), 5) is R
    assert state(watch(red, [G] * 4, first=2), 6) is G
    green = watch(red, [G] * 20, first=2)
    assert state(watch(green, [A, A], first=22), 24) is A


@pytest.mark.parametrize(("held", "wrong"), [(R, A), (G, OFF), (R, OFF), (R, G)])
def test_three_wrong_frames_change_nothing_and_a_miss_neither(
    held: LightState, wrong: LightState
) -> None:
    lights = watch(start_lights((light("1:1", 40.0, -3.0),)), [held] * 10)
    lights = watch(lights, [wrong, wrong, wrong, None, None, held], first=10)
    assert state(lights, 16) is held


def test_green_is_forgotten_red_stays_and_amber_becomes_red() -> None:
    none = start_lights((light("1:1", 40.0, -3.0),))
    assert state(watch(none, [G] * 10), 25) is G
    assert state(watch(none, [G] * 10), 45) is LightState.UNKNOWN
    assert state(watch(none, [R] * 10), 400) is R
    amber = watch(watch(none, [G] * 10), [A] * 3, first=10)
    assert state(amber, 20) is A
    assert state(amber, 80) is R


def test_a_return_goes_to_the_light_that_stands_there_and_faces_us() -> None:
    lights = start_lights(
        (
            light("1:1", 40.0, -3.0),
            light("1:2", 40.0, 1.0),
            light("1:3", 40.2, -3.0, math.pi),
            light("1:4", 55.0, -3.4),
        )
    )
    lights = watch(lights, [R] * 3, at=(41.5, -2.8))
    lights = watch(lights, [G] * 5, at=(38.9, 1.2), first=3)
    assert set(lights.beliefs) == {"1:1", "1:2"}
    assert state(lights, 8, "1:1") is R
    assert state(lights, 8, "1:2") is G
    assert not watch(start_lights((light("1:1", 40.0, -3.0),)), [R] * 3, at=(40.0, 4.0)).beliefs


def test_broken_returns_and_late_or_repeated_frames_are_left_out() -> None:
    lights = start_lights((light("1:1", 40.0, -3.0),))
    assert not watch(lights, [R] * 4, at=(math.nan, -3.0)).beliefs
    red = watch(lights, [R] * 4)
    assert watch(red, [G] * 4, first=0) is not None
    assert state(watch(red, [G] * 4, first=0), 4) is R
    frame = LightFrame(
        stamp_ns=10**9,
        lights=(LightReturn(x_m=40.0, y_m=-3.0, z_m=3.0, state=R, confidence=0.9),),
    )
    assert not observe_lights(lights, ego_at(2 * 10**9), COURSE, frame, TUNING).beliefs
