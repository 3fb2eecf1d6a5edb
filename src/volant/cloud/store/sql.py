"""The fleet's database on SQLAlchemy: a file of SQLite, or PostgreSQL that several servers share.

Writers are serial over all servers and processes, so two never act on what the other is about to change: SQLite begins
as a writer, PostgreSQL takes one lock for the transaction. Readers go on beside them with what was there when they
began. What was answered survives a power cut: commits wait for the disk.
"""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)

from volant.cloud.store.migrations import bring_up
from volant.cloud.store.patience import patient, server_options, without_end
from volant.cloud.store.work import NEWS, SqlWork
from volant.core.errors import InputError, LinkError

BUSY_S: Final = 10.0
"""How long one waits for another, or for a connection; a choice of ours."""
LOCK: Final = 0x564F4C414E54
"""Number of the lock that writers take in PostgreSQL: `VOLANT`."""
SILENT_S: Final = 20.0
"""How long a database may say nothing at all, beyond any lock: it hangs, or the network does. A choice of ours."""
AWAY_S: Final = 1.0
"""Who asks within so long after somebody waited for it in vain is told at once; else each waited as long again."""
FULL_BYTES: Final = 1 << 20
"""A disk with less room is called full; a choice of ours."""
LOG_MOST_BYTES: Final = 64 << 20
READ: Final = "volant_read"


class SqlStore:
    """A database; its tables are made when they are not there, and brought to the newest version."""

    def __init__(self, place: Path | str) -> None:
        """Open it.

        Args:
            place: a file of SQLite, or an URL `postgresql://USER@HOST/NAME`.

        Raises:
            InputError: no such thing, or made by a newer Volant.
            LinkError: the database is away.
        """
        self._url = _url(place)
        self.name = self._url.render_as_string(hide_password=True)
        if isinstance(place, Path):
            self.name = str(place)
        try:
            self._engine = _engine(self._url)
        except (ArgumentError, NoSuchModuleError, ImportError) as error:
            raise InputError(f"no address of a database: {error}", where=self.name) from error
        self._readers = self._engine.execution_options(**{READ: True})
        self._away = (0.0, "")
        try:
            self._make()
        except BaseException:
            self._engine.dispose()
            raise

    @contextmanager
    def work(self) -> Iterator[SqlWork]:
        """One transaction that writes.

        Raises:
            LinkError: the database is locked, gone or its disk is full; nothing was stored, unless the words say that
                this is not known.
        """
        with self._told(), self._engine.connect() as connection:
            written = connection.begin()
            try:
                _lock(connection)
                work = SqlWork(connection)
                try:
                    yield work
                finally:
                    work.let_go()
            except BaseException:
                with suppress(SQLAlchemyError):  # it ends with its connection
                    written.rollback()
                raise
            with _told_if_unsure(self.name):
                written.commit()

    @contextmanager
    def read(self) -> Iterator[SqlWork]:
        """One transaction that only reads.

        Raises:
            LinkError: the database is gone.
        """
        with self._told(), self._readers.begin() as connection:
            work = SqlWork(connection)
            try:
                yield work
            finally:
                work.let_go()

    def news(self) -> int:
        """How often there was news."""
        with self.read() as work:
            return work.last_number(NEWS)

    def close(self) -> None:
        """Let go of it."""
        self._engine.dispose()

    def _room(self) -> str:
        """SQLite calls a full disk many names."""
        database = self._url.database
        if self._url.get_backend_name() != "sqlite" or not database:
            return ""
        try:
            free_bytes = shutil.disk_usage(Path(database).parent).free
        except OSError:
            return ""
        full = free_bytes < FULL_BYTES
        return f"; the disk is full, {free_bytes >> 10} KiB are free" if full else ""

    def _make(self) -> None:
        try:
            with self._told(), self._engine.begin() as connection, without_end(connection):
                _lock(connection)
                bring_up(connection)
        except InputError as error:
            raise InputError(f"no database of a fleet: {error}", file=self.name) from error

    @contextmanager
    def _told(self) -> Iterator[None]:
        until_s, words = self._away
        began_s = time.monotonic()
        if began_s < until_s:
            raise LinkError(words)
        try:
            yield
        except DataError as error:
            raise InputError(f"not to be stored: {error.orig}") from error
        except UnicodeEncodeError as error:
            raise InputError(f"not to be stored: {error}") from error
        except SQLAlchemyError as error:
            cause = getattr(error, "orig", None) or error
            if isinstance(cause, sqlite3.DatabaseError) and "not a database" in str(cause):
                raise InputError(str(cause)) from error
            words = f"{self.name}: {str(cause).strip()}{self._room()}"
            now_s = time.monotonic()
            if _is_away(error) and now_s - began_s > AWAY_S:
                self._away = (now_s + AWAY_S, words)
            raise LinkError(words) from error


@contextmanager
def _told_if_unsure(name: str) -> Iterator[None]:
    """A connection that breaks while a transaction is confirmed leaves open whether it was stored."""
    try:
        yield
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        raise LinkError(
            f"{name}: {str(error.orig).strip()}; whether it was stored is not known: look before doing it again"
        ) from error


def _is_away(error: SQLAlchemyError) -> bool:
    """Whether nothing was heard of the database: it has said neither that it is locked nor what is wrong."""
    if not isinstance(error, OperationalError) or isinstance(error.orig, sqlite3.Error):
        return False
    return error.connection_invalidated or getattr(error.orig, "sqlstate", None) is None


def _url(place: Path | str) -> URL:
    if isinstance(place, Path):
        return URL.create("sqlite", database=str(place))
    try:
        found = make_url(place)
    except ArgumentError as error:
        raise InputError("no address of a database, such as postgresql://USER@HOST/NAME") from error
    if found.drivername in {"postgresql", "postgres"}:
        found = found.set(drivername="postgresql+psycopg")
    return found


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        engine = create_engine(
            url, connect_args={"timeout": BUSY_S, "isolation_level": None}, pool_timeout=BUSY_S
        )
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    options = server_options(BUSY_S)
    engine = create_engine(
        url,
        connect_args={
            "connect_timeout": max(2, int(BUSY_S)),
            "options": options,
            # A machine that is gone without a word is noticed in as long, not in a quarter of an hour.
            "tcp_user_timeout": int(BUSY_S * 1000),
            "keepalives_idle": max(1, int(BUSY_S / 2)),
            "keepalives_interval": 1,
            "keepalives_count": max(1, int(BUSY_S / 2)),
        },
        pool_timeout=BUSY_S,
        pool_pre_ping=True,
    )
    event.listen(engine, "do_connect", patient(SILENT_S))
    event.listen(engine, "begin", _begin_postgres)
    return engine


def _set_up_sqlite(connection: Any, _: object) -> None:
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")
    # While a campaign begins, its reader keeps the log from being emptied; afterwards it is cut again.
    connection.execute(f"pragma journal_size_limit = {LOG_MOST_BYTES}")


def _reads(connection: Connection) -> bool:
    return bool(connection.get_execution_options().get(READ))


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("begin" if _reads(connection) else "begin immediate")


def _begin_postgres(connection: Connection) -> None:
    if _reads(connection):
        connection.exec_driver_sql("set transaction isolation level repeatable read, read only")


def _lock(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        # Whoever has it and stands still, such as a machine that is suspended, loses it.
        idle = f"set_config('idle_in_transaction_session_timeout', '{int(SILENT_S * 1000)}', true)"
        connection.execute(text(f"select pg_advisory_xact_lock({LOCK}), {idle}"))
