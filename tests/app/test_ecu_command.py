"""`volant ecu ...` against the DoIP entity, and `serve` as a process of its own."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.caros.diagnostics.car import DRIVE, FACTS, entity, units
from volant.app.ecu_command import Door, clear_command, list_command, read_command, scan_command
from volant.app.exits import Exit
from volant.caros.diagnostics import NegativeResponseError
from volant.core.errors import InputError, LinkError
from volant.vehicle.ecus import ECUS, SPEED

LOST = 0xC12987


@pytest.fixture
def door() -> Iterator[Door]:
    served = units()
    memory = served[DRIVE].config.faults
    assert memory is not None
    memory.report(LOST, True, 7, {SPEED.did: SPEED.encode(27.7)})
    with entity(served) as one:
        yield Door("127.0.0.1", one.port, "0E00")


def told(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_list_names_every_unit(capsys: pytest.CaptureFixture[str]) -> None:
    assert list_command(as_json=True) is Exit.DONE
    assert [row["name"] for row in told(capsys)["units"]] == [spec.name for spec in ECUS]
    list_command(as_json=False)
    said = capsys.readouterr()
    assert "radar_rear_right" in said.out
    assert "over CAN: volant up --bus with a bus outside" in said.err


def test_scan_finds_every_unit(door: Door, capsys: pytest.CaptureFixture[str]) -> None:
    assert scan_command(door, "0FF0", "1010", as_json=True) is Exit.DONE
    found = told(capsys)["units"]
    assert [row["name"] for row in found] == [spec.name for spec in ECUS]
    assert {row["vin"] for row in found} == {FACTS.vin}
    assert [row["codes"] for row in found[:3]] == [0, 1, 0]
    assert "36" in found[0]["services"]
    scan_command(door, "1001", "1001", as_json=False)
    assert FACTS.vin in capsys.readouterr().out


def test_read_tells_values_codes_and_frames(door: Door, capsys: pytest.CaptureFixture[str]) -> None:
    assert read_command(door, "drive", [], as_json=True) is Exit.DONE
    answer = told(capsys)
    values = {row["name"]: row["value"] for row in answer["values"]}
    assert (values["vin"], values["charge_pct"], values["accel_mps2"]) == (FACTS.vin, 81.5, None)
    (code,) = answer["codes"]
    assert (code["code"], code["name"]) == ("U0129-87", "brake_lost")
    assert "confirmed" in code["status"]
    assert code["frame"] == [
        {"did": "0100", "name": "speed_mps", "data": "31e2", "value": pytest.approx(27.7)}
    ]
    read_command(door, "1001", [], as_json=False)
    assert "frames of unit brake are missing" in capsys.readouterr().out


def test_states_are_told_in_words_and_unknown_ones_as_numbers(
    door: Door, capsys: pytest.CaptureFixture[str]
) -> None:
    read_command(door, "pilot", ["0800"], as_json=True)
    assert [row["value"] for row in told(capsys)["values"]] == ["engaged"]
    read_command(door, "body", ["0700"], as_json=True)
    assert [row["value"] for row in told(capsys)["values"]] == [9.0]


def test_one_identifier_is_read_or_its_refusal_told(
    door: Door, capsys: pytest.CaptureFixture[str]
) -> None:
    read_command(door, "drive", ["F190"], as_json=True)
    answer = told(capsys)
    assert [row["value"] for row in answer["values"]] == [FACTS.vin]
    assert answer["codes"] == []
    with pytest.raises(NegativeResponseError):
        read_command(door, "drive", ["9999"], as_json=True)


def test_clear_clears_one_or_all(door: Door, capsys: pytest.CaptureFixture[str]) -> None:
    assert clear_command(door, "all", as_json=True) is Exit.DONE
    assert len(told(capsys)["cleared"]) == len(ECUS)
    read_command(door, "drive", [], as_json=True)
    assert told(capsys)["codes"] == []
    clear_command(door, "drive", as_json=False)
    assert "1001" in capsys.readouterr().out


def test_a_scan_passes_over_addresses_of_groups(
    door: Door, capsys: pytest.CaptureFixture[str]
) -> None:
    assert scan_command(door, "E3FE", "E402", as_json=True) is Exit.DONE
    assert json.loads(capsys.readouterr().out) == {"units": []}
    with pytest.raises(InputError, match="--first 2000 is above --last 1000"):
        scan_command(door, "2000", "1000", as_json=True)


def test_wrong_words_are_told(door: Door) -> None:
    with pytest.raises(InputError, match="no unit 'wheel'; there are: gateway"):
        read_command(door, "wheel", [], as_json=True)
    with pytest.raises(InputError, match=r"--did: found 'G', expected hex"):
        read_command(door, "drive", ["G"], as_json=True)
    with pytest.raises(InputError, match="--source"):
        scan_command(Door("127.0.0.1", door.port, "10000"), "1000", "1001", as_json=True)
    with pytest.raises(LinkError, match="unknown_source"):
        scan_command(Door("127.0.0.1", door.port, "0D00"), "1000", "1001", as_json=True)
    with pytest.raises(LinkError, match="has no control unit 2000"):
        read_command(door, "2000", [], as_json=True)


def test_serve_answers_until_it_is_asked_to_end(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    command = [sys.executable, "-m", "volant", "ecu", "serve", "--port", "0", "--json"]
    command += ["--ready-file", str(ready), "--fault", "drive:brake_lost"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as serving:
        while not ready.exists() and serving.poll() is None:
            time.sleep(0.05)  # a process has no other way to tell
        where = json.loads(ready.read_text())
        with Door("127.0.0.1", where["port"], "0E00").open() as tester:
            assert tester.ask(DRIVE, bytes.fromhex("190208")).hex() == "5902ffc129872f"
        serving.send_signal(signal.SIGTERM)
        out, _ = serving.communicate(timeout=20)
    assert serving.returncode == 0
    assert json.loads(out) == where


@pytest.mark.parametrize(
    ("fault", "words"), [("wheel:lost", "no unit 'wheel'"), ("drive:x", "drive has no 'x'")]
)
def test_a_wrong_fault_is_told(fault: str, words: str, tmp_path: Path) -> None:
    from volant.app.ecu_serve import serve_command

    with pytest.raises(InputError, match=words):
        serve_command("127.0.0.1", 0, [fault], tmp_path / "ready", as_json=True)
