"""Servers killed, a database that is away and comes back, one that is locked: nothing half done, and clear words."""

from __future__ import annotations

import json
import multiprocessing
import random
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.cloud.between import between
from tests.cloud.live import until
from tests.cloud.postgres import Postgres, need, server
from tests.cloud.store.counting import count
from volant.cloud import audit
from volant.cloud.ddi.device import Device
from volant.cloud.store import SqlStore, sql
from volant.cloud.store.ports import Work
from volant.core.errors import LinkError

KILLS = 2
SERVERS = 2


def count_on(place: Path | str, dice: random.Random) -> int:
    """Two processes count at once, and both are killed (SIGKILL); the last number that one of them has told."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.cloud.store.counting"])
    running = []
    for one in range(SERVERS):
        hears, tells = context.Pipe(duplex=False)
        process = context.Process(target=count, args=(place, f"server-{one}", tells), daemon=True)
        process.start()
        tells.close()
        running.append((process, hears))
    told = 0
    for _, hears in running:
        for _ in range(dice.randrange(5, 60)):
            told = max(told, hears.recv())
    for process, hears in running:
        process.kill()
        process.join()
        with suppress(EOFError):
            while True:
                told = max(told, hears.recv())
        hears.close()
    return told


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_two_servers_that_are_killed_again_and_again(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """What was told is stored, whole, once, and in one chain."""
    dice = random.Random(kind)
    place: Path | str = tmp_path / "fleet.db"
    if kind == "postgresql":
        place = request.getfixturevalue("postgres").make_database()
    SqlStore(place).close()
    for _ in range(KILLS):
        told = count_on(place, dice)
        with closing(SqlStore(place)) as store, store.read() as work:
            lines = [json.loads(one) for one in work.lines()]
            assert audit.check(work.lines()) == work.head()
            assert [one["data"]["number"] for one in lines] == list(range(1, len(lines) + 1))
            assert told <= len(lines) == work.last_number("step")
            newest = {
                f"car-{one % 7}": str(one) for one in range(max(1, len(lines) - 6), len(lines) + 1)
            }
            assert {one.controller_id: one.attributes["n"] for one in work.devices()} == newest
            assert work.count_cars() == len(newest)
    assert len({one["by"] for one in lines}) == SERVERS


@pytest.fixture(scope="module")
def own() -> Iterator[Postgres]:
    """A server that a test may stop: nobody else uses it."""
    need()
    with server() as found:
        yield found


def put(store: SqlStore, car: str) -> None:
    with store.work() as work:
        work.put_device(Device(controller_id=car))


def test_a_database_that_goes_away_and_comes_back(own: Postgres) -> None:
    with closing(SqlStore(own.make_database())) as store:
        put(store, "car-1")
        own.stop()
        for _ in range(3):
            with pytest.raises(LinkError, match=f"127.0.0.1:{own.port}"):
                put(store, "car-2")
            with pytest.raises(LinkError):
                store.news()
        own.boot()
        put(store, "car-3")
        with store.read() as work:
            assert [one.car_id for one in work.cars()] == ["car-1", "car-3"]


def test_a_database_that_dies_in_the_middle_of_a_step(own: Postgres) -> None:
    with closing(SqlStore(own.make_database())) as store:
        put(store, "car-1")
        with pytest.raises(LinkError), store.work() as work:  # noqa: PT012
            work.put_device(Device(controller_id="car-2"))
            own.stop()
            work.put_device(Device(controller_id="car-3"))
        own.boot()
        with store.read() as work:
            assert [one.car_id for one in work.cars()] == ["car-1"]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_writer_that_does_not_end_is_not_waited_for_for_ever(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "BUSY_S", 0.1)
    place: Path | str = tmp_path / "fleet.db"
    if kind == "postgresql":
        place = request.getfixturevalue("postgres").make_database()
    with closing(SqlStore(place)) as store, closing(SqlStore(place)) as other:
        with store.work() as work:
            work.put_device(Device(controller_id="car-1"))
            with pytest.raises(LinkError, match="lock"):
                put(other, "car-2")
            with other.read() as seen:
                assert seen.count_cars() == 0
        put(other, "car-2")


def test_a_database_that_hangs_is_told_within_bounded_time(
    own: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No limit of its own helps where it stands still (SIGSTOP): we count the silence."""
    monkeypatch.setattr(sql, "SILENT_S", 0.5)
    monkeypatch.setattr(sql, "BUSY_S", 1.0)
    monkeypatch.setattr(sql, "AWAY_S", 0.4)
    with closing(SqlStore(own.make_database())) as store:
        put(store, "car-1")
        with own.frozen():
            with pytest.raises(LinkError, match="timeout expired"):
                put(store, "car-2")
            with pytest.raises(LinkError, match="timeout expired"):
                store.news()  # at once: nobody else waits as long for the same words
        until(lambda: not_away(store))
        put(store, "car-3")
        with store.read() as work:
            assert [one.car_id for one in work.cars()] == ["car-1", "car-3"]


