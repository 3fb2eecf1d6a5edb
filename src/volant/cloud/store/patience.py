"""How long one waits for PostgreSQL, and it for us: a side that hangs or is gone without a word holds nobody for ever.

A time limit in the database is no help against a database that hangs, so the client's side counts too: from the last
byte that came, so that a long answer may take its time.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Connection

BEGINS_S: Final = 5.0
"""So long whatever is said outside of a transaction may take: that it begins, or whether anybody is there at all."""
GONE_S: Final = 10.0
"""After so long a machine that answers no more is taken for gone; a choice of ours."""


def server_options(busy_s: float) -> str:
    """What a session of PostgreSQL is begun with.

    Without the keepalives a machine that lost its power while it had the writers' lock would have it for two hours.
    """
    settings = {
        "lock_timeout": int(busy_s * 1000),
        "synchronous_commit": "on",
        "tcp_keepalives_idle": int(GONE_S / 2),
        "tcp_keepalives_interval": 1,
        "tcp_keepalives_count": int(GONE_S / 2),
        "tcp_user_timeout": int(GONE_S * 1000),
        "client_connection_check_interval": int(GONE_S * 1000),
    }
    return " ".join(f"-c {name}={value}" for name, value in settings.items())


def patient(silent_s: float) -> Callable[..., Any]:
    """Makes connections of psycopg that end with an OperationalError when the server is silent for so long."""
    import psycopg

    class Patient(psycopg.Connection[Any]):
        silent_s = math.inf

        def wait(self, gen: Any, *args: Any, **more: Any) -> Any:
            return super().wait(self._bounded(gen), *args, **more)

        def _bounded(self, gen: Any) -> Generator[Any, Any, Any]:
            heard_s, most_s = time.monotonic(), self.silent_s
            if self.pgconn.transaction_status == psycopg.pq.TransactionStatus.IDLE:
                most_s = min(most_s, BEGINS_S)
            try:
                wanted = next(gen)
                while True:
                    ready = yield wanted
                    now_s = time.monotonic()
                    if ready:
                        heard_s = now_s
                    elif now_s - heard_s > most_s:
                        self.close()  # what it still says would be taken for an answer to something else
                        raise psycopg.OperationalError(f"silent for {most_s:.0f} s")
                    wanted = gen.send(ready)
            except StopIteration as end:
                return end.value

    def connect(_dialect: Any, _record: Any, args: Any, more: Any) -> Any:
        found = Patient.connect(*args, **more)
        found.silent_s = silent_s
        return found

    return connect


@contextmanager
def without_end(connection: Connection) -> Iterator[None]:
    """Wait for a long statement, such as one that makes an index over a million cars."""
    found: Any = connection.connection.dbapi_connection
    before = getattr(found, "silent_s", None)
    if before is None:
        yield
        return
    found.silent_s = math.inf
    try:
        yield
    finally:
        found.silent_s = before
