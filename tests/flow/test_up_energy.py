"""The live car's outlook: it is there, dies alone, comes back with what it learned, and costs nobody anything."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.flow.test_up_signals import live_car, until
from volant.app.signal_line import SignalClient
from volant.app.up import UpAnswer

ARRIVAL = "Vehicle.Powertrain.Outlook.ArrivalCharge"
LEARNED = "Vehicle.Powertrain.Outlook.LearnedDistance"
RANGE = "Vehicle.Powertrain.Range"
LENGTH = "Vehicle.ADAS.Pilot.Route.Length"


def value(socket: Path, path: str) -> Any:
    with SignalClient(socket) as client:
        point = client.ask(do="get", paths=[path])[path]
    return None if point is None else point[0]


def processes(status: Path) -> dict[str, Any]:
    import msgspec

    answer = msgspec.json.decode(status.read_bytes(), type=UpAnswer)
    return {one.name: one for one in answer.processes}


@pytest.mark.slow
def test_an_outlook_dies_alone_and_comes_back(tmp_path: Path) -> None:
    with live_car(tmp_path) as (socket, status):
        charge_pct = until(lambda: value(socket, ARRIVAL))
        assert 60.0 < charge_pct < 80.0
        assert value(socket, LENGTH) == pytest.approx(12_000.0, abs=10.0)
        learned_m = until(lambda: (value(socket, LEARNED) or 0.0) > 50.0 and value(socket, LEARNED))
        before = until(lambda: processes(status))
        pid = before["energy"].pid
        os.kill(pid, signal.SIGKILL)
        assert value(socket, RANGE) > 100_000
        after = until(
            lambda: processes(status)["energy"].pid not in (None, pid) and processes(status)
        )
        assert {name for name in after if after[name].starts != before[name].starts} == {"energy"}
        assert value(socket, RANGE) > 100_000
        until(lambda: (value(socket, LEARNED) or learned_m) < learned_m)
        assert 60.0 < value(socket, ARRIVAL) < 80.0
        assert processes(status)["vehicle"].lost == 0
