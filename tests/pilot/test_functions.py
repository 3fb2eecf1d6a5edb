"""The table of functions: when each acts, and what its switch does."""

import math
from dataclasses import replace
from itertools import product

import pytest

from tests.pilot.world import Actor, World, straight
from volant.core.messages import DriverRequest, Engagement, Function, RequestKind
from volant.core.settings import Choices
from volant.pilot import functions
from volant.pilot.functions import RULES, Acting, FunctionTuning, Surrounding

TUNING = FunctionTuning()
MOTORWAY = Surrounding(
    driving=True, speed_mps=30.0, lane=True, lead=True, route=True, road_type="motorway"
)
STREET = replace(MOTORWAY, speed_mps=12.0, road_type="town")
NONE: frozenset[Function] = frozenset()


def acting(around: Surrounding, off: frozenset[Function] = NONE) -> Acting:
    return functions.act(Acting(), off, around, TUNING)


def press(function: Function | None, value: float | None) -> DriverRequest:
    return DriverRequest(stamp_ns=0, kind=RequestKind.SWITCH, value=value, function=function)


def test_every_function_has_one_row_and_every_row_its_source() -> None:
    assert [rule.function for rule in RULES] == list(Function)
    assert all(rule.source for rule in RULES)


def test_on_a_motorway_along_a_route_the_navigation_pilot_drives_and_in_a_street_the_town_pilot() -> (
    None
):
    assert acting(MOTORWAY).may(Function.NAVIGATION)
    assert not acting(MOTORWAY).may(Function.TOWN)
    assert acting(STREET).may(Function.TOWN)
    assert not acting(STREET).may(Function.NAVIGATION)
    for around in (MOTORWAY, STREET):
        alone = acting(replace(around, route=False))
        assert not alone.may(Function.NAVIGATION)
        assert not alone.may(Function.TOWN)
        assert alone.may(Function.LCC)


@pytest.mark.parametrize(
    ("function", "inside_kmh", "outside_kmh"),
    [
        (Function.TJA, 59.0, 61.0),
        (Function.LANE_CHANGE, 31.0, 29.0),
        (Function.LDW, 61.0, 59.0),
        (Function.LKA, 61.0, 59.0),
        (Function.BSD, 13.0, 11.0),
        (Function.ACC, 144.0, 146.0),
    ],
)
def test_a_function_acts_within_its_range_of_speed(
    function: Function, inside_kmh: float, outside_kmh: float
) -> None:
    assert acting(replace(STREET, speed_mps=inside_kmh / 3.6)).may(function)
    assert not acting(replace(STREET, speed_mps=outside_kmh / 3.6)).may(function)


def test_a_function_does_not_flicker_at_the_edge_of_its_range() -> None:
    before = acting(replace(STREET, speed_mps=59.0 / 3.6))
    edge = replace(STREET, speed_mps=61.0 / 3.6)
    assert functions.act(before, NONE, edge, TUNING).may(Function.TJA)
    assert not acting(edge).may(Function.TJA)


def test_warnings_and_emergency_braking_act_while_the_driver_drives() -> None:
    by_hand = acting(replace(MOTORWAY, driving=False))
    assert set(by_hand.names) == {"ldw", "lka", "bsd", "fcw", "aeb"}


def test_a_switch_takes_one_function_away_and_gives_it_back() -> None:
    for function in Function:
        off = functions.switch(NONE, (press(function, 0.0),))
        assert off == {function}
        for around in (MOTORWAY, STREET):
            assert not acting(around, off).may(function)
            assert function.value in acting(around, off).off_names
        assert functions.switch(off, (press(function, 1.0),)) == NONE


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -1.0, 0.5])
def test_a_broken_press_switches_nothing(value: float | None) -> None:
    assert functions.switch(NONE, (press(Function.AEB, value), press(None, 0.0))) == NONE


def test_emergency_braking_and_its_warning_are_on_at_each_start() -> None:
    off = functions.at_start(frozenset(Function))
    assert off == set(Function) - {Function.FCW, Function.AEB}


def test_without_lane_centring_the_driver_steers_and_no_route_is_driven() -> None:
    off = frozenset({Function.LCC, Function.TJA})
    for around in (MOTORWAY, STREET):
        alone = acting(around, off)
        assert not alone.steers
        assert not alone.hands
        steering = (Function.NAVIGATION, Function.TOWN, Function.LANE_CHANGE)
        assert not any(alone.may(one) for one in steering)
        assert alone.may(Function.ACC)


def test_traffic_jam_assist_steers_alone_up_to_sixty() -> None:
    off = frozenset({Function.LCC})
    jam = functions.act(Acting(off=off), off, STREET, TUNING)
    assert jam.steers
    assert jam.hands
    assert not functions.act(jam, off, replace(STREET, speed_mps=20.0), TUNING).steers


