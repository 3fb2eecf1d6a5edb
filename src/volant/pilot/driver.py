"""The pilot behind the Driver port, so that it drives in any world that knows the port."""

from __future__ import annotations

from volant.core.messages import Command, Observation
from volant.pilot import pipeline
from volant.pilot.pipeline import PilotMemory
from volant.pilot.settings import PilotSettings


class PilotDriver:
    """`core.ports.Driver` with the whole pilot inside; only commands come out."""

    def __init__(self, settings: PilotSettings) -> None:
        self._settings = settings

    def start(self) -> PilotMemory:
        """The first state."""
        return pipeline.start(self._settings)

    def step(
        self, state: PilotMemory, observation: Observation, stamp_ns: int
    ) -> tuple[PilotMemory, Command]:
        """One control tick.

        Raises:
            ValueError: the observation is of another time than the tick.
        """
        if observation.stamp_ns != stamp_ns:
            raise ValueError(f"observation of {observation.stamp_ns}, tick of {stamp_ns}")
        state, output = pipeline.step(state, observation, self._settings)
        return state, output.command
