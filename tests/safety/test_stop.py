import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.safety.builders import Drive, arc_path
from volant.core.messages import CommandSource, StopPath
from volant.safety import stop
from volant.safety.guard import Permission
from volant.safety.stop import Place, StopTuning, TrustedPath, fault_of

TUNING = StopTuning()
HERE = Place(0, 0.0, 0.0, 0.0)


def changed(path: StopPath, **changes: Any) -> StopPath:
    return msgspec.structs.replace(path, **changes)


def with_point(values: tuple[float, ...], index: int, value: float) -> tuple[float, ...]:
    return (*values[:index], value, *values[index + 1 :])


# --- which path may be trusted --------------------------------------------------------------------


@pytest.mark.parametrize("speed_mps", [0.0, 5.0, 15.0, 24.0])
@pytest.mark.parametrize("bend_per_m", [0.0, 0.004, -0.004])
def test_a_path_as_the_pilot_plans_it_is_trusted(speed_mps: float, bend_per_m: float) -> None:
    path = arc_path(0, stop.least_length_m(speed_mps, TUNING) + 1.0, bend_per_m)
    assert fault_of(path, speed_mps, TUNING) == ""


def test_a_path_must_be_as_long_as_its_stop() -> None:
    assert stop.least_length_m(24.0, TUNING) == 126.0
    assert fault_of(arc_path(0, 125.0), 24.0, TUNING) == ""  # one step is allowed for rounding
    assert fault_of(arc_path(0, 124.0), 24.0, TUNING) == "path_short"


def test_a_path_whose_columns_do_not_fit_has_no_shape() -> None:
    path = arc_path(0)
    wrong = [
        changed(path, x_m=path.x_m[1:]),
        changed(path, y_m=path.y_m[1:]),
        changed(path, curvature_per_m=path.curvature_per_m[1:]),
        changed(path, x_m=(0.0,), y_m=(0.0,), curvature_per_m=(0.0,)),
        changed(path, x_m=(), y_m=(), curvature_per_m=()),
        changed(path, step_m=0.0),
        changed(path, step_m=-1.0),
        changed(path, step_m=math.nan),
        changed(path, step_m=2.6),
    ]
    assert {fault_of(one, 10.0, TUNING) for one in wrong} == {"path_shape"}
    assert fault_of(arc_path(0, 150.0, step_m=2.5), 10.0, TUNING) == ""


@pytest.mark.parametrize("column", ["x_m", "y_m", "curvature_per_m"])
@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_a_path_with_a_number_that_is_none_is_refused(column: str, wrong: float) -> None:
    path = arc_path(0)
    values = with_point(getattr(path, column), 77, wrong)
    assert fault_of(changed(path, **{column: values}), 10.0, TUNING) == "path_number"


@pytest.mark.parametrize(("dx_m", "dy_m"), [(1.1, 0.0), (-1.1, 0.0), (0.0, 1.1), (0.8, -0.8)])
def test_a_path_that_starts_beside_the_car_is_refused(dx_m: float, dy_m: float) -> None:
    path = arc_path(0)
    moved = changed(
        path, x_m=tuple(x + dx_m for x in path.x_m), y_m=tuple(y + dy_m for y in path.y_m)
    )
    assert fault_of(moved, 10.0, TUNING) == "path_start"
    near = changed(
        path,
        x_m=tuple(x + 0.6 * dx_m for x in path.x_m),
        y_m=tuple(y + 0.6 * dy_m for y in path.y_m),
    )
    assert fault_of(near, 10.0, TUNING) == ""


@pytest.mark.parametrize("angle_rad", [0.19, -0.19, 0.21, -0.21, math.pi])
def test_a_path_that_points_away_from_the_car_is_refused(angle_rad: float) -> None:
    path = arc_path(0)
    turned = changed(
        path,
        x_m=tuple(x * math.cos(angle_rad) for x in path.x_m),
        y_m=tuple(x * math.sin(angle_rad) for x in path.x_m),
    )
    assert fault_of(turned, 10.0, TUNING) == ("" if abs(angle_rad) < 0.2 else "path_start")


