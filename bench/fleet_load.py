"""Load on a server of hawkBit's device API, and what it costs the server: for `bench.fleet_polls`.

Each connection stays open and asks again as soon as it is answered, each time for another car.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
STARTS_S = 60.0
CONNECTIONS = 32


@dataclass(frozen=True, slots=True)
class Load:
    """What came of it."""

    polls: int
    refused: int
    """Answers that are not 200."""
    cpu_s: float
    """Of the server and its children."""
    p99_ms: float

    @property
    def polls_per_cpu_s(self) -> float:
        """The figure of interest."""
        return self.polls / self.cpu_s if self.cpu_s else float("nan")


@dataclass
class _Count:
    """Shared by all connections."""

    requests: Iterator[bytes]
    left: float
    """Polls to send; infinite: until the end."""
    ends_s: float
    times_s: list[float] = field(default_factory=list)
    refused: int = 0


class _Connection(asyncio.Protocol):
    def __init__(self, count: _Count) -> None:
        self.count, self.over = count, asyncio.get_running_loop().create_future()
        self.read, self.wanted, self.sent_s = b"", -1, 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.ask()

    def ask(self) -> None:
        self.sent_s = time.perf_counter()
        if self.count.left <= 0 or self.sent_s > self.count.ends_s:
            self.transport.close()
            return
        self.count.left -= 1
        self.read, self.wanted = b"", -1
        self.transport.write(next(self.count.requests))

    def data_received(self, data: bytes) -> None:
        self.read = self.read + data if self.read else data
        if self.wanted < 0:
            head = self.read.find(b"\r\n\r\n")
            if head < 0:
                return
            length = LENGTH.search(self.read, 0, head + 2)
            self.wanted = head + 4 + (int(length[1]) if length else 0)
        if len(self.read) < self.wanted:
            return
        self.count.times_s.append(time.perf_counter() - self.sent_s)
        self.count.refused += self.read[9:12] != b"200"
        self.ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.over.done():
            self.over.set_result(exc)


def load(
    port: int, pid: int, requests: Sequence[bytes], *, for_s: float, polls: float = float("inf")
) -> Load:
    """Ask as fast as a server answers.

    Args:
        port: where it is.
        pid: its process.
        requests: one for each car, asked over and over.
        for_s: how long.
        polls: or so many.
    """
    count = _Count(cycle(requests), polls, time.perf_counter() + for_s)

    async def run() -> None:
        loop = asyncio.get_running_loop()
        made = [
            await loop.create_connection(lambda: _Connection(count), "127.0.0.1", port)
            for _ in range(CONNECTIONS)
        ]
        await asyncio.gather(*(one.over for _, one in made))

    before_s = cpu_s(pid)
    asyncio.run(run())
    used_s = cpu_s(pid) - before_s
    times_s = sorted(count.times_s) or [float("nan")]
    p99_ms = 1000.0 * times_s[int(0.99 * (len(times_s) - 1))]
    return Load(len(count.times_s), count.refused, used_s, p99_ms)


def poll(car: str, token: str) -> bytes:
    """A car's poll."""
    return (
        f"GET /DEFAULT/controller/v1/{car} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Accept: application/json\r\nAuthorization: TargetToken {token}\r\n\r\n"
    ).encode()


def cpu_s(pid: int) -> float:
    """CPU seconds of a process with all its threads, and of its children."""
    own = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    used = (int(own[11]) + int(own[12])) / TICKS_PER_S
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            used += cpu_s(int(child))
    return used


def free_port() -> int:
    """A port of loopback that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(command: Sequence[str | Path], port: int, **variables: str) -> Iterator[int]:
    """Run a server; its process, once it listens.

    Raises:
        RuntimeError: it never does.
    """
    child = subprocess.Popen(
        command,
        env={**os.environ, **variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(child, port)
        yield child.pid
    finally:
        child.terminate()
        try:
            child.wait(10.0)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _wait(child: subprocess.Popen[bytes], port: int) -> None:
    ends_s = time.monotonic() + STARTS_S
    while time.monotonic() < ends_s and child.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"{child.args} does not listen at {port}")
