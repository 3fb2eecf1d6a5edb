"""Ready worlds for the default trip and for other people's roads."""

from __future__ import annotations

from typing import Final

from volant.sim.drivers import DriverMix
from volant.sim.jams import Jam
from volant.sim.world import WorldSettings

RING_CARS: Final = 60
"""In the bubble of 840 m: about 20 cars a kilometre and lane of the own carriageway."""
TOWN_PARKED: Final = 40
TOWN_PEOPLE: Final = 12
"""Within 200 m of the own car, where there are streets."""


def default_world(kind: str = "ring", *, sensors: str = "typical") -> WorldSettings:
    """Settings of a world by kind: `ring`, the default trip; `open`, any road; `empty`, no traffic.

    Raises:
        ValueError: no such kind.
    """
    if kind == "ring":
        jam = Jam(start_m=1500.0, length_m=250.0, from_s=45.0, to_s=115.0)
        return WorldSettings(
            cars=RING_CARS, sensors=sensors, jams=(jam,), oncoming_share=0.2, people=TOWN_PEOPLE
        )
    if kind == "open":
        return WorldSettings(
            cars=20, sensors=sensors, mix=DriverMix(), oncoming_share=0.4, people=TOWN_PEOPLE
        )
    if kind == "empty":
        return WorldSettings(cars=0, sensors=sensors)
    raise ValueError(f"world kind {kind!r}: expected ring, open or empty")
