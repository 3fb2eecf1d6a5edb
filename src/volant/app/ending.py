"""When a drive is over, and why: read off the bus between two ticks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from volant.app.exits import Exit
from volant.app.start import GIVE_UP_NS
from volant.core import topics
from volant.core.bus import Bus
from volant.core.clock import NS_PER_S, seconds
from volant.core.messages import Engagement, InterventionKind
from volant.sim.judge import DriveSummary

STANDSTILL_MPS: Final = 0.05
AFTER_CONTACT_NS: Final = 2 * NS_PER_S
"""A touched car is still recorded for this long."""
NEVER_READY_NS: Final = GIVE_UP_NS + NS_PER_S
"""A car that stands after this and was never engaged will not drive."""
HANDED_BACK_NS: Final = 5 * NS_PER_S
"""A car that stands, unengaged, for this long waits for a driver who is not there."""
_DONE_DRIVING: Final = (Engagement.OFF, Engagement.READY, Engagement.MINIMAL_RISK)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a drive ended."""

    status: Exit
    reason: str
    timed_out: bool = False

    @property
    def arrived(self) -> bool:
        """Whether the car stands at its destination."""
        return self.status is Exit.DONE


def confirmed(ending: Ending, truth: DriveSummary, via_count: int) -> Ending:
    """An end at the destination only where ground truth says so; the pilot's word is not enough."""
    if not ending.arrived or truth.arrived:
        return ending
    if truth.via_passed < via_count:
        words = f"passed {truth.via_passed} of {via_count} places on the way"
    else:
        words = "stands elsewhere, though the pilot says it is there"
    return Ending(Exit.NOT_ARRIVED, f"not at the destination: {words}")


class EndWatch:
    """Looks at the bus for the end of a drive."""

    def __init__(
        self, bus: Bus, limit_s: float, attended: Callable[[], bool] = lambda: False
    ) -> None:
        self._limit_s, self._attended = limit_s, attended
        self._plan = bus.subscribe(topics.PILOT_PLAN)
        self._ego = bus.subscribe(topics.WORLD_EGO)
        self._pilot = bus.subscribe(topics.PILOT_STATE)
        self._contact = bus.subscribe(topics.WORLD_CONTACT)
        self._judged = bus.subscribe(topics.JUDGE_INTERVENTION)
        self._contact_at_ns: int | None = None
        self._contact_words = ""
        self._engaged_once = False
        self._waiting_since_ns: int | None = None

    def look(self, stamp_ns: int) -> Ending | None:
        """The end, once it has come."""
        for contact in self._contact.take():
            if self._contact_at_ns is None:
                self._contact_at_ns = stamp_ns
                self._contact_words = f"contact with a {contact.object_class.value}"
        if self._contact_at_ns is not None:
            if stamp_ns - self._contact_at_ns >= AFTER_CONTACT_NS:
                return Ending(Exit.CONTACT, self._contact_words)
            return None
        if self._arrived():
            return Ending(Exit.DONE, "arrived")
        if self._never_ready(stamp_ns):
            return Ending(Exit.NOT_ARRIVED, self._why_not())
        for judged in self._judged.take():
            if judged.kind is InterventionKind.STUCK:
                return Ending(Exit.NOT_ARRIVED, f"stuck: {judged.words}")
        if self._handed_back(stamp_ns):
            state = self._pilot.latest
            stopped = state.engagement is Engagement.MINIMAL_RISK
            what = "minimal-risk stop" if stopped else "the pilot is off and the car stands"
            return Ending(Exit.NOT_ARRIVED, f"{what}: {state.words or state.code}")
        if seconds(stamp_ns) >= self._limit_s:
            words = f"not there after {self._limit_s:.0f} s"
            return Ending(Exit.NOT_ARRIVED, words, timed_out=True)
        return None

    def _never_ready(self, stamp_ns: int) -> bool:
        state = self._pilot.latest
        if state is not None and state.engagement not in _DONE_DRIVING:
            self._engaged_once = True
        if self._attended():
            return False  # whoever sits in the car may drive it by hand
        return not self._engaged_once and stamp_ns >= NEVER_READY_NS and self._stands()

    def _why_not(self) -> str:
        state = self._pilot.latest
        if state is None:
            return "the pilot never became ready: it says nothing"
        if state.ready:
            return "the pilot was never engaged"
        return f"the pilot never became ready: {', '.join(state.blocker_words) or state.words}"

    def _stands(self) -> bool:
        ego = self._ego.latest
        return ego is not None and abs(ego.speed_mps) < STANDSTILL_MPS

    def _arrived(self) -> bool:
        plan = self._plan.latest
        return plan is not None and plan.arrived and self._stands()

    def _handed_back(self, stamp_ns: int) -> bool:
        state = self._pilot.latest
        if state is None:
            return False
        drives = state.engagement not in _DONE_DRIVING
        self._engaged_once = self._engaged_once or drives
        if not self._engaged_once or drives or not self._stands() or self._attended():
            self._waiting_since_ns = None
            return False
        if self._waiting_since_ns is None:
            self._waiting_since_ns = stamp_ns
        return stamp_ns - self._waiting_since_ns >= HANDED_BACK_NS