def test_a_database_that_hangs_in_the_middle_of_a_step(
    own: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "SILENT_S", 0.5)
    with closing(SqlStore(own.make_database())) as store:
        with pytest.raises(LinkError, match="silent for"), store.work() as work:  # noqa: PT012
            put_in(work, "car-1")
            with own.frozen():
                put_in(work, "car-2")
        put(store, "car-3")
        with store.read() as seen:
            assert [one.car_id for one in seen.cars()] == ["car-3"]


def put_in(work: Work, car: str) -> None:
    work.put_device(Device(controller_id=car))


def not_away(store: SqlStore) -> bool:
    try:
        store.news()
    except LinkError:
        return False
    return True


def test_a_database_that_says_little_for_long_is_not_taken_for_one_that_hangs(
    own: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "SILENT_S", 0.5)
    with closing(SqlStore(own.make_database())) as store, store.read() as work:
        slow = "select pg_sleep(0.2), repeat('x', 100000) from generate_series(1, 5)"
        assert len(work._run(slow).all()) == 5


def test_a_connection_that_breaks_while_a_step_is_confirmed_leaves_open_whether_it_is_stored(
    own: Postgres,
) -> None:
    database = own.make_database()
    with between(own.port) as way, closing(SqlStore(database)) as seen:
        there = database.replace(f":{own.port}/", f":{way.port}/")
        with closing(SqlStore(there)) as store:
            put(store, "car-1")
            way.cut_asked = lambda data: b"COMMIT" in data
            with pytest.raises(LinkError, match="whether it was stored is not known"):
                put(store, "car-2")
            assert way.cuts == 1
            way.cut_asked = lambda data: b"insert into devices" in data
            with pytest.raises(LinkError) as told:
                put(store, "car-3")
            assert "not known" not in str(told.value)
            way.cut_asked = lambda _: False
            put(store, "car-4")
        with seen.read() as work:
            assert [one.car_id for one in work.cars()] == ["car-1", "car-2", "car-4"]


def test_a_writer_that_stands_still_loses_the_lock(
    own: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as a machine that is suspended in the middle of a step: others go on, and nothing of its step is stored."""
    monkeypatch.setattr(sql, "SILENT_S", 0.5)
    place = own.make_database()
    with closing(SqlStore(place)) as store, closing(SqlStore(place)) as other:
        with pytest.raises(LinkError), store.work() as work:  # noqa: PT012
            work.put_device(Device(controller_id="car-1"))
            put(other, "car-2")
            work.put_device(Device(controller_id="car-3"))
        put(store, "car-4")
        with other.read() as seen:
            assert [one.car_id for one in seen.cars()] == ["car-2", "car-4"]


def test_a_machine_that_is_gone_without_a_word_loses_the_lock(own: Postgres) -> None:
    """What the kernel does then cannot be tried without another machine: that it is asked to."""
    with closing(SqlStore(own.make_database())) as store, store.work() as work:
        found = dict(work._run("select name, setting from pg_settings").all())
    assert int(found["tcp_keepalives_idle"]) + int(found["tcp_keepalives_count"]) <= 10
    assert found["tcp_user_timeout"] == "10000"


def test_more_readers_at_once_than_connections_are_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "BUSY_S", 0.1)
    with closing(SqlStore(tmp_path / "fleet.db")) as store:
        open_ones = [store.read() for _ in range(15)]
        for one in open_ones:
            one.__enter__()
        with pytest.raises(LinkError, match="QueuePool"):
            store.news()
        for one in open_ones:
            one.__exit__(None, None, None)
        assert store.news() == 0
