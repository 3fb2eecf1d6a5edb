"""What the live car's recorder leaves on the disk: clips of events, within the budget."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.caros.test_clips import contact
from tests.wire.drive_messages import HEADER, drive
from volant.app.live_record import COUNTS, OWNER, ClipRecorder, FullRecorder
from volant.app.replay import replay_command
from volant.caros.clips import ClipSettings
from volant.caros.flash import MB, FlashSettings, state_from_bytes
from volant.core import topics
from volant.core.clock import nanoseconds
from volant.core.errors import InputError
from volant.wire.journal import Record, journal_info, read_journal

CLIPS = ClipSettings(before_ns=nanoseconds(2.0), after_ns=nanoseconds(1.0))
TOUCH_NS = nanoseconds(3.0)


def written(seconds: float) -> list[Record]:
    """A drive with a contact after three seconds, as it is published."""
    found = [Record(topic.name, stamp_ns, message) for topic, stamp_ns, message in drive(seconds)]
    at = next((i for i, one in enumerate(found) if one.stamp_ns >= TOUCH_NS), None)
    if at is not None:
        found.insert(at, Record("world/contact", TOUCH_NS, contact(TOUCH_NS)))
    return found


def record(folder: Path, budget: FlashSettings | None = None, seconds: float = 6.0) -> ClipRecorder:
    recorder = ClipRecorder(folder, HEADER, CLIPS, budget)
    for one in written(seconds):
        recorder.take(one.stamp_ns, topics.BY_NAME[one.topic], one.message)
        recorder.turn(one.stamp_ns)
    recorder.close()
    return recorder


def clips_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("clip-*.mcap"))


def test_a_contact_leaves_a_whole_clip_of_what_was_before_and_after(tmp_path: Path) -> None:
    recorder = record(tmp_path)
    (clip,) = clips_in(tmp_path)
    info = journal_info(clip)
    assert info.sound
    assert info.summary == {"events": ["contact"], "began_ns": TOUCH_NS, "cut": False}
    # The file grows as the event goes on, so it is whole at the first turn after its end.
    awaited = [
        one
        for one in written(6.0)
        if TOUCH_NS - CLIPS.before_ns <= one.stamp_ns < TOUCH_NS + CLIPS.after_ns
    ]
    assert list(read_journal(clip)) == awaited
    assert "clips: 1, " in recorder.note


def test_the_clip_is_on_the_disk_at_the_first_turn_after_its_end(tmp_path: Path) -> None:
    recorder = ClipRecorder(tmp_path, HEADER, CLIPS)
    for one in written(3.99):
        recorder.take(one.stamp_ns, topics.BY_NAME[one.topic], one.message)
        recorder.turn(one.stamp_ns)
    assert not clips_in(tmp_path)
    recorder.turn(TOUCH_NS + CLIPS.after_ns)
    assert len(clips_in(tmp_path)) == 1


def test_what_is_written_is_counted_and_survives_a_restart(tmp_path: Path) -> None:
    record(tmp_path)
    (day,) = state_from_bytes((tmp_path / COUNTS).read_bytes()).days
    first = day.written
    assert clips_in(tmp_path)[0].stat().st_size < first < 2 * MB
    record(tmp_path)
    (day,) = state_from_bytes((tmp_path / COUNTS).read_bytes()).days
    assert day.written > first
    assert len(clips_in(tmp_path)) == 2


def test_a_day_that_is_used_up_writes_nothing_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    budget = FlashSettings(day_most_bytes=MB, owners={OWNER: MB})
    recorder = record(tmp_path, budget)
    assert not list(tmp_path.iterdir())
    assert "contact is not kept: the day's 1 MB of flash are used up" in capsys.readouterr().err
    assert recorder.note.endswith("the day's 1 MB of flash are used up")


def test_a_recorder_that_was_killed_in_a_clip_has_counted_it(tmp_path: Path) -> None:
    recorder = ClipRecorder(tmp_path, HEADER, CLIPS)
    for one in written(3.5):
        recorder.take(one.stamp_ns, topics.BY_NAME[one.topic], one.message)
        recorder.turn(one.stamp_ns)
    (day,) = state_from_bytes((tmp_path / COUNTS).read_bytes()).days
    assert day.written >= CLIPS.file_most_bytes
    (part,) = tmp_path.glob("*.part")
    assert max(one.stamp_ns for one in read_journal(part)) >= nanoseconds(2.99)
    recorder.close()


def test_no_event_writes_nothing(tmp_path: Path) -> None:
    record(tmp_path, seconds=2.5)
    assert not list(tmp_path.iterdir())


def test_wrong_counts_begin_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / COUNTS).write_bytes(b"no counts")
    record(tmp_path)
    assert len(clips_in(tmp_path)) == 1
    assert "begins anew" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_costs_the_clip_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_bytes(b"")
    recorder = record(tmp_path / "file" / "clips")
    assert "cannot be written" in capsys.readouterr().err
    assert "clips: 0, " in recorder.note


def test_a_clip_does_not_outgrow_its_file(tmp_path: Path) -> None:
    small = dataclasses.replace(CLIPS, file_most_bytes=3 * MB + 1)
    recorder = ClipRecorder(tmp_path, HEADER, small)
    for one in written(6.0):
        recorder.take(one.stamp_ns, topics.BY_NAME[one.topic], one.message)
        recorder.turn(one.stamp_ns)
    info = journal_info(clips_in(tmp_path)[0])
    assert info.sound
    assert info.summary["cut"] is True


def test_an_event_after_the_end_of_a_clip_begins_its_own(tmp_path: Path) -> None:
    recorder = ClipRecorder(tmp_path, HEADER, CLIPS)
    for stamp_ns in (TOUCH_NS, TOUCH_NS + CLIPS.after_ns + 1):
        recorder.take(stamp_ns, topics.WORLD_CONTACT, contact(stamp_ns))
    recorder.close()
    assert [journal_info(one).summary["events"] for one in clips_in(tmp_path)] == [["contact"]] * 2


def test_a_clip_is_not_driven_again(tmp_path: Path) -> None:
    header = msgspec.structs.replace(HEADER, settings={"live": True, "clip": True})
    recorder = ClipRecorder(tmp_path, header, CLIPS)
    recorder.take(TOUCH_NS, topics.WORLD_CONTACT, contact(TOUCH_NS))
    recorder.close()
    with pytest.raises(InputError, match="is a clip of an event: watch it with --watch"):
        replay_command(clips_in(tmp_path)[0], as_json=True)


def test_without_a_journal_nothing_is_done() -> None:
    recorder = FullRecorder(None)
    recorder.take(0, topics.WORLD_CONTACT, contact(0))
    recorder.turn(0)
    recorder.close()
    assert recorder.note == ""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("whole")
    record(folder)
    return clips_in(folder)[0].read_bytes()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_clip_cut_at_any_byte_loses_at_most_one_chunk_of_what_is_left(
    tmp_path: Path, clip: bytes, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(clip)))
    path = tmp_path / "cut.mcap"
    path.write_bytes(clip[:cut])
    ends, at = [], 8
    while at + 9 <= cut:
        opcode, length = clip[at], int.from_bytes(clip[at + 1 : at + 9], "little")
        at += 9 + length
        if opcode == 6 and at <= cut:
            ends.append(at)
    try:
        found = list(read_journal(path))
    except InputError:
        assert not ends
        return
    awaited = written(6.0)
    begin = next(i for i, one in enumerate(awaited) if one.stamp_ns >= TOUCH_NS - CLIPS.before_ns)
    assert found == awaited[begin : begin + len(found)]
    # A chunk is a second of the car's time: the first holds the channels, each further a second.
    whole_s = max(0, len(ends) - 1)
    assert len(found) >= sum(
        one.stamp_ns < TOUCH_NS - CLIPS.before_ns + nanoseconds(min(whole_s, 3))
        for one in awaited[begin:]
    )
