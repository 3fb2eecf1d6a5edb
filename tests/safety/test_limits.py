import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.core.messages import CommandSource
from volant.safety import limits
from volant.safety.limits import LIMITS, TABLE, Limit, Motion, Quantity, Status, sort_limits


def motion(speed_mps: float = 20.0, **changes: float) -> Motion:
    plain = {"dt_s": 0.01, "wheelbase_m": 2.6, "max_curvature_per_m": 0.2}
    return Motion(**{"speed_mps": speed_mps, "max_steer_rate_rps": 0.5, **plain, **changes})


def row(name: str) -> Limit:
    return next(one for one in LIMITS if one.name == name)


def accel(wanted: float, last: float = 0.0, ago: float = 0.0, **changes: float) -> limits.Bounded:
    return limits.bound_accel(wanted, last, ago, motion(**changes), TABLE.comfort)


def curvature(
    wanted: float, last: float = 0.0, ago: float = 0.0, **changes: float
) -> limits.Bounded:
    return limits.bound_curvature(wanted, last, ago, motion(**changes), TABLE.comfort_across)


def test_a_row_is_linear_between_its_speeds() -> None:
    decel = row("comfort_decel")
    assert [decel.at(speed) for speed in (0.0, 5.0, 12.5, 20.0, 40.0)] == [
        -5.0, -5.0, -4.25, -3.5, -3.5,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "slow", "fast"),
    [
        ("comfort_accel", 4.0, 2.0),
        ("comfort_decel", -5.0, -3.5),
        ("comfort_jerk", 8.37, 8.37),
        ("comfort_decel_jerk", 5.0, 2.5),
        ("comfort_lateral_accel", 3.0, 3.0),
        ("comfort_lateral_jerk", 8.37, 8.37),
        ("comfort_lateral_jerk_mean", 5.0, 5.0),
        ("comfort_steer_rate", 0.5, 0.5),
        ("comfort_curvature", 0.2, 0.2),
        ("stop_accel", 0.0, 0.0),
        ("stop_decel", -4.0, -4.0),
        ("stop_jerk", 8.37, 8.37),
        ("stop_lateral_accel", 3.0, 3.0),
        ("stop_lateral_jerk", 8.37, 8.37),
        ("stop_lateral_jerk_mean", 5.0, 5.0),
        ("stop_steer_rate", 0.5, 0.5),
        ("stop_curvature", 0.2, 0.2),
        ("aeb_accel", 0.0, 0.0),
        ("aeb_decel", -10.0, -10.0),
        ("aeb_jerk", 50.0, 50.0),
        ("assist_lateral_accel", 3.0, 3.0),
        ("assist_lateral_jerk", 5.0, 5.0),
    ],
)
def test_the_table_holds_the_figures_of_its_sources(name: str, slow: float, fast: float) -> None:
    assert (row(name).at(5.0), row(name).at(20.0)) == (slow, fast)


def test_the_windows_of_the_means_are_those_of_the_standards() -> None:
    windows = {one.name: one.window_s for one in LIMITS if one.window_s}
    assert windows == {
        "comfort_decel_jerk": 1.0,
        "comfort_lateral_jerk_mean": 0.5,
        "stop_lateral_jerk_mean": 0.5,
    }
    table = sort_limits()
    assert (table.accel_ticks, table.lateral_ticks) == (100, 50)
    assert isinstance(table.accel_ticks, int)
    assert isinstance(table.lateral_ticks, int)


def test_every_row_has_a_source_and_only_lane_keeping_is_bound_beside_a_driver() -> None:
    assert all(len(one.clause) > 12 for one in LIMITS)
    assert {one.source for one in LIMITS} == set(CommandSource)
    of_driver = [one.name for one in LIMITS if one.source is CommandSource.DRIVER]
    assert of_driver == ["assist_lateral_accel", "assist_lateral_jerk"]
    assert len({one.name for one in LIMITS}) == len(LIMITS)


def test_what_the_stored_sources_do_not_confirm_is_not_called_read() -> None:
    # pilot.md tags ISO 15622 and UN R157's 4.0 m/s2 as recalled.
    unsure = {one.name for one in LIMITS if one.status is not Status.READ}
    assert {"comfort_accel", "comfort_decel", "comfort_decel_jerk", "stop_decel"} <= unsure


def test_a_table_with_a_row_missing_or_doubled_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^two rows bound comfort ACCEL_MAX$"):
        sort_limits((*LIMITS, LIMITS[0]))
    for missing in LIMITS:
        rest = tuple(one for one in LIMITS if one is not missing)
        if missing.quantity is Quantity.DECEL_JERK_MEAN:
            assert sort_limits(rest).comfort.decel_jerk_mean is None
            continue
        words = rf"^no row bounds {missing.source.value} {missing.quantity.name}$"
        with pytest.raises(ValueError, match=words):
            sort_limits(rest)


