"""Makes a scene with things worth stealing, lets an app try each of `escape_attempts.py`, and tells what passed.

`python scripts/escapes.py` writes the table of docs/guides/apps.md anew. Level full is tried as who runs this
(root, in CI); the lower levels as an ordinary user who shares one user with all that is his: the worst case.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))
sys.path.append(str(ROOT / "scripts"))

from escape_attempts import ATTEMPTS

from volant.caros.apps.door import SignalDoor
from volant.caros.apps.host import GRACE_S, AppHost
from volant.caros.apps.isolation import groups
from volant.caros.apps.isolation.levels import NEEDED, Level, Offer
from volant.caros.apps.isolation.probe import find_machine, probe
from volant.caros.apps.isolation.sandbox import INSIDE
from volant.caros.apps.package import open_package, pack
from volant.caros.apps.store import AppStore
from volant.caros.signals.rights import Rights
from volant.caros.signals.store import Datapoint, SignalStore
from volant.caros.supervise.shell import die_with
from volant.trust import SigningKey
from volant.wire.vss import Catalogue, Leaf

SOURCE = (ROOT / "scripts" / "escape_attempts.py").read_bytes()
PAGE = ROOT / "docs" / "guides" / "apps.md"
ORDINARY_USER = 64_321
"""And the next ones, one a level: the kernel counts processes by user, and tests run side by side."""
MEMORY_MB, PROCESSES, FLASH_MB = 32, 8, 1
ATTEMPT_S = 12.0
KEY = SigningKey(b"escape attempts of the tests ..."[:32])
MANIFEST = """
id = "org.volant.escape"
name = "Escape"
version = "1.0.0"
entry = "{entry}.py"
signals = ["read:Vehicle.Cabin.**"]
min_isolation = "none"
states = ["driving"]
restart = "never"
[budget]
cpu_pct = 100
memory_mb = {memory}
processes = {processes}
flash_mb_day = {flash}
kept_mb = 50
hosts = ["localhost:{port}"]
"""
LOG_MOST_BYTES = 1_000_000


@contextmanager
def scene() -> Iterator[tuple[Path, dict[str, Any]]]:
    """A home, another app, a process and services, all of our own user."""
    folder = Path(tempfile.mkdtemp(prefix="volant-escape-"))
    folder.chmod(0o755)
    home, other = folder / "home", folder / "org.volant.other"
    for path in (home, other / "kept"):
        path.mkdir(parents=True)
    (home / "secret.txt").write_text("secret")
    (other / "kept" / "diary").write_text("secret")
    for path in (home / "secret.txt", other / "kept" / "diary", other / "kept", home):
        path.chmod(0o600 if path.is_file() else 0o700)
    shutil.copytree(INSIDE, folder / "inside", ignore=shutil.ignore_patterns("__pycache__"))
    ends = {name: socket.socket(family, kind) for name, family, kind in (
        ("tcp", socket.AF_INET, socket.SOCK_STREAM),
        ("udp", socket.AF_INET, socket.SOCK_DGRAM),
        ("path", socket.AF_UNIX, socket.SOCK_STREAM),
        ("datagram", socket.AF_UNIX, socket.SOCK_DGRAM),
        ("abstract", socket.AF_UNIX, socket.SOCK_STREAM),
    )}  # fmt: skip
    facts: dict[str, Any] = {
        "home": str(home), "other_app": str(other), "memory_mb": MEMORY_MB, "processes": PROCESSES,
        "flash_mb_day": FLASH_MB, "unix_path": str(folder / "path"),
        "unix_datagram": str(folder / "datagram"), "unix_abstract": f"volant-{os.getpid()}",
    }  # fmt: skip
    ends["tcp"].bind(("127.0.0.1", 0))
    ends["udp"].bind(("127.0.0.1", 0))
    ends["path"].bind(facts["unix_path"])
    ends["datagram"].bind(facts["unix_datagram"])
    ends["abstract"].bind("\0" + facts["unix_abstract"])
    for name in ("tcp", "path", "abstract"):
        ends[name].listen(8)
    facts["tcp_port"] = ends["tcp"].getsockname()[1]
    facts["udp_port"] = ends["udp"].getsockname()[1]
    segment = ctypes.CDLL(None).shmget(facts.setdefault("shm_key", os.getpid()), 4096, 0o1600)
    victim = _victim(facts, ends["path"])
    try:
        yield folder, facts
    finally:
        victim.kill()
        victim.wait()
        ctypes.CDLL(None).shmctl(segment, 0, None)
        for end in ends.values():
            end.close()
        shutil.rmtree(folder, ignore_errors=True)


def _victim(facts: dict[str, Any], end: socket.socket) -> subprocess.Popen[bytes]:
    """Another process with something in its environment, its memory and at descriptor 3."""
    shell = "exec 3<&0; while :; do sleep 0.2; done"
    victim = subprocess.Popen(
        ["/bin/sh", "-c", shell, "volant-victim"], stdin=end.fileno(), env={"VICTIM": "secret"}
    )
    facts.update(victim=victim.pid, victim_name="volant-victim", victim_address=0)
    time.sleep(0.2)
    for line in Path(f"/proc/{victim.pid}/maps").read_text().splitlines():
        if "[stack]" in line or "[heap]" in line:
            facts["victim_address"] = int(line.split("-")[0], 16)
    return victim


def try_all(level: Level, names: Sequence[str] = ()) -> dict[str, str]:
    """What came of each attempt at a level: `passed ...` or `held ...`.

    Raises:
        RuntimeError: this machine does not reach the level.
    """
    machine, offer = probe(find_machine())
    if offer.level < level:
        raise RuntimeError(f"level {level.word} is not reached here: {offer.missing(level)}")
    offer = Offer(NEEDED[level], {})
    found = {}
    with scene() as (folder, facts):
        here = replace(machine, inside=str(folder / "inside"))
        for number, name in enumerate(names or ATTEMPTS):
            found[name] = _try_one(name, folder / f"try-{number}", facts, here, offer)
    return found


def try_as_user(level: Level, names: Sequence[str] = ()) -> dict[str, str]:
    """The same as an ordinary user, where we are root; else as who we are."""
    if os.geteuid() != 0:
        return try_all(level, names)
    receiving, sending = os.pipe()
    user = ORDINARY_USER + level
    group = _delegated(user)
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            group.join()
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
            os.environ["HOME"] = tempfile.tempdir = "/tmp"
            ctypes.CDLL(None).prctl(
                4, 1, 0, 0, 0
            )  # as any process of a user, it can be looked into
            with os.fdopen(sending, "w") as file:
                json.dump(try_all(level, names), file)
            status = 0
        except BaseException as error:  # noqa: BLE001 - a fork does not fall back into its parent's code
            print(f"escapes: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        finally:
            os._exit(status)
    os.close(sending)
    with os.fdopen(receiving) as file:
        text = file.read()
    ended = os.waitpid(pid, 0)[1]
    group.remove()
    if os.waitstatus_to_exitcode(ended):
        raise RuntimeError(f"the attempts at level {level.word} did not come to an end")
    return dict(json.loads(text))


def _delegated(user: int) -> groups.Group:
    """A group that an ordinary user may divide further, as a user's session has it under systemd."""
    group = groups.make_group("user", 4 << 30, 1000, 400)
    for folder in group.folders:
        os.chown(folder, user, user)
        for name in ("cgroup.procs", "cgroup.subtree_control", "cgroup.threads", "tasks"):
            if (folder / name).exists():
                os.chown(folder / name, user, user)
    return group


