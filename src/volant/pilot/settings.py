"""What the pilot is given once: the road, the car, the driver's choices and the tuning of each step."""

from __future__ import annotations

from dataclasses import dataclass, field

from volant.core.settings import Choices
from volant.pilot.attention import AttentionTuning
from volant.pilot.control.follow import FollowTuning
from volant.pilot.engage import EngageTuning
from volant.pilot.functions import FunctionTuning
from volant.pilot.geometry import CarGeometry
from volant.pilot.odd import DomainTuning
from volant.pilot.perception.localize import LocalizeTuning
from volant.pilot.perception.track import TrackTuning
from volant.pilot.planning.plan import PlanTuning
from volant.pilot.planning.propose import ProposeTuning
from volant.pilot.planning.score import ScoreTuning
from volant.pilot.prediction.forecast import ForecastTuning
from volant.pilot.warn import WarnTuning
from volant.road import Corridor, LaneGraph


@dataclass(frozen=True, slots=True)
class Tuning:
    """The tuning of every step, each beside its algorithm."""

    localize: LocalizeTuning = field(default_factory=LocalizeTuning)
    track: TrackTuning = field(default_factory=TrackTuning)
    forecast: ForecastTuning = field(default_factory=ForecastTuning)
    plan: PlanTuning = field(default_factory=PlanTuning)
    propose: ProposeTuning = field(default_factory=ProposeTuning)
    score: ScoreTuning = field(default_factory=ScoreTuning)
    follow: FollowTuning = field(default_factory=FollowTuning)
    engage: EngageTuning = field(default_factory=EngageTuning)
    domain: DomainTuning = field(default_factory=DomainTuning)
    functions: FunctionTuning = field(default_factory=FunctionTuning)
    attention: AttentionTuning = field(default_factory=AttentionTuning)
    warn: WarnTuning = field(default_factory=WarnTuning)


@dataclass(frozen=True, slots=True)
class PilotSettings:
    """Everything that stays the same during a drive."""

    corridor: Corridor
    graph: LaneGraph | None
    """Names lanes and tells where limits come from; None for a corridor without a map."""
    car: CarGeometry
    choices: Choices = field(default_factory=Choices)
    """At the start; the driver's requests change them."""
    destination_m: float | None = None
    """Station to arrive at, for the car's origin; None to drive on."""
    loops: bool = False
    """The corridor's end is its own start."""
    tuning: Tuning = field(default_factory=Tuning)
