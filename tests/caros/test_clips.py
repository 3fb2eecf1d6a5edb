"""The ring in memory and the events that are worth a clip."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.drive_messages import car, drive
from volant.caros.clips import ROW_BYTES, Clipper, ClipSettings, Events, Ring, Row
from volant.core import topics
from volant.core.clock import NS_PER_S
from volant.core.messages import (
    AebState,
    BrakeStage,
    CommandSource,
    Contact,
    Engagement,
    GuardDecision,
    Message,
    ObjectClass,
    PilotState,
)


def row(at_ns: int, size: int = 10) -> Row:
    return Row(at_ns, topics.CAR_STATE, at_ns, b"x" * size)


def contact(stamp_ns: int) -> Contact:
    return Contact(
        stamp_ns=stamp_ns,
        actor_id=3,
        object_class=ObjectClass.CAR,
        closing_mps=2.0,
        struck_from_behind=False,
    )


def aeb(stage: BrakeStage) -> AebState:
    return AebState(stamp_ns=0, stage=stage, code="x", words="x")


def one_of(kind: type[Message]) -> Message:
    return next(message for _, _, message in drive(0.2) if isinstance(message, kind))


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 400)), max_size=80))
def test_the_ring_holds_the_newest_within_its_time_and_bytes(steps: list[tuple[int, int]]) -> None:
    ring, at_ns, all_rows = Ring(keep_ns=100, most_bytes=2000), 0, []
    for step_ns, size in steps:
        at_ns += step_ns
        all_rows.append(row(at_ns, size))
        ring.add(all_rows[-1])
        held = list(ring.clip(0, 10**9))
        assert held == all_rows[len(all_rows) - len(ring) :]
        assert ring.bytes == sum(len(one.payload) + ROW_BYTES for one in held) <= 2000
        assert all(one.at_ns >= at_ns - 100 for one in held)


def test_a_clip_takes_the_newest_that_fit() -> None:
    ring = Ring()
    for at_ns in range(10):
        ring.add(row(at_ns))
    assert [one.at_ns for one in ring.clip(4, 10**6)] == [4, 5, 6, 7, 8, 9]
    assert [one.at_ns for one in ring.clip(4, 2 * (10 + ROW_BYTES))] == [8, 9]


def test_events_begin_once_and_go_on() -> None:
    events = Events()
    assert events.look(topics.CAR_STATE, car(0)) == ""
    assert events.look(topics.WORLD_CONTACT, contact(0)) == "contact"
    assert not events.on
    stages = {BrakeStage.PARTIAL: "aeb", BrakeStage.FULL: "", BrakeStage.HOLD: ""}
    for stage, begins in stages.items():
        assert events.look(topics.AEB_STATE, aeb(stage)) == begins
    assert not events.on


@pytest.mark.parametrize(
    ("engagement", "begins"),
    [
        (Engagement.TAKEOVER, "takeover"),
        (Engagement.MINIMAL_RISK, "minimal_risk"),
        (Engagement.ENGAGED, ""),
    ],
)
def test_the_end_of_what_the_pilot_can_do_is_an_event(engagement: Engagement, begins: str) -> None:
    state = msgspec.structs.replace(one_of(PilotState), engagement=engagement)
    events = Events()
    assert events.look(topics.PILOT_STATE, state) == begins
    assert events.look(topics.PILOT_STATE, state) == ""


def test_a_guard_that_stops_the_car_by_itself_is_an_event() -> None:
    stop = msgspec.structs.replace(one_of(GuardDecision), source=CommandSource.MINIMAL_RISK)
    assert Events().look(topics.GUARD_DECISION, stop) == "guard_stop"


def test_a_clip_goes_on_until_it_is_quiet_but_not_for_ever() -> None:
    clipper = Clipper(ClipSettings(after_ns=5, longest_ns=20))
    full = aeb(BrakeStage.FULL)
    assert clipper.take(Row(100, topics.AEB_STATE, 0, b""), full) == "aeb"
    clip = clipper.open("aeb", 100)
    assert [one.at_ns for one in clip.rows] == [100]
    assert clip.ends_ns == 105
    clipper.take(Row(103, topics.CAR_STATE, 0, b""), car(0))
    assert clip.ends_ns == 108
    assert clipper.take(Row(107, topics.WORLD_CONTACT, 0, b""), contact(0)) == "contact"
    assert clip.events == ["aeb", "contact"]
    clipper.take(Row(111, topics.CAR_STATE, 0, b""), car(0))
    clipper.take(Row(115, topics.CAR_STATE, 0, b""), car(0))
    clipper.take(Row(119, topics.CAR_STATE, 0, b""), car(0))
    assert clip.ends_ns == 120
    clipper.take(Row(121, topics.CAR_STATE, 0, b""), car(0))
    assert clip.rows[-1].at_ns == 119


def test_the_ring_keeps_two_minutes_by_default() -> None:
    ring = Ring()
    for second in range(200):
        ring.add(row(second * NS_PER_S))
    assert len(ring) == 121
