"""Where a person on this machine asks the live car to wake, sleep or drive: the supervisor's `PacketDoor`, in JSON."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable
from pathlib import Path

import msgspec

from volant.app.folders import runtime_folder
from volant.app.packet_door import PacketDoor, ask_door
from volant.caros.power import Wish
from volant.core.errors import InputError, LinkError
from volant.core.messages import PowerState


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


class PowerDoor(PacketDoor):
    """The socket of one live car; `turn` serves whoever has come."""

    def __init__(self, path: Path | None = None) -> None:
        """Listen at a path, by default at one that `find_car` finds.

        Raises:
            InputError: there cannot be a socket.
        """
        super().__init__(path or door_of(os.getpid()))

    def turn(self, take: Take) -> None:
        """Answer all who have asked by now."""

        def answer(packet: bytes) -> bytes | None:
            with contextlib.suppress(msgspec.MsgspecError):
                return msgspec.json.encode(take(msgspec.json.decode(packet, type=PowerWish).wish))
            return None

        self.serve(answer)


def ask_car(path: Path, asked: Wish | None, timeout_s: float = 5.0) -> PowerReply:
    """Ask a live car.

    Raises:
        LinkError: nobody answers there.
    """
    said = ask_door(path, msgspec.json.encode(PowerWish(wish=asked)), timeout_s)
    try:
        return msgspec.json.decode(said, type=PowerReply)
    except msgspec.MsgspecError as error:
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
