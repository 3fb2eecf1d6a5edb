"""Where two meet, against a plain walk through time with the house's own boxes."""

import math

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from volant.core.geometry import Box, boxes_overlap
from volant.safety import aeb_paths
from volant.safety.aeb_paths import Body, NearTuning, Other, Own

BODY = Body(4.4, 1.8, 0.9)
OWN = Own(15.0, 0.0, 0.0, BODY)
STEP_S = 0.002
HORIZON_S = 3.6


def other(**changes: float) -> Other:
    wall = Other(35.0, 0.0, 0.0, 0.0, 0.0, 0.0, 4.0, 1.8)
    return msgspec.structs.replace(wall, **changes)


def own(**changes: float) -> Own:
    return msgspec.structs.replace(OWN, **changes)


def walked(car: Own, there: Other, delay_s: float, decel_mps2: float) -> float | None:
    """The first touch, step by step: our box along its arc, the other's straight on."""
    x = y = yaw = now_s = 0.0
    speed, ahead_m = car.speed_mps, 0.5 * BODY.length_m - BODY.rear_overhang_m
    their, course = math.hypot(there.vx_mps, there.vy_mps), math.atan2(there.vy_mps, there.vx_mps)
    their_x, their_y = there.x_m, there.y_m
    while now_s <= HORIZON_S:
        mine = Box(
            x + ahead_m * math.cos(yaw),
            y + ahead_m * math.sin(yaw),
            yaw,
            BODY.length_m,
            BODY.width_m,
        )
        if boxes_overlap(mine, Box(their_x, their_y, there.yaw_rad, there.length_m, there.width_m)):
            return now_s
        accel = -decel_mps2 if now_s >= delay_s else car.accel_mps2
        if decel_mps2 <= 0.0:
            accel = 0.0
        then = max(speed + accel * STEP_S, 0.0)
        way_m = 0.5 * (speed + then) * STEP_S
        x += way_m * math.cos(yaw + 0.5 * way_m * car.curvature_per_m)
        y += way_m * math.sin(yaw + 0.5 * way_m * car.curvature_per_m)
        yaw += way_m * car.curvature_per_m
        speed = then
        now = max(their + there.accel_mps2 * STEP_S, 0.0)
        their_x += 0.5 * (their + now) * STEP_S * math.cos(course)
        their_y += 0.5 * (their + now) * STEP_S * math.sin(course)
        their = now
        now_s += STEP_S
    return None


def resized(there: Other, by_m: float) -> Other:
    return msgspec.structs.replace(
        there, length_m=max(there.length_m + by_m, 0.0), width_m=max(there.width_m + by_m, 0.0)
    )


CARS = st.builds(
    lambda speed, accel, bend: own(speed_mps=speed, accel_mps2=accel, curvature_per_m=bend),
    st.floats(3.0, 30.0), st.floats(-6.0, 0.0), st.sampled_from((0.0, 0.0, 0.06, -0.06, 0.1)),
)  # fmt: skip
OTHERS = st.builds(
    lambda x, y, speed, course, accel, long, wide: Other(
        x, y, speed * math.cos(course), speed * math.sin(course), accel, course, long, wide
    ),
    st.floats(6.0, 60.0), st.floats(-12.0, 12.0), st.floats(0.5, 15.0), st.floats(-math.pi, math.pi),
    st.sampled_from((0.0, -3.0)), st.floats(0.5, 8.0), st.floats(0.5, 2.5),
)  # fmt: skip


@given(
    car=CARS, there=OTHERS, delay_s=st.sampled_from((0.0, 0.3)), decel=st.sampled_from((0.0, 6.0))
)
def test_the_first_touch_is_that_of_a_walk_through_time(
    car: Own, there: Other, delay_s: float, decel: float
) -> None:
    turns_with_us = abs(car.curvature_per_m) <= aeb_paths.TURN_PER_M
    assume(car.curvature_per_m == 0.0 or not turns_with_us)
    meeting = aeb_paths.meets(car, there, delay_s, decel, 0.0, HORIZON_S)
    exact_s = walked(car, there, delay_s, decel)
    if meeting is None:
        # A graze shorter than the least step, or one at the end of the look, may be passed over.
        late_s = walked(car, resized(there, -0.9), delay_s, decel)
        assert late_s is None or late_s > HORIZON_S - 0.05
        return
    if exact_s is None:
        assert walked(car, resized(there, 0.3), delay_s, decel) is not None
        return
    assert meeting.time_s == pytest.approx(exact_s, abs=0.05)
    assert 0.0 < meeting.overlap_m <= BODY.width_m + 1e-9


CLOSE = st.builds(
    lambda x, y, course, long, wide: Other(x, y, 0.0, 0.0, 0.0, course, long, wide),
    st.floats(-4.0, 8.0), st.floats(-5.0, 5.0), st.floats(-math.pi, math.pi), st.floats(0.5, 12.0),
    st.floats(0.3, 2.5),
)  # fmt: skip


@settings(max_examples=400)
@given(there=CLOSE)
def test_two_touch_now_where_their_boxes_do(there: Other) -> None:
    middle_m = 0.5 * BODY.length_m - BODY.rear_overhang_m
    mine = Box(middle_m, 0.0, 0.0, BODY.length_m, BODY.width_m)
    box = Box(there.x_m, there.y_m, there.yaw_rad, there.length_m, there.width_m)
    meeting = aeb_paths.meets(OWN, there, 0.0, 0.0, 0.0, 0.0)
    assert (meeting is not None) == boxes_overlap(mine, box)


