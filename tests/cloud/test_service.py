"""The fleet's server without its sockets: transactions, kills, two processes on one file."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event

from tests.cloud.shop import RELEASE, Shop
from volant.cloud import audit
from volant.cloud.campaigns import CarState, Phase, Wave, draft, pause, resume, stop
from volant.cloud.service import Fleet
from volant.cloud.store import SqlStore
from volant.core.errors import InputError, LinkError, RefusedError

CARS = [f"car-{place}" for place in range(8)]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with closing(Shop(tmp_path)) as found:
        found.describe(*CARS, model="ev1")
        yield found


def audit_of(shop: Shop) -> list[dict[str, Any]]:
    with shop.fleet.store.work() as work:
        lines = list(work.lines())
        assert audit.check(lines) == work.head()
    return [json.loads(line) for line in lines]


def check(shop: Shop) -> None:
    """The tallies are the cars; each try was told once; actions have numbers of their own; the chain holds."""
    with shop.fleet.store.work() as work:
        campaign, tasks = work.campaign("spring"), list(work.tasks_in("spring"))
        devices = list(work.devices())
    assert campaign is not None
    for wave, tally in enumerate(campaign.tallies):
        counts = Counter(one.state for one in tasks if one.wave == wave)
        assert tally.counts == tuple(counts[state] for state in CarState)
    told = Counter(
        (one["about"], one["data"]["attempt"]) for one in audit_of(shop) if one["act"] == "tell"
    )
    assert all(count == 1 for count in told.values())
    assert campaign.told == len(told) == sum(one.attempt for one in tasks)
    numbers = [one.active.action_id for one in devices if one.active is not None]
    assert len(set(numbers)) == len(numbers)
    assert campaign.errors + campaign.in_flight <= campaign.most_errors


def test_a_campaign_from_its_start_to_its_end(shop: Shop) -> None:
    waves = (Wave(name="canary", count=2, errors_stop=1), Wave(name="rest", errors_stop=2))
    shop.begin(waves=waves, watch_s=0.0, concurrency=8, cars="model == ev1")
    told = [car for car in CARS if "deploymentBase" in shop.poll(car)]
    assert len(told) == 2
    for car in told:
        assert shop.report(car, "proceeding") == 200
        assert shop.report(car, "closed", "success") == 200
    assert shop.campaign().wave == 1
    for car in CARS:
        if car not in told:
            assert shop.report(car, "closed", "success") == 200
    assert shop.campaign().phase is Phase.FINISHED
    assert all(list(shop.poll(car)) == ["installedBase"] for car in CARS)
    check(shop)


def test_a_bad_update_stops_itself_and_is_called_back(shop: Shop) -> None:
    shop.begin(concurrency=3, waves=(Wave(name="all", errors_stop=2),))
    told = [car for car in CARS if "deploymentBase" in shop.poll(car)]
    assert len(told) == 3
    for car in told[:2]:
        shop.report(car, "closed", "failure")
    assert shop.campaign().phase is Phase.HALTED
    assert "cancelAction" in shop.poll(told[2])
    assert all("deploymentBase" not in shop.poll(car) for car in CARS)
    path = shop.poll(told[2])["cancelAction"]
    body = {"status": {"execution": "closed", "result": {"finished": "success"}}}
    assert shop.call(told[2], "POST", f"{path}/feedback", body).status == 200
    assert shop.campaign().count(CarState.CANCELED) == 1
    check(shop)


def test_a_question_that_is_called_back_ends_the_try(shop: Shop) -> None:
    shop.begin(confirm=True)
    assert "confirmationBase" in shop.poll(CARS[0])
    shop.fleet.act("spring", "stop", "ann", shop.now_s, lambda one: stop(one, "ann"))
    assert shop.poll(CARS[0]) == {}
    assert shop.campaign().count(CarState.CANCELED) == 1
    check(shop)


def test_another_process_is_noticed(shop: Shop, tmp_path: Path) -> None:
    shop.begin()
    shop.fleet.act("spring", "pause", "ann", shop.now_s, lambda one: pause(one, "ann"))
    assert shop.poll(CARS[0]) == {}
    other = Fleet(SqlStore(tmp_path / "fleet.db"))
    assert shop.poll(CARS[0]) == {}
    other.act(
        "spring",
        "resume",
        "ann",
        shop.now_s,
        lambda one: resume(one, "ann", one.revision, now_s=1.0),
    )
    assert "deploymentBase" in shop.poll(CARS[0])
    other.store.close()
    check(shop)


def test_time_goes_by(shop: Shop) -> None:
    shop.begin(concurrency=8, waves=(Wave(name="all", errors_stop=20),))
    for car in CARS:
        shop.poll(car)
    shop.report(CARS[0], "closed", "success")
    shop.now_s += 4 * 86_400
    assert shop.fleet.tick(shop.now_s) == 8
    assert shop.campaign().count(CarState.LOST) == 7
    assert shop.campaign().count(CarState.WELL) == 1
    check(shop)


class KilledError(Exception):
    """The server died here."""


@pytest.mark.parametrize("seed", range(4))
def test_a_server_that_is_killed_again_and_again_loses_nothing_and_tells_nobody_twice(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Before its store, or after it and before its answer; cars then ask and report again."""
    shop.begin(concurrency=4, tries=2, watch_s=0.0, waves=(Wave(name="all", errors_stop=50),))
    dice = random.Random(seed)
    true_work = SqlStore.work

    @contextmanager
    def deadly(self: SqlStore) -> Iterator[Any]:
        fate = dice.random()
        with true_work(self) as work:
            yield work
            if fate < 0.15:
                raise KilledError
        if fate > 0.85:
            raise KilledError

    for round_ in range(10):
        for place, car in enumerate(CARS):
            with monkeypatch.context() as patch:
                patch.setattr(SqlStore, "work", deadly)
                try:
                    if "deploymentBase" in shop.poll(car):
                        shop.report(car, "closed", "failure" if (place + round_) % 3 else "success")
                    shop.fleet.tick(shop.now_s)
                except KilledError:
                    shop.boot()
            check(shop)
    assert shop.campaign().told >= len(CARS)


