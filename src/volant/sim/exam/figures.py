"""What happened in a case, as figures from ground truth alone, and whether they keep their bounds.

The judge of every drive (sim.judge) measures what it measures; here only what an examination asks
besides: time to contact, the gap at a stop, how soon the first brake command came, where the car ended.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from volant.core.clock import seconds
from volant.core.messages import Command, EgoTruth, Message, TruthObject
from volant.sim.judge import DriveSummary, JudgeState
from volant.sim.scene import Bound, Scene
from volant.sim.world import CAST_FIRST_ID

STAND_MPS: Final = 0.1
LEAD_BRAKES_MPS2: Final = -1.0
"""From this true deceleration on the lead counts as braking (a lift of the foot gives 0.5; recalled)."""
COMMAND_MPS2: Final = 0.3
"""A command this much below that of the lead's first braking is the answer to it (chosen)."""
CLOSING_MPS: Final = 0.2

STEADY_MPS: Final = 8.0
"""Below it the standing gap has its say in the gap that is kept."""
STEADY_PICTURES: Final = 100
"""5 s at 20 Hz."""

Figure = float | None


def _last_gaps() -> deque[tuple[float, float] | None]:
    return deque(maxlen=STEADY_PICTURES)


class Figures(Message, frozen=True, kw_only=True):
    """The figures of one case. Null: there was nothing to measure."""

    duration_s: float
    distance_m: float
    contacts: int
    contacts_at_fault: int
    impact_mps: Figure
    """Of the first contact."""
    ttc_min_s: Figure
    """Least time to contact with what is ahead in the own path, at the present speeds."""
    gap_min_m: Figure
    gap_end_m: Figure
    """To what is ahead, at the end."""
    time_gap_end_s: Figure
    gap_error_pct: Figure
    """Mean difference of the last 5 s between the time gap and the one that was set, behind a car that
    drives at 8 m/s or more."""
    stop_gap_m: Figure
    """To what is ahead, at the last standstill."""
    reaction_s: Figure
    """From the lead's first braking to the first brake command."""
    offset_max_m: Figure
    offset_rms_m: Figure
    accel_hardest_mps2: Figure
    """True braking at its hardest, in emergencies too."""
    accel_min_mps2: Figure
    """The same outside emergencies, as the judge tells them."""
    accel_max_mps2: Figure
    jerk_p99_mps3: Figure
    lateral_accel_p99_mps2: Figure
    speed_end_mps: float
    speed_min_mps: float
    speed_over_limit_mps: float
    """The most by which the limit was exceeded; negative: never reached."""
    station_m: float
    """Progress along the way, from the start."""
    shift_m: float
    """Where the car ended left of the line it began on, along the road."""
    stood_s: float
    rule_breaks: int
    needless_brakings: int
    interventions: int
    takeovers: int
    minimal_risk: int
    road_left: int
    """Times that a corner of the body left every lane."""
    passed: int
    """Actors of the cast that are behind the car along its way at the end."""
    arrived: int
    handed_back: int
    """1: somebody else than the pilot drove at the end, or the car was stopped by the pilot."""


