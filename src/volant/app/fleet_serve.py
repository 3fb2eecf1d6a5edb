"""`volant fleet serve`: the cars' door and the people's door of a fleet in one process, with its clock.

Cars are answered by granian, those for which there is nothing in its thread, all others in the main thread's loop; what
waits for the database works in threads beside it. People have a loop of their own in another thread, so that no list
delays a car.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import secrets
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from volant.app.exits import Exit
from volant.app.fleet_clock import Ticking
from volant.app.fleet_deltas import deltas_made
from volant.app.fleet_folder import FleetFolder
from volant.app.fleet_images import recognise
from volant.app.fleet_keys import FleetKeys
from volant.app.fleet_loop import BeginsAtOnce
from volant.app.fleet_people import BUILD, PeopleDoor
from volant.app.fleet_seal import AuditKey
from volant.app.say import tell
from volant.cloud.desk import Desk
from volant.cloud.door import Door, Hands
from volant.cloud.steady import Beats, Steady
from volant.cloud.uptane import UptaneDoor
from volant.core.errors import InputError, LinkError, RefusedError

HEAD_MS: Final = 60_000
"""A request's head that takes longer ends the connection, as does one that says nothing for so long; a choice of ours."""
HEAD_MOST_BYTES: Final = 16 * 1024
CONNECTIONS: Final = 250_000
"""Held at once; the system's limit of open files may be lower."""
BACKLOG: Final = 4096
SWITCH_S: Final = 0.001
"""So soon a thread that reads the database lets cars be answered; Python's own is five times as long."""
FILES_AT_ONCE: Final = 16
"""Blocks of files that are asked of a store in the net at once: one that is late delays no other car's. Ours, as above."""
END_S: Final = 5.0


def serve_command(folder: Path, host: str, port: int, people_port: int, poll_s: float) -> Exit:
    """Run `volant fleet serve` until a signal comes.

    Raises:
        InputError: the folder is no fleet's.
        LinkError: the database is away, or a port is taken.
    """
    if port == people_port:
        raise InputError(f"both doors at port {port}: --port for cars and --people-port differ")
    for number in (port, people_port):
        _check_free(host, number)
    sys.setswitchinterval(SWITCH_S)
    with FleetFolder(folder) as home, asyncio.Runner(loop_factory=BeginsAtOnce) as runner:
        home.sweep(time.time())
        ended = runner.run(_serve(home, host, port, people_port, poll_s))
    return Exit.TERMINATED if ended is signal.SIGTERM else Exit.DONE


async def _serve(
    home: FleetFolder, host: str, port: int, people_port: int, poll_s: float
) -> signal.Signals:
    loop = asyncio.get_running_loop()
    asked: asyncio.Future[signal.Signals] = loop.create_future()
    for one in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(one, partial(_end, asked, one))
    clock = Steady(time.time, time.monotonic)
    with contextlib.ExitStack() as stack:
        door = Door(
            home.fleet,
            home.artifacts,
            clock,
            Hands(
                _hand(stack, "looks"),
                _hand(stack, "acts"),
                _hand(stack, "uptane"),
                _hand(stack, "files", FILES_AT_ONCE),
            ),
            poll_s=poll_s,
            limits=home.settings.limits,
            uptane=UptaneDoor(home.fleet, FleetKeys(home.path), clock.now_s).answer,
            base=home.settings.cars_url.rstrip("/"),
            ready=False,
        )
        ticking = Ticking(door, Beats(1 + secrets.randbelow(2**31 - 1)))
        await ticking.begin()
        keys = FleetKeys(home.path)
        desk = Desk(
            home.fleet, home.artifacts, partial(_time, door), home.path, keys, AuditKey(home.path),
            recognise=recognise,
        )  # fmt: skip
        people = stack.enter_context(PeopleDoor(desk, host, people_port))
        if FleetKeys(home.path)() is not None:
            stack.enter_context(deltas_made(home.path))
            for lacks in lacking(home):
                tell(f"cars that speak Uptane: {lacks}; copy them from where they were rotated")
        gc.freeze()  # what is there now stays, so looking through it again and again frees nothing
        async with _granian(door, host, port), ticking.going_on():
            tell(f"cars:   http://{host}:{port}/DEFAULT/controller/v1/CAR")
            tell(f"people: http://{host}:{people.port}/ (Ctrl-C ends)")
            if not people.console:
                tell(f"the console is not built here, only the API: {BUILD}")
            found = await asked
        await door.end()
        await ticking.store_seen()
    return found


def lacking(home: FleetFolder) -> list[str]:
    """What this server cannot sign with, in words; nothing while there are no repositories, or the database is away."""
    authority = FleetKeys(home.path)()
    if authority is None:
        return []
    try:
        with home.store.read() as work:
            return authority.lacking(work)
    except (RefusedError, LinkError):
        return []


def _time(door: Door) -> float:
    """Unix seconds of people's acts: none before it is known whose clock holds."""
    if not door.ready:
        raise LinkError("the server is starting, come again")
    return door.clock.now_s()


def _end(asked: asyncio.Future[signal.Signals], found: signal.Signals) -> None:
    if not asked.done():
        asked.set_result(found)


def _hand(
    stack: contextlib.ExitStack, name: str, count: int = 1
) -> Callable[[Callable[[], Any]], Awaitable[Any]]:
    """A thread that does one thing after the other, or several of them."""
    pool = stack.enter_context(ThreadPoolExecutor(count, thread_name_prefix=f"fleet-{name}"))
    return lambda work: asyncio.get_running_loop().run_in_executor(pool, work)


@contextlib.asynccontextmanager
async def _granian(door: Door, host: str, port: int) -> AsyncIterator[None]:
    """Serve cars meanwhile."""
    logging.getLogger("_granian").setLevel(logging.ERROR)
    server = Server(
        door,
        address=host,
        port=port,
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,
        backlog=BACKLOG,
        backpressure=CONNECTIONS,
        http1_settings=HTTP1Settings(header_read_timeout=HEAD_MS, max_buffer_size=HEAD_MOST_BYTES),
        log_enabled=False,
    )
    listening = asyncio.Event()
    server.on_startup(listening.set)
    running = asyncio.create_task(server.serve())
    waiting = asyncio.create_task(listening.wait())
    await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if running.done():
        why = f": {error}" if (error := running.exception()) is not None else ""
        raise LinkError(f"nothing can be served at {host}:{port}{why}")
    try:
        yield
    finally:
        server.signal_handler_interrupt()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(running, END_S)


def _check_free(host: str, port: int) -> None:
    """Whether somebody else listens there: two servers of granian's would share a port unseen."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise LinkError(
            f"nothing can be served at {host}:{port}: {(error.strerror or str(error)).lower()}"
        ) from error
