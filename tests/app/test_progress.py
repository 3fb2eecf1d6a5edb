"""What a drive says of itself while it runs."""

import pytest

from volant.app.progress import LOOK_EVERY, PACE_OVER_S, Progress
from volant.core.bus import InlineBus
from volant.core.clock import CONTROL_TICK_NS, NS_PER_S


def said(reached: float, pace: float | None, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Lines about the pace, of a drive that reaches so many seconds in one of ours."""
    now_s = [0.0]
    progress = Progress(InlineBus(), pace=pace, clock=lambda: now_s[0])
    for tick in range(round(4.0 * PACE_OVER_S * reached * NS_PER_S / CONTROL_TICK_NS)):
        stamp_ns = tick * CONTROL_TICK_NS
        now_s[0] = stamp_ns / NS_PER_S / reached
        progress.look(stamp_ns)
    assert tick > 4 * LOOK_EVERY
    return [line for line in capsys.readouterr().err.splitlines() if "slower" in line]


def test_a_machine_that_cannot_keep_the_pace_is_told_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert said(1.6, 2.0, capsys) == ["slower than asked: 1.6 of 2 x"]


@pytest.mark.parametrize(("reached", "pace"), [(2.0, 2.0), (0.95, 1.0), (0.3, None)])
def test_a_kept_pace_and_none_at_all_are_not_told(
    reached: float, pace: float | None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(reached, pace, capsys) == []
