"""Who may drive: every state against every input, and the driver's word within one tick."""

import itertools
import math
from typing import Any

import pytest

from tests.safety.builders import SETTINGS, TICK_NS, Drive, arc_path, command
from volant.core.messages import (
    CommandSource,
    DriverControls,
    DriverRequest,
    Gear,
    Indicator,
    RequestKind,
)
from volant.safety.guard import Permission

BRAKE = DriverControls(brake=0.3)
GAS = DriverControls(accelerator=0.5)
WHEEL = DriverControls(wheel_torque_nm=-5.0, wheel_angle_rad=-0.3)
WHEEL_BEND = math.tan(-0.3 / 15.0) / 2.6
ENGAGE, CANCEL = RequestKind.ENGAGE, RequestKind.CANCEL


def in_state(name: str, speed_mps: float = 20.0) -> Drive:
    drive = Drive(speed_mps=speed_mps)
    drive.tick(0.0)
    if name == "driver":
        return drive
    drive.engage()
    if name == "minimal_risk":
        drive.tick(-0.05, minimal_risk=True)
    if name == "stopping":
        drive.until(0.06)
        assert drive.state.permission is Permission.STOPPING
    if name == "bridged":
        drive.tick(ask=command(drive.stamp_ns + TICK_NS, math.nan))
    if name == "holding":
        drive.speed_mps = 0.0
        drive.until(0.08)
        assert drive.decisions[-1].command.hold
    return drive


STATES = ("driver", "pilot", "minimal_risk", "stopping", "bridged", "holding")
PILOTS: dict[str, dict[str, Any]] = {
    "well": {"accel_mps2": -0.5, "curvature_per_m": 0.0002},
    "dead": {},
    "broken": {"ask": command(0, math.nan)},
    "minimal_risk": {"accel_mps2": -0.5, "minimal_risk": True},
    "off": {"accel_mps2": 0.0, "pilot_off": True},
}
EVERY = list(itertools.product(STATES, PILOTS))


@pytest.mark.parametrize(("state", "pilot"), EVERY)
def test_the_brake_pedal_wins_within_the_tick(state: str, pilot: str) -> None:
    drive = in_state(state)
    decision = drive.tick(controls=BRAKE, **PILOTS[pilot])
    assert decision.source is CommandSource.DRIVER
    assert decision.command.accel_mps2 == pytest.approx(-2.7)
    assert decision.command.curvature_per_m == 0.0
    assert drive.state.permission is Permission.DRIVER
    assert decision.reason == ("driver" if state == "driver" else "driver_brake")
    assert not decision.limited
    assert drive.tick(0.0).source is CommandSource.DRIVER  # and it stays with the driver


@pytest.mark.parametrize(("state", "pilot"), EVERY)
def test_cancel_wins_within_the_tick(state: str, pilot: str) -> None:
    drive = in_state(state)
    decision = drive.tick(kinds=(ENGAGE, CANCEL), **PILOTS[pilot])
    assert decision.source is CommandSource.DRIVER
    assert drive.state.permission is Permission.DRIVER
    assert decision.reason == ("driver" if state == "driver" else "driver_cancel")
    assert drive.tick(0.0).source is CommandSource.DRIVER
    assert drive.state.stop_reason == ""


@pytest.mark.parametrize(("state", "pilot"), EVERY)
def test_the_accelerator_wins_within_the_tick(state: str, pilot: str) -> None:
    drive = in_state(state)
    decision = drive.tick(controls=GAS, **PILOTS[pilot])
    assert decision.source is CommandSource.DRIVER
    assert decision.command.accel_mps2 == 2.0
    assert decision.command.hold is False
    assert decision.limited is (bool(decision.limits))


@pytest.mark.parametrize(("state", "pilot"), EVERY)
def test_the_wheel_wins_within_the_tick(state: str, pilot: str) -> None:
    drive = in_state(state)
    decision = drive.tick(controls=WHEEL, **PILOTS[pilot])
    assert decision.source is CommandSource.DRIVER
    assert decision.command.curvature_per_m == pytest.approx(WHEEL_BEND)


