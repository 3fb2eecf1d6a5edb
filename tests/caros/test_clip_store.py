"""The clips on the disk: bounded, the oldest first, and what a person keeps is spared."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.caros.clip_store import (
    ClipFile,
    ClipStore,
    SpaceSettings,
    bytes_on_disk,
    surplus,
)
from volant.core.errors import InputError, RefusedError

FIRST, SECOND = "clip-20260101-000000-aeb.mcap", "clip-20260102-000000-contact~2.mcap"
PART = "clip-20260103-000000-guard_stop.mcap.part"


def clip(number: int, size: int) -> ClipFile:
    name = f"clip-20260101-{number:06}-aeb.mcap"
    return ClipFile(Path(name), name, f"20260101-{number:06}", "aeb", size, False, False)


@pytest.fixture
def store(tmp_path: Path) -> ClipStore:
    for name in (SECOND, FIRST, PART):
        (tmp_path / name).write_bytes(b"x" * 100)
    (tmp_path / "notes.txt").write_bytes(b"x")
    os.utime(tmp_path / PART, (0, 0))
    return ClipStore(tmp_path, SpaceSettings(most_clips=2))


@given(
    st.lists(st.integers(0, 50), max_size=30),
    st.integers(0, 60),
    st.integers(0, 10),
    st.integers(0, 300),
)
def test_the_oldest_make_room_and_no_more_of_them_than_needed(
    sizes: list[int], size: int, most_clips: int, most_bytes: int
) -> None:
    clips = [clip(number, one) for number, one in enumerate(sizes)]
    bounds = SpaceSettings(most_clips=most_clips, most_bytes=most_bytes)
    gone = surplus(reversed(clips), size, bounds)
    assert list(gone) == clips[: len(gone)]
    left = clips[len(gone) :]

    def fits(held: list[ClipFile]) -> bool:
        total = sum(one.bytes for one in held) + size
        return len(held) + (size > 0) <= most_clips and total <= most_bytes

    assert fits(left) or not left
    assert not gone or not fits(clips[len(gone) - 1 :])


def test_clips_are_told_by_their_names(store: ClipStore) -> None:
    first, second, part = store.clips()
    assert (first.name, first.event, first.part) == (FIRST, "aeb", False)
    assert (second.event, second.began) == ("contact", "20260102-000000")
    assert (part.name, part.part) == (PART.removesuffix(".part"), True)
    assert first.bytes == bytes_on_disk(first.path) >= 100
    assert store.find(FIRST.removesuffix(".mcap")) == first == store.find(f"/any/where/{FIRST}")


def test_what_a_person_keeps_is_spared_until_it_is_given_back(store: ClipStore) -> None:
    kept = store.keep(FIRST)
    assert kept.kept
    assert store.keep(FIRST) == kept
    assert [one.name for one in store.make_room(1)] == [SECOND]
    back = store.keep(FIRST, kept=False)
    assert not back.kept
    assert [one.name for one in store.make_room(1)] == [FIRST]
    assert [one.path.name for one in store.clips()] == [PART]


def test_a_clip_that_is_being_written_is_left_alone(store: ClipStore, tmp_path: Path) -> None:
    os.utime(tmp_path / PART)
    for act in (store.keep, store.delete):
        with pytest.raises(RefusedError, match="is being written"):
            act(PART)
    os.utime(tmp_path / PART, (0, 0))
    assert store.keep(PART).part
    assert store.delete(PART).kept
    assert len(store.clips()) == 2
    assert not store.make_room(0, spared=tmp_path / FIRST)


def test_what_is_not_there_is_told_with_what_is(store: ClipStore, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"no clip 'x' in .*; there are: {FIRST}, "):
        store.find("x")
    empty = ClipStore(tmp_path / "none")
    assert empty.clips() == ()
    assert empty.make_room(1) == ()
    with pytest.raises(InputError, match="none at all"):
        empty.delete("x")
    wrong = ClipStore(tmp_path / FIRST)
    assert wrong.make_room(1) == ()
    with pytest.raises(InputError, match="cannot be read"):
        wrong.clips()
