"""Curve logging: what is left out lies near the line through what is told."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from volant.caros.signals.store import Datapoint
from volant.caros.viss.curve import Curve, CurveLog, essential, line

SAMPLES = st.lists(
    st.tuples(st.integers(0, 10**6), st.floats(-1e6, 1e6)), min_size=1, max_size=60
).map(sorted)


@given(SAMPLES, st.floats(0, 1e6))
def test_the_line_misses_none_by_more_than_the_error(samples, max_error) -> None:
    kept = essential(samples, max_error)
    assert kept[0] == 0
    assert kept[-1] == len(samples) - 1
    assert kept == sorted(set(kept))
    for first, last in itertools.pairwise(kept):
        for at_ns, value in samples[first + 1 : last]:
            assert abs(value - line(samples[first], samples[last], at_ns)) <= max_error


def test_a_corner_is_kept_and_a_straight_is_not() -> None:
    ramp = [(i, min(i, 10.0)) for i in range(21)]
    assert essential(ramp, 0.5) == [0, 10, 20]
    assert essential(ramp, 10.0) == [0, 20]
    assert essential([], 1.0) == []


@given(st.lists(st.floats(-1e3, 1e3), max_size=80), st.integers(3, 20), st.floats(0, 100))
def test_buffers_make_one_series(values, size, max_error) -> None:
    curve = Curve(CurveLog(max_error, size))
    points = [Datapoint(value, 1000 * i) for i, value in enumerate(values)]
    told: list[Datapoint] = []
    for number, point in enumerate(points, 1):
        found = curve.take(point)
        # The first buffer has all its values, each later one begins with the last of the one before.
        assert bool(found) == (number >= size and (number - size) % (size - 1) == 0)
        told += found
    assert told == sorted(set(told), key=lambda point: point.stamp_ns)
    if told:
        assert told[0] is points[0]
        for first, last in itertools.pairwise(told):
            ends = [(one.stamp_ns, float(one.value)) for one in (first, last)]
            for one in points:
                if first.stamp_ns < one.stamp_ns < last.stamp_ns:
                    assert abs(one.value - line(*ends, one.stamp_ns)) <= max_error
