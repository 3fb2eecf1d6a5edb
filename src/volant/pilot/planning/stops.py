"""Where the car must stop next, and why: ends, destination, an own stop, and what junctions ask for."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from volant.core.messages import Guidance, LightState
from volant.pilot.planning import causes
from volant.pilot.planning.junctions import JunctionMemory, JunctionTuning, wait_at
from volant.pilot.planning.lanes import Phase
from volant.pilot.planning.motion import PlanInput

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class StopTuning:
    """How stops are made."""

    decel_mps2: float = 1.0
    """For the end of the way and lines seen long before."""
    risk_decel_mps2: float = 2.0
    """For a minimal-risk stop: half of what UN R157 allows (4.0, recalled)."""
    hardest_mps2: float = 3.0
    """For what comes up late: a light that turns, a person at a crossing."""
    merge_decel_mps2: float = 3.2
    """For the end of a lane that is to be left: until there it is for speeding up."""
    end_margin_m: float = 2.0
    """Between the front bumper and the end of the road."""


@dataclass(frozen=True, slots=True)
class Stop:
    """The nearest place to stop at."""

    station_m: float
    """Of the car's origin, inf for none."""
    cause: int
    """Code of planning.causes."""
    decel_mps2: float
    words: str = ""
    """Better than the cause's own, where there are any."""
    slow: Array = field(default_factory=lambda: np.zeros((0, 4)))
    """[z, 4] stretches with a lower speed: from, to, speed, cause."""
    guidance: Guidance | None = None
    light: LightState | None = None
    lit: int = 0
    """Indicator for a turn: 0 off, 1 left, 2 right."""


def find_stop(
    given: PlanInput, memory: JunctionMemory, tuning: StopTuning, junctions: JunctionTuning
) -> tuple[Stop, JunctionMemory]:
    """The nearest stop of the way ahead."""
    course, car = given.course, given.car
    end_m = math.inf if _leaves_an_end(given) else course.end_m
    places = [(end_m - car.front_m - tuning.end_margin_m, causes.ROAD_END)]
    if course.destination_m is not None:
        places.append((course.destination_m, causes.DESTINATION))
    decel = tuning.decel_mps2
    if math.isfinite(given.halt_m):
        places.append((given.halt_m, causes.TAKEOVER))
        decel = tuning.risk_decel_mps2
    wait, memory, light, lit = wait_at(given, memory, junctions)
    if wait is not None:
        places.append((wait.station_m - car.front_m, wait.cause))
    station_m, cause = min(places)
    words = wait.words if wait is not None and wait.cause == cause else ""
    if cause == causes.ROAD_END and course.leave is not None:
        decel = tuning.merge_decel_mps2
    left_m = max(station_m - given.ego.station_m, 0.1)
    need = 0.5 * given.speed_mps**2 / left_m
    if need > 0.7 * decel:
        decel = max(decel, min(1.05 * need, tuning.hardest_mps2))
    return Stop(station_m, cause, decel, words, light=light, lit=lit), memory


def _leaves_an_end(given: PlanInput) -> bool:
    """Whether the car is on its way out of a lane that runs out: who slows down now is run into.

    As long as the change may be broken off, what is kept free before the end is enough to stop there.
    """
    leave, before = given.course.leave, given.before
    moves = before is not None and before.change.phase is Phase.MOVE
    return moves and leave is not None and leave.ends
