"""`volant doctor`: what this machine has and lacks, and what to do about it.

Reads only; each check is a small function that gives one finding. A finding that is needed and missing
makes the exit status 5.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from volant import __version__
from volant.app.exits import Exit
from volant.app.folders import data_folder
from volant.app.say import answer_json, table
from volant.core.settings import known_names, search_folders

LEAST_MEMORY_GIB: Final = 1.0
"""The headless drive peaks below 0.5 GB (bench/size.py); twice that leaves room for a browser."""
LEAST_DISK_GIB: Final = 0.5
"""A four-kilometre journal takes about 0.03 GB."""
DEFAULT_PORT: Final = 8740
EXTRAS: Final = {"highway": "highway_env"}
"""Extra of the package and the module that shows that it is there."""
_CAN_LINK_TYPE: Final = "280"
"""ARPHRD_CAN in linux/if_arp.h."""
_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing looked at; `ok` is null where it is only told."""

    name: str
    ok: bool | None
    found: str
    needed: bool = False
    """The car does not boot without it."""
    do: str = ""
    """What helps, where it is not ok."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that `volant doctor` looked at."""

    volant: str
    ok: bool
    findings: tuple[Finding, ...]


def examine() -> Report:
    """Look at this machine."""
    findings = tuple(_findings())
    ok = all(finding.ok is not False for finding in findings if finding.needed)
    return Report(volant=__version__, ok=ok, findings=findings)


def doctor_command(*, as_json: bool) -> Exit:
    """Show what was found."""
    report = examine()
    if as_json:
        answer_json(report)
    else:
        marks = {True: "ok", False: "lacks", None: "-"}
        rows = [(one.name, marks[one.ok], one.found, one.do) for one in report.findings]
        table(f"volant {report.volant} on this machine", ("what", "", "found", "to do"), rows)
    return Exit.DONE if report.ok else Exit.DIFFERS


def _findings() -> Iterator[Finding]:
    yield _python()
    yield _system()
    yield Finding(name="cores", ok=None, found=str(len(os.sched_getaffinity(0))))
    yield _memory()
    yield _cpu_flags()
    yield from _packages()
    yield _kernels()
    yield _screens()
    yield _disk()
    yield _journals()
    yield _port(DEFAULT_PORT)
    yield _data("cars")
    yield _data("maps")
    yield _terminal()
    yield _can()
    yield _chromium()
    yield _isolation()
    yield Finding(name="node", ok=None, found="not needed: the screens are built at install")
    yield from _extras()


def _python() -> Finding:
    ok = (3, 11) <= sys.version_info[:2] <= (3, 13)
    found = f"{platform.python_version()} at {sys.executable}"
    return Finding(name="python", ok=ok, found=found, needed=True, do="" if ok else "3.11 to 3.13")


def _system() -> Finding:
    machine, system = platform.machine(), platform.system()
    ok = system == "Linux" and machine in ("x86_64", "aarch64")
    libc = " ".join(platform.libc_ver()).strip()
    do = "" if ok else "Linux on x86-64 or arm64; elsewhere the car runs inline only"
    return Finding(name="system", ok=ok, found=f"{system} {machine} {libc}".strip(), do=do)


def _isolation() -> Finding:
    """How well apps are walled in here."""
    from volant.caros.apps.isolation.levels import Level
    from volant.caros.apps.isolation.probe import probe

    _, offer = probe()
    return Finding(
        name="isolation of apps",
        ok=offer.level is Level.FULL,
        found=offer.level.word,
        do="; ".join(offer.missing(Level.FULL)),
    )


def _memory() -> Finding:
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
    except OSError:
        return Finding(name="memory", ok=None, found="unknown")
    table_kib = {
        line.split(":")[0]: int(line.split()[1]) for line in text.splitlines() if ":" in line
    }
    total_gib, free_gib = (table_kib.get(name, 0) / 2**20 for name in ("MemTotal", "MemAvailable"))
    ok = free_gib >= LEAST_MEMORY_GIB
    do = "" if ok else f"free {LEAST_MEMORY_GIB:g} GiB"
    return Finding(name="memory", ok=ok, found=f"{free_gib:.1f} of {total_gib:.1f} GiB free", do=do)


def _cpu_flags() -> Finding:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return Finding(name="vector unit", ok=None, found="unknown")
    lines = [line for line in text.splitlines() if line.startswith(("flags", "Features"))]
    flags = set(lines[0].split(":", 1)[1].split()) if lines else set()
    seen = [flag for flag in ("avx2", "fma", "avx512f", "asimd") if flag in flags]
    same = "fma" in flags and platform.machine() == "x86_64"
    do = "" if same else "journals are byte-identical between x86-64 machines with FMA only"
    return Finding(name="vector unit", ok=None, found=" ".join(seen) or "none", do=do)


