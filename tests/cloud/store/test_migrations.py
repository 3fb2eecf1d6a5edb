"""Databases of other versions: old files are taken over, newer ones refused, and nothing else is touched."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect

from tests.cloud.campaigns.fleet import plan_of
from tests.cloud.postgres import Postgres
from tests.cloud.shop import CHUNKS, RELEASE
from volant.cloud import audit
from volant.cloud.audit import EMPTY
from volant.cloud.campaigns import Campaign, CarState, Phase, Task, Wave, WaveTally, draft
from volant.cloud.ddi.device import Device
from volant.cloud.store import SqlStore, migrations
from volant.core.errors import InputError

OLD = """
create table campaigns (place integer primary key, id text unique not null, body blob not null);
create table tasks (
    campaign_id text not null, car_id text not null, due_s real, body blob not null,
    primary key (campaign_id, car_id)
) without rowid;
create index tasks_by_car on tasks (car_id);
create index tasks_by_due on tasks (due_s) where due_s is not null;
create table devices (car_id text primary key, body blob not null) without rowid;
create table releases (name text primary key, body blob not null) without rowid;
create table numbers (kind text primary key, last integer not null) without rowid;
create table tokens (car_id text primary key, digest text not null) without rowid;
create table seen (car_id text primary key, at_s real not null) without rowid;
create table audit (number integer primary key, line blob not null, digest text not null);
pragma user_version = 1;
"""
"""As Volant made it before alembic."""
TASK = Task(
    campaign_id="spring", car_id="car-1", wave=0, state=CarState.FAILED, attempt=1, reason="x"
)
CAR = Device(controller_id="car-1", attributes={"model": "ev1"})


def begun() -> Campaign:
    plan = plan_of(waves=(Wave(name="all", errors_stop=2),))
    return msgspec.structs.replace(
        draft(plan, "ann"), phase=Phase.RUNNING, tallies=(WaveTally.of(1),)
    )


def make_old(path: Path) -> None:
    campaign = begun()
    line, head = audit.append(EMPTY, at_s=1.0, by="ann", act="draft", about="spring")
    encode = msgspec.msgpack.encode
    with closing(sqlite3.connect(path)) as db:
        db.executescript(OLD)
        db.execute("insert into campaigns values (1, 'spring', ?)", (encode(campaign),))
        db.execute("insert into tasks values ('spring', 'car-1', 5.0, ?)", (encode(TASK),))
        db.execute("insert into devices values ('car-1', ?)", (encode(CAR),))
        db.execute("insert into releases values ('2.0', ?)", (encode(CHUNKS),))
        db.execute("insert into numbers values ('action', 7)")
        db.execute("insert into tokens values ('car-1', 'd')")
        db.execute("insert into seen values ('car-1', 9.0)")
        db.execute("insert into audit values (1, ?, ?)", (line, head.digest))
        db.commit()


def test_an_old_file_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "fleet.db"
    make_old(path)
    for _ in range(2):
        with closing(SqlStore(path)) as store, store.read() as work:
            assert [one.plan.campaign_id for one in work.campaigns()] == ["spring"]
            assert work.tasks_of("car-1") == [TASK]
            assert work.failures("spring")[0].cars == 1
            assert work.device("car-1") == CAR
            assert dict(work.everyone()) == {"car-1": CAR.facts}
            assert work.release("2.0") == RELEASE
            assert work.last_number("action") == 7
            assert work.token("car-1") == "d"
            assert work.cars()[0].seen_s == 9.0
            assert audit.check(work.lines()) == work.head()
            assert work.lines_about("spring") == list(work.lines())
    with closing(sqlite3.connect(path)) as db:
        names = {name for (name,) in db.execute("select name from sqlite_master")}
    assert not [name for name in names if name.startswith("old_")]


def test_an_old_file_that_cannot_be_read_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "fleet.db"
    make_old(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("update tasks set body = x'00'")
        db.commit()
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"fleet\.db: no database of a fleet"):
        SqlStore(path)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("select count(*) from devices").fetchone() == (1,)
        assert db.execute("pragma user_version").fetchone() == (1,)
    assert len(path.read_bytes()) == len(before)


def test_a_database_of_an_older_version_is_brought_up(tmp_path: Path) -> None:
    path = tmp_path / "fleet.db"
    with closing(SqlStore(path)) as store, store.work() as work:
        work.put_campaign(begun())
        work.put_task(TASK)
    with closing(sqlite3.connect(path)) as db:
        db.execute("alter table tasks drop column waits_until_s")
        db.execute("update alembic_version set version_num = '0001'")
        db.commit()
    with closing(SqlStore(path)) as store, store.work() as work:
        assert work.tasks_of("car-1") == [TASK]
        waits = msgspec.structs.replace(TASK, state=CarState.BUSY, waits_until_s=9.0)
        work.put_task(waits)
        assert work.task("spring", "car-1") == waits
        assert work.failures("spring")[0].state is CarState.BUSY


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "fleet.db"
    SqlStore(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("update alembic_version set version_num = '9999'")
        db.commit()
    with pytest.raises(InputError, match="of another version than"):
        SqlStore(path)


def test_the_version_that_we_know_is_the_newest() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_heads() == [migrations.HEAD]


def test_both_databases_have_the_same_tables(tmp_path: Path, postgres: Postgres) -> None:
    found = []
    for place in (tmp_path / "fleet.db", postgres.make_database()):
        store = SqlStore(place)
        shape = inspect(store._engine)
        found.append(
            {
                table: (
                    [one["name"] for one in shape.get_columns(table)],
                    shape.get_pk_constraint(table)["constrained_columns"],
                    sorted(
                        one["column_names"] for one in shape.get_indexes(table) if not one["unique"]
                    ),
                )
                for table in shape.get_table_names()
            }
        )
        store.close()
    assert found[0] == found[1]


def test_servers_that_start_at_once_on_an_empty_database(postgres: Postgres) -> None:
    url = postgres.make_database()
    failed: list[BaseException] = []

    def boot() -> None:
        try:
            SqlStore(url).close()
        except BaseException as error:  # noqa: BLE001 - told by the test
            failed.append(error)

    threads = [threading.Thread(target=boot) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert failed == []
    engine = create_engine(url.replace("postgresql", "postgresql+psycopg"))
    assert "tasks" in inspect(engine).get_table_names()
    engine.dispose()
