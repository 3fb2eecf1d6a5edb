"""The pages of all apps in the asyncio loop of who serves the signals: they come, are covered, and go."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import Callable
from typing import Final

from volant.caros.apps.page_server import PageServer, listener_port
from volant.caros.apps.words import Card, PageHanded
from volant.caros.signals.store import SignalStore
from volant.caros.signals.values import SignalError
from volant.caros.viss.history import History
from volant.caros.viss.server import serve_asgi

SILENT_S: Final = 2.5
"""Not having heard for so long whether the car moves counts as moving."""
LOOK_S: Final = 0.5
_log = logging.getLogger(__name__)


class PageDoor:
    """Which pages are served."""

    def __init__(self, store: SignalStore, history: History, show: Callable[[Card], None]) -> None:
        """`show` is called with each card that a page shows."""
        self._store, self._history, self._show = store, history, show
        self._pages: dict[str, tuple[PageServer, asyncio.Future[None]]] = {}
        self._moving: bool | None = None
        self._heard_s = 0.0
        self._looking: asyncio.Future[None] | None = None

    @property
    def pages(self) -> tuple[str, ...]:
        """Apps whose pages are served."""
        return tuple(self._pages)

    def open(self, word: PageHanded, listener: socket.socket) -> None:
        """Serve a page; of one that was there before nothing is left."""
        self.drop(word.app)
        try:
            page = PageServer(word, listener_port(listener), self._store, self._history, self._show)
        except (SignalError, RuntimeError) as error:  # the folder is gone
            _log.warning("page_refused app=%s reason=%s", word.app, error)
            listener.close()
            return
        page.move(self._moving)
        serving = asyncio.ensure_future(serve_asgi(page, listener))
        serving.add_done_callback(lambda _: listener.close())
        self._pages[word.app] = page, serving
        if self._looking is None:
            self._looking = asyncio.ensure_future(self._look())

    def drop(self, app: str) -> None:
        """Serve an app's page no more."""
        found = self._pages.pop(app, None)
        if found is not None:
            page, serving = found
            page.close()
            serving.cancel()

    def move(self, moving: bool | None) -> None:
        """The host has said whether the car moves."""
        self._heard_s = time.monotonic()
        self._tell(moving)

    def close(self) -> None:
        """Serve no page any more."""
        for app in tuple(self._pages):
            self.drop(app)
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None

    async def _look(self) -> None:
        """A host that has fallen silent does not leave an app uncovered."""
        with contextlib.suppress(asyncio.CancelledError):
            while True:
                await asyncio.sleep(LOOK_S)
                if time.monotonic() - self._heard_s > SILENT_S:
                    self._tell(None)

    def _tell(self, moving: bool | None) -> None:
        self._moving = moving
        for page, _ in self._pages.values():
            page.move(moving)
