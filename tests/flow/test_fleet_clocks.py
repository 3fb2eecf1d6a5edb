"""Real servers whose machines' clocks are wrong, or jump while they run; see docs/reference/fleet-tests.md."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from tests.cloud import live
from tests.cloud.live import LiveFleet, free_port, process, until
from volant.app.fleet_folder import FleetFolder
from volant.app.fleet_uptane import uptane_command
from volant.cloud import audit
from volant.cloud.campaigns import CarState, Task
from volant.cloud.people import Role

CARS = [f"car-{place}" for place in range(3)]
DAY_S = 86_400.0
YEARS_S = 3650 * DAY_S
NEAR_S = 120.0
"""What clocks of a fleet may differ by, and what this test takes at most on a slow machine."""


@contextmanager
def server(fleet: LiveFleet, off_s: float) -> Iterator[Path]:
    """A server of its own whose clock is wrong by so much; the file that says so."""
    file = fleet.folder.with_name(f"off-{fleet.port}")
    file.write_text(str(off_s))
    words = fleet.command("serve")[3:]
    command = [sys.executable, "-m", "tests.cloud.jumping", str(file), *words]
    ports = ("--port", str(fleet.port), "--people-port", str(fleet.people_port))
    with process([*command, *ports], log=fleet.log) as running:
        until(lambda: running.poll() is not None or fleet.answers())
        assert running.poll() is None, fleet.log.read_text(errors="replace")
        yield file


def tasks(fleet: LiveFleet) -> list[Task]:
    with FleetFolder(fleet.folder) as home, home.store.read() as work:
        return list(work.tasks_in("spring"))


def answered(fleet: LiveFleet, car: str) -> bool:
    with fleet.client(car) as client:
        return client.get("").status_code == 200


def signed_for_s(fleet: LiveFleet) -> float:
    """For how long the image repository's timestamp still holds, by the right clock."""
    found = httpx.get(f"{fleet.url}/uptane/image/metadata/timestamp.json", timeout=30.0)
    assert found.status_code == 200, found.text
    expires = datetime.fromisoformat(found.json()["signed"]["expires"])
    return expires.timestamp() - time.time()


@pytest.mark.slow
@pytest.mark.parametrize("off_s", [YEARS_S, pytest.param(-20_000 * DAY_S, marks=pytest.mark.soak)])
def test_a_server_with_a_wrong_clock_goes_by_the_time_of_another_that_runs(
    tmp_path: Path, off_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is lost or well by it, what is signed holds as long as ever, the audit log stays in order."""
    began_s = time.time()
    monkeypatch.setattr(live, "BEGUN_S", began_s)
    fleet = LiveFleet(tmp_path / "fleet")
    (tmp_path / "os.img").write_bytes(b"system")
    uptane_command(fleet.folder, (), "ann", as_json=True)
    fleet.admit(*CARS)
    fleet.publish("os-2.0", tmp_path / "os.img")
    fleet.begin("os-2.0", patience_s=7200.0, watch_s=7200.0)
    token = fleet.invite("ann", Role.OPERATOR)
    right, wrong = fleet, replace(fleet, port=free_port(), people_port=free_port())
    with server(right, 0.0):
        assert until(lambda: answered(right, CARS[0]))
        with server(wrong, off_s) as file:
            assert until(lambda: answered(wrong, CARS[1])), "once it knows whose time holds"
            with wrong.person(token) as person:
                assert until(lambda: person.get("/campaigns").status_code == 200)
                paused = person.post("/campaigns/spring/pause", json={"reason": "a look"})
                assert paused.status_code < 300, paused.text
            week_s = signed_for_s(wrong)
            assert week_s == pytest.approx(7 * DAY_S, abs=DAY_S)
            file.write_text(str(-off_s / 2.0))  # and once more, while it runs
            assert answered(wrong, CARS[1])
            assert signed_for_s(wrong) == pytest.approx(week_s, abs=NEAR_S)
    ends_s = time.time()
    for task in tasks(fleet):
        if task.state is not CarState.WAITING:
            assert task.state is CarState.TOLD
            assert task.due_s is not None
            assert began_s + 7200.0 - NEAR_S < task.due_s < ends_s + 7200.0 + NEAR_S
    with FleetFolder(fleet.folder) as home, home.store.read() as work:
        assert audit.check(work.lines()) == work.head()
        lines = [json.loads(line) for line in work.lines()]
    assert "clock" not in {one["act"] for one in lines}
    assert all(began_s - NEAR_S < one["at_s"] < ends_s + NEAR_S for one in lines)
    assert "pause" in {one["act"] for one in lines}
