"""Coming to a lane's end beside a queue: slowly enough to be let in."""

from types import SimpleNamespace

import numpy as np
import pytest

from volant.pilot.planning.leaving import LeaveTuning, _hold_to_slow_lane

TUNING = LeaveTuning()
LEFT_M = 80.0


def _square(*others: tuple[float, float, float, float]) -> float:
    """The bound on the square of the speed at the end of a lane that is left to the left, 80 m ahead.

    others: class, metres ahead, metres to the left, speed.
    """
    modes, points = np.zeros((len(others), 9)), np.zeros((len(others), 33, 7))
    for row, (kind, ahead_m, left_m, speed_mps) in enumerate(others):
        modes[row, 5] = kind
        points[row, :, 0], points[row, :, 1], points[row, :, 2] = ahead_m, left_m, speed_mps
    given = SimpleNamespace(
        course=SimpleNamespace(step_m=1.0, leave=SimpleNamespace(direction=1, room_m=LEFT_M)),
        ego=SimpleNamespace(station_m=0.0),
        forecast=SimpleNamespace(modes=modes, points=points),
    )
    squares = np.full(200, np.inf)
    _hold_to_slow_lane(given, squares, TUNING)
    assert np.isinf(np.delete(squares, int(LEFT_M))).all()
    return float(squares[int(LEFT_M)])


def test_the_slowest_who_drives_on_the_lane_beside_ahead_of_us_bounds_the_speed_at_the_end() -> (
    None
):
    assert _square((0, 30.0, 3.5, 6.0), (4, 70.0, 2.6, 4.0)) == pytest.approx(16.0)


def test_nobody_else_does() -> None:
    assert np.isinf(_square())
    assert np.isinf(_square((0, -5.0, 3.5, 4.0)))  # behind us
    assert np.isinf(_square((0, 30.0, 0.2, 4.0)))  # before us on our own lane
    assert np.isinf(_square((0, 30.0, -3.5, 4.0)))  # on the other side
    assert np.isinf(_square((0, 30.0, 3.5, -8.0)))  # comes towards us
    assert np.isinf(_square((5, 30.0, 3.5, 1.0)))  # on foot
    assert np.isinf(_square((0, 300.0, 3.5, 4.0)))  # far beyond our end
