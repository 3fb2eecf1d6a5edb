"""The machine: facts of a car, its dynamics, drive and battery, and the simulated car.

Knows nothing of roads or pilots: the ground comes through the port `Surroundings`.
"""

from volant.vehicle.cancar import CanCar
from volant.vehicle.car_file import load_spec
from volant.vehicle.cycles import CYCLE_NAMES, CYCLE_TITLES, Cycle, load_cycle
from volant.vehicle.range import CyclePoint, RangeResult, Shares, drive_to_empty, plot_range
from volant.vehicle.simcar import CarStart, SimCar, with_perfect_sensors
from volant.vehicle.spec import CarSpec, Figure, Status

__all__ = [
    "CYCLE_NAMES",
    "CYCLE_TITLES",
    "CanCar",
    "CarSpec",
    "CarStart",
    "Cycle",
    "CyclePoint",
    "Figure",
    "RangeResult",
    "Shares",
    "SimCar",
    "Status",
    "drive_to_empty",
    "load_cycle",
    "load_spec",
    "plot_range",
    "with_perfect_sensors",
]
