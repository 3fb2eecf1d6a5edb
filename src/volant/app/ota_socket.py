"""Where `volant ota` asks the live car about its updates: the `PacketDoor` of the process `updates`, in JSON."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import msgspec

from volant.app.folders import runtime_folder
from volant.app.packet_door import PacketDoor, ask_door
from volant.app.power_socket import find_car
from volant.core.errors import LinkError
from volant.core.updates import OfferName, UpdateState, UpdateWish


class OtaWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked."""

    wish: UpdateWish | None = None
    """None: only to see."""
    offer: OfferName = ""
    """With `now` and `tonight`: `UpdateState.offer` as the person saw it."""
    usb: str = ""
    """With `check`: folder of a bundle to take instead of the repositories."""


class OtaReply(msgspec.Struct, frozen=True, kw_only=True):
    """What is answered."""

    taken: bool
    words: str
    """Why it was not taken."""
    state: UpdateState
    director: str
    """Why the director has not heard what the car runs; empty: it has."""


Take = Callable[[OtaWish], OtaReply]


class OtaDoor(PacketDoor):
    """The socket of one live car; `turn` serves whoever has come."""

    def __init__(self, supervisor: int) -> None:
        """Listen beside the socket of `volant power`; `supervisor` is the process of `volant up`.

        Raises:
            InputError: there cannot be a socket.
        """
        super().__init__(runtime_folder() / f"ota-{supervisor}.sock")

    def turn(self, take: Take) -> None:
        """Answer all who have asked by now."""

        def answer(packet: bytes) -> bytes | None:
            with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):
                return msgspec.json.encode(take(msgspec.json.decode(packet, type=OtaWish)))
            return None

        self.serve(answer)


def ask_updates(car: Path | None, asked: OtaWish, timeout_s: float = 5.0) -> OtaReply:
    """Ask a live car, as `power_socket.find_car` finds it.

    Raises:
        LinkError: nobody answers there.
        InputError: the file names none.
    """
    power = find_car(car)
    path = power.with_name("ota-" + power.name.removeprefix("power-"))
    said = ask_door(path, msgspec.json.encode(asked), timeout_s)
    try:
        return msgspec.json.decode(said, type=OtaReply)
    except msgspec.MsgspecError as error:
        raise LinkError(f"no live car answers at {path}: {error}") from error
