"""Set-up does each thing once, and again only when what it depends on has changed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from scripts import setup

Stage = tuple[str, str, Callable[[], str], Callable[[], None]]


class House:
    """Set-up with two stages that only note that they ran."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.keys = {"run": "1", "project": "1"}
        self.broken = ""

    def act(self, name: str) -> None:
        self.ran.append(name)
        if name == self.broken:
            raise setup.SetupError("no network")

    def stages(self, test: bool) -> list[Stage]:
        names = ["run", "project"]
        return [
            (name, name, lambda n=name: self.keys[n], lambda n=name: self.act(n)) for name in names
        ]


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    house = House()
    monkeypatch.setattr(setup, "STAMP", tmp_path / "stamp.json")
    monkeypatch.setattr(setup, "stages", house.stages)
    monkeypatch.setattr(setup, "environment_works", lambda: True)
    return house


def test_a_second_call_does_nothing(house: House) -> None:
    setup.set_up(test=False)
    setup.set_up(test=False)
    assert house.ran == ["run", "project"]


def test_only_the_stage_that_changed_runs_again(house: House) -> None:
    setup.set_up(test=False)
    house.keys["project"] = "2"
    setup.set_up(test=False)
    assert house.ran == ["run", "project", "project"]


def test_a_stage_that_failed_is_tried_again(house: House) -> None:
    house.broken = "project"
    with pytest.raises(setup.SetupError):
        setup.set_up(test=False)
    house.broken = ""
    setup.set_up(test=False)
    assert house.ran == ["run", "project", "project"]


def test_a_missing_venv_module_is_one_line_for_a_user_without_rights(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(setup.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(setup.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        setup.SetupError, match=r"^Python lacks .*apt-get install python3\.\d+-venv$"
    ):
        setup.make_environment()


def test_a_missing_browser_is_one_line_and_no_failure(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(setup.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(setup, "find_chromium", lambda: None)
    setup.set_up(test=True)
    said = [line for line in capsys.readouterr().out.splitlines() if "hromium" in line]
    assert len(said) == 1
    assert "apt-get install chromium" in said[0]


def test_a_failed_step_shows_its_output_and_what_failed(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(setup.SetupError, match="making tea failed"):
        setup.run(["sh", "-c", "echo no water; exit 3"], "making tea")
    assert "no water" in capfd.readouterr().err


def test_a_long_step_is_seen_while_it_runs(capfd: pytest.CaptureFixture[str]) -> None:
    setup.run_shown(["sh", "-c", "echo 3 of 7 >&2"], "making tea")
    assert "3 of 7" in capfd.readouterr().err
    with pytest.raises(setup.SetupError, match="making tea failed"):
        setup.run_shown(["sh", "-c", "exit 3"], "making tea")


def test_the_kernels_are_compiled_in_the_open(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[list[str]] = []
    monkeypatch.setattr(setup, "run_shown", lambda command, why: shown.append(command))
    setup.compile_kernels()
    assert [command[1:] for command in shown] == [["-m", "volant.app.warm"]]
