import hashlib
import struct
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader
from mcap.stream_reader import StreamReader

from tests.wire.drive_messages import HEADER, car, command, drive, plan
from volant.core import messages as m
from volant.core import topics
from volant.core.errors import InputError
from volant.wire import journal
from volant.wire.journal import (
    JournalDigest,
    JournalHash,
    JournalWriter,
    Record,
    compare,
    journal_hash,
    journal_info,
    read_header,
    read_journal,
    read_series,
)


def record(path: Path, seconds: float = 2.5) -> JournalDigest:
    writer = JournalWriter(path, HEADER)
    for topic, stamp_ns, message in drive(seconds):
        writer.write(topic, stamp_ns, message)
    return writer.close({"arrived": True, "distance_m": 12.5})


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> JournalDigest:
    return record(tmp_path_factory.mktemp("journal") / "drive.mcap")


def test_what_is_written_is_read_back_in_order(recorded: JournalDigest) -> None:
    written = [Record(topic.name, stamp_ns, message) for topic, stamp_ns, message in drive(2.5)]
    assert list(read_journal(recorded.path)) == written


def test_the_header_is_read_back(recorded: JournalDigest) -> None:
    assert read_header(recorded.path) == HEADER


def test_info_tells_what_is_inside(recorded: JournalDigest) -> None:
    info = journal_info(recorded.path)
    counts = {one.topic: one.messages for one in info.topics}
    assert counts == {
        "world/ego": 250, "car/state": 250, "pilot/command": 250, "guard/decision": 250,
        "car/command": 250, "world/truth": 50, "pilot/tracks": 50, "pilot/plan": 50,
        "pilot/state": 50, "alert": 1,
    }  # fmt: skip
    rates = {one.topic: one.rate_hz for one in info.topics}
    assert rates["car/state"] == pytest.approx(250 / 2.49)
    assert (info.messages, info.duration_s) == (recorded.messages, pytest.approx(2.49))
    assert (info.complete, info.sound, info.unknown, info.damaged) == (True, True, 0, 0)
    assert info.header == HEADER
    assert info.summary == {"arrived": True, "distance_m": 12.5}
    assert info.bytes == recorded.bytes == Path(recorded.path).stat().st_size
    assert info.topics[0].topic == "world/ego"


def test_the_hash_is_over_topic_stamp_and_payload_in_publish_order(
    recorded: JournalDigest,
) -> None:
    sha = hashlib.sha256()
    for topic, stamp_ns, message in drive(2.5):
        payload = msgspec.msgpack.encode(message)
        name = topic.name.encode()
        sha.update(struct.pack("<HQI", len(name), stamp_ns, len(payload)) + name + payload)
    assert recorded.sha256 == sha.hexdigest() == journal_hash(recorded.path)
    assert recorded.lost == 0
    assert recorded.reason == ""


def test_place_time_and_folder_do_not_enter_the_hash(
    recorded: JournalDigest, tmp_path: Path
) -> None:
    writer = JournalWriter(
        tmp_path / "deep" / "other.mcap", msgspec.structs.replace(HEADER, wall_time="", host="x")
    )
    writer.add_lanes([journal.LaneLine(x_m=(0.0,), y_m=(0.0,))])
    for topic, stamp_ns, message in drive(2.5):
        writer.write(topic, stamp_ns, message)
    assert writer.close().sha256 == recorded.sha256


@given(st.data())
def test_moving_a_byte_between_parts_changes_the_hash(data: st.DataObject) -> None:
    topic, payload = "ab", b"cd"
    one, other = JournalHash(), JournalHash()
    one.add(topic, 1, payload)
    other.add(topic + "c", 1, payload[1:])
    stamp_ns = data.draw(st.integers(2, 1 << 53))
    third = JournalHash()
    third.add(topic, stamp_ns, payload)
    assert len({one.hexdigest(), other.hexdigest(), third.hexdigest()}) == 3


