"""What a user gets who installs the wheel: the package, its screens and its data."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from scripts import screens
from tests.house.source_tree import PACKAGE, REPO


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names in a wheel built from this folder, whose screens set-up has built already."""
    assert not screens.is_stale(REPO), "the screens are older than web/: make setup"
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as packed:
        return set(packed.namelist())


def test_the_wheel_holds_every_module(wheel: set[str]) -> None:
    modules = {path.relative_to(PACKAGE.parent).as_posix() for path in PACKAGE.rglob("*.py")}
    assert modules <= wheel
    assert "volant/py.typed" in wheel


def test_the_wheel_holds_the_screens(wheel: set[str]) -> None:
    assert any(name.startswith("volant/static/") and name.endswith(".html") for name in wheel)
    assert any(name.startswith("volant/static/") and name.endswith(".js") for name in wheel)


@pytest.mark.parametrize("kind", ["apps", "cars", "maps"])
def test_the_wheel_holds_the_data_that_a_user_edits(wheel: set[str], kind: str) -> None:
    there = {path.name for path in (REPO / kind).rglob("*.*") if path.is_file()}
    packed = {Path(name).name for name in wheel if name.startswith(f"volant/data/{kind}/")}
    assert there
    assert there <= packed


def test_the_wheel_holds_the_licence_and_nothing_of_the_workshop(wheel: set[str]) -> None:
    assert any(name.endswith("licenses/LICENSE") for name in wheel)
    tops = {name.split("/")[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"volant"}
    assert not [name for name in wheel if name.endswith((".pyc", ".stamp", ".nbi", ".part"))]
