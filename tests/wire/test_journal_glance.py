"""What a journal says of itself without being read, whole or cut anywhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wire.drive_messages import HEADER, drive
from volant.core.errors import InputError
from volant.wire.journal import JournalWriter, journal_glance, journal_info, read_journal


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("whole") / "drive.mcap"
    writer = JournalWriter(path, HEADER)
    for topic, stamp_ns, message in drive(3.2):
        writer.write(topic, stamp_ns + 10**9, message)
    writer.close({"events": ["x"]})
    return path.read_bytes()


def test_a_glance_tells_what_reading_all_of_it_tells(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "drive.mcap"
    path.write_bytes(whole)
    glance, info = journal_glance(path), journal_info(path)
    assert glance.header == info.header == HEADER
    assert glance.complete
    assert info.complete
    assert glance.summary == info.summary == {"events": ["x"]}
    assert glance.duration_s == info.duration_s


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_a_cut_or_mangled_file_is_told_or_refused(
    tmp_path_factory: pytest.TempPathFactory, whole: bytes, data: st.DataObject
) -> None:
    bad = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    if bad and data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(bad) - 1))
        bad[at : at + 9] = data.draw(st.binary(max_size=9))
    path = tmp_path_factory.mktemp("cut") / "drive.mcap"
    path.write_bytes(bad)
    try:
        glance = journal_glance(path)
    except InputError:
        return
    assert glance.duration_s >= 0.0
    assert glance.summary in ({}, {"events": ["x"]})


def test_what_was_flushed_is_in_the_file(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "drive.mcap", HEADER)
    count = 0
    for topic, stamp_ns, message in drive(0.3):
        writer.write(topic, stamp_ns, message)
        count += 1
    assert list(read_journal(writer.part)) == []
    writer.flush()
    assert len(list(read_journal(writer.part))) == count
    assert writer.close().messages == count


def test_what_is_no_journal_is_refused(tmp_path: Path) -> None:
    for content in (b"", b"hello, world", b"\x89MCAP0\r\n"):
        (tmp_path / "x.mcap").write_bytes(content)
        with pytest.raises(InputError, match=r"x\.mcap"):
            journal_glance(tmp_path / "x.mcap")
    with pytest.raises(InputError, match="cannot be read"):
        journal_glance(tmp_path / "none.mcap")
