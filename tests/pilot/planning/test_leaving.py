"""Coming to a lane's end beside a queue: slowly enough to be let in."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.pilot.planning.leaving import LeaveTuning, _bound, _held_down, _hold_to_slow_lane

TUNING = LeaveTuning()
LEFT_M, END_ROOM_M = 80.0, 40.0


def _square(*others: tuple[float, float, float, float]) -> float:
    """The bound on the square of the speed at the end of a lane that is left to the left: 80 m until we would stop.

    others: class, metres ahead, metres to the left, speed.
    """
    modes, points = np.zeros((len(others), 9)), np.zeros((len(others), 33, 7))
    for row, (kind, ahead_m, left_m, speed_mps) in enumerate(others):
        modes[row, 5] = kind
        points[row, :, 0], points[row, :, 1], points[row, :, 2] = ahead_m, left_m, speed_mps
    seen = SimpleNamespace(
        course=SimpleNamespace(
            step_m=1.0, leave=SimpleNamespace(direction=1, room_m=LEFT_M + END_ROOM_M)
        ),
        ego=SimpleNamespace(station_m=0.0),
        forecast=SimpleNamespace(modes=modes, points=points),
    )
    squares = np.full(200, np.inf)
    _hold_to_slow_lane(seen, squares, END_ROOM_M, TUNING)
    assert np.isinf(np.delete(squares, int(LEFT_M))).all()
    return float(squares[int(LEFT_M)])


def test_the_slowest_who_drives_on_the_lane_beside_ahead_of_us_bounds_the_speed_at_the_end() -> (
    None
):
    brakes = 2.0 * TUNING.brake_mps2 * LEFT_M  # counted from here: braking until there suffices
    assert _square((0, 30.0, 3.5, 6.0), (4, 70.0, 2.6, 4.0)) == pytest.approx(16.0 + brakes)


@given(st.floats(0.0, 150.0), st.floats(0.0, 20.0), st.floats(0.5, 3.0))
def test_a_bound_is_come_down_to_evenly_and_only_where_it_must_be(
    ahead_m: float, most_mps: float, step_m: float
) -> None:
    squares, free = np.full(400, np.inf), np.full(400, 40.0)
    _bound(squares, ahead_m, most_mps, step_m, TUNING)
    speeds, binds = _held_down(free, np.zeros(400, np.int64), squares, 3, step_m, TUNING)
    at_m = np.arange(400) * step_m
    until = at_m <= ahead_m - step_m
    even = np.sqrt(most_mps**2 + 2.0 * TUNING.brake_mps2 * np.maximum(ahead_m - at_m, 0.0))
    assert speeds[until] == pytest.approx(np.minimum(even, 40.0)[until])
    assert (speeds[at_m > ahead_m] == 40.0).all()
    assert ((binds == 3) == (speeds < 40.0)).all()


def test_nobody_else_does() -> None:
    assert np.isinf(_square())
    assert np.isinf(_square((0, -5.0, 3.5, 4.0)))  # behind us
    assert np.isinf(_square((0, 30.0, 0.2, 4.0)))  # before us on our own lane
    assert np.isinf(_square((0, 30.0, -3.5, 4.0)))  # on the other side
    assert np.isinf(_square((0, 30.0, 3.5, -8.0)))  # comes towards us
    assert np.isinf(_square((5, 30.0, 3.5, 1.0)))  # on foot
    assert np.isinf(_square((0, 300.0, 3.5, 4.0)))  # far beyond our end
