"""Signals between two ticks."""

import os
import signal

import pytest

from volant.app.exits import Exit
from volant.app.stop import StopSignals


@pytest.mark.parametrize(
    ("number", "status"),
    [
        (signal.SIGINT, Exit.INTERRUPTED),
        (signal.SIGTERM, Exit.TERMINATED),
        (signal.SIGHUP, Exit.HANGUP),
    ],
)
def test_a_signal_only_sets_a_flag(number: signal.Signals, status: Exit) -> None:
    before = signal.getsignal(number)
    with StopSignals() as signals:
        assert signals.asked is None
        os.kill(os.getpid(), number)
        assert signals.asked is not None
        assert signals.asked[0] is status
        assert int(status) == 128 + number
    assert signal.getsignal(number) == before


def test_a_second_ctrl_c_ends_at_once() -> None:
    with StopSignals() as signals:
        os.kill(os.getpid(), signal.SIGINT)
        assert signals.asked is not None
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_a_hang_up_that_was_ignored_stays_ignored() -> None:
    """As under `nohup volant drive &`."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with StopSignals() as signals:
            os.kill(os.getpid(), signal.SIGHUP)
            assert signals.asked is None
    finally:
        signal.signal(signal.SIGHUP, before)
