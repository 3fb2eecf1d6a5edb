"""Diagnostics: transfer and round trips over DoIP beside doipclient, a UDS step, ISO-TP on a virtual bus."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import can

from bench.rows import Row, at_least, beside, best_cpu_s
from volant.caros.diagnostics import CanIds, CanNode, DoipTester, Unit
from volant.vehicle.boot.flashing import FLASH_LEVEL, FLASH_START
from volant.vehicle.ecus import (
    ECUS,
    CarFacts,
    key_for,
    secret_of,
    server_config,
)
from volant.vehicle.uds_config import UdsState
from volant.vehicle.uds_server import step
from volant.wire.isotp import IsoTpLink

SPEC = ECUS[1]
BLOCK = 4096
IMAGE = bytes(8 << 20)
SMALL = bytes(1 << 20)
TRIPS = 3000
VIN = bytes.fromhex("22f190")
REPEATS = 3


@contextmanager
def car() -> Iterator[int]:
    """A unit in a process of its own, as a tester meets it; gives its port."""
    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder) / "ready.json"
        serving = subprocess.Popen(
            [sys.executable, "-m", "bench.diagnostics_unit", str(ready)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            due_s = time.monotonic() + 30.0
            while not ready.exists():
                if time.monotonic() > due_s or serving.poll() is not None:
                    raise RuntimeError("the unit did not come up")
                time.sleep(0.05)
            yield int(json.loads(ready.read_text())["port"])
        finally:
            serving.terminate()
            serving.wait(10)


def unlock(tester: DoipTester) -> None:
    for request in (b"\x10\x01", b"\x10\x03", b"\x10\x02"):
        tester.ask(SPEC.address, request)
    seed = tester.ask(SPEC.address, bytes((0x27, FLASH_LEVEL)))[2:]
    key = key_for(secret_of(SPEC.name), FLASH_LEVEL, seed)
    tester.ask(SPEC.address, bytes((0x27, FLASH_LEVEL + 1)) + key)


def transfer_mbps(port: int) -> float:
    """Our own plain-socket client, the best of a few."""
    best_s = 1e9
    for _ in range(REPEATS):
        with DoipTester(port=port) as tester:
            unlock(tester)
            began_s = time.perf_counter()
            tester.download(SPEC.address, FLASH_START, IMAGE, BLOCK)
            best_s = min(best_s, time.perf_counter() - began_s)
    return len(IMAGE) / 1e6 / best_s


def peer_transfer_mbps(port: int) -> float:
    """The peer sends the same blocks to the same server."""
    from doipclient import DoIPClient

    with DoipTester(port=port) as tester:
        unlock(tester)
        tester.ask(SPEC.address, bytes.fromhex("34004408000000") + len(SMALL).to_bytes(4, "big"))
    peer = DoIPClient("127.0.0.1", SPEC.address, tcp_port=port)
    began_s = time.perf_counter()
    for number, at in enumerate(range(0, len(SMALL), BLOCK), 1):
        peer.send_diagnostic(bytes((0x36, number & 0xFF)) + SMALL[at : at + BLOCK])
        peer.receive_diagnostic(5.0)
    took_s = time.perf_counter() - began_s
    peer.close()
    return len(SMALL) / 1e6 / took_s


def trips_per_s(port: int) -> float:
    with DoipTester(port=port) as tester:
        began_s = time.perf_counter()
        for _ in range(TRIPS):
            tester.ask(SPEC.address, VIN)
        return TRIPS / (time.perf_counter() - began_s)


def unit() -> Unit:
    return Unit(
        server_config(SPEC, CarFacts(), live=lambda _: 1.0, seed=lambda: secrets.token_bytes(16))
    )


def step_us() -> float:
    """One question for the VIN in the pure server."""
    config, state = unit().config, UdsState()

    def ask() -> None:
        for now_ns in range(TRIPS):
            step(state, VIN, config, now_ns)

    return best_cpu_s(ask) / TRIPS * 1e6


def can_trips_per_s(count: int = 500) -> float:
    """VIN over ISO-TP: a single frame there, three frames and a flow control back."""
    ids = CanIds(SPEC.can_request, SPEC.can_response)
    with (
        can.Bus("bench", interface="virtual") as ours,
        can.Bus("bench", interface="virtual") as theirs,
        CanNode(ours, {ids: unit()}),
    ):
        link = IsoTpLink()
        began_s = time.perf_counter()
        for _ in range(count):
            frames, came = link.send(VIN, 0).frames, False
            while not came:
                for frame in frames:
                    theirs.send(
                        can.Message(arbitration_id=ids.request, data=frame, is_extended_id=False)
                    )
                heard = theirs.recv(5.0)
                if heard is None:
                    raise RuntimeError("no answer on the virtual bus")
                out = link.frame(bytes(heard.data), 0)
                frames, came = out.frames, bool(out.messages)
        return count / (time.perf_counter() - began_s)


def rows() -> list[Row]:
    with car() as port:
        ours = transfer_mbps(port)
        trips = trips_per_s(port)
        theirs = peer_transfer_mbps(port)
    return [
        at_least("diagnostics/DoIP transfer, 4 KiB blocks", ours, 15.0, "MB/s", "loopback"),
        beside("diagnostics/DoIP transfer, our client", ours, "doipclient", theirs, 1.0, "MB/s"),
        Row("diagnostics/DoIP round trips", trips, "1/s"),
        Row("diagnostics/UDS step", step_us(), "us", note="VIN, without transport"),
        Row("diagnostics/ISO-TP round trips", can_trips_per_s(), "1/s", note="virtual bus, VIN"),
    ]
