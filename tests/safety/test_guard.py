import itertools
import math
from typing import Any

import msgspec
import pytest

from tests.safety.builders import (
    SETTINGS,
    TICK_NS,
    Drive,
    arc_path,
    car_state,
    command,
    request,
)
from volant.core.messages import (
    Command,
    CommandSource,
    DriverControls,
    Gear,
    Indicator,
    RequestKind,
)
from volant.safety import guard
from volant.safety.guard import GuardInput, Permission

BRAKE = DriverControls(brake=0.3)
GAS = DriverControls(accelerator=0.5)
WHEEL = DriverControls(wheel_torque_nm=5.0, wheel_angle_rad=0.3)


def engaged(speed_mps: float = 20.0, **given: Any) -> Drive:
    drive = Drive(speed_mps=speed_mps)
    drive.engage(**given)
    return drive


def stopping(speed_mps: float = 20.0) -> Drive:
    """A pilot that has just died, beyond the time that its last command may serve."""
    drive = engaged(speed_mps)
    drive.until(0.06)
    assert drive.state.permission is Permission.STOPPING
    return drive


# --- the pilot's command --------------------------------------------------------------------------


def test_a_command_inside_its_limits_passes_as_the_same_object() -> None:
    drive = engaged(stop_path=arc_path(TICK_NS))
    asked = command(drive.stamp_ns + TICK_NS, 0.05, 0.0001, indicator=Indicator.LEFT)
    decision = drive.tick(ask=asked)
    assert decision.command is asked
    assert (decision.source, decision.reason) == (CommandSource.COMFORT, "ok")
    assert (decision.limited, decision.limits) == (False, ())
    assert decision.stamp_ns == drive.stamp_ns


def test_a_command_beyond_its_limits_is_cut_and_names_the_rows() -> None:
    drive = engaged()
    drive.asked = None
    asked = command(drive.stamp_ns + TICK_NS, -8.0, 0.1, indicator=Indicator.RIGHT, hold=True)
    decision = drive.tick(ask=asked)
    assert decision.command.accel_mps2 == pytest.approx(-0.0837)
    assert decision.command.curvature_per_m == pytest.approx(0.0837 / 400.0)
    assert decision.limits == (
        "comfort_decel_jerk",
        "comfort_jerk",
        "comfort_lateral_jerk_mean",
        "comfort_lateral_jerk",
    )
    assert (decision.limited, decision.reason) == (True, "limited")
    kept = decision.command
    assert (kept.indicator, kept.hold, kept.gear) == (Indicator.RIGHT, True, Gear.DRIVE)
    assert kept.stamp_ns == drive.stamp_ns


def test_what_the_guard_changes_carries_the_guards_stamp() -> None:
    drive = engaged()
    drive.tick(9.0)
    assert drive.tick().command.stamp_ns == drive.stamp_ns
    decision = drive.tick(aeb=braking(drive))
    assert decision.command.stamp_ns == drive.stamp_ns
    drive = engaged()
    drive.tick(0.05)
    assert drive.tick().command.stamp_ns == drive.stamp_ns - TICK_NS
    assert drive.tick(aeb=braking(drive)).command.stamp_ns == drive.stamp_ns


def test_one_axis_is_cut_and_the_other_left() -> None:
    drive = engaged()
    decision = drive.tick(0.05, 0.1)
    assert decision.command.accel_mps2 == 0.05
    assert "comfort_jerk" not in decision.limits
    drive = engaged()
    decision = drive.tick(9.0, 0.0001)
    assert decision.command.curvature_per_m == 0.0001
    assert decision.limits == ("comfort_accel", "comfort_jerk")


def test_the_pilot_brakes_beyond_comfort_only_while_emergency_braking_sees_somebody() -> None:
    drive = engaged(36.0)
    assert min(drive.tick(-9.0).command.accel_mps2 for _ in range(60)) >= -3.5
    drive = engaged(36.0)
    hard = [drive.tick(-9.0, near=True) for _ in range(30)]
    assert hard[0].limits == ("aeb_jerk",)
    assert hard[-1].command.accel_mps2 == -9.0
    assert (hard[-1].source, hard[-1].reason) == (CommandSource.COMFORT, "urgent")
    assert not hard[-1].limited
    eased = [drive.tick(-9.0).command.accel_mps2 for _ in range(80)]
    assert max(abs(b - a) for a, b in itertools.pairwise((-9.0, *eased))) <= 0.0837 + 1e-9
    assert eased[-1] == -3.5