@pytest.mark.parametrize("state", STATES)
def test_a_pedal_counts_even_where_the_car_state_is_not_valid(state: str) -> None:
    drive = in_state(state)
    decision = drive.tick(0.0, controls=BRAKE, car_changes={"valid": False})
    assert decision.source is CommandSource.DRIVER
    assert decision.command.accel_mps2 == pytest.approx(-2.7)


def test_a_pedal_serves_for_five_ticks_after_its_last_word_and_then_no_more() -> None:
    for lost in ("nan", "frozen", "none"):
        drive = in_state("pilot")
        drive.tick(0.0, controls=GAS)
        for number in range(7):
            if lost == "nan":
                decision = drive.tick(0.0, controls=DriverControls(accelerator=math.nan))
            else:
                decision = drive.tick(0.0, car="frozen" if lost == "frozen" else None)
            if number < 5:
                assert decision.reason == "driver_accelerator", (lost, number)
            else:
                assert decision.source is CommandSource.MINIMAL_RISK, (lost, number)


def test_a_brake_that_falls_silent_stays_pressed_and_the_wheel_where_it_was() -> None:
    drive = Drive()
    hands = DriverControls(brake=0.5, wheel_angle_rad=0.3, wheel_torque_nm=9.0, accelerator=0.4)
    drive.tick(controls=hands)
    for _ in range(20):
        decision = drive.tick(car="frozen")
    assert decision.command.accel_mps2 == -4.5
    assert decision.command.curvature_per_m == pytest.approx(-WHEEL_BEND)


def test_controls_from_the_future_move_nothing() -> None:
    drive = in_state("pilot")
    decision = drive.tick(0.0, controls=GAS, car_changes={"stamp_ns": drive.stamp_ns + 9 * TICK_NS})
    assert decision.source is CommandSource.COMFORT


def test_an_override_is_on_its_own_axis_only() -> None:
    drive = in_state("pilot")
    drive.tick(0.05, 0.0001)
    decision = drive.tick(-0.02, 0.0001, controls=GAS)
    assert decision.command.curvature_per_m == 0.0001
    assert (decision.reason, decision.limited) == ("driver_accelerator", False)
    drive = in_state("pilot")
    drive.until(0.2, accel_mps2=0.0)
    decision = drive.tick(0.05, 0.0001, controls=WHEEL)
    assert decision.command.accel_mps2 == 0.05
    assert (decision.reason, decision.limits) == ("driver_wheel", ())
    both = DriverControls(accelerator=0.5, wheel_torque_nm=5.0, wheel_angle_rad=0.3)
    decision = drive.tick(0.05, 0.0001, controls=both)
    assert decision.command.accel_mps2 == 2.0
    assert decision.command.curvature_per_m == pytest.approx(-WHEEL_BEND)
    assert decision.reason == "driver_accelerator"


def test_the_axis_that_the_driver_leaves_alone_is_still_limited() -> None:
    drive = in_state("pilot")
    decision = drive.tick(0.0, 0.1, controls=GAS)
    assert "comfort_lateral_jerk" in decision.limits
    assert "comfort_jerk" not in decision.limits
    assert decision.limited
    decision = in_state("pilot").tick(-9.0, 0.1, controls=WHEEL)
    assert decision.limits == ("comfort_decel_jerk", "comfort_jerk")


def test_after_an_override_the_pilot_drives_on_without_old_means() -> None:
    drive = in_state("pilot")
    drive.until(2.0, accel_mps2=0.0, controls=DriverControls(accelerator=1.0))
    assert drive.state.permission is Permission.PILOT
    assert drive.state.accels == (4.0,)
    decision = drive.tick(0.0)
    assert decision.source is CommandSource.COMFORT
    assert decision.command.accel_mps2 == pytest.approx(4.0 - 0.0837)
    hands = DriverControls(wheel_torque_nm=5.0, wheel_angle_rad=0.1)
    drive.until(1.0, accel_mps2=0.0, controls=hands)
    assert len(drive.state.laterals) == 1
    assert len(drive.state.accels) == 100