def test_the_bounds_of_a_start_are_those_of_the_tuning() -> None:
    path = arc_path(0)
    edge = changed(path, x_m=tuple(x + 1.0 for x in path.x_m))
    assert fault_of(edge, 10.0, TUNING) == ""
    near = msgspec.structs.replace(TUNING, start_m=0.5)
    for shift_m, word in ((0.45, ""), (0.55, "path_start")):
        moved = changed(path, y_m=tuple(y + shift_m for y in path.y_m))
        assert fault_of(moved, 10.0, near) == word
    # It is the first point that counts, also where the path leads back to the car at once.
    slant = changed(
        path,
        x_m=tuple(x * math.cos(0.15) for x in path.x_m),
        y_m=tuple(1.03 - x * math.sin(0.15) for x in path.x_m),
    )
    assert fault_of(slant, 10.0, TUNING) == "path_start"


def test_two_points_are_a_path_where_that_is_long_enough() -> None:
    short = msgspec.structs.replace(TUNING, spare_m=1.0)
    assert fault_of(arc_path(0, 1.0), 0.0, short) == ""


def test_points_that_are_not_a_step_apart_are_refused() -> None:
    path = arc_path(0)
    for index, shift_m in ((1, 0.11), (1, -0.11), (75, 0.11), (75, -0.11), (150, 0.2)):
        wrong = changed(path, x_m=with_point(path.x_m, index, path.x_m[index] + shift_m))
        assert fault_of(wrong, 10.0, TUNING) == "path_gap", index
    fine = changed(path, x_m=with_point(path.x_m, 75, path.x_m[75] + 0.09))
    assert fault_of(fine, 10.0, TUNING) == ""


def test_a_stretched_path_of_coarse_points_is_refused_by_its_own_step() -> None:
    path = arc_path(0, 150.0, step_m=2.0)
    fine = changed(path, x_m=with_point(path.x_m, 20, path.x_m[20] + 0.19))
    assert fault_of(fine, 10.0, TUNING) == ""
    wrong = changed(path, x_m=with_point(path.x_m, 20, path.x_m[20] + 0.21))
    assert fault_of(wrong, 10.0, TUNING) == "path_gap"
    for shift_m, word in ((-0.19, ""), (-0.21, "path_gap")):
        last = changed(path, x_m=with_point(path.x_m, 75, path.x_m[75] + shift_m))
        assert fault_of(last, 10.0, TUNING) == word


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_a_bend_that_the_car_cannot_take_is_refused(side: float) -> None:
    assert fault_of(arc_path(0, 150.0, side * 3.5 / 400.0), 20.0, TUNING) == ""
    assert fault_of(arc_path(0, 150.0, side * 3.7 / 400.0), 20.0, TUNING) == "path_bend"
    for bend, word in ((0.2, ""), (0.21, "path_bend")):
        sharp = changed(arc_path(0), curvature_per_m=with_point((0.0,) * 151, 150, side * bend))
        assert fault_of(sharp, 0.0, TUNING) == word


def test_a_bend_later_may_be_sharper_because_the_car_has_braked_by_then() -> None:
    # From 20 m/s at 3 m/s2 the car passes 50 m at 10 m/s: 3.6 m/s2 allow a bend of 0.036 1/m there.
    straight = arc_path(0)
    for bend, word in ((0.0355, ""), (0.0375, "path_bend")):
        curvature = with_point(straight.curvature_per_m, 50, bend)
        assert fault_of(changed(straight, curvature_per_m=curvature), 20.0, TUNING) == word
    coarse = arc_path(0, 150.0, step_m=2.0)
    for bend, word in ((0.0355, ""), (0.0375, "path_bend")):
        curvature = with_point(coarse.curvature_per_m, 25, bend)
        assert fault_of(changed(coarse, curvature_per_m=curvature), 20.0, TUNING) == word


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_points_that_turn_where_the_curvature_says_straight_are_refused(side: float) -> None:
    bent = arc_path(0, 150.0, side * 0.005)
    assert fault_of(changed(bent, curvature_per_m=(0.0,) * 151), 10.0, TUNING) == "path_bend"
    straight = arc_path(0, 150.0)
    claims = changed(straight, curvature_per_m=(side * 0.005,) * 151)
    assert fault_of(claims, 10.0, TUNING) == "path_bend"


def test_sampling_a_whole_loop_coarsely_is_no_fault() -> None:
    assert fault_of(arc_path(0, 120.0, 0.05, step_m=2.0), 5.0, TUNING) == ""


