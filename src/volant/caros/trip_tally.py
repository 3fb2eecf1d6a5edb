"""Few figures about a whole trip, gathered while it is driven. Pure: no clock, no disk."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import msgspec

from volant.core import topics
from volant.core.clock import NS_PER_S, seconds
from volant.core.messages import (
    Alert,
    CarState,
    ContactVerdict,
    Intervention,
    JudgeFinding,
    LiveStep,
    Message,
    Plan,
)
from volant.core.topics import Topic

STANDS_MPS: Final = 0.1
LEAST_M: Final = 10.0
"""Less is no trip."""
GAP_MOST_NS: Final = NS_PER_S
"""Power over a longer silence of the car is not known, and not counted."""
NAMES_MOST: Final = 32
"""Of one kind; more are counted as `other`, so that a record stays small."""
NAME_MOST: Final = 64
J_PER_KWH: Final = 3.6e6


class TripSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One trip, as the live car's recorder saw it."""

    ended: str
    """Wall time, ISO 8601 with zone."""
    reason: str
    """`arrived`, or `the live car was stopped`."""
    duration_s: float
    distance_m: float
    energy_kwh: float
    """Out of the battery, less what came back."""
    charge_pct: float
    """At the end, as shown."""
    top_speed_mps: float
    hardest_braking_mps2: float
    interventions: dict[str, int]
    """By kind, from ground truth."""
    contacts: int
    contacts_at_fault: int
    findings: dict[str, int]
    """Rules broken and needless brakings, by kind, from ground truth."""
    alerts: dict[str, int]
    """How often each was told, by its name."""
    codes: tuple[str, ...]
    """Confirmed trouble codes at the end, such as `pilot:pilot_lost`."""
    clips: int
    """Events that were kept."""
    longest_gap_ms: dict[str, float]
    """Between two steps of a component: its period, and how late it ever was. Pauses by a death are not in it."""
    restarts: dict[str, int]
    """Of components whose process died, how often it was back."""


class TripTally:
    """What is gathered of one trip."""

    def __init__(self) -> None:
        self.distance_m = 0.0
        self.arrived = False
        """The pilot says so, and the car stands."""
        self._first: CarState | None = None
        self._last: CarState | None = None
        self._energy_j = self._top_mps = self._brake_mps2 = 0.0
        self._contacts = self._at_fault = 0
        self._interventions: dict[str, int] = {}
        self._findings: dict[str, int] = {}
        self._alerts: dict[str, int] = {}
        self._alert_stamps: dict[str, int] = {}
        self._steps: dict[str, tuple[int, int]] = {}
        self._gaps_ns: dict[str, int] = {}
        self._restarts: dict[str, int] = {}
        self._looks: dict[str, Callable[[Any], None]] = {
            topics.CAR_STATE.name: self._car,
            topics.PILOT_PLAN.name: self._plan,
            topics.JUDGE_INTERVENTION.name: self._intervention,
            topics.JUDGE_FINDING.name: self._finding,
            topics.JUDGE_CONTACT.name: self._contact,
            topics.ALERT.name: self._alert,
            topics.LIVE_STEP.name: self._step,
        }

    @property
    def is_trip(self) -> bool:
        """It is worth a record."""
        return self.distance_m >= LEAST_M

    def look(self, topic: Topic, message: Message) -> None:
        """Take one message in."""
        look = self._looks.get(topic.name)
        if look is not None:
            look(message)

    def summary(
        self, ended: str, reason: str, codes: tuple[str, ...] = (), clips: int = 0
    ) -> TripSummary:
        """The record so far; `ended` is the wall time."""
        first, last = self._first, self._last
        span_ns = 0 if first is None or last is None else last.stamp_ns - first.stamp_ns
        return TripSummary(
            ended=ended,
            reason=reason,
            duration_s=round(seconds(max(0, span_ns)), 2),
            distance_m=round(self.distance_m, 1),
            energy_kwh=round(self._energy_j / J_PER_KWH, 4),
            charge_pct=0.0 if last is None else round(last.charge_pct, 2),
            top_speed_mps=round(self._top_mps, 2),
            hardest_braking_mps2=round(self._brake_mps2, 2),
            interventions=self._interventions,
            contacts=self._contacts,
            contacts_at_fault=self._at_fault,
            findings=self._findings,
            alerts=self._alerts,
            codes=codes[:NAMES_MOST],
            clips=clips,
            longest_gap_ms={name: round(gap / 1e6, 2) for name, gap in self._gaps_ns.items()},
            restarts=self._restarts,
        )

    def _car(self, car: CarState) -> None:
        before, self._last = self._last, car
        if self._first is None or before is None:
            self._first = car
            return
        self.distance_m = max(0.0, car.odometer_m - self._first.odometer_m)
        gap_ns = car.stamp_ns - before.stamp_ns
        if 0 < gap_ns <= GAP_MOST_NS and math.isfinite(car.battery_power_w):
            self._energy_j += car.battery_power_w * seconds(gap_ns)
        if math.isfinite(car.speed_mps):
            self._top_mps = max(self._top_mps, car.speed_mps)
        if math.isfinite(car.accel_mps2):
            self._brake_mps2 = max(self._brake_mps2, -car.accel_mps2)

    def _plan(self, plan: Plan) -> None:
        car = self._last
        self.arrived = plan.arrived and car is not None and abs(car.speed_mps) < STANDS_MPS

    def _intervention(self, told: Intervention) -> None:
        _count(self._interventions, told.kind.value)

    def _finding(self, told: JudgeFinding) -> None:
        _count(self._findings, told.kind.value)

    def _contact(self, told: ContactVerdict) -> None:
        self._contacts += 1
        self._at_fault += told.at_fault

    def _alert(self, told: Alert) -> None:
        """The supervisor says the same again, with its first time, for screens that come back."""
        name = told.alert_id[:NAME_MOST]
        if self._alert_stamps.get(name) == told.stamp_ns:
            return
        if name in self._alert_stamps or len(self._alert_stamps) < NAMES_MOST:
            self._alert_stamps[name] = told.stamp_ns
        _count(self._alerts, name)

    def _step(self, step: LiveStep) -> None:
        name = step.component[:NAME_MOST]
        before = self._steps.get(name)
        if before is None and len(self._steps) >= NAMES_MOST:
            return
        self._steps[name] = step.incarnation, step.stamp_ns
        if before is None or step.count == 0:
            if before is not None and step.incarnation != before[0]:
                _count(self._restarts, name)
        else:
            self._gaps_ns[name] = max(self._gaps_ns.get(name, 0), step.stamp_ns - before[1])


def _count(counts: dict[str, int], name: str) -> None:
    name = name[:NAME_MOST]
    if name not in counts and len(counts) >= NAMES_MOST:
        name = "other"
    counts[name] = counts.get(name, 0) + 1
