"""Which one alert is on show: highest level wins, ties by the one that ends first (hmi notes 9.5)."""

from __future__ import annotations

from typing import Final

from volant.core.clock import NS_PER_S
from volant.core.messages import Alert

GUARD_GONE: Final = "guard_process"
"""Identifier of the supervisor's alert that the process with the guard is gone: the actuators stop the car."""
LINGER_NS: Final = NS_PER_S
"""An alert stays this long after it first came, however short-lived, so that it can be read
(hysteresis on clearing, hmi notes 9.5)."""


def merge(shown: tuple[Alert, ...], new: tuple[Alert, ...], stamp_ns: int) -> tuple[Alert, ...]:
    """The alerts that hold at this time; a newer one with the same id replaces the older.

    An alert that is renewed with an end in the past is thereby taken back, but not before LINGER_NS.
    """
    held = {alert.alert_id: alert for alert in shown}
    for alert in new:
        held[alert.alert_id] = alert
    return tuple(
        alert
        for alert in held.values()
        if max(alert.until_ns, alert.stamp_ns + LINGER_NS) > stamp_ns
    )


def foremost(alerts: tuple[Alert, ...]) -> Alert | None:
    """The one to show, or None."""
    if not alerts:
        return None
    return min(alerts, key=lambda alert: (-alert.level, alert.until_ns, alert.alert_id))
