"""What others are expected to do, from a row of a track."""

import msgspec
import numpy as np
import pytest

from volant.pilot.perception import localize
from volant.pilot.perception.track import COLUMNS, TrackColumn, Tracker
from volant.pilot.perception.track import start as no_tracks
from volant.pilot.prediction.forecast import (
    ForecastTuning,
    ModeColumn,
    PointColumn,
    foresee,
    numbers,
)
from volant.pilot.prediction.forecast_kernels import cut_in_weight

TUNING = ForecastTuning()


def track(station_m=50.0, offset_m=0.0, rate=20.0, side=0.0, accel=0.0, indicator=0.0):
    row = np.zeros(COLUMNS)
    row[TrackColumn.CONFIRMED] = row[TrackColumn.ON] = 1.0
    row[TrackColumn.ID], row[TrackColumn.LENGTH], row[TrackColumn.WIDTH] = 7, 4.5, 1.8
    row[TrackColumn.STATION], row[TrackColumn.OFFSET] = station_m, offset_m
    row[TrackColumn.RATE], row[TrackColumn.SIDE_RATE] = rate, side
    row[TrackColumn.ACCEL], row[TrackColumn.INDICATOR] = accel, indicator
    return row


def forecast_of(*rows: np.ndarray):
    tracker: Tracker = msgspec.structs.replace(
        no_tracks(), table=np.array(rows), cov=np.zeros((len(rows), 6, 6))
    )
    return foresee(tracker, localize.start(), TUNING)


def test_a_steady_car_keeps_lane_and_speed() -> None:
    found = forecast_of(track())
    assert len(found.modes) == 1
    assert found.modes[0, ModeColumn.WEIGHT] == 1.0
    last = found.points[0, -1]
    assert last[PointColumn.STATION] == pytest.approx(50.0 + 20.0 * 8.0)
    assert last[PointColumn.OFFSET] == 0.0


def test_braking_lasts_a_while_and_never_ends_in_reverse() -> None:
    points = forecast_of(track(rate=10.0, accel=-4.0)).points[0]
    rates = points[:, PointColumn.RATE]
    assert rates[4] == pytest.approx(6.0, abs=0.1)
    assert rates.min() == 0.0
    assert np.all(np.diff(points[:, PointColumn.STATION]) >= 0.0)
    assert rates[-1] == 0.0


def test_speeding_up_is_not_believed_for_long() -> None:
    assert forecast_of(track(accel=2.0)).points[0, -1, PointColumn.RATE] < 24.0


def test_oncoming_traffic_stays_on_its_side() -> None:
    found = forecast_of(track(station_m=150.0, offset_m=3.5, rate=-20.0, side=-0.5))
    assert len(found.modes) == 1
    assert found.points[0, :, PointColumn.OFFSET].min() > 2.9
    assert found.points[0, -1, PointColumn.STATION] == pytest.approx(-10.0)


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_a_cut_in_is_told_by_lateral_speed_before_any_displacement(side: float) -> None:
    calm = track(offset_m=3.5 * side, side=-0.1 * side)
    moving = track(offset_m=3.5 * side, side=-0.45 * side)
    assert cut_in_weight(calm, 0.0, _numbers()) == 0.0
    assert 0.3 < cut_in_weight(moving, 0.0, _numbers()) < 1.0
    found = forecast_of(track(offset_m=3.5 * side, side=-0.55 * side))
    assert len(found.modes) == 2
    assert found.modes[:, ModeColumn.WEIGHT].sum() == pytest.approx(1.0)
    assert abs(found.points[1, -1, PointColumn.OFFSET]) < 0.01


def test_lateral_speed_within_its_own_noise_is_no_cut_in() -> None:
    moving = track(offset_m=3.5, side=-0.45)
    sure, unsure = (cut_in_weight(moving, doubt, _numbers()) for doubt in (0.05, 0.3))
    assert sure > 0.3
    assert unsure == 0.0


def test_moving_away_and_the_far_lane_are_no_cut_ins() -> None:
    assert cut_in_weight(track(offset_m=3.5, side=0.8), 0.0, _numbers()) == 0.0
    assert cut_in_weight(track(offset_m=7.2, side=-0.6), 0.0, _numbers()) == 0.0


def test_the_indicator_towards_us_counts_and_the_other_does_not() -> None:
    right, left = 2.0, 1.0
    towards = cut_in_weight(track(offset_m=3.5, side=-0.2, indicator=right), 0.0, _numbers())
    away = cut_in_weight(track(offset_m=3.5, side=-0.2, indicator=left), 0.0, _numbers())
    assert towards >= away + 0.3


def test_who_is_far_away_is_left_out() -> None:
    assert len(forecast_of(track(station_m=400.0)).modes) == 0
    assert len(forecast_of(track(offset_m=20.0)).modes) == 0


def _numbers() -> np.ndarray:
    return numbers(TUNING)
