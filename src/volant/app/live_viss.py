"""Where the live car serves VISS: made in the supervisor, so that the address outlives the process."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from typing import Final

from volant.caros.cockpit import listen_near
from volant.core.errors import InputError

MOST_ORIGINS: Final = 32
_ORIGIN: Final = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]{1,200}")


@dataclass(frozen=True, slots=True)
class VissWish:
    """What the command line asks of VISS; keys and certificates are the broker's."""

    port: int = 0
    """The first that is tried; 0: any."""
    origins: tuple[str, ...] = ()
    """Of pages that may use it."""


@dataclass(frozen=True, slots=True)
class VissDoor:
    """Where VISS is served; made once in the supervisor."""

    listener: socket.socket
    port: int
    origins: tuple[str, ...]


def open_viss(wish: VissWish) -> VissDoor:
    """Listen on loopback.

    Raises:
        InputError: an origin is none.
        LinkError: no port near the wanted one is free.
    """
    if len(wish.origins) > MOST_ORIGINS:
        raise InputError(f"{len(wish.origins)} origins, at most {MOST_ORIGINS}")
    for origin in wish.origins:
        if not _ORIGIN.fullmatch(origin):
            raise InputError(f"{origin!r} is no origin; one is http://127.0.0.1:8000")
    listener, port = listen_near(wish.port)
    return VissDoor(listener, port, wish.origins)
