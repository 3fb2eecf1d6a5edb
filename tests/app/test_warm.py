"""Compiling the kernels ahead says how far it is."""

import re
import subprocess
import sys

import pytest

from volant.app import warm
from volant.app.progress import LIVE_EVERY_S, PLAIN_EVERY_S


def count(kernels: int, every_s: float) -> None:
    """Count kernels that take so long each."""
    now_s = [0.0]
    counter = warm.Counter(kernels, clock=lambda: now_s[0])
    for _ in range(kernels):
        now_s[0] += every_s
        counter.one_more()
    counter.close()


def test_a_log_gets_a_plain_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    count(5, PLAIN_EVERY_S / 2.0)
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == "compiling the kernels: 2 of 5\ncompiling the kernels: 4 of 5\n"


def test_a_terminal_gets_one_line_that_goes_away(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm, "is_terminal", lambda: True)
    count(2, LIVE_EVERY_S)
    lines = capsys.readouterr().err.split("\r\x1b[2K")
    assert lines == ["", "compiling the kernels: 1 of 2", "compiling the kernels: 2 of 2", ""]


def test_what_is_compiled_already_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    count(200, PLAIN_EVERY_S / 1000.0)
    assert capsys.readouterr().err == ""


def test_every_kernel_is_counted_on_its_way() -> None:
    """In a process of its own, where no kernel is there yet; the cache is the machine's."""
    code = (
        "from volant.app import warm\n"
        "warm.Counter.close = lambda self: print(self._done, self._total)\n"
        "warm.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    counted, total = map(int, re.findall(r"\d+", done.stdout))
    assert counted == total == warm.kernel_count() > 0
