"""What a car keeps of its updates: the lock that outlives everybody, history, counters, and broken files."""

from __future__ import annotations

from pathlib import Path

import pytest

from volant.app.updates_folder import HISTORY_MOST, UpdatesFolder
from volant.core.errors import InputError, RefusedError
from volant.core.updates import UpdateEnd, UpdateResult


def result(number: int) -> UpdateResult:
    return UpdateResult(end=UpdateEnd.INSTALLED, title=f"Update {number}", at_s=number, why="")


def test_the_lock_is_a_file_that_says_why(tmp_path: Path) -> None:
    folder = UpdatesFolder(tmp_path, "car")
    assert folder.lock_words() == ""
    folder.path.mkdir(parents=True)
    folder.lock("an update")
    assert UpdatesFolder(tmp_path, "car").lock_words() == "an update"
    folder.lock("an update")
    folder.unlock()
    folder.unlock()
    assert folder.lock_words() == ""
    (folder.path / "locked").mkdir()
    assert "not known" in folder.lock_words()


def test_history_is_bounded_and_broken_lines_are_passed_over(tmp_path: Path) -> None:
    folder = UpdatesFolder(tmp_path, "car")
    folder.path.mkdir(parents=True)
    assert folder.history() == ()
    for number in range(3):
        folder.add_history(result(number))
    folder.add_history(result(2))  # told twice after a cut
    assert [one.title for one in folder.history()] == ["Update 0", "Update 1", "Update 2"]
    path = folder.path / "history.jsonl"
    path.write_bytes(b"{torn\n\xff\xff\n" + path.read_bytes())
    assert len(folder.history()) == 3
    for number in range(3, HISTORY_MOST + 20):
        folder.add_history(result(number))
    assert len(folder.history()) == HISTORY_MOST


def test_counters_never_repeat(tmp_path: Path) -> None:
    folder = UpdatesFolder(tmp_path, "car")
    folder.path.mkdir(parents=True)
    first = folder.next_counter()
    assert UpdatesFolder(tmp_path, "car").next_counter() == first + 1


def test_one_at_a_time_changes_it(tmp_path: Path) -> None:
    folder = UpdatesFolder(tmp_path, "car")
    with folder.held(), pytest.raises(RefusedError, match="live car"), folder.held():
        pass


def test_what_is_broken_or_not_there_is_told(tmp_path: Path) -> None:
    folder = UpdatesFolder(tmp_path, "car")
    assert folder.joined() is None
    folder.path.mkdir(parents=True)
    (folder.path / "joined.json").write_bytes(b"\xff")
    with pytest.raises(InputError, match="says of no repository"):
        folder.joined()
    for ask in (folder.inventory, folder.repository_map, lambda: folder.key("gateway")):
        with pytest.raises(InputError, match="volant ota join"):
            ask()
