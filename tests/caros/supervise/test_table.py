"""The process table: what it holds, and what is refused with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from volant.caros.supervise import load_table
from volant.core.errors import InputError

GOOD = """\
[[process]]
name = "pilot"
program = "volant.core.clock:seconds"
needs = ["world"]
class = "driving"

[[process]]
name = "world"
program = ["python", "-m", "volant"]
reads = ["*"]
writes = ["car/state"]
class = "driving"

[[process]]
name = "vehicle"
program = ["true"]
writes = ["car/command"]
class = "driving"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "processes.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_rows_come_after_what_they_need(tmp_path: Path) -> None:
    found = load_table(written(tmp_path, GOOD))
    assert [row.name for row in found.process] == ["world", "pilot", "vehicle"]
    assert found.row("pilot").safety == "driving"
    assert found.row("world").topics_written[0].name == "car/state"
    assert len(found.row("world").topics_read) > 10


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ('reads = ["*"]', 'needs = ["pilot"]', 4, "in a circle: pilot > world > pilot"),
        ('needs = ["world"]', 'needs = ["wrold"]', 4, "needs 'wrold'"),
        ('"volant"]', '"volant.nothing"]', 9, "no such program: python -m volant.nothing"),
        ("clock:seconds", "clok:seconds", 3, "no such program: volant.core.clok:seconds"),
        ("clock:seconds", "clock:secnds", 3, "no such program: volant.core.clock:secnds"),
        ("clock:seconds", "clock:", 3, "no such program: volant.core.clock:"),
        ('["python", "-m", "volant"]', '["no-such-word"]', 9, "no such program: no-such-word"),
        ('"car/state"', '"car/stat"', 11, "no topic is named 'car/stat'"),
        ('writes = ["car/state"]', 'writes = ["*"]', 11, "no topic is named '*'"),
        ('needs = ["world"]', 'needs = ["pilot"]', 4, "in a circle: pilot > pilot"),
        ('needs = ["world"]', 'writes = ["car/state"]', 11, "a state that pilot writes already"),
    ],
)
def test_a_contradiction_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, words: str
) -> None:
    path = written(tmp_path, GOOD.replace(old, new))
    with pytest.raises(InputError) as caught:
        load_table(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("car/command", "body/request", "writes car/command: nobody would drive"),
        ("car/state", "body/state", "writes car/state: nobody would drive"),
        ('class = "driving"', 'class = "edge"', "no process of class `driving` writes"),
    ],
)
def test_a_table_in_which_nobody_drives_is_refused(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    path = written(tmp_path, GOOD.replace(old, new))
    with pytest.raises(InputError, match=words):
        load_table(path)


def test_a_value_out_of_bounds_is_told_with_the_line_of_its_own_block(tmp_path: Path) -> None:
    good = GOOD.replace('["true"]\n', '["true"]\nbackoff_s = 0.5\n')
    text = good.replace("[[process]]\n", "[[process]]\nbackoff_s = 0.5\n", 1)
    bad = text.replace('["true"]\nbackoff_s = 0.5', '["true"]\nbackoff_s = -0.5')
    path = written(tmp_path, bad)
    load_table(written(tmp_path, text))
    path = written(tmp_path, bad)
    line = bad.splitlines().index("backoff_s = -0.5") + 1
    with pytest.raises(InputError, match=rf"processes\.toml:{line}: .*backoff_s"):
        load_table(path)


def test_two_of_one_name_are_refused(tmp_path: Path) -> None:
    block = "[[process]]\nname = 'a'\nprogram = ['true']\n"
    with pytest.raises(InputError, match=r"processes\.toml:5: a: two processes are named 'a'"):
        load_table(written(tmp_path, block + block))


@pytest.mark.parametrize(
    "text",
    ["", "[[process]]\n", "[[process]]\nname = 'Big'\nprogram = ['true']\n", "process = 3\n", "[["],
)
def test_what_is_no_table_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"processes\.toml"):
        load_table(written(tmp_path, text))


def test_an_unknown_key_is_refused_with_its_line(tmp_path: Path) -> None:
    path = written(tmp_path, "[[process]]\nname = 'a'\nprogram = ['true']\nneds = []\n")
    with pytest.raises(InputError, match=r"processes\.toml:4: .*neds"):
        load_table(path)


@pytest.mark.parametrize(
    ("line", "wrong", "words"),
    [
        (9, 'name = "one"\nprogram = "volant.app.garage_jobs:check_clips"', "two jobs are named"),
        (10, 'name = "two"\nprogram = "no_such_module:job"', "no such program: no_such_module:job"),
    ],
)
def test_a_job_that_is_wrong_is_refused_with_its_line(
    tmp_path: Path, line: int, wrong: str, words: str
) -> None:
    path = tmp_path / "processes.toml"
    path.write_text(
        '[[process]]\nname = "a"\nprogram = ["true"]\n\n[[job]]\nname = "one"\n'
        f'program = "volant.app.garage_jobs:check_clips"\n[[job]]\n{wrong}\n',
        encoding="utf-8",
    )
    with pytest.raises(InputError, match=words) as found:
        load_table(path)
    assert found.value.line == line
