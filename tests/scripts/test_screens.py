"""When the screens are built, and that a build without pages is no build."""

from pathlib import Path

import pytest

from scripts import screens


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "web" / "node_modules").mkdir(parents=True)
    (tmp_path / "web" / "package.json").write_text("{}")
    (tmp_path / "web" / "package-lock.json").write_text("{}")
    return tmp_path


@pytest.fixture
def npm_calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """npm as it should be: `ci` fills node_modules, `run build` leaves a page."""
    calls: list[str] = []

    def npm(root: Path, *arguments: str) -> None:
        calls.append(arguments[0])
        if arguments[0] == "run":
            screens.static_folder(root).mkdir(parents=True)
            (screens.static_folder(root) / "cluster.html").write_text("<!doctype html>")
            screens.app_pages(root).mkdir(parents=True)
            (screens.app_pages(root) / "index.html").write_text("<!doctype html>")

    monkeypatch.setattr(screens, "npm", npm)
    return calls


def test_without_a_web_folder_there_is_nothing_to_build(tmp_path: Path) -> None:
    assert not screens.is_stale(tmp_path)


def test_screens_never_built_are_stale(root: Path) -> None:
    assert screens.is_stale(root)


def test_screens_are_fresh_after_a_build(root: Path, npm_calls: list[str]) -> None:
    screens.build(root)
    assert not screens.is_stale(root)
    assert npm_calls == ["ci", "run"]


@pytest.mark.parametrize("name", ["package-lock.json", "package.json", "kit/new.ts"])
def test_a_changed_source_makes_them_stale(root: Path, npm_calls: list[str], name: str) -> None:
    screens.build(root)
    (root / "web" / "kit").mkdir()
    (root / "web" / name).write_text("changed")
    assert screens.is_stale(root)


def test_what_npm_installs_does_not_make_them_stale(root: Path, npm_calls: list[str]) -> None:
    screens.build(root)
    (root / "web" / "node_modules" / "new.js").write_text("")
    assert not screens.is_stale(root)


def test_packages_are_installed_once_for_a_lock_file(root: Path, npm_calls: list[str]) -> None:
    screens.build(root)
    (root / "web" / "page.ts").write_text("changed")
    screens.build(root)
    assert npm_calls == ["ci", "run", "run"]


def test_a_build_that_leaves_no_page_fails(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screens, "npm", lambda root, *arguments: None)
    with pytest.raises(screens.ScreensError, match="left no page"):
        screens.build(root)
    assert screens.is_stale(root)


def test_nothing_is_built_without_pins(root: Path, npm_calls: list[str]) -> None:
    (root / "web" / "package-lock.json").unlink()
    with pytest.raises(screens.ScreensError, match="without pins"):
        screens.build(root)


def test_the_node_of_the_build_is_the_node_of_the_tests() -> None:
    pins = (Path(screens.__file__).parents[1] / "requirements" / "test.txt").read_text()
    assert f"{screens.NODE_PACKAGE} \\" in pins


def test_the_page_of_an_app_that_has_gone_is_built_again(root: Path, npm_calls: list[str]) -> None:
    screens.build(root)
    assert not screens.is_stale(root)
    (screens.app_pages(root) / "index.html").unlink()
    assert screens.is_stale(root)
    screens.build(root)
    assert npm_calls.count("run") == 2
