"""Apps: time from the decision to start to the app's first word, back after a crash, and a request for a signal."""

from __future__ import annotations

import os
import re
import signal
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from bench.rows import Row, at_most, percentile, skipped
from scripts.escapes import signals
from volant.caros.apps.host import AppHost
from volant.caros.apps.isolation.levels import Level
from volant.caros.apps.isolation.probe import probe
from volant.caros.apps.package import open_package, pack
from volant.caros.apps.store import AppStore
from volant.trust import SigningKey

STARTS = 15
WAIT_S = 30.0
APP = "org.volant.bench"
KEY = SigningKey(b"the benchmark signs its app with")
MANIFEST = f"""
id = "{APP}"
name = "Bench"
version = "1.0.0"
entry = "main.py"
signals = ["read:Vehicle.Speed"]
min_isolation = "none"
restart = "always"
[budget]
cpu_pct = 20
"""
MAIN = """
import time
import volant_app
car = volant_app.Car()
spans = []
for _ in range(150):
    began = time.perf_counter()
    car.value("Vehicle.Speed")
    spans.append(time.perf_counter() - began)
print("request_us", *(round(1e6 * one) for one in spans), flush=True)
while True:
    car.wait(1.0)
"""


def rows() -> list[Row]:
    machine, offer = probe()
    with tempfile.TemporaryDirectory() as name, signals() as channel:
        store = AppStore(Path(name))
        store.change_trust(lambda trust: trust.with_key(KEY.public, "bench"))
        store.install(
            open_package(pack({"app.toml": MANIFEST.encode(), "main.py": MAIN.encode()}, KEY))
        )
        starts_ms: list[float] = []
        back_ms: list[float] = []
        for _ in range(STARTS):
            # A host of its own each time: the wait before a restart doubles with each further death.
            host = AppHost(store, machine, offer, channel)
            try:
                starts_ms.append(_until_ready(host, 1))
                before = host.status()[0].pid
                assert before is not None
                began_s = time.monotonic()
                os.kill(before, signal.SIGKILL)
                _until_ready(host, 2)
                back_ms.append(1e3 * (time.monotonic() - began_s))
            finally:
                host.close()
        text = _answers(AppHost(store, machine, offer, channel), store)
    told = re.search(r"request_us ([\d ]+)", text)
    note = f"isolation {offer.level.word}, {STARTS} times"
    bare_ms = _bare_python_ms(machine.python)
    median_ms = statistics.median(starts_ms)
    start = at_most("apps/start p50", median_ms, 150.0, "ms", note)
    found = [
        Row(
            start.name, start.value, start.unit, start.target, start.ok, "the bare interpreter",
            bare_ms, bare_ms / median_ms, note,
        ),
        Row("apps/start worst", max(starts_ms), "ms", note=note),
        at_most("apps/back after kill -9 p50", statistics.median(back_ms), 500.0, "ms", note),
        Row("apps/back after kill -9 worst", max(back_ms), "ms", note=note),
    ]  # fmt: skip
    if offer.level is not Level.FULL:
        found.append(skipped("apps/isolation", "; ".join(offer.missing(Level.FULL))))
    if told is not None:
        spans_us = [float(one) for one in told[1].split()]
        found += [
            Row("apps/request for a signal p50", statistics.median(spans_us), "us"),
            Row("apps/request for a signal p99", percentile(spans_us, 0.99), "us"),
        ]
    return found


def _until_ready(host: AppHost, starts: int) -> float:
    """Turn until the app's n-th incarnation is ready; milliseconds since the turn that started it."""
    began_s: float | None = None
    until_s = time.monotonic() + WAIT_S
    while time.monotonic() < until_s:
        turn_s = time.monotonic()
        host.turn(0.005)
        one = next(iter(host.status()), None)
        if one is None or one.starts < starts:
            continue
        began_s = turn_s if began_s is None else began_s
        if one.phase == "ready":
            return 1e3 * (time.monotonic() - began_s)
    raise RuntimeError(f"the app does not start: {host.status()}")


def _answers(host: AppHost, store: AppStore) -> str:
    """The log once the app has told how long its requests took."""
    until_s = time.monotonic() + WAIT_S
    text = ""
    while "request_us" not in text and time.monotonic() < until_s:
        host.turn(0.05)
        text = "".join(path.read_text() for path in store.log(APP).glob("app.log*"))
    host.close()
    return text


def _bare_python_ms(python: str) -> float:
    """The same interpreter with nothing to do and no walls."""
    spans_ms = []
    for _ in range(STARTS):
        began_s = time.monotonic()
        subprocess.run([python, "-I", "-S", "-B", "-c", "pass"], check=True)
        spans_ms.append(1e3 * (time.monotonic() - began_s))
    return statistics.median(spans_ms)
