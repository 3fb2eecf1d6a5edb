"""Death at each system call: a few of them here, all by `make soak`."""

import shutil
import sys
from pathlib import Path

import pytest

from tests.data_folder import on_ci
from tests.house.source_tree import REPO
from tests.marks import soaked

sys.path.insert(0, str(REPO / "scripts"))

from kill_cases import CASES
from kill_strace import BrokenError, Case, kill_everywhere


@pytest.fixture(autouse=True)
def strace() -> None:
    if shutil.which("strace") is None:
        line = "strace is not installed: apt-get install strace"
        pytest.fail(line, pytrace=False) if on_ci() else pytest.skip(line)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "every"),
    [(one, 8) for one in CASES if one.name in {"unit", "app"}],
    ids=["unit", "app"],
)
def test_some_deaths_leave_the_old_or_the_new(tmp_path: Path, case: Case, every: int) -> None:
    row = kill_everywhere(case, tmp_path, every)
    assert row.broken == []
    assert row.killed == row.went_on == -(-row.calls // every)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("case", soaked(CASES, 0), ids=lambda one: one.name)
def test_every_death_leaves_the_old_or_the_new(tmp_path: Path, case: Case) -> None:
    row = kill_everywhere(case, tmp_path)
    assert row.broken == []
    assert row.calls
    assert row.went_on == row.calls


def test_what_is_written_in_place_is_found_broken(tmp_path: Path) -> None:
    """The judge sees what it is for: a file that is emptied and then written."""

    def look(folder: Path) -> str:
        text = (folder / "file").read_text()
        if text not in {"old", "new"}:
            raise BrokenError(f"found {text!r}")
        return text

    case = Case(
        "in place",
        "",
        lambda folder: (folder / "file").write_text("old") and None,  # type: ignore[arg-type,return-value]
        lambda folder: (folder / "file").write_text("new") and None,  # type: ignore[arg-type,return-value]
        look,
    )
    row = kill_everywhere(case, tmp_path)
    assert row.calls == 2
    assert row.old == 1
    assert row.broken == ["write 1: found ''"]
