"""`volant up` as a user has it: ready, driving, killed here and there, stopped, replayed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scripts import kill_table
from tests.house.source_tree import REPO
from volant.app.live_replay import replay_live
from volant.app.replay import is_live
from volant.core.messages import LiveStep
from volant.wire.journal import read_journal

TRIP = ("--distance", "12000", "--cars", "20")
TOLD_S = 0.1
"""On a machine that is not starved; else the longest wait of a screen and of a step come on top."""
ENDED = 143  # 128 + SIGTERM


def up(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "volant", "up", "--port", "0", "--no-journal", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPO / "src")},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.slow
def test_a_live_drive_outlives_its_edges_and_stops_for_its_pilot_and_replays(
    tmp_path: Path,
) -> None:
    journal = tmp_path / "live.mcap"
    with kill_table.live_car([*TRIP, "--journal", str(journal)]) as car:
        car.wait(6.0)
        edges = kill_table.kill(car, ("judge", "screens"), stops=False)
        pilot = kill_table.kill(car, ("pilot",), stops=True)
        pids = list(car.pids().values())
        late_s = max(one["late_most_ms"] for one in car.status()["processes"]) / 1e3
        ended = car.end()
        assert car.process.returncode == ENDED
    assert edges.drive_went_on
    assert set(edges.back_s) == {"judge", "screens"}
    assert pilot.told_s is not None
    assert pilot.told_s <= TOLD_S + pilot.screen_gap_s + late_s, (pilot, late_s)
    assert pilot.stood_s is not None
    assert pilot.hazard_s is not None
    assert pilot.hardest_mps2 is not None
    assert pilot.hardest_mps2 <= 4.0
    assert pilot.contacts_at_fault == 0
    assert "pilot" in pilot.back_s
    assert {one["name"]: one["starts"] for one in ended["processes"]}["pilot"] == 2
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert is_live(journal)
    again = replay_live(journal)
    assert again.agrees, again.first_difference
    lost = {one["name"]: one["lost"] for one in ended["processes"]}["recorder"]
    assert again.steps_unknown == 0 or lost > 0  # a starved recorder has no room, and counts it
    steps = [one.message for one in read_journal(journal) if isinstance(one.message, LiveStep)]
    assert {one.incarnation for one in steps if one.component == "pilot"} == {0, 1}


@pytest.mark.slow
def test_the_actuators_stop_a_car_whose_guard_is_dead() -> None:
    with kill_table.live_car([*TRIP, "--no-journal"]) as car:
        car.wait(6.0)
        found = kill_table.kill(car, ("vehicle",), stops=True)
    assert found.told_s is not None
    assert found.hazard_s is not None
    assert found.stood_s is not None
    assert found.hardest_mps2 is not None
    assert found.hardest_mps2 < 4.3  # the brakes' 4.0, and air, tyres and the sensor's noise


@pytest.mark.slow
def test_all_die_with_a_supervisor_that_is_killed() -> None:
    with kill_table.live_car([*TRIP, "--no-journal"]) as car:
        pids = car.pids()
        ends = {name: os.pidfd_open(pid) for name, pid in pids.items()}
        car.process.send_signal(signal.SIGKILL)
        car.process.wait(10.0)
        until_s = time.monotonic() + 10.0
        while time.monotonic() < until_s and any(
            Path(f"/proc/{pid}").exists() for pid in pids.values()
        ):
            car.wait(0.05)
        assert not any(Path(f"/proc/{pid}").exists() for pid in pids.values())
        for end in ends.values():
            os.close(end)


def test_a_process_table_that_contradicts_itself_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "processes.toml"
    path.write_text("[[process]]\nname = 'a'\nprogram = ['no-such-word']\n", encoding="utf-8")
    found = up(tmp_path, "--processes", str(path))
    assert found.returncode == 2
    assert f"{path}:3: a: no such program: no-such-word" in found.stderr


@pytest.mark.slow
def test_a_new_edge_needs_only_its_block_in_the_table(tmp_path: Path) -> None:
    from volant.app.up import PROCESSES

    edge = (
        "import socket, sys, time\n"
        "from volant.caros.supervise.pulse import Pulse, send_pulse\n"
        "pair = socket.socket(fileno=int(sys.argv[1]))\n"
        "while True:\n"
        "    send_pulse(pair, Pulse(note='an edge'))\n"
        "    time.sleep(0.05)\n"
    )
    (tmp_path / "edge.py").write_text(edge, encoding="utf-8")
    block = (
        f"\n[[process]]\nname = 'edge'\nprogram = ['python', '{tmp_path}/edge.py', '{{beat}}']\n"
    )
    path = tmp_path / "processes.toml"
    path.write_text(PROCESSES.read_text(encoding="utf-8") + block, encoding="utf-8")
    found = up(tmp_path, "--processes", str(path), "--for", "1", "--json", *TRIP)
    assert found.returncode == 0, found.stderr
    assert '"note": "an edge"' in found.stdout


@pytest.mark.soak
def test_the_kill_table() -> None:
    found = kill_table.table(1, (), 12.0, ("--distance", "12000"))
    for kill in found["kills"]:
        assert kill["contacts_at_fault"] == 0, kill
        assert set(kill["back_s"]) == set(kill["killed"]), kill
        most_s = 10.0 if {"signals", "apps"} & set(kill["killed"]) else 2.0
        assert all(back_s < most_s for back_s in kill["back_s"].values()), kill
        stops = bool(set(kill["killed"]) & {"pilot", "vehicle"})
        assert kill["drive_went_on"] is not stops, kill
