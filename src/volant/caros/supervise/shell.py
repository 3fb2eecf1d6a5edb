"""The thin shell around the supervisor's machine: spawns, hears, signals and waits.

Every process is a child of this one, in a group of its own, and dies with it, even when it is killed
with -9 (PR_SET_PDEATHSIG). A program `module:function` runs in a fork, so whatever the supervisor has
loaded is there at once; the supervisor must have one thread only. A command is executed; its word
`{beat}` becomes the number of the heartbeat's socket.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from volant.caros.supervise import machine as m
from volant.caros.supervise.pulse import Pulse, hear_pulses
from volant.caros.supervise.table import PYTHON, ProcessRow, ProcessTable
from volant.core.clock import NS_PER_S
from volant.core.messages import PowerState

_PR_SET_PDEATHSIG: Final = 1
_LIBC: Final = ctypes.CDLL(None, use_errno=True)
NOT_FOUND: Final = 127
"""Status of a command that could not be executed, as in a shell."""

Run = Callable[[ProcessRow, int, socket.socket], int]
"""What a fork does: its row, its incarnation and its heartbeat's socket; gives its exit status."""


@dataclass(slots=True)
class _Child:
    """A process that runs."""

    pid: int
    pidfd: int
    pair: socket.socket
    heard_one: bool = False


def _run_nothing(row: ProcessRow, _incarnation: int, _pair: socket.socket) -> int:
    raise RuntimeError(f"{row.name} is a function, and nobody said how functions are run")


