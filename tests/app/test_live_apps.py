"""The process `apps` of a live car while somebody else runs the apps."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from volant.app import live_apps
from volant.app.app_lock import ApartNews, host_of, hosting
from volant.app.app_make import app_store


class Station:
    """Beats, and ends the wait of somebody else's turn when it has beaten often."""

    def __init__(self, free: Any) -> None:
        self.note, self.ending, self.notes, self._free = "", False, list[str](), free

    def go(self) -> bool:
        return True

    def beat(self) -> None:
        self.notes.append(self.note)
        if len(self.notes) == 3:
            self._free()


def test_a_car_waits_for_the_apps_says_for_whom_and_gets_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_apps, "AGAIN_S", 0.01)
    store = app_store(tmp_path)
    here = hosting(store, "volant app start a.b --here (process 7)")
    hosts: list[str] = []

    def run(station: Any, *_: object) -> bool:
        hosts.append(host_of(store))
        return False

    monkeypatch.setattr(live_apps, "_first_app", run)
    assert here.__enter__()
    station = Station(lambda: here.__exit__(None, None, None))
    context = cast("Any", SimpleNamespace(state=tmp_path))
    assert live_apps.apps(cast("Any", station), context) == 0
    assert station.notes[0] == (
        "no apps: volant app start a.b --here (process 7) runs them; this car waits"
    )
    assert hosts == [f"the car {os.getppid()}"]
    assert station.note == ""


def test_the_terminal_is_told_once_that_the_apps_are_elsewhere_and_that_they_are_back() -> None:
    news = ApartNews()
    told = [news.turn(one) for one in ("", "isolation full", "no apps: x", "no apps: x", "", "on")]
    assert told == [(), (), ("no apps: x",), (), (), ("apps: they run in this car now",)]
