"""Who runs the apps of a user: one host at a time, which says who it is for all others to read."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from typing import Final

from volant.caros.apps.store import AppStore

HOST_LOCK: Final = ".host"
STATUS: Final = "running.json"
"""How the apps are, by their host; goes with it."""
HERE: Final = "--here"
HELD: Final = "no apps: "
"""The note of a car that waits for the apps begins so."""
NOBODY_SAID: Final = "another process"


@contextlib.contextmanager
def hosting(store: AppStore, who: str) -> Iterator[bool]:
    """Be the one host of a store's apps, as `who`; false where another one is."""
    store.folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    with (store.folder / HOST_LOCK).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        (store.folder / STATUS).unlink(missing_ok=True)
        lock.truncate(0)
        lock.write(who)
        lock.flush()
        try:
            yield True
        finally:
            (store.folder / STATUS).unlink(missing_ok=True)
            lock.truncate(0)


def host_of(store: AppStore) -> str:
    """Who runs the apps now, in its own words; empty: nobody."""
    try:
        with (store.folder / HOST_LOCK).open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return lock.read(200) or NOBODY_SAID
    except OSError:
        pass
    return ""


class ApartNews:
    """Gives people the word that a car's apps are with somebody else, and that they are back."""

    def __init__(self) -> None:
        self._last = ""

    def turn(self, note: str) -> tuple[str, ...]:
        """The note of the process `apps`; gives what is new."""
        held = note if note.startswith(HELD) else ""
        if not note or held == self._last:
            return ()
        self._last = held
        return (held or "apps: they run in this car now",)