def test_until_it_is_closed_it_is_a_part_and_after_a_second_it_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "drive.mcap"
    writer = JournalWriter(path, HEADER)
    assert writer.part == tmp_path / "drive.mcap.part"
    for topic, stamp_ns, message in drive(2.5):
        writer.write(topic, stamp_ns, message)
    assert not path.exists()
    # Nobody has closed it, as after kill -9: all but the last second is there.
    info = journal_info(writer.part)
    assert info.duration_s == pytest.approx(1.99)
    assert (info.complete, info.sound) == (False, False)
    assert list(read_journal(writer.part)) == [
        Record(topic.name, stamp_ns, message) for topic, stamp_ns, message in drive(2.0)
    ]
    digest = writer.close()
    assert path.is_file()
    assert not writer.part.exists()
    assert digest.path == str(path)
    assert writer.close() is digest


def test_an_empty_journal_is_whole(tmp_path: Path) -> None:
    digest = JournalWriter(tmp_path / "empty.mcap", HEADER).close()
    info = journal_info(digest.path)
    assert (info.messages, info.duration_s, info.complete, info.sound) == (0, 0.0, True, True)
    assert info.topics == ()
    assert list(read_journal(digest.path)) == []


def test_one_instant_has_no_rate(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "one.mcap", HEADER)
    writer.write(topics.CAR_STATE, 5, car(5))
    assert journal_info(writer.close().path).topics[0].rate_hz == 0.0


def test_raw_returns_may_hold_what_is_no_number(tmp_path: Path) -> None:
    lane = m.LaneReturn(
        stamp_ns=0,
        offset_m=float("nan"),
        heading_rad=float("inf"),
        curvature_per_m=0.0,
        width_m=3.5,
        left_mark=m.MarkKind.SOLID,
        right_mark=m.MarkKind.BROKEN,
        confidence=1.0,
    )
    writer = JournalWriter(tmp_path / "nan.mcap", HEADER)
    frames = m.SensorFrames(stamp_ns=0, lane=lane)
    writer.write(topics.SENSOR_FRAMES, 0, frames)
    path = writer.close().path
    assert compare(path, [Record("sensors/frames", 0, frames)]) is None


# --- other people's reader ------------------------------------------------------------------------


def test_the_mcap_packages_own_readers_take_it(recorded: JournalDigest) -> None:
    with Path(recorded.path).open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        summary = reader.get_summary()
        assert summary is not None
        assert summary.statistics is not None
        found = [
            (channel.topic, message.log_time) for _, channel, message in reader.iter_messages()
        ]
    own = [topic for topic, _ in found if not topic.startswith("view/")]
    assert len(own) == recorded.messages
    assert summary.statistics.message_count == len(found)
    with Path(recorded.path).open("rb") as file:
        assert len(list(StreamReader(file, validate_crcs=True).records)) > len(found)


def test_each_channel_carries_the_schema_of_its_message(recorded: JournalDigest) -> None:
    with Path(recorded.path).open("rb") as file:
        summary = make_reader(file).get_summary()
    assert summary is not None
    channels = {channel.topic: channel for channel in summary.channels.values()}
    for topic in topics.TOPICS:
        channel = channels[topic.name]
        schema = summary.schemas[channel.schema_id]
        assert (channel.message_encoding, schema.encoding) == ("msgpack", "jsonschema")
        assert schema.name == topic.message.__name__
        text = msgspec.json.decode(schema.data)
        assert text["$defs"].keys() >= {topic.message.__name__}
        assert text["description"] == topic.words


# --- comparing ------------------------------------------------------------------------------------


def records(seconds: float = 0.3) -> list[Record]:
    return [Record(topic.name, stamp, message) for topic, stamp, message in drive(seconds)]


def test_a_journal_is_the_same_as_itself(recorded: JournalDigest) -> None:
    assert compare(recorded.path, Path(recorded.path)) is None
    assert compare(recorded.path, records(2.5)) is None


def test_the_first_difference_is_named_by_topic_time_and_field() -> None:
    other = records()
    index = next(i for i, one in enumerate(other) if one.topic == "guard/decision" and i > 40)
    old = other[index]
    changed = msgspec.structs.replace(
        old.message, command=msgspec.structs.replace(old.message.command, accel_mps2=0.25)
    )
    other[index] = Record(old.topic, old.stamp_ns, changed)
    found = compare(records(), other)
    assert found is not None
    assert (found.index, found.topic, found.stamp_ns) == (index, "guard/decision", old.stamp_ns)
    assert (found.field, found.left, found.right) == ("command.accel_mps2", 0.1, 0.25)
    assert str(found) == (
        f"guard/decision at {old.stamp_ns * 1e-9:.2f} s, message {index}: "
        "command.accel_mps2 is 0.1 and 0.25"
    )


