"""A client that keeps no rule of HTTP: bytes as they are, slowly, without an end, or many connections at once."""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

PATIENCE_S: Final = 60.0
BLOCK_BYTES: Final = 64 * 1024


def request(method: str, path: str, token: str = "", *headers: str, body: bytes = b"") -> bytes:
    """One request as bytes; further headers as lines."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers]
    if token:
        lines.append(f"Authorization: TargetToken {token}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def send(port: int, *parts: bytes) -> bytes:
    """Send these bytes and read what comes until the other side ends or has answered; nothing: it only hung up."""
    found = b""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as link:
        with suppress(OSError):
            for part in parts:
                link.sendall(part)
        with suppress(ConnectionError):
            link.shutdown(socket.SHUT_WR)
            while part := link.recv(BLOCK_BYTES):
                found += part
    return found


def statuses(data: bytes) -> list[int]:
    """The status of each answer in these bytes."""
    pieces = data.split(b"HTTP/1.1 ")[1:]
    return [int(one[:3]) for one in pieces if one[:3].isdigit()]


def drip(port: int, head: bytes, *, gap_s: float, least: int) -> int:
    """Send a head and then endlessly a byte after each gap; how many bytes until the other side had enough.

    Raises:
        AssertionError: it never had.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as link:
        link.sendall(head)
        link.settimeout(gap_s)
        for count in range(least):
            try:
                if not link.recv(BLOCK_BYTES):
                    return count
            except TimeoutError:
                pass
            except OSError:
                return count
            try:
                link.sendall(b"a")
            except OSError:
                return count
    raise AssertionError(f"still listened to after {least} bytes")


def pour(port: int, head: bytes, *, most_bytes: int) -> int:
    """Send a head and then bytes without an end; how many were taken until the other side had enough."""
    block, count = b"x" * BLOCK_BYTES, 0
    with (
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as link,
        suppress(OSError),
    ):
        link.sendall(head)
        while count < most_bytes:
            link.sendall(block)
            count += len(block)
    return count


OWN_FILES = 400
"""What the test itself has open and may still open."""


@contextmanager
def connections(port: int, count: int) -> Iterator[list[socket.socket]]:
    """So many connections that say nothing. Those that the other side or this machine will not have are left out."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(count + OWN_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    count = min(count, wanted - OWN_FILES)
    links: list[socket.socket] = []
    try:
        for _ in range(count):
            try:
                links.append(socket.create_connection(("127.0.0.1", port), timeout=5.0))
            except OSError:
                break
        yield links
    finally:
        for one in links:
            one.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
