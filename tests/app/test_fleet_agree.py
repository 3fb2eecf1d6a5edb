"""What does not agree is found: each kind of wrong by a server that does it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.cloud.campaigns.fleet import plan_of
from volant.app.fleet_agree import Ledger, disagreements, read_ledger, told_late
from volant.app.fleet_cars import Making, SimCar, make_car
from volant.app.fleet_words import Said, Word
from volant.cloud.campaigns import Campaign, CarState, Wave, draft
from volant.cloud.campaigns.state import Phase, Task, WaveTally

CAR = make_car(Making(1), 0, 1)
OTHER = make_car(Making(1), 1, 2)
SUCCESS = Word(5, Said.SUCCESS, 200)


def campaign_of(*states: CarState, told: int = 1, **changes: Any) -> Campaign:
    plan = plan_of(waves=(Wave(name="all", errors_stop=2),), concurrency=1)
    counts = tuple(states.count(one) for one in CarState)
    return Campaign(
        plan=plan, authors=("ann",), phase=Phase.RUNNING, told=told, tallies=(WaveTally(counts=counts),),
        **changes,
    )  # fmt: skip


def task_of(state: CarState, attempt: int = 1, car: SimCar = CAR) -> Task:
    return Task(campaign_id="spring", car_id=car.car_id, wave=0, state=state, attempt=attempt)


def found(car: SimCar, state: CarState, attempt: int = 1) -> list[str]:
    campaign = campaign_of(state, told=attempt)
    return disagreements([car], campaign, [task_of(state, attempt)], None)


@pytest.mark.parametrize(("words", "state"), [
    ((SUCCESS,), CarState.WELL),
    ((SUCCESS,), CarState.WATCHED),
    ((Word(5, Said.FAILURE, 200),), CarState.FAILED),
    ((Word(5, Said.CANCELED, 200),), CarState.CANCELED),
    ((Word(5, Said.SUCCESS, 410),), CarState.LOST),
    ((Word(5, Said.SUCCESS, 410, unsure=True),), CarState.WELL),
    ((Word(5, Said.SUCCESS, 410, lie=True),), CarState.TOLD),
    ((), CarState.BUSY),
])  # fmt: skip
def test_what_agrees(words: tuple[Word, ...], state: CarState) -> None:
    assert found(replace(CAR, offers=(5,), words=words), state) == []


@pytest.mark.parametrize(("words", "state", "says"), [
    ((SUCCESS,), CarState.FAILED, "said success"),
    ((SUCCESS,), CarState.TOLD, "said success"),
    ((Word(5, Said.FAILURE, 200),), CarState.WELL, "said failure"),
    ((Word(5, Said.SUCCESS, 410),), CarState.WELL, "never said"),
    ((Word(5, Said.SUCCESS, 200, lie=True),), CarState.TOLD, "believed 1"),
    ((), CarState.WELL, "never said"),
])  # fmt: skip
def test_what_does_not(words: tuple[Word, ...], state: CarState, says: str) -> None:
    (one,) = found(replace(CAR, offers=(5,), words=words), state)
    assert says in one


def test_a_car_that_was_told_twice() -> None:
    (one,) = found(replace(CAR, offers=(5, 6), words=(Word(6, Said.SUCCESS, 200),)), CarState.WELL)
    assert "told 2 actions, the server counts 1 tries" in one
    ledger = Ledger()
    ledger.tells[(CAR.car_id, 1)] = 2
    car = replace(CAR, offers=(5,), words=(SUCCESS,))
    (one,) = disagreements([car], campaign_of(CarState.WELL), [task_of(CarState.WELL)], ledger)
    assert "try 1 was told 2 times" in one


def test_sums_that_are_wrong() -> None:
    tasks = [task_of(CarState.TOLD), task_of(CarState.TOLD, car=OTHER)]
    some = disagreements([], campaign_of(CarState.TOLD, CarState.WAITING, told=3), tasks, None)
    assert ["counts 3 tries" in some[0], "its tally" in some[1]] == [True, True]


def test_limits_that_were_overrun() -> None:
    ledger = Ledger(most_in_flight=2)
    campaign = campaign_of(*[CarState.FAILED] * 4, told=0)
    tasks = [task_of(CarState.FAILED, 0, make_car(Making(1), place, 9)) for place in range(4)]
    assert disagreements([], campaign, tasks, ledger) == [
        "4 cars in error, promised are 2",
        "2 cars were at it at once, at most 1 may be",
    ]


def test_the_ledger_follows_the_log() -> None:
    def line(act: str, about: str, **data: Any) -> bytes:
        return json.dumps({"at_s": 5.0, "act": act, "about": about, "data": data}).encode()

    lines = [
        line("tell", "a", campaign="spring", attempt=1),
        line("tell", "b", campaign="spring", attempt=1),
        line("car", "a", campaign="spring", attempt=1, state="busy"),
        line("car", "a", campaign="spring", attempt=1, state="well"),
        line("tell", "c", campaign="other", attempt=1),
        line("advance", "spring", phase="halted"),
    ]
    ledger = read_ledger(lines, "spring")
    assert ledger.tells == {("a", 1): 1, ("b", 1): 1}
    assert (ledger.most_in_flight, ledger.halted_s) == (2, 5.0)
    assert told_late([4.0, 9.0, 11.0], 5.0) == 1


def test_a_draft_agrees_with_no_cars() -> None:
    assert disagreements([CAR], draft(plan_of(), "ann"), [], Ledger()) == []