def test_a_long_bend_may_be_off_by_a_share_of_all_its_turning() -> None:
    loop = arc_path(0, 120.0, 0.05)
    for share, word in ((0.96, ""), (0.93, "path_bend")):
        claimed = changed(loop, curvature_per_m=(0.05 * share,) * 121)
        assert fault_of(claimed, 5.0, TUNING) == word


numbers = st.floats(allow_nan=True, allow_infinity=True, width=32)


@given(st.lists(st.tuples(numbers, numbers, numbers), max_size=200), numbers, st.floats(0, 60))
def test_judging_a_path_never_raises(
    points: list[tuple[float, float, float]], step_m: float, speed_mps: float
) -> None:
    x_m, y_m, bends = zip(*points, strict=True) if points else ((), (), ())
    path = StopPath(stamp_ns=0, step_m=step_m, x_m=x_m, y_m=y_m, curvature_per_m=bends)
    assert fault_of(path, speed_mps, TUNING) in (
        "path_shape", "path_number", "path_short", "path_start", "path_gap", "path_bend",
    )  # fmt: skip


# --- where the car is -----------------------------------------------------------------------------


def test_a_quarter_turn_ends_where_geometry_says() -> None:
    place = HERE
    for tick in range(100):
        place = stop.move(place, 10.0, 0.5 * math.pi, 0.01, tick)
    radius_m = 10.0 / (0.5 * math.pi)
    assert place.x_m == pytest.approx(radius_m, rel=1e-4)
    assert place.y_m == pytest.approx(radius_m, rel=1e-4)
    assert place.yaw_rad == pytest.approx(0.5 * math.pi)
    assert place.stamp_ns == 99


def test_a_place_is_found_by_its_stamp() -> None:
    places = tuple(Place(stamp, float(stamp), 0.0, 0.0) for stamp in (10, 20, 30))
    assert stop.place_at(places, 10) is places[0]
    assert stop.place_at(places, 19) is places[0]
    assert stop.place_at(places, 20) is places[1]
    assert stop.place_at(places, 30) is places[2]
    assert stop.place_at(places, 9) is None
    assert stop.place_at(places, 31) is None
    assert stop.place_at((), 0) is None


# --- following ------------------------------------------------------------------------------------


def followed(x_m: float, y_m: float, yaw_rad: float = 0.0, bend: float = 0.0) -> stop.Follow:
    trusted = TrustedPath(arc_path(0, 100.0, bend), HERE)
    return stop.follow(trusted, Place(0, x_m, y_m, yaw_rad), 10.0, TUNING)


def test_on_the_path_the_path_says_where_to_steer() -> None:
    found = followed(10.3, 0.0)
    assert found.curvature_per_m == pytest.approx(0.0)
    assert found.left_m == pytest.approx(89.7)
    assert found.trusted.index == 10
    assert not found.lost


def test_beside_the_path_the_car_is_led_back_to_it() -> None:
    # 10 m/s look 8 m ahead: gain 2/64.
    assert followed(10.0, 0.5).curvature_per_m == pytest.approx(-2.0 * 0.5 / 64.0)
    assert followed(10.0, -0.5).curvature_per_m == pytest.approx(2.0 * 0.5 / 64.0)
    turned = followed(10.0, 0.0, 0.1).curvature_per_m
    assert turned == pytest.approx(-2.0 * 8.0 * math.sin(0.1) / 64.0)


def test_slowly_the_lookahead_is_not_less_than_two_wheelbases() -> None:
    trusted = TrustedPath(arc_path(0), HERE)
    found = stop.follow(trusted, Place(0, 10.0, 0.5, 0.0), 1.0, TUNING)
    assert found.curvature_per_m == pytest.approx(-2.0 * 0.5 / 25.0)


def test_the_paths_own_bend_is_taken_where_the_actuator_will_be() -> None:
    path = arc_path(0, 100.0)
    path = changed(path, curvature_per_m=tuple(index * 1e-4 for index in range(101)))
    for x_m, index in ((10.0, 11), (10.4, 11), (10.6, 12), (-5.0, 0), (99.5, 100), (130.0, 100)):
        found = stop.follow(TrustedPath(path, HERE), Place(0, x_m, 0.0, 0.0), 10.0, TUNING)
        assert found.curvature_per_m == pytest.approx(index * 1e-4), x_m


