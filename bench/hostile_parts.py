"""The flood of the signals' line that `bench.hostile` lets loose, a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys

ASKERS = 8
SLEEPERS = 24


async def flood(path: str) -> None:
    """For ever: whole trees, things that are refused, garbage; clients that watch everything and stop reading."""
    asked = [
        json.dumps({"id": 1, "do": "show", "pattern": "Vehicle.**"}).encode(),
        json.dumps({"id": 1, "do": "set", "values": {"Vehicle.Speed": 300.0}}).encode(),
        b"{" * 1000,
        b"\xff" * 1000,
    ]
    watch = json.dumps({"id": 1, "do": "watch", "pattern": "Vehicle.**"}).encode()

    async def ask() -> None:
        while True:
            with contextlib.suppress(Exception):  # let go, it comes again
                reader, writer = await asyncio.open_unix_connection(path, limit=1 << 24)
                while True:
                    for line in asked:
                        writer.write(line + b"\n")
                        await writer.drain()
                        await reader.readline()
            await asyncio.sleep(0.01)

    async def sleep() -> None:
        while True:
            with contextlib.suppress(Exception):
                _, writer = await asyncio.open_unix_connection(path)
                writer.write((watch + b"\n") * 20)
                await writer.drain()
                await asyncio.sleep(3600.0)  # and reads no more
            await asyncio.sleep(0.01)

    await asyncio.gather(*[ask() for _ in range(ASKERS)], *[sleep() for _ in range(SLEEPERS)])


if __name__ == "__main__":
    asyncio.run(flood(sys.argv[1]))
