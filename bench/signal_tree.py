"""The signal tree: the store alone, the mapping, memory of a whole release, and what it does to the loop."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.rows import Row, at_least, at_most, best_cpu_s, skipped
from tests.data_folder import find_data_folder
from volant.app.signal_files import own_catalogue
from volant.app.signal_line import SignalClient
from volant.app.up import PROCESSES
from volant.caros.signals import mapping
from volant.caros.signals.rights import parse_scope
from volant.caros.signals.store import Datapoint, SignalStore
from volant.core.messages import CarState, DriverControls, Gear, Indicator
from volant.core.settings import find_data
from volant.vehicle import load_spec
from volant.wire.vss import Catalogue, Leaf

SOURCE = Path(__file__).resolve().parents[1] / "src"
BATCH = 101
"""Signals in a batch, as KUKSA's own benchmark has it."""
BATCHES = 500
PUBLISHED_PER_S = 84_000.0
"""Rust broker, kuksa-perf README (aa6fba0), end to end over gRPC; here the store alone."""
DRIVE_S = 12.0
TURN_CPU_MS = 5.0
"""A tenth of the process's turn of 50 ms."""


def rows() -> list[Row]:
    return [_store(), _mapping(), _memory(), *_loop()]


def _store() -> Row:
    """Batches through check, rights and one subscriber who takes them."""
    leaves = [Leaf(f"Vehicle.X{place}", "sensor", "float") for place in range(BATCH)]
    store = SignalStore(Catalogue(leaves))
    rights = parse_scope("provide:Vehicle.**")
    subscription = store.subscribe(range(1, BATCH + 1), rights)
    batches = [
        {place: Datapoint(step + 0.1, step) for place in range(1, BATCH + 1)}
        for step in range(BATCHES)
    ]

    def work() -> None:
        for batch in batches:
            store.publish(rights, batch)
            subscription.take()

    per_s = BATCH * BATCHES / best_cpu_s(work)
    note = f"batches of {BATCH}, one subscriber, rights by pattern, without an edge"
    return at_least("signal tree/store", per_s, PUBLISHED_PER_S, "signals/s", note)


def _mapping() -> Row:
    """CPU of turning one state of the car into values of its signals."""
    catalogue = own_catalogue()
    shape = mapping.shape_of(load_spec(find_data("cars", "g3-520")))
    car = CarState(
        stamp_ns=1, speed_mps=20.0, accel_mps2=0.1, lateral_accel_mps2=0.2, yaw_rate_rps=0.01,
        steer_rad=0.01, gear=Gear.DRIVE, indicator=Indicator.OFF, hold=False, brake_lights=False,
        charge_pct=70.0, range_m=300_000.0, battery_power_w=9000.0, battery_voltage_v=350.0,
        battery_temperature_k=293.0, odometer_m=1234.0, driver=DriverControls(),
    )  # fmt: skip
    new: dict[type, Any] = {CarState: car}

    def work() -> None:
        for _ in range(100):
            counted = mapping.Counted(0, 0.0)
            mapping.fitted(catalogue, mapping.values_of(counted, new, new, shape)[1])

    return at_most(
        "signal tree/mapping of the car's state", best_cpu_s(work) * 10.0, TURN_CPU_MS, "ms"
    )


_CHILD = """
import re, sys
from pathlib import Path
from volant.caros.signals.rights import Rights
from volant.caros.signals.store import Datapoint, SignalStore
from volant.wire.vss import read_catalogue
store = SignalStore(read_catalogue(Path(sys.argv[1])))
store.subscribe([leaf.id for leaf in store.catalogue], Rights.all(), 10)
print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1e3)
"""


def _memory() -> Row:
    """Of a process with a store of all of VSS 6.0, Python itself included, without an edge."""
    folder = find_data_folder()
    if folder is None:
        return skipped("signal tree/memory with all of VSS 6.0", "no test data: set VOLANT_DATA")
    release = folder / "vss" / "vss_release_6.0.json"
    told = subprocess.run(
        [sys.executable, "-c", _CHILD, str(release)],
        env={**os.environ, "PYTHONPATH": str(SOURCE)}, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return at_most(
        "signal tree/memory with all of VSS 6.0", float(told.stdout), 80.0, "MB", "no edge"
    )


def _loop() -> list[Row]:
    """Lateness of the 100 Hz loop without the process, with it, and with a client that floods it."""
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        table = PROCESSES.read_text(encoding="utf-8")
        bare = folder / "bare.toml"
        bare.write_text(table[: table.index('[[process]]\nname = "signals"')], encoding="utf-8")
        for name, words in (("without", ["--processes", str(bare)]), ("with", []), ("flood", [])):
            late = _late_ms(folder, words, flood=name == "flood")
            if late is None:
                return [skipped("signal tree/lateness of the loop", "the live car did not come up")]
            found[name] = late
    note = f"p99 of the vehicle process; without the signals {found['without']:.2f} ms"
    return [
        Row("signal tree/lateness of the loop with them", found["with"], "ms", note=note),
        Row("signal tree/lateness of the loop under a flood", found["flood"], "ms", note=note),
    ]


def _late_ms(folder: Path, words: list[str], *, flood: bool) -> float | None:
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "volant", "up", "--port", "0", "--doip-port", "0", "--json", "--no-journal",
         "--ready-file", str(ready), *words],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCE), "XDG_RUNTIME_DIR": str(folder)},
    )  # fmt: skip
    try:
        last_s = time.monotonic() + 60.0
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > last_s:
                return None
            time.sleep(0.05)
        if flood:
            with _flood(folder / "volant" / f"signals-{process.pid}.sock"):
                time.sleep(DRIVE_S)
        else:
            time.sleep(DRIVE_S)
    finally:
        process.send_signal(signal.SIGTERM)
        text, _ = process.communicate(timeout=30.0)
    rows = json.loads(text)["processes"]
    return float(next(row["late_p99_ms"] for row in rows if row["name"] == "vehicle"))


@contextlib.contextmanager
def _flood(path: Path) -> Iterator[None]:
    """A client in a process of its own that asks as fast as it can, and moves a window."""
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(Exception), SignalClient(path) as client:
            while True:
                client.ask(do="get", paths=["Vehicle.Speed"])
                with contextlib.suppress(Exception):
                    window = "Vehicle.Cabin.Door.Row2.DriverSide.Window.Position"
                    client.ask(do="set", values={window: 10})
        os._exit(0)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
