"""The synchronous bus: order, state and event topics, its codec."""

import msgspec
import pytest

from volant.core import topics
from volant.core.bus import InlineBus, Subscription
from volant.core.messages import (
    Alert,
    AlertLevel,
    Command,
    DriverRequest,
    Message,
    PilotState,
    RequestKind,
    Tracks,
)
from volant.core.topics import Kind, Topic


def alert(stamp_ns: int, words: str = "brake") -> Alert:
    return Alert(
        stamp_ns=stamp_ns,
        alert_id="a",
        level=AlertLevel.PROMPT,
        words=words,
        cause="",
        action="",
        until_ns=stamp_ns,
    )


def test_a_state_topic_drains_to_its_latest_message() -> None:
    bus = InlineBus()
    reader = bus.subscribe(topics.PILOT_TRACKS)
    for stamp_ns in (1, 2, 3):
        bus.publish(topics.PILOT_TRACKS, Tracks(stamp_ns=stamp_ns, tracks=()))
    assert [message.stamp_ns for message in reader.take()] == [3]
    assert reader.take() == ()
    assert reader.latest.stamp_ns == 3
    assert reader.dropped == 0


def test_an_event_topic_keeps_every_message_in_order() -> None:
    bus = InlineBus()
    reader = bus.subscribe(topics.ALERT)
    for stamp_ns in range(10):
        bus.publish(topics.ALERT, alert(stamp_ns))
    assert [message.stamp_ns for message in reader.take()] == list(range(10))


def test_a_full_event_queue_drops_its_oldest_and_counts_it() -> None:
    reader = Subscription(topics.ALERT, capacity=3)
    for stamp_ns in range(5):
        reader.put(alert(stamp_ns))
    assert reader.dropped == 2
    assert [message.stamp_ns for message in reader.take()] == [2, 3, 4]


def test_each_reader_has_a_queue_of_its_own() -> None:
    bus = InlineBus()
    early, late = bus.subscribe(topics.ALERT), bus.subscribe(topics.ALERT)
    bus.publish(topics.ALERT, alert(1))
    assert len(early.take()) == 1
    bus.publish(topics.ALERT, alert(2))
    assert len(early.take()) == 1
    assert len(late.take()) == 2


def test_a_reader_gets_nothing_of_other_topics_and_nothing_from_before() -> None:
    bus = InlineBus()
    bus.publish(topics.ALERT, alert(1))
    reader = bus.subscribe(topics.ALERT)
    bus.publish(topics.PILOT_TRACKS, Tracks(stamp_ns=2, tracks=()))
    assert reader.take() == ()
    assert reader.latest is None


def test_a_message_of_another_type_is_refused() -> None:
    with pytest.raises(ValueError, match="carries Alert, not Tracks"):
        InlineBus().publish(topics.ALERT, Tracks(stamp_ns=1, tracks=()))


def test_a_subclass_is_not_the_topics_type() -> None:
    class Louder(Alert, frozen=True, kw_only=True):
        pass

    louder = Louder(**msgspec.structs.asdict(alert(1)))
    with pytest.raises(ValueError, match="not Louder"):
        InlineBus().publish(topics.ALERT, louder)


def test_a_checked_bus_refuses_what_is_out_of_bounds() -> None:
    bus = InlineBus(checked=True)
    wrong = Tracks(stamp_ns=-1, tracks=())
    InlineBus().publish(topics.PILOT_TRACKS, wrong)
    with pytest.raises(msgspec.ValidationError, match="stamp_ns"):
        bus.publish(topics.PILOT_TRACKS, wrong)


def test_a_checked_bus_hands_on_an_equal_message_that_is_another_object() -> None:
    bus = InlineBus(checked=True)
    reader = bus.subscribe(topics.DRIVER_REQUEST)
    sent = DriverRequest(stamp_ns=5, kind=RequestKind.SET_SPEED, value=20.0)
    bus.publish(topics.DRIVER_REQUEST, sent)
    (got,) = reader.take()
    assert got == sent
    assert got is not sent


def test_a_list_in_a_message_becomes_a_tuple_on_a_checked_bus() -> None:
    bus = InlineBus(checked=True)
    reader = bus.subscribe(topics.PILOT_TRACKS)
    bus.publish(topics.PILOT_TRACKS, Tracks(stamp_ns=1, tracks=[]))  # type: ignore[arg-type]
    assert reader.latest.tracks == ()


def test_topic_names_are_unique_and_each_carries_a_message() -> None:
    assert len(topics.BY_NAME) == len(topics.TOPICS)
    for topic in topics.TOPICS:
        assert issubclass(topic.message, Message)
        assert topic.words


def test_a_topic_with_a_rate_is_a_state_or_frames_of_which_none_may_be_lost() -> None:
    events = [topic for topic in topics.TOPICS if topic.kind is Kind.EVENT]
    assert [one for one in events if one.period_ns is not None] == [topics.CAN_FRAMES]


def test_a_topic_can_be_made_for_a_room_of_its_own() -> None:
    topic = Topic("door/open", PilotState, Kind.EVENT, None, "a door opened")
    assert topic.journal
    with pytest.raises(ValueError, match="door/open"):
        InlineBus().publish(topic, Command(stamp_ns=0, accel_mps2=0.0, curvature_per_m=0.0))
