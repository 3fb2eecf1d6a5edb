"""The machine: facts of a car, its dynamics, drive and battery, and the simulated car.

Knows nothing of roads or pilots: the ground comes through the port `Surroundings`.
"""

from volant.vehicle.simcar import CarStart, SimCar, with_perfect_sensors
from volant.vehicle.spec import CarSpec, load_spec

__all__ = ["CarSpec", "CarStart", "SimCar", "load_spec", "with_perfect_sensors"]
