"""The live car: latency of its bus between two processes, lateness of its 100 Hz loop, time to boot."""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.journal import SECONDS, messages
from bench.rows import Row, at_most, percentile, skipped
from scripts.kill_table import Screen
from tests.wire.drive_messages import HEADER
from volant.app.clip_recorder import ClipRecorder
from volant.caros.clip_store import ClipStore
from volant.caros.diagnostics import DoipTester
from volant.caros.flash import FlashSettings
from volant.caros.ledger import FlashLedger
from volant.caros.livebus import LiveBus, Wiring
from volant.caros.supervise.table import ProcessRow, ProcessTable
from volant.core import topics
from volant.core.messages import (
    CarState,
    Contact,
    DriverControls,
    Gear,
    Indicator,
    ObjectClass,
)
from volant.vehicle.ecus import ECUS

SOURCE = Path(__file__).resolve().parents[1] / "src"
MESSAGES = 3000
PACE_S = 0.001
DRIVE_S = 12.0
SCREENS = 2
TESTER_PAUSE_S = 0.01
"""A tester that asks a hundred times a second is a busy one."""


def rows() -> list[Row]:
    return [*_bus_rows(), *_clip_rows(), *_up_rows(), *_can_rows()]


def _state(stamp_ns: int) -> CarState:
    return CarState(
        stamp_ns=stamp_ns, speed_mps=20.0, accel_mps2=0.1, lateral_accel_mps2=0.2,
        yaw_rate_rps=0.01, steer_rad=0.01, gear=Gear.DRIVE, indicator=Indicator.OFF, hold=False,
        brake_lights=False, charge_pct=70.0, range_m=300_000.0, battery_power_w=9000.0,
        battery_voltage_v=350.0, battery_temperature_k=293.0, odometer_m=1234.0,
        driver=DriverControls(),
    )  # fmt: skip


def _bus_rows() -> list[Row]:
    """One way, CarState at 1 kHz from one process to another that sleeps until it comes."""
    rows_ = tuple(
        ProcessRow(name=name, program=("true",), reads=reads, writes=writes)
        for name, reads, writes in (("world", (), ("car/state",)), ("vehicle", ("car/state",), ()))
    )
    with Wiring(ProcessTable(process=rows_)) as wiring:
        pid = os.fork()
        if pid == 0:
            bus = LiveBus(wiring.seat("world"))
            for _ in range(MESSAGES):
                time.sleep(PACE_S)
                bus.publish(topics.CAR_STATE, _state(time.monotonic_ns() & ((1 << 53) - 1)))
            os._exit(0)
        bus = LiveBus(wiring.seat("vehicle"))
        held = bus.subscribe(topics.CAR_STATE)
        spans_us: list[float] = []
        while len(spans_us) < MESSAGES - 50 and bus.wait(2.0):
            bus.drain()
            now_ns = time.monotonic_ns() & ((1 << 53) - 1)
            spans_us += [(now_ns - one.stamp_ns) / 1e3 for one in held.take()]
        os.waitpid(pid, 0)
    note = f"CarState at 1 kHz, {len(spans_us)} messages, made to decoded"
    p50_us, raw_us = statistics.median(spans_us), _raw_p50_us()
    row = at_most("live/message between processes p50", p50_us, 40.0, "us", note)
    peer = "8 bytes over a bare socket pair"
    return [
        replace(row, peer=peer, peer_value=raw_us, ratio=raw_us / p50_us),
        Row("live/message between processes p99", percentile(spans_us, 0.99), "us", note=note),
    ]


def _clip_rows() -> list[Row]:
    """From an event to its past on the disk, in a recorder that has nothing else to do."""
    sent = messages()
    last_ns = sent[-1][1]
    touch = Contact(
        stamp_ns=last_ns, actor_id=1, object_class=ObjectClass.CAR, closing_mps=1.0,
        struck_from_behind=False,
    )  # fmt: skip
    spans_s = []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as folder:
            ledger = FlashLedger(Path(folder), FlashSettings(owner_most_bytes=100_000_000))
            recorder = ClipRecorder(ClipStore(Path(folder) / "clips"), ledger, HEADER)
            for topic, now_ns, message in sent:
                recorder.take(now_ns, topic, message)
            recorder.take(last_ns, topics.WORLD_CONTACT, touch)
            began_s = time.perf_counter()
            while recorder.turn(last_ns):
                pass
            recorder.turn(last_ns)
            spans_s.append(time.perf_counter() - began_s)
            recorder.close()
    note = f"{SECONDS} s of past, synced"
    return [at_most("live/clip on the disk after its event", min(spans_s), 1.0, "s", note)]


