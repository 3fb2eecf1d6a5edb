"""Requests that begin where they come in: over at once, handed on, gathered; and that granian does hand them so."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any

import pytest
from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server

from volant.app.fleet_loop import (
    BETWEEN_S,
    GATHER_S,
    LATE_TIMES,
    LONG_S,
    MANY,
    BeginsAtOnce,
    Gathering,
)
from volant.app.fleet_own import free_port
from volant.cloud.quick import into_the_loop


class Sleeper:
    """A clock that goes on only by sleeping, and by hand."""

    def __init__(self) -> None:
        self.now_s, self.slept, self.late_s = 100.0, 0, 0.0

    def sleep(self, span_s: float) -> None:
        self.now_s += span_s + self.late_s
        self.slept += 1

    def gathering(self) -> Gathering:
        return Gathering(lambda: self.now_s, self.sleep)


def waits(found: Gathering, sleeper: Sleeper, after_s: float) -> bool:
    """Whether a request that begins so long after the last waits."""
    sleeper.now_s += after_s
    before = sleeper.slept
    found.wait()
    return sleeper.slept > before


def test_a_request_waits_for_others_which_then_begin_at_once() -> None:
    sleeper = Sleeper()
    found = sleeper.gathering()
    assert waits(found, sleeper, 1.0)
    assert sleeper.now_s == pytest.approx(101.0 + GATHER_S)
    assert not any(waits(found, sleeper, BETWEEN_S / 8) for _ in range(7))
    assert waits(found, sleeper, BETWEEN_S)


def test_who_is_woken_late_waits_again_only_after_as_long_as_that_cost() -> None:
    sleeper = Sleeper()
    found = sleeper.gathering()
    sleeper.late_s = 0.010
    assert waits(found, sleeper, 1.0)
    assert not waits(found, sleeper, LATE_TIMES * sleeper.late_s)
    assert waits(found, sleeper, 2 * BETWEEN_S)


def test_nothing_is_gathered_while_many_come() -> None:
    sleeper = Sleeper()
    found = sleeper.gathering()
    gap_s = BETWEEN_S / (2 * MANY)
    assert sum(waits(found, sleeper, gap_s) for _ in range(100 * MANY)) == 1
    assert [waits(found, sleeper, 1.0) for _ in range(2)] == [False, True]


def test_a_request_that_takes_longer_lets_those_after_it_begin_at_once() -> None:
    sleeper = Sleeper()
    found = sleeper.gathering()
    found.hurry()
    assert not waits(found, sleeper, 0.9 * LONG_S)
    assert waits(found, sleeper, 0.2 * LONG_S)


def run(scene: Callable[[BeginsAtOnce], Any]) -> Any:
    with asyncio.Runner(loop_factory=BeginsAtOnce) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, BeginsAtOnce)
        return runner.run(scene(loop))


def test_a_coroutine_that_is_over_at_once_never_comes_to_the_loop() -> None:
    began: list[int] = []

    async def work() -> None:
        began.append(threading.get_ident())

    def hand() -> None:
        assert loop_of[0].call_soon_threadsafe(began.append, work()) is not None

    loop_of: list[BeginsAtOnce] = []

    async def scene(loop: BeginsAtOnce) -> None:
        loop_of.append(loop)
        await asyncio.to_thread(hand)
        await asyncio.sleep(0)

    run(scene)
    assert len(began) == 1
    assert began[0] != threading.get_ident()


def test_a_coroutine_that_waits_goes_on_in_the_loop() -> None:
    found: list[int] = []

    async def work(over: asyncio.Event) -> None:
        found.append(threading.get_ident())
        await into_the_loop()
        found.append(threading.get_ident())
        await asyncio.sleep(0)
        over.set()

    async def scene(loop: BeginsAtOnce) -> None:
        over, tasks = asyncio.Event(), []

        def go_on(coroutine: Any) -> None:
            tasks.append(loop.create_task(coroutine))

        await asyncio.to_thread(loop.call_soon_threadsafe, go_on, work(over))
        await over.wait()

    run(scene)
    assert len(found) == 2
    assert found[0] != found[1] == threading.get_ident()


def test_a_coroutine_that_waits_for_something_else_first_is_refused() -> None:
    async def work(future: asyncio.Future[None]) -> None:
        await future

    async def scene(loop: BeginsAtOnce) -> None:
        with pytest.raises(RuntimeError, match="before it is in the loop"):
            await asyncio.to_thread(loop.call_soon_threadsafe, print, work(loop.create_future()))

    run(scene)


class Threads:
    """Says nothing but remembers in which threads it works."""

    def __init__(self) -> None:
        self.found: list[int] = []

    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        self.found.append(threading.get_ident())
        if scope.path == "/slow":
            await into_the_loop()
            self.found.append(threading.get_ident())
        proto.response_empty(204, [])


async def connect(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """As soon as somebody listens, of which granian tells nobody."""
    while True:
        with contextlib.suppress(ConnectionRefusedError):
            return await asyncio.open_connection("127.0.0.1", port)
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("path", ["/quick", "/slow"])
def test_granian_s_requests_begin_in_a_thread_of_its_own(path: str) -> None:
    app, port = Threads(), free_port()

    async def scene(_loop: BeginsAtOnce) -> bytes:
        server = Server(
            app, port=port, interface=Interfaces.RSGI, http=HTTPModes.http1, log_enabled=False
        )
        running = asyncio.create_task(server.serve())
        reader, writer = await connect(port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        found = await reader.readline()
        writer.close()
        server.stop()
        await running
        return found

    assert b" 204 " in run(scene)
    assert app.found[0] != threading.get_ident()
    assert app.found[1:] == ([threading.get_ident()] if path == "/slow" else [])