def _try_one(name: str, folder: Path, facts: dict[str, Any], machine: Any, offer: Offer) -> str:
    store = AppStore(folder)
    folder.mkdir(mode=0o755)
    entry = f"{name}_{os.getpid()}"
    words = MANIFEST.format(
        entry=entry, memory=MEMORY_MB, processes=PROCESSES, flash=FLASH_MB, port=facts["tcp_port"]
    )
    code = f"import escape_attempts\nescape_attempts.run({name!r}, {facts!r})\n"
    package = pack(
        {"app.toml": words.encode(), f"{entry}.py": code.encode(), "escape_attempts.py": SOURCE},
        KEY,
    )
    store.change_trust(lambda trust: trust.with_key(KEY.public, "tests"))
    row = store.install(open_package(package))
    log = store.log(row.id) / "app.log"
    with signals() as channel:
        host = AppHost(store, machine, offer, channel)
        until_s = time.monotonic() + ATTEMPT_S
        told, done = "", False
        while not done and time.monotonic() < until_s:
            host.turn(0.05)
            told = log.read_text(errors="replace") if log.exists() else ""
            done = "escaped" in told or "held" in told or (name == "stay" and "ready" in told)
            one = next((one for one in host.status() if one.id == row.id), None)
            done = done or (one is not None and one.phase in ("stopped", "quarantined"))
        began_s = time.monotonic()
        host.close()
        ended_s = time.monotonic() - began_s
        told = log.read_text(errors="replace") if log.exists() else ""
    return _verdict(name, told, folder, entry, ended_s)