def _raw_p50_us() -> float:
    """The same walk of 8 bytes over a socket pair without any bus: what the kernel and Python take."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid == 0:
        for _ in range(MESSAGES):
            time.sleep(PACE_S)
            ours.send(time.monotonic_ns().to_bytes(8, "little"))
        os._exit(0)
    spans_us = []
    for _ in range(MESSAGES):
        sent_ns = int.from_bytes(theirs.recv(8), "little")
        spans_us.append((time.monotonic_ns() - sent_ns) / 1e3)
    os.waitpid(pid, 0)
    ours.close()
    theirs.close()
    return statistics.median(spans_us)


def _up_rows() -> list[Row]:
    found = _drive(loaded=True)
    if found is None:
        return [skipped("live/boot to ready", "the live car did not come up")]
    boot_s, answer, _ = found
    vehicle = next(one for one in answer["processes"] if one["name"] == "vehicle")
    bound_ms = 1.0 if answer["real_time"] else 10.0
    note = (
        f"vehicle process, all edges, {SCREENS} screens and a tester at work, "
        f"{'real-time' if answer['real_time'] else 'normal'} priority"
    )
    return [
        at_most("live/boot to ready", boot_s, 5.0, "s", "from the call of `volant up`"),
        at_most("live/100 Hz lateness p99", vehicle["late_p99_ms"], bound_ms, "ms", note),
        Row("live/100 Hz lateness, worst", vehicle["late_most_ms"], "ms", note=note),
    ]


def _can_rows() -> list[Row]:
    """The same drive over CAN buses beside the direct one: lateness and processor time."""
    over, direct = _drive("--bus"), _drive()
    if over is None or direct is None:
        return [skipped("live/over CAN", "the live car did not come up")]
    vehicle = next(one for one in over[1]["processes"] if one["name"] == "vehicle")
    bound_ms = 1.0 if over[1]["real_time"] else 10.0
    return [
        at_most("live/100 Hz lateness p99 over CAN", vehicle["late_p99_ms"], bound_ms, "ms"),
        *(
            Row(
                f"live/CPU share of {name} over CAN",
                over[2][name],
                "%",
                note=f"of a core; {direct[2][name]:.0f} % without buses",
            )
            for name in ("world", "vehicle", "recorder")
        ),
    ]


@contextlib.contextmanager
def _load(address: str, doip_port: int) -> Iterator[None]:
    """Screens that take every frame, and a tester that reads the VIN again and again."""
    screens, ending = [Screen(address) for _ in range(SCREENS)], threading.Event()
    asked = 0

    def ask() -> None:
        nonlocal asked
        with DoipTester(port=doip_port) as tester:
            while not ending.wait(TESTER_PAUSE_S):
                tester.ask(ECUS[1].address, bytes.fromhex("22f190"))
                asked += 1

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join(5.0)
        for screen in screens:
            screen.close()
        if not asked or not all(screen.seen for screen in screens):
            raise RuntimeError("the edges were not loaded: a screen or the tester got nothing")


def _drive(
    *words: str, loaded: bool = False
) -> tuple[float, dict[str, Any], dict[str, float]] | None:
    """Boot and drive for a while; gives the time to ready, the answer and each process's share of a core."""
    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder) / "ready.json"
        began_s = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "volant", "up", "--port", "0", "--json", "--ready-file", str(ready), "--state", folder, *words],
            cwd=folder, env={**os.environ, "PYTHONPATH": str(SOURCE)}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        try:
            while not ready.exists():
                if process.poll() is not None or time.monotonic() - began_s > 60.0:
                    return None
                time.sleep(0.01)
            boot_s = time.monotonic() - began_s
            told = json.loads(ready.read_text())
            pids = {one["name"]: one["pid"] for one in told["processes"] if one["pid"]}
            before_s = {name: _cpu_s(pid) for name, pid in pids.items()}
            at_work = _load(told["address"], told["doip_port"])
            with at_work if loaded else contextlib.nullcontext():
                time.sleep(DRIVE_S)
                share = {
                    name: 100.0 * (_cpu_s(pid) - before_s[name]) / DRIVE_S
                    for name, pid in pids.items()
                }
        finally:
            process.send_signal(signal.SIGTERM)
            text, _ = process.communicate(timeout=30.0)
    return boot_s, json.loads(text), share


def _cpu_s(pid: int) -> float:
    """Processor time of a process so far, in seconds; not a number where it is gone."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except FileNotFoundError:
        return math.nan
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
