"""What the screen says while the car is stopped by itself: until it stands, whoever is back before."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.caros.motorway import Drive
from volant.caros.cockpit import stopview
from volant.caros.cockpit.alerts import GUARD_GONE
from volant.caros.cockpit.messages import CockpitFrame
from volant.caros.cockpit.stopview import StopState
from volant.core.messages import (
    Alert,
    AlertLevel,
    CarState,
    Command,
    CommandSource,
    Engagement,
    GuardDecision,
    Indicator,
    PilotState,
)

S = 1_000_000_000
TICK = S // 30
STOP = CommandSource.MINIMAL_RISK
LATEST = Drive().latest(0.0)


def car(stamp_ns: int, speed_mps: float, indicator: Indicator = Indicator.OFF) -> CarState:
    assert LATEST.car is not None
    return msgspec.structs.replace(
        LATEST.car, stamp_ns=stamp_ns, speed_mps=speed_mps, indicator=indicator
    )


def pilot(engagement: Engagement = Engagement.READY) -> PilotState:
    assert LATEST.pilot is not None
    return msgspec.structs.replace(LATEST.pilot, engagement=engagement)


def guard(
    stamp_ns: int, source: CommandSource, reason: str = "ok", accel_mps2: float = 0.0
) -> GuardDecision:
    return GuardDecision(
        stamp_ns=stamp_ns,
        source=source,
        command=Command(stamp_ns=stamp_ns, accel_mps2=accel_mps2, curvature_per_m=0.0),
        limited=False,
        limits=(),
        reason=reason,
    )


Step = tuple[float, CommandSource, str]


def after(steps: Iterable[Step], state: StopState | None = None, begin: int = 0) -> StopState:
    """The state after some frames: speed, who commands, why."""
    now = state or StopState()
    for number, (speed_mps, source, reason) in enumerate(steps, begin):
        at_ns = number * TICK
        now = stopview.step(
            now, car(at_ns, speed_mps), guard(at_ns, source, reason), pilot(), at_ns
        )
    return now


STOPPING: tuple[Step, ...] = ((20.0, STOP, "stale_command"),)


def words(state: StopState) -> tuple[str, str]:
    shown = stopview.view(state)
    return ("", "") if shown is None else (shown.words, shown.reason)


def test_a_drive_as_it_should_be_says_nothing() -> None:
    assert words(after([(20.0, CommandSource.COMFORT, "ok"), (0.0, CommandSource.DRIVER, "")])) == (
        "",
        "",
    )


def test_the_stop_is_told_until_the_car_stands_and_then_what_the_driver_can_do() -> None:
    state = after(STOPPING)
    assert words(state) == ("Car stops", "The pilot fell silent")
    state = after([(5.0, STOP, "stale_command"), (0.0, STOP, "stale_command")], state, 1)
    assert words(state) == ("Car stands", "Drive on by hand, or pilot on")
    state = after([(0.0, CommandSource.DRIVER, "stopped")], state, 3)
    assert words(state)[0] == "Car stands"
    assert words(after([(0.0, CommandSource.COMFORT, "ok")], state, 4)) == ("", "")
    assert words(after([(0.6, CommandSource.DRIVER, "driver")], state, 4)) == ("", "")


def test_emergency_braking_and_a_touch_of_the_pedal_do_not_end_the_stop() -> None:
    for reason, source in (
        ("aeb", CommandSource.AEB),
        ("driver_accelerator", CommandSource.DRIVER),
        ("driver_wheel", CommandSource.DRIVER),
    ):
        assert words(after([*STOPPING, (15.0, source, reason)]))[0] == "Car stops"


def test_a_driver_who_brakes_has_the_car() -> None:
    assert words(after([*STOPPING, (15.0, CommandSource.DRIVER, "driver")])) == ("", "")


def test_a_pilot_that_is_on_again_drives() -> None:
    assert words(after([*STOPPING, (15.0, CommandSource.COMFORT, "ok")])) == ("", "")


def test_the_pilots_own_safe_stop_is_its_own_word() -> None:
    state = stopview.step(
        StopState(), car(0, 20.0), guard(0, STOP, "minimal_risk"), pilot(Engagement.MINIMAL_RISK), 0
    )
    assert words(state) == ("", "")


def test_a_standing_car_that_loses_its_pilot_is_not_stopping() -> None:
    assert words(after([(0.0, STOP, "stale_command")])) == ("", "")


def test_without_the_guard_the_actuators_stop_the_car_whoever_is_back_before() -> None:
    old = guard(0, CommandSource.COMFORT)
    blinks = car(S // 4, 20.0, Indicator.HAZARD)
    state = stopview.step(StopState(), blinks, old, pilot(Engagement.ENGAGED), S // 4)
    assert words(state) == ("Car stops", "Driving computer failed")
    back = [(15.0, CommandSource.DRIVER, "driver")]
    state = after(back, state, 10)
    assert words(state)[0] == "Car stops"
    assert words(after([(0.0, CommandSource.DRIVER, "driver")], state, 11))[0] == "Car stands"


def test_late_frames_alone_are_no_stop() -> None:
    state = stopview.step(
        StopState(), car(0, 20.0), guard(0, CommandSource.COMFORT), pilot(Engagement.ENGAGED), S
    )
    assert words(state) == ("", "")


def failed(stamp_ns: int, level: AlertLevel = AlertLevel.CRITICAL) -> Alert:
    gone = level is AlertLevel.CRITICAL
    return Alert(
        stamp_ns=stamp_ns,
        alert_id="process_pilot",
        level=level,
        words="Pilot failed: car stops" if gone else "Pilot is back",
        cause="",
        action="",
        until_ns=stamp_ns + (3600 * S if gone else 2 * S),
    )


def frame(drive: Drive, t_s: float, speed_mps: float, *alerts: Alert) -> CockpitFrame:
    stamp_ns = round(t_s * 1e9)
    return drive.frame(
        t_s,
        car=car(stamp_ns, speed_mps),
        guard=guard(stamp_ns, STOP, "stale_command"),
        pilot=pilot(),
        alerts=alerts,
    )


def test_a_failure_does_not_give_way_before_the_car_stands() -> None:
    drive = Drive()
    first = frame(drive, 1.0, 20.0, failed(S))
    assert first.alert is not None
    assert first.alert.words == "Pilot failed: car stops"
    back = frame(drive, 1.3, 19.0, failed(round(1.3 * S), AlertLevel.STATUS))
    later = frame(drive, 5.0, 8.0)
    for one in (back, later):
        assert one.alert is not None
        assert one.alert.words == "Pilot failed: car stops"
        assert one.stop is not None
        assert one.stop.words == "Car stops"
    stands = frame(drive, 8.0, 0.0)
    assert stands.alert is None
    assert stands.stop is not None
    assert stands.stop.stands


def guard_gone(stamp_ns: int) -> Alert:
    return msgspec.structs.replace(
        failed(stamp_ns), alert_id=GUARD_GONE, words="Vehicle failed: car stops"
    )


def test_a_screen_that_comes_back_says_that_the_actuators_stop_the_car() -> None:
    """The guard is back too, and says that the driver has the car."""
    drive, died = Drive(), guard_gone(S)
    for t_s, speed_mps, alerts in ((2.0, 15.0, (died,)), (2.5, 13.0, ()), (3.0, 11.0, (died,))):
        stamp_ns = round(t_s * 1e9)
        shown = drive.frame(
            t_s,
            car=car(stamp_ns, speed_mps),
            guard=guard(stamp_ns, CommandSource.DRIVER, "driver"),
            pilot=pilot(),
            alerts=alerts,
        )
        assert shown.alert is not None
        assert shown.alert.words == "Vehicle failed: car stops"
        assert shown.stop is not None
        assert (shown.stop.words, shown.stop.reason) == ("Car stops", stopview.UNHEARD)
    back = failed(7 * S, AlertLevel.STATUS)
    back = msgspec.structs.replace(back, alert_id=GUARD_GONE, words="Vehicle is back")
    stands = frame(drive, 7.0, 0.0, back)
    assert stands.alert == back
    assert stands.stop is not None
    assert stands.stop.stands


def test_without_a_car_state_the_word_of_the_supervisor_is_enough() -> None:
    """Over buses the car's state comes from the process that died."""
    drive = Drive()
    for _ in range(2):
        shown = drive.frame(2.0, car=None, guard=None, alerts=(guard_gone(S),))
        assert shown.stop is not None
        assert shown.stop.words == "Car stops"
    held = car(S, 20.0)
    state = stopview.step(StopState(), held, None, None, 2 * S, guard_gone=True)
    assert words(state) == ("Car stops", stopview.UNHEARD)


