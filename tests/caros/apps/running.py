"""Apps that really run, for tests: a store, a host and a served signal tree."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.escapes import signals
from tests.caros.apps.packages import KEY, package_bytes
from tests.data_folder import on_ci
from volant.caros.apps.host import AppHost, AppStatus
from volant.caros.apps.isolation.levels import NEEDED, Level, Offer
from volant.caros.apps.isolation.probe import probe
from volant.caros.apps.isolation.sandbox import Machine
from volant.caros.apps.package import open_package
from volant.caros.apps.store import AppStore

WAIT_S = 30.0
APP = "org.example.app"


def machine_for(level: Level) -> tuple[Machine, Offer]:
    """This machine, where it reaches a level; else the test is skipped, in CI it fails."""
    machine, offer = probe()
    if offer.level < level:
        line = f"isolation {level.word} is not reached here: {'; '.join(offer.missing(level))}"
        if on_ci():
            pytest.fail(line, pytrace=False)
        pytest.skip(line)
    return machine, offer


def _without_view(machine: Machine) -> Machine:
    """As on a machine without bubblewrap: with a Python that all may read."""
    return replace(machine, bwrap="", python=os.path.realpath("/usr/bin/python3"), prefix="/usr")


class Running:
    """A host with one app or more."""

    def __init__(self, folder: Path, level: Level, *, exactly: bool) -> None:
        machine, offer = machine_for(level)
        if exactly and level is not Level.FULL:
            machine, offer = _without_view(machine), Offer(NEEDED[level], {})
        self.store = AppStore(folder)
        self.store.change_trust(lambda trust: trust.with_key(KEY.public, "tests"))
        self._signals = signals()
        channel = self._signals.__enter__()
        self.host = AppHost(self.store, machine, offer, channel)
        self.said: list[str] = []

    def install(self, main: str, version: str = "1.0.0", **words: str) -> None:
        self.store.install(open_package(package_bytes(version, main.encode(), KEY, **words)))

    def until(self, true: Callable[[], bool], what: str) -> None:
        end_s = time.monotonic() + WAIT_S
        while not true():
            assert time.monotonic() < end_s, f"{what}: {self.status()}\n{self.log()}"
            self.said += [f"{one.what} {one.detail}".strip() for one in self.host.turn(0.02)]

    def until_printed(self, words: str) -> None:
        self.until(lambda: words in self.log(), f"waited for {words!r}")

    def status(self, app: str = APP) -> AppStatus | None:
        return next((one for one in self.host.status() if one.id == app), None)

    def until_phase(self, phase: str) -> AppStatus:
        self.until(lambda: (one := self.status()) is not None and one.phase == phase, phase)
        found = self.status()
        assert found is not None
        return found

    def log(self, app: str = APP) -> str:
        paths = sorted(self.store.log(app).glob("app.log*"), reverse=True)
        return "".join(path.read_text(errors="replace") for path in paths)

    def close(self) -> None:
        self.host.close()
        self._signals.__exit__(None, None, None)


@contextmanager
def running(folder: Path, level: Level = Level.FULL, *, exactly: bool = False) -> Iterator[Running]:
    """A host; `exactly`: behind no more walls than the level has."""
    found = Running(folder, level, exactly=exactly)
    try:
        yield found
    finally:
        found.close()
