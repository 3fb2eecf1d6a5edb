"""The fleet's server as a process that is killed (SIGKILL) while cars are told and report: nothing lost, nobody told twice."""

from __future__ import annotations

import json
import random
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from volant.app.fleet_folder import FleetFolder
from volant.cloud import audit
from volant.cloud.campaigns import CarState, Plan, Wave, approve, draft, submit

CARS = [f"car-{place}" for place in range(12)]
ROOT = "/DEFAULT/controller/v1"
KILLS = 4


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "volant", "fleet", "serve", str(folder)]
    command += ["--port", str(port), "--people-port", str(free_port())]
    running = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        ends = time.monotonic() + 60.0
        while time.monotonic() < ends and running.poll() is None:
            try:
                httpx.get(f"http://127.0.0.1:{port}/")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield running
    finally:
        running.kill()
        running.wait()


def begin(folder: Path) -> dict[str, str]:
    (folder.parent / "os.swu").write_bytes(b"system")
    plan = Plan(
        campaign_id="spring",
        title="Spring",
        release="os-2",
        waves=(Wave(name="all", errors_stop=100),),
        concurrency=4,
        tries=3,
        watch_s=0.0,
    )
    with FleetFolder(folder) as home:
        tokens = {car: home.admit(car, "ann", 1e9) for car in CARS}
        home.publish("os-2", "2", [folder.parent / "os.swu"], "ann", 1e9)
        home.fleet.add(draft(plan, "ann"), "ann", 1e9)
        home.fleet.act("spring", "submit", "ann", 1e9, lambda one: submit(one, "ann", 0))
        home.fleet.act(
            "spring", "approve", "bob", 1e9, lambda one: approve(one, plan.digest, "bob", 1)
        )
        home.fleet.start("spring", "ann", 2, 1e9)
    return tokens


def visit(client: httpx.Client, car: str, token: str, dice: random.Random) -> None:
    """A car asks, and says how its action went."""
    headers = {"Authorization": f"TargetToken {token}"}
    links = client.get(f"{ROOT}/{car}", headers=headers).json().get("_links", {})
    if "deploymentBase" in links:
        number = links["deploymentBase"]["href"].rpartition("/")[2].partition("?")[0]
        finished = dice.choice(["success", "failure"])
        body = {"status": {"execution": "closed", "result": {"finished": finished}}}
        path = f"{ROOT}/{car}/deploymentBase/{number}/feedback"
        client.post(path, headers=headers, json=body)


@pytest.mark.slow
def test_a_server_that_is_killed_while_cars_speak_to_it(tmp_path: Path) -> None:
    folder, port, dice = tmp_path / "fleet", free_port(), random.Random(1)
    tokens = begin(folder)
    for _ in range(KILLS):
        with server(folder, port) as running:
            client = httpx.Client(base_url=f"http://127.0.0.1:{port}")
            threading.Timer(dice.uniform(0.05, 0.4), running.kill).start()
            while running.poll() is None:
                car = dice.choice(CARS)
                with suppress(httpx.TransportError):
                    visit(client, car, tokens[car], dice)
            client.close()
    with FleetFolder(folder) as home, home.store.work() as work:
        lines = [json.loads(line) for line in work.lines()]
        assert audit.check(work.lines()) == work.head()
        tasks = list(work.tasks_in("spring"))
        campaign = work.campaign("spring")
    assert campaign is not None
    told = Counter((one["about"], one["data"]["attempt"]) for one in lines if one["act"] == "tell")
    assert told
    assert set(told.values()) == {1}
    assert campaign.told == len(told) == sum(one.attempt for one in tasks)
    counts = Counter(one.state for one in tasks)
    assert campaign.tallies[0].counts == tuple(counts[state] for state in CarState)
    assert campaign.in_flight <= 4
