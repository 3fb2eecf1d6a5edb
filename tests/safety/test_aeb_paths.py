"""Where two meet, by hand: the arithmetic under emergency braking, and turning at a junction."""

import math

import msgspec
import pytest

from tests.safety.builders import TICK_NS
from tests.safety.test_aeb_rules import FRONT_M, WALL, Run, seen
from volant.core.messages import BrakeStage, DetectionFrame, ObjectClass, ObjectReturn, SensorFrames
from volant.safety import aeb, aeb_paths
from volant.safety.aeb_paths import Body, NearTuning, Other, Own

BODY = Body(4.4, 1.8, 0.9)
OWN = Own(15.0, 0.0, 0.0, BODY)
WALL_30 = Other(FRONT_M + 2.0 + 30.0, 0.0, 0.0, 0.0, 0.0, 0.0, 4.0, 1.8)


def touch_s(own: Own, other: Other, decel_mps2: float = 0.0, delay_s: float = 0.0) -> float | None:
    meeting = aeb_paths.meets(own, other, delay_s, decel_mps2, 0.0, 5.0)
    return None if meeting is None else meeting.time_s


def changed(other: Other, **values: float) -> Other:
    return msgspec.structs.replace(other, **values)


def test_a_standing_car_is_met_after_the_gap_over_the_speed() -> None:
    meeting = aeb_paths.meets(OWN, WALL_30, 0.0, 0.0, 0.0, 5.0)
    assert meeting is not None
    assert meeting.time_s == pytest.approx(2.0, abs=0.03)
    assert meeting.overlap_m == pytest.approx(1.8)
    assert meeting.closing_mps == pytest.approx(15.0)
    assert not meeting.side
    assert touch_s(OWN, changed(WALL_30, y_m=1.81)) is None
    assert touch_s(OWN, changed(WALL_30, x_m=WALL_30.x_m + 50.0)) is None


def test_the_least_deceleration_is_that_of_the_textbook() -> None:
    for delay_s, margin_m in ((0.0, 0.0), (0.3, 0.4)):
        needed = aeb_paths.needed_decel(OWN, WALL_30, delay_s, margin_m, 9.0)
        exact = 15.0**2 / (2.0 * (30.0 - margin_m - delay_s * 15.0))
        assert exact <= needed <= exact + 12.0 / 32.0 + 0.05
    assert aeb_paths.needed_decel(OWN, changed(WALL_30, x_m=FRONT_M + 6.0), 0.3, 0.4, 5.0) == 12.0


def test_a_car_ahead_that_brakes_is_met_where_it_stands() -> None:
    lead = changed(WALL_30, vx_mps=15.0, accel_mps2=-6.0)
    # It stands after 2.5 s and 18.75 m; we are there 30 m later.
    assert touch_s(OWN, lead) == pytest.approx((30.0 + 18.75) / 15.0, abs=0.03)
    assert touch_s(OWN, changed(lead, accel_mps2=0.0)) is None


def test_braking_that_is_under_way_stops_the_car_before_the_delay_ends() -> None:
    own = msgspec.structs.replace(OWN, speed_mps=2.0, accel_mps2=-10.0)
    near = changed(WALL_30, x_m=FRONT_M + 2.0 + 0.3)
    assert touch_s(own, near, decel_mps2=5.0, delay_s=0.5) is None
    assert touch_s(own, near) == pytest.approx(0.15, abs=0.03)


def test_a_turning_car_meets_what_stands_on_its_arc_and_not_what_stands_straight_on() -> None:
    own = msgspec.structs.replace(OWN, speed_mps=6.0, curvature_per_m=0.08)
    beside = Other(10.0, 6.0, 0.0, 0.0, 0.0, 1.0, 4.0, 1.8)
    assert touch_s(own, beside) is not None
    assert touch_s(own, changed(beside, y_m=-2.0, x_m=14.0)) is None
    assert touch_s(msgspec.structs.replace(own, curvature_per_m=-0.08), beside) is None


def test_on_a_bend_of_the_road_others_bend_with_it() -> None:
    own = msgspec.structs.replace(OWN, curvature_per_m=0.01)
    ahead = changed(WALL_30, y_m=6.3, yaw_rad=0.36, vx_mps=6.0, vy_mps=2.2)
    assert touch_s(own, ahead) is not None
    side = changed(ahead, y_m=ahead.y_m - 3.5)
    assert touch_s(own, side) is None


def test_who_comes_into_the_side_is_told_apart() -> None:
    into = Other(0.5, -6.0, 0.0, 8.0, 0.0, 0.5 * math.pi, 4.0, 1.8)
    meeting = aeb_paths.meets(msgspec.structs.replace(OWN, speed_mps=0.5), into, 0.0, 0.0, 0.0, 3.0)
    assert meeting is not None
    assert meeting.side


def test_the_aligned_arc_ends_parallel_to_the_other() -> None:
    other = changed(WALL_30, yaw_rad=0.3)
    assert aeb_paths.aligned_bend(OWN, other) == pytest.approx(0.3 / WALL_30.x_m)
    back = changed(WALL_30, yaw_rad=0.3 - math.pi)
    assert aeb_paths.aligned_bend(OWN, back) == pytest.approx(0.3 / WALL_30.x_m)
    bent = msgspec.structs.replace(OWN, curvature_per_m=0.02)
    assert aeb_paths.aligned_bend(bent, changed(WALL_30, yaw_rad=0.7)) == 0.02
    assert aeb_paths.aligned_bend(bent, changed(other, x_m=5.9)) == 0.02


