"""How big and how quick to start: installed size, peak memory of a drive, `volant --help`."""

from __future__ import annotations

import importlib.metadata
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.rows import Row, at_most, skipped

REPO = Path(__file__).resolve().parents[1]
INSTALLED_MB = 450.0
MEMORY_MB = 500.0
HELP_MS = 250.0
HELP_RUNS = 7


def rows() -> list[Row]:
    return [_installed(), _memory(), _help()]


def runtime_packages() -> list[str]:
    """Names of the pinned closure of what a plain install brings."""
    text = (REPO / "requirements" / "run.txt").read_text(encoding="utf-8")
    pinned = re.findall(r"^([A-Za-z0-9_.-]+)==[^;\s]+([^\\\n]*)", text, re.MULTILINE)
    return [name for name, marker in pinned if "win32" not in marker]


def _installed() -> Row:
    """Bytes of every file of the closure and of our own package, compiled bytecode included."""
    total, missing = 0, []
    for name in runtime_packages():
        try:
            files = importlib.metadata.files(name) or []
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
            continue
        total += _bytes_of({Path(str(file.locate())) for file in files})
    own = [REPO / "src" / "volant", REPO / "cars", REPO / "maps", REPO / "scenarios"]
    total += _bytes_of({path for folder in own for path in folder.rglob("*")})
    note = f"not installed here: {', '.join(missing)}" if missing else "without extras and Node"
    return at_most("size/installed", total / 1e6, INSTALLED_MB, "MB", note)


def _bytes_of(paths: set[Path]) -> int:
    """Size of files, each with the bytecode that the first import makes of it."""
    compiled = {
        found
        for path in paths
        if path.suffix == ".py"
        for found in (path.parent / "__pycache__").glob(f"{path.stem}.cpython-*.pyc")
    }
    return sum(path.stat().st_size for path in paths | compiled if path.is_file())


def _memory() -> Row:
    """Peak resident memory of a headless drive, as the kernel counted it."""
    command = [*_volant(), "drive", "--headless", "--json", "--distance", "1500"]
    with tempfile.TemporaryDirectory() as folder:
        began = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(began.pid, 0)
        began.returncode = os.waitstatus_to_exitcode(status)
    if began.returncode not in (0, 3, 4):
        return skipped("size/peak memory of a headless drive", f"exit {began.returncode}")
    return at_most("size/peak memory of a headless drive", usage.ru_maxrss / 1e3, MEMORY_MB, "MB")


def _help() -> Row:
    """Median wall time of `volant --help`."""
    times_ms = []
    for _ in range(HELP_RUNS):
        began_s = time.perf_counter()
        subprocess.run([*_volant(), "--help"], check=True, stdout=subprocess.DEVNULL)
        times_ms.append((time.perf_counter() - began_s) * 1e3)
    return at_most("size/volant --help", statistics.median(times_ms), HELP_MS, "ms")


def _volant() -> list[str]:
    script = Path(sys.executable).with_name("volant")
    return [str(script)] if script.exists() else [sys.executable, "-m", "volant"]
