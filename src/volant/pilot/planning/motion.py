"""The chosen motion, and what a planning step is given and tuned by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from volant.core.messages import Constraint, Guidance, LightState, ObjectClass, Refusal
from volant.core.settings import Choices
from volant.pilot.course import Course
from volant.pilot.geometry import CarGeometry
from volant.pilot.perception.belief import Ego
from volant.pilot.planning.junctions import JunctionMemory
from volant.pilot.planning.lanes import Change
from volant.pilot.planning.shift import Shift
from volant.pilot.prediction.forecast import Forecast
from volant.pilot.prediction.hidden import OcclusionPoint
from volant.pilot.way import Way

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PlanInput:
    """Everything a planning step looks at."""

    ego: Ego
    forecast: Forecast
    tracks: Array
    """[m, 38] the tracks that are believed (perception.track.TrackColumn)."""
    course: Course
    way: Way
    choices: Choices
    car: CarGeometry
    before: Motion | None
    """The motion chosen last."""
    accel_mps2: float
    """Commanded now; plans go on from it."""
    side: tuple[float, float, float]
    """Offset, rate and acceleration of the path that control follows now."""
    shift: Shift | None
    """The lane change that control drives now."""
    sight_m: float
    """How far the sensors can be relied on now."""
    halt_m: float
    """Station of a stop the pilot wants of itself, inf for none."""
    holding: bool
    """The car is held at standstill."""
    may_speed_up: bool = True
    """Not while the driver is asked to take over."""
    driving: bool = False
    """The pilot drives, so it may change lanes."""
    indicated: int = 0
    """The driver asks for a lane change now: +1 left, -1 right."""
    overtakes: bool = False
    """Lanes are changed to overtake and to keep to the slow side."""
    lights: tuple[tuple[str, LightState, int], ...] = ()
    """Traffic lights as last seen: name, state, stamp."""
    hidden: tuple[OcclusionPoint, ...] = ()
    """Places ahead that somebody may step out of."""
    blind: tuple[int, ...] = ()
    """Sides that sensors do not see well enough to change lanes to: +1 left, -1 right."""

    @property
    def speed_mps(self) -> float:
        """Of the own car, never below 0."""
        return max(self.ego.speed_mps, 0.0)


@dataclass(frozen=True, slots=True)
class Lead:
    """The road user ahead in our band."""

    track_id: int
    gap_m: float
    speed_mps: float
    cuts_in: bool
    kind: ObjectClass = ObjectClass.UNKNOWN
    """The majority of what the sensors took it for, which one wrong frame does not change."""


@dataclass(frozen=True, slots=True)
class Motion:
    """The chosen motion, as control needs it."""

    stamp_ns: int
    proposal: int
    """Row of the table of proposals."""
    accel_mps2: float
    """Wanted now."""
    aside_m: float
    """Target offset from the middle of the lane."""
    change: Change
    """The lane change: none, signalled, or under way."""
    junctions: JunctionMemory
    hold: bool
    """Stand still."""
    path: Array
    """[n, 5] every dt_s: station, speed, acceleration, offset, offset rate."""
    side: Array
    """[3] where the path's offset began."""
    dt_s: float
    lead: Lead | None
    constraint: Constraint
    reason: str
    manoeuvre: str
    refusals: tuple[Refusal, ...]
    target_speed_mps: float
    limit_mps: float
    limit_is_default: bool
    confidence: float
    distance_left_m: float | None
    arrived: bool
    costs: Array
    """[8] of the chosen proposal, by score.TERMS, before weights."""
    lit: int = 0
    """Indicator: 0 off, 1 left, 2 right."""
    guidance: Guidance | None = None
    light: LightState | None = None
    rerouted: int = 0
    urgent: bool = False
    """Brakes harder than comfort, for nothing calmer avoids a sure touch."""


def name_of(kind: ObjectClass) -> str:
    """What a road user is called in words for the driver."""
    return "vehicle" if kind is ObjectClass.UNKNOWN else kind.value
