"""The engagement machine over all its states and inputs."""

from itertools import product

import msgspec
import pytest

from volant.core.clock import CONTROL_TICK_NS, NS_PER_S
from volant.core.messages import Engagement
from volant.pilot.engage import Demand, EngageInput, EngageState, EngageTuning, step

TUNING = EngageTuning()
LANE = Demand("lost_lane", "Lane not seen")
URGENT = Demand("car_state_lost", "Car does not report", urgent=True)
NOW_NS = 100 * NS_PER_S
DRIVING = (
    Engagement.ENGAGED,
    Engagement.OVERRIDDEN,
    Engagement.TAKEOVER,
    Engagement.MINIMAL_RISK,
)


def state_of(engagement: Engagement) -> EngageState:
    at_risk = engagement is Engagement.MINIMAL_RISK
    demanded = engagement in (Engagement.TAKEOVER, Engagement.MINIMAL_RISK)
    began_ns = NOW_NS - NS_PER_S if demanded else -1
    return EngageState(engagement, "code", "words", -1, began_ns, began_ns, at_risk)


def every_input() -> list[EngageInput]:
    flags = (False, True)
    return [
        EngageInput(NOW_NS, engage, cancel, brake, accelerator, wheel, blocker, demand)
        for engage, cancel, brake, accelerator, wheel in product(flags, repeat=5)
        for blocker in (None, LANE)
        for demand in (None, LANE, URGENT)
    ]


ALL = [(engagement, given) for engagement in Engagement for given in every_input()]


def test_brake_or_cancel_ends_it_in_the_same_tick_whatever_else_is_pressed() -> None:
    for engagement, given in ALL:
        if given.brake or given.cancel:
            after = step(state_of(engagement), given, TUNING)
            ready = given.blocker is None
            assert after.engagement is (Engagement.READY if ready else Engagement.OFF)
            assert not after.at_risk


def test_pedal_and_wheel_override_in_the_same_tick_whatever_the_pilot_wants() -> None:
    for engagement, given in ALL:
        touched = given.accelerator or given.wheel
        if engagement in DRIVING and touched and not (given.brake or given.cancel):
            after = step(state_of(engagement), given, TUNING)
            assert after.engagement is Engagement.OVERRIDDEN


def test_only_the_button_switches_on_and_only_when_nothing_blocks() -> None:
    for engagement, given in ALL:
        if engagement in DRIVING:
            continue
        after = step(state_of(engagement), given, TUNING)
        pressed = given.engage and not given.brake and not given.cancel
        if pressed and given.blocker is None:
            assert after.engagement is Engagement.ENGAGED
        else:
            blocked = given.blocker is not None
            assert after.engagement is (Engagement.OFF if blocked else Engagement.READY)


def test_an_untouched_pilot_goes_on_demands_or_stops_by_what_the_domain_says() -> None:
    for engagement, given in ALL:
        if engagement not in DRIVING or given.engage:
            continue
        if given.brake or given.cancel or given.accelerator or given.wheel:
            continue
        after = step(state_of(engagement), given, TUNING).engagement
        if engagement is Engagement.MINIMAL_RISK or given.demand is URGENT:
            assert after is Engagement.MINIMAL_RISK
        elif given.demand is LANE:
            assert after is Engagement.TAKEOVER
        elif engagement is Engagement.TAKEOVER:
            assert after is Engagement.TAKEOVER  # its cause has not been gone for long
        else:
            assert after is Engagement.ENGAGED


def test_every_state_says_why_in_at_most_thirty_characters() -> None:
    for engagement, given in ALL:
        after = step(state_of(engagement), given, TUNING)
        assert after.code
        assert 0 < len(after.words) <= 30


def run(state: EngageState, given: EngageInput, span_s: float) -> EngageState:
    for tick in range(round(span_s * NS_PER_S / CONTROL_TICK_NS)):
        stamp_ns = given.stamp_ns + tick * CONTROL_TICK_NS
        state = step(state, msgspec.structs.replace(given, stamp_ns=stamp_ns), TUNING)
    return state


def test_the_driver_has_ten_seconds_before_a_minimal_risk_stop() -> None:
    given = EngageInput(NOW_NS, demand=LANE, blocker=LANE)
    begun = step(state_of(Engagement.ENGAGED), given, TUNING)
    assert run(begun, given, 9.9).engagement is Engagement.TAKEOVER
    assert run(begun, given, 10.1).engagement is Engagement.MINIMAL_RISK


def test_a_demand_whose_cause_has_gone_for_two_seconds_is_taken_back() -> None:
    demanded = step(state_of(Engagement.ENGAGED), EngageInput(NOW_NS, demand=LANE), TUNING)
    given = EngageInput(NOW_NS + CONTROL_TICK_NS)
    assert run(demanded, given, 1.9).engagement is Engagement.TAKEOVER
    assert run(demanded, given, 2.1).engagement is Engagement.ENGAGED


def test_the_takeover_clock_runs_on_while_the_driver_only_speeds_up() -> None:
    given = EngageInput(NOW_NS, demand=LANE, blocker=LANE)
    state = run(step(state_of(Engagement.ENGAGED), given, TUNING), given, 5.0)
    pressed = msgspec.structs.replace(given, stamp_ns=NOW_NS + 5 * NS_PER_S, accelerator=True)
    state = run(state, pressed, 6.0)
    assert state.engagement is Engagement.OVERRIDDEN
    released = msgspec.structs.replace(given, stamp_ns=NOW_NS + 11 * NS_PER_S)
    assert step(state, released, TUNING).engagement is Engagement.MINIMAL_RISK


def test_a_minimal_risk_stop_ends_by_the_driver_alone() -> None:
    state = state_of(Engagement.MINIMAL_RISK)
    assert run(state, EngageInput(NOW_NS), 60.0).engagement is Engagement.MINIMAL_RISK
    again = step(state, EngageInput(NOW_NS, engage=True), TUNING)
    assert again.engagement is Engagement.ENGAGED


@pytest.mark.parametrize(("wait_s", "engagement"), [(0.1, "engaged"), (0.4, "ready")])
def test_a_press_counts_for_a_fifth_of_a_second(wait_s: float, engagement: str) -> None:
    blocked = EngageInput(NOW_NS, engage=True, blocker=LANE)
    state = step(EngageState(), blocked, TUNING)
    clear = EngageInput(NOW_NS + round(wait_s * NS_PER_S))
    assert step(state, clear, TUNING).engagement.value == engagement