@pytest.mark.parametrize(
    ("y_m", "yaw_rad", "lost"),
    [(2.0, 0.0, False), (-2.0, 0.0, False), (2.1, 0.0, True), (-2.1, 0.0, True),
     (0.0, 0.5, False), (0.0, -0.5, False), (0.0, 0.55, True), (0.0, -0.55, True)],
)  # fmt: skip
def test_a_path_that_is_too_far_off_is_given_up(y_m: float, yaw_rad: float, lost: bool) -> None:
    assert followed(10.0, y_m, yaw_rad).lost is lost


def test_a_path_lies_in_the_frame_of_the_car_that_it_was_planned_for() -> None:
    origin = Place(0, 100.0, 50.0, 0.5 * math.pi)
    trusted = TrustedPath(arc_path(0, 100.0), origin)
    found = stop.follow(trusted, Place(0, 99.5, 60.0, 0.5 * math.pi), 10.0, TUNING)
    assert found.curvature_per_m == pytest.approx(-2.0 * 0.5 / 64.0)
    assert found.left_m == pytest.approx(90.0)
    assert found.trusted.origin is origin


def test_the_car_never_goes_back_on_its_path() -> None:
    trusted = TrustedPath(arc_path(0, 100.0), HERE, 20)
    found = stop.follow(trusted, Place(0, 5.0, 0.0, 0.0), 10.0, TUNING)
    assert found.trusted.index == 20
    assert found.left_m == pytest.approx(95.0)


def test_behind_the_end_nothing_is_left() -> None:
    found = followed(103.0, 0.0)
    assert found.trusted.index == 99
    assert found.left_m == pytest.approx(-3.0)


def test_points_are_passed_where_they_lie_abeam_also_in_a_bend() -> None:
    bend = 0.02
    for way_m in (0.5, 10.5, 55.5, 98.5):
        x_m, y_m = math.sin(bend * way_m) / bend, (1.0 - math.cos(bend * way_m)) / bend
        found = followed(x_m, y_m, bend * way_m, bend)
        assert found.trusted.index == int(way_m)
        assert found.left_m == pytest.approx(100.0 - way_m, abs=0.02)
        assert found.curvature_per_m == pytest.approx(bend, abs=2e-3)


def test_a_path_of_another_step_is_followed_alike() -> None:
    fine, coarse = arc_path(0, 100.0), arc_path(0, 100.0, step_m=2.0)
    coarse = changed(coarse, curvature_per_m=tuple(index * 2e-4 for index in range(51)))
    fine = changed(fine, curvature_per_m=tuple(index * 1e-4 for index in range(101)))
    place = Place(0, 21.5, 0.4, 0.05)
    one = stop.follow(TrustedPath(fine, HERE), place, 10.0, TUNING)
    other = stop.follow(TrustedPath(coarse, HERE), place, 10.0, TUNING)
    assert (one.trusted.index, other.trusted.index) == (21, 10)
    assert other.left_m == pytest.approx(one.left_m) == pytest.approx(78.5)
    assert other.curvature_per_m == pytest.approx(one.curvature_per_m, abs=1.1e-4)
    assert (one.lost, other.lost) == (False, False)
    far = stop.follow(TrustedPath(coarse, HERE), Place(0, 20.0, 1.9, 0.4), 10.0, TUNING)
    assert not far.lost


@pytest.mark.parametrize("bend_per_m", [0.2, -0.2])
@pytest.mark.parametrize("beside_m", [-1.5, 0.0, 1.5])
def test_a_point_is_passed_where_the_way_to_it_ends(bend_per_m: float, beside_m: float) -> None:
    path = arc_path(0, 15.0, bend_per_m)
    for way_m in (0.3, 1.4, 2.6, 5.5, 7.45, 9.7, 12.6, 14.2):
        middle = way_m * bend_per_m
        x_m = math.sin(middle) / bend_per_m - beside_m * math.sin(middle)
        y_m = (1.0 - math.cos(middle)) / bend_per_m + beside_m * math.cos(middle)
        passed = 0
        for one in range(14):
            x0, y0, x1, y1 = (*_point(path, one), *_point(path, one + 1))
            if (x_m - x1) * (x1 - x0) + (y_m - y1) * (y1 - y0) < 0.0:
                break
            passed = one + 1
        found = stop.follow(TrustedPath(path, HERE), Place(0, x_m, y_m, middle), 5.0, TUNING)
        assert found.trusted.index == passed


