"""The host's side of apps' pages: which are served now, at which address, and the cards that they show.

A page is served while its app is installed and enabled and the car is in a power state of its manifest. Its
socket and its key are made here, so the address holds while whoever serves it dies and comes back.
"""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from volant.caros.apps.manifest import Manifest
from volant.caros.apps.store import AppRow
from volant.caros.apps.words import Begin, Card, Gone, Moving, PageHanded, say
from volant.caros.cockpit.launch import LOOPBACK, listen_near
from volant.core.errors import LinkError
from volant.core.messages import PowerState

MOVING_S: Final = 0.5
"""Whether the car moves is said again so often."""


@dataclass(slots=True)
class Page:
    """One page that is served."""

    digest: str
    """Of the installed version."""
    word: PageHanded
    listener: socket.socket
    port: int
    card: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """What to open in a browser; holds the key."""
        return f"http://{LOOPBACK}:{self.port}/{self.word.key}/"


class Pages:
    """All pages of a host."""

    def __init__(self, channel: socket.socket) -> None:
        """`channel` leads to who serves them."""
        self._channel = channel
        self._pages: dict[str, Page] = {}
        self._moving: bool | None = None
        self._said_s = 0.0
        say(channel, Begin())

    def get(self, app: str) -> Page | None:
        """The page of an app, if it is served now."""
        return self._pages.get(app)

    def sync(self, wanted: Mapping[str, tuple[AppRow, Manifest, Path]], power: PowerState) -> None:
        """Let come and go what has changed: `wanted` are enabled apps, with the folders of their files."""
        serve = {
            name: (row, manifest, files)
            for name, (row, manifest, files) in wanted.items()
            if manifest.page and power.value in manifest.states
        }
        for name, page in tuple(self._pages.items()):
            if name not in serve or serve[name][0].digest != page.digest:
                self._close(name)
        for name, (row, manifest, files) in serve.items():
            if name not in self._pages:
                self._open(name, row, manifest, files)

    def move(self, moving: bool | None) -> None:
        """Pass on whether the car moves, when it is news and now and then."""
        now_s = time.monotonic()
        if moving != self._moving or now_s - self._said_s >= MOVING_S:
            self._moving, self._said_s = moving, now_s
            say(self._channel, Moving(moving=moving))

    def again(self) -> None:
        """Whoever serves the pages has begun anew: hand over all."""
        for page in self._pages.values():
            page.card = ()
            say(self._channel, page.word, page.listener)
        self._said_s = 0.0

    def show(self, card: Card) -> None:
        """A page shows a card."""
        page = self._pages.get(card.app)
        if page is not None:
            page.card = (card.title, *card.lines) if card.title else ()

    def close(self) -> None:
        """Serve none any more."""
        for name in tuple(self._pages):
            self._close(name)

    def _open(self, name: str, row: AppRow, manifest: Manifest, files: Path) -> None:
        try:
            listener, port = listen_near(0)
        except LinkError:  # no port is free now; it is asked for again
            return
        folder, _, page = manifest.page.rpartition("/")
        word = PageHanded(
            app=name,
            name=manifest.name,
            scope=manifest.scope,
            folder=str(files / folder),
            page=page,
            while_moving=manifest.while_moving,
            key=secrets.token_urlsafe(24),
        )
        self._pages[name] = Page(row.digest, word, listener, port)
        say(self._channel, word, listener)
        self._said_s = 0.0

    def _close(self, name: str) -> None:
        page = self._pages.pop(name)
        say(self._channel, Gone(app=name, page=True))
        page.listener.close()
