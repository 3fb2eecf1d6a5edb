"""Whether others are in our way: roads that bend, and vehicles that come over beside us."""

import pytest

from volant.safety.aeb_paths import Body, Other, Own, aligned_bend, is_beside

BODY = Body(4.4, 1.8, 0.9)


def _other(x_m: float, y_m: float, vx_mps: float, yaw_rad: float = 0.0) -> Other:
    return Other(x_m, y_m, vx_mps, 0.0, 0.0, yaw_rad, 5.0, 1.9)


def test_a_slow_car_that_turns_over_is_no_bend_of_a_fast_road() -> None:
    fast = Own(30.0, 0.0, 0.0, BODY)
    assert aligned_bend(fast, _other(40.0, 1.0, 2.8, -0.34)) == 0.0


def test_what_stands_beside_a_bend_tells_where_the_road_leads() -> None:
    fast = Own(30.0, 0.0, 0.0, BODY)
    assert aligned_bend(fast, _other(40.0, 1.0, 0.0, -0.34)) == pytest.approx(-0.34 / 40.0)


def test_at_low_speed_a_tight_bend_is_believed_of_one_who_drives() -> None:
    slow = Own(8.0, 0.0, 0.0, BODY)
    assert aligned_bend(slow, _other(20.0, 1.0, 5.0, -0.5)) == pytest.approx(-0.025)


@pytest.mark.parametrize(
    ("x_m", "y_m", "vx_mps", "beside"),
    [
        (5.0, 2.5, 8.0, True),
        (12.0, 2.5, 8.0, False),
        (5.0, 1.5, 8.0, False),
        (5.0, 2.5, 0.0, False),
    ],
)
def test_beside_is_who_drives_along_and_will_be_half_alongside(
    x_m: float, y_m: float, vx_mps: float, beside: bool
) -> None:
    assert is_beside(Own(15.0, 0.0, 0.0, BODY), _other(x_m, y_m, vx_mps), 0.5) == beside