def _verdict(name: str, told: str, folder: Path, entry: str, ended_s: float) -> str:
    if name == "outlive":
        time.sleep(0.5)  # the kernel's time to end a tree of processes
    left = _left(entry)
    if name in ("stay", "outlive"):
        if left or ended_s > GRACE_S + 2.0:
            return f"passed: {len(left)} processes left after {ended_s:.1f} s"
        return "held: all its processes were ended"
    if name == "fill_log":
        size = sum(path.stat().st_size for path in folder.rglob("app.log*"))
        return f"passed: {size} bytes" if size > LOG_MOST_BYTES else f"held: {size} bytes of log"
    found = re.search(r"(escaped|held)(:.*)?$", told, re.MULTILINE)
    if found is None:
        died = re.search(r"died status (\d+)", told)
        return f"held: ended ({'status ' + died[1] if died else 'no word'})"
    return ("passed" if found[1] == "escaped" else "held") + (found[2] or "")


def _left(entry: str) -> list[int]:
    """Processes of an attempt that still run; they are ended."""
    mark, found = entry.encode().hex().encode(), []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError, ValueError):
            if mark in path.read_bytes():
                found.append(int(path.parent.name))
    for pid in found:
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    return found


@contextmanager
def signals() -> Iterator[socket.socket]:
    """A small signal tree, served by a process of its own: a host of apps forks, and has no threads."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            die_with(parent)
            ours.close()
            asyncio.run(_serve(theirs))
        finally:
            os._exit(1)
    theirs.close()
    try:
        yield ours
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        ours.close()


async def _serve(channel: socket.socket) -> None:
    catalogue = Catalogue(
        [
            Leaf("Vehicle.Speed", "sensor", "float"),
            Leaf("Vehicle.CurrentLocation.Latitude", "sensor", "double"),
            Leaf("Vehicle.Cabin.Door.Row1.DriverSide.IsOpen", "actuator", "boolean"),
        ]
    )
    store = SignalStore(catalogue)
    points = {leaf.id: Datapoint(0.0, 1) for leaf in catalogue if leaf.kind == "sensor"}
    store.publish(Rights.all(), points)
    moved = [leaf.id for leaf in catalogue if leaf.kind == "actuator"]
    store.claim("car", moved, "actuation", Rights.all(), lambda _: None)
    SignalDoor(store, channel).open()
    await asyncio.Event().wait()


def all_levels() -> dict[Level, dict[str, str]]:
    return {
        level: try_all(level) if level is Level.FULL else try_as_user(level)
        for level in sorted(Level, reverse=True)
    }


def table(found: dict[Level, dict[str, str]]) -> str:
    """The table of the guide."""
    levels = sorted(found, reverse=True)
    lines = [
        f"| an app tries to | {' | '.join(level.word for level in levels)} |",
        f"|---|{'---|' * len(levels)}",
    ]
    for name, (words, _) in ATTEMPTS.items():
        cells = ["**passes**" if passes(found[level][name]) else "held" for level in levels]
        lines.append(f"| {words} | {' | '.join(cells)} |")
    counts = [str(sum(passes(one) for one in found[level].values())) for level in levels]
    lines.append(f"| **of {len(ATTEMPTS)} attempts pass** | {' | '.join(counts)} |")
    return "\n".join(lines) + "\n"


def passes(what: str) -> bool:
    return what.startswith("passed")


def put_in(page: str, words: str) -> str:
    """The page with the table between its two marks."""
    begin, end = "<!-- escapes: begin -->\n", "<!-- escapes: end -->"
    head, rest = page.split(begin)
    return head + begin + words + end + rest.split(end)[1]


def main() -> int:
    if sys.argv[1:]:
        level = Level[sys.argv[1].upper()]
        tried = try_as_user(level, sys.argv[2:])
        for name, what in tried.items():
            print(f"{name:20} {what}")
        return 0
    found = all_levels()
    for level, rows in found.items():
        for name, what in rows.items():
            print(f"{level.word:8} {name:20} {what}")
    PAGE.write_text(put_in(PAGE.read_text(encoding="utf-8"), table(found)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