def test_near_somebody_comfort_is_bound_as_ever() -> None:
    plain, near = engaged(25.0), engaged(25.0)
    for wanted in (-3.0, -2.0, 1.0, -3.5):
        for _ in range(20):
            assert plain.tick(wanted).command == near.tick(wanted, near=True).command


def test_a_minimal_risk_stop_is_never_urgent() -> None:
    drive = engaged(25.0)
    hardest = min(
        drive.tick(-9.0, near=True, minimal_risk=True).command.accel_mps2 for _ in range(80)
    )
    assert hardest == -4.0


def test_braking_builds_up_as_iso_15622_averages_it() -> None:
    drive = engaged(25.0)
    values = [drive.tick(-3.5).command.accel_mps2 for _ in range(140)]
    assert min(values[:90]) == -2.5
    assert "comfort_decel_jerk" in drive.decisions[60].limits
    assert values[139] == -3.5
    for index in range(140):
        second_ago = values[index - 100] if index >= 100 else 0.0
        assert values[index] >= second_ago - 2.5 - 1e-9


def test_lateral_jerk_is_averaged_over_half_a_second() -> None:
    drive = engaged(20.0)
    values = [drive.tick(0.0, 0.0075).command.curvature_per_m * 400.0 for _ in range(70)]
    assert max(values[:49]) == pytest.approx(2.5)
    assert values[69] == pytest.approx(3.0)


def test_a_stalled_loop_gets_no_bigger_step_afterwards() -> None:
    drive = engaged(stop_path=arc_path(TICK_NS))
    drive.stamp_ns += 20 * TICK_NS
    decision = drive.tick(2.0)
    assert decision.command.accel_mps2 == pytest.approx(2 * 0.0837)
    drive.stamp_ns -= 20 * TICK_NS  # and a clock that jumps back gets no step at all
    before = decision.command.accel_mps2
    assert drive.tick(-3.0).command.accel_mps2 == before


def test_a_minimal_risk_manoeuvre_of_the_pilot_has_its_own_rows() -> None:
    drive = engaged()
    decision = drive.tick(-0.05, 0.0001, minimal_risk=True)
    assert (decision.source, decision.reason) == (CommandSource.MINIMAL_RISK, "minimal_risk")
    assert (decision.limited, decision.command.accel_mps2) == (False, -0.05)
    assert drive.tick(0.1, minimal_risk=True).limits == ("stop_accel",)
    assert "stop_lateral_jerk" in drive.tick(-0.05, 0.1, minimal_risk=True).limits
    for _ in range(100):
        decision = drive.tick(-6.0, minimal_risk=True)
    assert decision.command.accel_mps2 == -4.0
    assert decision.limits == ("stop_decel",)
    assert decision.reason == "limited"


def test_the_gear_changes_at_standstill_only() -> None:
    drive = engaged(0.51)
    decision = drive.tick(ask=command(drive.stamp_ns + TICK_NS, gear=Gear.REVERSE))
    assert (decision.command.gear, decision.limits) == (Gear.DRIVE, ("gear",))
    assert decision.limited
    for speed_mps in (0.5, -0.5):
        drive = engaged(speed_mps)
        decision = drive.tick(ask=command(drive.stamp_ns + TICK_NS, gear=Gear.REVERSE))
        assert (decision.command.gear, decision.limits) == (Gear.REVERSE, ())
    drive = engaged(-0.51)
    decision = drive.tick(ask=command(drive.stamp_ns + TICK_NS, gear=Gear.PARK))
    assert decision.limits == ("gear",)


def test_hold_at_standstill_is_allowed() -> None:
    drive = engaged(0.0)
    decision = drive.tick(ask=command(drive.stamp_ns + TICK_NS, hold=True))
    assert decision.command.hold
    assert not decision.limited


def test_driving_without_a_young_stop_path_is_said() -> None:
    drive = engaged()
    assert drive.tick(0.0).reason == "no_stop_path"
    assert drive.tick(0.0, stop_path=arc_path(drive.stamp_ns)).reason == "ok"
    for _ in range(99):
        assert drive.tick(0.0).reason == "ok"
    assert drive.tick(0.0).reason == "no_stop_path"
    assert not drive.decisions[-1].limited


# --- late or broken -------------------------------------------------------------------------------