@contextmanager
def full_disk(store: SqlStore) -> Iterator[None]:
    """As if the disk had no page left, for all connections."""
    with store._engine.connect() as connection:
        (pages,) = connection.exec_driver_sql("pragma page_count").one()
    most = [pages]

    def limit(connection: Connection) -> None:
        connection.exec_driver_sql(f"pragma max_page_count = {most[0]}")

    event.listen(store._engine, "begin", limit)
    yield
    most[0] = 1_000_000


def test_a_disk_that_is_full_is_told_and_nothing_is_half_done(shop: Shop) -> None:
    shop.begin()
    store = shop.fleet.store
    assert isinstance(store, SqlStore)
    many = [f"new-{place}" for place in range(1000)]
    with full_disk(store), pytest.raises(LinkError, match="full"):
        shop.describe(*many, model="x" * 100)
    assert "deploymentBase" in shop.poll(CARS[0])
    check(shop)


def test_what_is_not_there_or_there_already(shop: Shop) -> None:
    shop.begin()
    with pytest.raises(RefusedError, match="there is a campaign"):
        shop.fleet.add(draft(shop.campaign().plan, "ann"), "ann", shop.now_s)
    with pytest.raises(InputError, match="no campaign autumn"):
        shop.fleet.start("autumn", "ann", 0, shop.now_s)
    with pytest.raises(RefusedError):
        shop.fleet.start("spring", "ann", 0, shop.now_s)


def test_a_campaign_whose_filter_lets_no_car_through_leaves_no_trace(tmp_path: Path) -> None:
    with closing(Shop(tmp_path)) as shop:
        with pytest.raises(RefusedError, match="no car"):
            shop.begin()
        assert shop.campaign().phase is Phase.APPROVED


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "fleet.db"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(InputError, match=r"fleet\.db: no database"):
        SqlStore(path)


def test_releases_come_back_as_they_were(tmp_path: Path) -> None:
    Shop(tmp_path).close()
    with closing(SqlStore(tmp_path / "fleet.db")) as store, store.work() as work:
        assert work.release("2.0") == RELEASE
        assert work.release("3.0") is None
