"""Kills the processes of a live car while it drives and writes down what happened, as JSON.

`python scripts/kill_table.py [--json FILE] [--seed N] [--only NAMES] [--at-speed]`: who was killed, at which
moment, what the screen said and how soon, what the car did, and how soon the process was back.
`--at-speed` kills the pilot alone, once the car drives at 120 km/h in a curve of a motorway with traffic.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from volant.caros.cockpit import CockpitFrame
from volant.core.messages import CommandSource, Indicator

EDGES = ("judge", "recorder", "screens", "diagnostics", "signals", "energy", "apps", "updates")
"""Those that run while the car drives; `garage` does only while it is parked."""
BOOT_S = 60.0
AFTER_S = 10.0
"""An edge is given so long to come back before the next is killed; `signals` took 5.6 s on a busy machine."""
STOP_S = 20.0
"""A car at 33 m/s that is braked with 3 m/s2 stands after 11 s."""

AT_SPEED_MPS = 33.0
"""The car keeps to 120 km/h (33.3 m/s) within so much."""
CURVE_PER_M = 1.0 / 1500.0
"""A bend that a driver sees as one at that speed."""
SPEED_WAIT_S = 200.0
SPEED_TRIP = ("--distance", "16000", "--cars", "12")
"""From its begin the motorway ring leads into the stretch with the limit of 120; with 12 cars it can be driven."""


@dataclass(frozen=True)
class Seen:
    """One frame as a screen got it."""

    at_ns: int
    """Monotonic."""
    stamp_ns: int
    speed_mps: float
    accel_mps2: float
    yaw_rate_rps: float
    hazard: bool
    alert: str
    source: str


@dataclass(frozen=True)
class Row:
    """One line of the kill table. A null means that it did not happen, or was not looked for."""

    killed: tuple[str, ...]
    at_s: float
    """Of the car's time."""
    speed_mps: float
    """At that moment."""
    told_s: float | None
    """Until a screen got a frame that says so."""
    reacted_s: float | None
    """Until the car braked with more than 1 m/s2."""
    hazard_s: float | None
    hardest_mps2: float | None
    """Braking."""
    stood_s: float | None
    back_s: dict[str, float]
    """Until each was ready again."""
    screen_gap_s: float
    """The longest time without a frame."""
    contacts: int
    contacts_at_fault: int
    drive_went_on: bool


class Screen:
    """A screen that takes every frame and comes back when its socket closes."""

    def __init__(self, address: str) -> None:
        self.seen: list[Seen] = []
        self._address, self._ending = address, False
        self._decode = msgspec.msgpack.Decoder(CockpitFrame).decode
        self._thread = threading.Thread(target=self._take, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ending = True
        self._thread.join(5.0)

    def _take(self) -> None:
        from websockets.sync.client import connect

        origin = re.match(r"http://[^/]+", self._address).group(0)  # type: ignore[union-attr]
        url = self._address.replace("http", "ws", 1) + "live"
        while not self._ending:
            with (
                contextlib.suppress(Exception),
                connect(url, origin=origin, compression=None, open_timeout=1.0) as live,  # type: ignore[arg-type]
            ):
                while not self._ending:
                    packet = live.recv(timeout=0.5)
                    if isinstance(packet, bytes):
                        self._note(self._decode(packet))
            time.sleep(0.05)

    def _note(self, frame: CockpitFrame) -> None:
        car, alert, guard = frame.car, frame.alert, frame.guard
        self.seen.append(
            Seen(
                at_ns=time.monotonic_ns(),
                stamp_ns=frame.stamp_ns,
                speed_mps=0.0 if car is None else car.speed_mps,
                accel_mps2=0.0 if car is None else car.accel_mps2,
                yaw_rate_rps=0.0 if frame.ego is None else frame.ego.yaw_rate_rps,
                hazard=car is not None and car.indicator is Indicator.HAZARD,
                alert="" if alert is None else alert.words,
                source="" if guard is None else guard.source.value,
            )
        )


class Car:
    """A live car under `volant up`, with a screen."""

    def __init__(self, folder: Path, words: Sequence[str]) -> None:
        ready, self._status = folder / "ready.json", folder / "status.json"
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "volant", "up", "--port", "0", "--json"),
                *("--ready-file", str(ready), "--status-file", str(self._status)),
                *("--state", str(folder / "state"), *words),
            ],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.told: list[tuple[int, str]] = []
        self._hearing = threading.Thread(target=self._hear, daemon=True)
        self._hearing.start()
        until_s = time.monotonic() + BOOT_S
        while not ready.exists():
            if self.process.poll() is not None or time.monotonic() > until_s:
                raise RuntimeError(f"the live car did not come up: {self.told}")
            time.sleep(0.02)
        found = json.loads(ready.read_text())
        self.boot_s: float = found["boot_s"]
        self.origin_ns: int = found["origin_ns"]
        self.address: str = found["address"]
        self.screen = Screen(self.address)

    def _hear(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.told.append((time.monotonic_ns(), line.strip()))

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._status.read_text())
        return found

    def pids(self) -> dict[str, int]:
        """Of the processes that run: some wait for another power state."""
        time.sleep(0.6)  # the status is written twice a second
        processes = self.status()["processes"]
        return {one["name"]: one["pid"] for one in processes if one["pid"] is not None}

    def wait(self, span_s: float, true: Callable[[], bool] = lambda: False) -> None:
        until_s = time.monotonic() + span_s
        while time.monotonic() < until_s and not true():
            time.sleep(0.02)

    def close(self) -> None:
        """Let go of a process that has ended."""
        self.screen.close()
        self._hearing.join(5.0)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    def end(self) -> dict[str, Any]:
        self.screen.close()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.stdout is not None
        text = self.process.stdout.read()
        self.process.wait(30.0)
        self.close()
        found: dict[str, Any] = json.loads(text)
        return found