def test_a_table_whose_windows_disagree_or_vanish_is_refused() -> None:
    def with_window(name: str, window_s: float) -> tuple[Limit, ...]:
        return tuple(
            msgspec.structs.replace(one, window_s=window_s) if one.name == name else one
            for one in LIMITS
        )

    with pytest.raises(ValueError, match=r"^rows of LATERAL_JERK_MEAN have different windows$"):
        sort_limits(with_window("stop_lateral_jerk_mean", 0.4))
    words = r"^the window of DECEL_JERK_MEAN is shorter than a control tick$"
    with pytest.raises(ValueError, match=words):
        sort_limits(with_window("comfort_decel_jerk", 0.009))
    assert sort_limits(with_window("comfort_decel_jerk", 0.01)).accel_ticks == 1


def test_without_a_mean_there_is_one_tick_of_memory() -> None:
    rest = tuple(one for one in LIMITS if one.quantity is not Quantity.DECEL_JERK_MEAN)
    assert sort_limits(rest).accel_ticks == 1


def test_the_sorted_table_puts_each_row_in_its_place() -> None:
    table = sort_limits()
    assert table == TABLE
    assert table.comfort.decel_jerk_mean is row("comfort_decel_jerk")
    for part, source in (("comfort", "comfort"), ("stop", "minimal_risk"), ("aeb", "aeb")):
        along = getattr(table, part)
        for name in ("accel_max", "accel_min", "jerk"):
            found = getattr(along, name)
            assert (found.source.value, found.quantity.name) == (source, name.upper())
        if part == "aeb":
            continue
        across = getattr(table, f"{part}_across")
        for name in across.__struct_fields__:
            found = getattr(across, name)
            assert (found.source.value, found.quantity.name) == (source, name.upper())


# --- acceleration ---------------------------------------------------------------------------------


def test_an_acceleration_inside_its_rows_is_left_alone() -> None:
    assert accel(0.05) == limits.Bounded(0.05, ())
    assert accel(-3.5, last=-3.5, ago=-3.5) == limits.Bounded(-3.5, ())
    assert accel(2.0, last=2.0) == limits.Bounded(2.0, ())


def test_too_hard_an_acceleration_is_cut_at_its_row() -> None:
    assert accel(2.1, last=2.0) == limits.Bounded(2.0, ("comfort_accel",))
    assert accel(-3.6, last=-3.5, ago=-3.5) == limits.Bounded(-3.5, ("comfort_decel",))
    assert accel(3.9, last=3.9, speed_mps=5.0) == limits.Bounded(3.9, ())
    assert accel(-4.9, last=-4.9, ago=-4.9, speed_mps=5.0) == limits.Bounded(-4.9, ())


def test_a_step_is_cut_to_the_jerk_of_one_tick() -> None:
    up = accel(1.0, last=0.5)
    assert (up.value, up.limits) == (pytest.approx(0.5837), ("comfort_jerk",))
    down = accel(-1.0, last=0.5)
    assert (down.value, down.limits) == (pytest.approx(0.4163), ("comfort_jerk",))
    assert accel(1.0, last=0.5, dt_s=0.0).value == 0.5


def test_deceleration_grows_no_faster_than_its_mean_over_a_second() -> None:
    assert accel(-2.6, last=-2.55) == limits.Bounded(-2.5, ("comfort_decel_jerk",))
    assert accel(-3.0, last=-2.95, ago=-0.5) == limits.Bounded(-3.0, ())
    # Letting go of the accelerator is no deceleration: 2.0 a second ago counts as 0.
    assert accel(-2.5, last=-2.45, ago=2.0) == limits.Bounded(-2.5, ())
    assert accel(-4.9, last=-4.85, speed_mps=5.0) == limits.Bounded(-4.9, ())


def test_jerk_wins_where_the_source_has_just_changed() -> None:
    back = limits.bound_accel(-3.0, -9.0, -9.0, motion(), TABLE.comfort)
    assert back.value == pytest.approx(-9.0 + 0.0837)
    assert back.limits == ("comfort_jerk",)
    late = limits.bound_accel(-9.0, -9.0, -9.0, motion(), TABLE.comfort)
    assert late.value == pytest.approx(-9.0 + 0.0837)
    assert late.limits == ("comfort_decel", "comfort_jerk")


def test_rows_that_cancel_out_bound_nothing() -> None:
    # The acceleration row says -3.5, jerk brings it back to what was asked: nothing was changed.
    same = limits.bound_accel(-4.0, -4.0 - 0.0837, -4.0, motion(), TABLE.comfort)
    assert same.value == pytest.approx(-4.0)


def test_emergency_braking_and_a_stop_have_rows_of_their_own() -> None:
    aeb = limits.bound_accel(-12.0, -9.9, 0.0, motion(), TABLE.aeb)
    assert aeb == limits.Bounded(-10.0, ("aeb_decel",))
    assert limits.bound_accel(-0.4, 0.0, 0.0, motion(), TABLE.aeb).limits == ()
    stopping = limits.bound_accel(-5.0, -4.0, 0.0, motion(), TABLE.stop)
    assert stopping == limits.Bounded(-4.0, ("stop_decel",))
    assert limits.bound_accel(0.5, 0.0, 0.0, motion(), TABLE.stop).limits == ("stop_accel",)


