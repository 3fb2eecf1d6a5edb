"""`volant app`: from new to running, and what is refused on the way."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.caros.apps.packages import KEY, package
from tests.caros.apps.running import machine_for
from tests.house.source_tree import REPO
from volant.app.app_lock import STATUS, host_of, hosting
from volant.app.app_make import app_store
from volant.app.app_run import log_command
from volant.app.cli import main
from volant.app.exits import Exit
from volant.caros.apps.isolation.levels import Level
from volant.core.errors import InputError

ID = "org.example.lights"


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def volant(*words: str) -> int:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "argv", ["volant", "app", *words])
        with pytest.raises(SystemExit) as ended:
            main()
    return int(ended.value.code or 0)


def made(version: str = "0.1.0") -> Path:
    """A new app, packed."""
    if not Path("lights").exists():
        assert volant("new", ID) == 0
    manifest = Path("lights/app.toml")
    manifest.write_text(
        re.sub(r'version = "[^"]*"', f'version = "{version}"', manifest.read_text())
    )
    assert volant("pack", "lights") == 0
    return Path(f"{ID}-{version}.vapp")


def said(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_from_new_to_installed(capsys: pytest.CaptureFixture[str]) -> None:
    package = made()
    assert volant("sign", str(package)) == 0
    assert volant("install", str(package)) == 0
    assert "it may read Vehicle.Speed" in capsys.readouterr().out
    assert volant("list", "--json") == 0
    (app,) = said(capsys)["apps"]
    assert (app["id"], app["version"], app["enabled"], app["signer"]) == (
        ID,
        "0.1.0",
        True,
        "own key",
    )
    assert app["rights"] == ["read:Vehicle.Speed"]


def test_what_is_not_signed_or_by_a_stranger_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = made()
    assert volant("install", str(package)) != 0
    assert "not signed" in capsys.readouterr().err
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "stranger"))
    assert volant("sign", str(package), "--json") == 0
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "mine"))
    assert volant("install", str(package)) != 0
    assert "not in the list of trusted keys" in capsys.readouterr().err


def test_a_stranger_s_key_can_be_trusted_and_revoked(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = made()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "stranger"))
    assert volant("sign", str(package)) == 0
    capsys.readouterr()
    assert volant("trust", "--json") == 0
    (key,) = said(capsys)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "mine"))
    assert volant("trust", key["key"], "--name", "The maker") == 0
    assert volant("install", str(package)) == 0
    assert "signed by 'The maker'" in capsys.readouterr().out
    assert volant("trust", "--revoke", key["short"]) == 0
    assert volant("install", str(package)) != 0
    assert "revoked" in capsys.readouterr().err


def test_an_older_version_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for version, status in (("0.2.0", 0), ("0.1.0", 1)):
        package = made(version)
        assert volant("sign", str(package)) == 0
        assert bool(volant("install", str(package))) == bool(status)
    assert "0.1.0 is older than 0.2.0" in capsys.readouterr().err


def test_a_misspelt_right_is_warned_of_with_the_nearest_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert volant("new", ID) == 0
    manifest = Path("lights/app.toml")
    manifest.write_text(manifest.read_text().replace("Vehicle.Speed", "Vehicle.Sped"))
    assert volant("pack", "lights") == 0
    words = "'read:Vehicle.Sped': no signal 'Vehicle.Sped'; nearest: Vehicle.Speed"
    assert f"warning: {words}" in capsys.readouterr().err
    assert volant("install", "lights", "--json") == 0
    assert said(capsys)["warnings"][0].startswith(words)


def test_the_key_is_for_its_owner_alone() -> None:
    assert volant("sign", str(made())) == 0
    (key,) = Path(os.environ["XDG_STATE_HOME"]).rglob("app-signing.pem")
    assert key.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["trip-computer", "drive-recorder", "template"])
def test_what_ships_is_installed_by_its_name(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert volant("install", name, "--json") == 0
    assert said(capsys)["rights"]


def test_programs_can_read_what_was_done(capsys: pytest.CaptureFixture[str]) -> None:
    store = app_store()
    assert volant("new", ID, "--json") == 0
    assert said(capsys) == {"id": ID, "folder": "lights"}
    manifest = Path("lights/app.toml")
    manifest.write_text(manifest.read_text().replace('"strong"', '"none"'))
    assert volant("install", "lights") == 0
    kept, log = store.kept(ID), store.log(ID)
    for folder in (kept, log):
        folder.mkdir(parents=True)
    (kept / "trips.txt").write_text("one\ntwo\n")
    (log / "app.log").write_text("begun\nended\n")
    capsys.readouterr()
    for words, told in [
        (("stop", ID), {"id": ID, "enabled": False, "host": ""}),
        (("start", ID), {"id": ID, "enabled": True, "host": ""}),
        (
            ("log", ID, "--lines", "1"),
            {"id": ID, "lines": ["ended"], "kept": [], "file": None},
        ),
        (
            ("log", ID, "--kept", "*"),
            {"id": ID, "lines": [], "kept": [{"name": "trips.txt", "bytes": 8}], "file": None},
        ),
        (
            ("log", ID, "--kept", "trips.txt", "--out", "copy.txt"),
            {
                "id": ID,
                "lines": [],
                "kept": [{"name": "trips.txt", "bytes": 8}],
                "file": "copy.txt",
            },
        ),
        (("remove", ID, "--kept-too"), {"id": ID, "kept_too": True}),
    ]:
        assert volant(*words, "--json") == 0
        assert said(capsys) == told


def test_stop_start_and_remove(capsys: pytest.CaptureFixture[str]) -> None:
    app = "org.volant.trip-computer"
    assert volant("install", "trip-computer") == 0
    assert volant("stop", app) == 0
    capsys.readouterr()
    assert volant("list", "--json") == 0
    assert said(capsys)["apps"][0]["enabled"] is False
    assert volant("remove", app) == 0
    assert volant("stop", app) != 0
    assert f"no app '{app}' is installed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ("new", "Lights"),
            "volant: 'Lights' is no id, expected two to six words with dots between",
        ),
        (("pack", "nowhere"), "has no app.toml"),
        (("sign", "nowhere.vapp"), "cannot be read"),
        (("install", "nowhere.vapp"), "no such package"),
        (("install", "trip-computr"), "nearest: trip-computer"),
        (("trust", "abc"), "64 hex digits"),
        (("trust", "--revoke", "abc"), "no trusted key is named"),
        (("log", "a.b"), "no app 'a.b'"),
        (("start", "a.b"), "no app 'a.b'"),
    ],
)
def test_a_wrong_word_is_told(
    words: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert volant(*words) != 0
    assert told in capsys.readouterr().err


def test_a_link_in_an_app_s_folder_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert volant("new", ID) == 0
    Path("lights/secret.py").symlink_to("/etc/passwd")
    assert volant("pack", "lights") != 0
    assert "link" in capsys.readouterr().err


def test_a_folder_that_is_there_is_not_overwritten(capsys: pytest.CaptureFixture[str]) -> None:
    assert volant("new", ID) == 0
    assert volant("new", ID) != 0
    assert "is there already" in capsys.readouterr().err


def test_an_app_runs_in_the_terminal_until_ctrl_c(tmp_path: Path) -> None:
    machine_for(Level.FULL)
    assert volant("new", ID) == 0
    assert volant("install", "lights") == 0
    process = subprocess.Popen(
        [sys.executable, "-m", "volant", "app", "start", ID, "--here"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(REPO / "src"), *sys.path])},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    told = []
    for line in process.stderr:
        told.append(line)
        if f"{ID}: ready" in line:
            break
    assert any("isolation: full" in line for line in told), told
    (log,) = Path(os.environ["XDG_STATE_HOME"]).rglob("app.log")
    end_s = time.monotonic() + 60.0
    while "start 1" not in log.read_text() and time.monotonic() < end_s:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60.0)
    assert "asked to end" in log.read_text()


def test_one_host_at_a_time_has_the_apps(capsys: pytest.CaptureFixture[str]) -> None:
    store = app_store()
    with hosting(store, "the car 7") as first, hosting(store, "the car 8") as second:
        assert (first, second) == (True, False)
        assert host_of(store) == "the car 7"
    assert host_of(store) == ""
    with hosting(store, "the car 8") as again:
        assert again
    (store.folder / STATUS).write_bytes(b'{"pid": 1, "level": "full", "apps": []}')
    assert volant("install", "trip-computer") == 0
    capsys.readouterr()
    assert volant("list", "--json") == 0
    assert said(capsys)["apps"][0]["phase"] == "", "what a killed host left is not believed"


def test_what_waits_for_the_terminal_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert volant("install", "trip-computer") == 0
    with hosting(app_store(), who := "volant app start a.b --here (process 7)"):
        capsys.readouterr()
        assert volant("list", "--json") == 0
        found = said(capsys)
        assert (found["host"], found["apps"][0]["phase"]) == (who, "waiting")
        assert found["apps"][0]["why"] == f"waits until {who} has ended"
        assert volant("list") == 0
        assert f"run by {who}" in capsys.readouterr().out


def test_what_an_app_keeps_is_copied_byte_for_byte(tmp_path: Path) -> None:
    store = app_store(tmp_path)
    store.change_trust(lambda trust: trust.with_key(KEY.public, "tests"))
    store.install(package())
    kept = store.kept("org.example.app")
    kept.mkdir(parents=True)
    data = bytes(range(256)) * 3
    (kept / "clip.csv").write_bytes(data)
    out = tmp_path / "copy.csv"
    assert log_command("org.example.app", 40, "clip.csv", out, tmp_path) is Exit.DONE
    assert out.read_bytes() == data
    for name in (None, "*", "other.csv", "../apps.json"):
        with pytest.raises(InputError):
            log_command("org.example.app", 40, name, out, tmp_path)
