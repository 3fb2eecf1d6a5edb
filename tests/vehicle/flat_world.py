"""Surroundings with nothing in them but the ground."""

import math
from dataclasses import dataclass, field

from volant.core.messages import Contact, EgoTruth, LightTruth, SensorFrames, TruthObject


@dataclass
class FlatWorld:
    """An endless plane; implements `core.ports.Surroundings`."""

    grade_rad: float = 0.0
    frames: SensorFrames | None = None
    sensed: list[EgoTruth] = field(default_factory=list)

    def advance(self, ego: EgoTruth, stamp_ns: int) -> None:
        """Nothing moves here."""

    def sense(self, ego: EgoTruth, stamp_ns: int) -> SensorFrames | None:
        self.sensed.append(ego)
        return self.frames

    def contacts(self) -> tuple[Contact, ...]:
        return ()

    def truth(self) -> tuple[TruthObject, ...]:
        return ()

    def lights(self) -> tuple[LightTruth, ...]:
        return ()

    def height(self, x_m: float, y_m: float) -> tuple[float, float, float]:
        return x_m * math.tan(self.grade_rad), self.grade_rad, 0.0
