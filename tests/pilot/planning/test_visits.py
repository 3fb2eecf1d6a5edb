"""Who is on shared ground when: asked along their lane, wherever our course runs."""

import math

import numpy as np

from volant.pilot.planning.junction_kernels import visits

DT_S = 0.25


def _lane() -> np.ndarray:
    """A lane along x, 100 m long."""
    lane = np.zeros((51, 13))
    lane[:, 0] = lane[:, 1] = np.arange(51) * 2.0
    return lane


def _along_x(speed_mps: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One car from x = 0; on our course it seems to be 100 m ahead and 17 m aside."""
    modes, points, worlds = np.zeros((1, 9)), np.zeros((1, 33, 7)), np.zeros((1, 33, 6))
    modes[0, 0] = 1.0
    points[0, :, 0], points[0, :, 1] = 100.0, 17.0
    points[0, :, 5], points[0, :, 6] = 2.2, 0.9
    worlds[0, :, 0] = np.arange(33) * DT_S * speed_mps
    return modes, points, worlds


def test_a_visit_is_found_though_the_course_is_elsewhere() -> None:
    found = visits(*_along_x(8.0), _lane(), 30.0, 40.0, DT_S)
    assert len(found) == 1
    from_s, to_s, speed_mps, weight = found[0]
    assert from_s == math.ceil((30.0 - 2.2) / 8.0 / DT_S) * DT_S
    assert to_s == math.floor((40.0 + 2.2) / 8.0 / DT_S) * DT_S
    assert speed_mps == 8.0
    assert weight == 1.0


def test_who_comes_the_other_way_or_never_does_not_visit() -> None:
    modes, points, worlds = _along_x(8.0)
    worlds[0, :, 2] = math.pi
    assert len(visits(modes, points, worlds, _lane(), 30.0, 40.0, DT_S)) == 0
    assert len(visits(*_along_x(2.0), _lane(), 30.0, 40.0, DT_S)) == 0
