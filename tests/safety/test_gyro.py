import msgspec
import pytest

from tests.safety.builders import arc_path
from volant.core.messages import StopPath
from volant.safety import gyro
from volant.safety.gyro import GyroTuning, GyroZero
from volant.safety.stop import Place, TrustedPath, move

TUNING = GyroTuning()
SPEED_MPS = 20.0
NS = 1_000_000_000


def path(bend_per_m: float, *, told: bool = True) -> StopPath:
    found = arc_path(0, 120.0, bend_per_m)
    return msgspec.structs.replace(found, offset_m=(0.0,) * len(found.x_m)) if told else found


def learnt(
    bias_rps: float,
    bend_per_m: float,
    *,
    seconds: float = 60.0,
    told: bool = True,
    every_s: float = 0.1,
) -> float:
    """What is learnt along a bend by a gyro with a bias, each path beginning where the car is."""
    zero, place = GyroZero(), Place(0, 0.0, 0.0, 0.0)
    for tick in range(round(seconds / every_s)):
        zero = gyro.learn(zero, TrustedPath(path(bend_per_m, told=told), place), TUNING)
        for _ in range(10):
            span_s = every_s / 10
            turn_rad = (SPEED_MPS * bend_per_m + bias_rps - zero.rate_rps) * span_s
            place = _moved(place, turn_rad, span_s, round((tick + 1) * every_s * NS))
    return zero.rate_rps


def _moved(place: Place, turn_rad: float, span_s: float, stamp_ns: int) -> Place:
    return move(place, SPEED_MPS, turn_rad / span_s, span_s, stamp_ns)


@pytest.mark.parametrize("bias_rps", [0.0, 0.0035, -0.002])
@pytest.mark.parametrize("bend_per_m", [0.0, 1 / 600, -1 / 300])
def test_the_zero_is_learnt_in_straights_and_bends(bias_rps: float, bend_per_m: float) -> None:
    assert learnt(bias_rps, bend_per_m) == pytest.approx(bias_rps, abs=0.0005)


def test_it_is_bounded_and_needs_paths_that_tell_their_offset() -> None:
    assert learnt(0.019, 0.0, seconds=300.0) == TUNING.most_rps
    assert learnt(0.1, 0.0) == 0.0
    assert learnt(0.0035, 0.0, told=False) == 0.0


def test_paths_that_are_far_apart_are_not_compared() -> None:
    assert learnt(0.0035, 0.0, every_s=4.0) == 0.0
