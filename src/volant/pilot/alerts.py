"""What the driver is told: little, and only when it changes."""

from __future__ import annotations

from dataclasses import dataclass

from volant.core.clock import NS_PER_S
from volant.core.messages import Alert, AlertLevel, Engagement, ObjectClass
from volant.pilot.engage import EngageState
from volant.pilot.planning.plan import Motion, name_of


@dataclass(frozen=True, slots=True)
class Told:
    """What has been told already."""

    engagement: Engagement = Engagement.OFF
    limit_mps: float = 0.0
    waiting: ObjectClass | None = None
    """Whom the car stands behind, having said nothing of its leaving."""


def tell(
    told: Told, state: EngageState, motion: Motion | None, stamp_ns: int
) -> tuple[Told, tuple[Alert, ...]]:
    """Alerts for what has changed since the last tick."""
    alerts = []
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
    return Told(state.engagement, limit_mps, waiting), tuple(alerts)


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
    if now is Engagement.ENGAGED and before in (Engagement.OFF, Engagement.READY):
        return [_alert(stamp_ns, "engaged", AlertLevel.STATUS, "Pilot on", "", "", 3.0)]
    driving = (Engagement.OFF, Engagement.READY)
    if now in driving and before not in driving:
        return [
            _alert(
                *(stamp_ns, "disengaged", AlertLevel.ADVICE, "Pilot off"),
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
