"""What `volant doctor` says about machines that lack something."""

import shutil
from pathlib import Path

import msgspec
import pytest

from volant.app import doctor
from volant.app.exits import Exit


def found(name: str) -> doctor.Finding:
    return next(one for one in doctor.examine().findings if one.name == name)


def test_this_machine_boots_the_car() -> None:
    report = doctor.examine()
    assert report.ok, [one for one in report.findings if one.needed and one.ok is False]
    assert len({one.name for one in report.findings}) == len(report.findings)


def test_what_lacks_says_what_to_do() -> None:
    assert [one.name for one in doctor.examine().findings if one.ok is False and not one.do] == []


def test_the_answer_for_machines_is_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor.doctor_command(as_json=True) is Exit.DONE
    report = msgspec.json.decode(capsys.readouterr().out, type=doctor.Report)
    assert {"python", "memory", "numba cache", "disk", "port", "CAN", "chromium"} <= {
        one.name for one in report.findings
    }


def test_the_table_in_a_pipe_has_no_blanks_at_the_ends(capsys: pytest.CaptureFixture[str]) -> None:
    doctor.doctor_command(as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 10
    assert [line for line in lines if line != line.rstrip()] == []


def test_no_cars_at_all_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "known_names", lambda kind, folder: ())
    assert found("cars").ok is False
    assert doctor.doctor_command(as_json=True) is Exit.DIFFERS


def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    full = shutil.disk_usage("/")._replace(free=0)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: full)
    disk = found("disk")
    assert disk.ok is False
    assert "--no-journal" in disk.do


def test_a_machine_without_browser_is_told_and_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.delenv("VOLANT_CHROMIUM", raising=False)
    chromium = found("chromium")
    assert chromium.ok is None
    assert chromium.found.startswith("none")


def test_a_taken_port_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = doctor._port(taken.getsockname()[1])
    assert port.ok is None
    assert "next free one" in port.do


def test_another_python_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.sys, "version_info", (3, 10, 0))
    python = doctor._python()
    assert python.ok is False
    assert python.needed


def test_a_lacking_extra_is_installed_where_volant_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "__file__", str(tmp_path / "src" / "volant" / "app" / "doctor.py"))
    assert doctor._install("highway") == "pip install 'volant[highway]'"
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "pip").touch()
    (tmp_path / "pyproject.toml").touch()
    assert doctor._install("highway") == ".venv/bin/pip install -e '.[highway]'"


def test_the_users_folder_follows_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from volant.app.folders import data_folder

    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert data_folder() == tmp_path / "data" / "volant"
    monkeypatch.setenv("XDG_DATA_HOME", "relative/is/ignored")
    assert data_folder() == tmp_path / ".local" / "share" / "volant"
    (tmp_path / ".volant").mkdir()
    assert data_folder() == tmp_path / ".volant"


def test_a_machine_without_bubblewrap_is_told_and_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    which = doctor.shutil.which
    monkeypatch.setattr(
        doctor.shutil, "which", lambda name, *more: None if name == "bwrap" else which(name, *more)
    )
    report = doctor.examine()
    found = next(one for one in report.findings if one.name == "isolation of apps")
    assert found.ok is False
    assert "apt-get install bubblewrap" in found.do
    assert not found.needed
