"""The server and the flood that `bench.viss` measures, each a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect

ROOT = Path(__file__).resolve().parents[1]
PATH = "Vehicle.Cabin.Door.Row1.DriverSide.Window.Position"


@contextlib.contextmanager
def running(part: str, *words: str) -> Iterator[int]:
    """A process of this file; gives its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.viss_parts", part, *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


def connected(port: int) -> Any:
    return connect(f"ws://127.0.0.1:{port}", subprotocols=["VISSv2"], proxy=None)  # type: ignore[list-item]


async def server() -> None:
    from volant.caros.signals.rights import Rights
    from volant.caros.signals.store import Datapoint, SignalStore
    from volant.caros.viss.server import serve
    from volant.wire.vss import Catalogue, Leaf

    store = SignalStore(Catalogue([Leaf(PATH, "actuator", "uint8")]))
    everything = Rights.all()

    def move(batch: Any) -> None:
        points = {leaf_id: Datapoint(value, time.time_ns()) for leaf_id, value in batch.items()}
        store.publish(everything, points)

    store.claim("bench", [1], "actuation", everything, move)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        await serve(store, listener)


async def flood(port: str) -> None:
    """For ever: whole trees, wild patterns, garbage; clients that subscribe to all and stop reading."""
    wild = {"type": "paths", "parameter": ["**.*.**.Position"] * 20}
    often = {"type": "timebased", "parameter": {"period": "10"}}
    asked = [
        json.dumps({"action": "get", "requestId": "1", "path": "Vehicle"}),
        json.dumps({"action": "get", "requestId": "1", "path": "Vehicle", "filter": wild}),
        "{" * 1000,
    ]
    whole = json.dumps(
        {"action": "subscribe", "requestId": "1", "path": "Vehicle", "filter": often}
    )

    async def ask() -> None:
        while True:
            with contextlib.suppress(Exception):  # let go, it comes again
                async with connected(int(port)) as client:
                    while True:
                        for text in asked:
                            await client.send(text)
                        for _ in asked:
                            await client.recv()

    async def sleep() -> None:
        while True:
            with contextlib.suppress(Exception):
                async with connected(int(port)) as client:
                    for _ in range(20):
                        await client.send(whole)
                    await asyncio.sleep(3600.0)  # and reads no more

    print(port, flush=True)
    await asyncio.gather(*[ask() for _ in range(8)], *[sleep() for _ in range(24)])


if __name__ == "__main__":
    part, *words = sys.argv[1:]
    parts: dict[str, Any] = {"server": server, "flood": flood}
    asyncio.run(parts[part](*words))
