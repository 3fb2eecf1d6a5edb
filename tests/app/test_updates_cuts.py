"""The record of updates after a power cut at any call: the last one, or the one that was being put there."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.cut_disk import CutDisk, CutError, Files
from volant.app.updates_record import FileStore
from volant.caros.apps import store as whole
from volant.core.errors import InputError

BEFORE, AFTER, LATER = (f"decision {number} ".encode() * 40 for number in (1, 2, 3))


def laid(tmp_path: Path, files: Files) -> FileStore:
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    for name, data in files.items():
        if data is not None:
            (folder / name).write_bytes(data)
    return FileStore(folder / "record")


def cuts(tmp_path: Path, disk: CutDisk, first: bytes | None) -> Iterator[Files]:
    """What may lie there after a cut at each call of a `put`."""
    for calls in range(1, 100):
        store = laid(tmp_path, {})
        folder = store.path.parent
        if first is not None:
            store.put(first)
        sure: Files = {path.name: path.read_bytes() for path in folder.iterdir()}
        disk.cut_after(calls)
        try:
            store.put(AFTER)
        except CutError:
            disk.left = 0
            yield from disk.states(folder, sure)
        else:
            assert calls > 6
            return


def value(tmp_path: Path, files: Files) -> bytes | None:
    store = laid(tmp_path, files)
    found = store.value
    store.put(LATER)
    assert store.value == LATER
    return found


@pytest.mark.parametrize("first", [None, BEFORE], ids=["none before", "one before"])
def test_after_any_cut_the_record_is_the_last_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: bytes | None
) -> None:
    disk = CutDisk(monkeypatch)
    found = [value(tmp_path, files) for files in cuts(tmp_path, disk, first)]
    assert set(found) == {first, AFTER}
    assert len(found) > 12


def test_the_replay_finds_a_writer_that_does_not_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = CutDisk(monkeypatch)
    monkeypatch.setattr(whole, "_write_synced", lambda path, data: path.write_bytes(data))
    states = cuts(tmp_path, disk, BEFORE)
    with pytest.raises(InputError, match="both files are broken"):
        all(value(tmp_path, files) for files in states)
