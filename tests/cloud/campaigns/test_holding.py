"""Devices with something to begin, counted one by one through random histories: never more than there are places."""

import itertools
import json
from contextlib import closing
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cloud.campaigns.fleet import plan_of
from tests.cloud.campaigns.holding import at_it, check_holding
from tests.cloud.ddi.device import said
from tests.cloud.shop import Shop
from tests.cloud.test_service import check
from volant.cloud.campaigns import Campaign, CarState, Phase, Wave, acts, approve, draft, submit
from volant.cloud.ddi import Device
from volant.core.errors import RefusedError

CARS = [f"car-{place}" for place in range(5)]
ENDINGS = [
    ("closed", "success"),
    ("closed", "failure"),
    ("canceled", "none"),
    ("proceeding", "none"),
]
LET_GOES = [
    ("closed", "success"),
    ("closed", "failure"),
    ("rejected", "none"),
    ("proceeding", "none"),
]
moves = st.one_of(
    st.tuples(st.just("poll"), st.sampled_from(CARS)),
    st.tuples(st.just("answer"), st.sampled_from(CARS), st.sampled_from(["confirmed", "denied"])),
    st.tuples(st.just("report"), st.sampled_from(CARS), st.sampled_from(ENDINGS)),
    st.tuples(st.just("let go"), st.sampled_from(CARS), st.sampled_from(LET_GOES)),
    st.tuples(st.just("retry"), st.sampled_from(CARS)),
    st.tuples(st.just("later"), st.sampled_from([30.0, 200.0])),
    st.tuples(st.sampled_from(["pause", "resume", "stop", "approve again", "auto"]), st.sampled_from(CARS)),
)  # fmt: skip


def another(shop: Shop, name: str, **changes: Any) -> None:
    """One more campaign that runs, of the same release."""
    plan = plan_of(campaign_id=name, **changes)
    shop.fleet.add(draft(plan, "ann"), "ann", shop.now_s)
    act = shop.fleet.act
    act(name, "submit", "ann", shop.now_s, lambda one: submit(one, "ann", 0))
    act(name, "approve", "bob", shop.now_s, lambda one: approve(one, plan.digest, "bob", 1))
    shop.fleet.start(name, "ann", 2, shop.now_s)


def device(shop: Shop, car: str) -> Device:
    with shop.fleet.store.read() as work:
        found = work.device(car)
    assert found is not None
    return found


def task_state(shop: Shop, car: str, campaign: str = "spring") -> CarState:
    with shop.fleet.store.read() as work:
        found = work.task(campaign, car)
    assert found is not None
    return found.state


def confirm(shop: Shop, car: str, answer: str) -> int:
    """A person's word, to the question that the device has, whether or not it has polled since."""
    action = device(shop, car).active
    path = f"confirmationBase/{action.action_id if action else 1}/feedback"
    return shop.call(car, "POST", path, {"confirmation": answer}).status


def act(shop: Shop, verb: str) -> Campaign:
    steps = {
        "pause": lambda one: acts.pause(one, "ann"),
        "resume": lambda one: acts.resume(one, "ann", one.revision, now_s=shop.now_s),
        "stop": lambda one: acts.stop(one, "ann"),
        "approve": lambda one: acts.approve(one, one.plan.digest, "bob", one.revision),
    }
    return shop.fleet.act("spring", verb, "ann", shop.now_s, steps[verb])


