"""Pages of apps that are really served, for tests: a signal tree in a thread, and the host's side here."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import msgspec

from tests.caros.apps.packages import KEY
from volant.app.signal_files import own_catalogue
from volant.caros.apps.door import SignalDoor
from volant.caros.apps.package import open_package, pack
from volant.caros.apps.pages import Page, Pages
from volant.caros.apps.store import AppStore
from volant.caros.apps.words import AGAIN, Card
from volant.caros.signals.rights import Rights
from volant.caros.signals.store import Datapoint, SignalStore
from volant.caros.signals.values import Code, SignalError
from volant.caros.viss.history import History
from volant.core.messages import PowerState
from volant.wire.vss import Value

WAIT_S = 30.0
FLAP = "Vehicle.Powertrain.TractionBattery.Charging.ChargingPort.AnyPosition.IsFlapOpen"  # refused here
ROOT = Path(__file__).resolve().parents[3]


def manifest(app: str, signals: tuple[str, ...], while_moving: str) -> bytes:
    rights = ", ".join(f'"{one}"' for one in signals)
    return (
        f'id = "{app}"\nname = "Page of {app}"\nversion = "1.0.0"\npage = "page/index.html"\n'
        f'signals = [{rights}]\nwhile_moving = "{while_moving}"\n'
    ).encode()


class PagedCar:
    """A car with signals, and apps with pages; `with` starts and ends it."""

    def __init__(self, folder: Path) -> None:
        self.apps = AppStore(folder)
        self.apps.change_trust(lambda trust: trust.with_key(KEY.public, "tests"))
        self.moved: list[tuple[str, str, Value]] = []
        """Who asked for what, and was granted."""
        self.cards: list[Card] = []
        self.store = SignalStore(own_catalogue())
        self.history = History(self.store)
        self.channel, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.channel.setblocking(False)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._moving: bool | None = False
        self._who = ""

    def __enter__(self) -> Self:
        self._thread.start()
        self.call(self._start)
        self.pages = Pages(self.channel)
        return self

    def __exit__(self, *_: object) -> None:
        self.pages.close()
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(WAIT_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WAIT_S)
        self._loop.close()
        self.channel.close()
        self._theirs.close()

    def call(self, what: Callable[..., Any], *given: Any) -> Any:
        """Do something in the loop of the signals."""

        async def do() -> Any:
            return what(*given)

        return asyncio.run_coroutine_threadsafe(do(), self._loop).result(WAIT_S)

    async def _end(self) -> None:
        self.door.close()
        if rest := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(rest, timeout=WAIT_S)

    def _start(self) -> None:
        everything = Rights.all()
        moved = [leaf.id for leaf in self.store.catalogue if leaf.kind == "actuator"]
        self.store.claim("car", moved, "actuation", everything, self._move)
        self.store.arbiter = self._decide
        self.door = SignalDoor(self.store, self._theirs, self.history)
        self.door.open()

    def _decide(self, who: str, wanted: Mapping[str, Value]) -> SignalError | None:
        self._who = who
        if FLAP in wanted:
            return SignalError(Code.REFUSED, FLAP, "the charging flap opens when parked only")
        return None

    def _move(self, batch: Mapping[int, Value]) -> None:
        for leaf, value in batch.items():
            self.moved.append((self._who, self.store.leaf(leaf).path, value))
            self.store.publish(Rights.all(), {leaf: Datapoint(value, time.time_ns())})

    def say(self, **values: Value) -> None:
        """Values of signals below `Vehicle`, with `__` for dots; what was is noted."""
        points = {
            self.store.leaf("Vehicle." + name.replace("__", ".")).id: Datapoint(
                value, time.time_ns()
            )
            for name, value in values.items()
        }
        self.call(self.store.publish, Rights.all(), points)
        self.call(self.history.note)

    def install(
        self,
        files: dict[str, bytes],
        app: str = "org.example.page",
        signals: tuple[str, ...] = ("read:Vehicle.Speed",),
        while_moving: str = "nothing",
    ) -> Page:
        """An app of a page's files."""
        content = {f"page/{name}": data for name, data in files.items()}
        content["app.toml"] = manifest(app, signals, while_moving)
        return self._installed(pack(content, KEY))

    def install_folder(self, folder: Path) -> Page:
        """An app of a folder."""
        files = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }
        return self._installed(pack(files, KEY))

    def _installed(self, data: bytes) -> Page:
        row = self.apps.install(open_package(data))
        self.sync()
        page = self.pages.get(row.id)
        assert page is not None
        return page

    def sync(self, power: PowerState = PowerState.READY) -> None:
        """What the host does when the store or the power state has changed."""
        wanted = {
            row.id: (row, self.apps.manifest(row), self.apps.files(row))
            for row in self.apps.rows()
            if row.enabled
        }
        self.pages.sync(wanted, power)
        self.turn()

    def move(self, moving: bool | None) -> None:
        self._moving = moving
        self.turn()

    def turn(self) -> None:
        """One turn of the host: what moves is said, cards are taken in."""
        self.pages.move(self._moving)
        while True:
            try:
                packet = self.channel.recv(4096)
            except BlockingIOError:
                return
            if packet != AGAIN:
                card = msgspec.msgpack.decode(packet, type=Card)
                self.cards.append(card)
                self.pages.show(card)

    def until(
        self, true: Callable[[], Any], what: str, rest: Callable[[], None] | None = None
    ) -> Any:
        """Turn until something is so."""
        end_s = time.monotonic() + WAIT_S
        while not (found := true()):
            assert time.monotonic() < end_s, what
            self.turn()
            if rest is None:
                time.sleep(0.02)
            else:
                rest()
        return found
