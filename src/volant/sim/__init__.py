"""Worlds and judging: traffic, sensors, ground truth, and what counts as an intervention."""

from volant.sim import judge
from volant.sim.drivers import DriverMix
from volant.sim.jams import Jam
from volant.sim.judge import (
    DriveSummary,
    JudgeInput,
    JudgeSettings,
    JudgeState,
    JudgeTuning,
)
from volant.sim.scenario import default_world
from volant.sim.world import World, WorldSettings

__all__ = [
    "DriveSummary",
    "DriverMix",
    "Jam",
    "JudgeInput",
    "JudgeSettings",
    "JudgeState",
    "JudgeTuning",
    "World",
    "WorldSettings",
    "default_world",
    "judge",
]
