"""Hands and eyes: each clock exact to one control tick, and what a missed request leads to."""

import msgspec
import pytest

from tests.pilot.world import World, straight
from volant.core.clock import CONTROL_TICK_NS, NS_PER_S
from volant.core.messages import DriverControls, Engagement, Escalation, Indicator, RequestKind
from volant.pilot import attention
from volant.pilot.attention import AttentionInput, AttentionState, AttentionTuning, Stage, step

TUNING = AttentionTuning()
BEGIN_NS = 7 * NS_PER_S


def look(tick: int, hands: bool = True, eyes: bool = True, needed: bool = True) -> AttentionInput:
    return AttentionInput(BEGIN_NS + tick * CONTROL_TICK_NS, hands, eyes, needed, needed)


def reached(hands: bool, eyes: bool) -> dict[Stage, int]:
    """The tick after leaving at which each stage is first there."""
    state, found = AttentionState(), dict[Stage, int]()
    for tick in range(6001):
        state = step(state, look(tick, hands, eyes), TUNING)
        found.setdefault(state.stage, tick)
    return found


def test_the_clocks_keep_to_the_regulations() -> None:
    t = TUNING
    assert t.hands_request_s <= 15.0
    assert t.hands_warning_s <= 30.0
    assert t.hands_stop_s - t.hands_warning_s <= 30.0
    assert t.hands_stop_s - t.hands_signal_s >= 5.0
    assert t.eyes_request_s <= 5.0
    assert t.eyes_warning_s - t.eyes_request_s <= 3.0
    assert t.eyes_signal_s - t.eyes_warning_s <= 5.0
    assert t.eyes_stop_s > t.eyes_signal_s


@pytest.mark.parametrize(
    ("hands", "eyes", "times_s"),
    [(False, True, (15.0, 30.0, 40.0, 45.0)), (True, False, (5.0, 8.0, 13.0, 18.0))],
)
def test_each_stage_comes_at_its_tick(hands: bool, eyes: bool, times_s: tuple[float, ...]) -> None:
    found = reached(hands, eyes)
    assert [found[stage] for stage in list(Stage)[1:]] == [round(100 * one) for one in times_s]


def test_the_more_urgent_of_the_two_is_asked_for() -> None:
    state = AttentionState()
    for tick in range(3001):
        state = step(state, look(tick, hands=False, eyes=tick < 2400), TUNING)
    assert (state.stage, state.cause) == (Stage.WARNING, "hands")
    for tick in range(3001, 3800):
        state = step(state, look(tick, hands=False, eyes=False), TUNING)
    assert (state.stage, state.cause) == (Stage.SIGNAL, "eyes")


def test_who_is_back_is_asked_no_more_and_a_glance_is_not_enough() -> None:
    state = AttentionState()
    for tick in range(1600):
        state = step(state, look(tick, hands=False), TUNING)
    for tick in range(1600, 1615):
        state = step(state, look(tick), TUNING)
    assert state.stage is Stage.REQUEST
    away = step(state, look(1615, hands=False), TUNING)
    for tick in range(1616, 3001):
        away = step(away, look(tick, hands=False), TUNING)
    assert away.stage is Stage.WARNING  # the clock ran on
    for tick in range(1615, 1622):
        state = step(state, look(tick), TUNING)
    assert state.stage is Stage.NONE


def test_nothing_is_asked_of_who_drives() -> None:
    state = AttentionState()
    for tick in range(6000):
        state = step(state, look(tick, False, False, needed=False), TUNING)
    assert state == AttentionState()


def test_a_missed_stop_locks_the_pilot_and_so_do_three_last_warnings() -> None:
    state = AttentionState()
    for tick in range(4501):
        state = step(state, look(tick, hands=False), TUNING)
    assert attention.demand(state) is not None
    state = step(state, look(4501, needed=False), TUNING)
    assert attention.demand(state) is None
    assert attention.blockers(state)
    state, tick = AttentionState(), 0
    for missed in range(3):
        assert not state.locked, missed
        for _ in range(1400):
            state, tick = step(state, look(tick, eyes=False), TUNING), tick + 1
        for _ in range(100):
            state, tick = step(state, look(tick), TUNING), tick + 1
    assert state.locked


# --- in the loop ----------------------------------------------------------------------------------


def test_without_hands_the_car_warns_signals_and_stops_with_hazard_lights() -> None:
    world = World(straight(), speed_mps=20.0)
    world.run(2.0)
    world.controls = DriverControls(hands_on=False)
    left_ns = world.stamp_ns
    seen: dict[Escalation, int] = {}
    hazard_ns = -1
    while world.stamp_ns - left_ns < 75 * NS_PER_S:
        output = world.advance()
        if world.state is not None:
            seen.setdefault(world.state.escalation, world.stamp_ns)
        if hazard_ns < 0 and output.command.indicator is Indicator.HAZARD:
            hazard_ns = world.stamp_ns
    late_ns = 60_000_000  # a pilot tick and a control tick
    for stage, limit_s in (
        (Escalation.OPTICAL, 15),
        (Escalation.ACOUSTIC, 30),
        (Escalation.STOP, 45),
    ):
        assert 0 <= seen[stage] - left_ns - limit_s * NS_PER_S <= late_ns
    assert 0 <= hazard_ns - left_ns - 45 * NS_PER_S <= 2 * CONTROL_TICK_NS
    assert world.speed_mps == 0.0
    assert min(world.log.accel_mps2) >= -4.0
    assert world.memory.engage.engagement is Engagement.MINIMAL_RISK
    assert world.alerts.count("attention") == 4  # the last takes it back
    world.controls = DriverControls()
    world.request(RequestKind.ENGAGE)
    world.run(1.0)
    assert world.memory.engage.engagement is Engagement.MINIMAL_RISK  # locked until the next start
    world.controls = DriverControls(brake=0.2)
    world.advance()
    assert not world.memory.engage.driving


def test_hands_are_not_asked_for_while_the_driver_steers() -> None:
    world = World(straight(), speed_mps=20.0, engaged=False)
    world.controls = DriverControls(hands_on=False, eyes_on=False)
    world.run(20.0)
    assert world.state is not None
    assert world.state.escalation is Escalation.NONE


def test_a_hand_that_turns_the_wheel_is_on_it() -> None:
    world = World(straight(), speed_mps=20.0)
    world.run(2.0)
    world.controls = DriverControls(hands_on=False, wheel_torque_nm=1.5)
    world.run(16.0)
    assert world.state is not None
    assert world.state.escalation is Escalation.NONE
    world.controls = msgspec.structs.replace(world.controls, wheel_torque_nm=0.0)
    world.run(15.2)
    assert world.state.escalation is Escalation.OPTICAL
