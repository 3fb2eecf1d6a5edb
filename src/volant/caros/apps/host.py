"""Keeps apps running: which of them shall run, in which power state, and what they ask of their host.

The decisions are those of `caros/supervise/machine.py`; the walls those of `isolation`. One app costs nobody
else: each has a socket, a group, a shelf and a log of its own, and what it sends is taken in small pieces.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec

from volant.caros.apps.isolation import groups
from volant.caros.apps.isolation.levels import Means, Offer, level_named
from volant.caros.apps.isolation.probe import all_may_enter
from volant.caros.apps.isolation.sandbox import Ask, Machine
from volant.caros.apps.launch import launch, threads_of_user
from volant.caros.apps.manifest import MANIFEST, Manifest
from volant.caros.apps.pages import Pages
from volant.caros.apps.resident import PACKETS_AT_ONCE, Beat, Hello, Resident
from volant.caros.apps.shelf import AppLog, Flash, Shelf
from volant.caros.apps.store import STATE, AppRow, AppStore
from volant.caros.apps.words import AGAIN, Card, hand_over, tell_gone
from volant.caros.flash import MB, DataClass, FlashSettings
from volant.caros.ledger import FlashLedger
from volant.caros.supervise import ProcessRow, ProcessTable
from volant.caros.supervise import machine as m
from volant.core.clock import NS_PER_S
from volant.core.errors import InputError, RefusedError
from volant.core.messages import AppCard, PowerState

GRACE_S: Final = 2.0
"""Between the word that an app shall end, and its end."""
READY_S: Final = 5.0
SILENT_S: Final = 10.0
BACKOFF_S: Final = 0.1
LOOK_EVERY_S: Final = 0.2
CARDS_MOST: Final = 8
CARDS_MOVING_MOST: Final = 2
"""While the car moves: no more than can be read at a glance."""
WORD_MOST_BYTES: Final = 2048
"""Of who serves the signals."""
_CARD: Final = msgspec.msgpack.Decoder(Card).decode


class AppStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How one app is."""

    id: str
    version: str
    phase: str
    """As of a process of the live car; `refused`: it cannot run here."""
    why: str = ""
    """It does not run."""
    pid: int | None = None
    """Of its sandbox."""
    starts: int = 0
    card: tuple[str, ...] = ()
    """Title and lines that it shows."""
    address: str = ""
    """Of its page, if it has one that is served now; holds the key."""


