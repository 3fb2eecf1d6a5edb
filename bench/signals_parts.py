"""The broker and the bare echo that `bench.signals` measures, each a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc

ROOT = Path(__file__).resolve().parents[1]
ECHO = "/volant.bench.Echo/Echo"
SLEEPER = "stopped reading"


@contextlib.contextmanager
def running(part: str, *words: str) -> Iterator[tuple[str, int]]:
    """A process of this file; gives its address and number."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.signals_parts", part, *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        if not port:
            raise RuntimeError(f"{part} did not start")
        yield f"127.0.0.1:{port}", process.pid
    finally:
        process.kill()
        process.wait()


def resident_mb(pid: int) -> float:
    """Memory of a process that is in RAM, in megabytes of 10^6 bytes."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024 / 1e6


async def broker(vss: str) -> None:
    from volant.caros.kuksa.server import serve
    from volant.caros.signals.store import SignalStore
    from volant.wire.vss import read_catalogue

    server = await serve(SignalStore(read_catalogue(Path(vss))), "127.0.0.1:0")
    print(server.port, flush=True)
    await server.wait()


async def echo() -> None:
    async def handle(_: Any, context: Any) -> None:
        while (data := await context.read()) is not grpc.aio.EOF:
            await context.write(data)

    server = grpc.aio.server()
    methods = {"Echo": grpc.stream_stream_rpc_method_handler(handle)}
    service = ECHO.split("/")[1]
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, methods),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await server.wait_for_termination()


async def flood(port: str) -> None:
    """All that a client can ask, as fast as it can, for ever: whole trees, garbage, subscriptions."""
    from volant.caros.kuksa import kuksa_v1_pb2 as v1
    from volant.caros.kuksa import kuksa_v2_pb2 as v2

    v2_way, v1_way = "/kuksa.val.v2.VAL/", "/kuksa.val.v1.VAL/"
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        listed = await channel.unary_unary(v2_way + "ListMetadata")(b"", wait_for_ready=True)
        paths = [leaf.path for leaf in v2.ListMetadataResponse.FromString(listed).metadata]
        signals = [v2.SignalID(path=path) for path in paths]
        everything = v2.GetValuesRequest(signal_ids=signals).SerializeToString()
        whole = v1.GetRequest(entries=[v1.EntryRequest(path="**", view=v1.VIEW_ALL)])
        unary = {
            v2_way + "GetValues": everything,
            v1_way + "Get": whole.SerializeToString(),
            v2_way + "Actuate": b"\xff" * 1000,
            v2_way + "ListMetadata": v2.ListMetadataRequest(root="Vehicle.**").SerializeToString(),
        }

        async def ask(way: str, data: bytes) -> None:
            while True:
                with contextlib.suppress(grpc.aio.AioRpcError):
                    await channel.unary_unary(way)(data)

        async def listen(size: int) -> None:
            request = v2.SubscribeRequest(signal_paths=paths, buffer_size=size)
            while True:
                with contextlib.suppress(grpc.aio.AioRpcError):  # let go, it comes again
                    call = channel.unary_stream(v2_way + "Subscribe")(request.SerializeToString())
                    await call.read()
                    await asyncio.sleep(3600.0)  # and reads no more

        print("floods", flush=True)
        await asyncio.gather(
            *[ask(way, data) for way, data in unary.items() for _ in range(4)],
            *[listen(size) for size in (0, 1, 10, 100) for _ in range(25)],
        )


if __name__ == "__main__":
    part, *words = sys.argv[1:]
    asyncio.run({"broker": broker, "echo": echo, "flood": flood}[part](*words))
