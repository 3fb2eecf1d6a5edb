"""Where other people's test data lies: roads, scenarios, signal trees.

It is read at test time and never copied into the project, because it is not ours to relicense.
"""

import os
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]


def on_ci() -> bool:
    """Whether a missing part is a failure (CI has everything) or a skip (a user's machine)."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false")


def find_data_folder() -> Path | None:
    """The folder named by VOLANT_DATA, else `shared/data` beside the repository, else None."""
    named = os.environ.get("VOLANT_DATA")
    folder = Path(named) if named else REPO.parent / "shared" / "data"
    return folder if folder.is_dir() else None


def data_folder() -> Path:
    """The data folder; without it the calling test is skipped, and in CI it fails."""
    folder = find_data_folder()
    if folder is not None:
        return folder
    line = "test data not found: set VOLANT_DATA to its folder"
    if on_ci():
        pytest.fail(line, pytrace=False)
    pytest.skip(line, allow_module_level=True)
