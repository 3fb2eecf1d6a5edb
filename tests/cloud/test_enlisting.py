"""Cars are put into a campaign in short transactions: seen by nobody until it begins, whatever dies or acts meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cloud.campaigns.fleet import plan_of
from tests.cloud.shop import Shop
from volant.cloud import enlisting
from volant.cloud.campaigns import Phase, Wave, approve, draft, stop, submit
from volant.cloud.store import SqlStore
from volant.core.errors import RefusedError

CARS = [f"car-{place}" for place in range(8)]


class KilledError(Exception):
    """The server died here."""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setattr(enlisting, "AT_ONCE", 3)
    with closing(Shop(tmp_path)) as found:
        found.describe(*CARS, model="ev1")
        approve_it(found)
        yield found


def approve_it(shop: Shop) -> None:
    plan = plan_of(waves=(Wave(name="all", errors_stop=2),), concurrency=8)
    shop.fleet.add(draft(plan, "ann"), "ann", shop.now_s)
    act = shop.fleet.act
    act("spring", "submit", "ann", shop.now_s, lambda one: submit(one, "ann", 0))
    act("spring", "approve", "bob", shop.now_s, lambda one: approve(one, plan.digest, "bob", 1))


def counted(monkeypatch: pytest.MonkeyPatch, at: int, act: Any) -> None:
    """Do something in the middle: when so many transactions have written."""
    true_work, count = SqlStore.work, 0

    @contextmanager
    def work(self: SqlStore) -> Iterator[Any]:
        nonlocal count
        count += 1
        if count == at:
            monkeypatch.setattr(SqlStore, "work", true_work)
            act()
        with true_work(self) as found:
            yield found

    monkeypatch.setattr(SqlStore, "work", work)


def die() -> None:
    raise KilledError


@pytest.mark.parametrize("at", range(1, 7))
def test_a_server_that_is_killed_while_it_starts_a_campaign(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    counted(monkeypatch, at, die)
    with pytest.raises(KilledError):
        shop.fleet.start("spring", "ann", 2, shop.now_s)
    shop.boot()
    assert shop.campaign().phase is Phase.APPROVED
    assert all(shop.poll(car) == {} for car in CARS)
    shop.describe("car-new", model="ev1")
    assert shop.fleet.start("spring", "ann", 2, shop.now_s).tallies[0].size == 9
    assert all("deploymentBase" in shop.poll(car) for car in CARS)


def test_two_who_start_it_at_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one who came later goes on; it runs once, with each car in it once."""
    counted(monkeypatch, 4, lambda: shop.fleet.start("spring", "ann", 2, shop.now_s))
    with pytest.raises(RefusedError, match="somebody"):
        shop.fleet.start("spring", "ann", 2, shop.now_s)
    assert shop.campaign().phase is Phase.RUNNING
    with shop.fleet.store.read() as work:
        assert sorted(one.car_id for one in work.tasks_in("spring")) == CARS


def test_it_is_stopped_while_it_starts(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def halt() -> None:
        shop.fleet.act("spring", "stop", "bob", shop.now_s, lambda one: stop(one, "bob"))

    counted(monkeypatch, 4, halt)
    with pytest.raises(RefusedError, match="somebody has acted meanwhile"):
        shop.fleet.start("spring", "ann", 2, shop.now_s)
    assert shop.campaign().phase is Phase.STOPPED
    assert all(shop.poll(car) == {} for car in CARS)


def test_cars_ask_while_it_starts_and_a_new_one_waits_for_the_next(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile() -> None:
        assert all(shop.poll(car) == {} for car in CARS)
        shop.describe("car-new", model="ev1")

    counted(monkeypatch, 4, meanwhile)
    assert shop.fleet.start("spring", "ann", 2, shop.now_s).tallies[0].size == len(CARS)
    assert all("deploymentBase" in shop.poll(car) for car in CARS)
    assert shop.poll("car-new") == {}


def test_who_may_not_start_it_looks_at_no_car(shop: Shop) -> None:
    with pytest.raises(RefusedError, match="somebody has acted meanwhile"):
        shop.fleet.start("spring", "ann", 1, shop.now_s)
    with shop.fleet.store.work() as work:
        assert work.begin_enlisting("spring") == 1
