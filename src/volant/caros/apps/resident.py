"""One app on its host: what it asks besides signals, and what it has: a shelf, a log, a card, callers."""

from __future__ import annotations

import contextlib
import os
import socket
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from volant.caros.apps import calls
from volant.caros.apps.launch import Running
from volant.caros.apps.manifest import Manifest
from volant.caros.apps.session import number_of
from volant.caros.apps.shelf import CHUNK_BYTES, AppLog, Shelf
from volant.caros.apps.store import AppRow
from volant.caros.apps.words import Lines, Title
from volant.caros.supervise import ProcessRow
from volant.core.errors import InputError, RefusedError

PACKET_MOST_BYTES: Final = 128 * 1024
PACKETS_AT_ONCE: Final = 16
OUTPUT_AT_ONCE: Final = 64 * 1024
CALLS_MOST: Final = 4


class _Word(msgspec.Struct, frozen=True, tag_field="op"):
    id: Annotated[int, Meta(ge=0, lt=1 << 53)] = 0


class Hello(_Word, frozen=True, tag="hello"):
    """The app is ready."""


class Beat(_Word, frozen=True, tag="beat"):
    """The app is well."""


class Keep(_Word, frozen=True, kw_only=True, tag="keep"):
    """Keep bytes."""

    name: str
    data: Annotated[bytes, Meta(max_length=CHUNK_BYTES)]
    append: bool = False


class Kept(_Word, frozen=True, kw_only=True, tag="kept"):
    """Give back bytes."""

    name: str
    offset: Annotated[int, Meta(ge=0)] = 0


class Names(_Word, frozen=True, tag="names"):
    """What is kept."""


class Drop(_Word, frozen=True, kw_only=True, tag="drop"):
    """Keep no longer."""

    name: str


class Show(_Word, frozen=True, kw_only=True, tag="show"):
    """Show a card."""

    title: Title
    lines: Lines


class Connect(_Word, frozen=True, kw_only=True, tag="connect"):
    """Call a host."""

    host: Annotated[str, Meta(max_length=253)]
    port: Annotated[int, Meta(ge=1, le=65535)]


_DECODE: Final = msgspec.msgpack.Decoder(
    Hello | Beat | Keep | Kept | Names | Drop | Show | Connect
).decode
_ENCODE: Final = msgspec.msgpack.Encoder().encode


@dataclass(slots=True)
class Resident:
    """An app that its host knows, running or not."""

    row: AppRow
    manifest: Manifest
    process: ProcessRow
    """It as the supervisor sees it."""
    shelf: Shelf
    log: AppLog
    running: Running | None = None
    greeted: bool = False
    """It has said that it is ready."""
    card: tuple[str, ...] = ()
    """Title and lines that it shows."""
    callers: list[int] = field(default_factory=list)

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What its host listens to."""
        found = self.running
        return () if found is None else (found.pidfd, found.host.fileno(), found.output)

    def send(self, message: dict[str, Any]) -> None:
        """Say something to the app; one that does not listen loses it."""
        if self.running is not None:
            with contextlib.suppress(OSError):
                at_once = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL
                self.running.host.send(_ENCODE(message), at_once)

    def take_output(self) -> bool:
        """Put what it has printed into its log; false at the end."""
        assert self.running is not None
        try:
            data = os.read(self.running.output, OUTPUT_AT_ONCE)
        except BlockingIOError:
            return True
        except OSError:
            data = b""
        self.log.add(data)
        return bool(data)

    def next_word(self) -> Any:
        """The next thing that it says; None: nothing waits. What is none is answered and left out.

        Raises:
            ConnectionError: it has closed its end.
        """
        assert self.running is not None
        for _ in range(PACKETS_AT_ONCE):
            try:
                packet = self.running.host.recv(PACKET_MOST_BYTES + 1, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return None
            except OSError:
                packet = b""
            if not packet:
                raise ConnectionError(f"{self.row.id} has closed its end")
            try:
                return _DECODE(packet)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                self._refuse(number_of(packet), "invalid_argument", str(error)[:200])
        return None

    def answer(self, word: Any, *, moving: bool | None) -> None:
        """Do what it asks, and say what came of it."""
        try:
            answer = self._done(word, moving)
        except InputError as error:
            self._refuse(word.id, "invalid_argument", str(error))
        except (RefusedError, OSError) as error:
            self._refuse(word.id, "refused", str(error))
        else:
            if answer is not None:
                self.send({"id": word.id, **answer})

    def close(self) -> None:
        """Let go of all after its end."""
        for caller in self.callers:
            with contextlib.suppress(OSError):
                os.kill(caller, 9)
                os.waitpid(caller, 0)
        self.callers = []
        if self.running is not None:
            self.running.close()
        self.running, self.card = None, ()

    def _done(self, word: Any, moving: bool | None) -> dict[str, Any] | None:
        match word:
            case Keep():
                self.shelf.keep(word.name, word.data, append=word.append)
            case Kept():
                size, data = self.shelf.read(word.name, word.offset)
                return {"size": size, "data": data}
            case Names():
                return {"names": self.shelf.sizes()}
            case Drop():
                self.shelf.drop(word.name)
            case Show():
                if moving is not False and self.manifest.while_moving == "nothing":
                    raise RefusedError("its manifest says that it shows nothing while moving")
                self.card = (word.title, *word.lines)
            case Connect():
                self._call(word)
                return None
        return {}

    def _call(self, word: Connect) -> None:
        assert self.running is not None
        if f"{word.host}:{word.port}" not in self.manifest.budget.hosts:
            raise RefusedError(f"its manifest does not name {word.host[:100]}:{word.port}")
        self.callers = [pid for pid in self.callers if not os.waitpid(pid, os.WNOHANG)[0]]
        if len(self.callers) >= CALLS_MOST:
            raise RefusedError(f"{CALLS_MOST} calls at once, at most")
        self.callers.append(calls.call(word.host, word.port, word.id, self.running.host))

    def _refuse(self, number: int, code: str, words: str) -> None:
        self.send({"id": number, "errors": {"": (code, words)}})
