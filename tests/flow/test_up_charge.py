"""`volant charge` and a live car: plugged in, put to sleep, charged meanwhile, refused to drive off."""

from __future__ import annotations

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

BOUND_S = 120.0
CAR = [
    "--cars", "0", "--distance", "3000", "--no-journal", "--parked", "--doip-port", "0", "--port", "0",
    "--kuksa-port", "0", "--viss-port", "0",
]  # fmt: skip


class Live:
    """A parked live car and its command line."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.status = folder, folder / "status.json"
        self.environment = {
            **os.environ, "XDG_RUNTIME_DIR": str(folder), "PYTHONPATH": str(REPO / "src"),
        }  # fmt: skip
        self.process = subprocess.Popen(
            [sys.executable, "-m", "volant", "up", *CAR, "--status-file", str(self.status)],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
        )

    def say(self, *words: str) -> tuple[int, str, str]:
        """Run a command of this car."""
        done = subprocess.run(
            [sys.executable, "-m", "volant", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=BOUND_S,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def charge(self, *words: str) -> dict[str, Any]:
        """`volant charge ... --json`, once the car answers."""

        def asked() -> Any:
            code, out, _ = self.say("charge", *words, "--json")
            return json.loads(out) if code == 0 else None

        found: dict[str, Any] = until(asked)
        return found

    def state(self) -> str:
        """Its power state."""
        told: str = json.loads(self.status.read_text())["power"]["state"]
        return told

    def pid_of(self, name: str) -> int:
        """Of one of its processes."""
        rows = json.loads(self.status.read_text())["processes"]
        return int(next(row["pid"] for row in rows if row["name"] == name))


def until(true: Callable[[], Any]) -> Any:
    last = time.monotonic() + BOUND_S
    while time.monotonic() < last:
        try:
            found = true()
        except (OSError, ValueError, KeyError):
            found = None
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError("did not come true")


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    car = Live(tmp_path)
    try:
        yield car
    finally:
        car.process.terminate()
        car.process.wait(60)


def test_a_car_charges_asleep_and_stays_parked_while_plugged(live: Live) -> None:
    until(lambda: live.state() == "parked")
    before = live.charge("limit", "95")
    assert before["words"] == "no cable is plugged in"
    assert live.charge("plug", "--kind", "dc", "--power", "60")["station"] == "dc"
    until(lambda: live.charge("status")["charging"])
    code, _, words = live.say("power", "drive")
    assert code == 2
    assert "cable is plugged in" in words

    os.kill(live.pid_of("signals"), signal.SIGKILL)
    assert live.charge("status")["station"] == "dc", "whoever dies, the plug stays"

    waits = live.charge("schedule", "--ready-by", "+9h")
    assert waits["timer"] == "END_TIME"
    until(lambda: live.charge("status")["words"] == "it waits for its time")
    live.charge("start")
    assert live.say("power", "sleep")[0] == 0
    until(lambda: live.state() == "sleep")
    time.sleep(2.0)
    after = live.charge("status")
    assert after["charge_pct"] > before["charge_pct"]
    assert live.charge("unplug")["station"] == "none"
    code, _, words = live.say("charge", "unplug")
    assert (code, "no cable" in words) == (2, True)
