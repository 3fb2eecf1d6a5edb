"""The whole stack headless, journal on: among 20 cars on the motorway, on the town trip, in a full town.

Time is CPU time, everything included, pinned to one core; each drive is cut after SPAN_S. The pilot's
ticks and the shares of the rooms are from a second drive whose steps are timed one by one. The boot is
from the command to the first frame.
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
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bench.rows import Row, at_least, at_most, percentile, skipped
from volant.app.compose import Trip, plan_trip
from volant.app.drive import Driven, drive_trip
from volant.app.exits import Exit
from volant.app.record import open_recording
from volant.app.trip import TripWish
from volant.core.clock import PILOT_TICK_NS
from volant.core.component import Component, Inputs, Outputs

SEED = 1
SPAN_S = 100.0
REAL_TIME = 20.0
BOOT_S = 5.0
BOOT_TRIES = 3
WARM_TICKS = 200


@dataclass(frozen=True)
class Scene:
    """A drive to measure."""

    name: str
    wish: TripWish
    tick_ms: float
    """Bound of the pilot's tick, median."""
    fast: float | None
    """Least x real time; None where none was asked for."""


def _wish(cars: int, *, motorway: bool) -> TripWish:
    return TripWish(
        car="g3-520",
        road="volant-world",
        seed=SEED,
        sensors="typical",
        cars=cars,
        distance_m=4000.0 if motorway else None,
    )


SCENES = (
    Scene("motorway, 20 cars", _wish(20, motorway=True), 0.6, REAL_TIME),
    Scene("town trip, 20 cars", _wish(20, motorway=False), 0.6, REAL_TIME),
    Scene("town trip, 50 cars", _wish(50, motorway=False), 2.0, None),
)


def rows() -> list[Row]:
    found = []
    with _one_core(), tempfile.TemporaryDirectory() as folder:
        for place, scene in enumerate(SCENES):
            trip = plan_trip(scene.wish)
            found += _whole(scene, trip, Path(folder) / f"{place}.mcap")
            found += _by_room(scene, trip, Path(folder) / f"{place}-rooms.mcap")
    return [*found, _boot()]


def _drive(trip: Trip, path: Path, around: Callable[[Component], Component]) -> tuple[Driven, int]:
    """Drive for SPAN_S or to the end; gives the journal's size, too."""
    now_ns = [0]

    def note(stamp_ns: int) -> None:
        now_ns[0] = stamp_ns

    def is_over() -> tuple[Exit, str] | None:
        return (Exit.DONE, "measured") if now_ns[0] >= SPAN_S * 1e9 else None

    recording = open_recording(path, trip)
    assert recording is not None
    driven = drive_trip(
        trip,
        write=recording.write,
        asked_to_end=is_over,
        watch=lambda _bus: note,
        around=around,
    )
    recording.close({})
    return driven, path.stat().st_size


def _whole(scene: Scene, trip: Trip, path: Path) -> list[Row]:
    began_s = time.process_time()
    driven, size = _drive(trip, path, lambda part: part)
    fast = driven.duration_s / (time.process_time() - began_s)
    name = f"drive/{scene.name}, whole stack on one core"
    note = f"{driven.duration_s:.0f} s driven, {driven.ending.reason}"
    row = Row(name, fast, "x real time", note=note)
    if scene.fast is not None:
        row = at_least(name, fast, scene.fast, "x real time", note)
    return [
        row,
        Row(f"drive/{scene.name}, journal", size / 1e6 / driven.duration_s * 60.0, "MB/min"),
    ]


def _by_room(scene: Scene, trip: Trip, path: Path) -> list[Row]:
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

    driven, _size = _drive(trip, path, timed)
    ticks = pilot_ticks_ms[WARM_TICKS:]
    name = f"drive/{scene.name}, pilot tick"
    found = [
        at_most(f"{name} p50", percentile(ticks, 0.5), scene.tick_ms, "ms"),
        at_most(f"{name} p99", percentile(ticks, 0.99), 10.0, "ms"),
    ]
    for room, times in spent.items():
        share = sum(times) / driven.duration_s * 1e3
        found.append(Row(f"drive/{scene.name}, {room}", share, "ms by driven second"))
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
