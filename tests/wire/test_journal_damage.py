"""Journals that were cut, mangled, or never were journals; disks that fill up or refuse."""

import errno
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.writer import CompressionType, Writer

from tests.wire.drive_messages import HEADER, car, drive
from volant.core import topics
from volant.core.errors import InputError
from volant.wire.journal import (
    JournalDigest,
    JournalWriter,
    Record,
    journal_info,
    read_header,
    read_journal,
)

WRITTEN = [Record(topic.name, stamp_ns, message) for topic, stamp_ns, message in drive(3.2)]


def record(path: Path) -> JournalDigest:
    writer = JournalWriter(path, HEADER)
    for one in WRITTEN:
        writer.write(topics.BY_NAME[one.topic], one.stamp_ns, one.message)
    return writer.close()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return Path(record(tmp_path_factory.mktemp("whole") / "drive.mcap").path).read_bytes()


def ends_of_chunks(data: bytes) -> list[tuple[int, int]]:
    """Where each chunk of our messages ends in the file, and how many messages are in it."""
    ends, at = [], 8
    while at < len(data) - 8:
        opcode, length = data[at], int.from_bytes(data[at + 1 : at + 9], "little")
        at += 9 + length
        if opcode == 6:
            ends.append(at)
    seconds = [0, *(sum(one.stamp_ns < s * 10**9 for one in WRITTEN) for s in (1, 2, 3, 99))]
    return list(zip(ends, seconds, strict=True))


@settings(max_examples=150)
@given(st.data())
def test_cut_at_any_byte_every_whole_chunk_comes_back(
    tmp_path_factory: pytest.TempPathFactory, whole: bytes, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(whole) - 1))
    path = tmp_path_factory.mktemp("cut") / "drive.mcap.part"
    path.write_bytes(whole[:cut])
    kept = max((count for end, count in ends_of_chunks(whole) if end <= cut), default=None)
    try:
        found = list(read_journal(path))
    except InputError:
        assert kept is None
        return
    assert found == WRITTEN[: kept or 0]
    info = journal_info(path)
    assert info.messages == (kept or 0)
    assert not info.sound or kept == len(WRITTEN)


@settings(max_examples=150)
@given(st.data())
def test_mangled_bytes_give_a_clear_error_or_what_is_left(
    tmp_path_factory: pytest.TempPathFactory, whole: bytes, data: st.DataObject
) -> None:
    mangled = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(whole) - 1))
        mangled[at : at + data.draw(st.integers(1, 9))] = data.draw(st.binary(max_size=9))
    path = tmp_path_factory.mktemp("mangled") / "drive.mcap"
    path.write_bytes(bytes(mangled))
    try:
        info = journal_info(path)
        found = list(read_journal(path))
    except InputError as error:
        words = str(error)
    else:
        words = ""
    if words:
        assert str(path) in words
        assert "\n" not in words
        return
    assert info.messages - info.unknown >= len(found)
    if info.sound:
        assert found == WRITTEN