def _packages() -> Iterator[Finding]:
    for name in ("msgspec", "numpy", "numba", "mcap", "starlette", "uvicorn", "typer", "rich"):
        try:
            yield Finding(name=name, ok=True, found=importlib.metadata.version(name), needed=True)
        except importlib.metadata.PackageNotFoundError:
            yield Finding(name=name, ok=False, found="none", needed=True, do="make setup")


def _kernels() -> Finding:
    from volant.core.kernels import cache_folder, kernel_files

    try:
        folder = cache_folder()
    except RuntimeError as error:
        return Finding(
            name="numba cache", ok=False, found=str(error), needed=True, do="free a folder"
        )
    compiled = len(list(folder.rglob("*.nbi")))
    ok = compiled > 0
    do = "" if ok else "the first drive compiles them, or: make setup"
    found = f"{compiled} kernels of {len(kernel_files())} files in {folder}"
    return Finding(name="numba cache", ok=ok, found=found, do=do)


def _screens() -> Finding:
    folder = Path(__file__).resolve().parents[1] / "static"
    pages = sorted(path.name for path in folder.rglob("*.html")) if folder.is_dir() else []
    do = "" if pages else "make setup builds them; volant drive --headless needs none"
    return Finding(name="screens", ok=bool(pages), found=", ".join(pages) or "not built", do=do)


def _disk() -> Finding:
    free_gib = shutil.disk_usage(Path.cwd()).free / 2**30
    ok = free_gib >= LEAST_DISK_GIB
    do = "" if ok else f"free {LEAST_DISK_GIB:g} GiB, or volant drive --no-journal"
    return Finding(name="disk", ok=ok, found=f"{free_gib:.1f} GiB free here", do=do)


def _journals() -> Finding:
    ok = os.access(Path.cwd(), os.W_OK)
    do = "" if ok else "volant drive --journal FOLDER"
    return Finding(name="journals", ok=ok, found=str(Path.cwd() / "journals"), do=do)


def _port(port: int) -> Finding:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            found = f"127.0.0.1:{port} {error.strerror or error}"
            return Finding(name="port", ok=None, found=found, do="the next free one is taken")
    return Finding(name="port", ok=True, found=f"127.0.0.1:{port} is free")


def _data(kind: str) -> Finding:
    names = known_names(kind, data_folder())
    known = dict.fromkeys(search_folders(kind, data_folder()))
    folders = ", ".join(str(folder) for folder in known if folder.is_dir())
    found = f"{', '.join(names) or 'none'} in {folders or 'no folder'}"
    do = "" if names else "install the package again"
    return Finding(name=kind, ok=bool(names), found=found, needed=True, do=do)


def _terminal() -> Finding:
    if not sys.stdout.isatty():
        return Finding(name="terminal", ok=None, found="none: plain lines are printed")
    size = shutil.get_terminal_size()
    found = f"{os.environ.get('TERM', 'unknown')}, {size.columns} x {size.lines}"
    return Finding(name="terminal", ok=True, found=found)


def _can() -> Finding:
    links = sorted(
        path.parent.name
        for path in Path("/sys/class/net").glob("*/type")
        if _read(path) == _CAN_LINK_TYPE
    )
    found = ", ".join(links) or "none: needed for a real car only"
    return Finding(name="CAN", ok=None, found=found)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _chromium() -> Finding:
    named = os.environ.get("VOLANT_CHROMIUM")
    path = named or next((found for name in _BROWSERS if (found := shutil.which(name))), None)
    found = path or "none: any browser shows the cockpit, the tests of the screens want it"
    return Finding(name="chromium", ok=None, found=found)


def _extras() -> Iterator[Finding]:
    for extra, module in EXTRAS.items():
        there = importlib.util.find_spec(module) is not None
        do = "" if there else _install(extra)
        found = "installed" if there else "not installed"
        yield Finding(name=f"extra {extra}", ok=None, found=found, do=do)


def _install(extra: str) -> str:
    """The command for an extra: of the checkout where this is one, else of the package."""
    here = Path(__file__).resolve().parents[3]
    if (here / "pyproject.toml").is_file() and (here / ".venv" / "bin" / "pip").is_file():
        return f".venv/bin/pip install -e '.[{extra}]'"
    return f"pip install 'volant[{extra}]'"
