"""`volant app list`, `start`, `stop`, `remove` and `log`; and an app in a terminal, without a car."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from pathlib import Path
from typing import Final

import msgspec

from volant.app.app_lock import HERE, NOBODY_SAID, STATUS, host_of, hosting
from volant.app.app_make import app_store, rights_in_words
from volant.app.exits import Exit
from volant.app.say import answer, answer_json, table, tell
from volant.app.signal_files import own_catalogue
from volant.app.stop import StopSignals
from volant.caros.apps.door import SignalDoor
from volant.caros.apps.host import AppHost, AppStatus, refusal
from volant.caros.apps.isolation.levels import Offer
from volant.caros.apps.isolation.probe import probe
from volant.caros.apps.manifest import Manifest
from volant.caros.apps.shelf import NAME
from volant.caros.apps.store import AppRow, AppStore, write_whole
from volant.caros.signals.store import SignalStore
from volant.caros.supervise.shell import die_with
from volant.caros.viss.history import History
from volant.caros.viss.server import note
from volant.core.errors import InputError, RefusedError
from volant.core.messages import PowerState

TURN_S: Final = 0.1


class HostStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What the host of the apps says of itself."""

    pid: int
    level: str
    apps: tuple[AppStatus, ...]


class AppAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One installed app."""

    id: str
    name: str
    version: str
    signer: str
    enabled: bool
    phase: str
    """Of its process where a car is up; else empty."""
    why: str
    """Why it does not run; empty where it does or could."""
    pid: int | None
    starts: int
    min_isolation: str
    rights: tuple[str, ...]
    kept_bytes: int


class ListAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """All apps, and what this machine offers."""

    level: str
    lacking: dict[str, str]
    """What keeps the machine from level full, by means."""
    host: str
    """Who runs the apps now, a car or a terminal; empty: nobody."""
    apps: tuple[AppAnswer, ...]


class EnabledAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An app that was started or stopped."""

    id: str
    enabled: bool
    """It starts with the car."""
    host: str
    """Who runs the apps now, a car or a terminal; empty: nobody."""


class RemovedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An app that was taken away."""

    id: str
    kept_too: bool
    """What it kept is gone too."""


class KeptAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Something that an app keeps."""

    name: str
    bytes: int


class LogAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What an app has printed, or what it keeps."""

    id: str
    lines: tuple[str, ...]
    """Of its log, or of what was asked for with `--kept`; empty with `--out`."""
    kept: tuple[KeptAnswer, ...]
    """All that it keeps, or the one that was asked for; empty for its log."""
    file: str | None
    """Where it was copied to; null: nowhere."""


def list_command(state: Path | None, *, as_json: bool) -> Exit:
    """Run `volant app list`."""
    store = app_store(state)
    _, offer = probe()
    host = host_of(store)
    running = _running(store) if host else None
    rows = tuple(_row(store, row, offer, running, host) for row in store.rows())
    lacking = {means.value: why for means, why in offer.lacking.items()}
    found = ListAnswer(level=offer.level.word, lacking=lacking, host=host, apps=rows)
    if as_json:
        answer_json(found)
        return Exit.DONE
    heads = ("app", "version", "signed by", "starts with the car", "now", "needs")
    nothing = "not yet" if host else "no car is up"
    words = [
        (
            *(one.id, one.version, one.signer, "yes" if one.enabled else "no"),
            *(one.why or one.phase or nothing, one.min_isolation),
        )
        for one in rows
    ]
    table("Apps", heads, words)
    if host:
        answer(f"run by {host}; a car beside it waits until that ends")
    answer(f"isolation on this machine: {found.level}")
    for means, why in lacking.items():
        answer(f"  missing: {means}: {why}")
    return Exit.DONE


def start_command(app: str, state: Path | None, *, here: bool, as_json: bool = False) -> Exit:
    """Run `volant app start`."""
    store = app_store(state)
    row = store.row(app)
    manifest = store.manifest(row)
    _, offer = probe()
    if why := refusal(manifest, offer):
        raise RefusedError(f"{app} does not start: {why}")
    if here:
        _run_here(store, row, manifest)
        if as_json:
            answer_json(EnabledAnswer(id=app, enabled=row.enabled, host=host_of(store)))
        return Exit.DONE
    store.enable(app, on=True)
    host = host_of(store)
    if as_json:
        answer_json(EnabledAnswer(id=app, enabled=True, host=host))
    elif HERE in host:
        answer(f"{app} starts with the car, once {host} has ended")
    else:
        answer(f"{app} starts {'now' if host else 'with the next car: volant up'}")
    return Exit.DONE


def stop_command(app: str, state: Path | None, *, as_json: bool = False) -> Exit:
    """Run `volant app stop`."""
    store = app_store(state)
    store.enable(app, on=False)
    if as_json:
        answer_json(EnabledAnswer(id=app, enabled=False, host=host_of(store)))
        return Exit.DONE
    answer(f"{app} ends, and does not start with the car")
    return Exit.DONE


def remove_command(app: str, state: Path | None, *, kept_too: bool, as_json: bool = False) -> Exit:
    """Run `volant app remove`."""
    app_store(state).remove(app, kept_too=kept_too)
    if as_json:
        answer_json(RemovedAnswer(id=app, kept_too=kept_too))
        return Exit.DONE
    answer(f"{app} is removed{', with what it kept' if kept_too else '; what it keeps stays'}")
    return Exit.DONE


def log_command(
    app: str,
    lines: int,
    kept: str | None,
    out: Path | None,
    state: Path | None,
    *,
    as_json: bool = False,
) -> Exit:
    """Run `volant app log`."""
    store = app_store(state)
    store.row(app)
    if out is not None and (kept is None or kept == "*"):
        raise InputError("--out wants --kept with a name")
    if kept == "*":
        found = LogAnswer(id=app, lines=(), kept=_all_kept(store, app), file=None)
    elif kept is not None:
        found = _one_kept(store, app, kept, out)
    else:
        found = LogAnswer(id=app, lines=_printed(store, app)[-lines:], kept=(), file=None)
    if as_json:
        answer_json(found)
        return Exit.DONE
    for one in found.kept if kept == "*" else ():
        answer(f"{one.bytes:>10} {one.name}")
    for line in found.lines:
        answer(_harmless(line))
    return Exit.DONE


def _all_kept(store: AppStore, app: str) -> tuple[KeptAnswer, ...]:
    folder = store.kept(app)
    paths = sorted(folder.iterdir()) if folder.is_dir() else ()
    return tuple(KeptAnswer(name=path.name, bytes=path.stat().st_size) for path in paths)


def _one_kept(store: AppStore, app: str, name: str, out: Path | None) -> LogAnswer:
    """Something that an app keeps, as lines, or copied to a file byte for byte."""
    if not NAME.fullmatch(name) or not (store.kept(app) / name).is_file():
        raise InputError(f"{app} keeps nothing named {name!r}: volant app log {app} --kept '*'")
    data = (store.kept(app) / name).read_bytes()
    if out is not None:
        out.write_bytes(data)
    return LogAnswer(
        id=app,
        lines=() if out is not None else tuple(data.decode(errors="replace").splitlines()),
        kept=(KeptAnswer(name=name, bytes=len(data)),),
        file=None if out is None else str(out),
    )


def _printed(store: AppStore, app: str) -> tuple[str, ...]:
    found: list[str] = []
    for name in ("app.log.1", "app.log"):
        with contextlib.suppress(FileNotFoundError):
            text = (store.log(app) / name).read_text(encoding="utf-8", errors="replace")
            found += text.splitlines()
    return tuple(found)


def _harmless(line: str) -> str:
    """An app's words without what a terminal would obey."""
    return "".join(one if one.isprintable() or one == "\t" else "?" for one in line)


class StatusFile:
    """Says how the apps are, for `volant app list`; written when something changes."""

    def __init__(self, store: AppStore, level: str) -> None:
        self._path, self._level = store.folder / STATUS, level
        self._last: tuple[AppStatus, ...] | None = None

    def say(self, apps: tuple[AppStatus, ...]) -> None:
        """Write it down where it differs: no cards, which change too often, and no keys."""
        bare = tuple(msgspec.structs.replace(one, card=(), address="") for one in apps)
        if bare != self._last:
            self._last = bare
            status = HostStatus(pid=os.getpid(), level=self._level, apps=bare)
            with contextlib.suppress(OSError):
                write_whole(self._path, msgspec.json.encode(status))


