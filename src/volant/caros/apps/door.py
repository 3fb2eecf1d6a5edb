"""Where the apps' sockets end: the process of the signal tree serves them in its asyncio loop.

The host of the apps hands each socket over with the app's name and rights; when this process is started anew
it says so, and is handed them again. Nobody else can reach the channel, so what it says is believed.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from typing import Final

import msgspec

from volant.caros.apps.page_door import PageDoor
from volant.caros.apps.session import PACKET_MOST_BYTES, AppSession
from volant.caros.apps.words import (
    AGAIN,
    WORD_MOST_BYTES,
    Begin,
    Card,
    Gone,
    Handed,
    Moving,
    PageHanded,
    ToDoor,
    say,
)
from volant.caros.signals.rights import Rights, parse_scope
from volant.caros.signals.store import SignalStore
from volant.caros.signals.values import SignalError
from volant.caros.viss.history import History

AT_ONCE: Final = 32
"""Packets of one app taken before the others have their turn."""


class SignalDoor:
    """All apps' sockets in one asyncio loop."""

    def __init__(
        self, store: SignalStore, channel: socket.socket, history: History | None = None
    ) -> None:
        """`open` begins; the channel stays the caller's. `history` is what pages may ask for."""
        self._store, self._channel = store, channel
        self._apps: dict[str, _Line] = {}
        self._pages = PageDoor(store, history or History(store), self._show)
        self._decode = msgspec.msgpack.Decoder(ToDoor).decode

    @property
    def apps(self) -> tuple[str, ...]:
        """Who is connected."""
        return tuple(self._apps)

    def open(self) -> None:
        """Serve from now on, in the loop that runs, and let the host hand over what runs already."""
        self._channel.setblocking(False)
        asyncio.get_running_loop().add_reader(self._channel, self._take)
        with contextlib.suppress(OSError):
            self._channel.send(AGAIN, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)

    def close(self) -> None:
        """Serve no more."""
        asyncio.get_running_loop().remove_reader(self._channel)
        for app in tuple(self._apps):
            self._drop(app)
        self._pages.close()

    def _show(self, card: Card) -> None:
        say(self._channel, card)

    def _take(self) -> None:
        """One word of the host."""
        try:
            packet, descriptors, _, _ = socket.recv_fds(self._channel, WORD_MOST_BYTES, 1)
        except BlockingIOError:
            return
        except OSError:
            packet, descriptors = b"", []
        if not packet:  # the host is gone, and so are the apps
            asyncio.get_running_loop().remove_reader(self._channel)
            return
        end = socket.socket(fileno=descriptors[0]) if descriptors else None
        try:
            self._heard(self._decode(packet), end)
        except (msgspec.MsgspecError, SignalError):
            if end is not None:
                end.close()

    def _heard(self, word: ToDoor, end: socket.socket | None) -> None:
        match word:
            case Handed() if end is not None:
                rights = parse_scope(word.scope)
                self._drop(word.app)
                line = self._apps[word.app] = _Line(self._store, word.app, rights, end)
                line.open()
            case PageHanded() if end is not None:
                self._pages.open(word, end)
            case Gone(page=True):
                self._pages.drop(word.app)
            case Gone():
                self._drop(word.app)
            case Moving():
                self._pages.move(word.moving)
            case Begin():
                for app in tuple(self._apps):
                    self._drop(app)
                for app in self._pages.pages:
                    self._pages.drop(app)

    def _drop(self, app: str) -> None:
        line = self._apps.pop(app, None)
        if line is not None:
            line.close()


class _Line:
    """One app's socket in the loop."""

    def __init__(self, store: SignalStore, app: str, rights: Rights, end: socket.socket) -> None:
        self.session = AppSession(store, app, rights, self.wake)
        self._end = end
        self._loop = asyncio.get_running_loop()
        self._writing = self._closed = self._planned = False

    def open(self) -> None:
        self._end.setblocking(False)
        self._loop.add_reader(self._end, self._read)
        self._write()

    def close(self) -> None:
        self.session.close()
        if not self._closed:
            self._closed = True
            self._loop.remove_reader(self._end)
            self._loop.remove_writer(self._end)
            self._end.close()

    def wake(self) -> None:
        """Something waits to be sent: do it when the loop has its turn, so that changes come together."""
        if not self._planned and not self._writing and not self._closed:
            self._planned = True
            self._loop.call_soon(self._write)

    def _read(self) -> None:
        for _ in range(AT_ONCE):
            if self._closed or not self.session.listens:
                break
            wait_s = self.session.wait_s(time.monotonic_ns())
            if wait_s > 0.0:
                self._loop.remove_reader(self._end)
                self._loop.call_later(wait_s, self._listen)
                return
            try:
                packet = self._end.recv(PACKET_MOST_BYTES + 1)
            except BlockingIOError:
                return
            except OSError:
                packet = b""
            if packet:
                self.session.hear(packet, time.time_ns())
            if not packet or self.session.lost:
                self.close()
                return
        if not self.session.listens:
            self._loop.remove_reader(self._end)

    def _listen(self) -> None:
        if not self._closed and self.session.listens:
            self._loop.add_reader(self._end, self._read)

    def _write(self) -> None:
        self._planned = False
        if self._closed:
            return
        while (packet := self.session.next_packet()) is not None:
            try:
                self._end.send(packet, socket.MSG_NOSIGNAL)
            except BlockingIOError:
                self.session.put_back(packet)
                if not self._writing:
                    self._writing = True
                    self._loop.add_writer(self._end, self._write)
                return
            except OSError:
                self.close()
                return
        if self._writing:
            self._writing = False
            self._loop.remove_writer(self._end)
        self._listen()
