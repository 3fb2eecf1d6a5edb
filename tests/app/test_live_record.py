"""What the live car's recorder leaves on the disk: clips of events, within the budget."""

from __future__ import annotations

import dataclasses
import io
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.records import Chunk
from mcap.records import Message as McapMessage
from mcap.stream_reader import breakup_chunk

from tests.caros.test_clips import contact
from tests.wire.drive_messages import HEADER, car, drive
from volant.app import clip_recorder
from volant.app.clip_recorder import ClipRecorder
from volant.app.live_record import DiskThread, FullRecorder
from volant.app.replay import replay_command
from volant.app.trip_book import OWNER
from volant.caros.clip_store import ClipStore
from volant.caros.clips import ClipSettings
from volant.caros.flash import MB, FlashSettings, state_from_bytes
from volant.caros.ledger import COUNTS, LOCK, FlashLedger
from volant.caros.trip_log import FILE, read_trips
from volant.core import topics
from volant.core.clock import nanoseconds
from volant.core.errors import InputError
from volant.wire.journal import JournalHeader, Record, journal_info, read_journal

CLIPS = ClipSettings(before_ns=nanoseconds(2.0), after_ns=nanoseconds(1.0))
TOUCH_NS = nanoseconds(3.0)


def written(seconds: float) -> list[Record]:
    """A drive with a contact after three seconds, as it is published."""
    found = [Record(topic.name, stamp_ns, message) for topic, stamp_ns, message in drive(seconds)]
    at = next((i for i, one in enumerate(found) if one.stamp_ns >= TOUCH_NS), None)
    if at is not None:
        found.insert(at, Record("world/contact", TOUCH_NS, contact(TOUCH_NS)))
    return found


def recorder_in(
    folder: Path,
    budget: FlashSettings | None = None,
    clips: ClipSettings = CLIPS,
    header: JournalHeader = HEADER,
) -> ClipRecorder:
    ledger = FlashLedger(folder, budget or FlashSettings(owners={OWNER: 250 * MB}))
    return ClipRecorder(ClipStore(folder / "clips"), ledger, header, clips)


def hear(recorder: ClipRecorder, seconds: float) -> None:
    for one in written(seconds):
        recorder.take(one.stamp_ns, topics.BY_NAME[one.topic], one.message)
        recorder.turn(one.stamp_ns)


def record(folder: Path, budget: FlashSettings | None = None, seconds: float = 6.0) -> ClipRecorder:
    recorder = recorder_in(folder, budget)
    hear(recorder, seconds)
    recorder.close()
    return recorder


def clips_in(folder: Path) -> list[Path]:
    return sorted((folder / "clips").glob("clip-*.mcap"))


def counted(folder: Path) -> int:
    (day,) = state_from_bytes((folder / COUNTS).read_bytes()).days
    return day.written


def test_a_contact_leaves_a_whole_clip_of_what_was_before_and_after(tmp_path: Path) -> None:
    recorder = record(tmp_path)
    (clip,) = clips_in(tmp_path)
    info = journal_info(clip)
    assert info.sound
    assert info.summary["events"] == ["contact"]
    assert info.summary["began_ns"] == TOUCH_NS
    assert not info.summary["cut"]
    # The file grows as the event goes on, so it is whole at the first turn after its end.
    awaited = [
        one
        for one in written(6.0)
        if TOUCH_NS - CLIPS.before_ns <= one.stamp_ns < TOUCH_NS + CLIPS.after_ns
    ]
    assert list(read_journal(clip)) == awaited
    assert recorder.use.clips == 1
    assert recorder.use.refused == ""


def test_the_clip_is_whole_at_the_first_turn_after_its_end(tmp_path: Path) -> None:
    recorder = recorder_in(tmp_path)
    hear(recorder, 3.99)
    assert not clips_in(tmp_path)
    recorder.turn(TOUCH_NS + CLIPS.after_ns)
    assert len(clips_in(tmp_path)) == 1