@dataclass(slots=True)
class Watch:
    """Follows one case tick by tick."""

    scene: Scene
    ttc_min_s: float = math.inf
    gap_end_m: float | None = None
    stop_gap_m: float | None = None
    hardest_mps2: float = math.inf
    speed_min_mps: float = math.inf
    over_mps: float = -math.inf
    stood_s: float = 0.0
    stamp_ns: int = 0
    ego: EgoTruth | None = None
    objects: tuple[TruthObject, ...] = ()
    lead_braked_ns: int | None = None
    accel_then_mps2: float = 0.0
    reaction_s: float | None = None
    offsets: list[float] = field(default_factory=list)
    gaps: deque[tuple[float, float] | None] = field(default_factory=_last_gaps)
    """Gap and own speed, 20 times a second; None where nobody is ahead or it crawls."""

    def look(
        self,
        stamp_ns: int,
        ego: EgoTruth,
        objects: tuple[TruthObject, ...] | None,
        command: Command | None,
        judged: JudgeState,
    ) -> None:
        """One control tick."""
        span_s = seconds(stamp_ns - self.stamp_ns)
        self.stamp_ns, self.ego = stamp_ns, ego
        self.speed_min_mps = min(self.speed_min_mps, ego.speed_mps)
        self.hardest_mps2 = min(self.hardest_mps2, ego.accel_mps2)
        gap_m = judged.lead_gap_m
        self.gap_end_m = gap_m
        if gap_m is not None and ego.speed_mps - judged.lead_speed_mps > CLOSING_MPS:
            ttc_s = max(gap_m, 0.0) / (ego.speed_mps - judged.lead_speed_mps)
            self.ttc_min_s = min(self.ttc_min_s, ttc_s)
        if abs(ego.speed_mps) < STAND_MPS:
            self.stood_s += span_s
            self.stop_gap_m = gap_m
        if objects is not None:
            self.objects = objects
            self._measure_place(ego)
            self._watch_lead(stamp_ns, command)
            steady = gap_m is not None and ego.speed_mps >= STEADY_MPS
            self.gaps.append((gap_m, ego.speed_mps) if steady and gap_m is not None else None)
        if self.lead_braked_ns is not None and self.reaction_s is None and command is not None:
            answer = min(-COMMAND_MPS2, self.accel_then_mps2 - COMMAND_MPS2)
            if command.accel_mps2 <= answer:
                self.reaction_s = seconds(stamp_ns - self.lead_braked_ns)

    def _measure_place(self, ego: EgoTruth) -> None:
        corridor = self.scene.corridor
        station_m, offset_m = corridor.project(ego.x_m, ego.y_m)
        if 0.0 <= station_m <= corridor.length_m:
            self.offsets.append(offset_m)
            self.over_mps = max(self.over_mps, ego.speed_mps - corridor.at(station_m).limit_mps)

    def _watch_lead(self, stamp_ns: int, command: Command | None) -> None:
        if self.scene.lead is None or self.lead_braked_ns is not None:
            return
        wanted = CAST_FIRST_ID + self.scene.lead
        for other in self.objects:
            if other.actor_id == wanted and other.accel_mps2 < LEAD_BRAKES_MPS2:
                self.lead_braked_ns = stamp_ns
                self.accel_then_mps2 = 0.0 if command is None else command.accel_mps2

    def figures(self, judged: DriveSummary, verdicts: Verdicts) -> Figures:
        """The figures at the end."""
        ego, scene = self.ego, self.scene
        if ego is None:
            raise ValueError("a case without a tick has no figures")
        station_m, shift_m = scene.corridor.project(ego.x_m, ego.y_m)
        kinds = [one.kind.value for one in judged.intervention_list]
        gap_m = self.gap_end_m
        return Figures(
            duration_s=seconds(self.stamp_ns),
            distance_m=judged.distance_m,
            contacts=judged.contacts,
            contacts_at_fault=verdicts.at_fault,
            impact_mps=verdicts.impact_mps,
            ttc_min_s=None if math.isinf(self.ttc_min_s) else self.ttc_min_s,
            gap_min_m=judged.min_gap_m,
            gap_end_m=gap_m,
            time_gap_end_s=None if gap_m is None else gap_m / max(ego.speed_mps, 0.1),
            gap_error_pct=self._gap_error_pct(),
            stop_gap_m=self.stop_gap_m,
            reaction_s=self.reaction_s,
            offset_max_m=max(map(abs, self.offsets), default=None),
            offset_rms_m=_rms(self.offsets),
            accel_hardest_mps2=self.hardest_mps2,
            accel_min_mps2=judged.accel_min_mps2,
            accel_max_mps2=judged.accel_max_mps2,
            jerk_p99_mps3=judged.jerk_p99_mps3,
            lateral_accel_p99_mps2=judged.lateral_accel_p99_mps2,
            speed_end_mps=ego.speed_mps,
            speed_min_mps=self.speed_min_mps,
            speed_over_limit_mps=self.over_mps,
            station_m=station_m - scene.start_m,
            shift_m=shift_m - scene.offset_m,
            stood_s=self.stood_s,
            rule_breaks=verdicts.rule_breaks,
            needless_brakings=verdicts.needless_brakings,
            interventions=judged.interventions,
            takeovers=kinds.count("takeover_demand"),
            minimal_risk=kinds.count("minimal_risk_stop"),
            road_left=kinds.count("road_left"),
            passed=self._passed(station_m),
            arrived=int(judged.arrived),
            handed_back=verdicts.handed_back,
        )

    def _gap_error_pct(self) -> float | None:
        held = [gap_m / speed_mps for gap_m, speed_mps in filter(None, self.gaps)]
        if len(held) < STEADY_PICTURES:
            return None
        set_s = self.scene.set_gap_s
        return 100.0 * abs(math.fsum(held) / len(held) - set_s) / set_s

    def _passed(self, station_m: float) -> int:
        found = 0
        for other in self.objects:
            if other.actor_id >= CAST_FIRST_ID:
                there_m, _offset = self.scene.corridor.project(other.x_m, other.y_m)
                found += there_m < station_m
        return found


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What others found of the case."""

    at_fault: int
    impact_mps: float | None
    rule_breaks: int = 0
    needless_brakings: int = 0
    handed_back: int = 0


def _rms(values: list[float]) -> float | None:
    return math.sqrt(math.fsum(v * v for v in values) / len(values)) if values else None


def broken_bounds(
    figures: Figures, bounds: tuple[Bound, ...], sensors: str = "typical"
) -> tuple[str, ...]:
    """The reasons why a case is not passed, in words; empty when it is.

    Args:
        figures: what was measured.
        bounds: the case's.
        sensors: their level; some bounds are tighter with perfect ones.
    """
    perfect = sensors == "perfect"
    return tuple(
        words for bound in bounds if (words := _broken(figures, bound, perfect=perfect)) is not None
    )


def _broken(figures: Figures, bound: Bound, *, perfect: bool) -> str | None:
    value: Any = getattr(figures, bound.figure)
    most = bound.most_perfect if perfect and bound.most_perfect is not None else bound.most
    why = f" ({bound.why})" if bound.why else ""
    if value is None:
        return f"{bound.figure} could not be measured{why}"
    if bound.least is not None and value < bound.least:
        return f"{bound.figure} {value:.2f}, at least {bound.least:g}{why}"
    if most is not None and value > most:
        return f"{bound.figure} {value:.2f}, at most {most:g}{why}"
    return None


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """What happened, five times a second: rows of numbers for plots and the bird's-eye view."""

    stamps_s: tuple[float, ...]
    ego: tuple[tuple[float, ...], ...]
    """x, y, yaw, speed, accel, lateral accel, steer, gap to what is ahead (-1: nothing), z."""
    objects: tuple[tuple[tuple[float | str, ...], ...], ...]
    """Each: id, class, x, y, yaw, speed, length, width, height, z, braking (1), indicator."""
    lights: tuple[tuple[tuple[str, str], ...], ...] = ()
    """Each: signal, what it shows."""
    words: tuple[str, ...] = ()
    """What the pilot said that it does; empty where none drives."""
    contacts_s: tuple[float, ...] = ()
    road: bytes = b""
    """The map along the way as the cockpit packs it; empty where the case is not drawn."""


class CaseResult(msgspec.Struct, frozen=True, kw_only=True):
    """One case, done; a line of the results file."""

    name: str
    kind: str
    passed: bool
    reasons: tuple[str, ...]
    figures: Figures | None
    """Null: the case raised."""
    wall_s: Annotated[float, Meta(ge=0.0)]
    score: float | None = None
    """0 to 1, in suites that score."""
    facts: dict[str, float | None] = msgspec.field(default_factory=dict)
    """What else the suite measured."""
    replay: Replay | None = None
    """Kept where a report is asked for."""


__all__ = ["CaseResult", "Figures", "Replay", "Verdicts", "Watch", "broken_bounds"]
