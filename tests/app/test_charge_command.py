"""Times as people write them, and what `volant charge` refuses before it asks a car."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.app import charge_command as command
from volant.app.charge_time import parse_time
from volant.core.errors import SettingsError

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