def test_a_damaged_chunk_in_the_middle_costs_only_itself(whole: bytes, tmp_path: Path) -> None:
    (_, _), (_, one), (second, two), *_ = ends_of_chunks(whole)
    mangled = bytearray(whole)
    mangled[second - 50] ^= 0xFF
    path = tmp_path / "drive.mcap"
    path.write_bytes(bytes(mangled))
    info = journal_info(path)
    assert (info.damaged, info.complete, info.sound) == (1, True, False)
    found = list(read_journal(path))
    assert found == WRITTEN[:one] + WRITTEN[two:]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no MCAP file"),
        (b"hello, this is a text", "no MCAP file"),
        (b"\x89MCAP0\r\n", "no journal of Volant"),
        (b"\x89MCAP0\r\n" + b"\x05" + b"\xff" * 8 + b"x", "no journal of Volant"),
        (b"\x89MCAP0\r\n" + b"\x0c" + (4).to_bytes(8, "little") + b"\xff" * 4, "header is damaged"),
    ],
)
def test_what_is_no_journal_is_one_clear_line(data: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.mcap"
    path.write_bytes(data)
    for read in (lambda p: list(read_journal(p)), read_header, journal_info):
        with pytest.raises(InputError, match=words) as found:
            read(path)
        assert str(found.value).startswith(str(path))


def test_a_file_that_is_not_there_or_a_folder_is_one_clear_line(tmp_path: Path) -> None:
    for path in (tmp_path / "none.mcap", tmp_path):
        for read in (lambda p: list(read_journal(p)), read_header, journal_info):
            with pytest.raises(InputError, match="cannot be read"):
                read(path)


def other_mcap(path: Path, **changes: Any) -> Path:
    """A file of the same format written by somebody else with the mcap package alone."""
    with path.open("wb") as file:
        writer = Writer(file, compression=changes.get("compression", CompressionType.NONE))
        writer.start()
        if "header" in changes:
            writer.add_metadata("volant.header", {"json": changes["header"]})
        encode = msgspec.msgpack.encode
        for topic, payload in changes.get("messages", [("car/state", encode(car(0)))]):
            channel = writer.register_channel(topic, changes.get("encoding", "msgpack"), 0)
            writer.add_message(channel, 5, payload, 5)
        writer.finish()
    return path


def header_text(**changes: Any) -> str:
    return msgspec.json.encode({**msgspec.to_builtins(HEADER), **changes}).decode()


def test_an_mcap_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no journal of Volant"):
        journal_info(other_mcap(tmp_path / "other.mcap"))


def test_a_header_of_a_newer_format_or_without_a_seed_is_refused(tmp_path: Path) -> None:
    path = other_mcap(tmp_path / "new.mcap", header=header_text(format=99))
    with pytest.raises(InputError, match="newer Volant"):
        journal_info(path)
    path = other_mcap(tmp_path / "bad.mcap", header=header_text(seed="seven"))
    with pytest.raises(InputError, match="header is damaged"):
        journal_info(path)
    path = other_mcap(tmp_path / "none.mcap", header="")
    with pytest.raises(InputError, match="header is damaged"):
        journal_info(path)


def test_topics_of_a_newer_version_are_counted_and_left_out(tmp_path: Path) -> None:
    encode = msgspec.msgpack.encode
    messages = [
        ("car/state", encode(car(0))),
        ("phone/key", b"\x01"),
        ("car/state", b"\xc1"),
        ("car/state", encode({"stamp_ns": -1})),
    ]
    path = other_mcap(tmp_path / "new.mcap", header=header_text(wings=2), messages=messages)
    info = journal_info(path)
    assert (info.messages, info.unknown, info.damaged) == (4, 1, 2)
    assert list(read_journal(path)) == [Record("car/state", 5, car(0))]
    assert info.complete
    assert not info.sound


@pytest.mark.parametrize("compression", list(CompressionType))
def test_chunks_rewritten_by_other_tools_are_read_or_counted(
    compression: CompressionType, tmp_path: Path
) -> None:
    path = other_mcap(tmp_path / "x.mcap", header=header_text(), compression=compression)
    info = journal_info(path)
    readable = compression is not CompressionType.LZ4
    assert (info.messages, info.damaged) == ((1, 0) if readable else (0, 1))


def test_json_channels_are_not_ours(tmp_path: Path) -> None:
    path = other_mcap(tmp_path / "x.mcap", header=header_text(), encoding="json")
    assert journal_info(path).messages == 0


# --- disks ----------------------------------------------------------------------------------------


class FullDisk:
    """A file on a disk that has room for so many bytes."""

    def __init__(self, file: Any, room: int) -> None:
        self.file, self.room = file, room

    def write(self, data: memoryview) -> int:
        if self.room <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        count: int = self.file.write(data[: self.room])
        self.room -= count
        return count

    def close(self) -> None:
        self.file.close()


def fill(monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    real = Path.open

    def opened(path: Path, mode: str = "r", **more: Any) -> Any:
        file = real(path, mode, **more)
        return FullDisk(file, room) if mode == "wb" else file

    monkeypatch.setattr(Path, "open", opened)


def write_all(writer: JournalWriter) -> JournalDigest:
    for one in WRITTEN:
        writer.write(topics.BY_NAME[one.topic], one.stamp_ns, one.message)
    return writer.close({"arrived": True})


def test_on_a_full_disk_the_drive_goes_on_and_the_loss_is_counted(
    whole: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (_, _), (first, one), (second, _), *_ = ends_of_chunks(whole)
    path = tmp_path / "drive.mcap"
    with monkeypatch.context() as patch:
        fill(patch, (first + second) // 2)
        writer = JournalWriter(path, HEADER)
        digest = write_all(writer)
    assert digest.reason == "cannot be written: No space left on device"
    assert digest.messages == len(WRITTEN)
    assert digest.lost == len(WRITTEN) - one
    assert not path.exists()
    assert digest.path == str(writer.part)
    assert list(read_journal(writer.part)) == WRITTEN[:one]
    again = record(tmp_path / "again.mcap")
    assert digest.sha256 == again.sha256


def test_a_folder_that_cannot_be_made_loses_everything_but_nothing_stops(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    writer = JournalWriter(tmp_path / "file" / "drive.mcap", HEADER)
    assert writer.reason.startswith("cannot be written: ")
    writer.add_lanes([])
    digest = write_all(writer)
    assert (digest.lost, digest.bytes) == (len(WRITTEN), 0)
    assert digest.reason.startswith("cannot be written: ")
    assert len(digest.sha256) == 64


def test_a_disk_that_fails_at_the_last_step_leaves_a_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = JournalWriter(tmp_path / "drive.mcap", HEADER)

    def refuse(*_: object) -> Path:
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "replace", refuse)
    digest = write_all(writer)
    assert digest.reason == "cannot be renamed: Permission denied"
    assert digest.path == str(writer.part)
    assert digest.lost == 0
    assert journal_info(writer.part).sound


def test_a_disk_that_fails_at_closing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: FullDisk) -> None:
        self.file.close()
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(FullDisk, "close", refuse)
    fill(monkeypatch, 1 << 30)
    digest = write_all(JournalWriter(tmp_path / "drive.mcap", HEADER))
    assert digest.reason == "cannot be closed: Input/output error"
    assert digest.path.endswith(".part")


def test_a_chunk_closes_each_second_also_after_a_gap(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "gap.mcap", HEADER)
    for stamp_ns in (0, 999_999_999, 5_500_000_000, 5_999_999_999, 6_000_000_000):
        writer.write(topics.CAR_STATE, stamp_ns, car(stamp_ns))
    assert [one.stamp_ns for one in read_journal(writer.part)] == [
        0, 999_999_999, 5_500_000_000, 5_999_999_999,
    ]  # fmt: skip
    writer.close()


def framed(opcode: int, body: bytes) -> bytes:
    return bytes([opcode]) + len(body).to_bytes(8, "little") + body


def text(words: str) -> bytes:
    return len(words.encode()).to_bytes(4, "little") + words.encode()


def metadata(name: str, json: str) -> bytes:
    pair = text("json") + text(json)
    return framed(0x0C, text(name) + len(pair).to_bytes(4, "little") + pair)


def chunk(kind: str, data: bytes, claimed: int) -> bytes:
    body = bytes(16) + claimed.to_bytes(8, "little") + bytes(4) + text(kind)
    return framed(0x06, body + len(data).to_bytes(8, "little") + data)


def by_hand(path: Path, *parts: bytes) -> Path:
    start = b"\x89MCAP0\r\n" + framed(0x01, text("") + text(""))
    path.write_bytes(b"".join([start, metadata("volant.header", header_text()), *parts]))
    return path


BOMB = b"\x28\xb5\x2f\xfd\xe0" + (1 << 60).to_bytes(8, "little")
"""The first bytes of a zstd frame that says it holds an exabyte."""


@pytest.mark.parametrize(
    "wrong",
    [
        chunk("zstd", BOMB, 100),
        chunk("zstd", b"no zstd", 100),
        chunk("", b"", 1 << 40),
        chunk("", b"abc", 4),
        framed(0x06, b"short"),
        framed(0x04, b"short"),
        framed(0x04, b"\x01\x00\x01\x00" + text("\x00") + b"\xff\xff\xff\xff"),
        framed(0x05, b"short"),
        framed(0x05, bytes(22)),
        metadata("volant.summary", "no json"),
    ],
)
def test_each_kind_of_wrong_record_is_counted_and_passed_over(wrong: bytes, tmp_path: Path) -> None:
    info = journal_info(by_hand(tmp_path / "x.mcap", wrong, framed(0x0F, bytes(4))))
    assert (info.damaged, info.messages, info.complete, info.summary) == (1, 0, True, {})


def test_records_of_no_interest_are_passed_over(tmp_path: Path) -> None:
    path = by_hand(tmp_path / "x.mcap", metadata("other", "{}"), framed(0x42, b"new kind"))
    info = journal_info(path)
    assert (info.damaged, info.complete) == (0, False)


def test_the_hash_so_far_is_that_of_a_journal_closed_now(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "x.mcap", HEADER)
    writer.write(topics.CAR_STATE, 0, car(0))
    so_far = writer.sha256
    assert writer.close().sha256 == so_far
