"""Spans of time and the periods of the house."""

import pytest

from volant.core import clock


@pytest.mark.parametrize(
    ("span_s", "span_ns"), [(0.0, 0), (0.01, 10_000_000), (1e-9, 1), (2.5, 2_500_000_000)]
)
def test_seconds_and_nanoseconds_agree(span_s: float, span_ns: int) -> None:
    assert clock.nanoseconds(span_s) == span_ns
    assert clock.seconds(span_ns) == pytest.approx(span_s)


def test_a_span_is_rounded_not_cut() -> None:
    assert clock.nanoseconds(0.29) == 290_000_000  # 0.29 * 1e9 is a hair below in binary


def test_ticks_divide_each_other() -> None:
    assert clock.CONTROL_TICK_NS == 2 * clock.PLANT_TICK_NS
    assert clock.PILOT_TICK_NS == 5 * clock.CONTROL_TICK_NS