def test_a_late_command_serves_for_five_ticks_and_then_the_guard_stops() -> None:
    drive = engaged()
    for _ in range(5):
        assert drive.tick().source is CommandSource.COMFORT
    decision = drive.tick()
    assert (decision.source, decision.reason) == (CommandSource.MINIMAL_RISK, "stale_command")
    assert decision.limited
    assert drive.state.permission is Permission.STOPPING
    assert decision.command.indicator is Indicator.HAZARD


WRONG = [
    {"accel_mps2": math.nan},
    {"accel_mps2": math.inf},
    {"accel_mps2": -math.inf},
    {"accel_mps2": 20.1},
    {"accel_mps2": -20.1},
    {"curvature_per_m": math.nan},
    {"curvature_per_m": math.inf},
    {"curvature_per_m": 1.1},
    {"curvature_per_m": -1.1},
    {"stamp_ns": 1 << 50},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_broken_command_is_bridged_by_the_last_good_one_and_then_stops_the_car(
    wrong: dict[str, Any],
) -> None:
    drive = engaged()
    drive.tick(0.07)
    for _ in range(5):
        ask = msgspec.structs.replace(command(drive.stamp_ns + TICK_NS, 0.03), **wrong)
        decision = drive.tick(ask=ask)
        assert (decision.source, decision.reason) == (CommandSource.COMFORT, "invalid_command")
        assert decision.limited
        assert decision.command.accel_mps2 == 0.07
    decision = drive.tick(ask=msgspec.structs.replace(ask, stamp_ns=ask.stamp_ns + TICK_NS))
    assert (decision.source, decision.reason) == (CommandSource.MINIMAL_RISK, "invalid_command")


@pytest.mark.parametrize(
    "edge", [{"accel_mps2": 20.0}, {"accel_mps2": -20.0}, {"curvature_per_m": -1.0}], ids=str
)
def test_a_wild_command_that_is_not_absurd_is_only_limited(edge: dict[str, float]) -> None:
    drive = engaged()
    ask = msgspec.structs.replace(command(drive.stamp_ns + TICK_NS), **edge)
    assert drive.tick(ask=ask).reason == "limited"


def test_a_pilot_that_gives_nothing_any_more_is_late() -> None:
    drive = engaged()
    drive.asked = None
    for _ in range(5):
        decision = drive.tick()
        assert (decision.source, decision.reason) == (CommandSource.COMFORT, "stale_command")
    decision = drive.tick()
    assert (decision.source, decision.reason) == (CommandSource.MINIMAL_RISK, "stale_command")


def test_a_good_command_after_a_broken_one_is_taken_at_once() -> None:
    drive = engaged(stop_path=arc_path(TICK_NS))
    drive.tick(ask=command(drive.stamp_ns + TICK_NS, math.nan))
    decision = drive.tick(0.05)
    assert (decision.reason, decision.command.accel_mps2) == ("ok", 0.05)


def test_a_car_state_that_stands_still_in_time_stops_the_car() -> None:
    drive = engaged(stop_path=arc_path(TICK_NS))
    for _ in range(5):
        assert drive.tick(0.0, car="frozen").reason == "ok"
    decision = drive.tick(0.0, car="frozen")
    assert (decision.source, decision.reason) == (CommandSource.MINIMAL_RISK, "car_state_stale")


def test_a_car_state_from_the_future_is_not_believed() -> None:
    drive = engaged()
    for _ in range(6):
        decision = drive.tick(0.0, car=car_state(drive.stamp_ns + 2 * TICK_NS))
    assert decision.reason == "car_state_stale"


@pytest.mark.parametrize(
    "wrong",
    [
        {"valid": False},
        {"speed_mps": math.nan},
        {"speed_mps": 120.1},
        {"speed_mps": -120.1},
        {"accel_mps2": math.inf},
        {"yaw_rate_rps": math.nan},
        {"yaw_rate_rps": 3.1},
        {"yaw_rate_rps": -3.1},
        {"driver": DriverControls(brake=math.nan)},
        {"driver": DriverControls(accelerator=math.nan)},
        {"driver": DriverControls(wheel_torque_nm=math.inf)},
        {"driver": DriverControls(wheel_angle_rad=math.nan)},
    ],
    ids=str,
)
def test_a_broken_car_state_is_bridged_and_then_stops_the_car(wrong: dict[str, Any]) -> None:
    drive = engaged()
    for _ in range(5):
        decision = drive.tick(0.0, car_changes=wrong)
        assert (decision.source, decision.reason) == (CommandSource.COMFORT, "car_state_invalid")
        assert decision.limited
    decision = drive.tick(0.0, car_changes=wrong)
    assert (decision.source, decision.reason) == (CommandSource.MINIMAL_RISK, "car_state_invalid")


@pytest.mark.parametrize(
    "edge", [{"speed_mps": 120.0}, {"speed_mps": -120.0}, {"yaw_rate_rps": 3.0}], ids=str
)
def test_a_car_state_at_the_edge_of_belief_is_taken(edge: dict[str, Any]) -> None:
    drive = engaged(stop_path=arc_path(TICK_NS))
    assert drive.tick(0.0, car_changes=edge).reason == "ok"


def test_a_blind_stop_brakes_to_what_must_be_standstill_by_dead_reckoning() -> None:
    drive = engaged(10.0)
    began_ns = drive.stamp_ns
    for _ in range(900):
        true_mps = drive.speed_mps
        decision = drive.tick(0.0, car="frozen")
        assert drive.state.speed_mps == pytest.approx(true_mps, abs=0.05)
        if decision.command.hold:
            break
    assert 3e9 < drive.stamp_ns - began_ns < 7e9
    assert drive.state.speed_mps < 0.1
    assert decision.source is CommandSource.MINIMAL_RISK


def test_a_blind_guard_believes_that_the_car_turns_as_commanded() -> None:
    drive = engaged(10.0)
    for _ in range(30):
        drive.tick(0.0, 0.005)
    yaw_rad = drive.state.places[-1].yaw_rad
    drive.tick(0.0, 0.005, car="frozen")
    for _ in range(6):
        drive.tick(0.0, 0.005, car=None)
    turned_rad = drive.state.places[-1].yaw_rad - yaw_rad
    assert turned_rad == pytest.approx(0.07 * 10.0 * 0.005, rel=0.15)


def test_before_the_car_has_spoken_it_shall_stand() -> None:
    for car in (None, car_state(0, valid=False), car_state(-5 * TICK_NS - 1 + TICK_NS)):
        given = GuardInput(TICK_NS, car, command(TICK_NS), requests=(request(TICK_NS),))
        state, decision = guard.check(guard.start(), given, SETTINGS)
        assert (decision.reason, decision.source) == ("no_car_state", CommandSource.DRIVER)
        done = decision.command
        assert (done.gear, done.hold, done.accel_mps2) == (Gear.PARK, True, 0.0)
        assert (done.curvature_per_m, done.stamp_ns) == (0.0, TICK_NS)
        assert decision.limited is False
        assert decision.limits == ()
        assert decision.stamp_ns == TICK_NS
        assert state.permission is Permission.DRIVER


def test_a_press_of_the_button_before_the_car_has_spoken_still_counts_for_a_moment() -> None:
    drive = Drive()
    drive.tick(0.0, kinds=(RequestKind.ENGAGE,), car=None)
    drive.tick(0.0)
    assert drive.state.permission is Permission.PILOT


# --- the guard's own stop -------------------------------------------------------------------------


def test_the_stop_brakes_at_three_with_bounded_jerk_then_holds_then_lets_go() -> None:
    drive = stopping()
    decisions = [drive.tick() for _ in range(900)]
    values = [one.command.accel_mps2 for one in decisions]
    assert min(values) == -3.0
    steps = [abs(b - a) for a, b in itertools.pairwise(values)]
    own = [one for one in decisions if one.source is CommandSource.MINIMAL_RISK]
    assert max(steps[: len(own) - 1]) <= 0.0837 + 1e-9
    assert drive.speed_mps == 0.0
    holding = [one for one in own if one.command.hold]
    assert len(holding) == pytest.approx(100, abs=2)
    assert (holding[-1].command.accel_mps2, holding[-1].limits) == (0.0, ())
    assert {one.limited for one in own} == {True}
    assert [one.command.stamp_ns for one in own] == [one.stamp_ns for one in own]
    assert decisions[len(own)].reason == "stopped"
    assert decisions[len(own)].source is CommandSource.DRIVER
    after = decisions[-1]
    assert (after.source, after.reason, after.command.hold) == (
        CommandSource.DRIVER,
        "driver",
        True,
    )
    assert after.command.indicator is Indicator.HAZARD
    assert drive.state.permission is Permission.DRIVER
    assert drive.state.stop_reason == ""


def test_a_stop_is_not_called_off_by_a_pilot_that_comes_back() -> None:
    drive = stopping()
    decision = drive.tick(1.0)
    assert (decision.source, decision.reason) == (CommandSource.MINIMAL_RISK, "stale_command")


def test_a_stop_is_called_off_by_the_drivers_button_once_the_pilot_is_back() -> None:
    drive = stopping()
    drive.tick(kinds=(RequestKind.ENGAGE,))
    assert drive.state.permission is Permission.STOPPING
    drive.tick(0.0)
    assert drive.state.permission is Permission.PILOT
    assert drive.state.stop_reason == ""


def test_no_new_path_is_taken_while_stopping() -> None:
    drive = engaged(stop_path=arc_path(TICK_NS))
    trusted = drive.state.trusted
    assert trusted is not None
    drive.until(0.06)
    drive.tick(stop_path=arc_path(drive.stamp_ns, 150.0, 0.004))
    assert drive.state.trusted is not None
    assert drive.state.trusted.path is trusted.path


def test_a_lost_path_is_given_up_and_the_bend_fades() -> None:
    drive = engaged(stop_path=arc_path(TICK_NS))
    drive.until(0.06)
    assert drive.state.trusted is not None
    drive.gust_rps = 2.0
    drive.until(0.4)
    drive.gust_rps = 0.0
    assert drive.state.trusted is None
    before = drive.tick().command.curvature_per_m
    drive.until(0.2)
    assert abs(drive.decisions[-1].command.curvature_per_m) < 0.9 * abs(before) or before == 0.0


def test_without_any_path_the_present_bend_fades() -> None:
    drive = engaged(10.0)
    for _ in range(60):
        drive.tick(0.0, 0.01)
    drive.until(0.05)
    first = drive.tick().command.curvature_per_m
    assert first == pytest.approx(0.01 * (1.0 - 0.01 / 1.5))
    assert drive.tick().command.curvature_per_m == pytest.approx(first * (1.0 - 0.01 / 1.5))


def test_at_standstill_the_stop_leaves_the_wheels_as_they_are() -> None:
    drive = engaged(0.0)
    for _ in range(30):
        drive.tick(0.0, 0.05)
    bend = drive.decisions[-1].command.curvature_per_m
    assert bend > 0.04
    drive.until(0.07)
    assert drive.state.permission is Permission.STOPPING
    assert drive.decisions[-1].command.curvature_per_m == bend
    assert drive.decisions[-1].command.hold


def test_a_car_that_rolls_back_in_a_stop_is_held() -> None:
    drive = engaged(-1.0)
    drive.until(0.06)
    assert drive.decisions[-1].source is CommandSource.MINIMAL_RISK
    assert drive.decisions[-1].command.hold


@pytest.mark.parametrize(("speed_mps", "held"), [(0.1, False), (0.099, True)])
def test_the_stop_holds_the_car_once_it_stands(speed_mps: float, held: bool) -> None:
    drive = engaged(1.0)
    drive.until(0.06)
    assert drive.tick(car_changes={"speed_mps": speed_mps}).command.hold is held


def test_the_stop_answers_to_the_imu_in_the_same_tick() -> None:
    drive = engaged(stop_path=arc_path(TICK_NS))
    drive.until(0.06)
    assert drive.decisions[-1].command.curvature_per_m == 0.0
    assert drive.tick(car_changes={"yaw_rate_rps": 0.5}).command.curvature_per_m < -1e-4


def test_a_blind_guard_takes_a_car_that_rolled_back_for_standing() -> None:
    drive = engaged(-2.0)
    for _ in range(6):
        decision = drive.tick(0.0, car=None)
    assert drive.state.speed_mps == 0.0
    assert decision.command.hold


def test_the_stop_keeps_the_cars_gear() -> None:
    drive = engaged()
    drive.until(0.06, car_changes={"gear": Gear.NEUTRAL})
    assert drive.decisions[-1].command.gear is Gear.NEUTRAL


def test_the_stop_brakes_harder_where_the_path_is_short_for_the_speed() -> None:
    drive = engaged(stop_path=arc_path(TICK_NS, 97.0))
    drive.until(0.06)
    # Downhill: the wheels say that the car does not slow down.
    for _ in range(200):
        decision = drive.tick(car_changes={"speed_mps": 20.0})
    assert decision.command.accel_mps2 == pytest.approx(-3.94, abs=0.05)
    decision = drive.until(0.5, car_changes={"speed_mps": 20.0})
    assert decision.command.accel_mps2 == -4.0


# --- which paths are taken ------------------------------------------------------------------------


def test_a_sane_path_is_trusted_from_the_place_of_its_stamp() -> None:
    drive = engaged()
    drive.until(0.05)
    path = arc_path(drive.stamp_ns)
    place = drive.state.places[-1]
    drive.tick(0.0)
    drive.tick(0.0, stop_path=path)
    assert drive.state.trusted is not None
    assert drive.state.trusted.path is path
    assert drive.state.trusted.origin == place
    assert drive.state.path_fault == ""


def test_a_wrong_path_is_said_and_the_trusted_one_kept() -> None:
    drive = engaged(stop_path=arc_path(TICK_NS))
    kept = drive.state.trusted
    assert kept is not None
    drive.tick(0.0)
    drive.tick(0.0, stop_path=arc_path(drive.stamp_ns, 60.0))
    assert drive.state.path_fault == "path_short"
    assert drive.state.trusted is kept
    drive.tick(0.0, stop_path=arc_path(drive.stamp_ns))
    assert drive.state.path_fault == ""
    assert drive.state.trusted is not kept


def test_a_path_from_the_future_or_from_beyond_memory_is_refused() -> None:
    drive = engaged()
    drive.tick(0.0, stop_path=arc_path(drive.stamp_ns + 2 * TICK_NS))
    assert (drive.state.path_fault, drive.state.trusted) == ("path_stamp", None)
    drive.until(1.0, accel_mps2=0.0)
    drive.tick(0.0, stop_path=arc_path(drive.stamp_ns - 49 * TICK_NS))
    assert drive.state.path_fault == "path_stamp"
    drive.tick(0.0, stop_path=arc_path(drive.stamp_ns - 48 * TICK_NS))
    assert drive.state.path_fault == ""


def test_a_path_is_judged_once_by_its_stamp() -> None:
    drive = engaged()
    drive.tick(0.0, stop_path=arc_path(TICK_NS, 10.0))
    assert drive.state.path_fault == "path_short"
    drive.tick(0.0, stop_path=arc_path(TICK_NS, 150.0))
    assert drive.state.path_fault == "path_short"


def test_a_path_is_judged_by_speed_backward_too() -> None:
    drive = engaged(-20.0)
    drive.tick(0.0, stop_path=arc_path(drive.stamp_ns, 60.0))
    assert drive.state.path_fault == "path_short"


# --- emergency braking ----------------------------------------------------------------------------


def braking(drive: Drive, accel_mps2: float = -9.0, **changes: Any) -> Command:
    return command(drive.stamp_ns + TICK_NS, accel_mps2, **changes)


@pytest.mark.parametrize("piloted", [True, False])
def test_emergency_braking_acts_whoever_drives(piloted: bool) -> None:
    drive = engaged() if piloted else Drive()
    last = drive.tick(0.0).command.accel_mps2
    decision = drive.tick(0.0, aeb=braking(drive))
    assert (decision.source, decision.reason) == (CommandSource.AEB, "aeb")
    assert decision.command.accel_mps2 == pytest.approx(last - 0.5)
    assert (decision.limits, decision.limited) == (("aeb_jerk",), True)
    for _ in range(25):
        decision = drive.tick(0.0, aeb=braking(drive))
    assert decision.command.accel_mps2 == -9.0
    assert (decision.limits, decision.limited) == ((), False)
    for _ in range(25):
        decision = drive.tick(0.0, aeb=braking(drive, -15.0))
    assert (decision.command.accel_mps2, decision.limits) == (-10.0, ("aeb_decel",))
    assert decision.command.stamp_ns == drive.stamp_ns


def test_emergency_braking_leaves_steering_to_whoever_steers() -> None:
    drive = engaged()
    drive.tick(0.0, 0.0002)
    decision = drive.tick(0.0, 0.1, aeb=braking(drive, curvature_per_m=0.05))
    assert decision.command.curvature_per_m == pytest.approx(0.0002 + 0.0837 / 400.0)
    assert decision.limits[0] == "aeb_jerk"
    assert "comfort_lateral_jerk" in decision.limits


def test_emergency_braking_holds_at_its_end_and_keeps_a_hold() -> None:
    drive = engaged(1.0)
    assert not drive.tick(0.0, aeb=braking(drive)).command.hold
    assert drive.tick(0.0, aeb=braking(drive, hold=True)).command.hold
    ask = command(drive.stamp_ns + TICK_NS, hold=True)
    assert drive.tick(ask=ask, aeb=braking(drive)).command.hold


def test_who_brakes_harder_than_emergency_braking_goes_on() -> None:
    drive = Drive()
    controls = DriverControls(brake=1.0)
    decision = drive.tick(0.0, controls=controls, aeb=braking(drive, -5.0))
    assert (decision.source, decision.command.accel_mps2) == (CommandSource.DRIVER, -9.0)


def test_braking_alike_the_driver_keeps_the_word() -> None:
    drive = Drive()
    drive.until(0.3, accel_mps2=0.0, controls=DriverControls(brake=1.0))
    decision = drive.tick(0.0, controls=DriverControls(brake=1.0), aeb=braking(drive, -9.0))
    assert decision.source is CommandSource.DRIVER


def test_only_a_kicked_down_accelerator_overrides_emergency_braking() -> None:
    for pedal, source in ((0.9, CommandSource.AEB), (0.91, CommandSource.DRIVER)):
        drive = engaged()
        controls = DriverControls(accelerator=pedal)
        assert drive.tick(0.0, controls=controls, aeb=braking(drive)).source is source


def test_emergency_braking_that_is_broken_late_or_backward_is_not_taken() -> None:
    drive = engaged()
    for aeb in (
        braking(drive, math.nan),
        braking(drive, -20.1),
        command(drive.stamp_ns + 2 * TICK_NS, -9.0),
        command(drive.stamp_ns - 5 * TICK_NS, -9.0),
    ):
        drive = engaged()
        assert drive.tick(0.0, aeb=aeb).source is CommandSource.COMFORT
    drive = engaged()
    late = command(drive.stamp_ns - 4 * TICK_NS, -9.0)
    assert drive.tick(0.0, aeb=late).source is CommandSource.AEB
    drive = engaged(-0.11)
    assert drive.tick(0.0, aeb=braking(drive)).source is CommandSource.COMFORT
    drive = engaged(-0.1)
    assert drive.tick(0.0, aeb=braking(drive)).source is CommandSource.AEB


def test_emergency_braking_during_the_guards_own_stop_keeps_the_stop_going() -> None:
    drive = engaged(stop_path=arc_path(TICK_NS))
    drive.until(0.1)
    path = drive.state.trusted
    assert path is not None
    decision = drive.tick(aeb=braking(drive))
    assert decision.source is CommandSource.AEB
    assert decision.limited
    assert drive.state.permission is Permission.STOPPING
    assert drive.state.trusted is not None
    for _ in range(20):
        decision = drive.tick(aeb=braking(drive))
    assert (decision.source, decision.limits, decision.limited) == (CommandSource.AEB, (), True)


def test_after_emergency_braking_comfort_comes_back_by_its_own_jerk() -> None:
    drive = engaged(30.0)
    for _ in range(25):
        drive.tick(0.0, aeb=braking(drive))
    decision = drive.tick(0.0)
    assert decision.command.accel_mps2 == pytest.approx(-9.0 + 0.0837)
    assert decision.limits == ("comfort_jerk",)


def test_one_control_that_reads_no_number_does_not_silence_the_others() -> None:
    drive = engaged()
    torn = DriverControls(brake=0.4, wheel_torque_nm=math.nan, accelerator=math.nan)
    decision = drive.tick(0.0, controls=torn)
    assert decision.source is CommandSource.DRIVER
    assert decision.reason == "driver_brake"
    assert decision.command.accel_mps2 == pytest.approx(-3.6)


def test_a_brake_that_reads_no_number_stays_as_it_was_and_an_accelerator_does_not() -> None:
    drive = Drive()
    drive.until(0.1, controls=DriverControls(brake=0.4, accelerator=0.5))
    torn = DriverControls(brake=math.nan, accelerator=math.nan, wheel_angle_rad=math.nan)
    decision = drive.tick(controls=torn)
    assert decision.command.accel_mps2 == pytest.approx(-3.6)
    assert decision.command.curvature_per_m == 0.0
    drive = Drive()
    drive.until(0.1, controls=DriverControls(accelerator=0.5))
    assert drive.tick(controls=torn).command.accel_mps2 == pytest.approx(2.0)
    drive.until(0.06, controls=torn)
    assert drive.tick(controls=torn).command.accel_mps2 == pytest.approx(-0.3)