class Supervisor:
    """Keeps the processes of a table running; `turn` does one round and never waits past its timeout."""

    def __init__(
        self,
        table: ProcessTable,
        *,
        run: Run = _run_nothing,
        kept: Callable[[ProcessRow], Iterable[int]] = lambda _: (),
        seed: int = 1,
        power: PowerState = PowerState.DRIVING,
    ) -> None:
        """Args:
        table: what to run.
        run: runs a program that is a function, in the fork.
        kept: descriptors that a process is handed besides its heartbeat; all others are closed in it.
        seed: of the jitter.
        power: the power state to begin in.
        """
        self.state = m.begin(table, seed, power)
        self.pulses: dict[str, Pulse] = {}
        """The last word of each."""
        self._run, self._kept = run, kept
        self._children: dict[str, _Child] = {}
        self._events: list[m.Event] = []
        self._poll = select.poll()
        self._names: dict[int, str] = {}

    @property
    def pids(self) -> dict[str, int]:
        """Of the processes that run."""
        return {name: child.pid for name, child in self._children.items()}

    def tell(self, event: m.Event) -> None:
        """Hand in a wish: a stop, another power state, a release from quarantine."""
        self._events.append(event)

    def watch(self, descriptor: int) -> None:
        """Let a turn end early when this can be read, such as a pipe that a signal writes to."""
        self._poll.register(descriptor, select.POLLIN)

    def send(self, name: str, word: bytes) -> None:
        """Say something to a process over its heartbeat's socket; one that is gone does not hear it."""
        if name in self._children:
            with contextlib.suppress(OSError):
                self._children[name].pair.send(word, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)

    def turn(self, timeout_s: float) -> tuple[m.Say, ...]:
        """One round: wait for news at most so long, decide, act; gives what people should know."""
        began_ns = time.monotonic_ns()
        until_ns = began_ns + round(timeout_s * NS_PER_S)
        due_ns = m.next_ns(self.state, began_ns)
        if due_ns is not None:
            until_ns = min(until_ns, max(due_ns, began_ns))
        if self._events or not self._children:
            until_ns = min(until_ns, began_ns + 10_000_000)
        for descriptor, _ in self._poll.poll(max(0.0, (until_ns - began_ns) / 1e6)):
            self._hear(descriptor)
        events, self._events = self._events, []
        now_ns = time.monotonic_ns()
        events += [self._starved(name) for name in m.doubted(self.state, now_ns)]
        self.state, actions = m.step(self.state, events, now_ns)
        for action in actions:
            self._act(action)
        return tuple(action for action in actions if isinstance(action, m.Say))

    def close(self, timeout_s: float = 15.0) -> None:
        """Stop all in order; what is left after the time is killed. Safe to call twice."""
        self.tell(m.Stop())
        until_s = time.monotonic() + timeout_s
        self.turn(0.0)
        while not self.state.all_gone and time.monotonic() < until_s:
            self.turn(0.1)
        for child in self._children.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGKILL)
        for name in tuple(self._children):
            self._reap(name, wait=True)

    def _hear(self, descriptor: int) -> None:
        name = self._names.get(descriptor)
        if name is None or name not in self._children:
            return
        child = self._children[name]
        pulses = hear_pulses(child.pair)
        if pulses:  # what it starved until now excuses no later silence
            self._events.append(self._starved(name))
        for pulse in pulses:
            self.pulses[name] = pulse
            self._events.append(m.Beat(name) if child.heard_one else m.Ready(name))
            child.heard_one = True
        if descriptor == child.pidfd:
            self._reap(name)

    def _reap(self, name: str, *, wait: bool = False) -> None:
        child = self._children[name]
        pid, status = os.waitpid(child.pid, 0 if wait else os.WNOHANG)
        if not pid:
            return
        for descriptor in (child.pidfd, child.pair.fileno()):
            self._poll.unregister(descriptor)
            del self._names[descriptor]
        os.close(child.pidfd)
        child.pair.close()
        del self._children[name]
        code = os.waitstatus_to_exitcode(status)
        self._events.append(m.Exited(name, code if code >= 0 else 128 - code))

    def _starved(self, name: str) -> m.Starved:
        """How long the kernel has let a process wait for a processor; 0 where it does not say."""
        total_ns = 0
        if name in self._children:
            with contextlib.suppress(OSError, ValueError, IndexError):
                told = Path(f"/proc/{self._children[name].pid}/schedstat").read_text("ascii")
                total_ns = int(told.split()[1])
        return m.Starved(name, total_ns)

    def _act(self, action: m.Action) -> None:
        match action:
            case m.Start(name, incarnation):
                row = next(row for row in self.state.rows if row.name == name)
                self._start(row, incarnation)
            case m.Terminate(name):
                self._signal(name, signal.SIGTERM)
            case m.Kill(name):
                self._signal(name, signal.SIGKILL)

    def _signal(self, name: str, number: int) -> None:
        if name in self._children:
            signal.pidfd_send_signal(self._children[name].pidfd, number)

    def _start(self, row: ProcessRow, incarnation: int) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        parent = os.getpid()
        try:
            pid = os.fork()
        except OSError:  # no memory, too many: counts as a death, so it is tried again
            ours.close()
            theirs.close()
            self._events += (m.Started(row.name), m.Exited(row.name, NOT_FOUND))
            return
        if pid == 0:
            self._become(row, incarnation, theirs, parent)
        theirs.close()
        child = _Child(pid, os.pidfd_open(pid), ours)
        self._children[row.name] = child
        for descriptor in (child.pidfd, ours.fileno()):
            self._poll.register(descriptor, select.POLLIN)
            self._names[descriptor] = row.name
        self._events.append(m.Started(row.name))

    def _become(
        self, row: ProcessRow, incarnation: int, pair: socket.socket, parent: int
    ) -> NoReturn:
        """In the fork: turn into the process of a row; never returns."""
        status = 1
        try:
            die_with(parent)
            os.setpgid(0, 0)  # Ctrl-C is the supervisor's: it stops all in order
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            signal.set_wakeup_fd(-1)
            _prefer(row.priority)
            kept = {0, 1, 2, pair.fileno(), *self._kept(row)}
            close_all_but(kept)
            if isinstance(row.program, str):
                status = self._run(row, incarnation, pair)
            else:
                _execute(row.program, kept, pair.fileno())
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else 1
        except BaseException:  # noqa: BLE001 - a fork must not fall back into its parent's code
            traceback.print_exc()
        finally:
            with contextlib.suppress(OSError, ValueError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(status)


def die_with(parent: int) -> None:
    """Let the kernel kill us when our parent is gone; one that is gone already ends us here."""
    if _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0 or os.getppid() != parent:
        os._exit(1)


def _prefer(priority: int) -> None:
    """Real-time priority where it is granted; elsewhere the process runs as all others do."""
    if priority:
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))


def close_all_but(kept: Iterable[int]) -> None:
    """Close what was inherited by the fork alone; the parent's objects are never used here again."""
    held = {int(entry.name) for entry in Path("/proc/self/fd").iterdir()}
    for descriptor in held - set(kept):
        with contextlib.suppress(OSError):  # the one that listed the folder is closed already
            os.close(descriptor)


def _execute(program: Sequence[str], kept: Iterable[int], beat: int) -> NoReturn:
    words = [sys.executable if program[0] == PYTHON else program[0], *program[1:]]
    words = [word.replace("{beat}", str(beat)) for word in words]
    for descriptor in kept:
        os.set_inheritable(descriptor, True)
    try:
        os.execvp(words[0], words)  # noqa: S606  (the table's own words, no shell)
    except OSError:
        os._exit(NOT_FOUND)
