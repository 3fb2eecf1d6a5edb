"""What a campaign promises whatever cars, people and clocks do: by random histories, and by all orders of some events."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.cloud.campaigns.fleet import Fleet, plan_of
from volant.cloud.campaigns import Answer, CarState, HealthRule, Phase, Said, Wave, retry, stop
from volant.cloud.campaigns.acts import pause, resume
from volant.cloud.campaigns.state import IN_FLIGHT
from volant.core.errors import RefusedError

CARS = 6
RULE = HealthRule(signal="disengagements", usual_rate=0.1)

acts = st.one_of(
    st.tuples(st.just("ask"), st.integers(0, CARS - 1), st.sampled_from(["", "runs", "left", "unable", "agreed"])),
    st.tuples(
        st.just("say"), st.integers(0, CARS - 1), st.sampled_from(list(Said)), st.integers(-1, 1)
    ),
    st.tuples(st.just("health"), st.integers(0, CARS - 1), st.sampled_from(["boot_loop", "disengagements"])),
    st.tuples(st.just("later"), st.sampled_from([60.0, 86_400.0, 3 * 86_400.0, -1000.0])),
    st.tuples(st.sampled_from(["pause", "resume", "go_on", "stop"])),
    st.tuples(st.just("retry"), st.integers(0, CARS - 1)),
)  # fmt: skip
plans = st.builds(
    lambda stops, share, concurrency, tries, watch_s: plan_of(
        waves=(
            Wave(name="canaries", count=2, errors_stop=stops, success_share=share),
            Wave(name="rest", errors_share=0.3, success_share=1.0),
        ),
        concurrency=concurrency,
        tries=tries,
        watch_s=watch_s,
        health=(RULE,),
    ),
    st.integers(1, 2),
    st.sampled_from([0.3, 1.0]),
    st.integers(1, 3),
    st.integers(1, 3),
    st.sampled_from([0.0, 86_400.0]),
)


def play(fleet: Fleet, act: tuple[Any, ...]) -> None:
    names = list(fleet.tasks)
    match act:
        case ("ask", place, "agreed"):
            task = fleet.tasks[names[place]]
            held = task.attempt > 0 and task.state is CarState.WAITING
            fleet.ask(names[place], agreed=held)
        case ("ask", place, fact):
            facts = {fact: "other brakes" if fact == "unable" else True} if fact else {}
            fleet.ask(names[place], **facts)
        case ("say", place, said, off):
            fleet.say(names[place], said, max(0, fleet.tasks[names[place]].attempt + off))
        case ("health", place, signal):
            fleet.health(names[place], hours=1.0, events={signal: 1})
        case ("later", span_s):
            fleet.later(span_s)
        case ("retry", place):
            fleet.keep(retry(fleet.campaign, fleet.tasks[names[place]], fleet.now_s))
        case ("pause",):
            fleet.campaign = pause(fleet.campaign, "ann")
        case ("resume",) if fleet.campaign.phase is Phase.PAUSED:
            revision = fleet.campaign.revision
            fleet.campaign = resume(fleet.campaign, "ann", revision, now_s=fleet.now_s)
        case ("go_on",) if fleet.campaign.phase is Phase.HALTED:
            fleet.go_on()
        case ("stop",):
            fleet.campaign = stop(fleet.campaign, "ann")


@settings(max_examples=150, deadline=None)
@given(plan=plans, history=st.lists(acts, max_size=80))
def test_whatever_happens_no_car_is_told_twice_and_no_count_is_wrong(
    plan: Any, history: list[tuple[Any, ...]]
) -> None:
    """`Fleet.check` after every step: tallies are the cars, errors and cars at it stay within the promise."""
    fleet = Fleet(plan, (2, CARS - 2))
    for act in history:
        try:
            play(fleet, act)
        except RefusedError:
            continue


@settings(max_examples=100, deadline=None)
@given(
    stops=st.integers(1, 4),
    concurrency=st.integers(1, 6),
    tries=st.integers(1, 3),
    moves=st.lists(st.tuples(st.integers(0, 3) | st.integers(0, 39), st.sampled_from(["ask", "fail", "silent", "loop"])), max_size=300),
)  # fmt: skip
@example(stops=3, concurrency=1, tries=1, moves=[(0, "ask"), (0, "silent"), (1, "ask"), (0, "ask")])
def test_an_update_that_is_bad_in_every_car_reaches_threshold_and_concurrency_cars_at_most(
    stops: int, concurrency: int, tries: int, moves: list[tuple[int, str]]
) -> None:
    plan = plan_of(
        waves=(Wave(name="all", errors_stop=stops),), concurrency=concurrency, tries=tries
    )
    fleet = Fleet(plan, (40,))
    for place, move in moves:
        car = f"car-0-{place}"
        if move == "ask":
            fleet.ask(car)
        elif move == "fail":
            fleet.say(car, Said.FAILED)
        elif move == "silent":
            fleet.later(plan.patience_s if fleet.tasks[car].state in IN_FLIGHT else 1.0)
        else:
            fleet.say(car, Said.INSTALLED)
            fleet.health(car, events={"boot_loop": 1})
        if fleet.campaign.count(CarState.WELL):
            return  # time went by over a car that ran it: it was not bad in that one
    hit = {car for car, _ in fleet.told}
    assert len(hit) <= stops - 1 + concurrency
    if fleet.campaign.phase is Phase.HALTED:
        told = fleet.campaign.told
        assert all(fleet.ask(car) is not Answer.UPDATE for car in fleet.tasks)
        assert fleet.campaign.told == told


@pytest.mark.parametrize(("stops", "concurrency"), [(1, 1), (3, 1), (1, 5), (4, 6)])
def test_the_promise_is_as_tight_as_it_says(stops: int, concurrency: int) -> None:
    """The worst that can be: one car after another fails, each time another is told, and at the end all."""
    plan = plan_of(waves=(Wave(name="all", errors_stop=stops),), concurrency=concurrency)
    fleet = Fleet(plan, (40,))
    for place in range(stops - 1):
        fleet.ask(f"car-0-{place}")
        fleet.say(f"car-0-{place}", Said.FAILED)
    for car in fleet.tasks:
        fleet.ask(car)
    assert len(fleet.told) == stops - 1 + concurrency == fleet.campaign.most_errors
    for car in fleet.tasks:
        fleet.say(car, Said.FAILED)
    assert fleet.campaign.errors == stops - 1 + concurrency
    assert fleet.campaign.phase is Phase.HALTED


@pytest.mark.parametrize("first", [Said.REFUSED, Said.INSTALLED])
def test_a_car_that_turns_bad_after_it_had_counted_is_counted_as_late(first: Said) -> None:
    fleet = Fleet(plan_of(watch_s=0.0), (4,))
    fleet.ask("car-0-0")
    fleet.say("car-0-0", first)
    assert fleet.campaign.in_flight == 0
    fleet.say("car-0-0", Said.FAILED)
    assert fleet.campaign.late == fleet.campaign.errors == 1


SAYINGS = (Said.BUSY, Said.WAITING, Said.INSTALLED, Said.FAILED, Said.REFUSED, "loop")


@pytest.mark.parametrize("some", [SAYINGS[:5], (*SAYINGS[:3], "loop"), SAYINGS])
def test_events_in_any_order_and_doubled_end_in_the_same_place(some: tuple[Any, ...]) -> None:
    """All orders of them, each event twice at other places."""
    ends = set()
    for order in permutations(some):
        fleet = Fleet(plan_of(waves=(Wave(name="all", errors_stop=3),), health=(RULE,)), (4,))
        fleet.ask("car-0-0")
        for one in (*order, *reversed(order)):
            if one == "loop":
                counted = {"boot_loop": 1, "disengagements": 1}
                fleet.health("car-0-0", hours=2.0, events=counted)
            else:
                fleet.say("car-0-0", one)
        task = fleet.tasks["car-0-0"]
        ends.add((task.state, fleet.campaign.tallies[0].counts, fleet.campaign.health))
    assert len(ends) == 1


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_what_many_cars_say_ends_the_same_in_any_order(data: st.DataObject) -> None:
    spoken = data.draw(
        st.lists(st.tuples(st.integers(0, 5), st.sampled_from(list(Said)[:5])), max_size=20)
    )
    ends = []
    for order in (spoken, data.draw(st.permutations(spoken + spoken[: len(spoken) // 2]))):
        plan = plan_of(waves=(Wave(name="all", errors_stop=50),), concurrency=50, tries=2)
        fleet = Fleet(plan, (60,))
        for place in range(6):
            fleet.ask(f"car-0-{place}")
        for place, said in order:
            fleet.say(f"car-0-{place}", said)
        ends.append([one.state for one in fleet.tasks.values()])
    assert ends[0] == ends[1]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.floats(1.0, 86_000.0), st.sampled_from([Said.WAITING, Said.BUSY])), max_size=40)
)  # fmt: skip
def test_a_car_that_waits_is_let_go_of_after_the_plan_s_patience_neither_sooner_nor_later(
    spoken: list[tuple[float, Said]],
) -> None:
    """It is heard at least once a day; patience is three."""
    fleet = Fleet(plan_of(patience_s=3 * 86_400.0), (4,))
    fleet.ask("car-0-0")
    since_s: float | None = None
    for passed_s, said in spoken:
        fleet.later(passed_s)
        fleet.ask("car-0-0")
        fleet.say("car-0-0", said)
        if said is Said.WAITING:
            since_s = fleet.now_s if since_s is None else since_s
        over = since_s is not None and fleet.now_s - since_s >= fleet.plan.patience_s
        state = fleet.tasks["car-0-0"].state
        if state is CarState.REFUSED:
            assert over
            assert (fleet.campaign.in_flight, fleet.campaign.errors) == (0, 0)
            return
        assert not over or said is Said.BUSY, "whoever says so then is let go of"
        assert state in {CarState.TOLD, CarState.BUSY}


def test_a_step_that_is_lost_with_the_server_is_made_again() -> None:
    """Killed between the store and the answer, or before the store: the car asks and reports again."""
    fleet = Fleet(plan_of(), (4,))
    kept = fleet.campaign, dict(fleet.tasks)
    for killed_before_store in (True, False):
        assert fleet.ask("car-0-0") is Answer.UPDATE
        if killed_before_store:
            fleet.campaign, fleet.tasks = kept[0], dict(kept[1])
            fleet.told.clear()
    assert fleet.ask("car-0-0") is Answer.UPDATE
    assert fleet.campaign.told == 1
