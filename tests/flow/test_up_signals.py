"""The live car's signals: read, moved, refused with a reason, and back after the process has died."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.house.source_tree import REPO
from volant.app.signal_line import SignalClient
from volant.core.errors import InputError, LinkError, RefusedError

DOOR = "Vehicle.Cabin.Door.Row1.DriverSide."
BOUND_S = 90.0


@contextlib.contextmanager
def live_car(folder: Path) -> Iterator[tuple[Path, Path]]:
    """A car that drives; gives its signals' socket and its status file."""
    words = [
        "--cars",
        "0",
        "--distance",
        "12000",
        "--no-journal",
        "--doip-port",
        "0",
        "--port",
        "0",
    ]
    status = folder / "status.json"
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(folder), "PYTHONPATH": str(REPO / "src")}
    process = subprocess.Popen(
        [sys.executable, "-m", "volant", "up", *words, "--status-file", str(status)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
    )
    try:
        yield folder / "volant" / f"signals-{process.pid}.sock", status
    finally:
        process.terminate()
        process.wait(30)


def until(true: Callable[[], Any]) -> Any:
    """What `true` gives once it gives something; a fact that the machine may take its time for."""
    last = time.monotonic() + BOUND_S
    while time.monotonic() < last:
        with contextlib.suppress(LinkError, InputError, OSError, ValueError):
            found = true()
            if found:
                return found
        time.sleep(0.2)
    raise AssertionError("it did not come about")


@pytest.mark.slow
def test_signals_are_read_and_moved_and_outlive_their_process(tmp_path: Path) -> None:
    with live_car(tmp_path) as (socket, status):

        def value(path: str) -> Any:
            with SignalClient(socket) as client:
                return (client.ask(do="get", paths=[path])[path] or [None])[0]

        def move(path: str, wanted: object) -> None:
            with SignalClient(socket) as client:
                client.ask(do="set", values={path: wanted})

        until(lambda: (value("Vehicle.Speed") or 0.0) > 5.0)
        move(DOOR + "Window.Position", 60)
        until(lambda: value(DOOR + "Window.Position") == 60)
        with pytest.raises(RefusedError, match="no door opens while the car moves"):
            move(DOOR + "IsOpen", True)
        with pytest.raises(RefusedError, match="standstill only"):
            move("Vehicle.Powertrain.Transmission.SelectedGear", 126)
        with pytest.raises(InputError, match="is none of"):
            move("Vehicle.Body.Lights.LightSwitch", "MAYBE")
        with SignalClient(socket) as client:
            every = client.ask(do="show", pattern="Vehicle")
            paths = [row["path"] for row in every]

        def untold() -> set[str]:
            with SignalClient(socket) as client:
                values = client.ask(do="get", paths=paths)
            never = {path for path, one in values.items() if one is None}
            may_lack = ("Lead", "Time", "Distance", "Outlook", "Route", "TargetTemperature")
            return {path for path in never if not any(word in path for word in may_lack)}

        until(lambda: not untold())
        assert untold() == set()

        def pid() -> int:
            rows = json.loads(status.read_text())["processes"]
            found = next(row["pid"] for row in rows if row["name"] == "signals")
            return int(found or 0)

        first = until(pid)
        os.kill(first, signal.SIGKILL)
        until(lambda: pid() not in (0, first))
        until(lambda: (value("Vehicle.Speed") or 0.0) > 0.0)
        until(lambda: value(DOOR + "Window.Position") == 60)