def test_the_quick_look_drops_only_what_cannot_be_met() -> None:
    assert aeb_paths.may_meet(OWN, WALL_30, 3.6)
    assert not aeb_paths.may_meet(OWN, changed(WALL_30, x_m=90.0), 3.6)
    assert aeb_paths.may_meet(OWN, changed(WALL_30, vx_mps=15.0, accel_mps2=-8.0), 3.6)
    assert not aeb_paths.may_meet(OWN, changed(WALL_30, vx_mps=25.0), 3.6)


def test_somebody_is_near_who_is_in_our_way_or_comes_into_it() -> None:
    near = NearTuning()
    assert aeb_paths.may_need(OWN, WALL_30, near)
    assert not aeb_paths.may_need(OWN, changed(WALL_30, x_m=80.0), near)
    assert not aeb_paths.may_need(OWN, changed(WALL_30, vx_mps=15.0), near)
    beside = changed(WALL_30, y_m=3.5, vx_mps=5.0, x_m=20.0)
    assert not aeb_paths.may_need(OWN, beside, near)
    assert not aeb_paths.may_need(OWN, changed(beside, vy_mps=0.6), near)
    assert aeb_paths.may_need(OWN, changed(beside, vy_mps=-0.6), near)
    assert aeb_paths.may_need(OWN, changed(beside, y_m=-3.5, vy_mps=0.6), near)
    assert not aeb_paths.may_need(OWN, changed(beside, vy_mps=-0.2), near)
    assert not aeb_paths.may_need(OWN, changed(WALL_30, x_m=0.5), near)


# --- through the whole step -----------------------------------------------------------------------


def test_what_is_beside_us_is_not_braked_for() -> None:
    assert Run(5.0).towards(seen(2.0, 0.5), seconds=0.1) is BrakeStage.READY


def test_an_exact_sensor_is_believed_at_its_second_frame() -> None:
    run = Run()
    assert run.towards(seen(FRONT_M + 17.0), ("ideal",), seconds=0.04) is BrakeStage.READY
    assert run.towards(seen(FRONT_M + 16.0), ("ideal",), seconds=0.2) is BrakeStage.FULL


def test_what_no_camera_has_named_is_still_braked_for_once_it_moved() -> None:
    lead = seen(WALL, velocity_x_mps=4.0, object_class=ObjectClass.UNKNOWN)
    run = Run()
    assert run.towards(lead, ("radar_front", "radar_front_left"), seconds=2.4) is BrakeStage.FULL
    assert run.memory.told is not None
    assert run.memory.told.object_class is ObjectClass.UNKNOWN


def test_wheels_that_point_past_it_and_a_heading_that_tells_of_a_bend_spare_it() -> None:
    assert Run().towards(seen(WALL), seconds=1.2, steer_rad=0.1) is BrakeStage.READY
    assert Run().towards(seen(WALL, yaw_rad=0.3), seconds=0.9) is BrakeStage.READY


@pytest.mark.parametrize(
    ("steer_rad", "turned_rad", "then_rad"),
    [(0.2, -0.05, 0.15), (-0.2, 0.05, -0.15), (0.2, -0.5, 0.0), (0.2, 0.05, 0.2), (0.0, 0.1, 0.0)],
)
def test_wheels_on_their_way_back_to_straight_go_on(
    steer_rad: float, turned_rad: float, then_rad: float
) -> None:
    assert aeb._unwound(steer_rad, turned_rad) == pytest.approx(then_rad)


def turns(
    x_m: float, y_m: float, vx_mps: float, vy_mps: float, seconds: float, speed_mps: float = 5.0
) -> Run:
    """We turn left on 12 m; somebody starts at a place in our first frame and moves evenly."""
    run, bend = Run(speed_mps), 1.0 / 12.0
    steer = math.atan(2.6 * bend * (1.0 + aeb._UNDERSTEER * speed_mps * speed_mps))
    for k in range(round(seconds * 100)):
        since = 0.01 * k
        yaw = bend * speed_mps * since
        dx = x_m + vx_mps * since - math.sin(yaw) / bend
        dy = y_m + vy_mps * since - (1.0 - math.cos(yaw)) / bend
        cos, sin = math.cos(yaw), math.sin(yaw)
        there: ObjectReturn = seen(
            cos * dx + sin * dy, cos * dy - sin * dx,
            velocity_x_mps=cos * vx_mps + sin * vy_mps, velocity_y_mps=cos * vy_mps - sin * vx_mps,
            yaw_rad=math.atan2(vy_mps, vx_mps) - yaw,
        )  # fmt: skip
        frames = None
        if k % 5 == 0:
            stamp_ns = k * TICK_NS
            both = tuple(
                DetectionFrame(sensor=name, stamp_ns=stamp_ns, objects=(there,))
                for name in ("camera_front", "radar_front")
            )
            frames = SensorFrames(stamp_ns=stamp_ns, detections=both)
        run.tick(frames, yaw_rate_rps=bend * speed_mps, steer_rad=steer)
    return run


def test_turning_before_an_oncoming_car_is_braked_for_late_and_not_early() -> None:
    # It comes along a lane 3.5 m to our left; our front is on it after about 1.2 s.
    meets_x = FRONT_M + 4.5
    run = turns(meets_x + 2.0 + 8.0 * 1.3, 3.5, -8.0, 0.0, 1.2)
    assert run.stages.index(BrakeStage.FULL) >= 10
    assert run.memory.told is not None
    assert run.memory.told.code == "oncoming"
    early = turns(meets_x + 2.0 + 8.0 * 3.5, 3.5, -8.0, 0.0, 1.0)
    assert BrakeStage.FULL not in early.stages


def test_a_car_far_off_that_comes_slowly_across_a_turn_is_given_time() -> None:
    run = turns(20.0, 24.0, -3.0, -4.0, 1.0, speed_mps=4.7)
    assert set(run.stages) <= {BrakeStage.UNAVAILABLE, BrakeStage.READY, BrakeStage.WARNING}
