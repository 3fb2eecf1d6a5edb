"""Servers killed, a database that is away and comes back, one that is locked: nothing half done, and clear words."""

from __future__ import annotations

import json
import multiprocessing
import random
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.cloud.postgres import Postgres, need, server
from tests.cloud.store.counting import count
from volant.cloud import audit
from volant.cloud.ddi.device import Device
from volant.cloud.store import SqlStore, sql
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