def test_the_event_and_what_was_before_are_on_the_disk_at_once(tmp_path: Path) -> None:
    """A recorder killed right after an event leaves it, and what the ring held: nothing waits for a chunk."""
    recorder = recorder_in(tmp_path)
    for one in written(3.2):
        if one.stamp_ns <= TOUCH_NS:
            recorder.take(one.stamp_ns, topics.BY_NAME[one.topic], one.message)
    while recorder.turn(TOUCH_NS):
        pass
    recorder.turn(TOUCH_NS)
    (part,) = (tmp_path / "clips").glob("*.part")
    left = list(read_journal(part))
    begin_ns = TOUCH_NS - CLIPS.before_ns
    assert left == [one for one in written(3.2) if begin_ns <= one.stamp_ns <= TOUCH_NS]
    assert any(one.topic == "world/contact" for one in left)
    recorder.close()


@pytest.mark.parametrize("killed_ns", [nanoseconds(s) for s in (3.3, 3.7, 3.99)])
def test_a_recorder_that_is_killed_later_loses_a_chunk_at_most(
    tmp_path: Path, killed_ns: int
) -> None:
    recorder = recorder_in(tmp_path)
    hear(recorder, killed_ns / 1e9)
    (part,) = (tmp_path / "clips").glob("*.part")
    left = list(read_journal(part))
    assert any(one.topic == "world/contact" for one in left)
    assert max(one.stamp_ns for one in left) >= killed_ns - nanoseconds(1.0)
    recorder.close()


