"""Finds out by trying what this machine offers; believes no version number and no configuration.

Each means is tried as it will be used: a small program is started behind the walls and says that it is there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from volant.caros.apps.inside.enter import landlock_abi
from volant.caros.apps.isolation import groups
from volant.caros.apps.isolation.levels import Means, Offer
from volant.caros.apps.isolation.sandbox import (
    ENVIRONMENT,
    Ask,
    Machine,
    system_links,
    system_paths,
    words,
)
from volant.caros.apps.isolation.seccomp import ARCHITECTURES
from volant.caros.apps.manifest import Budget
from volant.core.errors import RefusedError

TRY_S: Final = 10.0
_SAYS: Final = "import sys; sys.stdout.write('inside')\n"
_NUMBER: Final = 999
"""Of the app that only tries."""


def find_machine() -> Machine:
    """What sandboxes are made of here.

    The interpreter is the one that we run in, where those who will run it can reach it: without bubblewrap
    that is an app's own user, if we are root. Elsewhere it is the system's.
    """
    found = {path: _link(path) for path in system_paths()}
    root = os.geteuid() == 0
    bwrap = shutil.which("bwrap") or ""
    python = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    machine = Machine(bwrap, python, sys.base_prefix, system_links(found), root)
    reachable = all_may_enter(Path(python)) if root and not bwrap else os.access(python, os.X_OK)
    return machine if reachable else _with_system_python(machine)


def probe(machine: Machine | None = None) -> tuple[Machine, Offer]:
    """Try everything once; some tenths of a second."""
    machine = machine or find_machine()
    lacking: dict[Means, str] = {}
    if not machine.bwrap:
        lacking[Means.VIEW] = "bubblewrap is not installed: apt-get install bubblewrap"
    elif fault := _fault(machine, frozenset({Means.VIEW})):
        lacking[Means.VIEW] = f"bubblewrap: {fault}"
        if machine.root and not all_may_enter(Path(machine.python)):
            machine = _with_system_python(machine)
    name = os.uname().machine
    if name not in ARCHITECTURES:
        lacking[Means.CALLS] = f"no filter of system calls is known for {name}"
    elif fault := _fault(machine, frozenset({Means.CALLS})):
        lacking[Means.CALLS] = f"seccomp: {fault}"
    abi = landlock_abi()
    for means, least, version in ((Means.FILES, 1, "5.13"), (Means.SCOPE, 6, "6.12")):
        if abi < least:
            lacking[means] = f"landlock ABI {abi}, {least} is needed (Linux {version})"
        elif fault := _fault(machine, frozenset({Means.FILES, means})):
            lacking[means] = f"landlock: {fault}"
    try:
        groups.make_group("probe", 64 << 20, 8, 50).remove()
    except RefusedError as error:
        lacking[Means.GROUP] = str(error)
    return machine, Offer(frozenset(Means) - lacking.keys(), lacking)


def all_may_enter(path: Path) -> bool:
    """Whether any user can get to a file."""
    try:
        return all(folder.stat().st_mode & 0o001 for folder in path.parents)
    except OSError:
        return False


def _with_system_python(machine: Machine) -> Machine:
    return replace(machine, python=os.path.realpath("/usr/bin/python3"), prefix="/usr")


def _link(path: str) -> str | None:
    found = Path(path)
    if found.is_symlink():
        return str(found.readlink())
    return "" if found.is_dir() else None


def _fault(machine: Machine, means: frozenset[Means]) -> str:
    """Why a program does not run with these means; empty where it does."""
    if machine.root and Means.VIEW not in means:
        # Whether the kernel can is asked here, not whether an app's own user could read our files.
        machine = replace(machine, root=False)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "main.py").write_text(_SAYS)
        ask = Ask(_NUMBER, folder, "main.py", Budget(), threads_before=10_000)
        return _try(words(machine, means, ask))


def _try(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - our own words, no shell
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=ENVIRONMENT,
            timeout=TRY_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0 and done.stdout == b"inside":
        return ""
    told = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return told[-1][:200] if told else f"status {done.returncode}"
