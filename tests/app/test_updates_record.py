"""The record of updates on a disk: what a cut or a bad file leaves is the newest decision, or words."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from volant.app import updates_record
from volant.app.cli import app as commands
from volant.app.live_context import Context
from volant.app.live_updates import _why_not
from volant.app.updates_folder import UpdatesFolder
from volant.app.updates_record import FileStore
from volant.core.errors import InputError
from volant.ota.record import Record, encode, load

CAR = "g3-520"


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "record")


def changed(data: bytes) -> bytes:
    return data[:30] + bytes([data[30] ^ 1]) + data[31:]


@pytest.mark.parametrize("bend", [changed, lambda data: data[:-1], lambda _: b""])
@pytest.mark.parametrize("which", [0, 1])
def test_what_one_file_loses_the_other_has(
    store: FileStore, bend: Callable[[bytes], bytes], which: int
) -> None:
    assert store.value is None
    for text in (b"the decision before" * 4, b"the decision" * 4):
        store.put(text)
    path = store.paths[which]
    path.write_bytes(bend(path.read_bytes()))
    assert store.value == b"the decision" * 4
    path.unlink()
    assert store.value == b"the decision" * 4


def test_a_cut_between_both_leaves_the_newer(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put(b"before")
    real = updates_record.write_whole

    def cut(path: Path, data: bytes) -> None:
        if path == store.paths[1]:
            raise OSError(5, "cut")
        real(path, data)

    monkeypatch.setattr(updates_record, "write_whole", cut)
    with pytest.raises(OSError, match="cut"):
        store.put(b"after")
    assert store.value == b"after"


def test_two_broken_files_are_no_blank_record(store: FileStore) -> None:
    store.put(encode(Record()))
    for path in store.paths:
        path.write_bytes(changed(path.read_bytes()))
    with pytest.raises(InputError, match="both files are broken"):
        load(store)
    store.forget()
    assert load(store) == Record()


def run(*words: str) -> None:
    done = CliRunner().invoke(commands, [*words, "--json"])
    assert done.exit_code == 0, done.output
    json.loads(done.stdout)


def test_a_car_with_a_broken_record_says_so_stays_locked_and_is_healed_at_a_desk(
    tmp_path: Path,
) -> None:
    repo, state = tmp_path / "repo", tmp_path / "state"
    run("repo", "init", str(repo), "--vehicle", "V1", "--car", CAR)
    run("ota", "join", str(repo), "--state", str(state))
    folder = UpdatesFolder(state, CAR)
    for path in FileStore(folder.record).paths:
        path.write_bytes(b"?")
    folder.lock("an update")
    context: Context = None  # type: ignore[assignment]  # it is not come to
    assert "both files are broken" in _why_not(folder, context)
    assert folder.lock_words() == "an update"
    run("ota", "join", str(repo), "--state", str(state))
    assert load(FileStore(folder.record)) == Record()
