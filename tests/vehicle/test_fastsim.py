"""Consumption beside FASTSim 3.1 with one set of figures and nothing calibrated."""

from dataclasses import replace
from itertools import pairwise

import pytest

from tests.vehicle.fastsim_car import drive_in_fastsim
from tests.vehicle.reference_car import spec_of
from volant.vehicle import battery, load_cycle
from volant.vehicle.cycles import added_load_kg
from volant.vehicle.parameters import plant_spec
from volant.vehicle.range import CELL_K, Totals, drive_cycle

CASES = [(car, cycle) for car in ("g3-520", "g3-400", "p7") for cycle in ("udds", "hwfet")]


@pytest.mark.parametrize(("car", "cycle"), CASES)
def test_consumption_agrees_with_fastsim_within_two_per_cent(car: str, cycle: str) -> None:
    spec = spec_of(car)
    plant = plant_spec(spec, load_kg=added_load_kg(spec, cycle), calibrated=False)
    theirs = drive_in_fastsim(spec, plant, cycle)
    driven = load_cycle(cycle)
    # The air is the surroundings', not the car's, and FASTSim takes its own: give ours the same.
    cubes = sum((0.5 * (a + b)) ** 3 for a, b in pairwise(driven.speed_mps))
    air_n_per_mps2 = theirs.air_j / cubes
    assert air_n_per_mps2 == pytest.approx(plant.air_n_per_mps2, rel=0.04)
    total = Totals()
    start = battery.start(0.8, CELL_K, plant)
    drive_cycle(replace(plant, air_n_per_mps2=air_n_per_mps2), driven, start, total)
    ours_wh_per_km = (total.cells_j - total.battery_j) / 3.6 / total.distance_m
    assert total.distance_m == pytest.approx(theirs.distance_m, rel=1e-3)
    assert ours_wh_per_km == pytest.approx(theirs.wh_per_km, rel=0.02)
