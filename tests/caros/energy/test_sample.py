"""What is read of the signals: their paths, units and what lacks."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.caros.energy.flat_drive import flat
from volant.caros.energy.sample import FAN, NEEDED, PATHS, WISHED, sample_of
from volant.caros.signals.sources import BODY, CAR, PLACE
from volant.core.settings import find_data
from volant.wire.vss import read_catalogue

VALUES: dict[str, Any] = {
    "Vehicle.Speed": 72.0,
    "Vehicle.Powertrain.TractionBattery.CurrentPower": -12_000.0,
    "Vehicle.Powertrain.TractionBattery.CurrentCurrent": -35.0,
    "Vehicle.Powertrain.TractionBattery.StateOfCharge.Current": 64.5,
    "Vehicle.Powertrain.TractionBattery.Temperature.Average": 18.0,
    "Vehicle.Exterior.AirTemperature": -5.0,
    "Vehicle.Cabin.HVAC.AmbientAirTemperature": 20.0,
    WISHED[0]: 20.0,
    WISHED[1]: 22.0,
    FAN[0]: 30,
    FAN[1]: 50,
    "Vehicle.Cabin.HVAC.IsAirConditioningActive": True,
    "Vehicle.CurrentLocation.Heading": 90.0,
    "Vehicle.Powertrain.Transmission.TravelledDistance": 12.5,
}


def test_every_path_is_a_signal_of_the_tree_with_a_source() -> None:
    tree = read_catalogue(find_data("cars", "g3-520").parent / "signals" / "vss.toml")
    for path in PATHS:
        assert tree.get(path) is not None, path
        assert path in CAR or path in BODY or path in PLACE, path


def test_values_become_si_and_out_of_the_battery_positive() -> None:
    sample = sample_of(VALUES, 7)
    assert sample is not None
    assert sample.stamp_ns == 7
    assert sample.speed_mps == pytest.approx(20.0)
    assert sample.power_w == 12_000.0
    assert sample.current_a == 35.0
    assert sample.charge == pytest.approx(0.645)
    assert sample.ambient_k == pytest.approx(268.15)
    assert sample.wished_k == pytest.approx(294.15)
    assert sample.fan == pytest.approx(0.4)
    assert sample.heading_rad == pytest.approx(0.0)
    assert sample.travelled_m == pytest.approx(12_500.0)
    assert math.isnan(sample.slope)


@pytest.mark.parametrize("path", NEEDED)
@pytest.mark.parametrize("value", [None, math.nan, "fast", True])
def test_without_what_is_needed_there_is_no_sample(path: str, value: object) -> None:
    assert sample_of({**VALUES, path: value}, 0) is None
    assert sample_of({one: VALUES[one] for one in VALUES if one != path}, 0) is None


def test_what_is_not_needed_may_lack() -> None:
    sample = sample_of({path: VALUES[path] for path in NEEDED}, 0)
    assert sample is not None
    assert sample.ambient_k == sample.cabin_k == 293.15
    assert math.isnan(sample.heading_rad)


def test_nothing_but_the_named_paths_is_read() -> None:
    class Asked(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:
            assert key in PATHS
            return super().get(key, default)

        def __getitem__(self, key: str) -> Any:
            assert key in PATHS
            return super().__getitem__(key)

    assert sample_of(Asked(VALUES), 0, flat(), 100.0, 120.0) is not None


def test_on_a_route_slope_limit_and_stops_are_the_route_s() -> None:
    sample = sample_of(VALUES, 0, flat(limit_mps=25.0), 100.0, 120.0)
    assert sample is not None
    assert sample.slope == 0.0
    assert sample.limit_mps == 25.0
    for before_m, at_m in ((math.nan, 10.0), (50.0, 40.0), (39_990.0, 40_010.0)):
        off = sample_of(VALUES, 0, flat(), before_m, at_m)
        assert off is not None
        assert math.isnan(off.slope)
        assert math.isnan(off.limit_mps)
