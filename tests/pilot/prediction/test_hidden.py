"""Places behind parked cars where somebody may come from."""

import msgspec
import numpy as np
import pytest

from volant.pilot.perception import localize, track
from volant.pilot.perception.track import COLUMNS, TrackColumn
from volant.pilot.prediction.hidden import HiddenTuning, occlusion_points


def parked(
    station_m: float, offset_m: float, *, rate: float = 0.0, length: float = 4.5
) -> np.ndarray:
    row = np.zeros(COLUMNS)
    row[TrackColumn.CONFIRMED] = row[TrackColumn.ON] = 1.0
    row[TrackColumn.ID], row[TrackColumn.LENGTH], row[TrackColumn.WIDTH] = station_m, length, 1.8
    row[TrackColumn.STATION], row[TrackColumn.OFFSET] = station_m, offset_m
    row[TrackColumn.RATE] = rate
    return row


def points(*rows: np.ndarray):
    tracker = msgspec.structs.replace(
        track.start(), table=np.array(rows), cov=np.zeros((len(rows), 6, 6))
    )
    return occlusion_points(tracker, localize.start(), HiddenTuning())


def test_behind_each_parked_car_somebody_may_be_at_its_far_end_on_the_near_side() -> None:
    near, far = points(parked(40.0, 3.0), parked(20.0, -2.6))
    assert (near.station_m, far.station_m) == (22.25, 42.25)
    assert near.aside_m == pytest.approx(-1.7)
    assert far.aside_m == pytest.approx(2.1)
    assert near.speed_mps == 1.4


def test_moving_small_far_and_passed_ones_hide_nobody() -> None:
    assert not points(
        parked(30.0, 3.0, rate=5.0),
        parked(30.0, 3.0, length=1.8),
        parked(30.0, 8.0),
        parked(30.0, 0.2),
        parked(120.0, 3.0),
        parked(-10.0, 3.0),
    )
