"""What the README and the guides tell a user to type, typed."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.source_tree import REPO

PAGES = [
    REPO / "README.md",
    REPO / "CONTRIBUTING.md",
    *sorted((REPO / "docs" / "guides").glob("*.md")),
]
PROGRAMS = {"make", "volant", ".venv/bin/python"}


def commands(page: Path) -> list[list[str]]:
    """Lines that begin with `$` in fenced console blocks, as words; a backslash joins lines."""
    blocks = re.findall(r"^```console\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(line[2:], comments=True) for line in lines if line.startswith("$ ")]


def test_the_readme_begins_with_the_two_commands() -> None:
    assert commands(REPO / "README.md")[:2] == [["make", "drive"], ["make", "test"]]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_only_known_programs_are_asked_for(page: Path) -> None:
    assert {words[0] for words in commands(page)} <= PROGRAMS


def test_every_make_call_has_its_target() -> None:
    for words in {tuple(words) for page in PAGES for words in commands(page) if words[0] == "make"}:
        done = subprocess.run([*words, "-n"], cwd=REPO, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_volant_command_runs_as_written(page: Path, tmp_path: Path) -> None:
    """In the order of the page, in one empty folder; a live drive runs headless, to save minutes."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    for words in commands(page):
        if words[0] != "volant":
            continue
        live = words[1:2] == ["drive"] and "--headless" not in words
        done = subprocess.run(
            [*words, *(["--headless"] if live else [])],
            cwd=tmp_path,
            env={**os.environ, "PATH": path, "COLUMNS": "100"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, f"{shlex.join(words)}\n{done.stdout}\n{done.stderr}"