def play(shop: Shop, move: tuple[Any, ...]) -> None:
    verb, car = move[0], move[1]
    action = device(shop, car).active if isinstance(car, str) else None
    number = action.action_id if action else 1
    match verb:
        case "poll":
            links = shop.poll(car)
            found = device(shop, car).active
            if "deploymentBase" in links and found is not None and not found.kept:
                assert shop.campaign().phase in {Phase.RUNNING, Phase.PAUSED}
                assert task_state(shop, car) in {CarState.TOLD, CarState.BUSY}
        case "answer":
            confirm(shop, car, move[2])
        case "report":
            shop.call(car, "POST", f"deploymentBase/{number}/feedback", said(*move[2]))
        case "let go":
            shop.call(car, "POST", f"cancelAction/{number}/feedback", said(*move[2]))
        case "auto":
            shop.call(car, "POST", "confirmationBase/activateAutoConfirm", {"initiator": "ann"})
        case "retry":
            with shop.fleet.store.work() as work:
                campaign, task = work.campaign("spring"), work.task("spring", car)
                assert campaign is not None
                assert task is not None
                shop.fleet.retry(work, campaign, task, shop.now_s)
        case "later":
            shop.now_s += car
            shop.fleet.tick(shop.now_s)
        case "approve again":
            if act(shop, "resume").phase is Phase.SUBMITTED:
                revision = act(shop, "approve").revision
                shop.fleet.start("spring", "ann", revision, shop.now_s)
        case _:
            act(shop, verb)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(moves, min_size=10, max_size=60),
    st.integers(1, 2), st.integers(1, 3), st.booleans(), st.integers(1, 2), st.sampled_from([0.0, 100.0]),
)  # fmt: skip
def test_no_more_devices_may_begin_than_there_are_places_whatever_is_said_and_done(
    tmp_path_factory: pytest.TempPathFactory,
    history: list[tuple[Any, ...]],
    concurrency: int,
    stops: int,
    confirms: bool,
    tries: int,
    watch_s: float,
) -> None:
    waves = (
        Wave(name="first", count=3, errors_stop=stops, success_share=0.5),
        Wave(name="rest", errors_stop=3),
    )
    with closing(Shop(tmp_path_factory.mktemp("shop"))) as shop:
        shop.describe(*CARS, model="ev1")
        shop.begin(
            concurrency=concurrency, waves=waves, confirm=confirms, tries=tries,
            watch_s=watch_s, patience_s=150.0,
        )  # fmt: skip
        for move in history:
            try:
                play(shop, move)
            except RefusedError:
                continue
            check_holding(shop, "spring")
        check(shop)
        for car in CARS:
            play(shop, ("poll", car))
            if shop.campaign().recalls:
                assert car not in at_it(shop, "spring")


@pytest.mark.parametrize("yes", list(itertools.permutations(range(3))))
def test_a_yes_after_a_no_begins_only_when_there_is_a_place_and_is_offered_until_then(
    shop: Shop, yes: tuple[int, ...]
) -> None:
    shop.begin(confirm=True, concurrency=1, watch_s=0.0)
    for car in CARS[:4]:
        shop.poll(car)
        assert confirm(shop, car, "denied") == 200
    some = [CARS[place] for place in yes]
    for car in some:
        assert confirm(shop, car, "confirmed") == 200
        check_holding(shop, "spring")
    assert ["deploymentBase" in shop.poll(car) for car in some] == [True, False, False]
    assert all("confirmationBase" in shop.poll(car) for car in some[1:])
    assert shop.campaign().in_flight == len(at_it(shop, "spring")) == 1
    number = device(shop, some[1]).active
    shop.report(some[0], "closed", "success")
    assert "deploymentBase" in shop.poll(some[1])
    assert number is not None
    after = device(shop, some[1]).active
    assert after is not None
    assert after.action_id == number.action_id, "it is the try that was agreed to"
    assert "confirmationBase" in shop.poll(some[2])
    check(shop)


@pytest.mark.parametrize("how", ["stop", "finish"])
def test_a_question_that_was_denied_is_gone_when_the_campaign_is_over(shop: Shop, how: str) -> None:
    shop.begin(confirm=True, concurrency=1, watch_s=0.0)
    for car in CARS if how == "finish" else CARS[:3]:
        shop.poll(car)
        confirm(shop, car, "denied")
    if how == "stop":
        act(shop, "stop")
    assert shop.campaign().is_over
    assert confirm(shop, CARS[0], "confirmed") == 200
    assert task_state(shop, CARS[0]) is CarState.REFUSED
    assert all(not shop.poll(car) for car in CARS)
    assert not at_it(shop, "spring")
    check(shop)


