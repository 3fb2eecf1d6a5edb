"""Where the live car serves KUKSA's clients: made in the supervisor, which never imports gRPC.

gRPC makes its own listening socket, so the supervisor cannot hand one down. It holds the port instead, by
a socket that never listens: nobody of another user or program gets it while the process is away.
"""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from volant.caros.cockpit import listen_near
from volant.core.errors import InputError, LinkError

if TYPE_CHECKING:
    from volant.caros.kuksa.tls import Tls

LOOPBACK: Final = "127.0.0.1"
LARGEST_FILE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class KuksaWish:
    """What the command line asks of the broker."""

    port: int = 0
    """The first that is tried; 0: any."""
    token_key: Path | None = None
    """RSA public key of who signs tokens; None: the broker is open to all on this machine."""
    tls: Path | None = None
    """Folder with `cert.pem` and `key.pem`; None: in the clear."""
    bridge: bool = True
    """A target of kuksa.val.v1 moves the car."""


@dataclass(frozen=True, slots=True)
class KuksaDoor:
    """Where the broker serves, and what it was given; made once in the supervisor."""

    held: socket.socket
    port: int
    token_key_pem: bytes | None
    tls: Tls | None
    bridge: bool

    @property
    def words(self) -> str:
        """How a client reaches it."""
        scheme = "grpc" if self.tls is None else "grpcs"
        rights = "open on this machine" if self.token_key_pem is None else "with tokens"
        return f"{scheme}://{LOOPBACK}:{self.port}, {rights}"


def open_kuksa(wish: KuksaWish) -> KuksaDoor:
    """Take the port and read the files.

    Raises:
        InputError: a file cannot be read, or is no key or certificate.
        LinkError: no port near the wanted one is free.
    """
    key = None if wish.token_key is None else _read(wish.token_key)
    tls = None
    if key is not None:
        from volant.caros.signals.tokens import TokenChecker

        TokenChecker(key)
    if wish.tls is not None:
        from volant.caros.kuksa.tls import Tls, check_pair

        tls = Tls(_read(wish.tls / "cert.pem"), _read(wish.tls / "key.pem"))
        check_pair(tls)
    held, port = _hold_port(wish.port)
    return KuksaDoor(held, port, key, tls, wish.bridge)


def _hold_port(wanted: int) -> tuple[socket.socket, int]:
    """A free port near the wanted one, bound but not listened at."""
    probe, port = listen_near(wanted)
    probe.close()
    held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        held.bind((LOOPBACK, port))
    except OSError as error:
        held.close()
        raise LinkError(f"port {port} was taken at this moment: {error}") from error
    return held, port


def _read(path: Path) -> bytes:
    with contextlib.suppress(OSError):
        if path.stat().st_size > LARGEST_FILE:
            raise InputError("is too large for a key or certificate", file=str(path))
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=str(path)) from error
