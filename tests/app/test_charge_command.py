"""Times as people write them, and what `volant charge` refuses before it asks a car."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.app import charge_command as command
from volant.app.charge_time import parse_time
from volant.caros.signals.arbiter import CarFacts, decide, start
from volant.core.errors import RefusedError, SettingsError
from volant.core.messages import Gear

NOW = dt.datetime(2026, 11, 30, 22, 15, tzinfo=dt.timezone(dt.timedelta(hours=1)))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("23:00", "2026-11-30T22:00:00Z"),
        ("07:30", "2026-12-01T06:30:00Z"),
        ("22:15", "2026-12-01T21:15:00Z"),
        ("+90m", "2026-11-30T22:45:00Z"),
        ("+1d", "2026-12-01T21:15:00Z"),
        ("2026-12-24T18:00", "2026-12-24T17:00:00Z"),
        ("2026-12-24T18:00:00Z", "2026-12-24T18:00:00Z"),
    ],
)
def test_times_that_people_write(text: str, found: str) -> None:
    assert parse_time(text, NOW) == found


@pytest.mark.parametrize(
    "text", ["", "25:00", "7", "+5", "+5y", "soon", "07:60", "0001-01-01", "\0"]
)
def test_what_is_no_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(SettingsError, match=r"expected 07:30"):
        parse_time(text, NOW)


@given(st.text())
def test_any_text_is_a_time_or_refused(text: str) -> None:
    try:
        found = parse_time(text, NOW)
    except SettingsError:
        return
    assert dt.datetime.fromisoformat(found).tzinfo is not None


def test_a_schedule_is_one_thing() -> None:
    for at, by, off in ((None, None, False), ("07:30", "08:00", False), ("07:30", None, True)):
        with pytest.raises(SettingsError, match="one of"):
            command.schedule_command(at, by, None, off=off, as_json=False)
    with pytest.raises(SettingsError, match="is over"):
        command.prepare_command(
            "2001-01-01T00:00:00Z", "drive", None, cabin=True, off=False, as_json=False
        )
    with pytest.raises(SettingsError, match="no, drive, charge"):
        command.prepare_command("07:30", "x", None, cabin=True, off=False, as_json=False)
    with pytest.raises(SettingsError, match="ac or dc"):
        command.plug_command("x", None, None, as_json=False)
    with pytest.raises(SettingsError, match="whole"):
        command.limit_command(80.5, None, as_json=False)


class Stub:
    """A car that does at once what the arbiter grants."""

    def __init__(self, gear: int, *, pilot_drives: bool = False) -> None:
        self.values: dict[str, Any] = {
            **dict.fromkeys(command.READ.values()),
            command.GEAR: gear,
            command.READ["charge"]: 60.0,
            command.LIMIT: 80,
            command.KIND: "NONE",
        }
        self.pilot_drives = pilot_drives

    def ask(self, *, do: str, paths: tuple[str, ...] = (), values: Any = None) -> Any:
        if do == "get":
            return {
                path: None if self.values[path] is None else [self.values[path], 0]
                for path in paths
            }
        gear = Gear.PARK if self.values[command.GEAR] == command.PARK else Gear.DRIVE
        facts = CarFacts(
            stamp_ns=0,
            speed_mps=0.0,
            gear=gear,
            pilot_drives=self.pilot_drives,
            flap_open=bool(self.values[command.FLAP]),
        )
        refused = decide(start(), "line", values, facts, 0)[1]
        if refused is not None:
            raise RefusedError(refused.reason)
        self.values |= values
        return {}


def plug(car: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextlib.contextmanager
    def found(_socket: object) -> Iterator[Stub]:
        yield car

    monkeypatch.setattr(command, "_car", found)
    command.plug_command("ac", None, None, as_json=False)


def test_plugging_puts_a_car_that_stands_in_p_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    car = Stub(127)
    plug(car, monkeypatch)
    assert car.values[command.GEAR] == command.PARK
    assert car.values[command.KIND] == "AC"
    assert "it is put in P" in capsys.readouterr().err
    plug(Stub(command.PARK), monkeypatch)
    assert "put in P" not in capsys.readouterr().err


def test_plugging_takes_the_gear_from_no_pilot(monkeypatch: pytest.MonkeyPatch) -> None:
    car = Stub(127, pilot_drives=True)
    with pytest.raises(RefusedError, match="not put in P: the pilot drives"):
        plug(car, monkeypatch)
    assert car.values[command.GEAR] == 127
