"""Starts one app behind its walls, and ends it with all that it has started. The only place that forks apps."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from volant.caros.apps.isolation.groups import Group, make_group
from volant.caros.apps.isolation.levels import Means
from volant.caros.apps.isolation.sandbox import (
    ENVIRONMENT,
    HOST_FD,
    SIGNALS_FD,
    Ask,
    Machine,
    words,
)
from volant.caros.supervise.shell import die_with

MIB: Final = 1 << 20
START_CPU_PCT: Final = 100
"""Until an app is ready, which its host waits for some seconds only; a small share would make its start slow."""
_ABOVE: Final = 64
"""Where descriptors are set aside while 0 to 4 are laid out."""
FAILED: Final = 127


@dataclass(slots=True)
class Running:
    """An app that runs, with our ends."""

    pid: int
    pidfd: int
    host: socket.socket
    """Words between app and host."""
    signals: socket.socket
    """The far end of the app's signals; handed to whoever serves them."""
    output: int
    """What it prints; cannot block us."""
    group: Group | None

    def kill(self) -> None:
        """End it and all that it has started, at once; before it is waited for, so its number is its own."""
        for end in (os.killpg, os.kill):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                end(self.pid, signal.SIGKILL)
        if self.group is not None:
            self.group.kill()

    def close(self) -> None:
        """Let go of all after its end; its number may be another's by now."""
        if self.group is not None:
            self.group.remove()
        self.host.close()
        self.signals.close()
        os.close(self.output)
        os.close(self.pidfd)


def launch(machine: Machine, means: frozenset[Means], ask: Ask, label: str) -> Running:
    """Start an app.

    Raises:
        RefusedError: its group cannot be made.
        OSError: no process or no descriptors are left.
    """
    group = None
    if Means.GROUP in means:
        budget = ask.budget
        group = make_group(
            label, budget.memory_mb * MIB, budget.processes, max(START_CPU_PCT, budget.cpu_pct)
        )
    command = words(machine, means, ask)
    kind = socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC
    host, their_host = socket.socketpair(socket.AF_UNIX, kind)
    signals, their_signals = socket.socketpair(socket.AF_UNIX, kind)
    output, their_output = os.pipe2(os.O_CLOEXEC)
    parent = os.getpid()
    try:
        pid = os.fork()
        if pid == 0:
            ends = their_output, their_output, their_signals.fileno(), their_host.fileno()
            _become(command, group, ends, parent)
    except OSError:
        for end in (host, signals):
            end.close()
        os.close(output)
        raise
    finally:
        their_host.close()
        their_signals.close()
        os.close(their_output)
    with contextlib.suppress(OSError):  # so that a kill right now finds the group, whoever is first
        os.setpgid(pid, pid)
    os.set_blocking(output, False)
    return Running(pid, os.pidfd_open(pid), host, signals, output, group)


def threads_of_user() -> int:
    """How many threads the kernel counts for our user now, where apps share it."""
    own, count = os.getuid(), 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if folder.stat().st_uid == own:
                count += len(list((folder / "task").iterdir()))
    return count


def _become(
    command: list[str], group: Group | None, ends: tuple[int, int, int, int], parent: int
) -> NoReturn:
    """In the fork: lay out the descriptors, join the group and turn into the sandbox."""
    try:
        die_with(parent)
        os.setpgid(0, 0)
        for kind in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
            signal.signal(kind, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        os.nice(5)
        if group is not None:
            group.join()
        aside = [fcntl.fcntl(end, fcntl.F_DUPFD, _ABOVE) for end in ends]
        nothing = os.open("/dev/null", os.O_RDONLY)
        os.dup2(nothing, 0)
        for number, end in zip((1, 2, SIGNALS_FD, HOST_FD), aside, strict=True):
            os.dup2(end, number)
        os.closerange(HOST_FD + 1, os.sysconf("SC_OPEN_MAX"))
        os.execve(command[0], command, ENVIRONMENT)  # noqa: S606  (our own words, no shell)
    except BaseException as error:  # noqa: BLE001 - a fork must not fall back into its parent's code
        with contextlib.suppress(OSError):
            os.write(2, f"volant: the sandbox did not start: {error}\n".encode())
    os._exit(FAILED)
