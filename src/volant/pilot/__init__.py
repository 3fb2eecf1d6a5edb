"""The pilot: perception, prediction, planning, control and engagement as pure steps.

Imports core and road only; has no clock, no chance, no log and nobody to talk to.
"""

from volant.pilot.driver import PilotDriver
from volant.pilot.geometry import CarGeometry
from volant.pilot.pipeline import PilotMemory, PilotOutput, start, step
from volant.pilot.settings import PilotSettings, Tuning

__all__ = [
    "CarGeometry",
    "PilotDriver",
    "PilotMemory",
    "PilotOutput",
    "PilotSettings",
    "Tuning",
    "start",
    "step",
]
