"""`volant ota demo`: a step that does not happen ends it; and all of it, at length."""

import json
from pathlib import Path
from typing import Any

import pytest

from volant.app import ota_demo
from volant.app.exits import Exit
from volant.app.ota_demo import Step, demo_command
from volant.core.errors import RefusedError


def played(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *steps: Step
) -> tuple[Exit, Any]:
    monkeypatch.setattr(
        ota_demo, "STEPS", tuple((f"step {n}", step) for n, step in enumerate(steps))
    )
    status = demo_command(None, as_json=True)
    return status, json.loads(capsys.readouterr().out)


def fails(stage: object) -> str:
    raise RefusedError("it does not drive differently")


def test_a_step_that_fails_ends_the_demo_and_keeps_its_folder(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reached: list[str] = []

    def later(_: object) -> str:
        reached.append("later")
        return ""

    status, told = played(monkeypatch, capsys, lambda _: "seen", fails, later)
    assert status is Exit.DIFFERS
    assert not told["ok"]
    assert [(one["ok"], one["found"]) for one in told["steps"]] == [
        (True, "seen"),
        (False, "it does not drive differently"),
    ]
    assert reached == []
    folder = Path(told["folder"])
    assert folder.is_dir()
    folder.rmdir()


def test_a_command_of_ours_that_fails_is_a_step_that_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, told = played(monkeypatch, capsys, lambda stage: stage.run("repo", "status", "none"))
    assert status is Exit.DIFFERS
    assert "volant repo status" in told["steps"][0]["found"]
    Path(told["folder"]).rmdir()


def test_where_all_happened_nothing_is_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folders: list[Path] = []

    def makes(stage: ota_demo.Stage) -> str:
        folders.append(stage.folder)
        (stage.folder / "file").touch()
        return "made"

    status, told = played(monkeypatch, capsys, makes)
    assert status is Exit.DONE
    assert (told["ok"], told["folder"]) == (True, "")
    assert not folders[0].exists()


def test_a_folder_that_is_not_empty_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(RefusedError, match="not empty"):
        demo_command(tmp_path, as_json=True)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_a_whole_life_of_updates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = demo_command(tmp_path / "demo", as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["ok"], told
    assert len(told["steps"]) == len(ota_demo.STEPS)
    assert status is Exit.DONE