# --- steering -------------------------------------------------------------------------------------


def test_a_curvature_inside_its_rows_is_left_alone() -> None:
    assert curvature(0.0001) == limits.Bounded(0.0001, ())
    assert curvature(-0.0075, last=-0.0075, ago=-3.0) == limits.Bounded(-0.0075, ())


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_lateral_acceleration_is_cut_at_its_row(side: float) -> None:
    found = curvature(side * 0.0076, last=side * 0.0075, ago=side * 3.0)
    assert found == limits.Bounded(side * 3.0 / 400.0, ("comfort_lateral_accel",))


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_lateral_jerk_by_steering_is_cut_over_one_tick(side: float) -> None:
    found = curvature(side * 0.003)
    assert found.value == pytest.approx(side * 8.37 * 0.01 / 400.0)
    assert found.limits == ("comfort_lateral_jerk",)


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_lateral_jerk_is_cut_as_a_mean_over_half_a_second(side: float) -> None:
    found = curvature(side * 2.52 / 400.0, last=side * 2.5 / 400.0)
    assert found == limits.Bounded(side * 2.5 / 400.0, ("comfort_lateral_jerk_mean",))


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_the_road_wheels_turn_no_faster_than_the_row_and_the_car_allow(side: float) -> None:
    for most, rate in ((0.5, 0.5), (0.9, 0.5), (0.3, 0.3)):
        found = curvature(side * 0.19, speed_mps=0.4, max_steer_rate_rps=most)
        assert found.value == pytest.approx(side * math.tan(rate * 0.01) / 2.6)
        assert found.limits == ("comfort_steer_rate",)


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_curvature_is_cut_at_what_the_row_and_the_car_allow(side: float) -> None:
    for most, bound in ((0.2, 0.2), (0.3, 0.2), (0.15, 0.15)):
        found = curvature(side * 0.21, last=side * bound, speed_mps=0.4, max_curvature_per_m=most)
        assert found == limits.Bounded(side * bound, ("comfort_curvature",))


def test_at_a_crawl_only_the_steering_rate_bounds() -> None:
    # At 0.5 m/s the square of speed is not above the floor; a little faster it is.
    assert curvature(0.001, ago=9.0, speed_mps=0.5).limits == ()
    assert curvature(0.001, ago=9.0, speed_mps=0.51).limits[0] == "comfort_lateral_jerk_mean"


def test_wheels_turned_further_than_any_car_come_back() -> None:
    for side in (1.0, -1.0):
        found = curvature(side * 50.0, last=side * 50.0, speed_mps=0.0)
        assert 0.0 < side * found.value < 50.0
        assert math.isfinite(found.value)
    assert curvature(0.0, last=1e9, speed_mps=0.0).value == pytest.approx(math.tan(1.5) / 2.6)


def test_rows_that_cancel_out_are_not_named() -> None:
    # Outside its rows after a change of source, and no time has passed: rate bounds undo the cut.
    assert curvature(0.009, last=0.009, dt_s=0.0) == limits.Bounded(0.009, ())
    assert accel(-9.0, last=-9.0, dt_s=0.0) == limits.Bounded(-9.0, ())


finite = st.floats(-30.0, 30.0)


@given(finite, st.floats(-12.0, 6.0), st.floats(-12.0, 6.0), st.floats(0.0, 60.0))
def test_no_acceleration_breaks_its_jerk_whatever_is_asked(
    wanted: float, last: float, ago: float, speed: float
) -> None:
    for rows in (TABLE.comfort, TABLE.stop, TABLE.aeb):
        found = limits.bound_accel(wanted, last, ago, motion(speed), rows)
        step = rows.jerk.at(speed) * 0.01
        assert abs(found.value - last) <= step + 1e-12
        low, high = rows.accel_min.at(speed), rows.accel_max.at(speed)
        assert min(low, last + step) - 1e-12 <= found.value <= max(high, last - step) + 1e-12
        assert bool(found.limits) == (found.value != wanted)


@given(st.floats(-1.0, 1.0), st.floats(-0.2, 0.2), st.floats(-4.0, 4.0), st.floats(0.0, 60.0))
def test_no_curvature_breaks_its_rates_whatever_is_asked(
    wanted: float, last: float, ago: float, speed: float
) -> None:
    found = curvature(wanted, last, ago, speed_mps=speed)
    if speed > 0.5:
        assert abs(found.value - last) * speed * speed <= 8.37 * 0.01 + 1e-9
    turn = math.atan(2.6 * found.value) - math.atan(2.6 * last)
    assert abs(turn) <= 0.5 * 0.01 + 1e-9
    assert bool(found.limits) == (found.value != wanted)