def test_an_override_during_the_guards_stop_lets_it_go_on_afterwards() -> None:
    drive = in_state("pilot")
    drive.tick(0.0, stop_path=arc_path(drive.stamp_ns))
    drive.until(0.06)
    drive.until(0.5, controls=GAS)
    assert drive.state.permission is Permission.STOPPING
    assert drive.state.trusted is not None
    decision = drive.tick()
    assert (decision.source, decision.reason) == (CommandSource.MINIMAL_RISK, "stale_command")


# --- granting -------------------------------------------------------------------------------------


def test_the_button_grants_the_permission_in_its_tick() -> None:
    drive = Drive()
    drive.tick(0.0)
    assert drive.decisions[-1].reason == "driver"
    decision = drive.tick(0.0, kinds=(ENGAGE,))
    assert decision.source is CommandSource.COMFORT
    assert drive.state.permission is Permission.PILOT


@pytest.mark.parametrize("kind", [one for one in RequestKind if one is not ENGAGE])
def test_no_other_button_grants_it(kind: RequestKind) -> None:
    drive = Drive()
    drive.tick(0.0, kinds=(kind,))
    assert drive.state.permission is Permission.DRIVER


@pytest.mark.parametrize(
    "given",
    [
        {"controls": BRAKE},
        {"controls": DriverControls(belted=False)},
        {"controls": DriverControls(door_closed=False)},
        {"pilot_off": True},
        {"ask": command(0, math.nan)},
        {"ask": command(10 * TICK_NS)},
        {"car_changes": {"stamp_ns": 10 * TICK_NS}},
        {"car": None},
    ],
    ids=str,
)
def test_the_button_grants_nothing_while_something_is_amiss(given: dict[str, Any]) -> None:
    drive = Drive()
    drive.until(1.0, accel_mps2=None if "ask" in given else 0.0)
    if given.get("car", "") is None:
        drive.until(0.1, accel_mps2=0.0, car="frozen")
    given = {"accel_mps2": 0.0, **given}
    drive.tick(kinds=(ENGAGE,), **given)
    assert drive.state.permission is Permission.DRIVER


def test_a_press_waits_a_fifth_of_a_second_for_what_is_amiss() -> None:
    for ticks, permission in ((20, Permission.PILOT), (21, Permission.DRIVER)):
        drive = Drive()
        drive.tick(0.0, kinds=(ENGAGE,), pilot_off=True)
        for _ in range(ticks - 1):
            drive.tick(0.0, pilot_off=True)
            assert drive.state.permission is Permission.DRIVER
        drive.tick(0.0)
        assert drive.state.permission is permission


@pytest.mark.parametrize("end", [{"controls": BRAKE}, {"kinds": (CANCEL,)}], ids=str)
def test_a_press_is_forgotten_when_the_driver_brakes_or_cancels(end: dict[str, Any]) -> None:
    drive = Drive()
    drive.tick(0.0, kinds=(ENGAGE,), pilot_off=True)
    drive.tick(0.0, pilot_off=True, **end)
    drive.tick(0.0)
    assert drive.state.permission is Permission.DRIVER


def test_a_press_is_used_up_by_the_grant() -> None:
    drive = Drive()
    drive.tick(0.0, kinds=(ENGAGE,))
    drive.tick(0.0, kinds=(CANCEL,))
    drive.tick(0.0)
    assert drive.state.permission is Permission.DRIVER


# --- a pilot that says it is off ------------------------------------------------------------------