def test_a_pilot_that_drives_keeps_steering_when_the_lane_is_lost() -> None:
    held = functions.act(acting(MOTORWAY), NONE, replace(MOTORWAY, lane=False), TUNING)
    assert held.steers
    assert held.may(Function.LCC)


def test_the_row_of_settings_says_for_which_function_hands_are_needed() -> None:
    for around, off in product((MOTORWAY, STREET), (NONE, frozenset({Function.TOWN}))):
        assert acting(around, off).hands
    free = FunctionTuning(hands=("lcc", "town"))
    assert not functions.act(Acting(), NONE, MOTORWAY, free).hands
    assert functions.act(Acting(), NONE, STREET, free).hands


def test_there_are_four_gaps_and_a_button_goes_round_them() -> None:
    assert len(functions.GAPS_S) >= 4
    assert min(functions.GAPS_S) >= 0.8
    assert any(1.5 <= gap <= 2.2 for gap in functions.GAPS_S)
    gap, seen = functions.GAPS_S[0], []
    for _ in functions.GAPS_S:
        seen.append(gap)
        gap = functions.next_gap_s(gap, 1)
    assert tuple(seen) == functions.GAPS_S
    assert gap == functions.GAPS_S[0]
    assert functions.next_gap_s(1.6, 1) == 1.8
    assert functions.next_gap_s(1.6, -1) == 1.4
    assert functions.next_gap_s(1.0, -1) == 2.2


def test_limits_switched_off_leave_only_the_set_speed() -> None:
    off = acting(MOTORWAY, frozenset({Function.LIMIT_SPEED}))
    kept = functions.planned(Choices(), off, 20.0)
    assert kept.set_speed_mps == 20.0
    assert kept.limit_offset_mps > 100.0
    assert functions.planned(Choices(set_speed_mps=33.0), off, 20.0).set_speed_mps == 33.0
    assert functions.planned(Choices(), acting(MOTORWAY), 20.0) == Choices()


# --- in the loop ----------------------------------------------------------------------------------


def switch(world: World, function: Function, on: bool) -> None:
    world.requests.append(
        DriverRequest(
            stamp_ns=world.stamp_ns, kind=RequestKind.SWITCH, value=float(on), function=function
        )
    )


def test_a_limit_binds_until_it_is_switched_off_and_then_the_set_speed_does() -> None:
    world = World(straight(3000.0, 20.0), speed_mps=19.0)
    world.run(10.0)
    assert world.speed_mps == pytest.approx(20.0, abs=0.5)
    switch(world, Function.LIMIT_SPEED, False)
    world.request(RequestKind.SET_SPEED, 25.0)
    world.run(20.0)
    assert world.speed_mps == pytest.approx(25.0, abs=0.5)
    switch(world, Function.LIMIT_SPEED, True)
    world.run(20.0)
    assert world.speed_mps == pytest.approx(20.0, abs=0.5)


@pytest.mark.parametrize("gap_s", functions.GAPS_S)
def test_each_of_the_gaps_is_kept(gap_s: float) -> None:
    lead = Actor(90.0, 20.0)
    world = World(straight(), speed_mps=20.0, actors=[lead], choices=Choices(time_gap_s=gap_s))
    world.run(60.0)
    assert world.log.gap_m[-1] / world.speed_mps == pytest.approx(gap_s, rel=0.05)


def test_with_centring_off_the_command_bends_as_the_driver_turns_the_wheel() -> None:
    world = World(straight(), speed_mps=20.0)
    world.run(3.0)
    switch(world, Function.LCC, False)
    switch(world, Function.TJA, False)
    world.controls = replace_controls(world, wheel_angle_rad=0.15, wheel_torque_nm=1.5)
    output = world.advance()
    bend = math.tan(0.15 / 15.0) / 2.625
    assert output.command.curvature_per_m == pytest.approx(bend, rel=1e-6)
    assert world.memory.engage.engagement is Engagement.ENGAGED
    assert "you_steer" in world.alerts


def replace_controls(world: World, **changes: float):  # type: ignore[no-untyped-def]
    import msgspec

    return msgspec.structs.replace(world.controls, **changes)


def test_cruise_control_switched_off_blocks_engaging_but_does_not_drop_the_car() -> None:
    world = World(straight(), speed_mps=20.0)
    world.run(3.0)
    switch(world, Function.ACC, False)
    world.run(2.0)
    assert world.memory.engage.engagement is Engagement.ENGAGED
    world.request(RequestKind.CANCEL)
    world.run(0.5)
    world.request(RequestKind.ENGAGE)
    world.run(0.5)
    assert world.state is not None
    assert world.state.blockers[0] == "acc_off"
    assert world.memory.engage.engagement is Engagement.OFF
