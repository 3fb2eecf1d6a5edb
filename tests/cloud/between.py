"""What may go wrong on the way to a server: a listener between, which passes bytes on, holds them, refuses or cuts."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

BLOCK_BYTES: Final = 64 * 1024
Cut = Callable[[bytes], bool]


def never(_: bytes) -> bool:
    """Cut nothing."""
    return False


@dataclass
class Between:
    """Listens at a port of its own, and passes on to another what comes, as long as it is let."""

    to_port: int
    listener: socket.socket = field(
        default_factory=lambda: socket.create_server(("127.0.0.1", 0), backlog=256)
    )
    cut_asked: Cut = never
    """Asked of all that goes to the server: whether the connection ends when it has passed."""
    cut_said: Cut = never
    """Asked of all that comes back: whether the connection ends before it has passed."""
    refuses: bool = False
    cuts: int = 0
    goes_on: threading.Event = field(default_factory=threading.Event)
    _links: list[socket.socket] = field(default_factory=list)
    _running: list[threading.Thread] = field(default_factory=list)

    @property
    def port(self) -> int:
        """Where to connect."""
        return int(self.listener.getsockname()[1])

    def hold(self) -> None:
        """Pass on nothing more, as a network that is gone without a word."""
        self.goes_on.clear()

    def go_on(self) -> None:
        """Pass on again."""
        self.goes_on.set()

    def end_all(self) -> None:
        """End what is open."""
        for one in self._links:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End all, and let go of it."""
        self.go_on()
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.end_all()
        for thread in self._running:
            thread.join(10.0)
        for one in self._links:
            one.close()

    def listen(self) -> None:
        """Take connections until the listener is closed."""
        with suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                self._links.append(near)
                if self.refuses:
                    near.shutdown(socket.SHUT_RDWR)
                    continue
                self._join(near)

    def _join(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection(("127.0.0.1", self.to_port))
        except OSError:
            near.shutdown(socket.SHUT_RDWR)
            return
        self._links.append(far)
        for one, other, asks in ((near, far, True), (far, near, False)):
            self._running.append(
                threading.Thread(target=self._pass, args=(one, other, asks), daemon=True)
            )
            self._running[-1].start()

    def _pass(self, one: socket.socket, other: socket.socket, asks: bool) -> None:
        with suppress(OSError):
            while data := one.recv(BLOCK_BYTES):
                self.goes_on.wait()
                if not asks and self.cut_said(data):
                    self.cuts += 1
                    break
                other.sendall(data)
                if asks and self.cut_asked(data):
                    self.cuts += 1
                    one.shutdown(socket.SHUT_RDWR)  # what the server answers reaches nobody
                    return
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextmanager
def between(to_port: int) -> Iterator[Between]:
    """Stand between whoever connects and a port."""
    found = Between(to_port)
    found.go_on()
    running = threading.Thread(target=found.listen, daemon=True)
    running.start()
    try:
        yield found
    finally:
        found.close()
        running.join(10.0)
