"""The cockpit: cost of a frame, first paint, frames per second, send to pixel, boot to first live frame.

The browser draws in software, as in CI and on remote desktops. All in the browser is measured with a
feeder at 30 Hz beside it on the same machine, so the figures hold both.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.rows import Row, at_least, at_most, percentile, skipped
from tests.caros.motorway import Drive, crowd
from volant.caros.cockpit import CockpitReady, spawn_cockpit
from volant.caros.cockpit.frame import encode

OBJECTS = 50
SPAN_S = 6.0
SCREENS = 20
FRAME_S = 1.0 / 30.0
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip

# Counts pictures and times the drawing; the page itself knows nothing of it.
WATCH = """() => {
    const found = { gaps: [], draws: [], painted: [] };
    const { scene } = document.querySelector("volant-view");
    const draw = scene.draw.bind(scene);
    scene.draw = (now) => {
        const began = performance.now();
        draw(now);
        found.draws.push(performance.now() - began);
    };
    let last = 0;
    const tick = (now) => {
        if (last) found.gaps.push(now - last);
        last = now;
        requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
    document.addEventListener("volant-painted", (event) => {
        found.painted.push([event.detail, performance.timeOrigin + performance.now()]);
    });
    window.watched = found;
}"""


def rows() -> list[Row]:
    found = [*_frame_rows(), _server_row()]
    chromium = os.environ.get("VOLANT_CHROMIUM") or next(
        filter(None, map(shutil.which, BROWSERS)), None
    )
    if chromium is None:
        return [*found, skipped("cockpit/browser", "no Chromium found")]
    with _browser(chromium) as browser:
        return [*found, *_browser_rows(browser), _boot_row(browser)]


@contextlib.contextmanager
def _browser(path: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=ARGUMENTS)
        yield browser
        browser.close()


def _frame_rows() -> list[Row]:
    drive = Drive(crowd(OBJECTS))
    drive.frame(1.0)
    latest = [drive.latest(1.0 + i / 30.0) for i in range(300)]
    from volant.caros.cockpit.frame import build

    spans_us, size = [], 0
    state = drive.state
    for i, messages in enumerate(latest):
        began_ns = time.perf_counter_ns()
        state, frame = build(state, messages, round((1.0 + i / 30.0) * 1e9), drive.settings)
        size = len(encode(frame))
        spans_us.append((time.perf_counter_ns() - began_ns) / 1e3)
    note = f"{OBJECTS} objects, {size} bytes"
    return [
        at_most(
            "cockpit/frame built and encoded p50", statistics.median(spans_us), 500.0, "us", note
        )
    ]


def _server_row() -> Row:
    """CPU of the server's process while many screens take every frame."""
    import threading

    from websockets.sync.client import connect

    link = spawn_cockpit(0)
    try:
        _wait_ready(link)
        origin = f"http://127.0.0.1:{link.port}"
        address = link.address.replace("http", "ws", 1) + "live"
        screens = [connect(address, origin=origin, compression=None) for _ in range(SCREENS)]  # type: ignore[arg-type]
        stop = threading.Event()

        def take(screen: Any) -> None:
            with contextlib.suppress(Exception):
                while not stop.is_set():
                    screen.recv(timeout=1.0)

        threads = [threading.Thread(target=take, args=(screen,), daemon=True) for screen in screens]
        for thread in threads:
            thread.start()
        frame = encode(Drive(crowd(OBJECTS)).frame(2.0))
        began_s, cpu_s = time.monotonic(), _cpu_s(link._process.pid)
        for i in range(int(4.0 / FRAME_S)):
            link.send(frame)
            time.sleep(max(0.0, began_s + (i + 1) * FRAME_S - time.monotonic()))
        share = (_cpu_s(link._process.pid) - cpu_s) / (time.monotonic() - began_s)
        stop.set()
        for screen in screens:
            screen.close()
    finally:
        link.close()
    note = f"{SCREENS} screens, {OBJECTS} objects, {len(frame)} bytes a frame"
    return at_most("cockpit/server CPU", 100.0 * share, 5.0, "% of a core", note)


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _wait_ready(link: Any) -> None:
    until_s = time.monotonic() + 20.0
    while time.monotonic() < until_s:
        if any(isinstance(message, CockpitReady) for message in link.poll()):
            return
        time.sleep(0.01)
    raise RuntimeError("the cockpit server did not start")


def _browser_rows(browser: Any) -> list[Row]:
    link = spawn_cockpit(0)
    try:
        _wait_ready(link)
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.goto(link.address)  # the second visit is measured: the server is warm then
        page.goto(link.address)
        drive = Drive(crowd(OBJECTS))
        frames = [drive.frame(2.0 + i / 30.0) for i in range(int((SPAN_S + 2.0) / FRAME_S))]
        sent: dict[int, float] = {}
        watching = False
        began_s = time.monotonic()
        for i, frame in enumerate(frames):
            if not watching and i * FRAME_S > 2.0:
                page.evaluate(WATCH)
                watching = True
                began_s = time.monotonic() - i * FRAME_S
            sent[frame.sequence] = time.time()
            link.send(encode(frame))
            # Playwright's own loop must turn while we wait.
            page.wait_for_timeout(max(0.0, began_s + (i + 1) * FRAME_S - time.monotonic()) * 1e3)
        watched = page.evaluate("() => window.watched")
        paint_ms = page.evaluate(
            "() => performance.getEntriesByName('first-contentful-paint')[0].startTime"
        )
        page.close()
    finally:
        link.close()
    late = [at - 1e3 * sent[number] for number, at in watched["painted"] if number in sent]
    fps = 1e3 / statistics.fmean(watched["gaps"])
    note = f"1280x720, {OBJECTS} objects, software"
    return [
        at_least("cockpit/scene", fps, 55.0, "frames/s", note),
        at_most("cockpit/scene interval p95", percentile(watched["gaps"], 0.95), 20.0, "ms", note),
        at_most("cockpit/scene drawing p50", statistics.median(watched["draws"]), 4.0, "ms", note),
        at_most("cockpit/first contentful paint", paint_ms, 300.0, "ms", "warm server"),
        at_most("cockpit/send to pixel p50", statistics.median(late), 35.0, "ms", note),
        at_most("cockpit/send to pixel p95", percentile(late, 0.95), 100.0, "ms", note),
    ]


def _boot_row(browser: Any) -> Row:
    """From the call of `volant drive` to its first live frame in a browser that is already open."""
    name = "cockpit/boot to first live frame"
    command = [
        str(Path(sys.executable).with_name("volant")),
        "drive",
        "--no-journal",
        "--port",
        "0",
    ]
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    with tempfile.TemporaryDirectory() as folder:
        began_s = time.monotonic()
        process = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        try:
            assert process.stdout is not None
            lines = []
            for line in process.stdout:
                lines.append(line.strip())
                found = re.search(r"http://127\.0\.0\.1:\d+/\S+", line)
                if found:
                    page.goto(found.group(0))
                    page.wait_for_function("() => document.querySelector('#stale').hidden")
                    return at_most(name, time.monotonic() - began_s, 5.0, "s", "browser open")
            return skipped(name, f"the drive gave no address: {' | '.join(lines[-2:])}")
        finally:
            page.close()
            process.terminate()
            process.communicate()
