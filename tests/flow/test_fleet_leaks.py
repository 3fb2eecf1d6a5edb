"""Cars that drop their connections leave nothing open at the server; see docs/reference/fleet-tests.md."""

import base64
import secrets
import socket
from pathlib import Path

from tests.cloud import rough
from tests.cloud.live import ROOT, LiveFleet, until

DROPS = 40
LEFT_MOST = 5
"""Of forty; what is left waits for Python to collect its garbage."""


def sockets(pid: int) -> int:
    """Sockets that a process has open."""
    count = 0
    for one in Path(f"/proc/{pid}/fd").iterdir():
        try:
            count += str(one.readlink()).startswith("socket:")
        except OSError:
            continue  # closed meanwhile
    return count


def drop(fleet: LiveFleet, car: str) -> None:
    """Open a WebSocket and go without a word."""
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    head = rough.request(
        "GET", f"{ROOT}/{car}/wake", fleet.tokens[car], "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}",
    )  # fmt: skip
    with socket.create_connection(("127.0.0.1", fleet.port), timeout=30.0) as link:
        link.sendall(head)
        assert b" 101 " in link.recv(4096)


def test_connections_that_are_dropped_without_a_word_are_closed(tmp_path: Path) -> None:
    fleet = LiveFleet(tmp_path / "fleet")
    cars = [f"car-{place}" for place in range(DROPS)]
    fleet.admit(*cars)
    with fleet.serving() as server:
        before = sockets(server.pid)
        for car in cars:
            drop(fleet, car)
        until(lambda: sockets(server.pid) <= before + LEFT_MOST)
