"""What the driver is told: little, and only when it changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from volant.core.clock import NS_PER_S
from volant.core.messages import Alert, AlertLevel, Engagement, LaneWarning, ObjectClass
from volant.pilot.assist import Assist
from volant.pilot.attention import Stage
from volant.pilot.engage import EngageState
from volant.pilot.planning.motion import Motion, name_of


@dataclass(frozen=True, slots=True)
class Told:
    """What has been told already."""

    engagement: Engagement = Engagement.OFF
    limit_mps: float = 0.0
    waiting: ObjectClass | None = None
    """Whom the car stands behind, having said nothing of its leaving."""
    stage: Stage = Stage.NONE
    departure: LaneWarning = LaneWarning.NONE
    steers: bool = True
    beside: LaneWarning = LaneWarning.NONE
    """Who is in the way of the turn signal was told."""
    broken: tuple[tuple[str, str], ...] = ()
    """Codes and words of the sensors that are broken."""


def tell(
    told: Told,
    state: EngageState,
    motion: Motion | None,
    assist: Assist,
    broken: tuple[tuple[str, str], ...],
    stamp_ns: int,
) -> tuple[Told, tuple[Alert, ...]]:
    """Alerts for what has changed since the last tick."""
    alerts = _of_assist(told, state, assist, stamp_ns)
    alerts += _of_sensors(told.broken, broken, stamp_ns)
    if state.engagement is not told.engagement:
        alerts += _of_engagement(told.engagement, state, stamp_ns)
    limit_mps, waiting = told.limit_mps, told.waiting
    if motion is not None:
        if told.limit_mps and motion.limit_mps != told.limit_mps:
            words = f"Limit {round(motion.limit_mps * 3.6)} km/h"
            alerts.append(_alert(stamp_ns, "limit_changed", AlertLevel.STATUS, words, "", "", 3.0))
        limit_mps = motion.limit_mps
        lead = motion.lead
        if lead is None or lead.speed_mps > 1.0:
            if told.waiting is not None and not state.driving:
                words = f"{name_of(told.waiting).capitalize()} ahead has left"
                action = "Drive on"
                alerts.append(
                    _alert(
                        stamp_ns, "lead_left", AlertLevel.ADVICE, words, "Lead moves", action, 4.0
                    )
                )
            waiting = None
        elif motion.hold and lead.gap_m < 15.0:
            waiting = lead.kind
    warn, acting = assist.warn, assist.acting
    told = Told(
        *(state.engagement, limit_mps, waiting, assist.attention.stage, warn.departure),
        *(acting.steers, assist.in_the_way, broken),
    )
    return told, tuple(alerts)


def _of_assist(told: Told, state: EngageState, assist: Assist, stamp_ns: int) -> list[Alert]:
    """Hands and eyes, lines, blind spots, and who steers."""
    stage, cause, found = assist.attention.stage, assist.attention.cause, []
    if stage is not told.stage:
        if Stage.NONE < stage < Stage.STOP:
            level, hands, eyes = _ASKED[stage]
            words, action = (hands, "Hold the wheel") if cause == "hands" else (eyes, "Look ahead")
            found.append(_alert(stamp_ns, "attention", level, words, cause, action, 60.0))
        elif told.stage:
            found.append(_alert(stamp_ns, "attention", AlertLevel.STATUS, "Thank you", "", "", 0.0))
    side = assist.warn.departure
    if side is not told.departure and side is not LaneWarning.NONE:
        words = f"Leaving the lane, {side.value}"
        found.append(
            _alert(stamp_ns, "departure", AlertLevel.WARNING, words, "Line", "Steer back", 2.0)
        )
    way = assist.in_the_way
    if way is not told.beside and way is not LaneWarning.NONE:
        words = f"Somebody beside you, {way.value}"
        found.append(
            _alert(stamp_ns, "blind_spot", AlertLevel.PROMPT, words, "Turn signal", "Wait", 2.0)
        )
    if told.steers and not assist.acting.steers and state.driving:
        words = "You steer, the car keeps speed"
        found.append(
            _alert(stamp_ns, "you_steer", AlertLevel.PROMPT, words, "No centring", "Steer", 4.0)
        )
    return found


_ASKED: Final = {
    Stage.REQUEST: (AlertLevel.PROMPT, "Hands on the wheel", "Eyes on the road"),
    Stage.WARNING: (AlertLevel.WARNING, "Hands on the wheel now", "Eyes on the road now"),
    Stage.SIGNAL: (AlertLevel.CRITICAL, "Take the wheel or car stops", "Look or the car stops"),
}


def _of_sensors(
    before: tuple[tuple[str, str], ...], now: tuple[tuple[str, str], ...], stamp_ns: int
) -> list[Alert]:
    """What has broken since, the gravest first and no more than three at once; and that all is well."""
    if now == before:
        return []
    known = {code for code, _words in before}
    fresh = [(code, words) for code, words in now if code not in known][:3]
    if before and not now:
        return [
            _alert(stamp_ns, "sensors_well", AlertLevel.STATUS, "Sensors work again", "", "", 3.0)
        ]
    return [
        _alert(stamp_ns, code, AlertLevel.ADVICE, words, "Sensor", "Watch the road", 6.0)
        for code, words in fresh
    ]


_ON_OFF: Final = "pilot_on_off"
"""One name for both, so that the newer one takes the older one's place."""


def _of_engagement(before: Engagement, state: EngageState, stamp_ns: int) -> list[Alert]:
    now = state.engagement
    if now is Engagement.TAKEOVER:
        return [
            _alert(
                *(stamp_ns, "takeover", AlertLevel.WARNING, "Take over now"),
                *(state.words, "Brake or steer", 10.0),
            )
        ]
    if now is Engagement.MINIMAL_RISK:
        return [
            _alert(
                *(stamp_ns, "minimal_risk", AlertLevel.CRITICAL, "Stopping the car"),
                *(state.words, "Take over", 30.0),
            )
        ]
    if now is Engagement.ENGAGED and before in (Engagement.TAKEOVER, Engagement.MINIMAL_RISK):
        # Takes back what was asked for, at once.
        alert_id = "takeover" if before is Engagement.TAKEOVER else "minimal_risk"
        return [_alert(stamp_ns, alert_id, AlertLevel.STATUS, "Pilot drives on", "", "", 0.0)]
    if now is Engagement.ENGAGED and before in (Engagement.OFF, Engagement.READY):
        return [_alert(stamp_ns, _ON_OFF, AlertLevel.STATUS, "Pilot on", "", "", 3.0)]
    driving = (Engagement.OFF, Engagement.READY)
    if now in driving and before not in driving:
        return [
            _alert(
                *(stamp_ns, _ON_OFF, AlertLevel.ADVICE, "Pilot off"),
                *(state.words, "You drive", 4.0),
            )
        ]
    return []


def _alert(
    stamp_ns: int,
    alert_id: str,
    level: AlertLevel,
    words: str,
    cause: str,
    action: str,
    lasts_s: float,
) -> Alert:
    return Alert(
        stamp_ns=stamp_ns,
        alert_id=alert_id,
        level=level,
        words=words,
        cause=cause,
        action=action,
        until_ns=stamp_ns + int(lasts_s * NS_PER_S),
    )
