"""`volant fleet watch`: what is shown of a campaign that goes on, and how it ends."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tests.cloud.office import Office
from volant.app import fleet_watch
from volant.app.exits import Exit
from volant.app.fleet_open import Where
from volant.cloud.campaigns import Wave
from volant.cloud.desk import Desk
from volant.core.errors import LinkError


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    made.begin("CAR1", "CAR2", waves=(Wave(name="all", errors_stop=2),))
    yield made
    made.close()


def watch(office: Office, monkeypatch: pytest.MonkeyPatch, *steps: Any, as_json: bool) -> Exit:
    """Watch while a step is done whenever it would sleep."""
    waiting = list(steps)
    monkeypatch.setattr(fleet_watch.time, "sleep", lambda _: waiting.pop(0)())
    where = Where(fleet=str(office.folder), by="ann")
    return fleet_watch.watch_command(where, "spring", 1.0, as_json=as_json)


def test_a_line_for_each_change_until_it_has_stopped_itself(
    office: Office, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = watch(
        office,
        monkeypatch,
        lambda: None,
        lambda: office.fail("CAR1", "disk full"),
        lambda: office.fail("CAR2", "disk full"),
        as_json=True,
    )
    lines = [json.loads(one) for one in capsys.readouterr().out.splitlines()]
    assert ended is Exit.DIFFERS
    assert [(one["phase"], one["errors"]) for one in lines] == [
        ("running", 0), ("running", 1), ("halted", 2),
    ]  # fmt: skip


def test_it_goes_on_when_the_database_was_away(
    office: Office, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def away(*_: Any) -> None:
        raise LinkError("the server is away")

    def go() -> None:
        monkeypatch.setattr(Desk, "campaign", away)

    def back() -> None:
        monkeypatch.undo()
        monkeypatch.setattr(fleet_watch.time, "sleep", lambda _: None)
        office.act("adam", "stop", reason="enough")

    ended = watch(office, monkeypatch, go, back, as_json=False)
    found = capsys.readouterr()
    assert ended is Exit.DIFFERS
    assert "spring running, wave all: 0 of 2 good, 0 in error, 0 at it" in found.out
    assert "enough" in found.out
    assert "looking again" in found.err


def test_a_table_on_a_terminal_takes_no_commands_from_cars(office: Office) -> None:
    office.fail("CAR1", "[red]disk[/red]")
    text = io.StringIO()
    view = office.desk.campaign(office.local, "spring")
    Console(file=text, width=120).print(fleet_watch.drawn(view))
    assert "1, 2 stop it" in text.getvalue()
    assert "1 of 2" not in text.getvalue().splitlines()[0]
