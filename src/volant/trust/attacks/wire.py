"""A wire with whatever sits on it, and a clock that moves only when bytes do or do not come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar

from volant.trust.uptane.download import Fetch
from volant.trust.uptane.limits import NS_PER_S
from volant.trust.uptane.session import Session, Source

T = TypeVar("T")
CHUNK_NS: Final = 1_000_000
STEPS_MOST: Final = 100_000
"""Chunks of one session; a machine that is not bounded fails here instead of hanging."""


@dataclass
class Clock:
    """A counter that only goes forward."""

    now_ns: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """What comes back for one request."""

    data: bytes | None
    """None: there is no such file."""
    chunk_bytes: int = 4096
    chunk_ns: int = CHUNK_NS
    lost: bool = False
    """Nothing comes, and the connection ends after a second."""
    endless: bool = False
    """After `data` comes more of it, for ever."""


Wire: TypeAlias = Callable[[Fetch], Reply]


def plain(source: Source) -> Wire:
    """A wire that nobody sits on."""
    return lambda fetch: Reply(source(fetch))


def pump(session: Session[T], wire: Wire, clock: Clock) -> T:
    """Give a session what a wire brings, until it is over.

    Raises:
        RejectedError: the check says no.
    """
    for _ in range(STEPS_MOST):
        fetch = session.wants
        if fetch is None:
            return session.result
        _answer(session, fetch, wire(fetch), clock)
    raise RuntimeError("a session that does not end")


def _answer(session: Session[T], fetch: Fetch, reply: Reply, clock: Clock) -> None:
    if reply.lost:
        clock.now_ns += NS_PER_S
        session.broken(clock.now_ns)
        return
    if reply.data is None:
        session.missing(clock.now_ns)
        return
    place = session.offset
    rest = reply.data[place:]
    while session.wants is fetch and (rest or reply.endless):
        chunk = rest[: reply.chunk_bytes] or b"more" * 1024
        rest = rest[reply.chunk_bytes :]
        clock.now_ns += reply.chunk_ns
        session.feed(chunk, clock.now_ns)
    if session.wants is fetch:
        session.end(clock.now_ns)
