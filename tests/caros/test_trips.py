"""The few figures of a trip, and the file that keeps them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wire.drive_messages import car, drive
from volant.caros import trip_log
from volant.caros.trip_log import append, cost_bytes, line_of, read_trips
from volant.caros.trip_tally import NAMES_MOST, TripSummary, TripTally
from volant.core import topics
from volant.core.clock import NS_PER_S, nanoseconds
from volant.core.errors import InputError
from volant.core.messages import (
    Alert,
    AlertLevel,
    ContactVerdict,
    Intervention,
    InterventionKind,
    LiveStep,
    ObjectClass,
    Plan,
)


def state(second: float, **changes: Any) -> Any:
    return msgspec.structs.replace(car(nanoseconds(second)), **changes)


def alert(name: str, stamp_ns: int = 0) -> Alert:
    return Alert(
        stamp_ns=stamp_ns,
        alert_id=name,
        level=AlertLevel.STATUS,
        words="",
        cause="",
        action="",
        until_ns=0,
    )


def step(stamp_ns: int, incarnation: int = 0, count: int = 1, name: str = "pilot") -> LiveStep:
    return LiveStep(
        stamp_ns=stamp_ns,
        component=name,
        incarnation=incarnation,
        count=count,
        consumed=(),
        produced=(),
    )


def plan(*, arrived: bool) -> Plan:
    found = next(message for _, _, message in drive(0.2) if isinstance(message, Plan))
    return msgspec.structs.replace(found, arrived=arrived)


def summary(**changes: Any) -> TripSummary:
    return msgspec.structs.replace(TripTally().summary("2026-01-01T00:00:00+00:00", "x"), **changes)


def test_a_trip_is_summed_up() -> None:
    tally = TripTally()
    for second in range(11):
        tally.look(
            topics.CAR_STATE,
            state(second, odometer_m=500.0 + 10.0 * second, battery_power_w=36_000.0),
        )
    tally.look(topics.CAR_STATE, state(10.1, accel_mps2=-6.5, odometer_m=601.0, speed_mps=31.0))
    tally.look(
        topics.JUDGE_INTERVENTION,
        Intervention(stamp_ns=0, kind=InterventionKind.GUARD, words=""),
    )
    hit = ContactVerdict(
        stamp_ns=0,
        actor_id=1,
        object_class=ObjectClass.CAR,
        impact_mps=1.0,
        at_fault=True,
        code="x",
        words="",
    )
    tally.look(topics.JUDGE_CONTACT, hit)
    tally.look(topics.JUDGE_CONTACT, msgspec.structs.replace(hit, at_fault=False))
    for stamp_ns in (1, 1, 2):  # said again with its first time, it is the same one
        tally.look(topics.ALERT, alert("brake_now", stamp_ns))
    found = tally.summary("now", "arrived", ("brake:x",), 3)
    assert found.distance_m == 101.0
    assert found.duration_s == 10.1
    assert found.energy_kwh == pytest.approx(0.1, abs=0.01)
    assert (found.top_speed_mps, found.hardest_braking_mps2) == (31.0, 6.5)
    assert found.interventions == {"guard_override": 1}
    assert (found.contacts, found.contacts_at_fault) == (2, 1)
    assert found.alerts == {"brake_now": 2}
    assert (found.codes, found.clips) == (("brake:x",), 3)
    assert tally.is_trip


def test_what_is_not_a_number_and_a_silent_car_are_not_counted() -> None:
    tally, nan = TripTally(), float("nan")
    tally.look(topics.CAR_STATE, state(0.0, battery_power_w=1e6))
    tally.look(topics.CAR_STATE, state(5.0, battery_power_w=1e6))
    for second in (5.1, 5.2):
        wrong = state(second, battery_power_w=nan, accel_mps2=nan, speed_mps=nan)
        tally.look(topics.CAR_STATE, wrong)
    found = tally.summary("", "")
    assert found.energy_kwh == 0.0
    assert found.hardest_braking_mps2 == 0.0
    assert not tally.is_trip


def test_a_trip_has_arrived_when_the_pilot_says_so_and_the_car_stands() -> None:
    tally = TripTally()
    tally.look(topics.PILOT_PLAN, plan(arrived=True))
    assert not tally.arrived
    tally.look(topics.CAR_STATE, state(0.0, speed_mps=3.0))
    tally.look(topics.PILOT_PLAN, plan(arrived=True))
    assert not tally.arrived
    tally.look(topics.CAR_STATE, state(0.1, speed_mps=0.0))
    tally.look(topics.PILOT_PLAN, plan(arrived=True))
    assert tally.arrived
    tally.look(topics.PILOT_PLAN, plan(arrived=False))
    assert not tally.arrived


def test_lateness_is_the_longest_gap_and_deaths_are_counted_apart() -> None:
    tally = TripTally()
    for stamp_ns, incarnation, count in (
        (0, 0, 0),
        (10_000_000, 0, 1),
        (40_000_000, 0, 2),
        (NS_PER_S, 1, 0),
        (NS_PER_S + 10_000_000, 1, 1),
    ):
        tally.look(topics.LIVE_STEP, step(stamp_ns, incarnation, count))
    found = tally.summary("", "")
    assert found.longest_gap_ms == {"pilot": 30.0}
    assert found.restarts == {"pilot": 1}


@settings(max_examples=20)
@given(st.lists(st.text(max_size=90), max_size=60))
def test_a_record_stays_small_whatever_is_told(names: list[str]) -> None:
    tally = TripTally()
    for number, name in enumerate(names):
        tally.look(topics.ALERT, alert(name, number))
        tally.look(topics.LIVE_STEP, step(number, name=name))
    found = tally.summary("", "", tuple(names))
    assert sum(found.alerts.values()) == len(names)
    assert len(found.alerts) <= NAMES_MOST + 1
    line = line_of(found)
    assert len(line) <= cost_bytes(line)
    assert line.count(b"\n") == 1


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_file_cut_at_any_byte_loses_at_most_its_last_record(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("trips")
    lines = [line_of(summary(clips=number)) for number in range(4)]
    for line in lines:
        append(folder, line)
    path = folder / trip_log.FILE
    whole = path.read_bytes()
    assert whole == b"".join(lines)
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut])
    kept = sum(len(b"".join(lines[: n + 1])) <= cut for n in range(4))
    found = [one.clips for one in read_trips(folder)]
    assert found[:kept] == list(range(kept))
    assert len(found) <= kept + 1  # the last may lack its end of line alone
    append(folder, line_of(summary(clips=9)))
    assert [one.clips for one in read_trips(folder)] == [*found, 9]


def test_the_file_of_trips_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = line_of(summary())
    monkeypatch.setattr(trip_log, "MOST_BYTES", 5 * len(line))
    for number in range(23):
        append(tmp_path, line_of(summary(clips=number % 10)))
    assert len(list(tmp_path.iterdir())) == 2
    assert [one.clips for one in read_trips(tmp_path)] == [5, 6, 7, 8, 9, 0, 1, 2]


def test_what_is_no_record_is_left_out(tmp_path: Path) -> None:
    assert read_trips(tmp_path) == ()
    (tmp_path / trip_log.FILE).write_bytes(b'{"a": 1}\n\xff\n\n' + line_of(summary(clips=7)))
    assert [one.clips for one in read_trips(tmp_path)] == [7]
    (tmp_path / trip_log.OLD).mkdir()
    with pytest.raises(InputError, match="cannot be read"):
        read_trips(tmp_path)
