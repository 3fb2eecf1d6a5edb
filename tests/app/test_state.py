"""The folder of what the car remembers: held by one, looked at by others, never in the way of a drive."""

from __future__ import annotations

from pathlib import Path

import pytest

from volant.app.folders import state_folder
from volant.app.state import open_codes
from volant.caros.codes import FILE
from volant.vehicle.ecus import ECUS
from volant.vehicle.faults import by_name

LOST = by_name(next(spec for spec in ECUS if spec.name == "pilot").faults)["pilot_lost"].code


def drive(folder: Path | None) -> None:
    with open_codes(folder) as codes:
        codes.begin_drive()
        codes.memories["pilot"].report(LOST, True, 5, {})


def test_the_users_state_is_where_xdg_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "own"))
    assert state_folder() == tmp_path / "own" / "volant"
    monkeypatch.setenv("XDG_STATE_HOME", "not/absolute")
    assert state_folder() == tmp_path / ".local" / "state" / "volant"
    (tmp_path / ".volant").mkdir()
    assert state_folder() == tmp_path / ".volant" / "state"


def test_codes_outlive_the_run_in_the_users_state() -> None:
    drive(None)
    assert (state_folder() / FILE).is_file()
    with open_codes(None) as codes:
        assert codes.confirmed() == "pilot:pilot_lost"


def test_a_folder_in_use_is_looked_at_and_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drive(tmp_path)
    with open_codes(tmp_path) as first:
        with open_codes(tmp_path) as second:
            assert second.confirmed() == "pilot:pilot_lost"
            assert second.folder != tmp_path
            second.memories["pilot"].clear()
        assert first.folder == tmp_path
    assert "in use by another volant" in capsys.readouterr().err
    with open_codes(tmp_path) as codes:
        assert codes.confirmed() == "pilot:pilot_lost"


def test_a_folder_that_cannot_be_made_is_said_and_the_drive_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    drive(tmp_path / "file")
    assert "trouble codes are not kept" in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == ""


def test_what_is_only_tried_out_is_not_kept(tmp_path: Path) -> None:
    with open_codes(tmp_path, keep=False) as codes:
        codes.memories["pilot"].report(LOST, True, 5, {})
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_said_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / FILE).write_bytes(b"\xc1")
    drive(tmp_path)
    assert "is damaged, trouble codes begin anew" in capsys.readouterr().err
    with open_codes(tmp_path) as codes:
        assert codes.confirmed() == "pilot:pilot_lost"