@contextlib.contextmanager
def live_car(words: Sequence[str]) -> Iterator[Car]:
    with tempfile.TemporaryDirectory() as folder:
        car = Car(Path(folder), words)
        try:
            yield car
        finally:
            if car.process.poll() is None:
                car.end()
            car.close()


def kill(car: Car, names: Sequence[str], *, stops: bool, watch_s: float = AFTER_S) -> Row:
    """Kill -9 some processes at once, and watch what becomes of the drive."""
    pids, before = car.pids(), car.status()["judged"]
    car.wait(3.0, lambda: bool(car.screen.seen))
    speed_mps = car.screen.seen[-1].speed_mps
    at_ns = time.monotonic_ns()
    for name in names:
        os.kill(pids[name], signal.SIGKILL)

    def stands() -> bool:
        last = car.screen.seen[-1]
        return last.at_ns > at_ns + 2_000_000_000 and abs(last.speed_mps) < 0.1

    car.wait(STOP_S if stops else watch_s, stands if stops else lambda: False)
    car.wait(0.7)
    seen = [one for one in car.screen.seen if one.at_ns >= at_ns]
    judged = car.status()["judged"]
    times = [at_ns, *(one.at_ns for one in seen), time.monotonic_ns()]

    def first(true: Callable[[Seen], bool]) -> float | None:
        return next((round((one.at_ns - at_ns) / 1e9, 3) for one in seen if true(one)), None)

    stop_source = CommandSource.MINIMAL_RISK.value
    back = {
        name: round((told_ns - at_ns) / 1e9, 3)
        for told_ns, line in reversed(car.told)
        for name in names
        if told_ns > at_ns and line.startswith(f"{name}: ready")
    }
    return Row(
        killed=tuple(names),
        at_s=round((at_ns - car.origin_ns) / 1e9, 2),
        speed_mps=round(speed_mps, 1),
        told_s=first(lambda one: "failed" in one.alert or one.source == stop_source),
        reacted_s=first(lambda one: one.accel_mps2 < -1.0) if stops else None,
        hazard_s=first(lambda one: one.hazard) if stops else None,
        hardest_mps2=round(-min((one.accel_mps2 for one in seen), default=0.0), 2)
        if seen
        else None,
        stood_s=first(lambda one: abs(one.speed_mps) < 0.1) if stops else None,
        back_s=back,
        screen_gap_s=round(max(b - a for a, b in pairwise(times)) / 1e9, 3),
        contacts=judged.get("contacts", 0) - before.get("contacts", 0)
        if "judge" not in names
        else 0,
        contacts_at_fault=judged.get("contacts_at_fault", 0),
        drive_went_on=bool(seen) and seen[-1].source == CommandSource.COMFORT.value,
    )


def in_a_curve_at_speed(car: Car) -> bool:
    """Wait until the car drives fast in a bend, by what the screen shows; False where it never does."""

    def there() -> bool:
        last = car.screen.seen[-20:]
        return bool(last) and all(
            one.speed_mps >= AT_SPEED_MPS and abs(one.yaw_rate_rps) >= CURVE_PER_M * one.speed_mps
            for one in last
        )

    car.wait(SPEED_WAIT_S, lambda: there() or car.process.poll() is not None)
    return there()


def table_at_speed(seed: int, words: Sequence[str]) -> dict[str, Any]:
    """The death of the pilot alone, at 120 km/h in a curve; no kills where the drive never came to that."""
    rows: list[Row] = []
    with live_car(["--no-journal", "--seed", str(seed), *words]) as car:
        if in_a_curve_at_speed(car):
            rows.append(kill(car, ("pilot",), stops=True))
        else:
            print("the drive never came to 120 km/h in a curve", file=sys.stderr)
        boot_s = round(car.boot_s, 2)
    return {"seed": seed, "boot_s": [boot_s], "kills": [asdict(row) for row in rows]}


def table(seed: int, only: Sequence[str], begin_s: float, words: Sequence[str]) -> dict[str, Any]:
    """All kills: the edges and then the pilot in one drive, the vehicle in another."""
    trip = ["--no-journal", "--seed", str(seed), *words]
    rows: list[Row] = []
    boots: list[float] = []
    cases: list[list[tuple[tuple[str, ...], bool]]] = [
        [*(((name,), False) for name in EDGES), (EDGES, False), (("pilot",), True)],
        [(("vehicle",), True)],
    ]
    for planned in cases:
        case = [one for one in planned if not only or set(one[0]) <= set(only)]
        if not case:
            continue
        with live_car(trip) as car:
            boots.append(round(car.boot_s, 2))
            car.wait(begin_s)
            for names, stops in case:
                rows.append(kill(car, names, stops=stops))
                print(json.dumps(asdict(rows[-1])), file=sys.stderr, flush=True)
    return {"seed": seed, "boot_s": boots, "kills": [asdict(row) for row in rows]}


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Kill the live car's processes, one after another."
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=())
    parser.add_argument("--begin", type=float, default=12.0, help="seconds of driving before")
    parser.add_argument("--at-speed", action="store_true", help="the pilot, at 120 km/h in a curve")
    parser.add_argument("--json", type=Path)
    parser.add_argument("trip", nargs="*", help="further words for `volant up`, after --")
    asked = parser.parse_args()
    if asked.at_speed:
        found = table_at_speed(asked.seed, asked.trip or SPEED_TRIP)
    else:
        found = table(asked.seed, asked.only, asked.begin, asked.trip or ("--distance", "12000"))
    text = json.dumps(found, indent=1)
    if asked.json is None:
        print(text)
    else:
        asked.json.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
