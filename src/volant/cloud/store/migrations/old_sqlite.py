"""A file of SQLite as Volant made it before it used alembic (its `user_version` is 1): its rows go into the new tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, inspect, text

from volant.cloud.campaigns.state import Campaign, Task
from volant.cloud.ddi.device import Chunk, Device
from volant.cloud.store.ports import StoredRelease
from volant.cloud.store.rows import read
from volant.cloud.store.work import SqlWork

OLD_VERSION: Final = 1
TABLES: Final = (
    "campaigns", "tasks", "devices", "releases", "numbers", "tokens", "seen", "audit",
)  # fmt: skip
INDEXES: Final = ("tasks_by_car", "tasks_by_due")


def put_aside(connection: Connection) -> None:
    """Make room for tables of the same names, where it is such a file."""
    if connection.dialect.name != "sqlite":
        return
    if connection.execute(text("pragma user_version")).scalar_one() != OLD_VERSION:
        return
    for name in INDEXES:
        connection.execute(text(f"drop index {name}"))
    for name in TABLES:
        connection.execute(text(f"alter table {name} rename to old_{name}"))


def take_over(connection: Connection) -> None:
    """Move what was put aside, if anything was: once the tables are those that this Volant writes."""
    if not inspect(connection).has_table(f"old_{TABLES[0]}"):
        return
    work = SqlWork(connection)
    for body in _bodies(connection, "campaigns order by place"):
        work.put_campaign(read(body, Campaign))
    work.add_tasks(read(body, Task) for body in _bodies(connection, "tasks"))
    for body in _bodies(connection, "devices"):
        work.put_device(read(body, Device))
    for name, body in connection.execute(text("select name, body from old_releases")).all():
        chunks = read(body, tuple[Chunk, ...])
        version = chunks[0].version if chunks else ""
        work.put_release(StoredRelease(name=name, version=version, chunks=chunks))
    for name in ("numbers", "tokens", "seen"):
        connection.execute(text(f"insert into {name} select * from old_{name}"))
    connection.execute(
        text(
            "insert into audit (number, about, line, digest)"
            " select number, coalesce(json_extract(cast(line as text), '$.about'), ''), line, digest"
            " from old_audit"
        )
    )
    for name in TABLES:
        connection.execute(text(f"drop table old_{name}"))
    connection.execute(text("pragma user_version = 0"))


def _bodies(connection: Connection, source: str) -> Iterator[bytes]:
    for (body,) in connection.execute(text(f"select body from old_{source}")):
        yield body
