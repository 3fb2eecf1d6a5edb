"""Starts the cockpit server and feeds it; nothing here waits, and nothing raises into the loop.

The listening socket and the token are made here, so the address is known before the server has even
started: a browser that comes early waits in the backlog. Frames go over a SOCK_SEQPACKET pair, one
packet each; a full pair drops the frame and counts it. When this process dies, whatever the reason, the
kernel closes the pair and the server ends by itself.
"""

from __future__ import annotations

import contextlib
import errno
import secrets
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from volant.caros.cockpit.seam import CockpitStart, FromServer
from volant.core.errors import LinkError

DEFAULT_PORT: Final = 8740
PORT_TRIES: Final = 50
LOOPBACK: Final = "127.0.0.1"
FRAME, START, END = b"F", b"S", b"E"
"""First byte of a packet to the server."""
STATIC: Final = Path(__file__).resolve().parents[2] / "static"
"""The built screens; in a checkout `make setup` builds them, a wheel holds them."""
NOT_BUILT: Final = "the screens are not built; run make setup"
PACKET_BYTES: Final = 1 << 20
"""Room asked for in the pair; the kernel grants what net.core.wmem_max allows."""


class CockpitLink:
    """The loop's end of the cockpit: `send` a frame, `poll` what screens asked for, `close`."""

    def __init__(
        self,
        address: str,
        port: int,
        wanted_port: int,
        pair: socket.socket,
        process: subprocess.Popen[bytes],
    ) -> None:
        self.address = address
        """What to open in a browser; holds the token, so it belongs on the screen and not in a log."""
        self.port, self.wanted_port = port, wanted_port
        """They differ when the wanted port was taken."""
        self.dropped = 0
        """Frames that the server was too slow for."""
        self._pair, self._process = pair, process
        self._alive = True
        self._decoder = msgspec.msgpack.Decoder(FromServer)

    @property
    def alive(self) -> bool:
        """Whether frames still arrive somewhere."""
        return self._alive

    def send(self, frame: bytes) -> bool:
        """Hand over one encoded frame without waiting; False when it was dropped."""
        return self._packet(FRAME, frame)

    def poll(self) -> tuple[FromServer, ...]:
        """What came back since the last call, oldest first; never waits."""
        came: list[FromServer] = []
        while self._alive and len(came) < 64:
            try:
                packet = self._pair.recv(4096)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                packet = b""
            if not packet:
                self._alive = False
                break
            with contextlib.suppress(msgspec.DecodeError):
                came.append(self._decoder.decode(packet))
        return tuple(came)

    def close(self, timeout_s: float = 2.0) -> None:
        """Tell the screens that the drive is over and end the server; safe to call twice.

        The loop is over by now, so this may wait: for the last word to find room, and for the end.
        """
        if self._alive:
            self._alive = False
            with contextlib.suppress(OSError):
                self._pair.settimeout(0.5)
                self._pair.send(END, socket.MSG_NOSIGNAL)
        try:
            # The pair closes after the server has gone: closing it with words of the server unread
            # would reset it, and the server would not read the END that lies in it.
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._pair.close()

    def _packet(self, kind: bytes, payload: bytes) -> bool:
        if not self._alive:
            return False
        try:
            self._pair.sendmsg([kind, payload], [], socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
        except OSError as error:
            if error.errno in (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN, errno.EBADF):
                self._alive = False
            self.dropped += 1
            return False
        return True


def screens_are_built(static: Path = STATIC) -> bool:
    """Whether there is a page to serve; a fresh checkout has none."""
    return (static / "cluster" / "index.html").is_file()


@dataclass(frozen=True, slots=True)
class Door:
    """Where browsers come in: it outlives its server, so they find the next one at the same address."""

    listener: socket.socket
    port: int
    wanted_port: int
    token: str

    @property
    def address(self) -> str:
        """What to open in a browser; holds the token."""
        return f"http://{LOOPBACK}:{self.port}/{self.token}/"


def open_door(port: int = DEFAULT_PORT) -> Door:
    """Listen on the first free port from `port` on (0: any), on loopback only.

    Raises:
        LinkError: no port near the wanted one is free.
    """
    listener, taken = listen_near(port)
    return Door(listener, taken, port or taken, secrets.token_urlsafe(24))


def spawn_cockpit(port: int = DEFAULT_PORT, *, replay: bool = False) -> CockpitLink:
    """Start the server at a door of its own.

    Raises:
        LinkError: no port near the wanted one is free, or the process cannot be started.
    """
    door = open_door(port)
    try:
        return spawn_cockpit_at(door, replay=replay)
    finally:
        door.listener.close()


def spawn_cockpit_at(door: Door, *, replay: bool = False) -> CockpitLink:
    """Start the server at a door that stays open here.

    Raises:
        LinkError: the process cannot be started.
    """
    listener = door.listener
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, PACKET_BYTES)
    command = [
        sys.executable, "-m", "volant.caros.cockpit",
        "--socket", str(theirs.fileno()), "--listen", str(listener.fileno()),
    ]  # fmt: skip
    try:
        process = subprocess.Popen(  # noqa: S603  (our own module, no word from outside)
            command,
            pass_fds=(theirs.fileno(), listener.fileno()),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        ours.close()
        raise LinkError(f"the cockpit server cannot be started: {error}") from error
    finally:
        theirs.close()
    link = CockpitLink(door.address, door.port, door.wanted_port, ours, process)
    hosts = tuple(f"{name}:{door.port}" for name in (LOOPBACK, "localhost"))
    start = CockpitStart(token=door.token, replay=replay, hosts=hosts)
    link._packet(START, msgspec.msgpack.encode(start))
    return link


def listen_near(port: int) -> tuple[socket.socket, int]:
    """A socket that listens on loopback at the first free port from `port` on (0: any), and that port.

    Raises:
        LinkError: no port near the wanted one is free.
    """
    last: OSError | None = None
    for candidate in range(port, min(port + PORT_TRIES, 65_536)) if port else (0,):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, candidate))
            listener.listen(64)
        except OSError as error:
            listener.close()
            last = error
            continue
        return listener, listener.getsockname()[1]
    raise LinkError(f"no free port from {port} on: {last}")
