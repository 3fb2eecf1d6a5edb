"""What the host of the apps and whoever serves their signals say to each other, over one channel of packets.

Nobody else can reach the channel, so what comes over it is believed.
"""

from __future__ import annotations

import array
import contextlib
import socket
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

WORD_MOST_BYTES: Final = 192 * 1024
AGAIN: Final = b"again"
"""What who serves the signals says when it begins."""
LINES_MOST: Final = 2
PLAIN: Final = r"^[^\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]*\Z"
"""Neither control characters nor marks that turn the reading direction: a card cannot disguise its words."""
Title = Annotated[str, Meta(max_length=40, pattern=PLAIN)]
Lines = Annotated[
    tuple[Annotated[str, Meta(max_length=60, pattern=PLAIN)], ...], Meta(max_length=LINES_MOST)
]


class Handed(msgspec.Struct, frozen=True, kw_only=True, tag="app"):
    """An app comes, with its socket."""

    app: str
    scope: str


class PageHanded(msgspec.Struct, frozen=True, kw_only=True, tag="page"):
    """A page of an app comes, with the socket on which it is served."""

    app: str
    name: str
    scope: str
    folder: str
    """Of the files that browsers may have."""
    page: str
    """Its HTML file there."""
    while_moving: Literal["nothing", "card"]
    key: str
    """Of its address."""


class Gone(msgspec.Struct, frozen=True, kw_only=True, tag="gone"):
    """An app, or its page, goes."""

    app: str
    page: bool = False


class Moving(msgspec.Struct, frozen=True, kw_only=True, tag="moving"):
    """The car moves, stands, or nobody knows; said again and again."""

    moving: bool | None


class Begin(msgspec.Struct, frozen=True, kw_only=True, tag="begin"):
    """The host begins: whatever came before is gone."""


class Card(msgspec.Struct, frozen=True, kw_only=True, tag="card"):
    """A page of an app shows a card; an empty title: none any more. The only word that goes to the host."""

    app: str
    title: Title
    lines: Lines = ()


ToDoor = Handed | PageHanded | Gone | Moving | Begin
_ENCODE: Final = msgspec.msgpack.Encoder().encode


def say(channel: socket.socket, word: ToDoor | Card, end: socket.socket | None = None) -> None:
    """Say a word, with a socket that goes along; who is not there does not hear it."""
    rights = []
    if end is not None:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [end.fileno()]))]
    with contextlib.suppress(OSError):
        channel.sendmsg([_ENCODE(word)], rights, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)


def hand_over(channel: socket.socket, app: str, scope: str, end: socket.socket) -> None:
    """Give an app's socket to whoever serves the signals; nobody there: it asks when it begins."""
    say(channel, Handed(app=app, scope=scope), end)


def tell_gone(channel: socket.socket, app: str) -> None:
    """An app has ended: what it holds is let go of."""
    say(channel, Gone(app=app))
