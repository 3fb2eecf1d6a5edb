"""The floors of the house: who may import whom (docs/adr/0001)."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.house.source_tree import PACKAGE, REPO

CONTRACTS = tomllib.loads((REPO / "pyproject.toml").read_text())["tool"]["importlinter"][
    "contracts"
]
ROOMS = ("app", "core", "caros", "cloud", "link", "ota", "phone", "pilot", "road", "safety", "sim")
ROOMS += ("trust", "vehicle", "wire")

# One forbidden import for each thing that the contracts promise to catch.
WRONG = {
    "core/settings.py": "import volant.road",
    "road/lanes.py": "import volant.wire",
    "sim/engine.py": "import volant.vehicle",
    "caros/server.py": "import volant.ota",
    "pilot/perception.py": "import volant.pilot.planning",
    "pilot/control.py": "import time",
    "pilot/prediction.py": "import volant.wire",
    "safety/guard.py": "import logging",
    "safety/aeb.py": "import volant.road",
    "wire/uds.py": "import socket",
    "trust/keys.py": "import subprocess",
    "cloud/fleet.py": "import volant.road",
    "garage/__init__.py": "",
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    linter = Path(sys.executable).with_name("lint-imports")
    environment = {**os.environ, "PYTHONPATH": str(folder), "NO_COLOR": "1", "COLUMNS": "200"}
    command = [str(linter), "--config", str(REPO / "pyproject.toml"), "--no-cache"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def build_house(folder: Path) -> None:
    """An empty house with every room, planned ones too."""
    inside = ("pipeline", "control", "planning", "prediction", "perception")
    files = ["__init__.py", "__main__.py", *(f"{room}/__init__.py" for room in ROOMS)]
    for name in [*files, *(f"pilot/{part}.py" for part in inside)]:
        path = folder / "volant" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_every_room_imports_only_what_stands_below_it() -> None:
    done = lint(REPO / "src")
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_empty_house_keeps_all_contracts(tmp_path: Path) -> None:
    build_house(tmp_path)
    done = lint(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_wrong_import_is_caught(tmp_path: Path) -> None:
    build_house(tmp_path)
    for name, line in WRONG.items():
        path = tmp_path / "volant" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{line}\n")
    report = lint(tmp_path).stdout
    for contract in CONTRACTS:
        assert f"{contract['name']} BROKEN" in report
    for name, line in WRONG.items():
        module = "volant." + name.removesuffix(".py").replace("/", ".")
        found = f"{module} -> {line.removeprefix('import ')}" if line else "garage"
        assert found in report, report


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_that_stands_is_no_longer_called_planned(room: str) -> None:
    floors = next(contract for contract in CONTRACTS if contract["id"] == "floors")
    named = [name.strip() for layer in floors["layers"] for name in layer.split("|")]
    stands = (PACKAGE / room / "__init__.py").is_file()
    assert (room if stands else f"({room})") in named
    if stands:
        assert f"volant.{room}.**" not in str(CONTRACTS)