def _point(path: StopPath, index: int) -> tuple[float, float]:
    return path.x_m[index], path.y_m[index]


def test_a_point_abeam_is_passed() -> None:
    assert followed(10.0, 0.5).trusted.index == 10


def test_without_a_path_the_bend_fades() -> None:
    assert stop.fade(0.03, 0.01, TUNING) == pytest.approx(0.03 * (1.0 - 0.01 / 1.5))
    assert stop.fade(0.03, 3.0, TUNING) == 0.0


def test_braking_is_as_wanted_harder_where_the_path_is_short_and_soft_at_the_end() -> None:
    assert stop.stop_accel(20.0, None, TUNING) == -3.0
    assert stop.stop_accel(20.0, 100.0, TUNING) == -3.0
    assert stop.stop_accel(20.0, 62.0, TUNING) == pytest.approx(-400.0 / (2.0 * 57.0))
    assert stop.stop_accel(20.0, 30.0, TUNING) == -4.0
    assert stop.stop_accel(20.0, -5.0, TUNING) == -4.0
    assert stop.stop_accel(2.0, 5.5, TUNING) == pytest.approx(-2.4)
    assert stop.stop_accel(3.2, 6.5, TUNING) == pytest.approx(-3.2 * 3.2 / 3.0)
    assert stop.stop_accel(1.0, None, TUNING) == pytest.approx(-1.4)
    assert stop.stop_accel(0.0, None, TUNING) == pytest.approx(-0.4)


# --- the whole stop -------------------------------------------------------------------------------


@pytest.mark.parametrize("bend_per_m", [0.0, 0.004, -0.004, 0.008])
@pytest.mark.parametrize("speed_mps", [6.0, 13.0, 19.0])
def test_with_the_pilot_gone_the_car_stops_on_its_path(bend_per_m: float, speed_mps: float) -> None:
    drive = Drive(speed_mps=speed_mps, lag_s=0.15)
    length_m = stop.least_length_m(speed_mps, TUNING)
    drive.curvature_per_m = bend_per_m
    path = arc_path(10_000_000, length_m, bend_per_m)
    drive.engage(stop_path=path)
    for _ in range(60):  # The guard's curvature comes up to that of the bend.
        drive.tick(0.0, bend_per_m)
    path = arc_path(drive.stamp_ns, length_m, bend_per_m)
    drive.tick(0.0, bend_per_m, stop_path=path)
    start = (drive.x_m, drive.y_m, drive.yaw_rad)
    worst_m = 0.0
    while drive.state.permission is not Permission.DRIVER:
        decision = drive.tick()
        dx_m, dy_m = drive.x_m - start[0], drive.y_m - start[1]
        cos, sin = math.cos(start[2]), math.sin(start[2])
        x_m, y_m = cos * dx_m + sin * dy_m, -sin * dx_m + cos * dy_m
        nearest_m = min(
            math.hypot(x_m - px, y_m - py) for px, py in zip(path.x_m, path.y_m, strict=True)
        )
        worst_m = max(worst_m, math.sqrt(max(nearest_m**2 - 0.25, 0.0)))
        assert drive.stamp_ns < 30e9
    assert decision.source is CommandSource.DRIVER
    assert decision.reason == "stopped"
    assert drive.speed_mps == 0.0
    assert drive.decisions[-1].command.hold
    assert worst_m < 0.3
    way_m = math.hypot(drive.x_m - start[0], drive.y_m - start[1])
    assert way_m < length_m


@pytest.mark.parametrize("gust_rps", [0.15, -0.15])
def test_a_gust_during_the_stop_is_steered_out(gust_rps: float) -> None:
    drive = Drive(speed_mps=20.0, lag_s=0.15)
    drive.engage(stop_path=arc_path(10_000_000, 100.0))
    drive.until(0.06)
    drive.gust_rps = gust_rps
    drive.until(0.4)
    drive.gust_rps = 0.0
    pushed_m, pushed_rad = abs(drive.y_m), abs(drive.yaw_rad)
    assert pushed_rad > 0.03
    while drive.speed_mps > 0.0:
        drive.tick()
    assert drive.state.trusted is not None
    assert abs(drive.y_m) < 0.1 + pushed_m
    assert abs(drive.yaw_rad) < 0.02
