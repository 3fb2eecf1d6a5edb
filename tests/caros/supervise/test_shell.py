"""The shell with real processes: deaths, deafness, hanging, and a supervisor that is killed itself."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.caros.supervise.tables import row, table
from volant.caros.supervise import machine as m
from volant.caros.supervise.machine import Phase
from volant.caros.supervise.pulse import Pulse, send_pulse
from volant.caros.supervise.shell import Supervisor
from volant.caros.supervise.table import ProcessRow

ROOT = Path(__file__).resolve().parents[3]
WAIT_S = 20.0
BEATS = (
    "import socket,sys,time\n"
    "from volant.caros.supervise.pulse import Pulse, send_pulse\n"
    "pair = socket.socket(fileno=int(sys.argv[1]))\n"
    "while True:\n"
    "    send_pulse(pair, Pulse(note='up'))\n"
    "    time.sleep(0.05)\n"
)


def beating(row: ProcessRow, incarnation: int, pair: socket.socket) -> int:
    """A process that beats; `deaf` ignores TERM, `hangs` falls silent after its first word."""
    if row.name == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if row.name == "fails":
        return 3
    ticks = 0
    while True:
        if ticks == 0 or row.name != "hangs":
            send_pulse(pair, Pulse(ticks=ticks, note=str(incarnation)))
        ticks += 1
        time.sleep(0.02)


@contextmanager
def supervising(*rows: ProcessRow) -> Iterator[Supervisor]:
    one = Supervisor(table(*rows), run=beating)
    try:
        yield one
    finally:
        one.close()
        assert one.pids == {}


def until(one: Supervisor, true: Callable[[], bool]) -> list[m.Say]:
    said: list[m.Say] = []
    end_s = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < end_s, (said, one.state)
        said += one.turn(0.1)
    return said


def func(name: str, **changes: object) -> ProcessRow:
    return row(name, program="tests.nowhere:beating", **{"heartbeat_s": 5.0, **changes})


def test_a_killed_child_comes_back_as_its_next_incarnation() -> None:
    with supervising(func("a", backoff_s=0.01), func("b", needs=["a"])) as one:
        until(one, lambda: one.state.all_ready)
        first, other = one.pids["a"], one.pids["b"]
        os.kill(first, signal.SIGKILL)
        said = until(one, lambda: one.pulses["a"].note == "1" and one.state.all_ready)
        assert m.Say("a", "died", "status 137") in said
        assert one.pids["b"] == other
        assert one.pids["a"] != first


def test_what_a_child_starved_is_known_when_it_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Supervisor, "_starved", lambda _, name: m.Starved(name, 7))
    with supervising(func("a", heartbeat_s=5.0)) as one:
        until(one, lambda: one.state.ones["a"].starved_then_ns == 7)


def test_a_hung_child_is_killed_and_comes_back() -> None:
    with supervising(func("hangs", heartbeat_s=0.2, backoff_s=0.01)) as one:
        said = until(one, lambda: one.state.ones["hangs"].starts == 2)
        assert any(one.what == "hung" and one.detail.startswith("silent for 0.") for one in said)


def test_one_that_ignores_term_is_killed_at_the_end() -> None:
    with supervising(func("deaf", grace_s=0.1)) as one:
        until(one, lambda: one.state.all_ready)


def test_one_that_always_fails_is_quarantined() -> None:
    with supervising(func("fails", backoff_s=0.001, restarts=2)) as one:
        until(one, lambda: one.state.ones["fails"].phase is Phase.QUARANTINED)


def test_a_command_is_executed_and_finds_its_heartbeat() -> None:
    program = ["python", "-c", BEATS, "{beat}"]
    with supervising(row("edge", program=program, heartbeat_s=5.0)) as one:
        until(one, lambda: one.state.all_ready)
        assert one.pulses["edge"].note == "up"


def test_a_command_that_is_not_there_ends_as_in_a_shell() -> None:
    with supervising(row("gone", program=["no-such-word"], restart="never")) as one:
        said = until(one, lambda: one.state.ones["gone"].phase is Phase.STOPPED)
        assert m.Say("gone", "died", "status 127") in said


def test_a_child_holds_nothing_that_it_was_not_handed() -> None:
    inner, outer = socket.socketpair()
    with supervising(func("a")) as one:
        until(one, lambda: one.state.all_ready)
        folder = Path(f"/proc/{one.pids['a']}/fd")
        held = {entry.readlink() for entry in folder.iterdir()}
        for end in (inner, outer):
            assert Path(f"/proc/self/fd/{end.fileno()}").readlink() not in held
            end.close()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_orphans_die_with_their_supervisor(number: int) -> None:
    script = (
        "from tests.caros.supervise.test_shell import *\n"
        "one = Supervisor(table(func('deaf'), func('b')), run=beating)\n"
        "until(one, lambda: one.state.all_ready)\n"
        "print(*one.pids.values(), flush=True)\n"
        "while True: one.turn(1.0)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"},
    )
    assert process.stdout is not None
    pids = [int(word) for word in process.stdout.readline().split()]
    ends = [os.pidfd_open(pid) for pid in pids]
    process.send_signal(number)
    process.communicate()
    for end in ends:
        assert select.select([end], [], [], WAIT_S)[0]
        os.close(end)