class AppHost:
    """Runs the apps of a store; `turn` does one round."""

    def __init__(
        self,
        store: AppStore,
        machine: Machine,
        offer: Offer,
        channel: socket.socket,
        *,
        power: PowerState = PowerState.DRIVING,
        ledger: FlashLedger | None = None,
        seed: int = 1,
    ) -> None:
        """Args:
        store: what is installed; looked at anew when it changes.
        machine: of `probe`.
        offer: of `probe`; what it lacks is not used.
        channel: to whoever serves the signals (`door.SignalDoor`).
        power: state of the car.
        ledger: of the car's flash; None: one beside the store.
        seed: of the jitter of restarts.
        """
        self._store, self._machine, self._offer, self._channel = store, machine, offer, channel
        self._state = m.begin(ProcessTable(process=()), seed, power)
        self._apps: dict[str, Resident] = {}
        self._refused: dict[str, AppStatus] = {}
        self._flash = Flash(ledger or FlashLedger(store.folder, FlashSettings()))
        self._events: list[m.Event] = []
        self._moving: bool | None = None
        self._pages = Pages(channel)
        self._looked: tuple[float, object] = (-1.0, None)
        self._wanted: dict[str, tuple[AppRow, Manifest]] = {}
        self._asks: dict[str, int] = {}
        self._poll = select.poll()
        self._named: dict[int, str] = {}
        channel.setblocking(False)
        self._poll.register(channel, select.POLLIN)
        groups.sweep()

    # --- for its owner ----------------------------------------------------------------------------

    def power(self, state: PowerState) -> None:
        """The car is in another power state, or still in this one."""
        if state is not self._state.power:
            self._events.append(m.Power(state))

    def move(self, *, moving: bool) -> None:
        """The car moves, or stands; apps are told, and what may not be shown any more is gone."""
        if moving == self._moving:
            return
        self._moving = moving
        for app in self._apps.values():
            if moving and app.manifest.while_moving == "nothing":
                app.card = ()
            app.send({"moving": moving})

    def status(self) -> tuple[AppStatus, ...]:
        """How each app is, those that cannot run too."""
        found = dict(self._refused)
        for name, (_, manifest) in self._wanted.items():
            found[name] = self._status_of(name, manifest)
        for name, app in self._apps.items():
            found[name] = self._status_of(name, app.manifest)
        return tuple(found[name] for name in sorted(found))

    def cards(self) -> tuple[AppCard, ...]:
        """What the driver's page shows of the apps now, some at most."""
        moves = self._moving is not False
        found: list[AppCard] = []
        for one in self.status():
            if one.id not in self._wanted or not (one.card or one.address):
                continue
            manifest = self._wanted[one.id][1]
            if moves and (manifest.while_moving == "nothing" or not one.card):
                continue
            title, *lines = one.card or ("",)
            found.append(
                AppCard(
                    app=one.id,
                    name=manifest.name,
                    title=title,
                    lines=tuple(lines),
                    address="" if moves else one.address,
                )
            )
        return tuple(found[: CARDS_MOVING_MOST if moves else CARDS_MOST])

    def _status_of(self, name: str, manifest: Manifest) -> AppStatus:
        page, app = self._pages.get(name), self._apps.get(name)
        card = () if page is None else page.card
        address = "" if page is None else page.address
        if app is None:  # nothing of it runs but its page
            phase = "waiting" if page is None else "ready"
            return AppStatus(
                id=name,
                version=manifest.version,
                phase=phase,
                why=self._waits(phase, manifest),
                card=card,
                address=address,
            )
        one = self._state.ones.get(name, m.One())
        return AppStatus(
            id=name,
            version=manifest.version,
            phase=one.phase.value,
            why=self._waits(one.phase.value, manifest),
            pid=None if app.running is None else app.running.pid,
            starts=one.starts,
            card=card or app.card,
            address=address,
        )

    def _waits(self, phase: str, manifest: Manifest) -> str:
        """For which power states it waits; empty: it does not, or for something else."""
        if phase != "waiting" or self._state.power.value in manifest.states:
            return ""
        return f"waits until the car is {' or '.join(manifest.states)}"

    def turn(self, timeout_s: float) -> tuple[m.Say, ...]:
        """One round: wait for news at most so long, hear, decide, act; gives what people should know."""
        self._look()
        self._pages.move(self._moving)
        now_ns = time.monotonic_ns()
        due_ns = m.next_ns(self._state, now_ns)
        wait_s = timeout_s if due_ns is None else min(timeout_s, (due_ns - now_ns) / NS_PER_S)
        if self._events:
            wait_s = 0.0
        for descriptor, _ in self._poll.poll(max(0.0, wait_s * 1e3)):
            self._hear(descriptor)
        events, self._events = self._events, []
        self._state, actions = m.step(self._state, events, time.monotonic_ns())
        for action in actions:
            self._act(action)
        return tuple(action for action in actions if isinstance(action, m.Say))

    def close(self, timeout_s: float = GRACE_S + 3.0) -> None:
        """End all apps, in peace if they will; safe to call twice."""
        self._wanted = {}
        self._pages.close()
        self._events.append(m.Stop())
        until_s = time.monotonic() + timeout_s
        self.turn(0.0)
        while not self._state.all_gone and time.monotonic() < until_s:
            self.turn(0.05)
        for app in self._apps.values():
            if app.running is not None:
                self._bury(app, wait=True)
        self._flash.close()

    # --- which apps -------------------------------------------------------------------------------

    def _look(self) -> None:
        """Look at the store now and then, and let come and go what has changed."""
        now_s = time.monotonic()
        if now_s - self._looked[0] >= LOOK_EVERY_S and not self._state.ending:
            stamp = _stamp(self._store)
            if stamp != self._looked[1]:
                self._read()
            self._looked = now_s, stamp
        with_files = {
            n: (row, one, self._store.files(row)) for n, (row, one) in self._wanted.items()
        }
        self._pages.sync(with_files, self._state.power)
        rows = {row.name: row for row in self._state.rows}
        for name, app in tuple(self._apps.items()):
            wanted = self._wanted.get(name)
            if wanted is not None and wanted[0].digest == app.row.digest:
                continue
            if self._state.ones[name].phase in m.RUNNING:
                rows[name] = msgspec.structs.replace(app.process, states=())
            else:
                del self._apps[name], rows[name]
        for name, (row, manifest) in self._wanted.items():
            if manifest.entry and name not in self._apps:
                rows[name] = self._admit(row, manifest).process
        ones = {name: self._state.ones.get(name, m.One()) for name in rows}
        if tuple(rows.values()) != self._state.rows:
            self._state = replace(self._state, rows=tuple(rows.values()), ones=ones)

    def _read(self) -> None:
        """What the store says now."""
        self._wanted, self._refused = {}, {}
        try:
            rows = self._store.rows()
        except InputError as error:
            self._refused[""] = AppStatus(id="", version="", phase="refused", why=str(error))
            return
        for row in rows:
            if not row.enabled:
                continue
            try:
                manifest = self._store.manifest(row)
                why = refusal(manifest, self._offer)
                if manifest.entry and not why:
                    why = self._out_of_reach(row)
            except InputError as error:
                manifest, why = None, str(error)
            if manifest is None or why:
                self._refused[row.id] = AppStatus(
                    id=row.id, version=row.version or "", phase="refused", why=why
                )
                continue
            self._wanted[row.id] = row, manifest
            if self._asks.setdefault(row.id, row.asks) != row.asks:
                self._asks[row.id] = row.asks
                self._events.append(m.Release(row.id))
        budgets = {name: one.budget.flash_mb_day * MB for name, (_, one) in self._wanted.items()}
        self._flash.budget(budgets)

    def _out_of_reach(self, row: AppRow) -> str:
        """Without a view an app's own user reads its files where they lie, so it must get there."""
        if not self._machine.root or Means.VIEW in self._offer.means:
            return ""
        for path in (self._store.files(row), Path(self._machine.inside)):
            if not all_may_enter(path / MANIFEST):
                return f"{path} cannot be read by the app's own user, and there is no bubblewrap"
        return ""

    def _admit(self, row: AppRow, manifest: Manifest) -> Resident:
        name = row.id
        process = ProcessRow(
            name=name,
            program=(manifest.entry,),
            ready_s=READY_S,
            heartbeat_s=SILENT_S,
            grace_s=GRACE_S,
            restart=manifest.restart,
            backoff_s=BACKOFF_S,
            states=tuple(PowerState(word) for word in manifest.states),
        )
        shelf = Shelf(
            self._store.kept(name),
            manifest.budget.kept_mb * MB,
            lambda size: self._flash.ask(name, DataClass.SUMMARY, size),
        )
        log = AppLog(
            self._store.log(name), lambda size: self._flash.ask(name, DataClass.DETAIL, size)
        )
        app = self._apps[name] = Resident(row, manifest, process, shelf, log)
        return app

    # --- what comes -------------------------------------------------------------------------------

    def _hear(self, descriptor: int) -> None:
        if descriptor == self._channel.fileno():
            self._served()
            return
        app = self._apps.get(self._named.get(descriptor, ""))
        if app is None or app.running is None:
            return
        if descriptor == app.running.output:
            if not app.take_output():
                self._forget(descriptor)
        elif descriptor == app.running.pidfd:
            self._bury(app)
        else:
            self._words(app)

    def _served(self) -> None:
        """Whoever serves the signals has begun anew: hand over all apps; or a page shows a card."""
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            packet = self._channel.recv(WORD_MOST_BYTES)
            if not packet:
                self._poll.unregister(self._channel)
                return
            if packet != AGAIN:
                self._pages.show(_CARD(packet))
                return
            for name, app in self._apps.items():
                if app.running is not None:
                    hand_over(self._channel, name, app.manifest.scope, app.running.signals)
            self._pages.again()

    def _words(self, app: Resident) -> None:
        assert app.running is not None
        name = app.row.id
        try:
            for _ in range(PACKETS_AT_ONCE):
                word = app.next_word()
                if word is None:
                    return
                if not isinstance(word, Hello | Beat):
                    app.answer(word, moving=self._moving)
                    continue
                self._events.append(m.Beat(name) if app.greeted else m.Ready(name))
                if not app.greeted and self._moving is not None:
                    app.send({"moving": self._moving})
                if not app.greeted and app.running.group is not None:
                    app.running.group.limit_cpu(app.manifest.budget.cpu_pct)
                app.greeted = True
        except ConnectionError:  # its process tells the rest
            self._forget(app.running.host.fileno())

    # --- what is done -----------------------------------------------------------------------------

    def _act(self, action: m.Action) -> None:
        app = self._apps.get(action.name)
        if app is None:
            return
        match action:
            case m.Start(incarnation=incarnation):
                self._start(app, incarnation)
            case m.Terminate():
                app.send({"stop": GRACE_S})
            case m.Kill():
                if app.running is not None:
                    app.running.kill()
            case m.Say(what=what, detail=detail):
                app.log.say(f"volant: {what} {detail}".strip().encode())

    def _start(self, app: Resident, incarnation: int) -> None:
        name = app.row.id
        ask = Ask(app.row.user, self._store.files(app.row), app.manifest.entry, app.manifest.budget)
        means = self._offer.means
        if not self._machine.root and Means.VIEW not in means:
            ask = replace(ask, threads_before=threads_of_user())
        self._events.append(m.Started(name))
        try:
            running = launch(self._machine, means, ask, f"{app.row.user}-{incarnation}")
        except (OSError, RefusedError) as error:
            app.log.say(f"volant: not started: {error}".encode())
            self._events.append(m.Exited(name, 127))
            return
        app.running, app.greeted, app.card = running, False, ()
        for descriptor in app.descriptors:
            self._poll.register(descriptor, select.POLLIN)
            self._named[descriptor] = name
        hand_over(self._channel, name, app.manifest.scope, running.signals)

    def _bury(self, app: Resident, *, wait: bool = False) -> None:
        """An app has ended: take its last words, and let go of all."""
        assert app.running is not None
        app.running.kill()  # what it has left behind too
        pid, status = os.waitpid(app.running.pid, 0 if wait else os.WNOHANG)
        if not pid:
            return
        app.take_output()
        app.log.end()
        for descriptor in app.descriptors:
            self._forget(descriptor)
        app.close()
        tell_gone(self._channel, app.row.id)
        code = os.waitstatus_to_exitcode(status)
        self._events.append(m.Exited(app.row.id, code if code >= 0 else 128 - code))

    def _forget(self, descriptor: int) -> None:
        if self._named.pop(descriptor, None) is not None:
            self._poll.unregister(descriptor)


def refusal(manifest: Manifest, offer: Offer) -> str:
    """Why an app does not run behind the walls of this machine; empty where it does.

    A page alone runs in a browser, behind the browser's walls.
    """
    if not manifest.entry:
        return ""
    wanted = level_named(manifest.min_isolation)
    if offer.level >= wanted:
        return ""
    return (
        f"needs isolation {wanted.word}, this machine reaches {offer.level.word}; "
        f"missing: {'; '.join(offer.missing(wanted))}"
    )


def _stamp(store: AppStore) -> object:
    try:
        found = (store.folder / STATE).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino
