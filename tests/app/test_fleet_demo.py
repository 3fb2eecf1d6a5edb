"""`volant fleet demo`: what it shows and what it proves by the audit log; and all of it, at length."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from rich.console import Console

from volant.app import fleet_demo
from volant.app.exits import Exit
from volant.app.fleet_demo import demo_command
from volant.app.fleet_demo_view import Board, Followed, rows, table
from volant.app.park_command import CarLine
from volant.cloud import views
from volant.cloud.campaigns import CarState, Phase
from volant.core.errors import RefusedError
from volant.core.updates import UpdateEnd, UpdatePhase


def line(car: str, phase: UpdatePhase = UpdatePhase.IDLE, **more: Any) -> CarLine:
    kept: dict[str, Any] = {
        "title": "", "done_pct": 0, "size_bytes": 0, "units": {}, "end": None, "why": "",
        "silent": "",
    }  # fmt: skip
    return CarLine(car=car, phase=phase, **(kept | more))


def car(name: str) -> views.CarLine:
    return views.CarLine(
        car=name, groups=(), attributes={}, seen_s=None, protocol="uptane",
        runs={"pilot": "pilot-1.img"},
    )  # fmt: skip


def task(car: str, wave: str, attempt: int = 0) -> views.TaskView:
    return views.TaskView(
        campaign="spring", car=car, wave=wave, state=CarState.WAITING, attempt=attempt, reason="",
        due_s=None,
    )  # fmt: skip


def wave(name: str, *, opened: bool) -> views.WaveView:
    return views.WaveView(
        name=name, open=opened, size=1, errors=0, errors_limit=1, good=0, good_wanted=1,
        rest_until_s=None, cars={},
    )  # fmt: skip


def campaign() -> views.CampaignView:
    return views.CampaignView(
        campaign="spring", title="Spring", release="r1", phase=Phase.RUNNING, reason="by ann",
        revision=3, cars=2, good=0, errors=0, in_flight=1, wave="first", digest="d",
        plan=fleet_demo.PLAN, authors=("ann",), asked_by="ann", approved_by="bob", told=1, late=0,
        most_errors=1, waves=(wave("first", opened=True), wave("second", opened=False)),
        health=(), verbs=(),
    )  # fmt: skip


class Told:
    """Instead of a server: what its audit log and its tasks say."""

    def __init__(self, *acts: tuple[str, str, dict[str, object]]) -> None:
        self._acts = acts

    def audit(self, _: object, *, limit: int) -> list[views.AuditLine]:
        assert limit >= len(self._acts)
        made = [
            views.AuditLine(number=n, at_s=0.0, by="server", act=act, about=about, data=data)
            for n, (act, about, data) in enumerate(self._acts)
        ]
        return made[::-1]

    def tasks(self, *_: object, **__: object) -> views.TasksPage:
        return views.TasksPage(tasks=(task("A", "first"), task("B", "second")), next="")


def check(*acts: tuple[str, str, dict[str, object]]) -> None:
    class Stage:
        def desk(self, _: str) -> Told:
            return Told(*acts)

    fleet_demo._one_wave_after_the_other(cast("fleet_demo.Stage", Stage()), campaign())


TELL = {"campaign": "spring"}


def test_a_car_that_is_told_before_its_wave_is_found() -> None:
    opens = ("advance", "spring", {"wave": 1})
    check(("tell", "A", TELL), opens, ("tell", "B", TELL))
    check(("tell", "B", {"campaign": "another"}), ("tell", "A", TELL), opens, ("tell", "B", TELL))
    with pytest.raises(RefusedError, match="B of wave second was told too early"):
        check(("tell", "A", TELL), ("tell", "B", TELL), opens)


def test_what_cars_write_is_followed_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "cars.out"
    followed = Followed(path)
    assert followed.newest() == {}
    whole = msgspec.json.encode(line("A")) + b"\n"
    path.write_bytes(whole + whole[:20])
    assert set(followed.newest()) == {"A"}
    assert followed.all() == []
    with path.open("ab") as file:
        # The rest of the line never came: its writer died.
        file.write(b"\n" + msgspec.json.encode(line("B", UpdatePhase.TRIAL)) + b"\n")
    assert [one.car for one in followed.all()] == ["B"]


def test_each_car_has_a_row_with_its_own_word() -> None:
    told = {
        "A": line("A", UpdatePhase.INSTALLING, done_pct=40, units={"pilot": "factory"}),
        "B": line("B", end=UpdateEnd.ROLLED_BACK, why="new trouble codes"),
    }
    tasks = (task("A", "first"), task("B", "first"), task("C", "second"))
    cars = (car("A"), car("B"))
    assert rows(tasks, told, cars) == [
        ("A", "first", "waiting", "pilot-1.img", "installing 40 %"),
        ("B", "first", "waiting", "pilot-1.img", "rolled back new trouble codes"),
        ("C", "second", "waiting", "", ""),
    ]
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(table(campaign(), tasks, told, cars))
    assert "installing 40 %" in console.export_text()


def test_without_a_terminal_there_is_a_line_for_each_change(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Board(quiet=False) as board:
        board.show(campaign(), (), {}, ())
        board.show(campaign(), (), {}, ())
        board.show(msgspec.structs.replace(campaign(), good=1), (), {}, ())
    with Board(quiet=True) as board:
        board.show(campaign(), (), {}, ())
    said = capsys.readouterr().err.splitlines()
    assert [one.split(":")[1].strip()[:9] for one in said] == ["0 of 2 go", "1 of 2 go"]


def test_what_must_be_refused_and_is_not_is_told() -> None:
    def no() -> Sequence[str]:
        raise RefusedError("a second person approves")

    assert fleet_demo._refused(no) == "a second person approves"
    with pytest.raises(RefusedError, match="let happen"):
        fleet_demo._refused(list)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_ten_cars_and_two_campaigns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = demo_command(tmp_path / "demo", as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["ok"], told
    assert len(told["steps"]) == len(fleet_demo.STEPS)
    assert status is Exit.DONE
