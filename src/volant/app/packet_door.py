"""Where a person on this machine asks the live car: a socket of its owner's alone, one packet asks, one answers.

Whoever serves it looks between two turns and never waits for anybody: who says nothing is hung up on, and more than a
few at once are not heard.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

from volant.core.errors import InputError, LinkError

CALLERS_MOST: Final = 8
PATIENCE_S: Final = 2.0
ANSWER_BYTES: Final = 65536
ASK_BYTES: Final = 8192

Answer = Callable[[bytes], bytes | None]
"""What is answered to a packet; None: it is not understood."""


class PacketDoor:
    """The socket of one live car; `serve` serves whoever has come."""

    def __init__(self, path: Path) -> None:
        """Listen.

        Raises:
            InputError: there cannot be a socket.
        """
        self.path = path
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._callers: list[tuple[socket.socket, float]] = []
        try:
            self.path.unlink(missing_ok=True)
            self.listener.bind(str(self.path))
            self.path.chmod(0o600)
            self.listener.listen(CALLERS_MOST)
        except OSError as error:
            self.listener.close()
            raise InputError(f"no socket can be made: {error}", file=str(self.path)) from error
        self.listener.setblocking(False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for caller, _since in self._callers:
            caller.close()
        self.listener.close()
        self.path.unlink(missing_ok=True)

    def serve(self, answer: Answer) -> None:
        """Answer all who have asked by now."""
        while len(self._callers) < CALLERS_MOST:
            try:
                caller, _ = self.listener.accept()
            except OSError:
                break
            caller.setblocking(False)
            self._callers.append((caller, time.monotonic()))
        self._callers = [one for one in self._callers if not _served(*one, answer)]


def _served(caller: socket.socket, since_s: float, answer: Answer) -> bool:
    """Whether this one is done with."""
    try:
        packet = caller.recv(ASK_BYTES)
    except BlockingIOError:
        if time.monotonic() - since_s < PATIENCE_S:
            return False
        packet = b""
    except OSError:
        packet = b""
    with contextlib.suppress(OSError), caller:
        said = answer(packet) if packet else None
        if said is not None:
            caller.send(said, socket.MSG_NOSIGNAL)
    return True


def ask_door(path: Path, packet: bytes, timeout_s: float = 5.0) -> bytes:
    """Ask a live car; its answer.

    Raises:
        LinkError: nobody answers there.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as line:
            line.settimeout(timeout_s)
            line.connect(str(path))
            line.send(packet)
            said = line.recv(ANSWER_BYTES)
    except OSError as error:
        raise LinkError(f"no live car answers at {path}: {error}") from error
    if not said:
        raise LinkError(f"no live car answers at {path}: it hung up")
    return said
