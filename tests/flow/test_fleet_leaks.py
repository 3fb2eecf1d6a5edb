"""A server that has been asked much has kept nothing of it: memory, open files and threads; see
docs/reference/fleet-tests.md."""

from __future__ import annotations

import base64
import os
import secrets
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cloud import rough
from tests.cloud.live import ROOT, LiveFleet, until

CARS = [f"car-{place}" for place in range(8)]
ROUNDS = 4
WARM_ROUNDS = 2
MORE_KIB = 24 * 1024
"""Of memory, which Python and the allocator give back late; a leak of a KiB a request would be more."""


def stands(pid: int) -> tuple[int, int, int]:
    """Memory in KiB, open files, threads."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    found = dict(line.split(":", 1) for line in lines)
    files = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    return int(found["VmRSS"].split()[0]), files, int(found["Threads"])


def wake(fleet: LiveFleet, car: str, *, politely: bool) -> None:
    """Open a WebSocket and drop it."""
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    head = rough.request(
        "GET", f"{ROOT}/{car}/wake", fleet.tokens[car], "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}",
    )  # fmt: skip
    with socket.create_connection(("127.0.0.1", fleet.port), timeout=30.0) as link:
        link.sendall(head)
        assert b" 101 " in link.recv(4096)
        if politely:
            link.sendall(b"\x88\x80" + secrets.token_bytes(4))


def load(fleet: LiveFleet, car: str, path: str) -> None:
    """Begin a download and hang up."""
    with socket.create_connection(("127.0.0.1", fleet.port), timeout=30.0) as link:
        link.sendall(rough.request("GET", path, fleet.tokens[car]))
        link.recv(4096)


def visit(fleet: LiveFleet, car: str, path: str) -> None:
    """All that a car may do, and drop in the middle."""
    with fleet.client(car) as client:
        for _ in range(10):
            client.get("")
        client.put("configData", json={"data": {"model": secrets.token_hex(4)}})
    for politely in (True, False) * 3:
        wake(fleet, car, politely=politely)
    for _ in range(5):
        load(fleet, car, path)
    for _ in range(10):
        with suppress(OSError):
            rough.send(fleet.port, rough.request("GET", f"{ROOT}/x{secrets.token_hex(4)}", "wrong"))


@pytest.mark.soak
def test_what_comes_and_goes_leaves_nothing_behind(tmp_path: Path) -> None:
    fleet = LiveFleet(tmp_path / "fleet")
    fleet.admit(*CARS)
    (tmp_path / "os.img").write_bytes(secrets.token_bytes(8_000_000))
    fleet.publish("os-2.0", tmp_path / "os.img")
    fleet.begin("os-2.0")
    with fleet.serving() as server:
        paths = {}
        for car in CARS:
            with fleet.client(car) as client:
                polled = client.get("").json()["_links"]["deploymentBase"]["href"]
                told = client.get(polled).json()["deployment"]["chunks"][0]["artifacts"][0]
            paths[car] = told["_links"]["download-http"]["href"].removeprefix(fleet.url)

        def rounds(count: int) -> None:
            with ThreadPoolExecutor(4) as pool:
                for one in [
                    pool.submit(visit, fleet, car, paths[car]) for _ in range(count) for car in CARS
                ]:
                    one.result()

        rounds(WARM_ROUNDS)
        idle = until(lambda: settled(server.pid))
        rounds(ROUNDS)
        after = until(lambda: settled(server.pid))
    assert after[0] - idle[0] < MORE_KIB, (idle, after)
    assert after[1] <= idle[1] + 5, (idle, after)
    assert after[2] <= idle[2] + 2, (idle, after)


def settled(pid: int) -> tuple[int, int, int] | None:
    """How it stands, once its connections are closed."""
    found = stands(pid)
    links = [
        one for one in Path(f"/proc/{pid}/fd").iterdir() if os.path.lexists(one) and is_link(one)
    ]
    return found if len(links) < 12 else None


def is_link(file: Path) -> bool:
    try:
        return str(file.readlink()).startswith("socket:")
    except OSError:
        return False
