"""What the pilot is given once: roads and rules, where to go, the car, the driver's choices, the tuning."""

from __future__ import annotations

from dataclasses import dataclass, field

from volant.core.settings import Choices
from volant.pilot.attention import AttentionTuning
from volant.pilot.control.follow import FollowTuning
from volant.pilot.engage import EngageTuning
from volant.pilot.functions import FunctionTuning
from volant.pilot.geometry import CarGeometry
from volant.pilot.odd import DomainTuning
from volant.pilot.perception.belief import LocalizeTuning
from volant.pilot.perception.health import HealthTuning
from volant.pilot.perception.lights import LightTuning
from volant.pilot.perception.sightings import SightingTuning
from volant.pilot.perception.track import TrackTuning
from volant.pilot.planning.corners import CornerTuning
from volant.pilot.planning.junctions import JunctionTuning
from volant.pilot.planning.lanes import LaneTuning
from volant.pilot.planning.leaving import LeaveTuning
from volant.pilot.planning.plan import PlanSettings, PlanTuning
from volant.pilot.planning.propose import ProposeTuning
from volant.pilot.planning.score import ScoreTuning
from volant.pilot.planning.stops import StopTuning
from volant.pilot.prediction.forecast import ForecastTuning
from volant.pilot.prediction.hidden import HiddenTuning
from volant.pilot.warn import WarnTuning
from volant.pilot.way import Guide, Way
from volant.road import LaneGraph, TrafficRules


@dataclass(frozen=True, slots=True)
class Tuning:
    """The tuning of every step, each beside its algorithm."""

    localize: LocalizeTuning = field(default_factory=LocalizeTuning)
    track: TrackTuning = field(default_factory=TrackTuning)
    health: HealthTuning = field(default_factory=HealthTuning)
    forecast: ForecastTuning = field(default_factory=ForecastTuning)
    hidden: HiddenTuning = field(default_factory=HiddenTuning)
    plan: PlanTuning = field(default_factory=PlanTuning)
    stop: StopTuning = field(default_factory=StopTuning)
    junctions: JunctionTuning = field(default_factory=JunctionTuning)
    corners: CornerTuning = field(default_factory=CornerTuning)
    lights: LightTuning = field(default_factory=LightTuning)
    sightings: SightingTuning = field(default_factory=SightingTuning)
    lanes: LaneTuning = field(default_factory=LaneTuning)
    leaving: LeaveTuning = field(default_factory=LeaveTuning)
    propose: ProposeTuning = field(default_factory=ProposeTuning)
    score: ScoreTuning = field(default_factory=ScoreTuning)
    follow: FollowTuning = field(default_factory=FollowTuning)
    engage: EngageTuning = field(default_factory=EngageTuning)
    domain: DomainTuning = field(default_factory=DomainTuning)
    functions: FunctionTuning = field(default_factory=FunctionTuning)
    attention: AttentionTuning = field(default_factory=AttentionTuning)
    warn: WarnTuning = field(default_factory=WarnTuning)

    @property
    def planning(self) -> PlanSettings:
        """What planning is tuned by."""
        return PlanSettings(
            self.plan,
            self.stop,
            self.junctions,
            self.lanes,
            self.propose,
            self.score,
            self.corners,
            self.leaving,
        )


@dataclass(frozen=True, slots=True)
class PilotSettings:
    """Everything that stays the same during a drive."""

    graph: LaneGraph
    rules: TrafficRules | None
    """Who goes first where; None on roads without junctions."""
    guide: Guide | None
    """The way to the destination from everywhere; None drives on along the main road."""
    car: CarGeometry
    choices: Choices = field(default_factory=Choices)
    """At the start; the driver's requests change them."""
    berth: tuple[float, float, float] | None = None
    """x, y and heading where the car was parked, remembered over the stop; None when it is not known."""
    berth_odometer_m: float = 0.0
    """What the odometer said there: a pilot that begins anew on the way does not believe to be there."""
    via: tuple[Guide, ...] = ()
    """To the places to pass before, in order."""
    tuning: Tuning = field(default_factory=Tuning)

    def way(self, stage: int) -> Way:
        """Roads, rules and the guides that are left when so many places are passed."""
        guides = () if self.guide is None else (*self.via, self.guide)
        return Way(self.graph, self.rules, guides[stage:])
