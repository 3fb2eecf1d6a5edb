"""What a process says to its supervisor over the socket that it was handed: that it answers, and how it is."""

from __future__ import annotations

import contextlib
import socket
from typing import Final

import msgspec

PULSE_BYTES: Final = 4096
"""A longer word is not one of ours."""


class Pulse(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One heartbeat; the first one says that the process is ready."""

    ticks: int = 0
    """Steps so far."""
    late_p99_ms: float = 0.0
    """Of its loop, over the last seconds: how long after its time a tick began."""
    late_most_ms: float = 0.0
    """The worst since it started."""
    dropped: int = 0
    """Messages it could not hand over, because their reader was slow."""
    lost: int = 0
    """Events that were meant for it and did not arrive."""
    note: str = ""
    """A word for people, such as an address or a path."""
    busy: str = ""
    """What it has in hand and would end before the power state changes; empty: nothing."""
    more_s: float = 0.0
    """It asks for so much time for that, from now; 0: what a change of power grants to all will do."""


_ENCODE: Final = msgspec.msgpack.Encoder().encode
_DECODE: Final = msgspec.msgpack.Decoder(Pulse).decode


def send_pulse(pair: socket.socket, pulse: Pulse) -> None:
    """Say it without waiting; a supervisor that does not listen loses it."""
    with contextlib.suppress(OSError):
        pair.send(_ENCODE(pulse), socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)


def hear_pulses(pair: socket.socket) -> tuple[Pulse, ...]:
    """All that waits, oldest first, at most 64; never waits. What is no pulse is left out."""
    heard: list[Pulse] = []
    for _ in range(64):
        try:
            packet = pair.recv(PULSE_BYTES, socket.MSG_DONTWAIT)
        except OSError:
            break
        if not packet:
            break
        with contextlib.suppress(msgspec.DecodeError):
            heard.append(_DECODE(packet))
    return tuple(heard)
