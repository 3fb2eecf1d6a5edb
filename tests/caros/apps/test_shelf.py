"""What an app keeps and prints: bounded in names, bytes and flash."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.caros.apps.shelf import LOG_MOST_BYTES, NAME, NAMES_MOST, AppLog, Flash, Shelf
from volant.caros.flash import DataClass
from volant.core.errors import InputError, RefusedError


def granted(_: int) -> str:
    return ""


def shelf(folder: Path, most: int = 1000) -> Shelf:
    return Shelf(folder / "kept", most, granted)


def test_what_is_kept_is_read_back_in_pieces(tmp_path: Path) -> None:
    kept = shelf(tmp_path, 1 << 20)
    kept.keep("a.txt", b"x" * 100_000, append=False)
    kept.keep("a.txt", b"end", append=True)
    size, first = kept.read("a.txt", 0)
    _, second = kept.read("a.txt", len(first))
    assert first + second == b"x" * 100_000 + b"end"
    assert size == 100_003
    assert kept.sizes() == {"a.txt": 100_003}
    kept.drop("a.txt")
    assert kept.read("a.txt", 0) == (-1, b"")


def test_there_is_so_much_room_and_no_more(tmp_path: Path) -> None:
    kept = shelf(tmp_path)
    kept.keep("a", bytes(600), append=False)
    kept.keep("a", bytes(900), append=False)
    for name, append in (("a", True), ("b", False)):
        with pytest.raises(RefusedError, match="no room"):
            kept.keep(name, bytes(101), append=append)
    assert kept.sizes() == {"a": 900}


def test_there_are_so_many_names_and_no_more(tmp_path: Path) -> None:
    kept = shelf(tmp_path)
    for number in range(NAMES_MOST):
        kept.keep(f"n{number}", b"", append=False)
    with pytest.raises(RefusedError, match="names"):
        kept.keep("more", b"", append=False)


@given(name=st.text(max_size=80))
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    kept = Shelf(Path("/nowhere/kept"), 1000, lambda _: "no flash in this test")
    with pytest.raises((InputError, RefusedError)) as caught:
        kept.keep(name, b"x", append=False)
    if isinstance(caught.value, RefusedError):
        assert NAME.fullmatch(name)
        assert "/" not in name
        assert not name.startswith(".")


def test_a_link_in_the_folder_is_not_what_an_app_keeps(tmp_path: Path) -> None:
    kept = shelf(tmp_path)
    kept.keep("a", b"x", append=False)
    (tmp_path / "kept" / "link").symlink_to("/etc/passwd")
    assert kept.sizes() == {"a": 1}


def test_the_flash_of_the_day_ends_and_is_remembered(tmp_path: Path) -> None:
    flash = Flash(tmp_path / "flash.json", {"app": 1000})
    assert flash.ask("app", DataClass.EVENT, 900) == ""
    assert "used up" in flash.ask("app", DataClass.EVENT, 200)
    flash.save(now=True)
    again = Flash(tmp_path / "flash.json", {"app": 1000})
    assert "used up" in again.ask("app", DataClass.EVENT, 200)
    (tmp_path / "flash.json").write_bytes(b"{")
    assert Flash(tmp_path / "flash.json", {"app": 1000}).ask("app", DataClass.EVENT, 900) == ""


def test_a_log_is_bounded_whatever_is_printed(tmp_path: Path) -> None:
    log = AppLog(tmp_path / "log", granted)
    for _ in range(200):
        log.add(b"x" * 10_000 + b"\nshort\nhalf")
    log.end()
    sizes = [path.stat().st_size for path in (tmp_path / "log").iterdir()]
    assert len(sizes) == 2
    assert all(size <= LOG_MOST_BYTES for size in sizes)
    assert log.path.read_bytes().rstrip().endswith(b"half")


def test_a_log_without_flash_ends_with_one_word(tmp_path: Path) -> None:
    log = AppLog(tmp_path / "log", lambda size: "" if size < 60 else "over")
    log.add(b"fine\n")
    for _ in range(10):
        log.add(b"x" * 100 + b"\n")
    lines = log.path.read_text().splitlines()
    assert len(lines) == 2
    assert "the log ends for today: over" in lines[1]
