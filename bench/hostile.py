"""All edges flooded at once, beside none: lateness and missed ticks of the driving loop, turn by turn.

Several clients each of KUKSA, VISS and the signals' line ask all they can, others subscribe to everything and stop
reading, one app floods and one sleeps on its subscription. Rounds alternate, so what else the machine does falls on both.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import signals_parts, viss_parts
from bench.rows import Row, at_most, skipped
from scripts import kill_table
from volant.caros.apps.package import open_package, pack
from volant.caros.apps.store import AppStore
from volant.trust import SigningKey

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 2
FLOODS = 2
LIVE_S = 10.0
SETTLE_S = 20.0
"""The clients are heard of by then: an app asks for its first signal."""
TICK_S = 0.01
STATUS_S = 0.5
"""A status is so old at most, at both ends; fewer ticks than this than there were moments for are missed."""
LOOPS = ("vehicle", "pilot")
"""Who drives, each at ticks of 10 ms."""
_WORDS = {"flood": "floods", "sleep": "sleeps"}
KEY = SigningKey(b"the benchmark signs its app with")
MANIFEST = """
id = "org.volant.{name}"
name = "Hostile"
version = "1.0.0"
entry = "main.py"
signals = ["read:Vehicle", "actuate:Vehicle.Cabin.Light"]
min_isolation = "none"
restart = "always"
[budget]
cpu_pct = 50
"""
FLOOD = """
import volant_app
car = volant_app.Car()
print("floods", flush=True)
while True:
    for path in ("Vehicle", "Vehicle.Cabin", "Vehicle.None", "x" * 10_000):
        try:
            car.get(path)
            car.set({"Vehicle.Cabin.Light.IsDomeOn": True, "Vehicle.Speed": 300.0})
        except volant_app.Refused:
            pass
"""
SLEEP = """
import time
import volant_app
car = volant_app.Car()
car.subscribe("Vehicle")
print("sleeps", flush=True)
while True:
    time.sleep(3600.0)
"""


@dataclass(frozen=True)
class Round:
    """One drive: of each loop p99 and worst lateness in ms, and ticks that it had and missed."""

    late_ms: dict[str, float]
    worst_ms: dict[str, float]
    ticks: dict[str, int]
    missed: dict[str, int]
    real_time: bool
    starts: int
    """Of the process `signals`."""


def rows() -> list[Row]:
    alone, beside = [], []
    for _ in range(ROUNDS):
        try:
            alone.append(drive(hostile=False))
            beside.append(drive(hostile=True))
        except RuntimeError as error:
            return [skipped("hostile/lateness", str(error))]
    found = []
    for name in LOOPS:
        with_ms, without_ms = (
            statistics.median(one.late_ms[name] for one in all_) for all_ in (beside, alone)
        )
        bound_ms = 1.0 if beside[0].real_time else 10.0
        worst = f"worst {_most(beside, name):.1f} ms, {_most(alone, name):.1f} ms without"
        note = f"{without_ms:.2f} ms without; {worst}; {ROUNDS} rounds each"
        lateness = f"hostile/lateness of {name}, all edges flooded, p99"
        found.append(at_most(lateness, with_ms, bound_ms, "ms", note))
        missed = sum(one.missed[name] for one in beside)
        of = sum(one.ticks[name] for one in beside)
        note = f"of {of}; {sum(one.missed[name] for one in alone)} without"
        found.append(Row(f"hostile/missed ticks of {name}", missed, note=note))
    starts = max(one.starts for one in beside)
    found.append(Row("hostile/starts of the process signals", starts, note="1: it did not die"))
    return found


def _most(rounds: list[Round], name: str) -> float:
    return max(one.worst_ms[name] for one in rounds)


def drive(*, hostile: bool) -> Round:
    """A drive of a while, with or without all that is hostile."""
    ports = ("--doip-port", "0", "--kuksa-port", "0", "--viss-port", "0")
    with tempfile.TemporaryDirectory() as folder:
        store = AppStore(Path(folder) / "apps")
        if hostile:
            _install(store)
        words = ["--cars", "20", "--no-journal", "--state", folder, *ports]
        with kill_table.live_car(words) as car:
            with _hostile(car, store) if hostile else contextlib.nullcontext():
                car.wait(1.0)
                before, began_s = _ticks(car), time.monotonic()
                car.wait(LIVE_S)
                after, span_s = _ticks(car), time.monotonic() - began_s
            ended = car.end()
    processes = {one["name"]: one for one in ended["processes"]}
    had = {name: after[name] - before[name] for name in LOOPS}
    return Round(
        {name: processes[name]["late_p99_ms"] for name in LOOPS},
        {name: processes[name]["late_most_ms"] for name in LOOPS},
        had,
        {name: max(0, round((span_s - STATUS_S) / TICK_S) - had[name]) for name in LOOPS},
        ended["real_time"],
        processes["signals"]["starts"],
    )


def _ticks(car: kill_table.Car) -> dict[str, int]:
    return {one["name"]: one["ticks"] for one in car.status()["processes"]}


def _install(store: AppStore) -> None:
    store.change_trust(lambda trust: trust.with_key(KEY.public, "bench"))
    for name, main in (("flood", FLOOD), ("sleep", SLEEP)):
        files = {"app.toml": MANIFEST.format(name=name).encode(), "main.py": main.encode()}
        store.install(open_package(pack(files, KEY)))


@contextlib.contextmanager
def _hostile(car: kill_table.Car, store: AppStore) -> Iterator[None]:
    """Everything that asks, and everything that does not read, at once."""
    from volant.app.folders import runtime_folder

    status = car.status()
    line = runtime_folder() / f"signals-{car.process.pid}.sock"
    with contextlib.ExitStack() as stack:
        for _ in range(FLOODS):  # first, as each asks for a list before it begins
            stack.enter_context(signals_parts.running("flood", str(status["kuksa_port"])))
        stack.enter_context(viss_parts.running("flood", str(status["viss_port"])))
        stack.enter_context(_line_flood(line))
        car.wait(SETTLE_S, lambda: _said(store, "flood") and _said(store, "sleep"))
        if not _said(store, "flood") or not _said(store, "sleep"):
            raise RuntimeError("the hostile apps do not run")
        yield


def _said(store: AppStore, name: str) -> bool:
    path = store.log(f"org.volant.{name}") / "app.log"
    return path.exists() and _WORDS[name] in path.read_text(encoding="utf-8")


@contextlib.contextmanager
def _line_flood(path: Path) -> Iterator[None]:
    process: subprocess.Popen[Any] = subprocess.Popen(
        [sys.executable, "-m", "bench.hostile_parts", str(path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
    )
    try:
        yield
    finally:
        process.kill()
        process.wait()
