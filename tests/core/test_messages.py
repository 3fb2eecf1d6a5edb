"""Bounds of the messages: what decoding accepts and refuses, and what must stay recordable."""

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.core import messages as m
from volant.core.clock import STAMP_LIMIT_NS
from volant.core.topics import TOPICS

ANY_FLOAT = st.floats(allow_nan=True, allow_infinity=True)


def through(message: m.Message) -> m.Message:
    payload = msgspec.msgpack.encode(message)
    decoded: m.Message = msgspec.msgpack.decode(payload, type=type(message))
    return decoded


def track(**changes: object) -> m.Track:
    values: dict[str, object] = {
        "track_id": 1,
        "object_class": m.ObjectClass.CAR,
        "x_m": 0.0,
        "y_m": 0.0,
        "yaw_rad": 0.0,
        "speed_mps": 0.0,
        "accel_mps2": 0.0,
        "yaw_rate_rps": 0.0,
        "length_m": 4.0,
        "width_m": 2.0,
        "height_m": 1.5,
        "existence": 1.0,
        "age_s": 0.0,
        "unseen_s": 0.0,
    }
    return m.Track(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes",
    [
        {"track_id": -1},
        {"yaw_rad": 3.2},
        {"yaw_rad": -3.2},
        {"length_m": -0.1},
        {"existence": 1.1},
        {"existence": -0.1},
        {"age_s": -1.0},
        {"existence": math.nan},
    ],
)
def test_a_belief_out_of_bounds_does_not_decode(changes: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        through(track(**changes))


def test_a_belief_on_its_bounds_decodes() -> None:
    edge = track(yaw_rad=math.pi, existence=1.0, length_m=0.0)
    assert through(edge) == edge
    assert through(track(yaw_rad=-math.pi)).yaw_rad == -math.pi  # type: ignore[attr-defined]


@pytest.mark.parametrize("stamp_ns", [-1, STAMP_LIMIT_NS])
def test_a_stamp_out_of_javascripts_range_does_not_decode(stamp_ns: int) -> None:
    with pytest.raises(msgspec.ValidationError, match="stamp_ns"):
        through(m.Tracks(stamp_ns=stamp_ns, tracks=()))


def test_the_last_stamp_before_the_limit_decodes() -> None:
    last = m.Tracks(stamp_ns=STAMP_LIMIT_NS - 1, tracks=())
    assert through(last) == last


@given(ANY_FLOAT, ANY_FLOAT)
def test_a_raw_return_records_whatever_the_sensor_gave(x_m: float, confidence: float) -> None:
    raw = m.LaneReturn(
        stamp_ns=0,
        offset_m=x_m,
        heading_rad=x_m,
        curvature_per_m=x_m,
        width_m=x_m,
        left_mark=m.MarkKind.NONE,
        right_mark=m.MarkKind.NONE,
        confidence=confidence,
    )
    again = through(raw)
    assert msgspec.msgpack.encode(again) == msgspec.msgpack.encode(raw)


@given(
    st.integers(0, STAMP_LIMIT_NS - 1),
    st.floats(-50, 50),
    st.floats(-1, 1),
    st.sampled_from(m.Gear),
)
def test_a_command_survives_its_codec(
    stamp_ns: int, accel_mps2: float, curvature_per_m: float, gear: m.Gear
) -> None:
    command = m.Command(
        stamp_ns=stamp_ns, accel_mps2=accel_mps2, curvature_per_m=curvature_per_m, gear=gear
    )
    assert through(command) == command


def test_an_unknown_word_in_an_enum_does_not_decode() -> None:
    payload = msgspec.msgpack.encode(
        {"stamp_ns": 0, "accel_mps2": 0.0, "curvature_per_m": 0.0, "gear": "sport"}
    )
    with pytest.raises(msgspec.ValidationError, match="gear"):
        msgspec.msgpack.decode(payload, type=m.Command)


def test_a_missing_field_without_default_does_not_decode() -> None:
    with pytest.raises(msgspec.ValidationError, match="curvature_per_m"):
        msgspec.msgpack.decode(
            msgspec.msgpack.encode({"stamp_ns": 0, "accel_mps2": 0.0}), type=m.Command
        )


def test_a_later_sender_may_add_a_field() -> None:
    payload = msgspec.msgpack.encode({"stamp_ns": 3, "tracks": [], "new_in_next_version": 1})
    assert msgspec.msgpack.decode(payload, type=m.Tracks) == m.Tracks(stamp_ns=3, tracks=())


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_every_topic_has_a_type_that_msgpack_can_carry(topic: object) -> None:
    decoder = msgspec.msgpack.Decoder(topic.message)  # type: ignore[attr-defined]
    with pytest.raises(msgspec.ValidationError):
        decoder.decode(msgspec.msgpack.encode([1, 2, 3]))
