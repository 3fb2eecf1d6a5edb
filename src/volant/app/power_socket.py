"""Where a person on this machine asks the live car to wake, sleep or drive: a socket of its owner's alone.

One packet asks, one answers, both JSON. The supervisor looks at it between two turns and never waits for anybody:
who says nothing is hung up on, and more than a few at once are not heard.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

import msgspec

from volant.app.folders import runtime_folder
from volant.caros.power import Wish
from volant.core.errors import InputError, LinkError
from volant.core.messages import PowerState

CALLERS_MOST: Final = 8
PATIENCE_S: Final = 2.0
ANSWER_BYTES: Final = 65536
ASK_BYTES: Final = 256


class PowerAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The car's power state in the answer of `volant up` and of `volant power`."""

    state: PowerState
    goal: PowerState
    """Where it wants to be."""
    to: PowerState | None
    """Where it is about to go; null: it stays."""
    for_s: float
    """In this state."""
    supply_v: float
    supply_pct: float
    """Charge of the 12 V battery."""
    supply_low: bool
    busy: dict[str, str]
    """Processes that have something in hand, and what."""
    late: tuple[str, ...]
    """Changes that did not wait for somebody any longer, newest last; at most eight."""


class PowerWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked."""

    wish: Wish | None = None
    """None: only to see."""


class PowerReply(msgspec.Struct, frozen=True, kw_only=True):
    """What is answered."""

    taken: bool
    words: str
    """Why it was not taken."""
    power: PowerAnswer


Take = Callable[[Wish | None], PowerReply]


class PowerDoor:
    """The socket of one live car; `turn` serves whoever has come."""

    def __init__(self, path: Path | None = None) -> None:
        """Listen at a path, by default at one that `find_car` finds.

        Raises:
            InputError: there cannot be a socket.
        """
        self.path = path or door_of(os.getpid())
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

    def turn(self, take: Take) -> None:
        """Answer all who have asked by now."""
        while len(self._callers) < CALLERS_MOST:
            try:
                caller, _ = self.listener.accept()
            except OSError:
                break
            caller.setblocking(False)
            self._callers.append((caller, time.monotonic()))
        self._callers = [one for one in self._callers if not _served(*one, take)]


def _served(caller: socket.socket, since_s: float, take: Take) -> bool:
    """Whether this one is done with."""
    try:
        packet = caller.recv(ASK_BYTES)
    except BlockingIOError:
        if time.monotonic() - since_s < PATIENCE_S:
            return False
        packet = b""
    except OSError:
        packet = b""
    with contextlib.suppress(OSError, msgspec.MsgspecError), caller:
        if packet:
            reply = take(msgspec.json.decode(packet, type=PowerWish).wish)
            caller.send(msgspec.json.encode(reply), socket.MSG_NOSIGNAL)
    return True


def ask_car(path: Path, asked: Wish | None, timeout_s: float = 5.0) -> PowerReply:
    """Ask a live car.

    Raises:
        LinkError: nobody answers there.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as line:
            line.settimeout(timeout_s)
            line.connect(str(path))
            line.send(msgspec.json.encode(PowerWish(wish=asked)))
            return msgspec.json.decode(line.recv(ANSWER_BYTES), type=PowerReply)
    except (OSError, msgspec.MsgspecError) as error:
        raise LinkError(f"no live car answers at {path}: {error}") from error


def find_car(given: Path | None) -> Path:
    """The socket of a live car: as given, by its number or its file, or the only one that runs here.

    Raises:
        InputError: the file names none.
        LinkError: none runs here, or several do.
    """
    if given is not None and str(given).isdecimal():
        numbered = runtime_folder() / f"power-{given}.sock"
        if not numbered.is_socket():
            raise LinkError(f"there is no live car {given}; `volant live` lists them")
        return numbered
    if given is not None:
        return given if given.is_socket() else _named_in(given)
    found = sorted(path for path in runtime_folder().glob("power-*.sock") if _lives(path))
    if len(found) == 1:
        return found[0]
    many = ", ".join(path.stem.rpartition("-")[2] for path in found)
    raise LinkError(
        f"several live cars run here, take --car: {many}" if found else "no live car runs here"
    )


def door_of(process: int) -> Path:
    """Where the live car with this supervisor listens, if it does.

    Raises:
        InputError: there is no folder for it.
    """
    return runtime_folder() / f"power-{process}.sock"


def _named_in(file: Path) -> Path:
    try:
        found = msgspec.json.decode(file.read_bytes(), type=dict[str, object]).get("power_socket")
    except (OSError, msgspec.MsgspecError) as error:
        raise InputError(f"no file of `volant up`: {error}", file=str(file)) from error
    if not isinstance(found, str) or not found:
        raise InputError("names no socket; expected a file of `volant up`", file=str(file))
    return Path(found)


def _lives(path: Path) -> bool:
    """Whether somebody listens; what a killed car left behind is nobody."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as line:
        line.settimeout(1.0)
        return line.connect_ex(str(path)) == 0