@given(car=CARS, there=OTHERS)
def test_the_quick_look_never_drops_a_touch(car: Own, there: Other) -> None:
    if aeb_paths.meets(car, there, 0.0, 0.0, 0.0, HORIZON_S) is not None:
        assert aeb_paths.may_meet(car, there, HORIZON_S)


@pytest.mark.parametrize(
    ("there", "asked"),
    [
        (other(x_m=7.0 + 50.0), True), (other(x_m=7.0 + 70.0), False),
        (other(x_m=40.0, y_m=30.0, vy_mps=8.0), False), (other(x_m=40.0, y_m=30.0, vy_mps=-8.0), True),
        (other(x_m=40.0, y_m=-30.0, vy_mps=-8.0), False), (other(x_m=40.0, y_m=-30.0, vy_mps=8.0), True),
    ],
)  # fmt: skip
def test_the_quick_look_leaves_out_who_is_far_or_goes_away(there: Other, asked: bool) -> None:
    assert aeb_paths.may_meet(own(speed_mps=15.0), there, HORIZON_S) is asked


@pytest.mark.parametrize(
    ("now_s", "delay_s", "decel", "way_m", "speed_mps"),
    [
        (2.0, 0.3, 0.0, 20.0, 10.0),
        (0.2, 0.3, 5.0, 1.96, 9.6),
        (0.3, 0.3, 5.0, 2.91, 9.4),
        (1.3, 0.3, 5.0, 2.91 + 6.9, 4.4),
        (9.0, 0.3, 5.0, 2.91 + 9.4 * 9.4 / 10.0, 0.0),
        (9.0, 8.0, 5.0, 25.0, 0.0),
    ],
)
def test_the_own_way_while_braking_is_that_of_the_textbook(
    now_s: float, delay_s: float, decel: float, way_m: float, speed_mps: float
) -> None:
    held = aeb_paths._travel(own(speed_mps=10.0, accel_mps2=-2.0), now_s, delay_s, decel)
    assert held == pytest.approx((way_m, speed_mps))


def test_another_comes_as_far_as_its_braking_lets_it() -> None:
    assert aeb_paths._gone(10.0, 0.0, 3.0) == pytest.approx(30.0)
    assert aeb_paths._gone(10.0, -4.0, 2.0) == pytest.approx(12.0)
    assert aeb_paths._gone(10.0, -4.0, 9.0) == pytest.approx(12.5)


@pytest.mark.parametrize("y_m", [1.2, -1.2])
def test_overlap_and_closing_speed_are_those_at_our_front(y_m: float) -> None:
    meeting = aeb_paths.meets(OWN, other(y_m=y_m, vx_mps=5.0), 0.0, 0.0, 0.0, HORIZON_S)
    assert meeting is not None
    assert meeting.overlap_m == pytest.approx(0.6)
    assert meeting.closing_mps == pytest.approx(10.0)
    wide = aeb_paths.meets(OWN, other(width_m=9.0), 0.0, 0.0, 0.0, HORIZON_S)
    assert wide is not None
    assert wide.overlap_m == BODY.width_m
    leaves = other(x_m=3.0, y_m=-2.5, vx_mps=4.0, vy_mps=9.0, length_m=0.5, width_m=0.5)
    away = aeb_paths.meets(own(speed_mps=2.0), leaves, 0.0, 0.0, 0.0, HORIZON_S)
    assert away is not None
    assert away.closing_mps == 0.0


NEAR = NearTuning()


@pytest.mark.parametrize(
    ("there", "car", "need"),
    [
        # Closing with 15 m/s at 2.5 m/s2 takes 45 m, and 7.5 m until it acts.
        (other(x_m=3.5 + 2.0 + 52.0), OWN, True), (other(x_m=3.5 + 2.0 + 53.0), OWN, False),
        (other(x_m=3.5 + 2.0 + 12.0, vx_mps=9.0), OWN, False),
        (other(x_m=3.5 + 2.0 + 10.0, vx_mps=9.0), OWN, True),
        (other(x_m=5.0, vx_mps=15.1), OWN, False), (other(x_m=5.5, vx_mps=14.5), OWN, True),
        # 2.1 m beside: in our way; further out who comes near soon.
        (other(y_m=2.05), OWN, True), (other(y_m=2.15), OWN, False), (other(y_m=-2.05), OWN, True),
        (other(y_m=3.1, vy_mps=-0.26), OWN, True), (other(y_m=3.1, vy_mps=-0.24), OWN, False),
        (other(y_m=2.2, vy_mps=-0.11), OWN, True), (other(y_m=2.2, vy_mps=-0.09), OWN, False),
        # On a bend of 100 m the way is 6.1 m to the left after 35 m.
        (other(y_m=6.1, vy_mps=5.25), own(curvature_per_m=0.01), True),
        (other(y_m=-6.1, vy_mps=-5.25), own(curvature_per_m=-0.01), True),
        (other(y_m=0.0, vy_mps=5.25), own(curvature_per_m=0.01), False),
        (other(y_m=0.0, vy_mps=8.0), own(curvature_per_m=0.01), True),
        (other(x_m=1.8), OWN, True), (other(x_m=1.7), OWN, False),
    ],
)  # fmt: skip
def test_who_may_need_more_than_comfort_braking(there: Other, car: Own, need: bool) -> None:
    assert aeb_paths.may_need(car, there, NEAR) is need
