"""Slope, wind and climate in the coarse longitudinal steps."""

import math
from dataclasses import replace

import pytest

from tests.vehicle.reference_car import spec_of
from volant.core.units import GRAVITY_MPS2
from volant.vehicle import battery, longitudinal
from volant.vehicle.longitudinal import Around
from volant.vehicle.parameters import plant_spec

SPEC = plant_spec(spec_of("g3-520"))
STATE = battery.start(0.7, 293.15, SPEC)


def wheel_w(around: Around, speed_mps: float = 20.0) -> float:
    """What the wheels give at a steady speed, by a drive without losses."""
    spec = replace(SPEC, efficiency=(1.0,) * len(SPEC.efficiency), gear_efficiency=1.0,
                   unmodelled_loss_share=0.0, base_load_w=0.0)  # fmt: skip
    done = longitudinal.cover(STATE, speed_mps, speed_mps, 293.15, spec, 0.25, around)
    return done.battery.power_w


def test_a_slope_costs_the_weight_along_it() -> None:
    more_w = wheel_w(Around(slope=0.03)) - wheel_w(Around())
    along_n = SPEC.mass_kg * GRAVITY_MPS2 * 0.03 / math.sqrt(1.0 + 0.03**2)
    assert more_w == pytest.approx(along_n * 20.0, rel=1e-6)


@pytest.mark.parametrize("wind_mps", [-5.0, 5.0])
def test_headwind_adds_to_the_speed_through_the_air(wind_mps: float) -> None:
    more_w = wheel_w(Around(headwind_mps=wind_mps)) - wheel_w(Around())
    force_n = SPEC.air_n_per_mps2 * ((20.0 + wind_mps) ** 2 - 20.0**2)
    assert more_w == pytest.approx(force_n * 20.0, rel=1e-6)


def test_wind_across_counts_by_the_whole_speed_of_the_air() -> None:
    more_w = wheel_w(Around(crosswind_mps=5.0)) - wheel_w(Around())
    force_n = SPEC.air_n_per_mps2 * 20.0 * (math.hypot(20.0, 5.0) - 20.0)
    assert more_w == pytest.approx(force_n * 20.0, rel=1e-6)


def test_a_wind_from_behind_that_is_faster_pushes() -> None:
    assert wheel_w(Around(headwind_mps=-30.0), 5.0) < wheel_w(Around(headwind_mps=-5.0), 5.0)


def test_climate_is_as_told_or_by_the_air_outside() -> None:
    told = longitudinal.cover(STATE, 0.0, 0.0, 263.15, SPEC, 1.0, Around(climate_w=700.0))
    assert told.base_w == pytest.approx(SPEC.base_load_w + 700.0)
    usual = longitudinal.cover(STATE, 0.0, 0.0, 263.15, SPEC, 1.0)
    assert usual.base_w == pytest.approx(SPEC.base_load_w + 28.0 * SPEC.climate_w_per_k)
