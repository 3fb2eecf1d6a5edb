"""Who is on shared ground when: asked along their lane, wherever our course runs."""

import math

import numpy as np

from volant.pilot.planning.junction_kernels import held_back, visits

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
    from_s, to_s, speed_mps, weight, mode = found[0]
    assert from_s == math.ceil((30.0 - 2.2) / 8.0 / DT_S) * DT_S
    assert to_s == math.floor((40.0 + 2.2) / 8.0 / DT_S) * DT_S
    assert speed_mps == 8.0
    assert weight == 1.0
    assert mode == 0


def test_who_comes_the_other_way_or_never_does_not_visit() -> None:
    modes, points, worlds = _along_x(8.0)
    worlds[0, :, 2] = math.pi
    assert len(visits(modes, points, worlds, _lane(), 30.0, 40.0, DT_S)) == 0
    assert len(visits(*_along_x(2.0), _lane(), 30.0, 40.0, DT_S)) == 0


def _on_ours(
    station_m: float, speed_mps: float, side_m: float = 0.0, side_mps: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """One car along our course, 4.4 m long, that comes nearer to its middle from aside."""
    modes, points, _ = _along_x(0.0)
    after = np.arange(33) * DT_S
    points[0, :, 0], points[0, :, 2] = station_m + speed_mps * after, speed_mps
    points[0, :, 1] = np.maximum(side_m - side_mps * after, 0.0)
    return modes, points


def _held(car: tuple[np.ndarray, np.ndarray], place_m: float = 10.0) -> tuple[float, float]:
    """Our front stands at station 0 and may do 5 m/s."""
    until_s, their_mps = held_back(*car, 0.0, 0.0, 5.0, 1.5, place_m, 1.0, DT_S).tolist()
    return until_s, their_mps


def test_a_slow_car_on_our_way_through_keeps_us_back_until_it_is_past() -> None:
    until_s, their_mps = _held(_on_ours(8.0, 1.0))
    assert until_s == 4.25  # its rear is at 5.8 m
    assert their_mps == 1.0
    assert _held(_on_ours(8.0, 1.0), 25.0)[0] > 18.0  # beyond the forecast it goes on as it did
    assert _held(_on_ours(8.0, 0.0))[0] > 10.0


def test_who_comes_onto_our_way_ahead_keeps_us_back_too_but_not_who_comes_behind() -> None:
    assert _held(_on_ours(8.0, 1.0, 3.0, 2.0))[0] == 4.25
    assert _held(_on_ours(-8.0, 5.0, 3.0, 0.5)) == (0.0, math.inf)
    assert _held(_on_ours(8.0, 1.0, 3.0)) == (0.0, math.inf)
    assert _held(_on_ours(30.0, 1.0)) == (0.0, math.inf)
