"""Examinations: a driver put into a scene, the run over cases, the answer and the report."""

import base64
import gzip
import json
import re
from pathlib import Path

import msgspec
import pytest

from volant.app import exam_report
from volant.app.exam_replay import is_drawn
from volant.app.exam_run import ExamWish, run_command
from volant.app.exam_stage import Wanted, run_scene
from volant.app.exits import Exit
from volant.caros.cockpit.messages import CockpitRoad
from volant.core.errors import InputError
from volant.sim.exam import basics, broken_bounds, case_named


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _run(name: str, driver: str, sensors: str = "perfect") -> tuple[str, ...]:
    scene = case_named(basics(), name).make(1)
    figures, _replay = run_scene(scene, Wanted(driver, sensors, 1))
    return broken_bounds(figures, scene.bounds)


def test_the_idm_stops_behind_a_standing_car_and_one_that_does_nothing_hits_it() -> None:
    assert _run("standing-car-50", "idm") == ()
    assert any("contacts_at_fault" in reason for reason in _run("standing-car-50", "idle"))


def test_a_driver_that_brakes_late_breaks_the_bound_of_comfort() -> None:
    assert any("accel_hardest_mps2" in reason for reason in _run("standing-car-50", "late"))


NOTHING_TO_DO = {
    "cut_in",
    "pass_by",
    "green_light",
    "give_way",
    "right",
    "priority",
    "harmless_person",
    "ghosts",
    "driver",
}
"""Kinds with cases in which holding the speed is right, for a driver that is told the truth."""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_driver_that_does_nothing_passes_only_where_standing_still_fails() -> None:
    for case in basics():
        if _run(case.name, "idle"):
            continue
        assert case.kind in NOTHING_TO_DO, case.name
        assert _run(case.name, "still") != (), case.name


def test_the_pilot_drives_an_easy_case() -> None:
    assert _run("cruise-50", "pilot", "typical") == ()


def test_the_same_case_and_seed_give_the_same_figures() -> None:
    scene = case_named(basics(), "cut-in-80-60-left-22m").make(3)
    one, other = (run_scene(scene, Wanted("idm", "typical", 3))[0] for _ in range(2))
    assert one == other


def test_the_answer_is_one_object_and_the_report_one_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    report = tmp_path / "out" / "exam.html"
    wish = ExamWish(
        "basics", driver="idm", sensors="perfect", only="cruise-50", as_json=True, report=report
    )
    assert run_command(wish) is Exit.DONE
    answer = json.loads(capsys.readouterr().out)
    assert answer["suite"] == "basics"
    assert (answer["cases"], answer["passed"], answer["failed"]) == (1, 1, [])
    assert answer["contacts_at_fault"] == 0
    page = report.read_text()
    assert "cruise-50" in page
    assert "<polyline" in page
    assert "http" not in page.replace("http://www.w3.org", "")


def test_a_contact_at_fault_is_exit_status_four_and_said_with_its_reason(
    capsys: pytest.CaptureFixture[str],
) -> None:
    wish = ExamWish(
        "basics", driver="idle", sensors="perfect", only="standing-car-30", as_json=True
    )
    assert run_command(wish) is Exit.CONTACT
    answer = json.loads(capsys.readouterr().out)
    assert answer["failed"][0]["name"] == "standing-car-30"
    assert any("contacts_at_fault" in reason for reason in answer["failed"][0]["reasons"])


def test_cases_that_are_done_are_not_run_again(capsys: pytest.CaptureFixture[str]) -> None:
    wish = ExamWish("basics", driver="idm", sensors="perfect", only="cruise-30")
    run_command(wish)
    part = next(Path("exams").glob("*.part"))
    kept = part.read_bytes().splitlines()
    run_command(wish)
    assert "1 cases are done already" in capsys.readouterr().err
    assert part.read_bytes().splitlines() == kept


def test_a_line_cut_off_by_a_crash_is_run_again() -> None:
    wish = ExamWish("basics", driver="idm", sensors="perfect", only="cruise-30")
    run_command(wish)
    part = next(Path("exams").glob("*.part"))
    whole = part.read_bytes()
    part.write_bytes(whole[:-40])
    assert run_command(wish) is Exit.DONE
    assert len(part.read_bytes().splitlines()) == 2


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (ExamWish("basic"), "no suite named 'basic'; nearest: basics"),
        (ExamWish("basics", driver="idn"), "no driver named 'idn'; nearest: idm"),
        (ExamWish("basics", sensors="perfekt"), "there are: perfect"),
        (ExamWish("basics", only="nothing-like-it"), "no case whose name holds"),
    ],
)
def test_an_unknown_word_is_answered_with_the_nearest(wish: ExamWish, words: str) -> None:
    with pytest.raises(InputError, match=words):
        run_command(wish)


def test_only_failed_cases_and_one_in_eight_others_are_drawn() -> None:
    names = [case.name for case in basics()]
    drawn = sum(is_drawn(name, passed=True) for name in names)
    assert all(is_drawn(name, passed=False) for name in names)
    assert 0 < drawn < len(names) // 4


def test_a_report_of_few_cases_shows_passed_ones_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "replay.js"
    script.write_text("const end = 1;")
    monkeypatch.setattr(exam_report, "SCRIPT", script)
    report = tmp_path / "exam.html"
    name = "standing-car-50"
    assert not is_drawn(name, passed=True)
    wish = ExamWish("basics", driver="idm", sensors="perfect", only=name, report=report)
    assert run_command(wish) is Exit.DONE
    assert "id=theatre" in report.read_text()


def test_the_report_holds_each_road_once_and_the_motion_of_what_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "replay.js"
    script.write_text("const end = '</script>';")
    monkeypatch.setattr(exam_report, "SCRIPT", script)
    report = tmp_path / "exam.html"
    run_command(ExamWish("basics", driver="idle", only="standing-car-30", report=report))
    page = report.read_text()
    packed = re.search(r"<script id=packed type=text/plain>(.*?)</script>", page)
    assert packed is not None
    held = json.loads(gzip.decompress(base64.b64decode(packed[1])))
    (film,) = held["films"]
    assert film["name"] == "standing-car-30"
    assert film["contacts_s"]
    assert len(film["stamps_s"]) == len(film["ego"]) == len(film["objects"]) > 10
    road = msgspec.msgpack.decode(base64.b64decode(held["roads"][film["road"]]), type=CockpitRoad)
    assert road.surfaces
    assert road.lines
    assert "'<\\/script>'" in page
