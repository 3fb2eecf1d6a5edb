"""Requests of many cars in one transaction: as if each had come alone."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cloud.ddi.device import said
from tests.cloud.shop import Shop
from tests.cloud.test_service import check
from volant.cloud.asking import Ask, Reply, Rest, changes_of, peek, take
from volant.cloud.campaigns import CarState, Wave
from volant.cloud.ddi import Place, Request
from volant.cloud.people import digest_of
from volant.cloud.service import Fleet
from volant.cloud.store import SqlStore
from volant.core.errors import InputError

CARS = [f"car-{place}" for place in range(6)]


def ask(car: str, method: str = "GET", path: str = "", body: Any = None, token: str = "t") -> Ask:
    data = b"" if body is None else json.dumps(body).encode()
    place = Place("http://fleet", "DEFAULT", car)
    return Ask(car, digest_of(token), Request(method, path, body=data), place, 300.0)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with closing(Shop(tmp_path)) as found:
        with found.fleet.store.work() as work:
            for car in CARS:
                work.put_token(car, digest_of("t"))
        found.describe(*CARS, model="ev1")
        yield found


def test_a_car_without_work_comes_back_with_what_it_may_be_answered_from(shop: Shop) -> None:
    found, wrong = peek(shop.fleet, [ask("car-0"), ask("car-1", token="x")], shop.now_s)
    assert isinstance(found, Reply)
    with shop.fleet.store.read() as work:
        line = work.last_line()
    assert found.rest == Rest(digest=digest_of("t"), news=shop.fleet.store.news(), line=line)
    assert isinstance(wrong, Reply)
    assert (wrong.answer.status, wrong.rest) == (401, None)


def test_what_is_read_is_what_a_transaction_that_writes_would_say(shop: Shop) -> None:
    shop.begin(concurrency=2)
    for car in CARS:
        first = peek(shop.fleet, [ask(car)], shop.now_s)[0]
        if isinstance(first, Rest):
            assert first.busy
            first = take(shop.fleet, [ask(car)], shop.now_s).replies[0]
        assert isinstance(first, Reply)
        assert first.answer.body.replace(b"//fleet", b"//127.0.0.1:1") == shop.call(car).body
    check(shop)


def test_cars_that_wait_for_room_say_for_which_campaign(shop: Shop) -> None:
    shop.begin(
        concurrency=1,
        waves=(Wave(name="first", count=3, errors_stop=9), Wave(name="rest", errors_stop=9)),
    )
    assert changes_of(shop.fleet, None, ["spring", "none"], shop.now_s).rooms == {"spring": 1}
    told = next(car for car in CARS if "deploymentBase" in shop.poll(car))
    found = [peek(shop.fleet, [ask(car)], shop.now_s)[0] for car in CARS if car != told]
    waits = [one.rest.waits for one in found if isinstance(one, Reply) and one.rest is not None]
    assert sorted(map(len, waits)) == [0, 0, 0, 1, 1]
    assert changes_of(shop.fleet, None, ["spring"], shop.now_s).rooms == {}


def test_one_bad_request_of_many_fails_alone(shop: Shop) -> None:
    shop.begin(concurrency=6)
    asks = [
        ask("car-0"),
        ask("car-1", "PUT", "configData", {"data": {"x" * 200: "y"}}),
        ask("car-2"),
    ]
    bad = Fleet(shop.fleet.store)
    true_answer = bad.answer

    def answer(work: Any, car_id: str, *rest: Any, **more: Any) -> Any:
        if car_id == "car-2":
            raise InputError("no good")
        return true_answer(work, car_id, *rest, **more)

    bad.answer = answer  # type: ignore[method-assign]
    found = take(bad, asks, shop.now_s, ["spring"])
    assert isinstance(found.replies[0], Reply)
    assert isinstance(found.replies[1], Reply)
    assert found.replies[1].answer.status == 400
    assert isinstance(found.replies[2], InputError)
    assert found.rooms == {"spring": 5}
    assert shop.campaign().count(CarState.TOLD) == 1
    check(shop)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.lists(st.sampled_from(CARS), min_size=1, max_size=6, unique=True), max_size=6),
       st.integers(1, 3))  # fmt: skip
def test_batches_keep_every_promise(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[str]], concurrency: int
) -> None:
    with closing(Shop(tmp_path_factory.mktemp("shop"))) as shop:
        shop.describe(*CARS, model="ev1")
        shop.begin(concurrency=concurrency, watch_s=0.0, waves=(Wave(name="all", errors_stop=9),))
        for cars in batches:
            found = take(shop.fleet, [ask(car) for car in cars], shop.now_s)
            feedback = []
            for car, reply in zip(cars, found.replies, strict=True):
                assert isinstance(reply, Reply)
                link = json.loads(reply.answer.body).get("_links", {}).get("deploymentBase")
                if link:
                    path = link["href"].partition(f"/{car}/")[2].partition("?")[0]
                    feedback.append(ask(car, "POST", f"{path}/feedback", said("closed", "success")))
            done = take(shop.fleet, feedback, shop.now_s)
            assert all(isinstance(one, Reply) and one.answer.status == 200 for one in done.replies)
            assert shop.campaign().in_flight == 0
            check(shop)


def test_two_servers_of_one_database_tell_a_car_once(shop: Shop, tmp_path: Path) -> None:
    with closing(SqlStore(tmp_path / "fleet.db")) as store:
        other = Fleet(store)
        shop.begin(concurrency=6)
        for car in CARS:
            bodies = []
            for fleet in (shop.fleet, other):
                reply = take(fleet, [ask(car)], shop.now_s).replies[0]
                assert isinstance(reply, Reply)
                bodies.append(reply.answer.body)
            assert bodies[0] == bodies[1]
    assert shop.campaign().told == len(CARS)
    check(shop)