def test_a_pilot_that_goes_off_by_itself_while_driving_is_stopped_for() -> None:
    drive = in_state("pilot")
    decision = drive.tick(0.0, pilot_off=True)
    assert (decision.source, decision.reason) == (CommandSource.MINIMAL_RISK, "pilot_off")


@pytest.mark.parametrize(("speed_mps", "permission"), [
    (0.0, Permission.DRIVER), (0.09, Permission.DRIVER), (-0.09, Permission.DRIVER),
    (0.1, Permission.STOPPING), (-0.1, Permission.STOPPING),
])  # fmt: skip
def test_a_pilot_that_goes_off_at_standstill_hands_over_a_held_car(
    speed_mps: float, permission: Permission
) -> None:
    drive = in_state("pilot", speed_mps)
    drive.speed_mps = speed_mps
    decision = drive.tick(0.0, pilot_off=True)
    assert drive.state.permission is permission
    if permission is Permission.DRIVER:
        assert (decision.reason, decision.command.hold) == ("pilot_off", True)
        assert drive.tick(0.0, pilot_off=True).command.hold


def test_a_dead_pilot_at_standstill_is_stopped_for_all_the_same() -> None:
    drive = in_state("pilot", 0.0)
    drive.until(0.06)
    assert drive.state.permission is Permission.STOPPING


# --- driving by hand ------------------------------------------------------------------------------


def test_a_driver_is_never_limited() -> None:
    drive = Drive(speed_mps=30.0)
    wild = DriverControls(brake=1.0, wheel_angle_rad=6.0)
    decision = drive.tick(0.0, controls=wild)
    assert decision.command.accel_mps2 == -9.0
    assert decision.command.curvature_per_m == pytest.approx(math.tan(0.4) / 2.6)
    assert (decision.limited, decision.limits) == (False, ())
    drive.tick(0.0, controls=wild)
    assert drive.state.accels == (-9.0,)
    assert len(drive.state.laterals) == 1


def test_by_hand_the_stalk_sets_the_indicator() -> None:
    drive = Drive()

    def push(indicator: Indicator | None) -> tuple[DriverRequest, ...]:
        return (
            DriverRequest(stamp_ns=drive.stamp_ns, kind=RequestKind.INDICATE, indicator=indicator),
        )

    def with_requests(requests: tuple[DriverRequest, ...]) -> Indicator:
        from volant.safety import guard

        drive.tick(0.0)
        drive.stamp_ns += TICK_NS
        car = drive.car.__class__(
            **{name: getattr(drive.car, name) for name in drive.car.__struct_fields__}
        )
        given = guard.GuardInput(drive.stamp_ns, car, None, requests=requests)
        drive.state, decision = guard.check(drive.state, given, SETTINGS)
        return decision.command.indicator

    assert with_requests(push(Indicator.LEFT)) is Indicator.LEFT
    assert with_requests(()) is Indicator.LEFT
    assert with_requests(push(None)) is Indicator.LEFT
    assert with_requests((*push(Indicator.RIGHT), *push(Indicator.OFF))) is Indicator.OFF
    cancel = (DriverRequest(stamp_ns=0, kind=CANCEL, indicator=Indicator.LEFT),)
    assert with_requests(cancel) is Indicator.OFF


def test_by_hand_the_gear_stays_and_a_held_car_is_held() -> None:
    drive = Drive(speed_mps=0.0)
    decision = drive.tick(car_changes={"gear": Gear.PARK, "hold": True})
    assert (decision.command.gear, decision.command.hold) == (Gear.PARK, True)
    assert drive.tick(car_changes={"hold": False}).command.hold
    assert not drive.tick(controls=GAS).command.hold
    assert decision.command.stamp_ns == TICK_NS


def test_the_pilots_path_is_trusted_while_the_driver_drives() -> None:
    drive = Drive()
    drive.tick(0.0, stop_path=arc_path(TICK_NS))
    assert drive.state.trusted is not None
    drive.engage()
    assert drive.state.trusted is not None
