"""The run over cases: statuses, interruption and going on, processes, a worker that is killed."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from volant.app import exam_run
from volant.app.exam_run import ExamWish, run_command
from volant.app.exam_stage import Task
from volant.app.exits import Exit
from volant.core.errors import InputError, RefusedError
from volant.sim.exam import CaseResult

ONLY = "cruise"
"""The four cases that these tests pretend to drive."""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _result(task: Task, *, passed: bool = True, at_fault: float = 0.0) -> CaseResult:
    return CaseResult(
        name=task.case,
        kind="cruise",
        passed=passed,
        reasons=() if passed else ("a bound is broken",),
        figures=None,
        wall_s=0.0,
        facts={"at_fault": at_fault},
    )


def _passes(task: Task) -> CaseResult:
    return _result(task)


def _fails(task: Task) -> CaseResult:
    return _result(task, passed=False)


def _hits(task: Task) -> CaseResult:
    return _result(task, passed=False, at_fault=1.0)


def _dies(task: Task) -> CaseResult:
    os.kill(os.getpid(), signal.SIGKILL)
    return _result(task)


def _wish(jobs: int = 1) -> ExamWish:
    return ExamWish("basics", driver="idm", only=ONLY, jobs=jobs, as_json=True)


@pytest.mark.parametrize(
    ("outcome", "status"), [(_passes, Exit.DONE), (_fails, Exit.DIFFERS), (_hits, Exit.CONTACT)]
)
def test_the_exit_status_tells_the_worst_that_happened(
    monkeypatch: pytest.MonkeyPatch, outcome: object, status: Exit
) -> None:
    monkeypatch.setattr(exam_run, "run_task", outcome)
    assert run_command(_wish()) is status


def test_after_an_interruption_the_same_command_drives_only_what_is_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    driven: list[str] = []

    def stopped_after_two(task: Task) -> CaseResult:
        driven.append(task.case)
        if len(driven) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return _result(task)

    monkeypatch.setattr(exam_run, "run_task", stopped_after_two)
    assert run_command(_wish()) not in (Exit.DONE, Exit.DIFFERS, Exit.CONTACT)
    assert json.loads(capsys.readouterr().out)["cases"] == 2
    assert run_command(_wish()) is Exit.DONE
    answer = json.loads(capsys.readouterr().out)
    assert len(driven) == len(set(driven)) == answer["cases"] == answer["passed"]


def test_results_of_other_code_are_driven_again(monkeypatch: pytest.MonkeyPatch) -> None:
    driven: list[str] = []

    def counted(task: Task) -> CaseResult:
        driven.append(task.case)
        return _result(task)

    monkeypatch.setattr(exam_run, "run_task", counted)
    run_command(_wish())
    once = len(driven)
    monkeypatch.setattr(exam_run, "code_print", lambda: "changed")
    run_command(_wish())
    assert len(driven) == 2 * once


@pytest.mark.slow
def test_two_processes_give_the_answer_of_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(exam_run, "run_task", _fails)
    answers = []
    for jobs in (1, 2):
        monkeypatch.setattr(exam_run, "code_print", lambda jobs=jobs: str(jobs))
        run_command(_wish(jobs))
        answers.append(json.loads(capsys.readouterr().out))
    assert {**answers[0], "wall_s": 0} == {**answers[1], "wall_s": 0}


@pytest.mark.slow
def test_a_killed_worker_ends_the_run_with_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exam_run, "run_task", _dies)
    with pytest.raises(RefusedError, match="same command goes on"):
        run_command(_wish(2))


def test_of_those_whose_name_holds_the_word_the_first_are_driven(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The word is looked for in the whole suite, also where its cases come late."""
    monkeypatch.setattr(exam_run, "run_task", _passes)
    wish = ExamWish("basics", driver="idm", only="light", count=2, as_json=True)
    assert run_command(wish) is Exit.DONE
    assert json.loads(capsys.readouterr().out)["cases"] == 2


@pytest.mark.parametrize("place", ["/", "/dev/full"])
def test_a_report_that_cannot_be_written_is_refused_before_the_first_case(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exam_run, "run_task", _dies)
    wish = ExamWish("basics", driver="idm", only=ONLY, report=Path(place))
    with pytest.raises(InputError, match="report could be written"):
        run_command(wish)


def _children_of(pid: int) -> list[int]:
    """Processes whose parent this is."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            words = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            if int(words[1]) == pid:
                found.append(int(stat.parent.name))
    return found


def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    """Else they wait for work for ever."""
    code = (
        "from volant.app.exam_run import ExamWish, run_command\n"
        "if __name__ == '__main__':\n"
        "    run_command(ExamWish('basics', driver='idm', jobs=2))\n"
    )
    program = tmp_path / "exam.py"
    program.write_text(code, encoding="utf-8")
    parent = subprocess.Popen(
        [sys.executable, str(program)], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    children: list[int] = []
    for _ in range(600):
        children = _children_of(parent.pid)
        if len(children) >= 3 and any((tmp_path / "exams").glob("*.part")):
            break
        with contextlib.suppress(subprocess.TimeoutExpired):
            parent.wait(0.1)
    assert len(children) >= 3
    parent.kill()
    parent.communicate()  # both pipes close when the last who holds them has ended
    alive = [pid for pid in children if Path(f"/proc/{pid}/cmdline").is_file()]
    assert [pid for pid in alive if b"spawn" in Path(f"/proc/{pid}/cmdline").read_bytes()] == []