def _run_here(store: AppStore, row: AppRow, manifest: Manifest) -> None:
    """One app in this terminal; its signals are there, and nobody says their values."""
    alone = _OneApp(store, row)
    who = f"volant app start {row.id} {HERE} (process {os.getpid()})"
    with hosting(store, who) as ours, StopSignals() as signals:
        if not ours:
            raise RefusedError(
                f"{host_of(store) or NOBODY_SAID} runs the apps: volant app start without --here"
            )
        channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        server = _serve_signals(theirs)
        machine, offer = probe()
        host = AppHost(alone, machine, offer, channel, power=PowerState(manifest.states[0]))
        host.move(moving=False)
        status = StatusFile(store, offer.level.word)
        for right in rights_in_words(manifest):
            tell(f"{row.id} may {right}")
        tell(f"isolation: {offer.level.word}; Ctrl-C ends it")
        told = ""
        try:
            while signals.asked is None:
                for said in host.turn(TURN_S):
                    tell(f"{said.name}: {said.what} {said.detail}".strip())
                status.say(host.status())
                if (address := host.status()[0].address) and address != told:
                    told = address
                    tell(f"its page: {address}")
                if host.status()[0].phase in ("stopped", "quarantined", "refused"):
                    break
        finally:
            host.close()
            os.kill(server, signal.SIGKILL)
            os.waitpid(server, 0)
    tell(f"its words: volant app log {row.id}")


class _OneApp(AppStore):
    """A store that holds one of its apps, started whatever it says of itself."""

    def __init__(self, store: AppStore, row: AppRow) -> None:
        super().__init__(store.folder)
        self._only = msgspec.structs.replace(row, enabled=True)

    def rows(self) -> tuple[AppRow, ...]:
        """The one."""
        return (self._only,)


def _serve_signals(channel: socket.socket) -> int:
    """A signal tree in a process of its own; gives its number."""
    parent = os.getpid()
    pid = os.fork()
    if pid:
        channel.close()
        return pid
    try:
        die_with(parent)
        signal.signal(signal.SIGINT, signal.SIG_IGN)

        async def serve() -> None:
            store = SignalStore(own_catalogue())
            history = History(store)
            SignalDoor(store, channel, history).open()
            await note(history)

        asyncio.run(serve())
    finally:
        os._exit(1)


def _running(store: AppStore) -> dict[str, AppStatus] | None:
    """How the apps are, by their host; None: it has not said."""
    path: Path = store.folder / STATUS
    try:
        found = msgspec.json.decode(path.read_bytes(), type=HostStatus)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return {one.id: one for one in found.apps}


def _row(
    store: AppStore,
    row: AppRow,
    offer: Offer,
    running: dict[str, AppStatus] | None,
    host: str,
) -> AppAnswer:
    status = None if running is None else running.get(row.id)
    name, least, why = row.id, "", ""
    rights: tuple[str, ...] = ()
    try:
        manifest = store.manifest(row)
        name, rights, least = manifest.name, manifest.signals, manifest.min_isolation
        why = refusal(manifest, offer)
    except InputError as error:
        why = str(error)
    phase = "" if running is None else "stopped" if status is None else status.phase
    if HERE in host and status is None and row.enabled:
        phase, why = "waiting", why or f"waits until {host} has ended"
    kept = store.kept(row.id)
    return AppAnswer(
        id=row.id,
        name=name,
        version=row.version or "",
        signer=row.signer_name,
        enabled=row.enabled,
        phase=phase,
        why=status.why if status is not None and status.why else why,
        pid=None if status is None else status.pid,
        starts=0 if status is None else status.starts,
        min_isolation=least,
        rights=rights,
        kept_bytes=sum(one.stat().st_size for one in kept.iterdir()) if kept.is_dir() else 0,
    )
