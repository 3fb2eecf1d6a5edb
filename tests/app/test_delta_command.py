"""`volant delta` as a user has it."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.trust.delta.images import pair
from volant.app.cli import app
from volant.app.exits import Exit

OLD, NEW = pair()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "old").write_bytes(OLD)
    (tmp_path / "new").write_bytes(NEW)
    return tmp_path


def ask(folder: Path, *words: str) -> Any:
    paths = [str(folder / word) if (word in {"old", "new", "d", "out"}) else word for word in words]
    done = CliRunner().invoke(app, ["delta", *paths, "--json"])
    assert done.exit_code == Exit.DONE, done.output
    return json.loads(done.stdout)


def make(folder: Path) -> Any:
    return ask(folder, "make", "old", "new", "-o", "d", "--segment", "8")


def test_a_delta_is_made_looked_into_and_applied(folder: Path) -> None:
    made = make(folder)
    assert made["bytes"] == (folder / "d").stat().st_size < len(NEW) // 2
    assert ask(folder, "info", "d") == made
    assert sum(one["target_bytes"] for one in made["segments"]) == made["target_bytes"] == len(NEW)
    applied = ask(folder, "apply", "old", "d", "-o", "out")
    assert (folder / "out").read_bytes() == NEW
    assert applied["sha256"] == made["target_sha256"]
    assert not list(folder.glob("*.part"))
    done = CliRunner().invoke(app, ["delta", "info", str(folder / "d")])
    assert f"{len(made['segments'])} of 8,192 bytes" in done.output


@pytest.mark.parametrize("left", [0, 1, 8192, 20_000, len(NEW), len(NEW) + 5])
def test_an_interrupted_run_goes_on_where_it_was(folder: Path, left: int) -> None:
    make(folder)
    (folder / "out.part").write_bytes((NEW + b"extra")[:left])
    applied = ask(folder, "apply", "old", "d", "-o", "out")
    assert applied["segments_found"] == min(left, len(NEW)) // 8192 + (left >= len(NEW))
    assert (folder / "out").read_bytes() == NEW


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / "d").write_bytes(b"short"), "ends within its header"),
        (lambda folder: (folder / "d").write_bytes(NEW), "no delta container"),
        (lambda folder: (folder / "d").write_bytes((folder / "d").read_bytes()[:-1]), "too early"),
        (lambda folder: (folder / "d").unlink(), "No such file"),
        (lambda folder: (folder / "old").write_bytes(NEW), "not the one that the delta was made"),
    ],
)
def test_what_cannot_be_is_told_and_makes_no_image(folder: Path, spoil: Any, words: str) -> None:
    make(folder)
    spoil(folder)
    arguments = ["delta", "apply", *(str(folder / one) for one in ("old", "d")), "-o"]
    done = CliRunner().invoke(app, [*arguments, str(folder / "out")])
    assert done.exit_code != Exit.DONE
    assert words in str(done.exception)
    assert not (folder / "out").exists()


def test_a_delta_that_is_too_short_is_told_by_info(folder: Path) -> None:
    make(folder)
    (folder / "d").write_bytes((folder / "d").read_bytes() + b"x")
    done = CliRunner().invoke(app, ["delta", "info", str(folder / "d")])
    assert "its header says" in str(done.exception)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("call", "nth"), [("pwrite64", 1), ("pwrite64", 3), ("fsync", 1), ("rename", 1)]
)
def test_a_run_killed_at_its_nth_system_call_is_taken_up(folder: Path, call: str, nth: int) -> None:
    """By strace, which delivers SIGKILL as the call is made; the file system is the real one."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    make(folder)
    words = ["delta", "apply", str(folder / "old"), str(folder / "d"), "-o", str(folder / "out")]
    text = "from volant.__main__ import main; main()"
    kill = ["-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={nth}"]
    done = subprocess.run(
        [strace, "-f", "-qq", *kill, "-o", os.devnull, sys.executable, "-c", text, *words],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode in {-signal.SIGKILL, 128 + signal.SIGKILL}
    out = folder / "out"
    assert not out.exists() or out.read_bytes() == NEW
    taken_up = ask(folder, "apply", "old", "d", "-o", "out")
    assert out.read_bytes() == NEW
    if call == "pwrite64":
        assert taken_up["segments_found"] >= nth - 1