def test_a_difference_inside_a_row_of_numbers_is_named_by_its_index() -> None:
    one = plan(0)
    for change, field, left, right in (
        ({"x_m": (*one.x_m[:7], 99.0, *one.x_m[8:])}, "x_m[7]", one.x_m[7], 99.0),
        ({"x_m": one.x_m[:-1]}, "x_m.length", 41, 40),
        ({"gap_m": None}, "gap_m", 30.0, None),
        ({"constraint": m.Constraint.CURVE}, "constraint", m.Constraint.LEAD, m.Constraint.CURVE),
    ):
        found = compare(
            [Record("pilot/plan", 0, one)],
            [Record("pilot/plan", 0, msgspec.structs.replace(one, **change))],
        )
        assert found is not None
        assert (found.field, found.left, found.right) == (field, left, right)


def test_a_message_that_is_missing_shows_as_another_topic_stamp_or_end() -> None:
    whole = records()
    found = compare(whole, whole[:-1])
    assert found is not None
    assert (found.field, found.left, found.right) == ("end", "car/command", "end")
    found = compare(whole[:-1], whole)
    assert found is not None
    assert (found.field, found.left, found.right) == ("end", "end", "car/command")
    found = compare(whole, whole[1:])
    assert found is not None
    assert (found.index, found.field, found.left) == (0, "topic", "world/ego")
    one, late = Record("car/state", 1, car(1)), Record("car/state", 2, car(1))
    found = compare([one], [late])
    assert found is not None
    assert (found.field, found.left, found.right) == ("stamp_ns", 1, 2)


# --- fields over time -----------------------------------------------------------------------------


def test_fields_come_as_series_in_the_order_asked_for(recorded: JournalDigest) -> None:
    speed, gap, inner, limited, none = read_series(
        recorded.path,
        [
            "car/state.speed_mps",
            "pilot/plan.gap_m",
            "guard/decision.command.accel_mps2",
            "guard/decision.limited",
            "world/contact.closing_mps",
        ],
    )
    assert speed.field == "car/state.speed_mps"
    assert speed.time_s == tuple(tick / 100 for tick in range(250))
    assert speed.value == tuple(car(tick * 10_000_000).speed_mps for tick in range(250))
    assert [value == value for value in gap.value] == [True, False] * 25
    assert set(inner.value) == {0.1}
    assert set(limited.value) == {0.0}
    assert (none.time_s, none.value) == ((), ())


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("car/stat.speed_mps", "no topic 'car/stat'; nearest: car/state"),
        ("car/state.sped_mps", "car/state has no field 'sped_mps'; nearest: speed_mps"),
        ("car/state", "car/state has no field ''; nearest: stamp_ns"),
        ("car/state.gear", "car/state.gear is no number"),
        ("guard/decision.command", "guard/decision.command is no number"),
    ],
)
def test_a_field_that_cannot_be_plotted_is_one_line(
    recorded: JournalDigest, field: str, words: str
) -> None:
    with pytest.raises(InputError) as found:
        read_series(recorded.path, [field])
    assert str(found.value).startswith(words)
    assert "\n" not in str(found.value)


# --- round trip of every message ------------------------------------------------------------------


@settings(max_examples=50)
@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=20))
def test_every_float_comes_back_bit_by_bit(
    tmp_path_factory: pytest.TempPathFactory, values: list[float]
) -> None:
    path = tmp_path_factory.mktemp("floats") / "one.mcap"
    writer = JournalWriter(path, HEADER)
    sent = [msgspec.structs.replace(command(0), accel_mps2=value) for value in values]
    for message in sent:
        writer.write(topics.PILOT_COMMAND, 0, message)
    back = [one.message for one in read_journal(writer.close().path)]
    assert [struct.pack("<d", one.accel_mps2) for one in back] == [
        struct.pack("<d", one.accel_mps2) for one in sent
    ]