def test_a_stop_that_nobody_else_tells_of_is_an_alert_of_its_own() -> None:
    drive = Drive()
    shown = frame(drive, 1.0, 20.0).alert
    assert shown is not None
    assert (shown.words, shown.level) == ("Car stops", AlertLevel.CRITICAL)
    assert shown.action == "Brake or steer to take over"
    assert frame(drive, 9.0, 0.0).alert is None


def test_words_fit_in_a_line() -> None:
    for line in (*stopview.WHY.values(), stopview.OTHER, stopview.UNHEARD, stopview.ONWARDS):
        assert len(line) <= 30


@given(
    st.lists(
        st.tuples(
            st.floats(-1.0, 30.0),
            st.sampled_from(CommandSource),
            st.sampled_from(["ok", "stale_command", "driver", "driver_wheel", "aeb"]),
        ),
        max_size=30,
    )
)
def test_a_stop_of_the_guard_is_never_without_its_word(steps: list[Step]) -> None:
    state = StopState()
    for number, one in enumerate(steps):
        state = after([one], state, number)
        shown = stopview.view(state)
        if one[1] is STOP and abs(one[0]) > stopview.STANDS_MPS:
            assert shown is not None
            assert not shown.stands
        if shown is not None and not shown.stands:
            assert abs(one[0]) > stopview.STANDS_MPS
