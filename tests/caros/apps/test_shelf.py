"""What an app keeps and prints: bounded in names, bytes and flash."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.caros.apps.shelf import LOG_MOST_BYTES, NAME, NAMES_MOST, AppLog, Flash, Shelf
from volant.caros.flash import DataClass, FlashSettings
from volant.caros.ledger import COST_BYTES, FlashLedger
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


def lots(folder: Path, most: int) -> Flash:
    flash = Flash(FlashLedger(folder, FlashSettings()))
    flash.budget({"app": most})
    return flash


def test_the_flash_of_the_day_ends_and_is_remembered(tmp_path: Path) -> None:
    flash = lots(tmp_path, 1_000_000)
    granted_bytes = 0
    while not (why := flash.ask("app", DataClass.SUMMARY, 20_000)):
        granted_bytes += 20_000
    assert 600_000 < granted_bytes <= 1_000_000
    assert "used up" in why
    assert "used up" in lots(tmp_path, 1_000_000).ask("app", DataClass.SUMMARY, 20_000)


def test_many_small_words_ask_the_ledger_seldom(tmp_path: Path) -> None:
    flash = lots(tmp_path, 10_000_000)
    ledger, asked = flash._ledger, []
    ask = ledger.ask
    ledger.ask = lambda *words: asked.append(words) or ask(*words)  # type: ignore[func-returns-value,method-assign]
    for _ in range(500):
        assert flash.ask("app", DataClass.DETAIL, 100) == ""
    assert len(asked) == 1


def test_what_was_not_written_of_a_lot_is_given_back_at_the_end(tmp_path: Path) -> None:
    flash = lots(tmp_path, 10_000_000)
    flash.ask("app", DataClass.SUMMARY, 1000)
    flash.close()
    ledger = FlashLedger(tmp_path, FlashSettings())
    written = ledger.state().of(ledger.today()).owners["app"]
    assert 1000 <= written <= 1000 + 2 * COST_BYTES


@given(sizes=st.lists(st.integers(0, 400_000), max_size=12))
def test_what_is_granted_is_counted_whatever_is_asked(sizes: list[int]) -> None:
    with tempfile.TemporaryDirectory() as name:
        flash = lots(Path(name), 1_000_000)
        total = sum(size for size in sizes if not flash.ask("app", DataClass.SUMMARY, size))
        flash.close()
        ledger = FlashLedger(Path(name), FlashSettings())
        counted = ledger.state().of(ledger.today()).owners.get("app", 0)
        assert total <= counted <= 1_000_000


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