def test_a_lost_car_of_a_campaign_that_has_finished_is_called_back(shop: Shop) -> None:
    shop.begin(concurrency=5, waves=(Wave(name="all", errors_stop=9),))
    for car in CARS:
        shop.poll(car)
    for car in CARS[1:]:
        shop.report(car, "closed", "failure")
    shop.now_s += shop.campaign().plan.patience_s
    shop.fleet.tick(shop.now_s)
    assert (shop.campaign().phase, task_state(shop, CARS[0])) == (Phase.FINISHED, CarState.LOST)
    path = shop.poll(CARS[0])["cancelAction"]
    number = path.partition("/")[2]
    assert shop.call(CARS[0], "GET", f"deploymentBase/{number}").status == 404
    status = said("closed", "success")
    assert shop.call(CARS[0], "POST", f"deploymentBase/{number}/feedback", status).status == 200
    assert (task_state(shop, CARS[0]), shop.campaign().late) == (CarState.WATCHED, 1)
    check(shop)


def test_a_stopped_campaign_keeps_the_next_one_away_no_longer_than_a_car_s_word_or_patience(
    shop: Shop,
) -> None:
    shop.begin(concurrency=5, confirm=True, patience_s=600.0)
    for car in CARS:
        shop.poll(car)
    confirm(shop, CARS[0], "denied")
    for car in CARS[1:4]:
        confirm(shop, car, "confirmed")
    act(shop, "stop")
    another(shop, "fix", concurrency=5)
    assert all("deploymentBase" in shop.poll(car) for car in (CARS[0], CARS[4]))
    paths = {car: shop.poll(car)["cancelAction"] for car in CARS[1:4]}
    assert set(at_it(shop, "fix")) == {CARS[0], CARS[4]}
    shop.call(CARS[1], "POST", f"{paths[CARS[1]]}/feedback", said("closed", "success"))
    shop.call(CARS[2], "POST", f"{paths[CARS[2]]}/feedback", said("rejected"))
    assert "deploymentBase" in shop.poll(CARS[1])
    shop.now_s += 599.0
    assert "cancelAction" in shop.poll(CARS[3])
    assert set(at_it(shop, "fix")) == {CARS[0], CARS[1], CARS[4]}
    shop.now_s += 1.0
    for car in CARS:
        shop.poll(car)
    assert set(at_it(shop, "fix")) == set(CARS)
    with shop.fleet.store.work() as work:
        given_up = [one for one in work.lines() if json.loads(one)["act"] == "give up"]
    assert len(given_up) == 2


def test_a_lost_car_that_a_person_lets_try_again_holds_nothing_of_the_try_before(
    shop: Shop,
) -> None:
    shop.begin(concurrency=1, waves=(Wave(name="all", errors_stop=9),))
    shop.poll(CARS[0])
    shop.now_s += shop.campaign().plan.patience_s
    shop.fleet.tick(shop.now_s)
    play(shop, ("retry", CARS[0]))
    assert not at_it(shop, "spring")
    path = shop.poll(CARS[0])["cancelAction"]
    shop.call(CARS[0], "POST", f"{path}/feedback", said("closed", "success"))
    assert "deploymentBase" in shop.poll(CARS[0])
    action = device(shop, CARS[0]).active
    assert action is not None
    assert action.attempt == 2


def test_an_action_that_an_older_server_stored_is_read(shop: Shop) -> None:
    shop.begin(concurrency=5)
    shop.poll(CARS[0])
    action = device(shop, CARS[0]).active
    assert action is not None
    old = {k: v for k, v in msgspec.to_builtins(action).items() if k not in {"agreed", "called_s"}}
    assert msgspec.convert(old, type(action)) == action
