"""What the driver is told of processes that are gone: again and again, until the car stands."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from tests.caros.motorway import Drive
from volant.caros.cockpit.alerts import GUARD_GONE
from volant.caros.supervise.lost import Lost
from volant.caros.supervise.machine import Say
from volant.core.messages import Alert, AlertLevel, CarState

S = 1_000_000_000
TENTH = S // 10
LATEST = Drive().latest(0.0)


def car(stamp_ns: int, speed_mps: float, *, valid: bool = True) -> CarState:
    assert LATEST.car is not None
    return msgspec.structs.replace(LATEST.car, stamp_ns=stamp_ns, speed_mps=speed_mps, valid=valid)


def words(alerts: Iterable[Alert]) -> list[str]:
    return [one.words for one in alerts]


def test_a_pilot_that_is_gone_is_told_of_until_it_is_back() -> None:
    lost = Lost("vehicle")
    lost.take(Say("pilot", "ready"), 0)
    assert lost.turn((), 0) == ()
    lost.take(Say("pilot", "died", "by signal 9"), S)
    first = lost.turn((), S)
    assert words(first) == ["Pilot failed: car stops"]
    assert lost.turn((), S + TENTH) == ()
    assert lost.turn((), S + 5 * TENTH) == first
    lost.take(Say("pilot", "ready"), 2 * S)
    (back,) = lost.turn((), 2 * S)
    assert (back.words, back.level) == ("Pilot is back", AlertLevel.STATUS)
    assert back.alert_id == first[0].alert_id
    assert lost.turn((), 4 * S) == ()


def test_a_guard_that_died_with_the_pilot_is_not_back_before_the_car_stands() -> None:
    lost = Lost("vehicle")
    lost.take(Say("vehicle", "died"), S)
    lost.take(Say("pilot", "died"), S)
    gone = ["Pilot failed: car stops", "Vehicle failed: car stops"]
    assert sorted(words(lost.turn([car(S, 0.0)], S))) == gone
    lost.take(Say("pilot", "ready"), S + 3 * TENTH)
    lost.take(Say("vehicle", "ready"), S + 4 * TENTH)
    for tenth in range(5, 60, 5):
        now_ns = S + tenth * TENTH
        states = () if tenth < 20 else (car(now_ns, 5.0), car(now_ns, 0.0, valid=False))
        assert sorted(words(lost.turn(states, now_ns))) == gone
    states = (car(7 * S, 0.05), car(7 * S + 1, 0.5))
    assert words(lost.turn(states, 7 * S)) == ["Pilot is back", "Vehicle is back"]
    assert lost.turn((), 9 * S) == ()


def test_a_guard_that_is_not_back_is_told_of_though_the_car_stands() -> None:
    lost = Lost("vehicle")
    lost.take(Say("vehicle", "hung"), S)
    (first,) = lost.turn((), S)
    assert first.alert_id == GUARD_GONE
    assert lost.turn([car(7 * S, 0.0)], 7 * S) == (first,)
    lost.take(Say("vehicle", "ready"), 8 * S)
    assert words(lost.turn((), 8 * S)) == ["Vehicle is back"]


def test_a_guard_that_dies_once_more_begins_a_stop_of_its_own() -> None:
    lost = Lost("vehicle")
    lost.take(Say("vehicle", "died"), S)
    lost.turn([car(2 * S, 0.0)], 2 * S)
    lost.take(Say("vehicle", "ready"), 3 * S)
    lost.take(Say("vehicle", "died"), 3 * S)
    (again,) = lost.turn([car(3 * S, 9.0)], 3 * S)
    assert again.stamp_ns == 3 * S
    lost.take(Say("vehicle", "ready"), 4 * S)
    assert words(lost.turn([car(4 * S, 5.0)], 4 * S)) == ["Vehicle failed: car stops"]
