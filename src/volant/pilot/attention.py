"""Hands on the wheel and eyes on the road: the clocks of the request, and what follows when it is missed.

Hands by UN R79 (B1), eyes by UN R171; the figures stand in `AttentionTuning`, most of them recalled, so
nothing here may be called compliant. Each clock is exact to one control tick. A missed request ends in a
minimal-risk stop, and the pilot stays locked until the next start.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

import msgspec
from msgspec.structs import replace

from volant.core.clock import NS_PER_S
from volant.core.messages import Escalation
from volant.pilot.engage import Demand


class Stage(enum.IntEnum):
    """How far the request has come."""

    NONE = 0
    REQUEST = 1
    """Optical."""
    WARNING = 2
    """Red and acoustic."""
    SIGNAL = 3
    """The last: emergency signal (hands), direct control alert (eyes)."""
    STOP = 4


@dataclass(frozen=True, slots=True)
class AttentionTuning:
    """Seconds from the moment at which hands or eyes left."""

    hands_request_s: float = 15.0
    """UN R79 5.6.2.2.5: optical after at most 15 s (read)."""
    hands_warning_s: float = 30.0
    """The same: red and acoustic after at most 30 s (read)."""
    hands_signal_s: float = 40.0
    """The same: an emergency signal for at least 5 s before the end (recalled)."""
    hands_stop_s: float = 45.0
    """The same: the end at most 30 s after the acoustic warning (recalled); earlier by choice."""
    eyes_request_s: float = 5.0
    """UN R171: request after at most 5 s (recalled)."""
    eyes_warning_s: float = 8.0
    """The same: escalation about 3 s later (recalled)."""
    eyes_signal_s: float = 13.0
    """The same: direct control alert about 5 s later (recalled)."""
    eyes_stop_s: float = 18.0
    """Driver unavailability response after it; 5 s as for hands (recalled)."""
    glance_s: float = 0.2
    """Hands or eyes that are back for less do not stop a clock (UN R171: a glance; recalled)."""
    torque_nm: float = 1.0
    """A hand that turns the wheel is on it, whatever the rim's sensor says (chosen; override: 3)."""
    signals: int = 3
    """So many last warnings in a drive lock the pilot (openpilot: three terminal alerts; read)."""


class AttentionInput(msgspec.Struct, frozen=True):
    """What is looked at in a control tick."""

    stamp_ns: int
    hands_on: bool
    eyes_on: bool
    hands_needed: bool
    eyes_needed: bool


class Absence(msgspec.Struct, frozen=True):
    """For how long hands or eyes have been away."""

    gone_ns: int = -1
    """Since when, -1 while they are there."""
    back_ns: int = -1
    """Since when they are back, -1 while they are away."""


_THERE: Final = Absence()


class AttentionState(msgspec.Struct, frozen=True):
    """The clocks and what they led to."""

    hands: Absence = msgspec.field(default_factory=Absence)
    eyes: Absence = msgspec.field(default_factory=Absence)
    stage: Stage = Stage.NONE
    cause: str = ""
    """`hands` or `eyes`; empty when nothing is asked for."""
    signals: int = 0
    """Last warnings since the start."""
    locked: bool = False
    """No more engaging until the next start."""

    @property
    def escalation(self) -> Escalation:
        """As the message names it; the last warning is acoustic too."""
        return _ESCALATIONS[self.stage]


def step(state: AttentionState, given: AttentionInput, tuning: AttentionTuning) -> AttentionState:
    """One control tick."""
    hands = eyes = _THERE
    if given.hands_needed:
        hands = _watch(state.hands, given.hands_on, given.stamp_ns, tuning)
    if given.eyes_needed:
        eyes = _watch(state.eyes, given.eyes_on, given.stamp_ns, tuning)
    by_hands = by_eyes = Stage.NONE
    if hands.gone_ns >= 0:
        by_hands = _stage(hands, given.stamp_ns, _hand_times(tuning))
    if eyes.gone_ns >= 0:
        by_eyes = _stage(eyes, given.stamp_ns, _eye_times(tuning))
    quiet = by_hands is by_eyes is state.stage is Stage.NONE and not state.cause
    if quiet and hands is state.hands and eyes is state.eyes:
        return state  # as nearly always
    stage, cause = (by_eyes, "eyes") if by_eyes > by_hands else (by_hands, "hands")
    needed = given.hands_needed or given.eyes_needed
    if state.stage is Stage.STOP and needed:
        stage, cause = Stage.STOP, state.cause  # only the driver's own hand ends a stop
    signals = state.signals + (stage >= Stage.SIGNAL > state.stage)
    return AttentionState(
        hands=hands,
        eyes=eyes,
        stage=stage,
        cause=cause if stage else "",
        signals=signals,
        locked=state.locked or stage is Stage.STOP or signals >= tuning.signals,
    )


def demand(state: AttentionState) -> Demand | None:
    """The stop that a missed request asks for."""
    if state.stage is not Stage.STOP:
        return None
    return _STOPS[state.cause]


def blockers(state: AttentionState) -> tuple[Demand, ...]:
    """Why the pilot may not be engaged."""
    return (_LOCKED,) if state.locked else ()


def _watch(absence: Absence, there: bool, stamp_ns: int, tuning: AttentionTuning) -> Absence:
    if not there:
        return Absence(absence.gone_ns if absence.gone_ns >= 0 else stamp_ns, -1)
    if absence.gone_ns < 0:
        return absence
    if absence.back_ns < 0:
        return replace(absence, back_ns=stamp_ns)
    long = stamp_ns - absence.back_ns >= round(tuning.glance_s * NS_PER_S)
    return _THERE if long else absence


def _stage(absence: Absence, stamp_ns: int, times_s: tuple[float, ...]) -> Stage:
    gone_ns = stamp_ns - absence.gone_ns
    return Stage(sum(gone_ns >= round(time_s * NS_PER_S) for time_s in times_s))


def _hand_times(tuning: AttentionTuning) -> tuple[float, ...]:
    return (
        *(tuning.hands_request_s, tuning.hands_warning_s),
        *(tuning.hands_signal_s, tuning.hands_stop_s),
    )


def _eye_times(tuning: AttentionTuning) -> tuple[float, ...]:
    return (
        *(tuning.eyes_request_s, tuning.eyes_warning_s),
        *(tuning.eyes_signal_s, tuning.eyes_stop_s),
    )


_ESCALATIONS: Final = {
    Stage.NONE: Escalation.NONE,
    Stage.REQUEST: Escalation.OPTICAL,
    Stage.WARNING: Escalation.ACOUSTIC,
    Stage.SIGNAL: Escalation.ACOUSTIC,
    Stage.STOP: Escalation.STOP,
}
_STOPS: Final = {
    "hands": Demand("hands_off", "No hands on the wheel", urgent=True),
    "eyes": Demand("eyes_off", "No eyes on the road", urgent=True),
}
_LOCKED: Final = Demand("locked_out", "Locked: warnings were missed")
