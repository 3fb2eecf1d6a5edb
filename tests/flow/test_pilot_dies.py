"""The pilot falls silent at seeded moments: the guard stops the car by itself, within a lane.

All moments of a drive come from one run that forks (scripts/stop_table.py). The same components run here on
virtual time; with processes and kill -9 it is shown by test_up.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from scripts.stop_table import (
    FAST_MPS,
    LIES,
    Errors,
    Stop,
    drive,
    in_junction,
    is_near,
    left_its_lane,
)

MOST_BRAKE_MPS2 = 4.0
"""UN R157 5.5, recalled; emergency braking beside it may brake harder."""
TOLD_S = 0.07
"""Five control ticks until a command is late, and one more."""

NEAR_DRIVES = (("clockwise", 1), ("clockwise", 2), ("sparse", 1))
"""Drives with seconds at 30 m/s and more in curves with somebody ahead or beside, found by looking."""


def check(rows: Sequence[Stop]) -> None:
    for row in rows:
        assert row.at_fault == 0, row
        assert row.hazard, row
        assert row.stood_s is not None, row
        assert row.told_s is not None, row
        assert row.told_s <= TOLD_S, row
        assert row.hardest_mps2 <= MOST_BRAKE_MPS2, row
        assert not left_its_lane(row), row


@pytest.mark.slow
def test_a_car_whose_pilot_dies_stops_in_its_lane_and_touches_nobody() -> None:
    rows = drive("sparse", seed=1, most=14)
    assert len(rows) == 14
    assert any("change_left" in row.kinds for row in rows)
    check(rows)


@pytest.mark.slow
@pytest.mark.parametrize("lie", LIES)
def test_a_lane_that_is_not_ours_does_not_pull_the_car_out(lie: str) -> None:
    rows = drive("fast", seed=1, most=3, least_mps=25.0, errors=Errors(lane=lie))
    assert len(rows) == 3
    check(rows)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_fifty_moments_at_120_kmh_in_curves_beside_others() -> None:
    rows: list[Stop] = []
    for name, seed in NEAR_DRIVES:
        rows += drive(name, seed, most=40, least_mps=FAST_MPS, near=True)
    assert all(is_near(row) for row in rows)
    assert len(rows) >= 50
    assert sum(not in_junction(row) for row in rows) >= 50
    assert len({(row.trip, row.seed) for row in rows}) >= 3
    check(rows)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("name", "seed", "most", "least_mps", "wish"),
    [
        ("fast", 1, 16, FAST_MPS, {"cars": 30}),
        ("fast", 1, 16, FAST_MPS, {}),
        ("sparse", 1, 60, 25.0, {}),
        ("dense", 2, 30, 3.0, {}),
        ("ring", 2, 30, 3.0, {}),
        ("out", 2, 40, 3.0, {}),
        ("back", 2, 40, 3.0, {}),
        ("town", 2, 40, 3.0, {}),
        ("country", 2, 40, 3.0, {}),
    ],
)
def test_moments_on_curves_ramps_and_in_traffic(
    name: str, seed: int, most: int, least_mps: float, wish: dict[str, Any]
) -> None:
    rows = drive(name, seed, most=most, least_mps=least_mps, **wish)
    assert len(rows) >= most // 2
    check(rows)
