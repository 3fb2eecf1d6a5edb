"""One alert on show: highest level, then the one that ends first; none flickers."""

from __future__ import annotations

from volant.caros.cockpit.alerts import LINGER_NS, foremost, merge
from volant.core.messages import Alert, AlertLevel

S = 1_000_000_000


def alert(name: str, level: AlertLevel, *, stamp_ns: int = 0, until_ns: int = 5 * S) -> Alert:
    return Alert(
        stamp_ns=stamp_ns,
        alert_id=name,
        level=level,
        words=name,
        cause="test",
        action="",
        until_ns=until_ns,
    )


def test_the_highest_level_is_shown():
    low, high = alert("low", AlertLevel.ADVICE), alert("high", AlertLevel.WARNING)
    assert foremost((low, high)) is high
    assert foremost((high, low)) is high


def test_of_equal_levels_the_one_that_ends_first_is_shown():
    late, soon = alert("a", AlertLevel.PROMPT), alert("b", AlertLevel.PROMPT, until_ns=3 * S)
    assert foremost((late, soon)) is soon


def test_without_alerts_nothing_is_shown():
    assert foremost(()) is None


def test_an_alert_ends_at_its_time():
    held = merge((), (alert("a", AlertLevel.PROMPT),), 0)
    assert merge(held, (), 5 * S - 1) == held
    assert merge(held, (), 5 * S) == ()


def test_a_newer_alert_with_the_same_id_replaces_the_older():
    held = merge((), (alert("a", AlertLevel.PROMPT),), 0)
    worse = alert("a", AlertLevel.CRITICAL, stamp_ns=S)
    assert merge(held, (worse,), S) == (worse,)


def test_the_shortest_alert_can_still_be_read():
    brief = alert("a", AlertLevel.PROMPT, until_ns=1)
    assert merge((), (brief,), LINGER_NS - 1) == (brief,)
    assert merge((), (brief,), LINGER_NS) == ()
