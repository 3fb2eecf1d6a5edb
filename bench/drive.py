"""The whole stack: a headless drive with 20 cars on one core, the pilot's ticks in it, and the boot.

Time is CPU time, journal written and everything included, pinned to one core. The shares
of the rooms are from a second drive whose steps are timed one by one.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bench.rows import Row, at_least, at_most, percentile, skipped
from volant.app.compose import Trip, plan_trip
from volant.app.drive import drive_trip
from volant.app.record import open_recording
from volant.app.trip import TripWish
from volant.core.clock import PILOT_TICK_NS
from volant.core.component import Component, Inputs, Outputs

CARS = 20
SEED = 1
REAL_TIME = 20.0
BOOT_S = 5.0
BOOT_TRIES = 3
WARM_TICKS = 200


def rows() -> list[Row]:
    trip = plan_trip(
        TripWish(
            car="g3-520",
            road="volant-world",
            seed=SEED,
            sensors="typical",
            cars=CARS,
            distance_m=4000.0,
        )
    )
    with _one_core(), tempfile.TemporaryDirectory() as folder:
        found = _whole(trip, Path(folder))
        found += _by_room(trip, Path(folder))
    return [*found, _boot()]


def _whole(trip: Trip, folder: Path) -> list[Row]:
    recording = open_recording(folder / "whole.mcap", trip)
    assert recording is not None
    began_s = time.process_time()
    driven = drive_trip(trip, write=recording.write)
    recording.close({})
    cpu_s = time.process_time() - began_s
    megabytes = (folder / "whole.mcap").stat().st_size / 1e6
    return [
        at_least(
            "drive/whole stack with 20 cars, one core",
            driven.duration_s / cpu_s,
            REAL_TIME,
            "x real time",
            f"{driven.duration_s:.0f} s driven, {driven.ending.reason}",
        ),
        Row("drive/journal", megabytes / driven.duration_s * 60.0, "MB/min"),
    ]


def _by_room(trip: Trip, folder: Path) -> list[Row]:
    spent: dict[str, list[float]] = {}
    pilot_ticks_ms: list[float] = []

    def timed(part: Component) -> Component:
        times = spent.setdefault(part.name, [])
        is_pilot = part.name == "pilot"

        def step(state: object, inputs: Inputs, stamp_ns: int) -> tuple[object, Outputs]:
            began_s = time.thread_time()
            result = part.step(state, inputs, stamp_ns)
            span_s = time.thread_time() - began_s
            times.append(span_s)
            if is_pilot and stamp_ns % PILOT_TICK_NS == 0:
                pilot_ticks_ms.append(span_s * 1e3)
            return result

        return replace(part, step=step)

    recording = open_recording(folder / "rooms.mcap", trip)
    assert recording is not None
    driven = drive_trip(trip, write=recording.write, around=timed)
    recording.close({})
    ticks = pilot_ticks_ms[WARM_TICKS:]
    found = [
        at_most("drive/pilot tick p50", percentile(ticks, 0.5), 0.6, "ms"),
        at_most("drive/pilot tick p99", percentile(ticks, 0.99), 10.0, "ms"),
    ]
    for name, times in spent.items():
        share = sum(times) / driven.duration_s * 1e3
        found.append(Row(f"drive/{name}", share, "ms by driven second"))
    return found


@contextlib.contextmanager
def _one_core() -> Iterator[None]:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _boot() -> Row:
    """From the command to the first frame at a screen; the best of some, caches warm."""
    name = "drive/boot to first cockpit frame"
    found = [span_s for _ in range(BOOT_TRIES) if (span_s := _boot_once()) is not None]
    if not found:
        return skipped(name, "no frame came")
    return at_most(name, min(found), BOOT_S, "s", "from the command; the page is not painted yet")


def _boot_once() -> float | None:
    from websockets.exceptions import WebSocketException
    from websockets.sync.client import connect

    command = [sys.executable, "-m", "volant", "drive", "--no-journal", "--port", "0"]
    began_s = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            for line in process.stderr:
                told = re.search(r"cockpit: http://(\S+)/", line)
                if told is None:
                    continue
                host = told.group(1).split("/")[0]
                with connect(
                    f"ws://{told.group(1)}/live", origin=f"http://{host}", open_timeout=20
                ) as screen:
                    while not isinstance(screen.recv(timeout=20), bytes):
                        pass
                    return time.perf_counter() - began_s
        except (OSError, TimeoutError, WebSocketException):
            return None
        finally:
            process.send_signal(signal.SIGTERM)
    return None
