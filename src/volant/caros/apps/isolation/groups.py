"""Control groups of version 2 or 1: bounds for all processes of an app together, where we may make them.

Groups lie below our own, named after our process; what an earlier one left is swept away. Version 2 lets no group
hold processes and bound its children too, so we move into a child beside the apps' first, with all of our own.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from volant.core.errors import RefusedError

ROOT: Final = Path("/sys/fs/cgroup")
_NEEDED: Final = ("memory", "pids")
_OURS: Final = re.compile(r"volant-(\d+)-[a-z0-9._-]+")
_CAR: Final = re.compile(r"volant-\d+-car")
"""The child into which we move."""
EXTRA_PROCESSES: Final = 2
"""bubblewrap's own two are in the group as well."""
PERIOD_US: Final = 100_000
END_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Group:
    """The group of one app: one folder of version 2, or one for each controller of version 1."""

    folders: tuple[Path, ...]

    def join(self) -> None:
        """Put the calling process in, with all that it will start."""
        for folder in self.folders:
            (folder / "cgroup.procs").write_text("0")

    def limit_cpu(self, pct: int) -> None:
        """Percent of one core from now on, where the group bounds it."""
        quota_us = pct * PERIOD_US // 100
        for folder in self.folders:
            with contextlib.suppress(OSError):
                if (folder / "cpu.max").exists():
                    (folder / "cpu.max").write_text(f"{quota_us} {PERIOD_US}")
                elif (folder / "cpu.cfs_quota_us").exists():
                    (folder / "cpu.cfs_quota_us").write_text(str(quota_us))

    @property
    def pids(self) -> set[int]:
        """Who is in it."""
        found: set[int] = set()
        for folder in self.folders:
            with contextlib.suppress(OSError):
                found |= {int(word) for word in (folder / "cgroup.procs").read_text().split()}
        return found

    def kill(self) -> None:
        """End all in it, those that fork meanwhile too."""
        until_s = time.monotonic() + END_S
        while self.pids and time.monotonic() < until_s:
            for pid in self.pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, 9)
            time.sleep(0.001)

    def remove(self) -> None:
        """Take an empty group away."""
        self.kill()
        for folder in self.folders:
            with contextlib.suppress(OSError):
                folder.rmdir()


def make_group(name: str, memory_bytes: int, processes: int, cpu_pct: int) -> Group:
    """Make a bounded group.

    Raises:
        RefusedError: this machine offers none, or not to us; the message says why.
    """
    label = f"volant-{os.getpid()}-{name}"
    try:
        own = _own()
        if "" in own and set(_NEEDED) <= set(_controllers(own[""])):
            return _make_2(own[""], label, memory_bytes, processes, cpu_pct)
        if all(controller in own for controller in _NEEDED):
            return _make_1(own, label, memory_bytes, processes, cpu_pct)
    except (OSError, ValueError) as error:
        raise RefusedError(f"control groups cannot be made: {error}") from error
    raise RefusedError("control groups of memory and pids are not mounted, or not handed to us")


def sweep() -> None:
    """Take away the groups of hosts that are gone."""
    with contextlib.suppress(OSError, ValueError):
        for folder in set(_own().values()):
            for path in folder.iterdir():
                match = _OURS.fullmatch(path.name)
                if match and not Path(f"/proc/{match[1]}").exists():
                    Group((path,)).remove()


def _own() -> dict[str, Path]:
    """Our own group's folder by controller; the one of version 2 has no name."""
    found: dict[str, Path] = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, names, path = line.split(":", 2)
        for name in names.split(","):
            roots = (ROOT / name,) if name else (ROOT, ROOT / "unified")
            for root in roots:
                folder = root / path.lstrip("/")
                if (folder / "cgroup.procs").exists():
                    found[name] = folder.parent if _CAR.fullmatch(folder.name) else folder
                    break
    return found


def _controllers(folder: Path) -> list[str]:
    with contextlib.suppress(OSError):
        return (folder / "cgroup.controllers").read_text().split()
    return []


def hand_down(own: Path, controllers: Sequence[str]) -> None:
    """Let the children of our group of version 2 have controllers.

    Raises:
        RefusedError: others are in our group, and cannot be moved.
        OSError: we may not.
    """
    control = own / "cgroup.subtree_control"
    if set(controllers) <= set(control.read_text().split()):
        return
    words = " ".join(f"+{one}" for one in controllers)
    try:
        control.write_text(words)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        _move_down(own)
        control.write_text(words)


def _move_down(own: Path) -> None:
    """All of our own processes into a child; those of others are left alone, and then there is no way."""
    top = _top()
    folder = own / f"volant-{top}-car"
    folder.mkdir(exist_ok=True)
    for pid in [int(word) for word in (own / "cgroup.procs").read_text().split()]:
        if top not in _line(pid):
            raise RefusedError(
                "others are in our control group; start with "
                "`systemd-run --user --scope -p Delegate=yes volant up`"
            )
        with contextlib.suppress(ProcessLookupError):
            (folder / "cgroup.procs").write_text(str(pid))


def _line(pid: int) -> list[int]:
    """A process and those above it, as far as they can be seen."""
    found: list[int] = []
    while pid > 1 and pid not in found:
        found.append(pid)
        try:
            words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            break
        pid = int(words[1])
    return found


def _top() -> int:
    """Our topmost process: as far up as the same program runs."""
    top, ours = os.getpid(), Path("/proc/self/exe").readlink()
    for pid in _line(os.getpid()):
        try:
            if Path(f"/proc/{pid}/exe").readlink() != ours:
                break
        except OSError:
            break
        top = pid
    return top


def _make_2(own: Path, label: str, memory_bytes: int, processes: int, cpu_pct: int) -> Group:
    has = [one for one in ("memory", "pids", "cpu") if one in _controllers(own)]
    hand_down(own, has)
    folder = own / label
    folder.mkdir()
    (folder / "memory.max").write_text(str(memory_bytes))
    with contextlib.suppress(OSError):
        (folder / "memory.swap.max").write_text("0")
    (folder / "pids.max").write_text(str(processes + EXTRA_PROCESSES))
    if "cpu" in has:
        (folder / "cpu.max").write_text(f"{cpu_pct * PERIOD_US // 100} {PERIOD_US}")
    return Group((folder,))


def _make_1(
    own: dict[str, Path], label: str, memory_bytes: int, processes: int, cpu_pct: int
) -> Group:
    limits = {
        "memory": {"memory.limit_in_bytes": memory_bytes},
        "pids": {"pids.max": processes + EXTRA_PROCESSES},
        "cpu": {"cpu.cfs_period_us": PERIOD_US, "cpu.cfs_quota_us": cpu_pct * PERIOD_US // 100},
    }
    folders = []
    for controller, values in limits.items():
        if controller not in own:
            continue
        folder = own[controller] / label
        folder.mkdir()
        folders.append(folder)
        for name, value in values.items():
            if (folder / name).exists():
                (folder / name).write_text(str(value))
    return Group(tuple(folders))
