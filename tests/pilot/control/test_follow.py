"""Control alone: limits of jerk, hold, and where it begins."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from tests.pilot.world import CAR, World, straight
from volant.pilot.control.follow import Control, FollowTuning, follow, rest
from volant.pilot.perception.belief import Ego, start
from volant.pilot.planning.propose import ProposeTuning

TUNING = FollowTuning()
COURSE = straight().course()


def ego(speed_mps: float, offset_m: float = 0.0, heading_rad: float = 0.0) -> Ego:
    mean = np.array((100.0, offset_m, heading_rad, 0.0, 0.0, 0.0, 0.0))
    return msgspec.structs.replace(start(), mean=mean, speed_mps=speed_mps, matched=True)


def motion(accel_mps2: float, *, hold: bool = False):
    world = World(straight(), speed_mps=20.0)
    world.run(0.2)
    found = world.memory.motion
    assert found is not None
    return replace(found, accel_mps2=accel_mps2, hold=hold)


def run(control: Control, ego: Ego, wanted, ticks: int) -> list[Control]:
    found = []
    for _ in range(ticks):
        control = follow(control, ego, wanted, COURSE, CAR, 0.01, TUNING, ProposeTuning())
        found.append(control)
    return found


@pytest.mark.parametrize(("speed_mps", "most"), [(30.0, 2.5), (20.0, 2.5), (5.0, 5.0)])
def test_the_mean_of_jerk_over_a_second_stays_in_the_guards_row(
    speed_mps: float, most: float
) -> None:
    steps = run(Control(), ego(speed_mps), motion(-5.0), 200)
    accels = np.array([0.0] * 100 + [one.accel_mps2 for one in steps])
    assert (accels[:-100] - accels[100:]).max() <= most + 1e-6
    assert np.abs(np.diff(accels)).max() <= 8.37 * 0.01
    assert accels.min() < -2.3


def test_urgent_braking_is_there_within_half_a_second() -> None:
    assert run(Control(), ego(25.0), motion(-3.5), 50)[-1].accel_mps2 < -2.3
    calm = run(Control(), ego(25.0), motion(-2.0), 50)[-1].accel_mps2
    assert -1.3 < calm < -1.0


def test_an_emergency_leaves_the_limits_of_jerk_and_comes_back_into_them() -> None:
    asked = replace(motion(-9.0), urgent=True)
    steps = run(Control(), ego(25.0), asked, 40)
    assert steps[20].accel_mps2 < -5.0
    assert steps[-1].accel_mps2 == -9.0
    back = run(steps[-1], ego(25.0), motion(-2.0), 100)
    assert back[60].accel_mps2 > -5.2
    accels = np.array([one.accel_mps2 for one in back])
    assert np.diff(accels).max() <= 0.08 + 1e-9
    assert accels.max() <= -2.0


def test_it_eases_off_from_urgent_braking_without_a_jump() -> None:
    """At a middle speed the allowance of the second lies below: nothing bound the way up before."""
    began = Control(accel_mps2=-5.3, past_mps2=(-1.4,) * 10)
    accels = [-5.3, *(one.accel_mps2 for one in run(began, ego(15.0), motion(-3.9), 60))]
    assert np.diff(accels).max() <= 0.0837
    assert accels[-1] == pytest.approx(-3.9)


def test_holding_and_letting_go_are_without_a_jump() -> None:
    held = run(Control(accel_mps2=-1.0), ego(0.0), motion(-0.3, hold=True), 60)
    assert held[-1].hold
    assert held[-1].accel_mps2 == pytest.approx(TUNING.hold_accel_mps2)
    gone = run(held[-1], ego(0.0), motion(1.0), 100)
    assert not gone[0].hold
    accels = [held[-1].accel_mps2] + [one.accel_mps2 for one in gone]
    assert np.abs(np.diff(accels)).max() <= 0.0701
    assert accels[-1] == pytest.approx(1.0)


def test_it_never_asks_for_more_bend_than_the_car_has_or_comfort_allows() -> None:
    for speed_mps in (0.0, 3.0, 15.0, 35.0):
        steps = run(Control(), ego(speed_mps, 3.0, 0.4), motion(0.0), 400)
        bend = abs(steps[-1].curvature_per_m)
        assert bend <= CAR.max_curvature_per_m
        assert bend * speed_mps**2 <= TUNING.lateral_mps2 + 1e-9


def test_it_steers_back_towards_the_middle() -> None:
    on_the_left = msgspec.structs.replace(Control(), side=(0.0, 0.0, 0.0))
    assert run(on_the_left, ego(20.0, 0.5), motion(0.0), 20)[-1].curvature_per_m < 0.0
    assert run(on_the_left, ego(20.0, -0.5), motion(0.0), 20)[-1].curvature_per_m > 0.0


def test_rest_follows_what_the_driver_does() -> None:
    turning = msgspec.structs.replace(ego(20.0, 0.7), yaw_rate_rps=0.1, accel_mps2=1.2)
    rested = rest(Control(accel_mps2=-3.0), turning)
    assert rested.accel_mps2 == 1.2
    assert rested.curvature_per_m == pytest.approx(0.005)
    assert rested.side[0] == pytest.approx(0.7)


def test_without_a_motion_the_car_is_slowed_gently() -> None:
    assert run(Control(), ego(20.0), None, 300)[-1].accel_mps2 == pytest.approx(-1.5)
