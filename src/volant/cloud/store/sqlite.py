"""The fleet's database as one file of SQLite, which several processes may have open.

Transactions begin as writers, so two never act on what the other is about to change. What stands in a row is one
msgpack body beside the columns that are searched. Synchronous is FULL: what a car was told survives a power cut.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from volant.cloud.audit import EMPTY, Head, append
from volant.cloud.campaigns.state import Campaign, Task
from volant.cloud.ddi.device import Chunk, Device
from volant.core.errors import InputError, LinkError

VERSION: Final = 1
BUSY_S: Final = 10.0
"""How long one process waits for another; a choice of ours."""
SCHEMA: Final = """
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
"""
T = TypeVar("T")


class SqliteStore:
    """A file of SQLite; made when it is not there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
        except sqlite3.Error as error:
            raise InputError(f"no database of a fleet: {error}", file=str(path)) from error
        try:
            self._db.execute("pragma journal_mode = wal")
            self._db.execute("pragma synchronous = full")
            self._make()
        except (sqlite3.Error, InputError) as error:
            self._db.close()
            raise InputError(f"no database of a fleet: {error}", file=str(path)) from error

    @contextmanager
    def work(self) -> Iterator[SqliteWork]:
        """One transaction.

        Raises:
            LinkError: the database is locked, gone or its disk is full; nothing was stored.
        """
        try:
            self._db.execute("begin immediate")
            try:
                yield SqliteWork(self._db)
                self._db.execute("commit")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("rollback")
                raise
        except sqlite3.Error as error:
            raise LinkError(f"{self.path}: {error}") from error

    def changed(self) -> int:
        """A number that changes when another connection has stored something."""
        return int(self._db.execute("pragma data_version").fetchone()[0])

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _make(self) -> None:
        self._db.execute("begin immediate")
        (version,) = self._db.execute("pragma user_version").fetchone()
        if version == 0:
            for statement in SCHEMA.split(";")[:-1]:
                self._db.execute(statement)
            self._db.execute(f"pragma user_version = {VERSION}")
        self._db.execute("commit")
        if version not in {0, VERSION}:
            raise InputError(f"version {version}, expected {VERSION}")


