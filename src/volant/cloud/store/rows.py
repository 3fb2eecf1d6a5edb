"""What all parts of a transaction are made of: statements that both databases understand, and bodies that are read again."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from functools import lru_cache
from typing import Any, Final, TypeVar
from weakref import WeakSet

import msgspec
from sqlalchemy import Connection, TextClause, text

from volant.core.errors import InputError

AT_ONCE: Final = 1000
"""Rows of a long answer that are held at a time."""
T = TypeVar("T")


class Rows:
    """One transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._streams: WeakSet[Generator[Any, None, None]] = WeakSet()

    def let_go(self) -> None:
        """End what was not read to its end, while the transaction is still there."""
        for one in list(self._streams):
            one.close()

    def _run(self, sql: str, **values: Any) -> Any:
        return self._connection.execute(statement(sql), values)

    def _run_many(self, sql: str, rows: list[dict[str, Any]]) -> None:
        self._connection.execute(statement(sql), rows)

    def _first(self, sql: str, **values: Any) -> Any:
        return self._connection.execute(statement(sql), values).first()

    def _stream(self, sql: str, **values: Any) -> Iterator[Any]:
        """Rows as they are asked for; whoever stops early lets go of the rest, at the end of the transaction at the latest."""
        found = self._each(sql, values)
        self._streams.add(found)
        return found

    def _each(self, sql: str, values: dict[str, Any]) -> Generator[Any, None, None]:
        options = {"yield_per": AT_ONCE}
        with self._connection.execute(statement(sql), values, execution_options=options) as result:
            for some in result.partitions(AT_ONCE):
                yield from some

    def _one(self, kind: type[T], sql: str, **values: Any) -> T | None:
        found = self._first(sql, **values)
        return None if found is None else read(found[0], kind)

    def _all(self, kind: type[T], sql: str, **values: Any) -> Iterator[T]:
        for (body,) in self._stream(sql, **values):
            yield read(body, kind)


@lru_cache(maxsize=512)
def statement(sql: str) -> TextClause:
    """A statement, made once: SQLAlchemy keeps what it makes of it."""
    return text(sql)


def write(value: object, kind: Any) -> bytes:
    """A body that can be read again: bounds are checked here too, not only when it is too late.

    Raises:
        InputError: it could not be read again.
    """
    body = msgspec.msgpack.encode(value)
    try:
        msgspec.msgpack.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise InputError(f"not to be stored: {error}") from error
    return body


def read(body: bytes, kind: type[T]) -> T:
    """What was written.

    Raises:
        InputError: it is something else.
    """
    try:
        return msgspec.msgpack.decode(body, type=kind)
    except msgspec.MsgspecError as error:
        raise InputError(f"a row of the database is no {kind}: {error}") from error
