"""Power states, by example and by random histories."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from volant.caros.power import CHANGES, MOVES_MPS, Facts, Power, PowerSettings, Wish, step, wish
from volant.core.clock import NS_PER_S, nanoseconds
from volant.core.messages import PowerState as S

SETTINGS = PowerSettings(sleep_after_s=60.0)
WELL: dict[str, Any] = {"supply_v": 12.7, "speed_mps": 0.0, "held": True, "drivers_ready": True}


class Car:
    """A car whose facts are set by hand."""

    def __init__(self, state: S = S.OFF, goal: S = S.DRIVING) -> None:
        self.now_ns = NS_PER_S
        self.power = Power(state, goal, self.now_ns)
        self.facts = Facts(self.now_ns, **WELL)
        self.seen: list[S] = [state]
        self.said: list[str] = []

    def wait(self, span_s: float, **changes: Any) -> S:
        """Let the time pass in steps of 0.1 s."""
        for at in range(max(1, round(span_s / 0.1))):
            self.now_ns += nanoseconds(0.1)
            self.facts = replace(self.facts, now_ns=self.now_ns, **(changes if at == 0 else {}))
            self.power, said = step(self.power, self.facts, SETTINGS)
            self.said += said
            if self.power.state is not self.seen[-1]:
                self.seen.append(self.power.state)
        return self.power.state

    def ask(self, asked: Wish) -> str:
        self.power, why_not = wish(self.power, self.facts, asked)
        return why_not


def test_a_boot_goes_to_driving_as_soon_as_all_answer() -> None:
    car = Car()
    waits = frozenset({"world", "screens"})
    assert car.wait(5.0, unready=waits, drivers_ready=False) is S.WAKE
    assert car.wait(0.1, unready=frozenset(), drivers_ready=True) is S.DRIVING
    assert car.said == []


def test_an_edge_that_never_answers_is_named_at_the_deadline() -> None:
    car = Car()
    assert car.wait(29.0, unready=frozenset({"screens"})) is S.WAKE
    assert car.wait(2.0) is S.DRIVING
    assert car.said == ["parked after 30.0 s without screens"]


def test_a_locked_car_stays_parked_says_why_and_drives_once_it_is_not() -> None:
    car = Car()
    assert car.wait(60.0, locked="an update is being installed") is S.PARKED
    assert car.ask(Wish.DRIVE) == "an update is being installed"
    assert car.wait(1.0, locked="") is S.DRIVING
    assert car.wait(1.0, locked="too late to be held") is S.DRIVING


def test_it_does_not_drive_before_all_that_drive_answer() -> None:
    car = Car(S.READY)
    assert car.wait(100.0, drivers_ready=False) is S.READY
    assert car.wait(0.1, drivers_ready=True) is S.DRIVING


def test_it_parks_where_it_arrived_and_sleeps_when_nothing_is_to_do() -> None:
    car = Car(S.DRIVING)
    assert car.wait(10.0, arrived=True) is S.DRIVING  # it never moved: no trip is over
    car.wait(5.0, speed_mps=10.0, held=False, arrived=False)
    assert car.wait(2.5, speed_mps=0.0, held=True, arrived=True) is S.DRIVING
    assert car.wait(1.0) is S.PARKED
    assert car.wait(100.0, busy={"garage": 0.0}) is S.PARKED
    assert car.wait(59.0, busy={}) is S.PARKED
    assert car.wait(3.0) is S.SLEEP
    assert car.seen == [S.DRIVING, S.PARKED, S.SLEEP]


def test_a_red_light_is_no_reason_to_leave_driving() -> None:
    car = Car(S.DRIVING)
    car.wait(5.0, speed_mps=10.0, held=False)
    assert car.wait(500.0, speed_mps=0.0, held=True, engaged=True) is S.DRIVING
    assert car.ask(Wish.SLEEP) == "the pilot drives"


def test_nobody_puts_a_moving_car_to_sleep() -> None:
    car = Car(S.DRIVING)
    car.wait(1.0, speed_mps=3.0, held=False)
    for asked in (Wish.SLEEP, Wish.OFF):
        assert "moves" in car.ask(asked)
    car.ask(Wish.WAKE)
    assert car.wait(10.0) is S.DRIVING


def test_who_is_busy_is_waited_for_until_the_deadline_and_is_named() -> None:
    car = Car(S.PARKED, S.PARKED)
    car.wait(2.0, busy={"recorder": 0.0})
    assert car.ask(Wish.SLEEP) == ""
    assert car.wait(4.5) is S.PARKED
    assert car.wait(1.0) is S.SLEEP
    assert car.said == ["sleep after 5.0 s without recorder"]


def test_who_asks_for_more_time_gets_it_and_no_more_than_there_is() -> None:
    car = Car(S.PARKED, S.PARKED)
    car.wait(2.0, busy={"recorder": 8.0})
    car.ask(Wish.SLEEP)
    assert car.wait(7.0) is S.PARKED
    assert car.wait(0.2, busy={}) is S.SLEEP
    assert car.said == []
    greedy = Car(S.PARKED, S.PARKED)
    greedy.wait(2.0, busy={"recorder": 1e6})
    greedy.ask(Wish.SLEEP)
    assert greedy.wait(29.0) is S.PARKED
    assert greedy.wait(2.0) is S.SLEEP
    assert greedy.said == ["sleep after 30.0 s without recorder"]


def test_a_wish_to_drive_ends_the_way_to_sleep() -> None:
    car = Car(S.PARKED, S.PARKED)
    car.wait(2.0, busy={"garage": 0.0})
    car.ask(Wish.SLEEP)
    car.wait(1.0)
    assert car.ask(Wish.DRIVE) == ""
    car.wait(0.1)
    assert car.wait(0.1, busy={}) is S.DRIVING
    assert S.SLEEP not in car.seen


def test_a_low_battery_sends_a_parked_car_to_sleep_and_holds_it_there() -> None:
    car = Car(S.PARKED, S.PARKED)
    car.wait(2.0)
    assert car.wait(3.0, supply_v=11.8) is S.PARKED  # a motor starts
    assert car.wait(10.0, supply_v=12.3) is S.PARKED
    assert car.wait(7.0, supply_v=11.8) is S.SLEEP
    car.wait(1.0, supply_v=12.3)
    assert car.power.low  # not cleared by the load that went away
    assert car.ask(Wish.WAKE) == "the 12 V battery is low (12.3 V): only to drive"
    assert car.ask(Wish.DRIVE) == ""
    assert car.wait(0.1) is S.DRIVING
    car.wait(1.0, supply_v=13.8)
    assert not car.power.low


def test_a_car_that_rolls_while_parked_is_driving() -> None:
    car = Car(S.PARKED, S.PARKED)
    car.wait(2.0)
    assert car.wait(0.1, speed_mps=1.0, held=False) is S.DRIVING


def test_off_is_reached_through_shutdown_and_is_the_end() -> None:
    car = Car(S.SLEEP, S.SLEEP)
    assert car.ask(Wish.OFF) == ""
    assert car.wait(3.0, running=frozenset({"world"})) is S.SHUTDOWN
    assert car.ask(Wish.DRIVE) == "the car is shutting down"
    assert car.wait(0.1, running=frozenset()) is S.OFF
    assert car.wait(10.0) is S.OFF
    assert "shutting down" in car.ask(Wish.WAKE)


speeds = st.one_of(st.none(), st.floats(-40.0, 60.0), st.just(0.0))
facts = st.fixed_dictionaries(
    {
        "supply_v": st.floats(10.0, 15.0),
        "speed_mps": speeds,
        "held": st.booleans(),
        "engaged": st.booleans(),
        "arrived": st.booleans(),
        "unready": st.frozensets(st.sampled_from(["a", "b"])),
        "drivers_ready": st.booleans(),
        "busy": st.dictionaries(st.sampled_from(["a", "b"]), st.floats(-1.0, 1e9)),
        "running": st.frozensets(st.sampled_from(["a", "b"])),
    }
)
moments = st.tuples(
    st.integers(0, 40 * NS_PER_S), facts, st.one_of(st.none(), st.sampled_from(Wish))
)


@given(st.lists(moments, max_size=60))
def test_no_car_leaves_driving_while_it_moves_and_no_wait_is_longer_than_its_row(
    history: list[tuple[int, dict[str, Any], Wish | None]],
) -> None:
    power, now_ns = Power(), 1
    for span_ns, now, asked in history:
        now_ns += span_ns
        seen = Facts(now_ns, **now)
        if asked is not None:
            power, _ = wish(power, seen, asked)
        before = power
        power, _ = step(power, seen, SETTINGS)
        if before.state is S.DRIVING and power.state is not S.DRIVING:
            assert seen.speed_mps is not None
            assert abs(seen.speed_mps) < MOVES_MPS
            assert seen.held
        if power.change is not None:
            row = CHANGES[power.state, power.change.to]
            assert power.change.until_ns - power.change.began_ns <= nanoseconds(
                max(row.most_s, row.deadline_s)
            )


@given(st.sampled_from(S), st.sampled_from([S.DRIVING, S.PARKED, S.SLEEP, S.OFF]), facts)
def test_every_change_ends_at_its_deadline_whoever_is_busy(
    state: S, goal: S, now: dict[str, Any]
) -> None:
    assume(state is not S.OFF or goal in (S.DRIVING, S.PARKED))  # what is off has no other goal
    power = Power(state, goal, 1)
    seen = Facts(1, **{**now, **WELL})
    for now_ns in range(1, 120 * NS_PER_S, NS_PER_S // 2):
        power, _ = step(power, replace(seen, now_ns=now_ns), SETTINGS)
        if power.state is goal:
            break
    assert power.state is goal or power.ending or power.low
