"""VISS over WebSocket: how soon a client hears, what a second holds, and what a flood costs the driving loop.

Server and client are one process each; the figures include the client's own work.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from typing import Any

from bench.rows import Row, at_most, percentile
from bench.viss_parts import PATH, connected, running
from scripts import kill_table

ASKED = 2000
LIVE_S = 8.0


def rows() -> list[Row]:
    return [*asyncio.run(_measure()), _flooded()]


async def _measure() -> list[Row]:
    """A set request moves a signal that this client hears of: there and back, with the store between."""
    with running("server") as port:
        async with connected(port) as client:
            await _ask(client, action="subscribe", path=PATH)
            told_ms = []
            for turn in range(ASKED):
                began_s = time.perf_counter()
                await _say(client, action="set", path=PATH, value=str(turn % 100))
                while "data" not in json.loads(await client.recv()):
                    pass
                told_ms.append((time.perf_counter() - began_s) * 1e3)
            began_s = time.perf_counter()
            for _ in range(ASKED):
                await _ask(client, action="get", path=PATH)
            per_s = ASKED / (time.perf_counter() - began_s)
    return [
        at_most("viss/set, and its value heard, p50", percentile(told_ms, 0.5), 2.0, "ms"),
        Row("viss/reads of one client, one after the other", per_s, "1/s"),
    ]


async def _say(client: Any, **request: str) -> None:
    await client.send(json.dumps({"requestId": "1", **request}))


async def _ask(client: Any, **request: str) -> None:
    await _say(client, **request)
    while "requestId" not in json.loads(await client.recv()):
        pass


def _flooded() -> Row:
    """Lateness of the driving loop while clients ask all they can of the live car, and read little."""
    alone, _ = _live(floods=False)
    beside, starts = _live(floods=True)
    note = f"{alone:.2f} ms without; the process signals was started {starts} times"
    return at_most("viss/lateness of the driving loop in a flood, p99", beside, 1.0, "ms", note)


def _live(*, floods: bool) -> tuple[float, int]:
    """p99 lateness of the process `vehicle` in ms, and how often `signals` was started."""
    ports = ("--doip-port", "0", "--kuksa-port", "0", "--viss-port", "0")
    with kill_table.live_car(["--cars", "20", "--no-journal", *ports]) as car:
        with contextlib.ExitStack() as stack:
            if floods:
                stack.enter_context(running("flood", str(car.status()["viss_port"])))
            car.wait(LIVE_S)
        ended = {one["name"]: one for one in car.end()["processes"]}
    return ended["vehicle"]["late_p99_ms"], ended["signals"]["starts"]
