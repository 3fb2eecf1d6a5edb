"""Worlds and judging: traffic, sensors, ground truth, and what counts as an intervention."""

from volant.sim.drivers import DriverMix
from volant.sim.jams import Jam
from volant.sim.world import World, WorldSettings

__all__ = ["DriverMix", "Jam", "World", "WorldSettings"]