class SqliteWork:
    """One transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def campaign(self, campaign_id: str) -> Campaign | None:
        """A campaign."""
        return self._one("select body from campaigns where id = ?", (campaign_id,), Campaign)

    def campaigns(self) -> list[Campaign]:
        """All campaigns, in the order in which they were made."""
        return list(self._all("select body from campaigns order by place", (), Campaign))

    def put_campaign(self, campaign: Campaign) -> None:
        """Store a campaign."""
        self._db.execute(
            "insert into campaigns (id, body) values (?, ?)"
            " on conflict (id) do update set body = excluded.body",
            (campaign.plan.campaign_id, _write(campaign, Campaign)),
        )

    def task(self, campaign_id: str, car_id: str) -> Task | None:
        """A car's part in a campaign."""
        sql = "select body from tasks where campaign_id = ? and car_id = ?"
        return self._one(sql, (campaign_id, car_id), Task)

    def tasks_of(self, car_id: str) -> list[Task]:
        """A car's parts in all campaigns, in the order in which these were made."""
        sql = (
            "select tasks.body from tasks join campaigns on campaigns.id = campaign_id"
            " where car_id = ? order by place"
        )
        return list(self._all(sql, (car_id,), Task))

    def tasks_in(self, campaign_id: str) -> Iterator[Task]:
        """All cars of a campaign."""
        sql = "select body from tasks where campaign_id = ? order by car_id"
        return self._all(sql, (campaign_id,), Task)

    def put_task(self, task: Task) -> None:
        """Store a car's part in a campaign."""
        self._db.execute("insert or replace into tasks values (?, ?, ?, ?)", _task_row(task))

    def add_tasks(self, tasks: Iterable[Task]) -> None:
        """Store many new ones."""
        self._db.executemany("insert into tasks values (?, ?, ?, ?)", map(_task_row, tasks))

    def due(self, now_s: float, most: int) -> list[Task]:
        """Those whose time is over, the longest first."""
        sql = "select body from tasks where due_s <= ? order by due_s limit ?"
        return list(self._all(sql, (now_s, most), Task))

    def device(self, car_id: str) -> Device | None:
        """A device."""
        return self._one("select body from devices where car_id = ?", (car_id,), Device)

    def devices(self) -> Iterator[Device]:
        """All devices, one after the other."""
        return self._all("select body from devices order by car_id", (), Device)

    def put_device(self, device: Device) -> None:
        """Store a device."""
        row = (device.controller_id, _write(device, Device))
        self._db.execute("insert or replace into devices values (?, ?)", row)

    def release(self, name: str) -> tuple[Chunk, ...] | None:
        """What a release consists of."""
        return self._one("select body from releases where name = ?", (name,), tuple[Chunk, ...])

    def put_release(self, name: str, chunks: tuple[Chunk, ...]) -> None:
        """Store a release."""
        row = (name, _write(chunks, tuple[Chunk, ...]))
        self._db.execute("insert or replace into releases values (?, ?)", row)

    def number(self, kind: str) -> int:
        """The next number of a kind; never given twice."""
        sql = (
            "insert into numbers values (?, 1) on conflict (kind) do update set last = last + 1"
            " returning last"
        )
        return int(self._db.execute(sql, (kind,)).fetchone()[0])

    def log(
        self, *, at_s: float, by: str, act: str, about: str = "", data: dict[str, Any] | None = None
    ) -> None:
        """Append to the audit log."""
        line, head = append(self.head(), at_s=at_s, by=by, act=act, about=about, data=data)
        self._db.execute("insert into audit values (?, ?, ?)", (head.count, line, head.digest))

    def head(self) -> Head:
        """Where the audit log stands."""
        sql = "select number, digest from audit order by number desc limit 1"
        found = self._db.execute(sql).fetchone()
        return EMPTY if found is None else Head(count=found[0], digest=found[1])

    def lines(self) -> Iterator[bytes]:
        """The audit log."""
        for (line,) in self._db.execute("select line from audit order by number"):
            yield bytes(line)

    def token(self, car_id: str) -> str | None:
        """SHA-256 of a car's token, in hex."""
        sql = "select digest from tokens where car_id = ?"
        found = self._db.execute(sql, (car_id,)).fetchone()
        return None if found is None else str(found[0])

    def put_token(self, car_id: str, digest: str) -> None:
        """Let a car in by a token."""
        self._db.execute("insert or replace into tokens values (?, ?)", (car_id, digest))

    def seen(self, times_s: Iterable[tuple[str, float]]) -> None:
        """When cars were heard last, many at once."""
        self._db.executemany("insert or replace into seen values (?, ?)", times_s)

    def _one(self, sql: str, values: tuple[Any, ...], kind: type[T]) -> T | None:
        found = self._db.execute(sql, values).fetchone()
        return None if found is None else _read(found[0], kind)

    def _all(self, sql: str, values: tuple[Any, ...], kind: type[T]) -> Iterator[T]:
        for (body,) in self._db.execute(sql, values):
            yield _read(body, kind)


def _task_row(task: Task) -> tuple[str, str, float | None, bytes]:
    return task.campaign_id, task.car_id, task.due_s, _write(task, Task)


def _write(value: object, kind: Any) -> bytes:
    """A body that can be read again: bounds are checked here too, not only when it is too late."""
    body = msgspec.msgpack.encode(value)
    try:
        msgspec.msgpack.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise InputError(f"not to be stored: {error}") from error
    return body


def _read(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.msgpack.decode(body, type=kind)
    except msgspec.MsgspecError as error:
        raise InputError(f"a row of the database is no {kind}: {error}") from error
