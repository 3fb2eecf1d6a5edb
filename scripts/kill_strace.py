"""Runs something in a process of its own, kills it at each system call that changes a file, and looks at what is left.

A process that has done nothing yet is held,
strace is put on it and kills it when it enters the n-th `write`, `fsync`, `rename` and so on in the case's folder; that
for every n. What is left must be the old or the new, and the same command must then bring the new.

This is the death of a process: what the kernel was given is not lost. What a power cut leaves of a flash is played
through elsewhere (`trust.flash.recording`).
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

CALLS = (
    "openat,write,pwrite64,writev,fsync,fdatasync,ftruncate,fallocate,rename,renameat,renameat2,"
    "unlink,unlinkat,mkdir,mkdirat,rmdir,chmod,fchmod,fchmodat,link,linkat,symlink,copy_file_range,sendfile"
)
"""What changes a file system. An `openat` counts where it makes a file."""
LINE = re.compile(r"^(?:\d+ +)?([a-z0-9_]+)\((.*)$")
HOLD_S = 10.0
END_S = 60.0


class BrokenError(Exception):
    """What a death left is neither the old nor the new."""


@dataclass(frozen=True)
class Case:
    """Something that writes."""

    name: str
    words: str
    """What is done, for the table."""
    prepare: Callable[[Path], None]
    """Makes a folder in which it can be done."""
    run: Callable[[Path], None]
    """Does it; again after a death."""
    look: Callable[[Path], str]
    """What a reader finds: `old`, `new`, or `waits`: it keeps what it has until the command runs again."""


@dataclass
class Row:
    """What became of a case."""

    case: str
    words: str
    calls: int = 0
    """System calls that change something."""
    killed: int = 0
    old: int = 0
    new: int = 0
    waits: int = 0
    went_on: int = 0
    """After which the command, run again, came to the new."""
    broken: list[str] = field(default_factory=list)


def kill_everywhere(case: Case, folder: Path, every: int = 1) -> Row:
    """Kill a case at each of its system calls.

    Args:
        case: which.
        folder: an empty one, for it alone.
        every: at each so manieth call only.
    """
    row = Row(case.name, case.words)
    start, work = folder / "start", folder / "work"
    start.mkdir()
    case.prepare(start)
    _renew(start, work)
    case.run(work)  # what it imports is imported: the processes to be killed only work
    _want(case.look(work), "new", "without a death")
    points = _points(case, start, work, folder / "log")
    row.calls = len(points)
    for call, number in points[::every]:
        _renew(start, work)
        try:
            row.killed += _killed(case, work, ("-e", f"inject={call}:signal=KILL:when={number}"))
            found = case.look(work)
            setattr(row, found, getattr(row, found) + 1)
            _run_again(case, work)
            _want(case.look(work), "new", "after the command ran again")
            row.went_on += 1
        except BrokenError as error:
            row.broken.append(f"{call} {number}: {error}")
    return row


def _want(found: str, wanted: str, when: str) -> None:
    if found != wanted:
        raise BrokenError(f"{when}: found {found}, expected {wanted}")


def _renew(start: Path, work: Path) -> None:
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(start, work)


def _points(case: Case, start: Path, work: Path, log: Path) -> list[tuple[str, int]]:
    """Each system call that changes something in the folder, with its number among those of its name."""
    _renew(start, work)
    _killed(case, work, ("-y", "-s", "4096", "-e", f"trace={CALLS}"), log)
    count: dict[str, int] = {}
    found = []
    for line in log.read_text(errors="replace").splitlines():
        matched = LINE.match(line)
        if matched is None:
            continue
        call, rest = matched.groups()
        count[call] = count.get(call, 0) + 1
        changes = call != "openat" or "O_CREAT" in rest
        if changes and str(work) in rest:
            found.append((call, count[call]))
    return found


def _killed(case: Case, work: Path, options: tuple[str, ...], log: Path | None = None) -> bool:
    """Run a case under strace in a process of its own; whether it was killed."""
    child = _held(case, work)
    out = str(log) if log else "/dev/null"
    strace = subprocess.Popen(
        ["strace", "-qq", "-o", out, *options, "-p", str(child)],
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until_traced(child, strace)
        os.kill(child, signal.SIGCONT)
        status = _end_of(child)
    except BaseException:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        raise
    finally:
        strace.wait(END_S)
    if log is None and os.WIFSIGNALED(status):
        return True
    if os.waitstatus_to_exitcode(status) != 0:
        raise BrokenError(f"ended with {os.waitstatus_to_exitcode(status)}")
    return False


def _held(case: Case, work: Path) -> int:
    """A process that will do the case's work once it is let go."""
    child = os.fork()
    if child == 0:
        os.kill(os.getpid(), signal.SIGSTOP)
        _work(case, work)
    os.waitpid(child, os.WUNTRACED)
    return child


def _run_again(case: Case, work: Path) -> None:
    child = os.fork()
    if child == 0:
        _work(case, work)
    if os.waitstatus_to_exitcode(_end_of(child)) != 0:
        raise BrokenError("the command does not run again")


def _work(case: Case, work: Path) -> None:
    status = 1
    with contextlib.suppress(BaseException):
        case.run(work)
        status = 0
    os._exit(status)


def _wait_until_traced(child: int, strace: subprocess.Popen[bytes]) -> None:
    end_s = time.monotonic() + HOLD_S
    while time.monotonic() < end_s and strace.poll() is None:
        status = Path(f"/proc/{child}/status").read_text()
        if "TracerPid:\t0\n" not in status:
            return
        time.sleep(0.001)
    raise RuntimeError("strace does not get hold of a process: apt-get install strace, as root")


def _end_of(child: int) -> int:
    end_s = time.monotonic() + END_S
    while time.monotonic() < end_s:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid and (os.WIFEXITED(status) or os.WIFSIGNALED(status)):
            return status
        time.sleep(0.001)
    raise BrokenError("hangs")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """What commands print goes nowhere."""
    with (
        Path(os.devnull).open("w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        yield


def volant(*words: str) -> None:
    """A command of the command line, in this process."""
    from volant.app.cli import main

    before, sys.argv = sys.argv, ["volant", *words]
    try:
        with quiet():
            main()
    except SystemExit as ended:
        if ended.code:
            raise BrokenError(f"volant {' '.join(words)} ended with {ended.code}") from ended
    finally:
        sys.argv = before