def test_a_power_cut_at_any_moment_loses_a_chunk_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a file only what was synced is sure; its name is sure once its folder was synced after it was made."""
    synced: dict[Path, bytes] = {}
    named: set[Path] = set()

    def sync(path: Path) -> None:
        if path.is_dir():
            named.update(path.iterdir())
        else:
            synced[path] = path.read_bytes()

    monkeypatch.setattr(clip_recorder, "sync", sync)
    recorder = recorder_in(tmp_path)
    looked = 0
    for one in written(6.0):
        recorder.take(one.stamp_ns, topics.BY_NAME[one.topic], one.message)
        recorder.turn(one.stamp_ns)
        if one.stamp_ns < TOUCH_NS or one.stamp_ns % nanoseconds(0.25):
            continue
        recorder.turn(one.stamp_ns)
        looked += 1
        sure = [path for path in synced if path in named]
        assert sure
        left = tmp_path / "left.mcap"
        left.write_bytes(synced[sure[-1]])
        found = list(read_journal(left))
        assert any(row.topic == "world/contact" for row in found)
        last_ns = min(one.stamp_ns, TOUCH_NS + CLIPS.after_ns)
        assert max(row.stamp_ns for row in found) >= last_ns - nanoseconds(1.0)
    assert looked > 10
    recorder.close()


def test_what_is_written_is_counted_and_survives_a_restart(tmp_path: Path) -> None:
    record(tmp_path)
    first = counted(tmp_path)
    assert clips_in(tmp_path)[0].stat().st_size < first < 2 * MB
    recorder = record(tmp_path)
    assert counted(tmp_path) > first
    assert len(clips_in(tmp_path)) == 2
    assert recorder.use.written_bytes == counted(tmp_path)
    assert recorder.use.owners == ((OWNER, counted(tmp_path)),)
    assert 65 < recorder.use.budget_years < 66


def test_a_day_that_is_used_up_writes_nothing_and_says_so_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    budget = FlashSettings(day_most_bytes=1000, owners={OWNER: MB})
    recorder = recorder_in(tmp_path, budget)
    for stamp_ns in (TOUCH_NS, 2 * TOUCH_NS, 3 * TOUCH_NS):
        recorder.take(stamp_ns, topics.WORLD_CONTACT, contact(stamp_ns))
        recorder.turn(stamp_ns)
    recorder.close()
    assert [one.name for one in tmp_path.iterdir()] == [LOCK]
    words = "the day's 0.001 MB of flash are used up"
    assert capsys.readouterr().err == f"clips: contact is not kept: {words}\n"
    assert recorder.use.refused == words
    assert words in recorder.note


def test_a_recorder_that_was_killed_in_a_clip_has_counted_it(tmp_path: Path) -> None:
    recorder = recorder_in(tmp_path)
    hear(recorder, 3.5)
    assert counted(tmp_path) >= CLIPS.file_most_bytes
    assert recorder_in(tmp_path).use.written_bytes == counted(tmp_path)
    recorder.close()


def test_no_event_writes_no_clip(tmp_path: Path) -> None:
    record(tmp_path, seconds=0.3)
    assert not list(tmp_path.iterdir())


def test_a_trip_leaves_one_small_record_when_the_car_is_stopped(tmp_path: Path) -> None:
    recorder = recorder_in(tmp_path)
    for second in range(10):
        stamp_ns = nanoseconds(float(second))
        state = msgspec.structs.replace(car(stamp_ns), odometer_m=20.0 * second)
        recorder.take(stamp_ns, topics.CAR_STATE, state)
        if second == 3:
            recorder.take(stamp_ns, topics.WORLD_CONTACT, contact(stamp_ns))
        recorder.turn(stamp_ns)
    recorder.close()
    (trip,) = read_trips(tmp_path)
    assert trip.reason == "the live car was stopped"
    assert trip.clips == 1
    assert trip.distance_m == 180.0
    assert (tmp_path / FILE).stat().st_size < 2000
    assert recorder.use.counted_bytes == counted(tmp_path)


def test_wrong_counts_begin_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / COUNTS).write_bytes(b"no counts")
    record(tmp_path)
    assert len(clips_in(tmp_path)) == 1
    assert "begins anew" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_costs_the_clip_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_bytes(b"")
    recorder = record(tmp_path / "file")
    assert capsys.readouterr().err.count("cannot be written") == 1
    assert recorder.use.clips == 0
    assert "File exists" in recorder.use.refused


def test_a_clip_does_not_outgrow_its_file(tmp_path: Path) -> None:
    small = dataclasses.replace(CLIPS, file_most_bytes=3 * MB + 1)
    recorder = recorder_in(tmp_path, clips=small)
    hear(recorder, 6.0)
    recorder.close()
    info = journal_info(clips_in(tmp_path)[0])
    assert info.sound
    assert info.summary["cut"] is True


def test_an_event_after_the_end_of_a_clip_begins_its_own(tmp_path: Path) -> None:
    recorder = recorder_in(tmp_path)
    for stamp_ns in (TOUCH_NS, TOUCH_NS + CLIPS.after_ns + 1):
        recorder.take(stamp_ns, topics.WORLD_CONTACT, contact(stamp_ns))
    recorder.close()
    assert [journal_info(one).summary["events"] for one in clips_in(tmp_path)] == [["contact"]] * 2


def test_a_clip_is_not_driven_again(tmp_path: Path) -> None:
    header = msgspec.structs.replace(HEADER, settings={"live": True, "clip": True})
    recorder = recorder_in(tmp_path, header=header)
    recorder.take(TOUCH_NS, topics.WORLD_CONTACT, contact(TOUCH_NS))
    recorder.close()
    with pytest.raises(InputError, match="is a clip of an event: watch it with --watch"):
        replay_command(clips_in(tmp_path)[0], as_json=True)


def test_a_disk_that_stands_still_costs_clips_and_no_memory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    narrow = dataclasses.replace(CLIPS, waiting_most_bytes=100_000)
    recorder = recorder_in(tmp_path, clips=narrow)
    for second in range(3, 60, 3):  # no turn: each clip is over before the next event
        stamp_ns = nanoseconds(float(second))
        recorder.take(stamp_ns, topics.WORLD_CONTACT, contact(stamp_ns))
    assert capsys.readouterr().err == "clips: contact is not kept: the disk is too slow\n"
    recorder.close()
    assert len(clips_in(tmp_path)) == 4
    recorder = recorder_in(tmp_path / "more", clips=narrow)
    for one in written(6.0):
        recorder.take(one.stamp_ns, topics.BY_NAME[one.topic], one.message)
    recorder.close()
    (clip,) = clips_in(tmp_path / "more")
    assert journal_info(clip).summary["lost"] > 0


def test_one_thread_hears_while_another_writes(tmp_path: Path) -> None:
    recorder = recorder_in(tmp_path)
    now = [0]
    disk = DiskThread(recorder, lambda: now[0])
    for one in written(6.0):
        now[0] = one.stamp_ns
        recorder.take(one.stamp_ns, topics.BY_NAME[one.topic], one.message)
    assert disk.alive
    disk.close()
    recorder.close()
    (clip,) = clips_in(tmp_path)
    info = journal_info(clip)
    assert info.sound
    assert info.topics
    assert any(one.topic == "world/contact" for one in read_journal(clip))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 400 KB, where we may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("a file system can be mounted by root only")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_costs_what_does_not_fit_and_is_said_once(
    small_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (small_disk / "others").write_bytes(b"x" * 200_000)
    recorder = recorder_in(small_disk)
    for again in range(3):
        for one in written(6.0):
            stamp_ns = one.stamp_ns + again * nanoseconds(10.0)
            recorder.take(stamp_ns, topics.BY_NAME[one.topic], one.message)
            recorder.turn(stamp_ns)
    recorder.close()
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("clips:")]
    assert len(said) == len(set(said))
    assert any("No space left on device" in line for line in said)
    assert "No space left on device" in recorder.use.refused


def test_a_disk_that_may_only_be_read_is_said_once(
    small_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    recorder = recorder_in(small_disk)
    for again in range(1, 4):
        recorder.take(again * TOUCH_NS, topics.WORLD_CONTACT, contact(again * TOUCH_NS))
        recorder.turn(again * TOUCH_NS)
    recorder.close()
    words = "the counts of flash cannot be written: Read-only file system"
    assert capsys.readouterr().err == f"clips: contact is not kept: {words}\n"
    assert recorder.use.refused == words


def test_old_clips_make_room_and_kept_ones_stay(tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    (folder / "kept").mkdir(parents=True)
    for number in range(70):
        (folder / f"clip-20250101-0000{number:02}-aeb.mcap").write_bytes(b"x")
    kept = folder / "kept" / "clip-20240101-000000-contact.mcap"
    kept.write_bytes(b"x")
    record(tmp_path)
    names = [one.name for one in clips_in(tmp_path)]
    assert len(names) == 64
    assert names[0] == "clip-20250101-000007-aeb.mcap"
    assert kept.is_file()


def test_without_a_journal_nothing_is_done() -> None:
    recorder = FullRecorder(None)
    recorder.take(0, topics.WORLD_CONTACT, contact(0))
    recorder.turn(0)
    recorder.close()
    assert recorder.note == ""
    assert recorder.use is None


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("whole")
    record(folder)
    return clips_in(folder)[0].read_bytes()


def chunks_of(clip: bytes) -> list[tuple[int, int]]:
    """Where each chunk ends in the file, and how many of our messages are in it, by the mcap package."""
    found: list[tuple[int, int]] = []
    at = 8
    while at + 9 <= len(clip) and clip[at] != Opcode.DATA_END:
        opcode, length = clip[at], int.from_bytes(clip[at + 1 : at + 9], "little")
        at += 9 + length
        if opcode == Opcode.CHUNK:
            chunk = Chunk.read(ReadDataStream(io.BytesIO(clip[at - length : at])))
            rows = sum(isinstance(one, McapMessage) for one in breakup_chunk(chunk))
            found.append((at, rows if found else 0))  # the first has the header alone
    return found


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_clip_cut_at_any_byte_loses_at_most_one_chunk_of_what_is_left(
    tmp_path_factory: pytest.TempPathFactory, clip: bytes, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(clip)))
    path = tmp_path_factory.mktemp("cut") / "cut.mcap"
    path.write_bytes(clip[:cut])
    whole = [rows for end, rows in chunks_of(clip) if end <= cut]
    try:
        found = list(read_journal(path))
    except InputError:
        assert not whole
        return
    awaited = [
        one
        for one in written(6.0)
        if TOUCH_NS - CLIPS.before_ns <= one.stamp_ns < TOUCH_NS + CLIPS.after_ns
    ]
    assert found == awaited[: sum(whole)]


def test_a_chunk_is_a_second_of_the_cars_time_at_most(clip: bytes, tmp_path: Path) -> None:
    path = tmp_path / "cut.mcap"
    last_ns = TOUCH_NS - CLIPS.before_ns
    for end, _ in chunks_of(clip)[1:]:
        path.write_bytes(clip[:end])
        now_ns = max(one.stamp_ns for one in read_journal(path))
        assert now_ns - last_ns <= nanoseconds(1.0)
        last_ns = now_ns
